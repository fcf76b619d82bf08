"""A graph of panoramas: where one can stand, and where one can go from there."""

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, no_type_check

import numpy as np
from jaxtyping import Float64, Int32
from numba import njit
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from placecell.arrays import Points
from placecell.errors import EpisodeError

PerNode = Float64[np.ndarray, " n"]
PerEdge = Float64[np.ndarray, " e"]
Nodes = Int32[np.ndarray, " k"]

MOST_NODES_OF_ALL_PAIRS = 1000  # two fields of 8 MB each; Matterport's largest scan has 348
KEPT_FIELDS = 128  # rows of 29,641 nodes: 30 MB
_SAME_M = 1e-9


@dataclass(frozen=True, eq=False)
class PanoramaGraph:
    """Panoramas (nodes 0..n-1) and the directed edges between them.

    The neighbours of node ``i`` are ``other[first[i]:first[i + 1]]``, by rising yaw as seen from it (equal
    yaws: by node). Lengths are above 0, so that a shortest path never visits a node twice.

    Args:
        name: the scan, or ``"manhattan"``.
        names: of the panoramas, unique.
        positions: ``(n, 3)`` of the panoramas (their cameras), metres, world frame.
        first: ``(n + 1,)`` where a node's edges begin.
        other: ``(e,)`` where an edge leads.
        yaw: ``(e,)`` direction of each edge from its start, radians in [-pi, pi), counter-clockwise from
            east.
        pitch: ``(e,)`` its elevation, radians, up positive.
        length_m: ``(e,)`` its length.
        floor_height_m: ``(n,)`` world z of the floor under each panorama.
        origin_degrees: latitude and longitude of the world's origin; None indoors.
    """

    name: str
    names: tuple[str, ...]
    positions: Points
    first: Int32[np.ndarray, " n+1"]
    other: Int32[np.ndarray, " e"]
    yaw: PerEdge
    pitch: PerEdge
    length_m: PerEdge
    floor_height_m: PerNode
    origin_degrees: tuple[float, float] | None = None
    _indices: dict[str, int] = field(init=False, repr=False)
    _kept: "OrderedDict[tuple[str, int], PerNode]" = field(init=False, repr=False)
    _made: dict[str, csr_array] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Locks the arrays and makes the tables that everything else asks."""
        for key in ("positions", "first", "other", "yaw", "pitch", "length_m", "floor_height_m"):
            locked = getattr(self, key).view()
            locked.flags.writeable = False
            object.__setattr__(self, key, locked)
        object.__setattr__(self, "_indices", {name: n for n, name in enumerate(self.names)})
        object.__setattr__(self, "_kept", OrderedDict())
        object.__setattr__(self, "_made", {})

    def __len__(self) -> int:
        """The number of panoramas."""
        return len(self.names)

    @property
    def most_neighbours(self) -> int:
        """The most edges that leave one panorama."""
        return int(np.diff(self.first).max(initial=0))

    def index_of(self, name: str) -> int:
        """The node of a panorama.

        Raises:
            EpisodeError: the graph has no panorama of this name.
        """
        index = self._indices.get(name)
        if index is None:
            raise EpisodeError(
                expected=f"a viewpoint of graph {self.name} ({len(self)} panoramas)",
                came=repr(name),
                fix="name one of its panoramas, or take the graph that the path was made on",
            )
        return index

    def indices_of(self, names: Sequence[str]) -> tuple[int, ...]:
        """The nodes of several panoramas; Raises as :meth:`index_of`."""
        return tuple(self.index_of(name) for name in names)

    def neighbours(self, node: int) -> Nodes:
        """``(k,)`` nodes one step away, by rising yaw. Read-only."""
        return self.other[self.first[node] : self.first[node + 1]]

    def edge(self, start: int, end: int) -> int:
        """The index of the edge from ``start`` to ``end``, into ``other``, ``yaw`` and so on.

        Raises:
            EpisodeError: no edge leads there.
        """
        begin = int(self.first[start])
        found = np.flatnonzero(self.neighbours(start) == end)
        if not len(found):
            raise EpisodeError(
                expected=f"a path along the edges of graph {self.name}",
                came=f"a path through a missing edge {self.names[start]} -> {self.names[end]}",
                fix="let each viewpoint of a path be a neighbour of the one before",
            )
        return begin + int(found[0])

    def path_length(self, nodes: Sequence[int]) -> float:
        """Metres along a path; 0 for one node. Each edge is checked.

        Raises:
            EpisodeError: a step of the path is no edge.
        """
        return math.fsum(self.length_m[self.edge(a, b)] for a, b in pairwise(nodes))

    def distances_from(self, node: int) -> PerNode:
        """``(n,)`` metres along the edges from a node; inf out of reach. Read-only."""
        return self._field("from", node)

    def distances_to(self, node: int) -> PerNode:
        """``(n,)`` metres along the edges to a node; inf where it is out of reach. Read-only."""
        return self._field("to", node)

    def hops_from(self, node: int) -> PerNode:
        """``(n,)`` steps from a node over edges either way, as the street measures count. Read-only."""
        return self._field("hops", node)

    def hops_to(self, node: int) -> PerNode:
        """``(n,)`` steps to a node along the directed edges; inf where it is out of reach. Read-only."""
        return self._field("hops_to", node)

    def hops_between(self, starts: Sequence[int], ends: Sequence[int]) -> Float64[np.ndarray, "p r"]:
        """``(p, r)`` steps over edges either way from each of some nodes to each of others; inf out of reach.

        What :meth:`hops_from` gives, looked for no further than these nodes are.
        """
        few, many = np.array(starts, np.int64), np.array(ends, np.int64)
        matrix = self._matrix("hops")
        if len(few) > len(many):
            return _hops_between(matrix.indptr, matrix.indices, many, few).T.copy()
        return _hops_between(matrix.indptr, matrix.indices, few, many)

    def shortest_path(
        self, start: int, end: int, *, by: Literal["metres", "hops"] = "metres"
    ) -> tuple[int, ...]:
        """The nodes of a shortest walk, both ends included, along the directed edges.

        Of several that are as short, the one that leaves each node by its first such edge (lowest yaw).

        Raises:
            EpisodeError: ``end`` cannot be reached.
        """
        left = self.distances_to(end) if by == "metres" else self.hops_to(end)
        if not np.isfinite(left[start]):
            raise EpisodeError(
                expected=f"two panoramas of graph {self.name} with a way between them",
                came=f"{self.names[start]} and {self.names[end]}, which no path joins",
                fix="choose both from one part of the graph",
            )
        path = [start]
        while path[-1] != end:
            path.append(self._next(path[-1], left, by))
        return tuple(path)

    def _next(self, node: int, left: PerNode, by: str) -> int:
        edges = slice(self.first[node], self.first[node + 1])
        cost = left[self.other[edges]] + (self.length_m[edges] if by == "metres" else 1.0)
        return int(self.other[edges][np.flatnonzero(cost <= cost.min() + _SAME_M)[0]])

    def _field(self, kind: str, node: int) -> PerNode:
        """A row of distances, from the last ones asked for."""
        row = self._kept.get((kind, node))
        if row is None:
            self._keep(kind, node)
            row = self._kept[kind, node]
        self._kept.move_to_end((kind, node))
        return row

    def _keep(self, kind: str, node: int) -> None:
        if len(self) <= MOST_NODES_OF_ALL_PAIRS:
            rows = self._rows(kind, None)
            self._kept.update({(kind, n): row for n, row in enumerate(rows)})
            return
        self._kept[kind, node] = self._rows(kind, node)
        while len(self._kept) > KEPT_FIELDS:
            self._kept.popitem(last=False)

    def _rows(self, kind: str, node: int | None) -> np.ndarray:
        """One row of distances, or all of them."""
        matrix = self._matrix(kind)
        if kind in ("from", "to"):
            rows = dijkstra(matrix, indices=node)
        else:
            sources = np.arange(len(self)) if node is None else np.array([node])
            rows = _hops(matrix.indptr, matrix.indices, sources)
            rows = rows if node is None else rows[0]
        rows.flags.writeable = False
        return rows

    def _matrix(self, kind: str) -> csr_array:
        if kind not in self._made:
            self._made[kind] = _KINDS[kind](
                csr_array((self.length_m, self.other, self.first), shape=(len(self), len(self)))
            )
        return self._made[kind]


_KINDS: dict[str, Callable[[csr_array], csr_array]] = {
    "from": lambda edges: edges,
    "to": lambda edges: edges.T.tocsr(),
    "hops": lambda edges: (edges + edges.T).tocsr(),
    "hops_to": lambda edges: edges.T.tocsr(),
}


@njit(cache=True)
@no_type_check
def _hops(first, other, sources):
    n = len(first) - 1
    hops = np.full((len(sources), n), np.inf)
    queue = np.empty(n, np.int64)
    for row in range(len(sources)):
        queue[0] = sources[row]
        hops[row, sources[row]] = 0.0
        begin, end = 0, 1
        while begin < end:
            node = queue[begin]
            begin += 1
            for edge in range(first[node], first[node + 1]):
                to = other[edge]
                if np.isinf(hops[row, to]):
                    hops[row, to] = hops[row, node] + 1.0
                    queue[end] = to
                    end += 1
    return hops


@njit(cache=True)
@no_type_check
def _hops_between(first, other, starts, ends):
    n = len(first) - 1
    found = np.full((len(starts), len(ends)), np.inf)
    wanted = np.zeros(n, np.bool_)
    wanted[ends] = True
    different = wanted.sum()
    depth, seen_by, queue = np.empty(n, np.int64), np.full(n, -1, np.int64), np.empty(n, np.int64)
    for row in range(len(starts)):
        queue[0] = starts[row]
        depth[starts[row]], seen_by[starts[row]] = 0, row
        begin, end, left = 0, 1, different - wanted[starts[row]]
        while begin < end and left > 0:
            node = queue[begin]
            begin += 1
            for edge in range(first[node], first[node + 1]):
                to = other[edge]
                if seen_by[to] != row:
                    depth[to], seen_by[to] = depth[node] + 1, row
                    queue[end] = to
                    end += 1
                    left -= wanted[to]
        for column in range(len(ends)):
            if seen_by[ends[column]] == row:
                found[row, column] = depth[ends[column]]
    return found


def graph_of(
    name: str,
    names: Sequence[str],
    positions: Points,
    ends: Int32[np.ndarray, "e 2"],
    *,
    yaw: PerEdge | None = None,
    least_m: float = 0.0,
    floor_height_m: PerNode | None = None,
    origin_degrees: tuple[float, float] | None = None,
) -> PanoramaGraph:
    """The graph of edges given in any order.

    Args:
        name: of the graph.
        names: ``(n)`` of the panoramas.
        positions: ``(n, 3)`` metres, world frame; an edge is as long as its ends are apart, straight.
        ends: ``(e, 2)`` start and end of each edge.
        yaw: ``(e,)`` where the data state the edges' directions; None takes them from the positions.
        least_m: what an edge measures at least.
        floor_height_m: ``(n,)`` world z of the floor; None is the positions' own.
        origin_degrees: latitude and longitude of the world's origin.
    """
    towards = positions[ends[:, 1]] - positions[ends[:, 0]]
    flat = np.hypot(towards[:, 0], towards[:, 1])
    yaw = np.arctan2(towards[:, 1], towards[:, 0]) if yaw is None else yaw
    yaw = (yaw + np.pi) % (2 * np.pi) - np.pi
    order = np.lexsort((ends[:, 1], yaw, ends[:, 0]))
    first = np.searchsorted(ends[order, 0], np.arange(len(names) + 1)).astype(np.int32)
    return PanoramaGraph(
        name, tuple(names), positions, first, np.ascontiguousarray(ends[order, 1]),
        yaw[order], np.arctan2(towards[:, 2], flat)[order],
        np.maximum(np.linalg.norm(towards, axis=1), least_m)[order],
        positions[:, 2].copy() if floor_height_m is None else floor_height_m, origin_degrees,
    )  # fmt: skip
