"""A voxel map sampled anew in another frame: for transforms that are no shift by whole voxels."""

from typing import no_type_check

import numpy as np
from jaxtyping import Int64
from numba import njit

from placecell.arrays import Transform
from placecell.geometry import invert, transform

from .. import morton
from .block_pool import (
    BLOCK,
    CELLS,
    EMPTY,
    FRACTION,
    MOST_POINTS,
    PAGE,
    PLACE,
    BlockPool,
    add_row,
    agent_of,
    block_corner,
    block_key,
    empty_pool,
    evidence_of,
    features_of,
    find_or_add,
    find_slot,
    mean_points,
)
from .frame_merge import MOST, MOST_VOTES
from .patch_features import MOST_WEIGHT
from .state_queries import CELL_X, CELL_Y, CELL_Z, cell_of, indices_of, occupied_handles, payload_rows

Rows = Int64[np.ndarray, " n"]
_EVERYWHERE = np.array([[-morton.SIGN_OFFSET] * 3, [morton.SIGN_OFFSET] * 3])
_CORNERS = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)])
_MOST_COUNT = (1 << 32) - 1


def resampled(pool: BlockPool, T_new_old: Transform, voxel_size_m: float) -> BlockPool:
    """A pool of the same surfaces and free space, in a frame that is turned or shifted by parts of a voxel.

    All that is held of an occupied voxel goes to the voxel in which its mean point comes to lie: no point
    or colour is lost, and where two voxels meet they are added up. A voxel in which none lies is free if the
    old one at its centre was. What was hit once and is free now is free and nothing else.

    Args:
        pool: unchanged.
        T_new_old: (4, 4) rigid.
        voxel_size_m: of both.
    """
    used = int(pool.counts[0])
    handles = occupied_handles(pool, np.arange(used), *_EVERYWHERE)
    rows = payload_rows(pool, handles)
    points = (indices_of(pool, handles) + mean_points(pool, rows)) * voxel_size_m
    at = transform(T_new_old, points) / voxel_size_m
    indices = np.floor(at).astype(np.int64)
    keys = morton.encode(indices)
    whose = pool.keys[handles // CELLS] & ~np.int64(PLACE)
    blocks, wanted = whose | (keys >> 9), _blocks_touched(pool, T_new_old, voxel_size_m)
    room = len(np.union1d(blocks, wanted))
    features = features_of(pool)
    new = empty_pool(
        room, len(rows) // PAGE + room, agents=len(pool.extent), width=features.shape[1],
        dtype=str(features.dtype),
    )  # fmt: skip
    into = np.zeros(len(rows), np.int64)
    _enter(new, blocks, keys & (CELLS - 1), pool, handles, into)
    _gather(new, pool, into, rows, at - indices)
    T_old_new = invert(T_new_old)
    _fill_free(new, pool, wanted, T_old_new[:3, :3].copy(), T_old_new[:3, 3] / voxel_size_m)
    return new


def _blocks_touched(pool: BlockPool, T: Transform, voxel_size_m: float) -> Int64[np.ndarray, " b"]:
    """Keys of the blocks of the new frame that the bounds of an old block meet."""
    keys = pool.keys[: pool.counts[0]]
    lower = morton.decode((keys & PLACE) << 9)
    corners = (lower[:, None] + BLOCK * _CORNERS) * voxel_size_m
    moved = np.floor(transform(T, corners) / (voxel_size_m * BLOCK)).astype(np.int64)
    first, last = moved.min(1), moved.max(1)
    found = [np.zeros(0, np.int64)]
    for step in np.ndindex(*(last - first).max(0, initial=0) + 1):
        inside = (first + step <= last).all(1)
        places = morton.encode((first[inside] + step) * BLOCK) >> 9
        found.append((keys[inside] & ~np.int64(PLACE)) | places)
    return np.unique(np.concatenate(found))


@njit(cache=True)
@no_type_check
def note_upkeep(pool, slot, other, theirs, step_offset):
    """A block takes over when a block of another pool was last seen, and how often it was used, if more."""
    if other.seen[theirs] > 0:
        pool.seen[slot] = max(pool.seen[slot], np.int32(other.seen[theirs] + step_offset))
    pool.uses[slot] = max(pool.uses[slot], other.uses[theirs])


@njit(cache=True)
@no_type_check
def _enter(pool, blocks, cells, old, handles, into):
    """A row for each of these voxels, which may be one several times, in a pool that has room."""
    counts, hash_keys, hash_slots, keys = pool.counts, pool.hash_keys, pool.hash_slots, pool.keys
    for n in range(len(blocks)):
        slot = find_or_add(counts, hash_keys, hash_slots, keys, blocks[n])
        note_upkeep(pool, slot, old, handles[n] // CELLS, 0)
        local = np.int64(pool.cells[slot, cells[n]]) - 1
        if local >= 0:
            into[n] = np.int64(pool.pages[slot, local >> 4]) * PAGE + (local & 15)
        else:
            into[n] = add_row(counts, pool.cells, pool.rows, pool.pages, pool.cell, slot, cells[n])


def _gather(new: BlockPool, old: BlockPool, into: Rows, rows: Rows, inside: np.ndarray) -> None:
    """Sums what the rows hold by the new row that each goes into; ``inside`` (n, 3) where in its voxel."""
    if len(rows) == 0:
        return
    order = np.argsort(into, kind="stable")
    into, rows, inside = into[order], rows[order], inside[order]
    starts = np.flatnonzero(np.diff(into, prepend=-1))
    targets = into[starts]

    def sums(values: np.ndarray) -> np.ndarray:
        total: np.ndarray = np.add.reduceat(values, starts, axis=0)
        return total

    hits = old.hits[rows].astype(np.int64)
    counted = np.minimum(hits, MOST_POINTS)
    parts = np.minimum(np.floor(inside * FRACTION).astype(np.int64), FRACTION - 1)
    total = np.maximum(sums(counted), 1)[:, None]
    new.offset[targets] = sums(parts * counted[:, None]) * np.minimum(total, MOST_POINTS) // total
    new.hits[targets] = np.minimum(sums(hits), _MOST_COUNT)
    colours = sums(old.colour[rows].astype(np.int64))
    frames = np.maximum(colours[:, 3:], 1)
    new.colour[targets] = colours * np.minimum(frames, MOST_POINTS) // frames
    new.last_hit[targets] = np.maximum.reduceat(old.last_hit[rows], starts)
    new.evidence[targets] = np.minimum(sums(old.evidence[rows].astype(np.int64)), MOST)
    _elect(new, old, into, rows)
    weights = old.weight[rows].astype(np.float64)
    total = sums(weights)
    new.weight[targets] = np.minimum(total, MOST_WEIGHT)
    held, theirs = features_of(new), features_of(old)
    if held.shape[1]:
        means = sums(theirs[rows].astype(np.float64) * weights[:, None])
        held[targets] = means / np.maximum(total, np.finfo(np.float64).tiny)[:, None]


def _elect(new: BlockPool, old: BlockPool, into: Rows, rows: Rows) -> None:
    """The label with the most votes, the lower one of two; its lead is over all the others together."""
    voted = old.label[rows] > 0
    pairs, which = np.unique(into[voted] << 16 | old.label[rows[voted]].astype(np.int64), return_inverse=True)
    votes = np.bincount(which, old.votes[rows[voted]], len(pairs)).astype(np.int64)
    every = np.zeros(int(into.max(initial=0)) + 1, np.int64)
    np.add.at(every, pairs >> 16, votes)
    # The last one written stands: rising votes, and among equals falling labels.
    order = np.lexsort((-(pairs & 0xFFFF), votes))
    row, most = pairs[order] >> 16, votes[order]
    new.label[row] = pairs[order] & 0xFFFF
    new.votes[row] = np.clip(2 * most - every[row], 1, MOST_VOTES)


@njit(cache=True)
@no_type_check
def _fill_free(pool, old, wanted, rotation, shift):
    """Makes the voxels of some blocks of which nothing is known free where the old map is."""
    counts, hash_keys, hash_slots, keys = pool.counts, pool.hash_keys, pool.hash_slots, pool.keys
    for n in range(len(wanted)):
        agent = agent_of(wanted[n])
        i, j, k = block_corner(wanted[n])
        slot = find_slot(hash_keys, hash_slots, wanted[n])
        for cell in range(CELLS):
            if slot != EMPTY and pool.cells[slot, cell] != 0:
                continue
            x = i + np.int64(CELL_X[cell]) + 0.5
            y = j + np.int64(CELL_Y[cell]) + 0.5
            z = k + np.int64(CELL_Z[cell]) + 0.5
            u = np.int64(np.floor(rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2] * z + shift[0]))
            v = np.int64(np.floor(rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2] * z + shift[1]))
            w = np.int64(np.floor(rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * z + shift[2]))
            theirs = find_slot(old.hash_keys, old.hash_slots, block_key(agent, u >> 3, v >> 3, w >> 3))
            if theirs == EMPTY:
                continue
            evidence = evidence_of(old, theirs, cell_of(u, v, w))
            if evidence < 0:
                if slot == EMPTY:
                    slot = find_or_add(counts, hash_keys, hash_slots, keys, wanted[n])
                pool.cells[slot, cell] = evidence
                note_upkeep(pool, slot, old, theirs, 0)
