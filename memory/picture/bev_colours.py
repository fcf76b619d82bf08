"""Colours of bird's-eye images where they are not the surface's own: heights, categories."""

import colorsys

import numpy as np
from jaxtyping import Float32, Int64, UInt8

PAPER = (214, 214, 210)
"""Where nothing is known."""
GREY = (150, 150, 150)
"""Surface that no coloured frame has seen, or that has no label."""

_RAMP = np.array([(48, 34, 92), (52, 94, 141), (33, 145, 140), (122, 200, 94), (253, 231, 76)], np.float64)
_TURN = (5**0.5 - 1) / 2


def height_colours(heights: Float32[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """Low is dark, high is bright, from the lowest to the highest; NaN is paper."""
    known = np.isfinite(heights)
    image = np.full((*heights.shape, 3), PAPER, np.uint8)
    if known.any():
        low, high = heights[known].min(), heights[known].max()
        at = (heights[known] - low) / max(float(high - low), 1e-6) * (len(_RAMP) - 1)
        steps = np.arange(len(_RAMP))
        channels = [np.interp(at, steps, _RAMP[:, channel]) for channel in range(3)]
        image[known] = np.rint(np.stack(channels, -1)).astype(np.uint8)
    return image


def label_colours(labels: Int64[np.ndarray, " n"]) -> UInt8[np.ndarray, "n 3"]:
    """A colour for each category id, ever the same; grey for 0."""
    found, where = np.unique(labels, return_inverse=True)
    return np.array([label_colour(int(label)) for label in found], np.uint8).reshape(-1, 3)[where]


def label_colour(label: int) -> tuple[int, int, int]:
    """Red, green, blue of a category id.

    Hues a golden section apart, so that neighbours in the list differ; brightness in three steps.

    >>> label_colour(0) == GREY
    True
    """
    if label == 0:
        return GREY
    red, green, blue = colorsys.hsv_to_rgb(
        label * _TURN % 1, (0.55, 0.8)[label % 2], (0.9, 0.7, 0.5)[label % 3]
    )
    return round(255 * red), round(255 * green), round(255 * blue)
