"""Tours of instructions: a scan's paths one after the other, with an oracle walking the body between them.

The protocol of IVLN (Krantz et al. 2023, "Iterative Vision-and-Language Navigation"): after each instruction
the body is led from where it stopped to that instruction's goal and on to the next one's start; what it sees
on the way is there to be remembered. As there, a tour holds each path of a scan once, with one of its
instructions, so that R2R's three instructions a path make three tours a scan.

The order is ours, for the published lists are not at hand: the first path is drawn by the names of scan and
tour (no run's seed moves it), and the next one is ever the path whose start is nearest, along the graph, to
the goal before it. It stands for the published order, which keeps the ways between episodes short too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, ClassVar

from placecell.arrays import generator
from placecell.errors import ConfigError, EnvironmentUseError

from ..episode import TourStop
from ..objectnav import take_categories
from ..options import from_options
from ..tour import ARMS, Tour
from .instructed import InstructedEpisode
from .panorama_graph import PanoramaGraph

MOST_VISITS = 100


@dataclass(frozen=True)
class InstructionTour:
    """The task's numbers.

    Args:
        arm: what the agent's memory holds at each start (the agent's business).
        visits: of a tour at most; None: 100.
    """

    name: ClassVar[str] = "tour"
    arm: str = "cold"
    visits: int | None = None

    def __post_init__(self) -> None:
        known = [arm for arm in ARMS if arm != "stale"]
        if self.arm not in known:
            raise ConfigError(
                expected=f"task.arm of {', '.join(known)} in tours of instructions",
                came=repr(self.arm),
                fix="choose one of them",
            )
        if self.visits is not None and self.visits < 1:
            raise ConfigError(
                expected="task.visits of 1 or more, or null",
                came=str(self.visits),
                fix="set task.visits=N",
            )


def make_instruction_tour(options: Mapping[str, Any]) -> InstructionTour:
    """The task of a config's ``task=tour``, which tours of houses share.

    Raises:
        ConfigError: a key that only tours of houses have, with another value than theirs; what is wrong with
            the others.
    """
    ours = ("arm", "visits")
    theirs, categories = take_categories({key: value for key, value in options.items() if key not in ours})
    houses = replace(from_options(Tour, theirs, where="task"), categories=categories)
    default = Tour()
    for key in options:
        if key not in ours and getattr(houses, key) != getattr(default, key):
            raise ConfigError(
                expected="task.arm and task.visits, which are all that tours of instructions have",
                came=f"task.{key}={options[key]}",
                fix=f"leave task.{key} out (env.max_steps bounds a visit), or walk houses: env=houses",
            )
    return from_options(InstructionTour, {k: options[k] for k in ours if k in options}, where="task")


def tours_of(
    episodes: Sequence[InstructedEpisode], graphs: Mapping[str, PanoramaGraph], most: int = MOST_VISITS
) -> tuple[tuple[InstructedEpisode, ...], tuple[int, ...]]:
    """The episodes in the order of their tours, and how many each tour has.

    Tours come scan by scan, by name; the ``k``-th of a scan holds the ``k``-th instruction of each path that
    has so many, and is called ``SCAN:k``.

    Args:
        episodes: of a dataset, whose goals may be secret.
        graphs: by scan.
        most: visits of a tour; what goes beyond is left out.
    """
    walked: list[InstructedEpisode] = []
    lengths: list[int] = []
    for scan, tours in sorted(_by_scan(episodes).items()):
        for number, paths in enumerate(tours):
            name, goals = f"{scan}:{number}", set[str]()
            ordered = _ordered(paths, graphs[scan], name)[:most]
            for visit, episode in enumerate(ordered):
                stop = TourStop(name, visit, episode.goal in goals)
                walked.append(replace(episode, tour=stop))
                goals |= {episode.goal} if episode.goal is not None else set()
            lengths.append(len(ordered))
    return tuple(walked), tuple(lengths)


def _by_scan(episodes: Sequence[InstructedEpisode]) -> dict[str, list[list[InstructedEpisode]]]:
    """Each scan's tours, unordered."""
    found: dict[str, list[list[InstructedEpisode]]] = {}
    told: dict[tuple[str, str], int] = {}
    for episode in episodes:
        path = episode.scene_id, episode.path_id
        number = told[path] = told.get(path, -1) + 1
        tours = found.setdefault(episode.scene_id, [])
        if number == len(tours):
            tours.append([])
        tours[number].append(episode)
    return found


