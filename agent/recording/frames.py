"""What one recorded step keeps of its images, its pose and the memory's growth; and the way back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from placecell.geometry import Pinhole
from placecell.memory import Frame, Growth, PlaceGraph

from . import arrays
from .hashes import Kept
from .plain import numbers

Observation = Mapping[str, Any]


@dataclass(frozen=True)
class FrameEntry:
    """What a step's line says of its member of ``frames.tar``.

    Args:
        offset: where the member's content begins, bytes from the start of the tar.
        size: of that content, bytes.
        dtypes: the types of the arrays that were stored in a smaller one, by array.
        images: the array that is the frame's ``depth``, ``rgb``, ``labels``; those that it has.
        camera: the frame's pinhole.
    """

    offset: int
    size: int
    dtypes: Mapping[str, str]
    images: Mapping[str, str]
    camera: Pinhole

    def to_json(self) -> dict[str, object]:
        """The value of the line's ``frame``."""
        c = self.camera
        return {
            "offset": self.offset, "size": self.size, "dtypes": self.dtypes, "images": self.images,
            "camera": [c.width, c.height, c.fx, c.fy, c.cx, c.cy],
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> "FrameEntry":
        """What :meth:`to_json` gave.

        Raises:
            ValueError, KeyError, TypeError: it is none.
        """
        offset, size, dtypes, images = (value[key] for key in ("offset", "size", "dtypes", "images"))
        if not (type(offset) is int and type(size) is int and offset >= 512 and size >= 0):
            raise ValueError(f"a frame at byte {offset!r} of {size!r} bytes")
        if not (isinstance(dtypes, dict) and isinstance(images, dict) and "depth" in images):
            raise ValueError("a frame without dtypes or images")
        if not all(isinstance(name, str) for name in (*dtypes.values(), *images.values())):
            raise ValueError("a frame whose dtypes or images are no names")
        width, height, *lens = numbers(value["camera"], 6)
        return cls(offset, size, dtypes, images, Pinhole(int(width), int(height), *lens))

    @property
    def end(self) -> int:
        """Where the content ends, bytes from the start of the tar."""
        return self.offset + self.size


def pack_step(
    observation: Observation,
    seen: Mapping[str, Kept],
    frame: Frame,
    growth: Growth,
    places: PlaceGraph | None,
) -> tuple[bytes, dict[str, str], dict[str, str]]:
    """A member's content, and the ``dtypes`` and ``images`` of its :class:`FrameEntry`.

    Args:
        observation: the environment's own arrays, and its text.
        seen: the same as they are kept.
        frame: what was written into the memory; images that are arrays of the observation are not kept twice.
        growth: of the memory since the last member.
        places: the memory's, where they are others than at the last member.
    """
    kept = {f"observation/{name}": array for name, array in seen.items()}
    images = {}
    for name, image in (("depth", frame.depth), ("rgb", frame.rgb), ("labels", frame.labels)):
        if image is None:
            continue
        images[name] = next((f"observation/{key}" for key, a in observation.items() if a is image), "")
        if not images[name]:
            images[name] = f"frame/{name}"
            kept[images[name]] = Kept.of(name, image)
    pose = np.asarray(frame.T_world_camera, np.float64, order="C")
    kept["frame/T_world_camera"] = Kept(pose, pose.dtype.str)
    for name, vectors in (("features", frame.features), ("embedding", frame.embedding)):
        if vectors is not None:
            kept[f"frame/{name}"] = Kept(np.ascontiguousarray(vectors), vectors.dtype.str)
    kept |= {f"growth/{name}": Kept.of(name, array) for name, array in growth.arrays().items()}
    if places is not None:
        kept |= {f"places/{name}": Kept(array, array.dtype.str) for name, array in places.arrays().items()}
    dtypes = {name: item.dtype for name, item in kept.items() if item.dtype != item.array.dtype.str}
    return arrays.pack({name: item.array for name, item in kept.items()}), dtypes, images


def part_of(kept: Mapping[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    """The arrays of one part (``observation``, ``frame``, ``growth``, ``places``), by their own names."""
    start = f"{part}/"
    return {name.removeprefix(start): array for name, array in kept.items() if name.startswith(start)}


def frame_of(kept: Mapping[str, np.ndarray], entry: FrameEntry, step: int) -> Frame:
    """The frame that was written into the memory.

    Raises:
        KeyError: an array is missing.
        FrameError: they make no frame.
    """
    images = {name: kept[array] for name, array in entry.images.items()}
    return Frame(
        kept["frame/T_world_camera"],
        entry.camera,
        images["depth"],
        images.get("rgb"),
        images.get("labels"),
        step,
        kept.get("frame/features"),
        kept.get("frame/embedding"),
    )
