import json
import math

import numpy as np
import pytest

from placecell.agent.policies.expectation import Expectation, learn_expectation
from placecell.errors import DataError


def home(*things):
    """``(category, x, y, z, room)`` each."""
    names, *rest = zip(*things)
    return names, np.array(rest[:3], np.float64).T, np.array(rest[3])


BATH = [("toilet", 0, 0, 0, 0), ("sink", 1, 0, 0, 0), ("towel", 1, 1, 0, 0)]
LIVING = [("sofa", 10, 0, 0, 1), ("lamp", 11, 0, 0, 1), ("picture", 16, 0, 0, 1)]
HOMES = [home(*BATH, *LIVING)] * 20


def test_log_lifts_are_the_counts_by_hand():
    """One house: of 2 things (a toilet, a sink) both have the other, so the base of each is a half."""
    learned = learn_expectation([home(("toilet", 0, 0, 0, 0), ("sink", 1, 0, 0, 0))])
    assert learned.categories == ("sink", "toilet")
    assert learned.houses == 1
    np.testing.assert_allclose(learned.base, [0.5, 0.5])
    lift = math.log((1 + 8 * 0.5) / (1 + 8) / 0.5)
    none = math.log((0 + 8 * 0.5) / (1 + 8) / 0.5)
    np.testing.assert_allclose(learned.near, [[none, lift], [lift, none]])
    np.testing.assert_allclose(learned.room, learned.near)


def test_what_stands_together_raises_the_chance_and_what_does_not_lowers_it():
    learned = learn_expectation(HOMES)
    anywhere = learned.chance("toilet", [])
    assert learned.chance("toilet", ["sink"]) > 1.5 * anywhere
    assert learned.chance("toilet", ["sink", "towel"]) > learned.chance("toilet", ["sink"])
    assert learned.chance("toilet", ["sofa"]) < anywhere / 2
    assert all(0 < learned.chance(a, [b]) <= 1 for a in learned.categories for b in learned.categories)


def test_room_and_nearness_are_two_things():
    learned = learn_expectation(HOMES)
    picture, sofa = (learned.categories.index(name) for name in ("picture", "sofa"))
    assert learned.near[picture, sofa] < 0 < learned.room[picture, sofa]


def test_things_upstairs_are_not_near():
    below = learn_expectation([home(("bed", 0, 0, 0, 0), ("sofa", 0, 0, 0.3, 0))] * 5)
    above = learn_expectation([home(("bed", 0, 0, 0, 0), ("sofa", 0, 0, 2.7, 1))] * 5)
    assert below.near[0, 1] > 0 >= above.near[0, 1]


def test_the_order_of_names_and_houses_does_not_matter():
    one = learn_expectation([home(*BATH), home(*LIVING)])
    other = learn_expectation([home(*LIVING[::-1]), home(*BATH[::-1])])
    assert one.categories == other.categories
    np.testing.assert_allclose(one.near, other.near)
    np.testing.assert_allclose(one.room, other.room)
    np.testing.assert_allclose(one.base, other.base)


def test_what_no_house_had_says_nothing():
    learned = learn_expectation(HOMES)
    assert learned.chance("toilet", ["spaceship"]) == learned.chance("toilet", [])
    assert learned.chance("spaceship", ["sofa"]) == pytest.approx(learned.base.mean())


def test_it_comes_back_from_its_file(tmp_path):
    learned = learn_expectation(HOMES)
    learned.save(tmp_path / "e.json")
    again = Expectation.load(tmp_path / "e.json")
    assert (again.categories, again.houses, again.split) == (learned.categories, 20, "train")
    np.testing.assert_allclose(again.near, learned.near, atol=1e-4)
    assert json.loads((tmp_path / "e.json").read_text())["houses"] == 20


def test_without_its_file_the_error_says_how_to_make_it(tmp_path):
    with pytest.raises(
        DataError,
        match=r"learned from train houses in none.json, got no such file; make it with placecell-train",
    ):
        Expectation.load(tmp_path / "none.json")


@pytest.mark.parametrize(("text", "came"), [
    ("{", "JSONDecodeError"), ("[]", "TypeError"), ('{"base": []}', "KeyError"),
    ('{"base": [1], "near": [[1]], "room": [], "categories": ["a"], "houses": 1, "split": "t"}', r"\(0,\)"),
])  # fmt: skip
def test_a_file_of_something_else_is_one_line(tmp_path, text, came):
    path = tmp_path / "e.json"
    path.write_text(text)
    with pytest.raises(DataError, match=came) as caught:
        Expectation.load(path)
    assert "\n" not in str(caught.value)
