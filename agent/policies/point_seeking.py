"""Seeking a point that is given: look around once, go there, stop."""

from placecell.arrays import Point

from ..perception.embodiment import Embodiment
from ..perception.percept import Percept, PointGoal
from .actions import LEFT, STOP, reached
from .policy import Decision
from .walking import Walker

_STOP_SHARE = 0.8  # of the success distance: a margin for the map's grain


class PointSeeker:
    """Heads straight for a point, through the unknown. It turns once around first: turning costs no path."""

    def __init__(self, walker: Walker, embodiment: Embodiment) -> None:
        self._walker, self._body = walker, embodiment

    def begin_episode(self) -> None:
        """Will look around again."""
        self._turns_left = self._walker.turns_around

    def decide(self, percept: Percept) -> Decision:
        """The next action."""
        if reached(percept, self._body.success_distance_m * _STOP_SHARE):
            return Decision(STOP, {"mode": "stop"})
        if self._turns_left:
            self._turns_left -= 1
            return Decision(LEFT, {"mode": "look_around"})
        return self._walker.go(percept, _point(percept))


def _point(percept: Percept) -> Point:
    assert isinstance(percept.goal, PointGoal)
    return percept.goal.position