def _ordered(paths: Sequence[InstructedEpisode], graph: PanoramaGraph, tour: str) -> list[InstructedEpisode]:
    left = sorted(paths, key=lambda episode: episode.path_id)
    ordered = [left.pop(int(generator(0, "tour", tour).integers(len(left))))]
    while left:
        away = graph.distances_from(graph.index_of(ordered[-1].goal or ordered[-1].start))
        ordered.append(left.pop(min(range(len(left)), key=lambda n: away[graph.index_of(left[n].start)])))
    return ordered


@dataclass
class TourHistory:
    """What the visits of the tour under way have walked. It knows one tour at a time."""

    tour: str | None = None
    visits: dict[int, tuple[str, ...]] = field(default_factory=dict)
    surveyed: bool = False

    def enter(self, stop: TourStop | None) -> None:
        """A visit begins; what this one and later ones had walked is forgotten."""
        name = None if stop is None else stop.tour
        if name != self.tour:
            self.tour, self.visits, self.surveyed = name, {}, False
        visit = 0 if stop is None else stop.visit
        self.visits = {earlier: names for earlier, names in self.visits.items() if earlier < visit}

    def plain(self) -> dict[str, Any]:
        """As JSON, for :meth:`replace` in another process."""
        visits = [{"visit": visit, "walked": list(names)} for visit, names in sorted(self.visits.items())]
        return {"tour": self.tour, "visits": visits, "surveyed": self.surveyed}

    def replace(self, plain: Mapping[str, Any]) -> None:
        """Becomes the history that :meth:`plain` told.

        Raises:
            EnvironmentUseError: something that does not hold together; the history is as it was before.
        """
        tour, entries, surveyed = _keys(plain, "tour", "visits", "surveyed")
        if not (tour is None or isinstance(tour, str)):
            raise _damaged("the name of a tour", tour)
        if not isinstance(entries, list) or not isinstance(surveyed, bool):
            raise _damaged("a list of visits, and whether the scan was surveyed", entries)
        visits: dict[int, tuple[str, ...]] = {}
        for entry in entries:
            visit, walked = _keys(entry, "visit", "walked")
            if not isinstance(visit, int) or isinstance(visit, bool) or visit < 0 or visit in visits:
                raise _damaged("visits counted from 0, each once", visit)
            if not isinstance(walked, list) or not walked or not all(isinstance(n, str) for n in walked):
                raise _damaged("names of the panoramas walked", walked)
            visits[visit] = tuple(walked)
        self.tour, self.visits, self.surveyed = tour, visits, surveyed


def way_between(graph: PanoramaGraph, stopped: int, goal: int | None, start: int) -> tuple[int, ...]:
    """The nodes of the oracle's way: from where the body stopped to its goal, then to the next start.

    Both ends are among them; a secret goal is left out.
    """
    stops = [stopped, start] if goal is None else [stopped, goal, start]
    legs = [graph.shortest_path(a, b) for a, b in pairwise(stops)]
    return (*(node for leg in legs for node in leg[:-1]), start)


def _keys(plain: object, *names: str) -> list[Any]:
    if not isinstance(plain, Mapping) or plain.keys() != set(names):
        came = ", ".join(map(str, plain)) or "none" if isinstance(plain, Mapping) else plain
        raise _damaged(f"the keys {', '.join(names)}", came)
    return [plain[name] for name in names]


def _damaged(what: str, came: object) -> EnvironmentUseError:
    shown = came if isinstance(came, str) else repr(came)
    return EnvironmentUseError(
        expected=f"a tour as tour_so_far() told it, with {what}",
        came=shown if len(shown) <= 80 else f"{shown[:77]}...",
        fix="pass it as it was, or walk the tour from its first visit",
    )
