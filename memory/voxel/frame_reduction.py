"""A frame, reduced to what it says of each voxel it hits: how often, where in it, in which colour, what.

Nothing of the map is read or written here, so that a frame that is refused leaves the map as it was. The
work arrays are kept from frame to frame; only what a frame touched is emptied.

What a pixel hits is defined in float64, so that every implementation finds the same voxels: with
``x = (u + 0.5 - cx) / fx`` and ``y = (v + 0.5 - cy) / fy``, each axis of its world point is
``(R[a, 0] * x + (R[a, 1] * y + R[a, 2])) * depth + t[a]``; its place on the axis is
``floor(point / (voxel size / 256))``, of which the last 8 bits are the fraction and the rest the voxel.
"""

from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Int32, Int64, UInt16, UInt32, UInt64
from numba import njit

from .block_pool import BLOCK, BLOCK_OFFSET, CELLS, EMPTY, FRACTION, find_place

_CHUNK, _RECENT = 4096, 1024
_FIRST_BLOCKS = 256


class Scratch(NamedTuple):
    """What one frame says; work arrays that the next frame finds empty again.

    A block's place is its coordinates from ``-BLOCK_OFFSET``, 18 bits each, x lowest; a cell is ``x | y << 3
    | z << 6`` here, not the Morton order of the pool.

    Args:
        counts: (2,) blocks and rows in use.
        hash_keys: (4 * blocks) block places by open addressing.
        hash_slots: (4 * blocks) the slot of each.
        hash_places: (blocks) where in the table each slot stands.
        keys: (blocks) the place of each slot.
        cells: (blocks, 512) a row of the arrays below, plus 1; 0 for none.
        free: (blocks, 8) a bit a cell that rays pass: word z, bit x | y << 3.
        ended: (blocks, 8) as that, for cells in which pixels beyond the depth limit end.
        at: (rows) slot * 512 + cell.
        first: (rows) the first pixel, or point, that ended there.
        sums: (rows, 2) sums of fractions: x | y << 32, and z | count << 32.
        colours: (rows, 3) sums of red, green, blue.
        labels: (rows) the label that most of its pixels have, 0 = none.
        pixels: (rows) the row of each pixel, -1 where it hits nothing; as many as there may be rows.
    """

    counts: Int64[np.ndarray, "2"]
    hash_keys: Int64[np.ndarray, " slots"]
    hash_slots: Int32[np.ndarray, " slots"]
    hash_places: Int32[np.ndarray, " blocks"]
    keys: Int64[np.ndarray, " blocks"]
    cells: Int32[np.ndarray, "blocks 512"]
    free: UInt64[np.ndarray, "blocks 8"]
    ended: UInt64[np.ndarray, "blocks 8"]
    at: Int32[np.ndarray, " rows"]
    first: Int32[np.ndarray, " rows"]
    sums: UInt64[np.ndarray, "rows 2"]
    colours: UInt32[np.ndarray, "rows 3"]
    labels: UInt16[np.ndarray, " rows"]
    pixels: Int32[np.ndarray, " rows"]


@njit(cache=True)
@no_type_check
def _scratch(blocks, rows):
    return Scratch(
        np.zeros(2, np.int64),
        np.full(4 * blocks, EMPTY, np.int64),
        np.zeros(4 * blocks, np.int32),
        np.zeros(blocks, np.int32),
        np.zeros(blocks, np.int64),
        np.zeros((blocks, CELLS), np.int32),
        np.zeros((blocks, BLOCK), np.uint64),
        np.zeros((blocks, BLOCK), np.uint64),
        np.zeros(rows, np.int32),
        np.zeros(rows, np.int32),
        np.zeros((rows, 2), np.uint64),
        np.zeros((rows, 3), np.uint32),
        np.zeros(rows, np.uint16),
        np.zeros(rows, np.int32),
    )


