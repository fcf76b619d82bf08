"""Coarser levels of the octree: cells of 2**n voxels an edge, each the sum of its occupied voxels.

A cell is what the voxels with one prefix of the Morton key have in common: ``key >> 3 n``.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64, UInt8

from placecell.errors import PlacecellError

from .. import morton
from .block_pool import BlockPool, features_of, mean_points
from .state_queries import indices_of, payload_rows

TOP_LEVEL = morton.BITS - 1
"""At this level there is one cell an octant of the world."""
_ROWS_AT_A_TIME = 1 << 14


@dataclass(frozen=True)
class Level:
    """The cells of one level that hold an occupied voxel, ``m`` of them by rising key.

    Args:
        level: 0 for the voxels themselves; a cell's edge is ``2**level`` voxels.
        size_m: that edge.
        keys: (m,) the Morton key of the cell: its voxels' keys without the lowest ``3 * level`` bits.
        indices: (m, 3) the cell around a point is floor(point / size_m).
        voxels: (m,) how many occupied voxels are in the cell.
        hits: (m,) points that fell into them.
        points: (m, 3) the mean of these points, metres, world frame.
        colour_sums: (m, 4) sums of red, green, blue over frames and voxels, and of how many.
        last_seen: (m,) the step of the last hit.
        labels: (m,) the category with the most votes in the cell, the lower one of two; 0 = none.
        votes: (m,) its voxels' votes, together.
        weights: (m,) what the voxels' features weigh, together.
        features: (m, d) their mean by weight; zeros where that is 0.
    """

    level: int
    size_m: float
    keys: Int64[np.ndarray, " m"]
    indices: Int64[np.ndarray, "m 3"]
    voxels: Int64[np.ndarray, " m"]
    hits: Int64[np.ndarray, " m"]
    points: Float64[np.ndarray, "m 3"]
    colour_sums: Int64[np.ndarray, "m 4"]
    last_seen: Int64[np.ndarray, " m"]
    labels: Int64[np.ndarray, " m"]
    votes: Int64[np.ndarray, " m"]
    weights: Float64[np.ndarray, " m"]
    features: Float32[np.ndarray, "m d"]

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def centres(self) -> Float64[np.ndarray, "m 3"]:
        """(m, 3) the middle of each cell, metres, world frame."""
        return (self.indices + 0.5) * self.size_m

    @property
    def coloured(self) -> Bool[np.ndarray, " m"]:
        """(m,) whether a coloured frame has seen the cell."""
        return self.colour_sums[:, 3] > 0

    @property
    def colours(self) -> UInt8[np.ndarray, "m 3"]:
        """(m, 3) mean colour; black where there is none."""
        return mean_colours(self.colour_sums)


def mean_colours(sums: Int64[np.ndarray, "n 4"]) -> UInt8[np.ndarray, "n 3"]:
    """Red, green, blue from their sums and the number of them, rounded to the nearest; black for none."""
    count = np.maximum(sums[:, 3:], 1)
    return ((2 * sums[:, :3] + count) // (2 * count)).astype(np.uint8)


def require_level(level: int) -> None:
    """Raises :class:`PlacecellError` for a level that there is not."""
    if not 0 <= level <= TOP_LEVEL:
        raise PlacecellError(
            expected=f"a level from 0, the voxels, to {TOP_LEVEL}, one cell an octant",
            came=f"{level}",
            fix="the edge of a cell is 2**level voxels",
        )


def sum_level(pool: BlockPool, handles: Int64[np.ndarray, " n"], level: int, voxel_size_m: float) -> Level:
    """Adds up voxels by the prefix of their keys.

    Args:
        pool: where they live.
        handles: (n,) occupied voxels of one agent by rising Morton key.
        level: see :class:`Level`.
        voxel_size_m: edge length of a voxel.
    """
    voxel_indices, rows = indices_of(pool, handles), payload_rows(pool, handles)
    keys, starts, counts = np.unique(
        morton.encode(voxel_indices) >> (3 * level), return_index=True, return_counts=True
    )
    hits = pool.hits[rows].astype(np.int64)
    total = _sums(hits, starts)
    places = (voxel_indices + mean_points(pool, rows)) * voxel_size_m
    labels, votes = _elect(pool, rows, np.repeat(np.arange(len(keys)), counts), len(keys))
    weights, features = _mean_features(pool, rows, starts)
    return Level(
        level=level,
        size_m=voxel_size_m * 2**level,
        keys=keys,
        indices=voxel_indices[starts] >> level,
        voxels=counts.astype(np.int64),
        hits=total,
        points=_sums(places * hits[:, None], starts) / total[:, None],
        colour_sums=_sums(pool.colour[rows].astype(np.int64), starts),
        last_seen=(np.maximum.reduceat(pool.last_hit[rows], starts) if len(starts) else starts) - np.int64(1),
        labels=labels,
        votes=votes,
        weights=weights,
        features=features,
    )


def _sums(values: np.ndarray, starts: Int64[np.ndarray, " m"]) -> np.ndarray:
    """The sums of the runs of rows that begin at ``starts``."""
    return np.add.reduceat(values, starts, axis=0) if len(starts) else values[:0]


def _elect(
    pool: BlockPool, rows: Int64[np.ndarray, " n"], cells: Int64[np.ndarray, " n"], count: int
) -> tuple[Int64[np.ndarray, " m"], Int64[np.ndarray, " m"]]:
    """Each cell's label with the most votes, the lower one of two, and these votes."""
    labels, votes = np.zeros(count, np.int64), np.zeros(count, np.int64)
    has_label = pool.label[rows] > 0
    rows, cells = rows[has_label], cells[has_label]
    pairs, which = np.unique(cells << 16 | pool.label[rows].astype(np.int64), return_inverse=True)
    sums = np.bincount(which, pool.votes[rows], len(pairs)).astype(np.int64)
    # The last one written stands: rising votes, and among equals falling labels.
    order = np.lexsort((-(pairs & 0xFFFF), sums))
    labels[pairs[order] >> 16], votes[pairs[order] >> 16] = pairs[order] & 0xFFFF, sums[order]
    return labels, votes


def _mean_features(
    pool: BlockPool, rows: Int64[np.ndarray, " n"], starts: Int64[np.ndarray, " m"]
) -> tuple[Float64[np.ndarray, " m"], Float32[np.ndarray, "m d"]]:
    """Each cell's weight and mean feature, some rows at a time: all at once would be a copy of them all."""
    stored, weights = features_of(pool), pool.weight[rows].astype(np.float64)
    total = _sums(weights, starts)
    means = np.zeros((len(starts), stored.shape[1]), np.float32)
    if stored.shape[1] == 0 or len(starts) == 0:
        return total, means
    ends = np.append(starts[1:], len(rows))
    first = 0
    while first < len(starts):
        last = max(first + 1, int(np.searchsorted(ends, starts[first] + _ROWS_AT_A_TIME, "right")))
        part = slice(int(starts[first]), int(ends[last - 1]))
        sums = np.zeros((last - first, stored.shape[1]))
        for begin in range(part.start, part.stop, _ROWS_AT_A_TIME):
            these = slice(begin, min(begin + _ROWS_AT_A_TIME, part.stop))
            weighted = stored[rows[these]].astype(np.float64) * weights[these, None]
            if last == first + 1:
                sums[0] += weighted.sum(0)
            else:
                sums += np.add.reduceat(weighted, starts[first:last] - part.start, axis=0)
        means[first:last] = sums / np.maximum(total[first:last, None], np.finfo(np.float32).tiny)
        first = last
    return total, means
