"""The compiled search for the k nearest occupied voxels: first the cells around a point, then ring by ring.

On a surface the neighbours stand in the 5x5x5 cells around a point. Elsewhere the blocks around it are
looked through by rising distance, until the next one cannot hold anything nearer than what is found.
"""

import math
from typing import no_type_check

import numpy as np
from numba import njit

from .block_pool import BLOCK, CELLS, EMPTY, agent_of, block_corner
from .neighbour_queries import (
    CENTRE,
    LOWER,
    SLACK,
    UPPER,
    block_of,
    directory_of,
    empty_listing,
    fill_table,
    gap,
    gap_of,
    list_block,
    set_reach,
    slot_at,
    sort_blocks,
    square_in,
)
from .state_queries import OCCUPIED, cell_of, state_of

_AXIS = np.arange(-2, 3)
_CUBE = np.stack(np.meshgrid(_AXIS, _AXIS, _AXIS, indexing="ij"), -1).reshape(-1, 3)
_LEAST = (np.maximum(np.abs(_CUBE) - 0.5, 0) ** 2).sum(1)
_ORDER = np.lexsort((np.abs(_CUBE).sum(1), _LEAST))
_NEAR, _NEAR_LEAST = _CUBE[_ORDER], _LEAST[_ORDER]
"""The 5x5x5 cells around one; the least squared distance to their centres from anywhere in it, in cells."""
_NEAR_REACH = 2.5**2
"""All other cells' centres are at least so far."""
_FEW = 16
"""As many neighbours as a surface holds in 5x5x5 cells."""


