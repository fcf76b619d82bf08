"""Beds and cribs: a frame or box, a mattress, a blanket, pillows, and what stands at their ends."""

from ..kit import Finish, Kit, Shape, upright_rod
from ..solids import arch, ball, prism, tube


def _size(kit: Kit, single: bool) -> tuple[float, float]:
    width = float(kit.pick("0.9", "1.0")) if single else float(kit.pick("1.4", "1.6", "1.8"))
    return width, kit.between(1.96, 2.06)


def _bedding(kit: Kit, w: float, length: float, z: float, thick: float, soft: bool = True) -> None:
    """Mattress, blanket turned back, one pillow or two; the head is at -y."""
    linen, blanket, pillow = kit.finish("linen"), kit.finish("cloth"), kit.finish("linen")
    kit.box(linen, 0, 0, z, w - 0.02, length - 0.02, thick)
    cover = length * kit.between(0.6, 0.72)
    kit.box(blanket, 0, (length - cover) / 2, z + thick * 0.35, w + 0.03, cover + 0.01, thick * 0.65 + 0.035)
    kit.box(linen, 0, length / 2 - cover + 0.07, z + thick * 0.4, w + 0.034, 0.2, thick * 0.6 + 0.045)
    across = (0.0,) if w < 1.2 else (-w / 4, w / 4)
    for x in across:
        if soft:
            kit.ball(pillow, (x, -length / 2 + 0.27, z + thick + 0.055), 0.33, 0.21, 0.085)
        else:
            kit.box(pillow, x, -length / 2 + 0.25, z + thick, 0.58, 0.36, 0.11)
    kit.surface(0, length / 2 - cover / 2 + 0.1, z + thick + 0.035, w * 0.8, cover * 0.6)


def _panel_bed(kit: Kit) -> None:
    w, length = _size(kit, False)
    wood, low = kit.finish("wood"), kit.between(0.26, 0.34)
    for side in (-1, 1):
        kit.box(wood, side * (w / 2 + 0.015), 0, low - 0.16, 0.03, length, 0.2)
    kit.box(wood, 0, -length / 2 - 0.025, 0.0, w + 0.06, 0.05, kit.between(0.85, 1.1))
    kit.box(wood, 0, length / 2 + 0.02, 0.0, w + 0.06, 0.04, low + 0.16)
    kit.box(wood, 0, 0, low - 0.06, w, length, 0.05)
    _bedding(kit, w, length, low - 0.01, 0.22)


def _box_spring(kit: Kit) -> None:
    w, length = _size(kit, False)
    cloth, metal = kit.finish("cloth"), kit.finish("metal")
    for x in (-w / 2 + 0.1, w / 2 - 0.1):
        for y in (-length / 2 + 0.1, length / 2 - 0.1):
            kit.tube(metal, (x, y, 0), 0.03, 0.08)
    kit.box(cloth, 0, 0, 0.07, w, length, 0.28)
    high = kit.between(1.0, 1.25)
    columns = 3
    for i in range(columns):
        x = (i - (columns - 1) / 2) * (w + 0.1) / columns
        kit.box(cloth, x, -length / 2 - 0.06, 0.0, (w + 0.1) / columns - 0.012, 0.12, high)
    _bedding(kit, w, length, 0.35, 0.22)


def _slatted_single(kit: Kit) -> None:
    w, length = _size(kit, True)
    wood, high = kit.finish("wood"), kit.between(0.8, 0.95)
    for y, top in ((-length / 2, high), (length / 2, high * 0.72)):
        for x in (-w / 2, w / 2):
            kit.box(wood, x, y, 0, 0.055, 0.055, top)
        kit.box(wood, 0, y, top - 0.09, w, 0.03, 0.07)
        kit.box(wood, 0, y, 0.3, w, 0.03, 0.07)
        for i in range(5):
            kit.box(wood, (i - 2) * w / 5.5, y, 0.37, 0.05, 0.02, top - 0.46)
    for side in (-1, 1):
        kit.box(wood, side * w / 2, 0, 0.22, 0.03, length, 0.13)
    kit.box(wood, 0, 0, 0.26, w, length - 0.04, 0.04)
    _bedding(kit, w - 0.04, length - 0.06, 0.3, 0.18)


