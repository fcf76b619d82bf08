"""From a config's names to MeshNav: whole numbers for floats, and bad input told in one line."""

import gymnasium
import pytest
from omegaconf import OmegaConf
from solids import box, floor, join
from trimesh import Trimesh

from placecell.envs.mesh import make_mesh_env
from placecell.errors import ConfigError, EpisodeError, SceneError

SMALL = {"width": 8, "height": 6, "episodes": 2}


def write_mesh(path, *meshes):
    """A PLY, which is z up."""
    vertices, faces = join(*meshes)
    Trimesh(vertices, faces, process=False).export(path)
    return path


def test_whole_numbers_will_do_in_a_config():
    config = OmegaConf.create(
        """
        body: {name: tall, forward_m: 1, turn_deg: 30, camera_height_m: 1, hfov_deg: 90, max_depth_m: 5}
        task: {name: pointnav, success_distance_m: 1, closest_m: 1, furthest_m: 30, min_ratio: 0}
        cameras: [{name: back, yaw_deg: 180, width: 8, height: 6, hfov_deg: 90, height_m: 1}]
        """
    )
    env = make_mesh_env(**OmegaConf.to_container(config), **SMALL)
    env.reset(seed=0, options={"episode": 0})
    _, _, _, _, info = env.step(1)
    assert info["collided"] or info["measures"]["path_length"] == pytest.approx(1)
    assert env.observation_space["depth_back"].shape == (6, 8)


def test_a_scene_of_the_users(tmp_path):
    mesh = write_mesh(tmp_path / "hall.ply", floor(0.0, 0.0, 8.0, 8.0), box(3.0, 3.0, 0.0, 5.0, 5.0, 2.0))
    env = gymnasium.make("placecell/MeshNav-v0", scene=str(mesh), **SMALL)
    assert env.unwrapped.episodes[0].scene_id == "hall.ply"
    elsewhere = tmp_path / "elsewhere" / "hall.ply"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(mesh.read_bytes())
    again = gymnasium.make("placecell/MeshNav-v0", scene=str(elsewhere), **SMALL)
    assert again.unwrapped.episodes == env.unwrapped.episodes
    assert env.unwrapped.area.island_area() == pytest.approx(7.7**2 - 2.2**2, rel=0.01)


def test_the_up_axis_can_be_told(tmp_path):
    mesh = write_mesh(tmp_path / "hall.ply", floor(0.0, 0.0, 8.0, 8.0))
    assert make_mesh_env(mesh, up="z", task={"min_ratio": 0}, **SMALL).area.island_area() > 59
    with pytest.raises(
        SceneError, match=r"^expected a mesh with ground for a body of .*the right axis is up"
    ):
        make_mesh_env(mesh, up="y", **SMALL)
    with pytest.raises(SceneError, match=r"up to be auto, y or z, got 'x'"):
        make_mesh_env(mesh, up="x", **SMALL)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [({"body": "giant"}, ConfigError, r"a body: habitat_pointnav, habitat_objectnav, parity, got 'giant'"),
     ({"body": {"name": "b", "legs": 2}}, ConfigError, r"keys of env\.body: name, .*, got legs; correct"),
     ({"task": {"name": "vln"}}, ConfigError, r"a task that MeshNav knows: .*, tour, got .vln"),
     ({"task": {"steps": 3}}, ConfigError, r"keys of task: .*, got steps; correct the spelling"),
     ({"noise": "loud"}, ConfigError, r"a noise level of none, low, high, got 'loud'; choose one of"),
     ({"cameras": [{"name": "b", "fov": 90}]}, ConfigError, r"keys of camera 'b': name, .*, got fov"),
     ({"cameras": [{"width": 8.5}]}, ConfigError, r"a whole number as camera 'front'\.width, got 8\.5"),
     ({"cameras": [{"name": "b"}, {"name": "b"}]}, ConfigError, r"different names .*, got 'b' twice; name"),
     ({"cameras": [{"width": 8}]}, ConfigError, r"cameras of different names .*, got 'front' twice"),
     ({"width": 0}, ConfigError, r"camera 'front' of 1 x 1 to 8192 x 8192 pixels, got 0 x 6"),
     ({"width": 10**5}, ConfigError, r"camera 'front' of 1 x 1 to 8192 x 8192 pixels, got 100000 x 6"),
     ({"cameras": [5]}, ConfigError, r"each of env\.cameras as a mapping, got 5; write it as \{name: back"),
     ({"body": {"name": "b", "look_deg": -1}}, ConfigError, r"body\.look_deg above 0, got -1"),
     ({"seed": -1}, ConfigError, r"a seed of 0 or more, got -1; set seed=N"),
     ({"episodes": 0}, EpisodeError, r"a count of 1 or more, got 0; ask for one episode or more"),
     ({"task": {"closest_m": 0, "furthest_m": 1e-9}}, EpisodeError, r"got none in 1000 draws .*furthest_m"),
     ({"task": {"closest_m": 5, "furthest_m": 3}}, EpisodeError, r"0 <= closest_m < furthest_m, got"),
     ({"task": {"dataset": "nowhere.json.gz"}}, EpisodeError, r"a dataset of episodes at nowhere\.json\.gz"),
     ({"scene": "nowhere.glb"}, SceneError, r"a scene file at nowhere\.glb, got no such file; check"),
     ({"body": {"name": "wide", "radius_m": 3}}, SceneError, r"ground for a body of radius 3 m and")],
)  # fmt: skip
def test_bad_input_is_told_in_one_line(options, error, text):
    with pytest.raises(error, match=text) as raised:
        make_mesh_env(**{**SMALL, **options})
    assert "\n" not in str(raised.value)


def test_a_scene_with_nothing_to_stand_on(tmp_path):
    mesh = write_mesh(tmp_path / "stones.ply", *(box(i, 0.0, 0.0, i + 0.5, 0.5, 1.0) for i in range(4)))
    with pytest.raises(
        SceneError, match=r"got 48 triangles, none with a square metre to stand on; check that"
    ) as e:
        make_mesh_env(mesh, **SMALL)
    assert "\n" not in str(e.value)


def test_a_further_camera_sees_with_the_bodys_eyes_unless_told_otherwise():
    cameras = [{"name": "back", "yaw_deg": 180}, {"name": "low", "height_m": 0.2}]
    env = make_mesh_env(body="habitat_objectnav", **{**SMALL, "cameras": cameras})
    front, back, low = env.cameras
    assert (back.height_m, back.hfov_deg, back.max_depth_m) == (0.88, 79.0, 5.0)
    assert (front.height_m, low.height_m, low.hfov_deg) == (0.88, 0.2, 79.0)


def test_episodes_that_are_drawn_have_a_number():
    with pytest.raises(ConfigError, match=r"a number of episodes, for these are drawn .*; set episodes=N"):
        make_mesh_env(episodes=None)
