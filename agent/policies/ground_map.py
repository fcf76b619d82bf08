"""Where the agent can walk, as far as its own memory tells: floors and obstacles, read from the octree."""

import math
from dataclasses import dataclass

import numpy as np

from placecell.arrays import Point, Points
from placecell.geometry import Pose
from placecell.memory import SparseOctree

from ..perception.embodiment import Embodiment
from .ground_kernels import LAYERS, NONE, farthest_straight, mark_steep, read_columns, search

_BORDER = 64  # cells of unknown around what is known


@dataclass(frozen=True)
class Route:
    """A way to the goal over known floors and through the unknown.

    ``points`` (n, 3) lead from the body to the goal; ``unknown`` (n,) marks those nobody has seen yet;
    ``target`` is the last of them that a straight line reaches.
    """

    points: Points
    unknown: np.ndarray
    target: Point

    @property
    def frontier(self) -> Point | None:
        """Where the way first leaves what is known; None when all of it is known."""
        ahead = np.flatnonzero(self.unknown)
        return self.points[ahead[0]] if len(ahead) else None


class GroundMap:
    """Columns of the octree's voxels, kept up to date where the camera looks.

    The map is the agent's own: nothing of the simulator's ground enters it.
    """

    def __init__(self, octree: SparseOctree, embodiment: Embodiment, range_m: float) -> None:
        self._octree, self._range_m = octree, range_m
        size = octree.voxel_size_m
        self._climb = max(1, math.floor(embodiment.max_climb_m / size + 1e-6))
        self._height = math.ceil(embodiment.height_m / size)
        self._radius = math.ceil(embodiment.radius_m / size - 1e-6)
        self.clear()

    def clear(self) -> None:
        """Forgets every column."""
        self._origin = np.zeros(2, np.int64)
        self._allocate((0, 0))

    def _allocate(self, shape: tuple[int, int]) -> None:
        self._floors = np.full((*shape, LAYERS), NONE, np.int16)
        self._steep = np.zeros((*shape, LAYERS), np.bool_)
        self._low, self._high = np.full(shape, NONE, np.int16), np.full(shape, NONE, np.int16)
        self._seen, self._bumped = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)

    def _cover(self, *points: Point) -> None:
        """Grows the map so that it holds these points and a border of unknown around them."""
        cells = np.stack([self._cell(p) for p in points])
        low, high = cells.min(0) - _BORDER, cells.max(0) + _BORDER + 1
        shape = np.array(self._low.shape)
        if shape[0] and (low >= self._origin - _BORDER // 2).all() and (high <= self._origin + shape + _BORDER // 2).all():
            inside = (cells >= self._origin).all() and (cells < self._origin + shape).all()
            if inside:
                return
        if shape[0]:
            low, high = np.minimum(low, self._origin), np.maximum(high, self._origin + shape)
        old, was = (self._floors, self._steep, self._low, self._high, self._seen, self._bumped), self._origin
        self._origin = low
        self._allocate((int(high[0] - low[0]), int(high[1] - low[1])))
        x, y = was - low
        for new, before in zip((self._floors, self._steep, self._low, self._high, self._seen, self._bumped), old, strict=True):
            new[x : x + before.shape[0], y : y + before.shape[1]] = before

    def _cell(self, point: Point) -> np.ndarray:
        return np.floor(np.asarray(point)[:2] / self._octree.voxel_size_m).astype(np.int64)

    def look(self, pose: Pose) -> None:
        """Reads anew the columns around a body that has just written what it sees."""
        reach = np.array([self._range_m, self._range_m, 0.0])
        self._cover(pose.position - reach, pose.position + reach)
        lower, upper = self._octree.bounds()
        cells = math.ceil(self._range_m / self._octree.voxel_size_m)
        centre = self._cell(pose.position)
        low = np.maximum(np.maximum(centre - cells, lower[:2]), self._origin)
        high = np.minimum(np.minimum(centre + cells + 1, upper[:2]), self._origin + np.array(self._low.shape))
        if (high <= low).any():
            return
        # Room above the highest voxel, so that the topmost surface can be a floor.
        states = self._octree.states_in_box(
            np.array([*low, lower[2]]), np.array([*high, upper[2] + self._height + 1])
        )
        x, y = low - self._origin
        read_columns(
            states, int(x), int(y), int(lower[2]), self._height, self._floors, self._low, self._high, self._seen
        )
        mark_steep(self._floors, self._steep, int(x), int(y), int(x) + states.shape[0], int(y) + states.shape[1], self._climb)

    def bump(self, pose: Pose, ahead_m: float, width_cells: int) -> None:
        """Remembers that something unseen stood ``ahead_m`` before a body, ``width_cells`` to either side."""
        ahead = pose.position + ahead_m * np.array([math.cos(pose.yaw_rad), math.sin(pose.yaw_rad), 0.0])
        aside = self._octree.voxel_size_m * np.array([-math.sin(pose.yaw_rad), math.cos(pose.yaw_rad), 0.0])
        self._cover(ahead)
        for offset in np.arange(-width_cells, width_cells + 1e-6, 0.5):
            x, y = self._cell(ahead + offset * aside) - self._origin
            self._bumped[x, y] = True

    def forgive(self) -> None:
        """Forgets what was bumped into."""
        self._bumped[:] = False

    def route(self, pose: Pose, goal: Point, *, radius_cells: int | None = None, storey_m: float = 0.5) -> Route | None:
        """The cheapest way to the goal through known and unknown ground, or None if all ways are blocked."""
        self._cover(pose.position, goal)
        size = self._octree.voxel_size_m
        start, end = self._cell(pose.position) - self._origin, self._cell(goal) - self._origin
        # Feet stand on a floor voxel: its index is the one just below them.
        k, goal_k = (math.floor((z + 0.25 * size) / size) - 1 for z in (pose.z, float(goal[2])))
        radius = self._radius if radius_cells is None else radius_cells
        path = search(
            self._floors, self._steep, self._low, self._high, self._seen, self._bumped, int(start[0]), int(start[1]), k,
            int(end[0]), int(end[1]), goal_k, self._climb, self._height, radius, radius + 2,
            math.ceil(storey_m / size),
        )  # fmt: skip
        if len(path) == 0:
            return None
        x, y = pose.position[:2] / size - self._origin
        last = farthest_straight(
            self._floors, self._steep, self._low, self._high, self._bumped, path, x, y, k, self._climb, self._height, radius,
            10.0 / size,
        )  # fmt: skip
        points = np.empty((len(path), 3))
        points[:, :2] = (path[:, :2] + self._origin + 0.5) * size
        points[:, 2] = (path[:, 2] + 1) * size
        points[-1] = goal
        return Route(points, path[:, 3].astype(bool), points[last])
