"""Floor plans of homes: which rooms, how large, where, and how one walks between them."""

from dataclasses import replace

import numpy as np

from placecell.errors import SceneError

from .facade import enter, glaze
from .layout import Slot, above, along_corridor, around_living_room, cm, frame_of, sane
from .program import SPINE, draw_kinds, draw_storeys
from .rooms import ROOM_KINDS, SLAB_M, WALL_M, Opening, Plan, Rectangle, Room, Stairs
from .stairs import draw_hall
from .ways import Ways

__all__ = ["ROOM_KINDS", "SLAB_M", "WALL_M", "Opening", "Plan", "Rectangle", "Room", "Stairs", "make_plan"]

FEWEST, MOST, FEWEST_ON_TWO = 3, 10, 6
# How often a home has 3, 4, ... 10 rooms, and two storeys where the rooms suffice.
_ROOMS = (0.06, 0.1, 0.15, 0.19, 0.18, 0.14, 0.1, 0.08)
_TWO_STOREYS = 0.4
_ATTEMPTS = 2000


def make_plan(rng: np.random.Generator, *, rooms: int | None = None, storeys: int | None = None) -> Plan:
    """A home: rooms along a corridor or around the living room, every one of them reached from every other.

    Args:
        rng: draws everything; the same state gives the same plan on any machine.
        rooms: how many, 3 to 10, corridors and halls counted; None draws it.
        storeys: 1 or 2; None draws it. Two take six rooms or more.

    Raises:
        SceneError: a number of rooms or storeys that homes of this generator don't have.
    """
    _require(rooms, storeys)
    if rooms is None:
        fewest = FEWEST_ON_TWO if storeys == 2 else FEWEST
        weight = np.array(_ROOMS[fewest - FEWEST :]).cumsum()
        rooms = fewest + int(np.searchsorted(weight, rng.random() * weight[-1]))
    if storeys is None:
        storeys = 2 if rooms >= FEWEST_ON_TWO + 1 and rng.random() < _TWO_STOREYS else 1
    for _ in range(_ATTEMPTS):
        plan = _draw(rooms, storeys, rng)
        if plan is not None:
            return plan
    raise SceneError(
        expected=f"a floor plan of {rooms} rooms on {storeys} storeys",
        came=f"none in {_ATTEMPTS} drawings",
        fix="take another seed or another number of rooms",
    )


def _require(rooms: int | None, storeys: int | None) -> None:
    if rooms is not None and not FEWEST <= rooms <= MOST:
        raise SceneError(
            expected=f"a house of {FEWEST} to {MOST} rooms",
            came=f"rooms={rooms}",
            fix="corridors and halls count as rooms; leave rooms out to have the number drawn",
        )
    if storeys is not None and storeys not in (1, 2):
        raise SceneError(
            expected="a house of 1 or 2 storeys", came=f"storeys={storeys}", fix="set storeys to 1 or 2"
        )
    if storeys == 2 and rooms is not None and rooms < FEWEST_ON_TWO:
        raise SceneError(
            expected=f"at least {FEWEST_ON_TWO} rooms for two storeys",
            came=f"rooms={rooms}",
            fix="ask for more rooms, or for storeys=1",
        )


def _draw(rooms: int, storeys: int, rng: np.random.Generator) -> Plan | None:
    """One drawing, or None where it is no home: a misshapen or dark room, or one that cannot be reached."""
    height = cm(rng.uniform(2.6, 2.8))
    stairs: tuple[Stairs, ...] = ()
    if storeys == 2:
        hall, flight = draw_hall(height, rng)
        below_kinds, above_kinds = draw_storeys(rooms, rng)
        slots = along_corridor(below_kinds, rng, hall=hall)
        upper = above(above_kinds, frame_of(slots), rng) if sane(slots) else None
        if upper is None:
            return None
        slots, stairs = [*slots, *upper], (flight,)
    elif SPINE in (kinds := draw_kinds(rooms, rng)):
        slots = along_corridor(kinds, rng)
    else:
        slots = around_living_room(kinds, rng)
    if len(slots) != rooms or not sane(slots):
        return None
    slots, stairs = _turned(slots, stairs, rng)
    ways = Ways(slots, stairs, rng)
    if not ways.connect():
        return None
    entrance = enter(slots, stairs, rng)
    windows = glaze(slots, stairs, entrance, rng) if entrance else None
    if entrance is None or windows is None:
        return None
    behind = entrance.rooms[0]
    if slots[behind].kind == SPINE:
        slots[behind] = replace(slots[behind], kind="hallway")
    return Plan(_named(slots), (*ways.openings, entrance, *windows), stairs, storeys, height)


def _named(slots: list[Slot]) -> tuple[Room, ...]:
    count: dict[str, int] = {}
    rooms = []
    for slot in slots:
        count[slot.kind] = count.get(slot.kind, 0) + 1
        rooms.append(Room(f"{slot.kind}_{count[slot.kind]}", slot.kind, slot.storey, slot.box))
    return tuple(rooms)


def _turned(
    slots: list[Slot], stairs: tuple[Stairs, ...], rng: np.random.Generator
) -> tuple[list[Slot], tuple[Stairs, ...]]:
    """Mirrored and turned by quarters at random, its lowest corner at the origin."""
    mirror, quarters = bool(rng.random() < 0.5), int(rng.integers(4))
    low_x, low_y, _, _ = _bounds([_turn(slot.box, mirror, quarters) for slot in slots])

    def place(box: Rectangle) -> Rectangle:
        x0, y0, x1, y1 = _turn(box, mirror, quarters)
        return cm(x0 - low_x), cm(y0 - low_y), cm(x1 - low_x), cm(y1 - low_y)

    def face(side: int) -> int:
        return ((2 - side if mirror else side) + quarters) % 4

    flights = tuple(
        replace(s, box=place(s.box), void=place(s.void), heading=face(s.heading), wall_side=face(s.wall_side))
        for s in stairs
    )
    return [replace(slot, box=place(slot.box)) for slot in slots], flights


def _turn(box: Rectangle, mirror: bool, quarters: int) -> Rectangle:
    x0, y0, x1, y1 = box
    if mirror:
        x0, x1 = -x1, -x0
    for _ in range(quarters):
        x0, y0, x1, y1 = -y1, x0, -y0, x1
    return x0, y0, x1, y1


def _bounds(boxes: list[Rectangle]) -> Rectangle:
    low = [min(box[axis] for box in boxes) for axis in (0, 1)]
    high = [max(box[axis] for box in boxes) for axis in (2, 3)]
    return low[0], low[1], high[0], high[1]
