"""What the pixels over a voxel say of it: minima over windows of a depth image, all voxels at once."""

import math

import torch
from torch import Tensor

from .view import TorchView, divisor


def looks_past(view: TorchView, indices: Tensor) -> Tensor:
    """(n,) whether every pixel over a voxel (n, 3) ends behind it (pixels without a return say nothing).

    As in ``frame_merge``: a ray that grazes a wall is alone no evidence that the wall's voxels are empty.
    """
    size, r, (height, width) = view.size, view.rotation, view.depth.shape
    past = torch.ones(len(indices), dtype=torch.bool, device=indices.device)
    dx, dy, dz = ((indices[:, axis].double() + 0.5) * size - view.origin[axis] for axis in range(3))
    z = r[0][2] * dx + r[1][2] * dy + r[2][2] * dz
    ahead = (z >= size).nonzero()[:, 0]
    dx, dy, dz, z = dx[ahead], dy[ahead], dz[ahead], z[ahead]
    u = view.fx * (r[0][0] * dx + r[1][0] * dy + r[2][0] * dz) / z + view.cx
    v = view.fy * (r[0][1] * dx + r[1][1] * dy + r[2][1] * dz) / z + view.cy
    columns = _span(u, torch.div(divisor(0.5 * size * view.fx, z), z) + 0.5, width)
    rows = _span(v, torch.div(divisor(0.5 * size * view.fy, z), z) + 0.5, height)
    seen = ((columns[1] > columns[0]) & (rows[1] > rows[0])).nonzero()[:, 0]
    if len(seen):
        back = z[seen] + 0.5 * math.sqrt(3.0) * size
        blocked = _nearest(view.depth, columns[:, seen], rows[:, seen]).double() < back
        past[ahead[seen[blocked]]] = False
    return past


def _span(middle: Tensor, reach: Tensor, end: int) -> Tensor:
    """(2, n) the pixels [first, end) whose centres lie within reach, inside the image."""
    first, last = torch.ceil(middle - reach - 0.5), torch.floor(middle + reach - 0.5)
    return torch.stack([first.clamp_(0, end), last.add_(1).clamp_(0, end)]).long()


def _nearest(depth: Tensor, columns: Tensor, rows: Tensor) -> Tensor:
    """(n,) the least depth above 0 in each window (2, n), infinite where there is none.

    Of each row of a window two runs of 2**k pixels are looked up that together cover it.
    """
    heights, widths = rows[1] - rows[0], columns[1] - columns[0]
    table = _minima(depth, int(widths.max()).bit_length())
    powers = 1 << torch.arange(len(table), device=depth.device)
    level = torch.searchsorted(powers, widths, right=True) - 1
    window = torch.repeat_interleave(heights)
    row = torch.arange(len(window), device=depth.device) - (heights.cumsum(0) - heights - rows[0])[window]
    line = (level[window] * depth.shape[0] + row) * depth.shape[1]
    left, right = line + columns[0, window], line + (columns[1] - powers[level])[window]
    table = table.view(-1)
    least = torch.minimum(table[left], table[right])
    nearest = torch.full((len(heights),), torch.inf, device=depth.device)
    return nearest.scatter_reduce_(0, window, least, "amin")


def _minima(depth: Tensor, levels: int) -> Tensor:
    """(levels, h, w) the least depth above 0 of the 2**level pixels from each one rightwards."""
    table = [depth.masked_fill(depth <= 0, torch.inf)]
    for level in range(levels - 1):
        wider, reach = table[-1].clone(), 1 << level
        wider[:, :-reach] = torch.minimum(wider[:, :-reach], table[-1][:, reach:])
        table.append(wider)
    return torch.stack(table)
