import math
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from placecell.envs.mesh.camera import Camera
from placecell.envs.mesh.loading import load_scene
from placecell.envs.mesh.renderer import Renderer
from placecell.envs.mesh.scene import Part, assemble
from placecell.envs.mesh.shading import light
from placecell.errors import ConfigError, FrameError
from placecell.geometry import Pose, transform, yaw_from_habitat, z_up_from_y_up

QUAD = np.array([[0, 1, 2], [0, 2, 3]])
WHITE = (1.0, 1.0, 1.0)
EAST = Pose(0, 0, 0, 0)


def wall(x=2.0, half=50.0, **looks):
    """A square wall across the x axis, its lower left corner (seen from the origin) first."""
    corners = np.array([[x, half, -half], [x, -half, -half], [x, -half, half], [x, half, half]])
    return Part(corners, QUAD, uv=np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]]), **looks)


def lit(rgb, normal):
    return np.rint(np.array(rgb) * light(np.array([normal], np.float32))[0])


def test_planar_depth_of_a_wall_is_its_distance_everywhere():
    camera = Camera(width=37, height=21, hfov_deg=90.0, height_m=0.0)
    scene = assemble("wall", [wall(instance=4, category="wall")])
    image = Renderer(scene).render(camera, camera.T_world_camera(EAST))
    np.testing.assert_allclose(image.depth, 2.0, rtol=1e-6)
    assert (image.instance == 4).all()
    assert (image.category == 1).all()
    assert image.depth.dtype == np.float32
    assert image.rgb.shape == (21, 37, 3)


def test_depth_backprojects_onto_the_surface():
    camera = Camera(width=40, height=30, hfov_deg=79.0, height_m=0.5)
    pose = Pose(0.2, -0.3, 0.1, 0.4, -0.2)
    T = camera.T_world_camera(pose)
    image = Renderer(assemble("wall", [wall()])).render(camera, T)
    world = transform(T, camera.pinhole().backproject(image.depth.astype(np.float64)))
    np.testing.assert_allclose(world[..., 0], 2.0, atol=1e-5)


def test_nothing_hit_is_black_with_depth_and_ids_zero():
    camera = Camera(width=8, height=8)
    image = Renderer(assemble("wall", [wall(instance=1)])).render(
        camera, camera.T_world_camera(Pose(3, 0, 0, 0))
    )
    for array in (image.rgb, image.depth, image.instance, image.category):
        assert not array.any()


def test_depth_outside_the_range_is_no_return_but_seen():
    scene = assemble("walls", [wall(2.0, instance=1)])
    for limits in ((0.0, 1.9), (2.1, 9.0)):
        camera = Camera(width=8, height=8, height_m=0.0, min_depth_m=limits[0], max_depth_m=limits[1])
        image = Renderer(scene).render(camera, camera.T_world_camera(EAST))
        assert not image.depth.any()
        assert image.rgb.all()
        assert (image.instance == 1).all()


def test_texture_stands_upright_and_is_bilinear():
    """A 2 x 2 texture fills the view: texel centres at a quarter, halfway mixes of its neighbours between."""
    texture = np.array([[[200, 0, 0], [0, 200, 0]], [[0, 0, 200], [200, 200, 200]]], np.uint8)
    camera = Camera(width=4, height=4, hfov_deg=90.0, height_m=0.0)
    scene = assemble("wall", [wall(2.0, 2.0, color=WHITE, texture=texture)])
    rgb = Renderer(scene).render(camera, camera.T_world_camera(EAST)).rgb.astype(float)
    # Pixel centres lie at 1/8, 3/8, 5/8, 7/8 of the texture: 1/4 texel outside and inside its texel centres.
    towards = (-1.0, 0.0, 0.0)
    upper, lower = (0.75 * texture[row, 0] + 0.25 * texture[row, 1] for row in (0, 1))
    expected = lit(0.75 * upper + 0.25 * lower, towards)
    np.testing.assert_allclose(rgb[1, 1], expected, atol=1)
    # Outside the outermost centres the texture repeats: of two texels the other one mixes in just the same.
    np.testing.assert_allclose(rgb[0, 0], expected, atol=1)
    assert rgb[0, 0, 0] > rgb[0, 3, 0]  # red is left
    assert rgb[0, 3, 1] > rgb[3, 0, 1]  # green is right, up
    assert rgb[3, 0, 2] > rgb[0, 0, 2]  # blue is down


