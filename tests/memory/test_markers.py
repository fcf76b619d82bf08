"""Numbers of objects in a map, and in frames that look at it."""

import math
from dataclasses import replace

import numpy as np
import pytest
from box_world import BED, FLOOR, NAMES, SINK, TABLE, WALL, Box, BoxWorld, two_rooms

from placecell.errors import ConfigError, PlacecellError
from placecell.geometry import Pose
from placecell.memory import OCCUPIED, SparseOctree
from placecell.memory.markers import ObjectMarkers, text
from placecell.memory.voxel.voxels import Voxels

SIZE_M = 0.1
CHAIR, STOOL = 1, 2


class Stock:
    """A map that holds what it is told: voxels by category; ``bare`` ones are occupied without label."""

    voxel_size_m = SIZE_M

    def __init__(self, bare=(), **things):
        self.things = {
            {"chair": CHAIR, "stool": STOOL}[name]: np.unique(np.concatenate(blocks), axis=0)
            for name, blocks in things.items()
        }
        known = [*self.things.values(), *bare]
        self.occupied = {tuple(index) for block in known for index in block.tolist()}

    def labelled(self, category, *, agent=0):
        indices = self.things.get(category, np.zeros((0, 3), np.int64))
        n = len(indices)
        centres, zeros = (indices + 0.5) * SIZE_M, np.zeros(n, np.int64)
        return Voxels(
            indices, centres, centres, zeros, np.zeros((n, 3), np.uint8), np.zeros(n, bool), zeros,
            zeros + category, zeros, np.zeros(n, np.float32), np.zeros((n, 0), np.float32),
        )  # fmt: skip

    def state(self, points, *, agent=0):
        indices = np.floor(points / SIZE_M).astype(int).tolist()
        return np.array([OCCUPIED if tuple(i) in self.occupied else 0 for i in indices], np.int8)


def block(x, y=0, z=0, size=(3, 3, 3)):
    return np.argwhere(np.ones(size)).astype(np.int64) + np.array([x, y, z])


def numbers(markers):
    return {mark.id: tuple(np.round(mark.position / SIZE_M, 3).tolist()) for mark in markers.marks()}


def after(*maps, **options):
    markers = ObjectMarkers(**options)
    for stock in maps:
        markers.update(stock, (CHAIR, STOOL))
    return markers


def test_objects_are_numbered_from_one_with_their_boxes():
    markers = after(Stock(chair=[block(0), block(20)], stool=[block(40, size=(4, 3, 5))]))
    assert [(mark.id, mark.category) for mark in markers.marks()] == [(1, CHAIR), (2, CHAIR), (3, STOOL)]
    stool = markers.marks()[2]
    np.testing.assert_allclose(stool.position, [4.2, 0.15, 0.25])
    np.testing.assert_allclose(stool.extent, [0.4, 0.3, 0.5])
    np.testing.assert_allclose(stool.lower, [4.0, 0, 0], atol=1e-12)
    assert ObjectMarkers().marks() == ()


def test_voxels_that_touch_at_a_corner_are_one_and_with_one_between_two():
    assert len(after(Stock(chair=[block(0), block(3, 3, 3)])).marks()) == 1
    apart = Stock(chair=[block(0), block(4)])
    assert len(after(apart).marks()) == 2
    assert len(after(apart, gap_m=0.25).marks()) == 1
    assert len(after(Stock(chair=[block(0), block(30, size=(1, 1, 5))])).marks()) == 1
    assert len(after(Stock(chair=[block(30, size=(1, 1, 5))]), least_voxels=5).marks()) == 1


def test_an_object_keeps_its_number_as_it_grows_shrinks_and_shifts():
    first = Stock(chair=[block(0), block(20)])
    markers = after(first, Stock(chair=[block(-3, size=(6, 3, 3)), block(21, 1)]))
    assert set(numbers(markers)) == {1, 2}
    assert numbers(markers)[1] == (0, 1.5, 1.5)
    markers.update(Stock(chair=[block(0), block(21, 1)]), [CHAIR])
    assert numbers(markers) == {1: (1.5, 1.5, 1.5), 2: (22.5, 2.5, 1.5)}
    assert markers.switches == 0


