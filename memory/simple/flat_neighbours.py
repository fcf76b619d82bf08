"""A flat list of what was seen where: one row for each patch of each frame, searched by scan."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from .. import archive
from ..archive import Archive, damaged
from ..frame import Frame
from ..growth import Content, cells_at
from ..recall.objects import RememberedObject, find_objects, recall, thinned
from ..retrieval import Query, Retrieval
from ..sight.intake import SETTINGS, Intake, Surface
from ..sight.sightings import patches_of
from .places import nearest_places
from .row_memory import RowMemory
from .rows import Columns, Rows


class FlatNeighbours(RowMemory):
    """One row a frame and connected patch of one label: where its middle was, how large, when.

    A category is answered by grouping the rows of that label, a position by the rows nearest to it. What was
    seen through is not forgotten.

    Args:
        max_bytes: of rows, 20 bytes each; the oldest go first.
        width: frames are thinned to at most so many pixels across.
        voxel_size_m: how far apart two points of a patch are.
        max_depth_m: planar depth from which a return is no surface.
        min_depth_m: planar depth up to which a return is ignored.

    Raises:
        ConfigError: a size or depths that make no sense.
    """

    columns: ClassVar[Columns] = {
        "position": (np.float32, 3),
        "label": (np.uint16, 1),
        "count": (np.uint16, 1),
        "step": (np.int32, 1),
    }
    """A row: the middle of a patch, its label (0 = none), its voxels, and when it was seen."""

    def __init__(
        self,
        max_bytes: int = 16 << 20,
        width: int = 64,
        voxel_size_m: float = 0.1,
        max_depth_m: float = 10.0,
        min_depth_m: float = 0.0,
    ) -> None:
        intake = Intake(int(width), float(voxel_size_m), float(max_depth_m), float(min_depth_m))
        super().__init__(max_bytes, intake, intake.voxel_size_m)

    def write(self, frame: Frame) -> None:
        """Adds a row for each patch, and drops the oldest rows until all fit.

        Raises:
            FrameError: the frame cannot be taken in; the memory is as it was before.
        """
        surface = self._intake.surface(self._intake.reduced(frame))
        self._clock.tick(frame.step)
        if len(surface.labels) == 0:
            return
        fresh = self._patches(surface, self._clock.at(frame.step))
        rows = {name: np.concatenate([self._rows[name], fresh[name]]) for name in self.columns}
        self._update(rows, fresh)

    def _patches(self, surface: Surface, step: int) -> Rows:
        """A row for each group of voxels that have one label and are connected."""
        patches = patches_of(surface, self._intake.voxel_size_m)
        return {
            "position": patches.positions.astype(np.float32),
            "label": patches.labels.astype(np.uint16),
            "count": np.minimum(patches.counts, np.iinfo(np.uint16).max).astype(np.uint16),
            "step": np.full(len(patches.counts), step, np.int32),
        }

    def retrieve(self, query: Query, k: int) -> Retrieval:
        """Objects of the query's category, or the ``k`` rows nearest to the query's position."""
        if query.category is not None:
            return recall(self._objects_of(query.category), query, k, self._clock.now, "flat")
        rows = self._rows
        return nearest_places(
            rows["position"].astype(np.float64),
            rows["label"].astype(np.int64),
            rows["step"].astype(np.int64),
            query,
            k,
            self._clock.now,
            "flat",
        )

    def forget_labels(self) -> None:
        """Keeps the patches and forgets what they belong to."""
        labels = np.zeros_like(self._rows["label"])
        self._begin({**self._rows, "label": labels}, self._dropped)

    @classmethod
    def for_archive(cls, stored: Archive) -> "FlatNeighbours":
        """An empty memory with the settings of an archive.

        Raises:
            ArchiveError: settings that are missing or make no sense.
        """
        return archive.build(cls, stored, ("max_bytes", *SETTINGS))

    def _own_settings(self) -> Mapping[str, int | float]:
        return {}

    def _require_whole(self, rows: Rows) -> None:
        if not bool(np.isfinite(rows["position"]).all()):
            raise damaged("finite positions", "others")

    def _content(self, rows: Rows) -> Content:
        cells = cells_at(rows["position"].astype(np.float64), self._intake.voxel_size_m)
        return Content(cells, rows["label"].astype(np.int64))

    def _objects_of(self, category: int) -> tuple[RememberedObject, ...]:
        if category not in self._objects:
            of_it, size = np.flatnonzero(self._rows["label"] == category), self._intake.voxel_size_m
            voxels = np.floor(self._rows["position"][of_it].astype(np.float64) / size).astype(np.int64)
            counts, steps = (self._rows[name][of_it].astype(np.int64) for name in ("count", "step"))
            self._objects[category] = find_objects(thinned(voxels, counts, steps, size))
        return self._objects[category]
