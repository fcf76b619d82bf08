"""A small furnished flat, generated on the spot: what is walked in when nobody names a scene."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from placecell.arrays import generator

from .furniture import FURNITURE, Color, Piece, build
from .pattern import carpet, paint, planks, tiles
from .scene import Part, Scene, Texture, assemble

SIZE_M = 10.0
WALL_HEIGHT_M = 2.5
DOOR_WIDTH_M, DOOR_HEIGHT_M = 1.0, 2.05
_THICKNESS_M = 0.12
_WALL_TEXTURE_M, _FLOOR_TEXTURE_M = 2.5, 1.5

Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True)
class Door:
    """An opening centred at (x, y) in a wall that runs along x (``along`` 0) or y (1)."""

    x: float
    y: float
    along: int

    @property
    def centre(self) -> float:
        """Where along its wall."""
        return (self.x, self.y)[self.along]

    @property
    def across(self) -> float:
        """Where the wall itself stands."""
        return (self.x, self.y)[1 - self.along]


@dataclass
class _Room:
    box: Rectangle
    doors: list[Door] = field(default_factory=list)

    @property
    def centre(self) -> tuple[float, float]:
        x0, y0, x1, y1 = self.box
        return (x0 + x1) / 2, (y0 + y1) / 2


def builtin_scene(seed: int = 0) -> Scene:
    """A flat of six rooms on 10 x 10 m, one storey, floor at z = 0, ceiling at 2.5 m.

    The seed moves walls and doors (1 m wide) and chooses colours and furniture. Every room can be walked
    into by a body of 0.2 m radius: doors and the ways from them to the middle of their room stay free.
    Floors and furniture face up, the ceiling faces down only; each piece of furniture is an instance.
    """
    rng = generator(seed, "builtin scene")
    rooms, doors = _plan(rng)
    wall = [paint(rng) for _ in range(4)]
    parts = [*_floors(rooms, rng), *_walls(doors, rooms, wall), _ceiling()]
    instance = 0
    main_pieces = rng.permutation(["bed", "sofa", "table", "bed", "shelf", "chair"]).tolist()
    for room, main in zip(rooms, main_pieces, strict=True):
        for piece in _furnish(room, main, rng):
            instance += 1
            parts += build(piece, instance, rng)
    return assemble(f"builtin scene (seed {seed})", parts)


def room_boxes(seed: int = 0) -> tuple[Rectangle, ...]:
    """(x0, y0, x1, y1) of each room of :func:`builtin_scene`, between the middles of its walls."""
    rooms, _ = _plan(generator(seed, "builtin scene"))
    return tuple(room.box for room in rooms)


def _plan(rng: np.random.Generator) -> tuple[list[_Room], list[Door]]:
    """Two rows of three rooms; a door in every shared wall but one, so that there are loops."""
    split = rng.uniform(4.6, 5.4)
    rows = []
    for y0, y1 in ((0.0, split), (split, SIZE_M)):
        cuts = [0.0, rng.uniform(3.0, 3.6), rng.uniform(6.4, 7.0), SIZE_M]
        rows.append([_Room((a, y0, b, y1)) for a, b in pairwise(cuts)])
    doors = []
    for row in rows:
        for left, right in pairwise(row):
            x, y0, y1 = left.box[2], left.box[1], left.box[3]
            doors.append(_open(left, right, Door(x, rng.uniform(y0 + 1.0, y1 - 1.0), 1)))
    closed = int(rng.integers(3))
    for i, (below, above) in enumerate(zip(*rows, strict=True)):
        low, high = max(below.box[0], above.box[0]), min(below.box[2], above.box[2])
        if i != closed:
            doors.append(_open(below, above, Door(rng.uniform(low + 0.9, high - 0.9), split, 0)))
    return [*rows[0], *rows[1]], doors


def _open(a: _Room, b: _Room, door: Door) -> Door:
    a.doors.append(door)
    b.doors.append(door)
    return door


def _floors(rooms: list[_Room], rng: np.random.Generator) -> list[Part]:
    textures = [planks(rng), tiles(rng), carpet(rng), planks(rng)]
    order = rng.permutation(np.arange(len(rooms)) % len(textures))
    parts = []
    for room, index in zip(rooms, order.tolist(), strict=True):
        x0, y0, x1, y1 = room.box
        corners = np.array([[x0, y0, 0.0], [x1, y0, 0.0], [x1, y1, 0.0], [x0, y1, 0.0]])
        parts.append(_quad(corners, (1.0, 1.0, 1.0), textures[index], _FLOOR_TEXTURE_M, "floor"))
    return parts


def _ceiling() -> Part:
    s, z = SIZE_M, WALL_HEIGHT_M
    corners = np.array([[0, 0, z], [0, s, z], [s, s, z], [s, 0, z]], np.float64)
    return _quad(corners, (0.96, 0.96, 0.94), None, 1.0, "ceiling")


def _walls(doors: list[Door], rooms: list[_Room], textures: list[Texture]) -> list[Part]:
    """Outer walls, then the walls between rooms, each cut where its doors are."""
    half, s = _THICKNESS_M / 2, SIZE_M
    runs = [(0, -half, 0.0, s), (0, s + half, 0.0, s), (1, -half, 0.0, s), (1, s + half, 0.0, s)]
    for room in rooms:
        x0, y0, x1, y1 = room.box
        if x1 < s:
            runs.append((1, x1, y0, y1))
        if y1 < s:
            runs.append((0, y1, x0, x1))
    parts = []
    for i, (along, at, start, stop) in enumerate(runs):
        here = [door for door in doors if door.along == along and door.across == at]
        gaps = sorted(door.centre for door in here if start < door.centre < stop)
        for a, b, z0 in _pieces(start, stop, gaps):
            low, high = (a, at - half), (b, at + half)
            if along == 1:
                low, high = low[::-1], high[::-1]
            parts.append(_wall(low, high, z0, textures[i % len(textures)]))
    return parts


def _pieces(start: float, stop: float, gaps: list[float]) -> list[tuple[float, float, float]]:
    """(from, to, lower edge) of the solid pieces of a wall: between the doors, and above them."""
    pieces, at = [], start
    for gap in gaps:
        pieces += [(at, gap - DOOR_WIDTH_M / 2, 0.0)]
        pieces += [(gap - DOOR_WIDTH_M / 2, gap + DOOR_WIDTH_M / 2, DOOR_HEIGHT_M)]
        at = gap + DOOR_WIDTH_M / 2
    return [*pieces, (at, stop, 0.0)]


def _wall(low: tuple[float, float], high: tuple[float, float], z0: float, texture: Texture) -> Part:
    """The four sides of a wall up to the ceiling, and its underside above a door; nothing to stand on."""
    (x0, y0), (x1, y1), z1 = low, high, WALL_HEIGHT_M
    ring = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    vertices: list[tuple[float, float, float]] = []
    uv: list[tuple[float, float]] = []
    faces: list[tuple[int, int, int]] = []
    for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1], strict=True):
        first = len(vertices)
        vertices += [(ax, ay, z0), (bx, by, z0), (bx, by, z1), (ax, ay, z1)]
        # Texture by world position: neighbouring pieces of a wall continue each other.
        for x, y, z in vertices[first:]:
            uv.append(((x + y) / _WALL_TEXTURE_M, z / _WALL_TEXTURE_M))
        faces += [(first, first + 1, first + 2), (first, first + 2, first + 3)]
    if z0 > 0:
        first = len(vertices)
        vertices += [(x0, y0, z0), (x0, y1, z0), (x1, y1, z0), (x1, y0, z0)]
        uv += [(0.0, 0.0)] * 4
        faces += [(first, first + 1, first + 2), (first, first + 2, first + 3)]
    arrays = np.array(vertices, np.float64), np.array(faces)
    return Part(*arrays, (1.0, 1.0, 1.0), texture, np.array(uv, np.float64), category="wall")


def _quad(corners: np.ndarray, color: Color, texture: Texture | None, span_m: float, category: str) -> Part:
    uv = corners[:, :2] / span_m
    return Part(corners, np.array([[0, 1, 2], [0, 2, 3]]), color, texture, uv, category=category)


def _furnish(room: _Room, main: str, rng: np.random.Generator) -> list[Piece]:
    """``main`` and others against the walls, at most five, that leave doors and ways to the middle free."""
    keep = _kept_free(room)
    x0, y0, x1, y1 = room.box
    edge = _THICKNESS_M / 2 + 0.03
    placed: list[Piece] = []
    others = rng.permutation(sorted(FURNITURE.keys() - {main})).tolist()
    for name in [main, *others]:
        width, depth = FURNITURE[name].width_m, FURNITURE[name].depth_m
        for _ in range(40 if name == main else 12):
            side = int(rng.integers(4))
            across = rng.uniform(width / 2 + 0.05, (x1 - x0, y1 - y0)[side % 2] - width / 2 - 0.05)
            # Sides: south, east, north, west; a piece has its back to the wall.
            x, y = (
                (x0 + across, y0 + edge + depth / 2),
                (x1 - edge - depth / 2, y0 + across),
                (x0 + across, y1 - edge - depth / 2),
                (x0 + edge + depth / 2, y0 + across),
            )[side]
            piece = Piece(name, x, y, quarter_turns=side)
            taken = [*keep, *(other.footprint(margin_m=0.08) for other in placed)]
            inside = piece.footprint()
            fits = inside[0] > x0 and inside[1] > y0 and inside[2] < x1 and inside[3] < y1
            if fits and not any(_overlap(inside, other) for other in taken):
                placed.append(piece)
                break
        if len(placed) == 5:
            break
    return placed


def _kept_free(room: _Room) -> list[Rectangle]:
    """From each door straight into the room, then along to its middle: strips 0.9 m wide."""
    cx, cy = room.centre
    half = 0.45
    free = [(cx - half, cy - half, cx + half, cy + half)]
    for door in room.doors:
        if door.along == 0:
            free.append((door.x - half - 0.1, min(door.y, cy), door.x + half + 0.1, max(door.y, cy)))
            free.append((min(door.x, cx) - half, cy - half, max(door.x, cx) + half, cy + half))
        else:
            free.append((min(door.x, cx), door.y - half - 0.1, max(door.x, cx), door.y + half + 0.1))
            free.append((cx - half, min(door.y, cy) - half, cx + half, max(door.y, cy) + half))
    return free


def _overlap(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
