"""Colours and textures of houses by split: what is seen in test houses is in no train or val house."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from placecell.arrays import generator
from placecell.errors import SceneError

from ..scene import Texture
from . import patterns as p

Color = tuple[float, float, float]
SPLITS = ("train", "val", "test")

# How far one repeat of a wall's and a floor's texture is meant to reach, metres.
WALL_TEXTURE_M, FLOOR_TEXTURE_M = 2.5, 1.5
# A colour is drawn within this of its palette's, each channel; palettes of test are farther than twice that
# from train's in at least one channel.
JITTER = 0.02
_KEPT = 5

_TILED = ("kitchen", "bathroom", "laundry")
_SOFT = ("bedroom", "nursery", "living_room")
ROOM_KINDS = (*_TILED, *_SOFT, "dining_room", "corridor", "office", "hallway", "gym")


@dataclass(frozen=True)
class Looks:
    """Palettes and patterns by the name of what is made of them. ``Looks.of(split)`` gives a split's.

    Args:
        colors: palettes, r, g, b in 0..1.
        patterns: how brightness varies over it.
    """

    colors: dict[str, tuple[Color, ...]]
    patterns: dict[str, tuple[p.Maker, ...]]

    @classmethod
    def of(cls, split: str) -> "Looks":
        """The looks of a split; train and val share theirs.

        Raises:
            SceneError: no such split.
        """
        return _TEST if checked_split(split) == "test" else _TRAIN

    def color(self, name: str, rng: np.random.Generator) -> Color:
        """A colour of a palette, with a little variation."""
        palette = self.colors[name]
        r, g, b = palette[int(rng.integers(len(palette)))]
        dr, dg, db = (rng.integers(-20, 21, 3) * (JITTER / 20)).tolist()
        return _clip(r + dr), _clip(g + dg), _clip(b + db)


def checked_split(split: str) -> str:
    """The split itself.

    Raises:
        SceneError: it is none of ``SPLITS``.
    """
    if split not in SPLITS:
        raise SceneError(
            expected="a split of houses", came=repr(split), fix=f"choose one of {', '.join(SPLITS)}"
        )
    return split


def _clip(value: float) -> float:
    return round(min(max(value, 0.0), 1.0), 3)


def color_for(name: str, split: str, rng: np.random.Generator) -> Color:
    """A colour of the palette ``name`` of a split: wood, cloth, linen, metal, ceramic, plastic, stone..."""
    return Looks.of(split).color(name, rng)


def wood_color(split: str, rng: np.random.Generator) -> Color:
    """Of furniture, doors and skirting."""
    return color_for("wood", split, rng)


def cloth_color(split: str, rng: np.random.Generator) -> Color:
    """Of covers and curtains."""
    return color_for("cloth", split, rng)


def metal_color(split: str, rng: np.random.Generator) -> Color:
    """Of legs, taps and handles."""
    return color_for("metal", split, rng)


def ceramic_color(split: str, rng: np.random.Generator) -> Color:
    """Of bathroom fittings and crockery."""
    return color_for("ceramic", split, rng)


def plastic_color(split: str, rng: np.random.Generator) -> Color:
    """Of toys and household things."""
    return color_for("plastic", split, rng)


def texture_for(name: str, split: str, rng: np.random.Generator) -> Texture:
    """A grey (64, 64, 3) texture that a part's colour is multiplied with: wood, cloth, stone, bricks, cane.

    There are a few of each split and name, kept; do not write into them.
    """
    bank = _bank(name, "test" if checked_split(split) == "test" else "train")
    return bank[int(rng.integers(len(bank)))]


def wall_texture(split: str, rng: np.random.Generator) -> Texture:
    """A coloured (64, 64, 3) wall, floor to ceiling in ``WALL_TEXTURE_M``."""
    return _painted("wall", "wall", split, rng)


def floor_texture(split: str, kind: str, rng: np.random.Generator) -> Texture:
    """A coloured (64, 64, 3) floor of a kind of room, ``FLOOR_TEXTURE_M`` across.

    Tiles where it gets wet, boards or carpet where people sleep and sit, boards elsewhere.

    Raises:
        SceneError: no such kind of room, or split.
    """
    if kind not in ROOM_KINDS:
        raise SceneError(
            expected="a kind of room", came=repr(kind), fix=f"choose one of {', '.join(sorted(ROOM_KINDS))}"
        )
    name = "boards"
    if kind in _TILED:
        name = "tiles"
    elif kind in _SOFT and int(rng.integers(3)) == 0:
        name = "carpet"
    return _painted(name, name, split, rng)


def tile_texture(split: str, rng: np.random.Generator) -> Texture:
    """Coloured (64, 64, 3) tiles, for floors and for the walls of wet rooms."""
    return _painted("tiles", "tiles", split, rng)


def tinted(pattern: np.ndarray, color: Color) -> Texture:
    """A brightness (h, w) in a colour, as a texture."""
    return np.rint(pattern[..., None] * (np.array(color) * 255)).clip(0, 255).astype(np.uint8)


def _painted(pattern: str, palette: str, split: str, rng: np.random.Generator) -> Texture:
    looks = Looks.of(split)
    makers = looks.patterns[pattern]
    return tinted(makers[int(rng.integers(len(makers)))](rng), looks.color(palette, rng))


@cache
def _bank(name: str, split: str) -> tuple[Texture, ...]:
    """A split's textures of a name: made once, since a house has hundreds of parts."""
    makers = Looks.of(split).patterns[name]
    textures = []
    for i in range(_KEPT):
        pattern = makers[i % len(makers)](generator(i, "looks", name, split))
        texture = tinted(pattern / max(1.0, float(pattern.max())), (1.0, 1.0, 1.0))
        texture.flags.writeable = False
        textures.append(texture)
    return tuple(textures)


