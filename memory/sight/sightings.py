"""What one frame shows of things: its connected patches of one label, each with where it is and how large."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64

from placecell.arrays import Point

from ..frame import Frame
from ..recall.objects import GAP_M
from .embedding_widths import require_finite
from .intake import Intake, Surface
from .look_kernel import look
from .patch_kernel import group_patches


@dataclass(frozen=True)
class Patches:
    """The patches of a frame's voxels, in order of their first voxels.

    Args:
        numbers: (n,) the patch of each voxel.
        positions: (p, 3) the mean of each patch's voxel centres, metres, world frame.
        labels: (p,) what each is; 0 = nothing known.
        counts: (p,) its voxels.
    """

    numbers: Int64[np.ndarray, " n"]
    positions: Float64[np.ndarray, "p 3"]
    labels: Int64[np.ndarray, " p"]
    counts: Int64[np.ndarray, " p"]


@dataclass(frozen=True)
class Sighting:
    """One patch of one label in one frame.

    Args:
        position: (3,) the mean of its voxels' centres, metres, world frame.
        label: its category id; 0 = nothing known.
        voxel_keys: (n,) their Morton keys, rising.
        points: (n, 3) their centres, metres, world frame.
        embedding: (d,) float32: the mean over its pixels of the frame's patch features; without those the
            frame's embedding; None where it has neither.
    """

    position: Point
    label: int
    voxel_keys: Int64[np.ndarray, " n"]
    points: Float64[np.ndarray, "n 3"]
    embedding: Float32[np.ndarray, " d"] | None = None

    @property
    def count(self) -> int:
        """How many voxels."""
        return len(self.voxel_keys)


@dataclass(frozen=True)
class FramePatches:
    """All patches of a frame, by label and then by their first voxels.

    Args:
        labels: of each its category id; 0 = nothing known.
        widths_m: along the axis along which it is widest, from centre to centre.
        starts: one more than patches: where the voxels of each begin.
        means: (p, 3) of its voxels' centres, metres, world frame.
        keys: (n,) Morton keys, rising within a patch.
        centres: (n, 3) metres, world frame.
        embeddings: of each, or None.
    """

    labels: list[int]
    widths_m: list[float]
    starts: list[int]
    means: Float64[np.ndarray, "p 3"]
    keys: Int64[np.ndarray, " n"]
    centres: Float64[np.ndarray, "n 3"]
    embeddings: list[Float32[np.ndarray, " d"] | None]

    def __len__(self) -> int:
        return len(self.labels)

    def count(self, n: int) -> int:
        """How many voxels a patch has."""
        return self.starts[n + 1] - self.starts[n]

    def sighting(self, n: int) -> Sighting:
        """One of them."""
        own = slice(self.starts[n], self.starts[n + 1])
        return Sighting(self.means[n], self.labels[n], self.keys[own], self.centres[own], self.embeddings[n])


def patches_of(surface: Surface, voxel_size_m: float, gap_m: float = GAP_M) -> Patches:
    """Groups voxels of one label of which none is farther than ``gap_m`` from the next."""
    reach = gap_m * (1 + 1e-9) / voxel_size_m
    numbers, count = group_patches(surface.indices, surface.labels, reach)
    counts = np.bincount(numbers, minlength=count)
    centres = (surface.indices + 0.5) * voxel_size_m
    sums = [np.bincount(numbers, centres[:, axis], count) for axis in range(3)]
    labels = np.zeros(count, np.int64)
    labels[numbers] = surface.labels
    return Patches(numbers, np.column_stack(sums) / counts[:, None], labels, counts)


def sightings_of(frame: Frame, intake: Intake) -> tuple[Sighting, ...]:
    """The frame's patches, each for itself; see :func:`frame_patches`."""
    patches = frame_patches(frame, intake)
    return tuple(patches.sighting(n) for n in range(len(patches)))


def frame_patches(frame: Frame, intake: Intake) -> FramePatches:
    """The frame's patches.

    Args:
        frame: posed, with labels or without (all its surface is then of label 0).
        intake: how far the frame is thinned, the voxel size and the depths. Of coarse voxels, neighbours are
            one patch however far apart their centres are.

    Raises:
        FrameError: depth, or labels, that a frame must not have, or points beyond the range of voxels.
    """
    pixels, size = intake.look(frame), intake.voxel_size_m
    of_pixels, labels, means, widths, starts, keys, centres, whole = look(
        pixels.depth,
        pixels.labels,
        pixels.points,
        np.float32(intake.min_depth_m),
        np.float32(intake.max_depth_m),
        size,
        intake.reach_m,
        max(GAP_M, 1.75 * size) * (1 + 1e-9) / size,
    )
    if not whole:
        raise intake.beyond()
    embeddings = _embeddings(frame, intake, of_pixels, len(labels))
    return FramePatches(labels.tolist(), widths.tolist(), starts.tolist(), means, keys, centres, embeddings)


def _embeddings(
    frame: Frame, intake: Intake, of_pixels: Int64[np.ndarray, " m"], count: int
) -> list[Float32[np.ndarray, " d"] | None]:
    """Of each patch the mean of its pixels' features, or what the whole frame has."""
    if frame.features is None or count == 0:
        whole = None if frame.embedding is None else frame.embedding.astype(np.float32)
        return [whole] * count
    high, wide, width = frame.features.shape
    pixels = np.flatnonzero(of_pixels >= 0)
    v, u = intake.kept_pixels(frame.camera, pixels)
    cells = (v * high // frame.camera.height) * wide + u * wide // frame.camera.width
    shares = np.zeros((count, high * wide), np.float32)
    np.add.at(shares, (of_pixels[pixels], cells), 1.0)
    means = shares @ frame.features.reshape(-1, width).astype(np.float32)
    require_finite(means, "features")
    # Copies: whoever keeps one must not keep them all.
    return [vector.copy() for vector in means / shares.sum(1, keepdims=True)]
