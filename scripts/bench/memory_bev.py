"""The bird's-eye rows of ``placecell-bench memory``: 1024 x 1024 from 1 M points, and ``numpy.maximum.at``.

The peer does what a NumPy user would: the pixel of each point, ``maximum.at`` for the heights, and where
colours are wanted too, those of the points that are as high as their pixel.
"""

import numpy as np
from jaxtyping import Float32, Float64, UInt8

from placecell.arrays import generator
from placecell.memory import SparseOctree
from placecell.memory.bev import render_bev, top_down

from .memory_turns import compared, in_turn
from .row import Row

TARGET_RATIO = 1.5
SIDE_M, PIXELS = 20.0, 1024
_BOUNDS, _SIZE = ((0.0, 0.0), (SIDE_M, SIDE_M)), (PIXELS, PIXELS)


def rows(quick: bool) -> list[Row]:
    """Heights alone, heights and colours, and a voxel map (without a peer); medians of calls in turn."""
    count, rounds = (100_000 if quick else 1_000_000), (3 if quick else 15)
    points, colours = cloud(count)
    heights = in_turn([lambda: top_down(points, None, _BOUNDS, _SIZE), lambda: highest(points)], rounds)
    image = in_turn(
        [lambda: top_down(points, colours, _BOUNDS, _SIZE), lambda: highest_coloured(points, colours)], rounds
    )
    octree = SparseOctree(0.1)
    octree.insert_points(points)
    (drawn,) = in_turn([lambda: render_bev(octree, _SIZE)], rounds)
    return [
        _row("birds_eye_heights", heights, count),
        _row("birds_eye_colours", image, count),
        Row("birds_eye_of_a_map", len(octree) / drawn / 1e6, "M voxels/s"),
    ]


def cloud(count: int) -> tuple[Float64[np.ndarray, "n 3"], UInt8[np.ndarray, "n 3"]]:
    """Points anywhere in a hall, in no order, and their colours."""
    rng = generator(0, "memory bench, bird's eye")
    points = rng.random((count, 3)) * np.array([SIDE_M, SIDE_M, 2.4])
    return points, rng.integers(0, 256, (count, 3)).astype(np.uint8)


def highest(points: Float64[np.ndarray, "n 3"]) -> Float32[np.ndarray, "h w"]:
    """The peer: the greatest height over each pixel, NaN where there is none."""
    return _highest(points)[0].reshape(_SIZE)


def highest_coloured(
    points: Float64[np.ndarray, "n 3"], colours: UInt8[np.ndarray, "n 3"]
) -> tuple[Float32[np.ndarray, "h w"], UInt8[np.ndarray, "h w 3"]]:
    """The peer: heights, and the colours of points as high as that."""
    heights, flat, inside, z = _highest(points)
    image = np.zeros((PIXELS * PIXELS, 3), np.uint8)
    top = z == heights[flat]
    image[flat[top]] = colours[inside][top]
    return heights.reshape(_SIZE), image.reshape(*_SIZE, 3)


def _highest(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    u, v = points[:, 0] * (PIXELS / SIDE_M), (SIDE_M - points[:, 1]) * (PIXELS / SIDE_M)
    inside = (u >= 0) & (u < PIXELS) & (v >= 0) & (v < PIXELS)
    flat = v[inside].astype(np.int64) * PIXELS + u[inside].astype(np.int64)
    z = points[inside, 2].astype(np.float32)
    heights = np.full(PIXELS * PIXELS, -np.inf, np.float32)
    np.maximum.at(heights, flat, z)
    heights[np.isneginf(heights)] = np.nan
    return heights, flat, inside, z


def _row(name: str, seconds: list[float], count: int) -> Row:
    ours, theirs = (count / spent / 1e6 for spent in seconds)
    return compared(name, (ours, theirs), "M points/s", "numpy.maximum.at", TARGET_RATIO)
