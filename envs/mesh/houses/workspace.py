"""A house while it is furnished: what stands where, and whether another piece would fit."""

from collections.abc import Iterable
from typing import TypeVar

import numpy as np

from .model import Model, Surface
from .placed import Placed, Rectangle, grown, overlap, turned, within
from .plan import Opening, Plan
from .reach import Floor, RoomFloor, blocks, stair_ends, stair_obstacles
from .rules import FRONT_M, IN_FRONT

# What is kept free in front of a door, and beside its frame.
DOOR_DEPTH_M, DOOR_SIDE_M = 0.85, 0.08
BACK_M = 0.02  # between a piece and the wall behind it: room for the skirting
HUNG_M = 0.004
APART_M = 0.004
T = TypeVar("T")
_AT_WALL_M, _PANE_SIDE_M = 0.3, 0.03
# May stand, or has to hang, before a window.
_AT_WINDOWS = ("curtain", "lamp", "plant", "radiator", "chair", "stool", "sink")


class _Room:
    """What does not change in a room, and what stands in it."""

    def __init__(self, plan: Plan, index: int, floor: Floor) -> None:
        room = plan.rooms[index]
        self.inner, self.roomy = room.inner, grown(room.inner, 0.001)
        self.floor_z, self.ceiling_z = plan.floor_z(room.storey), plan.ceiling_z(room.storey)
        self.floor = RoomFloor(floor, index)
        self.kept, self.solid = _kept_free(plan, index), _solid(plan, index)
        # Walls are open here: box, lowest and highest point, whether it is a window.
        self.open: list[tuple[Rectangle, float, float, bool]] = []
        for o in (*plan.doors_of(index), *plan.windows_of(index)):
            pane = o.kind == "window"
            box = _before(o, _AT_WALL_M, _PANE_SIDE_M if pane else DOOR_SIDE_M)
            self.open.append((box, self.floor_z + o.bottom_m, self.floor_z + o.top_m, pane))
        self.pieces: dict[int, Placed] = {}
        # The same, ready for comparing.
        self.bounds: dict[int, tuple[float, float, float, float, float, float, Placed]] = {}
        self.standing: dict[int, tuple[Placed, Rectangle | None]] = {}

    def put(self, placed: Placed) -> None:
        key = placed.instance
        self.pieces[key] = placed
        self.bounds[key] = (*placed.box, placed.bottom_m, placed.top_m, placed)
        if _stands(placed):
            self.standing[key] = placed, front_of(placed)

    def take(self, instance: int) -> Placed:
        del self.bounds[instance]
        self.standing.pop(instance, None)
        return self.pieces.pop(instance)


class Workspace:
    """Furniture of a plan, added and removed a piece at a time; what does not fit is refused.

    Args:
        plan: the house.
        furniture: what stands in it already, taken as it is.
    """

    def __init__(self, plan: Plan, furniture: Iterable[Placed] = ()) -> None:
        self.plan = plan
        floors = {storey: Floor(plan, storey) for storey in range(plan.storeys)}
        self._rooms = [_Room(plan, i, floors[room.storey]) for i, room in enumerate(plan.rooms)]
        self._last = 0
        for placed in furniture:
            self.put(placed)

    @property
    def furniture(self) -> tuple[Placed, ...]:
        """Everything, by instance."""
        pieces = [placed for room in self._rooms for placed in room.pieces.values()]
        return tuple(sorted(pieces, key=lambda placed: placed.instance))

    @property
    def next_instance(self) -> int:
        """A number above those of everything that is or was here."""
        return self._last + 1

    def inside(self, room: int) -> list[Placed]:
        """What a room holds, in the order it came."""
        return list(self._rooms[room].pieces.values())

    def take(self, instance: int) -> Placed:
        """Removes a piece, and gives it back."""
        return next(room for room in self._rooms if instance in room.pieces).take(instance)

    def put(self, placed: Placed) -> None:
        """Adds a piece as it is."""
        self._last = max(self._last, placed.instance)
        self._rooms[placed.room].put(placed)

    def floor_z(self, room: int) -> float:
        """Height of a room's floor."""
        return self._rooms[room].floor_z

    def fits(self, placed: Placed) -> bool:
        """Whether a piece would stand in nothing's way and nothing in its: walls, pieces, doors, windows."""
        room, box = self._rooms[placed.room], placed.box
        if not within(box, room.inner) or placed.top_m > room.ceiling_z - 0.02:
            return False
        if any(overlap(box, other) for other in room.solid):
            return False
        if placed.category == "rug":
            rugs = (other for other in room.pieces.values() if other.category == "rug")
            return not any(overlap(box, other.box) for other in rugs)
        if _collides(room, placed):
            return False
        return placed.on is not None or (_clear_of_openings(room, placed) and _clear_in_front(room, placed))

    def reachable(self, placed: Placed) -> bool:
        """Whether every entrance and every piece of a room can still be walked to with this one in it."""
        if not blocks(self.plan, placed):
            return True
        pieces = [*self._rooms[placed.room].pieces.values(), placed]
        return self.open_with(placed.room, pieces)

    def open_with(self, room: int, pieces: Iterable[Placed]) -> bool:
        """Whether a room holding these pieces can be crossed, and they come close to."""
        standing = [p for p in pieces if blocks(self.plan, p)]
        floor = self._rooms[room].floor
        reached = floor.reached([p.box for p in standing])
        return reached is not None and all(floor.touches(reached, p.box) for p in standing)

    def openings_at(self, room: int, side: int) -> list[Opening]:
        """Openings in the south (0), east (1), north (2) or west (3) wall of a room."""
        x0, y0, x1, y1 = self.plan.rooms[room].box
        along, at = ((0, y0), (1, x1), (0, y1), (1, x0))[side]
        return [
            o for o in self.plan.openings
            if room in o.rooms and o.along == along and abs((o.x, o.y)[1 - along] - at) < 0.1
        ]  # fmt: skip

    def free_surfaces(self, placed: Placed) -> list[tuple[Surface, float]]:
        """The surfaces of a piece, each with the height that is free above it."""
        surfaces = placed.surfaces()
        found = []
        for surface in surfaces:
            above = [s.z_m for s in surfaces if s.z_m > surface.z_m + 0.02 and overlap(s.box, surface.box)]
            found.append((surface, min(above) - surface.z_m - 0.03 if above else 0.8))
        return found


