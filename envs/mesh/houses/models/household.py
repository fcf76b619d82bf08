"""What warms a room and what is thrown into: fireplaces, radiators, bins, laundry baskets."""

from ..kit import Kit, Shape, upright_rod
from ..solids import lathe, prism, rounded, tube


def _fireplace(kit: Kit, style: str) -> None:
    w, d, high = kit.between(1.15, 1.45), kit.between(0.36, 0.45), kit.between(1.0, 1.15)
    stone = kit.finish("brick" if style in ("brick", "chimney") else "stone")
    dark, wood, fire = kit.finish("screen"), kit.finish("wood"), kit.finish("fire")
    hole, rise = w * 0.52, high * 0.62
    if style == "corner_box":
        high, rise = kit.between(1.2, 1.4), 0.0
        kit.box(stone, 0, 0, 0, w, d, 0.32)
        kit.box(stone, 0, 0, high - 0.4, w, d, 0.4)
        kit.box(stone, -w / 2 + 0.08, 0, 0.32, 0.16, d, high - 0.72)
        kit.box(stone, w / 2 - 0.08, 0, 0.32, 0.16, d, high - 0.72)
        kit.box(dark, 0, -0.03, 0.32, w - 0.32, d - 0.06, high - 0.72 if high < 1.0 else 0.03)
        kit.box(dark, 0, -d / 2 + 0.03, 0.32, w - 0.32, 0.04, high - 0.72)
        base = 0.35
    else:
        side = (w - hole) / 2
        for way in (-1, 1):
            kit.box(stone, way * (hole + side) / 2, 0, 0, side, d, rise)
        kit.box(stone, 0, 0, rise, w, d, high - rise - 0.06)
        kit.box(dark, 0, -d / 2 + 0.04, 0.02, hole, 0.06, rise - 0.02)
        kit.box(dark, 0, 0.01, 0, hole, d - 0.02, 0.03)
        mantel = wood if style != "marble" else stone
        kit.box(mantel, 0, 0.03, high - 0.06, w + 0.16, d + 0.06, 0.06)
        kit.surface(0, 0.03, high, w + 0.06, d - 0.06)
        if style == "marble":
            for way in (-1, 1):
                x = way * (hole / 2 + side / 2)
                kit.add(
                    stone,
                    lathe(
                        ((0.09, 0), (0.09, 0.06), (0.06, 0.09), (0.055, high - 0.16), (0.09, high - 0.06)), 10
                    ).moved(x, d / 2 + 0.03),
                )
        if style == "chimney":
            kit.box(stone, 0, -0.06, high, w * 0.6, d - 0.12, kit.between(0.9, 1.1))
            kit.surfaces.clear()
        if style == "brick":
            kit.box(stone, 0, d / 2 + 0.12, 0, w + 0.1, 0.25, 0.05)
        base = 0.03
    for i in (-1, 0, 1):
        kit.rod(
            wood,
            (-0.2, 0.04 + i * 0.07, base + 0.05),
            (0.2, 0.02 + i * 0.08, base + 0.05 + 0.03 * (i == 0)),
            0.035,
        )
    for x, tall in ((-0.1, 0.16), (0.0, 0.24), (0.1, 0.18)):
        kit.add(fire, tube(0.06, tall, 0.0, 6).moved(x, 0.0, base + 0.08))


