"""Whether a wide body gets everywhere: a floor in 5 cm cells, obstacles grown by the body, flood filled.

Faster by far than a navigable area of the finished mesh, and stricter: what is free here is free there.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import ndimage

from .placed import Placed, Rectangle, grown, overlap
from .plan import Opening, Plan, Stairs

CELL_M = 0.05
# The widest preset body has a radius of 0.3 m. The grid of a navigable area adds a cell for what an obstacle
# touches and half a cell for where it lies, and so does the grid here.
CLEAR_M = 0.39
# Whatever begins above the tallest body's head is in nobody's way.
HEAD_M = 1.6
LANDING_M = 0.95
# Beside a piece a body can stand within this of it: well inside the metre that view points lie in.
ACCESS_M = 0.5
_FLAT_M = 0.05
_LEAST_CELLS = 40
# Of a room's free floor; the rest are corners that furniture cuts off.
_LEAST_SHARE = 0.7


class Floor:
    """The free floor of one storey, before and after furniture.

    Args:
        plan: the house.
        storey: which one.
    """

    def __init__(self, plan: Plan, storey: int) -> None:
        self.plan, self.storey = plan, storey
        self.rooms = [i for i, room in enumerate(plan.rooms) if room.storey == storey]
        boxes = np.array([plan.rooms[i].box for i in self.rooms])
        self._origin = boxes[:, :2].min(0) - CELL_M
        self._corner: tuple[float, float] = tuple(self._origin.tolist())
        size = boxes[:, 2:].max(0) + CELL_M - self._origin
        self.free = np.zeros(np.ceil(size / CELL_M).astype(int), bool)
        for room in self.rooms:
            self._paint(self.free, grown(plan.rooms[room].inner, -CLEAR_M), True)
        for opening in plan.openings:
            if opening.storey == storey and len(opening.rooms) == 2:
                self._paint(self.free, _gap(opening, plan.wall_m), True)
        for stairs in plan.stairs:
            for box in stair_obstacles(stairs, storey):
                self._paint(self.free, grown(box, CLEAR_M), False)
            for box in _landings(stairs, storey):
                self._paint(self.free, box, True)

    def without(self, obstacles: Iterable[Rectangle]) -> Bool[np.ndarray, "columns rows"]:
        """The cells where a body's middle can be, obstacles in place."""
        free = self.free.copy()
        for box in obstacles:
            self._paint(free, grown(box, CLEAR_M), False)
        return free

    def _paint(self, cells: np.ndarray, box: Rectangle, value: bool) -> None:
        cells[self._slices(box, inside=value)] = value

    def _slices(self, box: Rectangle, *, inside: bool) -> tuple[slice, slice]:
        """The cells whose middle lies in a box; to block, those that it touches at all."""
        x, y = self._corner
        span = ((box[0] - x) / CELL_M, (box[2] - x) / CELL_M), ((box[1] - y) / CELL_M, (box[3] - y) / CELL_M)
        rows, columns = (_inside(*ends) if inside else _touched(*ends) for ends in span)
        return rows, columns

    def points(self, cells: Bool[np.ndarray, "columns rows"]) -> Float[np.ndarray, "n 2"]:
        """The middles of cells, world frame (x, y)."""
        return self._origin + (np.argwhere(cells) + 0.5) * CELL_M

    def window(self, room: int) -> tuple[slice, slice]:
        """The cells of a room, its half of the walls included."""
        return self._slices(self.plan.rooms[room].box, inside=True)

    def entrances(self, room: int) -> list[tuple[slice, slice]]:
        """Where a room is entered: the middles of its doors and passages, and the ends of its stairs."""
        found = []
        for opening in self.plan.openings:
            if room in opening.rooms and len(opening.rooms) == 2:
                found.append(self._slices(_middle(opening), inside=False))
        for stairs in self.plan.stairs:
            for box in _landings(stairs, self.storey):
                if overlap(box, self.plan.rooms[room].box):
                    found.append(self._slices(box, inside=True))
        return found


def _inside(low: float, high: float) -> slice:
    first, last = math.ceil(low - 0.5 - 1e-6), math.floor(high - 0.5 + 1e-6) + 1
    return slice(max(first, 0), max(last, 0))


def _touched(low: float, high: float) -> slice:
    first, last = math.floor(low + 1e-6), math.ceil(high - 1e-6)
    return slice(max(first, 0), max(last, 0))


class RoomFloor:
    """One room's floor, asked again and again while the room is furnished."""

    def __init__(self, floor: Floor, room: int) -> None:
        self._floor, self._room = floor, room
        self._box = floor.plan.rooms[room].box
        self._window = floor.window(room)
        self._entrances = floor.entrances(room)

    def reached(self, obstacles: Iterable[Rectangle]) -> Bool[np.ndarray, "columns rows"] | None:
        """The storey's cells of this room that are reached from every entrance, or None if one is cut off."""
        free = self._floor.without(box for box in obstacles if overlap(grown(box, CLEAR_M), self._box))
        labels = np.zeros(free.shape, np.int32)
        labels[self._window], _ = ndimage.label(free[self._window])
        found = set[int]()
        for entrance in self._entrances:
            # A wide passage may be half blocked; one way through it is enough.
            here = labels[entrance]
            found.add(_most_frequent(here))
        if not self._entrances:
            found.add(_most_frequent(labels))
        if len(found) != 1 or 0 in found:
            return None
        reached = labels == found.pop()
        cells = int(reached.sum())
        return reached if cells >= max(_LEAST_CELLS, _LEAST_SHARE * int((labels > 0).sum())) else None

    def touches(self, reached: Bool[np.ndarray, "columns rows"], box: Rectangle) -> bool:
        """Whether a body can come close to what covers ``box``."""
        return bool(reached[self._floor._slices(grown(box, CLEAR_M + ACCESS_M), inside=False)].any())


