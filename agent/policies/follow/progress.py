"""How far along an instruction a walk is, and which way on it says: weights, not one guess."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from .reading import Step

Belief = Float64[np.ndarray, " m"]
Weights = Float64[np.ndarray, " n"]

_MOST_AT_ONCE = 3


@dataclass(frozen=True)
class Tuning:
    """What was set by hand, on the train fold of R2R's training scans.

    Args:
        turned, straight, unsaid: how sharply a way has to lead where a clause says to turn, where none says
            so, and at a start of which nothing is said.
        climbing: what a rise of 0.3 rad weighs where a clause says stairs; ``level``: costs where none does.
        thing: what a mentioned thing near a way's end weighs.
        floor: the share of chance.
        far: what a metre more of a way weighs.
    """

    turned: float = 2.5
    straight: float = 2.0
    unsaid: float = 1.0
    climbing: float = 4.0
    level: float = 2.0
    thing: float = 0.5
    floor: float = 0.05
    far: float = 0.1


@dataclass(frozen=True)
class Ways:
    """The ways on from a panorama.

    Args:
        turns: (n,) radians from where the walk came in, left positive.
        elevations: (n,) radians; ``distances``: (n,) metres.
        things: (m, n) whether something that a step names is near where a way ends.
    """

    turns: Weights
    elevations: Weights
    distances: Weights
    things: Float64[np.ndarray, "m n"]


class Progress:
    """The steps of an instruction over the moves of a walk.

    Each move begins none, one or more of the next steps, at a rate that has them all begun when the walk has
    its length; what they say of turning adds up. Which moves began which steps is never decided: a belief
    over them is kept.

    Args:
        steps: of the instruction.
        moves: how many moves the walk is taken to have.
        tuning: see there.
    """

    def __init__(self, steps: Sequence[Step], moves: int, tuning: Tuning | None = None) -> None:
        self.steps, self.moves, self._tuning = tuple(steps), moves, tuning or Tuning()

    def at_start(self) -> Belief:
        """(m + 1,) nothing is begun."""
        belief = np.zeros(len(self.steps) + 1)
        belief[0] = 1.0
        return belief

    def weigh(self, belief: Belief, move: int, ways: Ways) -> tuple[Weights, Float64[np.ndarray, "n m"]]:
        """How likely each way is the next move, and the belief after each.

        Args:
            belief: before the move.
            move: how many moves were made.
            ways: at least one.

        Returns:
            (n,) shares that sum to 1, and (n, m + 1).
        """
        joint = np.zeros((len(ways.turns), len(belief)))
        for begun in np.flatnonzero(belief > 1e-4).tolist():
            for after, chance in self._advances(begun, move):
                shares = self._shares(begun, after, move, ways)
                joint[:, after] += belief[begun] * chance * shares
        total = joint.sum(1)
        return total / total.sum(), joint / np.maximum(total, 1e-12)[:, None]

    def current(self, belief: Belief) -> int:
        """The step that the walk is most likely in."""
        return max(int(belief.argmax()) - 1, 0)

    def _advances(self, begun: int, move: int) -> list[tuple[int, float]]:
        """How many steps may be begun after the next move, and how likely that is."""
        left = len(self.steps) - begun
        sure = 1 if move == 0 and left else 0
        rate = (left - sure) / max(self.moves - move, 1)
        most = min(left, sure + _MOST_AT_ONCE)
        chances = [math.exp(-rate) * rate**n / math.factorial(n) for n in range(most - sure + 1)]
        return [(begun + sure + n, chance / sum(chances)) for n, chance in enumerate(chances)]

    def _shares(self, begun: int, after: int, move: int, ways: Ways) -> Weights:
        t, steps = self._tuning, self.steps[begun:after]
        said = [step.turn_rad for step in steps if step.turn_rad is not None]
        sharp = t.turned if any(said) else t.straight if said or move else t.unsaid
        score = sharp * (np.cos(ways.turns - sum(said)) - 1) + t.far * ways.distances
        climb = next(
            (step.climb for step in reversed(self.steps[max(begun - 1, 0) : after]) if step.climb), 0
        )
        rise = np.clip(ways.elevations / 0.3, -1.5, 1.5)
        score = score + (t.climbing * climb * rise if climb else -t.level * np.abs(rise))
        if len(steps):
            score = score + t.thing * ways.things[begun:after].max(0)
        shares = np.exp(score - score.max())
        return (1 - t.floor) * shares / shares.sum() + t.floor / len(shares)
