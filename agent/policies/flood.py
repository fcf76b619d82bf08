"""The price of every place from the body, over known floors and a little way through the unknown."""

from dataclasses import dataclass
from typing import NamedTuple, no_type_check

import numpy as np
from numba import njit

from placecell.arrays import Point
from placecell.heap import pop, push

from .columns import LAYERS, NONE, clearance, floor_near
from .optimistic_search import NODES, UNCHARTED, enter, slips_through

_UNKNOWN = 1.0  # extra price of ground without a known floor: it may not be there
_HOLE = 3.0  # as the search's: where it was seen free to below the ground
_BUMP = 20.0
_NARROW = 2.0


class Flooded(NamedTuple):
    """Nodes are columns and layers, as the search's: known floors, then the unknown.

    ``cost`` (x, y, NODES) float32: priced way from the body in cells, infinite where none leads;
    ``level`` (x, y, NODES) int16: the height of the floor there, in voxels.
    """

    cost: np.ndarray
    level: np.ndarray


@dataclass(frozen=True)
class Flood:
    """A flood with the place of its cells in the world: ``origin`` (2,) is the index of cell (0, 0)."""

    nodes: Flooded
    origin: np.ndarray
    size_m: float

    def point(self, x: int, y: int, node: int) -> Point:
        """Where feet stand at a node, metres."""
        level = int(self.nodes.level[x, y, node])
        across, up = (np.array([x, y]) + self.origin + 0.5) * self.size_m
        return np.array([across, up, (level + 1) * self.size_m])

    def cost_m(self, x: int, y: int, node: int) -> float:
        """The priced way to a node in metres."""
        return float(self.nodes.cost[x, y, node]) * self.size_m


@njit(cache=True)
@no_type_check
def _price(columns, gait, x, y, k, unknown, room):
    """What a cell's length of way through a column costs."""
    price = 1.0
    if unknown:
        price += _UNKNOWN
        if columns.free[x, y] != NONE and columns.free[x, y] < k - gait.climb:
            price += _HOLE
    elif room <= gait.radius:
        price += _NARROW
    return price + _BUMP * columns.bumped[x, y]


@njit(cache=True)
@no_type_check
def flood(columns, gait, sx, sy, sk, widest_gap):
    """Dijkstra from column ``(sx, sy)`` at height ``sk``, at most ``widest_gap`` cells off known floors.

    A body keeps its radius from what stands in the way, but for where it starts.
    """
    across, rows = columns.low.shape
    cost = np.full((across, rows, NODES), np.inf, np.float32)
    level = np.zeros((across, rows, NODES), np.int16)
    gap = np.zeros((across, rows, NODES), np.float32)
    room = np.full((across, rows, NODES), UNCHARTED, np.uint8)
    closed = np.zeros((across, rows, NODES), np.uint8)
    keys, items = np.empty(65536), np.empty(65536, np.int32)
    layer = floor_near(columns, sx, sy, sk, 2 * gait.climb + 1)
    first = layer if layer >= 0 else LAYERS
    cost[sx, sy, first] = 0.0
    level[sx, sy, first] = sk if layer == -1 else columns.floors[sx, sy, layer]
    heap, near = push(keys, items, 0, 0.0, (sx * rows + sy) * NODES + first), gait.radius + 2
    while heap:
        at, heap = pop(keys, items, heap)
        x, y, node = at // NODES // rows, at // NODES % rows, at % NODES
        if closed[x, y, node]:
            continue
        closed[x, y, node] = 1
        k = level[x, y, node]
        for turn in range(9):
            mx, my = x + turn // 3 - 1, y + turn % 3 - 1
            if turn == 4 or mx < 0 or my < 0 or mx >= across or my >= rows:
                continue
            onto = enter(columns, gait, mx, my, k, gap[x, y, node])
            if onto == -1 or closed[mx, my, onto]:
                continue
            length = np.hypot(mx - x, my - y)
            unknown = onto == LAYERS
            beyond = gap[x, y, node] + length if unknown else 0.0
            if beyond > widest_gap:
                continue
            height = k if unknown else columns.floors[mx, my, onto]
            if room[mx, my, onto] == UNCHARTED:
                room[mx, my, onto] = clearance(columns, gait, mx, my, height, gait.radius + 1)
            space, at_start = room[mx, my, onto], max(abs(mx - sx), abs(my - sy)) <= near
            if space == 0 or (space <= gait.radius and not at_start):
                continue
            if space == 1 and slips_through(columns, gait, x, y, mx, my, height):
                continue
            through = cost[x, y, node] + length * _price(columns, gait, mx, my, height, unknown, space)
            if through < cost[mx, my, onto]:
                cost[mx, my, onto], level[mx, my, onto], gap[mx, my, onto] = through, height, beyond
                if heap == len(keys):
                    keys = np.concatenate((keys, np.empty(heap)))
                    items = np.concatenate((items, np.empty(heap, np.int32)))
                heap = push(keys, items, heap, through, (mx * rows + my) * NODES + onto)
    return Flooded(cost, level)
