"""What each guess of a route's progress expects at an intersection, and how likely it makes each way on.

A guess is (clauses done, step at which the last was done). At an intersection its next clause is either
meant here (it is done, and the way on is the clause's) or not (the walk goes straight on): a log-odds of what
the place is called and looks like. A clause that only passes something may also have no intersection in
the graph at all (a light at a pedestrian crossing); then it is dropped. The sum over guesses is the forward
pass of a hidden Markov model that aligns two sequences (Rabiner 1989, section III).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from placecell.memory.hypotheses import Branch, Hypothesis

from .clauses import Clause, Side
from .intersections import CLOSE, Intersection

_MOST_DROPPED = 2
_TURN_RAD = {"left": math.pi / 2, "ahead": 0.0, "right": -math.pi / 2}
_NO_WAY_RAD = math.radians(45)
_SOON = 2 * CLOSE
_FLOOR = 0.02


@dataclass(frozen=True)
class RouteWeights:
    """Log-odds that a clause is meant at an intersection, and what else is not certain.

    Fitted by :mod:`~placecell.agent.policies.routes.fitting`: likelihood of the turns that people took, on
    the even half of ``map2seq_unseen/dev.json``, 424 routes.

    Args:
        meant: of any intersection, the log-odds to start from; the next seven add to it.
        three_ways: it has three neighbours. ``light_three_ways``: and is to be a light.
        close: the intersection before is at most two panoramas back.
        start: it is where the walk begins.
        tee, tee_open: it is to be the end of a street, and there is no way straight on, or there is one.
        unnamed, side, exit, fork: what the clause calls it.
        soon: the clause says "immediate": added when it is near, taken off when it is not.
        dropped: log-odds that a passed place has no intersection here.
        dropped_side: more of them for a side street.
        spread_rad: by how much a left turn differs from 90 degrees: a standard deviation.
    """

    meant: float = 3.0
    three_ways: float = 0.0
    close: float = -3.5
    tee_open: float = -1.25
    tee: float = -1.0
    unnamed: float = -2.0
    side: float = 0.5
    exit: float = 0.5
    fork: float = -1.25
    light_three_ways: float = -0.75
    soon: float = 3.0
    dropped: float = -2.5
    dropped_side: float = 1.0
    start: float = -1.0
    spread_rad: float = 0.525


@dataclass(frozen=True)
class Way:
    """A branch of a guess at an intersection, and how its weight is shared among the ways on: (n,)."""

    parent: int
    state: tuple[int, int]
    weights: Float64[np.ndarray, " n"]


def branches(
    clauses: Sequence[Clause],
    guesses: Sequence[Hypothesis],
    place: Intersection,
    step: int,
    weights: RouteWeights,
    landmarks: Float64[np.ndarray, " c"] | None = None,
) -> list[Way]:
    """What each guess may become here, for each way on.

    Args:
        clauses: of the route; ``guesses``: (clauses done, step of the last one).
        place: the intersection; ``step``: of the walk.
        weights: what is expected.
        landmarks: (clauses + 1,) log-odds that each clause is meant here, from what stands around; None: 0.
    """
    straight, open_ahead = _fits(place, "ahead", False, weights)
    found = []
    for parent, guess in enumerate(guesses):
        for done, share in _after_drops(clauses, guess.state[0], guess.weight, weights):
            since = guess.state[1] if done == guess.state[0] else step
            if done == len(clauses):
                found.append(Way(parent, (done, since), share * open_ahead * straight))
                continue
            clause = clauses[done]
            meant = _logistic(
                _meant(clause, place, weights) + (0.0 if landmarks is None else landmarks[done])
            )
            ways, fits = _fits(place, clause.side, clause.slight, weights)
            here, later = meant * fits, (1 - meant) * open_ahead
            total = here + later + 1e-9
            found.append(Way(parent, (done + 1, step), share * here / total * ways))
            found.append(Way(parent, (done, guess.state[1]), share * later / total * straight))
    return found


def chances(ways: Sequence[Way]) -> Float64[np.ndarray, " n"]:
    """(n,) how likely each way on is the route's, over all guesses; a small floor for the unforeseen."""
    total = np.sum([way.weights for way in ways], axis=0)
    return (1 - _FLOOR) * total / total.sum() + _FLOOR / len(total)


def taken(ways: Sequence[Way], index: int) -> list[Branch]:
    """The branches that remain once a way on is taken."""
    found = [Branch(way.parent, way.state, float(way.weights[index])) for way in ways]
    return found if any(branch.weight > 0 for branch in found) else [
        Branch(way.parent, way.state, float(way.weights.sum()) + 1e-12) for way in ways
    ]  # fmt: skip


def _after_drops(
    clauses: Sequence[Clause], done: int, weight: float, weights: RouteWeights
) -> list[tuple[int, float]]:
    """Clauses done and weight, for none, one or two passed places that have no intersection."""
    found = [(done, weight)]
    while len(found) <= _MOST_DROPPED and done < len(clauses) and clauses[done].side == "ahead":
        odds = weights.dropped + (weights.dropped_side if clauses[done].place in ("side", "block") else 0.0)
        chance = _logistic(odds)
        found[-1] = (done, weight * (1 - chance))
        done, weight = done + 1, weight * chance
        found.append((done, weight))
    return found


def _meant(clause: Clause, place: Intersection, weights: RouteWeights) -> float:
    three = place.neighbours == 3
    odds = weights.meant
    if three and clause.place != "side":
        odds += weights.three_ways
    if place.gap is not None and place.gap <= CLOSE:
        odds += weights.close
    if place.first:
        odds += weights.start
    if clause.place in ("tee", "end"):
        closed = float(np.abs(place.turns).min()) > _NO_WAY_RAD
        odds += weights.tee if closed else weights.tee_open
    elif clause.place == "light":
        odds += weights.light_three_ways if three else 0.0
    else:
        named = {"unnamed": weights.unnamed, "side": weights.side, "exit": weights.exit, "fork": weights.fork}
        odds += named.get(clause.place, 0.0)
    if clause.soon and place.gap is not None:
        odds += weights.soon if place.gap <= _SOON else -weights.soon
    return odds


def _fits(
    place: Intersection, side: Side, slight: bool, weights: RouteWeights
) -> tuple[Float64[np.ndarray, " n"], float]:
    """(n,) which way on is that side's, and whether there is any: 1 for one at the very angle."""
    off = (place.turns - _TURN_RAD[side] * (0.5 if slight else 1.0) + math.pi) % (2 * math.pi) - math.pi
    likely = np.exp(-(off**2) / (2 * weights.spread_rad**2)) + 1e-6
    return likely / likely.sum(), min(1.0, float(likely.max()))


def _logistic(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(30.0, max(-30.0, odds))))
