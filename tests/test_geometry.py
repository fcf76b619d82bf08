import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from placecell.errors import FrameError
from placecell.geometry import (
    Pinhole,
    Pose,
    habitat_from_yaw,
    invert,
    require_rigid,
    transform,
    wrap_angle,
    y_up_from_z_up,
    yaw_from_habitat,
    z_up_from_y_up,
)

METRES = st.floats(-100, 100)
ANGLES = st.floats(-10, 10)
POSES = st.builds(Pose, METRES, METRES, METRES, ANGLES, st.floats(-1.5, 1.5))
SHAPES = st.sampled_from([(3,), (1, 3), (5, 3), (2, 4, 3), (0, 3)])


def points(shape, seed=0):
    return np.random.default_rng(seed).uniform(-10, 10, shape)


@given(POSES, SHAPES)
def test_the_inverse_undoes_a_transform_over_any_batch_shape(pose, shape):
    T, p = pose.T_world_camera(1.25), points(shape)
    np.testing.assert_allclose(transform(invert(T), transform(T, p)), p, atol=1e-9)
    np.testing.assert_allclose(invert(T) @ T, np.eye(4), atol=1e-9)


@given(POSES, POSES, SHAPES)
def test_transforms_compose_as_their_matrices_do(a, b, shape):
    A, B, p = a.T_world_body(), b.T_world_camera(0.5), points(shape)
    np.testing.assert_allclose(transform(A @ B, p), transform(A, transform(B, p)), atol=1e-8)


@given(POSES)
def test_every_pose_is_rigid(pose):
    require_rigid(pose.T_world_body())
    require_rigid(pose.T_world_camera(1.0))


@given(POSES, st.floats(0, 2))
def test_a_camera_looks_along_its_yaw_and_pitch_from_above_the_feet(pose, height):
    T = pose.T_world_camera(height)
    forward = [
        math.cos(pose.yaw_rad) * math.cos(pose.pitch_rad),
        math.sin(pose.yaw_rad) * math.cos(pose.pitch_rad),
        math.sin(pose.pitch_rad),
    ]
    np.testing.assert_allclose(T[:3, 2], forward, atol=1e-12)
    assert abs(T[2, 0]) < 1e-12  # the horizon stays level: the image's x axis is horizontal
    assert T[2, 1] < 0.1  # and its y axis points down
    np.testing.assert_allclose(T[:3, 3], [pose.x, pose.y, pose.z + height])


def test_a_body_that_faces_east_sees_north_on_its_left():
    T = Pose(1.0, 2.0, 3.0, 0.0).T_world_camera(0.0)
    np.testing.assert_allclose(transform(T, np.array([-1.0, 0.0, 0.0])), [1, 3, 3])  # left in the image
    np.testing.assert_allclose(transform(T, np.array([0.0, 0.0, 1.0])), [2, 2, 3])  # ahead


@given(st.integers(1, 9), st.integers(1, 9), st.floats(0.1, 3.0))
def test_projection_undoes_backprojection_at_every_pixel(width, height, hfov):
    camera = Pinhole.from_hfov(width, height, hfov)
    depth = np.random.default_rng(0).uniform(0.1, 9, (height, width))
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    cloud = camera.backproject(depth)
    np.testing.assert_allclose(cloud[..., 2], depth)
    np.testing.assert_allclose(camera.project(cloud), np.stack([u, v], -1), atol=1e-9)


def test_the_image_s_edge_is_at_half_the_field_of_view():
    camera = Pinhole.from_hfov(200, 100, math.radians(79))
    edge = np.array([math.tan(math.radians(79) / 2), 0.0, 1.0])
    np.testing.assert_allclose(camera.project(edge), [200, 50])


def test_points_behind_the_camera_project_to_nan():
    camera = Pinhole.from_hfov(4, 4, 1.0)
    assert np.isnan(camera.project(np.array([[0.0, 0.0, -1.0], [0.0, 0.0, 0.0]]))).all()


def test_cached_rays_cannot_be_spoilt():
    camera = Pinhole.from_hfov(4, 3, 1.0)
    assert camera.rays() is camera.rays()
    with pytest.raises(ValueError, match="read-only"):
        camera.rays()[0, 0, 0] = 5


@pytest.mark.parametrize("degrees", [0, -10, 180, 400])
def test_a_field_of_view_that_no_pinhole_has_is_refused(degrees):
    with pytest.raises(FrameError, match=f"between 0 and 180 degrees, got {degrees} degrees; set hfov"):
        Pinhole.from_hfov(4, 4, math.radians(degrees))


def test_what_is_no_rigid_transform_is_refused():
    nan, mirror, scaled, row = (np.eye(4) for _ in range(4))
    nan[0, 3], mirror[0, 0], row[3, 0] = np.nan, -1, 1
    scaled[:3, :3] *= 1.01
    for wrong in (nan, mirror, scaled, row, np.eye(3)):
        with pytest.raises(
            FrameError, match=r"expected T_world_camera to be a rigid 4x4 transform, got shape \("
        ):
            require_rigid(wrong)
    almost = np.eye(4)
    almost[:3, :3] += 1e-6
    require_rigid(almost)


@given(st.floats(-1e4, 1e4))
def test_wrapping_keeps_the_direction(angle):
    wrapped = wrap_angle(angle)
    assert -math.pi <= wrapped < math.pi
    assert math.cos(wrapped - angle) == pytest.approx(1)


@given(SHAPES)
def test_axis_conventions_round_trip_over_any_batch_shape(shape):
    p = points(shape)
    np.testing.assert_array_equal(y_up_from_z_up(z_up_from_y_up(p)), p)
    np.testing.assert_array_equal(z_up_from_y_up(y_up_from_z_up(p)), p)


def test_habitats_forward_is_our_north_and_its_up_is_ours():
    np.testing.assert_array_equal(z_up_from_y_up(np.array([0.0, 0.0, -1.0])), [0, 1, 0])
    np.testing.assert_array_equal(z_up_from_y_up(np.array([0.0, 1.0, 0.0])), [0, 0, 1])


@given(st.floats(-3.1, 3.1))
def test_a_habitat_rotation_turns_its_forward_axis_to_our_yaw(yaw):
    forward = Rotation.from_quat(habitat_from_yaw(yaw)).apply([0.0, 0.0, -1.0])
    np.testing.assert_allclose(z_up_from_y_up(forward), [math.cos(yaw), math.sin(yaw), 0], atol=1e-12)
    assert yaw_from_habitat(habitat_from_yaw(yaw)) == pytest.approx(yaw)
    assert yaw_from_habitat(-habitat_from_yaw(yaw)) == pytest.approx(yaw)  # both quaternions of a rotation
