import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.errors import ConfigError, PlacecellError
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame, SparseOctree, bev
from placecell.memory.bev import floor_height, render_bev, top_down
from placecell.memory.picture.bev_colours import GREY, PAPER, label_colour

ALL = (-math.inf, math.inf)


def octree_of(indices, size_m=0.1, agent=0):
    octree = SparseOctree(size_m)
    octree.insert_points((np.array(indices) + 0.5) * size_m, agent=agent)
    return octree


def room(size_m=0.1):
    """4 m by 3 m, a floor at 0, walls and a ceiling at 2.4 m, and a table in the south-west."""
    x, y, z = (n.ravel() for n in np.meshgrid(range(40), range(30), range(25), indexing="ij"))
    shell = (x % 39 == 0) | (y % 29 == 0) | (z % 24 == 0)
    table = (x > 4) & (x < 12) & (y > 4) & (y < 9) & (z == 7)
    return np.stack([x, y, z], -1)[shell | table]


def seen_square(rgb, label):
    """An octree that one frame has looked down on, from 1 m above z = 0: all of one colour and label."""
    camera = Pinhole.from_hfov(40, 40, math.radians(90))
    T = np.diag([1.0, -1.0, -1.0, 1.0])
    T[2, 3] = 1.0
    ones = np.ones((40, 40))
    colours = None if rgb is None else np.tile(np.array(rgb, np.uint8), (40, 40, 1))
    octree = SparseOctree(0.1)
    octree.insert(Frame(T, camera, ones.astype(np.float32), colours, (label * ones).astype(np.int32)), 5.0)
    return octree


def test_north_is_up_and_east_is_right():
    octree = octree_of([(0, 0, 0), (9, 0, 5), (0, 4, 9)])  # here, 0.9 m to the east, 0.4 m to the north
    seen = render_bev(octree, (60, 120), heights_m=ALL)
    points = np.array([[0.05, 0.05, 0.0], [0.95, 0.05, 0.0], [0.05, 0.45, 0.0]])
    (here, east, north) = np.floor(seen.to_pixel(points)).astype(int)
    assert east[0] > here[0] + 60
    assert east[1] == here[1]
    assert north[1] < here[1] - 20
    assert north[0] == here[0]
    for (column, row), height in zip((here, east, north), (0.05, 0.55, 0.95), strict=True):
        assert seen.heights[row, column] == pytest.approx(height, abs=0.01)
    assert np.isfinite(seen.heights).sum() == pytest.approx(3 * (0.1 / seen.metres_per_pixel) ** 2, rel=0.1)
    west, top = seen.origin
    np.testing.assert_allclose(seen.to_pixel(np.array([[west, top, 0.0]])), [[0, 0]], atol=1e-9)


def test_pixels_and_world_are_each_others_inverse():
    seen = render_bev(octree_of(room()), (90, 120))
    points = np.array([[1.0, 1.0, 0.0], [3.3, 2.2, 0.0], [0.55, 0.55, 0.0]])
    back = seen.to_world(seen.to_pixel(points))
    np.testing.assert_allclose(back[:, :2], points[:, :2], atol=1e-12)
    np.testing.assert_allclose(back[:, 2], [0.05, 0.05, 0.75], atol=0.01)
    assert np.isnan(seen.to_world(np.array([[-1.0, 5.0], [5.0, 90.0], [120.0, 0.0]]))[:, 2]).all()


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(*[st.integers(-6, 6)] * 3), min_size=1, max_size=40, unique=True),
    st.sampled_from([(40, 50), (97, 41), (200, 200)]),
    st.sampled_from([0.1, 0.25, 1 / 3]),
)
def test_each_pixel_shows_the_highest_voxel_around_its_middle(indices, size, size_m):
    octree = octree_of(indices, size_m)
    seen = render_bev(octree, size, heights_m=ALL)
    rows, columns = np.indices(size)
    ground = seen.footprint.to_ground(np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], -1))
    cells = np.floor(ground / size_m).astype(int)
    edge = np.abs(ground / size_m - np.rint(ground / size_m)).min(1) < 1e-6  # either voxel will do
    expected = np.full(len(cells), np.nan)
    for x, y, z in indices:
        here = (cells == (x, y)).all(1)
        expected[here] = np.fmax(expected[here], (z + 0.5) * size_m)
    found = seen.heights.ravel()
    np.testing.assert_allclose(found[~edge], expected[~edge], atol=size_m / 100)


