"""Rays of any origin and direction against a scene."""

from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32, Int32
from numba import njit

from . import embree
from .embree import (
    DIRECTION,
    GEOMETRY,
    INSTANCE,
    INSTANCE_PRIMITIVE,
    MASK,
    ORIGIN,
    PRIMITIVE,
    RAY_FIELDS,
    RAY_ID,
    TFAR,
    EmbreeScene,
    intersect16,
)
from .scene import Scene

FAR = np.float32(1e30)


class RayCaster:
    """Casts rays at a scene's triangles, both sides of them. Safe to share between threads."""

    def __init__(self, scene: Scene) -> None:
        self._embree = EmbreeScene(scene.vertices, scene.faces)
        self._options = {coherent: embree.arguments(coherent) for coherent in (False, True)}

    def entry(self, coherent: bool) -> tuple[int, int, int]:
        """What compiled code hands to Embree: addresses of the function, the scene and its options."""
        return embree.intersect16_address(), self._embree.handle, self._options[coherent].ctypes.data

    def cast(
        self, origins: Float[np.ndarray, "n 3"], directions: Float[np.ndarray, "n 3"]
    ) -> tuple[Float32[np.ndarray, " n"], Int32[np.ndarray, " n"]]:
        """The first face that each ray hits.

        Args:
            origins: (n, 3) world frame, metres.
            directions: (n, 3) world frame, of any length but 0.

        Returns:
            Distances (n,) in lengths of ``directions`` (metres for unit directions), ``inf`` without a hit;
            and face indices (n,), -1 without a hit.
        """
        distances = np.empty(len(origins), np.float32)
        faces = np.empty(len(origins), np.int32)
        rays = (np.ascontiguousarray(array, np.float32) for array in (origins, directions))
        _cast(*self.entry(coherent=False), *rays, distances, faces)
        return distances, faces


@njit(cache=True)
@no_type_check
def packet():
    """A RTCRayHit16 and its lane mask: (floats, the same as ints, mask, their two addresses).

    What stays zero: rays start at their origin, at time 0, without flags.
    """
    block = np.zeros((RAY_FIELDS + 1) * 16 + 16, np.float32)
    skip = (-block.ctypes.data % 64) // 4
    floats = block[skip : skip + RAY_FIELDS * 16]
    valid = block[skip + RAY_FIELDS * 16 : skip + (RAY_FIELDS + 1) * 16].view(np.int32)
    valid[:] = -1
    ints = floats.view(np.int32)
    ints[MASK * 16 : RAY_ID * 16] = -1
    return floats, ints, valid, floats.ctypes.data, valid.ctypes.data


@njit(cache=True)
@no_type_check
def arm(floats, ints, lane):
    """Makes a lane ready for its next ray: as far as it goes, nothing hit."""
    floats[TFAR * 16 + lane] = FAR
    ints[GEOMETRY * 16 + lane] = -1
    ints[INSTANCE * 16 + lane] = -1
    ints[INSTANCE_PRIMITIVE * 16 + lane] = -1


@njit(cache=True, nogil=True)
@no_type_check
def _cast(function, scene, options, origins, directions, distances, faces):
    floats, ints, valid, rays, mask = packet()
    n = len(origins)
    for first in range(0, n, 16):
        for lane in range(16):
            i = min(first + lane, n - 1)
            for axis in range(3):
                floats[(ORIGIN + axis) * 16 + lane] = origins[i, axis]
                floats[(DIRECTION + axis) * 16 + lane] = directions[i, axis]
            valid[lane] = -1 if first + lane < n else 0
            arm(floats, ints, lane)
        intersect16(function, mask, scene, rays, options)
        for lane in range(min(16, n - first)):
            hit = ints[GEOMETRY * 16 + lane] != -1
            distances[first + lane] = floats[TFAR * 16 + lane] if hit else np.inf
            faces[first + lane] = ints[PRIMITIVE * 16 + lane] if hit else -1
