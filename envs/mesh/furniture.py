"""Furniture of boxes and cylinders for generated scenes."""

from dataclasses import dataclass

import numpy as np

from .scene import Part

Color = tuple[float, float, float]

_WOOD: tuple[Color, ...] = ((0.52, 0.34, 0.2), (0.7, 0.52, 0.34), (0.36, 0.24, 0.16))
_CLOTH: tuple[Color, ...] = ((0.55, 0.22, 0.2), (0.2, 0.34, 0.52), (0.36, 0.46, 0.26), (0.66, 0.56, 0.3))
_WHITE: Color = (0.92, 0.92, 0.9)
_GREEN: Color = (0.2, 0.46, 0.2)
_CLAY: Color = (0.66, 0.36, 0.24)


@dataclass(frozen=True)
class Solid:
    """A box, or an upright cylinder in it: centre and size in the piece's frame, and which colour it takes.

    The piece's frame: origin on the floor at the middle of its footprint, x along its width, y to its front.
    """

    x: float
    y: float
    z0: float
    width: float
    depth: float
    height: float
    color: str
    round: bool = False


@dataclass(frozen=True)
class Design:
    """The size of a piece's footprint and what it is built of."""

    width_m: float
    depth_m: float
    solids: tuple[Solid, ...]


def _legs(width: float, depth: float, height: float, thick: float) -> tuple[Solid, ...]:
    x, y = (width - thick) / 2, (depth - thick) / 2
    at = ((-x, -y), (x, -y), (x, y), (-x, y))
    return tuple(Solid(dx, dy, 0.0, thick, thick, height, "wood") for dx, dy in at)


FURNITURE: dict[str, Design] = {
    "bed": Design(
        1.5,
        2.05,
        (
            Solid(0.0, 0.0, 0.0, 1.5, 2.0, 0.28, "wood"),
            Solid(0.0, 0.02, 0.28, 1.42, 1.9, 0.2, "cloth"),
            Solid(0.0, -0.98, 0.0, 1.5, 0.07, 0.95, "wood"),
            Solid(-0.36, -0.7, 0.48, 0.56, 0.36, 0.1, "white"),
            Solid(0.36, -0.7, 0.48, 0.56, 0.36, 0.1, "white"),
        ),
    ),
    "chair": Design(
        0.45,
        0.48,
        (
            *_legs(0.44, 0.44, 0.43, 0.045),
            Solid(0.0, 0.0, 0.43, 0.45, 0.45, 0.045, "cloth"),
            Solid(0.0, -0.21, 0.475, 0.45, 0.04, 0.45, "wood"),
        ),
    ),
    "plant": Design(
        0.5,
        0.5,
        (
            Solid(0.0, 0.0, 0.0, 0.32, 0.32, 0.34, "clay", round=True),
            Solid(0.0, 0.0, 0.34, 0.06, 0.06, 0.36, "wood", round=True),
            Solid(0.0, 0.0, 0.7, 0.5, 0.5, 0.5, "green", round=True),
        ),
    ),
    "shelf": Design(
        0.9,
        0.34,
        (
            Solid(-0.43, 0.0, 0.0, 0.04, 0.34, 1.8, "wood"),
            Solid(0.43, 0.0, 0.0, 0.04, 0.34, 1.8, "wood"),
            Solid(0.0, -0.155, 0.0, 0.82, 0.03, 1.8, "wood"),
            *(Solid(0.0, 0.015, z, 0.82, 0.31, 0.03, "wood") for z in (0.04, 0.48, 0.92, 1.36, 1.77)),
            *(Solid(x, 0.0, z + 0.03, 0.5, 0.22, 0.27, "cloth") for x, z in ((-0.1, 0.48), (0.12, 0.92))),
        ),
    ),
    "sofa": Design(
        1.9,
        0.85,
        (
            Solid(0.0, 0.0, 0.05, 1.9, 0.85, 0.36, "cloth"),
            Solid(0.0, -0.34, 0.41, 1.9, 0.17, 0.42, "cloth"),
            Solid(-0.87, 0.0, 0.41, 0.16, 0.85, 0.2, "cloth"),
            Solid(0.87, 0.0, 0.41, 0.16, 0.85, 0.2, "cloth"),
        ),
    ),
    "table": Design(
        1.2,
        0.75,
        (
            *_legs(1.16, 0.71, 0.7, 0.06),
            Solid(0.0, 0.0, 0.7, 1.2, 0.75, 0.04, "wood"),
            Solid(0.2, 0.05, 0.74, 0.16, 0.16, 0.2, "white", round=True),
        ),
    ),
}


