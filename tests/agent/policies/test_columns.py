import math

import numpy as np
import pytest
from voxel_boxes import air, ground, read

from placecell.agent.policies.columns import (
    LAYERS,
    NONE,
    Columns,
    Gait,
    blocks,
    clearance,
    floor_near,
    read_columns,
)
from placecell.memory import FREE, OCCUPIED, UNKNOWN

GAIT = Gait(climb=2, height=15, radius=1)


def column(*spans, top=40):
    """One column of unknown with ``(low, high, state)`` spans in it, as a box."""
    states = np.full((1, 1, top), UNKNOWN, np.int8)
    for low, high, state in spans:
        states[0, 0, low:high] = state
    return states


def floors(states, **options):
    found = read(states, **options).floors[0, 0]
    return [int(k) for k in found if k != NONE]


def test_a_floor_seen_from_above_is_one_and_a_ceiling_seen_from_below_is_none():
    room = column((2, 3, OCCUPIED), (3, 28, FREE), (28, 29, OCCUPIED))
    columns = read(room)
    assert floors(room) == [2]
    assert (columns.low[0, 0], columns.high[0, 0], columns.seen[0, 0]) == (2, 28, True)


def test_a_ceiling_alone_is_no_floor():
    assert floors(column((5, 28, FREE), (28, 29, OCCUPIED))) == []


def test_a_wall_is_a_floor_only_where_its_top_was_seen():
    assert floors(column((0, 20, OCCUPIED))) == []
    assert floors(column((0, 20, OCCUPIED), (20, 40, FREE))) == [19]


@pytest.mark.parametrize(("gap", "found"), [(0, [4]), (1, [4]), (2, [])])
def test_a_floor_may_have_one_voxel_of_unknown_on_it(gap, found):
    assert floors(column((4, 5, OCCUPIED), (5 + gap, 40, FREE))) == found


@pytest.mark.parametrize(("room", "found"), [(15, [0]), (14, [])])
def test_a_floor_needs_the_bodys_height_of_room(room, found):
    low_ceiling = column((0, 1, OCCUPIED), (1, 1 + room, FREE), (1 + room, 2 + room, OCCUPIED))
    assert floors(low_ceiling, height=15) == found


def test_under_a_table_is_no_floor_and_on_it_is_one():
    table = column((0, 1, OCCUPIED), (1, 7, FREE), (7, 8, OCCUPIED), (8, 40, FREE))
    assert floors(table) == [7]


def test_two_storeys_above_each_other_are_two_floors_that_rise():
    house = column((0, 1, OCCUPIED), (1, 24, FREE), (24, 27, OCCUPIED), (27, 60, FREE), top=60)
    assert floors(house) == [0, 26]


def test_of_too_many_storeys_the_upper_ones_are_kept():
    spans = [(20 * i, 20 * i + 1, OCCUPIED) for i in range(5)]
    tower = column((0, 120, FREE), *spans, top=120)
    assert floors(tower) == [20 * i for i in range(5)][-LAYERS:]


def test_what_was_never_seen_is_nothing_and_what_is_air_is_seen():
    nothing, only_air = read(column()), read(air(1, 1, 4))
    assert [array[0, 0] for array in (nothing.seen, nothing.low, nothing.high, nothing.free)] == [
        False, NONE, NONE, NONE,
    ]  # fmt: skip
    assert [array[0, 0] for array in (only_air.seen, only_air.low, only_air.high, only_air.free)] == [
        True, NONE, NONE, 0,
    ]  # fmt: skip


def test_heights_below_zero_are_heights_like_any_other():
    pit = column((3, 4, OCCUPIED), (4, 40, FREE))
    assert floors(pit, z0=-200) == [-197]


def test_a_box_is_written_where_it_belongs_and_replaces_what_was_there():
    columns = Columns.empty(5, 6)
    read_columns(ground(np.full((5, 6), 3)), 0, 0, 0, 15, columns)
    read_columns(ground(np.full((2, 3), 8)), 1, 2, -10, 15, columns)
    expected = np.full((5, 6), 3)
    expected[1:3, 2:5] = -2
    for heights in (columns.floors[..., 0], columns.low, columns.high):
        np.testing.assert_array_equal(heights, expected)
    assert (columns.floors[..., 1:] == NONE).all()


def floors_by_hand(states, z0, height):
    """All floors of a column, lowest first, straight from their definition."""
    found = []
    for z in np.flatnonzero(states == OCCUPIED):
        room = not (states[z + 1 : z + 1 + height] == OCCUPIED).any()
        if room and (states[z + 1 : z + 3] == FREE).any():
            found.append(z + z0)
    return found


