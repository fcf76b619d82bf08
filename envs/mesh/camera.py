"""Cameras: where they sit on a body, and which ray goes through which pixel."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from placecell.arrays import Depth, Ids, Rgb, Transform
from placecell.errors import ConfigError
from placecell.geometry import CAMERA_AXES_IN_BODY, Pinhole, Pose, tilt

_MOST_PIXELS = 8192


@dataclass(frozen=True)
class Camera:
    """A camera on a body; an agent may carry several, told apart by ``name``.

    Args:
        name: its key in what is observed.
        width: columns.
        height: rows.
        hfov_deg: horizontal field of view, pinhole only (an equirectangular camera always sees 360 x 180).
        height_m: above the feet.
        forward_m: ahead of the feet.
        left_m: to the left of the feet.
        yaw_deg: turned to the left, relative to the body.
        pitch_deg: tilted up, relative to the head.
        kind: ``"pinhole"``, or ``"equirectangular"``: column 0 looks backwards, turning right with the
            columns, the middle one ahead; row 0 looks up.
        min_depth_m: nearer surfaces have depth 0 (no return), as for a real sensor; colour sees them.
        max_depth_m: farther surfaces have depth 0.

    Raises:
        ConfigError: a size, field of view, kind or depth range that no camera has.
    """

    name: str = "front"
    width: int = 128
    height: int = 128
    hfov_deg: float = 79.0
    height_m: float = 0.88
    forward_m: float = 0.0
    left_m: float = 0.0
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    kind: str = "pinhole"
    min_depth_m: float = 0.0
    max_depth_m: float = math.inf

    def __post_init__(self) -> None:
        where = f"camera {self.name!r}"
        if self.kind not in ("pinhole", "equirectangular"):
            raise _bad(f"a known kind of {where}", repr(self.kind), "choose pinhole or equirectangular")
        if not (1 <= self.width <= _MOST_PIXELS and 1 <= self.height <= _MOST_PIXELS):
            expected = f"{where} of 1 x 1 to {_MOST_PIXELS} x {_MOST_PIXELS} pixels"
            raise _bad(expected, f"{self.width} x {self.height}", "set both sizes")
        if self.kind == "pinhole" and not 0 < self.hfov_deg < 180:
            fix = "set hfov_deg to 79 or 90, or kind to equirectangular for all around"
            raise _bad(f"hfov_deg of {where} between 0 and 180", f"{self.hfov_deg:g}", fix)
        if not 0 <= self.min_depth_m < self.max_depth_m:
            came = f"min_depth_m {self.min_depth_m:g}, max_depth_m {self.max_depth_m:g}"
            raise _bad(f"0 <= min_depth_m < max_depth_m for {where}", came, "swap or correct them")

    def pinhole(self) -> Pinhole:
        """The ideal camera that images of this one are projected with.

        Raises:
            ConfigError: it is equirectangular.
        """
        if self.kind != "pinhole":
            raise _bad(f"camera {self.name!r} to be a pinhole", self.kind, "use a pinhole camera here")
        return Pinhole.from_hfov(self.width, self.height, math.radians(self.hfov_deg))

    def T_world_camera(self, pose: Pose) -> Transform:
        """Camera to world on a body that stands at ``pose``: its head's pitch, then the camera's own turns.

        Without offsets this is ``pose.T_world_camera(height_m)``.
        """
        T_body_camera = np.eye(4)
        own = _yaw(math.radians(self.yaw_deg)) @ tilt(math.radians(self.pitch_deg))
        T_body_camera[:3, :3] = tilt(pose.pitch_rad) @ own @ CAMERA_AXES_IN_BODY
        T_body_camera[:3, 3] = self.forward_m, self.left_m, self.height_m
        return pose.T_world_body() @ T_body_camera

    def ray_tables(self) -> tuple[Float64[np.ndarray, "w 2"], Float64[np.ndarray, "h 2"]]:
        """Rays as a product: pixel (row, column) looks along (s * x, y, s * z) in the camera frame.

        Returns:
            ``(x, z)`` of each column and ``(y, s)`` of each row. A pinhole's rays have z = 1, so that a
            distance in their lengths is planar depth; an equirectangular camera's are unit vectors.
        """
        if self.kind == "pinhole":
            camera = self.pinhole()
            x = (np.arange(self.width) + 0.5 - camera.cx) / camera.fx
            y = (np.arange(self.height) + 0.5 - camera.cy) / camera.fy
            return np.stack([x, np.ones_like(x)], -1), np.stack([y, np.ones_like(y)], -1)
        longitude = (np.arange(self.width) + 0.5) / self.width * 2 * math.pi - math.pi
        latitude = math.pi / 2 - (np.arange(self.height) + 0.5) / self.height * math.pi
        columns = np.stack([np.sin(longitude), np.cos(longitude)], -1)
        return columns, np.stack([-np.sin(latitude), np.cos(latitude)], -1)


@dataclass(frozen=True, eq=False)
class Image:
    """What a camera saw.

    Args:
        rgb: (h, w, 3) uint8, black where nothing was hit.
        depth: (h, w) float32 metres, 0 = no return: planar (z of the camera frame) for a pinhole, distance
            along the ray for an equirectangular camera.
        instance: (h, w) int32 instance ids, 0 none.
        category: (h, w) int32 category ids, 0 none.
    """

    rgb: Rgb
    depth: Depth
    instance: Ids
    category: Ids


def _yaw(angle_rad: float) -> np.ndarray:
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _bad(expected: str, came: str, fix: str) -> ConfigError:
    return ConfigError(expected=expected, came=came, fix=fix)
