"""What things are kept in: drawers, wardrobes, bookshelves, cabinets, television stands."""

from ..kit import Finish, Kit, Shape, upright_rod
from ..solids import ball, box, lathe, prism, rounded


def _carcass(
    kit: Kit, wood: Finish, size: tuple[float, float, float], low: float, boards: int, open_: bool
) -> None:
    """Sides, top, bottom, back and inner boards; with a closed body inside where it is not open."""
    w, d, high = size
    for side in (-1, 1):
        kit.box(wood, side * (w / 2 - 0.011), 0, low, 0.022, d, high - low)
    inner = w - 0.044
    kit.box(wood, 0, 0, high - 0.022, inner, d, 0.022)
    kit.box(wood, 0, 0, low, inner, d, 0.022)
    if not open_:
        kit.box(wood, 0, -0.012, low + 0.022, inner, d - 0.03, high - low - 0.044)
        return
    kit.box(wood, 0, -d / 2 + 0.006, low + 0.022, inner, 0.012, high - low - 0.044)
    gap = (high - low - 0.022) / (boards + 1)
    for i in range(boards + 1):
        z = low + 0.022 + i * gap
        if i:
            kit.box(wood, 0, 0.006, z - 0.02, inner, d - 0.012, 0.02)
        kit.surface(0, 0.01, z, inner - 0.04, d - 0.06)


def _drawers(kit: Kit, size: tuple[float, float, float], grid: tuple[int, int], base: str) -> None:
    w, d, high = size
    wood, metal = kit.finish("wood"), kit.finish("metal")
    low = 0.07 if base == "plinth" else 0.16
    if base == "plinth":
        kit.box(wood, 0, -0.02, 0, w - 0.02, d - 0.06, low)
    else:
        kit.legs(wood, w - 0.04, d - 0.08, low, 0.05, 0.02)
    kit.box(wood, 0, -0.01, low, w, d - 0.02, high - low - 0.025)
    kit.box(wood, 0, 0.005, high - 0.025, w + 0.02, d + 0.015, 0.025)
    kit.fronts(wood, metal, (-w / 2 + 0.015, low + 0.01, w / 2 - 0.015, high - 0.03), d / 2 - 0.02, grid)
    if base == "mirror_rail":
        kit.box(wood, 0, -d / 2 + 0.02, high, w, 0.025, 0.1)
    kit.surface(0, 0, high, w - 0.06, d - 0.06)


def _bow_chest(kit: Kit) -> None:
    """A bow-fronted chest on bracket feet with round knobs."""
    w, d, high = kit.between(0.85, 1.05), kit.between(0.42, 0.48), kit.between(0.85, 1.0)
    wood, metal = kit.finish("wood"), kit.finish("metal")
    bow = ((-w / 2, -d / 2), (w / 2, -d / 2), (w / 2, d / 2 - 0.08), (w / 4, d / 2 - 0.02), (0, d / 2))
    outline = (*bow, (-w / 4, d / 2 - 0.02), (-w / 2, d / 2 - 0.08))
    for sx in (-1, 1):
        for sy in (-1, 1):
            kit.add(
                wood, ball(0.045, 0.045, 0.05, 8, 4).moved(sx * (w / 2 - 0.06), sy * (d / 2 - 0.12), 0.05)
            )
    kit.add(wood, prism(outline, 0.08, 0.12))
    rows = 3
    rise = (high - 0.15) / rows
    for i in range(rows):
        z = 0.12 + i * rise
        kit.add(wood, prism(tuple((x * 0.97, y * 0.97) for x, y in outline), z, z + rise - 0.015))
        kit.add(wood, prism(outline, z + rise - 0.015, z + rise))
        for x in (-w / 4, w / 4):
            kit.add(metal, ball(0.018, 0.018, 0.018, 6, 3).moved(x, d / 2 - 0.022, z + rise / 2))
    kit.add(wood, prism(tuple((x * 1.03, y * 1.03) for x, y in outline), high - 0.03, high))
    kit.surface(0, -0.03, high, w - 0.08, d - 0.14)


