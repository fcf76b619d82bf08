"""Searches among rows: the cheapest way that finds what a look at every row would find."""

import numpy as np
from jaxtyping import Float32, Int64

from .approximate import Approximate, require_index
from .byte_codes import ByteCodes
from .byte_products import has_byte_products
from .cells import Cells
from .half_scans import cosines_of, scan_all, scan_listed
from .place_filter import Place
from .vector_rows import NUMBER, VectorRows

Found = tuple[Int64[np.ndarray, " m"], Float32[np.ndarray, " m"]]
Many = tuple[Int64[np.ndarray, "b m"], Float32[np.ndarray, "b m"]]
ALL = -1
"""In place of a column: rows whatever they are attached to."""
BYTES_FROM = 2048
"""With fewer rows all half floats are looked at: bytes beside them would save nothing."""
_FEW = 256
"""So many best rows are kept sorted while a scan goes on; more are sorted at its end."""


class Searcher:
    """Finds rows of a table by likeness and by place.

    Args:
        rows: the table, which may change between searches.
        index: ``"exact"``, ``"hnswlib"`` or ``"faiss"``.
        exact_up_to: with more rows than this a search of all rows asks the index.
        cell_m: side of the cells that rows are found by.
        by_bytes: whether large tables are looked at in bytes first; None: where the processor multiplies
            bytes at once. The answers are the same.

    Raises:
        ConfigError: no such index.
        MissingPartError: its library is not installed.
    """

    def __init__(
        self, rows: VectorRows, index: str, exact_up_to: int, cell_m: float, by_bytes: bool | None = None
    ) -> None:
        require_index(index)
        self._rows, self._exact_up_to = rows, exact_up_to
        self._bytes = ByteCodes(rows) if (has_byte_products() if by_bytes is None else by_bytes) else None
        self._cells = Cells(rows, cell_m)
        self._approximate = None if index == "exact" else Approximate(rows, index)

    @property
    def row_nbytes(self) -> int:
        """Bytes of all indexes, a row, whether they are built by now or not."""
        width = self._rows.width
        nbytes = self._cells.row_nbytes + ByteCodes.row_nbytes(width)
        return nbytes + (0 if self._approximate is None else Approximate.row_nbytes(width))

    def best(
        self, vector: Float32[np.ndarray, " d"], k: int, place: Place | None = None, column: int = ALL
    ) -> Found:
        """The ``k`` rows of the highest cosines with a unit vector, the oldest first of equals.

        Args:
            vector: (d,) contiguous.
            k: at most so many.
            place: only rows in it; None: anywhere.
            column: only rows with 0 or more in it.
        """
        held = self._rows
        if len(held) == 0:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        k = min(k, len(held))
        listed = self._listed(vector, k, place, column)
        if k > _FEW:
            return self._sorted(vector, k, np.arange(len(held)) if listed is None else listed, column)
        rows, cosines = np.empty(k, np.int64), np.empty(k, np.float32)
        base = held.halves.ctypes.data
        if listed is not None:
            count = scan_listed(base, listed, vector, held.columns, rows, cosines)
        elif self._bytes is not None and len(held) >= BYTES_FROM:
            count = self._bytes.best(vector, column, rows, cosines)
        else:
            count = scan_all(base, len(held), vector, held.columns, column, rows, cosines)
        return rows[:count], cosines[:count]

    def best_of_many(self, vectors: Float32[np.ndarray, "b d"], k: int) -> Many:
        """:meth:`best` for many unit vectors, without a place: (b, m) rows and cosines."""
        held = self._rows
        k = min(k, len(held))
        by_bytes = self._bytes is not None and len(held) >= BYTES_FROM and k <= _FEW
        if self._bytes is None or not by_bytes or self._is_approximate:
            found = [self.best(vector, k) for vector in vectors]
            return np.stack([rows for rows, _ in found]), np.stack([cosines for _, cosines in found])
        rows, cosines = np.empty((len(vectors), k), np.int64), np.empty((len(vectors), k), np.float32)
        self._bytes.best_of_many(vectors, rows, cosines)
        return rows, cosines

    def within(self, place: Place, column: int = ALL) -> Int64[np.ndarray, " m"]:
        """The rows of a place, in no particular order."""
        return self._cells.within(place, column)

    @property
    def _is_approximate(self) -> bool:
        return self._approximate is not None and len(self._rows) > self._exact_up_to

    def _listed(
        self, vector: Float32[np.ndarray, " d"], k: int, place: Place | None, column: int
    ) -> Int64[np.ndarray, " m"] | None:
        """The rows that are worth a look; None for all."""
        if place is not None:
            return self.within(place, column)
        if self._approximate is not None and self._is_approximate and column == ALL:
            return self._approximate.nearest(vector, k)
        return None

    def _sorted(
        self, vector: Float32[np.ndarray, " d"], k: int, listed: Int64[np.ndarray, " m"], column: int
    ) -> Found:
        held = self._rows
        if column != ALL:
            listed = listed[held.columns[listed, column] >= 0]
        cosines = np.empty(len(listed), np.float32)
        cosines_of(held.halves.ctypes.data, listed, vector, cosines)
        order = np.lexsort((held.columns[listed, NUMBER], -cosines))[:k]
        return listed[order], cosines[order]
