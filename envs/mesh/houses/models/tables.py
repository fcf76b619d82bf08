"""Tables of all heights: dining and coffee tables, desks, nightstands."""

from ..kit import Finish, Kit, Shape, upright_rod
from ..solids import lathe, prism, rounded, tube


def _top(kit: Kit, finish: Finish, w: float, d: float, z: float, kind: str) -> None:
    """A board ``z`` high at its top: rectangular, round, oval or with round corners."""
    thick = 0.035
    if kind == "rect":
        kit.box(finish, 0, 0, z - thick, w, d, thick)
        kit.surface(0, 0, z, w - 0.06, d - 0.06)
    elif kind == "soft":
        kit.add(finish, prism(rounded(w, d, 0.12), z - thick, z))
        kit.surface(0, 0, z, w - 0.16, d - 0.1)
    else:
        kit.add(finish, tube(0.5, thick, sides=16).scaled(w, d).moved(0, 0, z - thick))
        kit.surface(0, 0, z, w * 0.66, d * 0.66)


def _base(kit: Kit, finish: Finish, w: float, d: float, high: float, kind: str) -> None:
    if kind == "posts":
        kit.legs(finish, w - 0.04, d - 0.04, high, 0.065)
        for side in (-1, 1):
            kit.box(finish, 0, side * (d / 2 - 0.05), high - 0.09, w - 0.1, 0.02, 0.09)
            kit.box(finish, side * (w / 2 - 0.05), 0, high - 0.09, 0.02, d - 0.1, 0.09)
    elif kind == "splayed":
        kit.legs(finish, w * 0.86, d * 0.86, high, 0.055, min(w, d) * 0.1)
    elif kind == "pedestal":
        kit.tube(finish, (0, 0, 0.05), 0.06, high - 0.05, 0.08)
        for i in range(4):
            foot = prism(
                ((0, 0.03), (0.34 * w, 0), (0.34 * w, 0.04), (0.05, 0.2), (0, 0.2)), -0.025, 0.025, "x"
            )
            kit.add(finish, foot.turned("z", 90 * i))
    elif kind == "column":
        kit.add(
            finish,
            lathe(
                ((0.3 * min(w, d), 0), (0.3 * min(w, d), 0.03), (0.08, 0.1), (0.06, high * 0.6), (0.13, high))
            ),
        )
    elif kind == "trestle":
        for side in (-1, 1):
            x = side * w * 0.34
            for lean in (-1, 1):
                kit.add(finish, upright_rod((x, lean * d * 0.4, 0), (x, lean * -0.06, high), 0.035))
            kit.box(finish, x, 0, high - 0.05, 0.06, d * 0.8, 0.05)
        kit.box(finish, 0, 0, high * 0.48, w * 0.68, 0.03, 0.07)
    elif kind == "sled":
        for side in (-1, 1):
            x = side * (w / 2 - 0.05)
            kit.box(finish, x, 0, 0, 0.04, d * 0.9, 0.03)
            kit.box(finish, x, 0, high - 0.03, 0.04, d * 0.9, 0.03)
            for end in (-1, 1):
                kit.box(finish, x, end * (d * 0.45 - 0.02), 0.03, 0.04, 0.03, high - 0.06)
    else:
        for side in (-1, 1):
            kit.box(finish, side * (w / 2 - 0.03), 0, 0, 0.06, d - 0.02, high)


def _table(kit: Kit, top: str, base: str) -> None:
    if top == "round":
        w = d = kit.between(0.95, 1.3)
    else:
        w, d = kit.between(1.3, 1.9), kit.between(0.8, 0.95)
    high = kit.between(0.73, 0.77)
    wood = kit.finish("wood")
    base_finish = kit.finish("metal") if base == "sled" else wood
    _base(kit, base_finish, w, d, high - 0.035, base)
    _top(kit, wood, w, d, high, top)


