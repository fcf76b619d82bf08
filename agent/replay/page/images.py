"""The frames of an episode as data URIs, so many bytes in all and no more."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from ...recording import Recording

_QUALITIES = ((384, 80), (320, 75), (320, 60), (256, 55), (192, 50), (160, 40), (128, 30), (96, 20), (64, 10))
_SAMPLES = 12
_MARGIN = 0.85
_NO_RETURN = (38, 38, 44)
_THUMBNAIL_PX = 96


@dataclass(frozen=True)
class Images:
    """Frames, each a data URI.

    Args:
        steps: of which steps they are, rising.
        rgb: one each; empty where the frames have no colours.
        depth: one each.
        size: width and height of the recorded images, pixels; None without images.
        far_m: the depth that is drawn as the farthest.
        thumbnail: a small one of the middle of the episode; empty without images.
    """

    steps: tuple[int, ...] = ()
    rgb: tuple[str, ...] = ()
    depth: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    far_m: float = 0.0
    thumbnail: str = ""


def images_of(recording: Recording, most_bytes: int) -> Images:
    """The frames of all steps that were recorded with images, scaled down until they fit.

    Args:
        recording: of any level; a light one has none.
        most_bytes: how many characters the data URIs may have in all.

    Raises:
        ArchiveError: a damaged frame.
    """
    steps = [step.index for step in recording.steps if step.entry is not None]
    if not steps:
        return Images()
    sample = steps[:: max(1, len(steps) // _SAMPLES)]
    far_m = max(_far_m(recording, step) for step in sample)
    start = _first_fit(recording, sample, far_m, most_bytes / len(steps) * _MARGIN)
    for side_px, quality in _QUALITIES[start:]:
        rgb, depth = _encoded(recording, steps, far_m, side_px, quality)
        if sum(map(len, rgb)) + sum(map(len, depth)) <= most_bytes:
            break
    middle = recording.frame(steps[len(steps) // 2])
    thumbnail = _uri(_picture(middle.rgb, middle.depth, far_m), _THUMBNAIL_PX, 60)
    height, width = middle.depth.shape
    return Images(tuple(steps), tuple(rgb), tuple(depth), (width, height), far_m, thumbnail)


def shades(depth: Float32[np.ndarray, "h w"], far_m: float) -> UInt8[np.ndarray, "h w 3"]:
    """Depth as colours, near bright and far dark; where nothing came back dark grey."""
    from matplotlib import colormaps

    palette = (colormaps["magma"](np.linspace(0.95, 0.12, 256))[:, :3] * 255).astype(np.uint8)
    with np.errstate(invalid="ignore"):
        valid = np.isfinite(depth) & (depth > 0)
    level = np.clip(np.where(valid, depth, 0) / far_m * 255, 0, 255).astype(np.uint8)
    return np.where(valid[..., None], palette[level], np.array(_NO_RETURN, np.uint8))


def _far_m(recording: Recording, step: int) -> float:
    depth = recording.frame(step).depth
    returned = depth[np.isfinite(depth) & (depth > 0)]
    return max(1.0, float(np.ceil(np.percentile(returned, 99)))) if returned.size else 1.0


def _first_fit(recording: Recording, sample: Sequence[int], far_m: float, most_bytes: float) -> int:
    """The first quality whose frames are small enough, by a few of them."""
    for n, (side_px, quality) in enumerate(_QUALITIES):
        rgb, depth = _encoded(recording, sample, far_m, side_px, quality)
        if (sum(map(len, rgb)) + sum(map(len, depth))) / len(sample) <= most_bytes:
            return n
    return len(_QUALITIES) - 1


def _encoded(
    recording: Recording, steps: Sequence[int], far_m: float, side_px: int, quality: int
) -> tuple[list[str], list[str]]:
    rgb, depth = [], []
    for step in steps:
        frame = recording.frame(step)
        if frame.rgb is not None:
            rgb.append(_uri(np.asarray(frame.rgb, np.uint8), side_px, quality))
        depth.append(_uri(shades(frame.depth, far_m), side_px, quality))
    # A frame without colours among others would shift what follows it.
    return (rgb if len(rgb) == len(depth) else []), depth


def _picture(rgb: np.ndarray | None, depth: np.ndarray, far_m: float) -> np.ndarray:
    return shades(depth, far_m) if rgb is None else np.asarray(rgb, np.uint8)


def _uri(image: np.ndarray, side_px: int, quality: int) -> str:
    """A WebP whose longer side is at most so long."""
    picture, file = Image.fromarray(image), io.BytesIO()
    scale = side_px / max(picture.size)
    if scale < 1:
        width, height = (max(1, round(n * scale)) for n in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BOX, reducing_gap=2.0)
    picture.save(file, "WEBP", quality=quality, method=2)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode("ascii")
