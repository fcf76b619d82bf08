"""Frontiers: where ground that the body can reach borders on ground that nobody has seen (Yamauchi 1997)."""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from numba import njit

from placecell.arrays import Point

from .columns import LAYERS, NONE, Columns, Gait, blocks, floor_near
from .flood import Flood
from .optimistic_search import NODES

_LOW_SHARE = (
    0.7  # of a body's height: who has seen the air this low over the ground has seen what stands there
)


@dataclass(frozen=True)
class Frontier:
    """One stretch of border: where to stand, what the way there costs in metres, its length in cells."""

    position: Point
    cost_m: float
    cells: int


@njit(cache=True)
@no_type_check
def _unseen(columns, gait, x, y, k):
    """Whether nobody has seen what is on the ground of a column, for feet at height ``k``.

    Where the ceiling is known, or the air above a sofa that hides the floor, the ground is not.
    """
    if not columns.seen[x, y]:
        return True
    if floor_near(columns, x, y, k, 2 * gait.climb) >= 0 or blocks(columns, gait, x, y, k, 1):
        return False
    return columns.free[x, y] == NONE or columns.free[x, y] > k + gait.height * _LOW_SHARE


@njit(cache=True)
@no_type_check
def _on_border(columns, gait, x, y, k):
    if _unseen(columns, gait, x, y, k):
        return False
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        nx, ny = x + dx, y + dy
        inside = 0 <= nx < columns.seen.shape[0] and 0 <= ny < columns.seen.shape[1]
        if inside and _unseen(columns, gait, nx, ny, k):
            return True
    return False


@njit(cache=True)
@no_type_check
def _stretches(columns, gait, flooded):
    """``(n, 4)``: x, y, node and stretch of each border node; neighbours of like height are one stretch."""
    cost, level = flooded.cost, flooded.level
    across, rows = columns.seen.shape
    border = np.zeros(cost.shape, np.uint8)
    count = 0
    for x in range(across):
        for y in range(rows):
            for node in range(NODES):
                if cost[x, y, node] < np.inf and _on_border(columns, gait, x, y, level[x, y, node]):
                    border[x, y, node] = 1
                    count += 1
    found, done, stretch = np.empty((count, 4), np.int32), 0, 0
    for x in range(across):
        for y in range(rows):
            for node in range(NODES):
                if border[x, y, node] != 1:
                    continue
                border[x, y, node] = 2
                found[done, 0], found[done, 1], found[done, 2], found[done, 3] = x, y, node, stretch
                first, done = done, done + 1
                while first < done:
                    px, py, pn = found[first, 0], found[first, 1], found[first, 2]
                    first += 1
                    for mx in range(max(px - 1, 0), min(px + 2, across)):
                        for my in range(max(py - 1, 0), min(py + 2, rows)):
                            for mn in range(NODES):
                                level_by = abs(level[mx, my, mn] - level[px, py, pn]) <= gait.climb
                                if border[mx, my, mn] == 1 and level_by:
                                    border[mx, my, mn] = 2
                                    found[done, 0], found[done, 1] = mx, my
                                    found[done, 2], found[done, 3] = mn, stretch
                                    done += 1
                stretch += 1
    return found


def find_frontiers(columns: Columns, gait: Gait, flood: Flood, fewest_cells: int) -> list[Frontier]:
    """All stretches of at least so many cells that the flood reached, in the map's order."""
    found = _stretches(columns, gait, flood.nodes)
    frontiers = []
    starts = np.flatnonzero(np.diff(found[:, 3], prepend=-1))
    for members in np.split(found, starts[1:]) if len(found) else []:
        if len(members) < fewest_cells:
            continue
        x, y, node = members[:, 0], members[:, 1], members[:, 2]
        cost = flood.nodes.cost[x, y, node]
        middle = members[:, :2].mean(0)
        off = np.hypot(*(members[:, :2] - middle).T)
        # Known floor first: from there the rest is seen, and a body can surely stand on it.
        best = int(np.argmin(cost + off + np.where(node == LAYERS, 5.0, 0.0)))
        at = tuple(int(c) for c in members[best, :3])
        frontiers.append(Frontier(flood.point(*at), flood.cost_m(*at), len(members)))
    return frontiers


@njit(cache=True)
@no_type_check
def count_unseen(columns, gait, x, y, k, headings, half_view, reach):
    """(n,) unseen columns that a view of ``half_view`` to either side of each heading would look at.

    ``x``, ``y`` and ``reach`` are in cells; rays on the ground end at what stands in the way.
    """
    gains = np.zeros(len(headings), np.int64)
    looked = np.full(columns.seen.shape, -1, np.int32)
    rays = int(2 * half_view * reach) + 1
    for n in range(len(headings)):
        for ray in range(rays + 1):
            angle = headings[n] + half_view * (2 * ray / rays - 1)
            dx, dy = np.cos(angle), np.sin(angle)
            for step in range(1, int(reach) + 1):
                cx, cy = int(np.floor(x + dx * step)), int(np.floor(y + dy * step))
                if cx < 0 or cy < 0 or cx >= columns.seen.shape[0] or cy >= columns.seen.shape[1]:
                    break
                if _unseen(columns, gait, cx, cy, k):
                    if looked[cx, cy] != n:
                        looked[cx, cy] = n
                        gains[n] += 1
                elif NONE != columns.low[cx, cy] <= k + gait.height < columns.high[cx, cy]:
                    break
    return gains
