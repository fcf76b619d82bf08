"""The growth of a memory without a map: what it holds now, against what it held when last asked."""

import numpy as np
from jaxtyping import Int64

from . import morton
from .growth import Changes, Content, Growth


class NotedGrowth:
    """Notes, whenever somebody asks, which cells have changed since somebody asked before.

    Args:
        cell_m: edge length of a cell.
    """

    def __init__(self, cell_m: float) -> None:
        self.cell_m = cell_m
        self._changes = Changes()
        self._held: Int64[np.ndarray, "n 2"] = np.zeros((0, 2), np.int64)

    def start_anew(self) -> None:
        """Nothing of what was held is left as it was."""
        self._changes.start_anew()
        self._held = np.zeros((0, 2), np.int64)

    def growth(self, since: int, content: Content) -> Growth:
        """What changed since then; see :meth:`~placecell.memory.Memory.growth`.

        Args:
            since: the ``clock`` of an earlier growth; 0 gives everything.
            content: all that is held now.
        """
        rows = np.unique(np.column_stack([morton.encode(content.cells), content.labels]), axis=0)
        if len(rows) != len(self._held) or bool((rows != self._held).any()):
            either, times = np.unique(np.concatenate([rows, self._held]), axis=0, return_counts=True)
            self._changes.note(morton.decode(np.ascontiguousarray(either[times == 1, 0])))
            self._held = rows
        return self._changes.growth(since, self.cell_m, lambda: content)
