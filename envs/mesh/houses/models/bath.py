"""What stands and hangs in a bathroom: toilets, bathtubs, showers, towels."""

import math
from itertools import pairwise

from ..kit import Finish, Kit, Shape
from ..solids import arch, lathe, prism, rounded, tube


def _bowl(kit: Kit, white: Finish, y: float, high: float, foot: float) -> None:
    """The bowl with its hollow, elongated to the front, and a seat on its rim."""
    profile = ((foot, 0.0), (foot * 0.85, high * 0.35), (0.46, high - 0.05), (0.5, high), (0.36, high))
    body = lathe((*profile, (0.28, high - 0.12), (0.0, high - 0.16)), 14)
    kit.add(white, body.scaled(0.37, 0.5).moved(0, y))


def _seat(kit: Kit, seat: Finish, y: float, high: float) -> None:
    ring = lathe(((0.51, 0), (0.51, 0.022), (0.33, 0.022), (0.33, 0)), 14, closed=True)
    kit.add(seat, ring.scaled(0.38, 0.5).moved(0, y, high + 0.002))


def _lid(kit: Kit, seat: Finish, y: float, high: float) -> None:
    """The lid, up and leaning back."""
    lid = tube(0.5, 0.018, sides=14).scaled(0.38, 0.46).turned("x", 80)
    kit.add(seat, lid.moved(0, y, high + 0.24))


def _toilet(kit: Kit) -> None:
    white, metal, seat = kit.finish("ceramic"), kit.finish("metal"), kit.finish("linen")
    high, w = kit.between(0.38, 0.42), kit.between(0.36, 0.42)
    _bowl(kit, white, 0.1, high, 0.3)
    kit.box(white, 0, -0.22, 0, 0.2, 0.22, high - 0.02)
    kit.box(white, 0, -0.2, high - 0.04, 0.3, 0.2, 0.04)
    _seat(kit, seat, 0.1, high)
    _lid(kit, seat, -0.15, high)
    kit.add(white, prism(rounded(w, 0.18, 0.04), high, high + 0.36).moved(0, -0.26))
    kit.add(white, prism(rounded(w + 0.03, 0.2, 0.04), high + 0.36, high + 0.39).moved(0, -0.26))
    kit.tube(metal, (0, -0.26, high + 0.39), 0.025, 0.012)


def _boxed_toilet(kit: Kit) -> None:
    """Wall-hung before a boxed-in cistern with a flush plate."""
    white, metal, seat, box = (kit.finish(name) for name in ("ceramic", "metal", "linen", "ceramic"))
    high, tall = kit.between(0.38, 0.42), kit.between(0.95, 1.15)
    kit.box(box, 0, -0.31, 0, kit.between(0.55, 0.8), 0.16, tall)
    profile = ((0.2, 0), (0.4, 0.1), (0.5, 0.24), (0.5, 0.28), (0.36, 0.28), (0.28, 0.18), (0.0, 0.14))
    kit.add(white, lathe(profile, 14).scaled(0.37, 0.52).moved(0, 0.03, high - 0.28))
    kit.box(white, 0, -0.15, high - 0.26, 0.3, 0.18, 0.26)
    _seat(kit, seat, 0.03, high)
    _lid(kit, seat, -0.2, high)
    kit.box(metal, 0, -0.225, tall - 0.22, 0.24, 0.012, 0.15)


def _high_cistern(kit: Kit) -> None:
    white, metal, wood = kit.finish("ceramic"), kit.finish("metal"), kit.finish("wood")
    high, tall = kit.between(0.39, 0.42), kit.between(1.75, 1.95)
    _bowl(kit, white, 0.1, high, 0.36)
    kit.box(white, 0, -0.16, high - 0.14, 0.24, 0.18, 0.14)
    kit.rod(metal, (0, -0.22, 0.3), (0, -0.22, tall - 0.32), 0.022)
    kit.rod(metal, (0, -0.24, 0.3), (0, -0.1, 0.3), 0.03)
    kit.box(wood, 0, -0.2, tall - 0.32, 0.46, 0.2, 0.3)
    kit.box(wood, 0, -0.2, tall - 0.02, 0.5, 0.23, 0.02)
    kit.rod(metal, (0.18, -0.08, tall - 0.95), (0.18, -0.08, tall - 0.25), 0.006)
    kit.tube(wood, (0.18, -0.08, tall - 1.03), 0.02, 0.09)
    _seat(kit, wood, 0.1, high)
    _lid(kit, wood, -0.12, high)


