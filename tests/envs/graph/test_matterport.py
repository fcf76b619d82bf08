"""Matterport's connectivity files: what is a node, what is an edge, and one line for each that is none."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from instructed_worlds import house, write_scan

from placecell.envs.graph.matterport import (
    load_scan,
    load_scans,
    scan_names,
    view_direction,
    view_of,
    views_of,
)
from placecell.errors import DataError, EpisodeError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PLACECELL_CACHE", str(tmp_path / "cache"))
    write_scan(tmp_path / "scans")
    return tmp_path / "scans"


def changed(folder, change):
    """The house's file after ``change`` of its entries."""
    path = folder / "house_connectivity.json"
    entries = json.loads(path.read_text())
    path.write_text(json.dumps(change(entries) or entries))


def test_a_scan_is_its_viewpoints_and_the_open_ways_between_them(folder):
    graph, expected = load_scan("house", folder), house()
    assert graph.names == expected.names
    assert graph.name == "house"
    assert graph.positions.tolist() == expected.positions.tolist()
    assert graph.other.tolist() == expected.other.tolist()
    assert graph.yaw.tolist() == expected.yaw.tolist()
    assert graph.floor_height_m.tolist() == [0.0] * 6


def test_a_viewpoint_that_is_not_included_is_no_node(folder):
    changed(folder, lambda entries: entries[2].update(included=False))
    graph = load_scan("house", folder)
    assert graph.names == ("a", "b", "d", "e", "f")
    assert [graph.names[n] for n in graph.neighbours(graph.index_of("b"))] == ["a", "e"]
    assert np.isinf(graph.distances_from(0)[graph.index_of("d")])


def test_a_viewpoint_that_says_it_reaches_itself_is_no_neighbour_of_itself(folder):
    changed(folder, lambda entries: entries[1]["unobstructed"].__setitem__(1, True))
    graph = load_scan("house", folder)
    assert graph.other.tolist() == house().other.tolist()


def test_what_is_only_visible_is_no_way(folder):
    def hide(entries):
        for one, other in ((1, 2), (2, 1)):
            entries[one]["unobstructed"][other] = False

    changed(folder, hide)
    assert "c" not in [load_scan("house", folder).names[n] for n in load_scan("house", folder).neighbours(1)]


def test_scans_are_found_by_name_and_in_the_data_folder(folder, monkeypatch):
    write_scan(folder, "home")
    assert scan_names(folder) == ("home", "house")
    assert list(load_scans(folder=folder)) == ["home", "house"]
    assert list(load_scans(["house", "house"], folder)) == ["house"]
    monkeypatch.setenv("PLACECELL_DATA", str(folder.parent))
    folder.rename(folder.parent / "mp3d_connectivity")
    assert len(load_scan("house")) == len(load_scans()["home"]) == 6


def test_kept_graphs_follow_their_files(folder):
    assert len(load_scans(folder=folder)["house"]) == 6
    changed(folder, lambda entries: entries[5].update(included=False))
    assert len(load_scans(folder=folder)["house"]) == 5


@pytest.mark.parametrize("load", [load_scan, lambda name, folder: load_scans([name], folder)])
def test_an_unknown_scan_is_named_with_its_nearest(folder, load):
    with pytest.raises(
        EpisodeError,
        match=r"one of the 1 scans in .*, got the unknown scan 'hause'; .*nearest names are house",
    ):
        load("hause", folder)


