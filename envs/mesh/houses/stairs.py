"""A straight flight of stairs in a hall: how long it is, where it stands, and its solid steps."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from .layout import Frame, cm
from .rooms import EAST, NORTH, SLAB_M, SOUTH, WALL_M, WEST, Stairs

RISE_M, CLEAR_M, LANDING_M = 0.175, 1.0, 1.25
BALUSTRADE_M = 0.06
GUARD_M = 0.95
_RAIL_M = 0.85  # above the nosings
_LAP_M = 0.01

_Corner = tuple[float, float, float]


def draw_hall(height_m: float, rng: np.random.Generator) -> tuple[Frame, Stairs]:
    """A hall along x from the origin, at least so long, with its flight; ``height_m`` from floor to floor."""
    steps = math.ceil(height_m / RISE_M) - 1
    going = cm(steps * rng.uniform(0.262, 0.28))
    length = cm(going + 2 * LANDING_M + WALL_M + rng.uniform(0.0, 0.5))
    deep = CLEAR_M + BALUSTRADE_M
    width = cm(WALL_M + deep + rng.uniform(1.08, 1.25))
    start = cm(WALL_M / 2 + LANDING_M + rng.uniform(0.0, max(length - going - 2 * LANDING_M - WALL_M, 0.0)))
    north = bool(rng.random() < 0.5)
    y0 = cm(width - WALL_M / 2 - deep) if north else WALL_M / 2
    box = (start, y0, cm(start + going), cm(y0 + deep))
    heading = EAST if rng.random() < 0.5 else WEST
    return Frame(length, width, {}), Stairs(box, 0, heading, steps, box, NORTH if north else SOUTH)


@dataclass(frozen=True)
class Flight:
    """The faces of a flight: (n, 4, 3) corners, counter-clockwise from outside; world frame, metres."""

    treads: Float[np.ndarray, "_ 4 3"]
    risers: Float[np.ndarray, "_ 4 3"]
    balustrade: Float[np.ndarray, "_ 4 3"]
    rails: Float[np.ndarray, "_ 4 3"]
    slab_edge: Float[np.ndarray, "_ 4 3"]


def build_flight(stairs: Stairs, floor: float, height_m: float) -> Flight:
    """Steps up to the next floor, ``height_m`` above, with solid balustrades along them and the void.

    Drawn as (s, t, z): s along the way up, t from the wall to the open side, z from the lower floor.
    """
    x0, y0, x1, y1 = stairs.box
    lies = stairs.heading in (EAST, WEST)
    length, width = (x1 - x0, y1 - y0) if lies else (y1 - y0, x1 - x0)
    going, rise, n = length / stairs.steps, height_m / (stairs.steps + 1), stairs.steps
    inner = width - BALUSTRADE_M
    t0, t1 = -_LAP_M, inner + _LAP_M  # into the wall and the balustrade, so that no ray slips between
    treads, risers = [], []
    for i in range(n + 1):
        s, z = i * going, i * rise
        foot = z if i else -_LAP_M
        risers.append([(s, inner, foot), (s, t0, foot), (s, t0, z + rise), (s, inner, z + rise)])
        if i < n:
            z += rise
            treads.append([(s, t0, z), (s + going, t0, z), (s + going, t1, z), (s, t1, z)])
    top, slab = height_m + GUARD_M, height_m - SLAB_M
    back = [
        (length, t0, -_LAP_M),
        (length, inner, -_LAP_M),
        (length, inner, n * rise),
        (length, t0, n * rise),
    ]
    panels, rails = _balustrade(length, width, going, rise, slab, top)
    edge = [(0.0, 0.0, slab), (length, 0.0, slab), (length, 0.0, height_m), (0.0, 0.0, height_m)]
    groups = (treads, [*risers, back], panels, rails, [edge[::-1]])
    return Flight(*(_placed(np.array(group), stairs, floor) for group in groups))


def _balustrade(
    length: float, width: float, going: float, rise: float, slab: float, top: float
) -> tuple[list[list[_Corner]], list[list[_Corner]]]:
    """A panel that climbs with the steps until it meets the guard around the void above; and their rails."""
    a, b = width - BALUSTRADE_M, width
    low = rise + _RAIL_M
    meet = (slab - low) / rise * going
    foot = -_LAP_M
    panels = []
    for t, outward in ((b, True), (a, False)):
        outlines = (
            [(0.0, foot), (meet, foot), (meet, slab), (0.0, low)],
            [(meet, foot), (length, foot), (length, top), (meet, top)],
            [(0.0, slab), (meet, slab), (meet, top), (0.0, top)],
        )
        for outline in outlines:
            face = [(s, t, z) for s, z in outline]
            panels.append(face[::-1] if outward else face)
    panels += [
        [(0.0, b, foot), (0.0, a, foot), (0.0, a, low), (0.0, b, low)],
        [(length, a, foot), (length, b, foot), (length, b, top), (length, a, top)],
        [(0.0, b, slab), (meet, b, slab), (meet, a, slab), (0.0, a, slab)],
        [(0.0, b, slab), (0.0, 0.0, slab), (0.0, 0.0, top), (0.0, b, top)],
        [
            (BALUSTRADE_M, 0.0, slab),
            (BALUSTRADE_M, a, slab),
            (BALUSTRADE_M, a, top),
            (BALUSTRADE_M, 0.0, top),
        ],
        [(0.0, a, slab), (BALUSTRADE_M, a, slab), (BALUSTRADE_M, 0.0, slab), (0.0, 0.0, slab)],
    ]
    rails = [
        [(0.0, a, low), (meet, a, slab), (meet, b, slab), (0.0, b, low)],
        [(0.0, a, top), (length, a, top), (length, b, top), (0.0, b, top)],
        [(0.0, 0.0, top), (BALUSTRADE_M, 0.0, top), (BALUSTRADE_M, a, top), (0.0, a, top)],
    ]
    return panels, rails


def _placed(faces: np.ndarray, stairs: Stairs, floor: float) -> np.ndarray:
    """(s, t, z) to the world; where that mirrors, the corners are taken the other way round."""
    x0, y0, x1, y1 = stairs.box
    ways = {EAST: (1.0, 0.0), NORTH: (0.0, 1.0), WEST: (-1.0, 0.0), SOUTH: (0.0, -1.0)}
    up, off = ways[stairs.heading], ways[(stairs.wall_side + 2) % 4]
    x = x1 if -1.0 in (up[0], off[0]) else x0
    y = y1 if -1.0 in (up[1], off[1]) else y0
    s, t, z = faces[..., 0], faces[..., 1], faces[..., 2]
    placed = np.stack([x + s * up[0] + t * off[0], y + s * up[1] + t * off[1], floor + z], -1)
    mirrored = up[0] * off[1] - up[1] * off[0] < 0
    return placed[:, ::-1] if mirrored else placed
