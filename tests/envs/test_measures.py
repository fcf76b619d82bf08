"""Measures against hand-computed cases, the R4R reference values, brute force and laws."""

import json
import math
import os
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from placecell.envs import measures
from placecell.errors import EpisodeError

GRID = dict(nx.all_pairs_shortest_path_length(nx.grid_graph([3, 4])))
unhurried = settings(deadline=None)  # the first call compiles
LENGTHS = st.floats(0, 100)
POINTS = hnp.arrays(np.float64, st.tuples(st.integers(1, 7), st.just(2)), elements=st.floats(-9, 9))


def on_grid(a, b):
    return GRID[tuple(a)][tuple(b)]


def straight(a, b):
    return measures.distances_between(list(a), list(b), lambda p, q: float(np.hypot(*(p - q))))


# What the R4R reference implementation gives on its doctest's graph (a 4 x 3 grid, unit edges, threshold 3).
DTW_CASES = [
    ([(0, 0), (1, 0), (2, 0), (3, 0)], [(0, 0), (1, 0), (2, 1), (3, 2)], 3.0, 0.7788007830714049),
]
CLS_REFERENCE = [(0, 0), (1, 0), (1, 1), (2, 1), (2, 2), (3, 2)]
CLS_CASES = [
    (CLS_REFERENCE, CLS_REFERENCE, 1.0),
    (CLS_REFERENCE, [(0, 0), (0, 1), (1, 1), (2, 1), (3, 1), (3, 2)], 0.8199491512586387),
    (CLS_REFERENCE, [(0, 1), (1, 1), (2, 1), (3, 1)], 0.44197196102702557),
]


def grid_cls(prediction, reference):
    distances = measures.distances_between(prediction, reference, on_grid)
    return measures.cls(
        distances, predicted_length_m=len(prediction) - 1.0, reference_length_m=len(reference) - 1.0
    )


@pytest.mark.parametrize(("prediction", "reference", "dtw", "ndtw"), DTW_CASES)
def test_dtw_family_on_the_reference_pair(prediction, reference, dtw, ndtw):
    distances = measures.distances_between(prediction, reference, on_grid)
    assert measures.dtw(distances) == dtw
    assert measures.ndtw(distances) == pytest.approx(ndtw, abs=1e-15)
    assert measures.sdtw(distances, succeeded=True) == pytest.approx(ndtw, abs=1e-15)
    assert measures.sdtw(distances, succeeded=False) == 0


def test_the_two_ndtw_are_two_measures():
    prediction, reference, *_ = DTW_CASES[0]
    distances = measures.distances_between(prediction, reference, on_grid)
    assert measures.ndtw(distances) == pytest.approx(math.exp(-3 / (3 * 4)))
    assert measures.ndtw_hops(distances) == pytest.approx(math.exp(-3 / (2 * 2)))
    assert round(measures.ndtw(distances), 3) == 0.779
    assert round(measures.ndtw_hops(distances), 3) == 0.472


def test_ndtw_is_normalised_by_the_reference_alone():
    distances = np.ones((2, 9))  # two steps predicted, nine in the reference: nine pairs, each 1 apart
    assert measures.dtw(distances) == measures.dtw(distances.T) == 9
    assert measures.ndtw(distances, threshold_m=2.0) == pytest.approx(math.exp(-9 / (2 * 9)))
    assert measures.ndtw(distances.T, threshold_m=2.0) == pytest.approx(math.exp(-9 / (2 * 2)))
    assert measures.ndtw_hops(distances) == pytest.approx(math.exp(-9 / (2 * 3)))


@pytest.mark.parametrize(("prediction", "reference", "expected"), CLS_CASES)
def test_cls_on_the_reference_cases(prediction, reference, expected):
    assert grid_cls(prediction, reference) == pytest.approx(expected, abs=1e-15)


