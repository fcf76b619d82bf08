"""Rows of unit vectors and where they belong: appended, changed and dropped, dense at any time."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float16, Float32, Float64, Int64
from numba import njit

from placecell.errors import FrameError, PlacecellError

from .halves import to_half

NUMBER, STEP, LEAF, NODE, OBSERVATIONS, USES = range(6)
COLUMNS = ("number", "step", "leaf", "node", "observations", "uses")
"""What is kept of a row, int64 each, in this order."""
NONE = -1
"""A row's leaf or node where it has none."""
USED, NEXT, CLOCK = range(3)
FARTHEST_M = 1e6
"""No position is farther out along an axis: cells have keys there."""
WIDEST = 1 << 16
"""No vector is wider, so that an archive cannot ask for gigabytes by claiming so."""
_LEAST, _POINT = 64, (3,)
_NOT_FINITE, _TOO_FAR, _FULL = -1, -2, -3
_TINY = 1e-70


@njit(cache=True)
@no_type_check
def unit_halves(vector, halves):
    """Writes the direction of a vector (zeros for zeros); whether it is finite and of finite length."""
    a, b, c, d, lined = 0.0, 0.0, 0.0, 0.0, len(vector) // 4 * 4
    for n in range(0, lined, 4):
        a += np.float64(vector[n]) * np.float64(vector[n])
        b += np.float64(vector[n + 1]) * np.float64(vector[n + 1])
        c += np.float64(vector[n + 2]) * np.float64(vector[n + 2])
        d += np.float64(vector[n + 3]) * np.float64(vector[n + 3])
    for n in range(lined, len(vector)):
        a += np.float64(vector[n]) * np.float64(vector[n])
    squares = a + b + c + d
    if not np.isfinite(squares):
        return False
    if squares > 0 and squares < _TINY:  # one over its length is no float32
        for n in range(len(vector)):
            halves[n] = to_half(np.float32(vector[n] / np.sqrt(squares)))
        return True
    scale = np.float32(1 / np.sqrt(squares)) if squares > 0 else np.float32(0)
    for n in range(len(vector)):
        halves[n] = to_half(vector[n] * scale)
    return True


@njit(cache=True)
@no_type_check
def _put(halves, positions, columns, stamps, counters, row, vector, position, step):
    for axis in range(3):
        if not abs(position[axis]) <= FARTHEST_M:
            return _TOO_FAR
    if not unit_halves(vector, halves[row]):
        return _NOT_FINITE
    positions[row] = position
    columns[row, STEP] = max(columns[row, STEP], step)
    counters[CLOCK] += 1
    stamps[row] = counters[CLOCK]
    return row


@njit(cache=True)
@no_type_check
def _append(halves, positions, columns, stamps, counters, vector, position, step, leaf, node):
    row = counters[USED]
    if row == len(halves):
        return _FULL
    columns[row, STEP] = step
    status = _put(halves, positions, columns, stamps, counters, row, vector, position, step)
    if status < 0:
        return status
    columns[row, NUMBER], columns[row, LEAF], columns[row, NODE] = counters[NEXT], leaf, node
    columns[row, OBSERVATIONS], columns[row, USES] = 1, 0
    counters[USED] += 1
    counters[NEXT] += 1
    return row


