"""An episode's goal in words: the ``task`` that LeRobot's policies are conditioned on."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from placecell.errors import ArchiveError
from placecell.geometry import invert, transform

from ..recording import pose_of

NEAR_M = 0.05
"""A goal nearer than this in a direction is not said to lie in it."""


def task_of(header: Mapping[str, Any]) -> str:
    """What to do, in words: the instruction, else the category, else where the point lies from the start.

    Args:
        header: of a recording: ``instruction``, ``tags.category`` or ``goal_positions`` (metres, the
            episode's frame, which is that of the start but where ``origin`` says another).

    Raises:
        ArchiveError: none of them.

    >>> task_of({"tags": {"category": "armchair"}})
    'go to an armchair'
    >>> task_of({"goal_positions": [[3.2, -1.04, 0.0]]})
    'go to the point 3.2 m ahead and 1.0 m to the right'
    """
    tags = header.get("tags") or {}
    words = header.get("instruction") or tags.get("instruction")
    if words:
        return " ".join(str(words).split())
    if tags.get("category"):
        name = str(tags["category"]).replace("_", " ")
        return f"go to {'an' if name[0] in 'aeiou' else 'a'} {name}"
    positions = header.get("goal_positions") or ()
    if len(positions) > 0:
        return f"go to the point {_whereabouts(_from_start(header, positions[0]))}"
    raise ArchiveError(
        expected="a recording whose header says what its goal was",
        came="neither an instruction, nor tags.category, nor goal_positions",
        fix="put one of them into the environment's info",
    )


def _from_start(header: Mapping[str, Any], position: Sequence[float | int]) -> Sequence[float | int]:
    """A point of the episode's frame as seen from the start: later visits of a tour start elsewhere."""
    if header.get("origin") is None or header.get("start") is None:
        return position
    T_world_episode, T_world_start = (pose_of(header[key]).T_world_body() for key in ("origin", "start"))
    return transform(invert(T_world_start) @ T_world_episode, np.array(position, np.float64)).tolist()


def _whereabouts(position: Sequence[float | int]) -> str:
    names = (("ahead", "behind"), ("to the left", "to the right"), ("up", "down"))
    parts = [
        f"{abs(value):.1f} m {names[axis][value < 0]}"
        for axis, value in enumerate(position)
        if abs(value) >= NEAR_M
    ]
    if not parts:
        return "where you stand"
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
