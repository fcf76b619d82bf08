"""The edges of a topology graph: undirected, one between two places, a repeated one averaged."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

Ends = Int64[np.ndarray, "m 2"]


@dataclass(frozen=True)
class Walks:
    """Means over the walks of an edge, and how many they were."""

    distance_m: float
    instruction_cost: float
    walks: int


class EdgeTable:
    """Rows without gaps; by place, the neighbours and the row of the edge to each."""

    def __init__(self) -> None:
        self._ends = np.zeros((16, 2), np.int64)
        self._distances, self._instructions = np.zeros(16), np.zeros(16)
        self._walks = np.zeros(16, np.int64)
        self._used = 0
        self._rows: dict[int, dict[int, int]] = {}

    def __len__(self) -> int:
        return self._used

    @property
    def nbytes(self) -> int:
        """Of the columns, free rows included."""
        return len(self._ends) * self.row_nbytes

    @property
    def row_nbytes(self) -> int:
        """Of the columns of one edge."""
        columns = self._ends, self._distances, self._instructions, self._walks
        return sum(column[:1].nbytes for column in columns)

    @property
    def ends(self) -> Ends:
        """(m, 2) the places of each edge, the lower first; a view."""
        return self._ends[: self._used]

    @property
    def distances(self) -> Float64[np.ndarray, " m"]:
        """(m,) metres; a view."""
        return self._distances[: self._used]

    @property
    def instructions(self) -> Float64[np.ndarray, " m"]:
        """(m,) instruction costs; a view."""
        return self._instructions[: self._used]

    @property
    def walks(self) -> Int64[np.ndarray, " m"]:
        """(m,) how often each was walked; a view."""
        return self._walks[: self._used]

    def between(self, a: int, b: int) -> Walks | None:
        """The edge of two places, or None."""
        row = self._rows.get(a, {}).get(b)
        if row is None:
            return None
        return Walks(float(self._distances[row]), float(self._instructions[row]), int(self._walks[row]))

    def neighbours(self, place: int) -> tuple[int, ...]:
        """Of a place, rising."""
        return tuple(sorted(self._rows.get(place, {})))

    def walk(self, a: int, b: int, distance_m: float, instruction_cost: float, times: int = 1) -> bool:
        """Averages so many walks into the edge of two different places; whether it is new."""
        row = self._rows.get(a, {}).get(b)
        if row is not None:
            self._walks[row] += times
            share = times / self._walks[row]
            self._distances[row] += (distance_m - self._distances[row]) * share
            self._instructions[row] += (instruction_cost - self._instructions[row]) * share
            return False
        row = self._append()
        self._join(a, b, row)
        self._distances[row], self._instructions[row] = distance_m, instruction_cost
        self._walks[row] = times
        return True

    def move(self, gone: int, keep: int) -> None:
        """Gives the edges of one place to another: none is lost but the one between the two.

        Where both had an edge to a third place, the two are averaged by their walks.
        """
        held = self._rows.get(gone, {})
        while held:
            other, row = next(iter(held.items()))
            self._part(gone, other)
            if other == keep:
                self._remove(row)
            elif other in self._rows.get(keep, {}):
                distance, instruction = float(self._distances[row]), float(self._instructions[row])
                self.walk(keep, other, distance, instruction, int(self._walks[row]))
                self._remove(row)
            else:
                self._join(keep, other, row)
        self._rows.pop(gone, None)

    def bridge(self, gone: int) -> None:
        """Takes a place out: its nearest neighbour is joined to its others by the ways that led over it.

        Of equally near ones the oldest. Two that are joined already keep their edge as it is. What was
        connected stays so, and there are fewer edges than before.
        """
        held = self._rows.get(gone, {})
        near = sorted(held, key=lambda other: (float(self._distances[held[other]]), other))
        for other in near[1:]:
            hub, first, second = near[0], held[near[0]], held[other]
            if other not in self._rows[hub]:
                metres = float(self._distances[first] + self._distances[second])
                instruction = float(self._instructions[first] + self._instructions[second])
                times = int(min(self._walks[first], self._walks[second]))
                self.walk(hub, other, metres, instruction, times)
        for other in near:
            row = held[other]
            self._part(gone, other)
            self._remove(row)
        self._rows.pop(gone, None)

    def close_up(self) -> None:
        """Gives free rows back."""
        room = max(16, self._used)
        self._ends, self._walks = self._ends[:room].copy(), self._walks[:room].copy()
        self._distances, self._instructions = self._distances[:room].copy(), self._instructions[:room].copy()
        self._rows = {place: dict(joined) for place, joined in self._rows.items() if joined}

    def _join(self, a: int, b: int, row: int) -> None:
        self._ends[row] = min(a, b), max(a, b)
        self._rows.setdefault(a, {})[b] = row
        self._rows.setdefault(b, {})[a] = row

    def _part(self, a: int, b: int) -> None:
        del self._rows[a][b], self._rows[b][a]

    def _append(self) -> int:
        if self._used == len(self._ends):
            self._ends = np.concatenate([self._ends, np.zeros_like(self._ends)])
            self._distances = np.concatenate([self._distances, np.zeros_like(self._distances)])
            self._instructions = np.concatenate([self._instructions, np.zeros_like(self._instructions)])
            self._walks = np.concatenate([self._walks, np.zeros_like(self._walks)])
        self._used += 1
        return self._used - 1

    def _remove(self, row: int) -> None:
        """Fills a row whose places are parted by the last one."""
        last = self._used - 1
        if row != last:
            for column in (self._distances, self._instructions, self._walks):
                column[row] = column[last]
            self._join(int(self._ends[last, 0]), int(self._ends[last, 1]), row)
        self._used = last
