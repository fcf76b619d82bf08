"""Racks for shoes and coats, with what is kept there."""

from ..kit import Kit, Shape, upright_rod
from ..solids import ball, lathe, prism, rod


def _shoes(kit: Kit, w: float, z: float, count: int, lean: float = 0.0) -> None:
    """Pairs of shoes, toes to the front."""
    for i in range(count):
        finish = kit.finish("cloth")
        for half in (-0.5, 0.5):
            x = (i + 0.5 - count / 2) * w / count + half * 0.1
            toe = prism(
                ((-0.13, 0), (0.13, 0), (0.13, 0.04), (0, 0.07), (-0.04, 0.1), (-0.13, 0.1)), -0.04, 0.04, "x"
            )
            kit.add(finish, toe.turned("x", lean).moved(x, 0, z))


def _shoe_rack(kit: Kit, style: str) -> None:
    w, d = kit.between(0.65, 0.85), kit.between(0.28, 0.34)
    wood, metal = kit.finish("wood"), kit.finish("metal")
    if style == "rods":
        high = kit.between(0.5, 0.6)
        for side in (-1, 1):
            kit.box(wood, side * w / 2, 0, 0, 0.03, d, high)
        for i in range(3):
            z = 0.1 + i * (high - 0.16) / 2
            for y in (-0.1, 0.0, 0.1):
                kit.rod(metal, (-w / 2, y, z), (w / 2, y, z), 0.01)
            if i < 2:
                _shoes(kit, w - 0.08, z + 0.012, 3)
        return
    if style == "flaps":
        high = kit.between(0.95, 1.15)
        kit.box(wood, 0, -0.01, 0, w, d - 0.1, high - 0.02)
        kit.box(wood, 0, 0, high - 0.02, w + 0.02, d - 0.06, 0.02)
        for i in range(3):
            z, rise = 0.06 + i * (high - 0.1) / 3, (high - 0.1) / 3 - 0.02
            flap = prism(((0, 0), (0.02, 0), (0.05, rise), (0.03, rise)), -w / 2 + 0.02, w / 2 - 0.02, "x")
            kit.add(wood, flap.moved(0, d / 2 - 0.06, z))
            kit.box(metal, 0, d / 2 - 0.005, z + rise - 0.06, 0.14, 0.02, 0.02)
        kit.surface(0, 0, high, w - 0.06, d - 0.12)
        return
    high = kit.between(0.44, 0.5)
    kit.legs(wood, w, d, high - 0.06, 0.04)
    for z in (0.1, 0.28) if style == "seat" else (0.06, 0.24, 0.42):
        for y in (-0.09, -0.03, 0.03, 0.09):
            kit.box(wood, 0, y, z - 0.015, w - 0.02, 0.035, 0.015)
        if z < 0.4:
            _shoes(kit, w - 0.1, z, 2 if z > 0.2 else 3)
    if style == "seat":
        kit.box(kit.finish("cloth"), 0, 0, high - 0.06, w + 0.02, d + 0.02, 0.06)
    else:
        for side in (-1, 1):
            kit.add(wood, rod((side * w / 2, -d / 2, 0.38), (side * w / 2, d / 2, 0.5), 0.015))


def _coat(kit: Kit, x: float, y: float, top: float) -> None:
    cloth, length, wide = kit.finish("cloth"), kit.between(0.6, 0.9), kit.between(0.16, 0.22)
    outline = (
        (-wide, 0),
        (wide, 0),
        (wide * 0.8, length - 0.12),
        (0.04, length),
        (-0.04, length),
        (-wide * 0.8, length - 0.12),
    )
    kit.add(cloth, prism(outline, y - 0.05, y + 0.05, "y").moved(x, 0, top - length))


def _coat_stand(kit: Kit, tripod: bool) -> None:
    high, wood = kit.between(1.65, 1.85), kit.finish("wood")
    if tripod:
        for i in range(3):
            leg = upright_rod((0, 0.3, 0), (0, -0.1, high), 0.022).turned("z", 120 * i)
            kit.add(wood, leg)
        hooks = 3
    else:
        kit.add(wood, lathe(((0.2, 0), (0.2, 0.03), (0.04, 0.07), (0.022, 0.2), (0.022, high - 0.05)), 10))
        kit.add(wood, ball(0.04, 0.04, 0.05, 8, 4).moved(0, 0, high - 0.04))
        hooks = 4
    for i in range(hooks):
        arm = rod((0, 0.0, high - 0.2), (0, 0.16, high - 0.1), 0.012)
        kit.add(wood, arm.turned("z", 360 / hooks * i + 30))
    _coat(kit, 0.08, 0.12, high - 0.14)
    _coat(kit, -0.1, -0.12, high - 0.14)


def _coat_board(kit: Kit, shelf: bool) -> None:
    w = kit.between(0.7, 1.0)
    wood, metal = kit.finish("wood"), kit.finish("metal")
    kit.hang(0.85, 0.95)
    high = 0.92
    kit.box(wood, 0, -0.01, high - 0.12, w, 0.02, 0.12)
    for i in range(4):
        x = (i - 1.5) * w / 4
        kit.rod(metal, (x, 0, high - 0.07), (x, 0.08, high - 0.03), 0.008)
        if i % 2 == 0 or shelf:
            _coat(kit, x, 0.07, high - 0.06)
    if shelf:
        kit.box(wood, 0, 0.1, high, w + 0.04, 0.24, 0.025)
        for side in (-1, 1):
            bracket = prism(((0, -0.16), (0.2, 0), (0, 0)), -0.012, 0.012, "x")
            kit.add(wood, bracket.moved(side * (w / 2 - 0.04), 0, high))


SHAPES = (
    Shape("shoe_rack", "rods", lambda kit: _shoe_rack(kit, "rods")),
    Shape("shoe_rack", "flaps", lambda kit: _shoe_rack(kit, "flaps")),
    Shape("shoe_rack", "seat", lambda kit: _shoe_rack(kit, "seat"), test=True),
    Shape("shoe_rack", "slats", lambda kit: _shoe_rack(kit, "slats"), test=True),
    Shape("coat_rack", "pole", lambda kit: _coat_stand(kit, False)),
    Shape("coat_rack", "wall_board", lambda kit: _coat_board(kit, False), stands_on="wall"),
    Shape("coat_rack", "tripod", lambda kit: _coat_stand(kit, True), test=True),
    Shape("coat_rack", "wall_shelf", lambda kit: _coat_board(kit, True), test=True, stands_on="wall"),
)
