"""What the simple memories take of a frame: fewer pixels, and the voxels in which those end."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt16

from placecell.arrays import Depth, Ids, Points, Transform
from placecell.errors import ConfigError, FrameError
from placecell.geometry import Pinhole, transform

from .. import morton
from ..frame import Frame

SETTINGS = ("width", "voxel_size_m", "max_depth_m", "min_depth_m")


@dataclass(frozen=True)
class Surface:
    """The voxels in which a frame's pixels end, once for each label that it has there.

    ``indices`` (n, 3) of the voxels, ``labels`` (n,) 0 = none, by label and then by Morton key; ``tops`` (n,)
    the height of the highest such point, metres, world frame; ``pixels`` (m,) the pixels that end somewhere,
    row by row, and ``rows`` (m,) the voxel of each.
    """

    indices: Int64[np.ndarray, "n 3"]
    labels: Int64[np.ndarray, " n"]
    tops: Float64[np.ndarray, " n"]
    pixels: Int64[np.ndarray, " m"]
    rows: Int64[np.ndarray, " m"]


@dataclass(frozen=True)
class Pixels:
    """A frame's pixels, row by row: ``depth`` (m,) metres, ``labels`` (m,) 0 = none, and ``points`` (m, 3)
    metres, world frame, which mean nothing where the depth is not trusted.
    """

    depth: Float32[np.ndarray, " m"]
    labels: UInt16[np.ndarray, " m"]
    points: Float64[np.ndarray, "m 3"]


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

    @property
    def reach_m(self) -> float:
        """How far from the origin voxels have indices."""
        return self.voxel_size_m * (morton.SIGN_OFFSET - 1)

    def beyond(self) -> FrameError:
        """The error for a point that is farther away."""
        return FrameError(
            expected=f"points within {self.reach_m:.0f} m of the origin",
            came="a camera or a point beyond",
            fix="move the world's origin closer, or use larger voxels",
        )

    def reduced(self, frame: Frame) -> Frame:
        """The frame with every n-th pixel only, and the camera that would have taken those.

        Raises:
            FrameError: depth, or labels, that a frame must not have.
        """
        frame.require_depth()  # of all pixels, also of those that are not kept
        labels = frame.label_image()
        every, pixels = self._every(frame.camera), self._pixels(frame.camera)
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
        labels = frame.label_image() if label is not None else frame.labels
        return self._surface(frame.depth, labels, frame.camera, frame.T_world_camera, label)

    def look(self, frame: Frame) -> "Pixels":
        """The pixels of the reduced frame, without making that frame.

        Raises:
            FrameError: depth, or labels, that a frame must not have.
        """
        frame.require_depth()
        labels, pixels = frame.label_image(), self._pixels(frame.camera)
        depth = frame.depth[pixels].astype(np.float32).ravel()
        rays = _thinned(frame.camera, self._every(frame.camera)).rays().reshape(-1, 3)
        local = rays * depth.astype(np.float64)[:, None]
        of_pixels = np.zeros(len(depth), np.uint16) if labels is None else labels[pixels].ravel()
        return Pixels(depth, of_pixels, transform(frame.T_world_camera.astype(np.float64), local))

    def _surface(
        self,
        depth: Depth,
        labels: Ids | UInt16[np.ndarray, "h w"] | None,
        camera: Pinhole,
        T_world_camera: Transform,
        label: int | None = None,
    ) -> Surface:
        used = (depth > self.min_depth_m) & (depth < self.max_depth_m)
        if label is not None:
            used &= False if labels is None else labels == label
        local = camera.rays()[used] * depth[used].astype(np.float64)[:, None]
        points = transform(T_world_camera.astype(np.float64), local)
        of_points = np.zeros(len(points), np.int64) if labels is None else labels[used].astype(np.int64)
        return self._by_voxel(points, of_points, np.flatnonzero(used))

    def kept_pixels(
        self, camera: Pinhole, pixels: Int64[np.ndarray, " m"]
    ) -> tuple[Int64[np.ndarray, " m"], Int64[np.ndarray, " m"]]:
        """Rows and columns, in a whole image of ``camera``, of pixels of the reduced one."""
        every, thinned = self._every(camera), _thinned(camera, self._every(camera))
        rows, columns = np.divmod(pixels, thinned.width)
        return _first(camera.height, every) + every * rows, _first(camera.width, every) + every * columns

    def _pixels(self, camera: Pinhole) -> tuple[slice, slice]:
        every = self._every(camera)
        return slice(_first(camera.height, every), None, every), slice(
            _first(camera.width, every), None, every
        )

    def _every(self, camera: Pinhole) -> int:
        return -(-max(camera.width, camera.height) // self.width)

    def _by_voxel(
        self, points: Points, labels: Int64[np.ndarray, " n"], pixels: Int64[np.ndarray, " n"]
    ) -> Surface:
        if len(points) and not float(np.abs(points).max()) < self.reach_m:
            raise self.beyond()
        keys = morton.encode(np.floor(points / self.voxel_size_m).astype(np.int64))
        order = np.lexsort((keys, labels))
        keys, labels = keys[order], labels[order]
        new = (np.diff(keys, prepend=-1) != 0) | (np.diff(labels, prepend=-1) != 0)
        first = np.flatnonzero(new)
        tops = np.maximum.reduceat(points[order, 2], first) if len(first) else np.zeros(0)
        rows = np.empty(len(keys), np.int64)
        rows[order] = np.cumsum(new) - 1
        return Surface(morton.decode(keys[first]), labels[first], tops, pixels, rows)


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
