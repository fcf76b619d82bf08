import math

import numpy as np
import pytest

from placecell.agent.policies.follow.progress import Progress, Ways
from placecell.agent.policies.follow.reading import read_steps

FOUR = np.radians([0.0, 90.0, -90.0, 180.0])
AHEAD, LEFT, RIGHT, BACK = range(4)


def ways(steps, turns=FOUR, elevations=None, things=None):
    n = len(turns)
    return Ways(
        np.asarray(turns, float), np.zeros(n) if elevations is None else np.asarray(elevations, float),
        np.full(n, 2.0), np.zeros((steps, n)) if things is None else things,
    )  # fmt: skip


def walked(text, *moves, length=4):
    """The shares of each move's four ways, as the walk takes the given ones."""
    progress = Progress(read_steps(text), length)
    belief, found = progress.at_start(), []
    for n, taken in enumerate((*moves, None)):
        shares, beliefs = progress.weigh(belief, n, ways(len(progress.steps)))
        assert shares.sum() == pytest.approx(1)
        np.testing.assert_allclose(beliefs.sum(1), 1)
        found.append(shares)
        belief = belief if taken is None else beliefs[taken]
    return progress, belief, found


@pytest.mark.parametrize(("text", "way"), [
    ("turn left, go on, stop", LEFT), ("take a right, go on, stop", RIGHT),
    ("turn around, go on, stop", BACK), ("go straight, go on, stop", AHEAD),
])  # fmt: skip
def test_the_first_words_say_the_first_way(text, way):
    _, _, (shares,) = walked(text)
    assert int(shares.argmax()) == way


def test_a_turn_that_was_made_is_not_expected_again():
    _, _, (_, second) = walked("turn left, walk down the hall, stop", LEFT)
    assert int(second.argmax()) == AHEAD
    _, _, (_, late) = walked("walk down the hall, turn left, stop", AHEAD)
    assert late[LEFT] > 2 * late[RIGHT]


def test_turns_said_in_one_breath_add_up():
    _, _, (shares,) = walked("turn around and turn right", length=1)
    assert int(shares.argmax()) == LEFT


def test_all_steps_are_begun_by_the_end():
    progress, belief, _ = walked("go on, turn left, go on, stop", AHEAD, LEFT, AHEAD, AHEAD)
    assert progress.current(belief) == 3
    assert Progress(read_steps("go on"), 4).current(np.array([1.0, 0.0])) == 0


@pytest.mark.parametrize(("text", "way"), [("walk up the stairs", 0), ("go down the stairs", 2)])
def test_stairs_go_where_the_way_rises_or_falls(text, way):
    progress = Progress(read_steps(text), 4)
    level = ways(1, [0.5, 0.5, 0.5], [0.4, 0.0, -0.4])
    assert int(progress.weigh(progress.at_start(), 0, level)[0].argmax()) == way
    said_nothing = Progress(read_steps("walk on"), 4)
    assert int(said_nothing.weigh(said_nothing.at_start(), 0, level)[0].argmax()) == 1


def test_a_named_thing_speaks_for_the_way_that_it_is_near():
    progress = Progress(read_steps("leave by the lamp"), 4)
    things = np.array([[0.0, 1.0]])
    alike = ways(1, [1.0, -1.0], things=things)
    shares, _ = progress.weigh(progress.at_start(), 0, alike)
    assert shares[1] > 1.2 * shares[0]
    assert math.isclose(progress.weigh(progress.at_start(), 0, ways(1, [1.0, -1.0]))[0][0], 0.5)
