"""A frame, reduced to what it says of each voxel: hit so often in such a colour, or looked through.

Nothing of the map is read or written here, so that a frame that is refused leaves the map as it was.
Free space by the traversal of Amanatides and Woo, "A fast voxel traversal algorithm for ray tracing" (1987);
within a frame occupied wins over free, as in Hornung et al., "OctoMap" (2013), section 5.
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64, UInt8, UInt16, UInt32
from numba import njit

from .block_pool import CELLS, EMPTY, SPREAD, block_key, find_or_add, index_blocks
from .morton import SIGN_OFFSET

OK, BAD_DEPTH, OUT_OF_RANGE = 0, 1, 2
MISS, RAY_END = -1, -2
_FIRST_BLOCKS = 512


class View(NamedTuple):
    """What the kernels need of a frame: its image, camera and pose.

    ``rgb`` and ``labels`` have zero rows where the frame has none.
    """

    depth: Float32[np.ndarray, "h w"]
    rgb: UInt8[np.ndarray, "_ _ 3"]
    labels: UInt16[np.ndarray, "_ _"]
    rotation: Float64[np.ndarray, "3 3"]
    origin: Float64[np.ndarray, "3"]
    fx: float
    fy: float
    cx: float
    cy: float
    voxel_size: float
    min_depth: float
    max_depth: float


class _Table(NamedTuple):
    """The blocks that one frame touches, as in a ``BlockPool``, with one number a voxel."""

    hash_keys: Int64[np.ndarray, " slots"]
    hash_slots: Int32[np.ndarray, " slots"]
    keys: Int64[np.ndarray, " capacity"]
    cells: Int32[np.ndarray, "capacity 512"]


class _Rays(NamedTuple):
    """One ray a row: the point where it ends, and that point's voxel."""

    ends: Float64[np.ndarray, "rays 3"]
    stops: Int64[np.ndarray, "rays 3"]


class _Ballot(NamedTuple):
    """The labels of each voxel's pixels, counted: one list a row, a link for each label that came up."""

    first: Int32[np.ndarray, " rows"]
    label: UInt16[np.ndarray, " links"]
    counts: Int32[np.ndarray, " links"]
    following: Int32[np.ndarray, " links"]


class Reduction(NamedTuple):
    """What one frame says of each voxel.

    Args:
        status: ``OK``, or why the frame is refused.
        keys: (capacity) block keys, the first ``used`` of them valid.
        used: how many blocks the frame touches.
        cells: (capacity, 512) 0 nothing, below 0 looked through, above 0 a row of the next two, plus 1.
        points: (rows) how many pixels ended in the voxel.
        colours: (rows, 3) their sums of red, green, blue.
        labels: (rows) the label that most of them have, 0 = none; zero rows where the frame has no labels.
    """

    status: int
    keys: Int64[np.ndarray, " capacity"]
    used: int
    cells: Int32[np.ndarray, "capacity 512"]
    points: UInt32[np.ndarray, " rows"]
    colours: UInt32[np.ndarray, "rows 3"]
    labels: UInt16[np.ndarray, " _"]


@njit(cache=True)
@no_type_check
def _empty_table(capacity):
    return _Table(
        np.full(4 * capacity, EMPTY, np.int64),
        np.zeros(4 * capacity, np.int32),
        np.zeros(capacity, np.int64),
        np.zeros((capacity, CELLS), np.int32),
    )


@njit(cache=True)
@no_type_check
def _with_room(table, used, blocks):
    """The table itself if it can take so many blocks, else a larger copy."""
    capacity = len(table.keys)
    if blocks <= capacity:
        return table
    while capacity < blocks:
        capacity *= 2
    larger = _empty_table(capacity)
    for slot in range(used):
        larger.keys[slot] = table.keys[slot]
        for cell in range(CELLS):
            larger.cells[slot, cell] = table.cells[slot, cell]
    index_blocks(larger.hash_keys, larger.hash_slots, larger.keys, used)
    return larger