def empty_scratch(rows: int = 0) -> Scratch:
    """Work arrays for frames of at most so many pixels; blocks find room as they come."""
    scratch: Scratch = _scratch(_FIRST_BLOCKS, rows)
    return scratch


@njit(cache=True)
@no_type_check
def with_room(scratch, blocks):
    """The work arrays themselves if they can take so many blocks, else a larger copy."""
    capacity, used = len(scratch.keys), scratch.counts[0]
    if blocks <= capacity:
        return scratch
    while capacity < blocks:
        capacity *= 2
    # Room for rows is not touched here: the larger copy shares the arrays of the smaller one.
    larger = _scratch(capacity, 0)
    for slot in range(used):
        key = scratch.keys[slot]
        place = find_place(larger.hash_keys, key)
        larger.hash_keys[place], larger.hash_slots[place] = key, slot
        larger.hash_places[slot], larger.keys[slot] = place, key
        larger.cells[slot] = scratch.cells[slot]
        larger.free[slot] = scratch.free[slot]
        larger.ended[slot] = scratch.ended[slot]
    return Scratch(
        scratch.counts,
        larger.hash_keys,
        larger.hash_slots,
        larger.hash_places,
        larger.keys,
        larger.cells,
        larger.free,
        larger.ended,
        scratch.at,
        scratch.first,
        scratch.sums,
        scratch.colours,
        scratch.labels,
        scratch.pixels,
    )


@njit(cache=True)
@no_type_check
def _emptied(scratch):
    """Takes back all that the last frame left."""
    cells = scratch.cells.reshape(-1)
    for row in range(scratch.counts[1]):
        cells[scratch.at[row]] = 0
    for slot in range(scratch.counts[0]):
        scratch.hash_keys[scratch.hash_places[slot]] = EMPTY
        for word in range(BLOCK):
            scratch.free[slot, word] = scratch.ended[slot, word] = np.uint64(0)
    scratch.counts[:] = 0


@njit(cache=True)
@no_type_check
def block_place(i, j, k):
    """The place of the block of a voxel."""
    return ((i >> 3) + BLOCK_OFFSET) | (((j >> 3) + BLOCK_OFFSET) << 18) | (((k >> 3) + BLOCK_OFFSET) << 36)


@njit(cache=True)
@no_type_check
def block_at(place):
    """The coordinates of the block at a place."""
    most = 2 * BLOCK_OFFSET - 1
    return (
        (place & most) - BLOCK_OFFSET,
        ((place >> 18) & most) - BLOCK_OFFSET,
        ((place >> 36) & most) - BLOCK_OFFSET,
    )


@njit(cache=True)
@no_type_check
def slot_at(counts, hash_keys, hash_slots, hash_places, keys, place):
    """The slot of the block at a place, added where it was missing; there is room.

    The arrays one by one: handing on the whole tuple costs more than the look-up.
    """
    where = find_place(hash_keys, place)
    if hash_keys[where] == place:
        return np.int64(hash_slots[where])
    slot = counts[0]
    hash_keys[where], hash_slots[where] = place, slot
    hash_places[slot], keys[slot] = where, place
    counts[0] = slot + 1
    return slot


# Short loops over few arrays each, without branches: these the compiler turns into vector instructions.
@njit(cache=True, error_model="numpy")
@no_type_check
def _fixed_along(depths, columns, along, start, unit, furthest, fixed):
    for u in range(len(fixed)):
        depth = np.float64(depths[u])
        depth = depth if depth < furthest else furthest
        fixed[u] = np.int32(np.floor(((columns[u] + along) * depth + start) / unit))


@njit(cache=True, error_model="numpy")
@no_type_check
def _fixed_points(points, unit, fixed):
    for n in range(len(fixed)):
        fixed[n] = np.int32(np.floor(points[n] / unit))


