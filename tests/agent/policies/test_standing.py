import math

import numpy as np
import pytest
from percepts import body
from voxel_boxes import BoxOctree, ground

from placecell.agent.policies.ground_map import GroundMap
from placecell.agent.policies.standing import StandingPlaces
from placecell.geometry import Pinhole, Pose
from placecell.memory import FREE, OCCUPIED

BODY = body(camera=Pinhole.from_hfov(8, 8, math.radians(90)), camera_height_m=0.9, height_m=0.9)
START = Pose(1.05, 2.05, 0.0, 0.0)


def room(*, wall=False, table_z=8):
    """6 m by 4 m; a table of 0.8 m at x 4-5 m, y 1.5-2.5 m; perhaps a wall at x = 3 m but for y < 1 m."""
    heights = np.zeros((60, 40), int)
    heights[[0, -1]] = heights[:, [0, -1]] = 30
    heights[40:50, 15:25] = table_z
    states = ground(heights)
    if wall:
        states[30, 10:, 1:31] = OCCUPIED
    return states


def table(z=8):
    x, y = (a.ravel() for a in np.mgrid[40:50, 15:25])
    return (np.column_stack([x, y, np.full(len(x), z - 1)]) + 0.5) * 0.1


def world(states):
    octree = BoxOctree(states, (0, 0, -1))
    ground_map = GroundMap(octree, BODY, 15.0)
    ground_map.read_all()
    return ground_map, StandingPlaces(octree, BODY)


def test_the_cheapest_place_within_reach_is_chosen():
    ground_map, places = world(room())
    place = places.best(ground_map.flood(START, 0.5), table(), 0.6, 0.8)
    assert place is not None
    assert 3.25 < place.position[0] < 3.65
    assert place.position[2] == pytest.approx(0)
    assert place.distance_m <= 0.8
    assert place.cost_m == pytest.approx(place.position[0] - 1.05, abs=0.35)


def test_distance_counts_from_the_nearest_part_on_the_body_s_storey():
    _, places = world(room())
    assert places.distance(Pose(3.05, 2.05, 0.0, 0.0), table()) == pytest.approx(1.0)
    assert places.distance(Pose(5.95, 2.05, 0.0, 0.0), table()) == pytest.approx(1.0)
    assert places.distance(Pose(3.05, 2.05, 3.0, 0.0), table()) == math.inf
    assert places.distance(Pose(3.05, 2.05, -3.0, 0.0), table()) == math.inf


def test_a_wall_between_hides_it_and_the_place_is_on_its_other_side():
    ground_map, places = world(room(wall=True))
    assert not places.sees(Pose(2.65, 2.05, 0.0, 0.0), table())
    assert places.sees(Pose(3.35, 2.05, 0.0, 0.0), table())
    place = places.best(ground_map.flood(START, 0.5), table(), 0.6, 1.5)
    assert place is not None
    assert place.position[0] > 3.05
    assert place.cost_m > 3.0


def test_where_nothing_within_reach_is_reached_there_is_no_place():
    states = room(wall=True)
    states[30, :, 1:30] = OCCUPIED
    states[30, :, 30:] = FREE
    ground_map, places = world(states)
    assert places.best(ground_map.flood(START, 0.5), table(), 0.6, 0.95) is None


def test_its_own_voxels_hide_nothing():
    """The far edge of a table top at eye height is seen along the top."""
    _, places = world(room(table_z=9))
    assert places.sees(Pose(3.55, 2.05, 0.0, 0.0), table(9))
    assert places.sees(Pose(3.55, 2.05, 0.0, 0.0), table(9)[-1:]) is False
