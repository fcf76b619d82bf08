"""Steps: free, stopped by a wall, along it, and never off the ground."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solids import area, at, box, floor, ramp, stairs

from placecell.arrays import generator

EAST, NORTH = 0.0, math.pi / 2


@pytest.fixture(scope="module")
def room():
    """A wall whose near side the body meets at x = 1.95."""
    return area(floor(0.0, 0.0, 6.0, 6.0), box(2.06, 1.0, 0.0, 2.3, 5.0, 2.0))


@pytest.fixture(scope="module")
def rough():
    """Storeys, stairs, a ramp, and things to bump into."""
    return area(
        floor(0.0, 0.0, 4.0, 4.0), stairs(4.0, 0.0, 2.0, 0.2, 0.3, 10), floor(7.0, 0.0, 10.0, 4.0, 2.0),
        ramp(4.0, 2.5, 7.0, 4.0, 0.0, 2.0), box(1.5, 1.0, 0.0, 2.5, 3.0, 2.0),
        box(8.0, 1.0, 2.0, 8.5, 4.0, 4.0), box(0.7, 3.1, 0.0, 0.8, 3.4, 2.0), floor(2.0, 5.0, 6.0, 9.0),
    )  # fmt: skip


@pytest.mark.parametrize("yaw", [0.0, 0.3, 1.0, NORTH, 2.5, math.pi, -2.0, -NORTH, -0.1, 7.0])
@pytest.mark.parametrize("sliding", [True, False])
def test_in_the_open_a_step_goes_where_it_points(room, yaw, sliding):
    start = at(1.0, 3.0)
    step = room.step(room.stand(start), yaw, 0.25, sliding=sliding)
    assert room.point(step.standing) == pytest.approx(start + 0.25 * at(math.cos(yaw), math.sin(yaw)))
    assert not step.collided


def test_a_step_ends_in_the_cell_that_it_says(room):
    step = room.step(room.stand(at(1.0, 3.0)), 0.4, 0.7, sliding=True)
    assert step.standing.cell == room.stand(room.point(step.standing)).cell


@pytest.mark.parametrize("sliding", [True, False])
def test_head_on_a_body_stops_at_the_wall(room, sliding):
    standing = room.stand(at(1.8, 3.0))
    for moved in (0.15, 0.0, 0.0):
        step = room.step(standing, EAST, 0.25, sliding=sliding)
        assert step.collided
        assert room.point(step.standing) - room.point(standing) == pytest.approx(at(moved, 0), abs=1e-5)
        standing = step.standing
    back = room.step(standing, math.pi, 0.25, sliding=sliding)
    assert not back.collided
    assert room.point(back.standing) == pytest.approx(at(1.7, 3), abs=1e-5)


@pytest.mark.parametrize("angle", [20.0, 45.0, -45.0, 70.0])
def test_sliding_moves_along_the_wall_by_what_is_left_of_the_step(room, angle):
    yaw = math.radians(angle)
    step = room.step(room.stand(at(1.9, 3.0)), yaw, 0.25, sliding=True)
    assert step.collided
    assert room.point(step.standing) == pytest.approx(at(1.95, 3 + 0.25 * math.sin(yaw)), abs=1e-5)
    stopped = room.step(room.stand(at(1.9, 3.0)), yaw, 0.25, sliding=False)
    assert stopped.collided
    reach = 0.05 / math.cos(yaw)
    assert room.point(stopped.standing) == pytest.approx(at(1.95, 3 + reach * math.sin(yaw)), abs=1e-5)


def test_sliding_follows_a_wall_to_its_end_and_round_it(room):
    standing, seen = room.stand(at(1.9, 3.0)), []
    for _ in range(20):
        step = room.step(standing, math.radians(45), 0.25, sliding=True)
        standing = step.standing
        seen.append((step.collided, *room.point(standing)[:2]))
    along = [x for collided, x, y in seen if y < 4.9]
    assert along == pytest.approx([1.95] * len(along), abs=1e-5)
    assert len(along) == 10
    _, x, y = seen[-1]
    assert x > 3.5
    assert y == pytest.approx(6 - 0.15, abs=1e-5)


def test_in_a_corner_there_is_no_way_on():
    room = area(floor(0.0, 0.0, 4.0, 4.0))
    corner = at(4 - 0.15, 4 - 0.15)
    standing = room.stand(corner)
    for yaw in (EAST, NORTH, math.radians(45)):
        step = room.step(standing, yaw, 0.25, sliding=True)
        assert step.collided
        assert room.point(step.standing) == pytest.approx(corner, abs=1e-5)


def test_no_step_leads_down_a_ledge_nor_up_a_high_kerb():
    ground = area(floor(0.0, 0.0, 3.0, 3.0, 1.0), floor(3.0, 0.0, 6.0, 3.0))
    for start, yaw in ((at(2.5, 1.5, 1), EAST), (at(3.5, 1.5), math.pi)):
        standing = ground.stand(start)
        for _ in range(8):
            standing = ground.step(standing, yaw, 0.25, sliding=True).standing
            assert ground.point(standing)[2] == start[2]


def test_a_step_climbs_and_descends_a_ramp():
    ground = area(
        floor(0.0, 0.0, 4.0, 4.0), ramp(4.0, 0.0, 8.0, 4.0, 0.0, 2.0), floor(8.0, 0.0, 12.0, 4.0, 2.0)
    )
    standing = ground.stand(at(3, 2))
    for _ in range(28):
        step = ground.step(standing, EAST, 0.25, sliding=False)
        standing = step.standing
        assert not step.collided
    assert ground.point(standing) == pytest.approx(at(10, 2, 2))
    for _ in range(16):
        standing = ground.step(standing, math.pi, 0.25, sliding=True).standing
    assert ground.point(standing) == pytest.approx(at(6, 2, 1), abs=0.05)


yaws = st.lists(st.floats(-math.pi, math.pi), min_size=20, max_size=20)


@given(
    seed=st.integers(0, 1 << 30), yaws=yaws, sliding=st.booleans(), distance=st.sampled_from([0.1, 0.25, 0.6])
)
@settings(max_examples=25, deadline=None)
def test_a_body_never_leaves_the_ground(rough, seed, yaws, sliding, distance):
    g = rough.ground
    standing = rough.stand(rough.random_point(generator(seed, "start"), island=seed % 2))
    island = rough.island_of(standing)
    for yaw in np.repeat(yaws, 4).tolist():  # every heading is held for a while, so that walls are met
        before = rough.point(standing)
        step = rough.step(standing, yaw, distance, sliding=sliding)
        standing, after = step.standing, rough.point(step.standing)
        assert rough.island_of(standing) == island
        assert g.column[standing.cell] <= standing.x <= g.column[standing.cell] + 1
        assert g.row[standing.cell] <= standing.y <= g.row[standing.cell] + 1
        moved = after - before
        assert np.linalg.norm(moved[:2]) <= distance + 0.02
        missing = distance - np.linalg.norm(moved)
        assert step.collided or missing < 1e-4
        assert not step.collided or missing > 1e-6
        assert not step.held
        if not sliding:
            across = moved[0] * -math.sin(yaw) + moved[1] * math.cos(yaw)
            assert abs(across) < 1e-6


@given(seed=st.integers(0, 1 << 30), yaw=st.floats(-math.pi, math.pi))
@settings(max_examples=100, deadline=None)
def test_sliding_brings_a_body_at_least_as_near_as_stopping(rough, seed, yaw):
    standing = rough.stand(rough.random_point(generator(seed, "start")))
    aim = (rough.point(standing) + 0.4 * at(math.cos(yaw), math.sin(yaw)))[:2]
    away = [
        np.linalg.norm(rough.point(rough.step(standing, yaw, 0.4, sliding=sliding).standing)[:2] - aim)
        for sliding in (True, False)
    ]
    assert away[0] <= away[1] + 1e-6


def test_a_sticky_body_is_held_by_a_straight_wall_and_by_nothing_else(room):
    near_wall, free = room.stand(at(1.8, 3.0)), room.stand(at(1.0, 3.0))
    assert room.step(near_wall, EAST, 0.25, sliding=False, sticky=True).held
    assert not room.step(near_wall, EAST, 0.25, sliding=False).held
    assert not room.step(free, EAST, 0.25, sliding=False, sticky=True).held
    # At the wall's end it is not straight.
    assert not room.step(room.stand(at(1.8, 4.98)), EAST, 0.25, sliding=False, sticky=True).held
