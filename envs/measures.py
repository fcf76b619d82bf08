"""What an episode is worth: pure functions, under the names Habitat and the literature use.

Paths are compared through a matrix of distances ``(p, r)``: from each of the ``p`` points of the prediction
to each of the ``r`` points of the reference, in metres (or hops), measured as the task measures: along the
graph, along the floor, or straight (:func:`distances_between`). ``inf`` says that one cannot be reached from
the other.

Sources: success and SPL, Anderson et al. 2018, "On Evaluation of Embodied Navigation Agents"; SoftSPL, Datta
et al. 2020, "Integrating Egocentric Localization for More Realistic Point-Goal Navigation Agents"; nDTW and
sDTW, Ilharco et al. 2019, "General Evaluation for Instruction Conditioned Navigation using Dynamic Time
Warping"; CLS, Jain et al. 2019, "Stay on the Path: Instruction Fidelity in Vision-and-Language Navigation".
"""

import math
from collections.abc import Callable, Sequence
from typing import TypeVar, no_type_check

import numpy as np
from jaxtyping import Bool, Float, Num
from numba import njit

from placecell.errors import EpisodeError

Distances = Num[np.ndarray, "p r"]
Node = TypeVar("Node")


def success(distance_to_goal_m: float, *, stopped: bool, radius_m: float) -> bool:
    """Whether ``stop`` was called closer than ``radius_m`` to the goal (strictly, as Habitat)."""
    return stopped and _at_least_zero(distance_to_goal_m, "distance_to_goal") < radius_m


def oracle_success(distances_to_goal_m: Float[np.ndarray, "n"], *, radius_m: float) -> bool:
    """Whether any point of the walk, the start included, was closer than ``radius_m`` to the goal."""
    _require_points(len(distances_to_goal_m), "a walk")
    return _at_least_zero(float(distances_to_goal_m.min()), "distance_to_goal") < radius_m


def distance_to_goal(position: Node, goals: Sequence[Node], distance: Callable[[Node, Node], float]) -> float:
    """Distance to the nearest goal by ``distance(position, goal)``; ``inf`` if none can be reached."""
    _require_points(len(goals), "a list of goals")
    return min(_at_least_zero(distance(position, goal), "distance_to_goal") for goal in goals)


def path_length(points: Float[np.ndarray, "n 3"]) -> float:
    """Length of a walk in metres: the straight pieces between its ``n`` points, added up; 0 for one point."""
    _require_points(len(points), "a walk")
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


def collisions(collided: Bool[np.ndarray, "n"]) -> int:
    """How many of ``n`` steps met an obstacle (none in a walk without steps)."""
    return int(collided.sum())


def spl(succeeded: bool, *, shortest_m: float, walked_m: float) -> float:
    """Success weighted by path length: ``success * shortest / max(shortest, walked)``.

    A walk shorter than the shortest path (measured otherwise, or to the edge of the goal's radius) counts 1,
    no more. Where both are 0 the task was to stop at once, and SPL is the success.

    Raises:
        EpisodeError: ``shortest_m`` is infinite (the goal could not be reached), or a length is negative or
        NaN.
    """
    return float(succeeded) * _efficiency(shortest_m, walked_m)


def soft_spl(*, distance_to_goal_m: float, shortest_m: float, walked_m: float) -> float:
    """SPL with progress in the place of success: ``max(0, 1 - distance_to_goal / shortest)``.

    Where ``shortest_m`` is 0, progress is 1 for who stayed at the goal and 0 for who left it.

    Raises:
        EpisodeError: as :func:`spl`.
    """
    left = _at_least_zero(distance_to_goal_m, "distance_to_goal")
    efficiency = _efficiency(shortest_m, walked_m)
    if shortest_m == 0:
        return efficiency if left == 0 else 0.0
    return max(0.0, 1 - left / shortest_m) * efficiency


def navigation_measures(
    *,
    points: Float[np.ndarray, "n 3"],
    distances_to_goal_m: Float[np.ndarray, "m"],
    collided: Bool[np.ndarray, "steps"],
    stopped: bool,
    radius_m: float,
) -> dict[str, float]:
    """The measures of one episode of PointNav or ObjectNav, by Habitat's names.

    Args:
        points: where the body stood, the start first; ``distances_to_goal_m``: geodesic distance to the
            nearest goal from each of them. The first is the shortest path from the episode's own start.
        collided: for each step, whether it met an obstacle.
        stopped: whether ``stop`` was called.
        radius_m: success is closer than this.

    Returns:
        Floats, all finite but ``distance_to_goal``, which is ``inf`` at a place the goal cannot be reached
        from.

    Raises:
        EpisodeError: no point, not one distance for each point, or a goal out of reach of the start.
    """
    if len(points) != len(distances_to_goal_m):
        raise EpisodeError(
            expected="one distance to the goal for each point of the walk",
            came=f"{len(distances_to_goal_m)} distances for {len(points)} points",
            fix="measure the distance at the start and after every step",
        )
    walked_m = path_length(points)
    shortest_m, final_m = float(distances_to_goal_m[0]), float(distances_to_goal_m[-1])
    succeeded = success(final_m, stopped=stopped, radius_m=radius_m)
    return {
        "success": float(succeeded),
        "spl": spl(succeeded, shortest_m=shortest_m, walked_m=walked_m),
        "soft_spl": soft_spl(distance_to_goal_m=final_m, shortest_m=shortest_m, walked_m=walked_m),
        "distance_to_goal": final_m,
        "oracle_success": float(oracle_success(distances_to_goal_m, radius_m=radius_m)),
        "path_length": walked_m,
        "collisions": float(collisions(collided)),
    }


