"""A frame's reduction, merged into the map: one update a voxel."""

import math
from typing import no_type_check

import numpy as np
from numba import njit

from .block_pool import CELLS, block_corner, find_or_add
from .morton import gather

HIT, MISS = 3, -1
"""What a frame that hits a voxel, or looks through it, adds to its evidence."""
LEAST, MOST = -2, 9
"""The evidence's bounds: one hit makes free space occupied, at most nine looks through make it free again."""
MOST_VOTES = 30
"""The bound of a label's lead: so many frames that agree on another one replace it, however old it is."""


@njit(cache=True)
@no_type_check
def _looks_past(view, i, j, k):
    """Whether every pixel over the voxel ends behind it (pixels without a return say nothing).

    A ray that grazes a wall passes through voxels of that wall: it alone is no evidence that they are empty.
    """
    size, r = view.voxel_size, view.rotation
    dx, dy, dz = (
        (i + 0.5) * size - view.origin[0],
        (j + 0.5) * size - view.origin[1],
        (k + 0.5) * size - view.origin[2],
    )
    z = r[0, 2] * dx + r[1, 2] * dy + r[2, 2] * dz
    if z < size:
        return True
    u = view.fx * (r[0, 0] * dx + r[1, 0] * dy + r[2, 0] * dz) / z + view.cx
    v = view.fy * (r[0, 1] * dx + r[1, 1] * dy + r[2, 1] * dz) / z + view.cy
    reach_u, reach_v = 0.5 * size * view.fx / z + 0.5, 0.5 * size * view.fy / z + 0.5
    back = z + 0.5 * math.sqrt(3.0) * size
    height, width = view.depth.shape
    first_row, last_row = math.ceil(v - reach_v - 0.5), math.floor(v + reach_v - 0.5)
    first_column, last_column = math.ceil(u - reach_u - 0.5), math.floor(u + reach_u - 0.5)
    for row in range(max(0, first_row), min(height, last_row + 1)):
        for column in range(max(0, first_column), min(width, last_column + 1)):
            depth = view.depth[row, column]
            if 0.0 < depth < back:
                return False
    return True


@njit(cache=True)
@no_type_check
def _widen(extent, i, j, k):
    if extent[0, 0] == extent[1, 0]:
        extent[0, 0], extent[0, 1], extent[0, 2] = i, j, k
        extent[1, 0], extent[1, 1], extent[1, 2] = i + 1, j + 1, k + 1
    extent[0, 0], extent[1, 0] = min(extent[0, 0], i), max(extent[1, 0], i + 1)
    extent[0, 1], extent[1, 1] = min(extent[0, 1], j), max(extent[1, 1], j + 1)
    extent[0, 2], extent[1, 2] = min(extent[0, 2], k), max(extent[1, 2], k + 1)


@njit(cache=True)
@no_type_check
def _vote(pool, slot, cell, label):
    """One frame's vote: the majority by Boyer and Moore, "MJRTY" (1991), with a bounded lead.

    Whether it changed the label.
    """
    votes = pool.votes[slot, cell]
    if votes == 0:
        pool.label[slot, cell], pool.votes[slot, cell] = label, 1
        return True
    if label == pool.label[slot, cell]:
        pool.votes[slot, cell] = min(votes + 1, MOST_VOTES)
        return False
    pool.votes[slot, cell] = votes - 1
    if votes == 1:
        pool.label[slot, cell] = 0
    return votes == 1


@njit(cache=True)
@no_type_check
def _clear(pool, slot, cell):
    pool.label[slot, cell], pool.votes[slot, cell] = 0, 0


@njit(cache=True)
@no_type_check
def _hit(pool, slot, cell, points, colour, coloured, step):
    pool.hits[slot, cell] += points
    pool.last_hit[slot, cell] = max(pool.last_hit[slot, cell], np.int32(step + 1))
    pool.evidence[slot, cell] = min(pool.evidence[slot, cell] + HIT, MOST)
    if coloured:
        for channel in range(3):
            # One rounded mean a frame keeps the sums whole numbers: no order of frames changes them.
            mean = (2 * np.int64(colour[channel]) + points) // (2 * np.int64(points))
            pool.colour[slot, cell, channel] += np.uint32(mean)
        pool.colour[slot, cell, 3] += np.uint32(1)


@njit(cache=True)
@no_type_check
def merge(pool, used, reduction, view, step, changed, change):
    """Enters a frame's reduction, one update a voxel; the pool has room. The number of blocks afterwards.

    Writes ``change`` into ``changed`` for each label of whose voxels one was hit, won or lost, and into the
    pool's own ``changed`` for each block of which a voxel became occupied or free, or got another label.
    """
    for n in range(reduction.used):
        key = reduction.keys[n]
        slot, used = find_or_add(pool.hash_keys, pool.hash_slots, pool.keys, used, key)
        bi, bj, bk = block_corner(key)
        differs = False
        for cell in range(CELLS):
            row = reduction.cells[n, cell]
            if row == 0:
                continue
            i, j, k = bi + gather(cell), bj + gather(cell >> 1), bk + gather(cell >> 2)
            evidence = pool.evidence[slot, cell]
            if evidence == 0:
                _widen(pool.extent, i, j, k)
            if row > 0:
                colour = reduction.colours[row - 1]
                _hit(pool, slot, cell, reduction.points[row - 1], colour, len(view.rgb) > 0, step)
                changed[pool.label[slot, cell]] = change
                differs |= evidence <= 0
                if len(reduction.labels) > 0 and reduction.labels[row - 1] > 0:
                    differs |= _vote(pool, slot, cell, reduction.labels[row - 1])
                    changed[pool.label[slot, cell]] = change
            else:
                pool.misses[slot, cell] += np.uint32(1)
                if evidence <= 0 or _looks_past(view, i, j, k):
                    # 0 is kept for voxels that nothing is known of.
                    pool.evidence[slot, cell] = max(evidence + MISS, LEAST) if evidence != 1 else -1
                    if evidence == 1:
                        changed[pool.label[slot, cell]] = change
                        _clear(pool, slot, cell)
                        differs = True
        if differs:
            pool.changed[slot] = change
    return used
