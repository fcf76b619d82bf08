"""From a name a cell to a name a pixel: where a cell spans a jump in depth, its neighbours know better."""

from typing import no_type_check

import numpy as np
from jaxtyping import Int
from numba import njit

from placecell.arrays import Depth, Ids

_ONE_SURFACE = 1.05  # furthest over nearest depth within a surface's cell, and from a pixel to its neighbour


def to_pixels(cells: Int[np.ndarray, "r c"], depth: Depth) -> Ids:
    """Names of pixels, from those of cells of 2 x 2 pixels.

    A pixel has its cell's name. Where the cell spans more than one surface (its depths differ by more than
    5 %, or it has none), it takes the name of that one of the three cells next to the pixel that lies on one
    surface nearest to the pixel's depth, within 5 %. A thing's outline then bears no name of the wall behind.

    Args:
        cells: (r, c) with r = ceil(h / 2), c = ceil(w / 2).
        depth: (h, w) metres, 0 = no return.

    Returns:
        (h, w) int32.
    """
    out = np.empty(depth.shape, np.int32)
    _spread(out, np.ascontiguousarray(cells, np.int32), np.ascontiguousarray(depth, np.float32))
    return out


@njit(cache=True)
@no_type_check
def _surfaces(depth, rows, columns):
    """Mean depth of each cell that lies on one surface, 0 for the others."""
    height, width = depth.shape
    surface = np.zeros((rows, columns), np.float32)
    for r in range(rows):
        for c in range(columns):
            nearest, furthest, total, count = np.inf, 0.0, 0.0, 0
            for i in range(4):
                z = depth[min(2 * r + (i >> 1), height - 1), min(2 * c + (i & 1), width - 1)]
                if z > 0:
                    nearest, furthest = min(nearest, z), max(furthest, z)
                    total, count = total + z, count + 1
            if count and furthest <= nearest * _ONE_SURFACE:
                surface[r, c] = total / count
    return surface


@njit(cache=True)
@no_type_check
def _spread(out, cells, depth):
    rows, columns = cells.shape
    surface = _surfaces(depth, rows, columns)
    for y in range(depth.shape[0]):
        for x in range(depth.shape[1]):
            r, c, z = y >> 1, x >> 1, depth[y, x]
            out[y, x] = cells[r, c]
            if not z > 0 or surface[r, c] > 0:
                continue
            least = z * (_ONE_SURFACE - 1)
            beside, below = c + (1 if x & 1 else -1), r + (1 if y & 1 else -1)
            for row, column in ((r, beside), (below, c), (below, beside)):
                if 0 <= row < rows and 0 <= column < columns and surface[row, column] > 0:
                    difference = abs(surface[row, column] - z)
                    if difference < least:
                        least = difference
                        out[y, x] = cells[row, column]
