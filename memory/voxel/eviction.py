"""Blocks of a pool as what could be dropped, and the pool without some of them."""

import numpy as np
from jaxtyping import Bool, Float64, Int64

from .. import morton
from ..upkeep.holdings import Holdings
from .archive import measure
from .block_pool import (
    BLOCK,
    CELLS,
    EMPTY,
    OF_BLOCKS,
    OF_ROWS,
    PAGE,
    PLACE,
    BlockPool,
    block_key,
    find_slot,
    index_blocks,
    room_for,
)

Slots = Int64[np.ndarray, "_"]
_AT_ONCE = 4096
_MOST_USES = (1 << 32) - 1


def by_key(pool: BlockPool) -> Slots:
    """The slots of all blocks by rising key, the order of their holdings: a saved map has the same."""
    slots: Slots = np.argsort(pool.keys[: pool.counts[0]])
    return slots


def holdings_of(pool: BlockPool, voxel_size_m: float) -> Holdings:
    """A row each block, by rising key; a block's redundancy is as of :meth:`SparseOctree.holdings`."""
    slots = by_key(pool)
    pages = pool.pages[slots]
    nbytes = _block_nbytes(pool) + PAGE * _row_nbytes(pool) * np.count_nonzero(pages != EMPTY, axis=1)
    rows = slice(0, PAGE * int(pool.counts[1]))
    occupied = _summed(pool.evidence[rows] > 0, pages)

    def redundancy() -> Float64[np.ndarray, " n"]:
        return -(occupied + _summed(pool.label[rows] > 0, pages)) / nbytes

    corners = morton.decode((pool.keys[slots] & PLACE) << (CELLS.bit_length() - 1))
    return Holdings(
        nbytes=nbytes,
        items=occupied,
        last_seen=pool.seen[slots].astype(np.int64) - 1,
        uses=pool.uses[slots].astype(np.int64),
        positions=(corners + BLOCK / 2) * voxel_size_m,
        redundancy=redundancy,
    )


def count_use(pool: BlockPool, blocks: Int64[np.ndarray, "n 3"], agent: int) -> None:
    """One use more for each of these blocks that there is, however often it is named."""
    for i, j, k in np.unique(blocks, axis=0).tolist():
        slot = find_slot(pool.hash_keys, pool.hash_slots, block_key(agent, i, j, k))
        if slot != EMPTY:
            pool.uses[slot] = min(int(pool.uses[slot]) + 1, _MOST_USES)


def labels_in(pool: BlockPool, slots: Slots) -> Int64[np.ndarray, " l"]:
    """The labels of the voxels of some blocks, each once."""
    pages = pool.pages[slots]
    rows = (pages[pages != EMPTY].astype(np.int64)[:, None] * PAGE + np.arange(PAGE)).reshape(-1)
    labels: Int64[np.ndarray, " l"] = np.unique(pool.label[rows]).astype(np.int64)
    return labels[labels > 0]


def without(pool: BlockPool, slots: Slots) -> BlockPool:
    """The pool, in place, without these blocks; with smaller arrays where its own are too large by now."""
    used, pages = pool.counts.tolist()
    stays = np.ones(used, bool)
    stays[slots] = False
    kept = np.flatnonzero(stays)
    owned = pool.pages[kept]
    kept_pages = np.sort(owned[owned != EMPTY]).astype(np.int64)
    moved = np.full(pages + 1, EMPTY, np.int32)
    moved[kept_pages] = np.arange(len(kept_pages))
    for name in OF_BLOCKS:
        _close_up(getattr(pool, name)[:used], kept, EMPTY if name == "pages" else 0)
    pool.pages[: len(kept)] = moved[pool.pages[: len(kept)]]
    for name in OF_ROWS:
        column = getattr(pool, name)
        by_page = column[: PAGE * pages].reshape(pages, PAGE, *column.shape[1:])
        _close_up(by_page, kept_pages, 0)
    pool.counts[:] = len(kept), len(kept_pages)
    pool = _fitting(pool)
    pool.hash_keys.fill(EMPTY)
    index_blocks(pool.hash_keys, pool.hash_slots, pool.keys, len(kept))
    measure(pool)
    return pool


def _summed(of_rows: Bool[np.ndarray, " rows"], pages: np.ndarray) -> Int64[np.ndarray, " b"]:
    """(b,) for how many rows of each block it is so; ``EMPTY`` finds the last page, which has none."""
    a_page = np.append(np.count_nonzero(of_rows.reshape(-1, PAGE), axis=1), 0)
    return a_page[pages].sum(1)


def nbytes_of(pool: BlockPool) -> int:
    """Of the blocks and rows in use, and of the index that so many blocks come with."""
    blocks, pages = pool.counts.tolist()
    rows, index = PAGE * pages * _row_nbytes(pool), pool.hash_keys.nbytes + pool.hash_slots.nbytes
    return blocks * _block_nbytes(pool) + rows + index + pool.extent.nbytes


def _block_nbytes(pool: BlockPool) -> int:
    return sum(getattr(pool, name)[:1].nbytes for name in OF_BLOCKS)


def _row_nbytes(pool: BlockPool) -> int:
    return sum(getattr(pool, name)[:1].nbytes for name in OF_ROWS)


def _close_up(array: np.ndarray, kept: Slots, nothing: int) -> None:
    """Moves the kept entries to the front, in their order; a part at a time, so that no copy is large."""
    for start in range(0, len(kept), _AT_ONCE):
        chosen = kept[start : start + _AT_ONCE]
        if chosen[-1] >= start + len(chosen):
            array[start : start + len(chosen)] = array[chosen]
    array[len(kept) :] = nothing


def _fitting(pool: BlockPool) -> BlockPool:
    """Arrays of blocks of the capacity that as many would have come to; of rows, where half is empty."""
    blocks, rows = int(pool.counts[0]), PAGE * int(pool.counts[1])
    capacity = room_for(blocks)
    if capacity < len(pool.keys):
        smaller = {name: getattr(pool, name)[:capacity].copy() for name in OF_BLOCKS}
        table = {name: getattr(pool, name)[: 4 * capacity].copy() for name in ("hash_keys", "hash_slots")}
        pool = pool._replace(**smaller, **table)
    if 2 * rows < len(pool.cell) > 64 * PAGE:
        room = rows + rows // 4 + 64 * PAGE
        pool = pool._replace(**{name: getattr(pool, name)[:room].copy() for name in OF_ROWS})
    return pool
