from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.errors import PlacecellError
from placecell.memory.graph.nodes import MOST_VOXELS
from placecell.memory.sight.sightings import Sighting
from placecell.memory.topology import TopologyGraph


def at(x, y=0.0, z=0.0):
    return np.array([x, y, z], float)


def placed():
    graph = TopologyGraph()
    graph.visit(at(0), None, 0)
    return graph


def test_sightings_of_one_category_near_by_are_one_landmark():
    graph = placed()
    chair = graph.see(at(2), 5, 1, [9])
    assert graph.see(at(2.4), 5, 3, [4, 9]) == chair
    table, other = graph.see(at(2.1), 6, 4), graph.see(at(3.5), 5, 4)
    assert [mark.id for mark in graph.landmarks(5)] == [chair, other]
    assert [mark.id for mark in graph.landmarks()] == [chair, table, other]
    mark = graph.landmark(chair)
    np.testing.assert_allclose(mark.position, at(2.2))
    assert (mark.visits, mark.last_seen, mark.category) == (2, 3, 5)
    assert mark.voxels.tolist() == [4, 9]
    assert mark.descriptor is None
    assert graph.landmarks(77) == ()


def test_landmarks_are_linked_to_where_they_were_seen_from():
    graph = TopologyGraph()
    nowhere = graph.see(at(1), 3, 0)
    graph.visit(at(0), None, 0)
    thing = graph.see(at(1, 1), 3, 0)
    graph.visit(at(4), None, 1)
    assert graph.see(at(1.1, 1), 3, 1) == thing
    assert graph.landmark(thing).seen_from == (1, 3)
    assert graph.landmark(nowhere).seen_from == ()
    assert [mark.id for mark in graph.landmarks_of(3)] == [thing]


def test_descriptors_of_landmarks_have_a_width_of_their_own():
    graph = TopologyGraph()
    graph.visit(at(0), np.ones(3), 0)
    thing = graph.see(at(1), 3, 0, (), np.array([0.0, 2.0]))
    graph.see(at(1), 3, 0)
    np.testing.assert_array_equal(graph.landmark(thing).descriptor, [0, 1])


def test_landmarks_that_drift_together_are_one_with_all_links():
    graph = TopologyGraph(landmark_m=0.5)
    graph.visit(at(0), None, 0)
    a, b = graph.see(at(0), 3, 0, [1]), graph.see(at(0.8), 3, 0, [2])
    far = graph.see(at(0.4), 4, 0)
    graph.visit(at(5), None, 1)
    for _ in range(9):
        last = graph.see(at(0.39), 3, 1)
    assert last == a
    assert [mark.id for mark in graph.landmarks()] == [a, far]
    assert b not in [mark.id for mark in graph.landmarks()]
    mark = graph.landmark(a)
    assert mark.visits == 11
    assert mark.voxels.tolist() == [1, 2]
    assert len(mark.seen_from) == 2


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_no_two_landmarks_of_a_category_stay_within_reach(seed):
    rng, graph = np.random.default_rng(seed), placed()
    for step in range(40):
        graph.see(rng.uniform(0, 2, 3), int(rng.integers(1, 3)), step)
    for category in (1, 2):
        points = np.array([mark.position for mark in graph.landmarks(category)]).reshape(-1, 3)
        apart = np.linalg.norm(points[:, None] - points[None], axis=-1)
        assert (apart[np.triu_indices(len(points), 1)] > 0.5).all()
    assert sum(mark.visits for mark in graph.landmarks()) == 40


@pytest.mark.parametrize("seed", range(3))
def test_all_of_a_frame_at_once_is_one_after_the_other(seed):
    rng, one, other = np.random.default_rng(seed), placed(), placed()
    for step in range(30):
        seen = [
            Sighting(
                rng.uniform(0, 2, 3),
                int(rng.integers(1, 3)),
                np.sort(rng.choice(99, 5, False)),
                np.zeros((5, 3)),
                v,
            )
            for v in (None, rng.normal(size=4).astype(np.float32), np.zeros(4, np.float32))
        ]
        ids = other.see_all(seen, step)
        assert ids == [
            one.see(s.position, s.label, step, s.voxel_keys, s.embedding if n == 1 else None)
            for n, s in enumerate(seen)
        ]
    for name, array in one.pack().items():
        np.testing.assert_array_equal(array, other.pack()[name])


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"position": at(np.nan)}, "a landmark's position of three finite metres"),
        ({"label": 0}, "a landmark's category of 1 or more, got 0"),
        ({"embedding": np.ones(3, np.float32)}, "descriptor of width 2, as those before, got width 3"),
    ],
)
def test_a_bad_sighting_refuses_the_whole_frame(change, match):
    good = Sighting(at(0), 4, np.array([1]), np.zeros((1, 3)), np.ones(2, np.float32))
    graph, fresh = placed(), placed()
    with pytest.raises(PlacecellError, match=match):
        graph.see_all([good, replace(good, **change)], 1)
    for name, array in fresh.pack().items():
        np.testing.assert_array_equal(array, graph.pack()[name])


