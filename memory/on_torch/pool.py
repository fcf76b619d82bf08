"""Where the voxels of a torch map live: 8x8x8 blocks of cells, and rows of payload for what was ever hit."""

import torch
from torch import Tensor

from ..voxel.block_pool import AGENT_SHIFT, AGENTS, CELLS
from .keys import block_keys, blocks_of, cell_corners, cells_at, in_range

_FIRST_BLOCKS, _FIRST_ROWS = 256, 4096
_OF_BLOCKS = ("changed", "seen", "uses")
_COLUMNS = {
    "handle": (torch.int64, ()),
    "evidence": (torch.int8, ()),
    "hits": (torch.int64, ()),
    "offset": (torch.int64, (3,)),
    "colour": (torch.int64, (4,)),
    "last_hit": (torch.int64, ()),
    "label": (torch.int32, ()),
    "votes": (torch.int32, ()),
    "weight": (torch.float32, ()),
}


class TorchPool:
    """Blocks found by sorted key, and one row of payload for each cell that was ever hit.

    A voxel's handle is ``slot * 512 + cell``, its cell the Morton key within the block.

    Attributes:
        keys: (blocks) int64 of each slot, the agent in the bits from 54 on.
        changed, seen, uses: (blocks) int64, as in ``BlockPool``.
        cells: (capacity, 512) int32; 0 unknown, below 0 free with that evidence, above 0 a row plus 1.
        handle, evidence, ...: (capacity, ...) a column of the payload each, as in ``BlockPool``.
        extent: (agents, 2, 3) int64 index range [lower, upper) of an agent's known voxels.
    """

    def __init__(self, width: int, dtype: torch.dtype, device: torch.device) -> None:
        self.device, self.blocks, self.rows = device, 0, 0
        self._sorted = torch.zeros(0, dtype=torch.int64, device=device)
        self._slots = torch.zeros(0, dtype=torch.int64, device=device)
        self.keys = torch.zeros(_FIRST_BLOCKS, dtype=torch.int64, device=device)
        self.changed, self.seen, self.uses = (torch.zeros_like(self.keys) for _ in range(3))
        self.cells = torch.zeros((_FIRST_BLOCKS, CELLS), dtype=torch.int32, device=device)
        self.extent = torch.zeros((AGENTS, 2, 3), dtype=torch.int64, device=device)
        columns = {**_COLUMNS, "feature": (dtype, (width,))}
        self.columns = {
            name: torch.zeros((_FIRST_ROWS, *shape), dtype=kind, device=device)
            for name, (kind, shape) in columns.items()
        }

    def __getitem__(self, column: str) -> Tensor:
        return self.columns[column]

    def find(self, keys: Tensor) -> Tensor:
        """(n,) the slot of each block key, -1 where there is none."""
        if not self.blocks:
            return torch.full_like(keys, -1)
        place = torch.searchsorted(self._sorted, keys).clamp_(max=self.blocks - 1)
        return torch.where(self._sorted[place] == keys, self._slots[place], -1)

    def find_or_add(self, keys: Tensor) -> Tensor:
        """(n,) the slot of each block key, none of them twice."""
        slots = self.find(keys)
        missing = (slots < 0).nonzero()[:, 0]
        if len(missing):
            first, self.blocks = self.blocks, self.blocks + len(missing)
            self.keys, self.cells = _with_room(self.keys, self.blocks), _with_room(self.cells, self.blocks)
            for name in _OF_BLOCKS:
                setattr(self, name, _with_room(getattr(self, name), self.blocks))
            added = torch.arange(first, self.blocks, device=self.device)
            self.keys[first : self.blocks] = keys[missing]
            slots[missing] = added
            self._sorted, order = torch.sort(torch.cat([self._sorted, keys[missing]]))
            self._slots = torch.cat([self._slots, added])[order]
        return slots

    def add_rows(self, handles: Tensor) -> Tensor:
        """(n,) new rows, of zeros, for voxels that have none."""
        first, self.rows = self.rows, self.rows + len(handles)
        for name, column in self.columns.items():
            self.columns[name] = _with_room(column, self.rows)
        rows = torch.arange(first, self.rows, device=self.device)
        self["handle"][first : self.rows] = handles
        self.cells.view(-1)[handles] = (rows + 1).to(torch.int32)
        return rows

    def keep(self, blocks: Tensor, rows: Tensor) -> None:
        """Gives up all blocks and rows but some: (blocks,) and (rows,) bool.

        The cells of rows that go must say so already, and those of blocks that go are forgotten.
        """
        slots, kept = blocks.nonzero()[:, 0], rows.nonzero()[:, 0]
        moved = torch.cumsum(blocks, 0) - 1
        self.blocks, self.rows = len(slots), len(kept)
        self.keys, self.cells = self.keys[slots], self.cells[slots]
        for name in _OF_BLOCKS:
            setattr(self, name, getattr(self, name)[slots])
        self._sorted, self._slots = torch.sort(self.keys)
        self.columns = {name: column[kept] for name, column in self.columns.items()}
        handles = (moved[self["handle"] // CELLS] * CELLS) | (self["handle"] % CELLS)
        self["handle"][:] = handles
        self.cells.view(-1)[handles] = torch.arange(1, self.rows + 1, dtype=torch.int32, device=self.device)
        self.measure()

    def measure(self) -> None:
        """Makes the extents those of what is known now."""
        self.extent.zero_()
        slots, cells = self.cells[: self.blocks].nonzero(as_tuple=True)
        indices, agents = self.indices_of(slots * CELLS + cells), self.agents[slots]
        for agent in torch.unique(agents).tolist():
            mine = indices[agents == agent]
            self.widen(agent, mine.amin(0), mine.amax(0) + 1)

    def evidence_of(self, cells: Tensor) -> Tensor:
        """The evidence of each entry of ``cells``: 0 unknown, below 0 free, above 0 occupied."""
        if not self.rows:
            return cells
        held = self["evidence"].index_select(0, (cells - 1).clamp(min=0))
        return torch.where(cells > 0, held.to(torch.int32), cells)

    def indices_of(self, handles: Tensor) -> Tensor:
        """(n, 3) the voxel index of each handle."""
        corners = blocks_of(self.keys[handles >> 9]) * 8
        return corners + cell_corners(self.device)[handles & (CELLS - 1)]

    def handles_at(self, agent: int, indices: Tensor) -> Tensor:
        """(n,) the handle of each voxel index (n, 3), -1 where there is no block."""
        slots = torch.where(in_range(indices), self.find(block_keys(agent, indices >> 3)), -1)
        return torch.where(slots < 0, -1, (slots << 9) | cells_at(indices))

    def widen(self, agent: int, lower: Tensor, upper: Tensor) -> None:
        """Takes the index range [lower, upper) into the agent's extent."""
        extent = self.extent[agent]
        none = extent[0, 0] == extent[1, 0]
        extent[0] = torch.where(none, lower, torch.minimum(extent[0], lower))
        extent[1] = torch.where(none, upper, torch.maximum(extent[1], upper))

    @property
    def agents(self) -> Tensor:
        """(blocks,) whose each block is."""
        return self.keys[: self.blocks] >> AGENT_SHIFT

    @property
    def nbytes(self) -> int:
        """Bytes of the blocks and rows in use, and of the index."""
        blocks = self.blocks * (CELLS * self.cells.element_size() + 6 * self.keys.element_size())
        return blocks + sum(column[: self.rows].nbytes for column in self.columns.values())


def _with_room(tensor: Tensor, count: int) -> Tensor:
    """The tensor itself if it holds so many rows, else a copy of at least twice the size."""
    if count <= len(tensor):
        return tensor
    larger = tensor.new_zeros((max(count, 2 * len(tensor)), *tensor.shape[1:]))
    larger[: len(tensor)] = tensor
    return larger