def test_a_folder_without_scans_or_none_at_all_is_one_line(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"SCAN_connectivity.json, got .* without any; fetch them"):
        load_scans(folder=tmp_path)
    with pytest.raises(DataError, match="nowhere, which does not exist"):
        load_scan("house", tmp_path / "nowhere")
    monkeypatch.delenv("PLACECELL_DATA", raising=False)
    with pytest.raises(DataError, match="for 'mp3d_connectivity', got no PLACECELL_DATA"):
        load_scan("house")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda e: {"a": 1}, "something else than a list of viewpoints"),
        (lambda e: e[1].pop("image_id") and None, "viewpoint 1 without an image_id"),
        (lambda e: e[1].update(image_id="a"), "two viewpoints of one name"),
        (lambda e: e[1].update(included=1), r"viewpoint 1 \(b\) whose included is neither true nor false"),
        (lambda e: e[1].update(pose=[0.0] * 12), r"viewpoint 1 \(b\) with 12 values as pose, not 16"),
        (lambda e: e[1].pop("pose") and None, r"viewpoint 1 \(b\) with none as pose, not 16"),
        (lambda e: e[1].update(pose=["1"] * 16), "whose pose or height is no finite number"),
        (lambda e: e[1]["unobstructed"].pop() and None, r"1 \(b\) with 5 values as unobstructed, not 6"),
        (lambda e: e[1].update(height=math.nan), r"1 \(b\) whose pose or height is no finite number"),
        (lambda e: e[1].update(height=10**400), r"1 \(b\) whose pose or height is no finite number"),
        (lambda e: e.clear(), "no included viewpoint"),
        (lambda e: [{**one, "included": False} for one in e], "no included viewpoint"),
        (lambda e: e[0].update(pose=e[1]["pose"]), "an edge a -> b of no length"),
        (lambda e: e[1]["unobstructed"].__setitem__(0, False), "an edge a -> b that leads one way only"),
    ],
)  # fmt: skip
def test_a_damaged_viewpoint_is_named(folder, change, complaint):
    changed(folder, change)
    with pytest.raises(
        DataError, match=rf"Matterport viewpoints in .*house_connectivity.json, got .*{complaint}"
    ) as told:
        load_scan("house", folder)
    assert "\n" not in str(told.value)


def test_a_file_that_is_cut_off_is_no_json(folder):
    path = folder / "house_connectivity.json"
    path.write_text(path.read_text()[:-40])
    with pytest.raises(DataError, match=r"house_connectivity.json, got no JSON: .*; fetch the file anew"):
        load_scans(folder=folder)
    path.write_text("[" * 100_000)
    with pytest.raises(DataError, match=r"house_connectivity.json, got no JSON: .*recursion"):
        load_scan("house", folder)


def test_no_scans_are_no_graphs(folder):
    assert load_scans([], folder) == {}


def test_views_are_numbered_as_the_simulator_does():
    north, east, south, west = math.pi / 2, 0.0, -math.pi / 2, math.pi
    assert [view_of(yaw, 0.0) for yaw in (north, east, south, west)] == [12, 15, 18, 21]
    assert [view_of(north, math.radians(p)) for p in (-90, -16, -14, 14, 16, 90)] == [0, 0, 12, 12, 24, 24]
    assert [view_of(north - math.radians(d), 0.0) for d in (14, 16, -14, -16, 346)] == [12, 13, 12, 23, 12]


def test_the_middle_of_a_view_lies_in_it():
    middles = [view_direction(view) for view in range(36)]
    assert [view_of(*middle) for middle in middles] == list(range(36))
    assert views_of(*np.array(middles).T).tolist() == list(range(36))
    assert all(-math.pi <= yaw < math.pi for yaw, _ in middles)
    with pytest.raises(EpisodeError, match="a view 0 to 35, got 36"):
        view_direction(36)


@pytest.fixture(scope="module")
def homes():
    return load_scans()


@pytest.mark.real_data
def test_the_ninety_scans(homes):
    assert (len(homes), sum(map(len, homes.values()))) == (90, 10567)
    assert max(graph.most_neighbours for graph in homes.values()) == 13
    alone = sum(int((np.diff(graph.first) == 0).sum()) for graph in homes.values())
    assert alone == 8


@pytest.mark.real_data
@pytest.mark.parametrize(("split", "paths"), [("train", 4675), ("val_seen", 340)])
def test_r2rs_paths_are_legal_and_as_long_as_stored(homes, split, paths):
    folder = Path(os.environ["PLACECELL_DATA"]) / "r2r"
    entries = json.loads((folder / f"R2R_{split}.json").read_text())
    assert len(entries) == paths
    found = 0
    for entry in entries:
        graph = homes[entry["scan"]]
        nodes = graph.indices_of(entry["path"])
        assert graph.path_length(nodes) == pytest.approx(entry["distance"], abs=0.0051)
        found += graph.shortest_path(nodes[0], nodes[-1]) == nodes
    assert found == paths