@njit(cache=True)
@no_type_check
def _in_range(coordinate, voxel_size):
    """False for NaN too."""
    return abs(coordinate) < voxel_size * (SIGN_OFFSET - 1)


@njit(cache=True)
@no_type_check
def _backproject(view, u, v, z):
    """World point through the centre of pixel (u, v) at planar depth z."""
    x, y = (u + 0.5 - view.cx) / view.fx * z, (v + 0.5 - view.cy) / view.fy * z
    r, t = view.rotation, view.origin
    return (
        r[0, 0] * x + r[0, 1] * y + r[0, 2] * z + t[0],
        r[1, 0] * x + r[1, 1] * y + r[1, 2] * z + t[1],
        r[2, 0] * x + r[2, 1] * y + r[2, 2] * z + t[2],
    )


@njit(cache=True)
@no_type_check
def _empty_ballot(pixels):
    return _Ballot(
        np.full(pixels, EMPTY, np.int32),
        np.empty(pixels, np.uint16),
        np.empty(pixels, np.int32),
        np.empty(pixels, np.int32),
    )


@njit(cache=True)
@no_type_check
def _count_label(ballot, links, row, label):
    """Counts one pixel's label in its voxel's list; the number of links afterwards."""
    link = ballot.first[row]
    while link != EMPTY and ballot.label[link] != label:
        link = ballot.following[link]
    if link != EMPTY:
        ballot.counts[link] += 1
        return links
    ballot.label[links], ballot.counts[links] = label, 1
    ballot.following[links] = ballot.first[row]
    ballot.first[row] = links
    return links + 1


@njit(cache=True)
@no_type_check
def _elected(ballot, rows):
    """(rows) each voxel's most frequent label, the lower one where two are; 0 where none was counted."""
    labels = np.zeros(rows, np.uint16)
    for row in range(rows):
        link, most = ballot.first[row], 0
        while link != EMPTY:
            count, label = ballot.counts[link], ballot.label[link]
            if count > most or (count == most and label < labels[row]):
                most, labels[row] = count, label
            link = ballot.following[link]
    return labels


@njit(cache=True)
@no_type_check
def _collect(view, table, rays, points, colours, ballot):
    """Counts, colours and labels of the voxels in which pixels end, and one ray to each of them.

    A voxel's ray is its first pixel's, in reading order. Returns status, table, used, rows and rays.
    """
    used, rows, count, last_key, slot, links = 0, 0, 0, np.int64(EMPTY), np.int64(0), 0
    size = view.voxel_size
    for v in range(view.depth.shape[0]):
        for u in range(view.depth.shape[1]):
            depth = np.float64(view.depth[v, u])
            if not 0.0 <= depth < np.inf:
                return BAD_DEPTH, table, 0, 0, 0
            if depth == 0.0 or depth <= view.min_depth:
                continue
            is_hit = depth < view.max_depth
            x, y, z = _backproject(view, u, v, min(depth, view.max_depth))
            if not (_in_range(x, size) and _in_range(y, size) and _in_range(z, size)):
                return OUT_OF_RANGE, table, 0, 0, 0
            i, j, k = math.floor(x / size), math.floor(y / size), math.floor(z / size)
            key = block_key(i >> 3, j >> 3, k >> 3)
            if key != last_key:
                table = _with_room(table, used, used + 1)
                slot, used = find_or_add(table.hash_keys, table.hash_slots, table.keys, used, key)
                last_key = key
            cell = SPREAD[i & 7] | (SPREAD[j & 7] << 1) | (SPREAD[k & 7] << 2)
            row = table.cells[slot, cell]
            if row == 0 or (is_hit and row < 0):
                rays.ends[count, 0], rays.ends[count, 1], rays.ends[count, 2] = x, y, z
                rays.stops[count, 0], rays.stops[count, 1], rays.stops[count, 2] = i, j, k
                count += 1
                rows += is_hit
                row = rows if is_hit else RAY_END
                table.cells[slot, cell] = row
            if is_hit:
                points[row - 1] += np.uint32(1)
                if len(view.rgb) > 0:
                    for channel in range(3):
                        colours[row - 1, channel] += np.uint32(view.rgb[v, u, channel])
                if len(view.labels) > 0 and view.labels[v, u] > 0:
                    links = _count_label(ballot, links, row - 1, view.labels[v, u])
    return OK, table, used, rows, count


