import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from placecell.envs.graph.matterport import load_scan
from placecell.envs.graph.object_files import HIDDEN, load_labels
from placecell.envs.graph.objects import (
    ALONE_M,
    ObjectLabels,
    box_rays,
    labelled_on_path,
    meeting_points,
    names_in,
)
from placecell.envs.graph.panorama_graph import graph_of
from placecell.errors import DataError, EpisodeError

FOCAL = 240 / math.tan(math.radians(30))
CHAIR = [1.0, 2.0, 1.2]


def one(view, *box, name="arm#chair"):
    return {"name": name, "visible_pos": [view], "bbox2d": [list(box)]}


def box_towards(origin, target, view, size=20):
    """The box, around the pixel where a view shows a point: from the definition of the views."""
    heading, elevation = math.radians(30 * (view % 12)), math.radians(30 * (view // 12 - 1))
    east, north, up = np.subtract(target, origin)
    right = east * math.cos(heading) - north * math.sin(heading)
    ahead = east * math.sin(heading) + north * math.cos(heading)
    depth = ahead * math.cos(elevation) + up * math.sin(elevation)
    rise = up * math.cos(elevation) - ahead * math.sin(elevation)
    assert depth > 0
    u, v = 320 + FOCAL * right / depth, 240 - FOCAL * rise / depth
    return [round(u - size / 2), round(v - size / 2), size, size]


@pytest.fixture
def graph():
    positions = np.array([[0.0, 0.0, 1.5], [2.0, 0.0, 1.5], [4.0, 0.0, 1.5]])
    ends = np.array([[0, 1], [1, 0], [1, 2], [2, 1]], np.int32)
    return graph_of("scan", ["a", "b", "c"], positions, ends)


@pytest.fixture
def folder(tmp_path, graph):
    """A chair seen from a and b, a lamp seen from b alone, a bath hidden from a; c sees nothing."""
    a, b = graph.positions[:2]
    seen = {
        "a": {
            "7": one(13, *box_towards(a, CHAIR, 13)),
            "12": {"name": "bathroom##sink", "visible_pos": [], "bbox2d": []},
        },
        "b": {"9": one(12, 310, 230, 20, 20, name="lamp"), "7": one(11 + 12, *box_towards(b, CHAIR, 23))},
        "c": {},
    }
    for name, objects in seen.items():
        (tmp_path / f"scan_{name}.json").write_text(json.dumps({name: objects}))
    return tmp_path


def write(folder, name, content):
    text = content if isinstance(content, str) else json.dumps({name: content})
    (folder / f"scan_{name}.json").write_text(text)


def test_a_box_in_the_middle_of_a_view_lies_where_the_view_looks():
    view = np.array([12, 15, 24, 0], np.int8)
    rays = box_rays(view, np.array([[310, 230, 20, 20]] * 4, np.int16))
    c, s = math.cos(math.pi / 6), 0.5
    np.testing.assert_allclose(rays, [[0, 1, 0], [1, 0, 0], [0, c, s], [0, c, -s]], atol=1e-12)


def test_a_box_at_the_right_is_clockwise_and_one_at_the_top_is_above():
    box = np.array([[630, 230, 10, 20], [310, 0, 20, 2]], np.int16)
    right, above = box_rays(np.array([12, 12], np.int8), box)
    assert right[0] > 0.6
    assert right[2] == pytest.approx(0)
    assert math.degrees(math.asin(above[2])) == pytest.approx(30, abs=0.3)


def test_two_viewpoints_tell_where_an_object_stands(graph, folder):
    found = ObjectLabels(folder).of(graph)
    for node in (0, 1):
        rows = found.at(node)
        (row,) = (n for n in range(rows.start, rows.stop) if found.instance[n] == 7)
        away = np.subtract(CHAIR, graph.positions[node])
        np.testing.assert_allclose(found.position[row], CHAIR, atol=0.02)
        assert found.triangulated[row]
        assert found.distance_m[row] == pytest.approx(np.linalg.norm(away), abs=0.02)
        assert found.yaw[row] == pytest.approx(math.atan2(away[1], away[0]), abs=0.01)
        assert found.pitch[row] == pytest.approx(math.asin(away[2] / np.linalg.norm(away)), abs=0.01)


def test_an_object_of_one_viewpoint_is_taken_to_be_near(graph, folder):
    found = ObjectLabels(folder).of(graph)
    row = found.at(1).stop - 1
    assert (found.instance[row], found.triangulated[row], found.view[row]) == (9, False, 12)
    np.testing.assert_allclose(found.position[row], [2.0, ALONE_M, 1.5], atol=1e-9)
    assert found.distance_m[row] == pytest.approx(ALONE_M)


def test_rays_that_part_or_run_side_by_side_tell_no_place():
    origin = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    apart = np.array([[-0.6, 0.8, 0.0], [0.6, 0.8, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    point, told = meeting_points(origin, apart, np.array([1, 1, 2, 2], np.int32))
    assert not told.any()
    np.testing.assert_allclose(point, origin + ALONE_M * apart)


@pytest.mark.parametrize(("gap_m", "meet"), [(0.8, True), (1.2, False)])
def test_rays_that_pass_each_other_far_off_tell_no_place(gap_m, meet):
    origin = np.array([[0.0, 0.0, 0.0], [1.0, -1.0, gap_m]])
    point, told = meeting_points(origin, np.eye(3)[:2], np.array([1, 1], np.int32))
    assert told.tolist() == [meet, meet]
    np.testing.assert_allclose(point[0], [1.0, 0.0, gap_m / 2] if meet else [ALONE_M, 0.0, 0.0], atol=1e-12)


def test_what_is_near_but_hidden_is_listed_and_not_seen(graph, folder):
    labels = ObjectLabels(folder)
    found = labels.of(graph)
    assert labels.categories == ("", "arm chair", "bathroom sink", "lamp")
    assert [labels.categories[n] for n in found.category[found.at(0)]] == ["arm chair"]
    assert found.names_along([0]) == {"arm chair", "bathroom sink"}
    assert found.names_along([0, 1], visible=True) == {"arm chair", "lamp"}
    assert found.at(2) == slice(3, 3)
    assert (labels.most, labels.scans) == (2, ("scan",))


def test_the_view_with_a_whole_box_near_the_middle_shows_an_object_best(tmp_path):
    views = {"visible_pos": [13, 14, 15], "bbox2d": [[300, 0, 40, 200], [100, 200, 50, 50], [10, 10, 9, 9]]}
    write(tmp_path, "a", {"1": {"name": "rug", **views}})
    table = load_labels(tmp_path)
    assert table.view.tolist() == [14]
    assert table.box.tolist() == [[100, 200, 50, 50]]


def test_a_category_has_one_index_in_every_scan(folder, graph):
    (folder / "other_x.json").write_text(json.dumps({"x": {"1": one(12, 5, 5, 9, 9, name="bed")}}))
    labels = ObjectLabels(folder)
    other = graph_of("other", ["x"], np.zeros((1, 3)), np.empty((0, 2), np.int32))
    assert labels.of(graph).categories == labels.of(other).categories
    assert labels.categories[labels.of(other).category[0]] == "bed"


def test_labels_come_from_the_cache_until_a_file_changes(folder):
    before = load_labels(folder)
    again = load_labels(folder)
    assert again.categories == before.categories
    assert again.viewpoints == before.viewpoints
    for name in ("first", "instance", "category", "view", "box"):
        np.testing.assert_array_equal(getattr(again, name), getattr(before, name))
    write(folder, "c", {"1": one(12, 5, 5, 9, 9, name="bed")})
    assert "bed" in load_labels(folder).categories


def test_a_damaged_cache_is_made_anew(folder, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("PLACECELL_CACHE", str(tmp_path / "cache"))
    before = load_labels(folder)
    (cached,) = (tmp_path / "cache" / "labels").iterdir()
    cached.write_bytes(cached.read_bytes()[:200])
    assert load_labels(folder).categories == before.categories
    assert "is damaged and is made anew" in caplog.text


def test_a_viewpoint_without_labels_is_not_one_without_objects(graph, folder):
    (folder / "scan_c.json").unlink()
    found = ObjectLabels(folder).of(graph)
    with pytest.raises(
        EpisodeError, match="expected object labels of viewpoint c of scan scan, got a folder"
    ):
        found.at(2)
    with pytest.raises(EpisodeError, match="viewpoint c of scan scan"):
        found.names_along([0, 2])


def test_a_scan_without_labels_is_named(folder):
    other = graph_of("other", ["x"], np.zeros((1, 3)), np.empty((0, 2), np.int32))
    with pytest.raises(EpisodeError, match=r"got no labels for scan other; set env\.semantics=false"):
        ObjectLabels(folder).of(other)


def test_a_folder_without_labels_is_named(tmp_path):
    with pytest.raises(DataError, match=r"expected label files SCAN_VIEWPOINT\.json, got .* without any"):
        load_labels(tmp_path)
    with pytest.raises(DataError, match="which does not exist"):
        load_labels(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"c": {', "got no JSON"),
        ("[" * 100_000, "got no JSON"),
        ('{"d": {}}', "something else than the objects of viewpoint c"),
        ({"x1": one(3, 1, 1, 2, 2)}, "object 'x1', whose id is no number"),
        ({"1": {"name": "bed"}}, "object 1 without a name, views and a box"),
        ({"1": {"name": "bed", "visible_pos": [1, 2], "bbox2d": [[1, 1, 2, 2]]}}, "object 1 without"),
        ({"1": one(36, 1, 1, 2, 2)}, "object 1 with a view or box outside of 36 views of 640x480"),
        ({"1": one(3, 630, 1, 20, 2)}, "object 1 with a view or box outside"),
        ({"1": one(3, 1.5, 1, 2, 2)}, "object 1 with a view or box outside"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong(folder, content, says):
    write(folder, "c", content)
    with pytest.raises(DataError, match=r"object labels in .*scan_c\.json, got ") as caught:
        load_labels(folder)
    assert says in str(caught.value)


def test_names_are_found_as_whole_words_and_in_the_plural():
    text = "Walk past the dining chairs, then two benches and the T.V stand; stop at the bedroom."
    names = ["dining chair", "bench", "t.v", "bed", "stand", "sofa", "?"]
    assert names_in(text, names) == ("bench", "dining chair", "stand", "t.v")
    assert not labelled_on_path(text, ["bed", "oom"])


@pytest.mark.real_data
def test_rays_of_one_object_meet_and_labels_are_as_thin_as_they_are_said_to_be():
    labels = ObjectLabels()
    found = [labels.of(load_scan(scan)) for scan in labels.scans]
    assert (len(found), labels.most) == (61, 60)
    misses = []
    for one_scan in found:
        nodes = np.repeat(np.arange(len(one_scan.graph)), np.diff(one_scan.first))
        away = one_scan.position - one_scan.graph.positions[nodes]
        ray = box_rays(one_scan.view, one_scan.box)
        miss = np.linalg.norm(away - (away * ray).sum(1, keepdims=True) * ray, axis=1)
        misses.append(miss[one_scan.triangulated])
    told = np.concatenate(misses)
    assert len(told) > 12_000
    assert np.median(told) < 0.03
    listed = np.concatenate([np.diff(one_scan.listed_first) for one_scan in found])
    seen = np.concatenate([np.diff(one_scan.first) for one_scan in found])
    assert len(listed) == 7644
    assert all(one_scan.labelled.all() for one_scan in found)
    assert (listed.mean(), (listed == 0).mean()) == (
        pytest.approx(3.534, abs=1e-3),
        pytest.approx(0.2265, abs=1e-3),
    )
    assert (seen.mean(), (seen == 0).mean()) == (
        pytest.approx(2.566, abs=1e-3),
        pytest.approx(0.3397, abs=1e-3),
    )
    assert (load_labels().view == HIDDEN).sum() == 7403


@pytest.mark.real_data
def test_as_many_instructions_name_something_on_their_path_as_is_said():
    labels = ObjectLabels()
    scans = {scan: labels.of(load_scan(scan)) for scan in labels.scans}
    said = {True: [], False: []}
    for split in ("train", "val_seen"):
        path = Path(os.environ["PLACECELL_DATA"]) / "r2r" / f"R2R_{split}.json"
        for item in json.loads(path.read_text()):
            scan = scans[item["scan"]]
            nodes = scan.graph.indices_of(item["path"])
            for visible, hits in said.items():
                names = scan.names_along(nodes, visible=visible)
                hits.extend(labelled_on_path(text, names) for text in item["instructions"])
    assert len(said[False]) == 15_060
    assert np.mean(said[False]) == pytest.approx(0.45, abs=0.01)
    assert np.mean(said[True]) == pytest.approx(0.30, abs=0.01)