@dataclass(frozen=True)
class Piece:
    """A piece at (x, y), turned by quarters: 0 faces north (its back to the south wall), 1 faces west."""

    name: str
    x: float
    y: float
    quarter_turns: int

    def footprint(self, margin_m: float = 0.0) -> tuple[float, float, float, float]:
        """(x0, y0, x1, y1) of what it stands on, widened by ``margin_m``."""
        design = FURNITURE[self.name]
        half = [design.width_m / 2 + margin_m, design.depth_m / 2 + margin_m]
        hx, hy = half if self.quarter_turns % 2 == 0 else half[::-1]
        return self.x - hx, self.y - hy, self.x + hx, self.y + hy


def build(piece: Piece, instance: int, rng: np.random.Generator) -> list[Part]:
    """The parts of a piece, in the world; its wood and cloth colours are drawn."""
    colors = {"white": _WHITE, "green": _GREEN, "clay": _CLAY}
    colors["wood"] = _WOOD[int(rng.integers(len(_WOOD)))]
    colors["cloth"] = _CLOTH[int(rng.integers(len(_CLOTH)))]
    # Exact quarter turns: no rounding in what has to be the same everywhere.
    c, s = ((1, 0), (0, 1), (-1, 0), (0, -1))[piece.quarter_turns]
    turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]], np.float64)
    parts = []
    for solid in FURNITURE[piece.name].solids:
        vertices, faces = _cylinder(solid) if solid.round else _box(solid)
        vertices = vertices @ turn + (piece.x, piece.y, 0.0)
        parts.append(Part(vertices, faces, colors[solid.color], instance=instance, category=piece.name))
    return parts


def _box(solid: Solid) -> tuple[np.ndarray, np.ndarray]:
    """Eight corners and twelve faces, counter-clockwise from outside."""
    unit = np.array([(x, y, z) for z in (0, 1) for y in (-0.5, 0.5) for x in (-0.5, 0.5)])
    quads = ((0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (1, 3, 7, 5), (3, 2, 6, 7), (2, 0, 4, 6))
    faces = np.array([face for a, b, c, d in quads for face in ((a, b, c), (a, c, d))])
    return _placed(unit, solid), faces


def _cylinder(solid: Solid, sides: int = 16) -> tuple[np.ndarray, np.ndarray]:
    angle = 2 * np.pi * np.arange(sides) / sides
    ring = np.stack([0.5 * np.cos(angle), 0.5 * np.sin(angle), np.zeros(sides)], -1)
    unit = np.concatenate([ring, ring + np.array([0, 0, 1]), [(0, 0, 0), (0, 0, 1)]])
    i = np.arange(sides)
    j = (i + 1) % sides
    bottom, top = np.full(sides, 2 * sides), np.full(sides, 2 * sides + 1)
    faces = [(i, j, j + sides), (i, j + sides, i + sides), (j, i, bottom), (i + sides, j + sides, top)]
    return _placed(unit, solid), np.concatenate([np.stack(face, -1) for face in faces])


def _placed(unit: np.ndarray, solid: Solid) -> np.ndarray:
    return unit * (solid.width, solid.depth, solid.height) + (solid.x, solid.y, solid.z0)
