import math
from dataclasses import replace

import numpy as np
import pytest
from percepts import body
from voxel_boxes import BoxOctree, ground

from placecell.agent.policies.ground_map import GroundMap
from placecell.geometry import Pinhole, Pose
from placecell.memory import SpatialMemory

WIDE = Pinhole.from_hfov(8, 8, math.radians(90))
FAR_M = 15.0
START, GOAL = Pose(1.05, 2.05, 0.0, 0.0), np.array([9.05, 2.05, 0.0])


def hall(*, wall=True):
    """10 m by 8 m of flat floor, walled but in the east; a wall at x = 5 m is open north of y = 6 m."""
    heights = np.zeros((100, 80), int)
    heights[0] = heights[:, [0, -1]] = 30
    if wall:
        heights[50, :60] = 30
    return ground(heights)


def mapped(states, lower=(0, 0, -1), *, pose=None, **changes):
    """A map that has looked around in a box; its floors' tops lie at 0 m."""
    world = GroundMap(BoxOctree(states, lower), body(**changes), FAR_M)
    for yaw_rad in (0.0, math.pi):
        world.look(replace(pose or START, yaw_rad=yaw_rad))
    return world


def at(x, y, z=0.0):
    return np.array([x, y, z])


def test_a_route_leads_from_the_body_to_the_goal_over_the_floor():
    route = mapped(hall(wall=False)).route(START, GOAL)
    np.testing.assert_allclose(route.points[0], [1.05, 2.05, 0], atol=1e-9)
    np.testing.assert_allclose(route.points[-1], GOAL)
    np.testing.assert_allclose(route.points[:, 1:], np.tile([2.05, 0.0], (len(route.points), 1)), atol=1e-9)
    assert not route.unknown.any()
    assert route.frontier is None
    np.testing.assert_allclose(route.target, GOAL)


def test_a_route_goes_round_a_wall_and_its_target_is_in_sight():
    route = mapped(hall()).route(START, GOAL)
    assert route.points[:, 1].max() > 6.1
    wall = np.array([[5.05, y] for y in np.arange(0.05, 6.0, 0.1)])
    sight = np.linspace(START.position[:2], route.target[:2], 100)
    assert np.hypot(*(sight[:, None] - wall).T).min() > 0.15
    assert route.target[0] < 5.5


@pytest.mark.parametrize(("rise", "over"), [(0.6, True), (1.45, False)])
def test_a_ridge_is_gone_over_where_it_is_not_too_steep(rise, over):
    heights = np.zeros((100, 80), int)
    heights[0] = heights[:, [0, -1]] = 30
    heights[35:66, :60] = np.floor(rise * (15.5 - np.abs(np.arange(-15, 16))))[:, None]
    route = mapped(ground(heights)).route(START, GOAL)
    assert (route.points[:, 1].max() < 3) == over
    assert (route.points[:, 2].max() > 0.5) == over


def test_the_frontier_is_where_the_known_ends():
    route = mapped(hall(wall=False)).route(START, at(15.05, 2.05))
    np.testing.assert_allclose(route.frontier, [10.05, 2.05, 0.0], atol=1e-9)
    assert route.unknown.sum() == 50  # as far as the cell beside the goal
    assert not route.unknown[: np.argmax(route.unknown)].any()


def test_a_map_of_nothing_has_the_body_at_its_frontier():
    empty = GroundMap(SpatialMemory().octree, body(), 10.0)
    empty.look(START)
    route = empty.route(START, GOAL)
    np.testing.assert_allclose(route.frontier, route.points[0])
    np.testing.assert_allclose(route.target, GOAL)


def test_the_target_is_no_farther_than_ten_metres():
    route = GroundMap(SpatialMemory().octree, body(), 10.0).route(START, at(31.05, 2.05))
    assert np.hypot(*(route.target - START.position)[:2]) == pytest.approx(10.0, abs=0.11)


