"""Actions by name, and whether the goal is reached."""

import numpy as np

from placecell.arrays import Point
from placecell.envs.body import Action
from placecell.geometry import Pose

from ..perception.percept import CategoryGoal, Percept, PointGoal

STOP, FORWARD = int(Action.STOP), int(Action.MOVE_FORWARD)
LEFT, RIGHT = int(Action.TURN_LEFT), int(Action.TURN_RIGHT)
_STOREY_M = 0.5  # a goal further above or below is on another storey
_NEAR_M = 1.0
_FEWEST_PIXELS = 20


def near(pose: Pose, point: Point, within_m: float) -> bool:
    """Whether a point is nearer than ``within_m`` over the ground, on the body's storey."""
    away = point - pose.position
    return bool(np.hypot(away[0], away[1]) < within_m and abs(away[2]) < _STOREY_M)


def reached(percept: Percept, within_m: float) -> bool:
    """Whether a point goal is within ``within_m``, or an object of the goal's category is seen within 1 m.

    Without labels no object is ever seen; where an instruction ends, this does not tell.
    """
    if isinstance(percept.goal, PointGoal):
        return near(percept.pose, percept.goal.position, within_m)
    frame = percept.frame
    if frame.labels is None or not isinstance(percept.goal, CategoryGoal):
        return False
    close = (frame.labels == percept.goal.category) & (frame.depth > 0) & (frame.depth < _NEAR_M)
    return int(close.sum()) >= _FEWEST_PIXELS