def _radiator(kit: Kit, style: str) -> None:
    w, high = kit.between(0.7, 1.3), kit.between(0.55, 0.65)
    paint, metal = kit.finish("ceramic"), kit.finish("metal")
    if style == "panel":
        kit.box(paint, 0, 0, 0.1, w, 0.09, high - 0.1)
        for i in range(int(w / 0.08)):
            kit.box(paint, (i + 0.5) * 0.08 - w / 2, 0.05, 0.14, 0.045, 0.02, high - 0.18)
        for side in (-1, 1):
            kit.rod(metal, (side * (w / 2 - 0.06), 0, 0), (side * (w / 2 - 0.06), 0, 0.12), 0.012)
        kit.tube(metal, (w / 2 + 0.01, 0, high - 0.08), 0.025, 0.06)
    elif style == "columns":
        count = int(w / 0.075)
        for i in range(count):
            x = (i + 0.5) * 0.075 - w / 2
            kit.add(
                paint,
                prism(rounded(0.14, high - 0.08, 0.05, 1), x - 0.025, x + 0.025, "x").moved(
                    0, 0, high / 2 + 0.04
                ),
            )
        for z in (0.14, high - 0.07):
            kit.rod(paint, (-w / 2, 0, z), (w / 2, 0, z), 0.022)
        for side in (-1, 1):
            kit.box(paint, side * (w / 2 - 0.05), 0, 0, 0.04, 0.12, 0.1)
    elif style == "tubes":
        for z in (0.12, high - 0.04):
            kit.box(paint, 0, 0, z - 0.03, w, 0.05, 0.06)
        for i in range(int(w / 0.07)):
            x = (i + 0.5) * 0.07 - w / 2
            kit.add(paint, tube(0.018, high - 0.18, sides=6).moved(x, 0, 0.13))
        for side in (-1, 1):
            kit.rod(metal, (side * (w / 2 - 0.04), 0, 0), (side * (w / 2 - 0.04), 0, 0.12), 0.012)
    else:
        wood = kit.finish("wood")
        for side in (-1, 1):
            kit.box(wood, side * (w / 2 - 0.03), 0, 0, 0.06, 0.2, high + 0.15)
        kit.box(wood, 0, 0.01, high + 0.15, w + 0.06, 0.24, 0.03)
        for i in range(9):
            kit.box(wood, 0, 0.08, 0.08 + i * high / 8.4, w - 0.1, 0.015, 0.045)
        kit.box(paint, 0, -0.02, 0.08, w - 0.16, 0.1, high)
        kit.surface(0, 0, high + 0.18, w - 0.04, 0.18)


def _bin(kit: Kit, style: str) -> None:
    r, high = kit.between(0.13, 0.17), kit.between(0.3, 0.5)
    metal, plastic = kit.finish("metal"), kit.finish("plastic")
    if style == "pedal":
        kit.add(metal, lathe(((r, 0), (r, high), (r * 0.85, high + 0.05), (0.0, high + 0.07)), 14))
        kit.add(plastic, lathe(((r * 1.04, 0), (r * 1.04, 0.03), (r, 0.03), (r, 0)), 14, closed=True))
        kit.add(
            plastic,
            lathe(
                ((r * 1.03, high - 0.02), (r * 1.03, high + 0.01), (r, high + 0.01), (r, high - 0.02)),
                14,
                closed=True,
            ),
        )
        kit.box(metal, 0, r + 0.02, 0.015, 0.08, 0.06, 0.02)
    elif style == "open":
        kit.add(
            plastic, lathe(((r * 0.78, 0), (r, high), (r * 0.95, high), (r * 0.73, 0.02), (0.0, 0.02)), 14)
        )
    elif style == "swing":
        kit.add(plastic, prism(rounded(2 * r, 1.6 * r, 0.04), 0, high))
        kit.add(plastic, prism(rounded(2 * r + 0.02, 1.6 * r + 0.02, 0.04), high, high + 0.03))
        roof = prism(((-0.8 * r, 0), (0.8 * r, 0), (0, 0.1)), -r, r, "x")
        kit.add(metal, roof.moved(0, 0, high + 0.03))
    else:
        kit.trough(plastic, (0, 0, 0), 2 * r, 1.5 * r, high, 0.012, 0.02)
        bag = kit.finish("linen")
        for side in (-1, 1):
            kit.box(bag, side * r, 0, high - 0.05, 0.02, 1.5 * r + 0.02, 0.06)
            kit.box(bag, 0, side * 0.75 * r, high - 0.05, 2 * r - 0.02, 0.02, 0.06)


