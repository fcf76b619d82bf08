"""From logits over codes to the gates that weigh them, and what is drawn for a row from its kept seed."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from placecell.errors import ConfigError
from placecell.memory.reversal.masks import NO_DROPOUT, hashed, shifted

GATES = ("softmax", "top_k", "gumbel", "no_softmax")
DROPOUT_PLACE, NOISE_PLACE = 0, 1
"""The dropout mask and the Gumbel noise of one seed are hashes of different entries."""
_BITS = 52  # of a hash: one more, and the half that keeps 0 and 1 out would be rounded away


@dataclass(frozen=True)
class Softmax:
    """Shares of all codes."""

    noisy = False

    def __call__(
        self, logits: Float[Tensor, "b c"], seeds: Int64[Tensor, " b"] | None
    ) -> Float[Tensor, "b c"]:
        """Rows sum to 1."""
        return logits.softmax(-1)


@dataclass(frozen=True)
class TopK:
    """The ``k`` largest of softmax's shares as they are, the others 0: rows sum to less than 1."""

    k: int
    noisy = False

    def __call__(
        self, logits: Float[Tensor, "b c"], seeds: Int64[Tensor, " b"] | None
    ) -> Float[Tensor, "b c"]:
        """Exactly ``k`` codes a row have a gate."""
        shares, codes = logits.softmax(-1).topk(self.k, dim=-1)
        return torch.zeros_like(logits, dtype=shares.dtype).scatter(-1, codes, shares)


@dataclass(frozen=True)
class Gumbel:
    """softmax((logits + Gumbel noise) / temperature) (Jang et al. 2017); rows without a seed get no noise.

    Args:
        temperature: the lower, the nearer to one code a row.
        hard: one code a row goes forward, the gradient is that of the soft gates (straight-through).
    """

    temperature: float
    hard: bool
    noisy = True

    def __call__(
        self, logits: Float[Tensor, "b c"], seeds: Int64[Tensor, " b"] | None
    ) -> Float[Tensor, "b c"]:
        """Rows sum to 1."""
        if seeds is not None:
            logits = logits + gumbel_noise(seeds, logits.shape[-1]).to(logits)
        soft = (logits / self.temperature).softmax(-1)
        if not self.hard:
            return soft
        one = torch.zeros_like(soft).scatter(-1, soft.argmax(-1, keepdim=True), 1)
        return one + (soft - soft.detach())  # the bracket is exactly 0


@dataclass(frozen=True)
class NoSoftmax:
    """The control: logits of any sign weigh the codes, which makes the filter a linear bottleneck."""

    noisy = False

    def __call__(
        self, logits: Float[Tensor, "b c"], seeds: Int64[Tensor, " b"] | None
    ) -> Float[Tensor, "b c"]:
        """The logits themselves."""
        return logits


Gate = Softmax | TopK | Gumbel | NoSoftmax
"""From logits (b, codes) and the rows' seeds to gates (b, codes); ``noisy``: seeds change the gates."""


def make_gate(name: str, codes: int, *, top_k: int, temperature: float, hard: bool) -> Gate:
    """Build a gate over ``codes`` codes.

    Args:
        name: one of ``GATES``.
        codes: how many there are.
        top_k: of the gate "top_k", the codes a row uses.
        temperature, hard: of the gate "gumbel".

    Raises:
        ConfigError: no such gate, or a value that makes none.
    """
    if name == "softmax":
        return Softmax()
    if name == "top_k":
        require(1 <= top_k <= codes, f"a top_k of 1 to the {codes} codes", top_k, "take a smaller top_k")
        return TopK(top_k)
    if name == "gumbel":
        positive = 0 < temperature < float("inf")
        require(positive, "a temperature of the gumbel gate above 0", temperature, "set temperature: 1.0")
        return Gumbel(temperature, hard)
    require(name == "no_softmax", f"a gate of {', '.join(GATES)}", repr(name), "choose one of them")
    return NoSoftmax()


def gumbel_noise(seeds: Int64[Tensor, " b"], codes: int) -> Float64[Tensor, "b c"]:
    """-log(-log(u)), u uniform in (0, 1): a hash of a row's seed and the code; 0 where the seed is none."""
    entries = torch.arange(1, codes + 1, device=seeds.device) + NOISE_PLACE * codes
    uniform = (shifted(hashed(seeds, entries), 64 - _BITS).double() + 0.5) * 2.0**-_BITS
    noise = -torch.log(-torch.log(uniform))
    return torch.where((seeds == NO_DROPOUT)[:, None], torch.zeros_like(noise), noise)


def require(holds: bool, expected: str, came: object, fix: str) -> None:
    """Raise ConfigError unless something holds."""
    if not holds:
        raise ConfigError(expected=expected, came=str(came), fix=fix)
