"""What the agent makes of one observation: a posed frame, a query for the memory, what it looks for."""

from dataclasses import dataclass

from placecell.arrays import Point
from placecell.geometry import Pose
from placecell.memory import Frame, Query


@dataclass(frozen=True)
class PointGoal:
    """Go to a point of the episode's frame, metres."""

    position: Point


@dataclass(frozen=True)
class CategoryGoal:
    """Go to any object of a category: its id in the frame's labels (from 1), and its name."""

    category: int
    name: str


@dataclass(frozen=True)
class InstructionGoal:
    """Do what a text says; empty where the agent is only carried through."""

    text: str


Goal = PointGoal | CategoryGoal | InstructionGoal


@dataclass(frozen=True)
class Percept:
    """One observation, understood.

    ``pose`` and a goal's position are in the episode's frame: origin at the start's feet, x along the
    start's heading, z up, metres. ``collided``: whether the last action met an obstacle. ``step`` counts
    from 0.
    """

    frame: Frame
    query: Query
    pose: Pose
    goal: Goal
    collided: bool
    step: int
