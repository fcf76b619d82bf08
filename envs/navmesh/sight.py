"""Straight lines over the ground: may a body walk from one point to another without turning?"""

from typing import no_type_check

import numpy as np
from numba import njit

_EPSILON = 1e-9


@njit(cache=True)
@no_type_check
def walk_straight(neighbour, cell, column, row, x0, y0, x1, y1):
    """Follows the segment from ``(x0, y0)`` in ``cell`` to ``(x1, y1)``; coordinates in cells, rows south.

    Returns ``(cell reached, share of the segment walked)``; the share is 1 when nothing was in the way.
    Through a corner where four cells meet, either way round will do.
    """
    dx, dy = x1 - x0, y1 - y0
    c, r = column[cell], row[cell]
    last_c, last_r = int(np.floor(x1)), int(np.floor(y1))
    step_c, step_r = (1 if dx > 0 else -1), (1 if dy > 0 else -1)
    side_c, side_r = (2 if dx > 0 else 0), (1 if dy > 0 else 3)
    next_x = ((c + 1 if dx > 0 else c) - x0) / dx if dx != 0 else np.inf
    next_y = ((r + 1 if dy > 0 else r) - y0) / dy if dy != 0 else np.inf
    each_x = abs(1 / dx) if dx != 0 else np.inf
    each_y = abs(1 / dy) if dy != 0 else np.inf
    while c != last_c or r != last_r:
        share = min(next_x, next_y)
        if share > 1 + _EPSILON:
            break
        if abs(next_x - next_y) < _EPSILON and c != last_c and r != last_r:
            via = neighbour[cell, side_c]
            onward = neighbour[via, side_r] if via != -1 else -1
            if onward == -1:
                via = neighbour[cell, side_r]
                onward = neighbour[via, side_c] if via != -1 else -1
            c, r = c + step_c, r + step_r
            next_x, next_y = next_x + each_x, next_y + each_y
        elif next_x < next_y:
            onward = neighbour[cell, side_c]
            c, next_x = c + step_c, next_x + each_x
        else:
            onward = neighbour[cell, side_r]
            r, next_y = r + step_r, next_y + each_y
        if onward == -1:
            return cell, max(share, 0.0)
        cell = onward
    return cell, 1.0


@njit(cache=True)
@no_type_check
def sees(neighbour, column, row, a, ax, ay, b, bx, by):
    """Whether the segment from a point of cell ``a`` ends in cell ``b`` (same storey, nothing between)."""
    reached, share = walk_straight(neighbour, a, column, row, ax, ay, bx, by)
    return share == 1.0 and reached == b
