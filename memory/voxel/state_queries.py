"""Compiled look-ups on a pool of voxel blocks: single voxels, boxes, labels.

A voxel's *handle* is ``slot * 512 + cell``. Blocks hold few of their cells as payload rows; what is occupied
is found by those rows, never by a walk through all 512 cells. Loops take the pool apart before they begin:
Numba counts a reference each time it reads an array out of a tuple.
"""

from typing import no_type_check

import numpy as np
from numba import njit

from ..morton import SIGN_OFFSET
from .block_pool import (
    BLOCK,
    CELLS,
    EMPTY,
    PAGE,
    SPREAD,
    agent_of,
    block_corner,
    block_key,
    find_slot,
)

UNKNOWN, FREE, OCCUPIED = 0, 1, 2
CELL_X, CELL_Y, CELL_Z = (
    np.array(
        [sum(((cell >> (3 * bit + axis)) & 1) << bit for bit in range(3)) for cell in range(CELLS)], np.uint8
    )
    for axis in range(3)
)
"""Where in its block a cell lies: the inverse of ``SPREAD``, by table."""


@njit(cache=True)
@no_type_check
def in_range(x, y, z):
    """Whether an index has a key; not what is not finite."""
    return (
        -SIGN_OFFSET <= x < SIGN_OFFSET
        and -SIGN_OFFSET <= y < SIGN_OFFSET
        and -SIGN_OFFSET <= z < SIGN_OFFSET
    )


@njit(cache=True)
@no_type_check
def cell_of(i, j, k):
    """A voxel's cell in its block: its Morton key there."""
    return SPREAD[i & 7] | (SPREAD[j & 7] << 1) | (SPREAD[k & 7] << 2)


@njit(cache=True, forceinline=True)
@no_type_check
def state_of(cells, pages, evidence, slot, cell):
    """The state of a cell of a block."""
    word = np.int64(cells[slot, cell])
    if word > 0:
        word -= 1
        word = np.int64(evidence[np.int64(pages[slot, word >> 4]) * PAGE + (word & 15)])
    return FREE if word < 0 else (OCCUPIED if word > 0 else UNKNOWN)


@njit(cache=True)
@no_type_check
def handles_at(pool, agent, indices):
    """(n,) the handle of each voxel index, whatever is known of it, -1 where there is no block."""
    handles, hash_keys, hash_slots = np.empty(len(indices), np.int64), pool.hash_keys, pool.hash_slots
    for n in range(len(indices)):
        i, j, k = indices[n, 0], indices[n, 1], indices[n, 2]
        handles[n] = EMPTY
        if in_range(i, j, k):
            slot = find_slot(hash_keys, hash_slots, block_key(agent, i >> 3, j >> 3, k >> 3))
            if slot != EMPTY:
                handles[n] = slot * CELLS + cell_of(i, j, k)
    return handles


@njit(cache=True)
@no_type_check
def payload_rows(pool, handles):
    """(n,) the payload row of each voxel, -1 where it has none."""
    rows, cells, pages = np.empty(len(handles), np.int64), pool.cells, pool.pages
    end = pool.counts[0] * CELLS
    for n in range(len(handles)):
        rows[n] = EMPTY
        if 0 <= handles[n] < end:
            slot = handles[n] // CELLS
            local = np.int64(cells[slot, handles[n] % CELLS]) - 1
            if local >= 0:
                rows[n] = np.int64(pages[slot, local >> 4]) * PAGE + (local & 15)
    return rows


