"""Images of a scene: rays in packets of 4 x 4 pixels, shaded where they land."""

from typing import no_type_check

import numpy as np
from numba import njit

from placecell.arrays import Transform
from placecell.geometry import require_rigid

from .camera import Camera, Image
from .embree import DIRECTION, ORIGIN, intersect16
from .raycast import RayCaster, arm, packet
from .scene import Scene
from .shading import pack_faces, pack_textures, shade_packet


class Renderer:
    """Renders a scene without display or GPU. Safe to share between threads; they run in parallel.

    Surfaces are opaque and seen from both sides. Colours are the file's own values times a fixed light
    (:func:`placecell.envs.mesh.shading.light`), not colour managed.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.rays = RayCaster(scene)
        self._faces = pack_faces(scene)
        self._ints = self._faces.view(np.uint32)
        self._texels = pack_textures(scene)
        self._tables: dict[Camera, tuple[np.ndarray, np.ndarray]] = {}

    def render(self, camera: Camera, T_world_camera: Transform) -> Image:
        """Colour, depth and ids in one pass; fresh arrays every call.

        Args:
            camera: the sensor.
            T_world_camera: (4, 4) camera points to world points.

        Raises:
            FrameError: ``T_world_camera`` is no rigid transform.
        """
        tables = self._tables.get(camera)
        if tables is None:
            tables = self._tables[camera] = camera.ray_tables()
        size = (camera.height, camera.width)
        rgb = np.empty((*size, 3), np.uint8)
        depth = np.empty(size, np.float32)
        instance, category = np.empty(size, np.int32), np.empty(size, np.int32)
        limits = (np.float32(camera.min_depth_m), np.float32(camera.max_depth_m))
        entry, looks = self.rays.entry(coherent=True), (self._faces, self._ints, self._texels)
        pose = np.ascontiguousarray(T_world_camera, np.float64)
        if not _render(*entry, *looks, pose, *tables, *limits, (rgb, depth), (instance, category)):
            require_rigid(pose)
        return Image(rgb, depth, instance, category)


@njit(cache=True)
@no_type_check
def _rigid(T):
    """Whether the upper 3 x 4 of T is a finite rotation and translation (cheaper than the checked path)."""
    worst = 0.0
    for i in range(3):
        for j in range(3):
            product = T[i, 0] * T[j, 0] + T[i, 1] * T[j, 1] + T[i, 2] * T[j, 2]
            worst = max(worst, abs(product - (1.0 if i == j else 0.0)))
    across = T[0, 0] * (T[1, 1] * T[2, 2] - T[1, 2] * T[2, 1])
    across -= T[0, 1] * (T[1, 0] * T[2, 2] - T[1, 2] * T[2, 0])
    across += T[0, 2] * (T[1, 0] * T[2, 1] - T[1, 1] * T[2, 0])
    return worst < 1e-4 and across > 0 and np.isfinite(T[:3, 3].sum())


@njit(cache=True)
@no_type_check
def _directions(T, columns, rows):
    """World directions as ``s * along[column] + across[row]``: (w, 3), (h, 3) and (h,) float32."""
    along = np.empty((len(columns), 3), np.float32)
    across = np.empty((len(rows), 3), np.float32)
    scale = np.empty(len(rows), np.float32)
    for i in range(len(columns)):
        for axis in range(3):
            along[i, axis] = T[axis, 0] * columns[i, 0] + T[axis, 2] * columns[i, 1]
    for i in range(len(rows)):
        scale[i] = rows[i, 1]
        for axis in range(3):
            across[i, axis] = T[axis, 1] * rows[i, 0]
    return along, across, scale


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
@no_type_check
def _render(function, scene, options, faces, face_ints, texels, T, columns, rows, near, far, image, ids):
    if not _rigid(T):
        return False
    height, width = image[1].shape
    along, across, scale = _directions(T, columns, rows)
    floats, ints, _, rays, mask = packet()
    for lane in range(16):
        for axis in range(3):
            floats[(ORIGIN + axis) * 16 + lane] = T[axis, 3]
    for top in range(0, height, 4):
        for left in range(0, width, 4):
            for lane in range(16):
                # Lanes past the edge repeat the last pixel: a full packet is the fast one.
                y, x = min(top + (lane >> 2), height - 1), min(left + (lane & 3), width - 1)
                for axis in range(3):
                    floats[(DIRECTION + axis) * 16 + lane] = scale[y] * along[x, axis] + across[y, axis]
                arm(floats, ints, lane)
            intersect16(function, mask, scene, rays, options)
            shade_packet(floats, ints, faces, face_ints, texels, image, ids, near, far, top, left)
    return True