@njit(cache=True)
@no_type_check
def _crossings(origin, end, start, stop, size):
    """Along one axis: how many boundaries the ray crosses, which way, where the first and how far apart.

    Where is a fraction of the ray; infinite where there is nothing (more) to cross.
    """
    if start == stop:
        return 0, 0, np.inf, np.inf
    sign = 1 if stop > start else -1
    boundary = (start + (sign > 0)) * size
    return abs(stop - start), sign, (boundary - origin) / (end - origin), size / abs(end - origin)


@njit(cache=True)
@no_type_check
def _carve(table, used, origin, end, start, stop, size):
    """Marks what the ray passes before the voxel ``stop``; the number of blocks afterwards.

    The crossings left on each axis are counted, so that rounding cannot lead past the end.
    """
    left_x, sign_x, next_x, step_x = _crossings(origin[0], end[0], start[0], stop[0], size)
    left_y, sign_y, next_y, step_y = _crossings(origin[1], end[1], start[1], stop[1], size)
    left_z, sign_z, next_z, step_z = _crossings(origin[2], end[2], start[2], stop[2], size)
    i, j, k = start[0], start[1], start[2]
    bi, bj, bk, slot = i >> 3, j >> 3, k >> 3, np.int64(EMPTY)
    for _ in range(left_x + left_y + left_z):
        if slot == EMPTY or i >> 3 != bi or j >> 3 != bj or k >> 3 != bk:
            bi, bj, bk = i >> 3, j >> 3, k >> 3
            key = block_key(bi, bj, bk)
            slot, used = find_or_add(table.hash_keys, table.hash_slots, table.keys, used, key)
        cell = SPREAD[i & 7] | (SPREAD[j & 7] << 1) | (SPREAD[k & 7] << 2)
        if table.cells[slot, cell] == 0:
            table.cells[slot, cell] = MISS
        if next_x <= next_y and next_x <= next_z:
            left_x -= 1
            next_x = next_x + step_x if left_x > 0 else np.inf
            i += sign_x
        elif next_y <= next_z:
            left_y -= 1
            next_y = next_y + step_y if left_y > 0 else np.inf
            j += sign_y
        else:
            left_z -= 1
            next_z = next_z + step_z if left_z > 0 else np.inf
            k += sign_z
    return used


@njit(cache=True)
@no_type_check
def reduce_frame(view):
    """The :class:`Reduction` of a :class:`View`."""
    pixels, size = view.depth.size, view.voxel_size
    table = _empty_table(_FIRST_BLOCKS)
    points, colours = np.zeros(pixels, np.uint32), np.zeros((pixels, 3), np.uint32)
    ballot = _empty_ballot(view.labels.size)
    rays = _Rays(np.empty((pixels, 3)), np.empty((pixels, 3), np.int64))
    start = np.zeros(3, np.int64)
    for axis in range(3):
        if not _in_range(view.origin[axis], size):
            return Reduction(
                OUT_OF_RANGE, table.keys, 0, table.cells, points[:0], colours[:0], ballot.label[:0]
            )
        start[axis] = math.floor(view.origin[axis] / size)
    status, table, used, rows, count = _collect(view, table, rays, points, colours, ballot)
    labels = _elected(ballot, min(rows, view.labels.size))
    for n in range(count):
        blocks = 1
        for axis in range(3):
            blocks += abs((rays.stops[n, axis] >> 3) - (start[axis] >> 3))
        table = _with_room(table, used, used + blocks)
        used = _carve(table, used, view.origin, rays.ends[n], start, rays.stops[n], size)
    return Reduction(status, table.keys, used, table.cells, points[:rows], colours[:rows], labels)
