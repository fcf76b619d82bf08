"""The memory's map from above as it grew: which columns changed in each step, packed as typed arrays."""

import base64
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from placecell.memory import Growth

SIDE = 2048  # columns each way; what lies beyond isn't drawn
_AROUND_M = 10.0  # beyond the way walked, as far as memories mostly see
STOREY_M, BELOW_M, ABOVE_M = 2.5, 0.6, 1.8
_BLOCK = 8
_SIDE_BITS, _COARSEST_BITS = 11, 3  # a column is never wider than a block
_MOST_LAYERS, _MOST_LABELS = 256, 255


@dataclass(frozen=True)
class Layers:
    """The storeys that an episode was walked on.

    Args:
        of_step: which of them each step was taken on.
        floors_m: height of the feet on each, metres, episode frame.
    """

    of_step: tuple[int, ...]
    floors_m: tuple[float, ...]

    @classmethod
    def of(cls, heights_m: Sequence[float]) -> "Layers":
        """The storeys of a body whose feet were at these heights, step by step.

        >>> Layers.of([0.0, 0.1, 3.0])
        Layers(of_step=(0, 0, 1), floors_m=(0.05, 3.0))
        """
        heights = np.asarray(heights_m, np.float64)
        storeys = np.floor((heights - heights.min() + STOREY_M / 5) / STOREY_M).astype(int)
        of_step = np.unique(storeys, return_inverse=True)[1]
        of_step = np.minimum(of_step, _MOST_LAYERS - 1)
        floors = [round(float(np.median(heights[of_step == n])), 3) for n in range(of_step.max() + 1)]
        return cls(tuple(of_step.tolist()), tuple(floors))


@dataclass(frozen=True)
class MapFromAbove:
    """The changes of columns, step after step.

    Args:
        cell_m: edge length of a column, metres.
        origin: cell of column (0, 0).
        counts: how many changes each step brings, uint32.
        columns: of every change ``layer << 22 | y << 11 | x``, uint32.
        heights: of every change, the height of the column's top: 0 = nothing any more, 1 to 255 from
            ``BELOW_M`` below the storey's floor to ``ABOVE_M`` above it, uint8.
        labels: of every change an index into ``names``, uint8.
        names: category ids by index; the first is 0, nothing known.
        left_out: cells that lie beyond the ``SIDE`` columns each way, at the end.
        coarser: how many of the memory's cells a column is wide: 1, or of a wide map 2, 4 or 8.
    """

    cell_m: float
    origin: tuple[int, int]
    counts: np.ndarray
    columns: np.ndarray
    heights: np.ndarray
    labels: np.ndarray
    names: tuple[int, ...]
    left_out: int
    coarser: int

    def to_json(self) -> dict[str, object]:
        """Plain JSON, the arrays as base64 of little-endian bytes."""
        return {
            "cell": self.cell_m,
            "origin": list(self.origin),
            "range": [-BELOW_M, ABOVE_M],
            "counts": _packed(self.counts),
            "columns": _packed(self.columns),
            "heights": _packed(self.heights),
            "labels": _packed(self.labels),
            "names": list(self.names),
            "leftOut": self.left_out,
            "coarser": self.coarser,
        }


def map_from_above(
    growths: Iterable[Growth | None], layers: Layers, path_m: Float[np.ndarray, "n 2"]
) -> MapFromAbove:
    """What the growths of an episode come to, seen from above.

    Of every column the highest cell between a little below the floor and the height of a door is shown, so
    that ceilings hide nothing. A map is drawn coarser where the way and what the memory begins with
    are wider than ``SIDE`` columns; what it gets to know far beyond them is left out.

    Args:
        growths: of each step, None of one without arrays.
        layers: the storeys that are shown.
        path_m: (n, 2) x, y of the way walked, metres.
    """
    canvas: _Canvas | None = None
    counts: list[int] = []
    changes: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for growth in growths:
        before = len(changes)
        if growth is not None and not growth.empty:
            canvas = canvas or _Canvas(growth, layers, path_m)
            changes += canvas.apply(growth)
        counts.append(sum(len(columns) for columns, _, _ in changes[before:]))
    columns, heights, ids = (
        np.concatenate([np.zeros(0, kind), *(change[n] for change in changes)])
        for n, kind in enumerate((np.uint32, np.uint8, np.uint16))
    )
    names, labels = _named(ids)
    cell_m, origin, left_out, coarser = (1.0, (0, 0), 0, 1) if canvas is None else canvas.facts
    return MapFromAbove(
        cell_m, origin, np.array(counts, np.uint32), columns, heights, labels, names, left_out, coarser
    )


