import tracemalloc

import numpy as np
import pytest

from placecell.errors import ArchiveError
from placecell.memory import archive
from placecell.memory.topology import TopologyGraph


def walk(graph, rng, steps):
    visits = []
    for step in range(steps):
        if rng.random() < 0.05:
            graph.begin_walk()
        where = rng.uniform(0, 7, 3) * [1, 1, 0.1]
        visits.append(graph.visit(where, rng.normal(size=4), step, rng.integers(0, 99, 3)))
        visits.append(graph.see(where + 1, int(rng.integers(1, 4)), step, [step], rng.normal(size=2)))
        graph.note_exits(rng.uniform(0, 12, (2, 3)))
    return visits


def walked(seed=0, steps=40):
    graph = TopologyGraph()
    walk(graph, np.random.default_rng(seed), steps)
    return graph


def assert_same(a, b):
    first, second = a.pack(), b.pack()
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(second[name], array, err_msg=name)
        assert second[name].dtype == array.dtype


def test_a_file_gives_the_graph_back_and_it_goes_on_alike(tmp_path):
    graph, back = TopologyGraph(), TopologyGraph()
    assert any(visit.absorbed for visit in walk(graph, np.random.default_rng(0), 150)[::2])
    archive.save(archive.Archive("Test", {}, {"other": np.zeros(3), **graph.pack()}), tmp_path / "graph")
    back.unpack(archive.load(tmp_path / "graph", "Test").arrays)
    assert_same(graph, back)
    assert back.here == graph.here
    counts = {name: count for name, count in graph.stats().items() if name != "bytes"}
    assert {name: back.stats()[name] for name in counts} == counts
    ids = graph.place_ids.tolist()
    assert graph.route(ids[0], ids[-1]) == back.route(ids[0], ids[-1])
    look = np.random.default_rng(5).normal(size=4)
    for ask in (lambda g: g.similar(look, 9), lambda g: g.nearest_places(look[:3], 9)):
        assert [p.id for p in ask(graph).places] == [p.id for p in ask(back).places]
        np.testing.assert_array_equal(ask(graph).distances, ask(back).distances)
    rest = [walk(g, np.random.default_rng(8), 60) for g in (graph, back)]
    assert rest[0] == rest[1]
    assert_same(graph, back)


def test_an_empty_graph_and_one_without_descriptors_come_back():
    for fill in (lambda g: None, lambda g: g.visit(np.zeros(3), None, 0)):
        graph, back = TopologyGraph(), walked()
        fill(graph)
        back.unpack(graph.pack())
        assert_same(graph, back)
        assert back.visit(np.ones(3) * 9, np.ones(7), 1).created


def test_a_snapshot_does_not_change_with_the_graph():
    graph = walked()
    stored = graph.pack()
    copies = {name: array.copy() for name, array in stored.items()}
    walk(graph, np.random.default_rng(9), 40)
    assert all(np.array_equal(copies[name], array) for name, array in stored.items())


def test_clear_forgets_everything():
    graph = walked()
    graph.clear()
    assert_same(graph, TopologyGraph())


@pytest.fixture(scope="module")
def stored():
    return walked(1).pack()


def edit(name, change):
    def apply(arrays):
        arrays["topology." + name] = change(arrays["topology." + name].copy())

    return apply


def put(name, where, value):
    def change(array):
        array[where] = value
        return array

    return edit(name, change)


def last_twice(arrays):
    for name in ("ends", "distance_m", "instruction_cost", "walks"):
        array = arrays[f"topology.edge.{name}"]
        arrays[f"topology.edge.{name}"] = np.concatenate([array, array[-1:]])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda a: a.pop("topology.counters"), "an archive with topology.counters, got none"),
        (edit("place.position", lambda p: p[:, :2]), "topology.place.position of float64"),
        (edit("place.position", lambda p: p.astype(np.float32)), "topology.place.position of float64"),
        (put("place.position", (0, 0), np.nan), "places with finite positions"),
        (put("place.visits", 0, 0), "places with finite positions and a visit each"),
        (put("place.id", 0, 10**6), "ids of places that rise"),
        (put("place.id", 0, -1), "ids of places that rise"),
        (put("place.descriptor", (0, 0), 9), "unit descriptors of places, got 1 others"),
        (put("place.length", 0, np.nan), "unit descriptors of places, got 1 others"),
        (put("place.voxel_starts", -1, 10**6), "rising voxels of each place"),
        (put("place.voxels", 0, 10**6), "rising voxels of each place"),
        (put("landmark.category", 0, 0), "landmarks of categories of 1 or more, got 0"),
        (put("counters", 0, 3), "ids of places that rise below 3"),
        (put("counters", 1, 10**6), "the agent's place of places that are in it, got the id 1000000"),
        (put("counters", 2, -4), "counts and ids that hold together"),
        (put("landmark.id", 0, 0), "one id for two nodes"),
        (put("edge.ends", (0, 1), 10**6), "edges of places that are in it, got the id 1000000"),
        (put("edge.distance_m", 0, np.inf), "finite topology.edge.distance_m"),
        (put("edge.distance_m", 0, -1), "edges of two places with costs of 0 or more"),
        (put("edge.walks", 0, 0), "edges of two places with costs of 0 or more"),
        (edit("edge.ends", lambda e: e[:, ::-1]), "edges of two places"),
        (last_twice, "one edge between two places"),
        (put("link", (0, 0), 10**6), "links of landmarks that are in it"),
        (put("link", (0, 1), 10**6), "links of places that are in it"),
        (put("link", (0, 2), 0), "links of one sighting or more, got 0"),
        (put("exit.place", 0, 10**6), "exits of places that are in it"),
        (put("exit.point", (0, 0), np.nan), "finite topology.exit.point"),
        (edit("exit.point", lambda p: p[:-1]), "topology.exit.point of float64"),
    ],
)
def test_damage_is_refused_and_the_graph_stays(damage, message, stored):
    arrays, graph = dict(stored), walked(2, 9)
    before = graph.pack()
    damage(arrays)
    with pytest.raises(ArchiveError, match=message):
        graph.unpack(arrays)
    assert all(np.array_equal(graph.pack()[name], array) for name, array in before.items())


def test_bytes_are_about_what_is_allocated():
    def fill(graph, count):
        for n in range(count):
            graph.visit(np.array([3.0 * n, 0, 0]), None, n, [n])
            graph.see(np.array([3.0 * n, 1, 0]), 1, n, [n])
            graph.note_exits(np.array([[3.0 * n, 0, 9.0]]))

    fill(TopologyGraph(), 2)
    graph = TopologyGraph()
    tracemalloc.start()
    fill(graph, 400)
    allocated = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert graph.stats()["bytes"] == pytest.approx(allocated, rel=0.25)
