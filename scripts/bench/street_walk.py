"""A walk without end through streets between round towers under a roof: small depth frames, made by formula.

Crossings lie on a square grid. A walker turns at each by chance, never back, and never leaves the grid; so it
sees most places for the first time at first, and comes back to them later.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32, Float64

from placecell.arrays import Transform, generator
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame

from .memory_hall import see_cylinder

CAMERA = Pinhole.from_hfov(48, 36, np.radians(79.0))
MAX_DEPTH_M = 5.0
BLOCK_M = 5.0
STEPS_A_BLOCK = 20
LABELS = 12
_ROOF_M, _EYE_M = 3.0, 1.5
_LEAST_M, _MOST_M = 0.6, 1.9
_AHEAD = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])


def walk(steps: int, side: int, seed: int = 0) -> Iterator[Frame]:
    """A frame a step, with colours and labels; the same for the same arguments.

    Args:
        steps: how many.
        side: of the grid, in blocks.
        seed: of the towers and the turns.
    """
    rng = generator(seed, "street walk, towers")
    towers = Towers(rng.uniform(_LEAST_M, _MOST_M, (side, side)), rng.integers(1, LABELS + 1, (side, side)))
    turns, rays = generator(seed, "street walk, turns"), CAMERA.rays()
    at, heading = np.array([side // 2, side // 2]), 0
    step = 0
    while True:
        before, heading = heading, _next_heading(at, heading, side, turns)
        turn = (heading - before + 1) % 4 - 1
        for n in range(STEPS_A_BLOCK):
            if step == steps:
                return
            share = n / STEPS_A_BLOCK
            x, y = (at + _AHEAD[heading] * share) * BLOCK_M
            yaw = np.pi / 2 * (before + turn * min(1.0, 4 * share)) + 0.5 * np.sin(0.7 * step)
            T = Pose(x, y, 0.0, float(yaw), float(0.2 * np.sin(0.37 * step))).T_world_camera(_EYE_M)
            yield towers.seen(T, rays, step)
            step += 1
        at = at + _AHEAD[heading]


class Towers:
    """A tower in the middle of each block.

    Args:
        radii_m: (side, side) of each.
        labels: (side, side) its category.
    """

    def __init__(self, radii_m: Float64[np.ndarray, "s s"], labels: np.ndarray) -> None:
        self._radii_m, self._labels = radii_m.astype(np.float32), labels.astype(np.int32)

    def seen(self, T_world_camera: Transform, rays: Float64[np.ndarray, "h w 3"], step: int) -> Frame:
        """What a camera shows: floor and roof without a label, towers with theirs."""
        # No matrix product: threads of a BLAS that wait would count as what is measured next.
        directions = np.einsum("ij,hwj->hwi", T_world_camera[:3, :3], rays).astype(np.float32)
        origin = T_world_camera[:3, 3].astype(np.float32)
        with np.errstate(divide="ignore"):
            up = directions[..., 2] > 0
            depth = np.where(up, _ROOF_M - origin[2], -origin[2]) / directions[..., 2]
        labels = np.zeros(depth.shape, np.int32)
        for i, j in self._near(origin):
            axis = (np.array([i, j], np.float32) + np.float32(0.5)) * np.float32(BLOCK_M) - origin[:2]
            see_cylinder(axis, self._radii_m[i, j], int(self._labels[i, j]), directions, depth, labels)
        beyond = ~(depth < MAX_DEPTH_M)
        depth[beyond], labels[beyond] = 0, 0
        shade = np.where(labels > 0, 40 + 15 * labels, np.where(up, 230, 90)).astype(np.uint8)
        rgb = np.stack([shade, 255 - shade, (shade * np.uint8(7))], -1)
        return Frame(T_world_camera, CAMERA, depth.astype(np.float32), rgb, labels, step=step)

    def _near(self, origin: Float32[np.ndarray, "3"]) -> list[tuple[int, int]]:
        """The towers that may be seen from a point."""
        reach, side = MAX_DEPTH_M * 1.3 + _MOST_M, len(self._radii_m)
        lower, upper = ((origin[:2] + sign * reach) / BLOCK_M - 0.5 for sign in (-1, 1))
        first = np.clip(np.ceil(lower), 0, side).astype(int).tolist()
        last = np.clip(np.floor(upper) + 1, 0, side).astype(int).tolist()
        return [(i, j) for i in range(first[0], last[0]) for j in range(first[1], last[1])]


def _next_heading(at: np.ndarray, heading: int, side: int, turns: np.random.Generator) -> int:
    """Ahead, left or right, whatever stays on the grid; back where nothing else does."""
    ways = [way % 4 for way in (heading, heading + 1, heading - 1)]
    free = [way for way in ways if bool(((at + _AHEAD[way] >= 1) & (at + _AHEAD[way] < side)).all())]
    return int(turns.choice(free)) if free else (heading + 2) % 4
