"""Rays through a torch map to the first occupied voxel: ``ray_queries.py``, all rays a step at a time.

Where a ray crosses a boundary is computed from its origin each time, so that nothing adds up and crossings
at the same distance are taken together; blocks that do not exist are left in one step.
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from ..morton import SIGN_OFFSET
from ..voxel.block_pool import BLOCK
from .keys import block_keys, cells_at
from .pool import TorchPool
from .view import divisor


@dataclass
class _Way:
    """Rays that have not met anything yet; (n,) or (n, 3) tensors.

    Args:
        ray: which of all rays each is.
        origin, direction: float64, the direction of length 1.
        inverse: of the direction's components; infinite for those that are 0.
        sign: 1 or -1, the way that indices go.
        start: the voxel that the ray starts in.
        t: how far it has come.
        end: where it leaves the known range, or is long enough.
        unknown: whether it has passed a voxel of which nothing is known.
    """

    ray: Tensor
    origin: Tensor
    direction: Tensor
    inverse: Tensor
    sign: Tensor
    start: Tensor
    t: Tensor
    end: Tensor
    unknown: Tensor

    def kept(self, on: Tensor) -> "_Way":
        """Those for which ``on`` (n,) is true."""
        place = on.nonzero()[:, 0]
        return _Way(*(getattr(self, field.name).index_select(0, place) for field in fields(self)))

    def crossing(self, boundary: Tensor, size: float) -> Tensor:
        """(n, 3) how far along the ray it crosses boundaries between voxels, an axis each."""
        return (boundary.double() * size - self.origin) * self.inverse

    def index(self, extent: Tensor, size: float) -> Tensor:
        """(n, 3) the voxel that each ray has entered after ``t`` and not yet left, an axis at a time."""
        along = (self.origin + self.t[:, None] * self.direction) / divisor(size, self.t)
        index = torch.floor(torch.minimum(torch.maximum(along, extent[0]), extent[1] - 1)).long()
        ahead, sign = (self.sign + 1) >> 1, self.sign
        index = torch.where(sign > 0, torch.maximum(index, self.start), torch.minimum(index, self.start))
        # Rounding leads one voxel astray at most.
        index += sign * (self.crossing(index + ahead, size) <= self.t[:, None])
        back = (index != self.start) & (self.crossing(index - sign + ahead, size) > self.t[:, None])
        return torch.where(self.direction == 0, self.start, index - sign * back)

    def leaves(self, index: Tensor, width: Tensor, size: float) -> Tensor:
        """(n,) how far along each ray leaves its cube of ``width`` (n,) voxels."""
        width = width[:, None]
        boundary = torch.div(index, width, rounding_mode="floor") * width + width * (self.direction > 0)
        crossing = self.crossing(boundary, size).masked_fill_(self.direction == 0, torch.inf)
        return crossing.amin(1)


def cast(
    pool: TorchPool, agent: int, origins: Tensor, directions: Tensor, most: float, size: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Handles, distances and ``through_unknown`` (n,) of an agent's rays, as in ``RayHits``.

    Args:
        pool: the map's.
        agent: whose part of it.
        origins, directions: (n, 3) float64, the directions of length 1.
        most: how far at most, metres.
        size: edge length of a voxel.
    """
    handles = torch.full((len(origins),), -1, device=origins.device)
    distances = torch.full((len(origins),), torch.inf, dtype=torch.float64, device=origins.device)
    through_unknown = torch.full_like(handles, most > 0, dtype=torch.bool)
    extent = pool.extent[agent]
    way = _clipped(origins, directions, extent, most, size)
    way = way.kept(way.t < way.end)
    while len(way.ray):
        index = way.index(extent, size)
        slots = pool.find(block_keys(agent, index >> 3))
        there = slots >= 0
        found = (slots << 9) | cells_at(index)
        evidence = pool.evidence_of(torch.where(there, pool.cells.view(-1)[found.clamp(min=0)], 0))
        leaves = way.leaves(index, torch.where(there, 1, BLOCK), size)
        runs = leaves > way.t
        hit = runs & (evidence > 0)
        handles[way.ray[hit]], distances[way.ray[hit]] = found[hit], way.t[hit]
        through_unknown[way.ray[hit]] = way.unknown[hit]
        way.unknown |= runs & (evidence == 0)
        way.t = torch.maximum(way.t, leaves)
        ends = ~hit & (way.t >= way.end)
        through_unknown[way.ray[ends]] = way.unknown[ends] | (way.end[ends] < most)
        if bool((hit | ends).any()):
            way = way.kept(~(hit | ends))
    return handles, distances, through_unknown


def _clipped(origins: Tensor, directions: Tensor, extent: Tensor, most: float, size: float) -> _Way:
    """The rays where they enter the known range; those that never do end before they begin."""
    still, up = directions == 0, directions > 0
    far = 2.0 * SIGN_OFFSET
    start = torch.floor((origins / divisor(size, origins)).clamp(-far, far)).long()
    zeros = torch.zeros_like(origins[:, 0])
    way = _Way(
        ray=torch.arange(len(origins), device=origins.device),
        origin=origins,
        direction=directions,
        inverse=torch.where(still, torch.inf, 1 / directions),
        sign=torch.where(up, 1, -1),
        start=start,
        t=zeros,
        end=zeros + most,
        unknown=zeros > 0,
    )
    below, above = start < extent[0], start >= extent[1]
    before, past = torch.where(up, below, above), torch.where(up, above, below)
    misses = torch.where(still, below | above, past).any(1)
    enters = way.crossing(torch.where(up, extent[0], extent[1]), size).masked_fill_(still | ~before, 0.0)
    exits = way.crossing(torch.where(up, extent[1], extent[0]), size).masked_fill_(still, torch.inf)
    way.t = enters.amax(1).clamp_(min=0.0)
    way.end = exits.amin(1).clamp_(max=most).masked_fill_(misses, -1.0)
    way.unknown = way.t > 0
    return way
