"""The house without furniture: walls, floors, ceilings, stairs, door frames, windows."""

from dataclasses import dataclass

import numpy as np

from ..scene import Part, Texture
from .blocks import quads
from .looks import (
    FLOOR_TEXTURE_M,
    WALL_TEXTURE_M,
    color_for,
    floor_texture,
    texture_for,
    tile_texture,
    wall_texture,
    wood_color,
)
from .rooms import Plan, Rectangle
from .stairs import build_flight
from .walls import CASING, FRAME, GLASS, HANDLE, LEAF, SKIRTING, WALL, wall_blocks

FIRST_INSTANCE = 10001
_CEILING = (1.0, 1.0, 0.98)
_WHITE = (1.0, 1.0, 1.0)
_TILE_M = 1.2

Color = tuple[float, float, float]


@dataclass(frozen=True)
class _Look:
    color: Color
    texture: Texture | None = None
    span_m: float = 1.0


@dataclass(frozen=True)
class _Finish:
    """What a house's surfaces look like."""

    walls: tuple[_Look, ...]
    floors: tuple[_Look, ...]
    facade: _Look
    trim: _Look
    leaf: _Look
    handle: _Look
    glass: _Look
    steps: _Look
    rail: _Look


def shell_parts(plan: Plan, split: str, rng: np.random.Generator) -> list[Part]:
    """Walls with their openings, floors, ceilings, stairs, frames, panes and the closed entrance.

    From inside, every ray meets something. Floors and treads face up, ceilings down. Categories are wall,
    floor, ceiling, door, window and stairs; each door, window and flight is an instance, from 10001 up in
    the order of ``plan.openings`` and ``plan.stairs``; walls, floors and ceilings are of none.

    Raises:
        SceneError: no such split.
    """
    finish = _draw_finish(plan, split, rng)
    parts = []
    for storey in range(plan.storeys):
        parts += _wall_parts(plan, storey, finish)
    for i, room in enumerate(plan.rooms):
        holes = [
            s.void if room.storey == s.storey + 1 else s.box
            for s in plan.stairs
            if room.storey in (s.storey, s.storey + 1)
        ]
        floor = _flat(room.box, holes, plan.floor_z(room.storey))
        look = finish.floors[i]
        parts.append(_part(floor, look, "floor", uv=floor[..., :2] / look.span_m))
        above = [s.void for s in plan.stairs if room.storey == s.storey]
        parts.append(
            _part(_flat(room.box, above, plan.ceiling_z(room.storey))[:, ::-1], _Look(_CEILING), "ceiling")
        )
    instance = FIRST_INSTANCE + sum(opening.kind != "passage" for opening in plan.openings)
    for k, stairs in enumerate(plan.stairs):
        hall = next(
            i
            for i, room in enumerate(plan.rooms)
            if room.storey == stairs.storey and _within(stairs.box, room.box)
        )
        flight = build_flight(stairs, plan.floor_z(stairs.storey), plan.storey_height_m)
        parts.append(_part(flight.treads, finish.steps, "stairs", instance + k))
        parts.append(
            _part(np.concatenate([flight.risers, flight.balustrade]), finish.trim, "stairs", instance + k)
        )
        parts.append(_part(flight.rails, finish.rail, "stairs", instance + k))
        parts.append(_part(flight.slab_edge, finish.walls[hall], "wall"))
    return parts


def _draw_finish(plan: Plan, split: str, rng: np.random.Generator) -> _Finish:
    rooms = range(len(plan.rooms))
    # A home has one paint in most rooms, and a few of its own; one or two floors throughout.
    paints = [_Look(_WHITE, wall_texture(split, rng), WALL_TEXTURE_M) for _ in range(4)]
    tiles = _Look(_WHITE, tile_texture(split, rng), _TILE_M)
    walls = [paints[int(rng.choice(4, p=[0.4, 0.2, 0.2, 0.2]))] for _ in rooms]
    by_kind: dict[str, _Look] = {}
    floors = []
    for i, room in enumerate(plan.rooms):
        if room.kind == "bathroom" and rng.random() < 0.6:
            walls[i] = tiles
        group = (
            "corridor" if room.kind in ("corridor", "hallway", "dining_room", "office", "gym") else room.kind
        )
        if group not in by_kind:
            by_kind[group] = _Look(_WHITE, floor_texture(split, group, rng), FLOOR_TEXTURE_M)
        floors.append(by_kind[group])
    trim = color_for("linen", split, rng) if rng.random() < 0.7 else wood_color(split, rng)
    grain = texture_for("wood", split, rng)
    return _Finish(
        walls=tuple(walls),
        floors=tuple(floors),
        facade=_Look(color_for("brick", split, rng), texture_for("bricks", split, rng), 1.0),
        trim=_Look(trim),
        leaf=_Look(wood_color(split, rng), grain, 0.8),
        handle=_Look(color_for("metal", split, rng)),
        glass=_Look(_WHITE, _view(rng), WALL_TEXTURE_M),
        steps=_Look(wood_color(split, rng), grain, 0.8),
        rail=_Look(wood_color(split, rng)),
    )


