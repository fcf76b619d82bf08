"""Where to stand to have an object within reach and in sight, as far as the agent's own map tells."""

import math
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from numba import njit

from placecell.arrays import Point, Points
from placecell.geometry import Pose
from placecell.memory import OCCUPIED, SparseOctree

from ..perception.embodiment import Embodiment
from .columns import LAYERS
from .flood import Flood
from .optimistic_search import NODES

_BELOW_M, _ABOVE_M = 0.4, 2.4  # parts of an object this far below and above the feet belong to this storey
_MOST_SIGHTED = 48  # voxels of an object that sight is tried to
_OWN = 3  # the state of the object's own voxels: they hide nothing
_NEXT_M = 0.15  # voxels this near to a point don't hide it: they are its surface
_FAR_PENALTY = 2.0  # cells of way for each cell farther off than wanted


@dataclass(frozen=True)
class Place:
    """Feet at ``position``, the priced way there, and how far the nearest part is over the ground."""

    position: Point
    cost_m: float
    distance_m: float


@njit(cache=True)
@no_type_check
def _in_sight(states, lower, ex, ey, ez, px, py, pz, next_to):
    """Whether no occupied voxel lies on the line from the eye to a point, but for those next to it."""
    length = math.sqrt((px - ex) ** 2 + (py - ey) ** 2 + (pz - ez) ** 2)
    steps = int(length * 2.5) + 1
    for s in range(steps):
        if length * (1 - s / steps) <= next_to:
            return True
        x = math.floor(ex + (px - ex) * s / steps) - lower[0]
        y = math.floor(ey + (py - ey) * s / steps) - lower[1]
        z = math.floor(ez + (pz - ez) * s / steps) - lower[2]
        inside = 0 <= x < states.shape[0] and 0 <= y < states.shape[1] and 0 <= z < states.shape[2]
        if inside and states[x, y, z] == OCCUPIED:
            return False
    return True


@njit(cache=True)
@no_type_check
def _sees_any(states, lower, ex, ey, ez, points, reach, next_to):
    step = max(1, len(points) // _MOST_SIGHTED)
    for n in range(0, len(points), step):
        p = points[n]
        if math.hypot(p[0] - ex, p[1] - ey) <= reach and _in_sight(
            states, lower, ex, ey, ez, p[0], p[1], p[2], next_to
        ):
            return True
    return False


@njit(cache=True)
@no_type_check
def _gap(points, x, y, feet, below, above):
    """Distance over the ground from (x, y) to the nearest part of an object on the storey of ``feet``."""
    nearest = np.inf
    for n in range(len(points)):
        if feet - below <= points[n, 2] <= feet + above:
            nearest = min(nearest, (points[n, 0] - x) ** 2 + (points[n, 1] - y) ** 2)
    return math.sqrt(nearest)


@njit(cache=True)
@no_type_check
def _best(flooded, ox, oy, points, states, lower, eye, wanted, within, next_to, below, above):
    """The cheapest node within ``within`` of the points that sees one of them: x, y, node, distance."""
    best, bx, by, bn, bd = np.inf, -1, -1, -1, np.inf
    margin = int(within) + 1
    x0, x1 = int(points[:, 0].min()) - margin - ox, int(points[:, 0].max()) + margin + 1 - ox
    y0, y1 = int(points[:, 1].min()) - margin - oy, int(points[:, 1].max()) + margin + 1 - oy
    for x in range(max(x0, 0), min(x1, flooded.cost.shape[0])):
        for y in range(max(y0, 0), min(y1, flooded.cost.shape[1])):
            for node in range(NODES):
                price = flooded.cost[x, y, node]
                if price >= best:
                    continue
                px, py, feet = x + ox + 0.5, y + oy + 0.5, flooded.level[x, y, node] + 1.0
                distance = _gap(points, px, py, feet, below, above)
                if distance > within:
                    continue
                price += _FAR_PENALTY * max(0.0, distance - wanted) + (10.0 if node == LAYERS else 0.0)
                if price < best and _sees_any(
                    states, lower, px, py, feet + eye, points, distance + 6.0, next_to
                ):
                    best, bx, by, bn, bd = price, x, y, node, distance
    return bx, by, bn, bd


class StandingPlaces:
    """Finds standing places around objects in a map of voxels."""

    def __init__(self, octree: SparseOctree, embodiment: Embodiment) -> None:
        self._octree, self._size = octree, octree.voxel_size_m
        self._eye_m = embodiment.camera_height_m

    def best(self, flood: Flood, points: Points, wanted_m: float, within_m: float) -> Place | None:
        """The place that the flood reaches most cheaply, preferably within ``wanted_m``; None if none is.

        Args:
            flood: what the way to each place costs.
            points: (n, 3) the object's voxel centres.
            wanted_m, within_m: distance over the ground to the nearest of them, preferred and at most.
        """
        size, (ox, oy) = self._size, flood.origin.tolist()
        states, lower = self._around(points, within_m)
        x, y, node, distance = _best(
            flood.nodes, ox, oy, points / size, states, lower, self._eye_m / size, wanted_m / size,
            within_m / size, _NEXT_M / size, _BELOW_M / size, _ABOVE_M / size,
        )  # fmt: skip
        if node == -1:
            return None
        return Place(flood.point(x, y, node), flood.cost_m(x, y, node), distance * size)

    def distance(self, pose: Pose, points: Points) -> float:
        """Metres over the ground from a body to the nearest part of an object on its storey, or infinity."""
        return _gap(points, pose.x, pose.y, pose.z, _BELOW_M, _ABOVE_M)

    def sees(self, pose: Pose, points: Points) -> bool:
        """Whether nothing known stands between a body's eye and the nearer parts of an object."""
        size, reach_m = self._size, self.distance(pose, points) + 0.6
        if not math.isfinite(reach_m):
            return False
        states, lower = self._around(points, reach_m)
        x, y, z = (pose.position / size).tolist()
        return _sees_any(
            states, lower, x, y, z + self._eye_m / size, points / size, reach_m / size, _NEXT_M / size
        )

    def _around(self, points: Points, margin_m: float) -> tuple[np.ndarray, np.ndarray]:
        """States of the box around an object, with its own voxels marked, and the box's lowest index."""
        indices, margin = self._octree.index_of(points), math.ceil(margin_m / self._size) + 1
        sides = np.array([margin, margin, math.ceil(self._eye_m / self._size) + 4])
        lower, upper = indices.min(0) - sides, indices.max(0) + sides + 1
        states = self._octree.states_in_box(lower, upper)
        states[tuple((indices - lower).T)] = _OWN
        return states, lower
