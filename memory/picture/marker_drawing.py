"""Numbers on images: one disc an object, dark with a pale rim, so that it shows on any ground."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from placecell.arrays import Rgb

_DISC, _RIM, _INK = (24, 28, 36), (255, 255, 255), (255, 255, 255)
_LEAST, _MOST, _SHARE = 7, 22, 0.03
_SMOOTH = 4


def draw_numbers(image: Rgb, numbers: Sequence[tuple[int, tuple[int, int]]]) -> Rgb:
    """A copy of an image with numbers on discs.

    A disc lies on its pixel, or is moved so far that it is whole within the image and, where there is room
    near by, covers no other; a line then leads from it to the pixel. The first number is placed first. A
    pixel outside the image gets none.

    Args:
        image: (h, w, 3).
        numbers: each with (column, row) of its pixel.
    """
    rows, columns = image.shape[:2]
    kept = [(number, (u, v)) for number, (u, v) in numbers if 0 <= u < columns and 0 <= v < rows]
    radius = disc_radius(image)
    if not kept or 2 * radius + 1 > min(rows, columns):
        return image.copy()
    places = disc_places([pixel for _, pixel in kept], radius, (rows, columns))
    # Drawn larger and scaled down: Pillow's own circles have steps.
    layer = Image.new("RGBA", (columns * _SMOOTH, rows * _SMOOTH))
    pen = ImageDraw.Draw(layer)
    for (_, (u, v)), (x, y) in zip(kept, places, strict=True):
        if (u, v) != (x, y):
            ends = [((a + 0.5) * _SMOOTH, (b + 0.5) * _SMOOTH) for a, b in ((u, v), (x, y))]
            for colour, share in ((_RIM, 0.36), (_DISC, 0.18)):
                pen.line(ends, fill=colour, width=max(1, round(share * radius * _SMOOTH)))
    for (number, _), (x, y) in zip(kept, places, strict=True):
        _disc(pen, str(number), ((x + 0.5) * _SMOOTH, (y + 0.5) * _SMOOTH), float(radius * _SMOOTH))
    small = layer.resize((columns, rows), Image.Resampling.BOX)
    return np.asarray(Image.alpha_composite(Image.fromarray(image).convert("RGBA"), small).convert("RGB"))


def disc_radius(image: Rgb) -> int:
    """Pixels from the middle of a disc to its rim, on an image of this size."""
    return int(np.clip(round(_SHARE * min(image.shape[:2])), _LEAST, _MOST))


def disc_places(
    pixels: Sequence[tuple[int, int]], radius: int, size: tuple[int, int]
) -> list[tuple[int, int]]:
    """Middles of discs: within the image, and apart from each other where that takes no long way."""
    rows, columns = size
    placed: list[tuple[int, int]] = []
    turns = np.arange(0, 2 * np.pi, np.pi / 8)
    rings = [(0.0, 0.0)] + [
        (reach * np.cos(turn), -reach * np.sin(turn))
        for reach in radius * np.arange(1.0, 4.1, 0.5)
        for turn in turns
    ]
    for u, v in pixels:
        tried = [
            (
                int(np.clip(round(u + dx), radius, columns - 1 - radius)),
                int(np.clip(round(v + dy), radius, rows - 1 - radius)),
            )
            for dx, dy in rings
        ]
        free = (spot for spot in tried if all(_apart(spot, other, radius) for other in placed))
        placed.append(next(free, tried[0]))
    return placed


def _apart(a: tuple[int, int], b: tuple[int, int], radius: int) -> bool:
    return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 >= (2 * radius + 1) ** 2


def _disc(pen: ImageDraw.ImageDraw, text: str, middle: tuple[float, float], radius: float) -> None:
    x, y = middle
    rim = max(_SMOOTH, radius / 8)
    pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=_DISC, outline=_RIM, width=round(rim))
    # The text's box fits into the disc within its rim.
    size = {1: 1.5, 2: 1.2, 3: 0.88}.get(len(text), 2.4 / len(text))
    pen.text(middle, text, fill=_INK, font=ImageFont.load_default(radius * size), anchor="mm")
