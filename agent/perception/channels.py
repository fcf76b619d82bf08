"""What the segmenter looks at: colour, depth, and what depth says about floors and heights."""

import math
from typing import no_type_check

import numpy as np
from jaxtyping import Float32
from numba import njit

from placecell.arrays import Depth, Rgb
from placecell.geometry import Pinhole

# Red, green, blue, depth, whether there is depth, height, upwardness, elevation.
CHANNELS = 8
_REACH = 2  # pixels to either side that a normal is taken over: wide enough for noisy depth
_FURTHEST_M = 10.0
_DEPTH_M, _HEIGHT_M = 5.0, 2.5  # what counts as 1


def channels(
    rgb: Rgb, depth: Depth, camera: Pinhole, pitch_rad: float, camera_height_m: float
) -> Float32[np.ndarray, "h w 8"]:
    """The input of :class:`~placecell.agent.perception.network.SegmenterNetwork`.

    Colour in -1..1; depth in units of 5 m, up to 10 m; 1 where there is a return; the surface's height above
    the feet in units of 2.5 m; the vertical component of its normal, turned towards the camera (1 a floor, 0
    a wall, -1 a ceiling), from differences of neighbouring points; the sine of the pixel's elevation. All
    that is computed from depth is 0 where there is no return.

    Args:
        rgb: (h, w, 3).
        depth: (h, w) planar, metres, 0 = no return.
        camera: its intrinsics.
        pitch_rad: how far it looks up.
        camera_height_m: above the feet.
    """
    out = np.empty((*depth.shape, CHANNELS), np.float32)
    columns = ((np.arange(depth.shape[1]) + 0.5 - camera.cx) / camera.fx).astype(np.float32)
    rows = ((np.arange(depth.shape[0]) + 0.5 - camera.cy) / camera.fy).astype(np.float32)
    tilt = np.float32(math.sin(pitch_rad)), np.float32(math.cos(pitch_rad))
    _fill(out, rgb, np.ascontiguousarray(depth, np.float32), columns, rows, tilt, np.float32(camera_height_m))
    return out


@njit(cache=True, error_model="numpy")
@no_type_check
def _fill(out, rgb, depth, columns, rows, tilt, camera_height):
    sine, cosine = tilt
    height, width = depth.shape
    for r in range(height):
        for c in range(width):
            pixel = out[r, c]
            for i in range(3):
                pixel[i] = np.float32(rgb[r, c, i]) * np.float32(1 / 127.5) - np.float32(1)
            x, y, z = columns[c], rows[r], depth[r, c]
            rise = sine - y * cosine
            pixel[7] = rise / np.sqrt(x * x + y * y + np.float32(1))
            if not z > 0:
                pixel[3:7] = 0
                continue
            pixel[3] = min(z, np.float32(_FURTHEST_M)) / np.float32(_DEPTH_M)
            pixel[4] = 1
            pixel[5] = (camera_height + z * rise) / np.float32(_HEIGHT_M)
            pixel[6] = _upwardness(depth, columns, rows, sine, cosine, r, c)


@njit(cache=True, error_model="numpy")
@no_type_check
def _upwardness(depth, columns, rows, sine, cosine, r, c):
    """Vertical component of the normal at a pixel with depth; 0 where its neighbours span no surface."""
    left, right = max(c - _REACH, 0), min(c + _REACH, depth.shape[1] - 1)
    above, below = max(r - _REACH, 0), min(r + _REACH, depth.shape[0] - 1)
    left, right = left if depth[r, left] > 0 else c, right if depth[r, right] > 0 else c
    above, below = above if depth[above, c] > 0 else r, below if depth[below, c] > 0 else r
    # Differences of two neighbours' points: along the row, then along the column.
    a, b = depth[r, right], depth[r, left]
    ax, ay, az = columns[right] * a - columns[left] * b, rows[r] * (a - b), a - b
    a, b = depth[below, c], depth[above, c]
    bx, by, bz = columns[c] * (a - b), rows[below] * a - rows[above] * b, a - b
    nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    square = nx * nx + ny * ny + nz * nz
    if not square > 0:
        return np.float32(0)
    towards = nx * columns[c] + ny * rows[r] + nz
    up = (nz * sine - ny * cosine) / np.sqrt(square)
    return -up if towards > 0 else up
