"""What an octree refuses, whatever it is built on: one text for each."""

import numpy as np
from jaxtyping import Float, Float64

from placecell.arrays import PatchFeatures, Points
from placecell.errors import ConfigError, FrameError, PlacecellError

from ..frame import Frame
from .block_pool import AGENTS

_LEVEL = 1e-100
"""A ray that rises less does not rise: it leaves no voxel that way, and its inverse is finite."""
MOST_FEATURE = 1e30
"""Of a feature's components: sums over 2**25 pixels fit into float32."""

MOST_WIDTH = 1 << 14
"""Room for the first voxels is made at once, also where an archive asks for it."""


def require_settings(voxel_size_m: float, feature_width: int, feature_dtype: str) -> None:
    """Raises :class:`ConfigError` for what no octree can be made of."""
    if not 0 < voxel_size_m < float("inf"):
        raise ConfigError(
            expected="a voxel size above 0 and finite",
            came=f"{voxel_size_m:g}",
            fix="pass voxel_size_m in metres, for example 0.1 indoors",
        )
    if not 0 <= feature_width <= MOST_WIDTH or feature_dtype not in ("float16", "float32"):
        raise ConfigError(
            expected=f"features of a width from 0 to {MOST_WIDTH}, as float16 or float32",
            came=f"a width of {feature_width}, as {feature_dtype}",
            fix="set feature_width to the width of the encoder's vectors, or to 0 to keep none",
        )


def require_step(step: int) -> None:
    """Raises :class:`FrameError` for a step that is out of range."""
    if not 0 <= step < 1 << 30:
        raise FrameError(expected="a step from 0 to 2**30", came=f"{step}", fix="count steps from the start")


def require_depths(min_depth_m: float, max_depth_m: float) -> None:
    """Raises :class:`FrameError` for limits between which, or at which, nothing can end."""
    if not (max_depth_m > 0 and min_depth_m < max_depth_m):
        raise FrameError(
            expected="depth limits in metres with max_depth_m above 0 and above min_depth_m",
            came=f"min_depth_m {min_depth_m:g} and max_depth_m {max_depth_m:g}",
            fix="pass the range in which the depth sensor can be trusted",
        )


def fitting_features(frame: Frame, width: int) -> PatchFeatures | None:
    """A frame's features, None for a map that keeps none.

    Raises:
        FrameError: features of another width, or so large that their sums are not finite.
    """
    if not width or frame.features is None:
        return None
    if frame.features.shape[2] != width:
        raise FrameError(
            expected=f"features of width {width}, as the map's",
            came=f"width {frame.features.shape[2]}",
            fix="use the encoder that the map was built for, or a map of its own for each",
        )
    if max(-float(frame.features.min()), float(frame.features.max())) > MOST_FEATURE:
        raise FrameError(
            expected=f"features from -{MOST_FEATURE:g} to {MOST_FEATURE:g}, whose sums are finite",
            came="a larger one",
            fix="normalise the encoder's vectors",
        )
    return frame.features


def require_length(length_m: float, name: str) -> float:
    """The length; raises :class:`PlacecellError` for one that is negative or NaN."""
    if not length_m >= 0:
        raise PlacecellError(
            expected=f"a {name} of 0 or more", came=f"{length_m:g}", fix=f"pass {name} in metres"
        )
    return float(length_m)


def require_agent(agent: int) -> int:
    """The agent's number; raises :class:`PlacecellError` for one that a key has no room for."""
    if not 0 <= agent < AGENTS:
        raise PlacecellError(
            expected=f"an agent from 0 to {AGENTS - 1}", came=f"{agent}", fix="number the agents from 0"
        )
    return int(agent)


def coordinates(points: Points) -> Float64[np.ndarray, "n 3"]:
    """World points as (n, 3) float64, finite or not; raises :class:`PlacecellError` for another shape."""
    asked = np.ascontiguousarray(points, np.float64)
    if asked.ndim != 2 or asked.shape[1] != 3:
        raise PlacecellError(
            expected="points of shape (n, 3)", came=f"{asked.shape}", fix="pass one point a row, x, y, z"
        )
    return asked


def finite_points(points: Points) -> Float64[np.ndarray, "n 3"]:
    """World points as (n, 3) float64; raises :class:`PlacecellError` for others, and for NaN or infinity."""
    asked = coordinates(points)
    if not np.isfinite(asked).all():
        raise not_finite(asked)
    return asked


def not_finite(points: Float64[np.ndarray, "n 3"]) -> PlacecellError:
    """What to raise for points of which one is NaN or infinite."""
    bad = ~np.isfinite(points).all(1)
    return PlacecellError(
        expected="finite coordinates in metres",
        came=f"{points[bad.argmax()].tolist()} in row {bad.argmax()}",
        fix="leave out points that are NaN or infinite",
    )


def require_rays(
    origins: Points, directions: Float[np.ndarray, "m 3"]
) -> tuple[Float64[np.ndarray, "n 3"], Float64[np.ndarray, "m 3"]]:
    """Origins, and directions of length 1; raises :class:`PlacecellError` for what is no ray."""
    starts, towards = finite_points(origins), finite_points(directions)
    if len(towards) != len(starts):
        raise _no_rays(f"{len(starts)} origins and {len(towards)} directions")
    largest = np.abs(towards).max(1, keepdims=True, initial=0.0)
    if not largest.all():
        raise _no_rays(f"the direction {towards[largest[:, 0].argmin()].tolist()}")
    towards = towards / largest  # so that the squares of no length under- or overflow
    unit = towards / np.linalg.norm(towards, axis=1, keepdims=True)
    unit[np.abs(unit) < _LEVEL] = 0.0
    return starts, unit


def _no_rays(came: str) -> PlacecellError:
    return PlacecellError(
        expected="one direction, not of length 0, for each origin",
        came=came,
        fix="pass origins and directions of the same shape (n, 3)",
    )
