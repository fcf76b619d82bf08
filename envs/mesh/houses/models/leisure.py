"""What a household plays and trains with: pianos, gym equipment, televisions."""

from ..kit import Finish, Kit, Shape
from ..solids import lathe, panel, prism, rod, rounded, tube
from . import pictures


def _keyboard(kit: Kit, x0: float, x1: float, y: float, z: float, deep: float) -> None:
    """White keys with the black ones on top, rear to the front edge at ``y``."""
    white, black = kit.finish("linen"), kit.finish("screen")
    kit.box(white, (x0 + x1) / 2, y - deep / 2, z, x1 - x0, deep, 0.02)
    octaves = 5
    each = (x1 - x0) / (7 * octaves)
    for octave in range(octaves):
        for key in (0, 1, 3, 4, 5):
            x = x0 + (octave * 7 + key + 1) * each
            kit.box(black, x, y - deep * 0.68, z + 0.02, each * 0.5, deep * 0.6, 0.012)


def _upright_piano(kit: Kit, spinet: bool) -> None:
    w, high = kit.between(1.4, 1.52), kit.between(0.96, 1.02) if spinet else kit.between(1.15, 1.28)
    wood, metal = kit.finish("wood"), kit.finish("metal")
    kit.box(wood, 0, -0.15, 0, w, 0.3, high - 0.03)
    kit.box(wood, 0, -0.14, high - 0.03, w + 0.03, 0.34, 0.03)
    kit.box(wood, 0, 0.14, 0.6, w - 0.02, 0.3, 0.06)
    kit.box(wood, 0, 0.008, 0.12, w - 0.16, 0.02, 0.4)
    for side in (-1, 1):
        x = side * (w / 2 - 0.03)
        if spinet:
            kit.add(wood, lathe(((0.02, 0), (0.04, 0.1), (0.025, 0.3), (0.04, 0.6)), 8).moved(x, 0.25))
        else:
            kit.box(wood, x, 0.25, 0, 0.06, 0.07, 0.6)
            kit.box(wood, x, 0.14, 0, 0.05, 0.28, 0.05)
        kit.box(wood, x, 0.14, 0.66, 0.06, 0.3, 0.1)
    _keyboard(kit, -w / 2 + 0.07, w / 2 - 0.07, 0.27, 0.66, 0.15)
    kit.box(kit.finish("paper"), 0, 0.03, 0.84, 0.42, 0.02, min(0.28, high - 0.88))
    for i in (-1, 0, 1):
        kit.box(metal, i * 0.07, 0.05, 0.05, 0.03, 0.1, 0.02)
    kit.surface(0, -0.14, high, w - 0.1, 0.26)


def _grand_piano(kit: Kit) -> None:
    w, d = kit.between(1.42, 1.5), kit.between(1.45, 1.7)
    wood, metal = kit.finish("wood"), kit.finish("metal")
    front, back = d / 2, -d / 2
    tail = ((-w / 2, front - 0.65), (-w * 0.36, front - 0.85), (-w * 0.16, back + 0.2), (0.0, back + 0.03))
    outline = (
        (w / 2, front - 0.3),
        (-w / 2, front - 0.3),
        *tail,
        (w * 0.2, back),
        (w * 0.42, back + 0.06),
        (w / 2, back + 0.25),
    )
    kit.add(wood, prism(outline, 0.66, 0.94))
    kit.box(wood, 0, front - 0.16, 0.62, w, 0.3, 0.1)
    for side in (-1, 1):
        kit.box(wood, side * (w / 2 - 0.03), front - 0.16, 0.72, 0.06, 0.3, 0.2)
    _keyboard(kit, -w / 2 + 0.07, w / 2 - 0.07, front - 0.02, 0.72, 0.15)
    for x, y in ((-w / 2 + 0.12, front - 0.3), (w / 2 - 0.12, front - 0.3), (w * 0.2, back + 0.25)):
        kit.add(wood, lathe(((0.03, 0), (0.045, 0.08), (0.06, 0.66)), 6).moved(x, y))
    lid = prism(tuple((x, y) for x, y in outline), 0.0, 0.025).moved(-w / 2, 0, 0).turned("y", 32)
    kit.add(wood, lid.moved(w / 2, 0, 0.945))
    kit.rod(metal, (-w * 0.3, 0.0, 0.94), (-w * 0.22, 0.0, 1.33), 0.012)
    kit.box(kit.finish("paper"), 0, front - 0.34, 0.95, 0.44, 0.02, 0.22)
    kit.box(metal, 0, front - 0.4, 0.08, 0.2, 0.05, 0.03)
    kit.rod(wood, (0, front - 0.42, 0.1), (0, front - 0.42, 0.66), 0.03)


