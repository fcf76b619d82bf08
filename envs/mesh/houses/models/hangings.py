"""What hangs on walls and lies on floors: pictures, mirrors, curtains, rugs."""

import math

from ..kit import Finish, Kit, Shape
from ..solids import ball, box, lathe, panel, prism, sheet, tube
from . import pictures


def _frame(kit: Kit, finish: Finish, w: float, high: float, wide: float, deep: float, z: float = 0.0) -> None:
    """Four mouldings about an opening of ``w`` by ``high`` whose lower edge is at ``z + wide``."""
    for side in (-1, 1):
        kit.box(finish, side * (w + wide) / 2, deep / 2, z, wide, deep, high + 2 * wide)
    for at in (z, z + wide + high):
        kit.box(finish, 0, deep / 2, at, w, deep, wide)


def _drawn(kit: Kit, texture: pictures.Texture) -> Finish:
    return Finish((1.0, 1.0, 1.0), texture)


def _picture(kit: Kit, shape: str, *kinds: str) -> None:
    texture = pictures.painting(kit, kit.pick(*kinds))
    wood = kit.finish("wood")
    w, high = {
        "wide": (kit.between(0.6, 1.0), kit.between(0.4, 0.65)),
        "upright": (kit.between(0.35, 0.5), kit.between(0.5, 0.75)),
        "square": (kit.between(0.4, 0.6),) * 2,
    }[shape]
    kit.hang(1.5 - high / 2, 1.6 - high / 2)
    if shape == "upright":
        # A passe-partout between frame and print.
        kit.add(kit.finish("paper"), box(0, 0.008, 0.02, w, 0.012, high))
        kit.add(_drawn(kit, texture), panel(0, 0.01, 0.02 + high * 0.15, w * 0.7, 0.014, high * 0.7))
        _frame(kit, wood, w, high, 0.02, 0.025)
    else:
        kit.add(_drawn(kit, texture), panel(0, 0.008, 0.035, w, 0.014, high))
        _frame(kit, wood, w, high, 0.035, 0.03)
    if shape == "square":
        _frame(kit, kit.finish("metal"), w - 0.03, high - 0.03, 0.015, 0.022, 0.035)


def _round_picture(kit: Kit) -> None:
    size = kit.between(0.4, 0.55)
    kit.hang(1.25, 1.35)
    kit.add(
        _drawn(kit, pictures.painting(kit, kit.pick("portrait", "rays"))),
        panel(0, 0.008, size * 0.1, size * 0.8, 0.012, size * 0.8),
    )
    ring = lathe(
        ((size * 0.68, 0), (size * 0.68, 0.03), (size * 0.56, 0.03), (size * 0.56, 0)), 8, closed=True
    )
    oval = ring.turned("z", 22.5).turned("x", -90).scaled(0.85, 1, 0.85)
    kit.add(kit.finish("metal"), oval.moved(0, 0, size / 2))


def _triptych(kit: Kit) -> None:
    """Three canvases without frames side by side."""
    w, high = kit.between(0.26, 0.34), kit.between(0.5, 0.7)
    kit.hang(1.5 - high / 2, 1.6 - high / 2)
    for i in (-1, 0, 1):
        texture = pictures.painting(kit, kit.pick("still_life", "rays"))
        kit.add(
            _drawn(kit, texture), panel(i * (w + 0.05), 0.012, 0.04 * abs(i), w, 0.025, high - 0.08 * abs(i))
        )


