"""One row a leaf and one a node, which are never the same row: of the simplest kind, running means."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from ..archive import damaged
from .keeping import At, Keeping, Moved, Rows, Vector, unit_of
from .packed import Arrays
from .vector_rows import LEAF, NODE, NONE, NUMBER, OBSERVATIONS, STEP, USES, VectorRows

Key = tuple[int, int]
"""A leaf and ``NONE``, or ``NONE`` and a node."""
_LEAST = 64


@dataclass(frozen=True)
class More:
    """Observations that come to a row.

    Args:
        at: (3,) from where, on average.
        step: when the last of them was made.
        count: how many they are.
        uses: how often they were given as another row.
    """

    at: At
    step: int
    count: int = 1
    uses: int = 0

    @staticmethod
    def of(rows: VectorRows, row: int, at: At | None = None) -> "More":
        """All of a row, from where it is or from another position."""
        step, count, uses = rows.columns[row, [STEP, OBSERVATIONS, USES]].tolist()
        return More(rows.positions[row].copy() if at is None else at, step, count, uses)


class Keyed(Keeping):
    """Rows by what they stand for. The position of one is the mean of where its observations came from."""

    keyed = True

    def __init__(self) -> None:
        self._row_of: dict[Key, int] = {}

    @property
    def row_nbytes(self) -> int:
        """The key, in a table."""
        return 64

    def rename_nodes(self, rows: VectorRows, names: Mapping[int, int]) -> None:
        """Rows of nodes that became one become one, in place of the oldest."""
        under: dict[int, list[int]] = {}
        for (_, node), row in self._row_of.items():
            if node != NONE:
                under.setdefault(names.get(node, node), []).append(row)
        self._before_names(names)
        gone: list[int] = []
        for new, own in under.items():
            first, *others = sorted(own, key=lambda row: int(rows.columns[row, NUMBER]))
            rows.columns[first, NODE] = new
            for row in others:
                self._join(rows, first, row)
            gone += others
        self._drop_rows(rows, np.array(gone, np.int64))

    def unpack(self, rows: VectorRows, arrays: Arrays) -> None:
        """Finds the rows by their keys.

        Raises:
            ArchiveError: two rows of one key, or one of none or of two.
        """
        super().unpack(rows, arrays)
        self._index(rows)
        attached = rows.columns[:, [LEAF, NODE]] != NONE
        if len(self._row_of) != len(rows) or not bool((attached.sum(1) == 1).all()):
            raise damaged("one row a leaf and one a node", "two of one, or one of none")

    @abstractmethod
    def _join(self, rows: VectorRows, first: int, other: int) -> None:
        """The first row takes in what the other one stands for."""

    def _before_names(self, names: Mapping[int, int]) -> None:
        """Nodes are about to become others."""

    def _drop_rows(self, rows: VectorRows, gone: Rows) -> None:
        rows.drop(gone)
        self._index(rows)

    def _note(self, rows: VectorRows, key: Key, vector: Vector, more: More) -> int:
        """The row of a key with another vector, and more observations."""
        row = self._row_of.get(key)
        if row is None:
            row = self._row_of[key] = rows.append(vector, more.at, more.step, *key)
            rows.columns[row, [OBSERVATIONS, USES]] = more.count, more.uses
            return row
        seen = int(rows.columns[row, OBSERVATIONS]) + more.count
        apart = more.at - rows.positions[row]
        rows.change(row, vector, rows.positions[row] + apart * (more.count / seen), more.step)
        rows.columns[row, OBSERVATIONS] = seen
        rows.columns[row, USES] += more.uses
        return row

    def _index(self, rows: VectorRows) -> None:
        keys = zip(rows.columns[:, LEAF].tolist(), rows.columns[:, NODE].tolist())
        self._row_of = {key: row for row, key in enumerate(keys)}


class Means(Keyed):
    """The mean of the unit vectors that came; what is kept beside a row is their sum.

    Args:
        width: of the observations.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self._sums = np.zeros((0, width), np.float32)

    @property
    def row_width(self) -> int:
        """That of the observations."""
        return self._sums.shape[1]

    @property
    def row_nbytes(self) -> int:
        """The sum, and the key."""
        return super().row_nbytes + 4 * self.row_width

    def write(self, rows: VectorRows, vector: Vector, at: At, step: int, leaf: int, node: int) -> None:
        """Adds to the leaf's row and, where there is one, to the node's."""
        rows.require(vector, at, self.row_width)
        unit = unit_of(vector)
        for key in ((leaf, NONE), (NONE, node)):
            if key != (NONE, NONE):
                self._add(rows, key, unit, More(at, step))

    def drop(self, rows: VectorRows, gone: Rows) -> None:
        """Forgets rows with their sums."""
        self._drop_rows(rows, gone)

    def absorb(self, rows: VectorRows, other: Keeping, theirs: VectorRows, moved: Moved) -> None:
        """Means of one leaf or node become one, each of the weight of its observations."""
        assert isinstance(other, Means)
        keys = zip(moved.leaves.tolist(), moved.nodes.tolist())
        for row, at, key in zip(moved.order.tolist(), moved.positions, keys):
            if key != (NONE, NONE):
                self._add(rows, key, other._sums[row], More.of(theirs, row, at))

    def pack(self, rows: VectorRows) -> dict[str, np.ndarray]:
        """The sums."""
        return {"sums": self._sums[: len(rows)].copy()}

    def unpack(self, rows: VectorRows, arrays: Arrays) -> None:
        """Takes the sums over.

        Raises:
            ArchiveError: sums of another shape or that are not finite, or rows that keys do not name.
        """
        super().unpack(rows, arrays)
        sums: Float32[np.ndarray, "n d"] | None = arrays.get("sums")
        shape = (len(rows), self.row_width)
        if sums is None or sums.shape != shape or sums.dtype != np.float32 or not np.isfinite(sums).all():
            came = "none" if sums is None else f"{sums.dtype} {sums.shape}"
            raise damaged(f"finite float32 sums {shape} of observations", came)
        self._sums = sums.copy()

    def _join(self, rows: VectorRows, first: int, other: int) -> None:
        key = (NONE, int(rows.columns[first, NODE]))
        self._row_of[key] = first
        self._add(rows, key, self._sums[other], More.of(rows, other))

    def _drop_rows(self, rows: VectorRows, gone: Rows) -> None:
        moves = rows.drop(gone)
        self._sums[moves[:, 1]] = self._sums[moves[:, 0]]
        if len(self._sums) > max(_LEAST, 4 * len(rows)):
            self._sums = self._sums[: max(_LEAST, 2 * len(rows))].copy()
        self._index(rows)

    def _add(self, rows: VectorRows, key: Key, total: Vector, more: More) -> None:
        known = self._row_of.get(key)
        if known is not None:
            total = self._sums[known] + total
        row = self._note(rows, key, total, more)
        if row >= len(self._sums):
            wider = np.zeros((max(_LEAST, 2 * row), self.row_width), np.float32)
            wider[: len(self._sums)] = self._sums
            self._sums = wider
        self._sums[row] = total
