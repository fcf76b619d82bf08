"""What people sit on: sofas, armchairs, chairs, stools, benches; and cushions."""

import math
from itertools import pairwise

from ..kit import Finish, Kit, Shape, upright_rod
from ..solids import Mesh, ball, box, lathe, prism, rod, rounded, tube


def _seats(kit: Kit, cloth: Finish, w: float, d: float, z: float, count: int, back: float) -> None:
    """Seat and back cushions side by side between the arms; the back rest stands behind them."""
    each = w / count
    for i in range(count):
        x = (i + 0.5) * each - w / 2
        kit.box(cloth, x, 0.08, z, each - 0.012, d - 0.16, 0.14)
        kit.box(cloth, x, -d / 2 + 0.16, z + 0.14, each - 0.02, 0.16, back)
        kit.surface(x, 0.12, z + 0.14, each * 0.7, d * 0.4)


def _track_sofa(kit: Kit, count: int) -> None:
    arm, seat = kit.between(0.14, 0.2), kit.between(0.58, 0.7)
    w, d = seat * count + 2 * arm, kit.between(0.82, 0.94)
    cloth, wood = kit.finish("cloth"), kit.finish("wood")
    kit.legs(wood, w - 0.06, d - 0.06, 0.07, 0.06)
    kit.box(cloth, 0, 0, 0.06, w, d, 0.23)
    back = kit.between(0.78, 0.9)
    kit.box(cloth, 0, -d / 2 + 0.07, 0.29, w, 0.14, back - 0.29)
    for side in (-1, 1):
        kit.box(cloth, side * (w - arm) / 2, 0.07, 0.29, arm, d - 0.14, kit.between(0.28, 0.34))
    _seats(kit, cloth, w - 2 * arm, d, 0.29, count, back - 0.4)


def _rolled_sofa(kit: Kit, count: int) -> None:
    arm, seat = kit.between(0.18, 0.22), kit.between(0.56, 0.66)
    w, d = seat * count + 2 * arm, kit.between(0.84, 0.94)
    cloth, wood = kit.finish("cloth"), kit.finish("wood")
    kit.legs(wood, w - 0.08, d - 0.08, 0.1, 0.05)
    kit.box(cloth, 0, 0, 0.09, w - 0.04, d, 0.22)
    high = kit.between(0.84, 0.95)
    kit.box(cloth, 0, -d / 2 + 0.08, 0.3, w - 2 * arm + 0.04, 0.16, high - 0.38)
    kit.add(
        cloth,
        tube(0.09, w - 2 * arm + 0.04).turned("y", 90).moved(-w / 2 + arm - 0.02, -d / 2 + 0.09, high - 0.08),
    )
    for side in (-1, 1):
        x = side * (w - arm) / 2
        kit.box(cloth, x, 0, 0.3, arm - 0.06, d, 0.26)
        kit.add(cloth, tube(arm / 2, d + 0.02).turned("x", -90).moved(x, -d / 2 - 0.01, 0.56))
    _seats(kit, cloth, w - 2 * arm, d, 0.3, count, high - 0.46)


