"""What is asked of a memory, and what it gives back."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from placecell.arrays import Embedding, Point, Points
from placecell.errors import ConfigError, PlacecellError


@dataclass(frozen=True)
class Query:
    """Asks for what is remembered around a place.

    Args:
        position: (3,) float, metres, in the frame that the memory's poses are in.
        radius_m: nothing farther away is recalled; may be larger than the world.
        category: the category id of the objects that are asked for; None asks for whatever is there.
        embedding: (d,) float, what is asked for as an encoder's vector, or None; parts of a memory that keep
            embeddings rank by it.

    Raises:
        PlacecellError: a position that is not finite, a radius that is not positive and finite, a category
            below 1 (0 is the label of what has none), or an embedding that is not finite.
    """

    position: Point
    radius_m: float
    category: int | None = None
    embedding: Embedding | None = None

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
        if self.category is not None and self.category < 1:
            raise PlacecellError(
                expected="a query's category of 1 or more, or None",
                came=f"{self.category}",
                fix="pass the id of the category that is looked for",
            )
        if self.embedding is not None and not bool(np.isfinite(self.embedding).all()):
            raise PlacecellError(
                expected="a query's embedding of finite numbers",
                came=f"{int((~np.isfinite(self.embedding)).sum())} NaN or infinite",
                fix="check the encoder's output before asking",
            )


@dataclass(frozen=True)
class MemoryItem:
    """One thing recalled: a place, or an object where the query named a category.

    Args:
        position: (3,) float64, metres, world frame; an object's middle.
        score: of a place 1 at the query's position and 0 at its radius; of an object the confidence in its
            label, 0 to 1.
        source: the part of the memory that it came from, for example ``"octree"``.
        age_steps: steps of the memory's clock since it was last seen.
        colour: red, green, blue in 0-255, or None where no coloured frame has seen it.
        category: its category id, or None where it has no label.
        points: (n, 3) the object's surface as far as it is remembered, metres, read-only; None for a place.
        embedding: (d,) float32, an encoder's vector for it, or None where none was given.
    """

    position: Point
    score: float
    source: str
    age_steps: int
    colour: tuple[int, int, int] | None = None
    category: int | None = None
    points: Points | None = None
    embedding: Embedding | None = None


@dataclass(frozen=True)
class Retrieval:
    """What a memory recalled for one query, best first."""

    items: tuple[MemoryItem, ...] = ()


def require_k(k: int) -> None:
    """Raises :class:`PlacecellError` unless at least one item is asked for."""
    if k < 1:
        raise PlacecellError(expected="a k of 1 or more", came=f"{k}", fix="ask for at least one item")


@dataclass(frozen=True)
class Gate:
    """Whether the short term answers a query by embedding, or everything else does.

    The short term answers if the best of its cosines with what is asked for reaches the threshold: what was
    seen of late and is like it is what is meant. Else the long term does, which is all that is no short term:
    observations, places, landmarks and voxels. Source: the retrieval of Mem4Nav.

    Args:
        threshold: -1 to 1; at 1 the short term answers only with the very vector that is asked for. On walks
            through houses, by the built-in descriptor, the first item was the right place as often at 0.9 as
            at 1, and at Mem4Nav's kind of 0.7 a third less often: neighbouring views are that much alike.

    Raises:
        ConfigError: a threshold outside -1 to 1.
    """

    threshold: float = 0.9

    def __post_init__(self) -> None:
        if not -1 <= self.threshold <= 1:
            raise ConfigError(
                expected="a gate from -1 to 1, which is a cosine",
                came=f"{self.threshold:g}",
                fix="leave it at 0.9",
            )

    def takes_short_term(self, cosines: Iterable[float]) -> bool:
        """Whether the short term answers that has these cosines with what is asked for."""
        return max(cosines, default=-math.inf) >= self.threshold
