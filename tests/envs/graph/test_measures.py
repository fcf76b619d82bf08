import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from instructed_worlds import house, made_graph, street

from placecell.envs import measures as paths
from placecell.envs.folders import data_folder
from placecell.envs.graph.datasets import read_dataset
from placecell.envs.graph.instructed import nodes_of
from placecell.envs.graph.manhattan import load_streets
from placecell.envs.graph.measures import (
    edit_distance,
    instruction_measures,
    moves_of,
    street_measures,
)
from placecell.errors import EpisodeError

HOUSE, STREET = house(), street()


def measured(walk, path="abcd", graph=HOUSE):
    return instruction_measures(graph, graph.indices_of(walk), graph.indices_of(path))


def test_who_follows_the_path_has_everything():
    assert measured("abcd") == {
        "success": 1, "spl": 1, "soft_spl": 1, "distance_to_goal": 0, "oracle_success": 1, "path_length": 6,
        "ndtw": 1, "sdtw": 1, "cls": 1,
    }  # fmt: skip


def test_who_stops_two_metres_short():
    came = measured("abc")
    covered = (3 + math.exp(-2 / 3)) / 4
    assert came == pytest.approx({
        "success": 1, "spl": 1, "soft_spl": 1 - 2 / 6, "distance_to_goal": 2, "oracle_success": 1,
        "path_length": 4, "ndtw": math.exp(-2 / 12), "sdtw": math.exp(-2 / 12),
        "cls": covered * 6 * covered / (6 * covered + abs(6 * covered - 4)),
    })  # fmt: skip


def test_who_walks_through_the_goal_and_back():
    came = measured("abcdcb")
    assert came["success"] == came["spl"] == came["sdtw"] == 0
    assert (came["oracle_success"], came["path_length"], came["distance_to_goal"]) == (1, 10, 4)
    assert came["ndtw"] == pytest.approx(math.exp(-(2 + 4) / 12))
    assert came["soft_spl"] == pytest.approx((1 - 4 / 6) * 6 / 10)


def test_exactly_three_metres_off_is_a_failure():
    came = measured("abcd", "abcdf")
    assert (came["distance_to_goal"], came["success"], came["oracle_success"]) == (3, 0, 0)


def test_spl_takes_the_shortest_path_and_ndtw_the_described_one():
    came = measured("abc", "abebc")
    assert (came["spl"], came["success"]) == (1, 1)
    assert came["ndtw"] == pytest.approx(math.exp(-2 / 15))
    assert measured("abebc", "abebc")["spl"] == pytest.approx(4 / 8)


def test_turning_on_the_spot_changes_nothing():
    assert measured("aaabbccc") == measured("abc")
    assert moves_of((7, 7, 8, 7, 7)) == (7, 8, 7)


def test_a_secret_goal_leaves_the_length():
    assert measured("ab", "a") == measured("ab", "") == {"path_length": 2}
    assert street_measures(STREET, (0, 1), (0,)) == {"path_length_hops": 1}


def test_no_walk_and_a_jump_are_refused():
    with pytest.raises(EpisodeError, match="a walk of one node or more, got an empty one"):
        measured("")
    with pytest.raises(EpisodeError, match="got a path through a missing edge a -> c"):
        measured("ac")


def test_a_street_walk_that_ends_beside_the_goal():
    came = street_measures(STREET, (0, 0, 1, 2, 2), (0, 1, 2, 3))
    assert came == pytest.approx({
        "task_completion": 1, "shortest_path_distance": 1, "success_edit_distance": 1 - 1 / 4,
        "ndtw_hops": math.exp(-1 / (2 * 2)), "sdtw_hops": math.exp(-1 / (2 * 2)), "path_length_hops": 2,
    })  # fmt: skip


def test_a_street_walk_that_fails():
    came = street_measures(STREET, (0, 1), (0, 1, 2, 3))
    assert came["task_completion"] == came["success_edit_distance"] == came["sdtw_hops"] == 0
    assert came["shortest_path_distance"] == 2
    assert came["ndtw_hops"] == pytest.approx(math.exp(-3 / 4))


def test_a_one_way_link_counts_either_way():
    assert street_measures(STREET, (3, 4, 5), (3, 4))["shortest_path_distance"] == 1


def every_edit(one, other):
    """Optimal string alignment as it is defined, prefix by prefix."""
    if not one or not other:
        return len(one) + len(other)
    best = min(
        every_edit(one[:-1], other) + 1,
        every_edit(one, other[:-1]) + 1,
        every_edit(one[:-1], other[:-1]) + (one[-1] != other[-1]),
    )
    swapped = len(one) > 1 and len(other) > 1 and one[-2:] == other[:-3:-1]
    return min(best, every_edit(one[:-2], other[:-2]) + 1) if swapped else best


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=5), st.lists(st.integers(0, 3), max_size=5))
def test_the_edit_distance_is_that_of_optimal_string_alignment(one, other):
    assert edit_distance(np.array(one, np.int64), np.array(other, np.int64)) == every_edit(one, other)


def test_neighbours_swapped_are_one_edit_and_nothing_is_edited_twice():
    assert edit_distance(np.array([1, 2, 3]), np.array([1, 3, 2])) == 1
    assert edit_distance(np.array([3, 1]), np.array([1, 2, 3])) == 3


def grid():
    """The grid of 4 x 3 nodes that the reference implementation's doctests walk on."""
    nodes = [(i, j) for i in range(4) for j in range(3)]
    names = {f"{i},{j}": (i, j) for i, j in nodes}
    near = [(a, b) for a in names for b in names if abs(np.subtract(names[a], names[b])).sum() == 1]
    return made_graph("grid", names, near)


@pytest.mark.real_data
def test_the_reference_cases_on_the_graph():
    """R4R's doctests: distances along the graph, of which the street measures make another number."""
    path = Path(os.environ["PLACECELL_DATA"]) / "metrics" / "r4r_doctest_cases.json"
    cases, graph = json.loads(path.read_text()), grid()

    def nodes(points):
        return graph.indices_of([f"{i},{j}" for i, j in points])

    for case in cases["cls"]:
        came = instruction_measures(graph, nodes(case["a"]), nodes(case["b"]))
        assert came["cls"] == pytest.approx(case["cls"], abs=1e-12)
    (case, failed) = cases["dtw"]
    walk, reference = nodes(case["prediction"]), nodes(case["reference"])
    metres = np.stack([graph.distances_from(node)[list(walk)] for node in reference], axis=1)
    hops = np.stack([graph.hops_from(node)[list(walk)] for node in reference], axis=1)
    assert paths.ndtw(metres) == pytest.approx(case["ndtw"], abs=1e-12)
    assert paths.ndtw_hops(hops) == pytest.approx(0.472, abs=5e-4)
    assert graph.distances_from(nodes(failed["prediction"])[-1])[reference[-1]] >= 3.0


@pytest.mark.real_data
def test_the_gold_follower_of_the_streets_has_everything():
    graph = load_streets(data_folder("touchdown_unseen"))
    for episode in read_dataset("touchdown_unseen", "dev")[:40]:
        route = nodes_of(graph, episode)
        came = street_measures(graph, route, route)
        assert (came["task_completion"], came["shortest_path_distance"]) == (1, 0)
        assert came["success_edit_distance"] == came["ndtw_hops"] == 1