class _Canvas:
    """The columns as they stand, and the blocks that they stand for."""

    def __init__(self, first: Growth, layers: Layers, path_m: Float[np.ndarray, "n 2"]) -> None:
        self._cell_m, self._floors = first.cell_m, layers.floors_m
        near, held = path_m / self._cell_m, first.blocks[:, :2].astype(np.int64) * _BLOCK
        places = np.concatenate([near - _AROUND_M / self._cell_m, near + _AROUND_M / self._cell_m, held])
        low, high = places.min(0), places.max(0)
        # Columns of 2, 4 or 8 cells until it fits, with a block to spare for the origin's alignment.
        wide = float((high - low).max()) / (SIDE - 2 * _BLOCK)
        self._bits = min(_COARSEST_BITS, max(0, math.ceil(math.log2(wide))))
        middle = np.floor((low + high) / 2).astype(np.int64)
        self._origin = (middle - (SIDE << self._bits) // 2) // _BLOCK * _BLOCK
        shape = (len(self._floors), SIDE * SIDE)
        self._heights, self._labels = np.zeros(shape, np.uint8), np.zeros(shape, np.uint16)
        self._stacks: dict[tuple[int, int], dict[int, tuple[np.ndarray, np.ndarray]]] = {}
        self._beyond: dict[tuple[int, int, int], int] = {}

    @property
    def facts(self) -> tuple[float, tuple[int, int], int, int]:
        """A column's width in metres, the origin in columns, the cells beyond, a column's width in cells."""
        x, y = (self._origin >> self._bits).tolist()
        coarser = 1 << self._bits
        return self._cell_m * coarser, (x, y), sum(self._beyond.values()), coarser

    def apply(self, growth: Growth) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """The changes that it brings, a layer each: columns, heights and category ids."""
        touched = self._take_over(growth)
        if not touched:
            return []
        rows = [part for stack in touched for part in self._stacks.get(stack, {}).values()]
        cells = np.concatenate([np.zeros((0, 3), np.int64), *(cells for cells, _ in rows)])
        ids = np.concatenate([np.zeros(0, np.uint16), *(labels for _, labels in rows)])
        columns = _columns_of(touched, _BLOCK >> self._bits)
        x, y = (cells[:, :2] >> self._bits).T
        rank = np.searchsorted(columns, y << _SIDE_BITS | x)
        above_m = (cells[:, 2] + 0.5) * self._cell_m
        order = np.argsort(above_m, kind="stable")
        found = [
            self._changes(layer, columns, rank[order], above_m[order] - floor_m, ids[order])
            for layer, floor_m in enumerate(self._floors)
        ]
        return [change for change in found if len(change[0])]

    def _changes(
        self, layer: int, columns: np.ndarray, rank: np.ndarray, above_m: np.ndarray, ids: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What is new of one layer's columns, from cells that come by rising height."""
        shown = (above_m >= -BELOW_M) & (above_m <= ABOVE_M)
        level = 1 + np.round((above_m[shown] + BELOW_M) / (BELOW_M + ABOVE_M) * 254)
        heights, labels = np.zeros(len(columns), np.uint8), np.zeros(len(columns), np.uint16)
        # Of several cells of a column the last assignment, the highest cell, stays.
        heights[rank[shown]], labels[rank[shown]] = level.astype(np.uint8), ids[shown]
        new = (self._heights[layer][columns] != heights) | (self._labels[layer][columns] != labels)
        columns, heights, labels = columns[new], heights[new], labels[new]
        self._heights[layer][columns], self._labels[layer][columns] = heights, labels
        return (columns | layer << 2 * _SIDE_BITS).astype(np.uint32), heights, labels

    def _take_over(self, growth: Growth) -> list[tuple[int, int]]:
        """Keeps what stands in the blocks now; the stacks of blocks that were touched, by row and place."""
        touched: set[tuple[int, int]] = set()
        if growth.restart:
            touched, self._stacks, self._beyond = set(self._stacks), {}, {}
        cells = growth.cells.astype(np.int64)
        # Blocks and cells both come by rising key: the cells of one block follow each other.
        last = np.flatnonzero((np.diff(cells >> 3, axis=0) != 0).any(axis=1)) + 1
        parts = np.split(np.arange(len(cells)), last) if len(cells) else []
        held = {tuple((cells[part[0]] >> 3).tolist()): part for part in parts}
        cells, none = cells - [*self._origin.tolist(), 0], np.zeros(0, np.int64)
        for bx, by, bz in growth.blocks.tolist():
            part = held.get((bx, by, bz), none)
            stack = bx - int(self._origin[0]) // _BLOCK, by - int(self._origin[1]) // _BLOCK
            if not all(0 <= n < (SIDE << self._bits) // _BLOCK for n in stack):
                self._beyond[bx, by, bz] = len(part)
                continue
            self._stacks.setdefault(stack, {})[bz] = cells[part], growth.labels[part]
            touched.add(stack)
        return sorted(touched)


def _columns_of(stacks: Sequence[tuple[int, int]], wide: int) -> Int64[np.ndarray, " n"]:
    """The columns of these stacks of blocks, each so many columns wide, rising."""
    corners = np.array(stacks, np.int64) * wide
    y, x = (n.ravel() for n in np.mgrid[:wide, :wide])
    return np.sort(((corners[:, 1:] + y) << _SIDE_BITS | (corners[:, :1] + x)).ravel())


def _named(ids: np.ndarray) -> tuple[tuple[int, ...], np.ndarray]:
    """The category ids that occur, 0 first, and which of them each one is; beyond 255 the rest is unknown."""
    known, counts = np.unique(ids[ids > 0], return_counts=True)
    most = np.sort(known[np.argsort(-counts, kind="stable")][:_MOST_LABELS])
    names = np.concatenate([np.zeros(1, ids.dtype), most])
    index = np.minimum(np.searchsorted(names, ids), len(names) - 1)
    return tuple(names.tolist()), np.where(names[index] == ids, index, 0).astype(np.uint8)


def _packed(array: np.ndarray) -> str:
    return base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode("ascii")
