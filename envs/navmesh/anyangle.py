"""Any-angle shortest paths over the ground: Lazy Theta*, guided to one cell or grown as a field.

Source: Nash, Koenig and Tovey, "Lazy Theta*: Any-Angle Path Planning and Path Length Analysis in 3D" (2010).
Paths that keep to the eight directions of a grid are about 5 % too long, and would flatter every SPL.
"""

from typing import no_type_check

import numpy as np
from numba import njit

from placecell.heap import pop, push

from .sight import sees

UNREACHED = -1


@njit(cache=True)
@no_type_check
def _span(x, y, z, i, to_x, to_y, to_z, size):
    """Metres from cell ``i``'s point; x and y are in cells of ``size`` metres, z in metres."""
    return np.sqrt(((x[i] - to_x) ** 2 + (y[i] - to_y) ** 2) * size * size + (z[i] - to_z) ** 2)


@njit(cache=True)
@no_type_check
def _around(neighbour, i, out):
    """The up to eight cells around ``i``; a diagonal needs both ways round it. Returns how many."""
    n = 0
    for side in range(4):
        j = neighbour[i, side]
        if j == -1:
            continue
        out[n] = j
        n += 1
        turn = (side + 1) % 4
        k = neighbour[i, turn]
        if k != -1 and neighbour[j, turn] != -1 and neighbour[j, turn] == neighbour[k, side]:
            out[n] = neighbour[j, turn]
            n += 1
    return n


@njit(cache=True)
@no_type_check
def grow(
    neighbour, column, row, x, y, z, size, distance, parent, closed, keys, items, heap, until, margin, guided
):  # fmt: skip
    """Settles cells in order of distance until cell ``until`` and all within ``margin`` beyond it are.

    ``x, y`` are the points that stand for the cells (their middles; for sources, the exact point), in
    cells. ``distance``, ``parent`` and ``closed`` are filled in place. ``until`` = -1 settles everything.
    With ``guided`` the search leans towards ``until`` and settles as little else as it can. Returns the
    heap ``(keys, items, size)`` from which a later call goes on.
    """
    around = np.empty(8, np.int32)
    limit = np.inf
    while heap:
        if until >= 0 and closed[until]:
            limit = distance[until] + margin
            if keys[0] > limit:
                break
        i, heap = pop(keys, items, heap)
        if closed[i]:
            continue
        closed[i] = 1
        p = parent[i]
        count = _around(neighbour, i, around)
        if p != i and not sees(neighbour, column, row, p, x[p], y[p], i, x[i], y[i]):
            distance[i] = np.inf
            for a in range(count):
                j = around[a]
                if closed[j]:
                    through = distance[j] + _span(x, y, z, j, x[i], y[i], z[i], size)
                    if through < distance[i]:
                        distance[i], p = through, j
            parent[i] = p
        for a in range(count):
            j = around[a]
            if closed[j]:
                continue
            through = distance[p] + _span(x, y, z, p, x[j], y[j], z[j], size)
            if through < distance[j]:
                distance[j], parent[j] = through, p
                if heap == len(keys):
                    keys = np.concatenate((keys, np.empty(heap)))
                    items = np.concatenate((items, np.empty(heap, np.int32)))
                lean = _span(x, y, z, until, x[j], y[j], z[j], size) if guided else 0.0
                heap = push(keys, items, heap, through + lean, j)
    return keys, items, heap


@njit(cache=True)
@no_type_check
def through_field(neighbour, column, row, x, y, z, size, distance, parent, closed, cell, px, py, pz):
    """Distance from a free point of ``cell`` to the sources of a field, and the cell of its first turn.

    The turns of the cell and of those around it are tried, so that a point off its cell's middle is not
    charged for the detour through the middle.
    """
    best, first = np.inf, UNREACHED
    around = np.empty(9, np.int32)
    count = _around(neighbour, cell, around)
    around[count] = cell
    for a in range(count + 1):
        if not closed[around[a]]:
            continue
        for turn in (parent[around[a]], around[a]):
            through = distance[turn] + _span(x, y, z, turn, px, py, pz, size)
            if through < best and sees(neighbour, column, row, cell, px, py, turn, x[turn], y[turn]):
                best, first = through, turn
    return best, first
