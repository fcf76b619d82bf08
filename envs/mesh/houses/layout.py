"""Where the rooms lie: two rows along a corridor and across its ends, or a few around the living room.

Coordinates here are of the drawing: the corridor runs east from the origin. Lengths are whole centimetres.
"""

from dataclasses import dataclass, replace

import numpy as np

from .program import PUBLIC, SIZES, SMALL, SPINE
from .rooms import Rectangle


@dataclass(frozen=True)
class Slot:
    """A room that has a place but no name yet."""

    kind: str
    storey: int
    box: Rectangle


@dataclass(frozen=True)
class Frame:
    """What the upper storey has to keep to: the corridor, and each side's row below as (x0, x1, depth)."""

    length_m: float
    width_m: float
    rows: dict[int, tuple[float, float, float]]


NORTH_SIDE, SOUTH_SIDE = 1, -1
_LONGEST_CORRIDOR_M = 13.0


def around_living_room(kinds: list[str], rng: np.random.Generator) -> list[Slot]:
    """Three or four rooms without a corridor: bedroom and bathroom on one side, perhaps a kitchen."""
    living_m2, bedroom_m2, bath_m2 = (_area(k, rng) for k in ("living_room", "bedroom", "bathroom"))
    width = rng.uniform(2.8, 3.8)
    bedroom_h, bath_h = cm(bedroom_m2 / width), cm(max(bath_m2 / width, 1.85))
    height = cm(bedroom_h + bath_h) if rng.random() < 0.6 else cm(rng.uniform(4.2, 5.4))
    across = cm(living_m2 / height)
    if "kitchen" not in kinds:
        slots = [Slot("living_room", 0, (0.0, 0.0, across, height))]
        left = across
    elif rng.random() < 0.5:
        across = cm(rng.uniform(3.7, 5.2))
        living_h = cm(living_m2 / across)
        kitchen_h = cm(_area("kitchen", rng) / across)
        slots = [
            Slot("living_room", 0, (0.0, 0.0, across, living_h)),
            Slot("kitchen", 0, (0.0, living_h, across, cm(living_h + kitchen_h))),
        ]
        left = across
    else:
        kitchen_w = cm(rng.uniform(2.3, 3.2))
        kitchen_h = min(height, cm(_area("kitchen", rng) / kitchen_w))
        left = cm(kitchen_w + across)
        slots = [
            Slot("living_room", 0, (kitchen_w, 0.0, left, height)),
            Slot("kitchen", 0, (0.0, 0.0, kitchen_w, kitchen_h)),
        ]
    right = cm(left + width)
    shift = 0.0 if rng.random() < 0.7 else cm(rng.uniform(-1.2, 1.2))
    order = [("bedroom", bedroom_h), ("bathroom", bath_h)]
    y = shift
    for index in rng.permutation(2).tolist():
        kind, h = order[index]
        slots.append(Slot(kind, 0, (left, cm(y), right, cm(y + h))))
        y += h
    return slots


def along_corridor(kinds: list[str], rng: np.random.Generator, *, hall: Frame | None = None) -> list[Slot]:
    """The ground storey, its corridor first; ``hall``: how long and wide that is where stairs stand in it."""
    width = cm(rng.uniform(1.24, 1.6)) if hall is None else hall.width_m
    rest = [kind for kind in kinds if kind != SPINE]
    public = [kind for kind in PUBLIC if kind in rest]
    private = [rest[i] for i in rng.permutation(len(rest)).tolist() if rest[i] not in PUBLIC]
    across_east: list[str] = []
    across_west: str | None = None
    if rng.random() < (0.45 if hall is None else 0.25):
        across_east = ["living_room", *(k for k in public[1:] if rng.random() < 0.4)][:2]
        public = [kind for kind in public if kind not in across_east]
    elif rng.random() < 0.5:
        public = public[::-1]
    if hall is None and len(private) >= 4 and rng.random() < 0.35:
        across_west = next((k for k in private if k not in SMALL), None)
        if across_west:
            private.remove(across_west)
    rows = _deal(public, private, bool(across_east), hall is not None, rng)
    depths = {
        side: cm(rng.uniform(3.8, 4.9) if set(row) & set(PUBLIC) else rng.uniform(3.2, 4.3))
        for side, row in rows.items()
    }
    widths = {side: [_width(kind, depths[side], rng) for kind in row] for side, row in rows.items()}
    length = max(sum(widths[NORTH_SIDE]), sum(widths[SOUTH_SIDE]), 0.0 if hall is None else hall.length_m)
    length = cm(length)
    slots = [Slot(SPINE, 0, (0.0, 0.0, length, width))]
    for side, row in rows.items():
        stretched = _stretch(widths[side], length)
        start = length - sum(stretched) if across_east or rng.random() < 0.5 else 0.0
        slots += _row(row, stretched, start, depths[side], side, width, rng)
    if across_east:
        slots += _across(across_east, length, width, rng)
    if across_west:
        slots.append(_end_room(across_west, width, rng))
    return slots


