"""A flat grid of labels: what stands in which square metre, and how high it is."""

import numpy as np
from jaxtyping import Int64

from placecell.errors import ConfigError

from . import archive
from .archive import Archive, damaged
from .clock import Clock
from .frame import Frame
from .intake import SETTINGS, Intake, Surface
from .memory import Memory, Start
from .morton import SIGN_OFFSET
from .objects import RememberedObject, Sightings, find_objects, recall
from .places import nearest_places
from .retrieval import Query, Retrieval
from .rows import Rows, checked, empty_rows, latest, most_rows, row_bytes

COLUMNS: dict[str, tuple[type, int]] = {
    "key": (np.int64, 1),
    "votes": (np.uint32, 1),
    "top": (np.float32, 1),
    "step": (np.int32, 1),
}
"""A row, one a cell and label, by rising key (which holds both): voxels seen, the top, when last seen."""


class SemanticGrid(Memory):
    """Cells from above, each with the labels seen in it, their votes and the height of their tops.

    One vote a frame and voxel of the label's surface. A category is answered by grouping the cells that have
    its label, a position by the cells nearest to it. One grid for all storeys, and what was seen through is
    not forgotten.

    Args:
        max_bytes: of rows, 20 bytes a cell and label; what was not seen for longest goes first.
        cell_m: edge length of a cell, at least ``voxel_size_m``.
        width: frames are thinned to at most so many pixels across.
        voxel_size_m: how far apart two points of a surface are.
        max_depth_m: planar depth from which a return is no surface.
        min_depth_m: planar depth up to which a return is ignored.

    Raises:
        ConfigError: a size or depths that make no sense.
    """

    def __init__(
        self,
        max_bytes: int = 16 << 20,
        cell_m: float = 0.2,
        width: int = 64,
        voxel_size_m: float = 0.1,
        max_depth_m: float = 10.0,
        min_depth_m: float = 0.0,
    ) -> None:
        self.max_bytes, self._most = int(max_bytes), most_rows(int(max_bytes), COLUMNS)
        self._intake = Intake(int(width), float(voxel_size_m), float(max_depth_m), float(min_depth_m))
        if not self._intake.voxel_size_m <= cell_m < float("inf"):
            raise ConfigError(
                expected=f"cells of {self._intake.voxel_size_m:g} m, the voxel size, or more",
                came=f"cell_m {cell_m:g}",
                fix="set cell_m in metres, for example 0.2",
            )
        self.cell_m, self._clock = float(cell_m), Clock()
        self._replace(empty_rows(COLUMNS), 0)

    def begin_episode(self, start: Start) -> None:
        """Empties the memory (``"cold"``), or keeps what earlier episodes left (``"warm"``)."""
        if self._clock.begin_episode(start):
            self._replace(empty_rows(COLUMNS), 0)

    def write(self, frame: Frame) -> None:
        """Counts what the frame shows in each cell, and drops what is oldest until all fit.

        Raises:
            FrameError: the frame cannot be taken in; the memory is as it was before.
        """
        surface = self._intake.surface(self._intake.reduced(frame))
        self._clock.tick(frame.step)
        if len(surface.labels) == 0:
            return
        rows = _merged(self._rows, self._cells(surface, self._clock.at(frame.step)))
        kept = latest(rows, self._most)
        self._replace(kept, self._dropped + len(rows["step"]) - len(kept["step"]))

    def _cells(self, surface: Surface, step: int) -> Rows:
        centres = (surface.indices[:, :2] + 0.5) * self._intake.voxel_size_m
        cells = np.floor(centres / self.cell_m).astype(np.int64) + SIGN_OFFSET
        return {
            "key": (cells[:, 0] << 37) | (cells[:, 1] << 16) | surface.labels,
            "votes": np.ones(len(cells), np.uint32),
            "top": surface.tops.astype(np.float32),
            "step": np.full(len(cells), step, np.int32),
        }

    def retrieve(self, query: Query, k: int) -> Retrieval:
        """Objects of the query's category, or the ``k`` cells whose tops are nearest."""
        if query.category is not None:
            return recall(self._objects_of(query.category), query, k, self._clock.now, "grid")
        every, labels = np.arange(len(self._rows["key"])), _labels(self._rows)
        steps = self._rows["step"].astype(np.int64)
        return nearest_places(self._places(every), labels, steps, query, k, self._clock.now, "grid")

    def forget_labels(self) -> None:
        """Keeps each cell's top and forgets what stands there."""
        nothing = {**self._rows, "key": self._rows["key"] & ~np.int64(0xFFFF)}
        self._replace(_merged(empty_rows(COLUMNS), nothing), self._dropped)

    def stats(self) -> dict[str, float]:
        """``bytes`` that count against the cap, ``items``: labels in cells, and how many were ``dropped``."""
        rows = len(self._rows["step"])
        return {
            "bytes": float(rows * row_bytes(COLUMNS)),
            "items": float(rows),
            "dropped": float(self._dropped),
        }

    def pack(self) -> Archive:
        """A snapshot of settings, clock and rows."""
        manifest = {**self._settings(), "dropped": self._dropped, **self._clock.pack()}
        rows = {name: column.copy() for name, column in self._rows.items()}
        return Archive(type(self).__name__, manifest, rows)

    def unpack(self, stored: Archive) -> None:
        """Becomes what :meth:`pack` gave.

        Raises:
            ArchiveError: an archive of another class or of other settings, or one that does not hold
                together; the memory is as it was before.
        """
        archive.require_kind(stored.kind, type(self).__name__)
        archive.require_settings(stored, self._settings())
        clock, dropped = Clock.read(stored.manifest), archive.settings(stored, ["dropped"])["dropped"]
        rows = checked(stored.arrays, COLUMNS, self._most)
        if bool((np.diff(rows["key"], prepend=-1) <= 0).any()):
            raise damaged("cells by rising key", "others")
        self._replace(rows, int(dropped))
        self._clock = clock

    @classmethod
    def for_archive(cls, stored: Archive) -> "SemanticGrid":
        """An empty memory with the settings of an archive.

        Raises:
            ArchiveError: settings that are missing or make no sense.
        """
        return archive.build(cls, stored, ("max_bytes", "cell_m", *SETTINGS))

    def _settings(self) -> dict[str, int | float]:
        return {"max_bytes": self.max_bytes, "cell_m": self.cell_m, **self._intake.settings()}

    def _replace(self, rows: Rows, dropped: int) -> None:
        self._rows, self._dropped = rows, dropped
        self._objects: dict[int, tuple[RememberedObject, ...]] = {}

    def _places(self, rows: Int64[np.ndarray, " n"]) -> np.ndarray:
        keys = self._rows["key"][rows]
        cells = np.column_stack([keys >> 37, (keys >> 16) & 0x1FFFFF]) - SIGN_OFFSET
        return np.column_stack([(cells + 0.5) * self.cell_m, self._rows["top"][rows].astype(np.float64)])

    def _objects_of(self, category: int) -> tuple[RememberedObject, ...]:
        if category not in self._objects:
            of_it = np.flatnonzero(_labels(self._rows) == category)
            votes, steps = (self._rows[name][of_it].astype(np.int64) for name in ("votes", "step"))
            seen = Sightings(self._places(of_it), votes, steps, np.zeros((0, 4), np.int64))
            self._objects[category] = find_objects(seen, axes=2)
        return self._objects[category]


def _labels(rows: Rows) -> Int64[np.ndarray, " n"]:
    return rows["key"] & 0xFFFF


def _merged(rows: Rows, more: Rows) -> Rows:
    """Both, one row a key: votes summed, the highest top, the latest step."""
    both = {name: np.concatenate([rows[name], more[name]]) for name in COLUMNS}
    order = np.argsort(both["key"], kind="stable")
    keys = both["key"][order]
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    if len(first) == 0:
        return both
    return {
        "key": keys[first],
        "votes": np.add.reduceat(both["votes"][order], first, dtype=np.uint32),
        "top": np.maximum.reduceat(both["top"][order], first),
        "step": np.maximum.reduceat(both["step"][order], first),
    }
