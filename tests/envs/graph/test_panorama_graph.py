"""A graph of panoramas: neighbours, distances and shortest paths, on graphs small enough to see through."""

import dataclasses
import math
import pickle

import numpy as np
import pytest
from instructed_worlds import house, made_graph, street

from placecell.envs.graph import panorama_graph
from placecell.envs.graph.panorama_graph import graph_of
from placecell.errors import EpisodeError

A, B, C, D, E, F = range(6)


def drawn_graph(seed, nodes=40, edges=110):
    """Places and one-way edges anywhere, some of which reach nothing."""
    rng = np.random.default_rng(seed)
    ends = rng.integers(nodes, size=(edges, 2))
    ends = np.unique(ends[ends[:, 0] != ends[:, 1]], axis=0).astype(np.int32)
    return graph_of("drawn", [f"n{n}" for n in range(nodes)], rng.normal(0, 10, (nodes, 3)), ends)


def by_relaxation(graph, hops=False):
    """All distances, the slow and sure way (Floyd and Warshall)."""
    table = np.where(np.eye(len(graph), dtype=bool), 0.0, np.inf)
    for node in range(len(graph)):
        for edge in range(graph.first[node], graph.first[node + 1]):
            table[node, graph.other[edge]] = 1.0 if hops else graph.length_m[edge]
    for k in range(len(graph)):
        table = np.minimum(table, table[:, [k]] + table[[k]])
    return table


def test_neighbours_come_by_rising_yaw_from_the_west_round():
    graph = house()
    assert graph.neighbours(B).tolist() == [A, C, E]
    assert graph.yaw[graph.first[B] : graph.first[B + 1]] == pytest.approx([-math.pi, 0, math.pi / 2])
    assert graph.most_neighbours == 3
    assert len(graph) == 6


def test_edges_are_as_long_and_as_steep_as_their_ends_are_apart():
    places = np.array([[0.0, 0, 1], [3, 0, 5]])
    graph = graph_of("stairs", ["low", "high"], places, np.array([[1, 0], [0, 1]], np.int32))
    up, down = graph.edge(0, 1), graph.edge(1, 0)
    assert graph.length_m[[up, down]].tolist() == [5, 5]
    assert graph.pitch[[up, down]] == pytest.approx([math.atan2(4, 3), -math.atan2(4, 3)])
    assert graph.yaw[[up, down]] == pytest.approx([0, -math.pi])
    assert graph.floor_height_m.tolist() == [1, 5]


def test_directions_that_the_data_state_are_taken_and_wrapped():
    places, ends = np.zeros((3, 3)), np.array([[0, 1], [0, 2]], np.int32)
    graph = graph_of(
        "stated", list("abc"), places, ends, yaw=np.array([math.pi / 2, -1.5 * math.pi - 1]), least_m=0.1
    )
    assert graph.neighbours(0).tolist() == [2, 1]
    assert graph.yaw == pytest.approx([math.pi / 2 - 1, math.pi / 2])
    assert graph.length_m.tolist() == [0.1, 0.1]


def test_names_and_nodes_are_each_others_inverse():
    graph = house()
    assert graph.indices_of(graph.names) == tuple(range(6))
    with pytest.raises(
        EpisodeError, match=r"a viewpoint of graph house \(6 panoramas\), got 'x'; name one of its panoramas"
    ):
        graph.index_of("x")


def test_a_path_is_as_long_as_its_edges():
    graph = house()
    assert graph.path_length((A, B, E, B, C)) == pytest.approx(8)
    assert graph.path_length((A,)) == 0


def test_a_path_through_a_missing_edge_names_its_ends():
    with pytest.raises(EpisodeError, match="a path through a missing edge b -> d; let each viewpoint"):
        house().path_length((A, B, D))


