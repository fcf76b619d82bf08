import math
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from placecell.scripts.bench import memory_graph


@pytest.fixture
def small(monkeypatch):
    monkeypatch.delenv("PLACECELL_DATA", raising=False)
    monkeypatch.setattr(memory_graph, "_SIDE", 4)
    monkeypatch.setattr(memory_graph, "_BETWEEN", 2)
    monkeypatch.setattr(memory_graph, "_GRID_SIDE", 6)


def test_the_rows_judge_a_to_b_and_say_what_scipy_does(small):
    pytest.importorskip("rustworkx")
    rows = {row.name: row for row in memory_graph.rows(quick=True)}
    assert list(rows) == ["graph_a_to_b", "graph_a_to_b_grid", "graph_one_to_all", "graph_visit"]
    judged = rows["graph_a_to_b"]
    assert judged.target == ">= 8 x rustworkx A*"
    assert judged.ratio == pytest.approx(judged.peer_value / judged.value)
    assert judged.passed == (judged.ratio >= 8)
    assert rows["graph_a_to_b_grid"].target is None
    assert rows["graph_one_to_all"].delegates
    assert rows["graph_one_to_all"].peer == "scipy csgraph"


def test_the_peer_finds_ways_of_the_same_cost():
    pytest.importorskip("rustworkx")
    graph, places = memory_graph.build(memory_graph.generated_streets(6, 2))
    peer = memory_graph.Peer(graph)
    ids = np.unique(places).tolist()
    pairs = memory_graph.joined(graph, [[a, b] for a in ids[::9] for b in ids[::7] if a != b])
    assert len(pairs) > 50
    for a, b in pairs:
        theirs = peer.route(a, b)
        assert (theirs[0], theirs[-1]) == (a, b)
        cost = sum(graph.edge(*pair).cost for pair in pairwise(theirs))
        assert graph.route(a, b).cost == pytest.approx(cost)


def test_made_up_streets_have_places_along_them():
    streets = memory_graph.generated_streets(45, 7)
    assert 29_000 < len(streets.points) < 31_000
    lengths = np.linalg.norm(np.diff(streets.points[streets.links], axis=1), axis=-1)
    assert 9 < lengths.min() <= lengths.max() < 11
    assert len(np.unique(np.sort(streets.links, axis=1), axis=0)) == len(streets.links)


def test_streets_are_read_in_metres(tmp_path):
    (tmp_path / "nodes.txt").write_text("a,0,40.0,-73.0\nb,0,40.001,-73.0\nc,0,40.0,-72.999\n")
    (tmp_path / "links.txt").write_text("a,1,b\nb,2,a\nc,3,a\n")
    streets = memory_graph.read_streets(tmp_path)
    assert streets.links.tolist() == [[0, 1], [0, 2]]
    degree = math.radians(1) * 6_371_000
    north, east = streets.points[1] - streets.points[0], streets.points[2] - streets.points[0]
    np.testing.assert_allclose(north, [0, degree * 0.001, 0], atol=1e-6)
    np.testing.assert_allclose(
        east, [degree * 0.001 * math.cos(math.radians(40)), 0, 0], rtol=1e-4, atol=1e-6
    )


@pytest.mark.real_data
def test_manhattan_has_its_places_and_streets():
    streets = memory_graph.read_streets(Path(os.environ["PLACECELL_DATA"]) / "touchdown_graph")
    assert (len(streets.points), len(streets.links)) == (29_641, 30_661)
    lengths = np.linalg.norm(np.diff(streets.points[streets.links], axis=1), axis=-1)
    assert 8 < np.median(lengths) < 12
