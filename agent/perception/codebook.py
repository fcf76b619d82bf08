"""The codebook filter: what a policy sees goes through few numbers, and what the goal needs not is left out.

P = gate(Linear(ReLU(E))) over 256 codes, dropout on P, h = P C with codes C (256, 10), E' = Linear(h), where
E is a goal-conditioned embedding; it stands before the recurrent unit (Eftekhar et al. 2024, "Selective
Visual Representations Improve Convergence and Generalization for Embodied AI"). Gates that stay are divided
by 1 - dropout, as dropout does everywhere; they are not made to sum to one again.

A row's dropout and noise are a hash of its seed. Draw seeds once a step, keep them with the rollout and hand
them to the update: masks and noise are then the same to the bit, whatever the batch, its order or the
module's mode, and log-probabilities differ only as sums over another batch are rounded.

>>> import torch
>>> keep = make_filter("softmax", 32)
>>> seeds = draw_seeds(4, torch.Generator().manual_seed(0))
>>> keep(torch.ones(4, 32), seeds).gates.shape
torch.Size([4, 256])
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from placecell.memory.reversal.masks import draw_seeds, keep_mask

from .codebook_gates import DROPOUT_PLACE, make_gate, require

__all__ = [
    "DEFAULTS",
    "FILTERS",
    "CodebookFilter",
    "Filtered",
    "LinearBottleneck",
    "Off",
    "ParameterCounts",
    "checked_options",
    "draw_seeds",
    "make_filter",
    "parameter_counts",
]

_CODES: Mapping[str, Any] = {"codes": 256, "code_width": 10, "dropout": 0.1}
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "off": {},
    "softmax": _CODES,
    "top_k": {**_CODES, "top_k": 16},
    "gumbel": {**_CODES, "temperature": 1.0, "hard": False},
    "linear": {"code_width": 10},
    "no_softmax": _CODES,
    "random": {**_CODES, "frozen_seed": 0},
}
"""The options of each filter; ``conf/codebook`` says what they mean."""

FILTERS = tuple(DEFAULTS)


@dataclass(frozen=True, eq=False)
class Filtered:
    """What a filter made of a batch.

    Args:
        output: (b, width), in place of the embedding.
        gates: (b, codes) before dropout, for looking at how codes are used; None where there are no codes.
        applied: (b, codes) after dropout, what weighed the codes; None where there are none.
    """

    output: Float[Tensor, "b width"]
    gates: Float[Tensor, "b codes"] | None = None
    applied: Float[Tensor, "b codes"] | None = None


class CodebookFilter(nn.Module):
    """The codebook filter (see the module).

    Args:
        width: of the embedding, in and out.
        codes: how many there are.
        code_width: numbers a code.
        gate: one of ``GATES``.
        top_k: of the gate "top_k".
        temperature, hard: of the gate "gumbel".
        dropout: share of the gates that is dropped, in rows that have a seed.
        frozen_seed: draws codes that never learn; None: they are learned.

    Raises:
        ConfigError: a value that makes no filter.
    """

    def __init__(
        self,
        width: int,
        codes: int = 256,
        code_width: int = 10,
        *,
        gate: str = "softmax",
        top_k: int = 16,
        temperature: float = 1.0,
        hard: bool = False,
        dropout: float = 0.1,
        frozen_seed: int | None = None,
    ) -> None:
        super().__init__()
        _check_sizes(width=width, codes=codes, code_width=code_width)
        share = 0 <= dropout < 1
        require(share, "a dropout of the codebook of 0 or more, below 1", dropout, "set dropout: 0.1")
        self.gate = make_gate(gate, codes, top_k=top_k, temperature=temperature, hard=hard)
        self.width, self.dropout = width, dropout
        self.to_codes = nn.Linear(width, codes)
        frozen = None if frozen_seed is None else torch.Generator().manual_seed(frozen_seed)
        drawn = torch.randn(codes, code_width, generator=frozen)
        self.codes = nn.Parameter(drawn, requires_grad=frozen_seed is None)
        self.out = nn.Linear(code_width, width)

    @property
    def draws(self) -> bool:
        """Whether a row's seed changes its output."""
        return self.dropout > 0 or self.gate.noisy

    def forward(
        self, embedding: Float[Tensor, "b width"], seeds: Int64[Tensor, " s"] | None = None
    ) -> Filtered:
        """Filter a batch.

        Args:
            embedding: (b, width), goal-conditioned.
            seeds: (b,) of ``draw_seeds``, one for each row; a row whose seed is 0 gets neither dropout nor
                noise. None: no row does, which is for evaluation. The seeds decide, not the module's mode: a
                rollout in ``eval()`` and its update in ``train()`` agree.

        Raises:
            ConfigError: another width or number of seeds, or no seeds in training mode.
        """
        _check_rows(embedding, self.width, seeds)
        told = seeds is not None or not (self.training and self.draws)
        rule = "seeds of the codebook's dropout and noise in training mode"
        require(told, rule, None, "pass draw_seeds(rows, generator) and keep them, or call .eval()")
        if seeds is not None:
            seeds = seeds.to(embedding.device)
        gates = self.gate(self.to_codes(torch.relu(embedding)), seeds)
        applied = gates
        if seeds is not None and self.dropout > 0:
            applied = gates * keep_mask(seeds, DROPOUT_PLACE, gates.shape[-1], self.dropout, gates)
        return Filtered(self.out(applied @ self.codes), gates, applied)