@pytest.mark.parametrize("far", [(-30.0, 2.0), (3.0, -40.0), (60.0, 50.0)])
def test_a_map_that_grows_keeps_what_it_knew(far):
    world = mapped(hall())
    before = world.route(START, GOAL)
    world.bump(Pose(*before.points[20].tolist(), 0.0), 0.0, 2)
    bumped = world.route(START, GOAL)
    world.look(Pose(*far, 0.0, 0.0))
    after = world.route(START, GOAL)
    np.testing.assert_allclose(after.points, bumped.points, atol=1e-9)
    np.testing.assert_array_equal(after.unknown, bumped.unknown)
    assert not np.array_equal(before.points[:21], bumped.points[:21])


def test_a_plan_is_kept_unless_another_way_is_clearly_better():
    """Between two ways of about one length it does not turn back and forth, and a new map decides anew."""
    states = hall(wall=False)
    states[50, 20:60] = states[0, 0, :]  # a wall with a way round either end
    north, south = Pose(2.05, 4.25, 0.0, 0.0), Pose(2.05, 3.75, 0.0, 0.0)
    goal = at(8.05, 4.05)
    assert mapped(states).route(south, goal).points[:, 1].min() < 2
    world = mapped(states)
    assert world.route(north, goal).points[:, 1].max() > 6
    assert world.route(south, goal).points[:, 1].max() > 6
    world.clear()
    world.look(START)
    assert world.route(south, goal).points[:, 1].min() < 2


@pytest.mark.parametrize("shift", [(-137, 55, 0), (-1000, -1000, -40), (700, -90, 25)])
def test_a_world_elsewhere_has_the_same_routes_elsewhere(shift):
    offset = np.array(shift) * 0.1
    there = Pose(*(START.position + offset), 0.0)
    elsewhere = mapped(hall(), np.array((0, 0, -1)) + shift, pose=there)
    found = elsewhere.route(there, GOAL + offset)
    expected = mapped(hall()).route(START, GOAL)
    np.testing.assert_allclose(found.points, expected.points + offset, atol=1e-6)
    np.testing.assert_allclose(found.target, expected.target + offset, atol=1e-6)


@pytest.mark.parametrize("z", [-0.02, 0.0, 0.04])
def test_feet_that_are_a_little_off_their_voxel_stand_on_it_all_the_same(z):
    world = mapped(hall())
    expected = world.route(START, GOAL).points
    found = world.route(Pose(START.x, START.y, z, 0.0), at(GOAL[0], GOAL[1], z)).points
    np.testing.assert_array_equal(found[:-1], expected[:-1])
    empty = GroundMap(SpatialMemory().octree, body(), 10.0)
    np.testing.assert_allclose(empty.route(Pose(1.05, 2.05, z, 0.0), GOAL).points[:, 2], 0.0, atol=1e-9)


def test_a_goal_on_another_storey_is_no_goal_unless_any_storey_will_do():
    world = mapped(hall())
    assert world.route(START, at(9.05, 2.05, 3.0)) is None
    assert world.route(START, at(9.05, 2.05, 3.0), storey_m=1e4) is not None


