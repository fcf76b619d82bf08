"""The frames of an episode as data URIs, so many bytes in all and no more."""

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from ...recording import Recording
from .panoramas import among_panoramas

_QUALITIES = ((384, 80), (320, 75), (320, 60), (256, 55), (192, 50), (160, 40), (128, 30), (96, 20), (64, 10))
_SAMPLES = 12
_MARGIN = 0.85
_NO_RETURN = (38, 38, 44)
_THUMBNAIL_PX = 96
_Views = tuple[np.ndarray | None, np.ndarray]


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
    pictures = Pictures(recording, most_bytes)
    for step in recording.steps:
        pictures.see(step.index)
    return pictures.within(most_bytes)


def has_pictures(recording: Recording) -> bool:
    """Whether the frames show anything: in a world of panoramas without colours nobody took a picture."""
    framed = next((step.index for step in recording.steps if step.entry is not None), None)
    if framed is None:
        return False
    return not among_panoramas(recording) or recording.frame(framed).rgb is not None


class Pictures:
    """Makes the frames small while somebody goes through the steps, so that each is unpacked once.

    Args:
        recording: of any level; a light one has no frames.
        about_bytes: how many characters the data URIs may have in all, as far as that is known by now.

    Raises:
        ArchiveError: a damaged frame.
    """

    def __init__(self, recording: Recording, about_bytes: int) -> None:
        self._recording = recording
        pictured = has_pictures(recording)
        self._steps = [step.index for step in recording.steps if pictured and step.entry is not None]
        self._far_m, self._quality = 1.0, 0
        self._thumbnail = ""
        self._size: tuple[int, int] | None = None
        self._begin()
        if self._steps:
            frames = map(recording.frame, samples(self._steps))
            sample = [(frame.rgb, frame.depth) for frame in frames]
            self._far_m = farthest(depth for _, depth in sample)
            self._quality = _first_fit(sample, self._far_m, about_bytes / len(self._steps) * _MARGIN)

    def see(self, step: int) -> None:
        """Takes over a step's frame; the steps come in order, those without arrays may be left out.

        Raises:
            ArchiveError: a damaged frame.
        """
        if not self._steps or self._recording.steps[step].entry is None:
            return
        frame = self._recording.frame(step)
        rgb, depth = _encoded(frame.rgb, frame.depth, self._far_m, *_QUALITIES[self._quality])
        self._rgb += rgb
        self._depth += depth
        if step == self._steps[len(self._steps) // 2]:
            self._thumbnail = thumbnail_of(
                shades(frame.depth, self._far_m) if frame.rgb is None else frame.rgb
            )
            self._size = frame.depth.shape[1], frame.depth.shape[0]

    def within(self, most_bytes: int) -> Images:
        """All that was seen, in so many characters; goes through the frames anew where they are more.

        Raises:
            ArchiveError: a damaged frame.
        """
        while self._bytes() > most_bytes and self._quality + 1 < len(_QUALITIES):
            self._quality += 1
            self._begin()
            for step in self._steps:
                self.see(step)
        # A frame without colours among others would shift what follows it.
        rgb = self._rgb if len(self._rgb) == len(self._depth) else []
        steps = tuple(self._steps)
        return Images(steps, tuple(rgb), tuple(self._depth), self._size, self._far_m, self._thumbnail)

    def _begin(self) -> None:
        self._rgb: list[str] = []
        self._depth: list[str] = []

    def _bytes(self) -> int:
        return sum(map(len, (*self._rgb, *self._depth)))


def shades(depth: Float32[np.ndarray, "h w"], far_m: float) -> UInt8[np.ndarray, "h w 3"]:
    """Depth as colours, near bright and far dark; where nothing came back dark grey."""
    from matplotlib import colormaps

    palette = (colormaps["magma"](np.linspace(0.95, 0.12, 255))[:, :3] * 255).astype(np.uint8)
    table = np.concatenate([np.array([_NO_RETURN], np.uint8), palette])
    with np.errstate(invalid="ignore"):
        valid = np.isfinite(depth) & (depth > 0)
        level = np.where(valid, 1 + np.minimum(depth, far_m) * (254 / far_m), 0).astype(np.uint8)
    return np.take(table, level, axis=0)


def thumbnail_of(image: np.ndarray) -> str:
    """A view as a data URI for an index, and for the icon of a page."""
    return _uri(np.asarray(image, np.uint8), _THUMBNAIL_PX, 60)


def samples(steps: Sequence[int]) -> Sequence[int]:
    """A dozen steps or two from begin to end."""
    return steps[:: max(1, len(steps) // _SAMPLES)]


def farthest(depths: Iterable[np.ndarray]) -> float:
    """The depth that is to be drawn as the farthest, whole metres: beyond nearly all of what came back."""
    return max(map(_far_m, depths))


def _far_m(depth: np.ndarray) -> float:
    returned = depth[np.isfinite(depth) & (depth > 0)]
    return max(1.0, float(np.ceil(np.percentile(returned, 99)))) if returned.size else 1.0


def _first_fit(sample: Sequence[_Views], far_m: float, most_bytes: float) -> int:
    """The first quality whose frames are small enough, by a few of them."""
    for n, (side_px, quality) in enumerate(_QUALITIES):
        views = [_encoded(rgb, depth, far_m, side_px, quality) for rgb, depth in sample]
        if sum(len(uri) for both in views for some in both for uri in some) / len(sample) <= most_bytes:
            return n
    return len(_QUALITIES) - 1


def _encoded(
    rgb: np.ndarray | None, depth: np.ndarray, far_m: float, side_px: int, quality: int
) -> tuple[list[str], list[str]]:
    """The colours, if there are any, and the depth."""
    colours = [] if rgb is None else [_uri(np.asarray(rgb, np.uint8), side_px, quality)]
    return colours, [_uri(shades(depth, far_m), side_px, quality)]


def _uri(image: np.ndarray, side_px: int, quality: int) -> str:
    """A WebP whose longer side is at most so long."""
    picture, file = Image.fromarray(image), io.BytesIO()
    scale = side_px / max(picture.size)
    if scale < 1:
        width, height = (max(1, round(n * scale)) for n in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BOX, reducing_gap=2.0)
    picture.save(file, "WEBP", quality=quality, method=2)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode("ascii")
