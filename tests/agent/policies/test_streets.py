import math

import numpy as np
import pytest
from blocks import lat_lng, plain_habits, write_town
from hydra import compose, initialize_config_module

from placecell.agent.loop import run_episode
from placecell.agent.make import streets
from placecell.agent.perception.panorama import PanoramaPerception
from placecell.agent.policies.streets import FORWARD, LEFT, RIGHT, StreetsPolicy, turn_towards
from placecell.arrays import generator
from placecell.envs.graph.make import make_streets_env
from placecell.errors import ConfigError
from placecell.memory import NoMemory, Query, Retrieval, SpatialMemory
from placecell.scripts.build import build, build_env

UP = (12, 1)
NOTHING = Retrieval()
TURNS = (
    "Go to the light and turn right. Go through one light. At the next light turn left. Stop two steps after."
)
BEFORE = "Turn left at the second light and stop just before the next light."
WRONG = "Turn left at the light. Stop two steps after."
BAKERY = "Turn left at the bakery. Stop two steps after turning."
EPISODES = (
    (TURNS, (UP, (12, 6), (24, 6), (24, 8)), 0),
    (BEFORE, (UP, (12, 12), (7, 12)), 0),
    ("Xyzzy plugh.", (UP, (12, 20)), 0),
    (BAKERY, (UP, (12, 12), (10, 12)), 0),
)


@pytest.fixture
def town(tmp_path, monkeypatch):
    write_town(tmp_path / "town", EPISODES)
    monkeypatch.setenv("PLACECELL_DATA", str(tmp_path))
    return tmp_path


def walked(env, episode, *, habits=None, landmarks=()):
    policy, perception = StreetsPolicy(habits or plain_habits(), landmarks=landmarks), PanoramaPerception(env)
    observation, info = env.reset(seed=0, options={"episode": episode})
    policy.begin_episode(np.random.default_rng(0))
    names, traces, over = [info["walked"][0][0]], [], False
    while not over:
        decision = policy.decide(perception(observation, len(traces)), NOTHING)
        traces.append(decision.trace)
        observation, _, ended, cut, info = env.step(decision.action)
        names += [name for name, *_ in info["walked"] if name != names[-1]]
        over = ended or cut
    return names, traces, info


def near(name, goal):
    """As the task has it: there, or one panorama away."""
    return math.dist([int(c) for c in name.split("_")], [int(c) for c in goal.split("_")]) <= 1


def test_turns_and_counted_lights_are_followed(town):
    names, traces, info = walked(make_streets_env("town"), 0)
    assert near(names[-1], "24_8")
    assert info["measures"]["task_completion"] == 1
    assert [TURNS[a:b] for a, b in traces[0]["clauses"]][:2] == [
        "to the light and turn right",
        "through one light",
    ]
    assert all("clauses" not in trace for trace in traces[1:])


def test_the_trace_says_which_clause_and_which_guesses(town):
    _, traces, _ = walked(make_streets_env("town"), 0)
    ends = [trace["clause"][0] for trace in traces]
    assert ends == sorted(ends)
    assert ends[0] < ends[-1]
    weights = [[guess[2] for guess in trace["hypotheses"]] for trace in traces]
    assert all(sum(row) <= 1.001 and row == sorted(row, reverse=True) for row in weights)
    assert traces[-1]["mode"] == "stop"


def test_it_goes_to_see_the_light_and_comes_back_to_stop_before_it(town):
    names, traces, info = walked(make_streets_env("town"), 1, habits=plain_habits(gaps=12))
    assert traces[-2]["mode"] == "return"
    assert "6_12" in names
    assert info["measures"]["task_completion"] == 1


def test_candidates_as_actions_come_to_the_same_place(town):
    names, _, _ = walked(make_streets_env("town", actions="local"), 0)
    assert near(names[-1], "24_8")


