"""A* over the agent's ground map, through what it has not seen as if it were free.

A node is a column and a layer: one of its known floors, or ``LAYERS``, the unknown: a column without a floor
that nothing known blocks. An unknown column is taken to lie as high as the one it was entered from.
"""

from typing import no_type_check

import numpy as np
from numba import njit

from placecell.heap import pop, push

from .columns import LAYERS, NONE, blocks, clearance, floor_near

NODES = LAYERS + 1  # nodes a column
UNCHARTED = 255
_SEEN_THROUGH, _UNSEEN = 0.02, 0.1  # extra price of ground without a known floor
_HOLE = 3.0  # extra price where it was seen free to below the ground: a drop, or a slope seen thinly
_BUMP = 20.0  # extra price for each time the body ran into something there
_LOYALTY = 0.85  # of the price, on the way already planned: two ways alike would have it turn back and forth
_STEEPEST = 0.7  # rise over run of ground that nobody has seen


@njit(cache=True)
@no_type_check
def enter(columns, gait, x, y, k, gap):
    """The layer of a column entered from height ``k`` after ``gap`` cells of unknown (0: a floor), or -1."""
    if columns.floors[x, y, 0] == NONE:
        return -1 if blocks(columns, gait, x, y, k, 1) else LAYERS
    layer = floor_near(columns, x, y, k, gait.climb + int(_STEEPEST * gap))
    if layer == -1 or gap == 0:
        return layer
    floor = columns.floors[x, y, layer]
    # From the unknown one could come onto anything near: the top of a wall reaches down to the ground.
    wall_top = floor > k + gait.climb and columns.low[x, y] < floor - gait.climb
    return -1 if wall_top else layer


@njit(cache=True)
@no_type_check
def _price(columns, gait, x, y, k, unknown, room):
    """What a cell's length of way through a column costs: 1, and more where it is narrow or uncertain."""
    price = 1.0
    if unknown:
        price += _SEEN_THROUGH if columns.seen[x, y] else _UNSEEN
        if columns.free[x, y] != NONE and columns.free[x, y] < k - gait.climb:
            price += _HOLE
    if room <= gait.radius:
        price += 2.0
    elif room <= gait.radius + 2:
        price += 0.3 if room == gait.radius + 1 else 0.1
    price += _BUMP * columns.bumped[x, y]
    return price * _LOYALTY if columns.planned[x, y] else price


@njit(cache=True)
@no_type_check
def slips_through(columns, gait, x, y, mx, my, k):
    """Whether a step goes diagonally between two columns in the way: their corners leave no room."""
    diagonal = x != mx and y != my
    return diagonal and blocks(columns, gait, x, my, k, 1) and blocks(columns, gait, mx, y, k, 1)


@njit(cache=True)
@no_type_check
def _trace(rows, parent, level, found):
    count, node = 0, found
    while node != -1:
        count, node = count + 1, parent[node]
    path, node = np.empty((count, 4), np.int32), found
    for i in range(count - 1, -1, -1):
        path[i, 0], path[i, 1] = node // NODES // rows, node // NODES % rows
        path[i, 2], path[i, 3] = level[node], node % NODES == LAYERS
        node = parent[node]
    return path


