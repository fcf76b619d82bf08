import math

import numpy as np
import pytest

from placecell.agent.perception.lookout import LOOKOUT_M, NOTHING_SEEN, SIDE, frame_of_objects
from placecell.geometry import Pose, transform

POSE = Pose(3.0, -1.0, 0.5, 0.7)


def at(x, y, z):
    """A point, from where the body stands."""
    return POSE.position + np.array([x, y, z])


def points_of(frame, label):
    mine = (frame.labels == label) & (frame.depth > 0)
    return transform(frame.T_world_camera, frame.camera.backproject(frame.depth.astype(np.float64))[mine])


def test_what_stands_around_lies_where_the_pixels_end():
    rng = np.random.default_rng(4)
    things = []
    for label in range(1, 13):
        angle, away, rise = rng.uniform(0, 2 * math.pi), rng.uniform(0.5, 3), rng.uniform(-1.5, 1.0)
        things.append((at(away * math.cos(angle), away * math.sin(angle), rise), label))
    frame = frame_of_objects(POSE, things, step=6)
    assert frame.step == 6
    for place, label in things:
        found = points_of(frame, label)
        assert len(found) >= 2
        assert math.dist(found.mean(0)[:2], place[:2]) < 0.3
        np.testing.assert_allclose(found[:, 2], place[2], atol=1e-5)


def test_things_at_one_spot_are_all_kept():
    spot = at(1.0, 0.0, -1.0)
    frame = frame_of_objects(POSE, [(spot, label) for label in (1, 2, 3)], step=0)
    for label in (1, 2, 3):
        assert math.dist(points_of(frame, label).mean(0)[:2], spot[:2]) < 0.5


def test_what_is_higher_than_the_lookout_is_left_out():
    above = at(0.5, 0.5, LOOKOUT_M + 1)
    assert not frame_of_objects(POSE, [(above, 1)], step=0).depth.any()


def test_a_thing_far_away_is_still_in_the_image():
    far = at(25.0, -14.0, -1.0)
    near = at(0.0, 1.0, -1.0)
    frame = frame_of_objects(POSE, [(far, 1), (near, 2)], step=0)
    assert math.dist(points_of(frame, 1).mean(0), far) < 1.5
    assert len(points_of(frame, 2)) >= 2


@pytest.mark.parametrize(("objects", "size"), [(NOTHING_SEEN, 1), ([], SIDE)])
def test_without_objects_nothing_returns(objects, size):
    frame = frame_of_objects(POSE, objects, step=0)
    assert frame.depth.shape == (size, size)
    assert not frame.depth.any()
    assert (frame.labels is None) == (objects is NOTHING_SEEN)
