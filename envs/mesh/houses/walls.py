"""The walls of a storey as blocks: skirting, frames of doors and windows, panes, the entrance's leaf."""

from collections.abc import Iterator

from .blocks import EMPTY, Blocks, Span
from .rooms import EAST, NORTH, SOUTH, WALL_M, WEST, Opening, Plan, Rectangle, Stairs
from .stairs import BALUSTRADE_M

WALL, SKIRTING, CASING, FRAME, GLASS, LEAF, HANDLE = range(1, 8)
OUTSIDE = 0

_HALF = WALL_M / 2
_PROUD_M = 0.014  # how far skirting and casings stand out from a wall
_SKIRTING_M, _CASING_M, _FRAME_M = 0.08, 0.065, 0.05
_FRAME_HALF, _GLASS_HALF, _LEAF_HALF = 0.03, 0.008, 0.022
_MULLION_FROM_M = 1.25
_HANDLE = (0.07, 0.19, 0.99, 1.02, 0.07)  # from the edge, to, from the floor, to, out from the middle


def wall_blocks(plan: Plan, storey: int) -> Blocks:
    """The walls of a storey, world heights. Owners: room + 1 of empty cells, -(opening + 1), 0 outside."""
    blocks = Blocks(_lines(plan, storey))
    whole = (plan.floor_z(storey), plan.ceiling_z(storey))
    rooms = [(i, room) for i, room in enumerate(plan.rooms) if room.storey == storey]
    for _, room in rooms:
        x0, y0, x1, y1 = room.box
        blocks.code[blocks.at((x0 - _HALF, x1 + _HALF), (y0 - _HALF, y1 + _HALF), whole)] = WALL
    # Only after all walls stand, so that no room's wall runs through its neighbour.
    foot = (whole[0], whole[0] + _SKIRTING_M)
    for i, room in rooms:
        x0, y0, x1, y1 = room.inner
        cells = blocks.at((x0, x1), (y0, y1), whole)
        blocks.code[cells], blocks.owner[cells] = EMPTY, i + 1
        blocks.code[blocks.at((x0, x1), (y0, y1), foot)] = SKIRTING
        clear = ((x0 + _PROUD_M, x1 - _PROUD_M), (y0 + _PROUD_M, y1 - _PROUD_M))
        blocks.code[blocks.at(*clear, foot)] = EMPTY
    for flight in plan.stairs:
        if storey == flight.storey + 1:
            x0, y0, x1, y1 = _open_void(flight)
            hole = blocks.code[blocks.at((x0, x1), (y0, y1), foot)]
            hole[hole == SKIRTING] = EMPTY
    openings = [(k, o) for k, o in enumerate(plan.openings) if o.storey == storey]
    for k, opening in openings:
        if opening.kind != "passage":
            _case(blocks, opening, k, whole[0])
    for k, opening in openings:
        _open(blocks, opening, k, whole[0])
    # Walls and skirting belong to nobody: they look as what they face.
    blocks.owner[(blocks.code == WALL) | (blocks.code == SKIRTING)] = 0
    return blocks


def _open_void(flight: Stairs) -> Rectangle:
    """The void without the guard across its low end, in which the skirting ends."""
    x0, y0, x1, y1 = flight.void
    half = BALUSTRADE_M / 2
    low = {EAST: (half, 0, 0, 0), NORTH: (0, half, 0, 0), WEST: (0, 0, -half, 0), SOUTH: (0, 0, 0, -half)}
    a, b, c, d = low[flight.heading]
    return x0 + a, y0 + b, x1 + c, y1 + d


def _box(opening: Opening, along: Span, across: Span, up: Span, floor: float) -> tuple[Span, Span, Span]:
    """Spans of x, y, z of a box given along and across the wall (from its middle) and above the floor."""
    a, c = along, (opening.across + across[0], opening.across + across[1])
    x, y = (a, c) if opening.along == 0 else (c, a)
    return x, y, (floor + up[0], floor + up[1])


def _case(blocks: Blocks, opening: Opening, k: int, floor: float) -> None:
    """Boards around an opening, on the faces that look into rooms."""
    low, high = opening.span
    bottom = 0.0 if opening.kind != "window" else opening.bottom_m - _CASING_M
    for side in ((_HALF, _HALF + _PROUD_M), (-_HALF - _PROUD_M, -_HALF)):
        spans = _box(
            opening, (low - _CASING_M, high + _CASING_M), side, (bottom, opening.top_m + _CASING_M), floor
        )
        cells = blocks.at(*spans)
        inside = blocks.owner[cells] > 0
        blocks.code[cells][inside] = CASING
        blocks.owner[cells][inside] = -(k + 1)


