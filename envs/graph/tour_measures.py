"""t-nDTW: how faithfully a whole tour of instructions was followed.

Source: Krantz et al. 2023, "Iterative Vision-and-Language Navigation", section 4, and ``compute_tour_ndtw``
of its code (IVLN and IVLN-CE), which this follows:

- The walks of a tour's visits are laid end to end, and so are the paths that the instructions describe.
  What an oracle walked between the visits is left out of both.
- One warping aligns the two. Where visits meet, the last node of a path may be matched with the node where
  that walk stopped and with no other, and the first node of the next path with the next walk's start alone;
  the warping cannot blur one visit into the next. The first path's start and the last one's end are free.
- The score is ``exp(-DTW / (3 m * nodes of all paths))``, distances along the graph, as nDTW.
- Tours are averaged with their number of visits as weights.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from placecell.errors import EpisodeError

from ..measures import ndtw
from .measures import R2R_RADIUS_M, moves_of
from .panorama_graph import PanoramaGraph

Visit = tuple[Sequence[int], Sequence[int]]
"""Nodes that were walked, and nodes of the path that the instruction describes."""


def tour_ndtw(graph: PanoramaGraph, visits: Sequence[Visit], *, threshold_m: float = R2R_RADIUS_M) -> float:
    """t-nDTW of one tour, or of its first visits.

    Args:
        graph: of the scan.
        visits: in the order of the tour, transport left out.
        threshold_m: the task's success distance.

    Raises:
        EpisodeError: no visit, an empty walk, or a path without a goal.
    """
    if not visits or any(len(path) < 2 for _, path in visits):
        raise EpisodeError(
            expected="visits with paths of two nodes or more",
            came="none" if not visits else "a path of one node: its goal is secret",
            fix="score tours of a split with known goals",
        )
    walks = [moves_of(walked) for walked, _ in visits]
    nodes = [node for walk in walks for node in walk]
    apart = np.stack([graph.distances_from(node)[nodes] for _, path in visits for node in path], axis=1)
    return ndtw(
        _walled(apart, [len(walk) for walk in walks], [len(path) for _, path in visits]),
        threshold_m=threshold_m,
    )


def mean_tour_ndtw(scores: Sequence[float], visits: Sequence[int]) -> float:
    """The mean over tours, each weighted by its number of visits."""
    return float(np.average(scores, weights=visits))


def _walled(
    apart: Float[np.ndarray, "p r"], walks: Sequence[int], paths: Sequence[int]
) -> Float[np.ndarray, "p r"]:
    """The distances with ``inf`` where the borders between visits allow no match."""
    allowed = np.ones(apart.shape, dtype=bool)
    rows, columns = np.cumsum(walks), np.cumsum(paths)
    for row, column in list(zip(rows, columns))[:-1]:
        for i, j in ((row - 1, column - 1), (row, column)):
            allowed[:, j] = False
            allowed[i, j] = True
    return np.where(allowed, apart, np.inf)
