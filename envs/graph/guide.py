"""What binds the visits of a tour: their frame, the oracle's way between them, and what they have seen."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from placecell.errors import EnvironmentUseError
from placecell.geometry import Pose

from .instructed import InstructedEpisode
from .panorama_graph import PanoramaGraph
from .tour_measures import tour_ndtw
from .tours import TourHistory, way_between
from .walk import Rules, Walk, pose_of, start_of


class TourGuide:
    """Knows the tours of a dataset, and the one under way.

    Args:
        episodes: of all tours, in order; outside of tours their ``tour`` is None, and the guide does nothing.
        graphs: the graph of an episode.
        rules: of the tasks.
        visits_per_tour: how many visits each tour has; 1 outside of tours.
    """

    def __init__(
        self,
        episodes: Sequence[InstructedEpisode],
        graphs: Callable[[InstructedEpisode], PanoramaGraph],
        rules: Rules,
        visits_per_tour: int | tuple[int, ...],
    ) -> None:
        self._episodes, self._graphs, self._rules = episodes, graphs, rules
        self._ends = set(np.cumsum(visits_per_tour).tolist()) if isinstance(visits_per_tour, tuple) else set()
        self._history = TourHistory()
        self._index = 0

    def enter(self, index: int) -> None:
        """A visit begins."""
        self._index = index
        self._history.enter(self._episodes[index].tour)

    def origin(self, index: int) -> Pose | None:
        """The start of the first visit, whose frame all visits share; None for the first one itself."""
        visit = self._visit(index)
        return self._start(self._episodes[index - visit]) if visit else None

    def remember(self, walk: Walk) -> None:
        """Keeps what was walked on this visit so far."""
        if walk.episode.tour is not None:
            names = tuple(walk.graph.names[node] for node in walk.nodes)
            self._history.visits[walk.episode.tour.visit] = names

    def plain(self) -> dict[str, object]:
        """The history as JSON."""
        return self._history.plain()

    def replace(self, plain: Mapping[str, object]) -> None:
        """Takes over a history; raises :class:`EnvironmentUseError` for one that does not hold together."""
        self._history.replace(plain)

    def survey(self) -> None:
        """The whole scan of the tour is shown."""
        self._history.surveyed = True

    def way_here(self, graph: PanoramaGraph) -> tuple[int, ...]:
        """The oracle's way from the end of the visit before to this start, both included; none on a first."""
        earlier = self._earlier()
        return self._way(graph, earlier[-1], self._visit(self._index)) if earlier else ()

    def seen_before(self, walk: Walk) -> bool | None:
        """Whether the goal's panorama was stood at, passed or surveyed before this visit; None: no tour."""
        if walk.episode.tour is None or walk.goal is None:
            return None
        if self._history.surveyed:
            return True
        earlier = self._earlier()
        if any(walk.graph.names[walk.goal] in self._history.visits[visit] for visit in earlier):
            return True
        return any(
            walk.goal in self._way(walk.graph, visit, following)[:-1]
            for visit, following in pairwise([*earlier, walk.episode.tour.visit])
        )

    def measures(self, walk: Walk) -> dict[str, float]:
        """``tour_ndtw`` at the end of a tour's last visit, where all visits are known and have goals."""
        visits = self._history.visits
        first = self._index - self._visit(self._index)
        gold = [self._episodes[first + visit] for visit in sorted(visits)]
        whole = len(visits) == self._index - first + 1 and all(episode.goal is not None for episode in gold)
        if not (walk.over and self._index + 1 in self._ends and whole):
            return {}
        paths = [walk.graph.indices_of(episode.path) for episode in gold]
        walks = [walk.graph.indices_of(visits[visit]) for visit in sorted(visits)]
        return {"tour_ndtw": tour_ndtw(walk.graph, list(zip(walks, paths, strict=True)))}

    def foreign(self) -> tuple[InstructedEpisode, Pose]:
        """The first visit of the dataset's next scan, and the frame of its tour.

        Raises:
            EnvironmentUseError: the dataset has one scan.
        """
        here = self._episodes[self._index].scene_id
        scenes = sorted({episode.scene_id for episode in self._episodes})
        if len(scenes) < 2:
            raise EnvironmentUseError(
                expected="another scan to survey, for the arm foreign",
                came=f"a dataset of {here} alone",
                fix="take more scans (env.scans), or another arm",
            )
        other = scenes[(scenes.index(here) + 1) % len(scenes)]
        first = next(episode for episode in self._episodes if episode.scene_id == other)
        return first, self._start(first)

    def _earlier(self) -> list[int]:
        """The earlier visits whose walks are known."""
        return sorted(visit for visit in self._history.visits if visit < self._visit(self._index))

    def _way(self, graph: PanoramaGraph, visit: int, following: int) -> tuple[int, ...]:
        """The oracle's way from the end of one visit of this tour to the start of another."""
        first = self._index - self._visit(self._index)
        goal, start = self._episodes[first + visit].goal, self._episodes[first + following].start
        return way_between(
            graph,
            graph.index_of(self._history.visits[visit][-1]),
            None if goal is None else graph.index_of(goal),
            graph.index_of(start),
        )

    def _visit(self, index: int) -> int:
        stop = self._episodes[index].tour
        return 0 if stop is None else stop.visit

    def _start(self, episode: InstructedEpisode) -> Pose:
        graph = self._graphs(episode)
        return pose_of(graph, start_of(graph, episode, self._rules))
