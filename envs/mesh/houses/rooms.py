"""What a floor plan is made of: rooms, openings in their walls, stairs. Metres, x east, y north, z up."""

from dataclasses import dataclass

Rectangle = tuple[float, float, float, float]

WALL_M = 0.12
SLAB_M = 0.15
ROOM_KINDS = (
    "living_room", "kitchen", "dining_room", "bedroom", "bathroom", "corridor", "office", "laundry",
    "hallway", "nursery", "gym",
)  # fmt: skip
EAST, NORTH, WEST, SOUTH = range(4)


@dataclass(frozen=True)
class Room:
    """A rectangular room.

    Args:
        name: its kind and a number, as ``bedroom_1``: unique in a plan.
        kind: one of ``ROOM_KINDS``; a ``hallway`` is where one enters the home.
        storey: 0 is the ground floor.
        box: (x0, y0, x1, y1) between the middles of its walls.
    """

    name: str
    kind: str
    storey: int
    box: Rectangle

    @property
    def inner(self) -> Rectangle:
        """(x0, y0, x1, y1) between the faces of its walls."""
        x0, y0, x1, y1 = self.box
        half = WALL_M / 2
        return round(x0 + half, 4), round(y0 + half, 4), round(x1 - half, 4), round(y1 - half, 4)

    @property
    def area_m2(self) -> float:
        """Square metres of its floor, between the faces of its walls."""
        x0, y0, x1, y1 = self.inner
        return (x1 - x0) * (y1 - y0)


@dataclass(frozen=True)
class Opening:
    """A door, an open passage, a window or the (closed) entrance, centred at (x, y) in the middle of a wall.

    Args:
        kind: ``door``, ``passage``, ``window`` or ``entrance``. Doors have no leaf that could be in the way.
        storey: of the wall.
        x, y: its centre.
        along: 0 where the wall runs along x, 1 along y.
        width_m: clear width.
        bottom_m, top_m: above the storey's floor.
        rooms: indices into ``Plan.rooms``: two for a door or passage, one for a window or the entrance.
    """

    kind: str
    storey: int
    x: float
    y: float
    along: int
    width_m: float
    bottom_m: float
    top_m: float
    rooms: tuple[int, ...]

    @property
    def centre(self) -> float:
        """Where along its wall."""
        return (self.x, self.y)[self.along]

    @property
    def across(self) -> float:
        """Where the wall itself stands."""
        return (self.x, self.y)[1 - self.along]

    @property
    def span(self) -> tuple[float, float]:
        """From where to where along its wall."""
        half = self.width_m / 2
        return round(self.centre - half, 4), round(self.centre + half, 4)


@dataclass(frozen=True)
class Stairs:
    """A straight flight to the next storey, solid below, its one long side at a wall.

    Args:
        box: (x0, y0, x1, y1) of the steps and their balustrade.
        storey: the lower one.
        heading: the way up: 0 east, 1 north, 2 west, 3 south.
        steps: treads; one more rise leads from the last tread to the upper floor.
        void: the hole in the upper floor.
        wall_side: the side of the box where the wall is: 0 east, 1 north, 2 west, 3 south.
    """

    box: Rectangle
    storey: int
    heading: int
    steps: int
    void: Rectangle
    wall_side: int


@dataclass(frozen=True)
class Plan:
    """A home: rooms that fill its outline on each storey, and how they open into each other."""

    rooms: tuple[Room, ...]
    openings: tuple[Opening, ...]
    stairs: tuple[Stairs, ...] = ()
    storeys: int = 1
    storey_height_m: float = 2.7
    wall_m: float = WALL_M

    def floor_z(self, storey: int) -> float:
        """Height of a storey's floor."""
        return round(storey * self.storey_height_m, 4)

    def ceiling_z(self, storey: int) -> float:
        """Height of a storey's ceiling; a slab lies between it and the next floor."""
        return round((storey + 1) * self.storey_height_m - SLAB_M, 4)

    def doors_of(self, room: int) -> tuple[Opening, ...]:
        """The ways in and out of a room: doors, passages, the entrance."""
        return tuple(o for o in self.openings if room in o.rooms and o.kind != "window")

    def windows_of(self, room: int) -> tuple[Opening, ...]:
        """The windows of a room."""
        return tuple(o for o in self.openings if room in o.rooms and o.kind == "window")
