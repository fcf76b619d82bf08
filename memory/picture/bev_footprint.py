"""The piece of ground that a bird's-eye image shows, and where its pixels are."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from placecell.arrays import Points
from placecell.errors import ConfigError

Bounds = tuple[tuple[float, float], tuple[float, float]]
"""World x, y of the south-western and the north-eastern corner, metres."""

_MOST_PIXELS = 16384


@dataclass(frozen=True)
class Footprint:
    """An upright piece of the ground, north up: columns run east, rows run south.

    Args:
        west: world x of the left edge, metres.
        north: world y of the upper edge.
        metres_per_pixel: side of a pixel; the same both ways.
        size: (rows, columns).
    """

    west: float
    north: float
    metres_per_pixel: float
    size: tuple[int, int]

    @classmethod
    def around(cls, bounds: Bounds, size: tuple[int, int]) -> "Footprint":
        """The smallest that shows the bounds whole, with them in its middle.

        Raises:
            ConfigError: bounds without area or not finite, or a size that no image has.
        """
        rows, columns = size
        if not (1 <= rows <= _MOST_PIXELS and 1 <= columns <= _MOST_PIXELS):
            raise ConfigError(
                expected=f"an image of 1 x 1 to {_MOST_PIXELS} x {_MOST_PIXELS} pixels",
                came=f"{rows} x {columns}",
                fix="pass size=(rows, columns)",
            )
        (west, south), (east, north) = bounds
        if not np.isfinite([west, south, east, north]).all() or not (east > west and north > south):
            raise ConfigError(
                expected="bounds with an area: ((west, south), (east, north)) in metres",
                came=f"(({west:g}, {south:g}), ({east:g}, {north:g}))",
                fix="pass the south-western corner first, or leave bounds out to see the whole map",
            )
        metres = max((east - west) / columns, (north - south) / rows)
        return cls(
            west=(west + east - metres * columns) / 2,
            north=(south + north + metres * rows) / 2,
            metres_per_pixel=metres,
            size=(int(rows), int(columns)),
        )

    def to_pixel(self, points: Points) -> Float64[np.ndarray, "n 2"]:
        """(n, 2) column and row of world points, as real numbers: a pixel's middle is at .5, .5."""
        u, v = points[:, 0] - self.west, self.north - points[:, 1]
        return np.stack([u, v], -1) / self.metres_per_pixel

    def to_ground(self, pixels: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
        """(n, 2) world x and y of pixel coordinates: the inverse of :meth:`to_pixel`."""
        metres = pixels * self.metres_per_pixel
        return np.stack([self.west + metres[:, 0], self.north - metres[:, 1]], -1)
