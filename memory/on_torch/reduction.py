"""A frame, reduced on a device to what it says of each voxel: ``frame_reduction.py`` without a loop.

Sums are of whole numbers, which ``index_add_`` adds up to the same in any order; the surface's part of it
touches every pixel some sixty times in vector instructions and sorts none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..voxel.block_pool import CELLS, FRACTION
from .keys import cell_of_line
from .rays import Rays, passed
from .view import Lattice, TorchView, compact, divisor

_LOW = (1 << 32) - 1


@dataclass(frozen=True)
class Cells:
    """Some cells of some blocks.

    Args:
        blocks: (b, 3) block coordinates, none twice.
        block: (n,) the row of ``blocks`` that each cell belongs to.
        cell: (n,) its Morton key in the block.
    """

    blocks: Tensor
    block: Tensor
    cell: Tensor


@dataclass(frozen=True)
class TorchReduction:
    """What one frame says of each voxel.

    Args:
        hit: where its ``n`` voxels of surface are.
        points: (n,) how many pixels ended in each.
        offsets: (n, 3) sums of 256ths of a voxel, as ``BlockPool.offset``.
        address: (h * w,) where each pixel ends, in a numbering of the frame's own.
        at: (n,) the addresses of the voxels above.
        missed: the voxels that rays passed, or ended in beyond the farthest surface; None without carving.
    """

    hit: Cells
    points: Tensor
    offsets: Tensor
    address: Tensor
    at: Tensor
    missed: Cells | None

    @cached_property
    def pixels(self) -> Tensor:
        """(h * w,) each pixel's row of ``hit``, -1 where it hit nothing."""
        rows = torch.full((int(self.address.max()) + 1,), -1, device=self.at.device)
        rows[self.at] = torch.arange(len(self.at), device=self.at.device)
        return rows.index_select(0, self.address)


def reduce_frame(view: TorchView, carves: bool) -> TorchReduction:
    """The reduction of a view that is not to be refused, with or without free space."""
    depth, told, beyond = view.depth.double(), None, None
    least, most = (float(extreme) for extreme in view.depth.aminmax())
    far = min(view.max_depth, most)
    near = min(max(view.min_depth, least, 0.0), far)
    if least <= max(view.min_depth, 0.0) or most >= view.max_depth:
        told = depth > max(view.min_depth, 0.0)
        hits = told & (depth < view.max_depth)
        told, beyond = (told, (told & ~hits).view(-1)) if carves else (hits, None)
        if not bool(told.any()):
            near = far = 0.0
        told = told.view(-1)
        depth.clamp_(near, far)
    lattice = Lattice.around(*view.bounds(near, far), view.size)
    fixed = [axis.view(-1) for axis in view.fixed(depth)]
    depth = depth.view(-1)

    def rays_of(pixels: Tensor) -> Rays:
        return Rays(view.origin, view.points(pixels, depth[pixels]), view.size)

    return _Reducer(lattice, fixed, told, beyond).reduction(rays_of if carves else None)


def reduce_points(points: Tensor, view: TorchView, carves: bool) -> TorchReduction:
    """As :func:`reduce_frame`, for a scan's points (n, 3) float64."""
    origin = torch.tensor([view.origin], dtype=torch.float64, device=points.device)
    around = torch.cat([points, origin]) if carves or not len(points) else points
    lattice = Lattice.around(around.amin(0).cpu().numpy(), around.amax(0).cpu().numpy(), view.size)
    fixed = list((points / divisor(view.size / FRACTION, points)).floor_().to(torch.int32).T.contiguous())

    def rays_of(pixels: Tensor) -> Rays:
        return Rays(view.origin, points[pixels], view.size)

    return _Reducer(lattice, fixed, None, None).reduction(rays_of if carves else None)


