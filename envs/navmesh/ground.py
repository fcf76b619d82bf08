"""The ground: walkable cells with their neighbours, several storeys above each other where there are."""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int
from numba import njit

from placecell.arrays import Faces, Points
from placecell.errors import SceneError

from .filters import SKY, drop_crawl_spaces, drop_ledges, keep_low_kerbs
from .rasterise import HIGH, LOW, NEXT, WALKABLE, rasterise, walkable_faces
from .settings import WalkSettings

_MOST_COLUMNS = 400_000_000  # a square kilometre at 5 cm


@dataclass(frozen=True)
class Ground:
    """Walkable cells ("spans") of a mesh.

    Column ``c`` and row ``r`` of the grid cover x in ``origin[0] + cell_size * [c, c + 1)`` and y in
    ``origin[1] - cell_size * (r, r + 1]``: rows run south, so that the grid has Recast's phase.
    Cells of one column of height are consecutive: ``first[r * columns + c]`` up to the next entry.

    ``neighbour[i]`` are the cells west, south, east, north of cell ``i``, or -1. ``island`` numbers
    connected pieces by falling area.
    """

    settings: WalkSettings
    origin: Float[np.ndarray, "2"]
    columns: int
    rows: int
    first: Int[np.ndarray, "columns_plus_1"]
    column: Int[np.ndarray, "n"]
    row: Int[np.ndarray, "n"]
    z: Float[np.ndarray, "n"]
    neighbour: Int[np.ndarray, "n 4"]
    island: Int[np.ndarray, "n"]

    def __len__(self) -> int:
        return len(self.z)

    def centres(self) -> Points:
        """The middle of every cell's ground, float64 ``(n, 3)``, world frame."""
        size = self.settings.cell_size_m
        x = self.origin[0] + (self.column + 0.5) * size
        y = self.origin[1] - (self.row + 0.5) * size
        return np.stack([x, y, self.z], -1)


def build_ground(vertices: Points, faces: Faces, settings: WalkSettings) -> Ground:
    """The walkable ground of a mesh (world frame, z up) for the body of ``settings``.

    Source: the published Recast pipeline (voxelise, filter, erode by a chamfer distance), in our own code.
    """
    flipped = np.ascontiguousarray(vertices * np.array([1.0, -1.0, 1.0]), dtype=np.float64)
    low, high = flipped.min(0), flipped.max(0)
    columns, rows = (int((high[i] - low[i]) / settings.cell_size_m + 0.5) or 1 for i in range(2))
    _require_affordable(columns, rows, settings.cell_size_m)
    climb, height = settings.climb_cells, settings.height_cells
    walkable = walkable_faces(vertices, faces, settings.max_slope_deg)
    heads, spans, tops = rasterise(
        flipped, np.ascontiguousarray(faces, np.int64), walkable, low, settings.cell_size_m,
        settings.cell_height_m, columns, rows, climb,
    )  # fmt: skip
    keep_low_kerbs(heads, spans, climb)
    drop_ledges(heads, spans, columns, rows, height, climb)
    drop_crawl_spaces(spans, height)
    first, column, row, floor, room, z = _compact(heads, spans, tops, columns, rows)
    neighbour = _connect(first, column, row, floor, room, columns, rows, height, climb)
    keep = _chamfer(neighbour) >= 2 * settings.radius_cells
    first, column, row, z, neighbour = _select(keep, first, column, row, z, neighbour)
    island, sizes = _islands(neighbour)
    keep = sizes[island] >= settings.min_island_cells
    first, column, row, z, neighbour = _select(keep, first, column, row, z, neighbour)
    order = np.argsort(-sizes, kind="stable")
    rank = np.empty(len(sizes), np.int32)
    rank[order] = np.arange(len(sizes))
    origin = np.array([low[0], -low[1]])
    return Ground(settings, origin, columns, rows, first, column, row, z, neighbour, rank[island[keep]])


def _require_affordable(columns: int, rows: int, size_m: float) -> None:
    if columns * rows > _MOST_COLUMNS:
        raise SceneError(
            expected=f"a scene of at most {_MOST_COLUMNS} grid cells seen from above",
            came=f"{columns * size_m:.0f} x {rows * size_m:.0f} m in cells of {size_m:g} m",
            fix="scale the mesh to metres, cut it, or walk with a larger cell_size_m",
        )


