"""A frame as compiled kernels take it, after all that can be refused of it was."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64

from placecell.arrays import Point, Points
from placecell.errors import FrameError

from ..frame import Frame
from ..morton import SIGN_OFFSET

MOST_PIXELS = 1 << 24
"""Of one frame, or points of one scan: sums of where in a voxel they end are 32 bits wide."""
_INFINITE = np.float32(np.inf).view(np.uint32)
_NO_PIXELS = np.zeros((0, 0), np.float32)


class View(NamedTuple):
    """What the kernels need of a frame: its depth, camera and pose.

    A scan is a view without pixels, of which only the origin and the voxel size count.
    """

    depth: Float32[np.ndarray, "h w"]
    rotation: Float64[np.ndarray, "3 3"]
    origin: Float64[np.ndarray, "3"]
    fx: float
    fy: float
    cx: float
    cy: float
    voxel_size: float
    min_depth: float
    max_depth: float


def view_of(frame: Frame, voxel_size_m: float, min_depth_m: float, max_depth_m: float) -> View:
    """The view of a frame.

    Raises:
        FrameError: depth that is not finite or negative, more pixels than ``MOST_PIXELS``, or points beyond
            the range of voxel indices.
    """
    view = View(
        np.ascontiguousarray(frame.depth, np.float32),
        np.ascontiguousarray(frame.T_world_camera[:3, :3], np.float64),
        np.ascontiguousarray(frame.T_world_camera[:3, 3], np.float64),
        float(frame.camera.fx),
        float(frame.camera.fy),
        float(frame.camera.cx),
        float(frame.camera.cy),
        voxel_size_m,
        float(min_depth_m),
        float(max_depth_m),
    )
    # One pass: of floats from 0 to infinity the bits rise with the value, and all others have higher ones.
    bits = view.depth.view(np.uint32).max()
    least, most = 0.0, float(bits.view(np.float32))
    if bits >= _INFINITE:  # also minus 0, which is fine; NaN goes through min and max, and compares false
        least, most = float(view.depth.min()), float(view.depth.max())
    if not (least >= 0 and most < np.inf):
        raise FrameError(
            expected="depth in metres, finite and not negative",
            came="a NaN, infinite or negative pixel",
            fix="set invalid pixels to 0 before writing the frame",
        )
    _require_few(view.depth.size, "pixels")
    reach = min(most, view.max_depth)
    if not _furthest(view, reach) < _limit(voxel_size_m):
        _require_range(_ends(view), voxel_size_m)
        _require_range(view.origin[None], voxel_size_m)
    return view


def view_of_scan(points: Points, origin: Point | None, voxel_size_m: float) -> View:
    """The view of a scan, which has no pixels.

    Raises:
        FrameError: points, or an origin, of another shape, not finite, more than ``MOST_PIXELS``, or beyond
            the range of voxel indices.
    """
    start = np.zeros(3) if origin is None else np.ascontiguousarray(origin, np.float64)
    if points.ndim != 2 or points.shape[1] != 3 or start.shape != (3,):
        raise FrameError(
            expected="points of shape (n, 3) and an origin of shape (3,)",
            came=f"{points.shape} and {start.shape}",
            fix="pass one point a row, x, y, z",
        )
    if not (bool(np.isfinite(points).all()) and bool(np.isfinite(start).all())):
        raise FrameError(
            expected="points and an origin in metres, finite",
            came=f"{int((~np.isfinite(points)).any(1).sum())} points that are not, "
            f"and the origin {start.tolist()}",
            fix="leave out points that are NaN or infinite",
        )
    _require_few(len(points), "points")
    _require_range(points, voxel_size_m)
    _require_range(start[None], voxel_size_m)
    return View(_NO_PIXELS, np.eye(3), start, 1.0, 1.0, 0.0, 0.0, voxel_size_m, 0.0, np.inf)


def _limit(voxel_size_m: float) -> float:
    return voxel_size_m * (SIGN_OFFSET - 1)


def _require_few(count: int, what: str) -> None:
    if count > MOST_PIXELS:
        raise FrameError(
            expected=f"at most {MOST_PIXELS} {what} at once",
            came=f"{count}",
            fix="insert them in parts",
        )


def _require_range(points: Points, voxel_size_m: float) -> None:
    if bool((np.abs(points) >= _limit(voxel_size_m)).any()):
        raise FrameError(
            expected=f"points within {voxel_size_m * SIGN_OFFSET:.0f} m of the origin",
            came="a camera or a point beyond",
            fix="move the world's origin closer, or use larger voxels",
        )


def _furthest(view: View, reach: float) -> float:
    """At least how far from the world's origin, along any axis, the camera and a pixel of that depth are."""
    height, width = view.depth.shape
    x = max(abs(0.5 - view.cx), abs(width - 0.5 - view.cx)) / view.fx
    y = max(abs(0.5 - view.cy), abs(height - 0.5 - view.cy)) / view.fy
    # Somewhat more: the kernels round otherwise, and a rotation is one to some tolerance only.
    return 1.01 * (reach * math.hypot(x, y, 1.0) + max(map(abs, view.origin.tolist())))


def _ends(view: View) -> Float64[np.ndarray, "n 3"]:
    """Where all pixels end that say something."""
    height, width = view.depth.shape
    x, y = (np.arange(width) + 0.5 - view.cx) / view.fx, (np.arange(height) + 0.5 - view.cy) / view.fy
    used = view.depth > max(view.min_depth, 0.0)
    rays = np.stack([*np.meshgrid(x, y), np.ones((height, width))], -1)[used]
    depth = np.minimum(view.depth[used].astype(np.float64), view.max_depth)
    ends: Float64[np.ndarray, "n 3"] = (rays @ view.rotation.T) * depth[:, None] + view.origin
    return ends
