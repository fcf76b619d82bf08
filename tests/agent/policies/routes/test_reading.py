import time

import pytest

from placecell.agent.policies.routes.reading import MOST_CLAUSES, read_route


def steps(text):
    return " ".join(
        {"ahead": "-", "left": "L", "right": "R"}[clause.side] + clause.place
        for clause in read_route(text).clauses
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Go to the light and turn left.", "Llight"),
        ("Turn right at the third intersection.", "-crossing -crossing Rcrossing"),
        ("Walk to the 2nd set of lights and make a right.", "-light Rlight"),
        ("Go through the next two lights. At the following light take a left.", "-light -light Llight"),
        ("Pass the first light. At the second light, turn right.", "-light Rlight"),
        ("Go straight until you can't any more, then turn left.", "Ltee"),
        ("Make a left when it Ts.", "Ltee"),
        ("Head to the T-intersection and turn right.", "Rtee"),
        ("Take the second left.", "-exit Lexit"),
        ("Walk to the end of the block and turn right.", "Rend"),
        ("Pass a side street on the left and turn right at the corner.", "-side Rcorner"),
        ("You come to a light. Go straight. Then turn left at the next one.", "-light Llight"),
        ("Turn left, then take an immediate right.", "Lunnamed Runnamed"),
        ("Turn left at the light and right at the next light.", "Llight Rlight"),
        ("There is a bank on the left. The shop is on your right.", ""),
        ("Continue past the bus stop on the left side of the street.", ""),
        ("Go through 3 lights and stop.", "-light -light -light"),
        ("Follow the flow of traffic to the light and turn right.", "Rlight"),
        ("", ""),
        ("\u0130\u0130 ?!", ""),
    ],
)
def test_phrases_come_to_clauses(text, expected):
    assert steps(text) == expected


def test_immediate_and_slight_turns_are_marked():
    route = read_route("Turn left at the light, then make a quick right. Bear left at the fork.")
    assert [clause.soon for clause in route.clauses] == [False, True, False]
    assert [clause.slight for clause in route.clauses] == [False, False, True]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Turn left at the light. Stop two steps after turning.", "after"),
        ("Turn left and stop just before the next light.", "before"),
        ("Turn left. Go almost to the end of the block and stop.", "before"),
        ("Turn left. Stop halfway down the block.", "half"),
        ("Turn left. Stop about 1/2 to the next light.", "half"),
        ("Turn left. Stop 1/3 down the block.", "third"),
        ("Turn left. Stop three fourths of the way.", "most"),
        ("Turn left. Stop in the middle of the intersection.", "inside"),
        ("Turn left. Stop in front of the bakery.", "landmark_after_turn"),
        ("Turn left. Pass a school. Stop in front of the bakery.", "landmark"),
    ],
)
def test_endings_are_told_apart(text, kind):
    assert read_route(text).ending.kind == kind


def test_spans_are_the_characters_that_say_so():
    text = "Go to the LIGHT and turn left. Stop at the bank."
    route = read_route(text)
    (begin, end), (ending, last) = route.spans
    assert text[begin:end] == "to the LIGHT and turn left"
    assert (ending, last) == (end, len(text))


def test_a_bus_stop_or_a_stop_sign_is_not_the_end():
    text = "Pass the bus stop. At the stop sign turn left. Go through the light."
    assert steps(text) == "Lcrossing -light"


def test_long_text_is_read_in_bounded_time_and_size():
    began = time.process_time()
    route = read_route("turn left at the next light and then go through the double " * 100)
    assert len(route.clauses) == MOST_CLAUSES
    read_route("the next " * 500)
    read_route("a" * 6000)
    assert time.process_time() - began < 5
