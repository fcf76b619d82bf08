"""What a memory's map has become since an earlier moment, and a map that follows a memory by such steps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32, Int64, UInt16

from placecell.arrays import Points

from . import morton
from .archive import damaged
from .voxel.block_pool import BLOCK, CELLS

Cells = Int32[np.ndarray, "n 3"]
Labels = UInt16[np.ndarray, " n"]

_BLOCK_BITS = 9
_MOST_BLOCK = morton.SIGN_OFFSET // BLOCK


class Content(NamedTuple):
    """Cells where a memory holds something, and what of; in any order, one or several rows a cell."""

    cells: Int64[np.ndarray, "n 3"]
    labels: Int64[np.ndarray, " n"]


@dataclass(frozen=True)
class Growth:
    """The blocks of 8x8x8 cells that changed, and all that stands in them now.

    A cell is ``floor(point / cell_m)``, its block ``cell >> 3``; blocks and cells come by rising Morton key.

    Args:
        clock: what to ask with the next time; of this one memory, and for as long as it lives.
        cell_m: edge length of a cell.
        blocks: (b, 3) what was held of these is replaced by ``cells``; none of them twice.
        cells: (n, 3) the cells of the blocks that are occupied now.
        labels: (n,) what each belongs to; 0 = nothing known.
        restart: whether everything that was held is to be forgotten first, other blocks too.
    """

    clock: int
    cell_m: float
    blocks: Int32[np.ndarray, "b 3"]
    cells: Cells
    labels: Labels
    restart: bool = False

    @classmethod
    def nothing(cls, clock: int = 0, cell_m: float = 1.0) -> "Growth":
        """Nothing has changed."""
        none = np.zeros((0, 3), np.int32)
        return cls(clock, cell_m, none, none, np.zeros(0, np.uint16))

    @property
    def empty(self) -> bool:
        """Whether nothing has changed."""
        return len(self.blocks) == 0 and not self.restart

    def arrays(self) -> dict[str, np.ndarray]:
        """Four arrays that hold it, without pickle: 76 bytes a block and 2 a cell before compression.

        ``head`` (3,) float64 clock, restart and cell size; ``blocks`` (b, 3) int32; ``occupied`` (b, 64)
        uint8, a bit a cell by Morton key, the highest first; ``labels`` (n,) uint16, one a set bit.
        """
        occupied = np.zeros((len(self.blocks), CELLS), bool)
        keys = morton.encode(self.cells.astype(np.int64))
        block = np.searchsorted(_block_keys(self.blocks), keys >> _BLOCK_BITS)
        occupied[block, keys & (CELLS - 1)] = True
        return {
            "head": np.array([self.clock, self.restart, self.cell_m], np.float64),
            "blocks": self.blocks,
            "occupied": np.packbits(occupied, axis=1),
            "labels": self.labels,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Growth":
        """What :meth:`arrays` gave.

        Raises:
            ArchiveError: arrays that are missing, of another type or shape, or that do not hold together.
        """
        count = len(arrays["blocks"]) if "blocks" in arrays and arrays["blocks"].ndim else 0
        head = _checked(arrays, "head", np.float64, (3,)).tolist()
        blocks = _checked(arrays, "blocks", np.int32, (count, 3))
        bits = np.unpackbits(_checked(arrays, "occupied", np.uint8, (count, CELLS // 8)), axis=1)
        rows = np.flatnonzero(bits)
        labels = _checked(arrays, "labels", np.uint16, (len(rows),))
        clock, restart, cell_m = head
        if not (0 <= clock < 2**53 and clock.is_integer() and restart in (0, 1) and 0 < cell_m < np.inf):
            raise damaged(
                "a growth's clock, restart and cell size", ", ".join(f"{value:g}" for value in head)
            )
        if bool(((blocks < -_MOST_BLOCK) | (blocks >= _MOST_BLOCK)).any()):
            raise damaged(f"blocks from {-_MOST_BLOCK} to {_MOST_BLOCK - 1}", "one beyond")
        keys = _block_keys(blocks)
        if bool((np.diff(keys) <= 0).any()):
            raise damaged("blocks by rising key", "others")
        cells = morton.decode((keys[rows // CELLS] << _BLOCK_BITS) | (rows % CELLS)).astype(np.int32)
        return cls(int(clock), cell_m, blocks.copy(), cells, labels.copy(), bool(restart))


class GrowingMap:
    """A reader's copy of a memory's map, which growths keep up to date.

    >>> from placecell.memory import SpatialMemory
    >>> memory, copy = SpatialMemory(), GrowingMap()
    >>> copy.apply(memory.growth(copy.clock))
    >>> len(copy.cells)
    0
    """

    def __init__(self) -> None:
        self.clock, self.cell_m = 0, 1.0
        self._blocks: dict[int, tuple[Cells, Labels]] = {}

    def apply(self, growth: Growth) -> None:
        """Takes over what has changed since :attr:`clock`."""
        self.clock, self.cell_m = growth.clock, growth.cell_m
        if growth.restart:
            self._blocks = {}
        of_cells = morton.encode(growth.cells.astype(np.int64)) >> _BLOCK_BITS
        keys = _block_keys(growth.blocks)
        first, last = np.searchsorted(of_cells, keys), np.searchsorted(of_cells, keys, side="right")
        for key, start, end in zip(keys.tolist(), first.tolist(), last.tolist(), strict=True):
            if start == end:
                self._blocks.pop(key, None)
            else:
                self._blocks[key] = growth.cells[start:end], growth.labels[start:end]

    @property
    def cells(self) -> Cells:
        """(n, 3) the occupied cells, by rising Morton key."""
        return np.concatenate([np.zeros((0, 3), np.int32), *(cells for cells, _ in self._in_order())])

    @property
    def labels(self) -> Labels:
        """(n,) what each belongs to; 0 = nothing known."""
        return np.concatenate([np.zeros(0, np.uint16), *(labels for _, labels in self._in_order())])

    def _in_order(self) -> list[tuple[Cells, Labels]]:
        return [self._blocks[key] for key in sorted(self._blocks)]


class Changes:
    """When each block of a simple memory last changed, by a clock that counts changes."""

    def __init__(self) -> None:
        self._clock = self._started = 0
        self._changed: dict[int, int] = {}
        self.start_anew()

    def start_anew(self) -> None:
        """Nothing of what stood anywhere is left as it was."""
        self._clock += 1
        self._started, self._changed = self._clock, {}

    def note(self, cells: Int64[np.ndarray, "n 3"]) -> None:
        """Something came, went or changed its label in these cells."""
        self._clock += 1
        for key in np.unique(morton.encode(cells) >> _BLOCK_BITS).tolist():
            self._changed[key] = self._clock

    def growth(self, since: int, cell_m: float, content: Callable[[], Content]) -> Growth:
        """What changed since then.

        Args:
            since: the ``clock`` of an earlier growth; 0 gives everything.
            cell_m: edge length of a cell.
            content: gives all that the memory holds; of rows of one cell the last that has a label counts.
        """
        restart = not self._started <= since <= self._clock
        touched = [key for key, changed in self._changed.items() if changed > since]
        if not restart and not touched:
            return Growth.nothing(self._clock, cell_m)
        cells, labels = content()
        keys, touched_keys = morton.encode(cells), np.unique(np.array(touched, np.int64))
        if not restart:
            here = np.isin(keys >> _BLOCK_BITS, touched_keys)
            keys, labels = keys[here], labels[here]
        # The last labelled row of a cell comes last, or its last row where none has a label.
        order = np.lexsort((labels > 0, keys))
        keys, labels = keys[order], labels[order]
        last = np.flatnonzero(np.diff(keys, append=-1))
        keys, labels = keys[last], labels[last]
        blocks = np.unique(keys >> _BLOCK_BITS) if restart else touched_keys
        return Growth(
            clock=self._clock,
            cell_m=cell_m,
            blocks=blocks_of(blocks),
            cells=morton.decode(keys).astype(np.int32),
            labels=labels.astype(np.uint16),
            restart=restart,
        )


def cells_at(points: Points, cell_m: float) -> Int64[np.ndarray, "n 3"]:
    """(n, 3) the cell of each point; beyond the range of cells the outermost."""
    outermost = morton.SIGN_OFFSET
    return np.clip(np.floor(points / cell_m), -outermost, outermost - 1).astype(np.int64)


def blocks_of(keys: Int64[np.ndarray, " b"]) -> Int32[np.ndarray, "b 3"]:
    """(b, 3) the blocks of these block keys."""
    return (morton.decode(keys << _BLOCK_BITS) // BLOCK).astype(np.int32)


def _block_keys(blocks: Int32[np.ndarray, "b 3"]) -> Int64[np.ndarray, " b"]:
    return morton.encode(blocks.astype(np.int64) * BLOCK) >> _BLOCK_BITS


def _checked(arrays: Mapping[str, np.ndarray], name: str, kind: type, shape: tuple[int, ...]) -> np.ndarray:
    wanted = f"{np.dtype(kind)} {shape}"
    came = f"{arrays[name].dtype} {arrays[name].shape}" if name in arrays else "none"
    if came != wanted:
        raise damaged(f"a growth with {name} of {wanted}", came)
    return arrays[name]
