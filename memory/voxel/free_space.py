"""The free space that a frame sees: the voxels that its rays pass, one ray for each voxel in which one ends.

By the traversal of Amanatides and Woo, "A fast voxel traversal algorithm for ray tracing" (1987).
"""

import math
from typing import no_type_check

import numpy as np
from numba import njit

from .block_pool import FRACTION
from .frame_reduction import block_place, slot_at, with_room


@njit(cache=True)
@no_type_check
def _voxel(coordinate, size):
    """As :mod:`~placecell.memory.voxel.frame_reduction` defines it."""
    return np.int64(math.floor(coordinate / (size / FRACTION))) >> 8


@njit(cache=True, error_model="numpy")
@no_type_check
def _crossings(origin, end, start, stop, size):
    """Along one axis: how many boundaries the ray crosses, which way, where the first and how far apart.

    Where is a fraction of the ray; infinite where there is nothing (more) to cross.
    """
    if start == stop:
        return 0, 0, np.inf, np.inf
    sign = 1 if stop > start else -1
    boundary = (start + (sign > 0)) * size
    return abs(stop - start), sign, (boundary - origin) / (end - origin), size / abs(end - origin)


@njit(cache=True)
@no_type_check
def _carve(table, free, origin, x, y, z, size):
    """Marks what the ray passes before the voxel in which it ends.

    The crossings left on each axis are counted, so that rounding cannot lead past the end.
    """
    counts, hash_keys, hash_slots, hash_places, keys = table
    i, j, k = _voxel(origin[0], size), _voxel(origin[1], size), _voxel(origin[2], size)
    left_i, sign_i, next_i, step_i = _crossings(origin[0], x, i, _voxel(x, size), size)
    left_j, sign_j, next_j, step_j = _crossings(origin[1], y, j, _voxel(y, size), size)
    left_k, sign_k, next_k, step_k = _crossings(origin[2], z, k, _voxel(z, size), size)
    # In a block entered along an axis, the first cell is 0 on the way up and 7 on the way down.
    enter_i, enter_j, enter_k = (0 if sign_i > 0 else 7), (0 if sign_j > 0 else 7), (0 if sign_k > 0 else 7)
    inside, slot = False, np.int64(0)
    for _ in range(left_i + left_j + left_k):
        if not inside:
            slot = slot_at(counts, hash_keys, hash_slots, hash_places, keys, block_place(i, j, k))
        free[slot, k & 7] |= np.uint64(1) << np.uint64((i & 7) | ((j & 7) << 3))
        if next_i <= next_j and next_i <= next_k:
            left_i -= 1
            next_i = next_i + step_i if left_i > 0 else np.inf
            i += sign_i
            inside = (i & 7) != enter_i
        elif next_j <= next_k:
            left_j -= 1
            next_j = next_j + step_j if left_j > 0 else np.inf
            j += sign_j
            inside = (j & 7) != enter_j
        else:
            left_k -= 1
            next_k = next_k + step_k if left_k > 0 else np.inf
            k += sign_k
            inside = (k & 7) != enter_k


@njit(cache=True)
@no_type_check
def _table(scratch):
    return scratch.counts, scratch.hash_keys, scratch.hash_slots, scratch.hash_places, scratch.keys


@njit(cache=True)
@no_type_check
def _blocks(origin, x, y, z, size):
    """How many blocks a ray may meet."""
    edge = 8 * size
    return 4 + np.int64((abs(x - origin[0]) + abs(y - origin[1]) + abs(z - origin[2])) / edge)


@njit(cache=True)
@no_type_check
def carve_frame(view, scratch):
    """Marks the free space of a view of which :func:`reduce_frame` has counted the hits.

    A voxel's ray is its first pixel's, in reading order. A pixel beyond the depth limit carves up to it, one
    for each voxel there too, which is free itself.
    """
    origin, size, r, width = view.origin, view.voxel_size, view.rotation, view.depth.shape[1]
    nearest, hits, pixels = max(view.min_depth, 0.0), scratch.counts[1], view.depth.size
    table, free, ended = _table(scratch), scratch.free, scratch.ended
    for n in range(hits + pixels):
        pixel = np.int64(scratch.first[n]) if n < hits else n - hits
        row, column = pixel // width, pixel % width
        depth = np.float64(view.depth[row, column])
        if n >= hits:
            if depth <= nearest or depth < view.max_depth:
                continue
            depth = view.max_depth
        across, down = (column + 0.5 - view.cx) / view.fx, (row + 0.5 - view.cy) / view.fy
        x = (r[0, 0] * across + (r[0, 1] * down + r[0, 2])) * depth + origin[0]
        y = (r[1, 0] * across + (r[1, 1] * down + r[1, 2])) * depth + origin[1]
        z = (r[2, 0] * across + (r[2, 1] * down + r[2, 2])) * depth + origin[2]
        blocks = scratch.counts[0] + _blocks(origin, x, y, z, size)
        if blocks > len(scratch.keys):
            scratch = with_room(scratch, blocks)
            table, free, ended = _table(scratch), scratch.free, scratch.ended
        if n >= hits:
            i, j, k = _voxel(x, size), _voxel(y, size), _voxel(z, size)
            slot = slot_at(*table, block_place(i, j, k))
            bit = np.uint64(1) << np.uint64((i & 7) | ((j & 7) << 3))
            if ended[slot, k & 7] & bit:
                continue
            ended[slot, k & 7] |= bit
            free[slot, k & 7] |= bit
        _carve(table, free, origin, x, y, z, size)
    return scratch


@njit(cache=True)
@no_type_check
def carve_points(axes, origin, voxel_size, scratch):
    """As :func:`carve_frame`, for a scan's points (3, n): an axis a row."""
    for row in range(scratch.counts[1]):
        n = scratch.first[row]
        x, y, z = axes[0, n], axes[1, n], axes[2, n]
        scratch = with_room(scratch, scratch.counts[0] + _blocks(origin, x, y, z, voxel_size))
        _carve(_table(scratch), scratch.free, origin, x, y, z, voxel_size)
    return scratch
