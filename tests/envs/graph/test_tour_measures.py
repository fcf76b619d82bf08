import math

import numpy as np
import pytest
from instructed_worlds import house

from placecell.envs.graph.measures import instruction_measures
from placecell.envs.graph.tour_measures import mean_tour_ndtw, tour_ndtw
from placecell.errors import EpisodeError

HOUSE = house()


def tour(*visits):
    """The score of visits, each spelled as the walk and the path."""
    return tour_ndtw(HOUSE, [(HOUSE.indices_of(walk), HOUSE.indices_of(path)) for walk, path in visits])


def test_a_tour_followed_to_the_letter_is_one():
    assert tour(("abc", "abc"), ("cbe", "cbe"), ("dc", "dc")) == 1
    assert tour(("aabc", "abc"), ("cb", "cb")) == 1  # turning adds nothing


def test_a_tour_of_one_visit_is_its_ndtw():
    nodes = HOUSE.indices_of("abe"), HOUSE.indices_of("abcd")
    assert tour(("abe", "abcd")) == pytest.approx(instruction_measures(HOUSE, *nodes)["ndtw"])


def test_a_visit_is_not_made_good_by_the_next_one():
    # Laid end to end, a b c would warp onto a b b c for nothing; but the first walk stopped at a, 2 m short.
    assert tour(("a", "ab"), ("bc", "bc")) == pytest.approx(math.exp(-2 / (3 * 4)))


def test_the_end_of_a_path_is_met_by_the_end_of_the_walk_alone():
    # The first walk passes its goal b and stops at d, 4 m off. That stop alone may be matched with b, so that
    # b and c of the walk go to the path's a: a-a 0, b-a 2, c-a 4, d-b 4.
    assert tour(("abcd", "ab"), ("dc", "dc")) == pytest.approx(math.exp(-(0 + 2 + 4 + 4) / (3 * 4)))
    # As a tour's last visit its end is free: a-a 0, b-b 0, c-b 2, d-b 4.
    assert tour(("abcd", "ab")) == pytest.approx(math.exp(-(0 + 0 + 2 + 4) / (3 * 2)))


def test_tours_weigh_by_their_visits():
    assert mean_tour_ndtw([1.0, 0.25], [1, 3]) == pytest.approx(0.4375)


def test_a_tour_without_visits_or_goals_is_refused():
    with pytest.raises(EpisodeError, match="visits with paths of two nodes or more, got none"):
        tour_ndtw(HOUSE, [])
    with pytest.raises(EpisodeError, match="a path of one node: its goal is secret"):
        tour(("ab", "a"))


def test_long_tours_of_many_visits():
    rng = np.random.default_rng(0)
    visits = [("abcd"[: int(rng.integers(1, 5))], "abcd") for _ in range(100)]
    assert 0 < tour(*visits) < 1
