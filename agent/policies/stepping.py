"""Whether one step forward is free, as far as the map tells: for bodies that stop where they meet a wall."""

from typing import no_type_check

import numpy as np
from numba import njit

from .columns import blocks

_SPARE = 0.2  # cells kept between the body and the middle of an obstacle's column


@njit(cache=True)
@no_type_check
def _nearest_ahead(columns, gait, x, y, k, dx, dy, length, radius):
    """Whether a disc that moves ``length`` cells comes nearer than its radius to a column in the way."""
    reach = int(radius + length) + 2
    for cx in range(int(x) - reach, int(x) + reach + 1):
        for cy in range(int(y) - reach, int(y) + reach + 1):
            if cx < 0 or cy < 0 or cx >= columns.low.shape[0] or cy >= columns.low.shape[1]:
                continue
            ox, oy = cx + 0.5 - x, cy + 0.5 - y
            along = min(max(ox * dx + oy * dy, 0.0), length)
            gap = np.hypot(ox - along * dx, oy - along * dy)
            # What it stands too near to already hinders only those steps that bring it nearer still.
            if gap >= min(radius, np.hypot(ox, oy) - 1e-6):
                continue
            if columns.bumped[cx, cy] or blocks(columns, gait, cx, cy, k, 2):
                return True
    return False


@njit(cache=True)
@no_type_check
def free_steps(columns, gait, x, y, k, headings, length, radius):
    """(n,) whether a disc of ``radius`` at ``(x, y)``, all in cells, can go ``length`` along each heading."""
    free = np.empty(len(headings), np.bool_)
    for n in range(len(headings)):
        dx, dy = np.cos(headings[n]), np.sin(headings[n])
        free[n] = not _nearest_ahead(columns, gait, x, y, k, dx, dy, length, radius + _SPARE)
    return free