def _sleigh_bed(kit: Kit) -> None:
    w, length = _size(kit, False)
    wood, high = kit.finish("wood"), kit.between(0.95, 1.1)
    for y, top, way in ((-length / 2 - 0.02, high, -1), (length / 2 + 0.02, high * 0.7, 1)):
        kit.box(wood, 0, y, 0, w + 0.08, 0.06, top * 0.7)
        board = prism(
            ((0, 0), (0.05, 0), (0.05, top * 0.3), (0, top * 0.3)), -w / 2 - 0.04, w / 2 + 0.04, "x"
        )
        kit.add(wood, board.turned("x", -18 * way).moved(0, y - 0.025, top * 0.68))
        roll = tube(0.05, w + 0.08, sides=8).turned("y", 90).moved(-w / 2 - 0.04, y + way * 0.09, top * 0.95)
        kit.add(wood, roll)
    for side in (-1, 1):
        kit.box(wood, side * (w / 2 + 0.02), 0, 0.1, 0.04, length, 0.28)
    kit.box(wood, 0, 0, 0.22, w, length, 0.06)
    _bedding(kit, w, length, 0.28, 0.24)


def _four_poster(kit: Kit) -> None:
    w, length = _size(kit, False)
    wood, cloth, high = kit.finish("wood"), kit.finish("linen"), kit.between(1.85, 2.0)
    x, y = w / 2 + 0.03, length / 2 + 0.03
    for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        kit.tube(wood, (sx * x, sy * y, 0), 0.04, high, 0.03)
        kit.ball(wood, (sx * x, sy * y, high), 0.045, 0.045, 0.06)
    for side in (-1, 1):
        kit.box(wood, side * x, 0, 0.2, 0.04, 2 * y, 0.18)
        kit.box(wood, side * x, 0, high - 0.09, 0.035, 2 * y, 0.05)
        kit.box(wood, 0, side * y, high - 0.09, 2 * x, 0.035, 0.05)
        kit.box(cloth, side * x, -y + 0.16, 0.42, 0.05, 0.16, high - 0.5)
    kit.add(wood, prism(arch(2 * x, 0.6, 0.85), -y - 0.02, -y + 0.02, "y").moved(0, 0, 0.25))
    kit.box(wood, 0, y, 0.2, 2 * x, 0.04, 0.24)
    kit.box(wood, 0, 0, 0.26, w, length, 0.06)
    _bedding(kit, w, length, 0.32, 0.22, soft=False)


def _arched_single(kit: Kit) -> None:
    w, length = _size(kit, True)
    wood, cloth = kit.finish("wood"), kit.finish("cloth")
    high = kit.between(0.65, 0.8)
    kit.add(
        wood, prism(arch(w + 0.06, high * 0.7, high + 0.2), -0.03, 0.03, "y").moved(0, -length / 2 - 0.03)
    )
    kit.add(wood, prism(arch(w + 0.06, 0.42, 0.6), -0.02, 0.02, "y").moved(0, length / 2 + 0.02))
    kit.box(wood, 0, 0, 0.05, w, length, 0.27)
    for i in (-1, 1):
        kit.box(cloth, w / 2 + 0.01, i * length / 4, 0.07, 0.02, length * 0.42, 0.2)
    _bedding(kit, w, length, 0.32, 0.18, soft=False)


def _rails(kit: Kit, finish: Finish, w: float, d: float, low: float, high: float, bars: int) -> None:
    """Upright bars and two rails along both long sides of a crib."""
    for y in (-d / 2, d / 2):
        kit.box(finish, 0, y, low, w, 0.025, 0.05)
        kit.box(finish, 0, y, high - 0.05, w, 0.035, 0.05)
        for i in range(bars):
            kit.box(finish, ((i + 0.5) / bars - 0.5) * w, y, low + 0.05, 0.018, 0.018, high - low - 0.1)


def _crib_bed(kit: Kit, w: float, d: float, z: float) -> None:
    linen, blanket = kit.finish("linen"), kit.finish("cloth")
    kit.box(linen, 0, 0, z, w - 0.04, d - 0.04, 0.1)
    kit.box(blanket, w * 0.15, 0, z + 0.06, w * 0.55, d - 0.03, 0.06)
    kit.box(linen, -w * 0.36, 0, z + 0.1, 0.2, d * 0.6, 0.05)


