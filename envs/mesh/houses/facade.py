"""What opens in the outer walls: the entrance and the windows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .layout import Slot
from .openings import Interval, opening_in, outer_walls, without
from .program import SPINE
from .rooms import Opening, Stairs

ENTRANCE_M = 0.98
_HABITABLE = ("living_room", "bedroom", "kitchen", "nursery", "dining_room")
_ENTERED = ("hallway", SPINE, "living_room", "dining_room", "kitchen")
_BESIDE_ENTRANCE_M = 0.25


@dataclass(frozen=True)
class _Glazing:
    """Windows of a kind of room: widths, the lower edge above the floor, and how likely a wall has one."""

    narrow_m: float = 0.9
    wide_m: float = 1.8
    bottom_m: float = 0.9
    likely: float = 0.9


_GLAZING = {
    "living_room": _Glazing(1.2, 2.6),
    "bathroom": _Glazing(0.5, 0.9, 1.35, 0.8),
    "laundry": _Glazing(0.5, 0.9, 1.35, 0.6),
    "kitchen": _Glazing(0.9, 1.5, 1.1),
    SPINE: _Glazing(0.6, 1.0, likely=0.5),
    "hallway": _Glazing(0.5, 0.9, likely=0.5),
}
_LOW_BOTTOMS_M = (0.3, 0.5, 0.8, 0.9)  # of living rooms
_TOP_M, _HIGH_TOP_M = 2.1, 2.0


def enter(slots: Sequence[Slot], stairs: Sequence[Stairs], rng: np.random.Generator) -> Opening | None:
    """The closed entrance on the ground floor, into a hall if possible; None where it fits in no wall."""
    ground = [i for i, slot in enumerate(slots) if slot.storey == 0 and slot.kind in _ENTERED]
    for i in sorted(ground, key=lambda i: _ENTERED.index(slots[i].kind)):
        walls = [(a, at, f) for a, at, free in outer_walls(slots, i, stairs) for f in free]
        walls = [wall for wall in walls if wall[2][1] - wall[2][0] >= ENTRANCE_M]
        if walls:
            # A hall is entered at its end where that is possible.
            x0, y0, x1, y1 = slots[i].box
            ends = [wall for wall in walls if wall[0] == (1 if x1 - x0 > y1 - y0 else 0)]
            choice = ends if ends and slots[i].kind in (SPINE, "hallway") else walls
            along, at, free = choice[int(rng.integers(len(choice)))]
            return opening_in(free, at, along, rng, kind="entrance", storey=0, width_m=ENTRANCE_M, rooms=(i,))
    return None


def glaze(
    slots: Sequence[Slot], stairs: Sequence[Stairs], entrance: Opening, rng: np.random.Generator
) -> list[Opening] | None:
    """Windows in the outer walls; None where a room that people live in would have none."""
    windows: list[Opening] = []
    for i, slot in enumerate(slots):
        panes = []
        for along, at, free in outer_walls(slots, i, stairs):
            if entrance.rooms == (i,) and (entrance.along, entrance.across) == (along, at):
                low, high = entrance.span
                free = without(free, low - _BESIDE_ENTRANCE_M, high + _BESIDE_ENTRANCE_M)
            for stretch in free:
                panes += _windows(i, slot, along, at, stretch, rng)
        if not panes and slot.kind in _HABITABLE:
            return None
        windows += panes
    return windows


def _windows(
    i: int, slot: Slot, along: int, at: float, free: Interval, rng: np.random.Generator
) -> list[Opening]:
    """At most two windows in a stretch of a room's wall."""
    glazing, length = _GLAZING.get(slot.kind, _Glazing()), free[1] - free[0]
    if length < glazing.narrow_m + 0.1 or rng.random() > glazing.likely:
        return []
    bottom = float(rng.choice(_LOW_BOTTOMS_M)) if slot.kind == "living_room" else glazing.bottom_m
    top = _TOP_M if bottom < 1.3 else _HIGH_TOP_M
    count = 2 if length > 2 * glazing.narrow_m + 1.6 and rng.random() < 0.5 else 1
    step = length / count
    windows = []
    for k in range(count):
        width = round(min(float(rng.uniform(glazing.narrow_m, glazing.wide_m)), step - 0.1), 2)
        part = (free[0] + k * step, free[0] + (k + 1) * step)
        central = count == 2 or bool(rng.random() < 0.7)
        windows.append(
            opening_in(
                part,
                at,
                along,
                rng,
                kind="window",
                storey=slot.storey,
                width_m=width,
                rooms=(i,),
                bottom_m=bottom,
                top_m=top,
                central=central,
            )
        )
    return windows
