"""One posed RGB-D frame: what is written into a memory."""

from dataclasses import dataclass

import numpy as np

from placecell.arrays import Depth, Ids, Rgb, Transform
from placecell.errors import FrameError
from placecell.geometry import Pinhole, require_rigid


@dataclass(frozen=True)
class Frame:
    """A frame with its camera and pose.

    Args:
        T_world_camera: (4, 4) float64, camera points to world points, metres.
        camera: the pinhole that took it.
        depth: (h, w) float, planar (z of the camera frame), metres, 0 = no return.
        rgb: (h, w, 3) uint8, or None.
        labels: (h, w) integer category ids, 0 = none, or None.
        step: when it was taken, from 0; the memory's clock.

    Raises:
        FrameError: NaN, infinite or negative depth, depth that is not float (millimetres, mostly), a pose
            that is no rigid transform, no pixels, sizes that differ, negative labels, a step out of range.
    """

    T_world_camera: Transform
    camera: Pinhole
    depth: Depth
    rgb: Rgb | None = None
    labels: Ids | None = None
    step: int = 0

    def __post_init__(self) -> None:
        require_rigid(self.T_world_camera)
        self._require_sizes()
        self._require_depth()
        if self.labels is not None and int(self.labels.min()) < 0:
            raise FrameError(
                expected="labels from 0, which is none",
                came=f"{int(self.labels.min())}",
                fix="map the ids of your dataset to 0 and up",
            )
        if not 0 <= self.step < 1 << 30:
            raise FrameError(
                expected="a step from 0 to 2**30", came=f"{self.step}", fix="count steps from the start"
            )

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

    def _require_depth(self) -> None:
        if not np.issubdtype(self.depth.dtype, np.floating):
            raise FrameError(
                expected="depth in metres as float32",
                came=f"{self.depth.dtype}",
                fix="divide millimetres by 1000",
            )
        if not bool(np.isfinite(self.depth).all()) or float(self.depth.min(initial=0.0)) < 0:
            raise FrameError(
                expected="depth in metres, finite and not negative, 0 where nothing returned",
                came=f"{int((~np.isfinite(self.depth)).sum())} NaN or infinite and "
                f"{int((self.depth < 0).sum())} negative pixels",
                fix="set invalid pixels to 0 before writing the frame",
            )