def _square_toilet(kit: Kit) -> None:
    """In one piece down to the floor, everything with flat sides, its lid shut."""
    white, metal, seat = kit.finish("ceramic"), kit.finish("metal"), kit.finish("ceramic")
    w, long, high = kit.between(0.36, 0.4), kit.between(0.5, 0.56), kit.between(0.39, 0.43)
    for side in (-1, 1):
        kit.box(white, side * (w / 2 - 0.04), 0, 0, 0.08, long, high)
    kit.box(white, 0, long / 2 - 0.035, 0, w - 0.16, 0.07, high)
    kit.box(white, 0, -0.035, 0, w - 0.16, long - 0.07, high - 0.2)
    kit.box(white, 0, -long / 2 - 0.08, 0, w, 0.17, high + 0.34)
    kit.box(metal, 0, -long / 2 - 0.08, high + 0.34, 0.1, 0.06, 0.01)
    for side in (-1, 1):
        kit.box(seat, side * (w / 2 - 0.045), 0, high, 0.085, long - 0.02, 0.025)
        kit.box(seat, 0, side * (long / 2 - 0.05), high, w - 0.17, 0.08, 0.025)
    kit.box(seat, 0, -long / 2 + 0.04, high + 0.03, w, 0.03, long * 0.8)


def _bath_size(kit: Kit) -> tuple[float, float, float]:
    return kit.between(1.55, 1.8), kit.between(0.7, 0.8), kit.between(0.54, 0.6)


def _bath_taps(kit: Kit, metal: Finish, x: float, y: float, z: float) -> None:
    kit.rod(metal, (x, y, z), (x, y, z + 0.15), 0.018)
    kit.rod(metal, (x, y, z + 0.14), (x - 0.14, y, z + 0.12), 0.018)
    for side in (-1, 1):
        kit.tube(metal, (x, y + side * 0.1, z), 0.025, 0.07)


def _built_in_bath(kit: Kit, panelled: bool) -> None:
    w, d, high = _bath_size(kit)
    white, metal = kit.finish("ceramic"), kit.finish("metal")
    kit.trough(white, (0, 0, 0.12), w - 0.12, d - 0.1, high - 0.14, 0.05, 0.05)
    for side in (-1, 1):
        kit.box(white, side * (w / 2 - 0.055), 0, high - 0.04, 0.11, d, 0.04)
        kit.box(white, 0, side * (d / 2 - 0.045), high - 0.04, w - 0.22, 0.09, 0.04)
    skirt = kit.finish("wood") if panelled else white
    for side in (-1, 1):
        kit.box(skirt, side * (w / 2 - 0.03), 0, 0, 0.02, d - 0.06, high - 0.04)
        kit.box(skirt, 0, side * (d / 2 - 0.03), 0, w - 0.08, 0.02, high - 0.04)
    if panelled:
        for i in range(3):
            kit.box(skirt, (i - 1) * (w - 0.1) / 3, d / 2 - 0.018, 0.06, (w - 0.3) / 3, 0.012, high - 0.18)
    _bath_taps(kit, metal, w / 2 - 0.05, 0.0, high)
    kit.box(metal, w / 2 - 0.115, 0, high - 0.14, 0.012, 0.06, 0.06)


