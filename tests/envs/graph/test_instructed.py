import math
from dataclasses import replace

import pytest
from instructed_worlds import episode, house

from placecell.envs.graph.instructed import heading_of_yaw, nodes_of, yaw_of_heading
from placecell.errors import EpisodeError


@pytest.mark.parametrize(("words", "count"), [("", 0), (" \n ", 0), ("go " * 2000, 2000)])
def test_an_instruction_of_no_or_too_many_words_is_refused(words, count):
    with pytest.raises(EpisodeError, match=rf"1 to 1000 words in episode '7_0', got {count} words; correct"):
        episode(words=words)


def test_a_thousand_words_are_taken():
    assert episode(words="go " * 1000).goal == "d"


def test_a_goal_is_secret_where_the_path_is_the_start_alone_or_missing():
    assert episode(path="a").goal is None
    assert replace(episode(), path=()).goal is None


def test_a_start_off_the_path_and_an_infinite_heading_are_refused():
    with pytest.raises(EpisodeError, match="path of episode '7_0' to begin at its start b, got a; put"):
        episode(start="b")
    with pytest.raises(EpisodeError, match="finite start heading of episode '7_0', got nan"):
        episode(start_yaw_rad=math.nan)


@pytest.mark.parametrize(
    ("heading", "yaw"),
    [(0.0, math.pi / 2), (math.pi / 2, 0.0), (math.pi, -math.pi / 2), (6.0, math.pi / 2 - 6)],
)
def test_headings_turn_clockwise_from_north(heading, yaw):
    assert math.remainder(yaw_of_heading(heading) - yaw, 2 * math.pi) == pytest.approx(0, abs=1e-12)
    assert -math.pi <= yaw_of_heading(heading) < math.pi
    assert heading_of_yaw(yaw_of_heading(heading)) == pytest.approx(heading)


def test_the_nodes_of_a_path_are_checked_on_the_graph():
    graph = house()
    assert nodes_of(graph, episode()) == (0, 1, 2, 3)
    assert nodes_of(graph, episode(path="c")) == (2,)
    with pytest.raises(EpisodeError, match=r"in episode '7_0', got a path through a missing edge a -> c;"):
        nodes_of(graph, episode(path="acd"))
    with pytest.raises(EpisodeError, match=r"viewpoint of graph house .* in episode '7_0', got 'x'"):
        nodes_of(graph, episode(path="abx"))
    with pytest.raises(EpisodeError, match="graph of episode '7_0', house, got other"):
        nodes_of(house("other"), episode())
