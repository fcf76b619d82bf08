"""Sparse attention on long sequences: shards that differ by head, and windows that shrink with time."""

import math
from functools import lru_cache

import torch
from torch import Tensor

from placecell.errors import ConfigError

from .blocks import columns_seen
from .orders import largest_divisor
from .plan import AttentionPlan

_BLOCK = 64
_KEPT = 64


@lru_cache(maxsize=_KEPT)
def s2(
    size: tuple[int, ...],
    heads: int,
    *,
    block: int = _BLOCK,
    local: int = 4,
    stride: int = 4,
    step: int = 1,
    causal: bool = True,
) -> AttentionPlan:
    """Sparsely sharded attention (Lin et al. 2024, S2): heads share the context out among themselves.

    Of the blocks at or before its own (all where not causal), a query block i of head h sees those j with
    i - j < ``local`` (``|i - j| < local``) and those with (j + h step) % ``stride`` == 0; its own always.

    Cost: 4 d block^2 a pair of blocks; of nb = n / block there are about nb (local + nb / (2 stride)) a head,
    nb (2 local + nb / stride) where not causal.

    Args:
        size: of the map, in raster order one sequence.
        heads: the plan is for so many.
        block: tokens a block; it divides the sequence.
        local: blocks seen around a query block, its own included.
        stride: every how many-th block further away is seen.
        step: by how much the shards of neighbouring heads differ.
        causal: whether a token sees only what comes before it, and itself.

    Raises:
        ConfigError: numbers below 1, or a block that does not divide the sequence.
    """
    n = math.prod(size)
    if min(n, heads, block, local, stride) < 1 or step < 0 or n % block:
        raise ConfigError(
            expected=f"heads, local and stride of 1 or more, and a block that divides {n} tokens",
            came=f"heads {heads}, block {block}, local {local}, stride {stride}, step {step}",
            fix="choose a block that divides the sequence, or pad it",
        )
    i = torch.arange(n // block)[:, None]
    j, h = torch.arange(n // block), torch.arange(heads)[:, None, None]
    away = (i - j) if causal else (i - j).abs()
    seen = ((away < local) | ((j + h * step) % stride == 0)) & ((away >= 0) | (not causal))
    place, kept = columns_seen(seen[None].expand(1, heads, -1, -1))
    keys = torch.where(kept, place, -1)
    name = f"S2 {block}/{local}/{stride}"
    if not causal:
        return AttentionPlan(name, torch.arange(n), block, block, keys)

    def past(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:
        return k <= q

    partial = kept & (keys == i)
    return AttentionPlan(name, torch.arange(n), block, block, keys, past, partial)


@lru_cache(maxsize=_KEPT)
def radial(frames: int, tokens_per_frame: int, *, block: int | None = None) -> AttentionPlan:
    """Radial attention (Li et al. 2025): the further apart in time, the narrower the window in space.

    A token sees its own frame, the frames beside it and the first one (a sink) whole. Of a frame t away it
    sees the tokens of numbers k in the frame with |k - own| + 1 <= tokens_per_frame / 2^floor(log2 t); where
    that is below 1, only its own place, in every t-th frame that 2^floor(log2 t) / tokens_per_frame divides.

    Cost: 4 d a pair, of which there are about n tokens_per_frame (4 + 2 log2 frames), rounded up to blocks.

    Args:
        frames: of the video; tokens are frame after frame.
        tokens_per_frame: in raster order.
        block: tokens a block; it divides a frame. None: the largest divisor up to 64.

    Raises:
        ConfigError: numbers below 1, or a block that does not divide a frame.
    """
    if min(frames, tokens_per_frame) < 1 or (block is not None and (block < 1 or tokens_per_frame % block)):
        raise ConfigError(
            expected="1 frame of 1 token or more, and a block that divides a frame",
            came=f"{frames} frames of {tokens_per_frame} tokens, block {block}",
            fix="choose a divisor of tokens_per_frame, or None",
        )
    s = tokens_per_frame
    size = largest_divisor(s, _BLOCK) if block is None else block
    octaves = tuple(2**m for m in range(1, max(1, frames - 1).bit_length()))

    def shrinking(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:
        apart, aside = (q // s - k // s).abs(), (q % s - k % s).abs()
        scale = apart * 0 + 1  # the largest power of 2 up to the distance
        for octave in octaves:
            scale = torch.where(apart >= octave, octave, scale)
        every = (scale + s - 1) // s
        thin = (scale > s) & (aside == 0) & (apart % every == 0)
        return (apart <= 1) | (k // s == 0) | ((aside + 1) * scale <= s) | thin

    # A pair of blocks is a candidate if its nearest tokens are near enough.
    index = torch.arange(frames * s // size)
    first, last = index * size, index * size + size - 1
    gap = torch.maximum(first[:, None] % s - last % s, first % s - (last % s)[:, None]).clamp(min=0)
    apart = (first[:, None] // s - first // s).abs()
    scale = 2 ** torch.log2(apart.clamp(min=1).double()).floor().long()
    maybe = (apart <= 1) | (first // s == 0) | ((gap + 1) * scale <= s) | (gap == 0)
    place, kept = columns_seen(maybe[None, None])
    candidates = torch.where(kept, place, -1)
    name = f"radial {frames} x {s}"
    return AttentionPlan.from_predicate(
        name, torch.arange(frames * s), size, size, shrinking, candidates=candidates[0, 0]
    )