def _corner_sofa(kit: Kit) -> None:
    w, d, long = kit.between(2.3, 2.7), kit.between(0.86, 0.95), kit.between(1.5, 1.7)
    cloth, wood = kit.finish("cloth"), kit.finish("wood")
    side, low = (1 if kit.count(0, 1) else -1), 0.28
    for x, y in ((-w / 2, 0), (w / 2, 0), (side * w / 2, long - d), (side * (w / 2 - d + 0.1), long - d)):
        ends = (0.06 if x < 0 else -0.06), (d / 2 - 0.06)
        kit.box(wood, x + ends[0], y + ends[1], 0, 0.06, 0.06, 0.07)
    kit.box(cloth, 0, 0, 0.06, w, d, low - 0.06)
    kit.box(cloth, side * (w - d) / 2, long / 2, 0.06, d, long - d + 0.001, low - 0.06)
    kit.box(cloth, 0, -d / 2 + 0.08, low, w, 0.16, 0.5)
    kit.box(cloth, -side * (w / 2 - 0.09), 0.08, low, 0.18, d - 0.16, 0.34)
    kit.box(cloth, side * (w / 2 - 0.08), (long - d) / 2 + 0.08, low, 0.16, long - 0.16, 0.5)
    inner = w - 0.18 - d
    for i in range(2):
        x = -side * (w / 2 - 0.18 - (i + 0.5) * inner / 2)
        kit.box(cloth, x, 0.08, low, inner / 2 - 0.012, d - 0.16, 0.14)
        kit.box(cloth, x, -d / 2 + 0.24, low + 0.14, inner / 2 - 0.02, 0.16, 0.4)
        kit.surface(x, 0.15, low + 0.14, inner * 0.35, d * 0.4)
    kit.box(cloth, side * (w / 2 - d / 2 - 0.08), (long - d) / 2 + 0.08, low, d - 0.172, long - 0.16, 0.14)


def _frame_sofa(kit: Kit, count: int) -> None:
    seat = kit.between(0.58, 0.66)
    w, d, high = seat * count + 0.16, kit.between(0.78, 0.88), kit.between(0.76, 0.86)
    wood, cloth = kit.finish("wood"), kit.finish("cloth")
    for side in (-1, 1):
        x = side * (w / 2 - 0.03)
        kit.add(wood, upright_rod((x, d / 2 - 0.04, 0), (x, d / 2 - 0.1, 0.58), 0.035))
        kit.add(wood, upright_rod((x, -d / 2 + 0.02, 0), (x, -d / 2 + 0.14, 0.6), 0.035))
        kit.box(wood, x, 0, 0.57, 0.08, d - 0.06, 0.04)
        kit.box(wood, x, 0, 0.24, 0.03, d - 0.14, 0.06)
    kit.box(wood, 0, 0.02, 0.24, w - 0.06, d - 0.1, 0.05)
    each = (w - 0.14) / count
    for i in range(count):
        x = (i + 0.5) * each - (w - 0.14) / 2
        kit.box(cloth, x, 0.06, 0.29, each - 0.015, d - 0.12, 0.13)
        back = prism(
            ((0, 0), (0.14, 0), (0.14, high - 0.42), (0, high - 0.42)), -each / 2 + 0.01, each / 2 - 0.01, "x"
        )
        kit.add(cloth, back.turned("x", 12).moved(x, -d / 2 + 0.15, 0.4))
        kit.surface(x, 0.12, 0.42, each * 0.7, d * 0.4)
    kit.add(
        wood,
        rod((-w / 2 + 0.03, -d / 2 + 0.1, high - 0.12), (w / 2 - 0.03, -d / 2 + 0.1, high - 0.12), 0.025),
    )


def _round_sofa(kit: Kit, count: int) -> None:
    """The back runs around in one curve at arm height, as of a tub chair or a Chesterfield."""
    w = kit.between(0.58, 0.66) * count + kit.between(0.26, 0.34)
    d, high = kit.between(0.82, 0.9), kit.between(0.7, 0.78)
    cloth, metal = kit.finish("cloth"), kit.finish("metal")
    for sx in (-1, 1):
        for sy in (-1, 1):
            kit.tube(metal, (sx * (w / 2 - 0.16), sy * (d / 2 - 0.14), 0), 0.018, 0.16)
    kit.add(cloth, prism(rounded(w, d, 0.3), 0.15, 0.3))
    outline, thick = rounded(w - 0.14, d - 0.14, 0.26, 3), 0.075
    # From the front of one arm around the back to the other.
    path = [*outline[8:16]]
    path = [(path[0][0], d / 2 - 0.06), *path, (path[-1][0], d / 2 - 0.06)]
    for (ax, ay), (bx, by) in pairwise(path):
        kit.add(cloth, rod((ax, ay, high - 0.08), (bx, by, high - 0.08), thick + 0.02, sides=6))
        length = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5
        wall = box(0, 0, 0.28, length + 0.06, 2 * thick, high - 0.36)
        kit.add(cloth, _along(wall, ax, ay, bx, by))
    inner = w - 0.3
    for i in range(count):
        x = ((i + 0.5) / count - 0.5) * inner
        kit.box(cloth, x, 0.06, 0.3, inner / count - 0.01, d - 0.2, 0.14)
        kit.surface(x, 0.1, 0.44, inner / count * 0.7, d * 0.4)


