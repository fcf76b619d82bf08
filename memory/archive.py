"""A memory as one file: safetensors, with a JSON manifest in its metadata. No pickle.

Written atomically: a path holds the old memory or the new one, never a part of it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from placecell.arrays import atomic_write
from placecell.errors import ArchiveError, OutputError

FORMAT = "placecell-memory"
VERSION = 1
CONVENTION = "world frame right-handed, x east, y north, z up, metres; voxel = floor(point / voxel size)"


@dataclass(frozen=True)
class Archive:
    """What a memory is made of.

    Args:
        kind: the class that wrote it.
        manifest: its settings and counters, plain JSON.
        arrays: its content by name.
    """

    kind: str
    manifest: Mapping[str, object] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)


def save(archive: Archive, path: Path) -> None:
    """Writes the archive to ``path``, replacing what is there.

    Raises:
        OutputError: the file cannot be written.
    """
    header = {
        "version": VERSION,
        "kind": archive.kind,
        "convention": CONVENTION,
        "manifest": dict(archive.manifest),
    }
    # One entry, because safetensors writes several in random order: equal memories make equal files.
    metadata = {FORMAT: json.dumps(header, sort_keys=True)}
    arrays = {name: np.ascontiguousarray(array) for name, array in archive.arrays.items()}
    try:
        atomic_write(path, to_bytes(arrays, metadata))
    except OSError as error:
        raise OutputError(
            expected=f"a place to write the memory {path}",
            came=str(error.strerror or error),
            fix="name a file in a folder that exists and can be written",
        ) from error


def load(path: Path, kind: str) -> Archive:
    """The archive at ``path``, wholly read.

    Args:
        path: a file that :func:`save` wrote.
        kind: the class that asks.

    Raises:
        ArchiveError: a file that is missing, truncated, foreign, of a newer version or of another class.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            manifest = _checked(file.metadata() or {}, path, kind)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return Archive(kind, manifest, arrays)
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise ArchiveError(
            expected=f"a whole memory archive in {path}",
            came="no such file" if isinstance(error, FileNotFoundError) else f"{error}",
            fix="save the memory again, or name the file that Memory.save wrote",
        ) from error


def damaged(what: str, came: str) -> ArchiveError:
    """The error of an archive that can be read but does not hold together."""
    return ArchiveError(expected=f"an archive with {what}", came=came, fix="save the memory again")


def _checked(metadata: Mapping[str, str], path: Path, kind: str) -> Mapping[str, object]:
    if FORMAT not in metadata:
        raise ArchiveError(
            expected=f"a {FORMAT} archive in {path}",
            came=f"a safetensors file with the metadata {sorted(metadata)}",
            fix="name the file that Memory.save wrote",
        )
    header = json.loads(metadata[FORMAT])
    if not (isinstance(header, dict) and isinstance(header.get("manifest"), dict)):
        raise damaged("a manifest", "none")
    if not (isinstance(header["version"], int) and 1 <= header["version"] <= VERSION):
        raise ArchiveError(
            expected=f"an archive of version {VERSION} or older",
            came=f"version {header['version']}",
            fix="load it with the placecell that wrote it, or update placecell",
        )
    if header["kind"] != kind:
        raise ArchiveError(
            expected=f"the archive of a {kind}",
            came=f"that of a {header['kind']}",
            fix=f"load it with {header['kind']}.load",
        )
    return header["manifest"]
