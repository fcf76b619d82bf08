"""Compiled searches around points: what they share, and all occupied voxels within a radius.

Distances are to a voxel's centre. A block's occupied cells are listed once a batch; the squared distances
to its 512 centres are sums of three numbers from a table of twenty-four.

Kernels take the pool apart once and hand on plain arrays: Numba counts a reference each time it reads an
array out of a tuple, which inside these loops would cost more than the search.
"""

import math
from typing import no_type_check

import numpy as np
from numba import njit

from ..morton import SIGN_OFFSET
from .block_pool import BLOCK, CELLS, EMPTY, agent_of, block_corner, block_key, find_slot
from .state_queries import CELL_X, CELL_Y, CELL_Z, list_cells

SLACK = 1 + 1e-9
"""A hair: the bound of a block and the distance to a centre round differently."""
LOWER, UPPER, CORNER, CENTRE = 0, 3, 6, 9
"""Where in a search's ``span`` stand the first and last block coordinates to look at, the lowest ones of the
agent's map, and those of the block to begin with."""


@njit(cache=True)
@no_type_check
def directory_of(pool, agent, queries):
    """The slot of each of the agent's blocks by its coordinates, where that is worth the while.

    Returns:
        span (12) with the corner from which the directory counts, directory (x, y, z): -1 where no block
        has a row of payload; empty where the hash has to be asked.
    """
    span, extent = np.zeros(12, np.int64), pool.extent[agent]
    first, last = extent[0] >> 3, (extent[1] - 1) >> 3
    span[CORNER : CORNER + 3] = first
    shape = last - first + 1
    volume = np.float64(shape[0]) * shape[1] * shape[2]
    if not 0 < volume <= min(16 * pool.counts[0], 64 * queries):
        return span, np.empty((0, 0, 0), np.int32)
    directory = np.full((shape[0], shape[1], shape[2]), EMPTY, np.int32)
    for slot in range(pool.counts[0]):
        key = pool.keys[slot]
        if agent_of(key) == agent and pool.rows[slot] > 0:
            i, j, k = block_corner(key)
            directory[(i >> 3) - first[0], (j >> 3) - first[1], (k >> 3) - first[2]] = slot
    return span, directory


@njit(cache=True)
@no_type_check
def empty_listing(pool, queries):
    """Where the occupied cells of blocks are to stand.

    Returns:
        parts (blocks, 2) from where to where each block's cells stand in cells, -1 while they are not listed;
        a single row where to keep them is not worth the while, and each block is listed anew; cells; top (1)
        how many of them are in use.
    """
    if 27 * queries > pool.counts[0] > 0:
        return (
            np.full((pool.counts[0], 2), EMPTY, np.int64),
            np.empty(16 * pool.counts[1] + 1, np.uint16),
            np.zeros(1, np.int64),
        )
    return np.full((1, 2), EMPTY, np.int64), np.empty(CELLS, np.uint16), np.zeros(1, np.int64)


@njit(cache=True)
@no_type_check
def list_block(pool, slot, parts, cells, top):
    """Lists the occupied cells of a block, behind those of others or in their place."""
    bits = np.zeros(64, np.uint8)
    if len(parts) == 1:
        parts[0, 0], parts[0, 1] = 0, list_cells(pool, slot, bits, cells, 0)
        return
    parts[slot, 0] = top[0]
    top[0] = list_cells(pool, slot, bits, cells, top[0])
    parts[slot, 1] = top[0]


@njit(cache=True, forceinline=True)
@no_type_check
def slot_at(directory, span, hash_keys, hash_slots, rows, agent, i, j, k):
    """The slot of a block within the agent's range that holds a surface, ``EMPTY`` if there is none."""
    if directory.size > 0:
        return np.int64(directory[i - span[CORNER], j - span[CORNER + 1], k - span[CORNER + 2]])
    slot = find_slot(hash_keys, hash_slots, block_key(agent, i, j, k))
    return slot if slot != EMPTY and rows[slot] > 0 else np.int64(EMPTY)


@njit(cache=True, forceinline=True)
@no_type_check
def fill_table(key, x, y, z, size, table):
    """Squared distances along each axis from a point to the centres of a block's cells, one after another."""
    i, j, k = block_corner(key)
    for cell in range(BLOCK):
        away_x, away_y, away_z = (
            (i + cell + 0.5) * size - x,
            (j + cell + 0.5) * size - y,
            (k + cell + 0.5) * size - z,
        )
        table[cell], table[8 + cell], table[16 + cell] = away_x * away_x, away_y * away_y, away_z * away_z


@njit(cache=True, forceinline=True)
@no_type_check
def square_in(table, cell):
    """The squared distance to a cell's centre."""
    return table[CELL_X[cell]] + table[np.uint8(8) + CELL_Y[cell]] + table[np.uint8(16) + CELL_Z[cell]]


@njit(cache=True, forceinline=True)
@no_type_check
def gap(block, coordinate, size):
    """Squared distance along an axis from a coordinate to a block, 0 inside it."""
    low = block * BLOCK * size - coordinate
    away = max(0.0, low, -low - BLOCK * size)
    return away * away


