"""Residues of many chains of writes in one set of arrays: each knows the one before and the one after."""

import heapq
import math
from collections.abc import Mapping

import numpy as np
from jaxtyping import Int64, Shaped, UInt32

NONE = -1
"""Where a chain of residues ends."""


class Columns:
    """Arrays of a row an entry, that grow; freed rows are used again, the lowest first.

    So which row is next follows from which are in use, and not from what was there before.

    Args:
        columns: an empty array of each name, (0, ...) of its type.
    """

    def __init__(self, columns: Mapping[str, np.ndarray]) -> None:
        self.arrays = dict(columns)
        self.used = 0
        self.free: list[int] = []

    def __len__(self) -> int:
        return self.used - len(self.free)

    @property
    def row_nbytes(self) -> int:
        """Of one row."""
        return sum(array.itemsize * math.prod(array.shape[1:]) for array in self.arrays.values())

    @property
    def nbytes(self) -> int:
        """Of the rows in use."""
        return len(self) * self.row_nbytes

    def take(self) -> int:
        """A row that nobody has; what it holds is anything."""
        if self.free:
            return heapq.heappop(self.free)
        if self.used == len(next(iter(self.arrays.values()))):
            self._reserve(self.used + max(16, self.used // 4))
        self.used += 1
        return self.used - 1

    def give(self, row: int) -> None:
        """Frees a row."""
        heapq.heappush(self.free, row)

    def _reserve(self, count: int) -> None:
        for name, array in self.arrays.items():
            grown = np.zeros((count, *array.shape[1:]), array.dtype)
            grown[: len(array)] = array
            self.arrays[name] = grown


class Residues:
    """What turns writes back: residue, seed and checksum of each, chained from newest to oldest.

    Args:
        width: of a residue.
        kind: of its numbers.
    """

    def __init__(self, width: int, kind: np.dtype) -> None:
        self._rows = Columns(
            {
                "residue": np.zeros((0, width), kind),
                "seed": np.zeros(0, np.uint32),
                "checksum": np.zeros(0, np.uint32),
                "older": np.zeros(0, np.int32),
                "newer": np.zeros(0, np.int32),
            }
        )

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def row_nbytes(self) -> int:
        """Of one."""
        return self._rows.row_nbytes

    @property
    def nbytes(self) -> int:
        """Of those that are kept."""
        return self._rows.nbytes

    def add(self, residue: Shaped[np.ndarray, " d"], seed: int, checksum: int, older: int) -> int:
        """Puts one behind ``older``, or ``NONE``; returns its row."""
        row = self._rows.take()
        held = self._rows.arrays
        held["residue"][row], held["seed"][row], held["checksum"][row] = residue, seed, checksum
        held["older"][row], held["newer"][row] = older, NONE
        if older != NONE:
            held["newer"][older] = row
        return row

    def drop(self, row: int) -> int:
        """Frees the oldest of a chain; returns the one after it, or ``NONE``."""
        newer = int(self._rows.arrays["newer"][row])
        if newer != NONE:
            self._rows.arrays["older"][newer] = NONE
        self._rows.give(row)
        return newer

    def before(self, row: int) -> int:
        """The row of the one written before, or ``NONE``."""
        return int(self._rows.arrays["older"][row])

    def chain(self, newest: int) -> list[int]:
        """The rows from a chain's newest to its oldest."""
        rows = []
        while newest != NONE:
            rows.append(newest)
            newest = self.before(newest)
        return rows

    def of(
        self, rows: list[int]
    ) -> tuple[Shaped[np.ndarray, "n d"], Int64[np.ndarray, " n"], UInt32[np.ndarray, " n"]]:
        """Residues, seeds and checksums of these rows."""
        held = self._rows.arrays
        return held["residue"][rows], held["seed"][rows].astype(np.int64), held["checksum"][rows]