def _collides(room: _Room, placed: Placed) -> bool:
    low, high = placed.bottom_m, placed.top_m
    x0, y0, x1, y1 = grown(placed.box, APART_M)
    for a0, b0, a1, b1, bottom, top, other in room.bounds.values():
        if x0 < a1 and a0 < x1 and y0 < b1 and b0 < y1 and low < top and bottom < high:
            if other.category == "rug" or other.instance == placed.on or other.on == placed.instance:
                continue
            # Small things of one surface may touch.
            if placed.on is None or other.on != placed.on or overlap(placed.box, other.box):
                return True
    return False


def _clear_of_openings(room: _Room, placed: Placed) -> bool:
    if placed.model.stands_on != "wall" and any(overlap(placed.box, kept) for kept in room.kept):
        return False
    return not any(
        placed.top_m > low and placed.bottom_m < high and overlap(placed.box, box)
        for box, low, high, pane in room.open
        if not (pane and placed.category in _AT_WINDOWS)
    )


def _clear_in_front(room: _Room, placed: Placed) -> bool:
    """Whether its front is free and it leaves those of others free."""
    if not _stands(placed):
        return True
    zone = front_of(placed)
    if zone is not None and not within(zone, room.roomy):
        return False
    if zone is not None and any(overlap(zone, other) for other in room.solid):
        return False
    return not any(
        _in_the_way(placed, owner, front) or _in_the_way(owner, placed, zone)
        for owner, front in room.standing.values()
    )


def _stands(placed: Placed) -> bool:
    return placed.on is None and placed.model.stands_on == "floor" and placed.category != "rug"


def _in_the_way(placed: Placed, owner: Placed, front: Rectangle | None) -> bool:
    """Whether a piece stands where another's front has to be free."""
    return (
        front is not None
        and overlap(placed.box, front)
        and placed.category not in IN_FRONT.get(owner.category, ())
    )


def front_of(placed: Placed) -> Rectangle | None:
    """The floor in front of a piece that using it takes."""
    deep = FRONT_M.get(placed.category)
    if deep is None:
        return None
    half, front = placed.model.width_m / 2, placed.model.depth_m / 2
    (ax, ay), (bx, by) = (
        turned(x, y, placed.quarter_turns) for x, y in ((-half, front + 0.001), (half, front + deep))
    )
    x0, x1, y0, y1 = min(ax, bx), max(ax, bx), min(ay, by), max(ay, by)
    return placed.x + x0, placed.y + y0, placed.x + x1, placed.y + y1


def _before(opening: Opening, depth_m: float, side_m: float) -> Rectangle:
    half = opening.width_m / 2 + side_m
    if opening.along == 0:
        return opening.x - half, opening.y - depth_m, opening.x + half, opening.y + depth_m
    return opening.x - depth_m, opening.y - half, opening.x + depth_m, opening.y + half


def _kept_free(plan: Plan, room: int) -> list[Rectangle]:
    """Before doors and passages, before and behind stairs."""
    storey = plan.rooms[room].storey
    free = [_before(door, DOOR_DEPTH_M, DOOR_SIDE_M) for door in plan.doors_of(room)]
    for stairs in plan.stairs:
        free += [box for box, at in stair_ends(stairs) if at == storey]
    return free


def _solid(plan: Plan, room: int) -> list[Rectangle]:
    storey = plan.rooms[room].storey
    boxes = [box for stairs in plan.stairs for box in stair_obstacles(stairs, storey)]
    return [box for box in boxes if overlap(box, plan.rooms[room].box)]


def at(
    model: Model, room: int, x: float, y: float, z: float, turns: int, instance: int, on: int | None
) -> Placed:
    """A piece at a place, to the millimetre."""
    return Placed(instance, model, round(x, 3), round(y, 3), round(z, 4), turns % 4, room, on)


def shuffled(rng: np.random.Generator, items: Iterable[T]) -> list[T]:
    """The items in random order."""
    items = list(items)
    return [items[i] for i in rng.permutation(len(items)).tolist()]
