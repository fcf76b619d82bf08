"""What can be asked of a sparse voxel map; how it is filled is another file's matter."""

from abc import ABC

import numpy as np
from jaxtyping import Float64, Int8, Int64

from placecell.arrays import Point, Points
from placecell.errors import PlacecellError

from .. import morton
from ..frame import MOST_LABEL
from ..retrieval import require_k
from .block_pool import PLACE, BlockPool, features_of, mean_points
from .checks import coordinates, finite_points, not_finite, require_agent, require_length, require_rays
from .levels import Level, mean_colours, require_level, sum_level
from .nearest_queries import nearest_handles
from .neighbour_queries import within_radius
from .point_queries import find_handles
from .ray_queries import RayHits, cast_rays
from .state_queries import (
    fill_states,
    handles_at,
    indices_of,
    labelled_handles,
    occupied_handles,
    payload_rows,
    slots_in_box,
    states_at,
)
from .voxel_map import Directions, Handles, Index, Indices, Neighbours, VoxelMap
from .voxels import Voxels

EVERYWHERE = np.array([[-morton.SIGN_OFFSET] * 3, [morton.SIGN_OFFSET] * 3])
"""The index box of all voxels that there can be."""


class OctreeReader(VoxelMap, ABC):
    """The queries, answered from a pool of blocks."""

    _pool: BlockPool

    def state(self, points: Points, *, agent: int = 0) -> Int8[np.ndarray, " n"]:
        """(n,) ``UNKNOWN``, ``FREE`` or ``OCCUPIED`` at each world point."""
        return states_at(self._pool, require_agent(agent), self.index_of(points))

    def states_in_box(self, lower: Index, upper: Index, *, agent: int = 0) -> Int8[np.ndarray, "x y z"]:
        """The dense states of the voxels with indices in [lower, upper)."""
        states = np.zeros(np.maximum(upper - lower, 0), np.int8)
        fill_states(self._pool, require_agent(agent), lower, states)
        return states

    def find(self, points: Points, *, agent: int = 0) -> Handles:
        """(n,) the handle of the occupied voxel that holds each point, -1 where there is none."""
        asked = coordinates(points)
        handles = np.full(len(asked), -1, np.int64)
        if not find_handles(self._map_of(agent), agent, asked, self.voxel_size_m, handles):
            raise not_finite(asked)
        return handles

    def at(self, handles: Handles) -> Voxels:
        """What is held of voxels, in their order."""
        handles = np.ascontiguousarray(handles, np.int64)
        rows = payload_rows(self._pool, handles)
        if len(rows) and rows.min() < 0:
            raise PlacecellError(
                expected="handles of voxels that this map holds",
                came=f"{handles[rows.argmin()]}",
                fix="leave out the -1 of what was not found, and ask anew after prune() or clear()",
            )
        return self._voxels(rows, indices_of(self._pool, handles))

    def read(self, indices: Indices, *, agent: int = 0) -> Voxels:
        """What is held of these voxels, in their order; zeros and ``last_seen`` -1 where nothing is."""
        handles = handles_at(self._pool, require_agent(agent), indices)
        return self._voxels(payload_rows(self._pool, handles), indices)

    def occupied(self, *, agent: int = 0) -> Indices:
        """(n, 3) the indices of all occupied voxels, by rising Morton key."""
        return indices_of(self._pool, self._occupied_in(EVERYWHERE[0], EVERYWHERE[1], agent))

    def box(self, lower_m: Point, upper_m: Point, *, agent: int = 0) -> Voxels:
        """The occupied voxels whose centres lie in the world box [lower, upper), by rising Morton key."""
        low, high = (
            np.clip(np.ceil(corner / self.voxel_size_m - 0.5), *EVERYWHERE).astype(np.int64)
            for corner in finite_points(np.stack([lower_m, upper_m]))
        )
        return self.at(self._occupied_in(low, high, agent))

    def labelled(self, category: int, *, agent: int = 0) -> Voxels:
        """The occupied voxels of a category, by rising Morton key; none for 0, which is no category."""
        if not 0 < category <= MOST_LABEL:
            return self.at(np.zeros(0, np.int64))
        return self.at(self._in_order(labelled_handles(self._pool, require_agent(agent), category)))

    def nearest(
        self, point: Point, k: int, radius_m: float, *, agent: int = 0
    ) -> tuple[Voxels, Float64[np.ndarray, " n"]]:
        """The occupied voxels whose centres are nearest, at most ``k`` and none beyond the radius."""
        most = min(k, len(self._pool.cell))
        handles, distances = self.nearest_many(np.asarray(point)[None], most, radius_m, agent=agent)
        found = handles[0] >= 0
        return self.at(handles[0, found]), distances[0, found]

    def nearest_many(
        self, points: Points, k: int, radius_m: float = float("inf"), *, agent: int = 0
    ) -> tuple[Int64[np.ndarray, "n k"], Float64[np.ndarray, "n k"]]:
        """For each point the ``k`` occupied voxels whose centres are nearest, none beyond the radius."""
        require_k(k)
        radius, asked = require_length(radius_m, "radius_m"), finite_points(points)
        handles = np.full((len(asked), k), -1, np.int64)
        distances = np.full((len(asked), k), np.inf)
        pool = self._map_of(agent)
        nearest_handles(pool, agent, asked, k, radius, self.voxel_size_m, handles, distances)
        return handles, distances

    def within(self, points: Points, radius_m: float, *, agent: int = 0) -> Neighbours:
        """All occupied voxels whose centres are no farther than the radius from each point."""
        radius, asked = require_length(radius_m, "radius_m"), finite_points(points)
        return Neighbours(*within_radius(self._map_of(agent), agent, asked, radius, self.voxel_size_m))

    def cast(self, origins: Points, directions: Directions, max_m: float, *, agent: int = 0) -> RayHits:
        """Follows rays to the first occupied voxel in which they run for some way, however short."""
        most, (starts, unit) = require_length(max_m, "max_m"), require_rays(origins, directions)
        hits = RayHits(
            np.empty(len(starts), np.int64), np.empty(len(starts)), np.empty(len(starts), np.bool_)
        )
        found = hits.handles, hits.distances, hits.through_unknown
        cast_rays(self._map_of(agent), agent, starts, unit, most, self.voxel_size_m, *found)
        return hits

    def level(self, level: int, *, agent: int = 0) -> Level:
        """The map in cells of ``2**level`` voxels an edge, each the sum of its occupied voxels."""
        require_level(level)
        return sum_level(
            self._pool, self._occupied_in(EVERYWHERE[0], EVERYWHERE[1], agent), level, self.voxel_size_m
        )

    def bounds(self, *, agent: int = 0) -> tuple[Index, Index]:
        """The index range [lower, upper) of all voxels that are not unknown; (0, 0, 0) twice if none."""
        lower, upper = self._map_of(agent).extent[agent]
        return lower.copy(), upper.copy()

    def _map_of(self, agent: int) -> BlockPool:
        """The pool, with an extent for the agent: kernels read it without a look at how many there are."""
        if require_agent(agent) < len(self._pool.extent):
            return self._pool
        more = agent + 1 - len(self._pool.extent)
        return self._pool._replace(extent=np.pad(self._pool.extent, ((0, more), (0, 0), (0, 0))))

    def _occupied_in(self, lower: Index, upper: Index, agent: int) -> Handles:
        """The handles of an agent's occupied voxels in an index box, by rising Morton key."""
        slots = slots_in_box(self._pool, require_agent(agent), lower, upper)
        return occupied_handles(self._pool, slots[np.argsort(self._pool.keys[slots])], lower, upper)

    def _in_order(self, handles: Handles) -> Handles:
        """One agent's handles by rising Morton key."""
        keys = (self._pool.keys[handles >> 9] & PLACE) << 9 | (handles & 511)
        return handles[np.argsort(keys)]

    def _voxels(self, rows: Int64[np.ndarray, " n"], indices: Indices) -> Voxels:
        """What stands in these rows of payload; nothing where one is -1."""
        pool, held = self._pool, rows >= 0
        if not held.all():
            return self._spread(self._voxels(rows[held], indices[held]), held, indices)
        sums = pool.colour[rows].astype(np.int64)
        return Voxels(
            indices=indices,
            centres=self.centre_of(indices),
            points=(indices + mean_points(pool, rows)) * self.voxel_size_m,
            hits=pool.hits[rows].astype(np.int64),
            colours=mean_colours(sums),
            coloured=sums[:, 3] > 0,
            last_seen=pool.last_hit[rows].astype(np.int64) - 1,
            labels=pool.label[rows].astype(np.int64),
            votes=pool.votes[rows].astype(np.int64),
            weights=pool.weight[rows],
            features=features_of(pool)[rows].astype(np.float32),
        )

    def _spread(self, found: Voxels, held: np.ndarray, indices: Indices) -> Voxels:
        """The voxels that are held, among others of which nothing is."""
        centres = self.centre_of(indices)
        blank = {"indices": indices, "centres": centres, "points": centres.copy()}
        for name in ("hits", "colours", "coloured", "last_seen", "labels", "votes", "weights", "features"):
            values = getattr(found, name)
            blank[name] = np.full(
                (len(held), *values.shape[1:]), -1 if name == "last_seen" else 0, values.dtype
            )
            blank[name][held] = values
        blank["points"][held] = found.points
        return Voxels(**blank)
