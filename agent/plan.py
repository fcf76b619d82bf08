"""What a run is asked to do: how every episode is walked, and which episodes belong together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat

from placecell.errors import ConfigError

from .limits import Limits
from .recording import RecordOptions
from .results import Status
from .tours import CONTROL


@dataclass(frozen=True)
class Plan:
    """How every episode of a run is walked; equal plans give equal results, wherever they are carried out.

    Args:
        seed: of everything that is drawn.
        arm: what the memory holds when an episode begins, see :mod:`~placecell.agent.tours`.
        limits: what an episode may take.
        record: what its folder keeps.
    """

    seed: int
    arm: str = CONTROL
    limits: Limits = field(default_factory=Limits)
    record: RecordOptions = field(default_factory=RecordOptions)

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ConfigError(expected="a seed of 0 or more", came=str(self.seed), fix="set seed=N")


Visits = int | tuple[int, ...]
"""How many consecutive episodes make a tour: one number for all tours, or one for each."""


@dataclass(frozen=True)
class WorldFacts:
    """What a run has to know of an environment and of its agent; plain, so that it crosses processes.

    Args:
        number_of_episodes: that the environment's dataset has.
        oracle: inputs that are used and that no agent has in the world, sorted.
        provenance: plain JSON: scene, data hashes.
        visits_per_tour: how many consecutive episodes make a tour, of all or of each; 1 where each episode
            stands for itself.
    """

    number_of_episodes: int
    oracle: tuple[str, ...]
    provenance: Mapping[str, object]
    visits_per_tour: Visits = 1

    @property
    def has_tours(self) -> bool:
        """Whether some episodes share a memory."""
        return self.visits_per_tour != 1


@dataclass(frozen=True)
class Leg:
    """Consecutive episodes that one agent walks in order, for they share a memory: a tour, or one episode.

    Args:
        first: the index of the first of them, walked already or not.
        pending: those that are still to be walked, in order.
        lost: those before them that were ended from outside or broke, and are not walked again.
    """

    first: int
    pending: tuple[int, ...]
    lost: tuple[int, ...] = ()


def legs(episodes: int, visits: Visits, status: Mapping[int, Status] | None = None) -> tuple[Leg, ...]:
    """The legs of a run's first ``episodes`` that are still to be walked.

    Args:
        episodes: how many the run has.
        visits: how many consecutive ones make a leg, of all legs or of each.
        status: how those that are over ended, by index.

    >>> [leg.pending for leg in legs(5, 2)]
    [(0, 1), (2, 3), (4,)]
    """
    status = status or {}
    found = []
    for tour in tours(episodes, visits):
        pending = tuple(episode for episode in tour if episode not in status)
        lost = tuple(episode for episode in tour if status.get(episode, "done") != "done")
        if pending:
            found.append(Leg(tour.start, pending, lost))
    return tuple(found)


def tours(episodes: int, visits: Visits) -> Iterator[range]:
    """The episodes of each tour among the first ``episodes``; the last may be cut.

    >>> [*tours(5, 2)], [*tours(4, (1, 2, 9))]
    ([range(0, 2), range(2, 4), range(4, 5)], [range(0, 1), range(1, 3), range(3, 4)])
    """
    first = 0
    for length in repeat(visits) if isinstance(visits, int) else visits:
        if first >= episodes:
            return
        yield range(first, min(first + length, episodes))
        first += length
