"""Solids on a grid of uneven lines, and their surface as few rectangles: no holes, no face twice.

What is built of blocks cannot leak or flicker: a face is where a solid cell meets an empty one, once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

EMPTY = 0
_QUAD = np.array([[0, 1, 2], [0, 2, 3]])
Span = tuple[float, float]


@dataclass(frozen=True)
class Surface:
    """Rectangles that face from solid to empty.

    Args:
        key: (k,) what each is made of, as ``Blocks.surface`` was told.
        corners: (k, 4, 3) metres, counter-clockwise from the empty side.
        axis: (k,) 0 x, 1 y, 2 z: across it.
    """

    key: Int[np.ndarray, "k"]
    corners: Float[np.ndarray, "k 4 3"]
    axis: Int[np.ndarray, "k"]


class Blocks:
    """Cells between lines; each holds what fills it (0 empty) and whose it is.

    Args:
        lines: for x, y and z, where cells may end, in any order, metres.
    """

    def __init__(self, lines: Sequence[Iterable[float]]) -> None:
        self.lines = [np.unique(np.round(np.array(list(line), np.float64), 4)) for line in lines]
        shape = tuple(len(line) - 1 for line in self.lines)
        self.code = np.zeros(shape, np.int64)
        self.owner = np.zeros(shape, np.int64)

    def at(self, *spans: Span) -> tuple[slice, slice, slice]:
        """The cells between two values of x, of y and of z, all of them lines of the grid."""
        x, y, z = (self._between(axis, span) for axis, span in enumerate(spans))
        return x, y, z

    def _between(self, axis: int, span: Span) -> slice:
        # Half a tenth of a millimetre: sums of rounded values still find their line.
        low, high = np.searchsorted(self.lines[axis], (span[0] - 5e-5, span[1] - 5e-5)).tolist()
        return slice(low, high)

    def surface(self) -> Surface:
        """All faces, merged where neighbours in a plane are alike: key is ``code * 4096 + owner + 2048``.

        The owner is the solid cell's; where that is 0, the empty cell's.
        """
        found = []
        for axis in range(3):
            first = [slice(None)] * 3
            second = [slice(None)] * 3
            first[axis], second[axis] = slice(None, -1), slice(1, None)
            code, after = self.code[tuple(first)], self.code[tuple(second)]
            owner, owner_after = self.owner[tuple(first)], self.owner[tuple(second)]
            for forward in (True, False):
                solid, empty = (code, after) if forward else (after, code)
                mine, other = (owner, owner_after) if forward else (owner_after, owner)
                cells = np.nonzero((solid != EMPTY) & (empty == EMPTY))
                whose = np.where(mine[cells] == 0, other[cells], mine[cells])
                key = solid[cells] * 4096 + whose + 2048
                u, v = cells[(axis + 1) % 3], cells[(axis + 2) % 3]
                side = np.full(len(key), int(forward))
                found.append(_merged(np.stack([np.full(len(key), axis), cells[axis] + 1, side, key, v, u])))
        return self._rectangles(np.concatenate(found, 1))

    def _rectangles(self, faces: np.ndarray) -> Surface:
        axis, plane, side, key, u0, u1, v0, v1 = faces
        corners = np.empty((len(axis), 4, 3))
        for a in range(3):
            here = np.flatnonzero(axis == a)
            b, c = (a + 1) % 3, (a + 2) % 3
            corners[here, :, a] = self.lines[a][plane[here], None]
            u = self.lines[b][np.stack([u0, u1, u1, u0])[:, here]].T
            v = self.lines[c][np.stack([v0, v0, v1, v1])[:, here]].T
            corners[here, :, b], corners[here, :, c] = u, v
        corners[side == 0] = corners[side == 0, ::-1]
        return Surface(key, corners, axis)


def _merged(faces: np.ndarray) -> np.ndarray:
    """Unit faces (axis, plane, side, key, v, u) to rectangles (axis, plane, side, key, u0, u1, v0, v1)."""
    faces = faces[:, np.lexsort(faces[::-1])]
    start, stop = _runs(faces)
    runs = np.stack([*faces[:4, start], faces[5, start], faces[5, stop] + 1, faces[4, start]])
    runs = runs[:, np.lexsort(runs[::-1])]
    start, stop = _runs(runs)
    return np.stack([*runs[:6, start], runs[6, start], runs[6, stop] + 1])


def _runs(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last columns of runs in which the last row counts up and the others stay."""
    if not rows.shape[1]:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    step = np.diff(rows, axis=1)
    breaks = np.flatnonzero((step[:-1] != 0).any(0) | (step[-1] != 1))
    return np.concatenate([[0], breaks + 1]), np.concatenate([breaks, [rows.shape[1] - 1]])


def quads(corners: Float[np.ndarray, "k 4 3"]) -> tuple[Float[np.ndarray, "n 3"], Int[np.ndarray, "m 3"]]:
    """Vertices and faces of four-cornered faces."""
    faces = _QUAD[None] + 4 * np.arange(len(corners))[:, None, None]
    return corners.reshape(-1, 3), faces.reshape(-1, 3)
