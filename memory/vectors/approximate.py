"""Approximate indexes of rows: hnswlib or faiss, built from the rows and never kept.

Entries of an index are only ever added. A row that changed is entered anew, its old entry is dead and left
out of what is found; an index of too many dead entries is built again. So neither library's limits on
deletion or number of elements are met.
"""

import importlib.util
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64

from placecell.errors import ConfigError, MissingPartError

from .vector_rows import VectorRows

PACKAGES = {"hnswlib": ("hnswlib", "bench"), "faiss": ("faiss", "index")}
"""The library that each index needs, and the extra that brings it."""
INDEXES = ("exact", *PACKAGES)
_NEIGHBOURS, _BUILD_BREADTH, _BREADTH = 16, 200, 128
_MOST_DEAD = 0.25


def require_index(index: str) -> None:
    """Raises what is wrong with an index of this name.

    Raises:
        ConfigError: there is no such index.
        MissingPartError: its library is not installed.
    """
    if index not in INDEXES:
        raise ConfigError(
            expected=f"an index: {', '.join(INDEXES)}", came=f"{index}", fix="name one of these"
        )
    if index in PACKAGES:
        package, extra = PACKAGES[index]
        if importlib.util.find_spec(package) is None:
            raise MissingPartError(
                expected=f"the package {package}, which the index {index} needs",
                came="none installed",
                fix=f"pip install 'placecell[{extra}]'",
            )


class Approximate:
    """The nearest rows by an index of all of them.

    Args:
        rows: the table.
        index: ``"hnswlib"`` or ``"faiss"``.
    """

    def __init__(self, rows: VectorRows, index: str) -> None:
        self._rows, self._name = rows, index
        self._restart()

    @staticmethod
    def row_nbytes(width: int) -> int:
        """Bytes of one entry, about: its vector and its links."""
        return 4 * width + 2 * 4 * _NEIGHBOURS + 24

    def nearest(self, query: Float32[np.ndarray, " d"], k: int) -> Int64[np.ndarray, " m"] | None:
        """Some of the rows most like a unit vector, ``k`` or more; None where the index cannot find as many.

        That happens: where many vectors are equal, not all of them are within its reach.
        """
        self._update()
        asked, entries = 2 * k + 16, len(self._row_of)
        while True:
            found = self._graph.search(query, min(asked, entries))
            rows = self._row_of[found]
            rows = rows[
                (rows < len(self._rows))
                & (self._entry_of[np.minimum(rows, len(self._entry_of) - 1)] == found)
            ]
            if len(rows) >= k:
                return np.unique(rows)
            if asked >= entries:
                return None
            asked *= 4

    def _restart(self) -> None:
        self._graph: _Graph = (_Hnswlib if self._name == "hnswlib" else _Faiss)(self._rows.width)
        self._since = 0
        self._row_of, self._entry_of = np.zeros((2, 0), np.int64)

    def _update(self) -> None:
        if self._since == self._rows.clock:
            return
        used = len(self._rows)
        if len(self._row_of) > 64 and len(self._row_of) + self._changed() > used * (1 + 2 * _MOST_DEAD):
            self._restart()
        rows = np.flatnonzero(self._rows.stamps > self._since)
        entries = np.arange(len(self._row_of), len(self._row_of) + len(rows))
        self._graph.add(self._rows.vectors[rows].astype(np.float32))
        self._row_of = np.concatenate([self._row_of, rows])
        entry_of = np.full(used, -1, np.int64)
        kept = min(used, len(self._entry_of))
        entry_of[:kept] = self._entry_of[:kept]
        entry_of[rows] = entries
        self._entry_of, self._since = entry_of, self._rows.clock

    def _changed(self) -> int:
        return int((self._rows.stamps > self._since).sum())


class _Graph(ABC):
    """A library's index: entries by number from 0, in the order in which they are added."""

    @abstractmethod
    def add(self, vectors: Float32[np.ndarray, "n d"]) -> None:
        """More entries."""

    @abstractmethod
    def search(self, query: Float32[np.ndarray, " d"], k: int) -> Int64[np.ndarray, " k"]:
        """Entries near a vector."""


class _Hnswlib(_Graph):
    def __init__(self, width: int) -> None:
        import hnswlib

        self._room = 1024
        self._index: Any = hnswlib.Index(space="ip", dim=width)
        self._index.init_index(
            max_elements=self._room, M=_NEIGHBOURS, ef_construction=_BUILD_BREADTH, random_seed=100
        )

    def add(self, vectors: Float32[np.ndarray, "n d"]) -> None:
        wanted = self._index.element_count + len(vectors)
        if wanted > self._room:
            self._room = max(wanted, 2 * self._room)
            self._index.resize_index(self._room)
        # One thread: more would make another graph each time.
        self._index.add_items(vectors, num_threads=1)

    def search(self, query: Float32[np.ndarray, " d"], k: int) -> Int64[np.ndarray, " k"]:
        self._index.set_ef(max(_BREADTH, k))
        labels, _ = self._index.knn_query(query[None], k, num_threads=1)
        return labels[0].astype(np.int64)


class _Faiss(_Graph):
    def __init__(self, width: int) -> None:
        import faiss

        half: Any = faiss.ScalarQuantizer.QT_fp16
        self._index: Any = faiss.IndexHNSWSQ(width, half, _NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
        self._index.hnsw.efConstruction = _BUILD_BREADTH
        self._faiss: Any = faiss

    def add(self, vectors: Float32[np.ndarray, "n d"]) -> None:
        threads = self._faiss.omp_get_max_threads()
        self._faiss.omp_set_num_threads(1)  # as above
        self._index.add(vectors)
        self._faiss.omp_set_num_threads(threads)

    def search(self, query: Float32[np.ndarray, " d"], k: int) -> Int64[np.ndarray, " k"]:
        self._index.hnsw.efSearch = max(_BREADTH, k)
        _, labels = self._index.search(query[None], k)
        return labels[0][labels[0] >= 0].astype(np.int64)
