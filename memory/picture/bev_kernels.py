"""Compiled loops of bird's-eye images: what is highest over each pixel."""

import math
from typing import no_type_check

import numpy as np
from numba import njit

_AT_A_TIME = 2048


@njit(cache=True)
@no_type_check
def highest_points(points, west, north, scale, rows, columns, heights, winners):
    """Notes the height of the highest of the points over each pixel, and which it is, the first of equals.

    Pixels are found for a batch at a time, which compiles to vector instructions; only then are heights
    looked up, which does not.

    Args:
        points: (n, 3).
        west, north: world x and y of the image's upper left corner.
        scale: pixels a metre.
        rows, columns: the image's size.
        heights: (rows * columns + 1) float32 NaN; the last takes what lies beside the image.
        winners: (rows * columns + 1) int32 -1; (0) if they are not asked for.

    Returns:
        False if a point is not finite.
    """
    at, height = np.empty(_AT_A_TIME, np.int32), np.empty(_AT_A_TIME, np.float32)
    beside, wide, fine, which = np.int32(rows * columns), np.int32(columns), True, len(winners) > 0
    for start in range(0, len(points), _AT_A_TIME):
        count = min(_AT_A_TIME, len(points) - start)
        for n in range(count):
            u, v = (points[start + n, 0] - west) * scale, (north - points[start + n, 1]) * scale
            z = np.float32(points[start + n, 2])
            inside = (u >= 0) & (u < columns) & (v >= 0) & (v < rows)
            fine &= (u - u == 0) & (v - v == 0) & (z - z == 0)
            u, v = u if inside else 0.0, v if inside else 0.0
            pixel = np.int32(v) * wide + np.int32(u)
            at[n] = pixel if inside else beside
            height[n] = z
        # NaN, where no point was yet, is below nothing and above nothing.
        for n in range(count if which else 0):
            pixel = np.uint64(at[n])
            if not height[n] <= heights[pixel]:
                heights[pixel] = height[n]
                winners[pixel] = start + n
        for n in range(0 if which else count):
            pixel = np.uint64(at[n])
            before = heights[pixel]
            heights[pixel] = before if height[n] <= before else height[n]
    return fine


@njit(cache=True)
@no_type_check
def paint(winners, values, image):
    """Gives each pixel its winner's values, where it has one."""
    for pixel in range(len(image)):
        n = winners[pixel]
        if n >= 0:
            for channel in range(image.shape[1]):
                image[pixel, channel] = values[n, channel]


@njit(cache=True)
@no_type_check
def _covered(low, high, pixels):
    """The pixels [first, end) with middles in [low, high); if there is none, the one around its middle."""
    first, end = math.ceil(low - 0.5), math.ceil(high - 0.5)
    if first == end:
        first = math.floor((low + high) / 2)
        end = first + 1
    return max(first, 0), min(end, pixels)


@njit(cache=True)
@no_type_check
def splat_voxels(indices, tops, colours, size, west, north, scale, heights, image):
    """Paints voxels from above as the squares they are, the highest over each pixel, the first of equals.

    Args:
        indices: (n, 2) voxel indices, x and y.
        tops: (n,) float32 heights.
        colours: (n, 3).
        size: edge of a voxel, metres.
        west, north: world x and y of the image's upper left corner.
        scale: pixels a metre.
        heights: (h, w) float32, NaN where nothing is painted yet.
        image: (h, w, 3).
    """
    rows, columns = heights.shape
    for n in range(len(indices)):
        x, y = indices[n, 0], indices[n, 1]
        left, right = _covered((x * size - west) * scale, ((x + 1) * size - west) * scale, columns)
        upper, lower = _covered((north - (y + 1) * size) * scale, (north - y * size) * scale, rows)
        for row in range(upper, lower):
            for column in range(left, right):
                if not tops[n] <= heights[row, column]:
                    heights[row, column] = tops[n]
                    for channel in range(3):
                        image[row, column, channel] = colours[n, channel]
