"""Places and landmarks that are dropped, and what becomes of the graph."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.errors import ArchiveError, PlacecellError
from placecell.memory import TopologyGraph
from placecell.memory.upkeep.policies import POLICIES

few = settings(deadline=None, max_examples=12)


def at(x, y=0.0):
    return np.array([x, y, 0.0])


def chain(count=5):
    """Places 2 m apart in a line, each walked to from the one before; their ids."""
    graph = TopologyGraph()
    return graph, [graph.visit(at(2.0 * n), None, n, instruction_cost=0.5).place for n in range(count)]


def some_graph(seed, count=30):
    """A walk about a grid of 3 m, with landmarks, exits, looks and voxels."""
    rng, graph = np.random.default_rng(seed), TopologyGraph()
    for step in range(count):
        place = at(*(3.0 * rng.integers(0, 5, 2)))
        graph.visit(place, rng.normal(size=8), step, voxels=rng.integers(0, 99, 5).tolist())
        graph.see(place + rng.normal(size=3), int(rng.integers(1, 4)), step, descriptor=rng.normal(size=3))
        graph.note_exits(place + rng.normal(size=(2, 3)) * 3)
    return graph


def all_of(graph):
    """Every place and landmark, by id."""
    places = {node: graph.place(node) for node in graph.place_ids.tolist()}
    return {**places, **{mark.id: mark for mark in graph.landmarks()}}


def groups(graph):
    """The places that can be walked to from each."""
    reached = {}
    for place in graph.place_ids.tolist():
        costs = graph.costs_from(place)
        reached[place] = {
            other
            for other, cost in zip(costs.places.tolist(), costs.costs.tolist(), strict=True)
            if np.isfinite(cost)
        }
    return reached


def test_a_place_between_two_joins_them_by_the_way_over_it():
    graph, ids = chain()
    graph.drop(np.array([2]))
    assert graph.neighbours(ids[1]) == (ids[0], ids[3])
    edge = graph.edge(ids[1], ids[3])
    assert (edge.distance_m, edge.instruction_cost, edge.walks) == (4.0, 1.0, 1)
    assert graph.route(ids[0], ids[4]).places == (ids[0], ids[1], ids[3], ids[4])


def test_the_end_of_a_way_goes_with_its_edge():
    graph, ids = chain()
    graph.drop(np.array([0]))
    assert graph.neighbours(ids[1]) == (ids[2],)
    assert graph.stats()["edges"] == 3


def test_of_several_neighbours_the_nearest_is_joined_to_the_others_and_an_edge_stays_as_it_was():
    graph = TopologyGraph()
    middle, near, far, other = (graph.visit(p, None, 0).place for p in (at(0), at(2), at(-5), at(0, 4)))
    for a, b in ((middle, near), (middle, far), (middle, other)):
        graph.link(a, b)
    kept = graph.link(near, other, 40.0)
    before = graph.edge(near, other)
    graph.drop(np.array([middle]))
    assert kept
    assert graph.edge(near, other) == before
    assert graph.edge(near, far) is not None
    assert graph.edge(far, other) is not None  # walked one after the other
    assert (graph.edge(near, far).distance_m, len(graph.neighbours(near))) == (7.0, 2)


def test_where_the_agent_was_goes_too_and_a_walk_begins():
    graph, ids = chain()
    graph.drop(np.array([4]))
    assert graph.here is None
    assert not graph.visit(at(20.0), None, 9).new_edge
    with pytest.raises(PlacecellError, match="the id of a place of this graph"):
        graph.place(ids[4])


@given(st.integers(0, 30), st.sets(st.integers(0, 60), max_size=30))
@few
def test_what_is_kept_answers_as_before_and_stays_connected(seed, rows):
    graph = some_graph(seed)
    before, reached, held = all_of(graph), groups(graph), graph.holdings()
    rows = np.array(sorted(row for row in rows if row < len(held)), np.int64)
    nbytes, edges = graph.nbytes, graph.stats()["edges"]
    gone = np.array(list(before))[rows].tolist()
    exits = {node: graph.exits(node) for node in graph.place_ids.tolist()}
    graph.drop(rows)
    after = all_of(graph)
    assert after.keys() == before.keys() - set(gone)
    for node, kept in after.items():
        old = before[node]
        for name in ("position", "descriptor", "voxels", "visits", "last_seen"):
            np.testing.assert_array_equal(getattr(kept, name), getattr(old, name))
        if hasattr(kept, "seen_from"):
            assert kept.seen_from == tuple(place for place in old.seen_from if place not in gone)
        else:
            np.testing.assert_array_equal(graph.exits(node), exits[node])
    assert groups(graph) == {node: to - set(gone) for node, to in reached.items() if node not in gone}
    assert graph.stats()["edges"] <= edges
    assert graph.nbytes <= nbytes - held.nbytes[rows].sum()
    assert graph.items == len(after) == len(graph.holdings())


def test_holdings_tell_places_and_then_landmarks():
    graph = some_graph(3)
    graph.note_use([0, 0, graph.landmarks()[-1].id])
    held, nodes = graph.holdings(), list(all_of(graph).values())
    np.testing.assert_array_equal(held.positions, [node.position for node in nodes])
    assert held.last_seen.tolist() == [node.last_seen for node in nodes]
    assert held.uses.tolist() == [2, *[0] * (len(nodes) - 2), 1]
    vectors = held.vectors(np.arange(len(nodes)))
    places = len(graph)
    np.testing.assert_array_equal(vectors[:places, :8], [node.descriptor for node in nodes[:places]])
    np.testing.assert_array_equal(vectors[places:, 8:], [node.descriptor for node in nodes[places:]])
    assert not vectors[:places, 8:].any()
    assert not vectors[places:, :8].any()
    with pytest.raises(PlacecellError, match="the id of a landmark"):
        graph.note_use([10_000])


def test_a_merged_place_has_the_uses_of_both():
    graph, ids = chain(2)
    graph.note_use(ids)
    graph.merge(*ids)
    assert graph.holdings().uses.tolist() == [2]


@pytest.mark.parametrize("policy", POLICIES)
def test_what_was_packed_goes_on_alike(policy):
    graph, again = some_graph(1), TopologyGraph()
    graph.note_use([0, 1])
    graph.drop(np.array([3, 7]))
    again.unpack(graph.pack())
    for one in (graph, again):
        order = POLICIES[policy].order(one.holdings(), np.ones(3))
        one.drop(np.sort(order[:6]))
        one.visit(at(1.0), np.ones(8), 99)
    assert graph.nbytes == again.nbytes
    for (name, array), other in zip(graph.pack().items(), again.pack().values(), strict=True):
        np.testing.assert_array_equal(array, other, err_msg=name)


def test_an_archive_of_before_has_no_uses():
    graph, again = some_graph(0), TopologyGraph()
    graph.note_use([0])
    arrays = graph.pack()
    again.unpack({name: array for name, array in arrays.items() if not name.endswith(".uses")})
    assert again.holdings().uses.sum() == 0
    with pytest.raises(ArchiveError, match="uses of places of 0 or more"):
        again.unpack({**arrays, "topology.place.uses": arrays["topology.place.uses"] - 5})


def test_memory_is_given_back():
    graph = TopologyGraph()
    for n in range(400):
        graph.visit(at(3.0 * n), np.ones(64), n)
    slack = graph.stats()["bytes"] - graph.nbytes
    assert slack <= 0.1 * graph.nbytes
    graph.drop(np.arange(390))
    assert graph.stats()["bytes"] < 40_000
