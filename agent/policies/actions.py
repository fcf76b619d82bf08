"""Actions by name, and whether the goal is reached."""

import numpy as np

from placecell.envs.body import Action

from ..perception.percept import Percept

STOP, FORWARD = int(Action.STOP), int(Action.MOVE_FORWARD)
LEFT, RIGHT = int(Action.TURN_LEFT), int(Action.TURN_RIGHT)
_STOREY_M = 0.5  # a goal further above or below is on another storey


def reached(percept: Percept, within_m: float) -> bool:
    """Whether the goal is nearer than ``within_m`` over the ground, on this storey."""
    away = percept.goal - percept.pose.position
    return bool(np.hypot(away[0], away[1]) < within_m and abs(away[2]) < _STOREY_M)
