"""The occupied voxels of one agent in a torch map, in order, and those of them that are near points."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..voxel.block_pool import AGENT_SHIFT, BLOCK, CELLS, PLACE
from .keys import block_keys
from .pool import TorchPool

_SLACK = 1 + 1e-9
"""A hair: the bound of a block and the distance to a centre round differently."""
_MOST_PAIRS = 1 << 20


@dataclass(frozen=True)
class TorchSurface:
    """One agent's occupied voxels by rising Morton key, block after block.

    Args:
        size: edge length of a voxel.
        agent: whose.
        handles: (n,) the voxels.
        rows: (n,) their rows of payload.
        indices: (n, 3) int64.
        keys: (b,) of the blocks that hold one, rising.
        starts: (b + 1,) where each block's voxels begin.
    """

    size: float
    agent: int
    handles: Tensor
    rows: Tensor
    indices: Tensor
    keys: Tensor
    starts: Tensor

    @classmethod
    def of(cls, pool: TorchPool, agent: int, size: float) -> "TorchSurface":
        """All that are occupied now."""
        rows = (pool["evidence"][: pool.rows] > 0).nonzero()[:, 0]
        handles = pool["handle"][rows]
        keys = pool.keys[handles // CELLS]
        mine = (keys >> AGENT_SHIFT == agent).nonzero()[:, 0]
        rows, handles, keys = rows[mine], handles[mine], keys[mine]
        order = torch.argsort((keys & PLACE) * CELLS + handles % CELLS)
        rows, handles = rows[order], handles[order]
        blocks, counts = torch.unique_consecutive(keys[order], return_counts=True)
        return cls(size, agent, handles, rows, pool.indices_of(handles), blocks, starts_of(counts))

    def __len__(self) -> int:
        return len(self.handles)

    def handles_at(self, places: Tensor) -> Tensor:
        """The handles at places among them, -1 for -1."""
        if not len(self):
            return places
        return torch.where(places < 0, -1, self.handles[places.clamp(min=0)])

    def within(self, points: Tensor, radius: float) -> tuple[Tensor, Tensor, Tensor]:
        """Every pair of a point (n, 3) and a voxel whose centre is no farther away than the radius.

        Returns:
            Point, place among ``handles``, and squared distance (m,) of each, by point and Morton key.
        """
        parts = [self._pairs(points[:0], 0, radius)]
        room = max(1, _MOST_PAIRS // max(1, len(self.keys)))
        for first in range(0, len(points) if len(self) else 0, room):
            parts.append(self._pairs(points[first : first + room], first, radius))
        point, place, square = (torch.cat(part) for part in zip(*parts, strict=True))
        return point, place, square

    def _pairs(self, points: Tensor, first: int, radius: float) -> tuple[Tensor, Tensor, Tensor]:
        point, block = self._blocks_near(points, radius)
        counts = (self.starts[1:] - self.starts[:-1])[block]
        pair = torch.repeat_interleave(counts)
        within = torch.arange(len(pair), device=pair.device) - starts_of(counts)[pair]
        point, place = point[pair], self.starts[block][pair] + within
        away = (self.indices[place].double() + 0.5) * self.size - points[point]
        away *= away
        square = away[:, 0] + away[:, 1] + away[:, 2]
        near = (square <= radius * radius).nonzero()[:, 0]
        return point[near] + first, place[near], square[near]

    def _blocks_near(self, points: Tensor, radius: float) -> tuple[Tensor, Tensor]:
        """Pairs of a point and of a block that the ball around it meets, by point and key."""
        if not len(points):
            return points.new_zeros(0, dtype=torch.int64), points.new_zeros(0, dtype=torch.int64)
        corners = self.indices[self.starts[:-1]] >> 3
        edge = BLOCK * self.size
        low, high = (
            torch.floor((points + reach) / edge).clamp(corners.amin(0) - 1, corners.amax(0) + 1).long()
            for reach in (-radius, radius)
        )
        spans = high - low + 1
        counts = spans.prod(1)
        if int(counts.sum()) < len(points) * len(corners):
            point = torch.repeat_interleave(counts)
            number = torch.arange(len(point), device=point.device) - starts_of(counts)[point]
            _, ny, nz = spans[point].unbind(1)
            blocks = torch.stack([number // (ny * nz), number // nz % ny, number % nz], 1) + low[point]
            wanted = block_keys(self.agent, blocks)
            block = torch.searchsorted(self.keys, wanted).clamp_(max=len(self.keys) - 1)
            met = (self.keys[block] == wanted).nonzero()[:, 0]
            pairs = torch.sort(point[met] * len(self.keys) + block[met]).values
            return pairs // len(self.keys), pairs % len(self.keys)
        gap = corners.double() * edge - points[:, None]
        gap = torch.maximum(gap, -gap - edge).clamp_(min=0)
        point, block = ((gap * gap).sum(2) <= radius * radius * _SLACK).nonzero(as_tuple=True)
        return point, block

    def nearest(self, points: Tensor, k: int, radius: float) -> tuple[Tensor, Tensor]:
        """Of each point (n, 3) the places (n, k) of the nearest voxels, -1 for none, and squared distances.

        The ball grows by a quarter until it holds as many, or all that there are; twice as large a
        one would hold far more than it has to.
        """
        places = torch.full((len(points), k), -1, device=points.device)
        squares = torch.full((len(points), k), torch.inf, dtype=torch.float64, device=points.device)
        pending = torch.arange(len(points) if len(self) else 0, device=points.device)
        reach, far = BLOCK * self.size, self._farthest(points)
        while len(pending):
            last = min(radius, far) <= reach
            point, place, square = self.within(points[pending], radius if last else reach)
            counts = torch.bincount(point, minlength=len(pending))
            done = torch.ones_like(counts, dtype=torch.bool) if last else counts >= k
            keep = done[point]
            point, place, square = point[keep], place[keep], square[keep]
            order = torch.argsort(square, stable=True)
            order = order[torch.argsort(point[order], stable=True)]
            point, place, square = point[order], place[order], square[order]
            rank = torch.arange(len(point), device=point.device) - starts_of(counts * done)[point]
            best = (rank < k).nonzero()[:, 0]
            places[pending[point[best]], rank[best]] = place[best]
            squares[pending[point[best]], rank[best]] = square[best]
            pending, reach = pending[~done], 1.25 * reach
        return places, squares

    def _farthest(self, points: Tensor) -> float:
        """A length that reaches every voxel from every point."""
        if not len(self) or not len(points):
            return 0.0
        low, high = (self.indices.amin(0) * self.size), ((self.indices.amax(0) + 1) * self.size)
        away = torch.maximum((points - low).abs(), (points - high).abs())
        return float(away.pow(2).sum(1).amax().sqrt()) * _SLACK


def starts_of(counts: Tensor) -> Tensor:
    """(n + 1,) where runs of such lengths (n,) begin, and where the last one ends."""
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])
