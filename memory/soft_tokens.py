"""Memory tokens as soft tokens of a language model: embeddings that stand before its text."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from placecell.errors import PlacecellError

from .fusion import Categories, Mask, Memory, TokenEncoder


@dataclass(frozen=True)
class Joined:
    """A language model's inputs with soft tokens before the text.

    Args:
        inputs_embeds: (b, p + n, d) soft tokens, then the text's embeddings.
        attention_mask: (b, p + n) int64, 0 where a row has fewer soft tokens than p.
        position_ids: (b, p + n), or (axes, b, p + n): what a row attends to counts up from 0, the text's own
            positions follow.
        prefix: p, the soft tokens of the row that has the most; labels get as many entries of -100 in front.
    """

    inputs_embeds: Float[Tensor, "b n d"]
    attention_mask: Int[Tensor, "b n"]
    position_ids: Int[Tensor, "b n"] | Int[Tensor, "axes b n"]
    prefix: int

    def inputs(self) -> dict[str, Tensor]:
        """For ``model(**joined.inputs())`` and ``model.generate(**joined.inputs())``."""
        return {
            "inputs_embeds": self.inputs_embeds,
            "attention_mask": self.attention_mask,
            "position_ids": self.position_ids,
        }


class SoftTokens(nn.Module):
    """Projects memory tokens to a language model's width, sized as its word embeddings are.

    Unlike :class:`~placecell.memory.fusion.MemoryFusion` it has no closed gate: tokens that stand before a
    text take part in its attention from the first step on. A row without memory gets none.

    Args:
        width: of the language model's embeddings.
        memory_width: entries of a memory token: ``TOKEN_WIDTH``, plus the width of the embeddings.
        category_embedding: rows of a learned table of categories, or 0; see ``TokenEncoder``.
        scale: root mean square of an untrained soft token's entries; that of the model's word embeddings.

    Raises:
        PlacecellError: widths below 1, or a scale that is not positive.
    """

    def __init__(
        self, width: int, memory_width: int, *, category_embedding: int = 0, scale: float = 0.02
    ) -> None:
        super().__init__()
        if not 0 < scale < float("inf"):
            raise PlacecellError(
                expected="a scale above 0 and finite", came=f"{scale:g}", fix="pass the embeddings' std"
            )
        self.width = width
        self.encode = TokenEncoder(memory_width, width, category_embedding)
        self.out = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        nn.init.constant_(self.norm.weight, scale)

    def forward(
        self, memory: Memory, mask: Mask | None = None, categories: Categories | None = None
    ) -> tuple[Float[Tensor, "b k d"], Bool[Tensor, "b k"]]:
        """Soft tokens and their mask; zeros where the mask is false.

        Raises:
            PlacecellError: tokens of another width, or categories without a table.
        """
        tokens, there = self.encode(memory, mask, categories)
        soft = self.norm(self.out(nn.functional.gelu(tokens)))
        return soft.masked_fill(~there[..., None], 0), there

    def join(
        self,
        inputs_embeds: Float[Tensor, "b n d"],
        attention_mask: Int[Tensor, "b n"],
        memory: Memory,
        mask: Mask | None = None,
        categories: Categories | None = None,
        *,
        position_ids: Int[Tensor, "b n"] | Int[Tensor, "axes b n"] | None = None,
    ) -> Joined:
        """Puts the soft tokens before a text, with the mask and the positions that belong to them.

        Args:
            inputs_embeds: the text's, of ``model.get_input_embeddings()(input_ids)``.
            attention_mask: 1 where the text has a token, 0 where it is padded, on either side.
            memory: tokens, as :func:`~placecell.memory.tokens.batch_tokens` gives them.
            mask: true where a memory token counts; None where all do.
            categories: ids of the tokens' categories, where the module has a table for them.
            position_ids: the text's own, where they don't just count up, as ``get_rope_index`` of Qwen2.5-VL
                gives them for text with images; each row's are raised by its number of soft tokens.

        Returns:
            The inputs; where no row has memory, the very ones that came in, unchanged to the bit.

        Raises:
            PlacecellError: embeddings of another width, or as of :meth:`forward`.
        """
        if inputs_embeds.shape[2] != self.width or inputs_embeds.shape[0] != memory.shape[0]:
            raise PlacecellError(
                expected=f"embeddings of width {self.width}, and memory tokens for each of the batch",
                came=f"embeddings {tuple(inputs_embeds.shape)}, memory {tuple(memory.shape)}",
                fix="build SoftTokens with the width of the model's embeddings",
            )
        if position_ids is None:
            position_ids = _counted(attention_mask)
        soft, there = self(memory, mask, categories)
        prefix = int(there.any(0).nonzero().max()) + 1 if bool(there.any()) else 0
        soft, there = soft[:, :prefix].to(inputs_embeds), there[:, :prefix].to(attention_mask)
        before = _counted(there).expand(*position_ids.shape[:-1], prefix)
        return Joined(
            torch.cat([soft, inputs_embeds], 1),
            torch.cat([there, attention_mask], 1),
            torch.cat([before, position_ids + there.sum(1)[:, None]], -1),
            prefix,
        )


def _counted(mask: Tensor) -> Tensor:
    return (mask.cumsum(-1) - 1).clamp(min=0) * mask