@njit(cache=True, forceinline=True)
@no_type_check
def gap_of(key, x, y, z, size):
    """Squared distance from a point to a block."""
    i, j, k = block_corner(key)
    return gap(i >> 3, x, size) + gap(j >> 3, y, size) + gap(k >> 3, z, size)


@njit(cache=True, forceinline=True)
@no_type_check
def block_of(coordinate, size):
    """The block coordinate around a world coordinate, clamped to those that there are."""
    index = math.floor(min(max(coordinate / size, -1.0 * SIGN_OFFSET), SIGN_OFFSET - 1.0))
    return np.int64(index) >> 3


@njit(cache=True, forceinline=True)
@no_type_check
def set_reach(extent, agent, x, y, z, radius, size, span):
    """Sets the first and last block coordinates that the ball around a point meets and the agent knows."""
    for axis in range(3):
        at = x if axis == 0 else (y if axis == 1 else z)
        span[LOWER + axis] = max(block_of(at - radius, size), extent[agent, 0, axis] >> 3)
        span[UPPER + axis] = min(block_of(at + radius, size), (extent[agent, 1, axis] - 1) >> 3)


@njit(cache=True)
@no_type_check
def sort_blocks(keys, slots, count):
    """Brings the first ``count`` of both in the order of the keys."""
    if count > 64:
        order = np.argsort(keys[:count])
        keys[:count], slots[:count] = keys[:count][order], slots[:count][order]
        return
    for n in range(1, count):
        key, slot, place = keys[n], slots[n], n
        while place > 0 and keys[place - 1] > key:
            keys[place], slots[place] = keys[place - 1], slots[place - 1]
            place -= 1
        keys[place], slots[place] = key, slot


@njit(cache=True)
@no_type_check
def _blocks_within(
    directory, span, hash_keys, hash_slots, block_keys, rows, used, agent, x, y, z, bound, size, keys, slots
):
    """Writes the agent's blocks that meet the ball, by rising key, by whichever way is shorter; how many."""
    count, volume = 0, 1.0
    for axis in range(3):
        volume *= max(0, span[UPPER + axis] - span[LOWER + axis] + 1)
    if volume > used:
        for slot in range(used):
            key = block_keys[slot]
            if agent_of(key) == agent and rows[slot] > 0 and gap_of(key, x, y, z, size) <= bound:
                keys[count], slots[count] = key, slot
                count += 1
        sort_blocks(keys, slots, count)
        return count
    for i in range(span[LOWER], span[UPPER] + 1):
        gap_i = gap(i, x, size)
        for j in range(span[LOWER + 1], span[UPPER + 1] + 1):
            gap_j = gap_i + gap(j, y, size)
            if gap_j > bound:
                continue
            for k in range(span[LOWER + 2], span[UPPER + 2] + 1):
                if gap_j + gap(k, z, size) > bound:
                    continue
                slot = slot_at(directory, span, hash_keys, hash_slots, rows, agent, i, j, k)
                if slot != EMPTY:
                    keys[count], slots[count] = block_keys[slot], slot
                    count += 1
    sort_blocks(keys, slots, count)
    return count


@njit(cache=True, forceinline=True)
@no_type_check
def _write_within(table, cells, first, end, most, base, handles, squares, count):
    """Writes those of a block's cells that are near enough; how many voxels are written then."""
    for place in range(first, end):
        cell = cells[place]
        square = square_in(table, cell)
        handles[count], squares[count] = base + cell, square
        count += square <= most
    return count


@njit(cache=True)
@no_type_check
def within_radius(pool, agent, points, radius, size):
    """All occupied voxels whose centres are within a radius of points.

    Returns:
        starts (n + 1), handles, distances: those of point n stand from starts[n] to starts[n + 1], by rising
        Morton key.
    """
    hash_keys, hash_slots, block_keys, rows = pool.hash_keys, pool.hash_slots, pool.keys, pool.rows
    extent, used, most = pool.extent, pool.counts[0], radius * radius
    span, directory = directory_of(pool, agent, len(points))
    parts, cells, top = empty_listing(pool, len(points))
    keys, slots, table = np.empty(used, np.int64), np.empty(used, np.int64), np.empty(24)
    starts, count = np.zeros(len(points) + 1, np.int64), 0
    handles, squares = np.empty(1024, np.int64), np.empty(1024)
    for n in range(len(points)):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        set_reach(extent, agent, x, y, z, radius, size, span)
        blocks = _blocks_within(
            directory, span, hash_keys, hash_slots, block_keys, rows, used, agent, x, y, z, most * SLACK,
            size, keys, slots,
        )  # fmt: skip
        for block in range(blocks):
            slot = slots[block]
            part = slot if len(parts) > 1 else 0
            if len(parts) == 1 or parts[part, 0] == EMPTY:
                list_block(pool, slot, parts, cells, top)
            if count + CELLS > len(handles):
                handles = np.concatenate((handles, np.empty_like(handles)))
                squares = np.concatenate((squares, np.empty_like(squares)))
            fill_table(keys[block], x, y, z, size, table)
            count = _write_within(
                table, cells, parts[part, 0], parts[part, 1], most, slot * CELLS, handles, squares, count
            )
        starts[n + 1] = count
    return starts, handles[:count].copy(), np.sqrt(squares[:count])