def _round_bath(kit: Kit, claws: bool) -> None:
    w, d, high = _bath_size(kit)
    white, metal = kit.finish("ceramic"), kit.finish("metal")
    low = 0.13 if claws else 0.0
    wall = ((0.36, low), (0.46, low + 0.1), (0.49, high - 0.03), (0.5, high), (0.45, high))
    if not claws:
        wall = ((0.4, 0.0), (0.42, 0.04), (0.47, high * 0.6), (0.5, high), (0.46, high))
    inner = ((0.42, low + 0.16), (0.34, low + 0.09), (0.0, low + 0.08))
    kit.add(white, lathe((*wall, *inner), 18).scaled(w, d))
    if claws:
        for sx in (-1, 1):
            for sy in (-1, 1):
                foot = ((0.045, 0), (0.03, 0.05), (0.05, 0.12), (0.03, 0.2))
                kit.add(metal, lathe(foot, 6).moved(sx * w * 0.28, sy * d * 0.24))
        kit.rod(metal, (w / 2 + 0.03, 0, 0), (w / 2 + 0.03, 0, high), 0.014)
    _bath_taps(kit, metal, w / 2 + (0.03 if claws else -0.02), 0.0, high - 0.005)


def _shower_head(kit: Kit, metal: Finish, y: float, high: float, tray: float) -> None:
    """A riser at the wall, an arm and a rose looking down, a tap half way up."""
    kit.rod(metal, (0, y, tray + 0.95), (0, y, high - 0.02), 0.012)
    kit.rod(metal, (0, y, high - 0.03), (0, y + 0.28, high - 0.03), 0.012)
    kit.add(metal, tube(0.1, 0.025, 0.03).moved(0, y + 0.28, high - 0.06))
    kit.box(metal, 0, y + 0.02, tray + 0.98, 0.2, 0.05, 0.05)


def _cabin(kit: Kit) -> None:
    """A tray and a glass door before it, tiled backs, in a metal frame."""
    w, high = kit.between(0.8, 0.95), kit.between(1.95, 2.05)
    white, metal, glass = kit.finish("ceramic"), kit.finish("metal"), kit.finish("glass")
    kit.trough(white, (0, 0, 0), w, w, 0.12, 0.05, 0.07)
    kit.box(white, 0, -w / 2 + 0.015, 0.12, w, 0.03, high - 0.12)
    kit.box(white, -w / 2 + 0.015, 0.015, 0.12, 0.03, w - 0.03, high - 0.12)
    kit.box(glass, w / 2 - 0.015, 0.015, 0.14, 0.012, w - 0.08, high - 0.18)
    for x, y in ((-w / 2 + 0.02, w / 2 - 0.02), (w / 2 - 0.02, w / 2 - 0.02), (w / 2 - 0.02, -w / 2 + 0.05)):
        kit.box(metal, x, y, 0.12, 0.035, 0.035, high - 0.12)
    for z in (0.12, high - 0.035):
        kit.box(metal, 0, w / 2 - 0.02, z, w - 0.07, 0.03, 0.035)
        kit.box(metal, w / 2 - 0.02, 0.02, z, 0.03, w - 0.11, 0.035)
    kit.box(glass, -w / 4 + 0.01, w / 2 - 0.02, 0.155, w / 2 - 0.06, 0.012, high - 0.19)
    kit.box(metal, 0.02, w / 2 + 0.005, high * 0.5, 0.02, 0.03, 0.22)
    _shower_head(kit, metal, -w / 2 + 0.05, high - 0.04, 0.12)


def _curtained(kit: Kit) -> None:
    """A tray, a rail around it, and a curtain gathered on both sides."""
    w, high = kit.between(0.85, 1.0), kit.between(1.95, 2.05)
    white, metal, cloth = kit.finish("ceramic"), kit.finish("metal"), kit.finish("linen")
    kit.trough(white, (0, 0, 0), w, w, 0.14, 0.06, 0.08)
    kit.box(white, 0, -w / 2 + 0.02, 0.14, w, 0.04, high - 0.14)
    for side in (-1, 1):
        kit.rod(
            metal,
            (side * w * 0.46, -w / 2 + 0.04, high - 0.06),
            (side * w * 0.46, w * 0.46, high - 0.06),
            0.014,
        )
    kit.rod(metal, (-w * 0.46, w * 0.46, high - 0.06), (w * 0.46, w * 0.46, high - 0.06), 0.014)
    for i in range(5):
        kit.add(cloth, tube(0.035, high - 0.24, 0.02, 6).moved(-w * 0.46 + 0.02 + i * 0.055, w * 0.46, 0.16))
        kit.add(cloth, tube(0.035, high - 0.24, 0.02, 6).moved(w * 0.46, w * 0.46 - 0.02 - i * 0.055, 0.16))
    _shower_head(kit, metal, -w / 2 + 0.06, high, 0.14)


