"""Objects around a panorama as a frame that any memory takes: what a camera high above would see of them.

A pinhole camera sees no more than half of what is around it, so it looks straight down from ``LOOKOUT_M``
above the panorama's camera; each object is a few pixels with its depth and its label, all others have no
return. The image is small enough that no memory thins it. Where a memory keeps the place of a frame, it is
the lookout's.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float64

from placecell.arrays import Point
from placecell.geometry import Pinhole, Pose, invert, transform
from placecell.memory import Frame

LOOKOUT_M = 3.0
SIDE = 48
"""Pixels: the widest image that a spatial memory looks at whole."""
NOTHING_SEEN = None

_NEAREST_M = 0.3
_NARROWEST = 1.0  # half the image, in units of depth: two pixels are then two voxels of 0.1 m
_MARGIN = 2


def frame_of_objects(
    pose: Pose,
    objects: Sequence[tuple[Point, int]] | None,
    *,
    step: int,
    embedding: Float[np.ndarray, " d"] | None = None,
) -> Frame:
    """The frame of a panorama.

    Args:
        pose: of its camera.
        objects: positions, metres, in the frame of the pose, and category ids; ``NOTHING_SEEN`` where
            the world has no labels: the frame is then one empty pixel at the panorama itself.
        step: when.
        embedding: of the panorama, or None.
    """
    if objects is None:
        return Frame(
            pose.T_world_camera(0.0), Pinhole(1, 1, 1.0, 1.0, 0.5, 0.5), np.zeros((1, 1), np.float32),
            step=step, embedding=embedding,
        )  # fmt: skip
    T_world_camera = Pose(pose.x, pose.y, pose.z, pose.yaw_rad, -math.pi / 2).T_world_camera(LOOKOUT_M)
    depth, labels = np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.int32)
    focal = 1.0
    if objects:
        places = transform(invert(T_world_camera), np.array([place for place, _ in objects], np.float64))
        below = places[:, 2] > _NEAREST_M
        places, kinds = places[below], np.array([kind for _, kind in objects])[below]
        slopes = places[:, :2] / places[:, 2:]
        focal = (SIDE / 2 - _MARGIN) / float(np.abs(slopes).max(initial=_NARROWEST))
        # The lowest first, so that what stands on a thing is painted beside it, not over it.
        for n in np.argsort(-places[:, 2], kind="stable"):
            _paint(depth, labels, slopes[n] * focal + SIDE / 2, float(places[n, 2]), int(kinds[n]))
    camera = Pinhole(SIDE, SIDE, focal, focal, SIDE / 2, SIDE / 2)
    return Frame(T_world_camera, camera, depth, labels=labels, step=step, embedding=embedding)


def _paint(
    depth: np.ndarray, labels: np.ndarray, at: Float64[np.ndarray, "2"], depth_m: float, kind: int
) -> None:
    """The four pixels around a point; those taken already stay, and where all are, the nearest free one."""
    column, row = (int(c) for c in np.rint(at))
    block = (slice(row - 1, row + 1), slice(column - 1, column + 1))
    free = depth[block] == 0
    if free.any():
        depth[block], labels[block] = (
            np.where(free, depth_m, depth[block]),
            np.where(free, kind, labels[block]),
        )
        return
    rows, columns = np.nonzero(depth == 0)
    nearest = int(np.hypot(rows + 0.5 - at[1], columns + 0.5 - at[0]).argmin())
    depth[rows[nearest], columns[nearest]] = depth_m
    labels[rows[nearest], columns[nearest]] = kind
