"""The agents that any other must beat: random, and forward until something is in the way."""

import numpy as np

from placecell.memory import Retrieval

from ..perception.embodiment import Embodiment
from ..perception.percept import Percept
from .actions import FORWARD, LEFT, RIGHT, STOP, reached
from .policy import Decision, Policy


class RandomPolicy(Policy):
    """Forward, left or right with equal chance; stops at the goal, as Habitat's random agent does."""

    def __init__(self, embodiment: Embodiment) -> None:
        self._stop_m = embodiment.success_distance_m

    def begin_episode(self, rng: np.random.Generator) -> None:
        """Takes the episode's source of chance."""
        self._rng = rng

    def decide(self, percept: Percept, retrieval: Retrieval) -> Decision:
        """A random move, or ``stop`` within the goal's radius."""
        if reached(percept, self._stop_m):
            return Decision(STOP, {"mode": "stop"})
        return Decision(int(self._rng.choice([FORWARD, LEFT, RIGHT])), {"mode": "random"})


class ForwardPolicy(Policy):
    """Straight on until blocked, then turned by a random angle; stops at the goal."""

    def __init__(self, embodiment: Embodiment) -> None:
        self._stop_m = embodiment.success_distance_m
        self._full_turn = round(2 * np.pi / embodiment.turn_rad)

    def begin_episode(self, rng: np.random.Generator) -> None:
        """Takes the episode's source of chance."""
        self._rng, self._turns_left, self._turn = rng, 0, LEFT

    def decide(self, percept: Percept, retrieval: Retrieval) -> Decision:
        """Forward, or the next of the turns that follow a collision."""
        if reached(percept, self._stop_m):
            return Decision(STOP, {"mode": "stop"})
        if percept.collided and not self._turns_left:
            self._turns_left = int(self._rng.integers(1, self._full_turn // 2 + 1))
            self._turn = int(self._rng.choice([LEFT, RIGHT]))
        if self._turns_left:
            self._turns_left -= 1
            return Decision(self._turn, {"mode": "turn"})
        return Decision(FORWARD, {"mode": "forward"})
