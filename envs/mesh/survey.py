"""Surveys: where to stand to see a whole house, and other houses to survey in place of this one."""

import math
from collections.abc import Iterator
from typing import Literal, Protocol, get_args, runtime_checkable

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from placecell.arrays import Points
from placecell.errors import EnvironmentUseError
from placecell.geometry import Pose, wrap_angle

from ..episode import Episode
from ..geodesic import NavigableArea
from .world import World

Which = Literal["same", "foreign", "stale"]
WHICH: tuple[Which, ...] = get_args(Which)
SPACING_M = 2.0
HEADINGS = 6
_COARSE_M = 0.2


@runtime_checkable
class Elsewhere(Protocol):
    """The other houses of a tour's episode."""

    def foreign(self, episode: Episode) -> tuple[World, Pose]:
        """The next house, and the origin of its own tour."""

    def stale(self, episode: Episode) -> World:
        """The house before its furniture was moved."""

    def moved(self, episode: Episode) -> bool:
        """Whether something of the goal's category is elsewhere, missing or new in :meth:`stale`."""


class Nowhere:
    """For worlds that come alone."""

    def foreign(self, episode: Episode) -> tuple[World, Pose]:
        """Raises :class:`EnvironmentUseError`."""
        raise self._alone("foreign")

    def stale(self, episode: Episode) -> World:
        """Raises :class:`EnvironmentUseError`."""
        raise self._alone("stale")

    def moved(self, episode: Episode) -> bool:
        """Raises :class:`EnvironmentUseError`."""
        raise self._alone("stale")

    def _alone(self, which: Which) -> EnvironmentUseError:
        return EnvironmentUseError(
            expected="houses that have neighbours and edits, for the arms foreign and stale",
            came=f"a survey of the {which} house in a single scene",
            fix="walk generated houses (env=houses), or choose the arms cold, warm, known, geometry",
        )


def require_which(which: str) -> None:
    """Raises :class:`EnvironmentUseError` for a house that cannot be surveyed."""
    if which not in WHICH:
        known = ", ".join(WHICH)
        raise EnvironmentUseError(
            expected=f"a survey of the house {known}", came=repr(which), fix="pass one of them"
        )


def standing_points(area: NavigableArea, spacing_m: float = SPACING_M, island: int = 0) -> Points:
    """Points that cover an island, storeys and all: none of it is farther than ``spacing_m`` from one.

    Farthest-point sampling along the floor, on a coarse subset of its cells, begun nearest to the middle;
    the same area gives the same points, (n, 3).
    """
    ground = area.ground
    every = max(1, round(_COARSE_M / area.settings.cell_size_m))
    coarse = (ground.column % every == 0) & (ground.row % every == 0) & (ground.island == island)
    cells = np.flatnonzero(coarse)
    centres = ground.centres()[cells]
    graph = _graph(ground.neighbour, area.settings.cell_size_m)
    chosen = [int(np.argmin(np.linalg.norm(centres - centres.mean(0), axis=1)))]
    away = np.full(len(cells), np.inf)
    while True:
        limit = float(away.max())
        reached = dijkstra(graph, indices=int(cells[chosen[-1]]), limit=limit)[cells]
        away = np.minimum(away, reached)
        # What the coarse cells leave out is within a cell of them.
        farthest = int(np.argmax(away))
        if away[farthest] <= spacing_m - _COARSE_M:
            return centres[chosen]
        chosen.append(farthest)


def survey_poses(area: NavigableArea) -> Iterator[Pose]:
    """The poses of a survey, world frame: six headings at each standing point, beginning eastward."""
    for x, y, z in standing_points(area).tolist():
        for k in range(HEADINGS):
            yield Pose(x, y, z, wrap_angle(2 * math.pi * k / HEADINGS))


def _graph(neighbour: np.ndarray, size_m: float) -> csr_array:
    """Cells and the ways to their eight neighbours, in metres."""
    n = len(neighbour)
    cells = np.arange(n)
    starts, ends, lengths = [], [], []
    for side in range(4):
        straight = neighbour[:, side]
        diagonal = np.where(straight >= 0, neighbour[straight, (side + 1) % 4], -1)
        for to, length in ((straight, size_m), (diagonal, size_m * math.sqrt(2))):
            there = to >= 0
            starts.append(cells[there])
            ends.append(to[there])
            lengths.append(np.full(int(there.sum()), length))
    joined = (np.concatenate(lengths), (np.concatenate(starts), np.concatenate(ends)))
    return csr_array(joined, shape=(n, n))