class _Reducer:
    """The steps of a reduction.

    Args:
        lattice: the blocks that hold the points, and the camera.
        fixed: of each axis (n,) int32 where the pixels end, in 256ths of a voxel; is overwritten.
        told: (n,) whether a pixel says anything; None if all do.
        beyond: (n,) whether it says so much only that it ends at no surface; None if none does.
    """

    def __init__(
        self, lattice: Lattice, fixed: list[Tensor], told: Tensor | None, beyond: Tensor | None
    ) -> None:
        self.lattice, self.told, self.beyond = lattice, told, beyond
        x, y, z = fixed
        self._number, self._line = self._number_of(x, y, z), self._line_of(x, y, z)
        # Two sums in one: as in ``Scratch.sums``.
        x, y, z = (axis.bitwise_and_(FRACTION - 1).long() for axis in (x, y, z))
        self._first, self._second = y.bitwise_left_shift_(32).add_(x), z.add_(1 << 32)
        self.numbers, self.address = self._addresses()
        self.size = (len(self.numbers) + 1) * CELLS

    def _number_of(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """The number of the block in the lattice, from places in 256ths of a voxel."""
        (cx, cy, cz), (_, ny, nz) = self.lattice.corner, self.lattice.shape
        number = (x >> 11).sub_(cx)
        if self.lattice.blocks >= 1 << 31:
            number = number.long()
        return number.mul_(ny).add_((y >> 11).sub_(cy)).mul_(nz).add_((z >> 11).sub_(cz))

    @staticmethod
    def _line_of(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        """``64 i + 8 j + k`` of the cell in its block: bits 8 to 10 of each place."""
        line = (x & 0x700).mul_(8).add_(y & 0x700).mul_(8).add_(z & 0x700)
        return line.bitwise_right_shift_(8)

    def _addresses(self) -> tuple[Tensor, Tensor]:
        """The blocks' numbers in the lattice, and each pixel's address: its block among those and its cell.

        Pixels that say nothing go to a block of their own, the one after the last.
        """
        number, end = self._number, self.lattice.blocks
        if self.told is not None:
            number = torch.where(self.told, number, end)
        numbers, block = compact(number, end + 1)
        if self.told is not None and int(numbers[-1]) == end:
            numbers = numbers[:-1]
        return numbers, block.mul_(CELLS).add_(self._line)

    def reduction(self, rays_of: Callable[[Tensor], Rays] | None) -> TorchReduction:
        """All of it; what is missed is what the rays of pixels (n,) pass."""
        # Pixels that end at no surface go to the block after the last too.
        last = self.size - 1
        address = self.address if self.beyond is None else torch.where(self.beyond, last, self.address)
        first, second = self._sums(address, self._first), self._sums(address, self._second)
        hit = (second[:-CELLS] >> 32).nonzero()[:, 0]
        first, second = first[hit], second[hit]
        return TorchReduction(
            self._cells(self.numbers, hit >> 9, hit & (CELLS - 1)),
            second >> 32,
            torch.stack([first & _LOW, (first >> 32) & _LOW, second & _LOW], 1),
            address,
            hit,
            None if rays_of is None else self._missed(address, hit, rays_of),
        )

    def _sums(self, address: Tensor, values: Tensor) -> Tensor:
        sums = torch.zeros(self.size, dtype=torch.int64, device=values.device)
        return sums.index_add_(0, address, values)

    def _cells(self, numbers: Tensor, block: Tensor, line: Tensor) -> Cells:
        return Cells(self.lattice.blocks_at(numbers), block, cell_of_line(line.device)[line])

    def _missed(self, address: Tensor, hit: Tensor, rays_of: Callable[[Tensor], Rays]) -> Cells:
        """A voxel's ray is its first pixel's, in reading order; those that hit something come first."""
        pixels = self._sooner(address)[hit]
        if self.beyond is not None:
            ends = self._sooner(torch.where(self.beyond, self.address, self.size - 1))[:-CELLS]
            pixels = torch.cat([pixels, ends[ends < len(address)]])
        return self._cells(*passed(rays_of(pixels), len(hit), self.lattice))

    def _sooner(self, address: Tensor) -> Tensor:
        """The first pixel at each address, or the number of pixels where there is none."""
        count = len(address)
        first = torch.full((self.size,), count, device=address.device)
        return first.scatter_reduce_(0, address, torch.arange(count, device=address.device), "amin")
