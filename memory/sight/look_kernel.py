"""From a frame's pixels to its patches in one pass: voxels, their groups, and what each group adds up to."""

from typing import no_type_check

import numpy as np
from numba import njit

from ..morton import SIGN_OFFSET, gather, spread
from .patch_kernel import group_patches


@njit(cache=True)
@no_type_check
def look(depth, labels, points, nearest, farthest, size, limit, reach):
    """The patches of the voxels in which pixels end, by label and then by their first voxels.

    Args:
        depth: (m,) float32 metres; pixels count above ``nearest`` and below ``farthest``, float32 too.
        labels: (m,) of the pixels.
        points: (m, 3) float64 metres, world frame.
        size: of a voxel, metres.
        limit: how far from the origin a point may be along an axis, metres.
        reach: how far apart voxels of a patch may be, in voxels.

    Returns:
        Of each pixel its patch (-1 where none), of each patch its label and mean (p, 3), metres, and how wide
        it is, metres; (p + 1,) starts of its voxels; their keys (n,), rising within a patch, and centres
        (n, 3), metres. The last is false where a point is beyond the limit.
    """
    of_pixels, indices, keys, kinds, whole = _voxels(depth, labels, points, nearest, farthest, size, limit)
    numbers, count = group_patches(indices, kinds, reach)
    starts, fill = np.zeros(count + 1, np.int64), np.zeros(count, np.int64)
    for row in range(len(keys)):
        starts[numbers[row] + 1] += 1
    starts[:] = np.cumsum(starts)
    sorted_keys, patch_kinds = np.empty(len(keys), np.int64), np.empty(count, np.int64)
    for row in range(len(keys)):
        patch = numbers[row]
        sorted_keys[starts[patch] + fill[patch]] = keys[row]
        patch_kinds[patch] = kinds[row]
        fill[patch] += 1
    firsts = np.empty(count, np.int64)
    for patch in range(count):
        sorted_keys[starts[patch] : starts[patch + 1]].sort()
        firsts[patch] = sorted_keys[starts[patch]]
    order = np.argsort(firsts, kind="mergesort")
    order = order[np.argsort(patch_kinds[order], kind="mergesort")]
    ranks = np.empty(count, np.int64)
    ranks[order] = np.arange(count)
    for pixel in range(len(of_pixels)):
        if of_pixels[pixel] >= 0:
            of_pixels[pixel] = ranks[numbers[of_pixels[pixel]]]
    return of_pixels, patch_kinds[order], *_add_up(sorted_keys, starts, order, size), whole


@njit(cache=True)
@no_type_check
def _voxels(depth, labels, points, nearest, farthest, size, limit):
    """Of each pixel its row among the voxels, each once for a label; and whether all are in reach."""
    slots = 16
    while slots < 2 * len(depth):
        slots *= 2
    table, of_pixels = np.full(slots, -1, np.int32), np.full(len(depth), -1, np.int64)
    indices, keys = np.empty((len(depth), 3), np.int64), np.empty(len(depth), np.int64)
    kinds, used = np.empty(len(depth), np.int64), 0
    for pixel in range(len(depth)):
        if not (depth[pixel] > nearest and depth[pixel] < farthest):
            continue
        x, y, z = points[pixel, 0], points[pixel, 1], points[pixel, 2]
        if not (abs(x) < limit and abs(y) < limit and abs(z) < limit):
            return of_pixels, indices[:0], keys[:0], kinds[:0], False
        i, j, k = int(np.floor(x / size)), int(np.floor(y / size)), int(np.floor(z / size))
        kind = np.int64(labels[pixel])
        key = spread(i + SIGN_OFFSET) | (spread(j + SIGN_OFFSET) << 1) | (spread(k + SIGN_OFFSET) << 2)
        mixed = (key * 0x2545F4914F6CDD1D) ^ (kind * 2654435761)
        slot = (mixed ^ (mixed >> 29)) & (slots - 1)
        while table[slot] >= 0 and (keys[table[slot]] != key or kinds[table[slot]] != kind):
            slot = (slot + 1) & (slots - 1)
        if table[slot] < 0:
            table[slot], keys[used], kinds[used] = used, key, kind
            indices[used, 0], indices[used, 1], indices[used, 2] = i, j, k
            used += 1
        of_pixels[pixel] = table[slot]
    return of_pixels, indices[:used], keys[:used], kinds[:used], True


@njit(cache=True)
@no_type_check
def _add_up(keys, starts, order, size):
    """The patches in this order: means, widths, starts, keys and centres."""
    count = len(order)
    means, widths = np.zeros((count, 3)), np.zeros(count)
    begins, sorted_keys, centres = (
        np.zeros(count + 1, np.int64),
        np.empty_like(keys),
        np.empty((len(keys), 3)),
    )
    at = 0
    for rank in range(count):
        first, last = starts[order[rank]], starts[order[rank] + 1]
        for axis in range(3):
            least, most, total = np.inf, -np.inf, 0.0
            for n in range(last - first):
                centre = (gather(keys[first + n] >> axis) - SIGN_OFFSET + 0.5) * size
                centres[at + n, axis] = centre
                least, most, total = min(least, centre), max(most, centre), total + centre
            means[rank, axis] = total / (last - first)
            widths[rank] = max(widths[rank], most - least)
        sorted_keys[at : at + last - first] = keys[first:last]
        at += last - first
        begins[rank + 1] = at
    return means, widths, begins, sorted_keys, centres
