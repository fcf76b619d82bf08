import numpy as np
import pytest
from blocks import plain_habits

from placecell.agent.policies.routes.stopping import Habits, outlooks, ready, where_to_stop
from placecell.errors import ConfigError


def stop(kind, intersections, since, step, left=20, habits=None):
    views = outlooks(habits or plain_habits(), kind, intersections, {since: 1.0}, [0.0] * (step + 1))
    return where_to_stop(views, step, left)


def test_shipped_habits_are_of_their_size_and_an_unknown_name_is_told():
    for name in ("map2seq_unseen", "touchdown_unseen", "general"):
        habits = Habits.load(name)
        assert habits.weights.shape == (habits.size,)
        assert habits.gaps.sum() == pytest.approx(1.0, abs=0.02)
    assert Habits.of_dataset("elsewhere").name == "general"
    with pytest.raises(ConfigError, match="habits of general, map2seq_unseen, touchdown_unseen, got 'x'"):
        Habits.load("x")


def test_a_route_never_ends_before_its_last_clause_or_beyond_the_longest():
    habits = plain_habits(longest=20)
    likely = habits.ends("after", [3, 9], 9)
    assert likely[:9].sum() == 0
    assert likely.sum() == pytest.approx(1.0)
    assert likely.argmax() == 11
    assert habits.ends("after", [3], 40).sum() == 0


def test_a_few_steps_after_is_soon():
    assert stop("after", [5], 5, 5) is None
    assert stop("after", [5], 5, 7) in (6, 7)


def test_before_the_next_light_is_a_step_back_from_it():
    habits = plain_habits(gaps=12)
    assert stop("before", [5], 5, 9, habits=habits) is None
    assert stop("before", [5, 13], 5, 13, habits=habits) in (11, 12, 13)


def test_without_actions_left_it_stops_where_it_is():
    assert stop("before", [5], 5, 9, left=0) == 9


def test_stopping_is_not_thought_of_before_the_clauses_are_done():
    habits = plain_habits()
    assert not ready(habits, {}, 9)
    assert not ready(habits, {3: 0.2}, 9)
    assert ready(habits, {3: 0.2, 4: 0.2}, 9)


def test_what_stands_there_moves_the_end():
    habits = plain_habits()
    named = np.zeros(12)
    named[10] = 9.0
    assert habits.ends("landmark", [5], 5, list(named)).argmax() == 10
