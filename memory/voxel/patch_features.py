"""An encoder's patch features, carried into voxels: a sparse product, and one fused update a voxel.

A voxel's feature is the mean over all pixels that ever ended in it, each with the vector of its patch. Per
frame the counts of (voxel, patch) pairs are a sparse matrix, and its product with the patches' vectors is
what the frame adds: a voxel with two thousand pixels in three patches costs three vectors, not two thousand.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float32, Int32, Int64
from numba import njit

from placecell.arrays import PatchFeatures

MOST_WEIGHT = float(1 << 24)
"""The weight at which a mean no longer hardens: later pixels still move it a little."""


def fuse(
    feature: np.ndarray,
    weight: Float32[np.ndarray, " rows"],
    rows: Int64[np.ndarray, " n"],
    pixel_rows: Int32[np.ndarray, "h w"],
    features: PatchFeatures,
) -> None:
    """Adds one frame's patch features to the voxels in which its pixels end, in place.

    Args:
        feature: (rows, d) float16 or float32, the means so far.
        weight: (rows,) how many pixels each is the mean of, to ``MOST_WEIGHT``; 0 = none.
        rows: (n,) the row of each voxel of the frame, none twice.
        pixel_rows: (h, w) of each pixel its voxel's index into ``rows``, -1 where it hit nothing.
        features: (gh, gw, d) the patches' vectors; pixel (v, u) lies in patch (v * gh // h, u * gw // w).
            A float16 store holds them to +-65504.
    """
    high, wide, width = features.shape
    vectors = np.ascontiguousarray(features.reshape(high * wide, width), np.float32)
    starts, patches, counts = pixel_counts(pixel_rows, len(rows), high, wide)
    if feature.dtype == np.float16:
        _fuse_half(feature.view(np.uint16), weight, rows, starts, patches, counts, vectors)
    else:
        _fuse_single(feature, weight, rows, starts, patches, counts, vectors)


@njit(cache=True)
@no_type_check
def pixel_counts(pixel_rows, n, high, wide):
    """The sparse matrix of a frame: how many pixels of voxel i lie in patch p.

    Returns:
        ``starts`` (n + 1), ``patches`` and ``counts`` (entries): compressed rows, patches rising.
    """
    height, width = pixel_rows.shape
    latest, entry = np.full(n, -1, np.int32), np.zeros(n, np.int64)
    voxel, patch = np.empty(pixel_rows.size, np.int32), np.empty(pixel_rows.size, np.int32)
    amount, used = np.zeros(pixel_rows.size, np.int32), 0
    starts = np.zeros(n + 1, np.int64)
    for row in range(high):
        first_v, end_v = -(-row * height // high), -(-(row + 1) * height // high)
        for column in range(wide):
            first_u, end_u = -(-column * width // wide), -(-(column + 1) * width // wide)
            here = np.int32(row * wide + column)
            for v in range(first_v, end_v):
                for u in range(first_u, end_u):
                    i = pixel_rows[v, u]
                    if i < 0:
                        continue
                    if latest[i] != here:
                        latest[i], entry[i] = here, used
                        voxel[used], patch[used] = i, here
                        starts[i + 1] += 1
                        used += 1
                    amount[entry[i]] += 1
    for i in range(n):
        starts[i + 1] += starts[i]
    place = starts[:n].copy()
    patches, counts = np.empty(used, np.int32), np.empty(used, np.float32)
    for m in range(used):
        at = place[voxel[m]]
        patches[at], counts[at] = patch[m], amount[m]
        place[voxel[m]] = at + 1
    return starts, patches, counts


@njit(cache=True, error_model="numpy")
@no_type_check
def _add_patches(total, starts, patches, counts, vectors, i):
    """The row of the sparse product, added to ``total``; how many pixels it is of."""
    pixels = np.float32(0)
    for m in range(starts[i], starts[i + 1]):
        count, patch = counts[m], patches[m]
        pixels += count
        for channel in range(len(total)):
            total[channel] += count * vectors[patch, channel]
    return pixels


@njit(cache=True, error_model="numpy")
@no_type_check
def _fuse_single(feature, weight, rows, starts, patches, counts, vectors):
    width = vectors.shape[1]
    total = np.empty(width, np.float32)
    for i in range(len(rows)):
        row = rows[i]
        before = weight[row]
        for channel in range(width):
            total[channel] = feature[row, channel] * before
        after = before + _add_patches(total, starts, patches, counts, vectors, i)
        if after == before:
            continue
        share = np.float32(1) / after
        for channel in range(width):
            feature[row, channel] = total[channel] * share
        weight[row] = min(after, np.float32(MOST_WEIGHT))


@njit(cache=True, error_model="numpy")
@no_type_check
def _fuse_half(feature, weight, rows, starts, patches, counts, vectors):
    """As ``_fuse_single`` on the bits of float16, which Numba does not compute with on a CPU."""
    width = vectors.shape[1]
    total = np.empty(width, np.float32)
    bits = total.view(np.uint32)
    for i in range(len(rows)):
        row = rows[i]
        before = weight[row]
        _widen(feature[row], bits, total, before)
        after = before + _add_patches(total, starts, patches, counts, vectors, i)
        if after == before:
            continue
        share = np.float32(1) / after
        for channel in range(width):
            total[channel] = min(max(total[channel] * share, np.float32(-65504)), np.float32(65504))
        _narrow(bits, total, feature[row])
        weight[row] = min(after, np.float32(MOST_WEIGHT))


@njit(cache=True)
@no_type_check
def _widen(half, bits, single, scale):
    """float16 bits to float32, times ``scale``: the exponent's bias differs by 112."""
    for channel in range(len(half)):
        h = np.uint32(half[channel])
        bits[channel] = ((h & np.uint32(0x7FFF)) << np.uint32(13)) | (
            (h & np.uint32(0x8000)) << np.uint32(16)
        )
    factor = np.float32(2.0**112) * scale
    for channel in range(len(half)):
        single[channel] *= factor


@njit(cache=True)
@no_type_check
def _narrow(bits, single, half):
    """float32 of at most +-65504 to float16 bits, ties to even."""
    factor = np.float32(2.0**-112)
    for channel in range(len(half)):
        single[channel] *= factor
    for channel in range(len(half)):
        u = bits[channel]
        magnitude = u & np.uint32(0x7FFFFFFF)
        rounded = (magnitude + np.uint32(0xFFF) + ((magnitude >> np.uint32(13)) & np.uint32(1))) >> np.uint32(
            13
        )
        half[channel] = np.uint16(rounded | ((u >> np.uint32(16)) & np.uint32(0x8000)))
