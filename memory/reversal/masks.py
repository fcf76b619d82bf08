"""Dropout that can be drawn again: a write's masks are a hash of its seed.

A generator's state would have to be kept with every write, and would depend on what else is in the batch. The
hash (the finaliser of SplitMix64, Steele, Lea and Flood 2014) gives any entry by itself: the same in torch
and in the kernel of ``fixed_kernel``.
"""

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

NO_DROPOUT = 0
"""The seed of a write without dropout."""
STREAM = -0x61C8864680B583EB
MIX_1, MIX_2 = -0x40A7B892E31B1A47, -0x6B2FB644ECCEEE15
"""SplitMix64's constants as signed numbers, for torch has no arithmetic on unsigned ones."""
_SEEDS = 1 << 32


def draw_seeds(count: int, generator: torch.Generator | None = None) -> Int64[Tensor, " b"]:
    """Seeds of so many writes with dropout: 32 bits each, none of them ``NO_DROPOUT``."""
    return torch.randint(1, _SEEDS, (count,), generator=generator)


def threshold(dropout: float) -> int:
    """A hash of 53 bits below it is dropped."""
    return int(dropout * 2**53)


def keep_mask(
    seeds: Int64[Tensor, " b"], place: int, width: int, dropout: float, like: Tensor
) -> Float[Tensor, "b d"]:
    """What outputs are multiplied by: 0 or 1 / (1 - dropout); 1 in rows without dropout.

    Args:
        seeds: (b,) of each write.
        place: which of the coupling functions; each has masks of its own.
        width: entries of an output.
        dropout: the share that is dropped.
        like: gives the result's type and device.
    """
    entries = torch.arange(1, width + 1, device=seeds.device) + place * width
    kept = shifted(hashed(seeds, entries), 11) >= threshold(dropout)
    scaled = kept.to(like) / (1 - dropout)
    return torch.where((seeds == NO_DROPOUT)[:, None], torch.ones_like(scaled), scaled)


def hashed(seeds: Int64[Tensor, " b"], entries: Int64[Tensor, " d"]) -> Int64[Tensor, "b d"]:
    """64 bits for each seed and entry; entries count from 1."""
    bits = seeds[:, None] * MIX_2 + entries * STREAM
    bits = (bits ^ shifted(bits, 30)) * MIX_1
    bits = (bits ^ shifted(bits, 27)) * MIX_2
    return bits ^ shifted(bits, 31)


def shifted(values: Int64[Tensor, "b d"], bits: int) -> Int64[Tensor, "b d"]:
    """Shifted right, zeros coming in; torch's own shift brings in the sign."""
    return (values >> bits) & int(np.iinfo(np.int64).max >> (bits - 1))
