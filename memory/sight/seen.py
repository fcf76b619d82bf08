"""What one frame shows to a graph and to a short-term memory: the view, things, and where one could go on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

from placecell.arrays import Points

from .. import morton
from ..archive import damaged
from ..frame import Frame
from .descriptor import descriptor_of
from .intake import Intake
from .sightings import Sighting, frame_patches

WIDTH = 48
"""Frames are thinned to at most so many pixels across."""
WIDEST_M, WIDE_SHARE = 3.0, 8
"""A label is floor, wall or ground if one frame in so many shows a patch of it that is wider than this."""
FEWEST = 2
"""Voxels of a patch that may be a thing; one alone is mostly a label gone astray."""
EXIT_M = 2.0
"""How far ahead of the camera an exit is noted."""
_CLEAR_M = 0.5
_COLUMNS = np.array([1, 3, 5, 7]) / 8
_LEVEL = 0.1


@dataclass(frozen=True)
class Seen:
    """What a frame shows.

    Args:
        descriptor: (d,) unit vector of the whole view, or None where it shows nothing.
        things: labelled patches of ``FEWEST`` voxels or more, of labels that are no surroundings.
        exits: (n, 3) points at the camera's height, metres, world frame, to which the view is clear.
        voxel_keys: of the voxel in which the camera is.
        spreads: what is known of labels' widths after this frame.
    """

    descriptor: Float32[np.ndarray, " d"] | None
    things: tuple[Sighting, ...]
    exits: Points
    voxel_keys: Int64[np.ndarray, " v"]
    spreads: "Spreads"


@dataclass(frozen=True)
class Spreads:
    """In how many frames each label was seen, and in how many of those a patch of it was wide.

    A label of which one frame in ``WIDE_SHARE`` shows a patch of more than ``WIDEST_M`` along an axis is
    floor, wall or ground: none of its patches is a thing that could be a landmark.
    """

    counts: Mapping[int, tuple[int, int]]

    def after(self, widths: Mapping[int, float]) -> "Spreads":
        """Once a frame was taken in that shows these labels, the widest patch of each so many metres wide."""
        counts = dict(self.counts)
        for label, width_m in widths.items():
            seen, wide = counts.get(label, (0, 0))
            counts[label] = seen + 1, wide + (width_m > WIDEST_M)
        return Spreads(counts)

    def plus(self, other: "Spreads") -> "Spreads":
        """The sums of both."""
        counts = dict(self.counts)
        for label, (seen, wide) in other.counts.items():
            own = counts.get(label, (0, 0))
            counts[label] = own[0] + seen, own[1] + wide
        return Spreads(counts)

    def surrounds(self, label: int) -> bool:
        """Whether this is what the agent is in, not a thing."""
        seen, wide = self.counts.get(label, (0, 0))
        return wide * WIDE_SHARE >= max(seen, 1)

    def array(self) -> Int64[np.ndarray, "n 3"]:
        """Label, frames and wide ones, by label."""
        rows = [(label, *counts) for label, counts in sorted(self.counts.items())]
        return np.array(rows, np.int64).reshape(-1, 3)

    @staticmethod
    def read(arrays: Mapping[str, np.ndarray], name: str) -> "Spreads":
        """What :meth:`array` gave, of an archive's arrays.

        Raises:
            ArchiveError: it is missing, or no counts of labels.
        """
        rows = arrays.get(name, np.zeros(0))
        if rows.dtype != np.int64 or rows.ndim != 2 or rows.shape[1] != 3:
            raise damaged(f"{name} of int64 (n, 3)", f"{rows.dtype} {rows.shape}")
        if not bool(((rows[:, 0] > 0) & (rows[:, 2] >= 0) & (rows[:, 2] <= rows[:, 1])).all()):
            raise damaged(f"{name} of labels and counts", "others")
        return Spreads({label: (seen, wide) for label, seen, wide in rows.tolist()})


NO_SPREADS = Spreads({})


def seen_in(frame: Frame, intake: Intake, spreads: Spreads = NO_SPREADS) -> Seen:
    """What a frame shows.

    Args:
        frame: posed, with labels or without.
        intake: how far it is thinned, the voxel size and the depths.
        spreads: what earlier frames have shown of labels.

    Raises:
        FrameError: depth, labels or features that a frame must not have, or points beyond the voxels' range.
    """
    patches = frame_patches(frame, intake)
    chosen = [n for n, label in enumerate(patches.labels) if label > 0 and patches.count(n) >= FEWEST]
    widest: dict[int, float] = {}
    for n in chosen:
        label = patches.labels[n]
        widest[label] = max(patches.widths_m[n], widest.get(label, 0.0))
    spreads = spreads.after(widest)
    camera = frame.T_world_camera[:3, 3].astype(np.float64)
    own = np.floor(camera / intake.voxel_size_m)
    held = bool((np.abs(own) < morton.SIGN_OFFSET).all())
    return Seen(
        descriptor_of(frame),
        tuple(patches.sighting(n) for n in chosen if not spreads.surrounds(patches.labels[n])),
        exits_of(frame),
        morton.encode(own.astype(np.int64)[None]) if held else np.zeros(0, np.int64),
        spreads,
    )


def exits_of(frame: Frame) -> Points:
    """(n, 3) points ``EXIT_M`` ahead, at the camera's height, where the image's columns are clear so far."""
    columns = (_COLUMNS * frame.camera.width).astype(np.int64)
    R_world_camera = frame.T_world_camera[:3, :3].astype(np.float64)
    local = np.ascontiguousarray(frame.camera.rays()[:, columns]).reshape(-1, 3)
    rays = (local @ R_world_camera.T).reshape(-1, len(columns), 3)
    # The pixel of each column that looks most level; over the ground a ray's length is never 0 there.
    ground = np.maximum(np.sqrt(rays[..., 0] ** 2 + rays[..., 1] ** 2), 1e-9)
    slope = np.abs(rays[..., 2]) / ground
    rows, each = slope.argmin(0), np.arange(len(columns))
    reach = frame.depth[rows, columns] * ground[rows, each]
    clear = (slope[rows, each] <= _LEVEL) & (reach >= EXIT_M + _CLEAR_M)
    ahead = rays[rows, each, :2] / ground[rows, each][:, None]
    points = np.tile(frame.T_world_camera[:3, 3].astype(np.float64), (len(columns), 1))
    points[:, :2] += EXIT_M * ahead
    return points[clear]
