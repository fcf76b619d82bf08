"""A walk through a hall with pillars, as depth frames: made by formula, one frame at a time.

The hall is a box with round pillars on a grid; the camera walks along the walls, looks about and nods.
Depth has 1 cm of noise along the ray, so that a wall, as real ones do, fills more than
one layer of 5 cm voxels.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from placecell.arrays import Transform, generator
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame

VOXEL_M = 0.05
MAX_DEPTH_M = 10.0
SIZE_M = (21.0, 18.0, 3.0)
CAMERA = Pinhole.from_hfov(640, 480, np.radians(79.0))
_PILLAR_M, _PILLAR_EVERY_M = 1.9, 5.5
_NOISE_M, _EYE_M = 0.01, 1.6
_STEPS_A_LAP = 100
_PATCHES, _WIDTH = (26, 34), 256


@dataclass(frozen=True)
class View:
    """One step of the walk.

    Args:
        T_world_camera: the camera's pose.
        depth: (480, 640) metres, 0 beyond ``MAX_DEPTH_M``.
        surface: (480, 640) what each pixel shows: 1 floor, 2 ceiling, 3 wall, 4 pillar; 0 nothing.
    """

    T_world_camera: Transform
    depth: Float32[np.ndarray, "h w"]
    surface: np.ndarray

    def frame(self, step: int, *, painted: bool = False, features: bool = False) -> Frame:
        """The view as a memory takes it.

        Args:
            step: its time.
            painted: with colours and labels.
            features: with 256 numbers for each of 26 x 34 patches.
        """
        rng = generator(step, "memory bench, paint")
        shape = (*_PATCHES, _WIDTH)
        return Frame(
            self.T_world_camera,
            CAMERA,
            self.depth,
            rng.integers(0, 256, (*self.depth.shape, 3), dtype=np.uint8) if painted else None,
            self.surface if painted else None,
            step=step,
            features=rng.standard_normal(shape, dtype=np.float32) if features else None,
        )

    def points(self) -> Float32[np.ndarray, "n 3"]:
        """(n, 3) where its pixels end, world frame: what a map is given that knows no cameras."""
        ends = CAMERA.backproject(self.depth)[self.depth > 0]
        points = _turned(self.T_world_camera, ends) + self.T_world_camera[:3, 3]
        return np.ascontiguousarray(points, np.float32)


def walk(end: int, start: int = 0) -> Iterator[View]:
    """The views of the steps in [start, end); a lap is 100 steps, one metre or less apart."""
    rays = CAMERA.rays()
    for step in range(start, end):
        T = _pose(step)
        depth, surface = _depth(T, rays)
        rng = generator(step, "memory bench, hall")
        noisy = depth + _NOISE_M * rng.standard_normal(depth.shape, dtype=np.float32)
        near = (depth > 0) & (noisy < MAX_DEPTH_M)
        yield View(T, np.where(near, noisy, np.float32(0)), np.where(near, surface, 0))


def _pose(step: float) -> Transform:
    """Along the walls, between them and the pillars, looking about and nodding."""
    aisle = (_PILLAR_EVERY_M - _PILLAR_M) / 2
    corners = np.array([[aisle, aisle], [-aisle, aisle], [-aisle, -aisle], [aisle, -aisle], [aisle, aisle]])
    corners += np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]) * SIZE_M[:2]
    lengths = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    at = np.concatenate([[0.0], np.cumsum(lengths)]) / lengths.sum()
    lap = step / _STEPS_A_LAP % 1.0
    x, y = (np.interp(lap, at, corners[:, axis]) for axis in range(2))
    ahead = np.pi / 2 * (np.searchsorted(at, lap, side="right") - 1)
    yaw = ahead + 1.2 * np.sin(step * 0.9)
    return Pose(x, y, 0.0, float(yaw), float(0.35 * np.sin(step * 0.37))).T_world_camera(_EYE_M)


def _turned(T_world_camera: Transform, vectors: Float64[np.ndarray, "*n 3"]) -> Float64[np.ndarray, "*n 3"]:
    """Directions of the camera, in the world.

    No matrix product: threads of a BLAS that wait for the next one would count as what is measured next.
    """
    turned: Float64[np.ndarray, "*n 3"] = np.einsum("ij,...j->...i", T_world_camera[:3, :3], vectors)
    return turned


def _depth(
    T_world_camera: Transform, rays: Float64[np.ndarray, "h w 3"]
) -> tuple[Float32[np.ndarray, "h w"], np.ndarray]:
    """Planar depth and what is seen; 0 where nothing is nearer than the limit."""
    directions = _turned(T_world_camera, rays).astype(np.float32)
    origin = T_world_camera[:3, 3].astype(np.float32)
    depth = np.full(rays.shape[:2], np.inf, np.float32)
    surface = np.zeros(rays.shape[:2], np.int32)
    with np.errstate(divide="ignore"):
        for axis, far in enumerate(SIZE_M):
            ahead = directions[..., axis] > 0
            reach = (np.where(ahead, np.float32(far), np.float32(0)) - origin[axis]) / directions[..., axis]
            nearer = reach < depth
            depth[nearer] = reach[nearer]
            surface[nearer] = 3 if axis < 2 else np.where(ahead[nearer], 2, 1)
    for pillar in _pillars(origin):
        see_cylinder(pillar - origin[:2], _PILLAR_M, 4, directions, depth, surface)
    beyond = depth >= MAX_DEPTH_M
    depth[beyond], surface[beyond] = 0, 0
    return depth, surface


def _pillars(origin: Float32[np.ndarray, "3"]) -> Float32[np.ndarray, "n 2"]:
    """The axes of the pillars that may be seen from here."""
    x, y = (np.arange(_PILLAR_EVERY_M, far - 1.0, _PILLAR_EVERY_M, dtype=np.float32) for far in SIZE_M[:2])
    axes = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    return axes[np.linalg.norm(axes - origin[:2], axis=1) < MAX_DEPTH_M * 1.3]


def see_cylinder(
    axis: Float32[np.ndarray, "2"],
    radius_m: float,
    label: int,
    directions: Float32[np.ndarray, "h w 3"],
    depth: np.ndarray,
    labels: np.ndarray,
) -> None:
    """Enters an upright cylinder, its axis seen from the camera: a ray meets a circle on the floor plan."""
    x, y = directions[..., 0], directions[..., 1]
    along, length = x * axis[0] + y * axis[1], x * x + y * y
    inside = along * along - length * (axis @ axis - np.float32(radius_m**2))
    rows, columns = np.nonzero((inside > 0) & (along > 0))
    reach = (along[rows, columns] - np.sqrt(inside[rows, columns])) / length[rows, columns]
    nearer = (reach > 0) & (reach < depth[rows, columns])
    depth[rows[nearer], columns[nearer]] = reach[nearer]
    labels[rows[nearer], columns[nearer]] = label