def above(kinds: list[str], frame: Frame, rng: np.random.Generator) -> list[Slot] | None:
    """The upper storey over a ground storey's corridor and rows; None where the rooms don't fit."""
    rest = [kind for kind in kinds if kind != SPINE]
    rest = [rest[i] for i in rng.permutation(len(rest)).tolist()]
    if not frame.rows:
        return None
    rows: dict[int, list[str]] = {side: [] for side in frame.rows}
    widths: dict[int, list[float]] = {side: [] for side in frame.rows}
    depths = {
        side: d if rng.random() < 0.6 else cm(max(d - rng.uniform(0.4, 0.9), 3.0))
        for side, (_, _, d) in frame.rows.items()
    }
    for kind in rest:
        room = {side: x1 - x0 - sum(widths[side]) for side, (x0, x1, _) in frame.rows.items()}
        side = max(room, key=lambda s: (room[s], s))
        rows[side].append(kind)
        widths[side].append(_width(kind, depths[side], rng))
    slots = [Slot(SPINE, 1, (0.0, 0.0, frame.length_m, frame.width_m))]
    for side, row in rows.items():
        x0, x1, _ = frame.rows[side]
        total = sum(widths[side])
        if not row:
            continue
        if total > (x1 - x0) / 0.8:
            return None
        stretched = (
            [w * (x1 - x0) / total for w in widths[side]]
            if total > x1 - x0
            else _stretch(widths[side], x1 - x0)
        )
        start = x0 if rng.random() < 0.5 else x1 - sum(stretched)
        cells = _row(row, stretched, start, depths[side], side, frame.width_m, rng, bulge=False)
        slots += [replace(cell, storey=1) for cell in cells]
    return slots


def frame_of(slots: list[Slot]) -> Frame:
    """The corridor and rows of a ground storey, as far as something can stand on them."""
    x0, _, x1, width = slots[0].box
    rows = {}
    for side in (NORTH_SIDE, SOUTH_SIDE):
        edge = width if side == NORTH_SIDE else 0.0
        boxes = [s.box for s in slots[1:] if (s.box[1] if side == NORTH_SIDE else s.box[3]) == edge]
        boxes = [box for box in boxes if box[0] < x1 and box[2] > x0]
        depth = min((box[3] - box[1] for box in boxes), default=0.0)
        if depth > 2.65:
            rows[side] = (min(box[0] for box in boxes), max(box[2] for box in boxes), cm(depth))
    return Frame(x1, width, rows)


def sane(slots: list[Slot]) -> bool:
    """Whether every room has a size and a shape that its kind is built in, and none overlap."""
    for i, slot in enumerate(slots):
        x0, y0, x1, y1 = slot.box
        short, long = sorted((x1 - x0, y1 - y0))
        if slot.kind == SPINE:
            if long > _LONGEST_CORRIDOR_M:
                return False
            continue
        size = SIZES[slot.kind]
        if not (size.least_m2 * 0.93 <= short * long <= size.most_m2 * 1.15):
            return False
        if short < size.least_width_m - 0.02 or long > 2.25 * short:
            return False
        if any(s.storey == slot.storey and _overlap(s.box, slot.box) for s in slots[:i]):
            return False
    return True


