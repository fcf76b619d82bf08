"""The compiled look-up of many points at once.

Points go through in groups, one step of the look-up for the whole group after the other: what is slow is to
wait for memory, and so the waiting of different points overlaps.
"""

import math
from typing import no_type_check

import numpy as np
from numba import njit

from .block_pool import CELLS, EMPTY, PAGE, block_key, find_slot
from .neighbour_queries import CORNER, directory_of
from .state_queries import cell_of, in_range

_GROUP = 256


@njit(cache=True)
@no_type_check
def _blocks_of(points, start, count, size, agent, directory, span, hash_keys, hash_slots, slots, places):
    """Writes each point's slot, ``EMPTY`` if there is none, and cell; False if a point is not finite."""
    high_x, high_y, high_z = directory.shape
    for n in range(count):
        x, y, z = points[start + n, 0] / size, points[start + n, 1] / size, points[start + n, 2] / size
        slots[n], places[n] = EMPTY, 0
        if not in_range(x, y, z):
            if not (math.isfinite(x) and math.isfinite(y) and math.isfinite(z)):
                return False
            continue
        i, j, k = np.int64(math.floor(x)), np.int64(math.floor(y)), np.int64(math.floor(z))
        places[n] = cell_of(i, j, k)
        if directory.size == 0:
            slots[n] = find_slot(hash_keys, hash_slots, block_key(agent, i >> 3, j >> 3, k >> 3))
            continue
        a, b, c = (i >> 3) - span[CORNER], (j >> 3) - span[CORNER + 1], (k >> 3) - span[CORNER + 2]
        if 0 <= a < high_x and 0 <= b < high_y and 0 <= c < high_z:
            slots[n] = directory[a, b, c]
    return True


@njit(cache=True)
@no_type_check
def find_handles(pool, agent, points, size, handles):
    """Writes the handle of the occupied voxel around each point, -1 where there is none.

    False if a point is not finite.
    """
    hash_keys, hash_slots = pool.hash_keys, pool.hash_slots
    cells, pages, evidence = pool.cells, pool.pages, pool.evidence
    span, directory = directory_of(pool, agent, len(points))
    slots, places, rows = (np.empty(_GROUP, np.int64), np.empty(_GROUP, np.int64), np.empty(_GROUP, np.int64))
    for start in range(0, len(points), _GROUP):
        count = min(_GROUP, len(points) - start)
        if not _blocks_of(
            points, start, count, size, agent, directory, span, hash_keys, hash_slots, slots, places
        ):
            return False
        for n in range(count):
            rows[n] = (
                np.int64(cells[max(slots[n], 0), places[n]]) - 1 if slots[n] != EMPTY else np.int64(EMPTY)
            )
        for n in range(count):
            local = max(rows[n], 0)
            page = np.int64(pages[max(slots[n], 0), local >> 4])
            rows[n] = page * PAGE + (local & 15) if rows[n] >= 0 else np.int64(EMPTY)
        for n in range(count):
            is_occupied = (evidence[max(rows[n], 0)] > 0) & (rows[n] >= 0)
            handles[start + n] = slots[n] * CELLS + places[n] if is_occupied else EMPTY
    return True
