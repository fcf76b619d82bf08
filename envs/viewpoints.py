"""View points: where a body can stand, within a metre of an object, and see it.

As Habitat's ObjectNav datasets have them (Batra et al. 2020, "ObjectNav Revisited", section 3): a search of
standing points around the object, kept where it is visible.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from placecell.arrays import Point, Points

from .geodesic import NavigableArea

WITHIN_M = 1.0
SPACING_M = 0.15
_ABOVE_FLOOR_M = 2.2  # what hangs higher above a floor belongs to the storey above
_SUNK_M = 0.3  # how far below the floor one stands on a thing may begin (thresholds, raised floors)
_STOREY_M = 0.3  # how much one storey's floor goes up and down
_RAYS_AT_ONCE = 8

Found = Float[np.ndarray, "m 3"]


@dataclass(frozen=True)
class Thing:
    """One instance of a scene.

    Args:
        instance: its id in the images.
        category: what it is called.
        low, high: the corners of its axis-aligned box, metres.
        surface: (n, 3) points on its surface, evenly by area.
    """

    instance: int
    category: str
    low: Float[np.ndarray, "3"]
    high: Float[np.ndarray, "3"]
    surface: Points

    @property
    def middle(self) -> Point:
        """The middle of its box."""
        return (self.low + self.high) / 2


@runtime_checkable
class Sight(Protocol):
    """Rays into a scene of instances."""

    def first_instance(
        self, origins: Float[np.ndarray, "n 3"], directions: Float[np.ndarray, "n 3"]
    ) -> Int[np.ndarray, "n"]:
        """The instance that each ray hits first, 0 for none."""


def standing_lattice(area: NavigableArea, spacing_m: float = SPACING_M, island: int = 0) -> Points:
    """The middles of an island's cells on a lattice of about ``spacing_m``, (n, 3)."""
    ground = area.ground
    every = max(1, round(spacing_m / area.settings.cell_size_m))
    chosen = (ground.column % every == 0) & (ground.row % every == 0) & (ground.island == island)
    return ground.centres()[chosen]


def view_points(thing: Thing, lattice: Points, sight: Sight, eye_height_m: float) -> Found:
    """Those of ``lattice`` on the object's own storey, within 1 m of its footprint, that it is seen from.

    Distances are horizontal, to its axis-aligned box. It is seen where a ray from the eye to one of its
    surface points hits it first, whichever way the body looks.
    """
    near = _on_storey(lattice[_beside(lattice[:, :2], thing)], thing)
    eyes = near + np.array([0.0, 0.0, eye_height_m])
    seen = np.zeros(len(near), bool)
    for first in range(0, len(thing.surface), _RAYS_AT_ONCE):
        targets = thing.surface[first : first + _RAYS_AT_ONCE]
        blind = np.flatnonzero(~seen)
        if not len(blind):
            break
        rays = (targets[None] - eyes[blind, None]).reshape(-1, 3)
        hit = sight.first_instance(np.repeat(eyes[blind], len(targets), 0), rays)
        seen[blind] = (hit == thing.instance).reshape(len(blind), -1).any(1)
    return near[seen]


def _beside(points: Float[np.ndarray, "n 2"], thing: Thing) -> np.ndarray:
    outside = np.maximum(thing.low[:2] - points, points - thing.high[:2]).clip(0)
    return (outside**2).sum(-1) <= WITHIN_M**2


def _on_storey(points: Points, thing: Thing) -> Found:
    """Those at the height of the floor that most of them share, of the floors below the thing."""
    above = thing.low[2] - points[:, 2]
    points = points[(above >= -_SUNK_M) & (above <= _ABOVE_FLOOR_M)]
    if not len(points):
        return points
    steps, counts = np.unique(np.floor(points[:, 2] / _STOREY_M), return_counts=True)
    level = steps[np.argmax(counts)]
    floor_m = np.median(points[np.floor(points[:, 2] / _STOREY_M) == level, 2])
    return points[np.abs(points[:, 2] - floor_m) <= _STOREY_M]