def test_one_that_moved_off_its_voxels_is_the_nearest_of_its_category():
    markers = after(Stock(chair=[block(0)]), Stock(chair=[block(4)], stool=[block(0, 4)]))
    assert numbers(markers)[1] == (5.5, 1.5, 1.5)
    assert len(markers.marks()) == 2
    far = after(Stock(chair=[block(0)]), Stock(chair=[block(6)]))
    assert set(numbers(far)) == {2}
    swapped = after(Stock(chair=[block(0), block(12)]), Stock(chair=[block(4), block(16)]))
    assert numbers(swapped) == {1: (5.5, 1.5, 1.5), 2: (17.5, 1.5, 1.5)}


def test_when_two_parts_join_the_older_number_stays():
    parts = [block(0), block(8, size=(9, 3, 3))]
    joined = after(Stock(chair=parts), Stock(chair=[*parts, block(3, size=(5, 3, 3))]))
    assert set(numbers(joined)) == {1}
    assert joined.switches == 1
    joined.update(Stock(chair=[*parts, block(3, size=(5, 3, 3)), block(40)]), [CHAIR])
    assert set(numbers(joined)) == {1, 3}  # 2 is not given again
    assert joined.switches == 1


def test_a_number_that_was_joined_is_told_by_the_one_that_stayed():
    parts = [block(0), block(8, size=(9, 3, 3)), block(20)]
    filled = [*parts, block(3, size=(5, 3, 3))]
    markers = after(Stock(chair=parts), Stock(chair=filled))
    assert [markers.now(number) for number in (1, 2, 3)] == [1, 1, 3]
    assert [markers.now(number) for number in (0, 4, -1)] == [None] * 3
    markers.update(Stock(chair=[*filled, block(17)]), [CHAIR])
    assert [markers.now(number) for number in (1, 2, 3)] == [1, 1, 1]
    assert markers.switches == 2
    markers.update(Stock(), [CHAIR])
    assert [markers.now(number) for number in (1, 2, 3)] == [None] * 3


def test_what_comes_apart_again_has_its_own_number_again():
    parts = [block(0), block(8, size=(9, 3, 3))]
    joined, apart = Stock(chair=[*parts, block(3, size=(5, 3, 3))]), Stock(chair=parts)
    markers = after(apart, joined, joined, apart)
    assert numbers(markers)[2] == (12.5, 1.5, 1.5)
    assert numbers(markers)[1] == (1.5, 1.5, 1.5)
    assert [markers.now(number) for number in (1, 2)] == [1, 2]
    assert markers.switches == 2
    markers.update(joined, [CHAIR])
    assert set(numbers(markers)) == {1}
    assert markers.now(2) == 1


def test_a_joined_number_does_not_take_the_object_when_its_label_changes():
    chair, stool = block(0, size=(9, 3, 3)), block(9, size=(5, 3, 3))
    whole = np.concatenate([chair, stool])
    markers = after(Stock(chair=[chair], stool=[stool]), Stock(chair=[whole]), Stock(stool=[whole]))
    assert [(mark.id, mark.category) for mark in markers.marks()] == [(1, STOOL)]
    other = after(Stock(chair=[stool], stool=[chair]), Stock(stool=[whole]), Stock(chair=[whole]))
    assert [(mark.id, mark.category) for mark in other.marks()] == [(2, CHAIR)]
    assert other.now(1) == 2


def test_when_one_comes_apart_its_largest_part_keeps_the_number():
    whole = Stock(chair=[block(0, size=(20, 3, 3))])
    parted = after(whole, Stock(chair=[block(0, size=(5, 3, 3)), block(8, size=(12, 3, 3))]))
    assert numbers(parted) == {1: (14, 1.5, 1.5), 2: (2.5, 1.5, 1.5)}
    assert parted.switches == 1