def _mirror(kit: Kit, style: str) -> None:
    glass = _drawn(kit, pictures.glare(kit, "mirror"))
    trim = kit.finish("metal" if style in ("plain", "round") else "wood")
    w, high = kit.between(0.5, 0.8), kit.between(0.6, 0.9)
    if style == "round":
        r = kit.between(0.28, 0.38)
        kit.hang(1.5 - r, 1.55 - r)
        disc = tube(r, 0.014, sides=20)
        kit.add(kit.finish("mirror"), disc.turned("x", -90).moved(0, 0.002, r))
        ring = lathe(((r + 0.02, 0), (r + 0.02, 0.03), (r - 0.01, 0.03), (r - 0.01, 0)), 20, closed=True)
        kit.add(trim, ring.turned("x", -90).moved(0, 0, r))
        return
    if style == "standing":
        w, high = kit.between(0.45, 0.6), kit.between(1.5, 1.75)
        kit.add(glass, panel(0, 0.01, 0.08, w, 0.014, high - 0.12).turned("x", 6))
        for at, tall in ((0.04, 0.04), (high - 0.05, 0.05)):
            kit.add(trim, box(0, 0.008, at, w, 0.03, tall).turned("x", 6))
        for side in (-1, 1):
            kit.add(trim, box(side * (w / 2 + 0.015), 0.008, 0.04, 0.03, 0.03, high - 0.04).turned("x", 6))
            kit.box(trim, side * (w / 2 + 0.05), -0.05, 0, 0.04, 0.42, 0.05)
            kit.box(trim, side * (w / 2 + 0.05), -0.05, 0.05, 0.04, 0.05, high * 0.6)
        return
    kit.hang(1.1, 1.2)
    if style == "arched":
        points = [(0.5 * math.cos(math.pi * i / 8), math.sin(math.pi * i / 8)) for i in range(9)]
        rise = w * 0.4
        for grow, deep, finish in ((0.05, 0.02, trim), (0.0, 0.03, kit.finish("mirror"))):
            top = tuple((x * (w + 2 * grow), high - rise + y * (rise + grow)) for x, y in points)
            outline = ((-w / 2 - grow, 0.05 - grow), (w / 2 + grow, 0.05 - grow), *top)
            kit.add(finish, prism(outline, 0.0, deep, "y"))
        return
    kit.add(glass, panel(0, 0.008, 0.02, w, 0.014, high))
    wide = 0.02 if style == "plain" else 0.06
    _frame(kit, trim, w, high, wide, 0.025, 0.02 - wide + 0.04)
    if style == "plain":
        kit.box(trim, 0, 0.06, 0, w, 0.12, 0.012)


def _rug(kit: Kit, *kinds: str) -> None:
    w, d = kit.between(1.2, 2.2), kit.between(0.8, 1.5)
    texture = _drawn(kit, pictures.carpet(kit, kit.pick(*kinds)))
    kit.add(texture, sheet(0, 0, 0, w, d, 0.008))


def _fringed_rug(kit: Kit, *kinds: str) -> None:
    _rug(kit, *kinds)
    (_, mesh), thread = kit.solids[0], kit.finish("linen")
    (x0, y0, _), (x1, y1, _) = mesh.vertices.min(0).tolist(), mesh.vertices.max(0).tolist()
    for i in range(20):
        y = y0 + (i + 0.5) * (y1 - y0) / 20
        for x in (x0 - 0.03, x1 + 0.03):
            kit.box(thread, x, y, 0, 0.06, 0.018, 0.006)


def _outlined_rug(kit: Kit, sides: int, *kinds: str) -> None:
    r = kit.between(0.6, 0.95)
    squash = 1.0 if sides > 8 else 0.7
    mesh = tube(r, 0.008, sides=sides).turned("z", 180 / sides)
    uv = mesh.vertices[:, :2] / (2 * r) + 0.5
    texture = _drawn(kit, pictures.carpet(kit, kit.pick(*kinds)))
    kit.add(texture, type(mesh)(mesh.vertices * (1, squash, 1), mesh.faces, uv))


