"""Where the voxels live: 8x8x8 blocks, found by hashed Morton key, one payload row a voxel.

Arrays only, so that compiled kernels take the whole pool as one argument.
"""

from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Int8, Int32, Int64, UInt8, UInt16, UInt32
from numba import njit

from .morton import SIGN_OFFSET, gather, spread

BLOCK = 8
CELLS = BLOCK**3
BLOCK_OFFSET = SIGN_OFFSET // BLOCK
EMPTY = -1
SPREAD = np.array([0, 1, 8, 9, 64, 65, 72, 73])
"""An index within a block, spread for interleaving: ``SPREAD[x] | SPREAD[y] << 1 | SPREAD[z] << 2``."""

_FIRST_CAPACITY = 64
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class BlockPool(NamedTuple):
    """Room for ``capacity`` blocks; a voxel's row is its block's slot and its Morton key within the block.

    Args:
        hash_keys: (4 * capacity) block keys by open addressing, ``EMPTY`` where none.
        hash_slots: (4 * capacity) the slot of each.
        keys: (capacity) the block key of each slot: a voxel's Morton key without its 9 lowest bits.
        evidence: (capacity, 512) clamped: 0 unknown, below free, above occupied.
        hits: (capacity, 512) points that fell in.
        misses: (capacity, 512) frames that looked through it.
        colour: (capacity, 512, 4) sums of red, green, blue over the frames in colour, and how many.
        last_hit: (capacity, 512) the latest step with a hit, plus 1; 0 = never.
        label: (capacity, 512) what most frames took an occupied voxel for; 0 = none.
        votes: (capacity, 512) how far that label is ahead of all others; 0 where there is no label.
        changed: (capacity) the map's change at which a voxel of the block last became occupied or free, or
            got another label; 0 = never. Of this map object only: archives do not hold it.
        extent: (2, 3) index range [lower, upper) of all known voxels.
    """

    hash_keys: Int64[np.ndarray, " slots"]
    hash_slots: Int32[np.ndarray, " slots"]
    keys: Int64[np.ndarray, " capacity"]
    evidence: Int8[np.ndarray, "capacity 512"]
    hits: UInt32[np.ndarray, "capacity 512"]
    misses: UInt32[np.ndarray, "capacity 512"]
    colour: UInt32[np.ndarray, "capacity 512 4"]
    last_hit: Int32[np.ndarray, "capacity 512"]
    label: UInt16[np.ndarray, "capacity 512"]
    votes: UInt8[np.ndarray, "capacity 512"]
    changed: Int64[np.ndarray, " capacity"]
    extent: Int64[np.ndarray, "2 3"]


PAYLOAD = ("keys", "evidence", "hits", "misses", "colour", "last_hit", "label", "votes")
"""What belongs to a block; the rest of a pool is its index."""
LABELS = ("label", "votes")
"""The part of it that archives of before there were labels do not hold."""


def empty_pool(blocks: int = 0) -> BlockPool:
    """A pool without blocks and with room for at least so many, a power of two."""
    capacity = _FIRST_CAPACITY
    while capacity < blocks:
        capacity *= 2
    return BlockPool(
        hash_keys=np.full(4 * capacity, EMPTY, np.int64),
        hash_slots=np.zeros(4 * capacity, np.int32),
        keys=np.zeros(capacity, np.int64),
        evidence=np.zeros((capacity, CELLS), np.int8),
        hits=np.zeros((capacity, CELLS), np.uint32),
        misses=np.zeros((capacity, CELLS), np.uint32),
        colour=np.zeros((capacity, CELLS, 4), np.uint32),
        last_hit=np.zeros((capacity, CELLS), np.int32),
        label=np.zeros((capacity, CELLS), np.uint16),
        votes=np.zeros((capacity, CELLS), np.uint8),
        changed=np.zeros(capacity, np.int64),
        extent=np.zeros((2, 3), np.int64),
    )


def grown(pool: BlockPool, used: int, blocks: int) -> BlockPool:
    """The pool itself if it has room for ``blocks``, else a larger copy of it."""
    if blocks <= len(pool.keys):
        return pool
    larger = empty_pool(blocks)
    for name in (*PAYLOAD, "changed"):
        getattr(larger, name)[:used] = getattr(pool, name)[:used]
    larger.extent[:] = pool.extent
    index_blocks(larger.hash_keys, larger.hash_slots, larger.keys, used)
    return larger


@njit(cache=True)
@no_type_check
def block_key(x, y, z):
    """The key of the block at block coordinates (voxel indices >> 3)."""
    x, y, z = x + BLOCK_OFFSET, y + BLOCK_OFFSET, z + BLOCK_OFFSET
    return spread(x) | (spread(y) << 1) | (spread(z) << 2)


@njit(cache=True)
@no_type_check
def block_corner(key):
    """The lowest voxel index of a block, from its key."""
    return (
        (gather(key) - BLOCK_OFFSET) * BLOCK,
        (gather(key >> 1) - BLOCK_OFFSET) * BLOCK,
        (gather(key >> 2) - BLOCK_OFFSET) * BLOCK,
    )


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
def find_or_add(hash_keys, hash_slots, keys, used, key):
    """The slot of a block and the number of blocks, after adding it where it was missing."""
    place = find_place(hash_keys, key)
    if hash_keys[place] == key:
        return np.int64(hash_slots[place]), used
    hash_keys[place] = key
    hash_slots[place] = used
    keys[used] = key
    return used, used + 1


@njit(cache=True)
@no_type_check
def count_missing(hash_keys, keys, used):
    """How many of the first ``used`` keys a table does not hold."""
    missing = 0
    for n in range(used):
        if hash_keys[find_place(hash_keys, keys[n])] == EMPTY:
            missing += 1
    return missing
