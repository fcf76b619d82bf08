"""Where along the last stretch a route stops: learned habits, and what a look ahead is worth.

How likely a stop is at a panorama is a conditional logit (McFadden 1974) over the panoramas that a route can
end at: of how far behind the last intersection is, how far ahead the next, where between them, of how long
the route is, each for the kind of ending (``habits.json``). The next intersection is not seen before it is
reached: its distance is drawn from those of other streets. Walking on and coming back is weighed against
stopping by what it would tell.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from placecell.errors import ConfigError

from .clauses import ENDINGS, EndingKind

SHIPPED = Path(__file__).with_name("habits.json")
GENERAL = "general"
EDGES = (1, 2, 3, 4, 6, 8, 11, 15)  # panoramas: from here on the next bin of a distance
PARTS = 6  # of the stretch between two intersections
PASSED = 3  # 0, 1, 2 or more intersections since the last clause
_BINS = len(EDGES) + 1
PER_KIND = 2 * _BINS + PARTS
_FAR = 30
_USUAL_GAP = 8
_ENOUGH = 0.3
_EARLY = 3


@dataclass(frozen=True)
class Habits:
    """How the routes of a dataset end.

    Args:
        name: of the dataset.
        shortest, longest: moves that a route can have.
        length_bin: moves in one bin of a route's length.
        weights: (k,) of the logit: for any ending, then for each kind, ``PER_KIND`` numbers (behind, ahead,
            where between); then of the length; then of the intersections since the last clause.
        gaps: (g,) how often an intersection follows another after 1, 2, ... panoramas.
    """

    name: str
    shortest: int
    longest: int
    length_bin: int
    weights: Float64[np.ndarray, " k"]
    gaps: Float64[np.ndarray, " g"]

    @cached_property
    def lengths(self) -> int:
        """Bins of a route's length."""
        return (self.longest - self.shortest) // self.length_bin + 1

    @property
    def size(self) -> int:
        """Numbers in ``weights``."""
        return PER_KIND * (len(ENDINGS) + 1) + self.lengths + PASSED

    @classmethod
    def load(cls, name: str, path: Path = SHIPPED) -> "Habits":
        """The habits of a dataset.

        Raises:
            ConfigError: there are none of that name.
        """
        document: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        if name not in document:
            raise ConfigError(
                expected=f"habits of {', '.join(sorted(document))}",
                came=repr(name),
                fix="set agent.habits to one of them",
            )
        return cls.of(name, document[name])

    @classmethod
    def of_dataset(cls, dataset: str) -> "Habits":
        """Those of a dataset, or where it has none of its own those of all that were read."""
        return cls.load(dataset if dataset in json.loads(SHIPPED.read_text(encoding="utf-8")) else GENERAL)

    @classmethod
    def of(cls, name: str, plain: Mapping[str, Any]) -> "Habits":
        """From plain JSON."""
        return cls(
            name, int(plain["shortest"]), int(plain["longest"]), int(plain["length_bin"]),
            np.array(plain["weights"], np.float64), np.array(plain["gaps"], np.float64),
        )  # fmt: skip

    def choices(
        self, kind: EndingKind, intersections: Sequence[int], since: int
    ) -> tuple[Int64[np.ndarray, " c"], Int64[np.ndarray, "c f"]]:
        """Where a route can stop whose last clause was done at step ``since``, and what speaks for each.

        Args:
            kind: of the ending.
            intersections: their steps, rising.
            since: a step.

        Returns:
            (c,) steps; (c, f) indices into ``weights``, whose sum is a step's logit.
        """
        steps = np.arange(max(self.shortest, since), self.longest + 1)
        at = np.array(intersections, np.int64)
        before = np.searchsorted(at, steps, side="right")
        padded = np.concatenate([[0], at])
        last = padded[before]
        following = np.where(before < len(at), np.append(at, 0)[np.minimum(before, len(at))], last + _FAR)
        passed = np.minimum(before - int(np.searchsorted(at, since, side="right")), PASSED - 1)
        behind = np.searchsorted(EDGES, steps - last, side="right")
        ahead = np.searchsorted(EDGES, following - steps, side="right")
        part = np.minimum(PARTS - 1, (steps - last) * PARTS // np.maximum(1, following - last))
        local = np.stack([behind, _BINS + ahead, 2 * _BINS + part], 1)
        own = PER_KIND * (1 + ENDINGS.index(kind))
        after = PER_KIND * (len(ENDINGS) + 1)
        length = after + (steps - self.shortest) // self.length_bin
        common = np.stack([length, after + self.lengths + np.maximum(0, passed)], 1)
        return steps, np.concatenate([local, own + local, common], 1)

    def ends(
        self, kind: EndingKind, intersections: Sequence[int], since: int, named: Sequence[float] = ()
    ) -> Float64[np.ndarray, " t"]:
        """(t,) how likely a route ends at each step; all 0 where it would have to be over.

        Args:
            kind, intersections, since: as in :meth:`choices`.
            named: log-odds of each step so far, from what stands there.
        """
        likely = np.zeros(self.longest + 1)
        steps, speaks = self.choices(kind, intersections, since)
        if len(steps):
            logits = self.weights[speaks].sum(1)
            known = steps[steps < len(named)]
            logits[: len(known)] += np.array(named, np.float64)[known]
            odds = np.exp(logits - logits.max())
            likely[steps] = odds / odds.sum()
        return likely


@dataclass(frozen=True)
class Outlook:
    """What there would be if the next intersection came at step ``next_step``.

    Args:
        next_step: of the intersection; ``chance``: of that.
        good: (t,) how likely the route ends within one panorama of each step.
    """

    next_step: int
    chance: float
    good: Float64[np.ndarray, " t"]


def outlooks(
    habits: Habits,
    kind: EndingKind,
    intersections: Sequence[int],
    done: Mapping[int, float],
    named: Sequence[float],
) -> list[Outlook]:
    """For each distance that the next intersection can have.

    Args:
        intersections: steps of those that were met.
        done: share of belief, by the step at which the last clause is believed done.
        named: log-odds of each step so far, from what stands there; its last is now.
    """
    step = len(named) - 1
    latest = intersections[-1] if intersections else 0
    gaps = np.arange(1, len(habits.gaps) + 1)
    open_gaps = gaps[latest + gaps > step]
    if not len(open_gaps):
        open_gaps = np.array([step - latest + 1])
    often = habits.gaps[np.minimum(open_gaps, len(habits.gaps)) - 1]
    found = []
    for gap, chance in zip(open_gaps, often / often.sum()):
        upcoming = latest + int(gap)
        seen = [*intersections, upcoming, upcoming + _USUAL_GAP, upcoming + 2 * _USUAL_GAP]
        ends = np.sum(
            [share * habits.ends(kind, seen, since, named) for since, share in done.items()], axis=0
        )
        found.append(Outlook(upcoming, float(chance), np.convolve(ends, [1.0, 1.0, 1.0], "same")))
    return found


def where_to_stop(
    views: Sequence[Outlook], step: int, left: int, *, at_intersection: bool = False
) -> int | None:
    """The step to stop at, now or by going back to it; None: walk on.

    Args:
        views: of :func:`outlooks`.
        step: of now.
        left: actions that may still be spent before stopping.
        at_intersection: turning back costs an action more there.
    """
    mean = np.sum([view.chance * view.good for view in views], axis=0)
    backs = [s for s in range(min(step, len(mean) - 1) + 1) if _cost(step, s) <= left]
    if not backs:
        return step
    best = max(backs, key=lambda s: (mean[s], s))
    worth_on = sum(view.chance * _worth(view, mean, step, left, int(at_intersection)) for view in views)
    return best if left <= 1 or mean[best] >= worth_on - 1e-6 else None


def ready(habits: Habits, done: Mapping[int, float], step: int) -> bool:
    """Whether stopping is to be thought of at all."""
    return step >= habits.shortest - _EARLY and sum(done.values()) > _ENOUGH


def _worth(view: Outlook, mean: Float64[np.ndarray, " t"], step: int, left: int, extra: int) -> float:
    """What the best stop is worth if one walks on, to the intersection where that can be paid for."""
    good, worth, last = view.good, 0.0, min(len(view.good) - 1, step + left)
    ahead = range(step + 1, min(last, view.next_step) + 1)
    if len(ahead):
        worth = float(good[max(ahead, key=lambda s: mean[s])])
    remaining = left - (view.next_step - step) - extra
    if remaining >= 0:
        from_there = [
            float(good[s])
            for s in range(max(0, view.next_step - 20), min(len(good), view.next_step + remaining + 1))
            if s >= view.next_step or _cost(view.next_step, s) + 1 <= remaining
        ]
        worth = max([worth, *from_there])
    return worth


def _cost(here: int, there: int) -> int:
    return abs(here - there) + (1 if there < here else 0)
