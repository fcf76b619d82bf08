"""A frame as a list of frames keeps it: depth in half precision, labels in as few bytes as they need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float16, UInt8, UInt16

from placecell.arrays import Rgb, Transform
from placecell.errors import PlacecellError
from placecell.geometry import Pinhole

from ..archive import damaged
from ..frame import Frame

_POSE_BYTES = 16 * 8 + 6 * 8 + 8
"""Of a pose, a camera and a step."""
LEAST_BYTES = _POSE_BYTES + 2
"""Of a frame of one pixel."""

_OF_FRAMES: Mapping[str, tuple[type, tuple[int, ...]]] = {
    "T_world_camera": (np.float64, (4, 4)),
    "camera": (np.float64, (6,)),
    "step": (np.int64, ()),
    "has_rgb": (np.uint8, ()),
    "has_labels": (np.uint8, ()),
}
_IMAGES: Mapping[str, type] = {"depth": np.float16, "rgb": np.uint8, "labels": np.uint16}
"""What an archive has, and of what type: a row a frame, and all pixels one after the other."""


@dataclass(frozen=True)
class KeptFrame:
    """One posed frame, and the categories that it shows; ``step`` is the memory's clock."""

    T_world_camera: Transform
    camera: Pinhole
    depth: Float16[np.ndarray, "h w"]
    rgb: Rgb | None
    labels: UInt8[np.ndarray, "h w"] | UInt16[np.ndarray, "h w"] | None
    categories: tuple[int, ...]
    step: int

    @classmethod
    def of(cls, frame: Frame, step: int, max_depth_m: float, colour: bool) -> "KeptFrame":
        """A frame, its depth cut off at ``max_depth_m``."""
        labels, categories = frame.label_image(), np.zeros(0, np.int64)
        if labels is not None:
            categories = np.flatnonzero(np.bincount(labels.ravel()))
            labels = labels.astype(np.uint8) if int(categories.max()) < 256 else labels
        return cls(
            frame.T_world_camera.astype(np.float64),
            frame.camera,
            np.minimum(frame.depth, max_depth_m).astype(np.float16),
            frame.rgb if colour else None,
            labels,
            tuple(label for label in categories.tolist() if label > 0),
            step,
        )

    @property
    def nbytes(self) -> int:
        """Bytes of images, pose, camera and step."""
        images = (self.depth, self.rgb, self.labels)
        return _POSE_BYTES + sum(image.nbytes for image in images if image is not None)

    def frame(self) -> Frame:
        """The frame again."""
        return Frame(
            self.T_world_camera,
            self.camera,
            self.depth.astype(np.float32),
            self.rgb,
            None if self.labels is None else self.labels.astype(np.int32),
            self.step,
        )


def pack_frames(frames: Sequence[KeptFrame]) -> dict[str, np.ndarray]:
    """Frames as arrays: images one after the other, one row of numbers a frame."""
    cameras = [(c.width, c.height, c.fx, c.fy, c.cx, c.cy) for c in (kept.camera for kept in frames)]
    return {
        "T_world_camera": np.array([kept.T_world_camera for kept in frames], np.float64).reshape(-1, 4, 4),
        "camera": np.array(cameras, np.float64).reshape(-1, 6),
        "step": np.array([kept.step for kept in frames], np.int64),
        "has_rgb": np.array([kept.rgb is not None for kept in frames], np.uint8),
        "has_labels": np.array([kept.labels is not None for kept in frames], np.uint8),
        "depth": _row([kept.depth for kept in frames], _IMAGES["depth"]),
        "rgb": _row([kept.rgb for kept in frames], _IMAGES["rgb"]),
        "labels": _row([kept.labels for kept in frames], _IMAGES["labels"]),
    }


def unpack_frames(arrays: Mapping[str, np.ndarray], max_depth_m: float) -> list[KeptFrame]:
    """What :func:`pack_frames` made arrays of.

    Raises:
        ArchiveError: arrays that are missing or do not fit together, or frames that no memory takes.
    """
    _require_arrays(arrays)
    left = dict.fromkeys(_IMAGES, 0)

    def cut(name: str, shape: tuple[int, ...]) -> np.ndarray:
        start, left[name] = left[name], left[name] + int(np.prod(shape))
        return arrays[name][start : left[name]].reshape(shape)

    try:
        frames = []
        for n, (width, height, *lens) in enumerate(arrays["camera"].tolist()):
            shape = (int(height), int(width))
            frame = Frame(
                arrays["T_world_camera"][n],
                Pinhole(int(width), int(height), *lens),
                cut("depth", shape).astype(np.float32),
                cut("rgb", (*shape, 3)).copy() if arrays["has_rgb"][n] else None,
                cut("labels", shape).astype(np.int32) if arrays["has_labels"][n] else None,
                int(arrays["step"][n]),
            )
            frames.append(KeptFrame.of(frame, frame.step, max_depth_m, colour=True))
    except (OverflowError, ValueError, PlacecellError) as error:
        raise damaged("whole frames", f"{error}") from error
    if any(len(arrays[name]) != end for name, end in left.items()):
        raise damaged("as many pixels as its frames have", "more")
    return frames


def _require_arrays(arrays: Mapping[str, np.ndarray]) -> None:
    """Raises :class:`ArchiveError` unless all are there, a row a frame or a pixel."""
    camera = arrays.get("camera")
    frames = len(camera) if camera is not None and camera.ndim else 0
    for name, (kind, shape) in _OF_FRAMES.items():
        held = arrays.get(name)
        if held is None or held.dtype != kind or held.shape != (frames, *shape):
            came = "none" if held is None else f"{held.dtype} {held.shape}"
            raise damaged(f"{name} of {np.dtype(kind)} {(frames, *shape)}", came)
    for name, kind in _IMAGES.items():
        held = arrays.get(name)
        if held is None or held.dtype != kind or held.ndim != 1:
            came = "none" if held is None else f"{held.dtype} {held.shape}"
            raise damaged(f"{name} of {np.dtype(kind)} in one row", came)


def _row(images: Sequence[np.ndarray | None], dtype: type) -> np.ndarray:
    held: list[np.ndarray] = [image.ravel().astype(dtype) for image in images if image is not None]
    return np.concatenate(held) if held else np.zeros(0, dtype)