def test_what_is_gone_is_forgotten_and_its_number_never_given_again():
    markers = after(Stock(chair=[block(0)]), Stock(), Stock(chair=[block(0)]))
    assert set(numbers(markers)) == {2}
    assert markers.switches == 0


def test_what_lost_its_label_but_still_stands_has_its_number_back():
    markers = after(Stock(chair=[block(0)]), Stock(bare=[block(0)]))
    assert markers.marks() == ()
    markers.update(Stock(chair=[block(0)]), [CHAIR])
    assert set(numbers(markers)) == {1}


def test_a_label_that_changes_leaves_the_number():
    markers = after(Stock(chair=[block(0)], stool=[block(20)]), Stock(stool=[block(0), block(20)]))
    assert [(mark.id, mark.category) for mark in markers.marks()] == [(1, STOOL), (2, STOOL)]
    assert markers.switches == 0


def test_a_few_voxels_named_otherwise_are_a_thing_of_their_own():
    seat = block(0, size=(6, 6, 2))
    cushion = seat[:10]
    markers = after(Stock(chair=[seat]), Stock(chair=[seat[10:]], stool=[cushion]))
    assert [(mark.id, mark.category) for mark in markers.marks()] == [(1, CHAIR), (2, STOOL)]
    assert markers.switches == 0


def test_categories_that_are_not_asked_for_stay_as_they_are():
    markers = after(Stock(chair=[block(0)], stool=[block(20)]))
    markers.update(Stock(chair=[block(0), block(40)]), [CHAIR])
    assert [(mark.id, mark.category) for mark in markers.marks()] == [(1, CHAIR), (2, STOOL), (3, CHAIR)]


def test_the_same_maps_give_the_same_numbers():
    rng = np.random.default_rng(3)
    maps = [
        Stock(chair=[block(*xyz) for xyz in rng.integers(0, 30, (9, 3)).tolist()], stool=[block(60)])
        for _ in range(6)
    ]
    first, second = after(*maps), after(*maps)
    assert numbers(first) == numbers(second)
    assert first.switches == second.switches
    found = [piece.id for piece in first.marks()]
    assert len(set(found)) == len(found)


def test_what_makes_no_sense_is_said_in_one_line():
    with pytest.raises(ConfigError, match=r"gap_m above 0 or None, .*, got -1\.0, 0\.5, 6"):
        ObjectMarkers(gap_m=-1.0)
    with pytest.raises(ConfigError, match=r"least_voxels of 1 or more, got None, 0\.5, 0"):
        ObjectMarkers(least_voxels=0)
    with pytest.raises(ConfigError, match="moved_m of 0 or more"):
        ObjectMarkers(moved_m=math.nan)
    markers, finer = after(Stock(chair=[block(0)])), Stock()
    finer.voxel_size_m = 0.05
    with pytest.raises(PlacecellError, match=r"voxels of 0\.1 m, as before, got 0\.05 m"):
        markers.update(finer, [CHAIR])
    assert set(numbers(markers)) == {1}


BED_BOX = Box((2.5, 0.6, 0.0), (3.5, 1.4, 0.5), BED)
TABLE_BOX = Box((2.5, 2.6, 0.0), (3.5, 3.6, 0.6), TABLE)


def walked(*things):
    """A room with things, and the numbers of its map, which was seen from six places all around."""
    world = BoxWorld(two_rooms(*things), BED)
    octree, markers = SparseOctree(SIZE_M), ObjectMarkers()
    for x, y in ((1.0, 2.0), (0.5, 0.5), (0.5, 3.5), (2.0, 2.0), (3.7, 2.0), (2.0, 0.3)):
        for n in range(8):
            world.pose = Pose(x, y, 0.0, n * math.pi / 4)
            octree.insert(world.percept().frame, 5.0)
    markers.update(octree, (BED, TABLE, SINK))
    return world, markers