def _wardrobe(kit: Kit, style: str) -> None:
    w, d, high = kit.between(1.0, 1.8), kit.between(0.56, 0.64), kit.between(1.9, 2.15)
    wood, metal = kit.finish("wood"), kit.finish("metal")
    if style == "open":
        w = min(w, 1.4)
        _carcass(kit, wood, (w, d, high), 0.06, 0, True)
        kit.surfaces.clear()
        kit.box(wood, 0, 0, 0, w - 0.04, d - 0.06, 0.06)
        kit.box(wood, 0, 0, high - 0.35, w - 0.05, d - 0.02, 0.02)
        kit.rod(metal, (-w / 2 + 0.02, 0.02, high - 0.42), (w / 2 - 0.02, 0.02, high - 0.42), 0.015)
        for i in range(6):
            x = (i - 2.5) * w / 7
            cloth, length = kit.finish("cloth"), kit.between(0.7, 1.05)
            coat = ((-0.22, 0), (0.22, 0), (0.2, length - 0.06), (0, length), (-0.2, length - 0.06))
            kit.add(cloth, prism(coat, x - 0.03, x + 0.03, "x").moved(0, 0.02, high - 0.45 - length))
        kit.fronts(wood, metal, (-w / 2 + 0.03, 0.09, w / 2 - 0.03, 0.4), d / 2 - 0.04, (1, 2))
        kit.box(wood, 0, 0, 0.08, w - 0.05, d - 0.09, 0.33)
        return
    kit.box(wood, 0, -0.01, 0, w - 0.04, d - 0.06, 0.07)
    kit.box(wood, 0, -0.01, 0.07, w, d - 0.02, high - 0.07)
    front, edge = d / 2 - 0.02, w / 2 - 0.005
    doors = 2 if w < 1.35 else 3
    if style == "doors":
        kit.fronts(wood, metal, (-edge, 0.08, edge, high - 0.01), front, (1, doors))
    elif style == "sliding":
        glass = kit.finish("mirror")
        kit.box(wood, -w / 4, front + 0.02, 0.08, w / 2, 0.04, high - 0.1)
        kit.box(glass, w / 4, front + 0.01, 0.1, w / 2 - 0.03, 0.02, high - 0.14)
        kit.box(metal, 0.01, front + 0.02, 0.08, 0.03, 0.05, high - 0.1)
        kit.box(metal, 0, front + 0.02, high - 0.03, w, 0.05, 0.03)
    else:
        kit.fronts(wood, metal, (-edge, 0.46, edge, high - 0.02), front, (1, doors))
        kit.fronts(wood, metal, (-edge, 0.08, edge, 0.45), front, (1, 2))
        for i in range(doors):
            x, wide = (i + 0.5 - doors / 2) * 2 * edge / doors, 2 * edge / doors
            kit.box(wood, x, front + 0.02, 0.62, wide * 0.6, 0.014, 0.5)
            kit.box(wood, x, front + 0.02, 1.22, wide * 0.6, 0.014, high - 1.36)
        for i, wide in enumerate((0.06, 0.1)):
            kit.box(wood, 0, 0.005, high + 0.04 * i, w + wide, d + wide / 3, 0.04)


def _spines(kit: Kit) -> list[Finish]:
    """What a shelf's books are bound in."""
    return [kit.finish(name) for name in ("plastic", "paper", "cloth", "plastic", "bloom")]


def _books(
    kit: Kit, spines: list[Finish], row: tuple[float, float, float], room: float, d: float, many: int
) -> None:
    """Books that stand side by side from x0 to x1 on a board at z; ``room`` is left above it."""
    x, x1, z = row
    for _ in range(many):
        thick, high = kit.between(0.03, 0.075), room * kit.between(0.6, 0.9)
        if x + thick > x1:
            return
        kit.box(spines[kit.count(0, len(spines) - 1)], x + thick / 2, -0.01, z, thick - 0.002, d * 0.66, high)
        x += thick


