"""Whether what is seen now agrees with what was recalled: one look at a remembered object."""

from dataclasses import dataclass

import numpy as np

from placecell.arrays import Points
from placecell.geometry import invert, transform
from placecell.memory import Frame

_MOST_POINTS = 256
_TOLERANCE_M = 0.3  # a surface this near to a remembered voxel is that voxel's, if it bears its label
_HIDES_M = 0.1  # one that lies this far before it and bears another label hides it, as a wall does
_FEWEST_SEEN, _SHARE_SEEN = 3, 0.08  # of its points that a look has to see before it says anything
_AGREE_SHARE = 0.25
_PIXELS_SHARE = 0.01  # of the image, of the category, nearer than depth can be measured


@dataclass(frozen=True)
class Look:
    """What one frame says of an object: points of it in sight, and how many of them bear its label."""

    seen: int
    agree: int

    @property
    def verdict(self) -> int:
        """1: it is there; -1: it is not, or is something else; 0: too little of it in sight."""
        if not self.seen:
            return 0
        return 1 if self.agree >= _AGREE_SHARE * self.seen else -1


def look_at(frame: Frame, points: Points, category: int, nearest_m: float, farthest_m: float) -> Look:
    """Compares a frame's labels with an object's remembered points.

    A point is in sight when it projects into the image, is between the two depths, and nothing else lies
    before it; when the pixel ends well behind it, it is seen to be gone.

    Args:
        frame: with labels.
        points: (n, 3) remembered voxels, world frame.
        category: the label they should bear.
        nearest_m, farthest_m: planar depths between which labels and depth can be trusted.

    Returns:
        The look; ``seen`` is 0 when less than 3 points, or than 8 %, are in sight.
    """
    assert frame.labels is not None
    some = points[:: max(1, len(points) // _MOST_POINTS)]
    in_camera = transform(invert(frame.T_world_camera), some)
    z = in_camera[:, 2]
    fits = (z > nearest_m) & (z < farthest_m)
    some, in_camera, z = some[fits], in_camera[fits], z[fits]
    u, v = frame.camera.project(in_camera).T
    inside = (u >= 0) & (u < frame.camera.width) & (v >= 0) & (v < frame.camera.height)
    column, row, z = u[inside].astype(int), v[inside].astype(int), z[inside]
    depth = frame.depth[row, column]
    named = (np.abs(depth - z) < _TOLERANCE_M) & (depth > 0) & (frame.labels[row, column] == category)
    in_sight = named | ((depth > 0) & (depth > z - _HIDES_M))
    seen, whole = int(in_sight.sum()), min(len(points), _MOST_POINTS)
    if seen < max(min(_FEWEST_SEEN, whole), _SHARE_SEEN * whole):
        return Look(0, 0)
    return Look(seen, int(named.sum()))


def fills_the_view(frame: Frame, category: int) -> bool:
    """Whether pixels too near for depth, or nearer than 1.5 m, bear the label: at least 1 % of the image."""
    assert frame.labels is not None
    near = (frame.labels == category) & (frame.depth < 1.5)
    return int(near.sum()) >= _PIXELS_SHARE * near.size