def looked(world, x, y, yaw_rad):
    world.pose = Pose(x, y, 0.0, yaw_rad)
    return world.percept().frame


@pytest.fixture(scope="module")
def furnished():
    return walked(BED_BOX, TABLE_BOX)


def test_a_frame_shows_the_number_of_the_map_on_the_thing_itself(furnished):
    world, markers = furnished
    number = {mark.category: mark.id for mark in markers.marks()}
    assert set(number) == {BED, TABLE}
    carried = 0
    for n in range(24):
        frame = looked(world, 1.0, 2.0, n * math.pi / 12)
        shown = markers.in_frame(frame)
        for mark in shown:
            column, row = mark.pixel
            assert frame.labels[row, column] == mark.category
            assert mark.id == number[mark.category]
            assert mark.depth_m == pytest.approx(float(frame.depth[row, column]))
            assert 0 < mark.visible <= 1
        seen = {label for label in (BED, TABLE) if (frame.labels == label).sum() > 40}
        assert seen <= {mark.category for mark in shown}
        carried += len(seen)
    assert carried >= 8


def test_neither_labels_nor_colours_of_the_frame_are_looked_at(furnished):
    world, markers = furnished
    frame = looked(world, 1.0, 2.0, -0.3)
    assert markers.in_frame(frame) == markers.in_frame(replace(frame, labels=None, rgb=None)) != ()


def test_what_a_wall_hides_has_no_mark(furnished):
    world, markers = furnished
    frame = looked(world, 4.6, 0.7, math.pi)  # in the other room, before the wall
    assert frame.labels[32, 32] == WALL
    assert markers.in_frame(frame) == ()
    assert not markers.image(frame).any()
    blind = replace(frame, depth=np.zeros_like(frame.depth))
    assert markers.in_frame(blind) == ()


def test_the_middle_of_what_is_seen_may_lie_on_something_else():
    post = Box((1.6, 3.02, 0.0), (1.8, 3.18, 2.4), SINK)  # before the middle of the table
    world, markers = walked(TABLE_BOX, post)
    frame = looked(world, 0.3, 3.1, 0.0)
    table = np.argwhere(frame.labels == TABLE)
    row, column = np.floor(table.mean(0)).astype(int)
    assert frame.labels[row, column] == SINK  # the trap
    (mark,) = (mark for mark in markers.in_frame(frame) if mark.category == TABLE)
    assert frame.labels[mark.pixel[1], mark.pixel[0]] == TABLE
    open_world, open_markers = walked(TABLE_BOX)
    (whole,) = open_markers.in_frame(looked(open_world, 0.3, 3.1, 0.0))
    assert mark.visible < whole.visible
    assert mark.pixels < whole.pixels


def test_too_few_pixels_get_no_mark(furnished):
    world, markers = furnished
    frame = looked(world, 1.0, 2.0, -0.3)
    most = max(mark.pixels for mark in markers.in_frame(frame))
    assert max(mark.pixels for mark in markers.in_frame(frame, least_pixels=most)) == most
    assert markers.in_frame(frame, least_pixels=most + 1) == ()


def test_without_objects_nothing_is_shown(furnished):
    frame = looked(furnished[0], 1.0, 2.0, 0.0)
    assert ObjectMarkers().in_frame(frame) == ()
    empty = ObjectMarkers()
    empty.update(SparseOctree(SIZE_M), [BED, FLOOR])
    assert empty.in_frame(frame) == ()


def test_the_text_names_the_numbers(furnished):
    world, markers = furnished
    marks = markers.marks()
    assert text(marks, NAMES).splitlines() == ["<OBJ001> table", "<OBJ002> bed"]
    assert text(marks[::-1], {BED: "bed"}) == f"<OBJ001> category {TABLE}\n<OBJ002> bed"
    shown = markers.in_frame(looked(world, 1.0, 2.0, -0.3))
    assert set(text(shown, NAMES).splitlines()) <= set(text(marks, NAMES).splitlines())
    assert text((), NAMES) == ""
