"""An intersection as somebody sees it who walks up to it: the ways on, each by its turn from the way in."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from placecell.arrays import Point
from placecell.geometry import wrap_angle

CLOSE = 2  # panoramas: a wide crossing is several panoramas, each with ways off
_BEHIND_RAD = math.radians(135)
_WAY_IN = 2  # moves back from which the way in is seen: single links near a crossing point anywhere


@dataclass(frozen=True)
class Intersection:
    """A panorama with three or more neighbours.

    Args:
        turns: (n,) to each way on, from the way in, radians, left positive; without the way back.
        neighbours: of the panorama, the one behind included.
        gap: panoramas since the intersection before it; None for the first.
        first: the walk begins here.
    """

    turns: Float64[np.ndarray, " n"]
    neighbours: int
    gap: int | None = None
    first: bool = False


def way_in(walked: Sequence[Point], yaw_rad: float) -> float:
    """The yaw in which a walker came: over its last two moves; at the start ``yaw_rad``.

    Args:
        walked: (3,) panoramas so far, metres, the one it stands at last.
        yaw_rad: what it looks along; counts where it has not moved.
    """
    if len(walked) < 2:
        return yaw_rad
    east, north = (walked[-1] - walked[max(0, len(walked) - 1 - _WAY_IN)])[:2]
    return math.atan2(north, east) if math.hypot(east, north) > 0 else yaw_rad


def ways_on(
    nodes: Sequence[int], headings: Float64[np.ndarray, " n"], behind: int | None, came_rad: float
) -> tuple[list[int], Float64[np.ndarray, " m"]]:
    """Which neighbours lead on, by index, and by which turn from the way in.

    Args:
        nodes: the neighbours; ``headings``: to each, the yaw in the walk's frame, radians.
        behind: the one that the walker came from; at the start None: then the one at its back is left out.
        came_rad: see :func:`way_in`.
    """
    turns = np.array([wrap_angle(float(heading) - came_rad) for heading in headings])
    keep = list(range(len(nodes)))
    if behind is not None:
        keep = [n for n in keep if nodes[n] != behind]
    elif len(nodes) > 1:
        back = int(np.abs(turns).argmax())
        keep = [n for n in keep if n != back or abs(turns[back]) <= _BEHIND_RAD]
    keep = keep or list(range(len(nodes)))
    return keep, turns[keep]