def _slatted_crib(kit: Kit) -> None:
    w, d, high = kit.between(1.2, 1.34), kit.between(0.62, 0.72), kit.between(0.9, 1.0)
    wood = kit.finish("wood")
    kit.legs(wood, w + 0.05, d + 0.05, high, 0.05)
    _rails(kit, wood, w, d, 0.28, high, 10)
    for x in (-w / 2, w / 2):
        kit.box(wood, x, 0, 0.28, 0.025, d, 0.05)
        kit.box(wood, x, 0, high - 0.06, 0.03, d, 0.06)
        for i in range(5):
            kit.box(wood, x, (i - 2) * d / 6, 0.33, 0.018, 0.018, high - 0.39)
    kit.box(wood, 0, 0, 0.3, w, d, 0.03)
    _crib_bed(kit, w, d, 0.33)


def _drawer_crib(kit: Kit) -> None:
    w, d, high = kit.between(1.22, 1.36), kit.between(0.66, 0.74), kit.between(0.95, 1.05)
    wood, metal = kit.finish("wood"), kit.finish("metal")
    for x in (-w / 2, w / 2):
        kit.box(wood, x, 0, 0, 0.035, d + 0.04, high)
    kit.box(wood, 0, 0, 0.04, w, d - 0.04, 0.26)
    kit.fronts(wood, metal, (-w / 2 + 0.02, 0.05, w / 2 - 0.02, 0.28), d / 2 - 0.02, (1, 2))
    _rails(kit, wood, w, d, 0.32, high, 9)
    _crib_bed(kit, w, d, 0.3)


def _cradle(kit: Kit) -> None:
    w, d, high = kit.between(0.95, 1.1), kit.between(0.55, 0.64), kit.between(0.85, 0.95)
    wood = kit.finish("wood")
    for x in (-w / 2, w / 2):
        kit.add(
            wood,
            prism(arch(d, high - 0.45, high - 0.25), -0.015, 0.015, "y").turned("z", 90).moved(x, 0, 0.25),
        )
        for y in (-1, 1):
            kit.add(wood, upright_rod((x, y * d * 0.6, 0.02), (x, y * d * 0.3, 0.3), 0.03))
        kit.box(wood, x, 0, 0, 0.04, d * 1.35, 0.05)
    _rails(kit, wood, w, d - 0.04, 0.28, high - 0.22, 8)
    kit.box(wood, 0, 0, 0.28, w, d - 0.03, 0.03)
    _crib_bed(kit, w, d - 0.03, 0.31)


def _canopy_crib(kit: Kit) -> None:
    w, d, high = kit.between(1.2, 1.32), kit.between(0.64, 0.72), kit.between(0.85, 0.95)
    wood, veil = kit.finish("wood"), kit.finish("linen")
    for sx in (-1, 1):
        for sy in (-1, 1):
            kit.tube(wood, (sx * w / 2, sy * d / 2, 0), 0.03, high + 0.04)
            kit.add(wood, ball(0.04, 0.04, 0.04, 6, 3).moved(sx * w / 2, sy * d / 2, high + 0.05))
        kit.box(wood, sx * w / 2, 0, 0.24, 0.02, d, high - 0.3)
    _rails(kit, wood, w, d, 0.26, high, 7)
    kit.box(wood, 0, 0, 0.28, w, d, 0.03)
    kit.rod(wood, (-w / 2, 0, 0.3), (-w / 2, 0, 1.6), 0.015)
    kit.add(veil, tube(0.3, 0.85, 0.04).moved(-w / 2 + 0.3, 0, 0.78))
    _crib_bed(kit, w, d, 0.31)


SHAPES = (
    Shape("bed", "panel_double", _panel_bed),
    Shape("bed", "box_spring_double", _box_spring),
    Shape("bed", "slatted_single", _slatted_single),
    Shape("bed", "sleigh_double", _sleigh_bed, test=True),
    Shape("bed", "four_poster", _four_poster, test=True),
    Shape("bed", "arched_single", _arched_single, test=True),
    Shape("crib", "slatted", _slatted_crib),
    Shape("crib", "with_drawers", _drawer_crib),
    Shape("crib", "cradle", _cradle, test=True),
    Shape("crib", "canopy", _canopy_crib, test=True),
)
