"""The outside of an archive, which is that of a safetensors file: 8 bytes of length, a JSON header, arrays.

Read here and not by the library, because a memory map needs the offsets, from the very file that was checked,
and a file that somebody else made must not name an array twice, hide bytes, or cost more than its own size.
"""

import json
import math
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

ALIGNMENT = 64
"""Arrays begin at a multiple of this, so that a mapped one can be computed with as it lies."""
MOST_HEADER = 4 << 20
"""No memory's header comes near to so many bytes; a hostile one would cost many times its length."""
MOST_NESTED = 32
"""Lists and objects in one another: what is read must be shown and written again without end of the stack."""
MOST_WIDE = 1 << 20
"""Numbers that a row of an array without content may claim: who reads one makes room for the first rows."""
METADATA = "__metadata__"
TYPES: Mapping[str, str] = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "U64": "<u8",
    "I32": "<i4",
    "U32": "<u4",
    "I16": "<i2",
    "U16": "<u2",
    "I8": "|i1",
    "U8": "|u1",
    "BOOL": "|b1",
}
"""What safetensors calls NumPy's types."""
_NAMES = {dtype: name for name, dtype in TYPES.items()}
_PLAIN = re.compile(r"\w[\w.-]{0,199}", re.ASCII)
_KEYS = {"dtype", "shape", "data_offsets"}


class LayoutError(ValueError):
    """Bytes that are no whole file of this layout; says in a few words what is wrong."""


@dataclass(frozen=True)
class Entry:
    """Where an array lies.

    Attributes:
        name: of letters, digits, ``_``, ``.`` and ``-``.
        dtype: its type, little-endian.
        shape: its shape.
        begin: its first byte, counted from the file's.
    """

    name: str
    dtype: np.dtype
    shape: tuple[int, ...]
    begin: int

    @property
    def nbytes(self) -> int:
        """Of its content."""
        return self.dtype.itemsize * math.prod(self.shape)


@dataclass(frozen=True)
class Layout:
    """What the header says: its metadata, and where each array lies, by rising place."""

    metadata: Mapping[str, str]
    entries: tuple[Entry, ...]


def read_layout(file: BinaryIO) -> Layout:
    """Reads the header and nothing else; what it says fits the file's length to the byte.

    Raises:
        LayoutError: it does not, or it is no header.
    """
    size = file.seek(0, 2)
    file.seek(0)
    first = file.read(8)
    if len(first) < 8:
        raise LayoutError(f"{size} bytes")
    (length,) = struct.unpack("<Q", first)
    if length > min(size - 8, MOST_HEADER):
        raise LayoutError(f"a header of {length} bytes in a file of {size}")
    told = parse(file.read(length))
    if not isinstance(told, dict):
        raise LayoutError("a header that is no JSON object")
    metadata = told.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise LayoutError("metadata that are not texts by name")
    entries = sorted((_entry(name, about, 8 + length) for name, about in told.items()), key=_place)
    for entry in entries:
        _require_sober(entry, size)
    end = 8 + length
    for entry in entries:
        if entry.begin != end:
            raise LayoutError(f"an array {entry.name} that overlaps another, or a gap before it")
        end += entry.nbytes
    if end != size:
        raise LayoutError(f"{size} bytes, where its header tells of {end}")
    return Layout(metadata, tuple(entries))


def header_of(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> tuple[bytes, list[str]]:
    """The bytes before the arrays, and the arrays' names in the order in which they are to follow.

    Raises:
        LayoutError: a name or type that there cannot be, or a header that is too large.
    """
    # Wide items first keeps each array aligned to its own, without gaps.
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    told: dict[str, object] = {METADATA: dict(metadata)}
    end = 0
    for name in order:
        array = arrays[name]
        kind = array.dtype.newbyteorder("<").str
        if kind not in _NAMES or not _is_plain(name):
            raise LayoutError(f"an array {name!r} of {array.dtype}")
        told[name] = {
            "dtype": _NAMES[kind],
            "shape": list(array.shape),
            "data_offsets": [end, end + array.nbytes],
        }
        end += array.nbytes
    text = json.dumps(told, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % ALIGNMENT)
    if len(text) > MOST_HEADER:
        raise LayoutError(f"a header of {len(text)} bytes, above {MOST_HEADER}")
    return struct.pack("<Q", len(text)) + text, order


def parse(text: bytes | str) -> object:
    """JSON in which no name stands twice, and which is at most ``MOST_NESTED`` deep.

    Raises:
        LayoutError: it is none.
    """
    try:
        told: object = json.loads(text, object_pairs_hook=_once)
    except LayoutError:
        raise
    except (ValueError, RecursionError) as error:
        raise LayoutError(f"a header that is no JSON: {error}") from error
    level = [told]
    for _ in range(MOST_NESTED):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return told
    raise LayoutError(f"a header that is no JSON of {MOST_NESTED} levels at most")


def _inside(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise LayoutError(f"a header with {name[:80]!r} twice")
        found[name] = value
    return found


def _entry(name: str, about: object, start: int) -> Entry:
    if not _is_plain(name):
        raise LayoutError(f"an array named {name[:80]!r}")
    if not isinstance(about, dict) or about.keys() != _KEYS or not isinstance(about["dtype"], str):
        raise LayoutError(f"an array {name} without type, shape and place")
    shape, offsets = about["shape"], about["data_offsets"]
    if about["dtype"] not in TYPES:
        raise LayoutError(f"an array {name} of type {about['dtype'][:80]!r}")
    if not (_are_counts(shape) and _are_counts(offsets) and len(offsets) == 2 and len(shape) <= 8):
        raise LayoutError(f"an array {name} of a shape or place that there cannot be")
    entry = Entry(name, np.dtype(TYPES[about["dtype"]]), tuple(shape), start + offsets[0])
    if entry.nbytes != offsets[1] - offsets[0]:
        raise LayoutError(f"an array {name} of {entry.nbytes} bytes in a place of {offsets[1] - offsets[0]}")
    return entry


def _require_sober(entry: Entry, size: int) -> None:
    """Raises :class:`LayoutError` for an array of nothing that claims more than the file could hold."""
    if entry.nbytes == 0:
        rows, *wide = (length or 1 for length in entry.shape)
        if rows > size or math.prod(wide) > MOST_WIDE:
            raise LayoutError(f"an array {entry.name} of nothing, of the shape {entry.shape}")


def _place(entry: Entry) -> tuple[int, int, str]:
    return entry.begin, entry.nbytes, entry.name


def _is_plain(name: str) -> bool:
    """Whether it is a name, and nothing that a path, a terminal or a table takes for something else."""
    return _PLAIN.fullmatch(name) is not None and ".." not in name and name != METADATA


def _are_counts(values: object) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 1 << 62 for value in values)
