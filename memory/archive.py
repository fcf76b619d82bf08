"""A memory as one file: safetensors, with a JSON manifest in its metadata. No pickle.

Written atomically: a path holds the old memory or the new one, never a part of it. What the file says of
itself is in ``archives/header.py``, how it is laid out in ``archives/layout.py``.
"""

import inspect
import os
import stat
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Literal, TypeVar, Union, get_args, get_origin

import numpy as np

from placecell.errors import ArchiveError, ConfigError, OutputError

from .archives.header import CONVENTION as CONVENTION
from .archives.header import FORMAT as FORMAT
from .archives.header import VERSION as VERSION
from .archives.header import Header, metadata_of, read_header
from .archives.layout import Layout, LayoutError, header_of, read_layout
from .archives.mapped import map_arrays, read_arrays
from .archives.writing import write_whole

T = TypeVar("T")
Setting = int | float | str | bool | None


@dataclass(frozen=True)
class Archive:
    """What a memory is made of.

    Args:
        kind: the class that wrote it.
        manifest: its settings and counters, plain JSON.
        arrays: its content by name.
        provenance: where it comes from, plain JSON, as whoever saves it wants to have it known. Nothing is
            added to it, no clock time either: equal archives make equal files.
    """

    kind: str
    manifest: Mapping[str, object] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    provenance: Mapping[str, object] = field(default_factory=dict)


def save(archive: Archive, path: Path) -> None:
    """Writes the archive to ``path``, replacing what is there; also where its arrays are mapped from there.

    Raises:
        OutputError: the file cannot be written, or the archive cannot be put into one.
    """
    arrays = {name: np.asarray(array) for name, array in archive.arrays.items()}
    try:
        metadata = metadata_of(archive.kind, archive.manifest, archive.provenance)
        read_header(metadata)
        header, order = header_of(arrays, metadata)
    except (ArchiveError, RecursionError, TypeError, ValueError) as error:
        raise OutputError(
            expected="an archive of plain JSON and of arrays of numbers, by plain names",
            came=f"{error}",
            fix="pack what an archive can hold",
        ) from error
    try:
        write_whole(path, header, [arrays[name] for name in order])
    except OSError as error:
        raise OutputError(
            expected=f"a place to write the memory {path}",
            came=str(error.strerror or error),
            fix="name a file in a folder that exists and can be written",
        ) from error


def load(path: Path, kind: str | None = None) -> Archive:
    """The archive at ``path``, wholly read; of an older version as one of the present.

    Args:
        path: a file that :func:`save` wrote.
        kind: the class that asks; None takes any.

    Raises:
        ArchiveError: a file that is missing, truncated, foreign, of a newer version or of another class.
    """
    with opened(path) as (file, header, layout):
        if kind is not None:
            require_kind(header.kind, kind)
        return Archive(header.kind, header.manifest, read_arrays(file, layout), header.provenance)


def open_mapped(path: Path, kind: str | None = None) -> Archive:
    """As :func:`load`, but its arrays are read-only views of the file, read when they are looked at.

    They keep what they show when :func:`save` replaces the file.

    Raises:
        ArchiveError: as :func:`load`.
    """
    with opened(path) as (file, header, layout):
        if kind is not None:
            require_kind(header.kind, kind)
        return Archive(header.kind, header.manifest, map_arrays(file, layout), header.provenance)


@contextmanager
def opened(path: Path) -> Iterator[tuple[BufferedReader, Header, Layout]]:
    """An archive's file, what it says of itself, and where its arrays lie, none of which is read.

    Raises:
        ArchiveError: a file that is missing, truncated, foreign or of a newer version.
    """
    try:
        mode = os.stat(path).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise LayoutError("no plain file")  # opening a pipe would wait for whoever writes to it
        with open(path, "rb") as file:
            layout = read_layout(file)
            header = read_header(layout.metadata)
            if header is None:
                raise ArchiveError(
                    expected=f"a {FORMAT} archive in {path}",
                    came=f"a safetensors file with the metadata {str(sorted(layout.metadata))[:200]}",
                    fix="name the file that Memory.save wrote",
                )
            yield file, header, layout
    except (LayoutError, OSError) as error:
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


def settings(stored: Archive, names: Iterable[str]) -> dict[str, Setting]:
    """The numbers, texts, truths and Nones of these names in an archive's manifest.

    Raises:
        ArchiveError: one that is missing or nothing of these.
    """
    found: dict[str, Setting] = {}
    for name in names:
        value = stored.manifest.get(name, ())
        if not isinstance(value, int | float | str | bool | None) or (
            isinstance(value, int) and abs(value) >= 1 << 63
        ):
            raise _no_sense(name, stored)
        found[name] = value
    return found


def whole(stored: Archive, name: str) -> int:
    """The whole number of this name in an archive's manifest.

    Raises:
        ArchiveError: it is missing or no whole number.
    """
    value = settings(stored, [name])[name]
    if type(value) is not int:
        raise _no_sense(name, stored)
    return value


def build(kind: Callable[..., T], stored: Archive, names: Iterable[str]) -> T:
    """An empty memory of the class that asks, with the settings of these names in an archive.

    Raises:
        ArchiveError: settings that are missing, of another type than the class takes, or make no sense.
    """
    own = settings(stored, names)
    wanted = inspect.signature(kind, eval_str=True).parameters
    for name, value in own.items():
        asked = wanted[name].annotation if name in wanted else None
        if asked is not None and not _fits(value, asked):
            raise _no_sense(name, stored)
        if asked is float and isinstance(value, int):
            own[name] = float(value)
    try:
        return kind(**own)
    except (ConfigError, MemoryError) as error:
        raise damaged("a manifest of valid settings", f"{error}") from error


def require_settings(stored: Archive, own: Mapping[str, Setting]) -> None:
    """Raises :class:`ArchiveError` unless an archive's memory was built with these settings."""
    for name, value in settings(stored, own).items():
        if any(isinstance(own[name], kind) and not isinstance(value, kind) for kind in (int | float, str)):
            raise _no_sense(name, stored)
        if value != own[name]:
            raise ArchiveError(
                expected=f"an archive with {name} {_shown(own[name])}, as this memory's",
                came=_shown(value),
                fix=f"load it from its file, or build the memory with {name}={_shown(value)}",
            )


def _shown(value: Setting) -> str:
    return (
        f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else repr(value)[:200]
    )


def _no_sense(name: str, stored: Archive) -> ArchiveError:
    return damaged("a manifest of valid settings", f"{name} {stored.manifest.get(name)!r}"[:120])


def _fits(value: Setting, wanted: object) -> bool:
    """Whether a parameter annotated so takes the value; what is annotated otherwise, the class judges."""
    if get_origin(wanted) is Literal:
        return value in get_args(wanted)
    if get_origin(wanted) in (Union, types.UnionType):
        return any(_fits(value, one) for one in get_args(wanted))
    if wanted is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if wanted is int:
        return type(value) is int
    return isinstance(value, wanted) if wanted in (str, bool, types.NoneType) else True
