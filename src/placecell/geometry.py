"""Poses, the pinhole camera and the conversions at our boundary.

World frame: right-handed, x east, y north, z up, metres. Camera frame (OpenCV): x right, y down, z forward.
Body frame: x forward, y left, z up. ``yaw_rad`` is counter-clockwise about z, 0 looks along +x;
``pitch_rad`` is positive when looking up. ``T_a_b`` maps points of frame b to frame a.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from placecell.arrays import Depth, Transform
from placecell.errors import FrameError

CAMERA_AXES_IN_BODY = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


@dataclass(frozen=True)
class Pose:
    """Where a body stands: its feet ``(x, y, z)`` in metres, its yaw, and the pitch of its head."""

    x: float
    y: float
    z: float
    yaw_rad: float
    pitch_rad: float = 0.0

    @property
    def position(self) -> Float[np.ndarray, "3"]:
        """The feet, float64 ``(3,)``, world frame."""
        return np.array([self.x, self.y, self.z])

    def T_world_body(self) -> Transform:
        """Body to world: x forward, y left, z up, the origin at the feet. Pitch is the head's alone."""
        c, s = math.cos(self.yaw_rad), math.sin(self.yaw_rad)
        return np.array([[c, -s, 0, self.x], [s, c, 0, self.y], [0, 0, 1, self.z], [0, 0, 0, 1]])

    def T_world_camera(self, height_m: float) -> Transform:
        """Camera to world for a camera ``height_m`` above the feet, tilted by ``pitch_rad``."""
        T_body_camera = np.eye(4)
        T_body_camera[:3, :3] = tilt(self.pitch_rad) @ CAMERA_AXES_IN_BODY
        T_body_camera[2, 3] = height_m
        return self.T_world_body() @ T_body_camera


@dataclass(frozen=True)
class Pinhole:
    """An ideal camera. Pixel (row 0, column 0) is centred at (u, v) = (0.5, 0.5); lengths in pixels."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    _rays: list[np.ndarray] = field(default_factory=list, init=False, repr=False, compare=False)

    @classmethod
    def from_hfov(cls, width: int, height: int, hfov_rad: float) -> "Pinhole":
        """Square pixels, principal point in the middle, horizontal field of view in radians."""
        if not 0 < hfov_rad < math.pi:
            raise FrameError(
                expected="a horizontal field of view between 0 and 180 degrees",
                came=f"{math.degrees(hfov_rad):g} degrees",
                fix="set hfov to 79 or 90, or use an equirectangular camera for wider views",
            )
        f = width / 2 / math.tan(hfov_rad / 2)
        return cls(width, height, f, f, width / 2, height / 2)

    def rays(self) -> Float[np.ndarray, "h w 3"]:
        """Direction through each pixel's centre, camera frame, scaled to z = 1 (read-only, cached)."""
        if not self._rays:
            x = (np.arange(self.width) + 0.5 - self.cx) / self.fx
            y = (np.arange(self.height) + 0.5 - self.cy) / self.fy
            rays = np.stack([*np.meshgrid(x, y), np.ones((self.height, self.width))], -1)
            rays.flags.writeable = False
            self._rays.append(rays)
        return self._rays[0]

    def backproject(self, depth: Depth) -> Float[np.ndarray, "h w 3"]:
        """Camera-frame points of a planar depth image in metres (0 = no return gives the origin)."""
        return self.rays() * depth[..., None]

    def project(self, points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 2"]:
        """Pixel coordinates (u, v) of camera-frame points with z > 0; others give NaN."""
        z = np.where(points[..., 2] > 0, points[..., 2], np.nan)
        u = self.fx * points[..., 0] / z + self.cx
        v = self.fy * points[..., 1] / z + self.cy
        return np.stack([u, v], -1)


def tilt(angle_rad: float) -> Float[np.ndarray, "3 3"]:
    """The rotation of a head that looks up by ``angle_rad``, body frame."""
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    return np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])


def transform(T_a_b: Transform, p_b: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """Points of frame b, in frame a."""
    return p_b @ T_a_b[:3, :3].T + T_a_b[:3, 3]


def invert(T_a_b: Transform) -> Transform:
    """The inverse of a rigid transform: ``T_b_a``."""
    T_b_a = np.eye(4)
    T_b_a[:3, :3] = T_a_b[:3, :3].T
    T_b_a[:3, 3] = -T_a_b[:3, :3].T @ T_a_b[:3, 3]
    return T_b_a


def require_rigid(T: Float[np.ndarray, "r c"], name: str = "T_world_camera", tolerance: float = 1e-4) -> None:
    """Raises :class:`FrameError` unless ``T`` is a finite 4x4 rotation and translation."""
    rigid = (
        T.shape == (4, 4)
        and bool(np.isfinite(T).all())
        and bool(np.allclose(T[3], [0, 0, 0, 1]))
        and bool(np.allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=tolerance))
        and float(np.linalg.det(T[:3, :3])) > 0
    )
    if not rigid:
        raise FrameError(
            expected=f"{name} to be a rigid 4x4 transform",
            came=f"shape {T.shape}, values {np.array2string(T, precision=3).replace(chr(10), ' ')}",
            fix="pass a rotation (orthonormal, determinant 1), a finite translation and the last row 0 0 0 1",
        )


def wrap_angle(angle_rad: float) -> float:
    """The same angle in [-pi, pi).

    >>> wrap_angle(3 * math.pi)
    -3.141592653589793
    """
    return (angle_rad + math.pi) % (2 * math.pi) - math.pi


def z_up_from_y_up(p: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """Points of a y-up frame (glTF, Habitat: forward is -z) in ours (forward -z becomes north, +y)."""
    return np.stack([p[..., 0], -p[..., 2], p[..., 1]], -1)


def y_up_from_z_up(p: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """The inverse of :func:`z_up_from_y_up`."""
    return np.stack([p[..., 0], p[..., 2], -p[..., 1]], -1)


def yaw_from_habitat(rotation_xyzw: Float[np.ndarray, "4"]) -> float:
    """Our yaw of a Habitat body rotation (quaternion x, y, z, w about its y axis; 0 looks along -z)."""
    x, y, z, w = rotation_xyzw
    forward_x, forward_z = -2 * (x * z + w * y), -(1 - 2 * (x * x + y * y))
    return math.atan2(-forward_z, forward_x)


def habitat_from_yaw(yaw_rad: float) -> Float[np.ndarray, "4"]:
    """The inverse of :func:`yaw_from_habitat`."""
    half = (yaw_rad - math.pi / 2) / 2
    return np.array([0.0, math.sin(half), 0.0, math.cos(half)])