class LinearBottleneck(nn.Module):
    """The control of equal width: Linear(Linear(ReLU(E))) through ``code_width`` numbers, without codes.

    Raises:
        ConfigError: a width below 1.
    """

    draws = False

    def __init__(self, width: int, code_width: int = 10) -> None:
        super().__init__()
        _check_sizes(width=width, code_width=code_width)
        self.width = width
        self.into = nn.Linear(width, code_width)
        self.out = nn.Linear(code_width, width)

    def forward(
        self, embedding: Float[Tensor, "b width"], seeds: Int64[Tensor, " s"] | None = None
    ) -> Filtered:
        """Filter (b, width); seeds change nothing. Raises ConfigError as ``CodebookFilter``."""
        _check_rows(embedding, self.width, seeds)
        return Filtered(self.out(self.into(torch.relu(embedding))))


class Off(nn.Module):
    """No filter: the embedding itself, no parameters.

    Raises:
        ConfigError: a width below 1.
    """

    draws = False

    def __init__(self, width: int) -> None:
        super().__init__()
        _check_sizes(width=width)
        self.width = width

    def forward(
        self, embedding: Float[Tensor, "b width"], seeds: Int64[Tensor, " s"] | None = None
    ) -> Filtered:
        """Hand (b, width) on; seeds change nothing. Raises ConfigError as ``CodebookFilter``."""
        _check_rows(embedding, self.width, seeds)
        return Filtered(embedding)


def make_filter(name: str, width: int, **options: Any) -> CodebookFilter | LinearBottleneck | Off:
    """Build the filter of a configuration.

    Args:
        name: one of ``FILTERS``.
        width: of the embedding.
        options: those of ``DEFAULTS[name]``, by their names.

    Raises:
        ConfigError: no such filter or option, or values that make none.
    """
    chosen = checked_options(name, options)
    if name == "off":
        return Off(width)
    if name == "linear":
        return LinearBottleneck(width, **chosen)
    return CodebookFilter(width, gate="softmax" if name == "random" else name, **chosen)


def checked_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a filter, the given ones in place of the defaults.

    Raises:
        ConfigError: no such filter, an option that it has not, or a value of another kind.
    """
    require(name in DEFAULTS, f"a codebook of {', '.join(FILTERS)}", repr(name), "choose one of them")
    known = DEFAULTS[name]
    listed = ", ".join(known) if known else "none"
    for key, value in options.items():
        require(key in known, f"options of codebook {name}: {listed}", key, "drop or rename it")
        kind = type(known[key])
        fine = isinstance(value, (int, float) if kind is float else kind)
        fine = fine and (kind is bool or not isinstance(value, bool))
        said = {int: "a whole number", float: "a number", bool: "true or false"}[kind]
        require(fine, f"{said} as {key} of codebook {name}", repr(value), f"the default is {known[key]}")
    chosen = {**known, **options}
    return {key: float(value) if isinstance(known[key], float) else value for key, value in chosen.items()}


@dataclass(frozen=True)
class ParameterCounts:
    """Numbers in a module that learn, and numbers that don't."""

    trainable: int
    frozen: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.trainable + self.frozen


def parameter_counts(module: nn.Module) -> ParameterCounts:
    """Count a filter's parameters: the same total for every gate, "no_softmax" and "random"."""
    learns = sum(p.numel() for p in module.parameters() if p.requires_grad)
    return ParameterCounts(learns, sum(p.numel() for p in module.parameters()) - learns)


def _check_sizes(**sizes: int) -> None:
    for name, size in sizes.items():
        require(size >= 1, f"{name} of 1 or more for the codebook", size, f"set {name} to 1 or more")


def _check_rows(embedding: Tensor, width: int, seeds: Tensor | None) -> None:
    fits = embedding.shape[-1] == width
    fix = "build the filter with the embedding's width"
    require(fits, f"an embedding (b, {width}) for the codebook", tuple(embedding.shape), fix)
    if seeds is not None:
        rows = seeds.shape == embedding.shape[:1] and seeds.dtype == torch.int64
        came = f"{seeds.dtype} {tuple(seeds.shape)}"
        require(rows, f"int64 seeds ({len(embedding)},), one for each row", came, "pass those of draw_seeds")
