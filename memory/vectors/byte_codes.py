"""Rows in bytes beside their half floats: a first look that never misses a row.

A vector x becomes ``scale * c`` with c from -127 to 127, and the length e of what that leaves out is kept. By
Cauchy and Schwarz the product of two unit vectors is then known within ``e_x + e_y + e_x * e_y``, and only
rows that may still be among the best are looked at in half floats.
"""

from typing import no_type_check

import numpy as np
from numba import njit

from .best import take
from .byte_products import (
    BATCH_BLOCKS,
    BATCH_QUERIES,
    GROUP,
    LANES,
    SINGLE_BLOCKS,
    batch_products,
    single_products,
)
from .halves import from_half, half_dot
from .vector_rows import NUMBER, VectorRows

ROUNDING = np.float32(2e-5)
"""More than float32 sums, and lengths of vectors in half floats that are not quite one, can be off."""
_BIAS = 128
_LEAST = 1024
SINGLE_ROWS, BATCH_ROWS = SINGLE_BLOCKS * LANES, BATCH_BLOCKS * LANES


@njit(cache=True)
@no_type_check
def _scaled(largest):
    return np.float32(largest / np.float32(127)), np.float32(127) / largest if largest > 0 else np.float32(0)


@njit(cache=True)
@no_type_check
def _encode_rows(halves, stamps, since, codes, scales, errors):
    """The bytes of the rows that changed since: ``codes[block, group, lane, 4]``, 128 more than they say."""
    width = halves.shape[1]
    values = np.zeros(width, np.float32)
    for row in range(len(halves)):
        if stamps[row] <= since:
            continue
        largest = np.float32(0)
        for n in range(width):
            values[n] = from_half(halves[row, n])
            largest = max(largest, abs(values[n]))
        scale, inverse = _scaled(largest)
        block, lane, left = row // LANES, row % LANES, np.float32(0)
        for n in range(width):
            code = np.rint(values[n] * inverse)
            rest = values[n] - code * scale
            left += rest * rest
            codes[block, n // GROUP, lane, n % GROUP] = np.uint8(np.int32(code) + _BIAS)
        scales[row], errors[row] = scale, np.sqrt(left)


@njit(cache=True)
@no_type_check
def encode_query(query, codes):
    """The bytes of a unit vector: signed; returns scale, error and what the rows' bias adds to a product."""
    largest = np.float32(0)
    for n in range(len(query)):
        largest = max(largest, abs(query[n]))
    scale, inverse = _scaled(largest)
    left, total = np.float32(0), 0
    for n in range(len(query)):
        code = np.rint(query[n] * inverse)
        rest = query[n] - code * scale
        left += rest * rest
        codes[n] = np.int8(code)
        total += np.int32(code)
    return scale, np.float32(np.sqrt(left)), np.float32(_BIAS * total)


@njit(cache=True)
@no_type_check
def _any_reaches(products, scales, errors, scale, error, bias, worst):
    """Whether one of these rows may reach a cosine."""
    found = False
    for lane in range(len(products)):
        about = (np.float32(products[lane]) - bias) * scale * scales[lane]
        found |= about + errors[lane] * (np.float32(1) + error) + error + ROUNDING >= worst
    return found


@njit(cache=True)
@no_type_check
def _look(
    base,
    query,
    first,
    products,
    scales,
    errors,
    limits,
    bounds,
    columns,
    column,
    rows,
    cosines,
    numbers,
    count,
):
    """Takes those of a tile's rows among the best that are; returns how many there are then."""
    scale, error, bias = bounds
    used, width = limits
    k = len(rows)
    for lane in range(len(products)):
        row = first + lane
        if row >= used:
            break
        about = (np.float32(products[lane]) - bias) * scale * scales[lane]
        most = about + errors[lane] * (np.float32(1) + error) + error + ROUNDING
        if count == k and not most >= cosines[k - 1]:
            continue
        if column >= 0 and columns[row, column] < 0:
            continue
        cosine = half_dot(base + 2 * width * row, query, width)
        count = take(rows, cosines, numbers, count, row, cosine, columns[row, NUMBER])
    return count


@njit(cache=True)
@no_type_check
def scan_one(base, used, query, codes, scales, errors, columns, column, rows, cosines):
    """The best rows for one unit vector, into ``rows`` and ``cosines`` (k,); returns how many."""
    stride = codes.shape[1] * codes.shape[2] * codes.shape[3]
    padded, products = codes.shape[1] * GROUP, np.empty(SINGLE_ROWS, np.int32)
    own, numbers = np.zeros(padded, np.int8), np.empty(len(rows), np.int64)
    scale, error, bias = encode_query(query, own)
    count, k = 0, len(rows)
    for first in range(0, used, SINGLE_ROWS):
        at = codes.ctypes.data + first // LANES * stride
        single_products(at, stride, own.ctypes.data, padded, products.ctypes.data)
        tile = slice(first, first + SINGLE_ROWS)
        if count == k and not _any_reaches(
            products, scales[tile], errors[tile], scale, error, bias, cosines[k - 1]
        ):
            continue
        count = _look(
            base,
            query.ctypes.data,
            first,
            products,
            scales[tile],
            errors[tile],
            (used, len(query)),
            (scale, error, bias),
            columns,
            column,
            rows,
            cosines,
            numbers,
            count,
        )
    return count


@njit(cache=True)
@no_type_check
def scan_many(base, used, queries, codes, scales, errors, columns, rows, cosines):
    """The best rows for many unit vectors (b, d), into ``rows`` and ``cosines`` (b, k)."""
    counts = np.zeros(len(queries), np.int64)
    stride = codes.shape[1] * codes.shape[2] * codes.shape[3]
    padded, (asked, width) = codes.shape[1] * GROUP, queries.shape
    tiles = (asked + BATCH_QUERIES - 1) // BATCH_QUERIES
    own, numbers = np.zeros((tiles * BATCH_QUERIES, padded), np.int8), np.empty(rows.shape, np.int64)
    bounds, k = np.empty((asked, 3), np.float32), rows.shape[1]
    for query in range(asked):
        bounds[query, 0], bounds[query, 1], bounds[query, 2] = encode_query(queries[query], own[query])
    products = np.empty((BATCH_QUERIES, BATCH_ROWS), np.int32)
    for first in range(0, used, BATCH_ROWS):
        at = codes.ctypes.data + first // LANES * stride
        near = slice(first, first + BATCH_ROWS)
        for start in range(0, asked, BATCH_QUERIES):
            batch_products(at, stride, own.ctypes.data + start * padded, padded, products.ctypes.data)
            for query in range(start, min(start + BATCH_QUERIES, asked)):
                scale, error, bias = bounds[query, 0], bounds[query, 1], bounds[query, 2]
                if counts[query] == k and not _any_reaches(
                    products[query - start],
                    scales[near],
                    errors[near],
                    scale,
                    error,
                    bias,
                    cosines[query, k - 1],
                ):
                    continue
                counts[query] = _look(
                    base,
                    queries.ctypes.data + 4 * width * query,
                    first,
                    products[query - start],
                    scales[near],
                    errors[near],
                    (used, width),
                    (scale, error, bias),
                    columns,
                    -1,
                    rows[query],
                    cosines[query],
                    numbers[query],
                    counts[query],
                )


class ByteCodes:
    """The bytes of all rows of a table, brought up to date before each search.

    Args:
        rows: the table.
    """

    def __init__(self, rows: VectorRows) -> None:
        self._rows, self._since = rows, 0
        self._make_room(0)

    @staticmethod
    def row_nbytes(width: int) -> int:
        """Bytes of one row."""
        return -(-width // GROUP) * GROUP + 8

    def best(self, query: np.ndarray, column: int, rows: np.ndarray, cosines: np.ndarray) -> int:
        """As :func:`scan_one`."""
        self._update()
        held = self._rows
        halves, columns = held.halves, held.columns
        base = halves.ctypes.data
        return scan_one(
            base, len(held), query, self._codes, self._scales, self._errors, columns, column, rows, cosines
        )

    def best_of_many(self, queries: np.ndarray, rows: np.ndarray, cosines: np.ndarray) -> None:
        """As :func:`scan_many`, for no more of the best than there are rows."""
        self._update()
        held = self._rows
        scan_many(
            held.halves.ctypes.data,
            len(held),
            queries,
            self._codes,
            self._scales,
            self._errors,
            held.columns,
            rows,
            cosines,
        )

    def _update(self) -> None:
        if self._since == self._rows.clock:
            return
        used, room = len(self._rows), len(self._scales)
        if used > room or (used < room // 4 and room > _LEAST):
            self._make_room(max(used + used // 4, _LEAST))
            self._since = 0
        halves = self._rows.halves
        _encode_rows(halves, self._rows.stamps, self._since, self._codes, self._scales, self._errors)
        self._since = self._rows.clock

    def _make_room(self, used: int) -> None:
        blocks = -(-used // SINGLE_ROWS) * SINGLE_BLOCKS
        groups = -(-self._rows.width // GROUP)
        self._codes = np.full((blocks, groups, LANES, GROUP), _BIAS, np.uint8)
        self._scales, self._errors = np.zeros((2, blocks * LANES), np.float32)
