"""What stands in a kitchen or a laundry: worktops, sinks, stoves, refrigerators, washing machines."""

from ..kit import Finish, Kit, Shape
from ..solids import ball, lathe, prism, rod, rounded, tube


def _worktop(
    kit: Kit, stone: Finish, w: float, d: float, high: float, hole: tuple[float, float] | None
) -> None:
    """A slab, with an oblong cut through it (its width and depth) where a basin hangs."""
    z = high - 0.04
    if hole is None:
        kit.box(stone, 0, 0, z, w, d, 0.04)
        kit.surface(0, 0, high, w - 0.06, d - 0.1)
        return
    a, b = hole
    for side in (-1, 1):
        kit.box(stone, side * (w + a) / 4, 0, z, (w - a) / 2, d, 0.04)
        kit.box(stone, 0, side * (d + b) / 4, z, a, (d - b) / 2, 0.04)


def _tap(kit: Kit, metal: Finish, x: float, y: float, z: float, high: float, reach: float) -> None:
    """A spout that rises, bends over to the front and looks down, with a lever."""
    kit.tube(metal, (x, y, z), 0.022, 0.05)
    kit.rod(metal, (x, y, z), (x, y, z + high), 0.013)
    kit.rod(metal, (x, y, z + high), (x, y + reach, z + high + 0.02), 0.013)
    kit.rod(metal, (x, y + reach, z + high + 0.02), (x, y + reach, z + high - 0.05), 0.013)
    kit.rod(metal, (x, y, z + high * 0.5), (x + 0.08, y, z + high * 0.5 + 0.03), 0.009)


def _counter(kit: Kit, style: str) -> None:
    w, d, high = float(kit.pick("0.6", "0.8", "0.9", "1.2")), 0.6, kit.between(0.89, 0.91)
    wood, metal, stone = kit.finish("wood"), kit.finish("metal"), kit.finish("stone")
    if style == "island":
        w, d = kit.between(1.2, 1.6), 0.8
        kit.box(wood, 0, -0.1, 0.0, w - 0.1, 0.56, high - 0.04)
        kit.fronts(wood, metal, (-w / 2 + 0.06, 0.08, w / 2 - 0.06, high - 0.06), 0.18, (1, 3))
        for side in (-1, 1):
            kit.box(wood, side * (w / 2 - 0.03), d / 2 - 0.06, 0, 0.06, 0.06, high - 0.04)
    elif style == "open":
        kit.legs(wood, w, d - 0.04, high - 0.04, 0.06)
        for z in (0.12, 0.46):
            kit.box(wood, 0, 0, z, w - 0.02, d - 0.06, 0.03)
        pot = kit.finish("metal")
        kit.tube(pot, (-w / 5, 0.05, 0.15), 0.13, 0.16)
        kit.tube(kit.finish("ceramic"), (w / 5, 0.05, 0.49), 0.11, 0.1, 0.13)
    else:
        kit.box(wood, 0, -0.04, 0, w, d - 0.1, 0.1)
        kit.box(wood, 0, -0.02, 0.1, w, d - 0.06, high - 0.14)
        span = (-w / 2, 0.1, w / 2, high - 0.05)
        columns = 1 if w < 0.7 else 2
        if style == "drawers":
            kit.fronts(wood, metal, span, d / 2 - 0.05, (3, columns))
        else:
            kit.fronts(wood, metal, (span[0], high - 0.2, span[2], span[3]), d / 2 - 0.05, (1, columns))
            kit.fronts(wood, metal, (span[0], 0.1, span[2], high - 0.2), d / 2 - 0.05, (1, columns))
    _worktop(kit, stone, w, d, high, None)


