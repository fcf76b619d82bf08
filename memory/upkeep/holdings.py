"""What a part of a memory could drop, and that it can."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64

Rows = Int64[np.ndarray, "_"]
Vectors = Float32[np.ndarray, "_ d"]


@dataclass(frozen=True)
class Holdings:
    """What a part could drop, a row each. The rows are numbered from 0 and mean something until it changes.

    Args:
        nbytes: (n,) that dropping the row gives back, at the least.
        items: (n,) how many items the row is; 0 for what is none (a block of free space).
        last_seen: (n,) the step at which it was last seen, by the memory's clock.
        uses: (n,) how often a retrieval gave it.
        positions: (n, 3) where it is, metres, world frame.
        vectors: gives the (m, d) float32 vectors of m rows, of any length, zeros where a row has none; None
            where the part keeps none.
        redundancy: gives the (n,) measure that stands in for vectors, the highest goes first; None takes the
            vectors, and where there are none either, age.
    """

    nbytes: Int64[np.ndarray, " n"]
    items: Int64[np.ndarray, " n"]
    last_seen: Int64[np.ndarray, " n"]
    uses: Int64[np.ndarray, " n"]
    positions: Float64[np.ndarray, "n 3"]
    vectors: Callable[[Rows], Vectors] | None = None
    redundancy: Callable[[], Float64[np.ndarray, " n"]] | None = None

    def __len__(self) -> int:
        return len(self.nbytes)


class Evictable(ABC):
    """A part of a memory that can drop what it holds, row by row."""

    @abstractmethod
    def holdings(self) -> Holdings:
        """What it could drop now."""

    @abstractmethod
    def drop(self, rows: Rows) -> None:
        """Forgets rows of the :meth:`holdings` that it would give now, each named once.

        No answer about anything that is kept changes. Memory that so becomes empty is given back.
        """

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Bytes that it holds: content, index, and what it cannot drop."""

    @property
    @abstractmethod
    def items(self) -> int:
        """How many items it holds."""
