"""A memory as one file: safetensors, with a JSON manifest in its metadata. No pickle.

Written atomically: a path holds the old memory or the new one, never a part of it.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from placecell.arrays import atomic_write
from placecell.errors import ArchiveError, ConfigError, OutputError

T = TypeVar("T")

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


def require_kind(came: str, kind: str) -> None:
    """Raises :class:`ArchiveError` unless an archive is that of the class that asks."""
    if came != kind:
        raise ArchiveError(
            expected=f"the archive of a {kind}", came=f"that of a {came}", fix=f"load it with {came}.load"
        )


def settings(stored: Archive, names: Iterable[str]) -> dict[str, int | float]:
    """The numbers of these names in an archive's manifest.

    Raises:
        ArchiveError: one that is missing or no number.
    """
    found: dict[str, int | float] = {}
    for name in names:
        value = stored.manifest.get(name)
        if not isinstance(value, int | float):
            raise damaged("a manifest of valid settings", f"{name} {value!r}")
        found[name] = value
    return found


def build(kind: Callable[..., T], stored: Archive, names: Iterable[str]) -> T:
    """An empty memory of the class that asks, with the settings of these names in an archive.

    Raises:
        ArchiveError: settings that are missing or make no sense.
    """
    try:
        return kind(**settings(stored, names))
    except ConfigError as error:
        raise damaged("a manifest of valid settings", f"{error}") from error


def require_settings(stored: Archive, own: Mapping[str, int | float]) -> None:
    """Raises :class:`ArchiveError` unless an archive's memory was built with these settings."""
    for name, value in settings(stored, own).items():
        if value != own[name]:
            raise ArchiveError(
                expected=f"an archive with {name} {own[name]:g}, as this memory's",
                came=f"{value:g}",
                fix=f"load it from its file, or build the memory with {name}={value:g}",
            )


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
    require_kind(header["kind"], kind)
    return header["manifest"]