def _along(mesh: Mesh, ax: float, ay: float, bx: float, by: float) -> Mesh:
    return mesh.turned("z", math.degrees(math.atan2(by - ay, bx - ax))).moved((ax + bx) / 2, (ay + by) / 2)


def _wing_chair(kit: Kit) -> None:
    w, d, high = kit.between(0.74, 0.84), kit.between(0.78, 0.88), kit.between(1.0, 1.12)
    cloth, wood = kit.finish("cloth"), kit.finish("wood")
    kit.legs(wood, w - 0.06, d - 0.1, 0.16, 0.05)
    kit.box(cloth, 0, 0, 0.15, w, d - 0.04, 0.14)
    kit.box(cloth, 0, -d / 2 + 0.09, 0.29, w - 0.04, 0.16, high - 0.29)
    wing = ((-d / 2 + 0.02, 0), (d / 2 - 0.04, 0), (d / 2 - 0.04, 0.3), (0.02, 0.36), (-0.06, high - 0.32))
    for side in (-1, 1):
        x = side * (w / 2 - 0.07)
        kit.add(cloth, prism((*wing, (-d / 2 + 0.02, high - 0.3)), x - 0.06, x + 0.06, "x").moved(0, 0, 0.28))
    kit.box(cloth, 0, 0.07, 0.29, w - 0.27, d - 0.24, 0.15)
    kit.surface(0, 0.1, 0.44, w * 0.5, d * 0.4)


def _back(kit: Kit, wood: Finish, w: float, d: float, seat: float, high: float, style: str) -> None:
    """What is leaned on: between two posts that carry on from the rear legs, or a panel."""
    y = -d / 2 + 0.02
    rise = high - seat
    if style == "panel":
        board = prism(rounded(w - 0.02, rise * 0.72, 0.06), -0.02, 0.02).turned("x", 97)
        kit.add(wood, board.moved(0, y - 0.02, seat + rise * 0.63))
        for side in (-1, 1):
            kit.box(wood, side * (w / 2 - 0.08), y, seat, 0.035, 0.02, rise * 0.4)
        return
    for side in (-1, 1):
        x = side * (w / 2 - 0.02)
        kit.add(wood, upright_rod((x, y, seat - 0.02), (x, y - 0.06, high), 0.026))
    if style == "slats":
        kit.box(wood, 0, y - 0.05, high - 0.09, w - 0.04, 0.025, 0.08)
        for i in (-1, 0, 1):
            x = i * w / 4
            kit.add(wood, upright_rod((x, y - 0.01, seat + 0.02), (x, y - 0.05, high - 0.05), 0.022))
    elif style == "ladder":
        for i in range(3):
            part = 0.3 + 0.3 * i
            kit.box(wood, 0, y - 0.06 * part, seat + rise * part, w - 0.04, 0.02, 0.06)
    else:
        for i in range(6):
            x = (i - 2.5) * w / 7.5
            kit.rod(wood, (x, y, seat + 0.02), (x * 0.9, y - 0.055, high - 0.03), 0.009)
        kit.box(wood, 0, y - 0.058, high - 0.05, w + 0.02, 0.03, 0.06)


