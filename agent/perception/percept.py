"""What the agent makes of one observation: a posed frame, a query for the memory, where the goal is."""

from dataclasses import dataclass

from placecell.arrays import Point
from placecell.geometry import Pose
from placecell.memory import Frame, Query


@dataclass(frozen=True)
class Percept:
    """One observation, understood.

    ``pose`` and ``goal`` are in the episode's frame: origin at the start's feet, x along the start's
    heading, z up, metres. ``collided``: whether the last action met an obstacle. ``step`` counts from 0.
    """

    frame: Frame
    query: Query
    pose: Pose
    goal: Point
    collided: bool
    step: int
