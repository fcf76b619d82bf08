"""What is gathered for a plan: index tensors and masks, made once for a plan, batch, heads and dtype."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from .blocks import PAIRS_AT_ONCE
from .plan import AttentionPlan

ROWS_AT_ONCE = 2**15
"""Query blocks in one call: CUDA kernels count them along an axis that ends at 65,535."""

KEYS_AT_ONCE = 2**14
"""Keys gathered for one call on a CPU, so that they still lie in its caches when they are used."""

CALLS_WITH_GRADIENTS = 8
"""Calls in which a CPU gathers with gradients: each costs a pass over all tokens on the way back."""

LAY_OUT_ABOVE = 1.5
"""From so many gathered keys a token on, laying the keys out in blocks first pays for itself."""


@dataclass(frozen=True, eq=False)
class Group:
    """Query blocks that see the same number of key blocks, computed in one call.

    Attributes:
        shape: how often the plan is repeated (over batches and heads it does not tell apart) x query blocks.
        queries: where the queries lie among the tokens of all heads and batches; None: all of them, in order.
        keys: the same of the keys, counted in blocks of ``Gathering.block``.
        mask: what is added to the scores (0 or -inf); one for all query blocks where they are alike.
    """

    shape: tuple[int, int]
    queries: Int64[Tensor, " r"] | None
    keys: Int64[Tensor, " s"] | None
    mask: Float[Tensor, "1 some qb keys"] | None


@dataclass(frozen=True, eq=False)
class Gathering:
    """All groups of a plan.

    Attributes:
        groups: together they hold each query once.
        layout: the order in which keys are laid out before blocks of them are taken; None: as they come.
        block: tokens in what ``Group.keys`` counts.
        back: where the output of each token lies in the outputs of all groups; None: in order.
    """

    groups: tuple[Group, ...]
    layout: Int64[Tensor, " t"] | None
    block: int
    back: Int64[Tensor, " t"] | None


def gather_plan(
    plan: AttentionPlan, batch: int, heads: int, dtype: torch.dtype, gradients: bool = False
) -> Gathering:
    """What has to be gathered of q, k and v of (batch, heads, n, d), seen as (batch * heads * n, d)."""
    rows = _Rows.of(plan, batch, heads)
    tokens, blocks = batch * heads * plan.tokens, batch * heads * plan.key_blocks
    every_row = torch.arange(len(rows.counts), device=rows.counts.device)
    layout = _none_if_all(rows.tokens(every_row), tokens)
    in_blocks = plan.key_block > 1 and (layout is None or rows.gathered > LAY_OUT_ABOVE * tokens)
    groups, queries = [], []
    # Rows without a partial block are kept apart: without a mask the products are faster.
    kind = rows.counts * 2 + rows.asked.any(1)
    for count, partial in (divmod(number, 2) for number in kind.unique().tolist()):
        alike = every_row[kind == count * 2 + partial]
        for some in alike.split(rows.at_once(count * plan.key_block, gradients)):
            queries.append(rows.tokens(some))
            keys = rows.key_blocks(some, count) if in_blocks else rows.key_tokens(some, count)
            groups.append(
                Group(
                    shape=(rows.repeats, len(some)),
                    queries=_none_if_all(queries[-1], tokens),
                    keys=_none_if_all(keys, blocks if in_blocks else tokens),
                    mask=rows.mask(some, count, dtype) if partial else None,
                )
            )
    place = torch.arange(tokens, device=rows.counts.device)
    return Gathering(
        groups=tuple(groups),
        layout=layout if in_blocks else None,
        block=plan.key_block if in_blocks else 1,
        back=_none_if_all(torch.empty_like(place).scatter_(0, torch.cat(queries), place), tokens),
    )


def _none_if_all(index: Int64[Tensor, " r"], things: int) -> Int64[Tensor, " r"] | None:
    if len(index) == things and torch.equal(index, torch.arange(things, device=index.device)):
        return None
    return index


@dataclass(frozen=True, eq=False)
class _Rows:
    """The query blocks of every unit (batch and head) that a plan tells apart.

    The heads of all batches, one after the other, are ``repeats`` times the units.
    """

    plan: AttentionPlan
    heads: int
    units: int
    repeats: int
    keys: Int64[Tensor, "rows m"]
    asked: Bool[Tensor, "rows m"]
    counts: Int64[Tensor, " rows"]
    gathered: int  # keys, over all rows and repeats

    @classmethod
    def of(cls, plan: AttentionPlan, batch: int, heads: int) -> "_Rows":
        pb, ph, nq, m = plan.keys.shape
        ph = heads if pb > 1 else ph  # the units stand in a row only if each batch has all its heads
        keys, asked = (x.expand(pb, ph, nq, m).reshape(-1, m) for x in (plan.keys, plan.asked))
        counts, repeats = (keys >= 0).sum(1), batch * heads // (pb * ph)
        gathered = int(counts.sum()) * plan.key_block * repeats
        return cls(plan, ph, pb * ph, repeats, keys, asked, counts, gathered)

    def at_once(self, keys: int, gradients: bool) -> int:
        """How many rows go into one call if each sees so many keys."""
        if self.keys.device.type != "cpu":
            return max(1, ROWS_AT_ONCE // self.repeats)
        most = max(KEYS_AT_ONCE, self.gathered // CALLS_WITH_GRADIENTS) if gradients else KEYS_AT_ONCE
        return max(1, most // (keys * self.repeats))

    def tokens(self, rows: Int64[Tensor, " r"]) -> Int64[Tensor, " t"]:
        """The tokens of these query blocks, for every repeat."""
        plan = self.plan
        tokens = plan.order.view(-1, plan.query_block)[rows % plan.query_blocks]
        return self._repeated(tokens + self._unit(rows)[:, None] * plan.tokens, plan.tokens)

    def key_tokens(self, rows: Int64[Tensor, " r"], count: int) -> Int64[Tensor, " s"]:
        """The tokens of the key blocks that these rows see."""
        plan = self.plan
        tokens = plan.order.view(-1, plan.key_block)[self.keys[rows, :count]]
        return self._repeated(tokens + self._unit(rows)[:, None, None] * plan.tokens, plan.tokens)

    def key_blocks(self, rows: Int64[Tensor, " r"], count: int) -> Int64[Tensor, " s"]:
        """The key blocks that these rows see, where tokens lie in the plan's order."""
        blocks = self.keys[rows, :count] + self._unit(rows)[:, None] * self.plan.key_blocks
        return self._repeated(blocks, self.plan.key_blocks)

    def mask(
        self, rows: Int64[Tensor, " r"], count: int, dtype: torch.dtype
    ) -> Float[Tensor, "1 some qb keys"]:
        """0 for pairs that count and -inf for others; one row's mask if all are alike."""
        qb, kb = self.plan.query_block, self.plan.key_block
        parts = rows.split(max(1, PAIRS_AT_ONCE // (qb * kb * count)))
        seen = torch.cat([self._seen(part, count) for part in parts])
        seen = seen[:1] if bool((seen == seen[:1]).all()) else seen
        return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill_(~seen, -torch.inf)[None]

    def _seen(self, rows: Int64[Tensor, " r"], count: int) -> Bool[Tensor, "r qb keys"]:
        plan, unit = self.plan, self._unit(rows)
        assert plan.question is not None
        pb, ph = plan.keys.shape[:2]
        head = unit % self.heads if ph > 1 else torch.zeros_like(unit)
        batch = unit // self.heads if pb > 1 else torch.zeros_like(unit)
        entry = torch.stack((batch, head, rows % plan.query_blocks), 1).repeat_interleave(count, 0)
        pairs = plan.question.pairs(entry, self.keys[rows, :count].flatten())
        whole = ~self.asked[rows, :count, None, None]
        blocks = pairs.view(len(rows), count, plan.query_block, plan.key_block) | whole
        return blocks.transpose(1, 2).flatten(2)

    def _unit(self, rows: Int64[Tensor, " r"]) -> Int64[Tensor, " r"]:
        return rows // self.plan.query_blocks

    def _repeated(self, index: Int64[Tensor, "..."], things: int) -> Int64[Tensor, " s"]:
        step = torch.arange(self.repeats, device=index.device) * (self.units * things)
        return (step[:, None] + index.flatten()).flatten()
