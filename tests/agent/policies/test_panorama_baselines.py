import math

import numpy as np
import pytest
from seen_panoramas import begin, percept

from placecell.agent.policies.panorama_baselines import (
    HOPS,
    STOP,
    GoldPolicy,
    RandomHeadingPolicy,
    RandomTurnsPolicy,
    StraightOnPolicy,
    StreetAheadPolicy,
    UniformPolicy,
)
from placecell.errors import ConfigError
from placecell.memory import Retrieval

NOTHING = Retrieval()
EAST, NORTH, WEST = (1, (2.0, 0.0, 0.0)), (2, (0.0, 2.0, 0.0)), (3, (-2.0, 0.0, 0.0))
TURNING = ("stop", "forward", "left", "right")


def actions(policy, seen, steps=7):
    return [policy.decide(seen, NOTHING).action for _ in range(steps)]


def towards(degrees, metres=2.0):
    angle = math.radians(degrees)
    return (metres * math.cos(angle), metres * math.sin(angle), 0.0)


@pytest.mark.parametrize("policy", [
    UniformPolicy, StraightOnPolicy, lambda: RandomHeadingPolicy(lambda: 0.0),
])  # fmt: skip
def test_indoors_they_stop_after_five_moves(policy):
    ring = [(n, towards(60 * n)) for n in range(5)]
    done = actions(begin(policy()), percept(ways=ring))
    assert all(1 <= action <= 5 for action in done[:HOPS])
    assert done[HOPS] == STOP


@pytest.mark.parametrize("policy", [
    UniformPolicy, StraightOnPolicy, lambda: RandomHeadingPolicy(lambda: 0.0),
])  # fmt: skip
def test_where_no_way_leads_on_they_stop(policy):
    assert actions(begin(policy()), percept(), 1) == [STOP]


def test_uniform_draws_every_neighbour_alike():
    seen, policy = percept(ways=[EAST, NORTH, WEST]), UniformPolicy()
    counts = np.bincount([actions(begin(policy, seed), seen, 1)[0] for seed in range(600)], minlength=4)
    assert counts[0] == 0
    assert min(counts[1:]) > 150


def test_straight_on_takes_the_way_ahead():
    assert actions(begin(StraightOnPolicy()), percept(ways=[WEST, (4, towards(30)), NORTH]), 1) == [2]


def first_move(turns, ways, north_rad=0.0, yaw_rad=0.0):
    """What the random agent does first after so many turns to the right."""
    policy = begin(RandomHeadingPolicy(lambda: north_rad))
    policy._turns = turns
    return policy.decide(percept(ways=ways, yaw_rad=yaw_rad), NOTHING).action


@pytest.mark.parametrize(("turns", "found"), [(0, 1), (3, 2), (9, 3)])
def test_the_random_agent_turns_right_by_thirty_degrees(turns, found):
    assert first_move(turns, [(1, towards(0)), (2, towards(-90)), (3, towards(90))]) == found


def test_it_turns_on_to_the_right_until_a_way_is_in_view():
    left, right = (1, towards(41)), (2, towards(-130))
    assert first_move(0, [left, right]) == 2
    assert first_move(0, [(1, towards(39)), right]) == 1


def test_its_headings_are_multiples_of_thirty_degrees_from_north():
    ways = [(1, towards(16)), (2, towards(-26))]
    assert first_move(0, ways, north_rad=math.radians(90)) == 1
    assert first_move(0, ways, north_rad=math.radians(80)) == 2  # looks along -10 degrees


def test_of_the_ways_in_view_it_takes_the_nearest_to_the_middle_heights_too():
    steep, flat = (1, (2.0, 0.1, 1.5)), (2, towards(-20))
    assert first_move(0, [steep, flat]) == 2


def test_it_keeps_its_heading_as_it_moves():
    policy = begin(RandomHeadingPolicy(lambda: 0.0))
    policy._turns = 0
    policy.decide(percept(ways=[(1, towards(35))]), NOTHING)
    # The body now looks along the way that it came; the camera still looks east.
    moved = percept(ways=[(1, towards(35)), (2, towards(-5))], yaw_rad=math.radians(35))
    assert policy.decide(moved, NOTHING).action == 2


def test_it_gives_up_after_thirty_actions():
    policy = begin(RandomHeadingPolicy(lambda: 0.0))
    policy._left = 3
    assert policy.decide(percept(ways=[(1, towards(170))]), NOTHING).action == STOP


def test_random_moves_are_the_seed_s():
    seen = percept(ways=[EAST, NORTH, WEST])
    for policy in (UniformPolicy(), RandomTurnsPolicy(4), RandomHeadingPolicy(lambda: 0.0)):
        runs = [actions(begin(policy, seed), seen) for seed in (1, 1, 2, 3, 4)]
        assert runs[0] == runs[1]
        assert any(run != runs[0] for run in runs)


def test_on_streets_they_never_stop():
    streets = percept(ways=[EAST], ways_of_world=TURNING)
    done = actions(begin(RandomTurnsPolicy(4)), streets, 300)
    assert set(done) == {1, 2, 3}
    assert min(done.count(action) for action in (1, 2, 3)) > 70
    assert actions(begin(StreetAheadPolicy()), streets) == [1] * 7
    by_candidates = percept(ways=[WEST, EAST])
    assert actions(begin(StreetAheadPolicy()), by_candidates) == [2] * 7
    assert set(actions(begin(RandomTurnsPolicy(6)), by_candidates, 40)) == {1, 2}


def test_gold_needs_a_path(home):
    with pytest.raises(ConfigError, match="gold_action"):
        GoldPolicy(home)
    assert GoldPolicy.oracle == ("gold_path",)
