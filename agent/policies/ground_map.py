"""Where the agent can walk, as far as its own memory tells: floors and obstacles, read from the octree."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from jaxtyping import Bool

from placecell.arrays import Point, Points
from placecell.geometry import Pose
from placecell.memory import SparseOctree

from ..perception.embodiment import Embodiment
from ..picture import TopDown
from .columns import NONE, Columns, Gait, mark_steep, read_columns
from .flood import Flood, flood
from .frontiers import Frontier, count_unseen, find_frontiers
from .optimistic_search import farthest_straight, search
from .stepping import free_steps

_BORDER = 64  # cells of unknown kept around what was asked for
_SLAB = 128  # columns each way that are read at once of a map from before
_LOOKAHEAD_M = 10.0


@dataclass(frozen=True)
class Route:
    """A way to the goal over known floors and through the unknown.

    ``points`` (n, 3) lead from the body to the goal; ``unknown`` (n,) marks those nobody has seen yet;
    ``target`` is the last of them that a straight line reaches.
    """

    points: Points
    unknown: Bool[np.ndarray, "n"]
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
        self._octree, self._range_m, self._size = octree, range_m, octree.voxel_size_m
        self._gait = Gait(
            climb=max(1, math.floor(embodiment.max_climb_m / self._size + 1e-6)),
            height=math.ceil(embodiment.height_m / self._size),
            radius=math.ceil(embodiment.radius_m / self._size - 1e-6),
        )
        camera, self._radius_m = embodiment.camera, embodiment.radius_m
        across, down = (-camera.cx, camera.width - camera.cx), (-camera.cy, camera.height - camera.cy)
        self._half_view = math.atan2(camera.width / 2, camera.fx)
        self._corners = np.array([[u / camera.fx, v / camera.fy, 1.0] for u in across for v in down]).T
        self.clear()

    def clear(self) -> None:
        """Forgets every column."""
        self._origin, self._columns = np.zeros(2, np.int64), Columns.empty(0, 0)

    def _cell(self, point: Point) -> np.ndarray:
        """The column of a point, counted from the map's corner."""
        return np.floor(point[:2] / self._size).astype(np.int64) - self._origin

    def _underfoot(self, feet_z: float) -> int:
        """The height of the floor voxel that feet stand on: the one just below them."""
        return math.floor(feet_z / self._size + 0.25) - 1

    def _cover(self, *points: Point) -> None:
        """Grows the map until it holds these points, with a border of unknown around them."""
        cells = np.stack([self._cell(p) for p in points])
        shape = np.array(self._columns.low.shape)
        if (cells >= 0).all() and (cells < shape).all():
            return
        low, high = cells.min(0) - _BORDER, cells.max(0) + _BORDER + 1
        if shape.all():
            low, high = np.minimum(low, 0), np.maximum(high, shape)
        grown = Columns.empty(*(high - low).tolist())
        for new, old in zip(grown, self._columns, strict=True):
            new[-low[0] : shape[0] - low[0], -low[1] : shape[1] - low[1]] = old
        self._origin, self._columns = self._origin + low, grown

    def read_all(self) -> None:
        """Reads every column that the octree holds, a slab at a time: what earlier episodes have left."""
        lower, upper = self._octree.bounds()
        if (upper <= lower).any():
            return
        self._cover(lower * self._size, (upper - 1) * self._size)
        low, high = lower[:2] - self._origin, upper[:2] - self._origin
        for x in range(int(low[0]), int(high[0]), _SLAB):
            for y in range(int(low[1]), int(high[1]), _SLAB):
                self._read(np.array([x, y]), np.minimum([x + _SLAB, y + _SLAB], high))
        # Steepness asks the neighbours: only now is every slab's edge known.
        mark_steep(self._columns, *low.tolist(), *high.tolist(), self._gait.climb)

    def look(self, pose: Pose, seen_m: float = math.inf) -> None:
        """Reads anew the columns around a body that has just written what it sees, up to ``seen_m`` away."""
        view = self._view(pose, min(self._range_m, seen_m))
        self._cover(*view)
        lower, upper = self._octree.bounds()
        low = np.maximum(self._cell(view.min(0)), lower[:2] - self._origin)
        high = np.minimum(self._cell(view.max(0)) + 1, upper[:2] - self._origin)
        if (high <= low).any():
            return
        self._read(low, high)
        mark_steep(self._columns, *low.tolist(), *high.tolist(), self._gait.climb)

    def _read(self, low: np.ndarray, high: np.ndarray) -> None:
        """Reads the columns of cells in [low, high)."""
        lower, upper = self._octree.bounds()
        # Room above the highest voxel, so that the topmost surface can be a floor.
        top = upper[2] + self._gait.height + 1
        states = self._octree.states_in_box(
            np.array([*(low + self._origin), lower[2]]), np.array([*(high + self._origin), top])
        )
        read_columns(states, int(low[0]), int(low[1]), int(lower[2]), self._gait.height, self._columns)

    def _view(self, pose: Pose, range_m: float) -> Points:
        """Points around the part of the ground that a camera at ``pose`` may have changed."""
        forward, left, _ = replace(pose, yaw_rad=0.0).T_world_camera(0.0)[:3, :3] @ self._corners
        half = float(np.abs(np.arctan2(left, forward)).max())
        angles = pose.yaw_rad + np.linspace(-half, half, 9)
        rim = range_m / math.cos(half / 8)
        ahead = rim * np.stack([np.cos(angles), np.sin(angles), np.zeros(9)], -1)
        return pose.position + np.concatenate([ahead, 2 * self._size * np.array([[-1, -1, 0], [1, 1, 0]])])

    def bump(self, pose: Pose, ahead_m: float, width_cells: int) -> None:
        """Remembers that something unseen stood ``ahead_m`` before a body, ``width_cells`` to either side."""
        ahead = pose.position + ahead_m * np.array([math.cos(pose.yaw_rad), math.sin(pose.yaw_rad), 0.0])
        aside = self._size * np.array([-math.sin(pose.yaw_rad), math.cos(pose.yaw_rad), 0.0])
        line = [ahead + offset * aside for offset in np.arange(-width_cells, width_cells + 1e-6, 0.5)]
        self._cover(*line)
        cells = [self._cell(point) for point in line]
        # With the corner between each two of them, or a diagonal step would slip through.
        corners = [np.array([after[0], before[1]]) for before, after in pairwise(cells)]
        self._charge([*cells, *corners])

    def doubt(self, route: Route) -> None:
        """Makes the next metre or so of a route cost as if the body had run into something there."""
        self._charge([self._cell(point) for point in route.points[2:12]])

    def _charge(self, cells: Sequence[np.ndarray]) -> None:
        for x, y in {tuple(cell.tolist()) for cell in cells}:
            self._columns.bumped[x, y] = min(int(self._columns.bumped[x, y]) + 1, 255)

    def forgive(self) -> None:
        """Forgets what was bumped into."""
        self._columns.bumped[:] = 0

    def route(self, pose: Pose, goal: Point, *, squeeze: bool = False, storey_m: float = 0.5) -> Route | None:
        """The cheapest way to the goal through known and unknown ground, or None if all ways are blocked.

        With ``squeeze`` the body asks for no room around itself.
        """
        self._cover(pose.position, goal)
        gait = self._gait._replace(radius=0) if squeeze else self._gait
        start, end = self._cell(pose.position), self._cell(goal)
        k, goal_k = self._underfoot(pose.z), self._underfoot(float(goal[2]))
        path = search(
            self._columns, gait, *start.tolist(), k, *end.tolist(), goal_k, math.ceil(storey_m / self._size)
        )
        self._columns.planned[:] = False
        if len(path) == 0:
            return None
        self._columns.planned[path[:, 0], path[:, 1]] = True
        x, y = (pose.position[:2] / self._size - self._origin).tolist()
        last = farthest_straight(self._columns, gait, path, x, y, k, _LOOKAHEAD_M / self._size)
        points = np.empty((len(path), 3))
        points[:, :2] = (path[:, :2] + self._origin + 0.5) * self._size
        points[:, 2] = (path[:, 2] + 1) * self._size
        points[-1] = goal
        return Route(points, path[:, 3].astype(bool), points[last])

    def flood(self, pose: Pose, widest_gap_m: float, *, squeeze: bool = False) -> Flood:
        """What the way from a body to every place costs, at most ``widest_gap_m`` off known floors."""
        self._cover(pose.position)
        gait = self._gait._replace(radius=0) if squeeze else self._gait
        start, k = self._cell(pose.position), self._underfoot(pose.z)
        nodes = flood(self._columns, gait, *start.tolist(), k, widest_gap_m / self._size)
        return Flood(nodes, self._origin, self._size)

    def frontiers(self, reached: Flood, fewest_cells: int) -> list[Frontier]:
        """Where the flooded ground borders on what nobody has seen."""
        return find_frontiers(self._columns, self._gait, reached, fewest_cells)

    def free_steps(self, pose: Pose, headings_rad: np.ndarray, length_m: float) -> Bool[np.ndarray, " n"]:
        """For each heading, whether a step of ``length_m`` meets nothing that is known."""
        x, y = (pose.position[:2] / self._size - self._origin).tolist()
        length, radius = length_m / self._size, self._radius_m / self._size
        return free_steps(
            self._columns, self._gait, x, y, self._underfoot(pose.z), headings_rad, length, radius
        )

    def unseen_ahead(self, pose: Pose, headings_rad: np.ndarray, reach_m: float) -> np.ndarray:
        """For each heading, how many columns that nobody has seen its view would look at."""
        self._cover(pose.position)
        x, y = (pose.position[:2] / self._size - self._origin).tolist()
        half = self._half_view
        return count_unseen(
            self._columns, self._gait, x, y, self._underfoot(pose.z), headings_rad, half, reach_m / self._size
        )

    def top_down(self, feet_z: float) -> TopDown:
        """The map as a picture, obstacles as they are for a body whose feet are at height ``feet_z``."""
        c, k = self._columns, self._underfoot(feet_z)
        floor = c.floors[..., 0] != NONE
        standing = (c.low != NONE) & (c.low <= k + self._gait.height) & (c.high > k + self._gait.climb)
        cells = np.select([floor, standing, c.seen], [2, 3, 1], 0)
        height_m = np.where(floor, (c.floors[..., 0] + 1.0) * self._size, np.nan)
        return TopDown(cells, height_m, self._origin * self._size, self._size)