def _chair(kit: Kit, back: str, splay: float, cushion: bool) -> None:
    w, d, seat = kit.between(0.42, 0.48), kit.between(0.43, 0.48), kit.between(0.43, 0.47)
    wood, high = kit.finish("wood"), kit.between(0.84, 0.98)
    thick = 0.045 if splay else 0.04
    kit.legs(wood, w, d, seat - 0.03, thick, splay)
    kit.box(wood, 0, 0, seat - 0.035, w, d, 0.035)
    if not splay:
        for side in (-1, 1):
            kit.box(wood, side * (w - 0.04) / 2, 0, 0.2, 0.022, d - 0.06, 0.03)
    if cushion:
        kit.box(kit.finish("cloth"), 0, 0.02, seat, w - 0.03, d - 0.06, 0.04)
    _back(kit, wood, w, d, seat, high, back)


def _office_chair(kit: Kit) -> None:
    seat, w = kit.between(0.44, 0.52), kit.between(0.46, 0.52)
    black, cloth = kit.finish("metal"), kit.finish("cloth")
    for i in range(5):
        foot = rod((0, 0, 0.1), (0.0, 0.3, 0.07), 0.022)
        kit.add(
            black,
            foot.turned("z", 72 * i),
            ball(0.03, 0.03, 0.03, 6, 3).moved(0, 0.3, 0.03).turned("z", 72 * i),
        )
    kit.tube(black, (0, 0, 0.09), 0.03, seat - 0.1)
    kit.add(cloth, prism(rounded(w, w, 0.1), seat - 0.06, seat + 0.03))
    back = prism(rounded(w - 0.04, 0.52, 0.1), -0.035, 0.035).turned("x", 96)
    kit.add(cloth, back.moved(0, -w / 2 + 0.03, seat + 0.38))
    kit.rod(black, (0, -0.1, seat - 0.04), (0, -w / 2 - 0.01, seat + 0.25), 0.02)
    for side in (-1, 1):
        x = side * (w / 2 + 0.04)
        kit.box(black, x, 0, seat - 0.03, 0.03, 0.05, 0.22)
        kit.box(black, x, 0.02, seat + 0.19, 0.06, 0.26, 0.03)
        kit.box(black, side * w / 2, 0, seat - 0.05, 0.12, 0.05, 0.03)


def _shell_chair(kit: Kit) -> None:
    seat, w = kit.between(0.43, 0.46), kit.between(0.46, 0.5)
    shell, wood = kit.finish("plastic"), kit.finish("wood")
    for sx in (-1, 1):
        for sy in (-1, 1):
            kit.add(wood, upright_rod((sx * 0.22, sy * 0.22, 0), (sx * 0.1, sy * 0.1, seat), 0.022))
    kit.add(shell, ball(w / 2, w / 2, 0.05).moved(0, 0.02, seat))
    for angle, high in ((-40, 0.24), (-20, 0.34), (0, 0.38), (20, 0.34), (40, 0.24)):
        board = prism(rounded(0.19, high, 0.06, 2), -0.012, 0.012).turned("x", 100)
        kit.add(shell, board.moved(0, -w / 2 + 0.005, seat + high / 2).turned("z", angle))


def _stool(kit: Kit, high: float, legs: int, round_top: bool) -> None:
    high = round(high + kit.between(-0.03, 0.03), 3)
    r = kit.between(0.16, 0.19)
    wood = kit.finish("wood")
    top = kit.finish("cloth") if kit.count(0, 1) else wood
    for i in range(legs):
        foot = upright_rod((0, r * 1.12, 0), (0, r * 0.7, high - 0.04), 0.02).turned("z", 360 / legs * i + 45)
        kit.add(wood, foot)
    if round_top:
        kit.tube(top, (0, 0, high - 0.045), r, 0.045)
        ring = lathe(((r * 0.98, 0), (r * 0.98, 0.02), (r * 0.88, 0.02), (r * 0.88, 0)), 12, closed=True)
        kit.add(wood, ring.moved(0, 0, high * 0.35))
    else:
        kit.add(top, prism(rounded(2.1 * r, 2.1 * r, 0.05), high - 0.05, high))
    kit.surface(0, 0, high, r, r)


