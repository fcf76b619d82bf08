"""GraphNav on a few made streets, and on Manhattan's."""

import math

import pytest

from placecell.envs.graph import make_streets_env
from placecell.envs.graph.walk import start_of
from placecell.errors import ConfigError

LEFT_AT_X, AROUND, WEST = 0, 1, 2
FORWARD, LEFT, RIGHT = 1, 2, 3


def make(**options):
    return make_streets_env("made_streets", **options)


def walk(env, episode, *actions):
    told = env.reset(seed=0, options={"episode": episode})
    for action in actions:
        told = env.step(action)
    return told


def test_a_start_heading_is_snapped_to_the_nearest_edge_and_never_set_along_the_route(data):
    env = make()
    # Given as 350 degrees at the crossing: north (0) is nearest, and the route leads west.
    _, info = walk(env, WEST)
    assert math.degrees(info["pose"]["yaw_rad"]) == pytest.approx(90)
    # Given as 0 at n1, whose route leads south.
    seen, info = walk(env, AROUND)
    assert math.degrees(info["pose"]["yaw_rad"]) == pytest.approx(90)
    assert seen["candidate_heading"][:2] == pytest.approx([-math.pi, 0], abs=1e-6)
    assert "candidate_view" not in seen


def test_turns_are_steps_and_the_route_is_counted_in_hops(data):
    env = make()
    env.reset(seed=0, options={"episode": LEFT_AT_X})
    told = [env.step(action) for action in (FORWARD, LEFT, FORWARD, 0)]
    assert [reward for _, reward, *_ in told] == [1, 0, 1, 1]
    assert [[name for name, *_ in info["walked"]] for *_, info in told] == [["x"], ["x"], ["n1"], []]
    assert told[-1][4]["measures"] == {
        "task_completion": 1, "shortest_path_distance": 0, "success_edit_distance": 1, "ndtw_hops": 1,
        "sdtw_hops": 1, "path_length_hops": 2,
    }  # fmt: skip


def test_a_neighbour_of_the_goal_completes_the_task_but_is_a_hop_away(data):
    *_, info = walk(make(), LEFT_AT_X, FORWARD, 0)
    measures = info["measures"]
    assert (measures["task_completion"], measures["shortest_path_distance"]) == (1, 1)
    assert measures["success_edit_distance"] == pytest.approx(2 / 3)


def test_nothing_leads_into_a_dead_end(data):
    *_, info = walk(make(), LEFT_AT_X, FORWARD, FORWARD)
    assert info["viewpoint"] == "e1"
    *_, info = walk(make(), LEFT_AT_X, FORWARD, FORWARD, FORWARD)
    assert (info["viewpoint"], info["collided"], info["walked"]) == ("e1", True, [])


@pytest.mark.parametrize("actions", ["orar", "velma", "local"])
def test_the_gold_follower_walks_every_route(data, actions):
    env = make(actions=actions)
    for episode in range(env.number_of_episodes):
        env.reset(seed=0, options={"episode": episode})
        over = False
        while not over:
            *_, over, truncated, info = env.step(env.gold_action())
            assert not truncated
        assert info["measures"]["success_edit_distance"] == 1


def test_steps_are_those_of_the_published_protocol_unless_asked(data):
    limits = {actions: make(actions=actions).max_steps for actions in ("orar", "velma", "local")}
    assert limits == {"orar": 55, "velma": 55, "local": 35}
    env = make()
    env.reset(seed=0, options={"episode": 0})
    truncated = [env.step(LEFT)[3] for _ in range(55)]
    assert truncated == [False] * 54 + [True]


def test_landmarks_are_near_their_panoramas_and_can_be_shuffled_along_the_route(data):
    shops = str(data / "made_streets" / "shops.txt")
    env, other = make(points_of_interest=shops), make(points_of_interest=shops, permute_points=True)
    assert env.oracle == ("oracle_landmarks", "perfect_pose")
    seen, shuffled = (walk(one, AROUND, RIGHT, FORWARD)[0] for one in (env, other))
    told = [[env.categories[n] for n in found["poi_category"] if n] for found in (seen, shuffled)]
    assert sorted(told[0]) == sorted(told[1]) == ["bakery", "bank"]
    assert told[0] == told[1][::-1]
    assert (seen["poi_distance"][:2] > 0).all()


def test_pictures_show_what_lies_around_the_route(data, monkeypatch):
    env = make()
    walk(env, LEFT_AT_X)
    assert len(env.surroundings()["nodes"]) == 9
    monkeypatch.setattr("placecell.envs.graph.env.AROUND_M", 1.0)
    assert len(env.surroundings()["nodes"]) == 3


def test_tours_and_indoor_actions_are_refused_in_one_line(data):
    with pytest.raises(
        ConfigError, match=r"expected a task of panorama graphs, got 'tour'; set task=instruction$"
    ):
        make(task={"name": "tour"})
    with pytest.raises(ConfigError, match=r"expected env.actions of local, orar, velma, got 'global'"):
        make(actions="global")


@pytest.mark.real_data
@pytest.mark.parametrize(("dataset", "along"), [("touchdown_unseen", 389), ("map2seq_unseen", 800)])
def test_start_headings_are_as_given(dataset, along):
    """All of Touchdown's are 0; snapped, 389 of 800 point along gold. The gold heading itself would leak."""
    env = make_streets_env(dataset)
    graph, found = env.graphs()["manhattan"], 0
    for episode in env.episodes:
        first, second = graph.indices_of(episode.path[:2])
        yaw = start_of(graph, episode, env.rules).yaw_rad
        found += abs(graph.yaw[graph.edge(first, second)] - yaw) < 1e-6
    assert (found, len(env.episodes)) == (along, 800)
    env.reset(seed=0, options={"episode": 799})
    assert env.pose.yaw_rad == yaw


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("dataset", "actions", "dead_ends"), [("touchdown_unseen", "velma", 0), ("map2seq_unseen", "orar", 4)]
)
def test_gold_can_be_followed(dataset, actions, dead_ends):
    """To the end, but for four routes of Map2Seq, whose goals have one neighbour: orar enters none such."""
    env = make_streets_env(dataset, actions=actions, max_steps=100)
    graph = env.graphs()["manhattan"]
    goals = [graph.index_of(episode.path[-1]) for episode in env.episodes]
    rare = [number for number, goal in enumerate(goals) if len(graph.neighbours(goal)) < 2]
    short = 0.0
    for episode in sorted({*range(0, 800, 200), *rare}):
        env.reset(seed=0, options={"episode": episode})
        over = False
        while not over:
            *_, over, truncated, info = env.step(env.gold_action())
            assert not truncated
        assert info["measures"]["task_completion"] == 1
        short += info["measures"]["shortest_path_distance"]
    assert short == dead_ends