def _kitchen_sink(kit: Kit, farmhouse: bool) -> None:
    w, d, high = kit.between(0.8, 1.1), 0.6, kit.between(0.89, 0.91)
    wood, metal, stone = kit.finish("wood"), kit.finish("metal"), kit.finish("stone")
    basin = kit.finish("ceramic" if farmhouse else "metal")
    kit.box(wood, 0, -0.04, 0, w, d - 0.1, 0.1)
    kit.box(wood, 0, -0.02, 0.1, w, d - 0.06, high - 0.34)
    for side in (-1, 1):
        kit.box(wood, side * (w / 2 - 0.02), -0.02, high - 0.24, 0.04, d - 0.06, 0.2)
    if farmhouse:
        kit.trough(basin, (0, 0.04, high - 0.24), w - 0.1, d - 0.1, 0.25, 0.03, 0.06)
        kit.box(stone, 0, -d / 2 + 0.045, high - 0.04, w, 0.09, 0.04)
        for side in (-1, 1):
            kit.box(stone, side * (w / 2 - 0.025), 0.04, high - 0.04, 0.05, d - 0.09, 0.04)
        kit.fronts(wood, metal, (-w / 2, 0.1, w / 2, high - 0.26), d / 2 - 0.05, (1, 2))
        _tap(kit, metal, 0.0, -d / 2 + 0.05, high, 0.3, 0.2)
        return
    hole = (w * 0.5, 0.36)
    _worktop(kit, stone, w, d, high, hole)
    kit.trough(basin, (0, 0, high - 0.2), hole[0], hole[1], 0.205, 0.015, 0.02)
    kit.fronts(wood, metal, (-w / 2, 0.1, w / 2, high - 0.05), d / 2 - 0.05, (1, 2))
    _tap(kit, metal, 0.0, -d / 2 + 0.06, high, 0.26, 0.18)


def _vanity(kit: Kit, style: str) -> None:
    w, d, high = kit.between(0.6, 0.95), kit.between(0.45, 0.52), kit.between(0.82, 0.88)
    wood, metal, white = kit.finish("wood"), kit.finish("metal"), kit.finish("ceramic")
    if style == "cupboard":
        kit.box(wood, 0, -0.03, 0, w - 0.02, d - 0.1, 0.08)
        kit.box(wood, 0, -0.01, 0.08, w - 0.01, d - 0.03, high - 0.24)
        kit.fronts(wood, metal, (-w / 2 + 0.01, 0.09, w / 2 - 0.01, high - 0.17), d / 2 - 0.025, (1, 2))
        for side in (-1, 1):
            kit.box(white, side * (w + 0.4) / 4, 0, high - 0.16, (w - 0.4) / 2, d, 0.16)
        kit.trough(white, (0, 0, high - 0.16), 0.4, d, 0.16, 0.07, 0.04)
        _tap(kit, metal, 0.0, -d / 2 + 0.06, high, 0.12, 0.12)
        return
    stone = kit.finish("stone")
    kit.legs(wood, w, d, high - 0.17, 0.05)
    kit.box(wood, 0, 0, 0.2, w - 0.02, d - 0.02, 0.025)
    kit.box(stone, 0, 0, high - 0.17, w, d, 0.035)
    profile = ((0.11, 0), (0.2, 0.13), (0.185, 0.13), (0.1, 0.03), (0.0, 0.025))
    kit.add(white, lathe(profile, 14).moved(0, 0.03, high - 0.135))
    _tap(kit, metal, 0.0, -d / 2 + 0.05, high - 0.135, 0.24, 0.13)
    kit.surface(w / 2 - 0.07, 0, high - 0.135, 0.1, d - 0.1)


