"""A torch map as the arrays of ``octree_archive``, and back: a map made on one device goes on on another."""

import numpy as np
import torch
from torch import Tensor

from ..voxel.archive import VERSION, packed
from ..voxel.block_pool import CELLS, OF_BLOCKS, PAYLOAD, BlockPool, empty_pool
from .pool import TorchPool

_UPKEEP = ("seen", "uses")


def pack(pool: TorchPool) -> dict[str, np.ndarray]:
    """The arrays that ``SparseOctree.pack`` gives of the same map: blocks by rising key, rows by cell."""
    slots = (pool.cells[: pool.blocks] != 0).any(1).nonzero()[:, 0]
    slots = slots[torch.argsort(pool.keys[slots])]
    cells = pool.cells[slots]
    held = cells > 0
    rows = cells[held].long() - 1
    arrays: dict[str, Tensor] = {"keys": pool.keys[slots]}
    arrays["cells"] = torch.where(held, held.cumsum(1), cells)
    arrays |= {name: pool[name][rows] for name in PAYLOAD}
    like, packs = empty_pool(), {"version": np.array([VERSION])}
    for name in (*OF_BLOCKS[:2], *PAYLOAD):
        array = arrays[name].cpu().numpy()
        packs[name] = array if name == "feature" else array.astype(getattr(like, name).dtype)
    for name in _UPKEEP:
        packs[name] = getattr(pool, name)[slots].cpu().numpy().astype(getattr(like, name).dtype)
    return packs


def fill(pool: TorchPool, content: BlockPool) -> None:
    """Puts the content of a compiled map into a torch pool that is empty."""
    used = int(content.counts[0])
    arrays = packed(content, np.arange(used))

    def column(name: str) -> Tensor:
        values = arrays[name]
        # Torch has no unsigned integers to compute with; its columns are wider.
        if values.dtype.kind == "u":
            values = values.astype(np.int64)
        return torch.from_numpy(values).to(pool.device, pool[name].dtype)

    slots = pool.find_or_add(torch.from_numpy(arrays["keys"]).to(pool.device))
    cells = torch.from_numpy(arrays["cells"].astype(np.int32)).to(pool.device)
    block, cell = (cells > 0).nonzero(as_tuple=True)
    pool.cells[slots] = cells
    for name in _UPKEEP:
        getattr(pool, name)[slots] = torch.from_numpy(arrays[name].astype(np.int64)).to(pool.device)
    rows = pool.add_rows(slots[block] * CELLS + cell)
    for name in PAYLOAD:
        pool[name][rows] = column(name)
    pool.measure()
