"""Rows by the cells that they lie in, in the octree's key space: those of a place without a look at all.

Cells are sorted by their Morton keys, and all that a box covers have keys between those of its corners. What
changed since the sort is looked at one by one, until it is so much that the sort is made again.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float64, Int64
from numba import njit

from .. import morton
from .place_filter import Place
from .vector_rows import VectorRows

_MOST_CHANGED = 1024
"""And an eighth of the rows: more make a new sort."""


@njit(cache=True)
@no_type_check
def _is_in(position, low, high, center, square):
    apart = 0.0
    for axis in range(3):
        at = position[axis]
        if not low[axis] <= at <= high[axis]:
            return False
        apart += (at - center[axis]) * (at - center[axis])
    return apart <= square


@njit(cache=True)
@no_type_check
def _collect(
    cells,
    starts,
    order,
    sorted_positions,
    corners,
    positions,
    stamps,
    since,
    changed,
    region,
    columns,
    column,
    found,
):
    """The rows of a region, into ``found``; returns how many."""
    low, high, center, square = region
    used, count = len(positions), 0
    for cell in range(len(cells)):
        x, y, z = cells[cell]
        if not (
            corners[0, 0] <= x <= corners[1, 0]
            and corners[0, 1] <= y <= corners[1, 1]
            and corners[0, 2] <= z <= corners[1, 2]
        ):
            continue
        inside = (
            np.isinf(square)
            and corners[0, 0] < x < corners[1, 0]
            and corners[0, 1] < y < corners[1, 1]
            and corners[0, 2] < z < corners[1, 2]
        )
        for place in range(starts[cell], starts[cell + 1]):
            row = order[place]
            if changed and (row >= used or stamps[row] > since):
                continue
            if column >= 0 and columns[row, column] < 0:
                continue
            if inside or _is_in(sorted_positions[place], low, high, center, square):
                found[count] = row
                count += 1
    if changed:
        for row in range(used):
            if stamps[row] <= since or (column >= 0 and columns[row, column] < 0):
                continue
            if _is_in(positions[row], low, high, center, square):
                found[count] = row
                count += 1
    return count


class Cells:
    """The rows of a table by cells.

    Args:
        rows: the table.
        cell_m: side of a cell.
    """

    row_nbytes = 8 + 24 + 40
    """Bytes of one row, at most: its place in the order, its position again, and a cell of its own."""

    def __init__(self, rows: VectorRows, cell_m: float) -> None:
        self._rows, self._cell_m, self._since = rows, cell_m, -1

    def within(self, place: Place, column: int) -> Int64[np.ndarray, " m"]:
        """The rows of a region, in no particular order.

        Args:
            place: the region.
            column: only rows with 0 or more in it; below 0: all.
        """
        self._update()
        held = self._rows
        corners = self._cells_of(np.stack([place.low, place.high]))
        first, last = np.searchsorted(self._keys, morton.encode(corners))
        last = min(int(last) + 1, len(self._keys))
        found = np.empty(len(held), np.int64)
        count = _collect(
            self._cells[first:last],
            self._starts[first : last + 1],
            self._order,
            self._sorted_positions,
            corners,
            held.positions,
            held.stamps,
            self._since,
            self._since != held.clock,
            (place.low, place.high, place.center, place.radius_m * place.radius_m),
            held.columns,
            column,
            found,
        )
        return found[:count]

    def _update(self) -> None:
        clock, stamps = self._rows.clock, self._rows.stamps
        if clock == self._since:
            return
        changed = int((stamps > self._since).sum())
        if self._since >= 0 and changed <= _MOST_CHANGED + len(stamps) // 8:
            return
        keys = morton.encode(self._cells_of(self._rows.positions))
        self._order = np.argsort(keys, kind="stable")
        self._sorted_positions = self._rows.positions[self._order]
        self._keys, firsts = np.unique(keys[self._order], return_index=True)
        self._cells = morton.decode(self._keys)
        self._starts = np.append(firsts, len(keys)).astype(np.int64)
        self._since = clock

    def _cells_of(self, points: Float64[np.ndarray, "n 3"]) -> Int64[np.ndarray, "n 3"]:
        # Clipped, box and rows alike, so that no cell is without a key: a box still covers its rows.
        outermost = morton.SIGN_OFFSET - 1
        return np.clip(np.floor(points / self._cell_m), -outermost, outermost).astype(np.int64)