def _basin(kit: Kit, pedestal: bool) -> None:
    """A free basin: on a column, or screwed to the wall."""
    w, d = kit.between(0.5, 0.62), kit.between(0.42, 0.5)
    white, metal = kit.finish("ceramic"), kit.finish("metal")
    high = kit.between(0.82, 0.87) if pedestal else 0.3
    z = high - 0.17
    if pedestal:
        kit.add(
            white,
            lathe(((0.13, 0), (0.12, 0.03), (0.075, 0.1), (0.08, z - 0.05), (0.15, z + 0.03)), 12).moved(
                0, -0.04
            ),
        )
        profile = ((0.26, 0), (0.44, 0.08), (0.5, 0.16), (0.41, 0.17), (0.3, 0.08), (0.0, 0.05))
        kit.add(white, lathe(profile, 14).scaled(w, d).moved(0, 0, z))
        kit.box(white, 0, -d / 2 + 0.05, z + 0.05, w * 0.7, 0.1, 0.125)
    else:
        kit.hang(0.55, 0.6)
        kit.trough(white, (0, 0, z), w, d, 0.17, 0.05, 0.04)
        kit.box(white, 0, -d / 2 + 0.06, z, w, 0.12, 0.17)
        kit.rod(metal, (0, 0, z + 0.01), (0, 0, 0.02), 0.022)
        kit.rod(metal, (0, 0, 0.03), (0, -d / 2, 0.05), 0.02)
    _tap(kit, metal, 0.0, -d / 2 + 0.06, high, 0.1, 0.1)


def _hobs(kit: Kit, finish: Finish, w: float, z: float, thick: float) -> None:
    for x in (-w / 4, w / 4):
        for y, r in ((-0.14, 0.075), (0.12, 0.095)):
            kit.add(finish, tube(r, thick, sides=10).moved(x, y, z))


def _oven(
    kit: Kit, body: Finish, metal: Finish, dark: Finish, span: tuple[float, float, float, float], y: float
) -> None:
    """A door with a window and a bar across its top."""
    x0, z0, x1, z1 = span
    x, w, h = (x0 + x1) / 2, x1 - x0, z1 - z0
    kit.box(body, x, y + 0.01, z0, w, 0.02, h)
    kit.box(dark, x, y + 0.022, z0 + h * 0.16, w * 0.7, 0.008, h * 0.5)
    kit.rod(metal, (x - w * 0.38, y + 0.05, z1 - h * 0.14), (x + w * 0.38, y + 0.05, z1 - h * 0.14), 0.01)
    for side in (-1, 1):
        kit.box(metal, x + side * w * 0.36, y + 0.03, z1 - h * 0.14 - 0.008, 0.015, 0.04, 0.016)


def _knobs(kit: Kit, finish: Finish, xs: tuple[float, ...], y: float, z: float) -> None:
    for x in xs:
        kit.add(finish, tube(0.02, 0.03, sides=8).turned("x", -90).moved(x, y, z))


def _stove(kit: Kit, style: str) -> None:
    w, d, high = 0.6, 0.6, kit.between(0.89, 0.91)
    body, dark, metal = kit.finish("appliance"), kit.finish("screen"), kit.finish("metal")
    if style == "range":
        w = kit.between(0.85, 0.95)
    kit.box(dark, 0, -0.02, 0, w - 0.03, d - 0.08, 0.06)
    kit.box(body, 0, -0.01, 0.06, w, d - 0.04, high - 0.08)
    front, knob_xs = d / 2 - 0.03, tuple((i - 2) * w / 6 for i in range(5))
    kit.box(body, 0, front + 0.01, high - 0.13, w, 0.02, 0.11)
    _knobs(kit, dark, knob_xs, front + 0.02, high - 0.075)
    if style == "range":
        half = w / 2 - 0.01
        _oven(kit, body, metal, dark, (-half, 0.1, 0.06, high - 0.15), front)
        _oven(kit, body, metal, dark, (0.08, 0.1, half, high - 0.15), front)
        kit.box(metal, 0, 0, high - 0.02, w, d, 0.02)
        for x in (-w / 3, 0.0, w / 3):
            for y in (-0.15, 0.0, 0.15):
                kit.box(dark, x, y, high + 0.015, w * 0.28, 0.014, 0.014)
            for side in (-1, 1):
                kit.box(dark, x + side * w * 0.12, 0, high, 0.014, 0.44, 0.028)
        kit.rod(
            metal,
            (-w / 2 + 0.03, d / 2 + 0.06, high - 0.03),
            (w / 2 - 0.03, d / 2 + 0.06, high - 0.03),
            0.012,
        )
        for side in (-1, 1):
            kit.rod(
                metal,
                (side * w * 0.44, d / 2 - 0.02, high - 0.03),
                (side * w * 0.44, d / 2 + 0.06, high - 0.03),
                0.01,
            )
        return
    kit.box(body, 0, front + 0.005, 0.07, w - 0.01, 0.012, 0.12)
    _oven(kit, body, metal, dark, (-w / 2 + 0.005, 0.2, w / 2 - 0.005, high - 0.14), front)
    if style == "glass":
        kit.box(dark, 0, 0, high - 0.02, w, d, 0.02)
        _hobs(kit, kit.finish("metal"), w, high, 0.004)
    else:
        kit.box(body, 0, 0, high - 0.02, w, d, 0.02)
        _hobs(kit, dark, w, high, 0.02)
        kit.box(body, 0, -d / 2 + 0.025, high, w, 0.05, kit.between(0.12, 0.2))
        kit.box(dark, 0, -d / 2 + 0.052, high + 0.04, w * 0.4, 0.006, 0.05)


