"""Finding the cell under, or nearest to, a point."""

from typing import no_type_check

import numpy as np
from numba import njit

_TIE = 1e-9  # of two storeys equally near, the one at the point's height


@njit(cache=True)
@no_type_check
def nearest_cell(first, columns, rows, z, px, py, pz, size, climb, reach, island, wanted):
    """The cell whose ground is nearest to a point, within ``reach`` metres; -1 if none.

    ``px, py`` are in cells, ``pz`` and ``z`` in metres. Heights count from ``climb`` on, as in Habitat: a
    point a little above or below the ground is on it. With ``wanted`` >= 0 only cells of that island count.
    Rings of cells are searched outwards until no closer one can follow.
    """
    c0 = min(max(int(np.floor(px)), 0), columns - 1)
    r0 = min(max(int(np.floor(py)), 0), rows - 1)
    best, best_cell = reach * reach, -1
    furthest = int(reach / size) + 2
    for ring in range(furthest + 1):
        closest = max(ring - 1, 0) * size
        if best_cell != -1 and closest * closest > best:
            break
        for r in range(max(r0 - ring, 0), min(r0 + ring, rows - 1) + 1):
            edge = r == r0 - ring or r == r0 + ring
            step = 1 if edge or ring == 0 else 2 * ring
            for c in range(c0 - ring, c0 + ring + 1, step):
                if c < 0 or c >= columns:
                    continue
                dx = max(c - px, 0.0, px - (c + 1)) * size
                dy = max(r - py, 0.0, py - (r + 1)) * size
                for i in range(first[r * columns + c], first[r * columns + c + 1]):
                    if wanted >= 0 and island[i] != wanted:
                        continue
                    up = abs(z[i] - pz)
                    away = dx * dx + dy * dy + max(up - climb, 0.0) ** 2 + _TIE * up
                    if away <= best and (away < best or best_cell == -1):
                        best, best_cell = away, i
    return best_cell


@njit(cache=True)
@no_type_check
def height_at(neighbour, column, row, z, cell, px, py):
    """The ground's height at a point of ``cell``, sloped towards the neighbours it leans to."""
    dx, dy = px - column[cell] - 0.5, py - row[cell] - 0.5
    height = z[cell]
    along = neighbour[cell, 2 if dx > 0 else 0]
    across = neighbour[cell, 1 if dy > 0 else 3]
    if along != -1:
        height += abs(dx) * (z[along] - z[cell])
    if across != -1:
        height += abs(dy) * (z[across] - z[cell])
    return height
