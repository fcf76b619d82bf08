"""Which tops of solid spans carry a body: low kerbs yes, ledges and crawl spaces no (Recast's filters)."""

from typing import no_type_check

import numpy as np
from numba import njit

from .rasterise import HIGH, LOW, NEXT, WALKABLE

SKY = 1 << 28  # a ceiling higher than any


@njit(cache=True)
@no_type_check
def keep_low_kerbs(heads, spans, climb):
    """An unwalkable top is walkable after all if it stands within ``climb`` above a walkable one."""
    for head in heads:
        below_walkable, below_high = False, 0
        at = head
        while at != -1:
            walkable = spans[at, WALKABLE] != 0
            if not walkable and below_walkable and abs(spans[at, HIGH] - below_high) <= climb:
                spans[at, WALKABLE] = 1
            below_walkable, below_high = walkable, spans[at, HIGH]
            at = spans[at, NEXT]


@njit(cache=True)
@no_type_check
def _ceiling(spans, at):
    return spans[spans[at, NEXT], LOW] if spans[at, NEXT] != -1 else SKY


@njit(cache=True)
@no_type_check
def drop_ledges(heads, spans, columns, rows, height, climb):
    """A top beside a drop deeper than ``climb``, or on ground steeper than a step, carries nobody."""
    ledge = np.zeros(len(spans), np.uint8)
    for row in range(rows):
        for column in range(columns):
            at = heads[row * columns + column]
            while at != -1:
                if spans[at, WALKABLE] != 0:
                    ledge[at] = _is_ledge(heads, spans, columns, rows, height, climb, row, column, at)
                at = spans[at, NEXT]
    for at in range(len(spans)):
        if ledge[at]:
            spans[at, WALKABLE] = 0


@njit(cache=True)
@no_type_check
def _is_ledge(heads, spans, columns, rows, height, climb, row, column, at):
    floor, ceiling = spans[at, HIGH], _ceiling(spans, at)
    deepest, lowest, highest = SKY, floor, floor
    for side in range(4):
        c = column + (-1, 0, 1, 0)[side]
        r = row + (0, 1, 0, -1)[side]
        if c < 0 or r < 0 or c >= columns or r >= rows:
            return 1
        near = heads[r * columns + c]
        near_ceiling = spans[near, LOW] if near != -1 else SKY
        if min(ceiling, near_ceiling) - max(floor, -climb) > height:
            deepest = min(deepest, -climb - floor)
        while near != -1:
            near_floor, near_ceiling = spans[near, HIGH], _ceiling(spans, near)
            if min(ceiling, near_ceiling) - max(floor, near_floor) > height:
                deepest = min(deepest, near_floor - floor)
                if abs(near_floor - floor) <= climb:
                    lowest, highest = min(lowest, near_floor), max(highest, near_floor)
            near = spans[near, NEXT]
    return 1 if deepest < -climb or highest - lowest > climb else 0


@njit(cache=True)
@no_type_check
def drop_crawl_spaces(spans, height):
    """A top with no more than ``height`` free quanta above it carries nobody."""
    for at in range(len(spans)):
        if _ceiling(spans, at) - spans[at, HIGH] <= height:
            spans[at, WALKABLE] = 0