@pytest.mark.parametrize("height", [1, 4])
def test_columns_equal_their_definition_on_random_boxes(height):
    rng = np.random.default_rng(height)
    states = rng.choice(np.array([UNKNOWN, FREE, OCCUPIED], np.int8), (20, 20, 30), p=[0.3, 0.5, 0.2])
    columns = read(states, z0=-9, height=height)
    for x, y in np.ndindex(20, 20):
        expected = floors_by_hand(states[x, y], -9, height)[-LAYERS:]
        solid = np.flatnonzero(states[x, y] == OCCUPIED) - 9
        assert [k for k in columns.floors[x, y] if k != NONE] == expected
        assert (columns.low[x, y], columns.high[x, y]) == (solid.min(), solid.max())
        assert columns.free[x, y] == np.flatnonzero(states[x, y] == FREE).min() - 9


def slope(degrees, azimuth_deg=0.0, phase=0.0, side=21):
    x, y = np.meshgrid(np.arange(side), np.arange(side), indexing="ij")
    along = x * math.cos(math.radians(azimuth_deg)) + y * math.sin(math.radians(azimuth_deg))
    heights = np.floor(along * math.tan(math.radians(degrees)) + phase).astype(int)
    return ground(heights - heights.min(), top=80)


@pytest.mark.parametrize("phase", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("azimuth_deg", [0, 45, 90, 180])
@pytest.mark.parametrize(("degrees", "steep"), [(0, False), (30, False), (40, False), (55, True)])
def test_ramps_that_a_body_can_stand_on_are_not_steep_and_others_are(degrees, azimuth_deg, phase, steep):
    inside = read(slope(degrees, azimuth_deg, phase)).steep[3:-3, 3:-3, 0]
    assert inside.all() if steep else not inside.any()


@pytest.mark.parametrize("tread", [3, 4])
def test_stairs_are_not_steep(tread):
    heights = np.repeat(np.arange(24)[:, None] // tread * 2, 12, axis=1)
    assert not read(ground(heights)).steep.any()


def test_the_foot_and_the_top_of_a_wall_are_not_steep():
    heights = np.zeros((20, 20), int)
    heights[10:] = 19
    assert not read(ground(heights)).steep.any()


def test_the_upper_storey_is_judged_by_itself():
    states = slope(55)[:, :, :60]
    upper = np.concatenate([states, np.full((21, 21, 20), FREE, np.int8)], axis=2)
    upper[:, :, 75] = OCCUPIED
    columns = read(upper)
    top = (columns.floors == 75) & (columns.floors != NONE)
    assert top.any(axis=2).all()
    assert not columns.steep[top].any()


def with_floors(*heights):
    columns = Columns.empty(1, 1)
    columns.floors[0, 0, : len(heights)] = heights
    return columns


@pytest.mark.parametrize(
    ("k", "reach", "layer"), [(0, 0, 0), (2, 2, 0), (3, 2, -1), (7, 3, 1), (5, 9, 0), (40, 9, -1), (33, 9, 2)]
)
def test_the_nearest_floor_within_reach_is_found_the_lower_of_two(k, reach, layer):
    assert floor_near(with_floors(0, 10, 30), 0, 0, k, reach) == layer
    assert floor_near(Columns.empty(1, 1), 0, 0, k, reach) == -1


def blocked(columns, k=0, ring=1):
    return blocks(columns, GAIT, 0, 0, k, ring)


def test_a_step_within_the_climb_does_not_block_a_higher_one_and_a_drop_do():
    assert [blocked(with_floors(k)) for k in (-3, -2, 0, 2, 3)] == [True, False, False, False, True]


def test_ground_may_rise_by_the_climb_with_every_ring():
    assert [blocked(with_floors(6), ring=ring) for ring in (0, 1, 2, 3)] == [True, True, True, False]


def test_a_storey_above_or_below_does_not_lift_the_block():
    assert not blocked(with_floors(0, 30))
    assert not blocked(with_floors(-30, 0))
    assert blocked(with_floors(-30, 30))


def test_steep_ground_blocks():
    steep = with_floors(0)
    steep.steep[0, 0, 0] = True
    assert blocked(steep)


@pytest.mark.parametrize(
    ("low", "high", "block"),
    [(0, 19, True), (3, 3, True), (0, 2, False), (15, 30, True), (16, 30, False), (-9, 2, False)],
)
def test_without_a_floor_what_reaches_into_the_body_blocks(low, high, block):
    columns = Columns.empty(1, 1)
    columns.low[0, 0], columns.high[0, 0] = low, high
    assert blocked(columns) == block


def test_the_unknown_does_not_block():
    assert not blocked(Columns.empty(1, 1))


def test_clearance_equals_the_distance_to_the_nearest_block():
    rng = np.random.default_rng(3)
    columns = read(ground(rng.choice([0, 1, 6], (17, 13), p=[0.6, 0.34, 0.06])))
    cells = np.argwhere(np.ones((17, 13), bool))
    for x, y in cells:
        rings = np.abs(cells - (x, y)).max(1)
        walls = [c for c, ring in zip(cells, rings) if blocks(columns, GAIT, *c, 0, ring)]
        away = np.hypot(*(np.array(walls) - (x, y)).T).min()
        for reach in (0, 1, 3):
            assert clearance(columns, GAIT, x, y, 0, reach) == min(math.floor(away), reach + 1)