def _curtain(kit: Kit, style: str) -> None:
    """Hangs before a window; both halves drawn aside, or a blind let down a little."""
    w, cloth, metal = kit.between(1.3, 1.8), kit.finish("cloth"), kit.finish("metal")
    if style == "blind":
        kit.hang(1.1, 1.2)
        high = 2.2 - kit.base_m
        kit.box(metal, 0, 0.04, high - 0.06, w, 0.07, 0.06)
        for i in range(9):
            slat = box(0, 0, 0, w - 0.02, 0.045, 0.006).turned("x", 30)
            kit.add(cloth, slat.moved(0, 0.04, high - 0.12 - i * 0.055))
        for x in (-w / 3, w / 3):
            kit.rod(metal, (x, 0.04, high - 0.6), (x, 0.04, high - 0.05), 0.004)
        kit.box(metal, 0, 0.04, high - 0.63, w - 0.02, 0.04, 0.02)
        return
    long = style in ("folds", "swags")
    if long:
        kit.hang(0.03, 0.1)
    else:
        kit.hang(0.8, 0.9)
    high = kit.between(2.2, 2.3) - kit.base_m
    kit.rod(metal, (-w / 2 - 0.08, 0.07, high - 0.03), (w / 2 + 0.08, 0.07, high - 0.03), 0.014)
    for side in (-1, 1):
        kit.add(metal, ball(0.03, 0.03, 0.03, 6, 3).moved(side * (w / 2 + 0.09), 0.07, high - 0.03))
        kit.rod(
            metal, (side * (w / 2 - 0.02), 0, high - 0.03), (side * (w / 2 - 0.02), 0.07, high - 0.03), 0.01
        )
        if style == "swags":
            x = side * w / 2
            drop = ((0, high - 0.04), (0, 0), (0.16, 0), (0.1, high * 0.4), (0.42, high - 0.04))
            outline = tuple((x - side * dx, z) for dx, z in drop)
            kit.add(cloth, prism(outline if side < 0 else outline[:1] + outline[:0:-1], 0.045, 0.095, "y"))
            continue
        folds = max(3, int(w * 0.2 / 0.06)) if long else 4
        for i in range(folds):
            x = side * (w / 2 - 0.04 - i * 0.06)
            kit.add(cloth, tube(0.042, high - 0.045, 0.034, 6).moved(x, 0.07, 0))
    if style == "swags":
        kit.box(cloth, 0, 0.1, high - 0.28, w, 0.03, 0.22)
    elif style == "cafe":
        for i in range(12):
            x = (i - 5.5) * w / 12.5
            kit.add(cloth, tube(0.045, 0.2, 0.035, 6).moved(x, 0.09, high - 0.25))


SHAPES = (
    Shape(
        "picture", "landscape", lambda kit: _picture(kit, "wide", "hills", "sea", "squares"), stands_on="wall"
    ),
    Shape(
        "picture", "print", lambda kit: _picture(kit, "upright", "hills", "sea", "squares"), stands_on="wall"
    ),
    Shape("picture", "octagon", _round_picture, test=True, stands_on="wall"),
    Shape("picture", "triptych", _triptych, test=True, stands_on="wall"),
    Shape(
        "picture",
        "square",
        lambda kit: _picture(kit, "square", "portrait", "still_life"),
        test=True,
        stands_on="wall",
    ),
    Shape("mirror", "with_shelf", lambda kit: _mirror(kit, "plain"), stands_on="wall"),
    Shape("mirror", "framed", lambda kit: _mirror(kit, "framed"), stands_on="wall"),
    Shape("mirror", "standing", lambda kit: _mirror(kit, "standing"), rooms=("bedroom", "hallway")),
    Shape("mirror", "round", lambda kit: _mirror(kit, "round"), test=True, stands_on="wall"),
    Shape("mirror", "arched", lambda kit: _mirror(kit, "arched"), test=True, stands_on="wall"),
    Shape("rug", "oblong", lambda kit: _rug(kit, "bordered", "striped")),
    Shape("rug", "round", lambda kit: _outlined_rug(kit, 24, "ringed", "bordered")),
    Shape("rug", "woven", lambda kit: _fringed_rug(kit, "lattice", "medallion"), test=True),
    Shape("rug", "hexagon", lambda kit: _outlined_rug(kit, 6, "shaggy", "medallion"), test=True),
    Shape("curtain", "folds", lambda kit: _curtain(kit, "folds"), stands_on="wall"),
    Shape("curtain", "short", lambda kit: _curtain(kit, "cafe"), stands_on="wall"),
    Shape("curtain", "swags", lambda kit: _curtain(kit, "swags"), test=True, stands_on="wall"),
    Shape("curtain", "blind", lambda kit: _curtain(kit, "blind"), test=True, stands_on="wall"),
)