@pytest.mark.parametrize("shift", [(3, 0), (-2, 5), (0, -7)])
def test_texture_repeats(shift):
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 255, (5, 7, 3)).astype(np.uint8)
    plain = wall(2.0, 2.0, color=WHITE, texture=texture)
    moved = Part(plain.vertices, QUAD, WHITE, texture, plain.uv + np.array(shift))
    camera = Camera(width=32, height=32, hfov_deg=90.0, height_m=0.0)
    images = [
        Renderer(assemble("wall", [part])).render(camera, camera.T_world_camera(EAST)).rgb.astype(int)
        for part in (plain, moved)
    ]
    assert np.abs(images[0] - images[1]).max() <= 1


def test_vertex_colours_blend_and_multiply_the_base_colour():
    colors = np.array([[0, 0, 0], [200, 0, 0], [200, 0, 0], [0, 0, 0]], np.uint8)
    scene = assemble("wall", [wall(2.0, 2.0, color=(0.5, 1.0, 1.0), vertex_colors=colors)])
    camera = Camera(width=10, height=10, hfov_deg=90.0, height_m=0.0)
    rgb = Renderer(scene).render(camera, camera.T_world_camera(EAST)).rgb
    expected = [lit((100 * (i + 0.5) / 10, 0, 0), (-1.0, 0, 0))[0] for i in range(10)]
    np.testing.assert_allclose(rgb[5, :, 0], expected, atol=1)
    assert not rgb[..., 1:].any()


def test_both_sides_are_visible_and_light_depends_on_the_side_not_on_the_winding():
    part = wall(2.0, color=WHITE)
    flipped = Part(part.vertices, part.faces[:, ::-1].copy(), WHITE)
    camera = Camera(width=4, height=4, height_m=0.0)
    for pose, normal in ((EAST, (-1.0, 0, 0)), (Pose(4, 0, 0, math.pi), (1.0, 0, 0))):
        for face in (part, flipped):
            image = Renderer(assemble("wall", [face])).render(camera, camera.T_world_camera(pose))
            assert (image.rgb == lit((255, 255, 255), normal)).all()
            np.testing.assert_allclose(image.depth, 2.0, rtol=1e-6)


def test_the_sides_of_a_room_differ_in_brightness():
    normals = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], np.float32)
    values = np.sort(light(normals))
    assert np.diff(values).min() > 0.02
    assert values[0] > 0.4
    assert values[-1] <= 1


def test_panorama_sees_all_around_with_distance_along_the_ray():
    names = ("ahead", "left", "behind", "right")
    quarter = [wall(2.0, 2.0, instance=1)]
    for turn in (1, 2, 3):
        c, s = ((0, 1), (-1, 0), (0, -1))[turn - 1]
        R = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]], float)
        quarter.append(Part(quarter[0].vertices @ R.T, QUAD, instance=turn + 1))
    camera = Camera(width=64, height=32, kind="equirectangular", height_m=0.0)
    image = Renderer(assemble("box", quarter)).render(camera, camera.T_world_camera(EAST))
    middle = image.instance[16]
    seen = dict(zip(names, (middle[32], middle[16], middle[0], middle[48]), strict=True))
    assert seen == {"ahead": 1, "left": 2, "behind": 3, "right": 4}
    assert not image.instance[0].any()  # straight up the box is open
    longitude, latitude = 0.5 / 64 * 2 * math.pi, 0.5 / 32 * math.pi
    np.testing.assert_allclose(image.depth[16, 32], 2 / math.cos(longitude) / math.cos(latitude), rtol=1e-5)


def test_camera_without_offsets_is_the_pose_of_geometry():
    pose = Pose(1, 2, 3, 0.7, -0.3)
    np.testing.assert_allclose(
        Camera(height_m=1.1).T_world_camera(pose), pose.T_world_camera(1.1), atol=1e-15
    )


