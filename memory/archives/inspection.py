"""What an archive holds, from its header alone: its arrays are not read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..archive import VERSION, opened
from .header import Header
from .layout import Entry

OCTREE = "octree"
"""The part whose arrays have no prefix."""
_COUNTS = {
    "keys": "blocks",
    "evidence": "voxels",
    "topology.place.id": "places",
    "topology.landmark.id": "landmarks",
    "topology.edge.ends": "edges",
    "short_term.number": "entries",
    "long_term.number": "rows",
}
"""The arrays that have a row for each of something a reader knows."""


@dataclass(frozen=True)
class Part:
    """One part of a memory.

    Attributes:
        name: the prefix of its arrays, or :data:`OCTREE`.
        arrays: how many there are.
        nbytes: theirs.
        counts: how many of what it holds, as far as its arrays are known here.
    """

    name: str
    arrays: int
    nbytes: int
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Inspection:
    """An archive, looked into.

    Attributes:
        path: where it is.
        nbytes: of the file.
        header: what it says of itself.
        entries: its arrays, by name.
    """

    path: Path
    nbytes: int
    header: Header
    entries: tuple[Entry, ...]

    @property
    def outdated(self) -> bool:
        """Whether it is of an older version, as which it is read, and which ``migrate`` lifts."""
        return self.header.version < VERSION

    def parts(self) -> tuple[Part, ...]:
        """The parts of which it holds arrays, the largest first."""
        held: dict[str, list[Entry]] = {}
        for entry in self.entries:
            prefix, dot, _ = entry.name.partition(".")
            held.setdefault(prefix if dot else self._bare, []).append(entry)
        parts = [
            Part(
                name,
                len(entries),
                sum(entry.nbytes for entry in entries),
                {_COUNTS[entry.name]: entry.shape[0] for entry in entries if _counts(entry)},
            )
            for name, entries in held.items()
        ]
        return tuple(sorted(parts, key=lambda part: (-part.nbytes, part.name)))

    def to_json(self) -> dict[str, object]:
        """All of it, for programs."""
        header = self.header
        return {
            "path": str(self.path),
            "bytes": self.nbytes,
            "version": header.version,
            "outdated": self.outdated,
            "kind": header.kind,
            "convention": header.convention,
            "embedding_model": header.embedding_model,
            "provenance": header.provenance,
            "manifest": header.manifest,
            "parts": [
                {"name": part.name, "arrays": part.arrays, "bytes": part.nbytes, "counts": dict(part.counts)}
                for part in self.parts()
            ],
            "arrays": [
                {"name": e.name, "dtype": str(np.dtype(e.dtype)), "shape": list(e.shape), "bytes": e.nbytes}
                for e in self.entries
            ],
        }

    @property
    def _bare(self) -> str:
        return OCTREE if self.header.kind == "SpatialMemory" else "rows"


def inspect(path: Path) -> Inspection:
    """Looks into an archive of any class.

    Raises:
        ArchiveError: a file that is missing, truncated, foreign or of a newer version.
    """
    with opened(path) as (file, header, layout):
        size = file.seek(0, 2)
        return Inspection(Path(path), size, header, tuple(sorted(layout.entries, key=lambda e: e.name)))


def _counts(entry: Entry) -> bool:
    # The first octrees had a row of evidence for each block.
    dense = entry.name == "evidence" and len(entry.shape) > 1
    return entry.name in _COUNTS and len(entry.shape) > 0 and not dense
