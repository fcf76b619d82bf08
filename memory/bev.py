"""A map seen from above, as an image: for people, and for models that take images."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Float64, Int64, Shaped, UInt8

from placecell.arrays import Points, Rgb
from placecell.errors import ConfigError, PlacecellError

from .markers import Marker, ObjectMarkers
from .picture.bev_colours import GREY, PAPER, height_colours, label_colours
from .picture.bev_footprint import Bounds, Footprint
from .picture.bev_kernels import highest_points, paint, splat_voxels
from .picture.marker_drawing import draw_numbers
from .voxel.voxels import Voxels

# Any text in type, one of WAYS in fact: a wrong one is told so in one line.
By = str
WAYS: tuple[By, ...] = ("colour", "height", "labels")
CUT_M = 1.8
"""So far above the floor a map is cut open, lest its ceiling hide the rooms."""

_VOXELS_AT_A_TIME = 1 << 16


@runtime_checkable
class Voxelled(Protocol):
    """The part of an octree that is drawn here."""

    voxel_size_m: float

    def occupied(self, *, agent: int = 0) -> Int64[np.ndarray, "n 3"]:
        """The indices of the occupied voxels."""

    def read(self, indices: Int64[np.ndarray, "n 3"], *, agent: int = 0) -> Voxels:
        """What is held of them."""


@dataclass(frozen=True)
class BirdsEye:
    """A bird's-eye image, north up, and where in the world its pixels are.

    Args:
        image: (h, w, 3).
        heights: (h, w) world z of what is seen, metres; NaN where nothing is.
        footprint: the ground that it shows.
        heights_m: the lowest and the highest world z that is shown; infinite where nothing was cut off.
    """

    image: Rgb
    heights: Float32[np.ndarray, "h w"]
    footprint: Footprint
    heights_m: tuple[float, float]

    @property
    def metres_per_pixel(self) -> float:
        """Side of a pixel."""
        return self.footprint.metres_per_pixel

    @property
    def origin(self) -> tuple[float, float]:
        """World x, y of the upper left corner of the image, metres."""
        return self.footprint.west, self.footprint.north

    def to_pixel(self, points: Points) -> Float64[np.ndarray, "n 2"]:
        """(n, 2) column and row of world points, as real numbers: a pixel's middle is at .5, .5."""
        return self.footprint.to_pixel(points)

    def to_world(self, pixels: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 3"]:
        """(n, 3) world points of columns and rows: z is what is seen there, NaN where nothing is."""
        rows, columns = self.heights.shape
        column, row = np.floor(pixels).astype(np.int64).T
        inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        heights = np.full(len(pixels), np.nan)
        heights[inside] = self.heights[row[inside], column[inside]]
        return np.column_stack([self.footprint.to_ground(pixels), heights])

    def marked(self, markers: tuple[Marker, ...]) -> "BirdsEye":
        """The same with each object's number at the middle of its box.

        Objects that lie outside the image, or above or below what it shows, are left out.
        """
        low, high = self.heights_m
        shown = [mark for mark in markers if low <= mark.position[2] and mark.lower[2] < high]
        if not shown:
            return self
        pixels = np.floor(self.to_pixel(np.array([mark.position for mark in shown]))).astype(int).tolist()
        numbers = [(mark.id, (column, row)) for mark, (column, row) in zip(shown, pixels, strict=True)]
        return BirdsEye(draw_numbers(self.image, numbers), self.heights, self.footprint, self.heights_m)


def render_bev(
    octree: Voxelled,
    size: tuple[int, int] = (1024, 1024),
    *,
    by: By = "colour",
    bounds: Bounds | None = None,
    heights_m: tuple[float, float] | None = None,
    markers: ObjectMarkers | None = None,
    agent: int = 0,
) -> BirdsEye:
    """A voxel map from above: of the voxels over a pixel the highest, each as large as it is.

    Of a house with storeys the one is drawn whose floor :func:`floor_height` finds, which is the lowest if
    none is larger, and what lies open below it; ``heights_m`` shows another, for example ``(2.7, 4.5)``.

    Args:
        octree: the map.
        size: (rows, columns) of the image.
        by: the surface's own ``"colour"``, its ``"height"``, or its ``"labels"``, a colour a category.
        bounds: ((west, south), (east, north)) in metres; None shows all that is occupied.
        heights_m: the lowest and highest voxel that is shown, world z of its middle. None shows all up to
            1.8 m above the floor (:func:`floor_height`), so that no ceiling hides the rooms.
        markers: draws the numbers of the objects.
        agent: whose map.

    Raises:
        PlacecellError: a map in which nothing is occupied, or nothing at these heights.
        ConfigError: bounds without an area, heights that are none, a size or ``by`` that is not offered.
    """
    if by not in WAYS:
        raise ConfigError(
            expected="an image by colour, height or labels", came=repr(by), fix="pass one of them as by"
        )
    indices = octree.occupied(agent=agent)
    if len(indices) == 0:
        raise PlacecellError(
            expected="a map in which something is occupied",
            came=f"none of agent {agent}'s voxels",
            fix="insert frames before drawing",
        )
    size_m = octree.voxel_size_m
    low, high = _shown_heights(indices, size_m, heights_m)
    z = (indices[:, 2] + 0.5) * size_m
    indices = indices[(z >= low) & (z <= high)]
    if len(indices) == 0:
        raise PlacecellError(
            expected=f"a map with surface between {low:g} and {high:g} m",
            came=f"one from {z.min():g} to {z.max():g} m",
            fix="pass other heights_m",
        )
    footprint = Footprint.around(_extent(indices, size_m) if bounds is None else bounds, size)
    image, heights = _splat(octree, _inside(indices, size_m, footprint), footprint, by, agent)
    seen = BirdsEye(height_colours(heights) if by == "height" else image, heights, footprint, (low, high))
    return seen if markers is None else seen.marked(markers.marks())


def floor_height(octree: Voxelled, *, agent: int = 0) -> float:
    """World z of the floor: where most columns of the map have their lowest surface, metres.

    Of equals the lowest: of two storeys of one size the lower.

    Raises:
        PlacecellError: a map in which nothing is occupied.
    """
    indices = octree.occupied(agent=agent)
    if len(indices) == 0:
        raise PlacecellError(
            expected="a map with a floor", came="one in which nothing is occupied", fix="insert frames first"
        )
    return _floor(indices, octree.voxel_size_m)


def top_down(
    points: Points,
    values: Shaped[np.ndarray, "m d"] | None,
    bounds: Bounds,
    size: tuple[int, int] = (1024, 1024),
) -> tuple[Float32[np.ndarray, "h w"], Shaped[np.ndarray, "h w d"]]:
    """The highest point over each pixel, the first of equals, and what belongs to it.

    Args:
        points: (n, 3) metres, world frame, at most 2**31.
        values: (n, d) what belongs to each point, for example colours; None: heights alone.
        bounds: ((west, south), (east, north)) in metres.
        size: (rows, columns).

    Returns:
        Heights (h, w), NaN where there is no point, and values (h, w, d), zeros there.

    Raises:
        ConfigError: bounds without an area, or a size that no image has.
        PlacecellError: points that are not finite, or values that are not one a point.
    """
    footprint = Footprint.around(bounds, size)
    rows, columns = footprint.size
    if values is not None and len(values) != len(points):
        raise PlacecellError(
            expected=f"values of {len(points)} points", came=f"{len(values)}", fix="pass one row a point"
        )
    heights = np.full(rows * columns + 1, np.nan, np.float32)
    winners = np.full(0 if values is None else len(heights), -1, np.int32)
    place = footprint.west, footprint.north, 1 / footprint.metres_per_pixel
    if not highest_points(points, *place, rows, columns, heights, winners):
        bad = int((~np.isfinite(points)).any(1).argmax())
        raise PlacecellError(
            expected="finite points in metres",
            came=f"{points[bad].tolist()} in row {bad}",
            fix="leave out points that are NaN or infinite",
        )
    height_image = heights[:-1].reshape(rows, columns)
    if values is None:
        return height_image, np.zeros((rows, columns, 0), np.uint8)
    image = np.zeros((rows * columns, values.shape[1]), values.dtype)
    paint(winners, values, image)
    return height_image, image.reshape(rows, columns, values.shape[1])


def _shown_heights(
    indices: Int64[np.ndarray, "n 3"], size_m: float, heights_m: tuple[float, float] | None
) -> tuple[float, float]:
    if heights_m is None:
        return -np.inf, _floor(indices, size_m) + CUT_M
    low, high = heights_m
    if not low < high:
        raise ConfigError(
            expected="heights_m of a lowest and a higher height in metres",
            came=f"({low:g}, {high:g})",
            fix="leave heights_m out, or pass for example (-inf, 1.8)",
        )
    return float(low), float(high)


def _floor(indices: Int64[np.ndarray, "n 3"], size_m: float) -> float:
    """The middle of the layer in which most columns have their lowest voxel, of equals the lowest one."""
    least = indices.min(0)
    x, y, z = (indices - least).T
    wide, high = int(y.max()) + 1, int(z.max()) + 1
    # Indices have 21 bits each, so that the three fit into one number.
    columns, layers = np.divmod(np.sort((x * wide + y) * high + z), high)
    lowest = layers[np.diff(columns, prepend=-1) != 0]
    return float((int(least[2]) + np.bincount(lowest).argmax() + 0.5) * size_m)


def _extent(indices: Int64[np.ndarray, "n 3"], size_m: float) -> Bounds:
    """The outer edges of the voxels, with one more around."""
    (west, south), (east, north) = (indices[:, :2].min(0) - 1) * size_m, (indices[:, :2].max(0) + 2) * size_m
    return (float(west), float(south)), (float(east), float(north))


def _inside(
    indices: Int64[np.ndarray, "n 3"], size_m: float, footprint: Footprint
) -> Int64[np.ndarray, "m 3"]:
    """Those that the image shows a part of."""
    corners = np.array([(0.0, 0.0), footprint.size[::-1]])
    (west, north), (east, south) = footprint.to_ground(corners)
    x, y = indices[:, 0] * size_m, indices[:, 1] * size_m
    return indices[(x > west - size_m) & (x < east) & (y > south - size_m) & (y < north)]


def _splat(
    octree: Voxelled, indices: Int64[np.ndarray, "n 3"], footprint: Footprint, by: By, agent: int
) -> tuple[UInt8[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]:
    image = np.full((*footprint.size, 3), PAPER, np.uint8)
    heights = np.full(footprint.size, np.nan, np.float32)
    place = footprint.west, footprint.north, 1 / footprint.metres_per_pixel
    # In parts: what is read of a voxel may include a wide feature.
    for start in range(0, len(indices), _VOXELS_AT_A_TIME):
        part = np.ascontiguousarray(indices[start : start + _VOXELS_AT_A_TIME])
        voxels = octree.read(part, agent=agent)
        colours = label_colours(voxels.labels) if by == "labels" else voxels.colours
        if by == "colour":
            colours = np.where(voxels.coloured[:, None], colours, np.array(GREY, np.uint8))
        tops = voxels.points[:, 2].astype(np.float32)
        splat_voxels(part, tops, colours, octree.voxel_size_m, *place, heights, image)
    return image, heights
