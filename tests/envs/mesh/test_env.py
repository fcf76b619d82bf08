"""MeshNav behind Gymnasium's interface: its checker, its vectors, our contract, and what is observed."""

import math

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import placecell.envs  # noqa: F401 (registers the ids)
from placecell.envs.body import PRESETS, Action
from placecell.envs.conformance import CHECKS
from placecell.envs.mesh import MeshNavEnv, make_mesh_env
from placecell.envs.trial import Trial
from placecell.errors import EnvironmentUseError, EpisodeError

SMALL = {"width": 16, "height": 12, "episodes": 4}
ID = "placecell/MeshNav-v0"


def make(**options):
    return make_mesh_env(**{**SMALL, **options})


@pytest.fixture(scope="module")
def env():
    return make()


def test_it_passes_gymnasiums_checker_without_a_warning():
    env = gymnasium.make(ID, render_mode="rgb_array", **SMALL)
    assert isinstance(env.unwrapped, MeshNavEnv)
    check_env(env.unwrapped)
    env.reset(seed=3)
    for action in range(1, env.action_space.n):
        env.step(action)
    assert env.render().shape == (12, 16, 3)
    env.close()


@pytest.mark.parametrize("options", [{"body": body, "semantics": True, "noise": "low"} for body in PRESETS])
def test_so_does_every_body_with_everything_on(options):
    check_env(gymnasium.make(ID, **SMALL, **options).unwrapped, skip_render_check=True)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_contract(check):
    check(lambda: make(task={"max_steps": 24}, noise="low", semantics=True), Trial(episodes=2, max_steps=24))


def walk_vector(vector):
    observations, infos = vector.reset(seed=[4, 5], options={"episode": 1})
    seen = [observations]
    assert infos["episode_id"].tolist() == ["1", "1"]
    for actions in ([1, 2], [1, 1], [3, 1], [0, 1]):
        observations, rewards, terminated, truncated, infos = vector.step(np.array(actions))
        seen.append(observations)
    assert rewards.shape == (2,)
    assert terminated.tolist() == [True, False]
    assert truncated.tolist() == [False, False]
    assert infos["measures"]["path_length"].shape == (2,)
    vector.close()
    return seen


def test_vectors_in_this_process_and_in_spawned_ones_see_the_same():
    options = {"num_envs": 2, "noise": "low", **SMALL}
    sync = walk_vector(gymnasium.make_vec(ID, vectorization_mode="sync", **options))
    spawned = walk_vector(
        gymnasium.make_vec(ID, vectorization_mode="async", vector_kwargs={"context": "spawn"}, **options)
    )
    assert sync[0]["depth"].shape == (2, 12, 16)
    for here, there in zip(sync, spawned, strict=True):
        for key in here:
            assert np.array_equal(here[key], there[key])


def test_what_is_observed(env):
    observation, info = env.reset(seed=0, options={"episode": 0})
    kinds = {key: (value.dtype.name, value.shape) for key, value in observation.items()}
    assert kinds == {
        "rgb": ("uint8", (12, 16, 3)), "depth": ("float32", (12, 16)), "gps": ("float32", (3,)),
        "compass": ("float32", (1,)), "pitch": ("float32", (1,)), "pointgoal": ("float32", (3,)),
        "pointgoal_with_gps_compass": ("float32", (2,)), "collided": ("int8", (1,)),
    }  # fmt: skip
    assert set(kinds) == set(env.observation_space.spaces)
    assert observation["rgb"].std() > 0
    assert 0 < observation["depth"].max() <= 10
    assert set(info) == {
        "episode_id", "scene_id", "pose", "collided", "measures", "tags", "goal_in_view", "goal_positions",
    }  # fmt: skip
    assert info["tags"] == {"kind": "point"}
    assert info["goal_positions"] == [pytest.approx(observation["pointgoal"].tolist(), abs=1e-5)]
    assert info["pose"]["yaw_rad"] == env.episodes[0].start.yaw_rad


def test_several_cameras_a_panorama_and_ids():
    back = {"name": "back", "width": 10, "height": 8, "hfov_deg": 90, "height_m": 1.25, "yaw_deg": 180}
    around = {"name": "around", "width": 32, "height": 16, "height_m": 1.25, "kind": "equirectangular"}
    env = make(cameras=[back, around], semantics=True, body="parity")
    observation, _ = env.reset(seed=0, options={"episode": 2})
    for suffix, size in (("", (12, 16)), ("_back", (8, 10)), ("_around", (16, 32))):
        assert observation[f"rgb{suffix}"].shape == (*size, 3)
        for name, dtype in (("depth", np.float32), ("instance", np.int32), ("category", np.int32)):
            image = observation[f"{name}{suffix}"]
            assert image.shape == size
            assert image.dtype == dtype
            assert image in env.observation_space[f"{name}{suffix}"]
            assert image.max() > 0 or name == "instance"
    assert observation["instance_around"].max() > 0
    # Turned right round, the body sees what was behind it: in a camera of the same size, to the pixel.
    twin = {**back, "width": 16, "height": 12}
    env = make(cameras=[twin], body="parity")
    before, _ = env.reset(seed=0, options={"episode": 2})
    for _ in range(6):
        after, *_ = env.step(Action.TURN_LEFT)
    assert after["depth"] == pytest.approx(before["depth_back"], rel=1e-3, abs=1e-3)
    assert after["depth_back"] == pytest.approx(before["depth"], rel=1e-3, abs=1e-3)


