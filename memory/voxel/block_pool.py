"""Where the voxels live: 8x8x8 blocks, found by hashed Morton key, and rows of payload for what was hit.

Arrays only, so that compiled kernels take the whole pool as one argument. Free space costs two bytes a
voxel; colours, counts and features exist where there is, or was, a surface. The agent is part of a block's
key, so that one pool holds the maps of many.
"""

from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float32, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32
from numba import njit

from ..morton import SIGN_OFFSET, gather, spread

BLOCK = 8
CELLS = BLOCK**3
BLOCK_OFFSET = SIGN_OFFSET // BLOCK
EMPTY = -1
SPREAD = np.array([0, 1, 8, 9, 64, 65, 72, 73])
"""An index within a block, spread for interleaving: ``SPREAD[x] | SPREAD[y] << 1 | SPREAD[z] << 2``."""
AGENT_SHIFT = 54
AGENTS = 1 << (63 - AGENT_SHIFT)
PLACE = (1 << AGENT_SHIFT) - 1
"""The part of a block's key that says where it is; the rest is whose it is."""
PAGE = 16
BLOCK_PAGES = CELLS // PAGE
FRACTION = 256
"""Where in its voxel a point lies is kept in such parts of an edge."""
MOST_POINTS = 1 << 24
"""A voxel's mean position is that of so many points; later ones count and no longer move it."""

_FIRST_BLOCKS, _FIRST_PAGES = 64, 64
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class BlockPool(NamedTuple):
    """Room for ``capacity`` blocks and ``R`` rows of payload, 16 to a page; a page belongs to one block.

    A voxel's *handle* is ``slot * 512 + cell``: its block's slot, and its Morton key within the block. Its
    row is ``pages[slot, local >> 4] * 16 + (local & 15)`` with ``local = cells[slot, cell] - 1``.

    Args:
        counts: (2,) blocks in use, pages in use.
        hash_keys: (4 * capacity) block keys by open addressing, ``EMPTY`` where none.
        hash_slots: (4 * capacity) the slot of each.
        keys: (capacity) ``agent << 54 | Morton key of the block``: see :func:`block_key`.
        cells: (capacity, 512) 0 unknown; below 0 free, with that evidence; above 0 a local row, plus 1.
        rows: (capacity) how many local rows the block has: all below that are in use.
        pages: (capacity, 32) the page of local rows 16 p to 16 p + 15; ``EMPTY`` for none.
        changed: (capacity) the map's change at which a voxel of the block last became occupied or free, or
            got another label; 0 = never. Of this map object only: archives do not hold it.
        seen: (capacity) the latest step at which a frame reached the block, plus 1; 0 = not known.
        uses: (capacity) how often a retrieval gave something in the block.
        extent: (agents, 2, 3) index range [lower, upper) of all known voxels of each agent; agents beyond
            have none.
        cell: (R) which cell of its block a row belongs to.
        evidence: (R) clamped: above 0 occupied; below 0 it was hit once, and seen through since.
        hits: (R) points that fell in.
        offset: (R, 3) sums over the first ``MOST_POINTS`` points of where in the voxel they fell, in 256ths
            of an edge, rounded down: see :func:`mean_points`.
        colour: (R, 4) sums of red, green, blue over the frames in colour, and how many.
        last_hit: (R) the latest step with a hit, plus 1.
        label: (R) what most frames took an occupied voxel for; 0 = none.
        votes: (R) how far that label is ahead of all others; 0 where there is no label.
        weight: (R) how many pixels the feature is the mean of; 0 = none.
        feature: (R, d, 1 | 2) the bits of the fused feature, as float16 or float32: see :func:`features_of`.
            Of one type, so that kernels are compiled once; and Numba does not know float16.
    """

    counts: Int64[np.ndarray, "2"]
    hash_keys: Int64[np.ndarray, " slots"]
    hash_slots: Int32[np.ndarray, " slots"]
    keys: Int64[np.ndarray, " capacity"]
    cells: Int16[np.ndarray, "capacity 512"]
    rows: Int16[np.ndarray, " capacity"]
    pages: Int32[np.ndarray, "capacity 32"]
    changed: Int64[np.ndarray, " capacity"]
    seen: Int32[np.ndarray, " capacity"]
    uses: UInt32[np.ndarray, " capacity"]
    extent: Int64[np.ndarray, "agents 2 3"]
    cell: Int16[np.ndarray, " R"]
    evidence: Int8[np.ndarray, " R"]
    hits: UInt32[np.ndarray, " R"]
    offset: UInt32[np.ndarray, "R 3"]
    colour: UInt32[np.ndarray, "R 4"]
    last_hit: Int32[np.ndarray, " R"]
    label: UInt16[np.ndarray, " R"]
    votes: UInt8[np.ndarray, " R"]
    weight: Float32[np.ndarray, " R"]
    feature: UInt16[np.ndarray, "R d words"]


