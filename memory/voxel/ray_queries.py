"""Rays through the map: the first occupied voxel of each, and whether unknown space was passed before it.

By the traversal of Amanatides and Woo, "A fast voxel traversal algorithm for ray tracing" (1987), over
hashed blocks: one that does not exist is left in one step. Where a ray crosses a boundary is computed from
its origin each time, so that nothing adds up and crossings at the same distance are taken together.
"""

import math
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numba import njit

from ..morton import SIGN_OFFSET
from .block_pool import BLOCK, CELLS, EMPTY, block_key, find_slot
from .state_queries import OCCUPIED, UNKNOWN, cell_of, state_of


@dataclass(frozen=True)
class RayHits:
    """What ``n`` rays met.

    Args:
        handles: (n,) the first occupied voxel on each ray, -1 where there is none.
        distances: (n,) metres to where the ray enters it, 0 if it starts inside; infinite for none.
        through_unknown: (n,) whether the ray passed a voxel of which nothing is known, before the hit or
            before its end.
    """

    handles: Int64[np.ndarray, " n"]
    distances: Float64[np.ndarray, " n"]
    through_unknown: Bool[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.handles)


@njit(cache=True)
@no_type_check
def _crossing(boundary, origin, inverse, size):
    """How far along the ray a boundary between voxels is."""
    return (boundary * size - origin) * inverse


@njit(cache=True)
@no_type_check
def _index_at(t, start, low, high, origin, direction, inverse, size):
    """Along one axis: the voxel that the ray has entered after ``t`` and not yet left.

    It is the one where a ray from ``start`` is when it has crossed all boundaries up to ``t``, none beyond.
    """
    if direction == 0.0:
        return start
    sign, ahead = (1, 1) if direction > 0 else (-1, 0)
    index = np.int64(math.floor(min(max((origin + t * direction) / size, low), high - 1)))
    index = max(index, start) if sign > 0 else min(index, start)
    while _crossing(index + ahead, origin, inverse, size) <= t:
        index += sign
    while index != start and _crossing(index - sign + ahead, origin, inverse, size) > t:
        index -= sign
    return index


@njit(cache=True, forceinline=True)
@no_type_check
def _enter(t, start, extent, origin, direction, inverse, size, index):
    """Writes the voxel that the ray has entered after ``t`` and not yet left."""
    for axis in range(3):
        low, high = extent[0, axis], extent[1, axis]
        index[axis] = _index_at(t, start[axis], low, high, origin[axis], direction[axis], inverse[axis], size)


@njit(cache=True, forceinline=True)
@no_type_check
def _step(leaves, origin, direction, inverse, size, index):
    """Moves on over all boundaries that the ray crosses up to ``leaves``, one an axis."""
    for axis in range(3):
        if direction[axis] != 0.0:
            sign, ahead = (1, 1) if direction[axis] > 0 else (-1, 0)
            if _crossing(index[axis] + ahead, origin[axis], inverse[axis], size) <= leaves:
                index[axis] += sign


@njit(cache=True)
@no_type_check
def _clip(extent, start, origin, direction, inverse, size, most):
    """From where to where a ray runs through the known range; nowhere if that is the wrong way round."""
    t_in, t_out = 0.0, most
    for axis in range(3):
        low, high, at = extent[0, axis], extent[1, axis], start[axis]
        if direction[axis] == 0.0:
            if not low <= at < high:
                return 0.0, -1.0
            continue
        near, far = (low, high) if direction[axis] > 0 else (high, low)
        is_before = at < low if direction[axis] > 0 else at >= high
        is_past = at >= high if direction[axis] > 0 else at < low
        if is_past:
            return 0.0, -1.0
        if is_before:
            t_in = max(t_in, _crossing(near, origin[axis], inverse[axis], size))
        t_out = min(t_out, _crossing(far, origin[axis], inverse[axis], size))
    return t_in, t_out


@njit(cache=True)
@no_type_check
def _exit(index, width, origin, direction, inverse, size):
    """How far along the ray it leaves a cube of ``width`` voxels that starts at a multiple of it."""
    t = np.inf
    for axis in range(3):
        if direction[axis] != 0.0:
            corner = index[axis] // width * width
            boundary = corner + width if direction[axis] > 0 else corner
            t = min(t, _crossing(boundary, origin[axis], inverse[axis], size))
    return t


@njit(cache=True)
@no_type_check
def _cast_one(pool, agent, origin, direction, most, size, start, index, inverse):
    """The handle that a ray hits, the distance, and whether unknown space was passed before."""
    extent, hash_keys, hash_slots = pool.extent[agent], pool.hash_keys, pool.hash_slots
    cells, pages, evidence, rows = pool.cells, pool.pages, pool.evidence, pool.rows
    for axis in range(3):
        cell = math.floor(min(max(origin[axis] / size, -2.0 * SIGN_OFFSET), 2.0 * SIGN_OFFSET))
        start[axis] = np.int64(cell)
        inverse[axis] = 1.0 / direction[axis] if direction[axis] != 0.0 else np.inf
    t, end = _clip(extent, start, origin, direction, inverse, size, most)
    if t >= end:
        return np.int64(EMPTY), np.inf, most > 0.0
    unknown, slot = t > 0.0, np.int64(EMPTY)
    bi, bj, bk = extent[1, 0], np.int64(0), np.int64(0)  # no block: the range ends before it
    _enter(t, start, extent, origin, direction, inverse, size, index)
    while t < end:
        i, j, k = index[0], index[1], index[2]
        if i >> 3 != bi or j >> 3 != bj or k >> 3 != bk:
            bi, bj, bk = i >> 3, j >> 3, k >> 3
            slot = find_slot(hash_keys, hash_slots, block_key(agent, bi, bj, bk))
        if slot == EMPTY or (unknown and rows[slot] == 0):
            leaves = _exit(index, BLOCK, origin, direction, inverse, size)
            unknown |= leaves > t
            t = max(t, leaves)
            _enter(t, start, extent, origin, direction, inverse, size, index)
            continue
        leaves = _exit(index, 1, origin, direction, inverse, size)
        if leaves > t:
            cell = cell_of(i, j, k)
            state = state_of(cells, pages, evidence, slot, cell)
            if state == OCCUPIED:
                return slot * CELLS + cell, t, unknown
            unknown |= state == UNKNOWN
        _step(leaves, origin, direction, inverse, size, index)
        t = max(t, leaves)
    return np.int64(EMPTY), np.inf, unknown or end < most


@njit(cache=True)
@no_type_check
def cast_rays(pool, agent, origins, directions, most, size, handles, distances, through_unknown):
    """Writes what each ray meets within ``most`` metres; directions are of length 1."""
    start, index, inverse = np.empty(3, np.int64), np.empty(3, np.int64), np.empty(3)
    for n in range(len(origins)):
        handles[n], distances[n], through_unknown[n] = _cast_one(
            pool, agent, origins[n], directions[n], most, size, start, index, inverse
        )