def _quadrant(kit: Kit) -> None:
    """A corner cabin whose glass front is a quarter of a circle."""
    w, high = kit.between(0.85, 0.98), kit.between(1.9, 2.05)
    white, metal, glass = kit.finish("ceramic"), kit.finish("metal"), kit.finish("glass")
    steps = 6
    angles = [math.pi / 2 * i / steps for i in range(steps + 1)]
    curve = [(w * math.cos(t) - w / 2, w * math.sin(t) - w / 2) for t in angles]
    kit.add(white, prism(((-w / 2, -w / 2), *curve), 0, 0.1))
    kit.box(white, 0, -w / 2 + 0.012, 0.1, w, 0.025, high - 0.1)
    kit.box(white, -w / 2 + 0.012, 0.012, 0.1, 0.025, w - 0.025, high - 0.1)
    for (ax, ay), (bx, by) in pairwise(curve[1:5]):
        kit.rod(metal, (ax, ay, high - 0.03), (bx, by, high - 0.03), 0.018)
    for i in (0, 1, 4, 5):
        (ax, ay), (bx, by) = curve[i], curve[i + 1]
        slab = prism(((ax, ay), (bx, by), (bx * 0.97, by * 0.97), (ax * 0.97, ay * 0.97)), 0.1, high)
        kit.add(glass, slab)
        kit.rod(metal, (ax, ay, high - 0.03), (bx, by, high - 0.03), 0.018)
        kit.rod(metal, (ax, ay, 0.11), (bx, by, 0.11), 0.018)
    for i in (0, 2, 4, 6):
        kit.box(metal, curve[i][0] * 0.98, curve[i][1] * 0.98, 0.1, 0.03, 0.03, high - 0.1)
    _shower_head(kit, metal, -w / 2 + 0.05, high - 0.02, 0.1)


def _walk_in(kit: Kit) -> None:
    """A long flat tray, one sheet of glass, a wide rose."""
    w, d, high = kit.between(1.15, 1.4), kit.between(0.8, 0.9), kit.between(1.95, 2.05)
    stone, metal, glass = kit.finish("stone"), kit.finish("metal"), kit.finish("glass")
    kit.box(stone, 0, 0, 0, w, d, 0.05)
    kit.box(stone, 0, -d / 2 + 0.02, 0.05, w, 0.04, high - 0.05)
    kit.box(glass, -w * 0.2, d / 2 - 0.02, 0.05, w * 0.6, 0.012, high - 0.05)
    for x in (-w * 0.5 + 0.012, w * 0.1 + 0.01):
        kit.box(metal, x, d / 2 - 0.02, 0.05, 0.024, 0.024, high - 0.05)
    kit.rod(metal, (-w * 0.2, d / 2 - 0.02, high - 0.02), (-w * 0.2, -d / 2 + 0.02, high - 0.02), 0.012)
    kit.box(metal, 0.1, 0.05, 0.05, 0.12, 0.12, 0.004)
    kit.rod(metal, (0.1, -d / 2 + 0.05, 1.0), (0.1, -d / 2 + 0.05, high - 0.06), 0.012)
    kit.rod(metal, (0.1, -d / 2 + 0.05, high - 0.07), (0.1, 0, high - 0.07), 0.012)
    kit.box(metal, 0.1, 0, high - 0.11, 0.26, 0.26, 0.02)
    kit.box(metal, 0.1, -d / 2 + 0.05, 1.0, 0.24, 0.05, 0.06)


