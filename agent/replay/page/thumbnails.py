"""A small view of each episode for the index, from whatever the episode left."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from placecell.errors import ArchiveError

from ...recording import HEADER_FILE, Recording
from .images import has_pictures, shades, thumbnail_of
from .links import PAGE_FILE
from .route import route_thumbnail

_HEAD_BYTES = 65_536
_ICON = re.compile(rb'<link rel="icon" href="(data:image/webp;base64,[A-Za-z0-9+/=]+)">')
_FAR_M = 10.0


def thumbnail_in(folder: Path) -> str:
    """A data URI: the icon of the episode's page, else the last view, else the middle of its frames.

    Of an episode among panoramas, which has none of them, its route from above. Empty where there is nothing
    of that. What is damaged counts as none: whoever opens the episode is told.
    """
    sources: tuple[Callable[[Path], str], ...] = (_of_page, _of_view, _of_frames)
    return next(filter(None, (source(folder) for source in sources)), "")


def _of_page(folder: Path) -> str:
    """The page's own small picture, which stands at its head."""
    page = folder / PAGE_FILE
    if not page.is_file():
        return ""
    with open(page, "rb") as file:
        found = _ICON.search(file.read(_HEAD_BYTES))
    return "" if found is None else found[1].decode("ascii")


def _of_view(folder: Path) -> str:
    """The upper left of ``view.png``, where the colours stand above the depth."""
    view = folder / "view.png"
    if not view.is_file():
        return ""
    try:
        with Image.open(view) as picture:
            side_px = picture.height // 2 - 4
            return thumbnail_of(np.asarray(picture.crop((0, 0, side_px, side_px)).convert("RGB")))
    except (OSError, ValueError, SyntaxError):  # what Pillow raises over a damaged file
        return ""


def _of_frames(folder: Path) -> str:
    if not (folder / HEADER_FILE).is_file():
        return ""
    try:
        recording = Recording.read(folder)
        if not has_pictures(recording):
            return route_thumbnail(recording)
        framed = [step.index for step in recording.steps if step.entry is not None]
        if not framed:
            return ""
        frame = recording.frame(framed[len(framed) // 2])
    except ArchiveError:
        return ""
    return thumbnail_of(shades(frame.depth, _FAR_M) if frame.rgb is None else frame.rgb)