def test_what_is_not_understood_is_walked_straight_on(town):
    names, traces, _ = walked(make_streets_env("town"), 2)
    assert all(name.startswith("12_") for name in names)
    assert traces[-1]["mode"] == "stop"
    assert len(traces) <= 55


def test_the_budget_ends_the_walk_with_a_stop(town):
    env = make_streets_env("town", max_steps=5)
    policy = StreetsPolicy(plain_habits(), most_actions=5)
    perception = PanoramaPerception(env)
    observation, _ = env.reset(seed=0, options={"episode": 0})
    policy.begin_episode(np.random.default_rng(0))
    actions = []
    for step in range(5):
        actions.append(policy.decide(perception(observation, step), NOTHING).action)
        observation, *_ = env.step(actions[-1])
    assert actions == [FORWARD] * 4 + [0]


def test_a_dead_end_is_left_for_another_way(tmp_path, monkeypatch):
    """The way left ends after two panoramas: the left turn meant must have been the next one."""
    gone = [(9, 6), (8, 6), (7, 6)]
    write_town(tmp_path / "town", [(WRONG, (UP, (12, 12), (10, 12)), 0)], missing=gone)
    monkeypatch.setenv("PLACECELL_DATA", str(tmp_path))
    names, traces, info = walked(make_streets_env("town"), 0, habits=_longer_than(12))
    assert "11_6" in names
    assert "backtrack" in {trace["mode"] for trace in traces}
    assert info["measures"]["task_completion"] == 1


def test_points_of_interest_decide_which_corner_is_meant_and_permuted_ones_do_not(town):
    points = town / "shops.txt"
    points.write_text("1,{},{},shop=bakery\n2,{},{},amenity=bank\n".format(*lat_lng(12, 12), *lat_lng(12, 6)))
    env = make_streets_env("town", points_of_interest=str(points))
    names, _, _ = walked(env, 3, landmarks=env.categories)
    assert near(names[-1], "10_12")
    assert "oracle_landmarks" in env.oracle
    assert near(walked(make_streets_env("town"), 3)[0][-1], "10_6")
    reached = []
    for seed in range(4):
        env = make_streets_env("town", points_of_interest=str(points), permute_points=True, seed=seed)
        reached.append(near(walked(env, 3, landmarks=env.categories)[0][-1], "10_12"))
    assert not all(reached)


@pytest.mark.parametrize(
    ("degrees", "index", "action"),
    [((0, 90, 180, -90), 0, FORWARD), ((0, 90, 180, -90), 1, LEFT), ((0, 90, 180, -90), 3, RIGHT),
     ((0, 180), 1, LEFT), ((0, 170, -175), 2, RIGHT)],
)  # fmt: skip
def test_the_shorter_turn_is_taken(degrees, index, action):
    assert turn_towards(np.radians(degrees).astype(np.float64), index) == action


def _longer_than(shortest):
    habits = plain_habits()
    return type(habits)("made", shortest, 50, 51, habits.weights, habits.gaps)


def test_the_agents_memory_keeps_the_panoramas_and_recalls_them(town):
    with initialize_config_module("placecell.conf", version_base="1.3"):
        cfg = compose("run", ["env=streets", "env.dataset=town", "agent=streets"])
    env = build_env(cfg)
    agent = build(cfg.agent, "agent", env=env, memory=build(cfg.memory, "memory"))
    assert isinstance(agent.policy, StreetsPolicy)
    assert isinstance(agent.memory, SpatialMemory)
    run_episode(env, agent, seed=0, episode=0, rng=generator(0, "test"))
    assert len(agent.memory.retrieve(Query(position=np.zeros(3), radius_m=1e3), 8).items) == 8


def test_other_worlds_and_other_turns_are_refused(town):
    with pytest.raises(ConfigError, match=r"walked by orar or local actions, .*turn_around"):
        streets(make_streets_env("town", actions="velma"), NoMemory())
    with pytest.raises(ConfigError, match="habits of general"):
        streets(make_streets_env("town"), NoMemory(), habits="mine")