def _bookshelf(kit: Kit, tall: bool) -> None:
    w = kit.between(0.75, 1.0) if tall else kit.between(1.1, 1.4)
    d, high, boards = (
        kit.between(0.28, 0.34),
        kit.between(1.75, 2.05) if tall else kit.between(0.8, 1.0),
        4 if tall else 1,
    )
    wood, spines = kit.finish("wood"), _spines(kit)
    kit.box(wood, 0, -0.01, 0, w - 0.03, d - 0.03, 0.05)
    _carcass(kit, wood, (w, d, high), 0.05, boards, True)
    rows = list(kit.surfaces)
    kit.surfaces.clear()
    room = (high - 0.07) / (boards + 1) - 0.03
    for i, row in enumerate(rows):
        span = w * kit.between(0.45, 0.85)
        _books(kit, spines, (-w / 2 + 0.03, -w / 2 + 0.03 + span, row.z_m), room, d, 7 if tall else 14)
        if i >= boards - 1:
            free = (w / 2 - 0.03) - (-w / 2 + 0.05 + span)
            kit.surface(w / 2 - 0.03 - free / 2, 0.01, row.z_m, free, d - 0.06)
    if not tall:
        kit.surface(0, 0, high, w - 0.05, d - 0.04)


def _ladder_shelf(kit: Kit) -> None:
    w, d, high = kit.between(0.6, 0.75), kit.between(0.38, 0.44), kit.between(1.7, 1.9)
    wood, spines = kit.finish("wood"), _spines(kit)
    for side in (-1, 1):
        x = side * w / 2
        kit.add(wood, upright_rod((x, d / 2 - 0.02, 0), (x, -d / 2 + 0.03, high), 0.028))
        kit.add(wood, upright_rod((x, -d / 2 + 0.02, 0), (x, -d / 2 + 0.02, high), 0.022))
    for i in range(5):
        z = 0.2 + i * (high - 0.35) / 4
        deep = d * (1 - 0.72 * z / high)
        kit.box(wood, 0, -d / 2 + deep / 2, z - 0.022, w + 0.02, deep, 0.022)
        if i < 3:
            _books(kit, spines, (-w / 2 + 0.05, 0.0, z), 0.3, deep, 5)
            kit.surface(w * 0.26, -d / 2 + deep / 2, z, w * 0.4, deep - 0.04)


def _cube_shelf(kit: Kit) -> None:
    cell, d = kit.between(0.33, 0.38), kit.between(0.34, 0.4)
    columns, rows = kit.count(2, 3), kit.count(3, 4)
    wood, basket, spines = kit.finish("wood"), kit.finish("cane"), _spines(kit)
    w, high = columns * cell + 0.03, rows * cell + 0.03
    for i in range(columns + 1):
        kit.box(wood, i * cell - w / 2 + 0.015, 0, 0, 0.03, d, high)
    for j in range(rows + 1):
        kit.box(wood, 0, -0.001, j * cell, w - 0.03, d - 0.002, 0.03)
    kit.box(wood, 0, -d / 2 + 0.006, 0.03, w - 0.03, 0.012, high - 0.06)
    for j in range(rows):
        for i in range(columns):
            x, z = (i + 0.5) * cell - w / 2 + 0.015, j * cell + 0.03
            if (i + j) % 2:
                kit.box(basket, x, 0.0, z, cell - 0.06, d - 0.05, cell - 0.1)
            else:
                _books(kit, spines, (x - cell / 2 + 0.03, x + cell / 2 - 0.03, z), cell - 0.05, d, 5)
    kit.surface(0, 0, high, w - 0.05, d - 0.05)


