import math

import numpy as np
import pytest

from placecell.agent.perception.channels import channels
from placecell.geometry import Pinhole, Pose, transform

CAMERA = Pinhole.from_hfov(32, 24, math.radians(79))


def plane_depth(pitch_rad, normal, offset):
    """Planar depth of the plane normal . p = offset, in the frame of the feet; 0 where it is behind."""
    T = Pose(0, 0, 0, 0, pitch_rad).T_world_camera(0.88)
    rays = CAMERA.rays() @ T[:3, :3].T
    with np.errstate(divide="ignore"):
        depth = (offset - T[:3, 3] @ normal) / (rays @ normal)
    return np.where((depth > 0) & (depth < 9), depth, 0).astype(np.float32)


def seen(depth, pitch_rad=0.0, rgb=None):
    rgb = np.zeros((24, 32, 3), np.uint8) if rgb is None else rgb
    return channels(rgb, depth, CAMERA, pitch_rad, 0.88)


@pytest.mark.parametrize("pitch_rad", [0.0, -0.15, 0.2])
@pytest.mark.parametrize(
    ("normal", "offset", "upwardness"),
    [((0, 0, 1), 0.0, 1), ((0, 0, 1), 2.6, -1), ((1, 0, 0), 2.0, 0), ((0.6, 0.8, 0), 1.5, 0)],
    ids=["floor", "ceiling", "wall ahead", "oblique wall"],
)
def test_heights_and_normals_are_those_of_the_surface_however_the_camera_is_tilted(
    pitch_rad, normal, offset, upwardness
):
    depth = plane_depth(pitch_rad, np.array(normal, float), offset)
    out = seen(depth, pitch_rad)
    returns = depth > 0
    assert returns.sum() > 50
    # At the rim of what is seen a band of one row spans no surface.
    spans = returns & (out[..., 6] != 0) if upwardness else returns
    assert spans.sum() > 0.8 * returns.sum()
    np.testing.assert_allclose(out[..., 6][spans], upwardness, atol=1e-3)
    T = Pose(0, 0, 0, 0, pitch_rad).T_world_camera(0.88)
    heights = transform(T, CAMERA.backproject(depth).reshape(-1, 3))[:, 2].reshape(depth.shape)
    np.testing.assert_allclose(out[..., 5][returns], heights[returns] / 2.5, atol=1e-5)


def test_without_a_return_only_colour_and_elevation_remain():
    rgb = np.full((24, 32, 3), (0, 255, 51), np.uint8)
    out = seen(np.zeros((24, 32), np.float32), rgb=rgb)
    np.testing.assert_allclose(out[..., :3], np.broadcast_to([-1, 1, -0.6], (24, 32, 3)), atol=1e-6)
    assert not out[..., 3:7].any()
    rays = CAMERA.rays()
    np.testing.assert_allclose(out[..., 7], -rays[..., 1] / np.linalg.norm(rays, axis=-1), atol=1e-6)


def test_depth_counts_five_metres_as_one_and_ends_at_ten():
    depth = np.full((24, 32), 2.5, np.float32)
    depth[0] = 50
    out = seen(depth)
    np.testing.assert_allclose(out[12, :, 3], 0.5)
    np.testing.assert_allclose(out[0, :, 3], 2.0)
    assert (out[..., 4] == 1).all()


def test_a_lone_return_has_no_normal():
    depth = np.zeros((24, 32), np.float32)
    depth[10, 10] = 1
    assert seen(depth)[10, 10, 6] == 0