@pytest.mark.real_data
def test_every_value_of_the_reference_file_holds():
    path = Path(os.environ["PLACECELL_DATA"]) / "metrics" / "r4r_doctest_cases.json"
    cases = json.loads(path.read_text())
    for case in cases["dtw"]:
        distances = measures.distances_between(case["prediction"], case["reference"], on_grid)
        succeeded = bool(distances[-1, -1] <= cases["threshold"])
        came = {
            "dtw": measures.dtw(distances),
            "ndtw": measures.ndtw(distances, threshold_m=cases["threshold"]),
            "sdtw": measures.sdtw(distances, succeeded=succeeded, threshold_m=cases["threshold"]),
        }
        expected = {name: case[name] for name in came if name in case}
        assert {name: came[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    for case in cases["cls"]:
        assert grid_cls(case["a"], case["b"]) == pytest.approx(case["cls"], abs=1e-12)
    assert len(cases["dtw"]) == 2
    assert len(cases["cls"]) == 3


def every_alignment(distances, i=0, j=0):
    """The definition, word for word: the cheapest of all monotone alignments."""
    p, r = distances.shape
    if (i, j) == (p - 1, r - 1):
        return distances[i, j]
    following = [(i + 1, j), (i, j + 1), (i + 1, j + 1)]
    return distances[i, j] + min(every_alignment(distances, a, b) for a, b in following if a < p and b < r)


@unhurried
@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=LENGTHS))
def test_dtw_is_the_cheapest_of_all_alignments(distances):
    assert measures.dtw(distances) == pytest.approx(every_alignment(distances))


@unhurried
@given(POINTS, POINTS)
def test_laws_of_the_path_measures(a, b):
    there, back = straight(a, b), straight(b, a)
    assert measures.dtw(there) == pytest.approx(measures.dtw(back))
    assert measures.dtw(straight(a, a)) == 0
    assert 0 < measures.ndtw(there) <= 1
    assert 0 < measures.ndtw_hops(there) <= 1
    assert measures.ndtw(straight(a, a)) == measures.ndtw_hops(straight(a, a)) == 1
    lengths = {"predicted_length_m": length(a), "reference_length_m": length(b)}
    assert 0 <= measures.cls(there, **lengths) <= 1
    assert measures.sdtw(there, succeeded=True) == measures.ndtw(there)


def length(points):
    return measures.path_length(np.column_stack([points, np.zeros(len(points))]))


@unhurried
@given(POINTS)
def test_cls_of_the_reference_itself_is_one(a):
    own = measures.cls(straight(a, a), predicted_length_m=length(a), reference_length_m=length(a))
    assert own == pytest.approx(1)


def test_dtw_takes_hops_as_integers_and_long_paths():
    hops = np.abs(np.subtract.outer(np.arange(500), np.arange(1, 501)))
    assert measures.dtw(hops) == measures.dtw(hops.astype(float)) == 2  # only the two ends are apart


def test_a_path_out_of_reach_is_worth_nothing():
    distances = np.full((3, 4), np.inf)
    assert measures.ndtw(distances) == measures.ndtw_hops(distances) == 0
    assert measures.cls(distances, predicted_length_m=2.0, reference_length_m=3.0) == 0


@unhurried
@given(st.booleans(), LENGTHS, LENGTHS, LENGTHS)
def test_laws_of_the_path_length_weights(succeeded, shortest, walked, left):
    spl = measures.spl(succeeded, shortest_m=shortest, walked_m=walked)
    soft = measures.soft_spl(distance_to_goal_m=left, shortest_m=shortest, walked_m=walked)
    assert 0 <= spl <= float(succeeded)
    assert 0 <= soft <= 1
    at_goal = measures.soft_spl(distance_to_goal_m=0.0, shortest_m=shortest, walked_m=walked)
    assert at_goal == measures.spl(True, shortest_m=shortest, walked_m=walked)


def test_spl_by_hand():
    assert measures.spl(True, shortest_m=6.0, walked_m=8.0) == 0.75
    assert measures.spl(True, shortest_m=6.0, walked_m=5.9) == 1  # shorter than the shortest path: no bonus
    assert measures.spl(False, shortest_m=6.0, walked_m=6.0) == 0
    assert measures.spl(True, shortest_m=0.0, walked_m=0.0) == 1
    assert measures.spl(True, shortest_m=0.0, walked_m=2.0) == 0
    assert measures.spl(True, shortest_m=3.0, walked_m=0.0) == 1


def test_soft_spl_by_hand():
    soft = measures.soft_spl
    assert soft(distance_to_goal_m=1.5, shortest_m=6.0, walked_m=8.0) == 0.75 * 0.75
    assert soft(distance_to_goal_m=9.0, shortest_m=6.0, walked_m=8.0) == 0  # further off than at the start
    assert soft(distance_to_goal_m=math.inf, shortest_m=6.0, walked_m=8.0) == 0
    assert soft(distance_to_goal_m=0.0, shortest_m=0.0, walked_m=0.0) == 1
    assert soft(distance_to_goal_m=1.0, shortest_m=0.0, walked_m=1.0) == 0


