import math
from dataclasses import replace

import numpy as np
import pytest
from percepts import body, percept

from placecell.agent.perception.percept import CategoryGoal
from placecell.agent.policies.actions import FORWARD, LEFT, RIGHT, STOP, reached
from placecell.agent.policies.baselines import ForwardPolicy, RandomPolicy
from placecell.memory import Retrieval

NOTHING = Retrieval()


def begun(policy, seed=0):
    policy.begin_episode(np.random.default_rng(seed))
    return policy


def actions(policy, percepts):
    return [policy.decide(p, NOTHING).action for p in percepts]


@pytest.mark.parametrize(("goal", "there"), [
    ((0.19, 0.0, 0.0), True), ((0.0, -0.19, 0.4), True), ((0.15, 0.15, 0.0), False), ((0.2, 0.0, 0.0), False),
    ((0.0, 0.0, 0.6), False), ((0.0, 0.0, -3.0), False),
])  # fmt: skip
def test_a_goal_is_reached_within_the_radius_on_its_storey(goal, there):
    assert reached(percept(goal=goal), 0.2) == there
    shifted = percept(position=(7.0, -3.0, 2.0), goal=np.add(goal, (7.0, -3.0, 2.0)))
    assert reached(shifted, 0.2) == there


@pytest.mark.parametrize("policy", [RandomPolicy, ForwardPolicy])
def test_baselines_stop_at_the_goal_and_only_there(policy):
    walker = begun(policy(body(success_distance_m=0.3)))
    assert walker.decide(percept(goal=(0.29, 0.0, 0.0)), NOTHING).action == STOP
    away = actions(walker, [percept(goal=(0.31, 0.0, 0.0), collided=i % 3 == 0) for i in range(200)])
    assert STOP not in away


@pytest.mark.parametrize("policy", [RandomPolicy, ForwardPolicy])
def test_baselines_are_no_oracles_and_draw_from_their_generator_alone(policy):
    assert policy.oracle == ()
    percepts = [percept(collided=i % 4 == 0) for i in range(100)]
    walker = begun(policy(body()), 1)
    first = actions(walker, percepts)
    assert actions(begun(walker, 1), percepts) == first == actions(begun(policy(body()), 1), percepts)
    assert actions(begun(walker, 2), percepts) != first


def test_random_is_forward_left_and_right_in_equal_shares():
    found = actions(begun(RandomPolicy(body())), [percept()] * 3000)
    counts = [found.count(action) for action in (FORWARD, LEFT, RIGHT)]
    assert sum(counts) == 3000
    assert max(abs(count - 1000) for count in counts) < 120


def test_forward_goes_on_until_it_meets_something():
    assert set(actions(begun(ForwardPolicy(body())), [percept()] * 50)) == {FORWARD}


def turns_after_a_collision(seed, turn_deg):
    walker = begun(ForwardPolicy(body(turn_rad=math.radians(turn_deg))), seed)
    found = actions(walker, [percept(collided=True), *[percept()] * 60])
    turns = found.index(FORWARD)
    assert len(set(found[:turns])) == 1
    assert set(found[turns:]) == {FORWARD}
    return turns, found[0]


def test_after_a_collision_forward_turns_by_up_to_half_a_turn_either_way():
    drawn = {turns_after_a_collision(seed, 30) for seed in range(200)}
    assert drawn == {(turns, way) for turns in range(1, 7) for way in (LEFT, RIGHT)}


def test_a_body_that_can_only_turn_about_still_turns():
    assert turns_after_a_collision(0, 180)[0] == 1


def test_a_collision_while_it_turns_does_not_start_the_turn_again():
    once, twice = ([percept(collided=i < n) for i in range(30)] for n in (1, 2))
    found = [
        [actions(begun(ForwardPolicy(body()), seed), seen) for seen in (once, twice)] for seed in range(20)
    ]
    long = [pair for pair in found if FORWARD not in pair[0][:2]]
    assert len(long) > 5
    assert all(one == two for one, two in long)


def test_an_episode_forgets_the_turn_of_the_last_one():
    for seed in range(20):
        walker = begun(ForwardPolicy(body(turn_rad=math.radians(10))), seed)
        walker.decide(percept(collided=True), NOTHING)
        assert begun(walker).decide(percept(), NOTHING).action == FORWARD


@pytest.mark.parametrize(("label", "depth_m", "there"), [(4, 0.8, True), (3, 0.8, False), (4, 1.5, False)])
def test_an_object_is_reached_where_it_is_seen_within_a_metre(label, depth_m, there):
    seen = percept(depth_m=depth_m)
    assert not reached(replace(seen, goal=CategoryGoal(4, "bed")), 0.2)
    frame = replace(seen.frame, labels=np.full((8, 8), label, np.int32))
    assert reached(replace(seen, goal=CategoryGoal(4, "bed"), frame=frame), 0.2) == there