@njit(cache=True, forceinline=True)
@no_type_check
def _nearer(keys, square, handle, other_square, other):
    """Whether a voxel comes before another of the same agent: by distance, then by Morton key."""
    if square != other_square:
        return square < other_square
    key, other_key = keys[handle // CELLS], keys[other // CELLS]
    return key < other_key or (key == other_key and handle % CELLS < other % CELLS)


@njit(cache=True)
@no_type_check
def _sink(keys, squares, handles, count, square, handle):
    """Puts a voxel in the place of the farthest of ``count``: a heap, the farthest on top."""
    place = 0
    while True:
        child = 2 * place + 1
        if child >= count:
            break
        if child + 1 < count and _nearer(
            keys, squares[child], handles[child], squares[child + 1], handles[child + 1]
        ):
            child += 1
        if not _nearer(keys, square, handle, squares[child], handles[child]):
            break
        squares[place], handles[place] = squares[child], handles[child]
        place = child
    squares[place], handles[place] = square, handle


@njit(cache=True)
@no_type_check
def _take(keys, squares, handles, count, square, handle):
    """Enters a voxel if it is among the nearest; how many these are then."""
    if count == len(squares):
        if _nearer(keys, square, handle, squares[0], handles[0]):
            _sink(keys, squares, handles, count, square, handle)
        return count
    place = count
    while place > 0:
        parent = (place - 1) >> 1
        if not _nearer(keys, squares[parent], handles[parent], square, handle):
            break
        squares[place], handles[place] = squares[parent], handles[parent]
        place = parent
    squares[place], handles[place] = square, handle
    return count + 1


@njit(cache=True)
@no_type_check
def _take_cells(
    directory, span, hash_keys, hash_slots, rows, pool_cells, pages, evidence, keys, agent, x, y, z, size,
    most, slots, squares, handles,
):  # fmt: skip
    """Enters the occupied among the 5x5x5 cells around a point, the nearer ones first.

    Returns:
        How many voxels are found, and whether no other one can be nearer.
    """
    i, j, k = np.int64(math.floor(x / size)), np.int64(math.floor(y / size)), np.int64(math.floor(z / size))
    bi, bj, bk = (i - 2) >> 3, (j - 2) >> 3, (k - 2) >> 3
    for a in range(bi, ((i + 2) >> 3) + 1):
        for b in range(bj, ((j + 2) >> 3) + 1):
            for c in range(bk, ((k + 2) >> 3) + 1):
                is_inside = (
                    span[LOWER] <= a <= span[UPPER]
                    and span[LOWER + 1] <= b <= span[UPPER + 1]
                    and span[LOWER + 2] <= c <= span[UPPER + 2]
                )
                slot = np.int64(EMPTY)
                if is_inside:
                    slot = slot_at(directory, span, hash_keys, hash_slots, rows, agent, a, b, c)
                slots[4 * (a - bi) + 2 * (b - bj) + c - bk] = slot
    count, bound = 0, most
    for near in range(len(_NEAR)):
        if _NEAR_LEAST[near] * size * size > bound * SLACK:
            return count, True
        u, v, w = i + _NEAR[near, 0], j + _NEAR[near, 1], k + _NEAR[near, 2]
        slot = slots[4 * ((u >> 3) - bi) + 2 * ((v >> 3) - bj) + (w >> 3) - bk]
        if slot == EMPTY:
            continue
        cell = cell_of(u, v, w)
        if state_of(pool_cells, pages, evidence, slot, cell) != OCCUPIED:
            continue
        away_x, away_y, away_z = (u + 0.5) * size - x, (v + 0.5) * size - y, (w + 0.5) * size - z
        square = away_x * away_x + away_y * away_y + away_z * away_z
        if square <= bound:
            count = _take(keys, squares, handles, count, square, slot * CELLS + cell)
            bound = squares[0] if count == len(squares) else most
    return count, bound * SLACK < _NEAR_REACH * size * size


@njit(cache=True)
@no_type_check
def _ring(
    directory, span, hash_keys, hash_slots, rows, agent, x, y, z, size, ring, bound, found, gaps, total
):
    """Adds the blocks that are ``ring`` away from the centre block to those found; how many these are."""
    ci, cj, ck = span[CENTRE], span[CENTRE + 1], span[CENTRE + 2]
    low, high = span[LOWER + 2], span[UPPER + 2]
    for i in range(max(span[LOWER], ci - ring), min(span[UPPER], ci + ring) + 1):
        gap_i = gap(i, x, size)
        if gap_i > bound:
            continue
        for j in range(max(span[LOWER + 1], cj - ring), min(span[UPPER + 1], cj + ring) + 1):
            gap_j = gap_i + gap(j, y, size)
            if gap_j > bound:
                continue
            is_face = abs(i - ci) == ring or abs(j - cj) == ring or ring == 0
            k, step = (max(low, ck - ring), 1) if is_face else (ck - ring, 2 * ring)
            while k <= min(high, ck + ring):
                away = gap_j + gap(k, z, size)
                if k >= low and away <= bound:
                    slot = slot_at(directory, span, hash_keys, hash_slots, rows, agent, i, j, k)
                    if slot != EMPTY:
                        gaps[total], found[total] = away, slot
                        total += 1
                k += step
    return total


@njit(cache=True, forceinline=True)
@no_type_check
def _take_listed(keys, table, cells, first, end, base, most, squares, handles, count):
    """Enters a block's voxels; how many are found then."""
    bound = squares[0] if count == len(squares) else most
    for place in range(first, end):
        cell = cells[place]
        square = square_in(table, cell)
        if square <= bound:
            count = _take(keys, squares, handles, count, square, np.int64(base + cell))
            bound = squares[0] if count == len(squares) else most
    return count


@njit(cache=True)
@no_type_check
def _rest(keys, rows, used, span, agent, x, y, z, size, ring, bound, found, gaps):
    """Writes all blocks that are ``ring`` or more away from the centre block; how many."""
    total = 0
    for slot in range(used):
        key = keys[slot]
        if agent_of(key) == agent and rows[slot] > 0:
            i, j, k = block_corner(key)
            away = max(
                abs((i >> 3) - span[CENTRE]),
                abs((j >> 3) - span[CENTRE + 1]),
                abs((k >> 3) - span[CENTRE + 2]),
            )
            square = gap_of(key, x, y, z, size)
            if away >= ring and square <= bound:
                found[total], gaps[total] = slot, square
                total += 1
    return total


@njit(cache=True, forceinline=True)
@no_type_check
def _set_centre(span, x, y, z, size):
    """Sets the block to begin with.

    Returns:
        The squared distance to it, how deep inside it the point lies, and how many rings there are.
    """
    base, inner, last = 0.0, np.inf, 0
    for axis in range(3):
        at = x if axis == 0 else (y if axis == 1 else z)
        low, high = span[LOWER + axis], span[UPPER + axis]
        block = min(max(block_of(at, size), low), high)
        span[CENTRE + axis] = block
        last = max(last, block - low, high - block)
        base += gap(block, at, size)
        inside = at - block * BLOCK * size
        inner = min(inner, max(0.0, min(inside, BLOCK * size - inside)))
    return base, inner, last


@njit(cache=True)
@no_type_check
def nearest_handles(pool, agent, points, k, radius, size, handles_out, distances_out):
    """Writes the occupied voxels nearest to each point, nearest first, as far as there are so many."""
    hash_keys, hash_slots, keys, rows = pool.hash_keys, pool.hash_slots, pool.keys, pool.rows
    pool_cells, pages, evidence, extent = pool.cells, pool.pages, pool.evidence, pool.extent
    used, k = pool.counts[0], min(k, 16 * pool.counts[1])
    if k == 0:
        return
    span, directory = directory_of(pool, agent, len(points))
    parts, cells, top = empty_listing(pool, len(points))
    squares, handles, table = np.empty(k), np.empty(k, np.int64), np.empty(24)
    found, gaps = np.empty(max(used, 27), np.int64), np.empty(max(used, 27))
    for n in range(len(points)):
        x, y, z, most, count = points[n, 0], points[n, 1], points[n, 2], radius * radius, 0
        set_reach(extent, agent, x, y, z, radius, size, span)
        if (
            span[LOWER] > span[UPPER]
            or span[LOWER + 1] > span[UPPER + 1]
            or span[LOWER + 2] > span[UPPER + 2]
        ):
            continue
        base, inner, last = _set_centre(span, x, y, z, size)
        complete = False
        if base == 0.0 and k <= _FEW:
            count, complete = _take_cells(
                directory, span, hash_keys, hash_slots, rows, pool_cells, pages, evidence, keys, agent, x, y,
                z, size, most, found, squares, handles,
            )  # fmt: skip
            if not complete:
                most, count = squares[0] if count == k else most, 0
        ring = 0 if not complete else last + 1
        while ring <= last:
            bound = (squares[0] if count == k else most) * SLACK
            away = (ring - 1) * BLOCK * size + inner
            if ring > 1 and base + away * away > bound:
                break
            if ring > 1 and (2.0 * ring + 1) ** 3 > used:
                total = _rest(keys, rows, used, span, agent, x, y, z, size, ring, bound, found, gaps)
                ring = last
            else:
                total = 0
                for each in range(ring, max(ring, 1) + 1):
                    total = _ring(
                        directory, span, hash_keys, hash_slots, rows, agent, x, y, z, size, each, bound,
                        found, gaps, total,
                    )  # fmt: skip
                ring = max(ring, 1)
            sort_blocks(gaps, found, total)
            for at in range(total):
                if count == k and gaps[at] > squares[0] * SLACK:
                    break
                slot = found[at]
                part = slot if len(parts) > 1 else 0
                if len(parts) == 1 or parts[part, 0] == EMPTY:
                    list_block(pool, slot, parts, cells, top)
                fill_table(keys[slot], x, y, z, size, table)
                count = _take_listed(
                    keys,
                    table,
                    cells,
                    parts[part, 0],
                    parts[part, 1],
                    slot * CELLS,
                    most,
                    squares,
                    handles,
                    count,
                )
            ring += 1
        for place in range(count - 1, -1, -1):
            handles_out[n, place], distances_out[n, place] = handles[0], math.sqrt(squares[0])
            _sink(keys, squares, handles, place, squares[place], handles[place])