def test_the_middle_of_the_panorama_looks_ahead():
    eye = {"name": "around", "width": 64, "height": 33, "height_m": 1.25, "kind": "equirectangular"}
    env = make(cameras=[eye], width=33, height=33, body="parity")
    observation, _ = env.reset(seed=0, options={"episode": 0})
    ahead = observation["depth"][16, 16]
    assert observation["depth_around"][16, 31:33].mean() == pytest.approx(ahead, rel=0.02)
    assert observation["depth_around"][-1].mean() == pytest.approx(1.25, rel=0.01)


def test_oracles_are_marked(env):
    assert env.oracle == ("perfect_pose",)
    assert make(semantics=True).oracle == ("perfect_pose", "oracle_semantics")
    for unmarked in ("instance", "category"):
        assert unmarked not in env.observation_space.spaces


def test_what_the_driver_of_the_body_knows(env):
    assert env.embodiment == {
        "name": "habitat_pointnav", "forward_m": 0.25, "turn_deg": 10.0, "radius_m": 0.1, "height_m": 1.5,
        "max_climb_m": 0.2, "sliding": True, "success_distance_m": 0.2, "max_steps": 500,
        "camera": {"width": 16, "height": 12, "hfov_deg": 90.0, "height_m": 1.25},
    }  # fmt: skip
    assert make(task={"max_steps": 7, "success_distance_m": 1}).embodiment["max_steps"] == 7


def test_where_a_result_comes_from(env):
    found = env.provenance()
    assert found["environment"] == ID
    assert found["scene_hash"] == env.scene.content_hash
    assert (found["body"], found["noise"], found["dataset"]) == ("habitat_pointnav", "none", None)
    assert make(noise="high", body="parity").provenance()["noise"] == "high"


def test_rendering_is_the_first_cameras_colour():
    env = make(render_mode="rgb_array")
    observation, _ = env.reset(seed=0, options={"episode": 1})
    assert np.array_equal(env.render(), observation["rgb"])
    assert make().render() is None


def test_head_and_budget(env):
    env.reset(seed=0, options={"episode": 0})
    pitches = [env.step(a)[0]["pitch"][0] for a in [Action.LOOK_UP] * 3 + [Action.LOOK_DOWN] * 5]
    assert np.degrees(pitches) == pytest.approx([30, 60, 60, 30, 0, -30, -60, -60], abs=1e-4)
    assert env.pose.pitch_rad == pytest.approx(-math.pi / 3)
    short = make(task={"max_steps": 3})
    short.reset(seed=0)
    assert [short.step(Action.TURN_LEFT)[2:4] for _ in range(3)] == [(False, False)] * 2 + [(False, True)]
    short.reset(seed=0)
    assert [short.step(action)[2:4] for action in (2, 2, 0)] == [(False, False)] * 2 + [(True, False)]


def test_the_pose_outlives_the_episode(env):
    env.reset(seed=0, options={"episode": 0})
    before = env.pose
    env.step(Action.STOP)
    assert env.pose == before


@pytest.mark.parametrize("call", ["step", "expert_action", "pose", "render"])
def test_nothing_works_before_reset(call):
    env = make(render_mode="rgb_array")
    calls = {
        "step": lambda: env.step(1), "expert_action": env.expert_action, "pose": lambda: env.pose,
        "render": env.render,
    }  # fmt: skip
    with pytest.raises(
        EnvironmentUseError, match=r"^expected reset\(\) before anything else, got no episode"
    ):
        calls[call]()


def test_nothing_is_done_after_the_end(env):
    env.reset(seed=0, options={"episode": 0})
    env.step(Action.STOP)
    for call in (lambda: env.step(1), env.expert_action):
        with pytest.raises(EnvironmentUseError, match=r"reset\(\) after an episode has ended, got another"):
            call()


@pytest.mark.parametrize("action", [6, -1, 1.0, "stop", None, np.array([1])])
def test_an_illegal_action_is_told_the_legal_ones(env, action):
    env.reset(seed=0, options={"episode": 0})
    with pytest.raises(EnvironmentUseError, match=r"an action \(0 stop, .*, 5 look_down\), got .+; pass"):
        env.step(action)
    assert env.step(Action.MOVE_FORWARD)[4]["measures"]["path_length"] > 0


@pytest.mark.parametrize("index", [4, -1, 1.5, "0", True])
def test_a_bad_episode_index_is_told_the_good_ones(env, index):
    with pytest.raises(EpisodeError, match=r"^expected an episode from 0 to 3, got .+; pass options="):
        env.reset(options={"episode": index})


def test_without_an_index_the_seed_draws_the_episode(env):
    drawn = [env.reset(seed=seed)[1]["episode_id"] for seed in range(12)]
    assert drawn == [env.reset(seed=seed)[1]["episode_id"] for seed in range(12)]
    assert len(set(drawn)) > 1
    assert env.reset(seed=3, options={"episode": np.int64(2)})[1]["episode_id"] == "2"
