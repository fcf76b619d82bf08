"""One step as a picture: what the agent sees, and the map it has made, with its way on it."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from placecell.arrays import Depth, Point, Rgb
from placecell.geometry import Pose

Picture = UInt8[np.ndarray, "_ _ 3"]

_INK = (32, 36, 44)
_PAPER = (246, 246, 242)
_WALKED, _PLANNED, _GOAL, _FRONTIER = (208, 66, 38), (28, 110, 190), (30, 140, 70), (236, 160, 20)
_UNSEEN, _SEEN, _BLOCKED = (214, 214, 210), (236, 236, 232), (60, 64, 72)


class TopDown:
    """A map seen from above on which paths and places can be drawn, north of the map's frame upwards.

    Args:
        cells: (x, y) values of the map: 0 unseen, 1 seen free, 2 floor, 3 in the way.
        height_m: (x, y) height of the floors, used to shade them; NaN where there is none.
        origin_m: world x, y of the corner of cell (0, 0).
        cell_m: side of a cell.
        scale: pixels a cell.
    """

    def __init__(
        self, cells: np.ndarray, height_m: np.ndarray, origin_m: np.ndarray, cell_m: float, scale: int = 3
    ) -> None:
        self._origin, self._cell, self._scale, self._columns = origin_m, cell_m, scale, cells.shape[1]
        colours = np.array([_UNSEEN, _SEEN, _SEEN, _BLOCKED], np.float64)[cells]
        floor = cells == 2
        if floor.any():
            low, high = np.nanpercentile(height_m[floor], [2, 98])
            share = np.clip((height_m[floor] - low) / max(high - low, 0.5), 0, 1)[:, None]
            colours[floor] = (1 - share) * np.array([186, 212, 170]) + share * np.array([238, 206, 140])
        # Rows of an image run down, y of a map runs up.
        picture = colours.transpose(1, 0, 2)[::-1].astype(np.uint8)
        self._image = Image.fromarray(picture).resize(
            (cells.shape[0] * scale, cells.shape[1] * scale), Image.Resampling.NEAREST
        )
        self._draw = ImageDraw.Draw(self._image)

    def _pixel(self, point: Sequence[float] | np.ndarray) -> tuple[float, float]:
        x, y = ((point[i] - self._origin[i]) / self._cell for i in range(2))
        return x * self._scale, (self._columns - y) * self._scale

    def path(self, points: Sequence[Point], colour: tuple[int, int, int], width: int = 3) -> None:
        """A line through points."""
        if len(points) > 1:
            self._draw.line([self._pixel(p) for p in points], fill=colour, width=width, joint="curve")

    def dot(self, point: Point, colour: tuple[int, int, int], radius: int = 6) -> None:
        """A filled circle with a rim."""
        x, y = self._pixel(point)
        self._draw.ellipse(
            [x - radius, y - radius, x + radius, y + radius], fill=colour, outline=_PAPER, width=2
        )

    def arrow(self, pose: Pose, colour: tuple[int, int, int], length: int = 16) -> None:
        """A body as a pointed triangle along its heading."""
        x, y = self._pixel(pose.position)
        corners = [
            (x + r * length * np.cos(pose.yaw_rad + a), y - r * length * np.sin(pose.yaw_rad + a))
            for r, a in ((1.0, 0.0), (0.6, 2.5), (0.6, -2.5))
        ]
        self._draw.polygon(corners, fill=colour, outline=_PAPER)

    def crop(self, points: Sequence[Point], margin_m: float = 4.0) -> Picture:
        """The part of the map within ``margin_m`` of the box around some points, as an array."""
        pixels = np.array([self._pixel(p) for p in points])
        margin = margin_m / self._cell * self._scale
        low = np.maximum(pixels.min(0) - margin, 0)
        high = np.minimum(pixels.max(0) + margin, self._image.size)
        return np.asarray(self._image.crop((*low.astype(int), *high.astype(int))))


def walk_map(
    top_down: TopDown,
    *,
    walked: Sequence[Pose],
    goal: Point | None,
    plan: Sequence[Point],
    frontier: Point | None,
) -> Picture:
    """A top-down map with the walk so far, the plan, its frontier and the goal as far as it is known."""
    here = walked[-1]
    top_down.path([pose.position for pose in walked], _WALKED)
    top_down.path([here.position, *plan], _PLANNED, width=2)
    top_down.dot(walked[0].position, _INK, 5)
    if frontier is not None:
        top_down.dot(frontier, _FRONTIER, 5)
    goals = [] if goal is None else [goal]
    for place in goals:
        top_down.dot(place, _GOAL)
    top_down.arrow(here, _WALKED)
    return top_down.crop([*(pose.position for pose in walked), *goals])


def depth_colours(depth: Depth, max_m: float = 10.0) -> Picture:
    """Depth in metres as near-is-warm colours; no return is dark."""
    share = np.clip(depth / max_m, 0, 1)[..., None]
    near, far = np.array([253, 200, 90.0]), np.array([40, 30, 110.0])
    colours = (1 - np.sqrt(share)) * near + np.sqrt(share) * far
    return np.where(depth[..., None] > 0, colours, 20).astype(np.uint8)


def step_picture(rgb: Rgb, depth: Depth, top_down: Picture, *, height: int = 480) -> Picture:
    """Colour and depth above each other, the map beside them, all in their own proportions."""
    gap, tall = 8, (height - 8) // 2
    wide = max(1, round(rgb.shape[1] * tall / rgb.shape[0]))
    width = max(1, round(top_down.shape[1] * height / top_down.shape[0]))
    canvas = Image.new("RGB", (wide + gap + width, height), _PAPER)
    for row, view in enumerate((rgb, depth_colours(depth))):
        canvas.paste(
            Image.fromarray(view).resize((wide, tall), Image.Resampling.NEAREST), (0, row * (tall + gap))
        )
    canvas.paste(Image.fromarray(top_down).resize((width, height), Image.Resampling.LANCZOS), (wide + gap, 0))
    return np.asarray(canvas)
