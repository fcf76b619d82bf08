"""The episodes in which one run did better than another, and worse: where to look first."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .compare import left_out, pair
from .results import Result
from .run_folder import episode_folder


@dataclass(frozen=True)
class Change:
    """One episode in two runs.

    Args:
        episode: its index in the dataset.
        episode_id: its name there.
        scene_id: where it took place.
        a: its measure in the first run.
        b: its measure in the second.
        difference: a - b.
        failure_a: how it failed in the first run; None where it did not, or it could not be told.
        failure_b: how it failed in the second.
        folder: where its files lie in a run's folder, of a run that recorded any.
    """

    episode: int
    episode_id: str
    scene_id: str
    a: float
    b: float
    difference: float
    failure_a: str | None
    failure_b: str | None
    folder: str


@dataclass(frozen=True)
class Gains:
    """How episodes changed between two runs.

    Args:
        measure: in what.
        better: in how many of the pairs A is above B; ``worse``: below; ``equal``: neither.
        worse: see ``better``.
        equal: see ``better``.
        gains: the largest, the largest first; of equal ones the dataset's first.
        losses: the same of what was lost.
    """

    measure: str
    better: int
    worse: int
    equal: int
    gains: tuple[Change, ...]
    losses: tuple[Change, ...]


def gains(a: Sequence[Result], b: Sequence[Result], measure: str, n: int = 10) -> Gains:
    """The ``n`` largest gains of ``a`` over ``b`` and the ``n`` largest losses, by episode.

    Args:
        a: the run under test.
        b: its control, over the same episodes.
        measure: a key of their measures.
        n: how many of each at most.

    Raises:
        EpisodeError: the runs are not over the same episodes.
    """
    changes = [_change(x, y, measure) for x, y in pair(a, b) if left_out(x, y, measure) is None]
    better = sorted((c for c in changes if c.difference > 0), key=lambda c: (-c.difference, c.episode))
    worse = sorted((c for c in changes if c.difference < 0), key=lambda c: (c.difference, c.episode))
    equal = len(changes) - len(better) - len(worse)
    return Gains(measure, len(better), len(worse), equal, tuple(better[:n]), tuple(worse[:n]))


def _change(first: Result, second: Result, measure: str) -> Change:
    a, b = first.measures[measure], second.measures[measure]
    return Change(
        episode=first.episode,
        episode_id=first.episode_id,
        scene_id=first.scene_id,
        a=a,
        b=b,
        difference=a - b,
        failure_a=first.failure,
        failure_b=second.failure,
        folder=episode_folder(Path(), first.episode, first.episode_id).as_posix(),
    )
