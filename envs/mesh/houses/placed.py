"""A piece of furniture where it stands: turned by quarters, so that footprints stay rectangles."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..scene import Part
from .model import Model, Surface

Rectangle = tuple[float, float, float, float]

# cos and sin of each quarter turn, exact.
_TURNS = ((1, 0), (0, 1), (-1, 0), (0, -1))


@dataclass(frozen=True, eq=False)
class Placed:
    """A model at a place of a house.

    Args:
        instance: 1.., told apart in images.
        model: the piece itself; its own +y is its front.
        x, y: the middle of its footprint, world frame, metres.
        z: the height that its own floor stands on: a storey's floor, or the surface it was put on.
        quarter_turns: 0 faces north (+y), counter-clockwise.
        room: index into the plan's rooms.
        on: the instance that it stands on, None for floor and walls.
    """

    instance: int
    model: Model
    x: float
    y: float
    z: float
    quarter_turns: int
    room: int
    on: int | None = None

    @cached_property
    def category(self) -> str:
        """Its model's."""
        return self.model.category

    @cached_property
    def bottom_m(self) -> float:
        """World height of its lowest point."""
        return self.z + self.model.base_m

    @cached_property
    def top_m(self) -> float:
        """World height of its highest point."""
        return self.bottom_m + self.model.height_m

    @cached_property
    def box(self) -> Rectangle:
        """What it covers, seen from above."""
        half, deep = self.model.width_m / 2, self.model.depth_m / 2
        if self.quarter_turns % 2:
            half, deep = deep, half
        return self.x - half, self.y - deep, self.x + half, self.y + deep

    def footprint(self, margin_m: float = 0.0) -> Rectangle:
        """What it covers, seen from above, grown by a margin on every side."""
        return grown(self.box, margin_m)

    def surfaces(self) -> tuple[Surface, ...]:
        """Where small things may stand on it, world frame."""
        here = self.x, self.y
        found = []
        for surface in self.model.surfaces:
            x0, y0, x1, y1 = surface.box
            (ax, ay), (bx, by) = (turned(x, y, self.quarter_turns) for x, y in ((x0, y0), (x1, y1)))
            box = (min(ax, bx) + here[0], min(ay, by) + here[1], max(ax, bx) + here[0], max(ay, by) + here[1])
            found.append(Surface(box, surface.z_m + self.z))
        return tuple(found)

    def parts(self) -> list[Part]:
        """Its triangles in the world, of its instance and category."""
        c, s = _TURNS[self.quarter_turns % 4]
        turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        at = np.array([self.x, self.y, self.z])
        return [
            replace(
                part, vertices=part.vertices @ turn.T + at, instance=self.instance, category=self.category
            )
            for part in self.model.parts
        ]


def turned(x: float, y: float, quarter_turns: int) -> tuple[float, float]:
    """A vector turned counter-clockwise."""
    c, s = _TURNS[quarter_turns % 4]
    return c * x - s * y, s * x + c * y


def grown(box: Rectangle, margin_m: float) -> Rectangle:
    """A rectangle with a margin on every side."""
    return box[0] - margin_m, box[1] - margin_m, box[2] + margin_m, box[3] + margin_m


def overlap(a: Rectangle, b: Rectangle) -> bool:
    """Whether two rectangles share more than an edge."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def within(inner: Rectangle, outer: Rectangle) -> bool:
    """Whether one rectangle lies inside another."""
    return inner[0] >= outer[0] and inner[1] >= outer[1] and inner[2] <= outer[2] and inner[3] <= outer[3]
