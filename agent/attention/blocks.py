"""The checks and questions of a plan's blocks: do they fit, and what does the predicate say inside them?"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from placecell.errors import ConfigError

PAIRS_AT_ONCE = 2**22
"""Pairs of tokens in one question to a predicate: integers of some 100 MB."""

Predicate = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""(batch, head, query token, key token) -> may the query see the key?

Integers that broadcast, tokens in RASTER order; arithmetic only, so that it runs on any device and inside
FlexAttention. Where a plan holds for every batch (or head), it is asked for number 0.
"""


class Kind(IntEnum):
    """How a block of queries sees a block of keys."""

    UNSEEN = 0
    FULL = 1
    PARTIAL = 2


UNSEEN = int(Kind.UNSEEN)


def check_order(name: str, order: Int64[Tensor, " n"], query_block: int, key_block: int) -> None:
    """Raise ConfigError unless the order is a permutation that falls into whole blocks."""
    n = order.numel()
    for what, size in (("query_block", query_block), ("key_block", key_block)):
        if size < 1 or n % size:
            raise ConfigError(
                expected=f"a {what} that divides the {n} tokens of plan {name}",
                came=f"{size}",
                fix="take a divisor of the number of tokens, or pad the map",
            )
    if not torch.equal(order.sort().values, torch.arange(n, device=order.device)):
        raise ConfigError(
            expected=f"an order of plan {name} that holds each of its {n} tokens once",
            came="one with a token missing or twice",
            fix="pass a permutation of 0 .. n-1",
        )


def check_blocks(name: str, keys: Int64[Tensor, "pb ph nq m"], query_blocks: int, key_blocks: int) -> None:
    """Raise ConfigError unless every row lists different key blocks, at least one, and -1 only at its end."""
    if keys.shape[2] != query_blocks:
        raise ConfigError(
            expected=f"key blocks for each of the {query_blocks} query blocks of plan {name}",
            came=f"{keys.shape[2]} rows",
            fix="pass keys (batch or 1, heads or 1, query blocks, most key blocks seen)",
        )
    if keys.numel() == 0 or bool((keys[..., 0] < 0).any()):
        blind = 0 if keys.numel() == 0 else int((keys[..., 0] < 0).nonzero()[0, 2])
        raise ConfigError(
            expected=f"a key block for every query block of plan {name}",
            came=f"query block {blind}, which sees nothing",
            fix="let every token see itself at least",
        )
    if int(keys.min()) < -1 or int(keys.max()) >= key_blocks:
        raise ConfigError(
            expected=f"key blocks of plan {name} from 0 to {key_blocks - 1}, or -1 at the end of a row",
            came=f"numbers from {int(keys.min())} to {int(keys.max())}",
            fix="count blocks, not tokens",
        )
    in_order = keys.sort(dim=-1).values
    twice = (in_order[..., 1:] == in_order[..., :-1]) & (in_order[..., 1:] >= 0)
    gap = (keys[..., 1:] >= 0) & (keys[..., :-1] < 0)
    if bool((twice | gap).any()):
        raise ConfigError(
            expected=f"each key block of a row of plan {name} once, and -1 only at the end of a row",
            came="a block twice" if bool(twice.any()) else "-1 before a block",
            fix="drop what is listed twice and move -1 to the end",
        )


def columns_seen(
    seen: Bool[Tensor, "pb ph nq c"],
) -> tuple[Int64[Tensor, "pb ph nq m"], Bool[Tensor, "pb ph nq m"]]:
    """The columns that each row sees, in order, as many as the longest row; and which entries are of them."""
    m = max(1, int(seen.sum(-1).max()))
    place = torch.argsort((~seen).to(torch.uint8), dim=-1, stable=True)[..., :m]
    return place, seen.gather(-1, place)


@dataclass(frozen=True, eq=False)
class Question:
    """What a predicate says of the pairs of tokens in pairs of blocks.

    Attributes:
        name: of the plan, for messages.
        order: the raster token at each position of the plan.
        query_block: queries a block.
        key_block: keys a block.
        predicate: which pairs count.
    """

    name: str
    order: Int64[Tensor, " n"]
    query_block: int
    key_block: int
    predicate: Predicate

    def pairs(self, entry: Int64[Tensor, "r e"], key: Int64[Tensor, " r"]) -> Bool[Tensor, "r qb kb"]:
        """The pairs that count in r pairs of blocks.

        Args:
            entry: batch, head and query block of each; further columns are not looked at.
            key: the key block of each.
        """
        batch, head, query = (entry[:, i, None, None] for i in range(3))
        queries = self.order.view(-1, self.query_block)[query[:, 0, 0]][:, :, None]
        keys = self.order.view(-1, self.key_block)[key][:, None, :]
        counted = self.predicate(batch, head, queries, keys)
        return torch.broadcast_to(counted, (len(entry), self.query_block, self.key_block))

    def seen(
        self, candidates: Int64[Tensor, "pb ph nq c"]
    ) -> tuple[Bool[Tensor, "pb ph nq c"], Bool[Tensor, "pb ph nq c"]]:
        """Of which candidate blocks (-1: none) does a query block see something, of which everything?"""
        some, every = (torch.zeros_like(candidates, dtype=torch.bool) for _ in range(2))
        for entry in self._chunks(candidates >= 0):
            pairs = self.pairs(entry, candidates[entry.unbind(1)]).flatten(1)
            some[entry.unbind(1)], every[entry.unbind(1)] = pairs.any(1), pairs.all(1)
        return some, every

    def count(self, keys: Int64[Tensor, "pb ph nq m"], asked: Bool[Tensor, "pb ph nq m"]) -> int:
        """How many pairs of tokens count in the blocks that are ``asked`` about."""
        return sum(int(self.pairs(e, keys[e.unbind(1)]).sum()) for e in self._chunks(asked))

    def check_seen(self, keys: Int64[Tensor, "pb ph nq m"], asked: Bool[Tensor, "pb ph nq m"]) -> None:
        """Raise ConfigError if some query sees no key."""
        whole = ((keys >= 0) & ~asked).any(-1)
        blind = ~whole[..., None].repeat(1, 1, 1, self.query_block)
        # Block after block: most queries are settled by the first few.
        for column in range(keys.shape[-1]):
            if not bool(blind.any()):
                return
            for entry in self._chunks(blind.any(-1) & asked[..., column]):
                pairs = self.pairs(entry, keys[..., column][entry.unbind(1)])
                blind[entry.unbind(1)] &= ~pairs.any(-1)
        if bool(blind.any()):
            _, head, block, place = blind.nonzero()[0].tolist()
            token = int(self.order[block * self.query_block + place])
            raise ConfigError(
                expected=f"a key for every query of plan {self.name}",
                came=f"token {token} of head {head}, which sees nothing",
                fix="let every token see itself at least",
            )

    def _chunks(self, chosen: Bool[Tensor, "..."]) -> tuple[Tensor, ...]:
        at_once = max(1, PAIRS_AT_ONCE // (self.query_block * self.key_block))
        return chosen.nonzero().split(at_once) if bool(chosen.any()) else ()