def test_success_is_strict_and_needs_stop():
    assert measures.success(0.1999, stopped=True, radius_m=0.2)
    assert not measures.success(0.2, stopped=True, radius_m=0.2)
    assert not measures.success(0.0, stopped=False, radius_m=0.2)
    assert measures.oracle_success(np.array([5.0, 0.1, 4.0]), radius_m=0.2)
    assert not measures.oracle_success(np.array([5.0, 0.2, np.inf]), radius_m=0.2)


def test_distance_to_goal_takes_the_nearest_of_several():
    assert measures.distance_to_goal(3.0, [10.0, 5.0], lambda a, b: abs(a - b)) == 2
    assert measures.distance_to_goal(3.0, [10.0], lambda a, b: math.inf) == math.inf


def test_path_length_and_collisions():
    assert measures.path_length(np.array([[0.0, 0, 0], [3, 4, 0], [3, 4, 2], [3, 4, 2]])) == 7
    assert measures.path_length(np.zeros((1, 3))) == 0
    assert measures.collisions(np.array([True, False, True])) == 2
    assert measures.collisions(np.zeros(0, bool)) == 0


def test_navigation_measures_of_a_walk_by_hand():
    walk = {
        "points": np.array([[0.0, 0, 0], [4, 0, 0], [4, 0, 0], [4, 4, 0]]),
        "distances_to_goal_m": np.array([6.0, 2.0, 2.0, 0.1]),
        "collided": np.array([False, True, False]),
        "radius_m": 0.2,
    }
    came = measures.navigation_measures(**walk, stopped=True)
    assert came == pytest.approx(
        {
            "success": 1.0,
            "spl": 0.75,
            "soft_spl": (1 - 0.1 / 6) * 0.75,
            "distance_to_goal": 0.1,
            "oracle_success": 1.0,
            "path_length": 8.0,
            "collisions": 1.0,
        }
    )
    assert all(type(value) is float for value in came.values())
    unstopped = measures.navigation_measures(**walk, stopped=False)
    assert (unstopped["success"], unstopped["spl"], unstopped["oracle_success"]) == (0, 0, 1)


LONG = {"predicted_length_m": 1.0, "reference_length_m": 1.0}
TWO = np.ones((2, 2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: measures.dtw(np.ones((0, 3))),
            r"neither of them empty, got shape \(0, 3\); give both paths",
        ),
        (lambda: measures.ndtw_hops(np.ones((3, 0))), r"neither of them empty, got shape \(3, 0\)"),
        (lambda: measures.dtw(-TWO), "between the paths to be 0 or more, got -1"),
        (lambda: measures.ndtw(TWO * np.nan), "between the paths to be 0 or more, got nan"),
        (lambda: measures.ndtw(TWO, threshold_m=0.0), "a threshold above 0 m, got 0; pass the task's"),
        (lambda: measures.cls(TWO, **LONG | {"predicted_length_m": -1.0}), "prediction's length .*got -1"),
        (lambda: measures.cls(TWO, **LONG | {"reference_length_m": math.inf}), "reference's length, got inf"),
        (lambda: measures.path_length(np.zeros((0, 3))), "a walk of one point or more, got an empty one"),
        (lambda: measures.oracle_success(np.zeros(0), radius_m=1.0), "a walk of one point or more"),
        (lambda: measures.distances_between([], [1], max), "a prediction of one point or more"),
        (lambda: measures.distances_between([1], [], max), "a reference of one point or more"),
        (lambda: measures.distance_to_goal(1.0, [], max), "a list of goals of one point or more"),
        (
            lambda: measures.spl(True, shortest_m=math.inf, walked_m=1.0),
            "can be reached.*got inf; leave such",
        ),
        (
            lambda: measures.spl(True, shortest_m=1.0, walked_m=math.nan),
            "path_length to be 0 or more, got nan",
        ),
        (lambda: measures.success(-1.0, stopped=True, radius_m=1.0), "distance_to_goal to be 0 or more"),
    ],
)
def test_what_cannot_be_measured_is_one_clear_line(call, message):
    with pytest.raises(EpisodeError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_walk_needs_one_distance_a_point():
    with pytest.raises(EpisodeError, match=r"one distance to the goal for each point.*got 1 distances for 2"):
        measures.navigation_measures(
            points=np.zeros((2, 3)),
            distances_to_goal_m=np.ones(1),
            collided=np.zeros(1, bool),
            stopped=True,
            radius_m=0.2,
        )
