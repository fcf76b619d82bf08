"""One voxel map taken into another: nothing is lost by whole voxels, little by any other transform."""

import math

import numpy as np
import pytest
from tests.support.box_world import BODY, TABLE, Box, BoxWorld, two_rooms

from placecell.errors import FrameError, PlacecellError
from placecell.geometry import Pose
from placecell.memory import FREE, OCCUPIED, Frame, GrowingMap, SparseOctree

TABLES = (Box((2.0, 0.4, 0.0), (2.9, 1.1, 0.7), TABLE), Box((5.1, 2.9, 0.0), (6.6, 3.5, 0.9), TABLE))
WALK = [
    (1.0, 2.0, 0.0),
    (1.6, 2.0, 0.6),
    (2.2, 2.0, -0.8),
    (3.0, 2.0, 0.0),
    (4.5, 2.0, 0.9),
    (5.5, 2.0, -1.2),
]


def frames(walk=WALK, T=None, step=0):
    """What is seen on a walk, with the world in another frame."""
    world = BoxWorld(two_rooms(*TABLES), TABLE)
    for x, y, yaw in walk:
        world.pose = Pose(x, y, 0.0, yaw)
        seen = world.percept().frame
        pose = seen.T_world_camera if T is None else T @ seen.T_world_camera
        yield Frame(pose, seen.camera, seen.depth, seen.rgb, seen.labels, step=step)
        step += 1


def mapped(walk=WALK, T=None, step=0, carve=True):
    octree = SparseOctree()
    for frame in frames(walk, T, step):
        octree.insert(frame, 5.0, carve=carve)
    return octree


def moved(x, y, z, yaw=0.0):
    return Pose(x, y, z, yaw).T_world_body()


def assert_same(one, other):
    packed, others = one.pack(), other.pack()
    for name in packed:
        np.testing.assert_array_equal(packed[name], others[name], err_msg=name)


def test_two_halves_of_a_walk_make_the_whole():
    whole, first, second = (mapped(walk, carve=False) for walk in (WALK, WALK[:3], WALK[3:]))
    first.absorb(second, np.eye(4), step_offset=3)
    packed = whole.pack()
    for name, held in first.pack().items():
        np.testing.assert_array_equal(held, packed[name], err_msg=name)
    assert np.array_equal(whole.bounds(), first.bounds())


def test_with_free_space_too_but_for_evidence_beyond_its_bounds():
    """A map knows that a voxel was seen through twice or more, not how often: few voxels hang on that."""
    whole, first, second = mapped(), mapped(WALK[:3]), mapped(WALK[3:])
    first.absorb(second, np.eye(4), step_offset=3)
    lower, upper = whole.bounds()
    assert np.array_equal((lower, upper), first.bounds())
    differ = first.states_in_box(lower, upper) != whole.states_in_box(lower, upper)
    assert differ.sum() <= 0.001 * len(whole)
    both = np.array(sorted(set(map(tuple, first.occupied())) & set(map(tuple, whole.occupied()))))
    mine, all_ = first.read(both), whole.read(both)
    for name in ("hits", "points", "colours", "coloured", "last_seen", "labels"):
        np.testing.assert_array_equal(getattr(mine, name), getattr(all_, name), err_msg=name)


def test_a_shift_by_whole_voxels_there_and_back_loses_nothing():
    there, back, whole = SparseOctree(), SparseOctree(), mapped()
    there.absorb(whole, moved(1.3, -2.7, 0.5))
    assert set(map(tuple, there.occupied() - [13, -27, 5])) == set(map(tuple, whole.occupied()))
    back.absorb(there, moved(-1.3, 2.7, -0.5))
    for name, held in back.pack().items():
        if name != "seen":  # of blocks, which are others between
            np.testing.assert_array_equal(held, whole.pack()[name], err_msg=name)


def test_a_turned_map_is_nearly_the_one_that_was_walked_in_that_frame():
    T = moved(3.33, -1.27, 0.041, 0.7)
    turned, direct, source = SparseOctree(), mapped(T=T), mapped()
    turned.absorb(source, T)
    assert turned.pack()["hits"].sum() == source.read(source.occupied()).hits.sum()
    lower, upper = direct.bounds()
    mine, theirs = turned.states_in_box(lower, upper), direct.states_in_box(lower, upper)
    assert (mine[theirs == FREE] == FREE).mean() > 0.92
    assert (mine[theirs == FREE] == OCCUPIED).mean() < 0.005
    surface = direct.read(direct.occupied()).points
    handles, away = turned.nearest_many(surface, 1, 1.0)
    assert (away[:, 0] < 0.1).mean() > 0.97
    assert (turned.at(handles[:, 0]).labels == direct.read(direct.occupied()).labels).mean() > 0.95
    fresh = SparseOctree()
    fresh.unpack(turned.pack())  # an archive of it holds together
    assert_same(fresh, turned)