@pytest.mark.parametrize("most", [0, 1000])
@pytest.mark.parametrize("seed", range(3))
def test_distances_and_hops_are_those_of_exhaustive_relaxation(seed, most, monkeypatch):
    monkeypatch.setattr(panorama_graph, "MOST_NODES_OF_ALL_PAIRS", most)
    graph = drawn_graph(seed)
    metres, hops = by_relaxation(graph), by_relaxation(graph, hops=True)
    assert np.isinf(metres).any()
    for node in range(len(graph)):
        assert graph.distances_from(node) == pytest.approx(metres[node])
        assert graph.distances_to(node) == pytest.approx(metres[:, node])
        assert graph.hops_to(node).tolist() == hops[:, node].tolist()


def test_hops_for_measures_take_a_link_either_way_and_walking_does_not():
    graph = street()
    assert graph.hops_from(5)[4] == 1
    assert graph.hops_from(4)[5] == 1
    assert np.isinf(graph.hops_to(4)[5])
    assert np.isinf(graph.distances_to(4)[5])


def test_only_the_rows_asked_for_last_are_kept(monkeypatch):
    monkeypatch.setattr(panorama_graph, "MOST_NODES_OF_ALL_PAIRS", 0)
    monkeypatch.setattr(panorama_graph, "KEPT_FIELDS", 2)
    graph = house()
    first, _, again = graph.distances_from(A), graph.distances_from(B), graph.distances_from(A)
    assert again is first
    graph.distances_from(C)  # B goes, which was asked for longest ago
    assert graph.distances_from(A) is first
    graph.hops_from(A), graph.hops_from(B)
    later = graph.distances_from(A)
    assert later is not first
    assert later.tolist() == first.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_hops_between_some_nodes_are_those_of_whole_rows(seed):
    graph = drawn_graph(seed, edges=45)
    starts, ends = [3, 3, 7, 20], [1, 7, 1, 39, 5, 6]
    expected = np.stack([graph.hops_from(node)[ends] for node in starts])
    assert np.isinf(expected).any()
    assert graph.hops_between(starts, ends).tolist() == expected.tolist()
    assert graph.hops_between(ends, starts).tolist() == expected.T.tolist()


@pytest.mark.parametrize("by", ["metres", "hops"])
def test_shortest_paths_are_legal_and_as_short_as_the_distance(by):
    graph = drawn_graph(4)
    table = by_relaxation(graph, hops=by == "hops")
    reached = np.argwhere(np.isfinite(table))
    assert len(reached) > 500
    for start, end in reached.tolist():
        path = graph.shortest_path(start, end, by=by)
        assert (path[0], path[-1]) == (start, end)
        length = graph.path_length(path) if by == "metres" else len(path) - 1
        assert length == pytest.approx(table[start, end])


def test_of_two_ways_as_short_the_first_edge_is_taken():
    places = {"start": (0, 0), "right": (1, -1), "left": (1, 1), "end": (2, 0)}
    links = [("start", "left"), ("start", "right"), ("left", "end"), ("right", "end")]
    graph = made_graph("square", places, links)
    assert graph.neighbours(0).tolist() == [1, 2]
    assert graph.shortest_path(0, 3) == graph.shortest_path(0, 3, by="hops") == (0, 1, 3)


def test_a_way_that_does_not_exist_is_one_line():
    with pytest.raises(EpisodeError, match="got p5 and p4, which no path joins; choose both from one part"):
        street().shortest_path(5, 4)


def test_nobody_can_write_into_a_graph_that_all_share():
    graph = house()
    for row in (graph.positions, graph.neighbours(B), graph.distances_from(A), graph.hops_from(A)):
        with pytest.raises(ValueError, match="read-only"):
            row[0] = 7
    with pytest.raises(dataclasses.FrozenInstanceError):
        graph.name = "other"


def test_a_graph_can_be_sent_to_another_process():
    graph = house()
    graph.distances_from(A)
    sent = pickle.loads(pickle.dumps(graph))
    assert sent.names == graph.names
    assert sent.shortest_path(A, F) == graph.shortest_path(A, F)


def test_a_graph_of_one_panorama_leads_nowhere():
    graph = graph_of("one", ["a"], np.zeros((1, 3)), np.zeros((0, 2), np.int32))
    assert graph.most_neighbours == 0
    assert graph.neighbours(0).tolist() == []
    assert graph.distances_from(0).tolist() == [0]
    assert graph.shortest_path(0, 0) == (0,)
