import json
import math
from itertools import groupby

import gymnasium
import numpy as np
import pytest
from percepts import BODY, body, percept

from placecell.agent import make
from placecell.agent.loop import run_episode
from placecell.agent.policies.actions import FORWARD, LEFT, RIGHT, STOP
from placecell.agent.policies.modular import ModularPolicy, make_modular_policy
from placecell.arrays import generator
from placecell.errors import ConfigError
from placecell.memory import FlatNeighbours, FrameList, NoMemory, Retrieval, SemanticGrid, SpatialMemory


class OnlyObservations(gymnasium.Env):
    """What a robot would offer: observations, actions, the facts of its body. No poses, ground or info."""

    def __init__(self, env):
        self.observation_space, self.action_space = env.observation_space, env.action_space
        self.embodiment = json.loads(json.dumps(env.embodiment))
        self.reset = lambda **options: (env.reset(**options)[0], {})
        self.step = lambda action: self._blind(*env.step(action))

    def _blind(self, observation, _, terminated, truncated, info):
        self.measures = info["measures"]
        return observation, 0.0, terminated, truncated, {}


def walk(env, agent, episode, *, seed=0):
    steps = []
    run_episode(env, agent, seed=seed, episode=episode, rng=generator(seed, episode), on_step=[steps.append])
    return steps


def actions(steps):
    return [step.decision.action for step in steps]


@pytest.fixture(scope="module")
def blind(home):
    return OnlyObservations(home)


@pytest.fixture(scope="module")
def walks(blind):
    """The three episodes, by one agent, with their measures."""
    agent = make.modular(blind, SpatialMemory(max_depth_m=10.0))
    return [(walk(blind, agent, episode), blind.measures, agent.policy.top_down()) for episode in range(3)]


def test_it_reaches_its_goals_from_observations_alone(walks):
    for steps, measures, _ in walks:
        assert measures["success"] == 1
        assert measures["spl"] > 0.7
        assert steps[-1].decision.action == STOP
    assert ModularPolicy.oracle == ()


def test_it_looks_around_goes_and_stops(walks):
    for steps, _, _ in walks:
        modes = [step.decision.trace["mode"] for step in steps]
        assert modes[:36] == ["look_around"] * 36
        assert "look_around" not in modes[36:]
        assert modes[-1] == "stop"
        assert {"explore", "go"} & set(modes)
        assert all(step.info == {} for step in steps)


def test_its_trace_is_plain_json_of_where_and_why(walks):
    for steps, _, _ in walks:
        for step in steps:
            trace = dict(step.decision.trace)
            assert json.loads(json.dumps(trace, allow_nan=False)) == trace
            if trace["mode"] in ("explore", "go"):
                assert {"target", "frontier", "plan"} <= set(trace)
                assert len(trace["target"]) == 3
                assert all(len(point) == 3 for point in trace["plan"])
                assert (trace["frontier"] is None) == (trace["mode"] == "go")


def test_it_turns_towards_its_target_and_goes_forward_when_it_faces_it(walks):
    for steps, _, _ in walks:
        for step in steps:
            trace, pose = step.decision.trace, step.percept.pose
            if "target" in trace:
                x, y, _ = np.array(trace["target"]) - pose.position
                turn = (math.atan2(y, x) - pose.yaw_rad + math.pi) % (2 * math.pi) - math.pi
                faces = abs(turn) <= math.radians(5) + 2e-3
                assert step.decision.action == (FORWARD if faces else LEFT if turn > 0 else RIGHT)


def test_it_draws_its_map(walks):
    for _, _, top_down in walks:
        assert top_down.ndim == 3
        assert len(np.unique(top_down.reshape(-1, 3), axis=0)) > 10


def test_the_same_seed_takes_the_same_steps_whatever_was_before(blind, walks):
    fresh = make.modular(blind, SpatialMemory(max_depth_m=10.0))
    for episode in (1, 0):
        again, (first, _, _) = walk(blind, fresh, episode), walks[episode]
        assert actions(again) == actions(first)
        assert [s.decision.trace for s in again] == [s.decision.trace for s in first]


def without_an_octree():
    return SpatialMemory(max_depth_m=10.0, octree=False)


@pytest.mark.parametrize("memory", [NoMemory, FrameList, FlatNeighbours, SemanticGrid, without_an_octree])
def test_with_a_memory_without_an_octree_it_plans_on_a_map_of_its_own(blind, walks, memory):
    """The same map, so the same steps; and emptied, so the second episode's too."""
    agent = make.modular(blind, memory())
    for episode in (1, 0):
        assert actions(walk(blind, agent, episode)) == actions(walks[episode][0])


@pytest.mark.parametrize(("away_m", "stops"), [(0.15, True), (0.17, False)])
def test_it_stops_with_a_margin_to_the_success_distance(away_m, stops):
    decision = begun(SpatialMemory()).decide(percept(goal=(0.0, away_m, 0.0)), Retrieval())
    assert (decision.action == STOP) == stops