def test_voxels_are_as_large_as_they_are_and_leave_no_holes():
    solid = np.argwhere(np.ones((10, 10, 1)))
    for pixels in (37, 120, 500):
        seen = render_bev(octree_of(solid), (pixels, pixels))
        low, high = seen.to_pixel(np.array([[0.0, 1.0, 0], [1.0, 0.0, 0]]))
        inner = seen.heights[math.ceil(low[1]) : math.floor(high[1]), math.ceil(low[0]) : math.floor(high[0])]
        assert inner.size > 500
        assert np.isfinite(inner).all()
        assert np.isfinite(seen.heights).sum() == pytest.approx(np.prod(high - low), rel=0.1)


def test_a_voxel_smaller_than_a_pixel_is_not_lost():
    lone = [(n * 37, n * 23, 0) for n in range(12)]
    seen = render_bev(octree_of(lone), (20, 20))
    for column, row in np.floor(seen.to_pixel((np.array(lone) + 0.5) * 0.1)).astype(int):
        assert np.isfinite(seen.heights[row, column])


def test_the_ceiling_is_cut_off_and_the_floor_is_found():
    octree = octree_of(room())
    assert floor_height(octree) == pytest.approx(0.05)
    seen = render_bev(octree, (90, 120))
    assert seen.heights_m == (-math.inf, pytest.approx(1.85))
    assert np.nanmax(seen.heights) < 1.9
    table = np.floor(seen.to_pixel(np.array([[0.8, 0.7, 0.0]]))).astype(int)[0]
    assert seen.heights[table[1], table[0]] == pytest.approx(0.75, abs=0.01)
    whole = render_bev(octree, (90, 120), heights_m=ALL)
    assert whole.heights[table[1], table[0]] == pytest.approx(2.45, abs=0.01)
    upper = render_bev(octree, (90, 120), heights_m=(0.3, 1.0))
    assert np.isnan(upper.heights[45, 60])
    assert np.nanmin(upper.heights) > 0.3


def test_a_few_voxels_below_are_not_the_floor():
    sunken = np.concatenate([room(), [(3, 3, -9), (20, 20, -30)]])
    assert floor_height(octree_of(sunken)) == pytest.approx(0.05)


def storey(floor, columns=40, rows=30):
    """A floor and its ceiling 2.4 m above."""
    x, y, z = (
        n.ravel() for n in np.meshgrid(range(columns), range(rows), (floor, floor + 24), indexing="ij")
    )
    return np.stack([x, y, z], -1)


def test_of_storeys_the_lowest_is_drawn_unless_another_is_larger_or_asked_for():
    for below in (0, -30):
        octree = octree_of(np.concatenate([storey(below), storey(below + 28)]))
        assert floor_height(octree) == pytest.approx((below + 0.5) / 10)
        assert np.nanmax(render_bev(octree, (60, 80)).heights) == pytest.approx((below + 0.5) / 10, abs=0.01)
        upper = render_bev(octree, (60, 80), heights_m=((below + 27) / 10, (below + 45) / 10))
        assert np.nanmin(upper.heights) == pytest.approx((below + 28.5) / 10, abs=0.01)
    wider = octree_of(np.concatenate([storey(0), storey(28, 60, 60)]))
    assert floor_height(wider) == pytest.approx(2.85)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (5, 9), (40, 1)])