def test_the_other_map_stays_as_it_was():
    one, other = mapped(WALK[:3]), mapped(WALK[3:])
    before = other.pack()
    one.absorb(other, moved(0.1, 0.2, 0.0, 0.3))
    for name, held in other.pack().items():
        np.testing.assert_array_equal(held, before[name])


def one_voxel(label, times):
    """A voxel that so many frames saw."""
    octree, camera = SparseOctree(), BODY.camera.from_hfov(3, 3, 0.01)
    pose, depth = Pose(0.0, 0.05, 0.0, 0.0).T_world_camera(0.05), np.full((3, 3), 1.05, np.float32)
    for n in range(times):
        octree.insert(Frame(pose, camera, depth, labels=np.full((3, 3), label), step=n), 5.0)
    return octree


SPOT = np.array([[1.05, 0.05, 0.05]])


@pytest.mark.parametrize(
    ("mine", "theirs", "label", "votes"),
    [((4, 3), (4, 2), 4, 5), ((4, 3), (7, 2), 4, 1), ((4, 2), (7, 3), 7, 1), ((4, 2), (7, 2), 0, 0)],
)
def test_votes_add_up_or_are_set_off(mine, theirs, label, votes):
    one = one_voxel(*mine)
    one.absorb(one_voxel(*theirs), np.eye(4))
    found = one.at(one.find(SPOT))
    assert (found.labels[0], found.votes[0]) == (label, votes)


def test_what_the_other_sees_through_loses_evidence():
    seen_once, through = one_voxel(4, 1), SparseOctree()
    through.insert_points(np.array([[2.0, 0.05, 0.05]]), np.array([0.0, 0.05, 0.05]))
    for _ in range(3):
        seen_once.absorb(through, np.eye(4))
    assert seen_once.state(SPOT)[0] == FREE
    free = through
    free.absorb(one_voxel(4, 1), np.eye(4))
    assert free.state(SPOT)[0] == OCCUPIED


def test_features_are_the_mean_by_weight():
    maps = []
    for value, pixels in ((1.0, 2), (4.0, 4)):
        octree = SparseOctree(feature_width=2)
        pose = Pose(0.0, 0.05, 0.0, 0.0).T_world_camera(0.05)
        depth = np.full((pixels, 1), 1.05, np.float32)
        features = np.full((1, 1, 2), value, np.float32)
        octree.insert(Frame(pose, BODY.camera.from_hfov(1, pixels, 0.001), depth, features=features), 5.0)
        maps.append(octree)
    for T in (np.eye(4), moved(0.0, 0.0, 0.0, 1e-3)):
        both = SparseOctree(feature_width=2)
        for octree in maps:
            both.absorb(octree, T)
        held = both.read(both.occupied())
        assert held.weights.sum() == 6
        np.testing.assert_allclose(held.features[0], 3.0)


def test_agents_stay_apart_and_readers_hear_of_it():
    one, other = SparseOctree(), SparseOctree()
    other.insert_points(np.array([[0.05, 0.05, 0.05]]), agent=3)
    copy = GrowingMap()
    copy.apply(one.growth(0, agent=3))
    one.absorb(other, np.eye(4))
    copy.apply(one.growth(copy.clock, agent=3))
    assert copy.cells.tolist() == [[0, 0, 0]]
    assert (len(one.occupied()), len(one.occupied(agent=3))) == (0, 1)


@pytest.mark.parametrize(
    ("other", "T", "error", "text"),
    [
        (SparseOctree(0.05), np.eye(4), PlacecellError, r"expected a map with voxels of 0\.1 m.* 0\.05 m"),
        (SparseOctree(0.1, 8), np.eye(4), PlacecellError, "features of width 0.* width 8.*same encoder"),
        (SparseOctree(), 2 * np.eye(4), FrameError, "expected T_this_other to be a rigid 4x4 transform"),
        (one_voxel(4, 1), moved(2e5, 0, 0), PlacecellError, "expected voxels within 1048576 of the origin"),
        (one_voxel(4, 1), np.eye(4), FrameError, r"a step from 0 to 2\*\*30"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_in_is_refused_and_leaves_the_map_as_it_was(other, T, error, text):
    octree = one_voxel(4, 2)
    before = octree.pack()
    with pytest.raises(error, match=text):
        octree.absorb(other, T, step_offset=1 << 30 if error is FrameError else 0)
    for name, held in octree.pack().items():
        np.testing.assert_array_equal(held, before[name])


def test_a_turn_is_about_the_origin():
    octree, other = SparseOctree(), SparseOctree()
    other.insert_points(np.array([[1.05, 0.05, 0.35]]), np.array([0.05, 0.05, 0.35]))
    octree.absorb(other, moved(0.02, 0.0, 0.0, math.pi / 2))
    assert octree.occupied().tolist() == [[-1, 10, 3]]
    assert octree.state(np.array([[-0.05, 0.55, 0.35]]))[0] == FREE
