"""Things that are drawn rather than built: pictures, rugs, a clock's face, a switched-on screen."""

import numpy as np

from ...scene import Texture
from ..kit import Kit
from ..looks import color_for

SIZE = 48
_ROW, _COLUMN = np.indices((SIZE, SIZE))


def _colors(kit: Kit, *palettes: str) -> list[np.ndarray]:
    return [np.array(color_for(name, kit.split, kit.rng)) * 255 for name in palettes]


def _bytes(image: np.ndarray, kit: Kit) -> Texture:
    grain = 1 + kit.rng.integers(-4, 5, image.shape[:2])[..., None] / 100
    return np.rint(image * grain).clip(0, 255).astype(np.uint8)


def painting(kit: Kit, kind: str) -> Texture:
    """(48, 48, 3): hills, sea or squares in train and val; a portrait, a still life or rays in test."""
    a, b, c, d = _colors(kit, "wall", "leaf", "cloth", "plastic")
    image = np.broadcast_to(a, (SIZE, SIZE, 3)).copy()
    if kind == "hills":
        phase = kit.count(0, 20)
        for shade, base, high, long in ((1.25, 22, 5, 9.0), (1.0, 30, 4, 6.0), (0.75, 38, 3, 5.0)):
            line = base + high * np.sin((_COLUMN + phase) / long)
            image[line < _ROW] = b * shade
        image[(_ROW - 9) ** 2 + (_COLUMN - 12 - phase) ** 2 < 16] = d
    elif kind == "sea":
        image[_ROW > 26] = c
        image[(_ROW > 26) & ((_ROW + _COLUMN // 6) % 6 == 0)] = c * 1.3
        sail = (_ROW > 8) & (_ROW < 27) & (np.abs(_COLUMN - 25) < (_ROW - 8) * 0.45)
        image[sail] = d
        image[(_ROW >= 27) & (_ROW < 31) & (np.abs(_COLUMN - 25) < 10)] = b * 0.6
    elif kind == "squares":
        for color in (b, c, d, b * 1.4, c * 1.3):
            y, x, h, w = kit.rng.integers([0, 0, 8, 8], [36, 36, 24, 24]).tolist()
            image[y : y + h, x : x + w] = color
    elif kind == "portrait":
        image[((_ROW - 48) / 18) ** 2 + ((_COLUMN - 24) / 16) ** 2 < 1] = c
        image[((_ROW - 15) / 12) ** 2 + ((_COLUMN - 24) / 10) ** 2 < 1] = d * 0.5
        image[((_ROW - 19) / 10) ** 2 + ((_COLUMN - 24) / 7) ** 2 < 1] = np.array([214, 176, 150])
    elif kind == "still_life":
        image[_ROW > 34] = c * 0.8
        image[(_ROW > 22) & (_ROW < 38) & (np.abs(_COLUMN - 18) < 5 + (_ROW - 22) * 0.15)] = c
        for x, y, color in ((18, 12, d), (12, 16, d * 0.8), (24, 15, d * 1.2), (34, 34, b), (40, 36, d)):
            image[(_ROW - y) ** 2 + (_COLUMN - x) ** 2 < 22] = color
    else:
        angle = np.arctan2(_ROW - 40.3, _COLUMN - 23.7)
        image[np.floor(angle * 16 / np.pi) % 2 == 0] = c
        image[(_ROW - 40) ** 2 + (_COLUMN - 24) ** 2 < 90] = d
    return _bytes(image, kit)


def carpet(kit: Kit, kind: str) -> Texture:
    """(48, 48, 3): bordered, striped or ringed in train and val; lattice, medallion or shaggy in test."""
    a, b, c = _colors(kit, "carpet", "cloth", "linen")
    edge = np.minimum(np.minimum(_ROW, SIZE - 1 - _ROW), np.minimum(_COLUMN, SIZE - 1 - _COLUMN))
    middle = (_ROW - SIZE / 2 + 0.5) ** 2 + (_COLUMN - SIZE / 2 + 0.5) ** 2
    image = np.broadcast_to(a, (SIZE, SIZE, 3)).copy()
    if kind == "bordered":
        image[edge < 9] = b
        image[(edge == 3) | (edge == 8)] = c
        image[(edge > 12) & ((_ROW + _COLUMN) % 8 < 2)] = b
    elif kind == "striped":
        image[_COLUMN % 16 < 8] = b
        image[_COLUMN % 16 == 12] = c
    elif kind == "ringed":
        image[np.sqrt(middle) % 10 < 4] = b
        image[np.sqrt(middle) % 10 > 9] = c
    elif kind == "lattice":
        image[((_ROW + _COLUMN) % 12 < 2) | ((_ROW - _COLUMN) % 12 < 2)] = c
        image[edge < 3] = b
    elif kind == "medallion":
        across = np.abs(_ROW - 23.5) + np.abs(_COLUMN - 23.5)
        image[across < 24] = b
        image[across < 14] = c
        image[across < 8] = a
        image[edge < 3] = c
    else:
        image *= (0.7 + 0.5 * kit.rng.integers(0, 101, (SIZE, SIZE)) / 100)[..., None]
    return _bytes(image, kit)


def dial(kit: Kit, marks: int) -> Texture:
    """A clock's face: hour marks and two hands."""
    light, dark = _colors(kit, "paper", "screen")
    image = np.broadcast_to(light, (SIZE, SIZE, 3)).copy()
    x, y = _COLUMN - SIZE / 2 + 0.5, _ROW - SIZE / 2 + 0.5
    for i in range(marks):
        angle = 2 * np.pi * i / marks
        image[(x - 18 * np.sin(angle)) ** 2 + (y + 18 * np.cos(angle)) ** 2 < 6] = dark
    for length, wide, hours in ((16, 1.2, kit.count(0, 11)), (10, 1.8, kit.count(0, 11))):
        angle = 2 * np.pi * hours / 12
        along, across = x * np.sin(angle) - y * np.cos(angle), x * np.cos(angle) + y * np.sin(angle)
        image[(np.abs(across) < wide) & (along > -2) & (along < length)] = dark
    return _bytes(image, kit)


def glare(kit: Kit, palette: str) -> Texture:
    """A mirror or a dark screen: its colour with slanting glints, grading from the top."""
    (base,) = _colors(kit, palette)
    slant = (_COLUMN + _ROW * (1 if kit.split != "test" else -1)) % SIZE
    shine = np.where((slant > 14) & (slant < 20) | (slant > 23) & (slant < 25), 1.16, 1.0)
    grade = 1.06 - 0.16 * _ROW / SIZE
    return np.rint(base * (shine * grade)[..., None]).clip(0, 255).astype(np.uint8)