def _treadmill(kit: Kit) -> None:
    w, long, high = kit.between(0.7, 0.8), kit.between(1.5, 1.7), kit.between(1.25, 1.4)
    frame, belt, metal = kit.finish("appliance"), kit.finish("screen"), kit.finish("metal")
    kit.box(belt, 0, 0.1, 0.1, w - 0.2, long - 0.25, 0.05)
    for side in (-1, 1):
        x = side * (w / 2 - 0.05)
        kit.box(frame, x, 0, 0.05, 0.1, long, 0.11)
        for y in (-long / 2 + 0.1, long / 2 - 0.1):
            kit.box(belt, x, y, 0, 0.06, 0.1, 0.05)
        kit.rod(metal, (x, -long / 2 + 0.2, 0.14), (x, -long / 2 + 0.06, high - 0.08), 0.03)
        kit.rod(belt, (x, -long / 2 + 0.08, high - 0.22), (x, -long / 2 + 0.6, high - 0.3), 0.025)
    kit.box(frame, 0, -long / 2 + 0.14, 0.05, w - 0.2, 0.26, 0.2)
    desk = prism(((-0.08, 0), (0.12, -0.05), (0.1, 0.05), (-0.06, 0.2)), -w / 2 + 0.02, w / 2 - 0.02, "x")
    kit.add(frame, desk.moved(0, -long / 2 + 0.1, high - 0.2))
    screen = panel(0, 0, 0, 0.3, 0.02, 0.14).turned("x", 40)
    kit.add(belt, screen.moved(0, -long / 2 + 0.16, high - 0.14))


def _exercise_bike(kit: Kit) -> None:
    high = kit.between(1.15, 1.3)
    frame, black, metal = kit.finish("plastic"), kit.finish("screen"), kit.finish("metal")
    for y in (-0.45, 0.45):
        kit.box(black, 0, y, 0, 0.5, 0.08, 0.06)
    kit.rod(frame, (0, -0.45, 0.05), (0, 0.42, 0.1), 0.04)
    wheel = lathe(((0.25, 0), (0.25, 0.06), (0.05, 0.08), (0.05, -0.02)), 16).turned("y", 90)
    kit.add(metal, wheel.moved(-0.03, -0.28, 0.36))
    kit.rod(frame, (0, 0.28, 0.1), (0, 0.34, 0.82), 0.035)
    kit.rod(frame, (0, -0.36, 0.1), (0, -0.3, high - 0.12), 0.035)
    kit.rod(frame, (0, -0.28, 0.66), (0, 0.3, 0.36), 0.035)
    kit.add(black, prism(((0, -0.14), (0.1, 0.12), (-0.1, 0.12)), 0.82, 0.89).moved(0, 0.36))
    kit.rod(black, (-0.26, -0.24, high - 0.12), (0.26, -0.24, high - 0.12), 0.02)
    for side in (-1, 1):
        kit.rod(black, (side * 0.24, -0.26, high - 0.12), (side * 0.24, -0.06, high - 0.04), 0.02)
        kit.rod(metal, (side * 0.08, 0.0, 0.34), (side * 0.08, side * 0.14, 0.34 - side * 0.1), 0.015)
        kit.box(black, side * 0.14, side * 0.14, 0.33 - side * 0.1, 0.1, 0.1, 0.03)
    kit.rod(metal, (-0.08, 0, 0.34), (0.08, 0, 0.34), 0.03)
    kit.box(black, 0, -0.3, high - 0.1, 0.2, 0.04, 0.14)


def _plates(kit: Kit, metal: Finish, black: Finish, z: float, reach: float, y: float) -> None:
    """A barbell: a bar with a big and a smaller plate at each end."""
    kit.rod(metal, (-reach, y, z), (reach, y, z), 0.014)
    for side in (-1, 1):
        for at, r in ((0.2, 0.2), (0.12, 0.14)):
            disc = tube(r, 0.04, sides=14).turned("y", 90)
            kit.add(black, disc.moved(side * (reach - at) - 0.02, y, z))


