"""ObjectNav in MeshNav: what is observed and told, when it is a success, datasets, the contract."""

import json
import math

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from placecell.envs.body import Action
from placecell.envs.conformance import CHECKS
from placecell.envs.habitat_objectnav import read_habitat_objectnav, write_habitat_objectnav
from placecell.envs.mesh import make_mesh_env
from placecell.envs.trial import Trial
from placecell.errors import ConfigError, EpisodeError

SMALL = {"width": 48, "height": 48, "episodes": 6, "body": "habitat_objectnav"}


def make(task=None, **options):
    return make_mesh_env(task={"name": "objectnav", **(task or {})}, **{**SMALL, **options})


@pytest.fixture(scope="module")
def env():
    return make(semantics=True)


def walk(env, episode, seed=0):
    """Observations and infos of the expert's walk, those of reset first."""
    seen = [env.reset(seed=seed, options={"episode": episode})]
    over = False
    while not over:
        observation, _, terminated, truncated, info = env.step(env.expert_action())
        seen.append((observation, info))
        over = terminated or truncated
    return seen


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_contract(check):
    check(lambda: make({"max_steps": 24}, noise="low", semantics=True), Trial(episodes=2, max_steps=24))


def test_it_passes_gymnasiums_checker():
    check_env(make(noise="high", semantics=True), skip_render_check=True)


def test_what_is_observed(env):
    observation, info = env.reset(seed=0, options={"episode": 0})
    assert set(observation) == {
        "rgb", "depth", "instance", "category", "gps", "compass", "pitch", "objectgoal", "collided",
    }  # fmt: skip
    assert (observation["objectgoal"].dtype, observation["objectgoal"].shape) == (np.int32, (1,))
    assert env.categories[int(observation["objectgoal"][0])] == env.episodes[0].goals[0].category
    assert info["tags"] == {"kind": "object", "category": env.episodes[0].goals[0].category}
    assert json.loads(json.dumps(info)) == info
    assert env.embodiment["success_distance_m"] == 0.1
    assert (env.provenance()["task"], env.oracle) == ("objectnav", ("perfect_pose", "oracle_semantics"))


def test_every_episode_asks_for_a_category_and_knows_all_its_instances(env):
    for index in range(SMALL["episodes"]):
        env.reset(seed=0, options={"episode": index})
        goals = env.episodes[index].goals
        (category,) = {goal.category for goal in goals}
        alike = {i for i, thing in env.world.things.items() if thing.category == category}
        assert {goal.object_id for goal in goals} <= alike
        start = env.episodes[index].info["geodesic_distance"]
        stands = [np.array(point) for goal in goals for point in goal.view_points]
        assert start == pytest.approx(
            min(env.area.geodesic_distance(env.pose.position, s) for s in stands[::5]), abs=0.4
        )
        assert 1 <= start <= 30


def test_the_expert_finds_everything(env):
    for episode in range(SMALL["episodes"]):
        _, end = walk(env, episode)[-1]
        assert end["measures"]["success"] == end["measures"]["success_1m"] == 1.0
        assert end["measures"]["distance_to_goal"] < 0.1
        assert end["measures"]["spl"] > 0.8


def test_a_metre_off_is_a_success_by_the_looser_rule_only(env):
    for episode in range(SMALL["episodes"]):
        seen = walk(env, episode)
        near = next(i for i, (_, info) in enumerate(seen) if 0.1 < info["measures"]["distance_to_goal"] < 1)
        env.reset(seed=0, options={"episode": episode})
        for _ in range(near):
            assert env.step(env.expert_action())[4]["measures"]["success_1m"] == 0.0
        measures = env.step(Action.STOP)[4]["measures"]
        assert (measures["success"], measures["success_1m"]) == (0.0, 1.0)
    env.reset(seed=0, options={"episode": 0})
    far = env.step(Action.STOP)[4]["measures"]
    assert far["success_1m"] == float(far["distance_to_goal"] < 1)


def test_the_goal_is_in_view_where_twenty_pixels_show_it(env):
    found = set()
    for episode in range(3):
        ids = [goal.object_id for goal in env.episodes[episode].goals]
        for observation, info in walk(env, episode):
            pixels = max(int((observation["instance"] == i).sum()) for i in ids)
            assert info["goal_in_view"] == (pixels >= 20)
            found.add(info["goal_in_view"])
    assert found == {True, False}


def test_goal_positions_are_in_the_episodes_frame(env):
    for episode in range(2):
        _, info = env.reset(seed=0, options={"episode": episode})
        start = env.episodes[episode].start
        c, s = math.cos(start.yaw_rad), math.sin(start.yaw_rad)
        for (x, y, z), goal in zip(info["goal_positions"], env.episodes[episode].goals, strict=True):
            world = (start.x + c * x - s * y, start.y + s * x + c * y, start.z + z)
            assert world == pytest.approx(goal.position, abs=1e-6)