def _sideboard(kit: Kit) -> None:
    w, d, high = kit.between(1.1, 1.6), kit.between(0.4, 0.46), kit.between(0.75, 0.88)
    wood, metal = kit.finish("wood"), kit.finish("metal")
    kit.legs(wood, w - 0.04, d - 0.06, 0.14, 0.05)
    kit.box(wood, 0, -0.01, 0.13, w, d - 0.02, high - 0.155)
    kit.box(wood, 0, 0.005, high - 0.025, w + 0.03, d + 0.01, 0.025)
    kit.fronts(wood, metal, (-w / 2 + 0.01, high - 0.22, w / 2 - 0.01, high - 0.03), d / 2 - 0.02, (1, 3))
    kit.fronts(wood, metal, (-w / 2 + 0.01, 0.14, w / 2 - 0.01, high - 0.23), d / 2 - 0.02, (1, 3))
    kit.surface(0, 0, high, w - 0.06, d - 0.06)


def _vitrine(kit: Kit) -> None:
    w, d, high = kit.between(0.8, 1.0), kit.between(0.38, 0.44), kit.between(1.7, 1.95)
    wood, metal, glass, ware = (
        kit.finish("wood"),
        kit.finish("metal"),
        kit.finish("glass"),
        kit.finish("ceramic"),
    )
    kit.box(wood, 0, -0.01, 0, w, d - 0.02, 0.75)
    kit.fronts(wood, metal, (-w / 2 + 0.01, 0.08, w / 2 - 0.01, 0.73), d / 2 - 0.02, (1, 2))
    for side in (-1, 1):
        kit.box(wood, side * (w / 2 - 0.015), -0.01, 0.75, 0.03, d - 0.02, high - 0.75)
        x = side * w / 4
        for edge in (-1, 1):
            kit.box(wood, x + edge * (w / 4 - 0.025), d / 2 - 0.01, 0.76, 0.045, 0.02, high - 0.8)
        for z in (0.76, high - 0.09):
            kit.box(wood, x, d / 2 - 0.011, z, w / 2 - 0.01, 0.018, 0.05)
    kit.box(glass, 0, -d / 2 + 0.01, 0.75, w - 0.06, 0.02, high - 0.78)
    for i in range(2):
        z = 0.75 + (high - 0.75) * (i + 1) / 3
        kit.box(wood, 0, -0.02, z - 0.02, w - 0.06, d - 0.08, 0.02)
        for x in (-w / 4, w / 4):
            kit.add(ware, lathe(((0.03, 0), (0.07, 0.08), (0.05, 0.16)), 8).moved(x, 0, z))
    kit.box(wood, 0, 0, high - 0.04, w + 0.03, d, 0.04)


def _kitchen_wall_unit(kit: Kit, shelves: bool) -> None:
    w, d, high = 0.6 + 0.3 * kit.count(0, 1), kit.between(0.32, 0.36), kit.between(0.6, 0.72)
    wood, metal, ware = kit.finish("wood"), kit.finish("metal"), kit.finish("ceramic")
    kit.hang(1.42, 1.5)
    if shelves:
        _carcass(kit, wood, (w, d, high), 0.0, 1, True)
        kit.surfaces.clear()
        for z in (0.022, 0.022 + (high - 0.022) / 2):
            for i in range(3):
                kit.add(ware, lathe(((0.03, 0), (0.06, 0.1)), 8).moved((i - 1) * w / 3.4, 0, z))
    else:
        kit.box(wood, 0, -0.01, 0, w, d - 0.02, high)
        kit.fronts(wood, metal, (-w / 2, 0, w / 2, high), d / 2 - 0.02, (1, 2))


