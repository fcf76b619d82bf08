"""Which items lie near a point: a hash of cubic cells, one dictionary entry a cell that holds something."""

import math

from placecell.arrays import Point

Cell = tuple[int, int, int]


class CellIndex:
    """Items by the cell of their position; whoever owns the items knows the positions.

    Args:
        reach_m: how far :meth:`around` has to see; cells are as large.
    """

    def __init__(self, reach_m: float) -> None:
        # A little more than the reach, so that rounding never puts two points within it two cells apart.
        self._cell_m = reach_m * (1 + 1e-9)
        self._items: dict[Cell, list[int]] = {}

    def add(self, item: int, position: Point) -> None:
        """Takes an item in."""
        self._items.setdefault(self._cell(position), []).append(item)

    def remove(self, item: int, position: Point) -> None:
        """Forgets an item that was added, or last moved, to exactly this position."""
        cell = self._cell(position)
        held = self._items[cell]
        held.remove(item)
        if not held:
            del self._items[cell]

    def move(self, item: int, old: Point, new: Point) -> None:
        """Takes over an item's new position."""
        if self._cell(old) != self._cell(new):
            self.remove(item, old)
            self.add(item, new)

    def around(self, position: Point) -> list[int]:
        """Every item within the reach of a point, and some that are farther away; in no order."""
        x, y, z = self._cell(position)
        found: list[int] = []
        for i in (x - 1, x, x + 1):
            for j in (y - 1, y, y + 1):
                for k in (z - 1, z, z + 1):
                    held = self._items.get((i, j, k))
                    if held is not None:
                        found.extend(held)
        return found

    def _cell(self, position: Point) -> Cell:
        x, y, z = position.tolist()
        size = self._cell_m
        return math.floor(x / size), math.floor(y / size), math.floor(z / size)
