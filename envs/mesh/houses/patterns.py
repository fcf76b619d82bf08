"""Small repeating patterns, as brightness: what turns a colour into wood, cloth or tiles.

Every pattern is (64, 64) float64 around 1, repeats without a seam and takes its noise from integers, so
that it comes out the same on any machine.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

Pattern = Float[np.ndarray, "64 64"]
Maker = Callable[[np.random.Generator], Pattern]

SIZE = 64
_ROW, _COLUMN = np.indices((SIZE, SIZE))


def _noise(rng: np.random.Generator, spread: float, shape: tuple[int, ...] = (SIZE, SIZE)) -> np.ndarray:
    return 1 + spread * (rng.integers(-100, 101, shape) / 100)


def _steps(rng: np.random.Generator, low: float, high: float, shape: tuple[int, ...]) -> np.ndarray:
    return low + (high - low) * rng.integers(0, 101, shape) / 100


def _smooth(rng: np.random.Generator, cell: int) -> np.ndarray:
    """Repeating noise in -1..1, linear between a grid of ``SIZE // cell`` values a side."""
    count = SIZE // cell
    grid = rng.integers(-100, 101, (count, count)) / 100
    at = np.arange(SIZE) / cell
    low = at.astype(int)
    part = at - low
    rows = grid[low] * (1 - part)[:, None] + grid[(low + 1) % count] * part[:, None]
    return rows[:, low] * (1 - part) + rows[:, (low + 1) % count] * part


