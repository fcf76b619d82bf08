"""Lamps for the floor and for tables."""

from itertools import pairwise

from ..kit import Finish, Kit, Shape, upright_rod
from ..solids import ball, lathe


def _shade(kit: Kit, finish: Finish, z: float, r: float, top: float, high: float) -> None:
    """A hollow lampshade about the axis."""
    outer, inner = ((r, z), (top, z + high)), ((top - 0.01, z + high), (r - 0.01, z))
    kit.add(finish, lathe((*outer, *inner), 14, closed=True))
    kit.add(finish, ball(0.05, 0.05, 0.06, 8, 4).moved(0, 0, z + high * 0.45))


def _floor_lamp(kit: Kit, style: str) -> None:
    high = kit.between(1.4, 1.7)
    metal, shade, wood = kit.finish("metal"), kit.finish("shade"), kit.finish("wood")
    if style == "straight":
        kit.add(metal, lathe(((0.15, 0), (0.15, 0.02), (0.02, 0.035)), 12))
        kit.rod(metal, (0, 0, 0.02), (0, 0, high - 0.1), 0.013)
        _shade(kit, shade, high - 0.3, kit.between(0.2, 0.25), kit.between(0.13, 0.17), 0.3)
    elif style == "reading":
        kit.add(metal, lathe(((0.14, 0), (0.14, 0.025), (0.015, 0.04)), 12).moved(0, -0.15))
        kit.rod(metal, (0, -0.15, 0.02), (0, -0.15, high - 0.2), 0.012)
        kit.rod(metal, (0, -0.15, high - 0.2), (0, 0.15, high), 0.012)
        hood = lathe(((0.13, 0), (0.05, 0.18), (0.04, 0.18), (0.12, 0)), 12, closed=True).turned("x", 25)
        kit.add(
            shade, hood.moved(0, 0.2, high - 0.15), ball(0.045, 0.045, 0.05, 8, 4).moved(0, 0.18, high - 0.06)
        )
    elif style == "tripod":
        for i in range(3):
            kit.add(wood, upright_rod((0, 0.28, 0), (0, 0.02, high - 0.36), 0.02).turned("z", 120 * i))
        kit.tube(metal, (0, 0, high - 0.42), 0.04, 0.08)
        _shade(kit, shade, high - 0.36, kit.between(0.2, 0.26), kit.between(0.2, 0.26), 0.34)
    else:
        kit.add(metal, lathe(((0.14, 0), (0.14, 0.04), (0.12, 0.05)), 12).moved(0, -0.5))
        points = [
            (-0.5, 0.05),
            (-0.5, high * 0.6),
            (-0.38, high * 0.86),
            (-0.1, high),
            (0.2, high * 0.97),
            (0.4, high * 0.84),
        ]
        for (ay, az), (by, bz) in pairwise(points):
            kit.rod(metal, (0, ay, az), (0, by, bz), 0.013)
        dome = lathe(
            ((0.17, 0), (0.14, 0.1), (0.03, 0.16), (0.02, 0.15), (0.13, 0.09), (0.16, 0)), 12, closed=True
        )
        kit.add(shade, dome.moved(0, 0.42, high * 0.84 - 0.16))


def _table_lamp(kit: Kit, style: str) -> None:
    shade = kit.finish("shade")
    if style == "vase":
        foot = kit.finish("ceramic")
        kit.add(foot, lathe(((0.07, 0), (0.1, 0.08), (0.07, 0.18), (0.025, 0.22), (0.02, 0.28)), 12))
        _shade(kit, shade, 0.25, kit.between(0.13, 0.16), kit.between(0.08, 0.1), 0.19)
    elif style == "column":
        foot = kit.finish("wood")
        kit.box(foot, 0, 0, 0, 0.13, 0.13, 0.02)
        kit.box(foot, 0, 0, 0.02, 0.04, 0.04, 0.24)
        _shade(kit, shade, 0.22, 0.12, 0.12, kit.between(0.16, 0.2))
    elif style == "globe":
        kit.tube(kit.finish("metal"), (0, 0, 0), 0.07, 0.04, 0.05)
        kit.ball(shade, (0, 0, 0.15), 0.13, 0.13, 0.12)
    else:
        metal = kit.finish("metal")
        kit.tube(metal, (0, 0, 0), 0.08, 0.025)
        kit.rod(metal, (0, 0, 0.02), (0, -0.08, 0.24), 0.01)
        kit.rod(metal, (0, -0.08, 0.24), (0, 0.1, 0.38), 0.01)
        hood = lathe(((0.075, 0), (0.03, 0.11), (0.02, 0.11), (0.065, 0)), 10, closed=True).turned("x", 25)
        kit.add(shade, hood.moved(0, 0.13, 0.29), ball(0.03, 0.03, 0.03, 6, 3).moved(0, 0.12, 0.35))


SHAPES = (
    Shape("lamp", "floor", lambda kit: _floor_lamp(kit, "straight")),
    Shape("lamp", "reading", lambda kit: _floor_lamp(kit, "reading")),
    Shape("lamp", "table_vase", lambda kit: _table_lamp(kit, "vase"), stands_on="top"),
    Shape("lamp", "table_column", lambda kit: _table_lamp(kit, "column"), stands_on="top"),
    Shape("lamp", "tripod", lambda kit: _floor_lamp(kit, "tripod"), test=True),
    Shape("lamp", "arc", lambda kit: _floor_lamp(kit, "arc"), test=True),
    Shape("lamp", "table_globe", lambda kit: _table_lamp(kit, "globe"), test=True, stands_on="top"),
    Shape("lamp", "table_jointed", lambda kit: _table_lamp(kit, "jointed"), test=True, stands_on="top"),
)
