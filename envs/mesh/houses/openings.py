"""Where walls stand between rooms and around them, and what of them is free for a door or a window."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from .layout import Slot
from .rooms import WALL_M, Opening, Rectangle, Stairs

DOOR_TOP_M = 2.05
_CORNER_M = 0.12  # of wall left beside an opening, for its frame

Interval = tuple[float, float]
Walls = dict[tuple[int, int], tuple[int, float, list[Interval]]]


def shared_walls(slots: Sequence[Slot], stairs: Sequence[Stairs]) -> Walls:
    """For every two rooms that touch: how their wall runs, where, and the stretches that a door may take."""
    walls: Walls = {}
    for (i, a), (j, b) in combinations(enumerate(slots), 2):
        if a.storey != b.storey:
            continue
        for along in (0, 1):
            across = 1 - along
            low, high = max(a.box[along], b.box[along]), min(a.box[along + 2], b.box[along + 2])
            for at in sorted({a.box[across], a.box[across + 2]} & {b.box[across], b.box[across + 2]}):
                if high > low + 1e-6:
                    free = _clear([(low, high)], a.storey, along, at, stairs)
                    walls[i, j] = along, at, free
    return walls


def outer_walls(
    slots: Sequence[Slot], index: int, stairs: Sequence[Stairs]
) -> list[tuple[int, float, list[Interval]]]:
    """The stretches of a room's four walls with nothing behind them on its storey."""
    box, storey = slots[index].box, slots[index].storey
    walls = []
    for along in (0, 1):
        across = 1 - along
        for side in (across, across + 2):
            at = box[side]
            free = [(box[along], box[along + 2])]
            for k, other in enumerate(slots):
                if k != index and other.storey == storey and at in (other.box[across], other.box[across + 2]):
                    free = without(free, other.box[along], other.box[along + 2])
            walls.append((along, at, _clear(free, storey, along, at, stairs)))
    return walls


def _clear(
    free: list[Interval], storey: int, along: int, at: float, stairs: Sequence[Stairs]
) -> list[Interval]:
    """Without the corners, and without where a flight or the hole above it is at the wall."""
    half = WALL_M / 2
    for flight in stairs:
        box: Rectangle = flight.box if storey == flight.storey else flight.void
        across = 1 - along
        if storey in (flight.storey, flight.storey + 1) and box[across] - 0.3 < at < box[across + 2] + 0.3:
            free = without(free, box[along] - 0.05, box[along + 2] + 0.05)
    margin = half + _CORNER_M
    return [(round(a + margin, 4), round(b - margin, 4)) for a, b in free if b - a > 2 * margin + 0.4]


def without(free: list[Interval], low: float, high: float) -> list[Interval]:
    """What is left of some stretches outside ``low`` to ``high``."""
    pieces = [piece for a, b in free for piece in ((a, min(b, low)), (max(a, high), b))]
    return [(a, b) for a, b in pieces if b > a + 1e-6]


def opening_in(
    free: Interval, at: float, along: int, rng: np.random.Generator, *, kind: str, storey: int,
    width_m: float, rooms: tuple[int, ...], bottom_m: float = 0.0, top_m: float = DOOR_TOP_M,
    central: bool = False,
) -> Opening:  # fmt: skip
    """An opening in a free stretch of wall: in its middle, or near one of its ends more often than not."""
    low, high = free[0] + width_m / 2, free[1] - width_m / 2
    share = 0.5 if central else float(rng.choice([0.0, 1.0, rng.random()], p=[0.35, 0.35, 0.3]))
    centre = round(low + share * max(high - low, 0.0), 3)
    x, y = (centre, at) if along == 0 else (at, centre)
    return Opening(kind, storey, x, y, along, width_m, bottom_m, top_m, rooms)
