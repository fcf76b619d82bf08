"""A house while it is furnished: what stands where, and whether another piece would fit."""

from collections.abc import Iterable

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
_AT_WALL_M = 0.3
# May stand, or has to hang, before a window.
_AT_WINDOWS = ("curtain", "lamp", "plant", "radiator", "chair", "stool", "sink")


class Workspace:
    """Furniture of a plan, added and removed a piece at a time; what does not fit is refused.

    Args:
        plan: the house.
        furniture: what stands in it already, taken as it is.
    """

    def __init__(self, plan: Plan, furniture: Iterable[Placed] = ()) -> None:
        self.plan = plan
        self._rooms: dict[int, dict[int, Placed]] = {i: {} for i in range(len(plan.rooms))}
        floors = {storey: Floor(plan, storey) for storey in range(plan.storeys)}
        self._floors = [RoomFloor(floors[room.storey], i) for i, room in enumerate(plan.rooms)]
        self._kept = [_kept_free(plan, i) for i in range(len(plan.rooms))]
        self._solid = [_solid(plan, i) for i in range(len(plan.rooms))]
        self._last = 0
        for placed in furniture:
            self.put(placed)

    @property
    def furniture(self) -> tuple[Placed, ...]:
        """Everything, by instance."""
        pieces = [placed for room in self._rooms.values() for placed in room.values()]
        return tuple(sorted(pieces, key=lambda placed: placed.instance))

    @property
    def next_instance(self) -> int:
        """A number above those of everything that is or was here."""
        return self._last + 1

    def inside(self, room: int) -> list[Placed]:
        """What a room holds, in the order it came."""
        return list(self._rooms[room].values())

    def take(self, instance: int) -> Placed:
        """Removes a piece, and gives it back."""
        room = next(i for i, pieces in self._rooms.items() if instance in pieces)
        return self._rooms[room].pop(instance)

    def put(self, placed: Placed) -> None:
        """Adds a piece as it is."""
        self._last = max(self._last, placed.instance)
        self._rooms[placed.room][placed.instance] = placed

    def floor_z(self, room: int) -> float:
        """Height of a room's floor."""
        return self.plan.floor_z(self.plan.rooms[room].storey)

    def fits(self, placed: Placed) -> bool:
        """Whether a piece would stand in nothing's way and nothing in its: walls, pieces, doors, windows."""
        room, box = placed.room, placed.footprint()
        if not within(box, self.plan.rooms[room].inner):
            return False
        if placed.top_m > self.plan.ceiling_z(self.plan.rooms[room].storey) - 0.02:
            return False
        flat = placed.category == "rug"
        if any(overlap(box, other) for other in self._solid[room]):
            return False
        if not flat and self._collides(placed, box):
            return False
        if flat:
            return not any(p.category == "rug" and overlap(box, p.footprint()) for p in self.inside(room))
        return self._clear_of_openings(placed, box) and self._clear_in_front(placed, box)

    def _collides(self, placed: Placed, box: Rectangle) -> bool:
        wide = grown(box, APART_M)
        for other in self._rooms[placed.room].values():
            if other.category == "rug" or other.instance == placed.on or other.on == placed.instance:
                continue
            if placed.on is not None and other.on == placed.on:
                # Small things of one surface: by their heights as others, but nearer to each other.
                if (
                    placed.bottom_m < other.top_m
                    and other.bottom_m < placed.top_m
                    and overlap(box, other.footprint())
                ):
                    return True
            elif (
                placed.bottom_m < other.top_m
                and other.bottom_m < placed.top_m
                and overlap(wide, other.footprint())
            ):
                return True
        return False

    def _clear_of_openings(self, placed: Placed, box: Rectangle) -> bool:
        if placed.on is not None:
            return True
        z = self.floor_z(placed.room)
        if placed.model.stands_on != "wall" and any(overlap(box, kept) for kept in self._kept[placed.room]):
            return False
        for opening in self.plan.openings:
            if placed.room not in opening.rooms:
                continue
            if opening.kind == "window" and placed.category in _AT_WINDOWS:
                continue
            if placed.top_m > z + opening.bottom_m and placed.bottom_m < z + opening.top_m:
                side = DOOR_SIDE_M if opening.kind != "window" else 0.03
                if overlap(box, _before(opening, _AT_WALL_M, side)):
                    return False
        return True

    def _clear_in_front(self, placed: Placed, box: Rectangle) -> bool:
        if placed.on is not None or placed.model.stands_on == "wall":
            return True
        inner = self.plan.rooms[placed.room].inner
        if placed.model.stands_on == "floor":
            zone = front_of(placed)
            if zone is not None and not within(zone, grown(inner, 0.001)):
                return False
            if zone is not None and any(overlap(zone, other) for other in self._solid[placed.room]):
                return False
        for other in self._rooms[placed.room].values():
            if not _stands(other) or not _stands(placed):
                continue
            if _in_front(placed, other) or _in_front(other, placed):
                return False
        return True

    def reachable(self, placed: Placed) -> bool:
        """Whether every entrance and every piece of a room can still be walked to with this one in it."""
        if not blocks(self.plan, placed):
            return True
        pieces = [*self._rooms[placed.room].values(), placed]
        return self.open_with(placed.room, pieces)

    def open_with(self, room: int, pieces: Iterable[Placed]) -> bool:
        """Whether a room holding these pieces can be crossed, and they come close to."""
        standing = [p for p in pieces if blocks(self.plan, p)]
        reached = self._floors[room].reached([p.footprint() for p in standing])
        return reached is not None and all(
            self._floors[room].touches(reached, p.footprint()) for p in standing
        )

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


def _stands(placed: Placed) -> bool:
    return placed.on is None and placed.model.stands_on == "floor" and placed.category != "rug"


def _in_front(placed: Placed, owner: Placed) -> bool:
    """Whether a piece stands where another's front has to be free."""
    if placed.category in IN_FRONT.get(owner.category, ()):
        return False
    zone = front_of(owner)
    return zone is not None and overlap(placed.footprint(), zone)


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


def shuffled(rng: np.random.Generator, items: Iterable) -> list:  # type: ignore[type-arg]
    """The items in random order."""
    items = list(items)
    return [items[i] for i in rng.permutation(len(items)).tolist()]