def _tall_cabinet(kit: Kit, style: str) -> None:
    w, d, high = kit.between(0.5, 0.62), kit.between(0.36, 0.44), kit.between(1.65, 1.95)
    wood, metal = kit.finish("wood"), kit.finish("metal")
    kit.box(wood, 0, -0.02, 0, w - 0.03, d - 0.07, 0.08)
    kit.box(wood, 0, -0.01, 0.08, w, d - 0.02, high - 0.08)
    if style == "louvre":
        for side in (-1, 1):
            x = side * w / 4
            kit.box(wood, x - w / 4 + 0.02, d / 2 - 0.008, 0.1, 0.035, 0.025, high - 0.13)
            kit.box(wood, x + w / 4 - 0.02, d / 2 - 0.008, 0.1, 0.035, 0.025, high - 0.13)
            for i in range(13):
                slat = box(0, 0, -0.04, w / 2 - 0.07, 0.012, 0.09).turned("x", 20)
                kit.add(wood, slat.moved(x, d / 2 - 0.012, 0.16 + i * (high - 0.3) / 12))
        kit.box(metal, 0.035, d / 2 + 0.01, high * 0.5, 0.012, 0.02, 0.14)
        kit.box(metal, -0.035, d / 2 + 0.01, high * 0.5, 0.012, 0.02, 0.14)
    else:
        kit.fronts(wood, metal, (-w / 2, high * 0.5, w / 2, high), d / 2 - 0.02, (1, 1))
        kit.fronts(wood, metal, (-w / 2, high * 0.32, w / 2, high * 0.5), d / 2 - 0.02, (2, 1))
        kit.fronts(wood, metal, (-w / 2, 0.09, w / 2, high * 0.32), d / 2 - 0.02, (1, 1))


def _credenza(kit: Kit) -> None:
    """A low cabinet with round ends and fluted doors."""
    w, d, high = kit.between(1.0, 1.4), kit.between(0.4, 0.46), kit.between(0.78, 0.9)
    wood, metal = kit.finish("wood"), kit.finish("metal")
    kit.add(wood, prism(rounded(w - 0.04, d - 0.04, 0.14), 0.06, high - 0.03))
    kit.add(wood, prism(rounded(w - 0.12, d - 0.12, 0.1), 0.0, 0.06))
    kit.add(wood, prism(rounded(w, d, 0.15), high - 0.03, high))
    for i in range(14):
        kit.box(wood, (i - 6.5) * (w - 0.36) / 14, d / 2 - 0.02, 0.1, 0.022, 0.02, high - 0.17)
    for x in (-0.05, 0.05):
        kit.box(metal, x, d / 2 + 0.002, high * 0.5, 0.014, 0.03, 0.1)
    kit.surface(0, 0, high, w - 0.14, d - 0.08)


def _tv_stand(kit: Kit, style: str) -> None:
    w, d, high = kit.between(1.1, 1.7), kit.between(0.38, 0.46), kit.between(0.42, 0.56)
    wood, metal = kit.finish("wood"), kit.finish("metal")
    if style == "doors":
        kit.box(wood, 0, -0.02, 0, w - 0.05, d - 0.08, 0.05)
        kit.box(wood, 0, -0.01, 0.05, w, d - 0.02, high - 0.05)
        kit.fronts(wood, metal, (-w / 2 + 0.01, 0.06, w / 2 - 0.01, high - 0.02), d / 2 - 0.02, (1, 4))
    elif style == "open":
        _carcass(kit, wood, (w, d, high), 0.04, 1, True)
        kit.box(wood, 0, -0.02, 0, w - 0.04, d - 0.06, 0.04)
        kit.box(wood, 0, 0, 0.06, 0.025, d - 0.01, high - 0.08)
        kit.box(metal, -w / 4, -0.02, 0.062, w * 0.3, d * 0.6, 0.06)
        kit.surfaces.clear()
    elif style == "tapered":
        kit.legs(wood, w * 0.94, d * 0.94, 0.21, 0.045, 0.04)
        kit.box(wood, 0, -0.01, 0.2, w, d - 0.02, high - 0.2)
        kit.fronts(wood, metal, (w / 6, 0.22, w / 2 - 0.01, high - 0.02), d / 2 - 0.02, (2, 1))
        kit.fronts(wood, metal, (-w / 2 + 0.01, 0.22, -w / 6, high - 0.02), d / 2 - 0.02, (1, 1))
    else:
        for x in (-w / 2 + 0.03, 0.0, w / 2 - 0.03):
            kit.box(wood, x, -0.01, 0, 0.05, d - 0.06, high - 0.05)
        kit.box(wood, 0, 0, high - 0.05, w, d, 0.05)
        kit.box(wood, 0, 0, high * 0.4, w + 0.12, d - 0.1, 0.03)
    kit.surface(0, 0, high, w - 0.04, d - 0.04)