def test_voxels_of_a_node_are_bounded():
    graph = placed()
    for step in range(20):
        graph.see(at(0), 4, step, np.arange(step * 500, step * 500 + 600))
        assert len(graph.landmarks(4)[0].voxels) <= MOST_VOXELS
    held = graph.landmarks(4)[0].voxels
    assert (np.diff(held) > 0).all()
    assert held[0] < 10  # thinned, not cut off
    assert held[-1] > 10_000


def test_forgetting_labels_drops_landmarks_and_keeps_ways():
    graph = placed()
    graph.see(at(1), 3, 0)
    graph.visit(at(4), None, 1)
    graph.forget_labels()
    assert graph.landmarks() == graph.landmarks_of(0) == ()
    assert graph.route(0, 2).cost == 4
    assert graph.see(at(1), 3, 2) == 3


def test_nearest_and_similar_places_equal_a_scan():
    rng, graph = np.random.default_rng(0), TopologyGraph(same_m=0.01, radius_m=0.02)
    points, looks = rng.uniform(0, 9, (200, 3)), rng.normal(size=(200, 6))
    points[50] = points[20] + 0.5 - 0.5 + at(0.5)
    looks[50] = looks[20]
    for step, (point, look) in enumerate(zip(points, looks)):
        graph.visit(point, look, step)
    units = looks / np.linalg.norm(looks, axis=1)[:, None]
    for k in (1, 7, 200, 999):
        point, look = rng.uniform(0, 9, 3), rng.normal(size=6)
        apart = np.linalg.norm(points - point, axis=1)
        near = graph.nearest_places(point, k)
        assert [place.id for place in near.places] == np.argsort(apart, kind="stable")[:k].tolist()
        np.testing.assert_allclose(near.distances, np.sort(apart)[:k])
        gaps = np.linalg.norm(units - look / np.linalg.norm(look), axis=1)
        alike = graph.similar(look * 3, k)
        assert [place.id for place in alike.places] == np.argsort(gaps.round(6), kind="stable")[:k].tolist()
        np.testing.assert_allclose(alike.distances, np.sort(gaps)[:k], atol=1e-6)
    assert [place.id for place in graph.similar(looks[20], 2).places] == [20, 50]
    assert graph.similar(looks[20], 1).distances[0] == pytest.approx(0, abs=1e-6)


def test_an_empty_graph_answers_nothing():
    graph = TopologyGraph()
    assert graph.nearest_places(at(0), 3).places == graph.similar(np.ones(2), 3).places == ()
    assert graph.landmarks() == ()
    assert graph.exits().shape == (0, 3)
    assert len(graph) == len(graph.place_ids) == 0


def test_exits_are_struck_off_by_a_visit_and_by_what_is_known():
    graph = TopologyGraph(radius_m=1.5)
    graph.visit(at(0), None, 0)
    assert graph.note_exits(np.array([at(5), at(0, 5), at(0, 0, 5), at(1)])) == 3
    assert graph.note_exits(np.array([at(5.3), at(0, 6)])) == 1
    graph.visit(at(3), None, 1)
    np.testing.assert_array_equal(graph.exits(0), [at(5), at(0, 5), at(0, 0, 5), at(0, 6)])
    assert len(graph.exits(1)) == 0
    graph.visit(at(6.4), None, 2)
    np.testing.assert_array_equal(graph.exits(0), [at(0, 5), at(0, 0, 5), at(0, 6)])
    assert graph.strike_exits(lambda points: points[:, 1] > 0) == 2
    np.testing.assert_array_equal(graph.exits(), [at(0, 0, 5)])
    assert graph.note_exits(np.array([at(6, 3)]), place=0) == 1
    assert graph.stats()["exits"] == 2
    assert graph.strike_exits(lambda points: np.ones(len(points), bool)) == 2
    assert graph.exits(0).shape == (0, 3)