@njit(cache=True)
@no_type_check
def search(columns, gait, sx, sy, sk, gx, gy, gk, storey):
    """The cheapest way from column ``(sx, sy)`` to ``(gx, gy)``: nodes ``(x, y, height, unknown)``, or none.

    ``sk`` and ``gk`` are heights; ``storey``: how far the goal's floor may be from ``gk``. Near start and
    goal a body may be closer to obstacles than its radius.
    """
    across, rows = columns.low.shape
    cost = np.full(across * rows * NODES, np.inf, np.float32)
    parent, level = np.full(len(cost), -1, np.int32), np.empty(len(cost), np.int16)
    gap, room = np.empty(len(cost), np.float32), np.full(len(cost), UNCHARTED, np.uint8)
    closed = np.zeros(len(cost), np.uint8)
    keys, items = np.empty(65536), np.empty(65536, np.int32)
    layer = floor_near(columns, sx, sy, sk, 2 * gait.climb + 1)
    start = (sx * rows + sy) * NODES + (layer if layer >= 0 else LAYERS)
    cost[start], gap[start] = 0.0, 0.0
    level[start] = sk if layer == -1 else columns.floors[sx, sy, layer]
    heap, near = push(keys, items, 0, 0.0, start), gait.radius + 2
    while heap:
        node, heap = pop(keys, items, heap)
        if closed[node]:
            continue
        closed[node] = 1
        x, y, k = node // NODES // rows, node // NODES % rows, level[node]
        unknown = node % NODES == LAYERS
        if abs(x - gx) <= 1 and abs(y - gy) <= 1 and (unknown or abs(k - gk) <= storey):
            return _trace(rows, parent, level, node)
        for turn in range(9):
            mx, my = x + turn // 3 - 1, y + turn % 3 - 1
            if turn == 4 or mx < 0 or my < 0 or mx >= across or my >= rows:
                continue
            onto = enter(columns, gait, mx, my, k, gap[node])
            after = (mx * rows + my) * NODES + onto
            if onto == -1 or closed[after]:
                continue
            height = k if onto == LAYERS else columns.floors[mx, my, onto]
            if room[after] == UNCHARTED:
                room[after] = clearance(columns, gait, mx, my, height, gait.radius + 2)
            at_ends = max(abs(mx - sx), abs(my - sy)) <= near or max(abs(mx - gx), abs(my - gy)) <= near
            if room[after] == 0 or (room[after] <= gait.radius and not at_ends):
                continue
            if room[after] == 1 and slips_through(columns, gait, x, y, mx, my, height):
                continue
            length = np.hypot(mx - x, my - y)
            through = cost[node] + length * _price(columns, gait, mx, my, height, onto == LAYERS, room[after])
            if through < cost[after]:
                cost[after], parent[after], level[after] = through, node, height
                gap[after] = gap[node] + length if onto == LAYERS else 0.0
                if heap == len(keys):
                    keys = np.concatenate((keys, np.empty(heap)))
                    items = np.concatenate((items, np.empty(heap, np.int32)))
                heap = push(keys, items, heap, through + np.hypot(mx - gx, my - gy), after)
    return np.empty((0, 4), np.int32)


@njit(cache=True)
@no_type_check
def _clear_line(columns, gait, x, y, k, tx, ty):
    length = np.hypot(tx - x, ty - y)
    steps = int(length * 2) + 1
    for s in range(1, steps + 1):
        cx, cy = int(np.floor(x + (tx - x) * s / steps)), int(np.floor(y + (ty - y) * s / steps))
        layer = floor_near(columns, cx, cy, k, 2 * gait.climb)
        if layer >= 0:
            k = columns.floors[cx, cy, layer]
        elif columns.floors[cx, cy, 0] != NONE:
            return False
        if columns.bumped[cx, cy]:
            return False
        # Whoever stands close to a wall may leave it in a straight line.
        wanted = gait.radius if np.hypot(cx + 0.5 - x, cy + 0.5 - y) > gait.radius + 1 else 0
        if clearance(columns, gait, cx, cy, k, wanted) <= wanted:
            return False
    return True


@njit(cache=True)
@no_type_check
def farthest_straight(columns, gait, path, x, y, k, limit):
    """Index of the last path node that a straight line from ``(x, y)`` (in cells) reaches with clearance.

    At least 1, the path's next node; ``limit`` bounds the line's length in cells.
    """
    best = min(1, len(path) - 1)
    for index in range(2, len(path)):
        tx, ty = path[index, 0] + 0.5, path[index, 1] + 0.5
        if np.hypot(tx - x, ty - y) > limit:
            break
        if _clear_line(columns, gait, x, y, k, tx, ty):
            best = index
    return best
