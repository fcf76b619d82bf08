"""The agent's ground map as arrays, and the Numba kernels that read it out of voxel states.

A column (x, y) of the map has up to ``LAYERS`` known floors, so that a bridge and the way under it are two.
"""

from typing import NamedTuple, no_type_check

import numpy as np
from numba import njit

from placecell.memory import FREE, OCCUPIED

LAYERS = 3
NONE = -32768


class Columns(NamedTuple):
    """Arrays over the map's columns; heights are voxel indices, ``NONE`` where there is nothing.

    ``floors`` (x, y, LAYERS) int16, rising; ``steep``: which of them are too steep to stand on; ``low`` and
    ``high`` (x, y) int16: the lowest and highest surface; ``free`` (x, y) int16: the lowest free voxel;
    ``seen`` (x, y): whether anything is known of the column; ``bumped`` (x, y) uint8: how often the body ran
    into something there that the map does not show, or doubted its way; ``planned`` (x, y): whether the last
    plan led through it.
    """

    floors: np.ndarray
    steep: np.ndarray
    low: np.ndarray
    high: np.ndarray
    free: np.ndarray
    seen: np.ndarray
    bumped: np.ndarray
    planned: np.ndarray

    @classmethod
    def empty(cls, x: int, y: int) -> "Columns":
        """Columns of which nothing is known."""
        return cls(
            np.full((x, y, LAYERS), NONE, np.int16),
            np.zeros((x, y, LAYERS), np.bool_),
            np.full((x, y), NONE, np.int16),
            np.full((x, y), NONE, np.int16),
            np.full((x, y), NONE, np.int16),
            np.zeros((x, y), np.bool_),
            np.zeros((x, y), np.uint8),
            np.zeros((x, y), np.bool_),
        )


class Gait(NamedTuple):
    """A body in voxels: the step it climbs, the room it needs above its feet, its radius."""

    climb: int
    height: int
    radius: int


@njit(cache=True)
@no_type_check
def _seen_from_above(column, z):
    """Whether the space just above a voxel was seen free: a floor's is, a ceiling's or a wall's is not."""
    one, two = z + 1, z + 2
    return (one < len(column) and column[one] == FREE) or (two < len(column) and column[two] == FREE)


@njit(cache=True)
@no_type_check
def read_columns(states, x0, y0, z0, height, columns):
    """Writes a dense box of voxel states into the map at offset ``(x0, y0)``; ``z0`` is its lowest height.

    A floor is an occupied voxel that was seen from above, with no occupied one in the ``height`` above it.
    """
    for x in range(states.shape[0]):
        for y in range(states.shape[1]):
            column, floors = states[x, y], columns.floors[x + x0, y + y0]
            found, above = LAYERS, z0 + len(column) + height
            lowest, highest, free = NONE, NONE, NONE
            for z in range(len(column) - 1, -1, -1):
                at = z + z0
                if column[z] == FREE:
                    free = at
                if column[z] != OCCUPIED:
                    continue
                highest = at if highest == NONE else highest
                lowest = at
                if above - at > height and found > 0 and _seen_from_above(column, z):
                    found -= 1
                    floors[found] = at
                above = at
            for layer in range(LAYERS):
                floors[layer] = floors[layer + found] if layer + found < LAYERS else NONE
            columns.low[x + x0, y + y0], columns.high[x + x0, y + y0] = lowest, highest
            columns.free[x + x0, y + y0] = free
            columns.seen[x + x0, y + y0] = free != NONE or lowest != NONE


@njit(cache=True)
@no_type_check
def floor_near(columns, x, y, k, reach):
    """The layer of a column whose floor is nearest to height ``k`` and within ``reach``; -1 if none."""
    best, best_layer = reach + 1, -1
    for layer in range(LAYERS):
        floor = columns.floors[x, y, layer]
        if floor == NONE:
            break
        if abs(floor - k) < best:
            best, best_layer = abs(floor - k), layer
    return best_layer


@njit(cache=True)
@no_type_check
def _is_steep(columns, x, y, k, climb):
    """Whether the ground around a floor at height ``k`` rises by more than about 47 degrees."""
    for half, most in ((2, 25), (3, 42)):
        rise = 0
        for dx, dy in ((half, 0), (0, half)):
            if x < dx or y < dy or x + dx >= columns.low.shape[0] or y + dy >= columns.low.shape[1]:
                continue
            one = floor_near(columns, x + dx, y + dy, k, half * climb)
            other = floor_near(columns, x - dx, y - dy, k, half * climb)
            if one >= 0 and other >= 0:
                rise += (columns.floors[x + dx, y + dy, one] - columns.floors[x - dx, y - dy, other]) ** 2
        if rise > most:
            return True
    return False


@njit(cache=True)
@no_type_check
def mark_steep(columns, x0, y0, x1, y1, climb):
    """Marks the floors of the columns in [x0, x1) x [y0, y1) that are too steep to stand on."""
    for x in range(x0, x1):
        for y in range(y0, y1):
            for layer in range(LAYERS):
                k = columns.floors[x, y, layer]
                columns.steep[x, y, layer] = k != NONE and _is_steep(columns, x, y, k, climb)


@njit(cache=True)
@no_type_check
def blocks(columns, gait, x, y, k, ring):
    """Whether a column stands in the way of a body whose feet are at height ``k``, ``ring`` cells away."""
    if columns.floors[x, y, 0] != NONE:
        layer = floor_near(columns, x, y, k, gait.climb * max(ring, 1))
        return layer < 0 or columns.steep[x, y, layer]
    low, high = columns.low[x, y], columns.high[x, y]
    return low != NONE and low <= k + gait.height and high > k + gait.climb


@njit(cache=True)
@no_type_check
def clearance(columns, gait, x, y, k, reach):
    """Cells to the nearest column in the way (rounded down, at most ``reach`` + 1)."""
    nearest = (reach + 1) * (reach + 1)
    for dx in range(-reach, reach + 1):
        for dy in range(-reach, reach + 1):
            away = dx * dx + dy * dy
            nx, ny = x + dx, y + dy
            if (
                away >= nearest
                or nx < 0
                or ny < 0
                or nx >= columns.low.shape[0]
                or ny >= columns.low.shape[1]
            ):
                continue
            if blocks(columns, gait, nx, ny, k, max(abs(dx), abs(dy))):
                nearest = away
    return int(np.sqrt(nearest))