OF_BLOCKS = ("keys", "cells", "rows", "pages", "changed", "seen", "uses")
"""What there is one of for each block."""
PAYLOAD = ("evidence", "hits", "offset", "colour", "last_hit", "label", "votes", "weight", "feature")
"""What is held of a voxel that was hit; the rest of a pool is its index."""
OF_ROWS = ("cell", *PAYLOAD)


def empty_pool(
    blocks: int = 0, pages: int = 0, *, agents: int = 1, width: int = 0, dtype: str = "float16"
) -> BlockPool:
    """A pool of nothing, with room for at least so many blocks (a power of two) and pages.

    Args:
        blocks: room for blocks.
        pages: room for pages of rows.
        agents: rows of ``extent``.
        width: of features.
        dtype: of features, float16 or float32.
    """
    capacity, rows = room_for(blocks), PAGE * max(pages, _FIRST_PAGES)
    return BlockPool(
        counts=np.zeros(2, np.int64),
        hash_keys=np.full(4 * capacity, EMPTY, np.int64),
        hash_slots=np.zeros(4 * capacity, np.int32),
        keys=np.zeros(capacity, np.int64),
        cells=np.zeros((capacity, CELLS), np.int16),
        rows=np.zeros(capacity, np.int16),
        pages=np.full((capacity, BLOCK_PAGES), EMPTY, np.int32),
        changed=np.zeros(capacity, np.int64),
        seen=np.zeros(capacity, np.int32),
        uses=np.zeros(capacity, np.uint32),
        extent=np.zeros((agents, 2, 3), np.int64),
        cell=np.zeros(rows, np.int16),
        evidence=np.zeros(rows, np.int8),
        hits=np.zeros(rows, np.uint32),
        offset=np.zeros((rows, 3), np.uint32),
        colour=np.zeros((rows, 4), np.uint32),
        last_hit=np.zeros(rows, np.int32),
        label=np.zeros(rows, np.uint16),
        votes=np.zeros(rows, np.uint8),
        weight=np.zeros(rows, np.float32),
        feature=np.zeros((rows, width, np.dtype(dtype).itemsize // 2), np.uint16),
    )


def room_for(blocks: int) -> int:
    """The capacity of a pool that holds so many blocks: a power of two."""
    return max(_FIRST_BLOCKS, 1 << max(0, blocks - 1).bit_length())


def features_of(pool: BlockPool) -> np.ndarray:
    """(R, d) the pool's features as the numbers they are: a view, float16 or float32."""
    rows, width, words = pool.feature.shape
    return pool.feature.view(np.float16 if words == 1 else np.float32).reshape(rows, width)


def grown(pool: BlockPool, blocks: int, pages: int, agents: int = 1) -> BlockPool:
    """The pool itself if it has room for so many, else one with larger arrays where they must be."""
    used, rows = int(pool.counts[0]), PAGE * int(pool.counts[1])
    if blocks > len(pool.keys):
        room = empty_pool(blocks)
        for name in OF_BLOCKS:
            getattr(room, name)[:used] = getattr(pool, name)[:used]
        index_blocks(room.hash_keys, room.hash_slots, room.keys, used)
        index = {name: getattr(room, name) for name in (*OF_BLOCKS, "hash_keys", "hash_slots")}
        pool = pool._replace(**index)
    if pages * PAGE > len(pool.cell):
        capacity = max(pages * PAGE, 2 * len(pool.cell))
        pool = pool._replace(**{name: _longer(getattr(pool, name), rows, capacity) for name in OF_ROWS})
    if agents > len(pool.extent):
        pool = pool._replace(extent=_longer(pool.extent, len(pool.extent), agents))
    return pool


def _longer(array: np.ndarray, used: int, capacity: int) -> np.ndarray:
    longer = np.zeros((capacity, *array.shape[1:]), array.dtype)
    longer[:used] = array[:used]
    return longer


@njit(cache=True)
@no_type_check
def block_key(agent, x, y, z):
    """The key of an agent's block at block coordinates (voxel indices >> 3)."""
    x, y, z = x + BLOCK_OFFSET, y + BLOCK_OFFSET, z + BLOCK_OFFSET
    return (agent << AGENT_SHIFT) | spread(x) | (spread(y) << 1) | (spread(z) << 2)


@njit(cache=True)
@no_type_check
def block_corner(key):
    """The lowest voxel index of a block, from its key."""
    place = key & PLACE
    return (
        (gather(place) - BLOCK_OFFSET) * BLOCK,
        (gather(place >> 1) - BLOCK_OFFSET) * BLOCK,
        (gather(place >> 2) - BLOCK_OFFSET) * BLOCK,
    )


@njit(cache=True)
@no_type_check
def agent_of(key):
    """Whose block it is, from its key."""
    return key >> AGENT_SHIFT


@njit(cache=True)
@no_type_check
def find_place(hash_keys, key):
    """Where the key stands in the table, or the empty place where it belongs."""
    mask = len(hash_keys) - 1
    place = np.int64((np.uint64(key) * _GOLDEN) >> np.uint64(32)) & mask
    while hash_keys[place] != key and hash_keys[place] != EMPTY:
        place = (place + 1) & mask
    return place


@njit(cache=True)
@no_type_check
def find_slot(hash_keys, hash_slots, key):
    """The slot of a block, ``EMPTY`` if there is none."""
    place = find_place(hash_keys, key)
    return np.int64(hash_slots[place]) if hash_keys[place] == key else np.int64(EMPTY)


@njit(cache=True)
@no_type_check
def index_blocks(hash_keys, hash_slots, keys, used):
    """Enters the first ``used`` keys into an empty table."""
    for slot in range(used):
        place = find_place(hash_keys, keys[slot])
        hash_keys[place] = keys[slot]
        hash_slots[place] = slot


@njit(cache=True)
@no_type_check
def find_or_add(counts, hash_keys, hash_slots, keys, key):
    """The slot of a block, added where it was missing; the pool, of which these are arrays, has room."""
    place = find_place(hash_keys, key)
    if hash_keys[place] == key:
        return np.int64(hash_slots[place])
    slot = counts[0]
    hash_keys[place], hash_slots[place], keys[slot] = key, slot, key
    counts[0] = slot + 1
    return slot


@njit(cache=True)
@no_type_check
def row_of(pool, slot, cell):
    """The row of payload of a voxel, ``EMPTY`` if it was never hit."""
    local = np.int64(pool.cells[slot, cell]) - 1
    if local < 0:
        return np.int64(EMPTY)
    return np.int64(pool.pages[slot, local >> 4]) * PAGE + (local & 15)


@njit(cache=True)
@no_type_check
def evidence_of(pool, slot, cell):
    """A voxel's evidence: 0 unknown, below free, above occupied."""
    row = row_of(pool, slot, cell)
    return np.int64(pool.cells[slot, cell]) if row == EMPTY else np.int64(pool.evidence[row])


@njit(cache=True)
@no_type_check
def add_row(counts, cells, rows, pages, cell_of, slot, cell):
    """A row of payload, all zeros, for a voxel that has none; the pool has room.

    The arrays of a pool one by one: handing on the whole tuple costs more than the row.
    """
    local = np.int64(rows[slot])
    if pages[slot, local >> 4] == EMPTY:
        pages[slot, local >> 4] = counts[1]
        counts[1] += 1
    row = np.int64(pages[slot, local >> 4]) * PAGE + (local & 15)
    rows[slot] = cells[slot, cell] = local + 1
    cell_of[row] = cell
    return row


def mean_points(pool: BlockPool, rows: Int64[np.ndarray, " n"]) -> np.ndarray:
    """(n, 3) where in its voxel the points of each of these rows lie on average, 0 to 1 of an edge."""
    points = np.minimum(pool.hits[rows], MOST_POINTS).astype(np.float64)[:, None]
    return (pool.offset[rows] / points + 0.5) / FRACTION
