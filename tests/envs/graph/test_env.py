"""What GraphNav gives, counts and tells, in a made house."""

import json
import math

import numpy as np
import pytest
from instructed_worlds import house, r2r_entry, write_json

from placecell.envs.graph import make_graph_env, make_r2r_env
from placecell.envs.graph.matterport import view_of
from placecell.envs.measures import ndtw
from placecell.errors import EnvironmentUseError, EpisodeError

A, B, C, D, E, F = range(6)
FIRST, LEAVE, SOUTHWARD = 0, 3, 5


@pytest.fixture
def env(data):
    return make_r2r_env()


def walk(env, episode, *actions):
    told = env.reset(seed=0, options={"episode": episode})
    for action in actions:
        told = env.step(action)
    return told


def places(env, *names):
    """The local actions that lead over panoramas of the house from where the body is."""
    graph, here = env.graph, env.graph.index_of(names[0])
    for name in names[1:]:
        there = graph.index_of(name)
        yield graph.neighbours(here).tolist().index(there) + 1
        here = there


def go(env, episode, names, stop=True):
    env.reset(seed=0, options={"episode": episode})
    for action in [*places(env, *names), *([0] if stop else [])]:
        told = env.step(action)
    return told


def test_the_first_observation_shows_the_start_in_its_own_frame(env):
    seen, info = walk(env, SOUTHWARD)
    assert seen["instruction"] == "south, then west"
    assert seen["node"] == F
    for key in ("gps", "compass", "pitch", "collided"):
        assert not seen[key].any()
    # It faces south, and d is 3 m straight ahead; there is no second candidate.
    assert seen["candidates"].tolist() == [D, -1, -1]
    assert seen["candidate_heading"][0] == pytest.approx(0, abs=1e-6)
    assert seen["candidate_distance"].tolist() == [3, 0, 0]
    assert seen["candidate_view"][0] == view_of(-math.pi / 2, 0.0)
    assert info["pose"] == {
        "position": [6.0, 3.0, 1.5],
        "yaw_rad": pytest.approx(-math.pi / 2),
        "pitch_rad": 0,
    }
    assert info["viewpoint"] == "f"
    assert info["walked"] == [["f", pytest.approx(-math.pi / 2), 0.0]]
    assert info["tags"] == {"kind": "instruction", "path": "3", "language": "en"}


def test_headings_of_candidates_are_from_where_the_body_looks_left_positive(env):
    seen, _ = go(env, FIRST, "ab", stop=False)[::4]
    assert seen["gps"] == pytest.approx([2, 0, 0])
    # It looks east: a is behind, c ahead and e to the left, in the order of their yaw in the world.
    assert seen["candidates"].tolist() == [A, C, E]
    assert seen["candidate_heading"] == pytest.approx([-math.pi, 0, math.pi / 2], abs=1e-6)


def test_a_faithful_walk_is_a_success_in_every_measure(env):
    *_, terminated, truncated, info = go(env, FIRST, "abcd")
    assert (terminated, truncated) == (True, False)
    perfect = {"success": 1, "spl": 1, "soft_spl": 1, "oracle_success": 1, "ndtw": 1, "sdtw": 1, "cls": 1}
    assert info["measures"] == perfect | {"distance_to_goal": 0, "path_length": 6}
    assert info["goal_in_view"]
    assert info["walked"] == []


def test_measures_of_a_detour_are_those_computed_by_hand(env):
    measures = go(env, FIRST, "abebc")[4]["measures"]
    # 8 m walked, 2 m from the goal at the end: a success within 3 m.
    assert measures["success"] == 1
    assert measures["spl"] == pytest.approx(6 / 8)
    assert (measures["distance_to_goal"], measures["path_length"]) == (2, 8)
    graph = house()
    apart = np.stack([graph.distances_from(n)[[A, B, E, B, C]] for n in (A, B, C, D)], axis=1)
    assert measures["ndtw"] == pytest.approx(ndtw(apart))


def test_the_reward_is_the_progress_in_metres_and_one_for_a_success(env):
    env.reset(seed=0, options={"episode": FIRST})
    rewards = [env.step(action)[1] for action in [*places(env, "a", "b", "e", "b", "c", "d"), 0]]
    assert rewards == pytest.approx([2, -2, 2, 2, 2, 1])


def test_an_action_that_leads_nowhere_spends_a_step_and_nothing_else(env):
    seen, reward, terminated, _, info = walk(env, FIRST, 3)
    assert (reward, terminated, info["collided"], info["walked"]) == (0, False, True, [])
    assert (seen["node"], seen["collided"]) == (A, 1)


def test_the_last_step_truncates_and_counts_where_it_ended(data):
    env = make_r2r_env(max_steps=3)
    *_, terminated, truncated, info = go(env, FIRST, "abcd", stop=False)
    assert (terminated, truncated, info["measures"]["success"]) == (False, True, 1)


def test_a_global_action_walks_edge_by_edge_over_what_is_known(data):
    env = make_r2r_env(actions="global")
    assert env.action_names[:3] == ("stop", "node_0", "node_1")
    walk(env, FIRST, B + 1, C + 1)
    _, reward, _, _, info = env.step(E + 1)
    assert [entry[0] for entry in info["walked"]] == ["b", "e"]
    assert (info["measures"]["path_length"], reward) == (8, -4)
    assert env.step(F + 1)[4]["collided"]  # a neighbour of d, which was only seen