@njit(cache=True)
@no_type_check
def _codes(x, y, z, codes):
    """The block's place in the low 54 bits, the cell in the next 9."""
    for u in range(len(codes)):
        i, j, k = np.int64(x[u]) >> 8, np.int64(y[u]) >> 8, np.int64(z[u]) >> 8
        cell = (i & 7) | ((j & 7) << 3) | ((k & 7) << 6)
        codes[u] = block_place(i, j, k) | (cell << 54)


@njit(cache=True)
@no_type_check
def _only_hits(depths, nearest, furthest, codes):
    for u in range(len(codes)):
        depth = np.float64(depths[u])
        codes[u] = codes[u] if (depth > nearest) & (depth < furthest) else EMPTY


@njit(cache=True)
@no_type_check
def _fractions(low, high, packed):
    for u in range(len(packed)):
        packed[u] = np.uint64(low[u] & 255) | (np.uint64(high[u] & 255) << np.uint64(32))


@njit(cache=True)
@no_type_check
def _count(scratch, recent, slots, codes, first, second, pixel, rows):
    """Counts a run of pixels, the first of which is number ``pixel``; writes each one's row, -1 for none.

    ``recent`` and ``slots`` (1024) remember the blocks met before: that spares most look-ups. An index that
    has no sign spares Numba the test whether it counts from the end.
    """
    cells, counts, sums = scratch.cells.reshape(-1), scratch.counts, scratch.sums
    hash_keys, hash_slots, hash_places = scratch.hash_keys, scratch.hash_slots, scratch.hash_places
    keys, rows_at, rows_first = scratch.keys, scratch.at, scratch.first
    used = counts[1]
    for u in range(len(codes)):
        code = codes[u]
        if code < 0:
            rows[u] = EMPTY
            continue
        place = code & ((1 << 54) - 1)
        near = np.uint64((place & 15) | ((place >> 14) & 0xF0) | ((place >> 28) & 0x300))
        if recent[near] != place:
            slots[near] = slot_at(counts, hash_keys, hash_slots, hash_places, keys, place)
            recent[near] = place
        at = np.uint64(slots[near] * CELLS + (code >> 54))
        row = np.int64(cells[at]) - 1
        if row < 0:
            row, used = used, used + 1
            cells[at] = used
            rows_at[row], rows_first[row] = at, pixel + u
            sums[row, 0] = sums[row, 1] = np.uint64(0)
        rows[u] = row
        sums[np.uint64(row), 0] += first[u]
        sums[np.uint64(row), 1] += second[u]
    counts[1] = used


@njit(cache=True)
@no_type_check
def _columns(view):
    """(3, w) the part of each column's ray that does not depend on the row."""
    columns = np.empty((3, view.depth.shape[1]))
    for u in range(view.depth.shape[1]):
        x = (u + 0.5 - view.cx) / view.fx
        for axis in range(3):
            columns[axis, u] = view.rotation[axis, 0] * x
    return columns


@njit(cache=True)
@no_type_check
def reduce_frame(view, scratch, rows):
    """Counts where the pixels of a view end, into the work arrays that are returned.

    Args:
        view: of a depth image that is finite, with points within the range of indices.
        scratch: with room for as many rows as there are pixels.
        rows: (h, w) int32, is filled with each pixel's row, -1 where it hits nothing; or (1, w) where nobody
            wants to know.
    """
    _emptied(scratch)
    height, width = view.depth.shape
    recent, slots = np.full(_RECENT, EMPTY, np.int64), np.zeros(_RECENT, np.int64)
    unit, columns, nearest = view.voxel_size / FRACTION, _columns(view), max(view.min_depth, 0.0)
    fixed = np.empty((3, width), np.int32)
    codes, first, second = np.empty(width, np.int64), np.empty(width, np.uint64), np.empty(width, np.uint64)
    ones = np.ones(width, np.int32)
    for v in range(height):
        y = (v + 0.5 - view.cy) / view.fy
        for axis in range(3):
            along = view.rotation[axis, 1] * y + view.rotation[axis, 2]
            _fixed_along(
                view.depth[v], columns[axis], along, view.origin[axis], unit, view.max_depth, fixed[axis]
            )
        _codes(fixed[0], fixed[1], fixed[2], codes)
        _only_hits(view.depth[v], nearest, view.max_depth, codes)
        _fractions(fixed[0], fixed[1], first)
        _fractions(fixed[2], ones, second)
        scratch = with_room(scratch, scratch.counts[0] + width)
        _count(scratch, recent, slots, codes, first, second, v * width, rows[v % len(rows)])
    return scratch


