"""What the simple memories take of a frame: fewer pixels, and the voxels in which those end."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float64, Int64

from placecell.arrays import Points
from placecell.errors import ConfigError, FrameError
from placecell.geometry import Pinhole, transform

from . import morton
from .frame import Frame

SETTINGS = ("width", "voxel_size_m", "max_depth_m", "min_depth_m")


@dataclass(frozen=True)
class Surface:
    """The voxels in which a frame's pixels end, once for each label that it has there.

    ``indices`` (n, 3) of the voxels, ``labels`` (n,) 0 = none, by label and then by Morton key; ``tops`` (n,)
    the height of the highest such point, metres, world frame.
    """

    indices: Int64[np.ndarray, "n 3"]
    labels: Int64[np.ndarray, " n"]
    tops: Float64[np.ndarray, " n"]


@dataclass(frozen=True)
class Intake:
    """How a simple memory reduces frames.

    Args:
        width: a frame wider or higher than this is thinned to every n-th pixel until it no longer is.
        voxel_size_m: how far apart two points have to be to count as two.
        max_depth_m: planar depth from which a return is no surface.
        min_depth_m: planar depth up to which a return is ignored.

    Raises:
        ConfigError: a width below 1, a voxel size that is not positive, or depths that are not
            0 <= min < max <= 1000.
    """

    width: int = 64
    voxel_size_m: float = 0.1
    max_depth_m: float = 10.0
    min_depth_m: float = 0.0

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ConfigError(expected="a width of 1 pixel or more", came=f"{self.width}", fix="set width=64")
        if not 0 < self.voxel_size_m < float("inf"):
            raise ConfigError(
                expected="a voxel size above 0 and finite",
                came=f"{self.voxel_size_m:g}",
                fix="pass voxel_size_m in metres, for example 0.1 indoors",
            )
        if not 0 <= self.min_depth_m < self.max_depth_m <= 1000:
            raise ConfigError(
                expected="depths with 0 <= min_depth_m < max_depth_m, at most 1000 m",
                came=f"min_depth_m {self.min_depth_m:g}, max_depth_m {self.max_depth_m:g}",
                fix="set them to the range in which the depth sensor can be trusted, for example 0.5 and 5",
            )

    def settings(self) -> dict[str, int | float]:
        """What it was built with, for a manifest."""
        return {name: getattr(self, name) for name in SETTINGS}

    def reduced(self, frame: Frame) -> Frame:
        """The frame with every n-th pixel only, and the camera that would have taken those.

        Raises:
            FrameError: depth, or labels, that a frame must not have.
        """
        frame.require_depth()  # of all pixels, also of those that are not kept
        labels = frame.label_image()
        every = -(-max(frame.camera.width, frame.camera.height) // self.width)
        pixels = tuple(
            slice(_first(size, every), None, every) for size in (frame.camera.height, frame.camera.width)
        )
        return Frame(
            frame.T_world_camera,
            _thinned(frame.camera, every),
            np.ascontiguousarray(frame.depth[pixels], np.float32),
            None if frame.rgb is None else np.ascontiguousarray(frame.rgb[pixels]),
            None if labels is None else labels[pixels].astype(np.int32),
            frame.step,
        )

    def surface(self, frame: Frame, label: int | None = None) -> Surface:
        """Where the frame's pixels end: all of them, or those of one label.

        Raises:
            FrameError: points beyond the range of voxel indices.
        """
        used = (frame.depth > self.min_depth_m) & (frame.depth < self.max_depth_m)
        if label is not None:
            used &= frame.label_image() == label if frame.labels is not None else False
        local = frame.camera.rays()[used] * frame.depth[used].astype(np.float64)[:, None]
        points = transform(frame.T_world_camera.astype(np.float64), local)
        labels = (
            np.zeros(len(points), np.int64) if frame.labels is None else frame.labels[used].astype(np.int64)
        )
        return self._by_voxel(points, labels)

    def _by_voxel(self, points: Points, labels: Int64[np.ndarray, " n"]) -> Surface:
        reach = self.voxel_size_m * (morton.SIGN_OFFSET - 1)
        if len(points) and not float(np.abs(points).max()) < reach:
            raise FrameError(
                expected=f"points within {reach:.0f} m of the origin",
                came="a camera or a point beyond",
                fix="move the world's origin closer, or use larger voxels",
            )
        keys = morton.encode(np.floor(points / self.voxel_size_m).astype(np.int64))
        order = np.lexsort((keys, labels))
        keys, labels = keys[order], labels[order]
        new = (np.diff(keys, prepend=-1) != 0) | (np.diff(labels, prepend=-1) != 0)
        first = np.flatnonzero(new)
        tops = np.maximum.reduceat(points[order, 2], first) if len(first) else np.zeros(0)
        return Surface(morton.decode(keys[first]), labels[first], tops)


@lru_cache(maxsize=8)
def _thinned(camera: Pinhole, every: int) -> Pinhole:
    left, top = _first(camera.width, every), _first(camera.height, every)
    return Pinhole(
        len(range(left, camera.width, every)),
        len(range(top, camera.height, every)),
        camera.fx / every,
        camera.fy / every,
        0.5 + (camera.cx - left - 0.5) / every,
        0.5 + (camera.cy - top - 0.5) / every,
    )


def _first(size: int, every: int) -> int:
    return min(every // 2, (size - 1) // 2)
