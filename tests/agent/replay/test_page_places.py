"""The graph of places on a page: what each step changed, and that a recording brings it there."""

import dataclasses

import numpy as np
import pytest
from recorded import perceive, plodder, record

from placecell.agent.recording import Recording
from placecell.agent.replay.page.from_above import Layers
from placecell.agent.replay.page.gather import scene_of
from placecell.agent.replay.page.places import changes_of
from placecell.errors import ArchiveError
from placecell.memory import FlatNeighbours, PlaceGraph, SpatialMemory

STOREYS = Layers((0, 1), (0.0, 3.0))


def graph(places, edges=()):
    return PlaceGraph(
        np.array(sorted(places), np.int32),
        np.array([places[node] for node in sorted(places)], np.float32).reshape(-1, 3),
        np.array(sorted(edges), np.int32).reshape(-1, 2),
    )


def follow(changes):
    """What a page shows after each change."""
    places, edges, shown = {}, set(), []
    for change in changes:
        for node, x, y, layer in (change or {}).get("put", []):
            places[node] = (x, y, layer)
        edges |= {tuple(ends) for ends in (change or {}).get("join", [])}
        edges -= {tuple(ends) for ends in (change or {}).get("part", [])}
        for (node,) in (change or {}).get("gone", []):
            del places[node]
        shown.append((dict(places), set(edges)))
    return shown


def test_changes_add_up_to_the_graph_of_each_step():
    graphs = [
        graph({0: (0, 0, 1.2)}),
        None,
        graph({0: (0, 0, 1.2), 1: (1, 0.5, 4.1)}, [(0, 1)]),
        graph({0: (0.1, 0, 1.2), 1: (1, 0.5, 4.1), 2: (2, 2, 0.9)}, [(0, 1), (1, 2)]),
        graph({0: (0.1, 0, 1.2), 2: (2, 2, 0.9)}, [(0, 2)]),
    ]
    changes = changes_of(graphs, STOREYS)
    assert changes[1] is None
    assert changes[3]["put"] == [[0.0, 0.1, 0.0, 0.0], [2.0, 2.0, 2.0, 0.0]]
    shown = follow(changes)
    assert shown[2] == ({0: (0.0, 0.0, 0.0), 1: (1.0, 0.5, 1.0)}, {(0, 1)})
    assert shown[4] == ({0: (0.1, 0.0, 0.0), 2: (2.0, 2.0, 0.0)}, {(0, 2)})


def test_a_memory_without_places_draws_none(tmp_path):
    assert changes_of([None, PlaceGraph.nothing()], STOREYS) is None
    record(tmp_path, agent=plodder(memory=FlatNeighbours()))
    assert scene_of(Recording.read(tmp_path))["places"] is None


def test_a_recording_keeps_the_places_where_they_changed(tmp_path):
    memory = SpatialMemory()
    seen = []
    record(tmp_path, agent=plodder(memory=memory), watch=[lambda step: seen.append(memory.places())])
    recording = Recording.read(tmp_path)
    known = PlaceGraph.nothing()
    for step, true in enumerate(seen):
        found = recording.places(step)
        assert (found is None) == (true == known)
        known = found or known
        assert known == true
    assert len(known.edges) > 0
    shown = follow(scene_of(recording)["places"])[-1]
    assert list(shown[0]) == known.ids.tolist()
    assert shown[1] == {tuple(ends) for ends in known.edges.tolist()}


def test_a_recording_keeps_what_an_encoder_said_of_the_frame(tmp_path):
    rng = np.random.default_rng(0)
    vectors = [(rng.random((2, 3, 5), np.float32), rng.random(7).astype(np.float16)) for _ in range(6)]

    def encoded(observation, step):
        percept = perceive(observation, step)
        features, embedding = vectors[step]
        frame = dataclasses.replace(percept.frame, features=features, embedding=embedding)
        return dataclasses.replace(percept, frame=frame)

    agent = dataclasses.replace(plodder(memory=SpatialMemory(feature_width=5)), perception=encoded)
    record(tmp_path, agent=agent)
    recording = Recording.read(tmp_path)
    for step, (features, embedding) in enumerate(vectors):
        frame = recording.frame(step)
        assert frame.features.dtype == np.float32
        np.testing.assert_array_equal(frame.features, features)
        assert frame.embedding.dtype == np.float16
        np.testing.assert_array_equal(frame.embedding, embedding)


@pytest.mark.parametrize(
    ("name", "array", "says"),
    [
        ("ids", np.array([1, 0], np.int32), "rising ids"),
        ("ids", np.array([0, 1, 2], np.int64), "ids of int32"),
        ("edges", np.array([[0, 7]], np.int32), "edges between them"),
        ("positions", np.array([[0, 0, np.nan], [0, 0, 0]], np.float32), "finite positions"),
        ("positions", np.zeros((3, 3), np.float32), "positions of float32"),
    ],
)
def test_a_damaged_graph_is_refused(name, array, says):
    arrays = graph({0: (0, 0, 1), 1: (1, 0, 1)}, [(0, 1)]).arrays() | {name: array}
    with pytest.raises(ArchiveError, match=says):
        PlaceGraph.from_arrays(arrays)
