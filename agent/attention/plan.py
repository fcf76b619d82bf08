"""Which token attends to which: an order of the tokens, blocks, and a predicate for blocks seen in part."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Int64, UInt8
from torch import Tensor

from placecell.errors import ConfigError

from . import drawing
from .blocks import UNSEEN, Kind, Predicate, Question, check_blocks, check_order, columns_seen

Made = TypeVar("Made")


@dataclass(frozen=True, eq=False)
class AttentionPlan:
    """For each block of queries, the blocks of keys that it sees.

    Tokens are laid out in the plan's order; a block is a run of that order. Work is done on whole blocks;
    inside those that are ``partial`` the predicate says which pairs count. Plans are compared by identity and
    keep what backends work out from them (``remember``), so build one once for a shape and reuse it.

    Attributes:
        name: what the pattern is called.
        order: the raster token at each position of the plan.
        query_block: queries a block; divides the number of tokens.
        key_block: keys a block; divides the number of tokens.
        keys: the key blocks that each query block sees, by batch (or 1), head (or 1) and query block; at the
            end of a row -1 fills up.
        predicate: which pairs count inside partial blocks; None: all.
        partial: the blocks of ``keys`` for which the predicate has to be asked; None: all, if there is one.

    Raises:
        ConfigError: the parts don't fit together, or some query sees nothing.
    """

    name: str
    order: Int64[Tensor, " n"]
    query_block: int
    key_block: int
    keys: Int64[Tensor, "pb ph nq m"]
    predicate: Predicate | None = None
    partial: Bool[Tensor, "pb ph nq m"] | None = None

    def __post_init__(self) -> None:
        check_order(self.name, self.order, self.query_block, self.key_block)
        check_blocks(self.name, self.keys, self.query_blocks, self.key_blocks)
        if self.partial is not None and self.predicate is None:
            raise ConfigError(
                expected=f"a predicate for the partial blocks of plan {self.name}",
                came="none",
                fix="pass predicate=, or no partial=",
            )
        if self.question is not None:
            self.question.check_seen(self.keys, self.asked)

    @property
    def question(self) -> Question | None:
        """What can be asked about partial blocks; None where all are seen in full."""
        if self.predicate is None:
            return None
        return Question(self.name, self.order, self.query_block, self.key_block, self.predicate)

    @property
    def tokens(self) -> int:
        """How many tokens the plan is for."""
        return self.order.numel()

    @property
    def query_blocks(self) -> int:
        """How many blocks the queries fall into."""
        return self.tokens // self.query_block

    @property
    def key_blocks(self) -> int:
        """How many blocks the keys fall into."""
        return self.tokens // self.key_block

    @cached_property
    def inverse(self) -> Int64[Tensor, " n"]:
        """The position in the plan of each raster token."""
        return torch.argsort(self.order)

    @cached_property
    def asked(self) -> Bool[Tensor, "pb ph nq m"]:
        """The entries of ``keys`` for which the predicate is asked."""
        listed = self.keys >= 0
        if self.predicate is None:
            return torch.zeros_like(listed)
        return listed if self.partial is None else listed & self.partial

    @cached_property
    def kinds(self) -> UInt8[Tensor, "pb ph nq nk"]:
        """Each pair of blocks as a ``Kind``: unseen, seen in full, or seen where the predicate allows it."""
        kind = torch.where(self.asked, int(Kind.PARTIAL), int(Kind.FULL)).to(torch.uint8)
        column = torch.where(self.keys >= 0, self.keys, self.key_blocks)
        table = torch.full((*self.keys.shape[:3], self.key_blocks + 1), UNSEEN, dtype=torch.uint8)
        return table.to(self.keys.device).scatter_(3, column, kind)[..., :-1].contiguous()

    @cached_property
    def visited_blocks(self) -> int:
        """Pairs of blocks that are computed, over all the batches and heads that the plan tells apart."""
        return int((self.keys >= 0).sum())

    @property
    def whole(self) -> bool:
        """Whether every token sees every other, so that nothing is skipped or masked."""
        units = self.keys.shape[0] * self.keys.shape[1]
        return self.predicate is None and self.visited_blocks == units * self.query_blocks * self.key_blocks

    @property
    def density(self) -> float:
        """Share of all pairs of tokens that is computed."""
        units = self.keys.shape[0] * self.keys.shape[1]
        return self.visited_blocks * self.query_block * self.key_block / (units * self.tokens**2)

    @cached_property
    def seen_density(self) -> float:
        """Share of all pairs of tokens that counts; what lies between this and ``density`` is masked."""
        units = self.keys.shape[0] * self.keys.shape[1]
        whole = (self.visited_blocks - int(self.asked.sum())) * self.query_block * self.key_block
        part = 0 if self.question is None else self.question.count(self.keys, self.asked)
        return (whole + part) / (units * self.tokens**2)

    def flops(self, d: int, heads: int | None = None, batch: int | None = None) -> int:
        """Operations of the two products, a multiply-add being 2: 4 d for each pair that is computed.

        Args:
            d: width of a head.
            heads: how many heads there are; None: as many as the plan tells apart.
            batch: the same of batches.

        Raises:
            ConfigError: the plan is for another number of heads or batches.
        """
        pb, ph = self.keys.shape[:2]
        batch, heads = pb if batch is None else batch, ph if heads is None else heads
        self.check_units(batch, heads)
        pairs = self.visited_blocks * self.query_block * self.key_block
        return 4 * d * pairs * (batch // pb) * (heads // ph)

    def check_units(self, batch: int, heads: int) -> None:
        """Raise ConfigError unless the plan holds for that many batches and heads."""
        for what, own, came in zip(("batches", "heads"), self.keys.shape[:2], (batch, heads)):
            if own not in (1, came):
                raise ConfigError(
                    expected=f"{own} {what}, as in plan {self.name}",
                    came=f"{came}",
                    fix=f"build the plan for {came} {what}, or for 1, which serves any number",
                )

    def mask(self, batch: int = 1, heads: int = 1) -> Bool[Tensor, "pb ph n n"]:
        """Which query (row) sees which key (column), both in RASTER order.

        The first two axes have the length 1 where the plan does not tell batches (heads) apart.
        """
        self.check_units(batch, heads)
        block = self.kinds[:, :, (self.inverse // self.query_block)][..., self.inverse // self.key_block]
        if self.predicate is None:
            return block != UNSEEN
        pb, ph, n, device = *self.keys.shape[:2], self.tokens, self.order.device
        b = torch.arange(pb, device=device)[:, None, None, None]
        h = torch.arange(ph, device=device)[:, None, None]
        token = torch.arange(n, device=device)
        # One query at a time would be slow, all of them at once n x n integers large.
        asked = [
            torch.broadcast_to(self.predicate(b, h, rows[:, None], token), (pb, ph, len(rows), n))
            for rows in token.split(max(1, 2**22 // (pb * ph * n)))
        ]
        return (block == Kind.FULL) | ((block == Kind.PARTIAL) & torch.cat(asked, dim=2))

    def draw(self, size: int = 256, batch: int = 0, head: int = 0) -> UInt8[np.ndarray, "s s 3"]:
        """A picture of the blocks in the plan's order: white unseen, light in part, dark in full."""
        return drawing.draw_blocks(self.kinds[batch, head], size)

    @cached_property
    def _remembered(self) -> dict[Hashable, Any]:
        return {}

    def remember(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What ``make`` gives, made once and kept with the plan under ``key``."""
        if key not in self._remembered:
            self._remembered[key] = make()
        return self._remembered[key]

    def to(self, device: torch.device | str) -> "AttentionPlan":
        """This plan with its tensors on another device; made once."""
        there = torch.empty(0, device=device).device  # "cuda" has no number, a tensor's device has
        if there == self.order.device:
            return self
        return self.remember(("to", there), lambda: self._copied(there))

    def _copied(self, device: torch.device) -> "AttentionPlan":
        partial = None if self.partial is None else self.partial.to(device)
        order, keys = self.order.to(device), self.keys.to(device)
        return AttentionPlan(
            self.name, order, self.query_block, self.key_block, keys, self.predicate, partial
        )

    @classmethod
    def from_predicate(
        cls,
        name: str,
        order: Int64[Tensor, " n"],
        query_block: int,
        key_block: int,
        predicate: Predicate,
        *,
        heads: int = 1,
        candidates: Int64[Tensor, "nq c"] | None = None,
    ) -> "AttentionPlan":
        """The plan that sees what a predicate allows, found by asking it about blocks.

        Args:
            name: what the pattern is called.
            order: the raster token at each position of the plan.
            query_block: queries a block.
            key_block: keys a block.
            predicate: which pairs count; asked for batch 0 and each head.
            heads: above 1, the predicate differs from head to head.
            candidates: the key blocks to ask about for each query block (-1 fills up); None: all of them.

        Raises:
            ConfigError: sizes that don't divide, or a query that sees nothing.
        """
        check_order(name, order, query_block, key_block)
        nq, nk = order.numel() // query_block, order.numel() // key_block
        if candidates is None:
            candidates = torch.arange(nk, device=order.device).expand(nq, nk)
        candidates = candidates.expand(1, heads, -1, -1)
        seen, full = Question(name, order, query_block, key_block, predicate).seen(candidates)
        place, kept = columns_seen(seen)
        listed = candidates.gather(-1, place)
        keys = torch.where(kept, listed, -1)
        partial = kept & ~full.gather(-1, place)
        if not partial.any():
            return cls(name, order, query_block, key_block, keys)
        return cls(name, order, query_block, key_block, keys, predicate, partial)