def test_labels_are_confused_and_dropped_but_what_is_told_stays_true():
    env, clean = make(semantics=True, noise={"labels": "high"}), make(semantics=True)
    differ = []
    for (noisy, info), (true, told) in zip(walk(env, 1), walk(clean, 1), strict=True):
        assert info == told
        assert np.array_equal(noisy["depth"], true["depth"])
        assert np.array_equal(noisy["rgb"], true["rgb"])
        walls = true["instance"] == 0
        assert np.array_equal(noisy["category"][walls], true["category"][walls])
        differ.append(not np.array_equal(noisy["category"], true["category"]))
    assert np.mean(differ) > 0.3
    assert env.oracle == clean.oracle


def test_a_drifting_pose_is_no_oracle_and_the_same_whatever_was_done_before():
    env = make(noise={"pose": "high"})
    assert env.oracle == ()
    assert env.provenance()["noise"] == {
        "depth": "none", "actuation": "none", "pose": "high", "labels": "none",
    }  # fmt: skip
    off = []
    for observation, info in walk(env, 2):
        start = env.episodes[2].start
        true = np.array(info["pose"]["position"]) - start.position
        c, s = math.cos(start.yaw_rad), math.sin(start.yaw_rad)
        true = np.array([c * true[0] + s * true[1], c * true[1] - s * true[0], true[2]])
        off.append(np.linalg.norm(observation["gps"] - true))
    assert off[0] == pytest.approx(0, abs=1e-6)
    assert 0.005 < off[-1] < 0.5


def test_the_noise_of_a_step_is_the_same_whatever_was_done_before():
    noisy = make(noise={"depth": "high"})
    images = []
    for way in ([Action.TURN_LEFT, Action.TURN_RIGHT], [Action.LOOK_UP, Action.LOOK_DOWN]):
        noisy.reset(seed=4, options={"episode": 0})
        images.append([noisy.step(action)[0]["depth"] for action in way][-1])
    # A turn and a turn back differ from nothing by rounding, hence by a step of the sensor here and there.
    assert np.mean(images[0] == images[1]) > 0.98
    noisy.reset(seed=5, options={"episode": 0})
    other = [noisy.step(action)[0]["depth"] for action in (Action.LOOK_UP, Action.LOOK_DOWN)][-1]
    assert np.mean(other == images[1]) < 0.9


def test_a_dataset_written_in_habitats_form_is_walked_like_its_original(env, tmp_path):
    path = tmp_path / "builtin.json.gz"
    ids = {name: index for index, name in enumerate(env.categories) if name}
    write_habitat_objectnav(path, list(env.episodes), ids)
    copy = make({"dataset": str(path)}, semantics=True)
    assert copy.number_of_episodes == SMALL["episodes"]
    assert copy.provenance()["dataset"] == str(path)
    for episode in range(2):
        for (seen, info), (again, told) in zip(walk(env, episode), walk(copy, episode), strict=True):
            assert again["gps"] == pytest.approx(seen["gps"], abs=1e-5)
            assert again["objectgoal"] == seen["objectgoal"]
            assert told["measures"] == pytest.approx(info["measures"], abs=1e-6)
            assert (told["tags"], told["goal_in_view"]) == (info["tags"], info["goal_in_view"])


def edited(env, tmp_path, change):
    """The dataset with its first episode's goals changed in its JSON."""
    path = tmp_path / "edited.json"
    ids = {name: index for index, name in enumerate(env.categories) if name}
    write_habitat_objectnav(path, list(env.episodes), ids)
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    assert read_habitat_objectnav(path)
    return make({"dataset": str(path)})


def test_a_dataset_of_another_scene_is_told_so(env, tmp_path):
    def other_scene(document):
        for episode in document["episodes"]:
            episode["scene_id"] = "attic.glb"
        goals = document["goals_by_category"]
        document["goals_by_category"] = {"attic.glb_" + k.rsplit("_", 1)[1]: v for k, v in goals.items()}

    with pytest.raises(EpisodeError, match=r"episodes of the scene builtin .*, got 6 episodes of attic\.glb"):
        edited(env, tmp_path, other_scene)

    def other_ids(document):
        for goals in document["goals_by_category"].values():
            for goal in goals:
                goal["object_id"] += 500

    walked = edited(env, tmp_path, other_ids)
    with pytest.raises(EpisodeError, match=r"object 5\d\d of builtin .* to be a .*, got no such object"):
        walked.reset(options={"episode": 0})


def test_categories_can_be_chosen():
    env = make({"categories": ["bed", "plant"]}, episodes=5)
    assert {episode.goals[0].category for episode in env.episodes} <= {"bed", "plant"}
    with pytest.raises(ConfigError, match=r"task\.categories among those of builtin .*: bed, .*, got wall"):
        make({"categories": ["bed", "wall", "dragon"]})


def test_a_scene_without_names_has_nothing_to_ask_for(tmp_path):
    from solids import floor
    from trimesh import Trimesh

    Trimesh(*floor(0.0, 0.0, 6.0, 6.0), process=False).export(tmp_path / "hall.ply")
    with pytest.raises(EpisodeError, match=r"objects to go to in hall\.ply, got none; ask for other"):
        make(scene=tmp_path / "hall.ply")
