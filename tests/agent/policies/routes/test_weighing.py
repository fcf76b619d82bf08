import math

import numpy as np
import pytest

from placecell.agent.policies.routes.intersections import Intersection, way_in, ways_on
from placecell.agent.policies.routes.reading import read_route
from placecell.agent.policies.routes.weighing import RouteWeights, branches, chances, taken
from placecell.memory.hypotheses import Hypotheses

LEFT, AHEAD, RIGHT = math.pi / 2, 0.0, -math.pi / 2


def hypotheses(most=24):
    made = Hypotheses(2, most)
    made.begin({(0, -1): 1.0})
    return made


def crossing(*turns, gap=6, neighbours=None):
    return Intersection(np.array(turns, np.float64), neighbours or len(turns) + 1, gap)


def likely(text, *places, most=24):
    """How likely each way on is at the last of some intersections; straight on at those before."""
    guesses, clauses = hypotheses(most), read_route(text).clauses
    for step, place in enumerate(places):
        ways = branches(clauses, guesses.present, place, step, RouteWeights())
        if step < len(places) - 1:
            guesses.grow(taken(ways, int(np.abs(place.turns).argmin())), step)
    return chances(ways)


def test_a_turn_is_expected_at_the_first_light_and_only_counted_ones_later():
    four = crossing(LEFT, AHEAD, RIGHT)
    assert likely("Turn left at the light.", four).argmax() == 0
    assert likely("Turn right at the second light.", four).argmax() == 1
    assert likely("Turn right at the second light.", four, four).argmax() == 2


def test_without_a_way_on_that_side_the_turn_is_left_for_later():
    assert likely("Turn left at the light.", crossing(AHEAD, RIGHT)).argmax() == 0
    assert likely("Turn left at the light.", crossing(AHEAD, RIGHT), crossing(LEFT, AHEAD)).argmax() == 0


def test_the_end_of_a_street_is_where_no_way_goes_on():
    text = "Go until it Ts and turn left."
    open_ahead, closed = crossing(LEFT, AHEAD, RIGHT), crossing(LEFT, RIGHT)
    assert likely(text, closed)[0] > likely(text, open_ahead)[0]


def test_another_panorama_of_one_crossing_is_not_another_crossing():
    four = crossing(LEFT, AHEAD, RIGHT)
    near = crossing(LEFT, AHEAD, RIGHT, gap=1)
    text = "Turn left at the second light."
    assert likely(text, four, near)[0] < likely(text, four, four)[0]


def test_guesses_that_each_are_unlikely_outweigh_the_likeliest_one_together():
    """Any of one crossing's panoramas may be the second light: one guess would walk past the third."""
    four, near = crossing(LEFT, AHEAD, RIGHT), crossing(LEFT, AHEAD, RIGHT, gap=1)
    places = (four, near, near, four)
    text = "Turn left at the third light."
    assert likely(text, *places).argmax() == 0
    assert likely(text, *places, most=1).argmax() == 1


def test_a_way_nobody_expected_leaves_the_guesses_alive():
    guesses = hypotheses()
    ways = branches((), guesses.present, crossing(math.pi, math.pi), 0, RouteWeights())
    guesses.grow(taken(ways, 0), 0)
    assert guesses.present[0].state == (0, -1)


def test_landmarks_add_to_the_odds():
    clauses, guesses = read_route("Turn left at the shop.").clauses, hypotheses()
    four = crossing(LEFT, AHEAD, RIGHT)
    left = [
        chances(branches(clauses, guesses.present, four, 0, RouteWeights(), np.array([odds, 0.0])))[0]
        for odds in (-3.0, 0.0, 3.0)
    ]
    assert left == sorted(left)


def test_ways_on_leave_out_the_way_back():
    headings = np.radians(np.array([0.0, 90.0, 180.0]))
    keep, turns = ways_on([1, 2, 3], headings, 3, 0.0)
    assert keep == [0, 1]
    assert turns == pytest.approx([0.0, math.pi / 2])
    assert ways_on([1, 2, 3], headings, None, 0.0)[0] == [0, 1]
    assert ways_on([3], np.array([math.pi]), 3, 0.0)[0] == [0]


def test_the_way_in_is_that_of_the_last_two_moves():
    walked = [np.array(place, np.float64) for place in ((9, 9, 0), (0, 0, 0), (10, 1, 0), (20, 0, 0))]
    assert way_in(walked, 2.0) == pytest.approx(0.0)
    assert way_in(walked[:1], 2.0) == 2.0