def _cast_stove(kit: Kit) -> None:
    """An old cooker of cast iron on short legs, round lids on top and a rail before it."""
    w, d, high = kit.between(0.8, 0.95), 0.6, 0.88
    iron, metal, body = kit.finish("screen"), kit.finish("metal"), kit.finish("appliance")
    for sx in (-1, 1):
        for sy in (-1, 1):
            kit.tube(iron, (sx * (w / 2 - 0.07), sy * (d / 2 - 0.07), 0), 0.025, 0.13, 0.045)
    kit.add(body, prism(rounded(w - 0.04, d - 0.04, 0.06), 0.12, high - 0.05))
    kit.add(iron, prism(rounded(w, d, 0.06), high - 0.05, high))
    for x in (-w / 4, w / 4):
        kit.add(metal, lathe(((0.16, 0), (0.16, 0.03), (0.05, 0.06)), 12).moved(x, 0, high))
        kit.add(metal, rod((x - 0.05, 0.17, high + 0.02), (x + 0.05, 0.17, high + 0.02), 0.012))
    front = d / 2 - 0.02
    for x0, z0, x1, z1 in (
        (-w / 2 + 0.06, 0.17, -0.02, 0.44),
        (-w / 2 + 0.06, 0.48, -0.02, 0.75),
        (0.03, 0.17, w / 2 - 0.06, 0.75),
    ):
        kit.box(body, (x0 + x1) / 2, front + 0.01, z0, x1 - x0, 0.03, z1 - z0)
        kit.box(metal, x1 - 0.04, front + 0.035, (z0 + z1) / 2, 0.05, 0.03, 0.02)
    kit.rod(
        metal, (-w / 2 + 0.04, d / 2 + 0.05, high - 0.07), (w / 2 - 0.04, d / 2 + 0.05, high - 0.07), 0.014
    )
    for side in (-1, 1):
        kit.rod(
            metal,
            (side * (w / 2 - 0.08), d / 2 - 0.04, high - 0.07),
            (side * (w / 2 - 0.08), d / 2 + 0.05, high - 0.07),
            0.012,
        )