def _towel(kit: Kit, style: str) -> None:
    """Folded over a bar, a ring, a hook, or the rungs of a warm ladder, before the wall."""
    metal, cloth = kit.finish("metal"), kit.finish("cloth")
    w = kit.between(0.42, 0.6)
    if style == "ladder":
        kit.hang(0.55, 0.7)
        high = kit.between(0.9, 1.1)
        for side in (-1, 1):
            kit.rod(metal, (side * w / 2, 0.05, 0), (side * w / 2, 0.05, high), 0.015)
            kit.rod(metal, (side * w / 2, 0, high - 0.1), (side * w / 2, 0.05, high - 0.1), 0.012)
        for i in range(6):
            z = 0.06 + i * (high - 0.12) / 5
            kit.rod(metal, (-w / 2, 0.05, z), (w / 2, 0.05, z), 0.011)
        kit.box(cloth, 0, 0.07, high * 0.36, w * 0.7, 0.025, high * 0.6)
        kit.box(cloth, 0, 0.035, high * 0.5, w * 0.7, 0.02, high * 0.46)
        kit.box(cloth, 0, 0.053, high * 0.96, w * 0.7, 0.056, 0.02)
        return
    kit.hang(0.8, 0.95)
    high = kit.between(0.5, 0.65)
    if style == "bar":
        kit.rod(metal, (-w / 2 - 0.06, 0.06, high), (w / 2 + 0.06, 0.06, high), 0.01)
        for side in (-1, 1):
            kit.rod(metal, (side * (w / 2 + 0.05), 0, high), (side * (w / 2 + 0.05), 0.06, high), 0.012)
        kit.box(cloth, 0, 0.075, 0, w, 0.018, high + 0.01)
        kit.box(cloth, 0, 0.042, high * 0.25, w, 0.016, high * 0.75 + 0.01)
        kit.box(cloth, 0, 0.059, high + 0.01, w, 0.05, 0.012)
        kit.box(kit.finish("linen"), 0, 0.075, high * 0.12, w + 0.003, 0.022, 0.05)
    elif style == "ring":
        ring = lathe(((0.085, 0), (0.085, 0.014), (0.07, 0.014), (0.07, 0)), 14, closed=True)
        kit.add(metal, ring.turned("x", -90).moved(0, 0.03, high))
        kit.rod(metal, (0, 0, high + 0.08), (0, 0.04, high + 0.08), 0.014)
        fold = ((-0.17, 0), (0.17, 0), (0.1, high - 0.06), (-0.1, high - 0.06))
        kit.add(cloth, prism(fold, 0.02, 0.055, "y"))
    else:
        for x in (-0.16, 0.16):
            kit.rod(metal, (x, 0, high + 0.02), (x, 0.07, high + 0.05), 0.009)
            fall = (
                (-0.12, 0),
                (-0.04, 0.03),
                (0.05, 0),
                (0.13, 0.04),
                (0.02, high + 0.02),
                (-0.02, high + 0.02),
            )
            kit.add(kit.finish("cloth"), prism(fall[4:] + fall[:4], 0.01, 0.06, "y").moved(x, 0, 0))
        kit.add(metal, prism(arch(0.5, 0.03, 0.07), -0.0, 0.02, "y").moved(0, 0, high))


SHAPES = (
    Shape("toilet", "close_coupled", _toilet),
    Shape("toilet", "boxed_in", _boxed_toilet),
    Shape("toilet", "high_cistern", _high_cistern, test=True),
    Shape("toilet", "square", _square_toilet, test=True),
    Shape("bathtub", "built_in", lambda kit: _built_in_bath(kit, False)),
    Shape("bathtub", "panelled", lambda kit: _built_in_bath(kit, True)),
    Shape("bathtub", "clawfoot", lambda kit: _round_bath(kit, True), test=True),
    Shape("bathtub", "freestanding", lambda kit: _round_bath(kit, False), test=True),
    Shape("shower", "cabin", _cabin),
    Shape("shower", "curtained", _curtained),
    Shape("shower", "quadrant", _quadrant, test=True),
    Shape("shower", "walk_in", _walk_in, test=True),
    Shape("towel", "bar", lambda kit: _towel(kit, "bar"), stands_on="wall"),
    Shape("towel", "ladder", lambda kit: _towel(kit, "ladder"), stands_on="wall"),
    Shape("towel", "ring", lambda kit: _towel(kit, "ring"), test=True, stands_on="wall"),
    Shape("towel", "hooks", lambda kit: _towel(kit, "hooks"), test=True, stands_on="wall"),
)
