import math

import numpy as np
import pytest

from placecell.agent.picture import TopDown, depth_colours, step_picture, walk_map
from placecell.geometry import Pose

UNSEEN, SEEN, BLOCKED = (214, 214, 210), (236, 236, 232), (60, 64, 72)
RED, GREEN, BLUE = (200, 0, 0), (0, 200, 0), (0, 0, 200)


def at(x, y, z=0.0):
    return np.array([x, y, z])


def plain(cells, heights=0.0, *, origin=(0.0, 0.0), cell_m=0.5, scale=4):
    heights = np.where(cells == 2, heights, np.nan)
    return TopDown(cells, heights, np.array(origin), cell_m, scale)


def whole(top_down):
    return top_down.crop([at(0, 0)], margin_m=1e3)


def test_a_cell_is_a_square_of_its_kind_east_to_the_right_and_north_up():
    cells = np.zeros((3, 2), int)
    cells[2, 1] = 3  # the north-east corner
    cells[0, 0] = 1  # the south-west one
    picture = whole(plain(cells))
    assert picture.shape == (8, 12, 3)
    assert (picture[:4, 8:] == BLOCKED).all()
    assert (picture[4:, :4] == SEEN).all()
    assert (picture[:4, :8] == UNSEEN).all()


def test_floors_are_shaded_by_their_height_and_walls_are_darker_than_all():
    cells = np.array([[2, 2, 3, 0]])
    picture = whole(plain(cells, np.array([[0.0, 3.0, 0.0, 0.0]])))[:, 0].astype(int)
    unseen, wall, high, low = picture[2], picture[6], picture[10], picture[14]
    assert low[0] < high[0] <= 238
    assert low[1] > high[1]
    assert wall.sum() < min(low.sum(), high.sum(), unseen.sum())


def test_places_are_drawn_where_they_are():
    top_down = plain(np.zeros((20, 10), int), origin=(-5.0, 2.0))
    top_down.dot(at(-2.75, 5.75), RED, radius=3)
    picture = whole(top_down)
    found = np.argwhere((picture == RED).all(2)).mean(0)
    # 2.25 m east of the corner and 3.75 m north, at 8 pixels a metre, rows from the top of 40.
    np.testing.assert_allclose(found, [40 - 30, 18], atol=0.5)


def test_a_path_is_a_line_and_a_point_is_none():
    top_down = plain(np.zeros((20, 10), int))
    top_down.path([at(1.0, 1.0)], GREEN)
    assert not (whole(top_down) == GREEN).all(2).any()
    top_down.path([at(1.0, 1.0), at(9.0, 1.0), at(9.0, 4.0)], GREEN, width=1)
    rows, columns = np.nonzero((whole(top_down) == GREEN).all(2))
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (8, 72, 8, 32)


@pytest.mark.parametrize(("yaw_deg", "side"), [(0, (0, 1)), (90, (-1, 0)), (180, (0, -1)), (270, (1, 0))])
def test_an_arrow_points_along_the_heading(yaw_deg, side):
    top_down = plain(np.zeros((20, 20), int))
    top_down.arrow(Pose(5.0, 5.0, 0.0, math.radians(yaw_deg)), BLUE, length=30)
    found = np.argwhere((whole(top_down) == BLUE).all(2)) - 40
    reach = np.array([found.max(0), -found.min(0)])  # down and right, then up and left
    down, right = reach[0] - reach[1]
    assert np.sign([down, right] * np.abs(side)).tolist() == list(side)


def test_a_crop_keeps_the_margin_and_ends_at_the_map():
    top_down = plain(np.zeros((40, 40), int))  # 20 m square, 8 pixels a metre
    assert top_down.crop([at(10, 10)], margin_m=2.0).shape == (32, 32, 3)
    assert top_down.crop([at(10, 10), at(13, 11)], margin_m=2.0).shape == (40, 56, 3)
    assert top_down.crop([at(1, 1)], margin_m=2.0).shape == (24, 24, 3)
    assert top_down.crop([at(10, 10), at(99, 10)], margin_m=2.0).shape == (32, 96, 3)


def test_a_walk_shows_the_way_the_plan_the_frontier_and_the_goal():
    picture = walk_map(
        plain(np.ones((80, 40), int)),
        walked=[Pose(10.0, 10.0, 0.0, 0.0), Pose(15.0, 10.0, 0.0, 0.0)],
        goal=at(25.0, 10.0),
        plan=[at(20.0, 10.0), at(25.0, 10.0)],
        frontier=at(20.0, 10.0),
    )
    assert picture.shape == (8 * 8, 23 * 8, 3)  # from 6 m to 29 m and 4 m to either side
    row = picture[32].astype(int)
    walked, planned, frontier, goal = (row[int((x - 6) * 8)] for x in (12, 18, 20, 25))
    assert walked[0] > 150 > walked[2]
    assert planned[2] > 150 > planned[0]
    assert frontier[0] > 200 > 100 > frontier[2]
    assert goal[1] > max(goal[0], goal[2])


def test_a_walk_without_a_plan_is_drawn_too():
    cells = plain(np.ones((10, 10), int))
    picture = walk_map(cells, walked=[Pose(2.0, 2.0, 0.0, 0.0)], goal=at(90.0, 2.0), plan=[], frontier=None)
    assert picture.ndim == 3


def test_near_is_warm_far_is_cold_and_no_return_is_dark():
    near, middle, far, beyond, none = depth_colours(np.array([[0.1, 3.0, 10.0, 50.0, 0.0]], np.float32))[0]
    assert near[0] > middle[0] > far[0]
    assert near[2] < far[2] + 100
    assert far.tolist() == beyond.tolist()
    assert none.tolist() == [20, 20, 20]


@pytest.mark.parametrize(("size", "width"), [((64, 64), 96), ((48, 64), 128), ((120, 60), 48)])
def test_a_step_s_picture_keeps_the_proportions_of_its_parts(size, width):
    rgb = np.full((*size, 3), (10, 200, 30), np.uint8)
    depth = np.zeros(size, np.float32)
    top_down = np.full((50, 100, 3), (1, 2, 250), np.uint8)
    picture = step_picture(rgb, depth, top_down, height=200)
    assert picture.shape == (200, width + 8 + 400, 3)
    assert (picture[:96, :width] == (10, 200, 30)).all()
    assert (picture[104:, :width] == 20).all()
    assert (picture[:, width + 8 :] == (1, 2, 250)).all()