def _chest(kit: Kit, style: str) -> None:
    if style == "wide":
        _drawers(
            kit, (kit.between(0.8, 1.1), kit.between(0.42, 0.5), kit.between(0.78, 0.9)), (3, 1), "plinth"
        )
    elif style == "tall":
        _drawers(
            kit, (kit.between(0.5, 0.65), kit.between(0.4, 0.48), kit.between(1.1, 1.3)), (5, 1), "plinth"
        )
    else:
        _drawers(
            kit,
            (kit.between(1.2, 1.5), kit.between(0.44, 0.5), kit.between(0.78, 0.86)),
            (3, 2),
            "mirror_rail",
        )


SHAPES = (
    Shape("chest_of_drawers", "wide", lambda kit: _chest(kit, "wide")),
    Shape("chest_of_drawers", "tall", lambda kit: _chest(kit, "tall")),
    Shape("chest_of_drawers", "double_on_legs", lambda kit: _chest(kit, "double"), test=True),
    Shape("chest_of_drawers", "bow_front", _bow_chest, test=True),
    Shape("wardrobe", "doors", lambda kit: _wardrobe(kit, "doors")),
    Shape("wardrobe", "sliding_mirror", lambda kit: _wardrobe(kit, "sliding")),
    Shape("wardrobe", "armoire", lambda kit: _wardrobe(kit, "armoire"), test=True),
    Shape("wardrobe", "open", lambda kit: _wardrobe(kit, "open"), test=True),
    Shape("bookshelf", "tall", lambda kit: _bookshelf(kit, True)),
    Shape("bookshelf", "low", lambda kit: _bookshelf(kit, False)),
    Shape("bookshelf", "ladder", _ladder_shelf, test=True),
    Shape("bookshelf", "cubes", _cube_shelf, test=True),
    Shape("cabinet", "sideboard", _sideboard, rooms=("living_room", "dining_room", "hallway", "office")),
    Shape("cabinet", "vitrine", _vitrine, rooms=("living_room", "dining_room")),
    Shape(
        "cabinet",
        "column",
        lambda kit: _tall_cabinet(kit, "column"),
        rooms=("bathroom", "laundry", "kitchen"),
    ),
    Shape("cabinet", "wall_doors", lambda kit: _kitchen_wall_unit(kit, False), stands_on="wall"),
    Shape("cabinet", "louvred", lambda kit: _tall_cabinet(kit, "louvre"), test=True),
    Shape(
        "cabinet", "credenza", _credenza, test=True, rooms=("living_room", "dining_room", "hallway", "office")
    ),
    Shape("cabinet", "wall_shelves", lambda kit: _kitchen_wall_unit(kit, True), test=True, stands_on="wall"),
    Shape("tv_stand", "doors", lambda kit: _tv_stand(kit, "doors")),
    Shape("tv_stand", "open", lambda kit: _tv_stand(kit, "open")),
    Shape("tv_stand", "tapered_legs", lambda kit: _tv_stand(kit, "tapered"), test=True),
    Shape("tv_stand", "bench", lambda kit: _tv_stand(kit, "bench"), test=True),
)
