"""Exits: points beside a place that were seen from it and where nothing is known yet."""

from collections.abc import Iterator

import numpy as np

from placecell.arrays import Point, Points

from .cells import CellIndex
from .nodes import distance


class ExitList:
    """Exits by the place that has them, in the order in which they were noted.

    Args:
        reach_m: how near a visit strikes one off.
        same_m: two that are no farther apart are one.
    """

    def __init__(self, reach_m: float, same_m: float) -> None:
        self._reach_m, self._same_m = reach_m, same_m
        self._points: dict[int, Point] = {}
        self._owners: dict[int, int] = {}
        self._by_place: dict[int, list[int]] = {}
        self._next = 0
        self._cells = CellIndex(reach_m)

    def __len__(self) -> int:
        return len(self._points)

    def __iter__(self) -> Iterator[tuple[int, Point]]:
        """Place and point, in the order in which they were noted."""
        for number in sorted(self._points):
            yield self._owners[number], self._points[number]

    def of(self, place: int) -> Points:
        """(n, 3) the exits of a place."""
        numbers = self._by_place.get(place, [])
        return np.array([self._points[number] for number in numbers], np.float64).reshape(-1, 3)

    def note(self, place: int, point: Point) -> bool:
        """Gives a place an exit, unless some place has it already."""
        if self._near(point, self._same_m):
            return False
        self.restore(place, point)
        return True

    def restore(self, place: int, point: Point) -> None:
        """Takes over an exit that was noted."""
        number, self._next = self._next, self._next + 1
        self._points[number], self._owners[number] = point, place
        self._by_place.setdefault(place, []).append(number)
        self._cells.add(number, point)

    def strike(self, position: Point) -> int:
        """Forgets the exits within reach of a point; how many they were."""
        return self._remove(self._near(position, self._reach_m))

    def strike_where(self, known: np.ndarray) -> int:
        """Forgets those of :meth:`all_points` for which ``known`` (n,) is true; how many they were."""
        return self._remove(
            [number for number, gone in zip(sorted(self._points), known, strict=True) if gone]
        )

    def all_points(self) -> Points:
        """(n, 3) all exits, in the order in which they were noted."""
        return np.array([point for _, point in self], np.float64).reshape(-1, 3)

    def move(self, gone: int, keep: int) -> None:
        """Gives the exits of one place to another."""
        numbers = self._by_place.pop(gone, [])
        for number in numbers:
            self._owners[number] = keep
        if numbers:
            self._by_place[keep] = sorted(self._by_place.get(keep, []) + numbers)

    def drop(self, place: int) -> None:
        """Forgets the exits of a place."""
        self._remove(list(self._by_place.get(place, [])))

    def _near(self, point: Point, radius_m: float) -> list[int]:
        numbers = self._cells.around(point)
        if not numbers:
            return []
        apart = distance(np.array([self._points[number] for number in numbers]), point)
        return [number for number, metres in zip(numbers, apart.tolist(), strict=True) if metres <= radius_m]

    def _remove(self, numbers: list[int]) -> int:
        for number in numbers:
            self._cells.remove(number, self._points.pop(number))
            place = self._owners.pop(number)
            self._by_place[place].remove(number)
            if not self._by_place[place]:
                del self._by_place[place]
        return len(numbers)
