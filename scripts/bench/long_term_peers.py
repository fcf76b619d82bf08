"""The peers of ``placecell-bench long_term``: faiss and hnswlib, used the fastest exact way they offer."""

import importlib.util
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Int64

from placecell.errors import MissingPartError

Vectors = Float32[np.ndarray, "n d"]
BREADTH = 128
"""How far hnswlib looks; its default of 10 finds less."""


def require_all() -> None:
    """Says that a peer is missing before minutes of measuring, not after.

    Raises:
        MissingPartError: one is.
    """
    for module, package in (("faiss", "faiss-cpu"), ("hnswlib", "hnswlib")):
        if importlib.util.find_spec(module) is None:
            raise MissingPartError(
                expected=f"the package {package}, a peer of this suite",
                came="none installed",
                fix="pip install 'placecell[bench]'",
            )


class Faiss:
    """A flat scan by inner product on one thread.

    Args:
        vectors: unit ones.
        half: in float16, not in float32.
    """

    def __init__(self, vectors: Vectors, half: bool) -> None:
        import faiss

        faiss.omp_set_num_threads(1)
        kind: Any = faiss.ScalarQuantizer.QT_fp16
        width = vectors.shape[1]
        self._faiss: Any = faiss
        self._index: Any = (
            faiss.IndexScalarQuantizer(width, kind, faiss.METRIC_INNER_PRODUCT)
            if half
            else faiss.IndexFlatIP(width)
        )
        self._index.train(vectors)
        self._index.add(vectors)

    def search(self, queries: Vectors, k: int) -> Int64[np.ndarray, "b k"]:
        """The rows of the highest products."""
        return self._index.search(queries, k)[1]

    def choose(self, allowed: Bool[np.ndarray, " n"]) -> None:
        """Makes the bitmap of the rows that :meth:`search_chosen` looks at."""
        self._bits = np.packbits(allowed, bitorder="little")
        selector = self._faiss.IDSelectorBitmap(self._bits)
        self._parameters = self._faiss.SearchParameters(sel=selector)

    def search_chosen(self, query: Vectors, k: int) -> Int64[np.ndarray, "b k"]:
        """The same among the chosen rows."""
        return self._index.search(query, k, params=self._parameters)[1]


class Hnswlib:
    """A graph of vectors by inner product, with the library's own defaults.

    Args:
        width: of the vectors.
        room: for so many.
    """

    def __init__(self, width: int, room: int) -> None:
        import hnswlib

        self._index: Any = hnswlib.Index(space="ip", dim=width)
        self._index.init_index(max_elements=room, M=16, ef_construction=200, random_seed=1)
        self._index.set_ef(BREADTH)

    def __len__(self) -> int:
        return int(self._index.element_count)

    def add(self, vectors: Vectors) -> None:
        """More rows, one thread."""
        self._index.add_items(vectors, num_threads=1)

    def choose(self, allowed: Bool[np.ndarray, " n"]) -> None:
        """The rows that :meth:`search_chosen` lets through."""
        self._chosen = allowed.tolist()

    def search_chosen(self, query: Vectors, k: int) -> Int64[np.ndarray, "b k"]:
        """The rows it finds among the chosen ones."""
        found = self._index.knn_query(query, k, num_threads=1, filter=self._chosen.__getitem__)[0]
        return found.astype(np.int64)