def _coffee_table(kit: Kit, top: str, base: str, shelf: bool) -> None:
    if top == "round":
        w = d = kit.between(0.7, 0.95)
    else:
        w, d = kit.between(0.9, 1.25), kit.between(0.5, 0.65)
    high = kit.between(0.38, 0.46)
    wood = kit.finish("wood")
    base_finish = kit.finish("metal") if base in ("sled", "splayed") else wood
    _base(kit, base_finish, w, d, high - 0.035, base)
    _top(kit, wood, w, d, high, top)
    if shelf:
        kit.box(wood, 0, 0, 0.12, w - 0.1, d - 0.1, 0.025)
        kit.surface(0, 0, 0.145, w - 0.25, d - 0.2)


def _drum_table(kit: Kit) -> None:
    r, high = kit.between(0.36, 0.46), kit.between(0.36, 0.44)
    wood = kit.finish("wood")
    kit.add(wood, lathe(((r * 0.9, 0), (r * 0.9, high - 0.04), (r, high - 0.04), (r, high)), 16))
    kit.surface(0, 0, high, 1.2 * r, 1.2 * r)


def _nest(kit: Kit) -> None:
    wood, w, d, high = (
        kit.finish("wood"),
        kit.between(0.55, 0.65),
        kit.between(0.42, 0.5),
        kit.between(0.44, 0.5),
    )
    for x, y, size, z in ((-0.18, 0.0, 1.0, high), (0.28, 0.08, 0.85, high - 0.1)):
        for sx in (-1, 1):
            for sy in (-1, 1):
                at = (x + sx * (w * size / 2 - 0.03), y + sy * (d * size / 2 - 0.03), 0.0)
                kit.tube(wood, at, 0.018, z - 0.03)
        kit.add(wood, prism(rounded(w * size, d * size, 0.08), z - 0.03, z).moved(x, y))
    kit.surface(-0.18, 0, high, w * 0.7, d * 0.7)


def _desk(kit: Kit, style: str) -> None:
    w, d, high = kit.between(1.15, 1.5), kit.between(0.58, 0.72), kit.between(0.72, 0.76)
    wood, metal = kit.finish("wood"), kit.finish("metal")
    _top(kit, wood, w, d, high, "rect")
    under, chest = high - 0.035, 0.38
    if style == "drawers":
        kit.box(wood, w / 2 - chest / 2 - 0.01, -0.02, 0.04, chest, d - 0.06, under - 0.04)
        kit.box(wood, w / 2 - chest / 2 - 0.01, -0.03, 0.0, chest - 0.04, d - 0.1, 0.04)
        kit.fronts(
            wood, metal, (w / 2 - chest - 0.01, 0.06, w / 2 - 0.01, under - 0.01), d / 2 - 0.05, (3, 1)
        )
        kit.box(wood, -w / 2 + 0.02, 0, 0, 0.04, d - 0.02, under)
        kit.box(wood, -chest / 2, -d / 2 + 0.03, under - 0.35, w - chest - 0.05, 0.02, 0.35)
    elif style == "legs":
        kit.legs(wood, w - 0.04, d - 0.04, under, 0.05)
        kit.box(wood, 0, -0.02, under - 0.1, w - 0.06, d - 0.08, 0.1)
        kit.fronts(wood, metal, (-w / 2 + 0.06, under - 0.1, w / 2 - 0.06, under), d / 2 - 0.06, (1, 2))
    elif style == "hutch":
        _base(kit, metal, w, d, under, "sled")
        for x in (-w / 2 + 0.01, -w / 6, w / 6, w / 2 - 0.01):
            kit.box(wood, x, -d / 2 + 0.11, high, 0.02, 0.2, 0.36)
        kit.box(wood, 0, -d / 2 + 0.11, high + 0.36, w, 0.22, 0.02)
        kit.box(wood, 0, -d / 2 + 0.11, high + 0.17, w / 3, 0.2, 0.02)
        kit.surface(0, -d / 2 + 0.11, high + 0.38, w - 0.1, 0.16)
        kit.surfaces[0] = type(kit.surfaces[0])(
            (-w / 2 + 0.05, -d / 2 + 0.24, w / 2 - 0.05, d / 2 - 0.03), high
        )
    else:
        _base(kit, wood, w, d, under, "trestle")
        kit.box(wood, 0, -d / 2 + 0.01, high, w, 0.02, 0.1)


