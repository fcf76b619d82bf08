"""Where objects of a map are in a frame: by its own depth, so that what hides them hides them here."""

import numpy as np
from jaxtyping import Int32, Int64

from placecell.geometry import transform

from .. import morton
from ..frame import Frame

IdImage = Int32[np.ndarray, "h w"]


def object_image(
    frame: Frame, keys: Int64[np.ndarray, " n"], ids: Int32[np.ndarray, " n"], voxel_size_m: float
) -> tuple[IdImage, Int64[np.ndarray, "h w"]]:
    """Which object each pixel shows: the one whose voxel the pixel's surface point lies in.

    A voxel that something nearer hides has no pixel whose depth ends in it: projection and occlusion test in
    one look-up.

    Args:
        frame: its depth, camera and pose.
        keys: Morton keys of the objects' voxels, rising.
        ids: the object of each.
        voxel_size_m: their edge.

    Returns:
        (h, w) ids, 0 where there is none, and the row of ``keys``, -1 where there is none.
    """
    image = np.zeros(frame.depth.shape, np.int32)
    rows = np.full(frame.depth.shape, -1, np.int64)
    seen = frame.depth > 0
    if len(keys) == 0 or not seen.any():
        return image, rows
    rays = frame.camera.rays()[seen]
    points = transform(frame.T_world_camera, rays * frame.depth[seen][:, None].astype(np.float64))
    indices = np.floor(points / voxel_size_m).astype(np.int64)
    # Most of a frame is walls and floors: the box of all objects leaves out what is far from any.
    corners = morton.decode(keys)
    near = ((indices >= corners.min(0)) & (indices <= corners.max(0))).all(1)
    asked = morton.encode(indices[near])
    at = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    hit = keys[at] == asked
    found = np.flatnonzero(seen)[np.flatnonzero(near)[hit]]
    image.reshape(-1)[found] = ids[at[hit]]
    rows.reshape(-1)[found] = at[hit]
    return image, rows


def inner_pixels(image: IdImage) -> np.ndarray:
    """(h, w) whether all eight neighbours of a pixel show what it shows; never at the image's edge."""
    inner = np.zeros(image.shape, bool)
    rows, columns = image.shape
    if min(rows, columns) < 3:
        return inner
    middle = image[1:-1, 1:-1]
    same = np.ones(middle.shape, bool)
    for dy in range(3):
        for dx in range(3):
            same &= image[dy : rows - 2 + dy, dx : columns - 2 + dx] == middle
    inner[1:-1, 1:-1] = same
    return inner


def mark_pixel(rows: Int64[np.ndarray, " n"], columns: Int64[np.ndarray, " n"], inner: np.ndarray) -> int:
    """Which of an object's pixels stands for it: the nearest to their mean, an inner one if there is any.

    The mean itself may lie on something else: of a table behind a chair, on the chair.
    """
    v, u = rows.mean(), columns.mean()
    away = (rows - v) ** 2 + (columns - u) ** 2
    return int(np.where(inner, away, away + (1e12 if inner.any() else 0)).argmin())