def _bench_press(kit: Kit) -> None:
    long, reach = kit.between(1.2, 1.35), kit.between(0.72, 0.85)
    metal, black, pad = kit.finish("metal"), kit.finish("screen"), kit.finish("cloth")
    kit.box(pad, 0, 0.1, 0.42, 0.28, long, 0.07)
    kit.box(metal, 0, 0.1, 0.36, 0.06, long - 0.1, 0.06)
    for y in (-long / 2 + 0.2, long / 2):
        kit.box(metal, 0, y, 0.05, 0.06, 0.06, 0.33)
        kit.box(metal, 0, y, 0, 0.45, 0.07, 0.05)
    y = -long / 2 + 0.1
    for side in (-1, 1):
        kit.box(metal, side * 0.42, y, 0, 0.07, 0.07, 1.02)
        kit.box(metal, side * 0.42, y, 0, 0.07, 0.5, 0.05)
        kit.box(metal, side * 0.42, y + 0.06, 0.94, 0.05, 0.07, 0.03)
    kit.box(metal, 0, y, 0.2, 0.84, 0.06, 0.06)
    _plates(kit, metal, black, 0.99, reach, y + 0.07)


def _dumbbell_rack(kit: Kit) -> None:
    w, high = kit.between(1.0, 1.25), kit.between(0.75, 0.9)
    metal, black = kit.finish("metal"), kit.finish("screen")
    for side in (-1, 1):
        x = side * (w / 2 - 0.03)
        kit.box(metal, x, 0, 0, 0.06, 0.5, 0.05)
        kit.rod(metal, (x, 0.16, 0.04), (x, -0.18, high), 0.03)
    for row, (y, z) in enumerate(((0.1, 0.22), (-0.06, high * 0.78))):
        tray = prism(((-0.12, 0.04), (-0.12, 0.02), (0.12, -0.04), (0.12, -0.02)), -w / 2, w / 2, "x")
        kit.add(metal, tray.moved(0, y, z))
        for i in range(4):
            x, r = (i - 1.5) * w / 4.6, 0.045 + 0.006 * i + 0.012 * (1 - row)
            kit.rod(metal, (x, y - 0.1, z + r), (x, y + 0.1, z + r), 0.014)
            for end in (-1, 1):
                disc = tube(r, 0.07, sides=6).turned("x", -90)
                kit.add(black, disc.moved(x, y + end * 0.1 - 0.035, z + r))


def _rower(kit: Kit) -> None:
    long = kit.between(1.8, 2.05)
    metal, black, seat = kit.finish("metal"), kit.finish("screen"), kit.finish("plastic")
    kit.box(metal, 0, 0.1, 0.3, 0.09, long - 0.3, 0.07)
    kit.box(black, 0, long / 2 - 0.04, 0, 0.5, 0.08, 0.05)
    kit.box(metal, 0, long / 2 - 0.06, 0.05, 0.07, 0.07, 0.26)
    kit.box(black, 0, -long / 2 + 0.14, 0, 0.56, 0.08, 0.06)
    drum = tube(0.26, 0.16, sides=16).turned("y", 90)
    kit.add(black, drum.moved(-0.08, -long / 2 + 0.28, 0.36))
    kit.rod(metal, (0, -long / 2 + 0.2, 0.5), (0, -long / 2 + 0.1, 0.95), 0.025)
    kit.box(black, 0, -long / 2 + 0.12, 0.9, 0.24, 0.05, 0.18)
    kit.add(seat, prism(rounded(0.34, 0.24, 0.06), 0.38, 0.43).moved(0, 0.25))
    kit.rod(seat, (-0.25, -long / 2 + 0.62, 0.5), (0.25, -long / 2 + 0.62, 0.5), 0.018)
    kit.rod(metal, (0, -long / 2 + 0.5, 0.46), (0, -long / 2 + 0.62, 0.5), 0.01)
    for side in (-1, 1):
        foot = prism(rounded(0.12, 0.3, 0.04), 0, 0.03).turned("x", 50)
        kit.add(seat, foot.moved(side * 0.15, -long / 2 + 0.66, 0.3))


def _screen(kit: Kit, w: float, high: float, z: float, rim: float, y: float = 0.0) -> None:
    """A flat set: body, rim and the dark picture."""
    body = kit.finish("metal")
    kit.box(body, 0, y - 0.02, z, w, 0.04, high)
    picture = Finish((1.0, 1.0, 1.0), pictures.glare(kit, "screen"))
    kit.add(picture, panel(0, y + 0.001, z + rim, w - 2 * rim, 0.008, high - 2 * rim))


