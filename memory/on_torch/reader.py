"""What can be asked of a torch map: the queries of ``OctreeReader``, answered on the map's device."""

from abc import ABC

import numpy as np
import torch
from jaxtyping import Float64, Int8, Int64
from torch import Tensor

from placecell.arrays import Point, Points
from placecell.errors import PlacecellError

from ..frame import MOST_LABEL
from ..retrieval import require_k
from ..voxel.block_pool import BLOCK
from ..voxel.checks import finite_points, require_agent, require_length, require_rays
from ..voxel.levels import Level, mean_colours, require_level
from ..voxel.ray_queries import RayHits
from ..voxel.reader import EVERYWHERE
from ..voxel.state_queries import FREE, OCCUPIED, UNKNOWN
from ..voxel.voxel_map import Directions, Handles, Index, Indices, Neighbours, VoxelMap
from ..voxel.voxels import Voxels
from .casting import cast
from .keys import blocks_of, cell_corners
from .levels import mean_points, sum_level
from .pool import TorchPool
from .surface import TorchSurface, starts_of
from .view import tensor_of


class TorchReader(VoxelMap, ABC):
    """Every query of a torch map: asked, and answered, in NumPy, with the results of ``OctreeReader``.

    A voxel's *handle* names it while the map is not pruned or cleared; it is not that of a ``SparseOctree``.
    An agent's occupied voxels are put in order once after each change, at the first query that needs it.
    """

    _pool: TorchPool
    _surfaces: dict[int, TorchSurface]

    def state(self, points: Points, *, agent: int = 0) -> Int8[np.ndarray, " n"]:
        """(n,) ``UNKNOWN``, ``FREE`` or ``OCCUPIED`` at each world point."""
        handles = self._handles_at(self.index_of(points), agent)
        states = _states(self._pool.evidence_of(self._cells(handles)))
        return _array(states)

    def states_in_box(self, lower: Index, upper: Index, *, agent: int = 0) -> Int8[np.ndarray, "x y z"]:
        """The dense states of the voxels with indices in [lower, upper)."""
        pool, shape = self._pool, np.maximum(upper - lower, 0)
        states = torch.full((int(shape.prod()),), UNKNOWN, dtype=torch.int8, device=pool.device)
        low, high = self._tensor(lower), self._tensor(lower + shape)
        corners = blocks_of(pool.keys[: pool.blocks]) * BLOCK
        mine = pool.agents == require_agent(agent)
        slots = (mine & ((corners < high) & (corners + BLOCK > low)).all(1)).nonzero()[:, 0]
        indices = corners[slots, None] + cell_corners(pool.device)
        inside = ((indices >= low) & (indices < high)).all(2)
        x, y, z = (indices[inside] - low).unbind(1)
        line = (x * int(shape[1]) + y) * int(shape[2]) + z
        states[line] = _states(pool.evidence_of(pool.cells[slots][inside]))
        return _array(states).reshape(shape)

    def find(self, points: Points, *, agent: int = 0) -> Handles:
        """(n,) the handle of the occupied voxel that holds each point, -1 where there is none."""
        handles = self._handles_at(self.index_of(points), agent)
        evidence = self._pool.evidence_of(self._cells(handles))
        return _array(torch.where(evidence > 0, handles, -1))

    def at(self, handles: Handles) -> Voxels:
        """What is held of voxels, in their order."""
        asked = self._tensor(handles)
        known = (asked >= 0) & (asked < self._pool.blocks * BLOCK**3)
        rows = self._cells(torch.where(known, asked, -1)).long() - 1
        if len(rows) and int(rows.min()) < 0:
            raise PlacecellError(
                expected="handles of voxels that this map holds",
                came=f"{int(asked[rows.argmin()])}",
                fix="leave out the -1 of what was not found, and ask anew after prune() or clear()",
            )
        return self._voxels(rows, self._pool.indices_of(asked))

    def read(self, indices: Indices, *, agent: int = 0) -> Voxels:
        """What is held of these voxels, in their order; zeros and ``last_seen`` -1 where nothing is."""
        rows = self._cells(self._handles_at(indices, agent)).clamp(min=0).long() - 1
        return self._voxels(rows, self._tensor(indices))

    def occupied(self, *, agent: int = 0) -> Indices:
        """(n, 3) the indices of all occupied voxels, by rising Morton key."""
        return _array(self._surface(agent).indices)

    def box(self, lower_m: Point, upper_m: Point, *, agent: int = 0) -> Voxels:
        """The occupied voxels whose centres lie in the world box [lower, upper), by rising Morton key."""
        low, high = (
            self._tensor(np.clip(np.ceil(corner / self.voxel_size_m - 0.5), *EVERYWHERE).astype(np.int64))
            for corner in finite_points(np.stack([lower_m, upper_m]))
        )
        surface = self._surface(agent)
        inside = ((surface.indices >= low) & (surface.indices < high)).all(1)
        return self._voxels(surface.rows[inside], surface.indices[inside])

    def labelled(self, category: int, *, agent: int = 0) -> Voxels:
        """The occupied voxels of a category, by rising Morton key; none for 0, which is no category."""
        surface = self._surface(agent)
        is_one = self._pool["label"][surface.rows] == (category if 0 < category <= MOST_LABEL else -1)
        return self._voxels(surface.rows[is_one], surface.indices[is_one])

    def nearest(
        self, point: Point, k: int, radius_m: float, *, agent: int = 0
    ) -> tuple[Voxels, Float64[np.ndarray, " n"]]:
        """The occupied voxels whose centres are nearest, at most ``k`` and none beyond the radius."""
        most = min(k, max(1, self._pool.rows))
        handles, distances = self.nearest_many(np.asarray(point)[None], most, radius_m, agent=agent)
        found = handles[0] >= 0
        return self.at(handles[0, found]), distances[0, found]

    def nearest_many(
        self, points: Points, k: int, radius_m: float = float("inf"), *, agent: int = 0
    ) -> tuple[Int64[np.ndarray, "n k"], Float64[np.ndarray, "n k"]]:
        """For each point the ``k`` occupied voxels whose centres are nearest, none beyond the radius."""
        require_k(k)
        radius, surface = require_length(radius_m, "radius_m"), self._surface(agent)
        places, squares = surface.nearest(self._tensor(finite_points(points)), k, radius)
        return _array(surface.handles_at(places)), _array(squares.sqrt())

    def within(self, points: Points, radius_m: float, *, agent: int = 0) -> Neighbours:
        """All occupied voxels whose centres are no farther than the radius from each point."""
        radius, surface = require_length(radius_m, "radius_m"), self._surface(agent)
        asked = self._tensor(finite_points(points))
        point, place, square = surface.within(asked, radius)
        starts = starts_of(torch.bincount(point, minlength=len(asked)))
        return Neighbours(_array(starts), _array(surface.handles_at(place)), _array(square.sqrt()))

    def cast(self, origins: Points, directions: Directions, max_m: float, *, agent: int = 0) -> RayHits:
        """Follows rays to the first occupied voxel in which they run for some way, however short."""
        most, mine = require_length(max_m, "max_m"), require_agent(agent)
        starts, unit = (self._tensor(part) for part in require_rays(origins, directions))
        return RayHits(*map(_array, cast(self._pool, mine, starts, unit, most, self.voxel_size_m)))

    def level(self, level: int, *, agent: int = 0) -> Level:
        """The map in cells of ``2**level`` voxels an edge, each the sum of its occupied voxels."""
        require_level(level)
        return sum_level(self._pool, self._surface(agent), level)

    def bounds(self, *, agent: int = 0) -> tuple[Index, Index]:
        """The index range [lower, upper) of all voxels that are not unknown; (0, 0, 0) twice if none."""
        lower, upper = _array(self._pool.extent[require_agent(agent)])
        return lower, upper

    def _surface(self, agent: int) -> TorchSurface:
        if require_agent(agent) not in self._surfaces:
            self._surfaces[agent] = TorchSurface.of(self._pool, agent, self.voxel_size_m)
        return self._surfaces[agent]

    def _tensor(self, array: np.ndarray) -> Tensor:
        return tensor_of(array, self._pool.device)

    def _handles_at(self, indices: Indices, agent: int) -> Tensor:
        return self._pool.handles_at(require_agent(agent), self._tensor(indices))

    def _cells(self, handles: Tensor) -> Tensor:
        """What the pool's cells say of voxels, 0 for those without a block."""
        cells = self._pool.cells.view(-1)[handles.clamp(min=0)]
        return torch.where(handles < 0, 0, cells)

    def _voxels(self, rows: Tensor, indices: Tensor) -> Voxels:
        """What stands in these rows of payload; nothing where one is -1."""
        held, found = rows >= 0, _array(indices)
        columns = {
            name: _array(torch.where(held.view(-1, *[1] * (column.ndim - 1)), column[rows.clamp(min=0)], 0))
            for name, column in self._pool.columns.items()
        }
        return Voxels(
            indices=found,
            centres=self.centre_of(found),
            points=_array(self._mean_points(rows, indices)),
            hits=columns["hits"],
            colours=mean_colours(columns["colour"]),
            coloured=columns["colour"][:, 3] > 0,
            last_seen=columns["last_hit"] - 1,
            labels=columns["label"].astype(np.int64),
            votes=columns["votes"].astype(np.int64),
            weights=columns["weight"],
            features=columns["feature"].astype(np.float32),
        )

    def _mean_points(self, rows: Tensor, indices: Tensor) -> Tensor:
        inside = torch.where(rows[:, None] < 0, 0.5, mean_points(self._pool, rows.clamp(min=0)))
        return (indices + inside) * self.voxel_size_m


def _states(evidence: Tensor) -> Tensor:
    states = torch.where(evidence > 0, OCCUPIED, torch.where(evidence < 0, FREE, UNKNOWN))
    return states.to(torch.int8)


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.cpu().numpy()
