"""Plants in pots."""

import math

from ..kit import Finish, Kit, Shape
from ..solids import lathe, leaf, rod, tube


def _pot(kit: Kit, r: float, high: float, square: bool) -> None:
    """A pot, hollow at the top, filled with earth."""
    sides = 4 if square else 12
    wide = r * math.sqrt(2) if square else r
    profile = (
        (wide * 0.75, 0),
        (wide, high),
        (wide * 0.88, high),
        (wide * 0.84, high - 0.03),
        (0.0, high - 0.03),
    )
    kit.add(kit.finish("pot"), lathe(profile, sides).turned("z", 45 if square else 0))
    kit.add(
        kit.finish("soil"),
        tube(wide * 0.86, 0.01, sides=sides).turned("z", 45 if square else 0).moved(0, 0, high - 0.028),
    )


def _blades(kit: Kit, green: Finish, z: float, count: int, reach: float, rise: float, width: float) -> None:
    """Leaves that rise from the middle and lean out, each by its own measure."""
    for i in range(count):
        angle = 2 * math.pi * (i + kit.between(-0.3, 0.3)) / count * 1.618
        out, up = reach * kit.between(0.5, 1.0), rise * kit.between(0.6, 1.0)
        tip = (out * math.cos(angle), out * math.sin(angle), z + up)
        root = (0.2 * tip[0], 0.2 * tip[1], z)
        kit.add(green, leaf(root, tip, width * kit.between(0.8, 1.2)))


def _bush(kit: Kit) -> None:
    r, high = kit.between(0.15, 0.2), kit.between(0.28, 0.36)
    _pot(kit, r, high, False)
    green, stem = kit.finish("leaf"), kit.finish("wood")
    kit.rod(stem, (0, 0, high - 0.05), (0, 0, high + 0.35), 0.018)
    _blades(kit, green, high, 10, 0.38, 0.6, 0.13)
    _blades(kit, green, high + 0.3, 10, 0.32, 0.5, 0.12)


def _palm(kit: Kit) -> None:
    r, high, tall = kit.between(0.15, 0.19), kit.between(0.26, 0.32), kit.between(0.85, 1.1)
    _pot(kit, r, high, True)
    green, stem = kit.finish("leaf"), kit.finish("wood")
    kit.add(stem, rod((0, 0, high - 0.04), (0.03, 0, high + tall - 0.3), 0.03, 0.02))
    crown = high + tall - 0.32
    for i in range(11):
        angle = 2 * math.pi * (i + kit.between(-0.2, 0.2)) / 11
        c, s, out = math.cos(angle), math.sin(angle), kit.between(0.32, 0.46)
        top = crown + kit.between(0.1, 0.32)
        kit.add(green, leaf((0.03, 0, crown), (out * 0.55 * c, out * 0.55 * s, top), 0.07))
        kit.add(green, leaf((out * 0.5 * c, out * 0.5 * s, top), (out * c, out * s, top - 0.18), 0.07))


def _tree(kit: Kit) -> None:
    """A trunk with round heads of leaves."""
    r, high, tall = kit.between(0.16, 0.2), kit.between(0.3, 0.38), kit.between(0.9, 1.2)
    _pot(kit, r, high, False)
    green, stem = kit.finish("leaf"), kit.finish("wood")
    kit.rod(stem, (0, 0, high - 0.04), (0, 0, high + tall * 0.7), 0.02)
    for i in range(5):
        angle = 2 * math.pi * i / 5
        at = (0.14 * math.cos(angle), 0.14 * math.sin(angle), high + tall * (0.6 + 0.06 * (i % 3)))
        kit.ball(green, at, 0.16, 0.16, 0.15)
    kit.ball(green, (0, 0, high + tall * 0.85), 0.2, 0.2, 0.17)


def _sword_plant(kit: Kit) -> None:
    """Stiff blades straight up from a tall pot."""
    r, high = kit.between(0.13, 0.17), kit.between(0.4, 0.52)
    _pot(kit, r, high, True)
    green = kit.finish("leaf")
    for i in range(14):
        angle = 2 * math.pi * i / 14 * 5
        c, s, root = math.cos(angle), math.sin(angle), r * 0.6 * kit.between(0.2, 1.0)
        lean = root + kit.between(0.02, 0.14)
        kit.add(
            green,
            leaf(
                (root * c, root * s, high - 0.03),
                (lean * c, lean * s, high + kit.between(0.35, 0.7)),
                0.07,
                0.016,
            ),
        )


def _cactus(kit: Kit) -> None:
    r = kit.between(0.055, 0.08)
    _pot(kit, r, r * 1.4, False)
    green, bloom = kit.finish("leaf"), kit.finish("bloom")
    z, high = r * 1.3, kit.between(0.16, 0.26)
    kit.add(
        green,
        lathe(((r * 0.5, z), (r * 0.62, z + high * 0.5), (r * 0.5, z + high * 0.9), (0.0, z + high)), 8),
    )
    kit.rod(green, (0, 0, z + high * 0.4), (r, 0, z + high * 0.5), r * 0.24)
    kit.rod(green, (r, 0, z + high * 0.46), (r, 0, z + high * 0.8), r * 0.24)
    kit.ball(bloom, (0, 0, z + high), r * 0.3, r * 0.3, r * 0.25)


def _small_fern(kit: Kit) -> None:
    r = kit.between(0.07, 0.095)
    _pot(kit, r, r * 1.5, False)
    _blades(kit, kit.finish("leaf"), r * 1.45, 16, r * 2.0, r * 2.2, r * 0.6)


def _pot_flower(kit: Kit) -> None:
    r = kit.between(0.06, 0.085)
    _pot(kit, r, r * 1.5, True)
    green, bloom = kit.finish("leaf"), kit.finish("bloom")
    _blades(kit, green, r * 1.4, 7, r * 1.6, r * 1.2, r * 0.8)
    for i in range(5):
        angle, out, top = 2 * math.pi * i / 5, r * kit.between(0.3, 1.0), r * kit.between(3.2, 4.2)
        at = (out * math.cos(angle), out * math.sin(angle), top)
        kit.rod(green, (0, 0, r * 1.4), at, 0.004)
        kit.ball(bloom, at, r * 0.42, r * 0.42, r * 0.3)


SHAPES = (
    Shape("plant", "bush", _bush),
    Shape("plant", "palm", _palm),
    Shape("plant", "fern", _small_fern, stands_on="top"),
    Shape("plant", "tree", _tree, test=True),
    Shape("plant", "swords", _sword_plant, test=True),
    Shape("plant", "cactus", _cactus, test=True, stands_on="top"),
    Shape("plant", "flower", _pot_flower, test=True, stands_on="top"),
)
