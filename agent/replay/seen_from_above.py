"""The memory's map from above, as it grew, with the way, the goals and what was recalled on it."""

import colorsys
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

from placecell.arrays import Points
from placecell.geometry import Pose
from placecell.memory import GrowingMap, Growth

from ..recording import RecordedItem

_UNSEEN, _FLOOR, _THING = (232, 232, 228), (250, 250, 247), (150, 154, 162)
_WALKED, _RIM = (208, 66, 38), (255, 255, 255)
_SHORTEST, _GOAL, _RECALLED = (120, 170, 120), (30, 140, 70), (28, 110, 190)
_MARGIN_M = 2.5
_FLOOR_UP_TO_M, _HEAD_M = 0.15, 1.8
_STOREY_M = 0.5


@dataclass(frozen=True)
class Extent:
    """A square of the episode's plane, and how it lies in an image of ``pixels`` a side."""

    low: Float[np.ndarray, "2"]
    side_m: float
    pixels: int

    @classmethod
    def around(cls, points: Points, pixels: int) -> "Extent":
        """The square about some places, with a margin."""
        low, high = points[:, :2].min(0), points[:, :2].max(0)
        side_m = float((high - low).max()) + 2 * _MARGIN_M
        return cls((low + high - side_m) / 2, side_m, pixels)

    def to_pixels(self, points: Points) -> Float[np.ndarray, "n 2"]:
        """(n, 2) columns and rows; y of the plane runs up, rows run down."""
        x, y = ((points[:, :2] - self.low) * (self.pixels / self.side_m)).T
        return np.stack([x, self.pixels - y], axis=1)


class SeenFromAbove:
    """Follows a memory by its growths, and draws it: floor, things in the way, those with a name in colour.

    What hangs above the body's head, or lies more than a storey below, is left out.

    Args:
        extent: what is drawn.
        goals: (n, 3) metres, the episode's frame.
        shortest: (n, 3) corners of the shortest way; may be empty.
        structure: categories, such as walls, that are drawn as if they had no name.
    """

    def __init__(
        self,
        extent: Extent,
        goals: Float[np.ndarray, "g 3"],
        shortest: Float[np.ndarray, "s 3"],
        structure: Collection[int] = (),
    ) -> None:
        self._extent, self._goals, self._shortest = extent, goals, shortest
        self._structure = structure
        self._map = GrowingMap()

    def grow(self, growth: Growth) -> None:
        """Takes over what the memory's map became."""
        self._map.apply(growth)

    def picture(self, walked: Sequence[Pose], recalled: Sequence[RecordedItem]) -> UInt8[np.ndarray, "_ _ 3"]:
        """The map now.

        Args:
            walked: where the body believed to have been, the last is where it is.
            recalled: what the memory gave, best first.
        """
        here = walked[-1]
        image = Image.fromarray(self._cells(here.z))
        draw = ImageDraw.Draw(image)
        self._line(draw, self._shortest, _SHORTEST, 2)
        self._line(draw, np.array([pose.position for pose in walked]), _WALKED, 3)
        self._dots(draw, self._goals, 6, fill=_GOAL)
        for rank, item in reversed(list(enumerate(recalled))):
            size = 7 if rank == 0 else 4
            self._dots(draw, item.position[None], size, outline=_RECALLED, width=3 if rank == 0 else 1)
        self._body(draw, here)
        return np.asarray(image)

    def _cells(self, floor_m: float) -> UInt8[np.ndarray, "_ _ 3"]:
        side = self._extent.pixels
        image = np.full((side, side, 3), _UNSEEN, np.uint8)
        cells, labels, edge_m = self._map.cells, self._map.labels, self._map.cell_m
        over_m = (cells[:, 2] + 0.5) * edge_m - floor_m
        near = (over_m > -_STOREY_M) & (over_m < _HEAD_M)
        # Floor first, then from low to high: what stands higher hides what is below it, as seen from above.
        order = np.flatnonzero(near)[np.argsort(over_m[near], kind="stable")]
        known = range(1, int(labels.max(initial=0)) + 1)
        colours = np.array(
            [_THING, *(_THING if n in self._structure else _colour(n) for n in known)], np.uint8
        )
        shade = np.where((over_m < _FLOOR_UP_TO_M)[:, None], np.array(_FLOOR, np.uint8), colours[labels])
        corners = cells[order] * edge_m
        columns, rows = (self._extent.to_pixels(corners) + 0.5).astype(np.int64).T
        size = max(1, int(np.ceil(edge_m * side / self._extent.side_m)))
        for right in range(size):
            for up in range(1, size + 1):
                u, v = columns + right, rows - up
                inside = (u >= 0) & (u < side) & (v >= 0) & (v < side)
                image[v[inside], u[inside]] = shade[order[inside]]
        return image

    def _line(
        self, draw: ImageDraw.ImageDraw, points: Points, colour: tuple[int, int, int], width: int
    ) -> None:
        if len(points) > 1:
            draw.line([tuple(p) for p in self._extent.to_pixels(points)], fill=colour, width=width)

    def _dots(self, draw: ImageDraw.ImageDraw, points: Points, size: int, **how: object) -> None:
        for x, y in self._extent.to_pixels(points):
            draw.ellipse([x - size, y - size, x + size, y + size], **{"outline": _RIM, **how})  # type: ignore[arg-type]

    def _body(self, draw: ImageDraw.ImageDraw, pose: Pose) -> None:
        ((x, y),) = self._extent.to_pixels(pose.position[None])
        corners = [
            (x + r * 13 * np.cos(pose.yaw_rad + a), y - r * 13 * np.sin(pose.yaw_rad + a))
            for r, a in ((1.0, 0.0), (0.7, 2.5), (0.7, -2.5))
        ]
        draw.polygon(corners, fill=_WALKED, outline=_RIM)


def _colour(category: int) -> tuple[int, int, int]:
    """Of a category: hues a golden angle apart, so that near numbers look unlike."""
    red, green, blue = colorsys.hls_to_rgb(category * 0.618034 % 1.0, 0.62, 0.45)
    return round(255 * red), round(255 * green), round(255 * blue)