def test_experts_follow_the_shortest_path_and_the_gold_one(env, data):
    for oracle in ("expert_action", "gold_action"):
        for episode in range(env.number_of_episodes):
            env.reset(seed=0, options={"episode": episode})
            over = False
            while not over:
                *_, over, _, info = env.step(getattr(env, oracle)())
            assert info["measures"]["spl"] == info["measures"]["ndtw"] == 1
    go(env, FIRST, "abe", stop=False)
    assert env.action_names[env.gold_action()] == "candidate_0"  # back to b, where it left the path


def test_the_gold_follower_walks_a_path_that_visits_a_place_twice(data):
    env = make_r2r_env("r4r")
    index = next(n for n, episode in enumerate(env.episodes) if len(set(episode.path)) < len(episode.path))
    env.reset(seed=0, options={"episode": index})
    over = False
    while not over:
        *_, over, _, info = env.step(env.gold_action())
    assert info["measures"]["ndtw"] == 1
    assert info["measures"]["path_length"] > 0


def test_labels_are_seen_with_their_boxes_and_marked_as_an_oracle(data):
    env = make_r2r_env(semantics=True)
    seen, info = walk(env, FIRST)
    assert env.oracle == ("oracle_semantics", "perfect_pose")
    assert [env.categories[n] for n in seen["object_category"]] == ["lamp"]
    assert seen["object_id"].tolist() == [4]
    assert seen["object_box"].shape == (1, 4)
    assert seen["object_distance"][0] > 0
    assert info["tags"]["labelled"] is True
    assert walk(env, FIRST + 1)[1]["tags"]["labelled"] is False


def test_features_of_a_panorama_are_given_as_they_are(data, tmp_path):
    arrays = {
        f"{scan}_{name}": np.full(4, ord(name), np.float32)
        for scan in ("house", "hut")
        for name in "abcdefghi"
    }
    np.savez(tmp_path / "clip.npz", **arrays)
    env = make_r2r_env(features=str(tmp_path / "clip.npz"))
    seen = go(env, FIRST, "abc", stop=False)[0]
    assert seen["features"].tolist() == [ord("c")] * 4


def test_a_secret_goal_is_told_to_nobody(data):
    env = make_r2r_env(split="test")
    _, info = walk(env, 0)
    assert (info["goal_positions"], info["goal_in_view"], env.shortest_path()) == ([], False, [])
    assert env.surroundings()["gold"] == []
    _, reward, *_, info = env.step(1)
    assert (reward, info["measures"]) == (0, {"path_length": 2})
    with pytest.raises(
        EpisodeError, match=r"expected a goal of episode '8_0', for an oracle to lead to, got a secret"
    ):
        env.expert_action()


def test_pictures_get_the_graph_and_the_gold_path_in_the_episodes_frame(env):
    walk(env, SOUTHWARD)
    shown = env.surroundings()
    assert json.loads(json.dumps(shown)) == shown
    assert len(shown["nodes"]) == 6
    assert sorted(shown["edges"]) == [[A, B], [B, C], [B, E], [C, D], [D, F]]
    np.testing.assert_allclose(shown["gold"], [[0, 0, 0], [3, 0, 0], [3, -2, 0]], atol=1e-9)
    np.testing.assert_allclose(env.shortest_path(), shown["gold"], atol=1e-9)


def test_out_of_turn_and_out_of_range_are_refused(env):
    with pytest.raises(EnvironmentUseError, match=r"expected reset\(\) before anything else"):
        env.gold_action()
    env.reset(seed=0, options={"episode": 0})
    with pytest.raises(EnvironmentUseError, match=r"expected an action from 0 to 3 \(0 stop, 1 candidate_0"):
        env.step(4)
    with pytest.raises(EpisodeError, match=r"expected an episode from 0 to 7, got 8"):
        env.reset(options={"episode": 8})


def test_a_path_through_a_missing_edge_is_told_before_the_first_episode(data, tmp_path, monkeypatch):
    for name in ("mp3d_connectivity", "r2r"):
        (tmp_path / name).mkdir()
    for file in (data / "mp3d_connectivity").iterdir():
        (tmp_path / "mp3d_connectivity" / file.name).write_bytes(file.read_bytes())
    write_json(tmp_path / "r2r" / "R2R_odd.json", [r2r_entry("acd", 2, ["jump"])])
    monkeypatch.setenv("PLACECELL_DATA", str(tmp_path))
    with pytest.raises(EpisodeError, match=r"in episode '2_0', got a path through a missing edge a -> c"):
        make_r2r_env(split="odd")


def test_provenance_names_the_data_and_changes_with_them(data):
    one, same, other = (make_r2r_env(**how).provenance() for how in ({}, {}, {"half": "even"}))
    assert one == same
    assert one["environment"] == "placecell/GraphNav-v0"
    assert (one["world"], one["dataset"], one["split"], one["graphs"]) == ("r2r", "r2r", "val_seen", 2)
    assert one["episodes_hash"] != other["episodes_hash"]
    assert json.loads(json.dumps(one)) == one


def test_worlds_are_known_by_name():
    with pytest.raises(Exception, match=r"expected world of r2r, streets, got 'mars'"):
        make_graph_env(world="mars")
