"""Where rows have to be: within a radius, in a box, or both."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from placecell.errors import PlacecellError


@dataclass(frozen=True)
class Place:
    """A region of the world.

    Args:
        low: (3,) its lowest corner, metres, inclusive.
        high: (3,) its highest.
        center: (3,) of a ball; any point where there is none.
        radius_m: of the ball, inclusive; infinite where there is none.
    """

    low: Float64[np.ndarray, "3"]
    high: Float64[np.ndarray, "3"]
    center: Float64[np.ndarray, "3"]
    radius_m: float

    @staticmethod
    def named(position: np.ndarray | None, radius_m: float | None, box: np.ndarray | None) -> "Place | None":
        """What these say together; None where they say nothing.

        Raises:
            PlacecellError: a position without a radius or the other way round, or figures that name no
                region.
        """
        if position is None and radius_m is None and box is None:
            return None
        if (position is None) != (radius_m is None):
            raise _unclear(f"position {position}, radius_m {radius_m}")
        low, high = np.full(3, -np.inf), np.full(3, np.inf)
        if box is not None:
            if box.shape != (2, 3) or not bool((box[0] <= box[1]).all()):
                raise _unclear(f"box {box.tolist()}")
            low, high = box[0].astype(np.float64), box[1].astype(np.float64)
        if position is None or radius_m is None:
            return Place(low, high, np.zeros(3), np.inf)
        if position.shape != (3,) or not np.isfinite(position).all() or not radius_m >= 0:
            raise _unclear(f"position {position}, radius_m {radius_m}")
        at = position.astype(np.float64)
        return Place(np.maximum(low, at - radius_m), np.minimum(high, at + radius_m), at, float(radius_m))


def _unclear(came: str) -> PlacecellError:
    return PlacecellError(
        expected="a finite position with a radius_m of 0 or more, or a box of its lowest and highest corner",
        came=came,
        fix="give both of a position and its radius, and corners in order",
    )
