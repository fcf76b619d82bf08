"""What is asked of a memory, and what it gives back."""

from dataclasses import dataclass

import numpy as np

from placecell.arrays import Point
from placecell.errors import PlacecellError


@dataclass(frozen=True)
class Query:
    """Asks for what is remembered around a place.

    Args:
        position: (3,) float, metres, in the frame that the memory's poses are in.
        radius_m: nothing farther away is recalled.

    Raises:
        PlacecellError: a position that is not finite, or a radius that is not positive and finite.
    """

    position: Point
    radius_m: float

    def __post_init__(self) -> None:
        if self.position.shape != (3,) or not bool(np.isfinite(self.position).all()):
            raise PlacecellError(
                expected="a query's position of three finite metres",
                came=str(self.position),
                fix="pass numpy.array([x, y, z]) in the world frame",
            )
        if not 0 < self.radius_m < float("inf"):
            raise PlacecellError(
                expected="a query's radius above 0 and finite",
                came=f"{self.radius_m:g}",
                fix="pass radius_m in metres, for example 2.0",
            )


@dataclass(frozen=True)
class MemoryItem:
    """One thing recalled.

    Args:
        position: (3,) float64, metres, world frame.
        score: 1 at the query's position, 0 at its radius.
        source: the part of the memory that it came from, for example ``"octree"``.
        age_steps: steps of the memory's clock since it was last seen.
        colour: red, green, blue in 0-255, or None where no coloured frame has seen it.
    """

    position: Point
    score: float
    source: str
    age_steps: int
    colour: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Retrieval:
    """What a memory recalled for one query, best first."""

    items: tuple[MemoryItem, ...] = ()
