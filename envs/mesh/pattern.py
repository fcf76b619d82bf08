"""Textures for generated scenes: paint, planks, tiles, carpet."""

import numpy as np

from .scene import Texture

_PIXELS = 128
_WALL_COLORS = ((226, 214, 190), (196, 212, 206), (222, 196, 184), (198, 204, 222), (214, 216, 178))
_WOOD_COLORS = ((158, 112, 70), (126, 86, 56), (184, 142, 96))
_TILE_COLORS = ((206, 206, 200), (150, 168, 176), (196, 176, 156))
_CARPET_COLORS = ((128, 70, 70), (76, 96, 132), (98, 116, 84))


def paint(rng: np.random.Generator) -> Texture:
    """A painted wall: a plain colour with grain, a darker band below and a thin line above it."""
    image = _grain(_WALL_COLORS, 5.0, rng)
    image[int(_PIXELS * 0.64) :] *= 0.86
    image[int(_PIXELS * 0.62) : int(_PIXELS * 0.64)] *= 0.55
    image[int(_PIXELS * 0.96) :] *= 0.6
    return _bytes(image)


def planks(rng: np.random.Generator) -> Texture:
    """Wooden boards: eight rows of their own brightness, with fibres and dark joints."""
    image = _grain(_WOOD_COLORS, 4.0, rng)
    rows = np.repeat(rng.uniform(0.82, 1.12, 8), _PIXELS // 8)
    fibres = 1 + 0.05 * np.repeat(rng.standard_normal((_PIXELS, _PIXELS // 16)), 16, 1)
    image *= (rows[:, None] * fibres)[..., None]
    image[:: _PIXELS // 8] *= 0.55
    for row in range(8):
        column = int(rng.integers(_PIXELS))
        image[row * _PIXELS // 8 : (row + 1) * _PIXELS // 8, column] *= 0.55
    return _bytes(image)


def tiles(rng: np.random.Generator) -> Texture:
    """Four by four tiles of slightly different brightness with light joints."""
    image = _grain(_TILE_COLORS, 3.0, rng)
    step = _PIXELS // 4
    image *= np.kron(rng.uniform(0.86, 1.05, (4, 4)), np.ones((step, step)))[..., None]
    for joint in (0, 1):
        image[joint::step] = image[:, joint::step] = 232.0
    return _bytes(image)


def carpet(rng: np.random.Generator) -> Texture:
    """Coarse grain in one colour with a check of two shades."""
    image = _grain(_CARPET_COLORS, 14.0, rng)
    check = np.indices((_PIXELS, _PIXELS)).sum(0) // 1
    squares = (np.indices((_PIXELS, _PIXELS)) // (_PIXELS // 4)).sum(0) % 2
    return _bytes(image * (1 + 0.1 * squares + 0.02 * (check % 2))[..., None])


def _grain(colors: tuple[tuple[int, int, int], ...], spread: float, rng: np.random.Generator) -> np.ndarray:
    color = np.array(colors[int(rng.integers(len(colors)))], np.float64)
    return color + spread * rng.standard_normal((_PIXELS, _PIXELS, 1))


def _bytes(image: np.ndarray) -> Texture:
    return np.rint(image).clip(0, 255).astype(np.uint8)