def _nightstand(kit: Kit, style: str) -> None:
    w, d, high = kit.between(0.4, 0.52), kit.between(0.36, 0.44), kit.between(0.48, 0.6)
    wood, metal = kit.finish("wood"), kit.finish("metal")
    if style == "drawers":
        kit.box(wood, 0, -0.01, 0.05, w - 0.01, d - 0.03, high - 0.08)
        kit.box(wood, 0, -0.03, 0.0, w - 0.06, d - 0.08, 0.05)
        kit.fronts(wood, metal, (-w / 2 + 0.01, 0.06, w / 2 - 0.01, high - 0.04), d / 2 - 0.025, (2, 1))
    elif style == "shelf":
        kit.legs(wood, w - 0.01, d - 0.01, high - 0.03, 0.04)
        kit.box(wood, 0, -0.01, high - 0.18, w - 0.03, d - 0.04, 0.15)
        kit.fronts(
            wood, metal, (-w / 2 + 0.045, high - 0.175, w / 2 - 0.045, high - 0.035), d / 2 - 0.03, (1, 1)
        )
        kit.box(wood, 0, 0, 0.14, w - 0.03, d - 0.03, 0.02)
        kit.surface(0, 0, 0.16, w - 0.14, d - 0.12)
    elif style == "drum":
        r = w / 2
        kit.add(wood, lathe(((r * 0.96, 0.0), (r * 0.96, 0.03), (r * 0.9, 0.05), (r * 0.9, high - 0.03)), 14))
        kit.fronts(wood, metal, (-r * 0.45, high * 0.5, r * 0.45, high * 0.8), r * 0.84, (1, 1))
        _top(kit, wood, w, w, high, "round")
        return
    else:
        kit.box(wood, 0, -0.01, 0.2, w - 0.02, d - 0.03, high - 0.22)
        kit.legs(metal, w * 0.95, d * 0.95, 0.22, 0.03, 0.03)
        kit.fronts(wood, metal, (-w / 2 + 0.02, 0.21, w / 2 - 0.02, high - 0.03), d / 2 - 0.025, (1, 1))
        kit.box(wood, 0, -d / 2 + 0.01, high, w, 0.02, 0.08)
    _top(kit, wood, w, d, high, "rect")


SHAPES = (
    Shape("table", "four_posts", lambda kit: _table(kit, "rect", "posts")),
    Shape("table", "round_pedestal", lambda kit: _table(kit, "round", "pedestal")),
    Shape("table", "panel_ends", lambda kit: _table(kit, "soft", "panels")),
    Shape("table", "trestle", lambda kit: _table(kit, "rect", "trestle"), test=True),
    Shape("table", "oval_splayed", lambda kit: _table(kit, "oval", "splayed"), test=True),
    Shape("table", "round_column", lambda kit: _table(kit, "round", "column"), test=True),
    Shape("coffee_table", "shelf", lambda kit: _coffee_table(kit, "rect", "posts", True)),
    Shape("coffee_table", "round_pedestal", lambda kit: _coffee_table(kit, "round", "pedestal", False)),
    Shape("coffee_table", "drum", _drum_table),
    Shape("coffee_table", "sled", lambda kit: _coffee_table(kit, "soft", "sled", False), test=True),
    Shape(
        "coffee_table", "oval_splayed", lambda kit: _coffee_table(kit, "oval", "splayed", False), test=True
    ),
    Shape("coffee_table", "nest", _nest, test=True),
    Shape("desk", "drawers", lambda kit: _desk(kit, "drawers")),
    Shape("desk", "four_legs", lambda kit: _desk(kit, "legs")),
    Shape("desk", "hutch", lambda kit: _desk(kit, "hutch"), test=True),
    Shape("desk", "trestle", lambda kit: _desk(kit, "trestle"), test=True),
    Shape("nightstand", "two_drawers", lambda kit: _nightstand(kit, "drawers")),
    Shape("nightstand", "shelf", lambda kit: _nightstand(kit, "shelf")),
    Shape("nightstand", "drum", lambda kit: _nightstand(kit, "drum"), test=True),
    Shape("nightstand", "splayed", lambda kit: _nightstand(kit, "splayed"), test=True),
)
