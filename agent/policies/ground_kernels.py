"""Numba kernels of the agent's own ground map: floors out of voxel states, clearance, optimistic search.

A node is a column (x, y) with a layer: 0 .. LAYERS-1 is one of its known floors, LAYERS the unknown: a column
without a floor that nothing known blocks. The search goes through the unknown as if it were free.
"""

from typing import no_type_check

import numpy as np
from numba import njit

from placecell.envs.navmesh.anyangle import pop, push

LAYERS = 3
NONE = -32768
_OCCUPIED, _FREE = 2, 1
_STEEPEST = 0.7  # rise over run of ground that nobody has seen


@njit(cache=True)
@no_type_check
def _seen_from_above(column, z):
    """Whether the space just above a voxel was seen free: a floor's is, a ceiling's or a wall's is not."""
    for above in range(z + 1, min(z + 3, len(column))):
        if column[above] == _FREE:
            return True
    return False


@njit(cache=True)
@no_type_check
def read_columns(states, x0, y0, z0, height, floors, low, high, seen):
    """Writes the columns of a dense box of states into the map at offset ``(x0, y0)``; ``z0`` is its lowest index.

    A floor is an occupied voxel that was seen from above, with no occupied one in the ``height`` above it.
    """
    for x in range(states.shape[0]):
        for y in range(states.shape[1]):
            mx, my, column = x + x0, y + y0, states[x, y]
            found, above, known = LAYERS, z0 + len(column) + height, False
            lowest, highest = NONE, NONE
            for layer in range(LAYERS):
                floors[mx, my, layer] = NONE
            for z in range(len(column) - 1, -1, -1):
                known = known or column[z] == _FREE
                if column[z] != _OCCUPIED:
                    continue
                at = z + z0
                highest = at if highest == NONE else highest
                lowest = at
                if above - at > height and found > 0 and _seen_from_above(column, z):
                    found -= 1
                    floors[mx, my, found] = at
                above = at
            for layer in range(LAYERS - found):
                floors[mx, my, layer] = floors[mx, my, layer + found]
            for layer in range(LAYERS - found, LAYERS):
                floors[mx, my, layer] = NONE
            low[mx, my], high[mx, my] = lowest, highest
            seen[mx, my] = known or lowest != NONE


@njit(cache=True)
@no_type_check
def floor_near(floors, x, y, k, reach):
    """The layer of a column whose floor is nearest to height ``k`` and within ``reach``; -1 if none."""
    best, best_layer = reach + 1, -1
    for layer in range(LAYERS):
        floor = floors[x, y, layer]
        if floor == NONE:
            break
        if abs(floor - k) < best:
            best, best_layer = abs(floor - k), layer
    return best_layer


@njit(cache=True)
@no_type_check
def _blocks(floors, steep, low, high, bumped, x, y, k, climb, height, ring):
    """Whether a column stands in the way of a body whose feet are at height ``k``, ``ring`` cells away."""
    if bumped[x, y]:
        return True
    if floors[x, y, 0] != NONE:
        layer = floor_near(floors, x, y, k, climb * max(ring, 1))
        return layer < 0 or steep[x, y, layer]
    return low[x, y] != NONE and low[x, y] <= k + height and high[x, y] > k + climb


@njit(cache=True)
@no_type_check
def clearance(floors, steep, low, high, bumped, x, y, k, climb, height, reach):
    """Cells to the nearest column in the way (rounded down, at most ``reach`` + 1)."""
    nearest = (reach + 1) * (reach + 1)
    for dx in range(-reach, reach + 1):
        for dy in range(-reach, reach + 1):
            away = dx * dx + dy * dy
            nx, ny = x + dx, y + dy
            if away >= nearest or nx < 0 or ny < 0 or nx >= low.shape[0] or ny >= low.shape[1]:
                continue
            if _blocks(floors, steep, low, high, bumped, nx, ny, k, climb, height, max(abs(dx), abs(dy))):
                nearest = away
    return int(np.sqrt(nearest))


@njit(cache=True)
@no_type_check
def _is_steep(floors, x, y, k, climb):
    """Whether the ground around a floor at height ``k`` rises by more than about 47 degrees."""
    for half, most in ((2, 25), (3, 42)):
        rise = 0
        for dx, dy in ((half, 0), (0, half)):
            if x < dx or y < dy or x + dx >= floors.shape[0] or y + dy >= floors.shape[1]:
                continue
            one = floor_near(floors, x + dx, y + dy, k, half * climb)
            other = floor_near(floors, x - dx, y - dy, k, half * climb)
            if one >= 0 and other >= 0:
                rise += (floors[x + dx, y + dy, one] - floors[x - dx, y - dy, other]) ** 2
        if rise > most:
            return True
    return False


@njit(cache=True)
@no_type_check
def mark_steep(floors, steep, x0, y0, x1, y1, climb):
    """Writes into ``steep`` which floors of the columns in [x0, x1) x [y0, y1) are too steep to stand on."""
    for x in range(x0, x1):
        for y in range(y0, y1):
            for layer in range(LAYERS):
                k = floors[x, y, layer]
                steep[x, y, layer] = k != NONE and _is_steep(floors, x, y, k, climb)


@njit(cache=True)
@no_type_check
def _is_wall_top(floors, low, x, y, layer, k, climb):
    """Whether a floor above height ``k`` is the top of something that stands on the ground, not of a ramp."""
    return floors[x, y, layer] > k + climb and low[x, y] < floors[x, y, layer] - climb


