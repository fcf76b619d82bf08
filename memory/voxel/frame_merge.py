"""A frame's reduction, merged into the map: one update a voxel.

Within a frame occupied wins over free, as in Hornung et al., "OctoMap" (2013), section 5.
"""

import math
from typing import no_type_check

import numpy as np
from numba import njit

from .block_pool import (
    BLOCK,
    CELLS,
    EMPTY,
    MOST_POINTS,
    PAGE,
    SPREAD,
    add_row,
    block_key,
    find_or_add,
    find_slot,
)
from .frame_reduction import block_at

HIT, MISS = 3, -1
"""What a frame that hits a voxel, or looks through it, adds to its evidence."""
LEAST, MOST = -2, 9
"""The evidence's bounds: one hit makes free space occupied, at most nine looks through make it free again."""
MOST_VOTES = 30
"""The bound of a label's lead: so many frames that agree on another one replace it, however old it is."""

_MOST_COUNT = (1 << 32) - 1
_LOW = np.uint64(_MOST_COUNT)
_HIGH = np.uint64(32)


@njit(cache=True)
@no_type_check
def missing_blocks(pool, scratch, agent):
    """How many of the blocks in the work arrays the pool does not hold."""
    missing, hash_keys, hash_slots, places = 0, pool.hash_keys, pool.hash_slots, scratch.keys
    for n in range(scratch.counts[0]):
        i, j, k = block_at(places[n])
        missing += find_slot(hash_keys, hash_slots, block_key(agent, i, j, k)) == EMPTY
    return missing


@njit(cache=True)
@no_type_check
def _morton_cell(cell):
    """The pool's order of a cell of the work arrays."""
    return SPREAD[cell & 7] | (SPREAD[(cell >> 3) & 7] << 1) | (SPREAD[cell >> 6] << 2)


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
def widen(extent, i, j, k):
    """Makes an extent (2, 3) hold a voxel."""
    if extent[0, 0] == extent[1, 0]:
        extent[0, 0], extent[0, 1], extent[0, 2] = i, j, k
        extent[1, 0], extent[1, 1], extent[1, 2] = i + 1, j + 1, k + 1
    extent[0, 0], extent[1, 0] = min(extent[0, 0], i), max(extent[1, 0], i + 1)
    extent[0, 1], extent[1, 1] = min(extent[0, 1], j), max(extent[1, 1], j + 1)
    extent[0, 2], extent[1, 2] = min(extent[0, 2], k), max(extent[1, 2], k + 1)


@njit(cache=True)
@no_type_check
def _by_block(scratch):
    """The rows of the work arrays, block by block: what is near in the pool is touched together."""
    blocks, rows, at = scratch.counts[0], scratch.counts[1], scratch.at
    starts, order = np.zeros(blocks + 1, np.int64), np.empty(rows, np.int64)
    for row in range(rows):
        starts[(np.int64(at[row]) >> 9) + 1] += 1
    for block in range(blocks):
        starts[block + 1] += starts[block]
    for row in range(rows):
        block = np.int64(at[row]) >> 9
        order[starts[block]] = row
        starts[block] += 1
    return order


# Below, arrays of the pool are taken out of the tuple once, since each time costs more than a voxel's update;
# and one loop goes over few arrays, so that the processor waits for several voxels' memory at once.
@njit(cache=True)
@no_type_check
def _rows_of_hits(pool, scratch, slots, order, extent, pool_rows):
    """Writes the pool's row of each row of the work arrays, made where there was none, in block order.

    Takes what was hit out of the free space.
    """
    counts, cells, rows, pages, cell_of = pool.counts, pool.cells, pool.rows, pool.pages, pool.cell
    held, free, at, places = pool.evidence, scratch.free, scratch.at, scratch.keys
    for m in range(len(order)):
        block, cell = np.int64(at[order[m]]) >> 9, np.int64(at[order[m]]) & (CELLS - 1)
        free[block, cell >> 6] &= ~(np.uint64(1) << np.uint64(cell & 63))
        slot, inside = slots[block], _morton_cell(cell)
        local = np.int64(cells[slot, inside])
        if local > 0:
            pool_rows[m] = np.int64(pages[slot, (local - 1) >> 4]) * PAGE + ((local - 1) & 15)
            continue
        pool_rows[m] = add_row(counts, cells, rows, pages, cell_of, slot, inside)
        held[pool_rows[m]] = local
        if local == 0:
            i, j, k = block_at(places[block])
            widen(extent, i * 8 + (cell & 7), j * 8 + ((cell >> 3) & 7), k * 8 + (cell >> 6))


@njit(cache=True)
@no_type_check
def _merge_points(pool, scratch, order, pool_rows):
    hits, offset, sums = pool.hits, pool.offset, scratch.sums
    for m in range(len(order)):
        row, first, second = pool_rows[m], sums[order[m], 0], sums[order[m], 1]
        x, y, z = first & _LOW, first >> _HIGH, second & _LOW
        points, before = np.int64(second >> _HIGH), np.int64(hits[row])
        hits[row] = min(before + points, _MOST_COUNT)
        if before + points > MOST_POINTS:
            room, every = np.uint64(max(MOST_POINTS - before, 0)), np.uint64(points)
            x, y, z = x * room // every, y * room // every, z * room // every
        offset[row, 0] += np.uint32(x)
        offset[row, 1] += np.uint32(y)
        offset[row, 2] += np.uint32(z)