class VectorRows:
    """Rows 0 to n - 1, each a unit vector (float16), a position, and :data:`COLUMNS`.

    A row that is dropped is filled with the last one: rows stay dense, and no number of changes fills
    anything up. What a row is, is its ``number``, which is given once; which row it is, until the next drop.

    Args:
        width: of the vectors.
    """

    def __init__(self, width: int) -> None:
        self.width, self._shape = width, (width,)
        # No room before there is a row: an archive may claim any width.
        self._halves = np.zeros((0, width), np.uint16)
        self._positions = np.zeros((0, 3))
        self._columns = np.zeros((0, len(COLUMNS)), np.int64)
        self._stamps = np.zeros(0, np.int64)
        self._counters = np.zeros(3, np.int64)
        self._borrowed = False

    def __len__(self) -> int:
        return int(self._counters[USED])

    @property
    def row_nbytes(self) -> int:
        """Bytes of one row: its vector, its place, its columns."""
        return 2 * self.width + 8 * (3 + len(COLUMNS) + 1)

    @property
    def clock(self) -> int:
        """It rises with each change of a vector or position, which the row's stamp is set to."""
        return int(self._counters[CLOCK])

    @property
    def next_number(self) -> int:
        """The number of the next row."""
        return int(self._counters[NEXT])

    @property
    def halves(self) -> np.ndarray:
        """(n, width) the bits of the float16 vectors; a view."""
        return self._halves[: len(self)]

    @property
    def vectors(self) -> Float16[np.ndarray, "n d"]:
        """(n, width) the unit vectors; a view."""
        return self.halves.view(np.float16)

    @property
    def positions(self) -> Float64[np.ndarray, "n 3"]:
        """(n, 3) metres, world frame; a view."""
        return self._positions[: len(self)]

    @property
    def columns(self) -> Int64[np.ndarray, "n c"]:
        """(n, 6) numbers, steps, leaves, nodes, observations, uses; a view."""
        return self._columns[: len(self)]

    @property
    def stamps(self) -> Int64[np.ndarray, " n"]:
        """(n,) the ``clock`` of the last change of each row's vector or position; a view."""
        return self._stamps[: len(self)]

    def append(
        self,
        vector: Float32[np.ndarray, " d"],
        position: Float64[np.ndarray, "3"],
        step: int,
        leaf: int,
        node: int,
    ) -> int:
        """A new row; returns which.

        Args:
            vector: (width,) of any length; its direction is kept.
            position: (3,) metres, world frame.
            step: when.
            leaf: of the octree, or ``NONE``.
            node: of the graph, or ``NONE``.

        Raises:
            FrameError: a vector that is not finite or of another width, or a position that is not within
                ``FARTHEST_M``. Nothing is changed.
        """
        if vector.shape != self._shape or position.shape != _POINT:
            raise _misshapen(vector, position, self.width)
        if self._borrowed:
            self._own()
        row = _append(
            self._halves,
            self._positions,
            self._columns,
            self._stamps,
            self._counters,
            vector,
            position,
            step,
            leaf,
            node,
        )
        if row >= 0:
            return row
        if row == _FULL:
            self._resize(2 * len(self._halves))
            return self.append(vector, position, step, leaf, node)
        raise _refused(row, position)

    def change(
        self, row: int, vector: Float32[np.ndarray, " d"], position: Float64[np.ndarray, "3"], step: int
    ) -> None:
        """Another vector and position of a row, seen again at ``step``.

        Raises:
            FrameError: as for :meth:`append`.
        """
        if vector.shape != self._shape or position.shape != _POINT:
            raise _misshapen(vector, position, self.width)
        if self._borrowed:
            self._own()
        status = _put(
            self._halves,
            self._positions,
            self._columns,
            self._stamps,
            self._counters,
            row,
            vector,
            position,
            step,
        )
        if status < 0:
            raise _refused(status, position)

    def require(
        self, vector: Float32[np.ndarray, " d"], position: Float64[np.ndarray, "3"], width: int
    ) -> None:
        """Raises what :meth:`append` would, of a vector of this width."""
        if vector.shape != (width,) or position.shape != _POINT:
            raise _misshapen(vector, position, width)
        if not bool((np.abs(position) <= FARTHEST_M).all()):
            raise _refused(_TOO_FAR, position)
        if not bool(np.isfinite(vector).all()):
            raise _refused(_NOT_FINITE, position)

    def drop(self, rows: Int64[np.ndarray, " m"]) -> Int64[np.ndarray, "k 2"]:
        """Forgets rows; the last rows fill the gaps.

        Returns:
            (k, 2) which rows moved: from, to.
        """
        gone = np.unique(rows)
        if len(gone) == 0:
            return np.zeros((0, 2), np.int64)
        if self._borrowed:
            self._own()
        used = len(self)
        kept = used - len(gone)
        gaps = gone[gone < kept]
        fillers = np.setdiff1d(np.arange(kept, used), gone, assume_unique=True)
        for table in (self._halves, self._positions, self._columns):
            table[gaps] = table[fillers]
        self._counters[CLOCK] += 1
        self._stamps[gaps] = self.clock
        self._counters[USED] = kept
        if kept < len(self._halves) // 4:
            self._resize(max(_LEAST, 2 * kept))
        return np.stack([fillers, gaps], axis=1)

    def extend(
        self,
        other: "VectorRows",
        rows: Int64[np.ndarray, " m"],
        positions: Float64[np.ndarray, "m 3"],
        leaves: Int64[np.ndarray, " m"],
        nodes: Int64[np.ndarray, " m"],
    ) -> None:
        """Appends rows of another table, at these positions and with these attachments, under new numbers."""
        used = len(self)
        total = used + len(rows)
        if self._borrowed:
            self._own()
        if total > len(self._halves):
            self._resize(total)
        new = slice(used, total)
        self._halves[new], self._positions[new] = other.halves[rows], positions
        self._counters[CLOCK] += 1
        columns = self._columns[new]
        columns[:] = other.columns[rows]
        columns[:, NUMBER] = self.next_number + np.arange(len(rows))
        columns[:, LEAF], columns[:, NODE] = leaves, nodes
        self._stamps[new] = self.clock
        self._counters[USED], self._counters[NEXT] = total, self.next_number + len(rows)

    def restore(
        self,
        halves: np.ndarray,
        positions: Float64[np.ndarray, "n 3"],
        columns: Int64[np.ndarray, "n c"],
        next_number: int,
    ) -> None:
        """Becomes these rows; ``halves`` is not copied before a row is changed or appended."""
        self._halves, self._borrowed = halves, True
        self._positions = positions.copy()
        self._columns = columns.copy()
        self._stamps = np.ones(len(columns), np.int64)
        self._counters = np.array([len(halves), next_number, 1], np.int64)

    def _own(self) -> None:
        self._halves, self._borrowed = self._halves.copy(), False

    def _resize(self, capacity: int) -> None:
        for name in ("_halves", "_positions", "_columns", "_stamps"):
            table: np.ndarray = getattr(self, name)
            wider = np.zeros((max(capacity, _LEAST), *table.shape[1:]), table.dtype)
            wider[: len(self)] = table[: len(self)]
            setattr(self, name, wider)


def _refused(status: int, position: np.ndarray) -> PlacecellError:
    if status == _TOO_FAR:
        return FrameError(
            expected=f"a position within {FARTHEST_M:g} m of the origin",
            came=f"{position}",
            fix="give metres in the world frame",
        )
    return FrameError(
        expected="an observation of finite numbers",
        came="NaN, infinity, or a length that no float has",
        fix="look at what the encoder gives for this frame",
    )


def _misshapen(vector: np.ndarray, position: np.ndarray, width: int) -> FrameError:
    return FrameError(
        expected=f"an observation of width {width}, as those before, at a position (3,)",
        came=f"one of shape {vector.shape} at a position {position.shape}",
        fix="write all observations of one memory with the same encoder",
    )
