"""What was recalled, held against where the things are: right items, ranks, and their means over a run."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from placecell.arrays import Points, generator
from placecell.memory import MemoryItem

from ..bootstrap import bootstrap_interval
from ..recording import RecordedItem, RecordedStep, Recording, points_of

RIGHT_WITHIN_M = 0.5
"""An item of the category that was asked for is right within so far, horizontally, of a thing that counts."""

MEASURES = ("precision_at_1", "precision_at_k", "hit_at_1", "recall_at_k", "rank")
"""See :class:`StepScore`; ``rank`` is better the lower, all others the higher."""

Item = MemoryItem | RecordedItem


@dataclass(frozen=True)
class Truth:
    """Where the things are that a step's query asks for, and whether the memory could know one of them.

    Args:
        goals: (n, 3) the middles of the things of the category, metres, the episode's frame.
        category: their id.
        seen: whether one of them had been in view before, since the memory last had to forget.
    """

    goals: Points
    category: int
    seen: bool

    def right(self, item: Item) -> bool:
        """Whether an item is of the category, and horizontally within 0.5 m of one of them."""
        if item.category != self.category:
            return False
        away_m = np.linalg.norm(self.goals[:, :2] - np.asarray(item.position)[:2], axis=1)
        return bool((away_m <= RIGHT_WITHIN_M).any())


def truths(recording: Recording, *, recalls: bool) -> list[Truth | None]:
    """The truth of each step; None where the query names no category, or not the goal's.

    In view is an image with 20 pixels of the thing, as the environment told it.

    Args:
        recording: of an episode to an object.
        recalls: whether what earlier visits of the tour showed may be known, as the run's arm has it.
    """
    header = recording.header
    tags, names = header.get("tags") or {}, header.get("categories") or []
    goals = points_of(header.get("goal_positions") or [])
    seen = bool(header.get("goal_in_view")) or (recalls and bool(tags.get("seen_before", False)))
    found: list[Truth | None] = []
    for step in recording.steps:
        found.append(_truth(step, goals, names, tags, seen))
        seen = seen or bool(step.goal_in_view)
    return found


def _truth(
    step: RecordedStep, goals: Points, names: Sequence[str], tags: Mapping[str, Any], seen: bool
) -> Truth | None:
    asked = step.query.category
    if asked is None or not len(goals) or not 0 < asked < len(names) or names[asked] != tags.get("category"):
        return None
    return Truth(goals, asked, seen)


@dataclass(frozen=True)
class StepScore:
    """How good one step's recall was. None where the question makes no sense.

    Args:
        precision_at_1: whether the first item was right, of steps with an item.
        precision_at_k: the share of right items among those given (k at most), of steps with an item.
        hit_at_1: whether the first item was right, of steps once a goal had been in view; nothing recalled
            is not right.
        recall_at_k: whether any of the k was right, of the same steps.
        rank: of the first right item, from 1, of steps with one.
    """

    precision_at_1: float | None
    precision_at_k: float | None
    hit_at_1: float | None
    recall_at_k: float | None
    rank: float | None


def score(truth: Truth, items: Sequence[Item]) -> StepScore:
    """The score of what was recalled, best first."""
    right = [truth.right(item) for item in items]
    first, anywhere = bool(right and right[0]), any(right)
    return StepScore(
        precision_at_1=float(first) if right else None,
        precision_at_k=sum(right) / len(right) if right else None,
        hit_at_1=float(first) if truth.seen else None,
        recall_at_k=float(anywhere) if truth.seen else None,
        rank=float(right.index(True) + 1) if anywhere else None,
    )


@dataclass(frozen=True)
class Estimate:
    """A mean over episodes, each with the mean over its own steps; None of none.

    Args:
        mean: of them.
        low, high: the 95 % interval, from whole houses drawn with replacement; None with fewer than two.
        episodes, houses, steps: how many it is of.
    """

    mean: float | None
    low: float | None
    high: float | None
    episodes: int
    houses: int
    steps: int


@dataclass
class Tally:
    """The scores of one memory, step by step."""

    _values: dict[str, dict[tuple[str, int], list[float]]] = field(
        default_factory=lambda: {name: defaultdict(list) for name in MEASURES}
    )

    def add(self, scene: str, episode: int, scored: StepScore) -> None:
        """One step of an episode in a house."""
        for name in MEASURES:
            value = getattr(scored, name)
            if value is not None:
                self._values[name][scene, episode].append(value)

    def estimate(self, measure: str) -> Estimate:
        """The mean of one of :data:`MEASURES`, and its interval."""
        values = self._values[measure]
        means = [float(np.mean(of_steps)) for of_steps in values.values()]
        houses = [scene for scene, _ in values]
        between = bootstrap_interval(means, houses, generator(0, "recall", measure)) if means else None
        low, high = between or (None, None)
        mean = float(np.mean(means)) if means else None
        return Estimate(mean, low, high, len(means), len(set(houses)), sum(map(len, values.values())))

    def estimates(self) -> dict[str, Estimate]:
        """All of them, by name."""
        return {name: self.estimate(name) for name in MEASURES}


@dataclass(frozen=True)
class Correlation:
    """Whether memories that recall better by what was recorded also walk better.

    Args:
        spearman, kendall: of the ranks, -1 to 1; None with fewer than three points,
            or where one side is the same for all.
        points: the memories that it is over.
    """

    spearman: float | None
    kendall: float | None
    points: tuple[str, ...]


def rank_correlation(offline: Mapping[str, float], online: Mapping[str, float]) -> Correlation:
    """Spearman's rho and Kendall's tau-b of two scores, over the names that both have.

    >>> rank_correlation({"a": 0.1, "b": 0.2, "c": 0.9}, {"a": 0.3, "b": 0.4, "c": 0.5}).spearman
    1.0
    """
    from scipy.stats import kendalltau, spearmanr

    points = tuple(name for name in offline if name in online)
    x, y = ([scores[name] for name in points] for scores in (offline, online))
    if len(points) < 3 or _constant(x) or _constant(y):
        return Correlation(None, None, points)
    return Correlation(
        round(float(spearmanr(x, y).statistic), 9), round(float(kendalltau(x, y).statistic), 9), points
    )


def _constant(values: Iterable[float]) -> bool:
    return len(set(values)) < 2