@njit(cache=True)
@no_type_check
def states_at(pool, agent, indices):
    """(n,) the state of each voxel index."""
    states, handles = np.zeros(len(indices), np.int8), handles_at(pool, agent, indices)
    cells, pages, evidence = pool.cells, pool.pages, pool.evidence
    for n in range(len(handles)):
        if handles[n] != EMPTY:
            states[n] = state_of(cells, pages, evidence, handles[n] // CELLS, handles[n] % CELLS)
    return states


@njit(cache=True)
@no_type_check
def _states_of_block(pool, slot, states):
    """Writes the states of a block's 512 cells, by Morton key."""
    words, rows, pages = pool.cells[slot], np.int64(pool.rows[slot]), pool.pages
    cells, evidence = pool.cell, pool.evidence
    for cell in range(CELLS):
        states[cell] = words[cell] < 0
    for page in range((rows + PAGE - 1) // PAGE):
        row = np.int64(pages[slot, page]) * PAGE
        for r in range(row, row + min(PAGE, rows - PAGE * page)):
            states[cells[r]] = OCCUPIED if evidence[r] > 0 else FREE


@njit(cache=True)
@no_type_check
def fill_states(pool, agent, lower, states):
    """Writes the states of the box that starts at ``lower``, block by block."""
    upper = np.minimum(lower + np.array(states.shape), SIGN_OFFSET)
    first, last = np.maximum(lower, -SIGN_OFFSET) >> 3, (upper - 1) >> 3
    hash_keys, hash_slots, block = pool.hash_keys, pool.hash_slots, np.empty(CELLS, np.int8)
    for bi in range(first[0], last[0] + 1):
        for bj in range(first[1], last[1] + 1):
            for bk in range(first[2], last[2] + 1):
                slot = find_slot(hash_keys, hash_slots, block_key(agent, bi, bj, bk))
                if slot == EMPTY:
                    continue
                _states_of_block(pool, slot, block)
                k_first, k_end = max(lower[2], bk * BLOCK), min(upper[2], bk * BLOCK + BLOCK)
                for i in range(max(lower[0], bi * BLOCK), min(upper[0], bi * BLOCK + BLOCK)):
                    for j in range(max(lower[1], bj * BLOCK), min(upper[1], bj * BLOCK + BLOCK)):
                        column = SPREAD[i & 7] | (SPREAD[j & 7] << 1)
                        line = states[i - lower[0], j - lower[1]]
                        for k in range(k_first, k_end):
                            line[k - lower[2]] = block[column | (SPREAD[k & 7] << 2)]


@njit(cache=True)
@no_type_check
def _block_meets(pool, agent, slot, lower, upper):
    if agent_of(pool.keys[slot]) != agent:
        return False
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
def slots_in_box(pool, agent, lower, upper):
    """The slots of the agent's blocks that meet the index box [lower, upper), by whichever way is shorter."""
    used = pool.counts[0]
    slots, count = np.empty(used, np.int64), 0
    first, last = lower >> 3, (upper - 1) >> 3
    volume = np.float64(1)
    for axis in range(3):
        volume *= max(0, last[axis] - first[axis] + 1)
    if volume > used:
        for slot in range(used):
            if _block_meets(pool, agent, slot, lower, upper):
                slots[count] = slot
                count += 1
        return slots[:count]
    for bi in range(first[0], last[0] + 1):
        for bj in range(first[1], last[1] + 1):
            for bk in range(first[2], last[2] + 1):
                slot = find_slot(pool.hash_keys, pool.hash_slots, block_key(agent, bi, bj, bk))
                if slot != EMPTY:
                    slots[count] = slot
                    count += 1
    return slots[:count]


@njit(cache=True)
@no_type_check
def list_cells(pool, slot, bits, cells, first):
    """Writes the occupied cells of a block from ``cells[first]`` on, rising; where they end.

    ``bits`` (64) uint8 is room to work in, zero before and after.
    """
    rows, pages, cell_of_row, evidence = np.int64(pool.rows[slot]), pool.pages, pool.cell, pool.evidence
    for page in range((rows + 15) >> 4):
        row = np.int64(pages[slot, page]) * PAGE
        for r in range(row, row + min(PAGE, rows - PAGE * page)):
            cell = cell_of_row[r]
            bits[cell >> 3] |= np.uint8(evidence[r] > 0) << (cell & 7)
    end = first
    for byte in range(64):
        if bits[byte] == 0:
            continue
        for bit in range(8):
            if (bits[byte] >> bit) & 1:
                cells[end] = 8 * byte + bit
                end += 1
        bits[byte] = 0
    return end


@njit(cache=True)
@no_type_check
def occupied_handles(pool, slots, lower, upper):
    """The handles of the occupied voxels of some blocks whose indices lie in [lower, upper).

    Block by block in the order of ``slots``, within a block by rising Morton key.
    """
    count = 0
    for slot in slots:
        count += pool.rows[slot]
    handles, count = np.empty(count, np.int64), 0
    bits, cells = np.zeros(64, np.uint8), np.empty(CELLS, np.uint16)
    for slot in slots:
        i, j, k = block_corner(pool.keys[slot])
        for n in range(list_cells(pool, slot, bits, cells, 0)):
            cell = np.int64(cells[n])
            x, y, z = i + np.int64(CELL_X[cell]), j + np.int64(CELL_Y[cell]), k + np.int64(CELL_Z[cell])
            inside = lower[0] <= x < upper[0] and lower[1] <= y < upper[1] and lower[2] <= z < upper[2]
            handles[count] = slot * CELLS + cell
            count += inside
    return handles[:count]


@njit(cache=True)
@no_type_check
def labelled_handles(pool, agent, category):
    """The handles of the agent's occupied voxels with a label, in no order."""
    handles, count = np.empty(PAGE * pool.counts[1], np.int64), 0
    keys, pages, label, evidence, cell = pool.keys, pool.pages, pool.label, pool.evidence, pool.cell
    for slot in range(pool.counts[0]):
        if agent_of(keys[slot]) != agent:
            continue
        rows = np.int64(pool.rows[slot])
        for page in range((rows + 15) >> 4):
            row = np.int64(pages[slot, page]) * PAGE
            for r in range(row, row + min(PAGE, rows - PAGE * page)):
                if label[r] == category and evidence[r] > 0:
                    handles[count] = slot * CELLS + cell[r]
                    count += 1
    return handles[:count]


@njit(cache=True)
@no_type_check
def indices_of(pool, handles):
    """(n, 3) the voxel index of each handle."""
    indices = np.empty((len(handles), 3), np.int64)
    last, i, j, k = np.int64(EMPTY), np.int64(0), np.int64(0), np.int64(0)
    for n in range(len(handles)):
        slot, cell = handles[n] // CELLS, handles[n] % CELLS
        if slot != last:
            last = slot
            i, j, k = block_corner(pool.keys[slot])
        indices[n, 0] = i + np.int64(CELL_X[cell])
        indices[n, 1] = j + np.int64(CELL_Y[cell])
        indices[n, 2] = k + np.int64(CELL_Z[cell])
    return indices
