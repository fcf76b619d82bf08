"""What a walk on a panorama graph is worth: R2R's measures in metres, the street tasks' in hops.

Both score where the walk ended, whether or not stop was said, as the field's evaluators do, so that an
environment and a submission agree. A walk holds a panorama only when it changes: turning adds none.

Sources: Anderson et al. 2018, "Vision-and-Language Navigation" and the Matterport3D simulator's evaluator
(error margin 3.0 m, strictly less; errors along the graph from the last viewpoint); Chen et al. 2019,
"Touchdown", section 6, and the evaluator of map2seq_vln (the unweighted, undirected graph).
"""

from collections.abc import Sequence
from itertools import groupby
from typing import no_type_check

import numpy as np
from jaxtyping import Int
from numba import njit

from placecell.errors import EpisodeError

from .. import measures
from .panorama_graph import PanoramaGraph

R2R_RADIUS_M = 3.0
MOST_HOPS_TO_GOAL = 1


def moves_of(walked: Sequence[int]) -> tuple[int, ...]:
    """The nodes of a walk, each only when it changes; the start is the first.

    >>> moves_of((7, 7, 8, 7, 7))
    (7, 8, 7)
    """
    if not len(walked):
        raise EpisodeError(
            expected="a walk of one node or more", came="an empty one", fix="the start counts as the first"
        )
    return tuple(int(node) for node, _ in groupby(walked))


def instruction_measures(
    graph: PanoramaGraph, walked: Sequence[int], path: Sequence[int], *, radius_m: float = R2R_RADIUS_M
) -> dict[str, float]:
    """The measures of R2R, R4R and RxR, in metres along the graph.

    SPL and SoftSPL take the shortest path from the start to the goal, which in R4R and RxR is not the path
    that the instruction describes; nDTW, sDTW and CLS compare with that path.

    Args:
        graph: of the scan.
        walked: nodes, the start first.
        path: the nodes that the instruction describes, the start first, the goal last; one node or none
            where the goal is secret.
        radius_m: success ends closer than this to the goal.

    Returns:
        ``success``, ``spl``, ``soft_spl``, ``distance_to_goal`` (the field's navigation error),
        ``oracle_success``, ``path_length``, ``ndtw``, ``sdtw`` and ``cls``; ``path_length`` alone where the
        goal is secret.

    Raises:
        EpisodeError: an empty walk, a step that is no edge, or a goal out of reach of the start.
    """
    walk = moves_of(walked)
    walked_m = graph.path_length(walk)
    if len(path) < 2:
        return {"path_length": walked_m}
    apart = np.stack([graph.distances_from(node)[list(walk)] for node in path], axis=1)
    left = apart[:, -1]
    shortest_m, final_m = float(left[0]), float(left[-1])
    succeeded = measures.success(final_m, stopped=True, radius_m=radius_m)
    return {
        "success": float(succeeded),
        "spl": measures.spl(succeeded, shortest_m=shortest_m, walked_m=walked_m),
        "soft_spl": measures.soft_spl(distance_to_goal_m=final_m, shortest_m=shortest_m, walked_m=walked_m),
        "distance_to_goal": final_m,
        "oracle_success": float(measures.oracle_success(left, radius_m=radius_m)),
        "path_length": walked_m,
        "ndtw": measures.ndtw(apart, threshold_m=radius_m),
        "sdtw": measures.sdtw(apart, succeeded=succeeded, threshold_m=radius_m),
        "cls": measures.cls(
            apart,
            predicted_length_m=walked_m,
            reference_length_m=graph.path_length(path),
            threshold_m=radius_m,
        ),
    }


def street_measures(graph: PanoramaGraph, walked: Sequence[int], path: Sequence[int]) -> dict[str, float]:
    """The measures of Touchdown and Map2Seq, in hops on the unweighted graph, its links taken either way.

    Args:
        graph: the streets.
        walked: nodes, the start first.
        path: the nodes of the route, the goal last; one node or none where the goal is secret.

    Returns:
        ``task_completion`` (1 where the walk ended at the goal or at a neighbour of it),
        ``shortest_path_distance`` (hops from the end of the walk to the goal), ``success_edit_distance``,
        ``ndtw_hops``, ``sdtw_hops`` and ``path_length_hops``; the last alone where the goal is secret.

    Raises:
        EpisodeError: an empty walk, or a goal out of reach of it.
    """
    walk = moves_of(walked)
    length = {"path_length_hops": float(len(walk) - 1)}
    if len(path) < 2:
        return length
    apart = graph.hops_between(walk, path)
    left = float(apart[-1, -1])
    completed = float(left <= MOST_HOPS_TO_GOAL)
    near = measures.ndtw_hops(apart)
    return {
        "task_completion": completed,
        "shortest_path_distance": left,
        "success_edit_distance": completed * edit_similarity(walk, path),
        "ndtw_hops": near,
        "sdtw_hops": completed * near,
        **length,
    }


def edit_similarity(walk: Sequence[int], path: Sequence[int]) -> float:
    """``1 - edits / max(len)`` of two walks: the share of SED that a success is multiplied by."""
    edits = edit_distance(np.array(walk, dtype=np.int64), np.array(path, dtype=np.int64))
    return 1.0 - edits / max(len(walk), len(path))


def edit_distance(one: Int[np.ndarray, "p"], other: Int[np.ndarray, "r"]) -> int:
    """Damerau-Levenshtein distance: insertions, deletions, replacements and swaps of neighbours.

    The variant of the package that the evaluator of map2seq_vln calls (pyxDamerauLevenshtein): optimal
    string alignment, which edits nothing twice, so that (3, 1) is three edits from (1, 2, 3), not two.
    """
    return int(_edits(np.asarray(one, np.int64), np.asarray(other, np.int64)))


@njit(cache=True)
@no_type_check
def _edits(one, other):
    table = np.zeros((len(one) + 1, len(other) + 1), np.int64)
    table[:, 0] = np.arange(len(one) + 1)
    table[0, :] = np.arange(len(other) + 1)
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            replaced = table[i - 1, j - 1] + (one[i - 1] != other[j - 1])
            best = min(table[i - 1, j] + 1, table[i, j - 1] + 1, replaced)
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                best = min(best, table[i - 2, j - 2] + 1)
            table[i, j] = best
    return table[-1, -1]
