"""What a run is asked to do: how every episode is walked, and which episodes belong together."""

from collections.abc import Mapping
from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class WorldFacts:
    """What a run has to know of an environment and of its agent; plain, so that it crosses processes.

    Args:
        number_of_episodes: that the environment's dataset has.
        oracle: inputs that are used and that no agent has in the world, sorted.
        provenance: plain JSON: scene, data hashes.
        visits_per_tour: how many consecutive episodes make a tour; 1 where each stands for itself.
    """

    number_of_episodes: int
    oracle: tuple[str, ...]
    provenance: Mapping[str, object]
    visits_per_tour: int = 1


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


def legs(episodes: int, visits_per_tour: int, status: Mapping[int, Status] | None = None) -> tuple[Leg, ...]:
    """The legs of a run's first ``episodes`` that are still to be walked.

    Args:
        episodes: how many the run has.
        visits_per_tour: how many consecutive ones make a leg.
        status: how those that are over ended, by index.

    >>> [leg.pending for leg in legs(5, 2)]
    [(0, 1), (2, 3), (4,)]
    """
    status = status or {}
    found = []
    for first in range(0, episodes, visits_per_tour):
        visits = range(first, min(first + visits_per_tour, episodes))
        pending = tuple(episode for episode in visits if episode not in status)
        lost = tuple(episode for episode in visits if status.get(episode, "done") != "done")
        if pending:
            found.append(Leg(first, pending, lost))
    return tuple(found)
