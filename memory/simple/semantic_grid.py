"""A flat grid of labels: what stands in which square metre, and how high it is."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from jaxtyping import Int64

from placecell.errors import ConfigError

from .. import archive
from ..archive import Archive, damaged
from ..frame import Frame
from ..growth import Content
from ..morton import SIGN_OFFSET
from ..recall.objects import RememberedObject, Sightings, find_objects, recall
from ..retrieval import Query, Retrieval
from ..sight.intake import SETTINGS, Intake, Surface
from .places import nearest_places
from .row_memory import RowMemory
from .rows import Columns, Rows, empty_rows


class SemanticGrid(RowMemory):
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

    columns: ClassVar[Columns] = {
        "key": (np.int64, 1),
        "votes": (np.uint32, 1),
        "top": (np.float32, 1),
        "step": (np.int32, 1),
    }
    """A row, one a cell and label, by rising key (which holds both): voxels seen, the top, when last seen."""

    def __init__(
        self,
        max_bytes: int = 16 << 20,
        cell_m: float = 0.2,
        width: int = 64,
        voxel_size_m: float = 0.1,
        max_depth_m: float = 10.0,
        min_depth_m: float = 0.0,
    ) -> None:
        intake = Intake(int(width), float(voxel_size_m), float(max_depth_m), float(min_depth_m))
        if not intake.voxel_size_m <= cell_m < float("inf"):
            raise ConfigError(
                expected=f"cells of {intake.voxel_size_m:g} m, the voxel size, or more",
                came=f"cell_m {cell_m:g}",
                fix="set cell_m in metres, for example 0.2",
            )
        self.cell_m = float(cell_m)
        super().__init__(max_bytes, intake, self.cell_m)

    def write(self, frame: Frame) -> None:
        """Counts what the frame shows in each cell, and drops what is oldest until all fit.

        Raises:
            FrameError: the frame cannot be taken in; the memory is as it was before.
        """
        surface = self._intake.surface(self._intake.reduced(frame))
        self._clock.tick(frame.step)
        if len(surface.labels) == 0:
            return
        fresh = self._cells(surface, self._clock.at(frame.step))
        self._update(_merged(self._rows, fresh), fresh)

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
        self._begin(_merged(empty_rows(self.columns), nothing), self._dropped)

    @classmethod
    def for_archive(cls, stored: Archive) -> "SemanticGrid":
        """An empty memory with the settings of an archive.

        Raises:
            ArchiveError: settings that are missing or make no sense.
        """
        return archive.build(cls, stored, ("max_bytes", "cell_m", *SETTINGS))

    def _own_settings(self) -> Mapping[str, int | float]:
        return {"cell_m": self.cell_m}

    def _require_whole(self, rows: Rows) -> None:
        if bool((np.diff(rows["key"], prepend=-1) <= 0).any()):
            raise damaged("cells by rising key", "others")

    def _content(self, rows: Rows) -> Content:
        by_votes = np.argsort(rows["votes"], kind="stable")
        x, y = _columns(rows["key"][by_votes])
        return Content(np.column_stack([x, y, np.zeros_like(x)]), rows["key"][by_votes] & 0xFFFF)

    def _places(self, rows: Int64[np.ndarray, " n"]) -> np.ndarray:
        keys = self._rows["key"][rows]
        cells = np.column_stack(_columns(keys))
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


def _columns(keys: Int64[np.ndarray, " n"]) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    """The cells' indices along x and y."""
    return (keys >> 37) - SIGN_OFFSET, ((keys >> 16) & 0x1FFFFF) - SIGN_OFFSET


def _merged(rows: Rows, more: Rows) -> Rows:
    """Both, one row a key: votes summed, the highest top, the latest step."""
    both = {name: np.concatenate([rows[name], more[name]]) for name in rows}
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