def cm(value: float) -> float:
    """Whole centimetres, so that walls that should meet do."""
    return round(float(value), 2)


def _area(kind: str, rng: np.random.Generator) -> float:
    size = SIZES[kind]
    return float(rng.uniform(size.least_m2, size.most_m2))


def _width(kind: str, depth: float, rng: np.random.Generator) -> float:
    return cm(max(_area(kind, rng) / depth, SIZES[kind].least_width_m))


def _deal(
    public: list[str], private: list[str], across: bool, hall: bool, rng: np.random.Generator
) -> dict[int, list[str]]:
    """Rows by side: the public rooms in one, the others where there is less, public ones at the east end.

    A hall with stairs has public rooms on both sides: in one row they would make it too long.
    """
    likely = {kind: (size.least_m2 + size.most_m2) / 2 for kind, size in SIZES.items()}
    one, other = (NORTH_SIDE, SOUTH_SIDE) if rng.random() < 0.5 else (SOUTH_SIDE, NORTH_SIDE)
    rows: dict[int, list[str]] = {one: [], other: []}
    facing = public[1:] if hall and len(public) > 1 and rng.random() < 0.75 else []
    public = public[: len(public) - len(facing)]
    load = {one: sum(likely[k] for k in public), other: sum(likely[k] for k in facing)}
    for kind in private:
        side = one if load[one] < load[other] else other
        rows[side].append(kind)
        load[side] += likely[kind]
    if across and not facing and len(public) == 2 and rng.random() < 0.5:
        return {one: [*rows[one], public[0]], other: [*rows[other], public[1]]}
    return {one: [*rows[one], *public], other: [*rows[other], *facing]}


def _stretch(widths: list[float], length: float) -> list[float]:
    """Fills a row that is almost as long as the corridor; a much shorter one is left short."""
    total = sum(widths)
    return [w * length / total for w in widths] if total > 0.78 * length else list(widths)


def _row(
    row: list[str], widths: list[float], start: float, depth: float, side: int, corridor: float,
    rng: np.random.Generator, *, bulge: bool = True,
) -> list[Slot]:  # fmt: skip
    slots, x = [], start
    for i, (kind, width) in enumerate(zip(row, widths, strict=True)):
        deep = depth
        if kind in SMALL and depth > 2.1 * width:
            deep = cm(width * rng.uniform(1.5, 2.1))
        elif bulge and kind not in SMALL and rng.random() < (0.3 if i in (0, len(row) - 1) else 0.12):
            deep = cm(depth + rng.choice([-1, 1]) * rng.uniform(0.5, 1.1))
        y0, y1 = (corridor, cm(corridor + deep)) if side == NORTH_SIDE else (cm(-deep), 0.0)
        slots.append(Slot(kind, 0, (cm(x), y0, cm(x + width), y1)))
        x += width
    return slots


def _across(kinds: list[str], x: float, corridor: float, rng: np.random.Generator) -> list[Slot]:
    """The living room at the corridor's east end, another room beside it."""
    width = rng.uniform(3.9, 5.4)
    height = cm(_area(kinds[0], rng) / width)
    low = cm(-rng.uniform(0.1, 0.9) * (height - corridor))
    x1 = cm(x + width)
    slots = [Slot(kinds[0], 0, (x, low, x1, cm(low + height)))]
    for kind in kinds[1:]:
        more = cm(_area(kind, rng) / width)
        y0 = cm(low + height) if rng.random() < 0.5 else cm(low - more)
        slots.append(Slot(kind, 0, (x, y0, x1, cm(y0 + more))))
    return slots


def _end_room(kind: str, corridor: float, rng: np.random.Generator) -> Slot:
    height = cm(rng.uniform(3.0, 4.2))
    low = cm(-rng.uniform(0.0, 1.0) * (height - corridor))
    return Slot(kind, 0, (cm(-_area(kind, rng) / height), low, 0.0, cm(low + height)))


def _overlap(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
