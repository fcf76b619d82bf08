import numpy as np
import pytest

from placecell.errors import FrameError
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame

CAMERA = Pinhole.from_hfov(4, 3, 1.4)
POSE = Pose(0, 0, 0, 0).T_world_camera(0.9)


def depth(value=1.0):
    return np.full((3, 4), value, np.float32)


def test_a_good_frame():
    frame = Frame(POSE, CAMERA, depth(), np.zeros((3, 4, 3), np.uint8), np.zeros((3, 4), np.int32), step=3)
    assert frame.step == 3


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_depth_must_be_finite_and_not_negative(value):
    bad = depth()
    bad[1, 1] = value
    with pytest.raises(
        FrameError, match=r"finite and not negative.*got (1 NaN or infinite|0 NaN or infinite and 1 neg)"
    ):
        Frame(POSE, CAMERA, bad)


def test_millimetres_are_refused():
    frame = object.__new__(Frame)  # past the type checker, which is off for users
    for name, value in {
        "T_world_camera": POSE,
        "camera": CAMERA,
        "depth": np.full((3, 4), 1000, np.uint16),
        "rgb": None,
        "labels": None,
        "step": 0,
    }.items():
        object.__setattr__(frame, name, value)
    with pytest.raises(
        FrameError, match="depth in metres as float32, got uint16; divide millimetres by 1000"
    ):
        frame.__post_init__()


@pytest.mark.parametrize(
    "matrix",
    [np.diag([2.0, 1, 1, 1]), np.diag([-1.0, 1, 1, 1]), np.full((4, 4), np.nan), np.zeros((4, 4))],
    ids=["scaled", "mirrored", "nan", "zero"],
)
def test_pose_must_be_rigid(matrix):
    with pytest.raises(FrameError, match="rigid 4x4 transform"):
        Frame(matrix, CAMERA, depth())


def test_sizes_must_be_the_cameras():
    with pytest.raises(FrameError, match="depth of 6 x 8 pixels, as its camera, got 3 x 4"):
        Frame(POSE, Pinhole.from_hfov(8, 6, 1.4), depth())
    with pytest.raises(FrameError, match="a frame with pixels, got 0 x 4"):
        Frame(POSE, Pinhole(4, 0, 1.0, 1.0, 2.0, 0.0), np.zeros((0, 4), np.float32))


def test_labels_and_step_in_range():
    with pytest.raises(FrameError, match="labels from 0, which is none, to 65535, got -1"):
        Frame(POSE, CAMERA, depth(), labels=np.full((3, 4), -1))
    with pytest.raises(FrameError, match="labels from 0, which is none, to 65535, got 65536; map the ids"):
        Frame(POSE, CAMERA, depth(), labels=np.full((3, 4), 65536))
    frame = Frame(POSE, CAMERA, depth(), labels=np.full((3, 4), 65535))
    assert frame.label_image().tolist() == [[65535] * 4] * 3
    with pytest.raises(FrameError, match="a step from 0"):
        Frame(POSE, CAMERA, depth(), step=-1)