def _refrigerator(kit: Kit, style: str) -> None:
    body, metal, dark = kit.finish("appliance"), kit.finish("metal"), kit.finish("screen")
    w = kit.between(0.84, 0.92) if style in ("side_by_side", "french") else kit.between(0.56, 0.66)
    d, high = kit.between(0.62, 0.7), kit.between(1.68, 1.88)
    kit.box(dark, 0, -0.03, 0, w - 0.04, d - 0.12, 0.05)
    kit.box(body, 0, -0.03, 0.04, w, d - 0.06, high - 0.04)
    front = d / 2 - 0.055

    def door(x0: float, z0: float, x1: float, z1: float, grip: str) -> None:
        x, z = (x0 + x1) / 2, (z0 + z1) / 2
        kit.box(body, x, front + 0.025, z0 + 0.004, x1 - x0 - 0.008, 0.05, z1 - z0 - 0.008)
        if grip == "flat":
            kit.box(metal, x, front + 0.07, z1 - 0.09, (x1 - x0) * 0.7, 0.03, 0.025)
        else:
            at, long = (x0 + 0.06 if grip == "left" else x1 - 0.06), min(0.5, (z1 - z0) * 0.5)
            kit.box(metal, at, front + 0.07, z - long / 2, 0.025, 0.03, long)

    if style == "freezer_below":
        door(-w / 2, 0.06, w / 2, high * 0.37, "right")
        door(-w / 2, high * 0.37, w / 2, high, "right")
    elif style == "side_by_side":
        door(-w / 2, 0.06, -0.06, high, "right")
        door(-0.06, 0.06, w / 2, high, "left")
        kit.box(dark, -w / 4 - 0.03, front + 0.052, high * 0.55, 0.2, 0.01, 0.3)
    else:
        door(-w / 2, 0.06, w / 2, 0.4, "flat")
        door(-w / 2, 0.4, w / 2, 0.74, "flat")
        door(-w / 2, 0.74, 0.0, high, "right")
        door(0.0, 0.74, w / 2, high, "left")


def _round_fridge(kit: Kit) -> None:
    """One door with round corners, as of the fifties, on feet."""
    w, d, high = kit.between(0.55, 0.62), kit.between(0.6, 0.68), kit.between(1.4, 1.55)
    body, metal = kit.finish("appliance"), kit.finish("metal")
    for sx in (-1, 1):
        for sy in (-1, 1):
            kit.tube(metal, (sx * (w / 2 - 0.06), sy * (d / 2 - 0.1), 0), 0.03, 0.1)
    tall = high - 0.08
    kit.add(body, prism(rounded(w, tall, 0.1), -d / 2, d / 2 - 0.09, "y").moved(0, 0, 0.08 + tall / 2))
    split = tall * 0.28
    lower, upper = rounded(w - 0.02, tall - split - 0.02, 0.09), rounded(w - 0.02, split - 0.02, 0.09)
    kit.add(body, prism(lower, d / 2 - 0.09, d / 2 - 0.02, "y").moved(0, 0, 0.08 + (tall - split) / 2))
    kit.add(body, prism(upper, d / 2 - 0.09, d / 2 - 0.02, "y").moved(0, 0, 0.08 + tall - split / 2))
    for z in (0.08 + tall - split - 0.16, 0.08 + tall - split + 0.09):
        kit.rod(metal, (-w / 2 + 0.04, d / 2, z), (-w / 2 + 0.2, d / 2, z), 0.016)
    kit.box(metal, 0, d / 2 - 0.01, 0.08 + tall - split * 0.45, 0.16, 0.012, 0.03)


def _porthole(kit: Kit, y: float, z: float, body: Finish, metal: Finish, dark: Finish) -> None:
    ring = lathe(((0.19, 0), (0.19, 0.03), (0.14, 0.03), (0.14, 0)), 14, closed=True)
    kit.add(metal, ring.turned("x", -90).moved(0, y, z))
    kit.add(dark, ball(0.145, 0.145, 0.03, 10, 4).turned("x", -90).moved(0, y, z))
    kit.box(body, 0.165, y + 0.03, z - 0.03, 0.025, 0.015, 0.06)


