import math

import numpy as np
import pytest

from placecell.agent.policies.verify import fills_the_view, look_at
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame

CAMERA = Pinhole.from_hfov(40, 40, math.radians(79))
CHAIR, SOFA = 5, 6
EYE_M = 0.9


def frame(depth_m, label, **changes):
    """A wall of one label ``depth_m`` ahead of a camera at the origin that looks east."""
    depth = np.full((40, 40), depth_m, np.float32)
    labels = np.full((40, 40), label, np.int32)
    return Frame(Pose(0, 0, 0, 0).T_world_camera(EYE_M), CAMERA, depth, labels=labels, **changes)


def square(x, half=0.25, n=8):
    """A square of points ``x`` metres ahead at eye height."""
    y, z = (a.ravel() for a in np.meshgrid(*[np.linspace(-half, half, n)] * 2))
    return np.column_stack([np.full(len(y), x), y, z + EYE_M])


@pytest.mark.parametrize(
    ("depth_m", "label", "verdict"),
    [
        (2.0, CHAIR, 1),
        (2.0, SOFA, -1),
        (3.5, CHAIR, -1),  # seen through: it is gone
        (1.0, CHAIR, 0),  # hidden
        (0.0, CHAIR, 0),  # no return
        (2.2, CHAIR, 1),  # within a voxel or two
        (1.8, CHAIR, 1),
        (1.8, SOFA, 0),  # the other side of the wall that it stands at
    ],
)
def test_what_a_look_says(depth_m, label, verdict):
    assert look_at(frame(depth_m, label), square(2.0), CHAIR, 0.5, 2.8).verdict == verdict


def test_what_is_out_of_view_or_beyond_the_trusted_depths_says_nothing():
    points = square(2.0)
    for moved in ((-4, 0, 0), (0, 5, 0), (0, 0, 5)):
        assert look_at(frame(2.0, SOFA), points + np.array(moved), CHAIR, 0.5, 2.8).seen == 0
    assert look_at(frame(3.0, SOFA), square(3.0), CHAIR, 0.5, 2.8).seen == 0
    assert look_at(frame(0.4, SOFA), square(0.4, half=0.1), CHAIR, 0.5, 2.8).seen == 0


def test_a_quarter_of_what_is_in_sight_has_to_agree():
    seen = frame(2.0, SOFA)
    for columns, verdict in ((14, 1), (9, -1)):
        seen.labels[:] = SOFA
        seen.labels[:, :columns] = CHAIR
        look = look_at(seen, square(2.0, half=1.5, n=16), CHAIR, 0.5, 2.8)
        assert look.verdict == verdict
        assert look.seen == 256


def test_a_sliver_of_an_object_is_too_little():
    points = square(2.0, half=2.0, n=40)
    assert look_at(frame(2.0, CHAIR), points, CHAIR, 0.5, 2.8).verdict == 1
    aside = points + np.array([0, 3.6, 0])
    assert look_at(frame(2.0, CHAIR), aside, CHAIR, 0.5, 2.8).seen == 0


def test_a_single_remembered_point_can_be_looked_at():
    point = np.array([[2.0, 0.0, EYE_M]])
    assert look_at(frame(2.0, CHAIR), point, CHAIR, 0.5, 2.8).verdict == 1


def test_what_is_too_near_for_depth_is_known_by_its_label():
    assert fills_the_view(frame(0.0, CHAIR), CHAIR)
    assert not fills_the_view(frame(0.0, CHAIR), SOFA)
    assert not fills_the_view(frame(3.0, CHAIR), CHAIR)
