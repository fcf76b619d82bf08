import pytest
from seen_panoramas import percept

from placecell.agent.policies.follow.known_ways import KnownWays

A, B, C, D = (0.0, 0.0, 0.0), (2.0, 0.0, 0.0), (2.0, 2.0, 0.0), (0.0, 9.0, 0.0)


def known():
    ways = KnownWays()
    ways.see(percept(A, [(1, B), (3, D)], node=0))
    ways.see(percept(B, [(0, A), (2, C)], node=1))
    return ways


def test_ways_lead_over_panoramas_that_were_stood_at():
    ways = known()
    assert ways.metres_from(1) == pytest.approx({1: 0.0, 0: 2.0, 2: 2.0, 3: 11.0})
    assert ways.next_towards(1, 3) == 0
    assert ways.next_towards(0, 2) == 1
    assert set(ways.visited) == {0, 1}


def test_the_way_round_is_taken_where_it_is_shorter():
    ways = known()
    ways.see(percept(C, [(1, B), (3, (2.0, 3.0, 0.0))], node=2))
    assert ways.next_towards(1, 3) == 2
