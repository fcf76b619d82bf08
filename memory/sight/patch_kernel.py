"""Which voxels of one label hang together: the groups of a frame's patches, in linear time."""

from typing import no_type_check

import numpy as np
from numba import njit


@njit(cache=True)
@no_type_check
def group_patches(indices, labels, reach):
    """The number of each voxel's patch: one label, and chained by distances of at most ``reach`` voxels.

    Voxels are sorted into cells of ``ceil(reach)`` voxels, so that only those of neighbouring cells are held
    against each other; patches are numbered by their first voxel.

    Args:
        indices: (n, 3) int64 voxel indices, no two alike of one label.
        labels: (n,) int64.
        reach: in voxels.

    Returns:
        (n,) int64 numbers from 0, and how many there are.
    """
    n = len(indices)
    inverse, farthest = 1.0 / max(np.ceil(reach - 1e-6), 1.0), reach * reach
    slots = 16
    while slots < 2 * n:
        slots *= 2
    table, heads = np.full(slots, -1, np.int32), np.empty(n, np.int64)
    cells, cell_labels, following = np.empty((n, 3), np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    used = 0
    for i in range(n):
        # The middle of a voxel is never near a wall between cells: no rounding moves it over one.
        x = int(np.floor((indices[i, 0] + 0.5) * inverse))
        y = int(np.floor((indices[i, 1] + 0.5) * inverse))
        z = int(np.floor((indices[i, 2] + 0.5) * inverse))
        slot, found = _find_cell(table, cells, cell_labels, x, y, z, labels[i])
        if not found:
            table[slot], cells[used, 0], cells[used, 1], cells[used, 2] = used, x, y, z
            cell_labels[used], heads[used] = labels[i], -1
            used += 1
        cell = table[slot]
        following[i], heads[cell] = heads[cell], i
    parents, whole = np.arange(n), np.empty(used, np.bool_)
    for cell in range(used):
        whole[cell] = _join_own(parents, indices, following, heads[cell], farthest)
    for cell in range(used):
        for near in range(14, 27):  # half of its neighbours: the other half finds it
            slot, found = _find_cell(
                table,
                cells,
                cell_labels,
                cells[cell, 0] + near // 9 - 1,
                cells[cell, 1] + near // 3 % 3 - 1,
                cells[cell, 2] + near % 3 - 1,
                cell_labels[cell],
            )
            if found:
                other = table[slot]
                once = whole[cell] and whole[other]
                _join_others(parents, indices, following, heads[cell], heads[other], farthest, once)
    numbers, count = np.full(n, -1, np.int64), 0
    for i in range(n):
        root = _root(parents, i)
        if numbers[root] < 0:
            numbers[root], count = count, count + 1
        numbers[i] = numbers[root]
    return numbers, count


@njit(cache=True)
@no_type_check
def _find_cell(table, cells, cell_labels, x, y, z, label):
    """The slot of a cell, or the empty one where it belongs, and whether it is there."""
    mixed = (x * 73856093) ^ (y * 19349663) ^ (z * 83492791) ^ (label * 2654435761)
    slot = (mixed ^ (mixed >> 15)) & (len(table) - 1)
    while table[slot] >= 0:
        held = table[slot]
        if cells[held, 0] == x and cells[held, 1] == y and cells[held, 2] == z and cell_labels[held] == label:
            return slot, True
        slot = (slot + 1) & (len(table) - 1)
    return slot, False


@njit(cache=True)
@no_type_check
def _join_own(parents, indices, following, head, farthest):
    """Joins the voxels of one cell that are near enough; whether they are all one patch by that."""
    apart, i = -1, head
    while i >= 0:
        apart, i = apart + 1, following[i]
    i = head
    while i >= 0 and apart > 0:
        j = following[i]
        while j >= 0 and apart > 0:
            if _square(indices, i, j) <= farthest and _join(parents, i, j):
                apart -= 1
            j = following[j]
        i = following[i]
    return apart == 0


@njit(cache=True)
@no_type_check
def _join_others(parents, indices, following, first, other, farthest, once):
    """Joins the voxels of two cells that are near enough; one pair does where each cell is one patch."""
    if once and _root(parents, first) == _root(parents, other):
        return
    i = first
    while i >= 0:
        j = other
        while j >= 0:
            if _square(indices, i, j) <= farthest:
                _join(parents, i, j)
                if once:
                    return
            j = following[j]
        i = following[i]


@njit(cache=True)
@no_type_check
def _square(indices, i, j):
    """The squared distance of two voxels."""
    x, y, z = indices[i, 0] - indices[j, 0], indices[i, 1] - indices[j, 1], indices[i, 2] - indices[j, 2]
    return x * x + y * y + z * z


@njit(cache=True)
@no_type_check
def _join(parents, i, j):
    """Makes the patches of two voxels one; whether they were two."""
    one, two = _root(parents, i), _root(parents, j)
    if one < two:
        parents[two] = one
    else:
        parents[one] = two
    return one != two


@njit(cache=True)
@no_type_check
def _root(parents, i):
    while parents[i] != i:
        parents[i] = parents[parents[i]]
        i = parents[i]
    return i