def _television(kit: Kit, foot: str) -> None:
    w = kit.between(0.8, 1.2)
    high, low = w * 0.57, 0.07
    black = kit.finish("screen")
    if foot == "plate":
        kit.add(black, prism(rounded(w * 0.42, 0.22, 0.05), 0, 0.015))
        kit.box(black, 0, -0.02, 0.01, 0.12, 0.04, 0.09)
    elif foot == "splayed":
        for side in (-1, 1):
            for way in (-1, 1):
                kit.add(
                    black,
                    rod((side * w * 0.4, way * 0.12, 0.011), (side * w * 0.36, -0.02, low + 0.03), 0.011),
                )
    else:
        low = 0.09
        kit.box(black, 0, 0, 0, w * 0.94, 0.11, 0.07)
        kit.box(black, 0, -0.02, 0.07, w * 0.3, 0.03, 0.04)
    _screen(kit, w, high, low, 0.015 if foot == "plate" else 0.025)


def _computer(kit: Kit, curved: bool) -> None:
    w = kit.between(0.55, 0.72)
    metal = kit.finish("metal")
    if curved:
        kit.add(metal, tube(0.11, 0.012, sides=12).moved(0, -0.05))
        kit.rod(metal, (0, -0.06, 0.01), (0, -0.06, 0.2), 0.02)
    else:
        kit.box(metal, 0, -0.05, 0, 0.24, 0.18, 0.012)
        kit.box(metal, 0, -0.06, 0.01, 0.05, 0.02, 0.18)
    _screen(kit, w, w * (0.44 if curved else 0.58), 0.12, 0.015)
    kit.box(metal, 0, 0.24, 0, 0.42, 0.13, 0.015)
    kit.box(kit.finish("plastic"), 0, 0.24, 0.015, 0.38, 0.1, 0.004)


def _wall_television(kit: Kit, bar: bool) -> None:
    w = kit.between(0.9, 1.4)
    low = 0.12 if bar else 0.0
    kit.hang(0.95, 1.1)
    _screen(kit, w, w * 0.57, low, 0.012, y=0.06)
    kit.box(kit.finish("metal"), 0, 0.01, low + w * 0.18, w * 0.3, 0.02, w * 0.2)
    if bar:
        kit.box(kit.finish("screen"), 0, 0.045, 0, w * 0.8, 0.09, 0.07)


SHAPES = (
    Shape("piano", "upright", lambda kit: _upright_piano(kit, False)),
    Shape("piano", "spinet", lambda kit: _upright_piano(kit, True)),
    Shape("piano", "grand", _grand_piano, test=True),
    Shape("gym_equipment", "treadmill", _treadmill),
    Shape("gym_equipment", "exercise_bike", _exercise_bike),
    Shape("gym_equipment", "bench_press", _bench_press, test=True),
    Shape("gym_equipment", "dumbbell_rack", _dumbbell_rack, test=True),
    Shape("gym_equipment", "rower", _rower, test=True),
    Shape(
        "tv_monitor",
        "on_a_plate",
        lambda kit: _television(kit, "plate"),
        stands_on="top",
        rooms=("living_room", "bedroom", "gym"),
    ),
    Shape(
        "tv_monitor",
        "computer",
        lambda kit: _computer(kit, False),
        stands_on="top",
        rooms=("office", "bedroom"),
    ),
    Shape("tv_monitor", "on_the_wall", lambda kit: _wall_television(kit, False), stands_on="wall"),
    Shape(
        "tv_monitor",
        "on_splayed_feet",
        lambda kit: _television(kit, "splayed"),
        test=True,
        stands_on="top",
        rooms=("living_room", "bedroom", "gym"),
    ),
    Shape(
        "tv_monitor",
        "on_a_speaker",
        lambda kit: _television(kit, "speaker"),
        test=True,
        stands_on="top",
        rooms=("living_room", "bedroom", "gym"),
    ),
    Shape(
        "tv_monitor",
        "wide_computer",
        lambda kit: _computer(kit, True),
        test=True,
        stands_on="top",
        rooms=("office", "bedroom"),
    ),
    Shape(
        "tv_monitor",
        "on_the_wall_with_speaker",
        lambda kit: _wall_television(kit, True),
        test=True,
        stands_on="wall",
    ),
)
