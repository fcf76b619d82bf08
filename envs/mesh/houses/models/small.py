"""Small things that stand about: books, vases, bowls, bottles, cups, laptops, clocks, toys, boxes."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ..kit import Finish, Kit, Shape
from ..solids import ball, box, lathe, leaf, panel, prism, rounded, tube
from . import pictures


def _book(kit: Kit, turn: float, z: float, w: float, d: float, thick: float) -> None:
    """Lying: two covers, a spine, and the pages between them."""
    cover, paper = kit.finish("plastic"), kit.finish("paper")
    meshes = (box(0, 0, z, w, d, 0.004), box(0, 0, z + thick - 0.004, w, d, 0.004))
    kit.add(cover, *(mesh.turned("z", turn) for mesh in meshes))
    kit.add(cover, box(-w / 2 + 0.002, 0, z + 0.004, 0.004, d, thick - 0.008).turned("z", turn))
    kit.add(paper, box(-0.001, 0, z + 0.004, w - 0.01, d - 0.01, thick - 0.008).turned("z", turn))


def _book_pile(kit: Kit) -> None:
    z = 0.0
    for _ in range(kit.count(2, 4)):
        thick = kit.between(0.02, 0.045)
        _book(kit, kit.between(-12, 12), z, kit.between(0.14, 0.18), kit.between(0.2, 0.25), thick)
        z = round(z + thick, 3)


def _open_book(kit: Kit) -> None:
    cover, paper = kit.finish("plastic"), kit.finish("paper")
    w, d = kit.between(0.15, 0.19), kit.between(0.22, 0.27)
    for side in (-1, 1):
        kit.box(cover, side * w / 2, 0, 0, w, d, 0.004)
        page = ((0, 0.004), (w - 0.01, 0.004), (w - 0.01, 0.01), (w * 0.4, 0.03), (0, 0.012))
        outline = page if side > 0 else tuple((-x, z) for x, z in page[:1] + page[:0:-1])
        kit.add(paper, prism(outline, -d / 2 + 0.006, d / 2 - 0.006, "y"))


def _standing_books(kit: Kit) -> None:
    x = 0.0
    for i in range(5):
        cover, paper = kit.finish("plastic"), kit.finish("paper")
        thick, high, deep = kit.between(0.025, 0.045), kit.between(0.18, 0.25), kit.between(0.13, 0.17)
        for side in (-1, 1):
            kit.box(cover, x + side * (thick / 2 - 0.002), 0, 0, 0.004, deep, high)
        kit.box(cover, x, deep / 2 - 0.002, 0, thick - 0.008, 0.004, high)
        kit.box(paper, x, -0.003, 0.004, thick - 0.008, deep - 0.01, high - 0.008)
        x += thick + 0.003 + 0.02 * (i == 3)


def _vase(kit: Kit, style: str) -> None:
    high, r = kit.between(0.2, 0.34), kit.between(0.055, 0.085)
    clay = kit.finish("pot")
    profiles = {
        "belly": (
            (0.6, 0),
            (1.0, 0.35),
            (0.8, 0.65),
            (0.4, 0.85),
            (0.55, 1.0),
            (0.45, 1.0),
            (0.3, 0.85),
            (0.0, 0.8),
        ),
        "flute": ((0.7, 0), (0.4, 0.08), (0.35, 0.3), (1.0, 1.0), (0.9, 1.0), (0.25, 0.4), (0.0, 0.38)),
        "bottle": (
            (0.9, 0),
            (1.0, 0.3),
            (0.75, 0.5),
            (0.22, 0.6),
            (0.2, 0.95),
            (0.3, 1.0),
            (0.16, 1.0),
            (0.0, 0.9),
        ),
        "block": ((1.2, 0), (1.2, 1.0), (1.0, 1.0), (1.0, 0.8), (0.0, 0.8)),
    }
    sides = 4 if style == "block" else 12
    profile = tuple((x * r, z * high) for x, z in profiles[style])
    kit.add(clay, lathe(profile, sides).turned("z", 45 if sides == 4 else 0))
    if style in ("belly", "block"):
        green, bloom = kit.finish("leaf"), kit.finish("bloom")
        for i in range(4):
            angle = math.pi / 2 * i + 0.4
            out, top = 0.06 + 0.015 * i, high + 0.12 + 0.02 * (i % 2)
            tip = (out * math.cos(angle), out * math.sin(angle), top)
            kit.rod(green, (0, 0, high * 0.82), tip, 0.004)
            kit.ball(bloom, tip, 0.032, 0.032, 0.026)


def _bowl(kit: Kit, style: str) -> None:
    r, high = kit.between(0.1, 0.15), kit.between(0.06, 0.09)
    ware = kit.finish("wood" if style == "wide" else "ceramic")
    profiles = {
        "round": ((0.4, 0), (0.45, 0.12), (0.85, 0.5), (1.0, 1.0), (0.94, 1.0), (0.75, 0.55), (0.0, 0.2)),
        "wide": ((0.7, 0), (1.0, 0.7), (0.93, 0.7), (0.65, 0.12), (0.0, 0.1)),
        "footed": ((0.5, 0), (0.2, 0.1), (0.18, 0.7), (1.0, 1.4), (0.94, 1.4), (0.3, 0.9), (0.0, 0.85)),
        "square": ((0.8, 0), (1.3, 1.0), (1.2, 1.0), (0.75, 0.15), (0.0, 0.15)),
    }
    profile = tuple((x * r, z * high) for x, z in profiles[style])
    kit.add(ware, lathe(profile, 4 if style == "square" else 14).turned("z", 45 if style == "square" else 0))
    if style in ("round", "footed"):
        top = high * (0.8 if style == "round" else 1.25)
        for i in range(4):
            fruit = kit.finish("bloom" if i % 2 else "leaf")
            angle = math.pi / 2 * i
            kit.ball(fruit, (0.045 * math.cos(angle), 0.045 * math.sin(angle), top), 0.036, 0.036, 0.036)


def _bottle(kit: Kit, style: str) -> None:
    glass, cap, label = kit.finish("leaf"), kit.finish("metal"), kit.finish("paper")
    r, high = kit.between(0.034, 0.042), kit.between(0.26, 0.32)
    shoulder = {"wine": 0.62, "round": 0.5, "square": 0.72, "jug": 0.66}[style]
    if style == "square":
        glass = kit.finish("plastic")
        kit.add(glass, prism(rounded(2 * r, 1.5 * r, 0.01, 1), 0, high * 0.7))
        kit.add(label, box(0, 0, high * 0.15, 2 * r + 0.002, 1.5 * r + 0.002, high * 0.35))
        kit.tube(cap, (0, 0, high * 0.7), 0.016, high * 0.16)
        kit.box(cap, 0, 0.02, high * 0.82, 0.02, 0.06, 0.02)
        return
    if style == "jug":
        glass, r = kit.finish("ceramic"), r * 1.5
    belly = r * 1.35 if style == "round" else r
    body = (
        (r * 0.9, 0),
        (belly, high * 0.2),
        (belly, high * shoulder),
        (r * 0.35, high * 0.8),
        (r * 0.32, high * 0.96),
    )
    kit.add(glass, lathe(body, 10))
    kit.tube(cap, (0, 0, high * 0.92), r * 0.4, high * 0.08)
    if style == "jug":
        for z0, z1 in ((0.3, 0.5), (0.5, 0.8)):
            out = (0.09, 0.1) if z0 < 0.5 else (0.1, 0.03)
            kit.rod(glass, (out[0], 0, high * z0), (out[1], 0, high * z1), 0.009)
    else:
        kit.add(label, tube(belly + 0.002, high * 0.28, sides=10).moved(0, 0, high * 0.22))


def _cup(kit: Kit, style: str) -> None:
    r, high = kit.between(0.036, 0.046), kit.between(0.08, 0.11)
    ware = kit.finish("ceramic" if style != "beaker" else "plastic")
    low = 0.012 if style == "saucer" else 0.0
    if style == "saucer":
        high *= 0.75
        kit.add(ware, lathe(((r * 0.9, 0), (r * 1.7, 0.014), (r * 1.6, 0.018), (0.0, 0.012)), 12))
    foot = {"mug": 1.0, "saucer": 0.6, "beaker": 0.75, "goblet": 0.8}[style]
    if style == "goblet":
        profile = ((0.8, 0), (0.12, 0.06), (0.12, 0.5), (0.9, 0.75), (0.8, 1.4), (0.72, 1.4), (0.0, 0.7))
        kit.add(kit.finish("glass"), lathe(tuple((x * r, z * high) for x, z in profile), 12))
        return
    wall = ((r * foot, low), (r, low + high), (r * 0.88, low + high), (r * foot * 0.85, low + 0.01))
    kit.add(ware, lathe((*wall, (0.0, low + 0.01)), 12))
    kit.tube(kit.finish("soil"), (0, 0, low + high * 0.6), r * (0.34 * foot + 0.52), 0.006)
    if style in ("mug", "saucer"):
        for z0, z1 in ((0.25, 0.35), (0.35, 0.7), (0.7, 0.8)):
            out = {0.25: (0.9, 1.5), 0.35: (1.5, 1.5), 0.7: (1.5, 0.95)}[z0]
            kit.rod(ware, (out[0] * r, 0, low + high * z0), (out[1] * r, 0, low + high * z1), 0.006)


def _laptop(kit: Kit, angle: float, stand: bool) -> None:
    w, d = kit.between(0.31, 0.37), kit.between(0.22, 0.25)
    body, keys, z = kit.finish("metal"), kit.finish("screen"), 0.0
    if stand:
        z = 0.1
        kit.box(kit.finish("plastic"), 0, -0.04, 0, w * 0.6, d * 0.6, z)
    kit.box(body, 0, 0, z, w, d, 0.014)
    kit.box(keys, 0, -0.035, z + 0.014, w * 0.88, d * 0.46, 0.002)
    kit.box(keys, 0, d * 0.32, z + 0.014, w * 0.3, d * 0.22, 0.001)
    hinge = (0.0, -d / 2, z + 0.014)
    picture = Finish((1.0, 1.0, 1.0), pictures.glare(kit, "glass"))
    kit.add(body, box(0, -d / 2 + 0.004, z + 0.014, w, 0.008, d).turned("x", angle, hinge))
    kit.add(
        picture, panel(0, -d / 2 + 0.009, z + 0.026, w - 0.02, 0.003, d - 0.025).turned("x", angle, hinge)
    )


def _clock(kit: Kit, style: str) -> None:
    face = Finish((1.0, 1.0, 1.0), pictures.dial(kit, 12 if kit.split != "test" else 4))
    rim = kit.finish("wood" if style in ("mantel", "wall_square") else "metal")
    if style in ("wall", "wall_square"):
        r = kit.between(0.13, 0.18)
        kit.hang(1.6, 1.75)
        if style == "wall_square":
            kit.box(rim, 0, 0.015, 0, 2.2 * r, 0.03, 2.2 * r)
            kit.add(face, panel(0, 0.02, 0.1 * r, 2 * r, 0.03, 2 * r))
            return
        disc = tube(r, 0.02, sides=16).turned("x", -90)
        # Seen from the front, x runs to the left.
        uv = 0.5 + disc.vertices[:, (0, 2)] * (-0.5 / r, 0.5 / r)
        kit.add(face, replace(disc, uv=uv).moved(0, 0, r))
        ring = lathe(
            ((r + 0.015, 0), (r + 0.015, 0.035), (r - 0.004, 0.035), (r - 0.004, 0)), 16, closed=True
        )
        kit.add(rim, ring.turned("x", -90).moved(0, 0, r))
    elif style == "alarm":
        r = kit.between(0.045, 0.06)
        kit.add(rim, tube(r, 0.05, sides=14).turned("x", -90).moved(0, -0.025, r + 0.015))
        kit.add(face, panel(0, 0.02, 0.015 + r * 0.3, r * 1.4, 0.012, r * 1.4))
        for side in (-1, 1):
            kit.rod(rim, (side * r * 0.8, 0, 0.006), (side * r * 0.5, 0, r * 0.6), 0.006)
            kit.add(rim, ball(r * 0.35, r * 0.35, r * 0.25, 8, 4).moved(side * r * 0.6, 0, 2 * r + 0.015))
    else:
        w = kit.between(0.2, 0.26)
        outline = ((-w / 2, 0.02), (w / 2, 0.02), (w * 0.36, w * 0.6), (0, w * 0.95), (-w * 0.36, w * 0.6))
        kit.add(rim, prism(outline, -0.045, 0.045, "y"))
        kit.box(rim, 0, 0, 0, w + 0.04, 0.12, 0.02)
        kit.add(face, panel(0, 0.042, w * 0.18, w * 0.5, 0.012, w * 0.5))


def _toy(kit: Kit, style: str) -> None:
    a, b = kit.finish("plastic"), kit.finish("plastic")
    if style == "bear":
        fur = kit.finish("cloth")
        size = kit.between(0.9, 1.25)
        kit.ball(fur, (0, 0, 0.085 * size), 0.075 * size, 0.065 * size, 0.085 * size)
        kit.ball(fur, (0, 0.01, 0.2 * size), 0.06 * size, 0.055 * size, 0.055 * size)
        for side in (-1, 1):
            kit.ball(fur, (side * 0.045 * size, 0, 0.25 * size), 0.022 * size, 0.015 * size, 0.022 * size)
            kit.ball(fur, (side * 0.09 * size, 0.02, 0.11 * size), 0.025 * size, 0.025 * size, 0.05 * size)
            kit.ball(
                fur, (side * 0.05 * size, 0.08 * size, 0.03 * size), 0.03 * size, 0.055 * size, 0.03 * size
            )
        kit.ball(kit.finish("paper"), (0, 0.06 * size, 0.19 * size), 0.025 * size, 0.02 * size, 0.02 * size)
    elif style == "blocks":
        size = kit.between(0.045, 0.06)
        colors = (a, b, kit.finish("plastic"), kit.finish("wood"))
        for i, (x, z, turn) in enumerate(((-0.6, 0, 8), (0.55, 0, -15), (0.0, 1, 20), (0.05, 2, -10))):
            kit.add(colors[i], box(0, 0, 0, size, size, size).turned("z", turn).moved(x * size, 0, z * size))
    elif style == "car":
        long = kit.between(0.16, 0.24)
        kit.box(a, 0, 0, 0.02, long * 0.45, long, long * 0.2)
        kit.box(b, 0, -0.05 * long, 0.02 + long * 0.2, long * 0.38, long * 0.5, long * 0.16)
        for sx in (-1, 1):
            for sy in (-1, 1):
                wheel = tube(long * 0.12, 0.02, sides=10).turned("y", 90)
                kit.add(
                    kit.finish("screen"), wheel.moved(sx * long * 0.22 - 0.01, sy * long * 0.3, long * 0.12)
                )
    else:
        rings = ((0.075, a), (0.062, b), (0.05, kit.finish("plastic")), (0.038, a))
        kit.box(kit.finish("wood"), 0, 0, 0, 0.15, 0.15, 0.015)
        for i, (r, finish) in enumerate(rings):
            kit.add(
                finish,
                lathe(((r * 0.85, 0), (r, 0.014), (r * 0.85, 0.028)), 12).moved(0, 0, 0.015 + i * 0.028),
            )
        kit.ball(b, (0, 0, 0.145), 0.026, 0.026, 0.026)


def _box(kit: Kit, style: str) -> None:
    w, d, high = kit.between(0.18, 0.3), kit.between(0.14, 0.22), kit.between(0.1, 0.18)
    if style == "carton":
        card = kit.finish("cane")
        card = Finish(card.color)
        kit.box(card, 0, 0, 0, w, d, high)
        kit.box(kit.finish("paper"), 0, 0, high, 0.05, d, 0.002)
        kit.box(kit.finish("paper"), 0, d / 2, high * 0.4, w * 0.4, 0.004, high * 0.35)
    elif style == "lidded":
        cloth = kit.finish("cloth")
        kit.box(cloth, 0, 0, 0, w, d, high)
        kit.box(kit.finish("linen"), 0, 0, high - 0.03, w + 0.012, d + 0.012, 0.04)
    elif style == "open_carton":
        card = Finish(kit.finish("cane").color)
        kit.trough(card, (0, 0, 0), w, d, high, 0.006, 0.006)
        for side in (-1, 1):
            flap = box(side * w * 0.22, 0, 0, w * 0.44, d, 0.004).turned("y", -side * 35)
            kit.add(card, flap.moved(side * w / 2, 0, high))
    else:
        paper, ribbon = kit.finish("bloom"), kit.finish("linen")
        kit.box(paper, 0, 0, 0, w, w * 0.9, high)
        kit.box(ribbon, 0, 0, 0.001, 0.025, w * 0.9 + 0.004, high + 0.001)
        kit.box(ribbon, 0, 0, 0.001, w + 0.004, 0.025, high + 0.001)
        for side in (-1, 1):
            kit.add(ribbon, leaf((0, 0, high), (side * 0.07, 0.0, high + 0.04), 0.05, 0.012))


def _all(
    category: str, build: Callable[..., None], train: tuple[str, ...], test: tuple[str, ...]
) -> tuple[Shape, ...]:
    """A shape for each style; things on walls are only clocks."""
    return tuple(
        Shape(
            category,
            style,
            partial(build, style=style),
            test=style in test,
            stands_on="wall" if style in ("wall", "wall_square") else "top",
        )
        for style in (*train, *test)
    )


SHAPES = (
    Shape("book", "pile", _book_pile, stands_on="top"),
    Shape(
        "book",
        "single",
        lambda kit: _book(kit, 0.0, 0.0, 0.17, kit.between(0.21, 0.26), 0.035),
        stands_on="top",
    ),
    Shape("book", "open", _open_book, test=True, stands_on="top"),
    Shape("book", "standing", _standing_books, test=True, stands_on="top"),
    *_all("vase", _vase, ("belly", "flute"), ("bottle", "block")),
    *_all("bowl", _bowl, ("round", "wide"), ("footed", "square")),
    *_all("bottle", _bottle, ("wine", "round"), ("square", "jug")),
    *_all("cup", _cup, ("mug", "saucer"), ("beaker", "goblet")),
    Shape("laptop", "open", lambda kit: _laptop(kit, kit.between(8, 30), False), stands_on="top"),
    Shape("laptop", "upright", lambda kit: _laptop(kit, kit.between(-4, 4), False), stands_on="top"),
    Shape(
        "laptop",
        "on_a_stand",
        lambda kit: _laptop(kit, kit.between(10, 25), True),
        test=True,
        stands_on="top",
    ),
    *_all("clock", _clock, ("wall", "alarm"), ("wall_square", "mantel")),
    *_all("toy", _toy, ("bear", "blocks"), ("car", "rings")),
    *_all("box", _box, ("carton", "lidded"), ("open_carton", "gift")),
)
