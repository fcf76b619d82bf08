from placecell.agent.policies.follow.reading import read_steps
from placecell.agent.policies.follow.things import Mentions

NAMES = ("", "table", "dining table", "lamp", "wall", "chair")


def test_the_longest_name_is_meant_and_walls_are_no_marks():
    (step,) = read_steps("Walk past the dining tables by the wall")
    assert Mentions(NAMES).of(step) == (2,)


def test_the_goal_is_what_is_named_last():
    mentions = Mentions(NAMES)
    assert mentions.goal_of("Pass the lamp. Stop at the chair, near the wall.") == 5
    assert mentions.goal_of("Pass the lamp and wait.") == 3
    assert mentions.goal_of("Go on.") is None


def test_without_labels_nothing_is_named():
    assert Mentions(()).goal_of("Stop at the chair.") is None