@njit(cache=True)
@no_type_check
def _compact(heads, spans, tops, columns, rows):
    first = np.zeros(columns * rows + 1, np.int32)
    most = len(spans)  # more than there are: the pool also holds spans that were merged into others
    column, row = np.empty(most, np.int32), np.empty(most, np.int32)
    floor, room, z = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.float64)
    n = 0
    for at_column in range(columns * rows):
        first[at_column] = n
        at = heads[at_column]
        while at != -1:
            if spans[at, WALKABLE] != 0:
                column[n], row[n] = at_column % columns, at_column // columns
                floor[n], z[n] = spans[at, HIGH], tops[at]
                ceiling = spans[spans[at, NEXT], LOW] if spans[at, NEXT] != -1 else SKY
                room[n] = ceiling - floor[n]
                n += 1
            at = spans[at, NEXT]
    first[columns * rows] = n
    return first, column[:n].copy(), row[:n].copy(), floor[:n].copy(), room[:n].copy(), z[:n].copy()


@njit(cache=True)
@no_type_check
def _connect(first, column, row, floor, room, columns, rows, height, climb):
    neighbour = np.full((len(column), 4), -1, np.int32)
    for i in range(len(column)):
        for side in range(4):
            c = column[i] + (-1, 0, 1, 0)[side]
            r = row[i] + (0, 1, 0, -1)[side]
            if c < 0 or r < 0 or c >= columns or r >= rows:
                continue
            for j in range(first[r * columns + c], first[r * columns + c + 1]):
                low = max(floor[i], floor[j])
                high = min(floor[i] + room[i], floor[j] + room[j])
                if high - low >= height and abs(floor[i] - floor[j]) <= climb:
                    neighbour[i, side] = j
                    break
    return neighbour


@njit(cache=True)
@no_type_check
def _chamfer(neighbour):
    """Distance to the nearest edge of the ground, 2 a straight and 3 a diagonal step."""
    n = len(neighbour)
    distance = np.full(n, 250, np.int32)
    for i in range(n):
        for side in range(4):
            if neighbour[i, side] == -1:
                distance[i] = 0
    # Cells lie row by row: west and north come before a cell, east and south after it.
    for i in range(n):
        for a, b in ((0, 3), (3, 2)):
            j = neighbour[i, a]
            if j != -1:
                distance[i] = min(distance[i], distance[j] + 2)
                if neighbour[j, b] != -1:
                    distance[i] = min(distance[i], distance[neighbour[j, b]] + 3)
    for i in range(n - 1, -1, -1):
        for a, b in ((2, 1), (1, 0)):
            j = neighbour[i, a]
            if j != -1:
                distance[i] = min(distance[i], distance[j] + 2)
                if neighbour[j, b] != -1:
                    distance[i] = min(distance[i], distance[neighbour[j, b]] + 3)
    return distance


def _select(keep, first, column, row, z, neighbour):  # type: ignore[no-untyped-def]
    """The same ground with the kept cells only."""
    renumber = np.full(len(keep) + 1, -1, np.int32)
    renumber[:-1][keep] = np.arange(keep.sum())
    count = np.concatenate([[0], np.cumsum(keep)]).astype(np.int32)
    return count[first], column[keep], row[keep], z[keep], renumber[neighbour[keep]]


@njit(cache=True)
@no_type_check
def _islands(neighbour):
    n = len(neighbour)
    island = np.full(n, -1, np.int32)
    sizes = np.zeros(n, np.int64)
    stack = np.empty(n, np.int32)
    found = 0
    for seed in range(n):
        if island[seed] != -1:
            continue
        island[seed] = found
        stack[0], depth = seed, 1
        while depth:
            depth -= 1
            i = stack[depth]
            sizes[found] += 1
            for side in range(4):
                j = neighbour[i, side]
                if j != -1 and island[j] == -1:
                    island[j] = found
                    stack[depth] = j
                    depth += 1
        found += 1
    return island, sizes[:found]