def test_offsets_turn_and_move_the_camera_with_the_body():
    camera = Camera(yaw_deg=90.0, forward_m=0.3, left_m=-0.1, height_m=1.0)
    T = camera.T_world_camera(Pose(5, 6, 0, math.pi / 2))
    np.testing.assert_allclose(T[:3, 2], [-1, 0, 0], atol=1e-12)  # body looks north, camera to its left: west
    np.testing.assert_allclose(T[:3, 3], [5.1, 6.3, 1.0], atol=1e-12)
    up = Camera(pitch_deg=30.0).T_world_camera(Pose(0, 0, 0, 0, math.radians(15)))
    np.testing.assert_allclose(up[2, 2], math.sin(math.radians(45)))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"kind": "fisheye"}, "known kind of camera 'front', got 'fisheye'; choose pinhole or equirect"),
        ({"width": 0}, "of 1 x 1 to 8192 x 8192 pixels, got 0 x 128"),
        ({"hfov_deg": 180.0}, "hfov_deg of camera 'front' between 0 and 180, got 180"),
        ({"min_depth_m": 2.0, "max_depth_m": 1.0}, "got min_depth_m 2, max_depth_m 1; swap"),
    ],
)
def test_cameras_that_cannot_be(keys, message):
    with pytest.raises(ConfigError, match=message):
        Camera(**keys)


def test_panorama_has_no_pinhole():
    with pytest.raises(ConfigError, match="to be a pinhole, got equirectangular"):
        Camera(kind="equirectangular").pinhole()


@pytest.mark.parametrize("T", [np.diag([1.0, 1, -1, 1]), np.diag([2.0, 2, 2, 1]), np.full((4, 4), np.nan)])
def test_pose_that_is_no_rigid_transform(T):
    with pytest.raises(FrameError, match="T_world_camera to be a rigid 4x4 transform"):
        Renderer(assemble("wall", [wall()])).render(Camera(), T)


def test_odd_sizes_match_the_same_pixels_of_the_rays():
    """Tiles past the edge write nothing: every size sees what single rays see."""
    rng = np.random.default_rng(1)
    scene = assemble("soup", [Part(rng.normal(size=(180, 3)), np.arange(180).reshape(-1, 3))])
    renderer = Renderer(scene)
    for width, height in ((1, 1), (5, 3), (18, 7)):
        camera = Camera(width=width, height=height, hfov_deg=90.0, height_m=0.0)
        T = camera.T_world_camera(Pose(-3, 0, 0, 0))
        rays = camera.pinhole().rays().reshape(-1, 3) @ T[:3, :3].T
        distances, _ = renderer.rays.cast(np.tile(T[:3, 3], (len(rays), 1)), rays)
        expected = np.where(np.isfinite(distances), distances, 0).reshape(height, width)
        np.testing.assert_allclose(renderer.render(camera, T).depth, expected, rtol=1e-4)


def test_fresh_arrays_and_the_same_image_from_many_threads():
    rng = np.random.default_rng(2)
    renderer = Renderer(assemble("soup", [Part(rng.normal(size=(300, 3)), np.arange(300).reshape(-1, 3))]))
    camera = Camera(width=50, height=40, height_m=0.0)
    transforms = [camera.T_world_camera(Pose(0, 0, 0, yaw)) for yaw in np.linspace(0, 6, 12)]
    alone = [renderer.render(camera, T) for T in transforms]
    kept = [image.rgb.copy() for image in alone]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda T: renderer.render(camera, T), transforms * 4))
    for image, expected in zip(together, kept * 4, strict=True):
        np.testing.assert_array_equal(image.rgb, expected)
    for image, expected in zip(alone, kept, strict=True):
        np.testing.assert_array_equal(image.rgb, expected)


@pytest.mark.real_data
@pytest.mark.skipif("PLACECELL_DATA" not in os.environ, reason="set PLACECELL_DATA to the public data")
def test_depth_is_what_habitat_sim_renders():
    import json

    data = Path(os.environ["PLACECELL_DATA"])
    golden = np.load(data / "habitat_golden" / "dungeon.npz")
    meta = json.loads(str(golden["meta"]))
    camera = Camera(
        width=meta["image_width"],
        height=meta["image_height"],
        hfov_deg=meta["horizontal_fov_deg"],
        height_m=meta["camera_height_m"],
    )
    renderer = Renderer(load_scene(data / "meshes" / "dungeon.obj"))
    errors, bad = [], []
    for position, yaw, depth in zip(golden["position"], golden["yaw"], golden["depth"], strict=True):
        x, y, z = z_up_from_y_up(position.astype(np.float64)).tolist()
        turn = yaw_from_habitat(np.array([0, math.sin(yaw / 2), 0, math.cos(yaw / 2)]))
        image = renderer.render(camera, camera.T_world_camera(Pose(x, y, z, turn)))
        error = np.abs(image.depth - depth)
        errors.append(error)
        bad.append(error > 0.02 * np.maximum(depth, 1e-6))
    assert np.median(errors) < 0.001
    assert np.mean(bad) < 0.005
