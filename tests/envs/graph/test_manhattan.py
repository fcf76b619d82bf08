"""Manhattan's street graph: places in metres, links as the file gives them, and lines that are none."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from placecell.envs.graph.manhattan import load_streets, metres_from_degrees
from placecell.errors import DataError

NODES = ["a,117,40.75,-73.99", "b,117,40.751,-73.99", "c,20,40.75,-73.98", "d,20,40.75,-73.98"]
LINKS = ["a,0,b", "b,181,a", "a,89,c", "c,270,a", "c,350,d"]


def written(folder, nodes=NODES, links=LINKS):
    (folder / "nodes.txt").write_text("".join(line + "\n" for line in nodes))
    (folder / "links.txt").write_text("".join(line + "\n" for line in links))
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PLACECELL_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("column", ["", ",seen"])
def test_places_are_metres_from_the_first_node(tmp_path, column):
    graph = load_streets(written(tmp_path, [line + column for line in NODES]))
    assert (graph.name, graph.names, graph.origin_degrees) == ("manhattan", tuple("abcd"), (40.75, -73.99))
    degree_m = math.pi / 180 * 6_371_008.8
    north, east = 0.001 * degree_m, 0.01 * degree_m * math.cos(math.radians(40.75))
    assert graph.positions == pytest.approx(
        np.array([[0, 0, 0], [0, north, 0], [east, 0, 0], [east, 0, 0]]), abs=1e-6
    )
    assert graph.path_length((0, 1)) == pytest.approx(north)


def test_links_are_directed_and_look_where_the_file_says(tmp_path):
    graph = load_streets(written(tmp_path))
    assert graph.yaw[graph.edge(0, 1)] == pytest.approx(math.pi / 2)
    assert graph.yaw[graph.edge(1, 0)] == pytest.approx(math.radians(-91))
    assert graph.yaw[graph.edge(0, 2)] == pytest.approx(math.radians(1))
    assert graph.neighbours(3).tolist() == []


def test_two_panoramas_on_one_spot_are_a_little_apart(tmp_path):
    graph = load_streets(written(tmp_path))
    assert graph.path_length((2, 3)) == 0.1


def test_a_place_elsewhere_goes_by_the_graphs_origin(tmp_path):
    graph = load_streets(written(tmp_path))
    assert metres_from_degrees(np.array([[40.751, -73.99]]), graph.origin_degrees)[0] == pytest.approx(
        graph.positions[1, :2]
    )


def test_kept_streets_follow_their_files(tmp_path):
    assert len(load_streets(written(tmp_path)).other) == len(load_streets(tmp_path).other) == 5
    assert len(load_streets(written(tmp_path, links=LINKS[:4])).other) == 4


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        ("nodes", "x,1,40.7", "id,heading,latitude,longitude in .*nodes.txt line 5, got 'x,1,40.7'"),
        ("nodes", ",1,40.7,-73", "id,heading,latitude,longitude in .*nodes.txt line 5"),
        ("nodes", "x,1,north,-73", "a number from -90 to 90, not 'north' in .*nodes.txt line 5"),
        ("nodes", "x,1,40.7,nan", "a number from -180 to 180, not 'nan' in .*nodes.txt line 5"),
        ("nodes", "x,1,-73.9,240.7", "a number from -180 to 180, not '240.7' in .*nodes.txt line 5"),
        ("nodes", "a,1,40.7,-73", "each node once in .*nodes.txt line 5"),
        ("links", "a,1", "from,heading,to in .*links.txt line 6, got 'a,1'"),
        ("links", "a,1,x", "a link between nodes of nodes.txt, not 'x' in .*links.txt line 6"),
        ("links", "x,1,a", "a link between nodes of nodes.txt, not 'x' in .*links.txt line 6"),
        ("links", "a,1,b", "each link once, between two nodes in .*links.txt line 6"),
        ("links", "b,1,b", "each link once, between two nodes in .*links.txt line 6"),
        ("links", "b,east,c", "a number from -360 to 360, not 'east' in .*links.txt line 6"),
    ],
)  # fmt: skip
def test_a_malformed_line_is_named(tmp_path, file, line, complaint):
    lines = {"nodes": NODES, "links": LINKS}
    written(tmp_path, **{**lines, file: [*lines[file], line]})
    with pytest.raises(DataError, match=complaint) as told:
        load_streets(tmp_path)
    assert "\n" not in str(told.value)


def test_empty_lines_count_and_carry_nothing(tmp_path):
    assert len(load_streets(written(tmp_path, [*NODES, ""]))) == 4
    with pytest.raises(DataError, match=r"nodes.txt line 6"):
        load_streets(written(tmp_path, [*NODES, "", "x"]))


def test_bytes_that_are_no_text_are_named_by_their_line(tmp_path):
    (written(tmp_path) / "links.txt").write_bytes(b"a,0,b\nb,\xff,a\n")
    with pytest.raises(DataError, match=r"text in UTF-8 in .*links.txt line 2"):
        load_streets(tmp_path)


def test_files_that_are_missing_or_empty_are_one_line(tmp_path):
    with pytest.raises(
        DataError, match=r"nowhere, which does not exist; name a folder with nodes.txt and links.txt"
    ):
        load_streets(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"nodes.txt, got No such file"):
        load_streets(tmp_path)
    with pytest.raises(DataError, match=r"id,heading,latitude,longitude in .*nodes.txt line 1, got ''"):
        load_streets(written(tmp_path, nodes=[]))


@pytest.fixture(scope="module", params=["touchdown_unseen", "map2seq_unseen"])
def real(request):
    """A folder and its graph."""
    folder = Path(os.environ["PLACECELL_DATA"]) / request.param
    return folder, load_streets(folder)


@pytest.mark.real_data
def test_the_streets_of_manhattan(real):
    folder, graph = real
    starts = np.repeat(np.arange(len(graph)), np.diff(graph.first))
    pairs = set(zip(starts.tolist(), graph.other.tolist(), strict=True))
    links = {"touchdown_unseen": 61319, "map2seq_unseen": 61317}[folder.name]
    assert (len(graph), len(pairs), graph.most_neighbours) == (29641, links, 5)
    assert sum((b, a) not in pairs for a, b in pairs) == 3
    assert int((np.diff(graph.first) < 2).sum()) == 214
    # The headings of the file are those of the straight lines, but for bends, noise and whole degrees.
    straight = np.arctan2(*(graph.positions[graph.other] - graph.positions[starts])[:, 1::-1].T)
    off = np.abs((graph.yaw - straight + np.pi) % (2 * np.pi) - np.pi)[graph.length_m > 5]
    assert np.degrees(np.median(off)) < 2


@pytest.mark.real_data
def test_every_route_is_legal(real):
    folder, graph = real
    routes = [json.loads(line)["route_panoids"] for line in (folder / "dev.json").read_text().splitlines()]
    nodes = [graph.indices_of(route) for route in routes]
    assert all(graph.path_length(route) > 0 for route in nodes)
    shortest = sum(graph.hops_between(route[:1], route[-1:])[0, 0] == len(route) - 1 for route in nodes)
    assert (len(nodes), shortest) == (800, {"touchdown_unseen": 382, "map2seq_unseen": 800}[folder.name])
