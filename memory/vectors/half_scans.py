"""Scans of half floats: all rows, or those that are listed."""

from typing import no_type_check

import numpy as np
from numba import njit

from .best import take
from .halves import half_dot, prefetch
from .vector_rows import NUMBER

AHEAD, LINE = 8, 64
"""Rows between the one that is fetched and the one that is looked at, and bytes that are fetched at once."""


@njit(cache=True)
@no_type_check
def scan_all(base, used, query, columns, column, rows, cosines):
    """The best rows for one unit vector, into ``rows`` and ``cosines`` (k,); returns how many.

    Args:
        base: address of the half floats of ``used`` rows.
        used: how many there are.
        query: (d,) float32.
        columns: (n, c) of the rows.
        column: only rows with 0 or more in it; below 0: all.
        rows: (k,) int64.
        cosines: (k,) float32.
    """
    count, width, numbers = 0, len(query), np.empty(len(rows), np.int64)
    for row in range(used):
        if column < 0 or columns[row, column] >= 0:
            cosine = half_dot(base + 2 * width * row, query.ctypes.data, width)
            count = take(rows, cosines, numbers, count, row, cosine, columns[row, NUMBER])
    return count


@njit(cache=True)
@no_type_check
def scan_listed(base, listed, query, columns, rows, cosines):
    """The same among listed rows, which lie anywhere: each is fetched while others are looked at."""
    count, width, numbers = 0, len(query), np.empty(len(rows), np.int64)
    for n in range(len(listed)):
        if n + AHEAD < len(listed):
            following = base + 2 * width * listed[n + AHEAD]
            for line in range(0, 2 * width, LINE):
                prefetch(following + line)
        cosine = half_dot(base + 2 * width * listed[n], query.ctypes.data, width)
        count = take(rows, cosines, numbers, count, listed[n], cosine, columns[listed[n], NUMBER])
    return count


@njit(cache=True)
@no_type_check
def cosines_of(base, listed, query, cosines):
    """The cosine of each listed row with one unit vector, into ``cosines``."""
    width = len(query)
    for n in range(len(listed)):
        cosines[n] = half_dot(base + 2 * width * listed[n], query.ctypes.data, width)