def distances_between(
    prediction: Sequence[Node], reference: Sequence[Node], distance: Callable[[Node, Node], float]
) -> Float[np.ndarray, "p r"]:
    """The matrix ``distance(prediction[i], reference[j])`` that DTW, nDTW, sDTW and CLS take."""
    _require_points(len(prediction), "a prediction")
    _require_points(len(reference), "a reference")
    return np.array([[distance(a, b) for b in reference] for a in prediction], dtype=np.float64)


def dtw(distances: Distances) -> float:
    """Dynamic time warping: the cheapest alignment that steps through both paths in order, ends matched.

    The cost is the sum of the distances of all matched pairs; a point may be matched more than once.
    Time ``O(p r)``, memory ``O(r)``.

    Raises:
        EpisodeError: a path without points, or a distance that is negative or NaN.
    """
    return float(_dtw(_checked(distances)))


def ndtw(distances: Distances, *, threshold_m: float = 3.0) -> float:
    """nDTW of R2R, R4R and RxR: ``exp(-DTW / (threshold * r))``, distances and threshold in metres.

    Another measure than :func:`ndtw_hops`: on the same pair of paths they differ by design.
    """
    return math.exp(-dtw(distances) / (_positive_threshold(threshold_m) * distances.shape[1]))


def ndtw_hops(distances: Distances) -> float:
    """nDTW of the street tasks (Touchdown, Map2Seq): ``exp(-DTW / (2 sqrt(r)))``, distances in hops.

    The prediction holds a panorama only when it changes: turning on the spot adds none.
    """
    return math.exp(-dtw(distances) / (2 * math.sqrt(distances.shape[1])))


def sdtw(distances: Distances, *, succeeded: bool, threshold_m: float = 3.0) -> float:
    """Success weighted by nDTW: ``success * nDTW``, with the success the task itself defines."""
    return float(succeeded) * ndtw(distances, threshold_m=threshold_m)


def cls(
    distances: Distances, *, predicted_length_m: float, reference_length_m: float, threshold_m: float = 3.0
) -> float:
    """Coverage weighted by length score: how much of the reference was passed, at how fitting a length.

    Coverage is the mean over the reference of ``exp(-nearest / threshold)``; the length expected of such a
    walk is ``coverage * reference_length``, and the score ``expected / (expected + |expected - predicted|)``.
    Where nothing was expected and nothing walked, the score is 1. The lengths are along the paths themselves.

    Raises:
        EpisodeError: as :func:`dtw`, or a length that is negative, infinite or NaN.
    """
    nearest = _checked(distances).min(axis=0)
    coverage = float(np.exp(-nearest / _positive_threshold(threshold_m)).mean())
    expected = coverage * _finite(reference_length_m, "the reference's length")
    miss = abs(expected - _finite(predicted_length_m, "the prediction's length"))
    return coverage if expected + miss == 0 else coverage * expected / (expected + miss)


@njit(cache=True)
@no_type_check
def _dtw(distances):
    before = np.full(distances.shape[1] + 1, np.inf)
    before[0] = 0.0
    for i in range(distances.shape[0]):
        diagonal, before[0] = before[0], np.inf
        for j in range(distances.shape[1]):
            best = min(diagonal, before[j], before[j + 1])
            diagonal, before[j + 1] = before[j + 1], best + distances[i, j]
    return before[-1]


def _efficiency(shortest_m: float, walked_m: float) -> float:
    shortest_m = _finite(shortest_m, "the shortest path (an episode whose goal can be reached)")
    longer = max(shortest_m, _finite(walked_m, "path_length"))
    return shortest_m / longer if longer > 0 else 1.0


def _checked(distances: np.ndarray) -> np.ndarray:
    if distances.ndim != 2 or distances.size == 0:
        raise EpisodeError(
            expected="distances of shape (prediction, reference), neither of them empty",
            came=f"shape {distances.shape}",
            fix="give both paths one point or more: the start counts as the first",
        )
    table = np.ascontiguousarray(distances, dtype=np.float64)
    _at_least_zero(float(table.min()), "the smallest distance between the paths")
    return table


def _require_points(count: int, name: str) -> None:
    if count == 0:
        raise EpisodeError(
            expected=f"{name} of one point or more",
            came="an empty one",
            fix="the start counts as the first point",
        )


def _positive_threshold(threshold_m: float) -> float:
    if not threshold_m > 0 or math.isinf(threshold_m):
        raise EpisodeError(
            expected="a threshold above 0 m",
            came=f"{threshold_m:g}",
            fix="pass the task's success distance, as 3.0",
        )
    return threshold_m


def _at_least_zero(value_m: float, name: str) -> float:
    if not value_m >= 0:
        raise EpisodeError(
            expected=f"{name} to be 0 or more",
            came=f"{value_m:g}",
            fix="check the distances that were measured",
        )
    return value_m


def _finite(value_m: float, name: str) -> float:
    if math.isinf(value_m):
        raise EpisodeError(
            expected=f"a finite length of {name}", came=f"{value_m:g}", fix="leave such an episode out"
        )
    return _at_least_zero(value_m, name)
