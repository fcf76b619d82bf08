"""Patch features into the voxels of a torch map: the sparse product of ``patch_features``, on any device."""

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from ..voxel.patch_features import MOST_WEIGHT
from .pool import TorchPool

_MOST_HALF = 65504.0


def fuse(pool: TorchPool, rows: Tensor, pixels: Tensor, features: Tensor) -> None:
    """Adds one frame's patch features to the voxels in which its pixels end.

    A bag of weighted rows is one row of the sparse product, added up in the order of its patches on every
    device; what may differ is how a device rounds, see ``TorchOctree``.

    Args:
        pool: the map's.
        rows: (n,) the row of each voxel of the frame, none twice.
        pixels: (h, w) of each pixel its voxel's index into ``rows``, -1 where it hit nothing.
        features: (gh, gw, d) float32; pixel (v, u) lies in patch (v * gh // h, u * gw // w).
    """
    (height, width), (high, wide, _) = pixels.shape, features.shape
    v, u = (torch.arange(end, device=rows.device) for end in (height, width))
    patches = (v * high // height * wide)[:, None] + u * wide // width
    hit = pixels >= 0
    voxels, patches, counts = pair_counts(pixels[hit], patches[hit], high * wide)
    starts = torch.searchsorted(voxels, torch.arange(len(rows), device=rows.device))
    weights = counts.to(torch.float32)
    sums = embedding_bag(patches, features.flatten(0, 1), starts, mode="sum", per_sample_weights=weights)
    before = pool["weight"][rows]
    after = torch.zeros_like(before).index_add_(0, voxels, weights).add_(before)
    means = (pool["feature"][rows].float() * before[:, None] + sums) * (1 / after)[:, None]
    if pool["feature"].dtype == torch.float16:
        means.clamp_(-_MOST_HALF, _MOST_HALF)
    pool["feature"][rows] = means.to(pool["feature"].dtype)
    pool["weight"][rows] = after.clamp_(max=MOST_WEIGHT)


def pair_counts(rows: Tensor, values: Tensor, end: int) -> tuple[Tensor, Tensor, Tensor]:
    """How often each pair of a row (n,) and a value (n,) in [0, end) came up: rows, values, counts, sorted.

    Neighbouring pixels mostly make the same pair: what is sorted are runs, not pixels.
    """
    pairs, lengths = torch.unique_consecutive(rows * end + values, return_counts=True)
    found, place = torch.unique(pairs, return_inverse=True)
    counts = torch.zeros_like(found).index_add_(0, place, lengths)
    return found // end, found % end, counts