# Wood: the grain runs along the rows.
def straight_grain(rng: np.random.Generator) -> Pattern:
    """Fibres of their own brightness along the rows."""
    fibres = np.repeat(_steps(rng, 0.86, 1.06, (SIZE, 4)), SIZE // 4, 1)
    return fibres * _noise(rng, 0.03)


def wavy_grain(rng: np.random.Generator) -> Pattern:
    """Growth rings that wander across the rows."""
    rings = (_ROW + 3 * _smooth(rng, 16)) * (2 * np.pi * 6 / SIZE)
    return 0.96 + 0.05 * np.sin(rings) + 0.03 * _smooth(rng, 2)


def flame_grain(rng: np.random.Generator) -> Pattern:
    """Arches of a board cut through the middle of the trunk."""
    along = np.abs(_COLUMN - SIZE / 2) / SIZE * 2
    rings = (np.abs(_ROW - SIZE / 2) + 9 * along**2 + 2 * _smooth(rng, 16)) * (2 * np.pi * 7 / SIZE)
    return 0.95 + 0.045 * np.sin(rings) + 0.02 * _smooth(rng, 4)


def flecked_grain(rng: np.random.Generator) -> Pattern:
    """Plain wood with short dark flecks along the rows."""
    image = _noise(rng, 0.03)
    for row, column in rng.integers(0, SIZE, (46, 2)):
        image[row, (column + np.arange(5)) % SIZE] *= 0.8
    return image


# Cloth.
def plain_weave(rng: np.random.Generator) -> Pattern:
    """Threads over and under each other."""
    return 0.95 + 0.05 * ((_ROW + _COLUMN) % 2) + _noise(rng, 0.04) - 1


def stripes(rng: np.random.Generator) -> Pattern:
    """Upright stripes of two widths."""
    return np.where((_COLUMN % 16 < 5) | (_COLUMN % 16 == 8), 0.72, 1.0) * _noise(rng, 0.03)


def checks(rng: np.random.Generator) -> Pattern:
    """A check of three shades."""
    shade = 1 - 0.16 * (_ROW % 32 < 16) - 0.16 * (_COLUMN % 32 < 16)
    return shade * _noise(rng, 0.03)


def dots(rng: np.random.Generator) -> Pattern:
    """Round dots in staggered rows."""
    x, y = (_COLUMN + 8 * (_ROW // 16 % 2)) % 16 - 7.5, _ROW % 16 - 7.5
    return np.where(x * x + y * y < 14, 0.66, 1.0) * _noise(rng, 0.03)


def zigzag(rng: np.random.Generator) -> Pattern:
    """Lying zigzag bands."""
    wave = np.abs(_COLUMN % 16 - 8)
    return np.where((_ROW + wave) % 16 < 6, 0.74, 1.0) * _noise(rng, 0.03)


def twill(rng: np.random.Generator) -> Pattern:
    """Fine slanting ribs."""
    return np.where((_ROW + _COLUMN) % 4 < 2, 0.9, 1.0) * _noise(rng, 0.03)


# Walls (the rows span 2.5 m from the ceiling down to the floor).
def plain_paint(rng: np.random.Generator) -> Pattern:
    """Rolled paint, darker where it meets the floor."""
    image = _noise(rng, 0.02) + 0.02 * _smooth(rng, 8)
    image[-3:] *= 0.84
    return image


def banded_paint(rng: np.random.Generator) -> Pattern:
    """A darker lower third with a line above it."""
    image = _noise(rng, 0.02)
    image[42:] *= 0.86
    image[41:42] *= 0.66
    return image


def plaster(rng: np.random.Generator) -> Pattern:
    """Rough plaster, blotched."""
    return 0.97 + 0.05 * _smooth(rng, 4) + _noise(rng, 0.04) - 1


def striped_paper(rng: np.random.Generator) -> Pattern:
    """Wallpaper of wide upright stripes."""
    return np.where(_COLUMN % 16 < 8, 0.92, 1.0) * _noise(rng, 0.015)


def railed_paint(rng: np.random.Generator) -> Pattern:
    """A lighter frieze under the ceiling, below it a dark rail."""
    image = _noise(rng, 0.02)
    image[10:] *= 0.93
    image[9:10] *= 0.7
    return image


# Floors (the pattern spans 1.5 m each way).
def planks(rng: np.random.Generator) -> Pattern:
    """Eight rows of boards with joints."""
    image = straight_grain(rng) * np.repeat(_steps(rng, 0.84, 1.08, (8,)), 8)[:, None]
    image[::8] *= 0.62
    for row, column in enumerate(rng.integers(0, SIZE, 8)):
        image[row * 8 : row * 8 + 8, column] *= 0.62
    return image


def wide_boards(rng: np.random.Generator) -> Pattern:
    """Four rows of wide boards, wavy grain."""
    image = wavy_grain(rng) * np.repeat(_steps(rng, 0.86, 1.06, (4,)), 16)[:, None]
    image[::16] *= 0.6
    return image


def parquet(rng: np.random.Generator) -> Pattern:
    """Squares of four strips, by turns lying and standing."""
    lying = (_ROW // 16 + _COLUMN // 16) % 2 == 0
    strip = np.where(lying, _ROW, _COLUMN) // 4
    shade = _steps(rng, 0.82, 1.06, (4, 4, 16))[_ROW // 16, _COLUMN // 16, strip]
    joint = np.where(lying, _ROW, _COLUMN) % 4 == 0
    return shade * np.where(joint, 0.8, 1.0) * _noise(rng, 0.03)


def herringbone(rng: np.random.Generator) -> Pattern:
    """Slanted strips that meet in columns."""
    slant = np.where(_COLUMN // 16 % 2 == 0, _ROW + _COLUMN, _ROW - _COLUMN)
    shade = _steps(rng, 0.84, 1.06, (4, 8))[_COLUMN // 16, slant // 8 % 8]
    return shade * np.where((slant % 8 == 0) | (_COLUMN % 16 == 0), 0.75, 1.0) * _noise(rng, 0.03)


def square_tiles(rng: np.random.Generator) -> Pattern:
    """Four by four tiles with light joints."""
    image = np.kron(_steps(rng, 0.86, 1.02, (4, 4)), np.ones((16, 16))) * _noise(rng, 0.02)
    image[::16] = image[:, ::16] = 1.16
    return image


def chequered_tiles(rng: np.random.Generator) -> Pattern:
    """Light and dark tiles by turns."""
    return np.where((_ROW // 16 + _COLUMN // 16) % 2 == 0, 0.66, 1.04) * _noise(rng, 0.02)


def diagonal_tiles(rng: np.random.Generator) -> Pattern:
    """Tiles set on their corners, dark joints."""
    a, b = _ROW + _COLUMN, _ROW - _COLUMN
    shade = _steps(rng, 0.9, 1.02, (4, 4))[a // 16 % 4, b // 16 % 4]
    return shade * np.where((a % 16 == 0) | (b % 16 == 0), 0.68, 1.0) * _noise(rng, 0.02)


def brick_tiles(rng: np.random.Generator) -> Pattern:
    """Oblong tiles in running bond, dark joints."""
    column = _COLUMN + 16 * (_ROW // 16 % 2)
    shade = _steps(rng, 0.88, 1.02, (4, 2))[_ROW // 16, column // 32 % 2]
    return shade * np.where((_ROW % 16 == 0) | (column % 32 == 0), 0.7, 1.0) * _noise(rng, 0.02)


def loop_pile(rng: np.random.Generator) -> Pattern:
    """Carpet of coarse grain."""
    return _noise(rng, 0.12)


def checked_pile(rng: np.random.Generator) -> Pattern:
    """Carpet of two shades in squares."""
    return np.where((_ROW // 16 + _COLUMN // 16) % 2 == 0, 0.88, 1.0) * _noise(rng, 0.08)


def ribbed_pile(rng: np.random.Generator) -> Pattern:
    """Carpet of ribs along the rows."""
    return np.where(_ROW % 4 < 2, 0.86, 1.0) * _noise(rng, 0.06)


def lozenge_pile(rng: np.random.Generator) -> Pattern:
    """Carpet of diamonds."""
    across = np.abs(_ROW % 32 - 16) + np.abs(_COLUMN % 32 - 16)
    return np.where(across % 16 < 4, 0.8, 1.0) * _noise(rng, 0.06)


# Stone, bricks and woven cane.
def speckled(rng: np.random.Generator) -> Pattern:
    """Granite."""
    return np.where(rng.integers(0, 5, (SIZE, SIZE)) == 0, 0.7, 1.0) * _noise(rng, 0.05)


def veined(rng: np.random.Generator) -> Pattern:
    """Marble."""
    field = np.abs(_smooth(rng, 16) + 0.4 * _smooth(rng, 8))
    return np.where(field < 0.05, 0.72, 1.0) * _noise(rng, 0.02)


def bricks(rng: np.random.Generator) -> Pattern:
    """Running bond with light mortar."""
    column = _COLUMN + 8 * (_ROW // 8 % 2)
    shade = _steps(rng, 0.8, 1.08, (8, 4))[_ROW // 8, column // 16 % 4]
    return np.where((_ROW % 8 == 0) | (column % 16 == 0), 1.35, shade) * _noise(rng, 0.04)


def rubble(rng: np.random.Generator) -> Pattern:
    """Flat field stones with dark joints."""
    column = _COLUMN + 13 * (_ROW // 11)
    shade = _steps(rng, 0.75, 1.1, (6, 4))[_ROW // 11, column // 16 % 4]
    return np.where((_ROW % 11 == 0) | (column % 16 == 0), 0.5, shade) * _noise(rng, 0.06)


def basket_weave(rng: np.random.Generator) -> Pattern:
    """Cane over and under."""
    over = (_ROW // 8 + _COLUMN // 8) % 2 == 0
    across = np.where(over, _ROW, _COLUMN) % 8
    return np.where(across < 2, 0.6, np.where(over, 1.0, 0.86)) * _noise(rng, 0.05)


def twisted_cane(rng: np.random.Generator) -> Pattern:
    """Cane in slanting ropes."""
    return np.where((_ROW // 4 * 2 + _COLUMN) % 8 < 3, 0.66, 1.0) * _noise(rng, 0.05)
