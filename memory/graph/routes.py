"""Shortest paths over places: a graph in compressed rows, A* over it compiled, one-source costs by SciPy."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from placecell.arrays import Points

from .route_chains import contract, search


@dataclass(frozen=True)
class Route:
    """A cheapest way: ids of its places, both ends included, and what it costs."""

    places: tuple[int, ...]
    cost: float


@dataclass(frozen=True)
class Costs:
    """What it costs to get to every place from one.

    Args:
        places: (n,) ids, rising.
        costs: (n,) of the cheapest way to each; inf where none leads.
    """

    places: Int64[np.ndarray, " n"]
    costs: Float64[np.ndarray, " n"]


class RoadNet:
    """An undirected graph as it stood when it was built, by compressed sparse rows, places by rising id.

    Rows do not depend on how the graph came about, so equal graphs give equal routes.

    Args:
        ids: (n,) of the places, rising.
        positions: (n, 3) of the places, metres.
        ends: (m, 2) ids of the places of each edge, none twice.
        costs: (m,) of the edges, 0 or more.
    """

    def __init__(
        self,
        ids: Int64[np.ndarray, " n"],
        positions: Points,
        ends: Int64[np.ndarray, "m 2"],
        costs: Float64[np.ndarray, " m"],
    ) -> None:
        self.ids, self._positions = ids.copy(), np.ascontiguousarray(positions, np.float64)
        self.ids.flags.writeable = False
        a, b = np.searchsorted(ids, ends.T)
        both = np.concatenate([a, b]), np.concatenate([b, a])
        self.matrix = csr_array((np.concatenate([costs, costs]), both), shape=(len(ids), len(ids)))
        self.matrix.sort_indices()
        self.per_metre = _least_cost_per_metre(self._positions, a, b, costs)
        rows, columns = self.matrix.indptr.astype(np.int32), self.matrix.indices.astype(np.int32)
        self._junctions = contract(rows, columns, self.matrix.data, self._positions)

    @property
    def nbytes(self) -> int:
        """Of its arrays."""
        arrays = (self.ids, self._positions, self.matrix.data, self.matrix.indices, *self._junctions)
        return sum(array.nbytes for array in arrays)

    def route(self, a: int, b: int) -> Route | None:
        """The cheapest way between two places that the graph has, or None where no edges lead.

        A* over junctions, the straight line its heuristic. Source: Hart, Nilsson and Raphael, "A formal
        basis for the heuristic determination of minimum cost paths" (1968).
        """
        start, goal = (int(np.searchsorted(self.ids, place)) for place in (a, b))
        cost, path = search(self._junctions, self._positions[goal], self.per_metre, start, goal)
        return Route(tuple(self.ids[path].tolist()), float(cost)) if len(path) else None

    def costs_from(self, a: int) -> Costs:
        """The costs of the cheapest ways from a place to all."""
        costs = dijkstra(self.matrix, indices=int(np.searchsorted(self.ids, a)))
        return Costs(self.ids, costs)


def _least_cost_per_metre(
    positions: Points,
    a: Int64[np.ndarray, " m"],
    b: Int64[np.ndarray, " m"],
    costs: Float64[np.ndarray, " m"],
) -> float:
    """No edge is cheaper than this times the straight line between its ends as they stand now.

    Places move as they are visited again, and edges keep what was walked: an edge may cost less than the
    line between its ends, and a heuristic of the bare line would overestimate.
    """
    apart = positions[a] - positions[b]
    straight = np.sqrt(np.einsum("md,md->m", apart, apart))
    long = straight > 0
    if not long.any():
        return 0.0
    # Less by more than rounding takes, so that the heuristic stays consistent.
    return float((costs[long] / straight[long]).min()) * (1 - 1e-9)