def _pouffe(kit: Kit) -> None:
    r, high = kit.between(0.22, 0.28), kit.between(0.38, 0.45)
    cloth = kit.finish("cloth")
    kit.add(cloth, lathe(((r * 0.9, 0), (r, 0.05), (r, high - 0.06), (r * 0.9, high)), 12))
    kit.surface(0, 0, high, r, r)


def _bar_stool(kit: Kit) -> None:
    high, r = kit.between(0.64, 0.76), kit.between(0.17, 0.2)
    metal, cloth = kit.finish("metal"), kit.finish("cloth")
    kit.add(metal, lathe(((0.21, 0), (0.21, 0.015), (0.03, 0.05)), 12))
    kit.tube(metal, (0, 0, 0.03), 0.025, high - 0.08)
    ring = lathe(((0.15, 0), (0.15, 0.02), (0.13, 0.02), (0.13, 0)), 12, closed=True)
    kit.add(metal, ring.moved(0, 0.06, high * 0.4))
    kit.rod(metal, (0, 0, high * 0.4 + 0.01), (0, 0.2, high * 0.4 + 0.01), 0.01)
    kit.add(cloth, lathe(((r * 0.85, 0), (r, 0.03), (r, 0.06), (r * 0.8, 0.08)), 12).moved(0, 0, high - 0.08))
    kit.surface(0, 0, high, r, r)


def _bench(kit: Kit, style: str) -> None:
    w, d, high = kit.between(1.0, 1.4), kit.between(0.34, 0.42), kit.between(0.43, 0.48)
    wood = kit.finish("wood")
    if style == "plain":
        kit.legs(wood, w - 0.06, d, high - 0.03, 0.055)
        kit.box(wood, 0, 0, 0.15, w - 0.1, 0.04, 0.05)
    elif style == "backed":
        kit.legs(wood, w, d, high - 0.03, 0.05)
        for side in (-1, 1):
            kit.box(wood, side * (w / 2 - 0.025), -d / 2 + 0.025, high, 0.05, 0.05, 0.42)
            kit.box(wood, side * (w / 2 - 0.025), 0, high + 0.18, 0.05, d, 0.04)
            kit.box(wood, side * (w / 2 - 0.025), d / 2 - 0.025, high, 0.05, 0.05, 0.18)
        for i in range(3):
            kit.box(wood, 0, -d / 2 + 0.025, high + 0.1 + 0.115 * i, w - 0.1, 0.02, 0.07)
    elif style == "trestle":
        for side in (-1, 1):
            left = ((-d / 3, high - 0.03), (-d / 2, 0), (-d / 4, 0))
            outline = ((0, 0.12), (d / 4, 0), (d / 2, 0), (d / 3, high - 0.03), *left)
            kit.add(wood, prism(outline, -0.025, 0.025, "x").moved(side * (w / 2 - 0.16)))
        kit.box(wood, 0, 0, high * 0.45, w - 0.3, 0.03, 0.08)
    else:
        kit.box(wood, 0, 0, 0.0, w, d, high - 0.1)
        kit.box(kit.finish("cloth"), 0, 0, high - 0.03, w - 0.02, d - 0.02, 0.07)
        kit.fronts(wood, kit.finish("metal"), (-w / 2, 0.02, w / 2, high - 0.12), d / 2, (1, 2))
    kit.box(wood, 0, 0, high - 0.035, w, d, 0.035)
    kit.surface(0, 0, high + (0.04 if style == "chest" else 0.0), w * 0.9, d * 0.8)


def _square_cushion(kit: Kit) -> None:
    size, thick = kit.between(0.38, 0.5), kit.between(0.1, 0.14)
    cloth = kit.finish("cloth")
    profile = ((size * 0.62, 0), (size * 0.71, thick * 0.5), (size * 0.62, thick), (size * 0.3, thick * 1.15))
    kit.add(cloth, lathe(profile, 4).turned("z", 45))


