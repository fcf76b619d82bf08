"""One graph taken into another: places, ways, landmarks and exits of both, under the rule of the graph."""

import numpy as np
import pytest

from placecell.errors import FrameError, PlacecellError
from placecell.geometry import Pose
from placecell.memory import morton
from placecell.memory.topology import TopologyGraph

SIZE = 0.1


def at(x, y=0.0, z=0.0):
    return np.array([x, y, z], float)


def moved(x, y, z=0.0, yaw=0.0):
    return Pose(x, y, z, yaw).T_world_body()


def walked(*points, begin=0):
    graph = TopologyGraph()
    for step, point in enumerate(points):
        graph.visit(at(*point), None, begin + step)
    return graph


def absorb(graph, other, T=None, step_offset=0):
    return graph.absorb(other, np.eye(4) if T is None else T, voxel_size_m=SIZE, step_offset=step_offset)


def test_places_that_are_known_are_one_and_the_others_are_new():
    graph, other = walked((0, 0), (3, 0)), walked((3.2, 0), (6, 0), (9, 0))
    found = absorb(graph, other, step_offset=10)
    assert len(graph) == 4
    assert found.nodes[0] == 1
    assert sorted(found.nodes.values()) == graph.place_ids[1:].tolist()
    np.testing.assert_allclose(graph.place(1).position, at(3.1))
    assert (graph.place(1).visits, graph.place(1).last_seen) == (2, 10)
    assert graph.route(0, found.nodes[2]).places == (0, 1, found.nodes[1], found.nodes[2])
    assert graph.here == found.nodes[2]
    assert found.renamed == {}


def test_positions_and_voxels_are_moved():
    graph, other = TopologyGraph(), TopologyGraph()
    other.visit(at(1, 2), None, 0, morton.encode(np.array([[10, 20, 0]])))
    place = absorb(graph, other, moved(5, 0, 0, np.pi / 2)).nodes[0]
    np.testing.assert_allclose(graph.place(place).position, at(3, 1), atol=1e-12)
    assert morton.decode(graph.place(place).voxels).tolist() == [[29, 10, 0]]


def test_walks_of_both_are_averaged():
    graph, other = TopologyGraph(), TopologyGraph()
    for one, lengths in ((graph, (4.0,)), (other, (7.0, 7.0))):
        a, b = (one.visit(at(x), None, 0).place for x in (0, 5))
        one.begin_walk()
        for length in lengths:
            one.link(a, b, length)
    absorb(graph, other)
    edge = graph.edge(0, 1)
    assert edge.walks == 5
    assert edge.distance_m == pytest.approx((5 + 4 + 5 + 7 + 7) / 5)


def test_descriptors_are_the_mean_of_all_visits():
    graph, other = TopologyGraph(), TopologyGraph()
    graph.visit(at(0), np.array([1.0, 0.0]), 0)
    for _ in range(3):
        other.visit(at(0), np.array([0.0, 1.0]), 0)
    absorb(graph, other)
    np.testing.assert_allclose(graph.place(0).descriptor, np.array([1, 3]) / np.sqrt(10), rtol=1e-6)


def test_landmarks_keep_from_where_they_were_seen():
    graph, other = walked((0, 0)), walked((3, 0), (6, 0))
    chair = graph.see(at(2), 5, 0)
    same, table, far = (other.see(at(x), label, 1) for x, label in ((2.3, 5), (2.3, 6), (8.0, 5)))
    found = absorb(graph, other, step_offset=4)
    assert {same, table, far} <= {2, 3, 4}
    marks = graph.landmarks()
    assert [(mark.category, mark.visits) for mark in marks] == [(5, 2), (6, 1), (5, 1)]
    assert marks[0].id == chair
    assert marks[0].seen_from == tuple(sorted((0, found.nodes[1])))
    assert marks[0].last_seen == 5


def test_exits_at_which_one_of_both_has_been_are_none():
    graph, other = walked((0, 0)), walked((4, 0))
    graph.note_exits(np.array([at(4.5), at(0, 5)]))
    other.note_exits(np.array([at(0.5), at(4, 5)]))
    found = absorb(graph, other)
    assert graph.exits(0).tolist() == [[0, 5, 0]]
    assert graph.exits(found.nodes[0]).tolist() == [[4, 5, 0]]


def test_places_here_that_become_one_by_it_are_told():
    graph, other = TopologyGraph(same_m=0.5), TopologyGraph(same_m=0.5)
    units = np.eye(3)
    for x, unit in ((0.0, units[0]), (1.0, units[1])):
        graph.visit(at(x), unit, 0)
    for _ in range(9):
        other.visit(at(0.6), units[1], 0)
    found = absorb(graph, other)
    assert found.renamed == {1: 0} or len(graph) == 2
    for _ in range(60):
        other.visit(at(0.45), units[0], 0)
    found = absorb(graph, other)
    assert found.renamed == {1: 0}
    assert set(found.nodes.values()) == {0} == set(graph.place_ids.tolist())


def test_it_packs_and_unpacks_and_the_other_is_as_before():
    graph, other = walked((0, 0), (3, 0)), walked((3.1, 0), (6, 1))
    other.see(at(5, 5), 3, 0, (), np.ones(4))
    before = other.pack()
    absorb(graph, other, moved(0.5, 0.1, 0, 0.3))
    for name, held in other.pack().items():
        np.testing.assert_array_equal(held, before[name])
    fresh = TopologyGraph()
    fresh.unpack(graph.pack())
    for name, held in fresh.pack().items():
        np.testing.assert_array_equal(held, graph.pack()[name])


def test_another_width_or_a_skewed_transform_is_refused():
    graph, other = TopologyGraph(), TopologyGraph()
    graph.visit(at(0), np.ones(3), 0)
    other.visit(at(9), np.ones(4), 0)
    before = graph.pack()
    with pytest.raises(PlacecellError, match="descriptor of width 3, as those before, got width 4"):
        absorb(graph, other)
    with pytest.raises(FrameError, match="T_this_other to be a rigid 4x4"):
        absorb(graph, other, 2 * np.eye(4))
    for name, held in graph.pack().items():
        np.testing.assert_array_equal(held, before[name])
