"""The plug: a backbone's hidden states look into what was recalled."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn
from torch.nn.functional import pad, scaled_dot_product_attention

from placecell.errors import PlacecellError

MOST = 100.0
"""Entries of tokens beyond it, either way, are cut: no token can make a number that is not finite."""

# Sizes of their own, for their disagreement has errors of its own.
Memory = Float[Tensor, "_ _ _"] | Float[np.ndarray, "_ _ _"]
Mask = Shaped[Tensor, "_ _"] | Shaped[np.ndarray, "_ _"]
Categories = Int[Tensor, "_ _"] | Int[np.ndarray, "_ _"]


class TokenEncoder(nn.Module):
    """Memory tokens to vectors of another width: a linear layer, the category's vector, a layer norm.

    Args:
        memory_width: entries of a token.
        width: of the vectors.
        category_embedding: rows of a learned table of categories, or 0: none. Row 0 stands for no category;
            ids of the table's size and more share the rows from 1 on.

    Raises:
        PlacecellError: a width below 1 or a table of one row.
    """

    def __init__(self, memory_width: int, width: int, category_embedding: int = 0) -> None:
        super().__init__()
        if min(memory_width, width) < 1 or category_embedding < 0 or category_embedding == 1:
            raise PlacecellError(
                expected="widths of 1 or more and a category table of 2 rows or more, or 0",
                came=f"memory_width {memory_width}, width {width}, category_embedding {category_embedding}",
                fix="pass TOKEN_WIDTH, plus the width of your embeddings, as memory_width",
            )
        self.memory_width = memory_width
        self.linear = nn.Linear(memory_width, width)
        self.table = nn.Embedding(category_embedding, width) if category_embedding else None
        self.norm = nn.LayerNorm(width)

    def forward(
        self, memory: Memory, mask: Mask | None, categories: Categories | None
    ) -> tuple[Float[Tensor, "b k d"], Bool[Tensor, "b k"]]:
        """Vectors and mask on the module's device; what is masked out is never read, not even NaN.

        Raises:
            PlacecellError: tokens of another width, a mask or categories of another size than the tokens', a
                mask that is not of booleans, or categories without a table, or the other way round.
        """
        device, dtype = self.linear.weight.device, self.linear.weight.dtype
        tokens = torch.as_tensor(memory, device=device).to(dtype)
        if tokens.shape[2] != self.memory_width:
            raise PlacecellError(
                expected=f"memory tokens of width {self.memory_width}",
                came=f"{tokens.shape[2]}",
                fix="pass memory_width = TOKEN_WIDTH + embedding_width of your tokens",
            )
        if (categories is None) != (self.table is None):
            raise PlacecellError(
                expected="categories where there is a table for them, and only there",
                came="no categories" if categories is None else "categories without a table",
                fix="pass batch_categories(...), and category_embedding=ROWS when building the module",
            )
        _require_size("mask", mask, tokens)
        _require_size("categories", categories, tokens)
        if mask is None:
            there = torch.ones(tokens.shape[:2], dtype=torch.bool, device=device)
        else:
            there = torch.as_tensor(mask, device=device)
            _require_booleans(there)
        x = self.linear(tokens.masked_fill(~there[..., None], 0).clamp(-MOST, MOST))
        if self.table is not None and categories is not None:
            x = x + self.table(
                _rows(torch.as_tensor(categories, device=device).long(), self.table.num_embeddings)
            )
        return self.norm(x), there


class MemoryFusion(nn.Module):
    """Gated cross-attention of a backbone's hidden states to memory tokens, closed before training.

    ``hidden + tanh(gate) * Attention(LayerNorm(hidden), tokens)`` with a gate of 0 at first (Alayrac et al.
    2022, Flamingo, section 2.2): the output is the input to the bit until something has been learned, while
    the gate gets a gradient at once and everything else after its first step. Attention may also rest on
    nothing (a key and value of zeros), so that what was recalled need not be used. Hidden states whose row
    of the mask is empty pass unchanged to the bit, always. No dropout: a rollout and its update see the same.
    Gradients of gradients need ``torch.nn.attention.sdpa_kernel(SDPBackend.MATH)`` around the call: torch has
    none for its fast attention.

    Args:
        width: of the hidden states.
        memory_width: entries of a token: ``TOKEN_WIDTH``, plus the width of the embeddings.
        heads: of the attention; divides ``width``.
        category_embedding: rows of a learned table of categories, or 0: none; see :class:`TokenEncoder`.

    Raises:
        PlacecellError: widths or heads that do not fit.
    """

    def __init__(self, width: int, memory_width: int, heads: int = 8, *, category_embedding: int = 0) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise PlacecellError(
                expected="a width that is a multiple of heads",
                came=f"width {width}, heads {heads}",
                fix="pass heads that divide the width of your hidden states",
            )
        self.width, self.heads = width, heads
        self.encode = TokenEncoder(memory_width, width, category_embedding)
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(
        self,
        hidden: Float[Tensor, "b n d"] | Float[Tensor, "b d"],
        memory: Memory,
        mask: Mask | None = None,
        categories: Categories | None = None,
    ) -> Float[Tensor, "b n d"] | Float[Tensor, "b d"]:
        """Hidden states that have looked into the memory.

        Args:
            hidden: of the backbone, in any float type: the module computes in its own and adds in this.
            memory: tokens, as :func:`~placecell.memory.tokens.batch_tokens` gives them; k may be 0.
            mask: true where a token counts; None where all do.
            categories: ids of the tokens' categories, where the module has a table for them.

        Returns:
            The same shape and type.

        Raises:
            PlacecellError: hidden states or tokens of another width, a batch, mask or categories of another
                size, a mask that is not of booleans, or categories without a table.
        """
        if hidden.shape[-1] != self.width or hidden.shape[0] != memory.shape[0]:
            raise PlacecellError(
                expected=f"hidden states of width {self.width}, and memory tokens for each of the batch",
                came=f"hidden {tuple(hidden.shape)}, memory {tuple(memory.shape)}",
                fix="build MemoryFusion with your backbone's width, and one row of tokens a row of states",
            )
        tokens, there = self.encode(memory, mask, categories)
        states = hidden if hidden.ndim == 3 else hidden[:, None]
        update = self._attend(states.to(self.norm.weight.dtype), tokens, there)
        fused = states + (self.gate.tanh() * update).to(states.dtype)
        kept = (self.gate == 0) | ~there.any(1)[:, None, None]
        return _Keep.apply(fused, states, kept).view_as(hidden)

    def _attend(self, states: Tensor, tokens: Tensor, there: Tensor) -> Tensor:
        b, n, width = states.shape
        split = (self.heads, width // self.heads)
        queries = self.query(self.norm(states)).view(b, n, *split).transpose(1, 2)
        pairs = pad(self.key_value(tokens), (0, 0, 0, 1)).view(b, tokens.shape[1] + 1, 2, *split)
        keys, values = pairs.permute(2, 0, 3, 1, 4)
        seen = pad(there, (0, 1), value=True)[:, None, None]
        found = scaled_dot_product_attention(queries, keys, values, attn_mask=seen)
        return self.out(found.transpose(1, 2).reshape(b, n, width))


class _Keep(torch.autograd.Function):
    """``states`` where ``kept``, else ``fused``; its gradient is as if it were ``fused`` everywhere.

    ``fused`` is ``states`` plus something that is 0 where ``kept``; but -0.0 + 0.0 is 0.0 and no longer the
    same bits, and 0 times infinity is not 0. A plain ``where`` would cut the gate's gradient.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(fused: Tensor, states: Tensor, kept: Tensor) -> Tensor:
        return torch.where(kept, states, fused)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Nothing is kept for the backward pass; torch.func asks for this method."""

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return gradients[0], None, None


def _rows(ids: Tensor, rows: int) -> Tensor:
    return torch.where(ids > 0, (ids - 1) % (rows - 1) + 1, 0)


def _require_booleans(mask: Tensor) -> None:
    if mask.dtype != torch.bool:
        raise PlacecellError(
            expected="a mask of booleans, true where a token counts",
            came=f"{mask.dtype}".removeprefix("torch."),
            fix="pass mask.bool()",
        )


def _require_size(name: str, given: Mask | Categories | None, tokens: Tensor) -> None:
    if given is not None and given.shape != tokens.shape[:2]:
        raise PlacecellError(
            expected=f"{name} of {tuple(tokens.shape[:2])}, an entry a token",
            came=f"{tuple(given.shape)}",
            fix="pass what batch_tokens and batch_categories gave for the same k",
        )
