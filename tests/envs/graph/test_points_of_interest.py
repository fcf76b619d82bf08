import math

import numpy as np
import pytest

from placecell.envs.graph.panorama_graph import graph_of
from placecell.envs.graph.points_of_interest import PointOfInterest, PointsOnGraph, read_points
from placecell.errors import ConfigError, DataError

ORIGIN = (40.74, -73.99)
DEGREE_M = math.pi / 180 * 6_371_008.8


def at(east, north, tags, point_id="p"):
    latitude = ORIGIN[0] + north / DEGREE_M
    longitude = ORIGIN[1] + east / DEGREE_M / math.cos(math.radians(ORIGIN[0]))
    return PointOfInterest(point_id, latitude, longitude, tags)


@pytest.fixture
def graph():
    """A street of five panoramas, 40 m apart, to the east."""
    positions = np.array([[40.0 * n, 0.0, 0.0] for n in range(5)])
    ends = np.array([[n, n + 1] for n in range(4)], np.int32)
    return graph_of("manhattan", list("abcde"), positions, ends, origin_degrees=ORIGIN)


@pytest.fixture
def points():
    return tuple(
        at(40.0 * n + away, 10.0, f"amenity={kind}")
        for n, kind in enumerate(["cafe", "bank", "bar", "school", "theatre"])
        for away in (-5, 5)
    )


def said(found, node):
    return [found.texts[n] for n in found.text[found.at(node)]]


def test_points_are_seen_from_near_panoramas_by_distance_and_direction(graph):
    points = (at(0, 20, "name=Far Cafe"), at(-10, 0, "name=Deli"), at(40, -29, "name=Bank"), at(500, 0, "x"))
    found = PointsOnGraph.of(graph, points)
    assert said(found, 0) == ["deli", "far cafe"]
    np.testing.assert_allclose(found.distance_m[found.at(0)], [10, 20], atol=1e-3)
    np.testing.assert_allclose(np.abs(found.yaw[found.at(0)]), [math.pi, math.pi / 2], atol=1e-6)
    assert said(found, 1) == ["bank"]
    assert found.yaw[found.at(1)][0] == pytest.approx(-math.pi / 2)
    assert found.at(4) == slice(3, 3)
    assert (found.most, found.texts) == (2, ("", "bank", "deli", "far cafe", "x"))


def test_the_nearest_are_kept_where_there_are_too_many(graph):
    points = tuple(at(0, north, f"n{north}") for north in (9, 3, 6, 12))
    found = PointsOnGraph.of(graph, points, most=2)
    assert said(found, 0) == ["n3", "n6"]
    assert said(PointsOnGraph.of(graph, points, radius_m=10.0), 0) == ["n3", "n6", "n9"]


def test_no_points_are_no_error(graph):
    found = PointsOnGraph.of(graph, ())
    assert (found.most, found.texts, found.at(2)) == (0, ("",), slice(0, 0))
    assert found.permuted(0, (0, 1)).at(1) == slice(0, 0)


def test_permuted_points_stand_where_they_stood_and_say_what_others_on_the_route_said(graph, points):
    plain = PointsOnGraph.of(graph, points, radius_m=20.0)
    other = plain.permuted(3, (0, 1, 2))
    for name in ("first", "point", "yaw", "distance_m"):
        np.testing.assert_array_equal(getattr(other, name), getattr(plain, name))
    on_route = [text for node in (0, 1, 2) for text in said(plain, node)]
    assert sorted(text for node in (0, 1, 2) for text in said(other, node)) == sorted(on_route)
    assert [said(other, node) for node in (3, 4)] == [said(plain, node) for node in (3, 4)]
    assert [said(other, node) for node in (0, 1, 2)] != [said(plain, node) for node in (0, 1, 2)]


def test_none_keeps_its_own_tags_and_the_seed_decides(graph):
    points = tuple(at(10.0 * n, 5, f"shop {n}") for n in range(11))
    plain = PointsOnGraph.of(graph, points)
    drawn = [plain.permuted(seed, (0, 1, 2)).text_of for seed in range(20)]
    assert all((text != plain.text_of).all() for text in drawn)
    assert len({tuple(text) for text in drawn}) == 20
    np.testing.assert_array_equal(plain.permuted(7, (0, 1, 2)).text_of, drawn[7])


@pytest.mark.parametrize(
    "tags", ["amenity=fast_food;name=Joe's Pizza, NY;takeaway=yes", "fast food Joe's Pizza, NY takeaway"]
)
def test_tags_are_read_as_words(tmp_path, tags):
    path = tmp_path / "points.csv"
    path.write_text(f"248,40.7411,-73.9897,{tags}\n\n248,40.7,-73.9,bank\n")
    first, second = read_points(path)
    assert first.text == "fast food joe's pizza, ny takeaway"
    assert (first.point_id, first.latitude, first.longitude) == ("248", 40.7411, -73.9897)
    assert (second.point_id, second.tags) == ("248", "bank")


@pytest.mark.parametrize(
    "line",
    [
        "id,lat,lng,tags",
        "1,40.7,-73.9",
        "1,40.7,-73.9,",
        "1,91,-73.9,bank",
        "1,nan,0,bank",
        ",40,-73,bank",
        "1,40,-73, ; ",
    ],
)
def test_a_malformed_line_is_named_by_number(tmp_path, line):
    path = tmp_path / "points.csv"
    path.write_text(f"1,40.7,-73.9,bank\n{line}\n")
    with pytest.raises(DataError, match=r"expected id,lat,lng,tags in .*points\.csv line 2, got ") as caught:
        read_points(path)
    assert repr(line.strip()) in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_the_first_id(tmp_path):
    (tmp_path / "points.csv").write_bytes(b"\xef\xbb\xbf1,40.7,-73.9,bank\n")
    assert read_points(tmp_path / "points.csv")[0].point_id == "1"


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    with pytest.raises(DataError, match=r"expected a file of points of interest \(id,lat,lng,tags\)"):
        read_points(tmp_path / "nowhere.csv")


def test_a_graph_off_the_globe_and_senseless_numbers_are_one_line(graph):
    indoors = graph_of("scan", ["a"], np.zeros((1, 3)), np.empty((0, 2), np.int32))
    with pytest.raises(ConfigError, match="expected a street graph for points of interest, got graph scan"):
        PointsOnGraph.of(indoors, ())
    with pytest.raises(ConfigError, match="got radius_m 0, most 16"):
        PointsOnGraph.of(graph, (), radius_m=0.0)
