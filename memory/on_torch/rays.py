"""Rays through voxels in lockstep: every ray takes its n-th step at once.

The traversal of Amanatides and Woo, "A fast voxel traversal algorithm for ray tracing" (1987), with the
arithmetic of ``frame_reduction``: the same voxels to the last one.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..voxel.block_pool import BLOCK, CELLS, FRACTION
from .view import Lattice, compact, divisor

_MOST_MARKS = 1 << 27
_MOST_LINES = 1 << 22


@dataclass(frozen=True)
class Rays:
    """One ray a row, all from one origin.

    Args:
        origin: x, y and z.
        ends: (n, 3) float64, where each ends.
        size: edge length of a voxel.
    """

    origin: tuple[float, ...]
    ends: Tensor
    size: float

    @property
    def stops(self) -> Tensor:
        """(n, 3) int64, the voxels that they end in."""
        return (self.ends / divisor(self.size / FRACTION, self.ends)).floor_().long() >> 8

    def crossings(self, lattice: Lattice) -> "_Crossings":
        """The rays, the longest first, as they start."""
        stops = self.stops
        columns = [self._axis(axis, stops[:, axis], stride) for axis, stride in enumerate(lattice.strides)]
        left, following, step, stride = (torch.stack(column) for column in zip(*columns, strict=True))
        steps, order = torch.sort(left.sum(0), descending=True, stable=True)
        corner = (self.start(axis) - BLOCK * low for axis, low in enumerate(lattice.corner))
        line = sum(index * stride for index, stride in zip(corner, lattice.strides, strict=True))
        lines = torch.full_like(steps, int(line))
        return _Crossings(steps, lines, left[:, order], following[:, order], step[:, order], stride[:, order])

    def start(self, axis: int) -> int:
        """The voxel that the rays start in, along one axis."""
        return math.floor(self.origin[axis] / (self.size / FRACTION)) >> 8

    def _axis(self, axis: int, stop: Tensor, stride: int) -> tuple[Tensor, ...]:
        """Of one axis: boundaries to cross, where the first and how far apart as parts of the ray, stride."""
        start, origin = self.start(axis), self.origin[axis]
        end = self.ends[:, axis]
        boundary = (start + (stop > start)).double() * self.size
        standing, length = stop == start, end - origin
        following = ((boundary - origin) / length).masked_fill_(standing, torch.inf)
        # Not size / length: torch would multiply with the reciprocal.
        step = torch.div(divisor(self.size, length), length.abs())
        return (stop - start).abs(), following, step, torch.where(stop > start, stride, -stride)


@dataclass(frozen=True)
class _Crossings:
    """Rays on their way: (n,) or (3, n) tensors, an axis a row."""

    steps: Tensor
    lines: Tensor
    left: Tensor
    following: Tensor
    step: Tensor
    stride: Tensor

    def walk(self) -> Iterator[Tensor]:
        """Each step: the numbers of the voxels that the rays still on their way pass.

        The crossings left on each axis are counted, so that rounding cannot lead past the end.
        """
        count = len(self.steps)
        if not count:
            return
        going = torch.bincount(self.steps).flip(0).cumsum(0).flip(0).tolist()
        row = torch.arange(count, device=self.steps.device)
        left, following = self.left.view(-1), self.following.view(-1)
        step, stride = self.step.view(-1), self.stride.view(-1)
        for active in going[1:]:
            yield self.lines[:active]
            x, y, z = self.following[:, :active]
            not_x = (x > y).logical_or_(x > z)
            axis = not_x.long().mul_((y > z).long().add_(1))
            at = axis.mul_(count).add_(row[:active])
            remaining = left.index_select(0, at).sub_(1)
            beyond = following.index_select(0, at).add_(step.index_select(0, at))
            following[at] = beyond.masked_fill_(remaining <= 0, torch.inf)
            left[at] = remaining
            self.lines[:active] += stride.index_select(0, at)


def passed(rays: Rays, hits: int, lattice: Lattice) -> tuple[Tensor, Tensor, Tensor]:
    """The voxels that rays pass or end in, less those in which the first ``hits`` rays end.

    Returns:
        The numbers (b,) of the lattice's blocks, and of each voxel its block's place among them (n,) and
        its cell (n,) as ``64 x + 8 y + z``.
    """
    device = rays.ends.device
    corner = torch.tensor(lattice.corner, device=device) * BLOCK
    stops = ((rays.stops - corner) * torch.tensor(lattice.strides, device=device)).sum(1)
    way = rays.crossings(lattice).walk()
    if lattice.blocks * CELLS > _MOST_MARKS:
        return _sparse(way, stops, hits, lattice)
    marks = torch.zeros(lattice.blocks * CELLS, dtype=torch.bool, device=device)
    for lines in way:
        marks.index_fill_(0, lines, True)
    marks.index_fill_(0, stops, True).index_fill_(0, stops[:hits], False)
    nx, ny, nz = lattice.shape
    cells = marks.view(nx, BLOCK, ny, BLOCK, nz, BLOCK).permute(0, 2, 4, 1, 3, 5).reshape(-1, CELLS)
    numbers = cells.any(1).nonzero()[:, 0]
    block, line = cells[numbers].nonzero(as_tuple=True)
    return numbers, block, line


def _sparse(
    way: Iterator[Tensor], stops: Tensor, hits: int, lattice: Lattice
) -> tuple[Tensor, Tensor, Tensor]:
    """As :func:`passed` where a mark for each voxel of the lattice would fill the memory."""
    found, fresh = stops, [stops[:0]]
    for lines in way:
        fresh.append(lines.clone())
        if sum(map(len, fresh)) > _MOST_LINES:
            found, fresh = torch.unique(torch.cat([found, *fresh])), []
    found = torch.unique(torch.cat([found, *fresh]))
    found = found[~torch.isin(found, stops[:hits])]
    sx, sy, _ = lattice.strides
    x, y, z = found // sx, found % sx // sy, found % sy
    _, ny, nz = lattice.shape
    numbers, block = compact(((x >> 3) * ny + (y >> 3)) * nz + (z >> 3), lattice.blocks)
    return numbers, block, ((x & 7) << 6) | ((y & 7) << 3) | (z & 7)
