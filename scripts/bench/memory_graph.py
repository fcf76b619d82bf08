"""The graph's rows of ``placecell-bench memory``: routes and costs over 30,000 places, by the public methods.

The streets of Manhattan where the data lie there, else streets made up in their likeness. Beside them a grid
in which every place is a crossing, which no street map is and where there is the most to choose.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from placecell.arrays import generator
from placecell.memory.topology import TopologyGraph
from placecell.scripts.data.options import named_folder

from .row import Row

TARGET_RATIO = 8.0
_FOLDER = "touchdown_graph"
_SIDE, _BETWEEN = 45, 7
_GRID_SIDE = 172
_EARTH_M = 6_371_000.0


@dataclass(frozen=True)
class Streets:
    """Where places are and which are joined.

    Args:
        points: (n, 3) metres.
        links: (m, 2) rows of ``points``, none twice.
    """

    points: Float64[np.ndarray, "n 3"]
    links: Int64[np.ndarray, "m 2"]


def rows(quick: bool) -> list[Row]:
    """A to B against rustworkx, one place to all (which SciPy does), and what a visit takes."""
    data = named_folder(None)
    folder = None if data is None else data / _FOLDER
    known = folder is not None and folder.is_dir()
    streets = read_streets(folder) if folder and known else generated_streets(_SIDE, _BETWEEN)
    graph, places = build(streets)
    rng = generator(0, "memory bench, graph")
    count = 60 if quick else 400
    pairs = rng.choice(np.unique(places), (count, 2)).tolist()
    judged = _a_to_b("graph_a_to_b", graph, pairs, TARGET_RATIO)
    rest = [_one_to_all(graph, [a for a, _ in pairs[: count // 4]]), _visits(graph, places, rng)]
    grid, crossings = build(generated_streets(_GRID_SIDE, 0))
    pairs = rng.choice(np.unique(crossings), (count, 2)).tolist()
    return [judged, _a_to_b("graph_a_to_b_grid", grid, pairs, None), *rest]


def read_streets(folder: Path) -> Streets:
    """The Touchdown graph: ``nodes.txt`` is id, angle, latitude, longitude; ``links.txt`` id, angle, id."""
    nodes = [line.split(",") for line in (folder / "nodes.txt").read_text().split()]
    numbers = {node[0]: n for n, node in enumerate(nodes)}
    angles = np.radians([[float(node[3]), float(node[2])] for node in nodes])
    flat = (angles - angles.mean(0)) * _EARTH_M * np.array([math.cos(float(angles[:, 1].mean())), 1.0])
    links = [line.split(",") for line in (folder / "links.txt").read_text().split()]
    ends = np.sort([[numbers[a], numbers[b]] for a, _, b in links], axis=1)
    return Streets(np.column_stack([flat, np.zeros(len(flat))]), np.unique(ends, axis=0))


def generated_streets(side: int, between: int) -> Streets:
    """A grid of crossings, not quite straight, with so many places along each street, about 10 m apart.

    One street in fifty is missing.
    """
    rng = generator(0, "memory bench, streets")
    number = np.arange(side * side).reshape(side, side)
    crossings = np.stack([number % side, number // side, np.zeros_like(number)], -1) * 10.0 * (between + 1)
    crossings = crossings.reshape(-1, 3) + rng.normal(0, 1, (side * side, 3)) * [1, 1, 0]
    pairs = [(number[:-1], number[1:]), (number[:, :-1], number[:, 1:])]
    streets = np.concatenate([np.column_stack([a.ravel(), b.ravel()]) for a, b in pairs])
    streets = streets[rng.random(len(streets)) > 0.02]
    share = np.linspace(0, 1, between + 2)[1:-1, None]
    a, b = (crossings[streets[:, end], None] for end in (0, 1))
    along = len(crossings) + np.arange(len(streets) * between).reshape(len(streets), between)
    rows = np.column_stack([streets[:, 0], along, streets[:, 1]])
    points = np.concatenate([crossings, (a + (b - a) * share).reshape(-1, 3)])
    return Streets(points, np.stack([rows[:, :-1], rows[:, 1:]], -1).reshape(-1, 2))


def build(streets: Streets) -> tuple[TopologyGraph, Int64[np.ndarray, " n"]]:
    """The streets as a memory of someone who was everywhere, and the place of each point."""
    graph = TopologyGraph(radius_m=0.5, same_m=0.1)
    places = np.empty(len(streets.points), np.int64)
    for n, point in enumerate(streets.points):
        graph.begin_walk()
        # No two nodes of a street map are one however near, unless they stand on the same spot.
        places[n] = graph.visit(point, np.array([1.0, 0.0]) if n % 2 else np.array([0.0, 1.0]), n).place
    for a, b in places[streets.links].tolist():
        if a != b:
            graph.link(a, b)
    graph.begin_walk()
    return graph, places


class Peer:
    """rustworkx with the same places and costs; its functions are as cheap as Python ones can be."""

    def __init__(self, graph: TopologyGraph) -> None:
        import rustworkx

        self._find = rustworkx.astar_shortest_path
        view = graph.as_networkx()
        self.node = {place: n for n, place in enumerate(view.nodes)}
        self._place = list(view.nodes)
        self._graph = rustworkx.PyGraph(multigraph=False)
        self._graph.add_nodes_from(range(len(self.node)))
        self._graph.add_edges_from(
            [(self.node[a], self.node[b], edge["cost"]) for a, b, edge in view.edges(data=True)]
        )
        self._x, self._y, _ = (list(axis) for axis in zip(*(view.nodes[n]["position"] for n in view.nodes)))

    def route(self, a: int, b: int) -> list[int]:
        """The places of the cheapest way."""
        x, y, goal = self._x, self._y, self.node[b]
        goal_x, goal_y, hypot = x[goal], y[goal], math.hypot
        # A millionth less than the line, which rounding may put above the cost of an edge.
        found = self._find(
            self._graph,
            self.node[a],
            goal.__eq__,
            float,
            lambda node: hypot(x[node] - goal_x, y[node] - goal_y) * 0.999999,
        )
        return [self._place[node] for node in found]


def joined(graph: TopologyGraph, pairs: list[list[int]]) -> list[list[int]]:
    """The pairs between which a way leads: rustworkx has no answer for the others."""
    return [[a, b] for a, b in pairs if graph.route(a, b) is not None]


def _a_to_b(name: str, graph: TopologyGraph, pairs: list[list[int]], target: float | None) -> Row:
    peer, pairs = Peer(graph), joined(graph, pairs)
    ours, theirs = _in_turn([graph.route, peer.route], pairs)
    return Row(
        name=name,
        value=ours,
        unit="ms",
        peer="rustworkx A*",
        peer_value=theirs,
        ratio=theirs / ours,
        target=None if target is None else f">= {target:g} x rustworkx A*",
        passed=None if target is None else theirs / ours >= target,
    )


def _one_to_all(graph: TopologyGraph, starts: list[int]) -> Row:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    ids = graph.place_ids
    edges = [(a, b, edge["cost"]) for a, b, edge in graph.as_networkx().edges(data=True)]
    a, b, costs = (np.array(column) for column in zip(*edges))
    ends = np.searchsorted(ids, np.concatenate([a, b])), np.searchsorted(ids, np.concatenate([b, a]))
    matrix = csr_array((np.concatenate([costs, costs]), ends), shape=(len(ids), len(ids)))
    row = dict(zip(ids.tolist(), range(len(ids))))
    ours, theirs = _in_turn(
        [graph.costs_from, lambda start: dijkstra(matrix, indices=row[start])], [[start] for start in starts]
    )
    return Row("graph_one_to_all", ours, "ms", peer="scipy csgraph", peer_value=theirs, delegates=True)


def _visits(graph: TopologyGraph, places: Int64[np.ndarray, " n"], rng: np.random.Generator) -> Row:
    """Revisits and new places by turns, each walked to from a place near by."""
    spent = []
    for place in rng.choice(places, 200).tolist():
        for near in (0.0, 3.0):
            at = graph.place(place).position + np.array([near, 0.0, 0.0])
            start = time.process_time()
            graph.visit(at, np.array([1.0, 0.0]), 0)
            spent.append(time.process_time() - start)
        graph.begin_walk()
    return Row("graph_visit", float(np.median(spent)) * 1e3, "ms")


def _in_turn(calls: list[Callable[..., object]], arguments: list[list[int]]) -> list[float]:
    """Median CPU milliseconds of each call over the arguments; what is compiled or cached is so before."""
    spent: list[list[float]] = [[] for _ in calls]
    for call in calls:
        call(*arguments[0])
    for given in arguments:
        for call, times in zip(calls, spent, strict=True):
            start = time.process_time()
            call(*given)
            times.append(time.process_time() - start)
    return [float(np.median(times)) * 1e3 for times in spent]