def test_one_voxel_is_seen_at_any_size(size):
    for index in ((0, 0, 0), (-(10**6), 10**6 - 1, -7)):
        seen = render_bev(octree_of([index]), size, by="height")
        assert np.isfinite(seen.heights).any()
        assert seen.image.shape == (*size, 3)
        column, row = seen.to_pixel((np.array([index]) + 0.5) * 0.1)[0]
        assert (column, row) == pytest.approx((size[1] / 2, size[0] / 2), abs=1e-3)


def test_bounds_choose_the_piece_and_pixels_stay_square():
    seen = render_bev(octree_of(room()), (50, 200), bounds=((1.0, 1.0), (2.0, 2.0)))
    assert seen.metres_per_pixel == pytest.approx(0.02)
    assert seen.origin == pytest.approx((1.5 - 2.0, 2.0))
    elsewhere = render_bev(octree_of(room()), (20, 20), bounds=((50.0, 50.0), (51.0, 51.0)))
    assert np.isnan(elsewhere.heights).all()
    assert (elsewhere.image == PAPER).all()


def test_it_may_be_drawn_in_parts(monkeypatch):
    octree = octree_of(room())
    whole = render_bev(octree, (64, 64))
    monkeypatch.setattr(bev, "_VOXELS_AT_A_TIME", 17)
    parts = render_bev(octree, (64, 64))
    np.testing.assert_array_equal(parts.image, whole.image)
    np.testing.assert_array_equal(parts.heights, whole.heights)


def test_by_colour_height_and_labels():
    octree = seen_square((200, 40, 90), 7)
    middle = (30, 30)
    assert tuple(render_bev(octree, (60, 60)).image[middle]) == (200, 40, 90)
    assert tuple(render_bev(octree, (60, 60), by="labels").image[middle]) == label_colour(7)
    assert tuple(render_bev(seen_square((0, 0, 0), 0), (60, 60), by="labels").image[middle]) == GREY
    assert tuple(render_bev(seen_square(None, 7), (60, 60)).image[middle]) == GREY
    by_height = render_bev(octree_of([(0, 0, 0), (1, 0, 9)]), (30, 40), by="height", heights_m=ALL)
    (low, high) = np.floor(by_height.to_pixel(np.array([[0.05, 0.05, 0], [0.15, 0.05, 0]]))).astype(int)
    assert by_height.image[low[1], low[0]].sum() < by_height.image[high[1], high[0]].sum()
    assert tuple(by_height.image[0, 0]) == PAPER


def test_neighbouring_categories_differ():
    colours = np.array([label_colour(n) for n in range(1, 61)], int)
    assert len({tuple(colour) for colour in colours.tolist()}) == 60
    assert np.abs(np.diff(colours, axis=0)).sum(1).min() > 100


def test_each_agent_has_its_own():
    octree = octree_of([(0, 0, 0)])
    octree.insert_points(np.array([[5.0, 5.0, 0.0]]), agent=3)
    own, other = render_bev(octree, (20, 20)), render_bev(octree, (20, 20), agent=3)
    assert own.origin[0] < 0 < 4 < other.origin[0]
    assert floor_height(octree, agent=3) == pytest.approx(0.05)


def test_what_cannot_be_drawn_is_said_in_one_line():
    octree = octree_of(room())
    with pytest.raises(PlacecellError, match="a map in which something is occupied, got none of agent 0"):
        render_bev(SparseOctree(0.1))
    with pytest.raises(PlacecellError, match="a map with a floor, got one in which nothing is occupied"):
        floor_height(SparseOctree(0.1))
    with pytest.raises(PlacecellError, match=r"surface between 3 and 4 m, got one from 0\.05 to 2\.45 m"):
        render_bev(octree, heights_m=(3.0, 4.0))
    with pytest.raises(ConfigError, match=r"a lowest and a higher height in metres, got \(nan, 1\)"):
        render_bev(octree, heights_m=(math.nan, 1.0))
    with pytest.raises(ConfigError, match=r"bounds with an area: .*, got \(\(1, 1\), \(1, 2\)\)"):
        render_bev(octree, bounds=((1.0, 1.0), (1.0, 2.0)))
    with pytest.raises(ConfigError, match=r"bounds with an area: .*nan"):
        render_bev(octree, bounds=((1.0, math.nan), (2.0, 2.0)))
    with pytest.raises(ConfigError, match="an image of 1 x 1 to 16384 x 16384 pixels, got 0 x 9"):
        render_bev(octree, (0, 9))
    with pytest.raises(ConfigError, match="by colour, height or labels, got 'hue'"):
        render_bev(octree, by="hue")


