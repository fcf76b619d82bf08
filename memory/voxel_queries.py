"""Compiled look-ups on a pool of voxel blocks. A voxel's row is ``slot * 512 + cell``."""

from typing import no_type_check

import numpy as np
from numba import njit

from .block_pool import BLOCK, CELLS, EMPTY, SPREAD, block_corner, block_key, find_slot
from .morton import SIGN_OFFSET, gather

UNKNOWN, FREE, OCCUPIED = 0, 1, 2


@njit(cache=True)
@no_type_check
def _state(evidence):
    return FREE if evidence < 0 else (OCCUPIED if evidence > 0 else UNKNOWN)


@njit(cache=True)
@no_type_check
def rows_at(pool, indices):
    """(n,) the row of each voxel index, -1 where there is no block."""
    rows = np.empty(len(indices), np.int64)
    for n in range(len(indices)):
        i, j, k = indices[n, 0], indices[n, 1], indices[n, 2]
        if not -SIGN_OFFSET <= min(i, j, k) <= max(i, j, k) < SIGN_OFFSET:
            rows[n] = EMPTY
            continue
        slot = find_slot(pool.hash_keys, pool.hash_slots, block_key(i >> 3, j >> 3, k >> 3))
        cell = SPREAD[i & 7] | (SPREAD[j & 7] << 1) | (SPREAD[k & 7] << 2)
        rows[n] = slot * CELLS + cell if slot != EMPTY else EMPTY
    return rows


@njit(cache=True)
@no_type_check
def states_at(pool, indices):
    """(n,) the state of each voxel index."""
    states = np.zeros(len(indices), np.int8)
    rows = rows_at(pool, indices)
    for n in range(len(rows)):
        if rows[n] != EMPTY:
            states[n] = _state(pool.evidence[rows[n] // CELLS, rows[n] % CELLS])
    return states


@njit(cache=True)
@no_type_check
def fill_states(pool, lower, states):
    """Writes the states of the box that starts at ``lower``, block by block."""
    upper = np.minimum(lower + np.array(states.shape), SIGN_OFFSET)
    first, last = np.maximum(lower, -SIGN_OFFSET) >> 3, (upper - 1) >> 3
    for bi in range(first[0], last[0] + 1):
        for bj in range(first[1], last[1] + 1):
            for bk in range(first[2], last[2] + 1):
                slot = find_slot(pool.hash_keys, pool.hash_slots, block_key(bi, bj, bk))
                if slot == EMPTY:
                    continue
                k_first, k_end = max(lower[2], bk * BLOCK), min(upper[2], bk * BLOCK + BLOCK)
                for i in range(max(lower[0], bi * BLOCK), min(upper[0], bi * BLOCK + BLOCK)):
                    for j in range(max(lower[1], bj * BLOCK), min(upper[1], bj * BLOCK + BLOCK)):
                        column = SPREAD[i & 7] | (SPREAD[j & 7] << 1)
                        for k in range(k_first, k_end):
                            evidence = pool.evidence[slot, column | (SPREAD[k & 7] << 2)]
                            states[i - lower[0], j - lower[1], k - lower[2]] = _state(evidence)


@njit(cache=True)
@no_type_check
def _block_meets(pool, slot, lower, upper):
    i, j, k = block_corner(pool.keys[slot])
    return (
        i < upper[0]
        and i + BLOCK > lower[0]
        and j < upper[1]
        and j + BLOCK > lower[1]
        and k < upper[2]
        and k + BLOCK > lower[2]
    )


@njit(cache=True)
@no_type_check
def slots_in_box(pool, used, lower, upper):
    """The slots of the blocks that meet the index box [lower, upper), by whichever way is shorter."""
    slots, count = np.empty(used, np.int64), 0
    first, last = lower >> 3, (upper - 1) >> 3
    volume = np.float64(1)
    for axis in range(3):
        volume *= max(0, last[axis] - first[axis] + 1)
    if volume > used:
        for slot in range(used):
            if _block_meets(pool, slot, lower, upper):
                slots[count] = slot
                count += 1
        return slots[:count]
    for bi in range(first[0], last[0] + 1):
        for bj in range(first[1], last[1] + 1):
            for bk in range(first[2], last[2] + 1):
                slot = find_slot(pool.hash_keys, pool.hash_slots, block_key(bi, bj, bk))
                if slot != EMPTY:
                    slots[count] = slot
                    count += 1
    return slots[:count]


@njit(cache=True)
@no_type_check
def occupied_rows(pool, slots, lower, upper):
    """The rows of the occupied voxels of some blocks whose indices lie in [lower, upper)."""
    count = 0
    for slot in slots:
        for cell in range(CELLS):
            count += pool.evidence[slot, cell] > 0
    rows, count = np.empty(count, np.int64), 0
    for slot in slots:
        i, j, k = block_corner(pool.keys[slot])
        for cell in range(CELLS):
            if pool.evidence[slot, cell] > 0:
                x, y, z = i + gather(cell), j + gather(cell >> 1), k + gather(cell >> 2)
                inside = lower[0] <= x < upper[0] and lower[1] <= y < upper[1] and lower[2] <= z < upper[2]
                if inside:
                    rows[count] = slot * CELLS + cell
                    count += 1
    return rows[:count]


@njit(cache=True)
@no_type_check
def _gap(point, corner, width):
    """Distance from a coordinate to an interval, 0 inside it."""
    return max(0.0, corner - point, point - corner - width)


@njit(cache=True)
@no_type_check
def nearest_rows(pool, used, point, k, radius, size):
    """At most ``k`` occupied rows by distance of their centres, within the radius; ties by Morton key.

    Returns rows and distances, nearest first.
    """
    lower, upper = np.empty(3, np.int64), np.empty(3, np.int64)
    for axis in range(3):
        lower[axis] = max((point[axis] - radius) // size, -SIGN_OFFSET)
        upper[axis] = min((point[axis] + radius) // size + 1, SIGN_OFFSET)
    rows, keys, squares, count = np.empty(k, np.int64), np.empty(k, np.int64), np.empty(k), 0
    for slot in slots_in_box(pool, used, lower, upper):
        i, j, k_ = block_corner(pool.keys[slot])
        block_square = 0.0
        for axis, corner in enumerate((i, j, k_)):
            block_square += _gap(point[axis], corner * size, BLOCK * size) ** 2
        # A hair of slack: the bound and the distance to a centre round differently.
        bound = (squares[count - 1] if count == k else radius * radius) * (1 + 1e-9)
        if block_square > bound:
            continue
        for cell in range(CELLS):
            if pool.evidence[slot, cell] <= 0:
                continue
            dx = (i + gather(cell) + 0.5) * size - point[0]
            dy = (j + gather(cell >> 1) + 0.5) * size - point[1]
            dz = (k_ + gather(cell >> 2) + 0.5) * size - point[2]
            square, key = dx * dx + dy * dy + dz * dz, (pool.keys[slot] << 9) | cell
            if square > radius * radius:
                continue
            if count == k and (square, key) >= (squares[k - 1], keys[k - 1]):
                continue
            place = count if count < k else k - 1
            while place > 0 and (square, key) < (squares[place - 1], keys[place - 1]):
                rows[place], keys[place], squares[place] = (
                    rows[place - 1],
                    keys[place - 1],
                    squares[place - 1],
                )
                place -= 1
            rows[place], keys[place], squares[place] = slot * CELLS + cell, key, square
            count = min(count + 1, k)
    return rows[:count], np.sqrt(squares[:count])