def _washing_machine(kit: Kit, style: str) -> None:
    w, d, high = 0.6, kit.between(0.52, 0.62), kit.between(0.84, 0.87)
    body, metal, dark = kit.finish("appliance"), kit.finish("metal"), kit.finish("screen")
    floors = 2 if style == "stacked" else 1
    for floor in range(floors):
        z = floor * high
        kit.box(dark, 0, -0.02, z, w - 0.06, d - 0.1, 0.03)
        kit.box(body, 0, -0.02, z + 0.02, w, d - 0.04, high - 0.02)
        front, top = d / 2 - 0.04, z + high
        if style == "top_loader":
            kit.box(body, 0, -d / 2 + 0.06, high, w, 0.12, 0.16)
            kit.box(dark, -0.1, -d / 2 + 0.122, high + 0.04, 0.22, 0.006, 0.06)
            _knobs(kit, metal, (0.1, 0.2), -d / 2 + 0.12, high + 0.08)
            kit.box(dark, 0, 0.04, high, w - 0.1, d - 0.24, 0.012)
            kit.box(metal, 0, 0.04, high + 0.012, w - 0.2, d - 0.34, 0.008)
            kit.box(metal, 0, d / 2 - 0.06, high, 0.2, 0.03, 0.02)
            continue
        _porthole(kit, front, z + high * 0.45, body, metal, dark)
        panel = 0.006
        kit.box(metal, 0, front + panel / 2, top - 0.14, w - 0.01, panel, 0.006)
        kit.box(body, -0.2, front + 0.006, top - 0.12, 0.16, 0.012, 0.09)
        kit.box(dark, 0.02, front + 0.004, top - 0.1, 0.14, 0.008, 0.05)
        _knobs(kit, metal, (0.2,), front, top - 0.075)
    if style == "raised_console":
        slope = prism(((0, 0), (0.16, 0), (0.06, 0.13), (0, 0.13)), -w / 2, w / 2, "x")
        kit.add(body, slope.moved(0, -d / 2, high))
        kit.box(dark, 0, d / 2 - 0.036, 0.04, w - 0.1, 0.008, 0.12)
    elif style == "front_loader":
        kit.surface(0, -0.02, high, w - 0.1, d - 0.12)


SHAPES = (
    Shape("counter", "drawers", lambda kit: _counter(kit, "drawers")),
    Shape("counter", "doors", lambda kit: _counter(kit, "doors")),
    Shape("counter", "open_shelves", lambda kit: _counter(kit, "open"), test=True),
    Shape("counter", "posts", lambda kit: _counter(kit, "island"), test=True),
    Shape("sink", "kitchen", lambda kit: _kitchen_sink(kit, False), rooms=("kitchen", "laundry")),
    Shape("sink", "vanity", lambda kit: _vanity(kit, "cupboard"), rooms=("bathroom",)),
    Shape("sink", "pedestal", lambda kit: _basin(kit, True), rooms=("bathroom",)),
    Shape("sink", "farmhouse", lambda kit: _kitchen_sink(kit, True), test=True, rooms=("kitchen", "laundry")),
    Shape("sink", "bowl_on_console", lambda kit: _vanity(kit, "console"), test=True, rooms=("bathroom",)),
    Shape(
        "sink", "wall_basin", lambda kit: _basin(kit, False), test=True, stands_on="wall", rooms=("bathroom",)
    ),
    Shape("stove", "glass_top", lambda kit: _stove(kit, "glass")),
    Shape("stove", "plates", lambda kit: _stove(kit, "plates")),
    Shape("stove", "range", lambda kit: _stove(kit, "range"), test=True),
    Shape("stove", "cast_iron", _cast_stove, test=True),
    Shape("refrigerator", "freezer_below", lambda kit: _refrigerator(kit, "freezer_below")),
    Shape("refrigerator", "side_by_side", lambda kit: _refrigerator(kit, "side_by_side")),
    Shape("refrigerator", "french", lambda kit: _refrigerator(kit, "french"), test=True),
    Shape("refrigerator", "round", _round_fridge, test=True),
    Shape("washing_machine", "front_loader", lambda kit: _washing_machine(kit, "front_loader")),
    Shape("washing_machine", "raised_console", lambda kit: _washing_machine(kit, "raised_console")),
    Shape("washing_machine", "top_loader", lambda kit: _washing_machine(kit, "top_loader"), test=True),
    Shape("washing_machine", "stacked", lambda kit: _washing_machine(kit, "stacked"), test=True),
)