@njit(cache=True)
@no_type_check
def search(
    floors, steep, low, high, seen, bumped, sx, sy, sk, gx, gy, gk, climb, height, radius, relax, storey
):  # fmt: skip
    """A* from a floor through known and unknown ground; returns nodes ``(x, y, k, unknown)``, or none.

    Heights ``k`` are voxel indices. ``relax`` cells around start and goal need no clearance; ``storey`` is how
    far the goal's floor may be from ``gk``. Unknown columns take the start's height.
    """
    nx_, ny_ = low.shape
    per = LAYERS + 1
    cost = np.full(nx_ * ny_ * per, np.inf, np.float32)
    parent = np.full(nx_ * ny_ * per, -1, np.int32)
    closed = np.zeros(nx_ * ny_ * per, np.uint8)
    room = np.full(nx_ * ny_ * per, 255, np.uint8)
    keys, items = np.empty(65536), np.empty(65536, np.int32)
    layer = floor_near(floors, sx, sy, sk, 2 * climb + 1)
    start = (sx * ny_ + sy) * per + (layer if layer >= 0 else LAYERS)
    cost[start] = 0.0
    heap = push(keys, items, 0, 0.0, start)
    reach = radius + 2
    found = -1
    while heap:
        node, heap = pop(keys, items, heap)
        if closed[node]:
            continue
        closed[node] = 1
        layer = node % per
        x, y = node // per // ny_, node // per % ny_
        k = sk if layer == LAYERS else floors[x, y, layer]
        if abs(x - gx) <= 1 and abs(y - gy) <= 1 and (layer == LAYERS or abs(k - gk) <= storey):
            found = node
            break
        for dx in range(-1, 2):
            for dy in range(-1, 2):
                mx, my = x + dx, y + dy
                if (dx == 0 and dy == 0) or mx < 0 or my < 0 or mx >= nx_ or my >= ny_:
                    continue
                if floors[mx, my, 0] != NONE:
                    reachable = climb
                    if layer == LAYERS:
                        reachable += int(_STEEPEST * np.hypot(mx - sx, my - sy))
                    onto = floor_near(floors, mx, my, k, reachable)
                    if onto < 0 or (layer == LAYERS and _is_wall_top(floors, low, mx, my, onto, k, climb)):
                        continue
                    mk, extra = floors[mx, my, onto], 0.0
                else:
                    if _blocks(floors, steep, low, high, bumped, mx, my, k, climb, height, 1):
                        continue
                    onto, mk, extra = LAYERS, sk, 0.02 if seen[mx, my] else 0.1
                after = (mx * ny_ + my) * per + onto
                if closed[after]:
                    continue
                if room[after] == 255:
                    room[after] = clearance(floors, steep, low, high, bumped, mx, my, mk, climb, height, reach)
                tight = room[after] <= radius
                near = max(abs(mx - sx), abs(my - sy)) <= relax or max(abs(mx - gx), abs(my - gy)) <= relax
                if (tight and not near) or room[after] == 0:
                    continue
                if tight:
                    extra += 2.0
                elif room[after] == radius + 1:
                    extra += 0.3
                elif room[after] == radius + 2:
                    extra += 0.1
                step = np.sqrt(dx * dx + dy * dy) * (1.0 + extra)
                through = cost[node] + step
                if through < cost[after]:
                    cost[after], parent[after] = through, node
                    if heap == len(keys):
                        keys = np.concatenate((keys, np.empty(heap)))
                        items = np.concatenate((items, np.empty(heap, np.int32)))
                    heap = push(keys, items, heap, through + np.hypot(mx - gx, my - gy), after)
    length, node = 0, found
    while node != -1:
        length, node = length + 1, parent[node]
    path = np.empty((length, 4), np.int32)
    node = found
    for i in range(length - 1, -1, -1):
        layer = node % per
        x, y = node // per // ny_, node // per % ny_
        path[i, 0], path[i, 1] = x, y
        path[i, 2] = sk if layer == LAYERS else floors[x, y, layer]
        path[i, 3] = 1 if layer == LAYERS else 0
        node = parent[node]
    return path


@njit(cache=True)
@no_type_check
def farthest_straight(floors, steep, low, high, bumped, path, x, y, k, climb, height, radius, limit):
    """Index of the last path node that a straight line from ``(x, y)`` reaches with clearance.

    ``x, y`` are in cells; at least 1 (the path's next node). ``limit`` bounds the line's length in cells.
    """
    best = min(1, len(path) - 1)
    for index in range(2, len(path)):
        tx, ty = path[index, 0] + 0.5, path[index, 1] + 0.5
        length = np.hypot(tx - x, ty - y)
        if length > limit:
            break
        steps = int(length * 2) + 1
        at, clear = k, True
        for s in range(1, steps + 1):
            cx, cy = int(np.floor(x + (tx - x) * s / steps)), int(np.floor(y + (ty - y) * s / steps))
            layer = floor_near(floors, cx, cy, at, 2 * climb)
            if layer >= 0:
                at = floors[cx, cy, layer]
            elif floors[cx, cy, 0] != NONE:
                clear = False
                break
            away = min(np.hypot(cx + 0.5 - x, cy + 0.5 - y), length)
            wanted = radius if away > radius + 1 else 0
            if clearance(floors, steep, low, high, bumped, cx, cy, at, climb, height, wanted) <= wanted:
                clear = False
                break
        if clear:
            best = index
    return best
