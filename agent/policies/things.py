"""What has been seen where, coarsely: the surroundings from which expectations are formed."""

from collections import Counter

import numpy as np
from jaxtyping import Float64, Int64

from placecell.arrays import Point, Points
from placecell.geometry import transform
from placecell.memory import Frame, SparseOctree

_CELL_M = 0.5
_STOREY_M = 2.5
_EVERY = 4  # pixels in each direction
_FEWEST = 2  # pixels of a category in a cell that count as one sight of it
_SIGHTS = 2  # sights after which a thing is believed


class ThingsSeen:
    """Counts in how many frames each category showed up in each half-metre cell."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forgets everything."""
        self._sights: Counter[tuple[int, int, int, int]] = Counter()
        self._known: tuple[Int64[np.ndarray, " n"], Float64[np.ndarray, "n 3"]] | None = None

    def see(self, frame: Frame) -> None:
        """Takes in a frame's labels; one without says nothing."""
        if frame.labels is None:
            return
        depth = frame.depth[::_EVERY, ::_EVERY]
        labels = frame.labels[::_EVERY, ::_EVERY]
        wanted = (depth > 0) & (labels > 0)
        rays = frame.camera.rays()[::_EVERY, ::_EVERY][wanted]
        points = transform(frame.T_world_camera, rays * depth[wanted][:, None])
        self._count(labels[wanted].astype(np.int64), points, _FEWEST, 1)

    def recall(self, octree: SparseOctree, categories: int) -> None:
        """Takes in what a map holds from before: its labelled voxels of categories 1 to ``categories``."""
        for category in range(1, categories + 1):
            centres = octree.labelled(category).centres
            self._count(np.full(len(centres), category, np.int64), centres, 1, _SIGHTS)

    def around(self, place: Point, within_m: float) -> Int64[np.ndarray, " n"]:
        """The categories believed to be within ``within_m`` over the ground, on the storey above a place."""
        categories, places = self._believed()
        away = places - place
        level = (away[:, 2] > -0.5) & (away[:, 2] < _STOREY_M)
        return np.unique(categories[level & (np.hypot(away[:, 0], away[:, 1]) < within_m)])

    def _count(self, categories: Int64[np.ndarray, " n"], points: Points, fewest: int, sights: int) -> None:
        cells = np.floor(points / _CELL_M).astype(np.int64)
        keys, counts = np.unique(np.column_stack([categories, cells]), axis=0, return_counts=True)
        for key in keys[counts >= fewest].tolist():
            self._sights[tuple(key)] += sights
        self._known = None

    def _believed(self) -> tuple[Int64[np.ndarray, " n"], Float64[np.ndarray, "n 3"]]:
        if self._known is None:
            rows = [key for key, sights in self._sights.items() if sights >= _SIGHTS]
            table = np.array(rows, np.int64).reshape(-1, 4)
            self._known = table[:, 0], (table[:, 1:] + 0.5) * _CELL_M
        return self._known