def _open(blocks: Blocks, opening: Opening, k: int, floor: float) -> None:
    """Cuts an opening and puts into it what belongs there."""
    low, high = opening.span
    up = (opening.bottom_m, opening.top_m)
    proud = _box(opening, (low, high), (-_HALF - _PROUD_M, _HALF + _PROUD_M), up, floor)
    blocks.code[blocks.at(*proud)] = EMPTY
    blocks.owner[blocks.at(*_box(opening, (low, high), (-_HALF, _HALF), up, floor))] = -(k + 1)
    for code, spans in _filling(opening, floor):
        cells = blocks.at(*spans)
        blocks.code[cells], blocks.owner[cells] = code, -(k + 1)


def _filling(opening: Opening, floor: float) -> Iterator[tuple[int, tuple[Span, Span, Span]]]:
    low, high = opening.span
    up = (opening.bottom_m, opening.top_m)
    if opening.kind == "window":
        yield FRAME, _box(opening, (low, high), (-_FRAME_HALF, _FRAME_HALF), up, floor)
        edges = [low, *_mullion(opening), high]
        for a, b in zip(edges[::2], edges[1::2], strict=True):
            pane = (
                (a + _FRAME_M * (a == low), b - _FRAME_M * (b == high)),
                (up[0] + _FRAME_M, up[1] - _FRAME_M),
            )
            yield EMPTY, _box(opening, pane[0], (-_FRAME_HALF, _FRAME_HALF), pane[1], floor)
            yield GLASS, _box(opening, pane[0], (-_GLASS_HALF, _GLASS_HALF), pane[1], floor)
    elif opening.kind == "entrance":
        yield LEAF, _box(opening, (low, high), (-_LEAF_HALF, _LEAF_HALF), up, floor)
        a, b, z0, z1, out = _HANDLE
        yield HANDLE, _box(opening, (low + a, low + b), (_LEAF_HALF, out), (z0, z1), floor)
        yield HANDLE, _box(opening, (low + a, low + b), (-out, -_LEAF_HALF), (z0, z1), floor)


def _mullion(opening: Opening) -> tuple[float, ...]:
    """The upright bar in the middle of a wide window: from, to."""
    half = _FRAME_M / 2
    return (opening.centre - half, opening.centre + half) if opening.width_m > _MULLION_FROM_M else ()


def _lines(plan: Plan, storey: int) -> tuple[list[float], list[float], list[float]]:
    """Everything that a block of the storey may end at."""
    floor = plan.floor_z(storey)
    lines: tuple[list[float], list[float], list[float]] = (
        [],
        [],
        [floor, floor + _SKIRTING_M, plan.ceiling_z(storey)],
    )
    for room in plan.rooms:
        if room.storey == storey:
            for axis in (0, 1):
                for at in (room.box[axis], room.box[axis + 2]):
                    lines[axis].extend(at + side * d for side in (-1, 1) for d in (_HALF, _HALF + _PROUD_M))
    for flight in plan.stairs:
        if storey == flight.storey + 1:
            for axis in (0, 1):
                lines[axis].extend((_open_void(flight)[axis], _open_void(flight)[axis + 2]))
    for opening in plan.openings:
        if opening.storey == storey:
            _opening_lines(opening, floor, lines)
    return lines


def _opening_lines(
    opening: Opening, floor: float, lines: tuple[list[float], list[float], list[float]]
) -> None:
    along, across, up = lines[opening.along], lines[1 - opening.along], lines[2]
    low, high = opening.span
    along += [low, high]
    up += [floor + opening.bottom_m, floor + opening.top_m]
    if opening.kind == "passage":
        return
    along += [low - _CASING_M, high + _CASING_M]
    up += [floor + opening.top_m + _CASING_M]
    if opening.kind == "window":
        along += [low + _FRAME_M, high - _FRAME_M, *_mullion(opening)]
        up += [floor + opening.bottom_m - _CASING_M, floor + opening.bottom_m + _FRAME_M]
        up += [floor + opening.top_m - _FRAME_M]
        across += [opening.across + side * d for side in (-1, 1) for d in (_FRAME_HALF, _GLASS_HALF)]
    elif opening.kind == "entrance":
        a, b, z0, z1, out = _HANDLE
        along += [low + a, low + b]
        up += [floor + z0, floor + z1]
        across += [opening.across + side * d for side in (-1, 1) for d in (_LEAF_HALF, out)]