def _round_cushion(kit: Kit) -> None:
    r, thick = kit.between(0.19, 0.24), kit.between(0.1, 0.14)
    cloth, button = kit.finish("cloth"), kit.finish("cloth")
    kit.add(cloth, lathe(((r * 0.8, 0), (r, thick / 2), (r * 0.8, thick), (r * 0.2, thick * 0.9)), 12))
    kit.tube(button, (0, 0, thick * 0.85), 0.025, thick * 0.1)


def _bolster(kit: Kit) -> None:
    r, w = kit.between(0.08, 0.11), kit.between(0.5, 0.65)
    cloth = kit.finish("cloth")
    profile = ((r * 0.4, 0), (r, 0.03), (r, w - 0.03), (r * 0.4, w))
    kit.add(cloth, lathe(profile, 12).turned("z", 15).turned("y", 90).moved(-w / 2, 0, r * 0.9659258))


def _tufted_cushion(kit: Kit) -> None:
    size, thick = kit.between(0.36, 0.46), kit.between(0.09, 0.12)
    cloth, edge = kit.finish("cloth"), kit.finish("cloth")
    for sx in (-1, 1):
        for sy in (-1, 1):
            top = ball(size * 0.27, size * 0.27, thick / 2, 8, 4)
            kit.add(cloth, top.moved(sx * size / 4, sy * size / 4, thick / 2))
    kit.box(edge, 0, 0, thick * 0.3, size, size, thick * 0.4)


SHAPES = (
    Shape("sofa", "track_arm_two", lambda kit: _track_sofa(kit, 2)),
    Shape("sofa", "track_arm_three", lambda kit: _track_sofa(kit, 3)),
    Shape("sofa", "rolled_arm", lambda kit: _rolled_sofa(kit, kit.count(2, 3))),
    Shape("sofa", "corner", _corner_sofa),
    Shape("sofa", "wooden_frame", lambda kit: _frame_sofa(kit, kit.count(2, 3)), test=True),
    Shape("sofa", "round_back", lambda kit: _round_sofa(kit, kit.count(2, 3)), test=True),
    Shape("armchair", "track_arm", lambda kit: _track_sofa(kit, 1)),
    Shape("armchair", "rolled_arm", lambda kit: _rolled_sofa(kit, 1)),
    Shape("armchair", "wing", _wing_chair),
    Shape("armchair", "wooden_frame", lambda kit: _frame_sofa(kit, 1), test=True),
    Shape("armchair", "tub", lambda kit: _round_sofa(kit, 1), test=True),
    Shape("chair", "slatted", lambda kit: _chair(kit, "slats", 0.0, cushion=False)),
    Shape("chair", "panel_back", lambda kit: _chair(kit, "panel", 0.0, cushion=True)),
    Shape("chair", "office", _office_chair, rooms=("office", "bedroom")),
    Shape("chair", "ladder_back", lambda kit: _chair(kit, "ladder", 0.0, cushion=True), test=True),
    Shape("chair", "spindle_back", lambda kit: _chair(kit, "spindles", 0.06, cushion=False), test=True),
    Shape("chair", "shell", _shell_chair, test=True),
    Shape("stool", "four_legs", lambda kit: _stool(kit, 0.45, 4, True)),
    Shape("stool", "tall", lambda kit: _stool(kit, 0.7, 4, True)),
    Shape("stool", "pouffe", _pouffe),
    Shape("stool", "three_legs", lambda kit: _stool(kit, 0.46, 3, False), test=True),
    Shape("stool", "pedestal", _bar_stool, test=True),
    Shape("bench", "plain", lambda kit: _bench(kit, "plain")),
    Shape("bench", "backed", lambda kit: _bench(kit, "backed")),
    Shape("bench", "trestle", lambda kit: _bench(kit, "trestle"), test=True),
    Shape("bench", "chest", lambda kit: _bench(kit, "chest"), test=True),
    Shape("cushion", "square", _square_cushion, stands_on="top"),
    Shape("cushion", "round", _round_cushion, stands_on="top"),
    Shape("cushion", "bolster", _bolster, test=True, stands_on="top"),
    Shape("cushion", "tufted", _tufted_cushion, test=True, stands_on="top"),
)