def _most_frequent(labels: Int[np.ndarray, "columns rows"]) -> int:
    counts = np.bincount(labels.ravel())
    if len(counts) < 2:
        return 0
    return int(counts[1:].argmax()) + 1


def reachable_rooms(plan: Plan, furniture: Sequence[Placed]) -> frozenset[int]:
    """The rooms that a body of 0.3 m radius gets to from the room with the entrance, stairs included."""
    labels: dict[int, np.ndarray] = {}
    floors = {storey: Floor(plan, storey) for storey in range(plan.storeys)}
    for storey, floor in floors.items():
        blocking = [p.box for p in furniture if plan.rooms[p.room].storey == storey and blocks(plan, p)]
        labels[storey], _ = ndimage.label(floor.without(blocking))
    reached = {(0, _label_in(floors[0], labels[0], _first_room(plan)))}
    for stairs in sorted(plan.stairs, key=lambda s: s.storey):
        ends = []
        for storey in (stairs.storey, stairs.storey + 1):
            (box,) = _landings(stairs, storey)
            ends.append((storey, _most_frequent(labels[storey][floors[storey]._slices(box, inside=True)])))
        if ends[0] in reached and ends[1][1]:
            reached.add(ends[1])
    here = [(room.storey, i) for i, room in enumerate(plan.rooms)]
    return frozenset(i for s, i in here if (s, _label_in(floors[s], labels[s], i)) in reached)


def _label_in(floor: Floor, labels: np.ndarray, room: int) -> int:
    return _most_frequent(labels[floor._slices(floor.plan.rooms[room].inner, inside=True)])


def _first_room(plan: Plan) -> int:
    for opening in plan.openings:
        if opening.kind == "entrance":
            return opening.rooms[0]
    return next(i for i, room in enumerate(plan.rooms) if room.storey == 0)


def blocks(plan: Plan, placed: Placed) -> bool:
    """Whether a piece stands in a body's way: not what lies flat, hangs high or stands on another."""
    floor_z = plan.floor_z(plan.rooms[placed.room].storey)
    return placed.on is None and placed.bottom_m < floor_z + HEAD_M and placed.top_m > floor_z + _FLAT_M


def stair_obstacles(stairs: Stairs, storey: int) -> tuple[Rectangle, ...]:
    """What a flight of stairs takes of a storey's floor: its box below, the hole above."""
    if storey == stairs.storey:
        return (stairs.box,)
    return (stairs.void,) if storey == stairs.storey + 1 else ()


def stair_ends(stairs: Stairs) -> tuple[tuple[Rectangle, int], tuple[Rectangle, int]]:
    """The floor that has to stay free (box, storey) before the lowest step and behind the highest."""
    x0, y0, x1, y1 = stairs.box
    before = (
        (x0 - LANDING_M, y0, x0, y1), (x0, y0 - LANDING_M, x1, y0),
        (x1, y0, x1 + LANDING_M, y1), (x0, y1, x1, y1 + LANDING_M),
    )[stairs.heading]  # fmt: skip
    behind = (
        (x1, y0, x1 + LANDING_M, y1), (x0, y1, x1, y1 + LANDING_M),
        (x0 - LANDING_M, y0, x0, y1), (x0, y0 - LANDING_M, x1, y0),
    )[stairs.heading]  # fmt: skip
    return (before, stairs.storey), (behind, stairs.storey + 1)


def _landings(stairs: Stairs, storey: int) -> list[Rectangle]:
    """Cells that a body steps on from the stairs, as narrow as it can be sure of."""
    along = stairs.heading % 2
    found = []
    for (x0, y0, x1, y1), at in stair_ends(stairs):
        if at == storey:
            found.append(
                (x0, y0 + CLEAR_M, x1, y1 - CLEAR_M) if along == 0 else (x0 + CLEAR_M, y0, x1 - CLEAR_M, y1)
            )
    return found


def _gap(opening: Opening, wall_m: float) -> Rectangle:
    """The strip through an opening on which a body's middle can be, into the free floor on both sides."""
    half, deep = opening.width_m / 2 - CLEAR_M, wall_m / 2 + CLEAR_M + CELL_M
    if opening.along == 0:
        return opening.x - half, opening.y - deep, opening.x + half, opening.y + deep
    return opening.x - deep, opening.y - half, opening.x + deep, opening.y + half


def _middle(opening: Opening) -> Rectangle:
    """The line of an opening in the middle of its wall."""
    half = max(opening.width_m / 2 - CLEAR_M, 0.0)
    if opening.along == 0:
        return opening.x - half, opening.y - CELL_M, opening.x + half, opening.y + CELL_M
    return opening.x - CELL_M, opening.y - half, opening.x + CELL_M, opening.y + half
