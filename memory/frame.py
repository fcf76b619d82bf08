"""One posed RGB-D frame: what is written into a memory."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt16

from placecell.arrays import Depth, Embedding, Ids, PatchFeatures, Rgb, Transform
from placecell.errors import FrameError
from placecell.geometry import Pinhole, require_rigid

MOST_LABEL = (1 << 16) - 1
"""The largest category id that a memory takes."""


@dataclass(frozen=True)
class Frame:
    """A frame with its camera and pose.

    Args:
        T_world_camera: (4, 4) float64, camera points to world points, metres.
        camera: the pinhole that took it.
        depth: (h, w) float, planar (z of the camera frame), metres, 0 = no return.
        rgb: (h, w, 3) uint8, or None.
        labels: (h, w) integer category ids to ``MOST_LABEL``, 0 = none, or None.
        step: when it was taken, from 0; the memory's clock.
        features: (gh, gw, d) float, an encoder's vector for each of gh x gw equal patches of the image, or
            None: pixel (v, u) lies in patch (v * gh // h, u * gw // w).
        embedding: (d,) float, an encoder's vector for the whole frame, or None.

    Raises:
        FrameError: NaN, infinite or negative depth, depth that is not float (millimetres, mostly), a pose
            that is no rigid transform, no pixels, sizes that differ, labels or a step out of range, features
            or an embedding that are empty or not finite.
    """

    T_world_camera: Transform
    camera: Pinhole
    depth: Depth
    rgb: Rgb | None = None
    labels: Ids | None = None
    step: int = 0
    features: PatchFeatures | None = None
    embedding: Embedding | None = None

    def __post_init__(self) -> None:
        require_rigid(self.T_world_camera)
        self._require_sizes()
        self.require_depth()
        self.label_image()
        for name, vectors, axes in (("features", self.features, 3), ("an embedding", self.embedding, 1)):
            if vectors is not None:
                _require_vectors(name, vectors, axes)
        if not 0 <= self.step < 1 << 30:
            raise FrameError(
                expected="a step from 0 to 2**30", came=f"{self.step}", fix="count steps from the start"
            )

    def label_image(self) -> UInt16[np.ndarray, "h w"] | None:
        """The labels as memories keep them, (h, w) uint16; None where the frame has none.

        Raises:
            FrameError: a label that does not fit.
        """
        if self.labels is None:
            return None
        least, most = int(self.labels.min()), int(self.labels.max())
        if least < 0 or most > MOST_LABEL:
            raise FrameError(
                expected=f"labels from 0, which is none, to {MOST_LABEL}",
                came=f"{least if least < 0 else most}",
                fix=f"map the ids of your dataset to 0 to {MOST_LABEL}",
            )
        return np.ascontiguousarray(self.labels, np.uint16)

    def _require_sizes(self) -> None:
        size = (self.camera.height, self.camera.width)
        if min(size) < 1:
            raise FrameError(
                expected="a frame with pixels", came=f"{size[0]} x {size[1]}", fix="check the camera's size"
            )
        for name, image in (("depth", self.depth), ("rgb", self.rgb), ("labels", self.labels)):
            if image is not None and image.shape[:2] != size:
                raise FrameError(
                    expected=f"{name} of {size[0]} x {size[1]} pixels, as its camera",
                    came=f"{image.shape[0]} x {image.shape[1]}",
                    fix="resize the image, or pass the camera that took it",
                )

    def require_depth(self) -> None:
        """Raises :class:`FrameError` unless depth is in metres, finite and not negative."""
        if not np.issubdtype(self.depth.dtype, np.floating):
            raise FrameError(
                expected="depth in metres as float32",
                came=f"{self.depth.dtype}",
                fix="divide millimetres by 1000",
            )
        # NaN is neither: a comparison with it is false.
        if not (float(self.depth.min()) >= 0 and float(self.depth.max()) < math.inf):
            raise FrameError(
                expected="depth in metres, finite and not negative, 0 where nothing returned",
                came=f"{int((~np.isfinite(self.depth)).sum())} NaN or infinite and "
                f"{int((self.depth < 0).sum())} negative pixels",
                fix="set invalid pixels to 0 before writing the frame",
            )


def _require_vectors(name: str, vectors: np.ndarray, axes: int) -> None:
    shaped = vectors.ndim == axes and min(vectors.shape) > 0
    if not (shaped and np.issubdtype(vectors.dtype, np.floating)):
        raise FrameError(
            expected=f"{name} of {'(patches high, patches wide, width)' if axes == 3 else '(width,)'} floats",
            came=f"{vectors.dtype} {vectors.shape}",
            fix="pass what the encoder gave, as float32 or float16",
        )
    if not bool(np.isfinite(vectors).all()):
        raise FrameError(
            expected=f"{name} of finite numbers",
            came=f"{int((~np.isfinite(vectors)).sum())} NaN or infinite",
            fix="check the encoder's output before writing the frame",
        )