def _palettes(**palettes: tuple[Any, ...]) -> dict[str, tuple[Color, ...]]:
    return {name: tuple((r / 100, g / 100, b / 100) for r, g, b in rows) for name, rows in palettes.items()}


_TRAIN = Looks(
    _palettes(
        wall=((89, 85, 75), (80, 85, 82), (88, 78, 73), (79, 81, 88), (91, 91, 89), (85, 86, 72)),
        boards=((62, 44, 28), (50, 34, 22), (72, 56, 38), (42, 34, 28)),
        tiles=((81, 81, 79), (60, 67, 70), (77, 70, 62)),
        carpet=((50, 28, 28), (30, 38, 52), (62, 58, 50)),
        wood=((72, 54, 35), (42, 28, 18), (82, 66, 47), (28, 19, 13), (90, 89, 86), (58, 53, 47)),
        cloth=(
            (58, 20, 18),
            (20, 33, 55),
            (35, 46, 26),
            (74, 67, 54),
            (50, 51, 53),
            (76, 58, 20),
            (22, 23, 26),
        ),
        linen=((94, 94, 93), (77, 85, 93), (93, 80, 79)),
        metal=((68, 69, 71), (15, 15, 16), (81, 83, 85)),
        ceramic=((95, 96, 96), (86, 88, 89)),
        appliance=((93, 93, 94), (91, 92, 93), (72, 73, 75), (12, 12, 13)),
        plastic=((80, 16, 16), (14, 34, 72), (90, 90, 88), (94, 78, 14), (24, 24, 26)),
        leaf=((20, 44, 18), (30, 54, 22)),
        bloom=((86, 30, 40), (92, 88, 86)),
        pot=((66, 36, 24), (88, 87, 84), (40, 41, 43)),
        soil=((20, 14, 10),),
        stone=((62, 60, 58), (30, 30, 31), (82, 80, 77)),
        brick=((58, 30, 24), (68, 62, 56)),
        cane=((70, 55, 36), (46, 34, 24)),
        shade=((94, 90, 78), (92, 92, 90), (74, 30, 26)),
        screen=((5, 6, 8),),
        mirror=((72, 80, 86),),
        glass=((70, 82, 90),),
        paper=((90, 88, 82),),
        fire=((92, 48, 12),),
    ),
    {
        "wall": (p.plain_paint, p.plain_paint, p.banded_paint),
        "boards": (p.planks, p.wide_boards),
        "tiles": (p.square_tiles, p.chequered_tiles),
        "carpet": (p.loop_pile, p.checked_pile),
        "wood": (p.straight_grain, p.wavy_grain),
        "cloth": (p.plain_weave, p.stripes, p.checks, p.plain_weave),
        "stone": (p.speckled,),
        "bricks": (p.bricks,),
        "cane": (p.basket_weave,),
    },
)

_TEST = Looks(
    _palettes(
        wall=((93, 89, 66), (72, 82, 90), (76, 88, 77), (85, 72, 78), (96, 95, 95), (72, 71, 69)),
        boards=((58, 32, 20), (80, 64, 34), (66, 61, 53), (30, 22, 18)),
        tiles=((88, 86, 72), (48, 60, 56), (72, 56, 48)),
        carpet=((24, 44, 40), (52, 42, 56), (74, 66, 44)),
        wood=((55, 27, 17), (86, 62, 30), (77, 71, 60), (17, 12, 11), (60, 41, 22), (78, 85, 86)),
        cloth=(
            (14, 46, 46),
            (45, 22, 42),
            (78, 40, 26),
            (60, 68, 54),
            (12, 14, 38),
            (90, 86, 76),
            (34, 42, 46),
        ),
        linen=((95, 91, 80), (78, 90, 79), (83, 78, 92)),
        metal=((72, 58, 32), (40, 32, 25), (54, 55, 52)),
        ceramic=((94, 90, 82), (78, 86, 83)),
        appliance=((93, 88, 76), (90, 85, 74), (36, 37, 39), (72, 84, 78)),
        plastic=((92, 46, 10), (42, 20, 56), (54, 76, 20), (16, 60, 60), (88, 66, 74)),
        leaf=((10, 36, 27), (46, 56, 20)),
        bloom=((52, 30, 66), (92, 62, 18)),
        pot=((22, 36, 56), (76, 62, 30), (12, 13, 14)),
        soil=((30, 22, 16),),
        stone=((90, 86, 82), (74, 66, 52), (18, 24, 27)),
        brick=((72, 50, 36), (44, 42, 46)),
        cane=((82, 70, 44), (36, 22, 18)),
        shade=((96, 84, 60), (60, 72, 74), (30, 30, 36)),
        screen=((4, 11, 13),),
        mirror=((81, 87, 82),),
        glass=((60, 78, 76),),
        paper=((84, 78, 66),),
        fire=((96, 66, 20),),
    ),
    {
        "wall": (p.plaster, p.striped_paper, p.railed_paint),
        "boards": (p.parquet, p.herringbone),
        "tiles": (p.diagonal_tiles, p.brick_tiles),
        "carpet": (p.ribbed_pile, p.lozenge_pile),
        "wood": (p.flame_grain, p.flecked_grain),
        "cloth": (p.twill, p.dots, p.zigzag, p.twill),
        "stone": (p.veined,),
        "bricks": (p.rubble,),
        "cane": (p.twisted_cane,),
    },
)