def _view(rng: np.random.Generator) -> Texture:
    """What panes show: sky that brightens towards the horizon, haze, and green below."""
    rows = (np.arange(64) / 63)[:, None]
    sky = np.array([150.0, 186.0, 224.0]) * (1 - rows) + np.array([226.0, 234.0, 238.0]) * rows
    green = np.array([[120.0, 140.0, 104.0]]) + rng.integers(-14, 15, 3)
    image = np.where(np.arange(64)[:, None] < 34 + int(rng.integers(8)), sky, green)
    return np.repeat(np.rint(image).clip(0, 255).astype(np.uint8)[:, None], 64, 1)


def _wall_parts(plan: Plan, storey: int, finish: _Finish) -> list[Part]:
    """One part for each look, category and instance of a storey's walls."""
    surface = wall_blocks(plan, storey).surface()
    codes, owners = surface.key // 4096, surface.key % 4096 - 2048
    base = plan.floor_z(storey)
    # (metres along the wall, metres up): neighbouring pieces of a wall continue each other.
    level = surface.axis == 2
    u = np.where((surface.axis == 0)[:, None], surface.corners[..., 1], surface.corners[..., 0])
    v = np.where(level[:, None], surface.corners[..., 1], surface.corners[..., 2] - base)
    uv = np.stack([u, v], -1)
    # Skirting is alike everywhere.
    merged = np.where(codes == SKIRTING, SKIRTING * 4096, surface.key)
    parts = []
    for key in np.unique(merged).tolist():
        here = np.flatnonzero(merged == key)
        look, category, instance = _look_of(plan, int(codes[here[0]]), int(owners[here[0]]), finish)
        parts.append(_part(surface.corners[here], look, category, instance, uv[here] / look.span_m))
    return parts


def _look_of(plan: Plan, code: int, owner: int, finish: _Finish) -> tuple[_Look, str, int]:
    if code == SKIRTING:
        return finish.trim, "wall", 0
    if owner >= 0:
        return (finish.walls[owner - 1] if owner else finish.facade), "wall", 0
    k = -owner - 1
    opening = plan.openings[k]
    if opening.kind == "passage":
        return finish.walls[opening.rooms[0]], "wall", 0
    looks = {
        WALL: finish.trim,
        CASING: finish.trim,
        FRAME: finish.trim,
        GLASS: finish.glass,
        LEAF: finish.leaf,
        HANDLE: finish.handle,
    }
    instance = FIRST_INSTANCE + sum(o.kind != "passage" for o in plan.openings[:k])
    return looks[code], "window" if opening.kind == "window" else "door", instance


def _part(
    corners: np.ndarray, look: _Look, category: str, instance: int = 0, uv: np.ndarray | None = None
) -> Part:
    """Faces of one look; without ``uv`` a texture is laid on by the longest ways of each face."""
    corners = np.round(corners, 4)
    vertices, faces = quads(corners)
    if uv is None:
        along = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=-1)
        across = np.linalg.norm(corners[:, 3] - corners[:, 0], axis=-1)
        zero = np.zeros_like(along)
        uv = np.stack(
            [np.stack([zero, along, along, zero], 1), np.stack([zero, zero, across, across], 1)], -1
        )
        uv = uv / look.span_m
    return Part(
        vertices,
        faces,
        look.color,
        look.texture,
        np.round(uv.reshape(-1, 2), 6),
        instance=instance,
        category=category,
    )


def _flat(box: Rectangle, holes: list[Rectangle], z: float) -> np.ndarray:
    """A level rectangle at ``z`` that faces up, around its holes."""
    pieces = [box]
    for hole in holes:
        pieces = [piece for whole in pieces for piece in _around(whole, hole)]
    return np.array([[(a, b, z), (c, b, z), (c, d, z), (a, d, z)] for a, b, c, d in pieces])


def _around(box: Rectangle, hole: Rectangle) -> list[Rectangle]:
    x0, y0, x1, y1 = box
    if hole[0] >= x1 or hole[2] <= x0 or hole[1] >= y1 or hole[3] <= y0:
        return [box]
    a, b, c, d = max(hole[0], x0), max(hole[1], y0), min(hole[2], x1), min(hole[3], y1)
    pieces = [(x0, y0, a, y1), (c, y0, x1, y1), (a, y0, c, b), (a, d, c, y1)]
    return [(p, q, r, s) for p, q, r, s in pieces if r > p and s > q]


def _within(inner: Rectangle, outer: Rectangle) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and inner[2] <= outer[2] and inner[3] <= outer[3]