def corridor(width):
    """Two rooms joined by a corridor ``width`` cells wide; unknown is walled off."""
    heights = np.zeros((60, 21), int)
    heights[[0, -1]] = heights[:, [0, -1]] = 30
    heights[25:35] = 30
    heights[25:35, 10 - width // 2 : 10 - width // 2 + width] = 0
    return ground(heights)


@pytest.mark.parametrize(("radius_m", "width", "fits"), [
    (0.1, 3, True), (0.1, 2, False), (0.18, 5, True), (0.18, 3, False), (0.3, 7, True), (0.3, 5, False),
])  # fmt: skip
def test_a_body_passes_where_it_fits_and_squeezes_where_it_must(radius_m, width, fits):
    start, goal = Pose(1.05, 1.05, 0.0, 0.0), at(4.85, 1.05)
    world = mapped(corridor(width), pose=start, radius_m=radius_m)
    assert (world.route(start, goal) is not None) == fits
    assert world.route(start, goal, squeeze=True) is not None


def length(route):
    return float(np.hypot(*np.diff(route.points[:, :2], axis=0).T).sum())


def detour(width_cells):
    """How far the way swings out round something run into two metres ahead."""
    world = mapped(hall(wall=False))
    world.bump(Pose(3.05, 2.05, 0.0, 0.0), 0.2, width_cells)
    return np.abs(world.route(START, GOAL).points[:, 1] - 2.05).max()


def test_what_was_run_into_is_gone_round_the_wider_it_is_the_farther():
    assert [round(detour(width), 2) for width in (0, 1, 3, 5)] == [0.1, 0.2, 0.4, 0.6]


@pytest.mark.parametrize("yaw_deg", [0, 30, 45, 90, 200])
def test_a_bump_lies_across_the_heading_without_a_hole(yaw_deg):
    yaw_rad = math.radians(yaw_deg)
    here = Pose(4.05, 4.05, 0.0, yaw_rad)
    world = mapped(hall(wall=False), pose=here)
    goal = here.position + 1.5 * at(math.cos(yaw_rad), math.sin(yaw_rad))
    before = length(world.route(here, goal, squeeze=True))
    world.bump(here, 0.5, 5)
    route = world.route(here, goal, squeeze=True)
    line = here.position + 0.5 * at(math.cos(yaw_rad), math.sin(yaw_rad))
    aside = 0.5 * at(-math.sin(yaw_rad), math.cos(yaw_rad))
    hit = np.floor((line + np.linspace(-1, 1, 21)[:, None] * aside) / 0.1)
    assert not (np.floor(route.points / 0.1)[:, None, :2] == hit[:, :2]).all(2).any()
    assert length(route) > before + 0.05


def test_a_way_that_is_doubted_is_left_for_another():
    world = mapped(hall(wall=False))
    straight = world.route(START, GOAL)
    world.doubt(straight)
    other = world.route(START, GOAL)
    doubted = np.floor(straight.points[2:12] / 0.1)[:, :2]
    assert not (np.floor(other.points / 0.1)[:, None, :2] == doubted).all(2).any()
    world.forgive()
    world.doubt(world.route(START, START.position + at(0.1, 0.0)))  # a way too short to doubt


def test_what_is_forgiven_is_walked_through_again():
    world = mapped(hall(wall=False))
    straight = world.route(START, GOAL).points
    world.bump(Pose(3.05, 2.05, 0.0, 0.0), 0.2, 3)
    world.forgive()
    np.testing.assert_array_equal(world.route(START, GOAL).points, straight)


@pytest.mark.parametrize("lower", [(0, 0, -1), (-130, 77, -1)])
def test_a_map_that_was_left_is_read_as_a_whole_slab_by_slab(lower):
    """Steep ground across the edges of slabs included; a hall of 26 m is more than two."""
    heights = np.zeros((260, 140), int)
    heights[::7, ::3] = 1
    heights[120:140] = np.floor(1.2 * np.arange(20))[:, None]
    octree = BoxOctree(ground(heights), lower)
    middle = np.array([lower[0] + 130, lower[1] + 70]) * 0.1
    looked, whole = (GroundMap(octree, body(), 40.0) for _ in range(2))
    for yaw_rad in np.arange(8) * math.pi / 4:
        looked.look(Pose(*middle.tolist(), 0.0, yaw_rad))
    whole.read_all()
    for one, other in zip(columns_of(looked, octree), columns_of(whole, octree), strict=True):
        np.testing.assert_array_equal(one, other)
    assert whole._columns.steep.any()


def columns_of(world, octree):
    """What a map holds of the columns of an octree's box."""
    (x0, y0), (x1, y1) = (corner[:2] - world._origin for corner in octree.bounds())
    return [array[x0:x1, y0:y1] for array in world._columns]


def test_of_an_empty_octree_nothing_is_read():
    world = GroundMap(SpatialMemory().octree, body(), FAR_M)
    world.read_all()
    assert world.route(START, GOAL).unknown.all()


def free(world, pose, *degrees, length_m=0.25):
    return world.free_steps(pose, np.radians(degrees), length_m).tolist()


def test_a_step_is_free_where_nothing_known_is_near_its_way():
    world = mapped(hall(), radius_m=0.18)
    assert free(world, START, 0, 90, 180, 270) == [True] * 4
    before_the_wall = Pose(4.65, 2.05, 0.0, 0.0)
    assert free(world, before_the_wall, 0, 30, 90, 180) == [False, False, True, True]
    assert free(world, before_the_wall, 0, length_m=0.1) == [True]


def test_a_body_that_stands_too_near_a_wall_may_leave_it_or_go_along_but_not_nearer():
    world = mapped(hall(), radius_m=0.18)
    assert free(world, Pose(4.95, 2.05, 0.0, 0.0), 0, 20, 180, 135) == [False, False, True, True]


def test_what_was_bumped_into_is_not_stepped_into():
    world = mapped(hall(wall=False), radius_m=0.18)
    world.bump(START, 0.3, 1)
    assert free(world, START, 0, 180) == [False, True]


def test_a_cleared_map_knows_nothing():
    world = mapped(hall())
    world.clear()
    route = world.route(START, GOAL)
    assert route.unknown.all()
    assert len(route.points) == 80


def test_what_changed_is_read_anew():
    octree = BoxOctree(hall(), (0, 0, -1))
    world = GroundMap(octree, body(), FAR_M)
    world.look(START)
    assert world.route(START, GOAL).points[:, 1].max() > 6
    octree.states = hall(wall=False)
    world.look(START)
    assert world.route(START, GOAL).points[:, 1].max() < 2.2


@pytest.mark.parametrize("pitch_deg", [0, -30, -60, -85, 30])
@pytest.mark.parametrize("yaw_deg", [0, 40, 135, -90])
def test_all_that_a_camera_sees_is_read(yaw_deg, pitch_deg):
    """What a camera may see of a floor, by its own projection, is in the map after one look."""
    here = Pose(5.05, 4.05, 0.0, math.radians(yaw_deg), math.radians(pitch_deg))
    world = GroundMap(BoxOctree(hall(wall=False), (0, 0, -1)), body(camera=WIDE), 3.0)
    world.look(here)
    x, y = (a.ravel() for a in np.meshgrid(np.arange(0.05, 10, 0.1), np.arange(0.05, 8, 0.1), indexing="ij"))
    floor = np.stack([x, y, np.zeros_like(x)], -1)
    T_world_camera = here.T_world_camera(1.25)
    pixels = WIDE.project((floor - T_world_camera[:3, 3]) @ T_world_camera[:3, :3])
    seen = ((pixels >= 0) & (pixels <= 8)).all(1) & (np.hypot(x - 5.05, y - 4.05) < 3)
    picture = world.top_down(0.0).crop([at(5.0, 4.0)], margin_m=30.0)
    colours = colours_at(world, picture, floor)
    unseen = (colours == (214, 214, 210)).all(1)
    assert pitch_deg > 0 or seen.sum() > 100
    assert not unseen[seen].any()


def colours_at(world, picture, points):
    """The colour of the picture of a whole map at world points."""
    corner = world._origin * 0.1
    columns = ((points[:, 0] - corner[0]) / 0.1 * 3).astype(int)
    rows = picture.shape[0] - 1 - ((points[:, 1] - corner[1]) / 0.1 * 3).astype(int)
    return picture[rows, columns]


def test_from_above_floors_walls_and_the_unseen_differ_and_north_is_up():
    world = mapped(hall())
    picture = world.top_down(0.0).crop([at(5.0, 4.0)], margin_m=60.0)
    floor, wall_top, unseen = colours_at(
        world, picture, np.array([[2.0, 2.0, 0], [5.05, 3.0, 0], [-3.0, 2.0, 0]])
    )
    assert tuple(unseen) == (214, 214, 210)
    assert len({tuple(floor), tuple(wall_top), tuple(unseen)}) == 3


def test_a_wall_without_a_top_is_an_obstacle_for_whom_it_stands_in_the_way():
    states = hall()
    states[50, :60, :] = 0
    states[50, :60, 5:25] = 2  # seen from the side only
    world = mapped(states)
    wall = at(5.05, 3.0)[None]
    for feet_z, colour in ((0.0, (60, 64, 72)), (3.0, (236, 236, 232)), (-3.0, (236, 236, 232))):
        picture = world.top_down(feet_z).crop([at(5.0, 4.0)], margin_m=60.0)
        assert tuple(colours_at(world, picture, wall)[0]) == colour
