"""Triangles to solid spans: for each grid column, the intervals of height that matter fills."""

from typing import no_type_check

import numpy as np
from jaxtyping import Bool
from numba import njit

from placecell.arrays import Faces, Points

# Columns of the span pool. ``NEXT`` links the spans of one column from low to high.
LOW, HIGH, WALKABLE, NEXT = 0, 1, 2, 3


def walkable_faces(vertices: Points, faces: Faces, max_slope_deg: float) -> Bool[np.ndarray, "m"]:
    """Which triangles face up at no more than ``max_slope_deg`` (world frame, z up)."""
    a, b, c = (vertices[faces[:, i]].astype(np.float64) for i in range(3))
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1)
    return normal[:, 2] > np.cos(np.radians(max_slope_deg)) * length


@njit(cache=True)
@no_type_check
def _clip(polygon, count, axis, limit, keep_below, out):
    """Keeps the part of a convex polygon on one side of ``polygon[axis] = limit``; returns its size."""
    kept = 0
    for i in range(count):
        j = i + 1 if i + 1 < count else 0
        a = polygon[i, axis] - limit
        b = polygon[j, axis] - limit
        if keep_below:
            a, b = -a, -b
        if a >= 0:
            out[kept] = polygon[i]
            kept += 1
        if (a > 0 and b < 0) or (a < 0 and b > 0):
            t = a / (a - b)
            for k in range(3):
                out[kept, k] = polygon[i, k] + t * (polygon[j, k] - polygon[i, k])
            kept += 1
    return kept


@njit(cache=True)
@no_type_check
def _insert(heads, spans, tops, used, column, low, high, top, walkable, climb):
    """Adds a span to a column, merged with those it touches; the pool must have a free row at ``used``.

    A walkable flag survives a merge when the tops are within ``climb`` (Recast's rule: a low kerb on
    walkable ground stays walkable).
    """
    before = -1
    at = heads[column]
    while at != -1 and spans[at, LOW] <= high:
        if spans[at, HIGH] < low:
            before = at
            at = spans[at, NEXT]
            continue
        low = min(low, spans[at, LOW])
        if spans[at, HIGH] > high:
            high = spans[at, HIGH]
        top = max(top, tops[at])
        if abs(high - spans[at, HIGH]) <= climb:
            walkable = max(walkable, spans[at, WALKABLE])
        at = spans[at, NEXT]
        if before == -1:
            heads[column] = at
        else:
            spans[before, NEXT] = at
    spans[used, LOW], spans[used, HIGH], spans[used, WALKABLE] = low, high, walkable
    spans[used, NEXT] = at
    tops[used] = top
    if before == -1:
        heads[column] = used
    else:
        spans[before, NEXT] = used
    return used + 1


@njit(cache=True)
@no_type_check
def rasterise(vertices, faces, walkable, origin, cell_size, cell_height, columns, rows, climb):
    """Solid spans of a mesh whose coordinates are already (column axis, row axis, up).

    Returns ``(heads, spans, tops)``: ``heads[row * columns + column]`` is the lowest span's row in
    ``spans`` (or -1), ``tops`` the unquantised upper height of each span in metres.
    """
    heads = np.full(columns * rows, -1, np.int32)
    spans = np.empty((max(1024, len(faces) * 4), 4), np.int32)
    tops = np.empty(len(spans), np.float64)
    used = 0
    triangle, strip = np.empty((12, 3)), np.empty((12, 3))
    left, cell, spare = np.empty((12, 3)), np.empty((12, 3)), np.empty((12, 3))
    for face in range(len(faces)):
        for i in range(3):
            for k in range(3):
                triangle[i, k] = vertices[faces[face, i], k] - origin[k]
        lowest_row = min(triangle[0, 1], triangle[1, 1], triangle[2, 1])
        highest_row = max(triangle[0, 1], triangle[1, 1], triangle[2, 1])
        first_row = min(max(int(np.floor(lowest_row / cell_size)), 0), rows - 1)
        last_row = min(max(int(np.floor(highest_row / cell_size)), 0), rows - 1)
        for row in range(first_row, last_row + 1):
            n = _clip(triangle, 3, 1, row * cell_size, False, spare)
            n = _clip(spare, n, 1, (row + 1) * cell_size, True, strip)
            if n < 3:
                continue
            low_x, high_x = strip[0, 0], strip[0, 0]
            for i in range(1, n):
                low_x, high_x = min(low_x, strip[i, 0]), max(high_x, strip[i, 0])
            first = min(max(int(np.floor(low_x / cell_size)), 0), columns - 1)
            last = min(max(int(np.floor(high_x / cell_size)), 0), columns - 1)
            for column in range(first, last + 1):
                m = _clip(strip, n, 0, column * cell_size, False, left)
                m = _clip(left, m, 0, (column + 1) * cell_size, True, cell)
                if m < 3:
                    continue
                low_z, high_z = cell[0, 2], cell[0, 2]
                for i in range(1, m):
                    low_z, high_z = min(low_z, cell[i, 2]), max(high_z, cell[i, 2])
                low = max(int(np.floor(low_z / cell_height)), 0)
                high = max(int(np.ceil(high_z / cell_height)), low + 1)
                if used == len(spans):
                    bigger, taller = np.empty((2 * used, 4), np.int32), np.empty(2 * used, np.float64)
                    bigger[:used], taller[:used] = spans, tops
                    spans, tops = bigger, taller
                used = _insert(
                    heads, spans, tops, used, row * columns + column, low, high, high_z + origin[2],
                    1 if walkable[face] else 0, climb,
                )  # fmt: skip
    return heads, spans[:used], tops[:used]