def _basket(kit: Kit, style: str) -> None:
    w, high = kit.between(0.38, 0.5), kit.between(0.5, 0.62)
    cane, cloth = kit.finish("cane"), kit.finish("linen")
    if style == "round":
        r = w / 2
        kit.add(cane, lathe(((r * 0.85, 0), (r, high), (r * 0.93, high), (r * 0.8, 0.04), (0.0, 0.04)), 14))
        for side in (-1, 1):
            kit.box(cane, side * (r + 0.01), 0, high - 0.1, 0.03, 0.14, 0.05)
        kit.ball(cloth, (0, 0, high - 0.03), r * 0.8, r * 0.8, 0.1)
    elif style == "lidded":
        kit.box(cane, 0, 0, 0, w, w * 0.75, high)
        kit.box(cane, 0, 0, high, w + 0.02, w * 0.75 + 0.02, 0.03)
        kit.box(kit.finish("wood"), 0, w * 0.375 + 0.015, high - 0.03, 0.08, 0.015, 0.05)
        kit.surface(0, 0, high + 0.03, w * 0.8, w * 0.6)
    elif style == "crate":
        high *= 0.6
        plastic = kit.finish("plastic")
        for z in (0.0, 0.09, 0.18, high - 0.07):
            for side in (-1, 1):
                kit.box(plastic, side * (w * 0.6), 0, z, 0.015, w * 0.8, 0.05)
                kit.box(plastic, 0, side * w * 0.4, z, w * 1.2 - 0.015, 0.015, 0.05)
        for sx in (-1, 1):
            for sy in (-1, 1):
                kit.box(plastic, sx * w * 0.59, sy * w * 0.39, 0, 0.03, 0.03, high)
        kit.box(plastic, 0, 0, 0, w * 1.18, w * 0.78, 0.02)
        for x in (-0.13, 0.05, 0.16):
            kit.ball(kit.finish("cloth"), (x, kit.between(-0.05, 0.05), high * 0.7), 0.13, 0.12, 0.12)
    else:
        wood = kit.finish("wood")
        for y in (-1, 1):
            for lean in (-1, 1):
                kit.add(
                    wood,
                    upright_rod(
                        (lean * w * 0.5, y * 0.18, 0), (-lean * w * 0.45, y * 0.18, high + 0.08), 0.015
                    ),
                )
        for side in (-1, 1):
            kit.rod(wood, (side * w * 0.45, -0.18, high + 0.07), (side * w * 0.45, 0.18, high + 0.07), 0.012)
        sack = ((-w * 0.3, 0.12), (w * 0.3, 0.12), (w * 0.43, high + 0.04), (-w * 0.43, high + 0.04))
        kit.add(cloth, prism(sack, -0.165, 0.165, "y"))


_DRY = ("living_room", "bedroom", "dining_room", "hallway", "corridor", "office")


SHAPES = (
    Shape("fireplace", "brick", lambda kit: _fireplace(kit, "brick")),
    Shape("fireplace", "marble", lambda kit: _fireplace(kit, "marble")),
    Shape("fireplace", "chimney", lambda kit: _fireplace(kit, "chimney"), test=True),
    Shape("fireplace", "raised", lambda kit: _fireplace(kit, "corner_box"), test=True),
    Shape("radiator", "panel", lambda kit: _radiator(kit, "panel")),
    Shape("radiator", "columns", lambda kit: _radiator(kit, "columns")),
    Shape("radiator", "tubes", lambda kit: _radiator(kit, "tubes"), test=True),
    Shape("radiator", "covered", lambda kit: _radiator(kit, "covered"), test=True),
    Shape("trash_can", "pedal", lambda kit: _bin(kit, "pedal")),
    Shape("trash_can", "open", lambda kit: _bin(kit, "open")),
    Shape("trash_can", "swing_lid", lambda kit: _bin(kit, "swing"), test=True),
    Shape("trash_can", "with_bag", lambda kit: _bin(kit, "bag"), test=True),
    Shape("laundry_basket", "round", lambda kit: _basket(kit, "round")),
    Shape("laundry_basket", "lidded", lambda kit: _basket(kit, "lidded")),
    Shape("laundry_basket", "crate", lambda kit: _basket(kit, "crate"), test=True),
    Shape("laundry_basket", "sack", lambda kit: _basket(kit, "sack"), test=True),
)
