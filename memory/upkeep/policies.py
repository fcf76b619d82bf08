"""What goes first: an order of rows, one class a policy."""

from abc import ABC, abstractmethod

import numpy as np
from jaxtyping import Float32, Float64, Int64

from placecell.arrays import Point

from .. import morton
from .holdings import Holdings, Rows

WINDOW = 512
"""Rows with vectors are compared with so many that lie near them."""
_CELL_M = 0.5


class Policy(ABC):
    """Puts rows in the order in which they go. Ties go by age, then by use, then by row, never by chance."""

    def order(self, held: Holdings, position: Point) -> Rows:
        """(n,) all rows, the first to go first.

        Args:
            held: the rows.
            position: (3,) where the agent is, metres, world frame.
        """
        ties = (np.arange(len(held)), held.uses, held.last_seen)
        order: Rows = np.lexsort((*ties, *self.rank(held, position)))
        return order

    @abstractmethod
    def rank(self, held: Holdings, position: Point) -> tuple[Float64[np.ndarray, " n"], ...]:
        """Figures of the rows, of which the lowest goes first; of several the last weighs most."""


class Oldest(Policy):
    """What was last seen the longest ago."""

    def rank(self, held: Holdings, position: Point) -> tuple[Float64[np.ndarray, " n"], ...]:
        """Age decides, which is the first tie."""
        return ()


class LeastUsed(Policy):
    """What the fewest retrievals gave."""

    def rank(self, held: Holdings, position: Point) -> tuple[Float64[np.ndarray, " n"], ...]:
        """The uses."""
        return (held.uses.astype(np.float64),)


class MostRedundant(Policy):
    """What another row that stays says as well.

    With vectors: of the two rows with the highest cosine the older goes, and so on, so that of many alike
    one stays. Rows are compared within runs of ``WINDOW`` by the Morton key of where they are (all with all
    where there are no more). Without: by the part's own measure; and without that, by age.
    """

    def rank(self, held: Holdings, position: Point) -> tuple[Float64[np.ndarray, " n"], ...]:
        """Less redundancy."""
        if held.redundancy is not None:
            return (-held.redundancy(),)
        if held.vectors is None:
            return ()
        outermost = morton.SIGN_OFFSET - 1
        cells = np.clip(np.floor(held.positions / _CELL_M), -outermost, outermost).astype(np.int64)
        near = np.lexsort((held.last_seen, morton.encode(cells)))
        alike = np.empty(len(held))
        for start in range(0, len(held), WINDOW):
            rows = near[start : start + WINDOW]
            alike[rows] = redundancy(held.vectors(rows), held.last_seen[rows])
        return (-alike,)


class Farthest(Policy):
    """What is farthest from the agent by the straight line."""

    def rank(self, held: Holdings, position: Point) -> tuple[Float64[np.ndarray, " n"], ...]:
        """Less the distance."""
        apart = held.positions - position
        return (-np.einsum("nd,nd->n", apart, apart),)


POLICIES: dict[str, Policy] = {
    "oldest": Oldest(),
    "least_used": LeastUsed(),
    "most_redundant": MostRedundant(),
    "farthest": Farthest(),
}
"""By the names that a :class:`~placecell.memory.budget.Budget` takes."""


def redundancy(
    vectors: Float32[np.ndarray, "m d"], last_seen: Int64[np.ndarray, " m"]
) -> Float64[np.ndarray, " m"]:
    """(m,) the cosine of each row with the one most like it, once those before it in the order are gone.

    Of the two rows with the highest cosine the older goes (of equals the first); what is left goes on so. The
    last one has -1. A vector of zeros is like none: 0.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    cosines = units @ units.T
    np.fill_diagonal(cosines, -np.inf)
    other = cosines.argmax(1)
    best = cosines[np.arange(len(other)), other]
    alike = np.full(len(vectors), -1.0)
    for _ in range(len(vectors) - 1):
        a = int(best.argmax())
        b = int(other[a])
        gone = min(a, b) if last_seen[a] == last_seen[b] else a if last_seen[a] < last_seen[b] else b
        alike[gone] = best[a]
        cosines[gone], cosines[:, gone], best[gone] = -np.inf, -np.inf, -np.inf
        orphans = np.flatnonzero((other == gone) & (best > -np.inf))
        other[orphans] = cosines[orphans].argmax(1)
        best[orphans] = cosines[orphans, other[orphans]]
    return alike