def test_before_its_first_step_it_has_no_map_to_draw():
    policy = begun(SpatialMemory())
    assert policy.top_down() is None


def begun(memory, seed=0, **changes):
    policy = make_modular_policy(memory, body(**changes), 3.0)
    policy.begin_episode(np.random.default_rng(seed))
    return policy


def drive(blocked, *, steps, seed=0, goal=(30.0, 0.0, 0.0), felt=True):
    """``(action, mode, yaw, whether it got stuck)`` of each step where the camera sees nothing at all.

    ``blocked(n, ahead)``: whether the ``n``-th step forward, to the place ``ahead``, fails; ``felt``: whether
    the body reports the collision.
    """
    memory = SpatialMemory()
    policy = begun(memory, seed)
    position, yaw_rad, collided, tried, found = np.zeros(3), 0.0, False, 0, []
    for step in range(steps):
        seen = percept(position, goal, yaw_rad=yaw_rad, collided=collided, step=step)
        memory.write(seen.frame)
        decision = policy.decide(seen, Retrieval())
        before = yaw_rad
        ahead = position + 0.25 * np.array([math.cos(yaw_rad), math.sin(yaw_rad), 0.0])
        stuck = decision.action == FORWARD and bool(blocked(tried, ahead))
        collided, tried = stuck and felt, tried + (decision.action == FORWARD)
        if decision.action == FORWARD and not stuck:
            position = ahead
        yaw_rad += {LEFT: BODY.turn_rad, RIGHT: -BODY.turn_rad}.get(decision.action, 0.0)
        found.append((decision.action, decision.trace["mode"], before, stuck))
        if decision.action == STOP:
            break
    return found, position


def test_where_nothing_is_in_the_way_it_walks_straight():
    found, position = drive(lambda n, ahead: False, steps=12 + 40)
    assert [action for action, *_ in found] == [LEFT] * 12 + [FORWARD] * 40
    np.testing.assert_allclose(position, [10.0, 0.0, 0.0], atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_what_never_lets_it_pass_is_not_tried_for_ever(seed):
    found, _ = drive(lambda n, ahead: True, steps=300, seed=seed)
    tries = [round(math.degrees(yaw)) % 360 for action, _, yaw, _ in found if action == FORWARD]
    assert "break_away" in {mode for _, mode, *_ in found}
    assert len(set(tries)) >= 9  # of its twelve headings
    assert max(len(list(same)) for _, same in groupby(tries)) <= 8


def test_after_a_collision_it_plans_past_what_it_met():
    policy = begun(SpatialMemory())
    for step in range(12):
        policy.decide(percept(yaw_rad=step * BODY.turn_rad, step=step), Retrieval())
    plans = []
    for step in (12, 13):
        decision = policy.decide(percept(collided=step == 13, step=step), Retrieval())
        plan = np.array(decision.trace["plan"])
        plans.append(np.abs(plan[(plan[:, 0] > 0.15) & (plan[:, 0] < 0.3), 1] - 0.05).min())
    assert plans[0] < 0.01
    assert plans[1] > 0.09


def test_a_way_on_which_it_slips_without_a_collision_is_doubted():
    found, _ = drive(lambda n, ahead: True, steps=200, felt=False)
    tries = [round(math.degrees(yaw)) % 360 for action, _, yaw, _ in found if action == FORWARD]
    assert len(set(tries)) >= 3
    assert "break_away" not in {mode for _, mode, *_ in found}


def test_a_wall_that_only_its_body_feels_is_gone_round():
    """A wall 1.2 m wide across the way that no depth image shows: it bumps, remembers, and comes by."""
    found, _ = drive(
        lambda n, ahead: abs(ahead[0] - 2.0) < 0.15 and abs(ahead[1]) < 0.6, steps=300, goal=(4.0, 0.0, 0.0)
    )
    assert found[-1][0] == STOP
    assert 1 <= sum(stuck for *_, stuck in found) <= 25


def test_stuck_steps_count_only_in_a_row():
    """A step forward that succeeds starts the count anew: once it broke away after any four in an episode."""
    found, _ = drive(lambda n, ahead: n % 2 == 1, steps=150)
    assert "break_away" not in {mode for _, mode, *_ in found}


def test_a_goal_on_another_storey_under_its_feet_is_no_reason_to_stop():
    found, _ = drive(lambda n, ahead: False, steps=60, goal=(0.05, 0.0, 3.0))
    assert STOP not in {action for action, *_ in found}


def test_a_map_too_fine_to_plan_on_is_refused_before_it_fills_the_memory():
    with pytest.raises(
        ConfigError,
        match=r"a view of at most 1000 voxels across to plan on, got 20000 .*set memory.voxel_size_m to 0.05",
    ):
        make_modular_policy(SpatialMemory(voxel_size_m=0.001), BODY, 10.0)