@njit(cache=True)
@no_type_check
def _merge_evidence(pool, scratch, slots, order, step, changed, change, pool_rows):
    held, last_hit, labels, block_changed, at = (
        pool.evidence,
        pool.last_hit,
        pool.label,
        pool.changed,
        scratch.at,
    )
    any_labels = len(changed) > 1
    for m in range(len(order)):
        row = pool_rows[m]
        if held[row] <= 0:
            block_changed[slots[np.int64(at[order[m]]) >> 9]] = change
        held[row] = min(held[row] + HIT, MOST)
        last_hit[row] = max(last_hit[row], np.int32(step + 1))
        if any_labels:
            changed[labels[row]] = change


@njit(cache=True, error_model="numpy")
@no_type_check
def _merge_colours(pool, scratch, order, pool_rows):
    """One rounded mean a frame keeps the sums whole numbers: no order of frames changes them."""
    colour, sums, colours = pool.colour, scratch.sums, scratch.colours
    for m in range(len(order)):
        n, row = order[m], pool_rows[m]
        points = sums[n, 1] >> _HIGH
        if colour[row, 3] == MOST_POINTS:
            continue
        for channel in range(3):
            mean = (np.uint64(2) * np.uint64(colours[n, channel]) + points) // (np.uint64(2) * points)
            colour[row, channel] += np.uint32(mean)
        colour[row, 3] += np.uint32(1)


@njit(cache=True)
@no_type_check
def _merge_labels(pool, scratch, slots, order, changed, change, pool_rows):
    """One vote a frame: the majority by Boyer and Moore, "MJRTY" (1991), with a bounded lead."""
    labels, votes, block_changed = pool.label, pool.votes, pool.changed
    at, elected = scratch.at, scratch.labels
    for m in range(len(order)):
        label, row = elected[order[m]], pool_rows[m]
        if label == 0:
            continue
        lead = votes[row]
        if lead > 0 and label == labels[row]:
            votes[row] = min(lead + 1, MOST_VOTES)
            continue
        if lead == 0:
            labels[row], votes[row] = label, 1
            changed[label] = change
        else:
            votes[row] = lead - 1
        if lead == 1:
            labels[row] = 0
        if lead <= 1:
            block_changed[slots[np.int64(at[order[m]]) >> 9]] = change


@njit(cache=True)
@no_type_check
def _merge_free(pool, scratch, slots, view, extent, changed, change):
    """Enters the free space of the work arrays."""
    cells, pages, held, labels, votes = pool.cells, pool.pages, pool.evidence, pool.label, pool.votes
    free, keys = scratch.free, scratch.keys
    for block in range(scratch.counts[0]):
        slot = slots[block]
        bi, bj, bk = block_at(keys[block])
        for layer in range(BLOCK):
            bits = free[block, layer]
            if bits == 0:
                continue
            for bit in range(64):
                if not (bits >> np.uint64(bit)) & np.uint64(1):
                    continue
                cell = _morton_cell(bit | (layer << 6))
                local = np.int64(cells[slot, cell])
                i, j, k = bi * 8 + (bit & 7), bj * 8 + (bit >> 3), bk * 8 + layer
                if local <= 0:
                    if local == 0:
                        widen(extent, i, j, k)
                    cells[slot, cell] = max(local + MISS, LEAST)
                    continue
                row = np.int64(pages[slot, (local - 1) >> 4]) * PAGE + ((local - 1) & 15)
                evidence = np.int64(held[row])
                if evidence > 0 and not _looks_past(view, i, j, k):
                    continue
                # 0 is kept for voxels that nothing is known of.
                held[row] = max(evidence + MISS, LEAST) if evidence != 1 else -1
                if evidence == 1:
                    changed[labels[row]] = change
                    labels[row], votes[row] = 0, 0
                    pool.changed[slot] = change


@njit(cache=True)
@no_type_check
def merge(pool, scratch, view, agent, coloured, labelled, step, changed, change):
    """Enters what the work arrays say into the pool, which has room.

    Writes ``change`` into ``changed`` for each label of whose voxels one was hit, won or lost, and into the
    pool's own ``changed`` for each block of which a voxel became occupied or free, or got another label.

    Returns:
        (rows,) the pool's row of each row of the work arrays.
    """
    slots = np.empty(scratch.counts[0], np.int64)
    counts, hash_keys, hash_slots, keys, places = (
        pool.counts,
        pool.hash_keys,
        pool.hash_slots,
        pool.keys,
        scratch.keys,
    )
    seen = pool.seen
    for n in range(len(slots)):
        i, j, k = block_at(places[n])
        slots[n] = find_or_add(counts, hash_keys, hash_slots, keys, block_key(agent, i, j, k))
        seen[slots[n]] = max(seen[slots[n]], np.int32(step + 1))
    order, extent = _by_block(scratch), pool.extent[agent]
    pool_rows = np.empty(len(order), np.int64)
    _rows_of_hits(pool, scratch, slots, order, extent, pool_rows)
    _merge_points(pool, scratch, order, pool_rows)
    _merge_evidence(pool, scratch, slots, order, step, changed, change, pool_rows)
    if coloured:
        _merge_colours(pool, scratch, order, pool_rows)
    if labelled:
        _merge_labels(pool, scratch, slots, order, changed, change, pool_rows)
    _merge_free(pool, scratch, slots, view, extent, changed, change)
    into = np.empty(len(order), np.int64)
    into[order] = pool_rows
    return into
