"""A step over the ground: straight on, stopped by a wall, or sliding along it.

Sliding follows Detour's surface move: the body ends at the point nearest to where it wanted to be, among
those it can reach without leaving a circle around its step.
"""

from typing import no_type_check

import numpy as np
from numba import njit

from .sight import walk_straight

_INSIDE = 1e-6  # cells; keeps a body off the edge it stopped at
_TOUCH = 1e-4  # cells; closer than this, a body touches the edge
_STRAIGHT = 3  # cells each way that make a wall straight


@njit(cache=True)
@no_type_check
def _distance_to_square(x, y, c, r):
    dx = max(c - x, 0.0, x - (c + 1))
    dy = max(r - y, 0.0, y - (r + 1))
    return np.sqrt(dx * dx + dy * dy)


@njit(cache=True)
@no_type_check
def into_square(x, y, c, r):
    """The point of a cell nearest to ``(x, y)``, a hair inside its edges."""
    return min(max(x, c + _INSIDE), c + 1 - _INSIDE), min(max(y, r + _INSIDE), r + 1 - _INSIDE)


@njit(cache=True)
@no_type_check
def slide(neighbour, column, row, cell, x0, y0, x1, y1):
    """The reachable point nearest to ``(x1, y1)``: ``(cell, x, y)``, coordinates in cells."""
    mx, my = (x0 + x1) / 2, (y0 + y1) / 2
    radius = np.hypot(x1 - x0, y1 - y0) / 2 + 0.02
    limit = int(16 * (radius + 2) * (radius + 2))
    seen = np.empty(limit, np.int64)
    seen[0], count, at = cell, 1, 0
    best, best_cell = np.inf, cell
    while at < count:
        i = seen[at]
        at += 1
        x, y = into_square(x1, y1, column[i], row[i])
        d = np.hypot(x - x1, y - y1)
        if d < best and np.hypot(x - mx, y - my) <= radius:
            best, best_cell = d, i
        for side in range(4):
            j = neighbour[i, side]
            if j == -1 or count == limit or _distance_to_square(mx, my, column[j], row[j]) > radius:
                continue
            new = True
            for k in range(count):
                if seen[k] == j:
                    new = False
                    break
            if new:
                seen[count] = j
                count += 1
    x, y = into_square(x1, y1, column[best_cell], row[best_cell])
    return best_cell, x, y


@njit(cache=True)
@no_type_check
def advance(neighbour, column, row, cell, x0, y0, x1, y1, sliding):
    """Moves a body from ``(x0, y0)`` in ``cell`` towards ``(x1, y1)``; returns ``(cell, x, y)``, in cells."""
    reached, share = walk_straight(neighbour, cell, column, row, x0, y0, x1, y1)
    if share == 1.0:
        return reached, x1, y1
    if sliding:
        return slide(neighbour, column, row, cell, x0, y0, x1, y1)
    x, y = into_square(x0 + share * (x1 - x0), y0 + share * (y1 - y0), column[reached], row[reached])
    return reached, x, y


@njit(cache=True)
@no_type_check
def touches_straight_wall(neighbour, column, row, cell, x, y):
    """Whether a point lies on a wall that runs straight along the grid's axes for some cells each way."""
    left, top = x - column[cell], y - row[cell]
    for side in range(4):
        touching = (left, 1 - top, 1 - left, top)[side] < _TOUCH
        if not touching or neighbour[cell, side] != -1:
            continue
        straight = True
        for turn in ((side + 1) % 4, (side + 3) % 4):
            along = cell
            for _ in range(_STRAIGHT):
                along = neighbour[along, turn]
                if along == -1 or neighbour[along, side] != -1:
                    straight = False
                    break
        if straight:
            return True
    return False
