"""Keys of blocks and voxels on torch tensors: ``morton.py`` and the pool's keys, on any device."""

from functools import lru_cache

import torch
from torch import Tensor

from ..morton import SIGN_OFFSET
from ..voxel.block_pool import AGENT_SHIFT, BLOCK_OFFSET, CELLS, PLACE

_SPREADING = (
    (32, 0x1F00000000FFFF),
    (16, 0x1F0000FF0000FF),
    (8, 0x100F00F00F00F00F),
    (4, 0x10C30C30C30C30C3),
    (2, 0x1249249249249249),
)
_GATHERING = ((2, 0x10C30C30C30C30C3), (4, 0x100F00F00F00F00F), (8, 0x1F0000FF0000FF), (16, 0x1F00000000FFFF))


def spread(x: Tensor) -> Tensor:
    """The low 21 bits of each ``x``, two empty bits after each bit."""
    x = x & 0x1FFFFF
    for shift, mask in _SPREADING:
        x = (x | (x << shift)) & mask
    return x


def gather(x: Tensor) -> Tensor:
    """The inverse of :func:`spread`: every third bit of ``x``."""
    x = x & 0x1249249249249249
    for shift, mask in _GATHERING:
        x = (x | (x >> shift)) & mask
    return (x | (x >> 32)) & 0x1FFFFF


def block_keys(agent: int, blocks: Tensor) -> Tensor:
    """(n,) the key of each block, from its coordinates (n, 3) int64."""
    x, y, z = (spread(blocks[:, axis] + BLOCK_OFFSET) << axis for axis in range(3))
    return x | y | z | (agent << AGENT_SHIFT)


def blocks_of(keys: Tensor) -> Tensor:
    """(n, 3) the coordinates of each block, from its key."""
    keys = keys & PLACE
    return torch.stack([gather(keys >> axis) for axis in range(3)], 1) - BLOCK_OFFSET


def voxel_keys(indices: Tensor) -> Tensor:
    """(n,) the Morton key of each voxel index (n, 3): what results are sorted by."""
    x, y, z = (spread(indices[:, axis] + SIGN_OFFSET) << axis for axis in range(3))
    return x | y | z


def cells_at(indices: Tensor) -> Tensor:
    """(n,) the Morton key within its block of each voxel index (n, 3)."""
    x, y, z = ((i & 1) | ((i & 2) << 2) | ((i & 4) << 4) for i in indices.unbind(1))
    return x | (y << 1) | (z << 2)


@lru_cache
def cell_corners(device: torch.device) -> Tensor:
    """(512, 3) where each cell of a block lies in it, by its Morton key."""
    cells = torch.arange(CELLS, device=device)
    return torch.stack([gather(cells >> axis) for axis in range(3)], 1)


@lru_cache
def cell_of_line(device: torch.device) -> Tensor:
    """(512,) the Morton key of the cell (x, y, z) at ``64 x + 8 y + z``."""
    corners = cell_corners(device)
    table = torch.empty(CELLS, dtype=torch.int64, device=device)
    table[corners[:, 0] * 64 + corners[:, 1] * 8 + corners[:, 2]] = torch.arange(CELLS, device=device)
    return table


def in_range(indices: Tensor) -> Tensor:
    """(n,) whether a voxel index (n, 3) has a key."""
    return ((indices >= -SIGN_OFFSET) & (indices < SIGN_OFFSET)).all(1)