@njit(cache=True)
@no_type_check
def reduce_points(axes, voxel_size, scratch, rows):
    """As :func:`reduce_frame`, for points (3, n): an axis a row."""
    _emptied(scratch)
    recent, slots = np.full(_RECENT, EMPTY, np.int64), np.zeros(_RECENT, np.int64)
    unit, fixed = voxel_size / FRACTION, np.empty((3, _CHUNK), np.int32)
    codes, first, second = (
        np.empty(_CHUNK, np.int64),
        np.empty(_CHUNK, np.uint64),
        np.empty(_CHUNK, np.uint64),
    )
    ones = np.ones(_CHUNK, np.int32)
    for start in range(0, axes.shape[1], _CHUNK):
        end = min(start + _CHUNK, axes.shape[1])
        n = end - start
        for axis in range(3):
            _fixed_points(axes[axis, start:end], unit, fixed[axis, :n])
        _codes(fixed[0, :n], fixed[1, :n], fixed[2, :n], codes[:n])
        _fractions(fixed[0, :n], fixed[1, :n], first[:n])
        _fractions(fixed[2, :n], ones[:n], second[:n])
        scratch = with_room(scratch, scratch.counts[0] + n)
        _count(scratch, recent, slots, codes[:n], first[:n], second[:n], start, rows[start:end])
    return scratch


@njit(cache=True)
@no_type_check
def reduce_colours(scratch, rows, rgb):
    """Sums the colours of the pixels (n, 3) of each row."""
    colours = scratch.colours
    colours[: scratch.counts[1]] = np.uint32(0)
    for n in range(len(rows)):
        row = rows[n]
        if row >= 0:
            colours[row, 0] += np.uint32(rgb[n, 0])
            colours[row, 1] += np.uint32(rgb[n, 1])
            colours[row, 2] += np.uint32(rgb[n, 2])


@njit(cache=True)
@no_type_check
def _counted(first, label, counts, following, links, row, wanted):
    """The link that counts a label in a row's list, added where it was missing; and how many there are."""
    link = first[row]
    while link != EMPTY and label[link] != wanted:
        link = following[link]
    if link != EMPTY:
        return np.int64(link), links
    label[links], counts[links], following[links] = wanted, 0, first[row]
    first[row] = links
    return np.int64(links), links + 1


@njit(cache=True)
@no_type_check
def reduce_labels(scratch, rows, labels):
    """The most frequent label of the pixels (n,) of each row, the lower one where two are.

    They are counted in one list a row, with a link for each label that comes up.
    """
    used, links, link, last_row, last_label = scratch.counts[1], 0, np.int64(0), np.int64(EMPTY), np.uint16(0)
    first, label = np.full(used, EMPTY, np.int32), np.empty(len(rows), np.uint16)
    counts, following = np.empty(len(rows), np.int32), np.empty(len(rows), np.int32)
    for n in range(len(rows)):
        if rows[n] < 0 or labels[n] == 0:
            continue
        if rows[n] != last_row or labels[n] != last_label:
            last_row, last_label = np.int64(rows[n]), labels[n]
            link, links = _counted(first, label, counts, following, links, last_row, last_label)
        counts[link] += 1
    for row in range(used):
        at, most, elected = first[row], 0, np.uint16(0)
        while at != EMPTY:
            if counts[at] > most or (counts[at] == most and label[at] < elected):
                most, elected = counts[at], label[at]
            at = following[at]
        scratch.labels[row] = elected
