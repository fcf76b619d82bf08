import pytest

from placecell.agent.policies.follow.reading import AROUND, LEFT, RIGHT, SLIGHT, read_steps


@pytest.mark.parametrize(("text", "turn"), [
    ("Turn left", LEFT), ("take a right at the table", RIGHT), ("make a sharp left", LEFT),
    ("go right", RIGHT),
    ("veer slightly right", -SLIGHT), ("turn around", AROUND), ("Turn all the way around", AROUND),
    ("right at the end of the hall", RIGHT), ("walk straight", 0.0), ("exit the room", None),
    ("pass the door on your left", None), ("walk past the sofa on the right", None),
    ("walk around the table", None), ("keep the pool to your left side", None),
])  # fmt: skip
def test_what_a_clause_says_of_turning(text, turn):
    (step,) = read_steps(text)
    assert step.turn_rad == (None if turn is None else pytest.approx(turn))


@pytest.mark.parametrize(("text", "climb"), [
    ("Go up the stairs", 1), ("climb the steps", 1), ("walk downstairs", -1), ("descend the staircase", -1),
    ("walk down the hall", 0), ("stop at the top of the stairs", 0), ("go past the stairs up ahead", 0),
])  # fmt: skip
def test_whether_stairs_are_taken(text, climb):
    assert read_steps(text)[0].climb == climb


def test_clauses_are_spans_of_the_text():
    text = "  Exit the bedroom, turn right and walk down the hallway; then wait by the lamp.  "
    steps = read_steps(text)
    assert [text[s.begin : s.end] for s in steps] == [
        "Exit the bedroom", "turn right", "walk down the hallway", "wait by the lamp",
    ]  # fmt: skip
    assert [step.stops for step in steps] == [False, False, False, True]


@pytest.mark.parametrize("text", ["...", "?", "left", "é"])
def test_there_is_always_a_step(text):
    (step,) = read_steps(text)
    assert 0 <= step.begin <= step.end <= len(text)