def numpy_top_down(points, values, bounds, size):
    """The same by a loop over points from the highest down."""
    (west, south), (east, north) = bounds
    metres = max((east - west) / size[1], (north - south) / size[0])
    left = (west + east - metres * size[1]) / 2
    top = (south + north + metres * size[0]) / 2
    heights, image = np.full(size, np.nan, np.float32), np.zeros((*size, values.shape[1]), values.dtype)
    for n in np.argsort(-points[:, 2].astype(np.float32), kind="stable"):
        column, row = (points[n, 0] - left) / metres, (top - points[n, 1]) / metres
        inside = 0 <= column < size[1] and 0 <= row < size[0]
        if inside and np.isnan(heights[int(row), int(column)]):
            heights[int(row), int(column)], image[int(row), int(column)] = points[n, 2], values[n]
    return heights, image


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_highest_point_wins_and_of_equals_the_first(dtype):
    rng = np.random.default_rng(0)
    points = rng.uniform(-1.2, 1.2, (5000, 3)).astype(dtype)
    points[:, 2] = np.round(points[:, 2], 1)
    values = rng.integers(0, 256, (5000, 3)).astype(np.uint8)
    bounds, size = ((-1.0, -1.0), (1.0, 1.0)), (31, 44)
    heights, image = top_down(points, values, bounds, size)
    expected_heights, expected = numpy_top_down(points, values, bounds, size)
    np.testing.assert_array_equal(heights, expected_heights)
    np.testing.assert_array_equal(image, expected)
    alone, nothing = top_down(points[::-1].copy(), None, bounds, size)
    np.testing.assert_array_equal(alone, expected_heights)
    assert nothing.shape == (31, 44, 0)


def test_points_that_are_no_points_are_said_in_one_line():
    points, bounds = np.zeros((5000, 3)), ((-1.0, -1.0), (1.0, 1.0))
    for axis, value in ((0, math.nan), (1, math.inf), (2, math.nan), (2, -math.inf)):
        bad = points.copy()
        bad[4321, axis] = value
        for values in (None, np.zeros((5000, 1), np.uint8)):
            with pytest.raises(PlacecellError, match=r"finite points in metres, got .* in row 4321"):
                top_down(bad, values, bounds, (8, 8))
    with pytest.raises(PlacecellError, match="values of 5000 points, got 3"):
        top_down(points, np.zeros((3, 1)), bounds, (8, 8))
    heights, _ = top_down(np.zeros((0, 3)), None, bounds, (8, 8))
    assert np.isnan(heights).all()


def test_a_frame_lands_where_the_body_saw_it():
    """A body that looks north sees a wall; in the image it is above the body."""
    camera = Pinhole.from_hfov(32, 32, math.radians(60))
    pose = Pose(1.0, 2.0, 0.0, math.pi / 2)
    octree = SparseOctree(0.1)
    octree.insert(Frame(pose.T_world_camera(0.5), camera, np.full((32, 32), 1.5, np.float32)), 5.0)
    seen = render_bev(octree, (80, 80), bounds=((-1.0, 0.0), (3.0, 4.0)))
    rows, columns = np.nonzero(np.isfinite(seen.heights))
    body = seen.to_pixel(pose.position[None])[0]
    assert rows.max() < body[1] - 20
    assert columns.mean() == pytest.approx(body[0], abs=1.5)
