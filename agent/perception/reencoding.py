"""Encoding an image again under the control of a hidden state, and new tokens beside a frozen table."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import embedding

from placecell.errors import ConfigError


class ReEncoding(nn.Module):
    """Projects an encoder's tokens to a language model's width, modulated by a control token's state.

    f = W_f LN(x), c = W_c LN(h), out = f + (f . c) c: one key and value, no softmax, no scaling. Without a
    control, out = f. Yu, Ma and Wang 2025, "Introducing Visual Perception Token into Multimodal Large
    Language Model". Weights start at Xavier's uniform ones, biases at 0.

    Args:
        hidden_width: of the control's hidden state h.
        feature_width: of the encoder's tokens x.
        width: of the output; None: hidden_width.

    Raises:
        ConfigError: a width below 1.
    """

    def __init__(self, hidden_width: int, feature_width: int, width: int | None = None) -> None:
        super().__init__()
        self.width = hidden_width if width is None else width
        if min(hidden_width, feature_width, self.width) < 1:
            raise ConfigError(
                expected="widths of 1 or more",
                came=f"hidden {hidden_width}, features {feature_width}, output {self.width}",
                fix="pass the widths of the language model's states and of the encoder's tokens",
            )
        self.feature_norm, self.control_norm = nn.LayerNorm(feature_width), nn.LayerNorm(hidden_width)
        self.feature = nn.Linear(feature_width, self.width)
        self.control = nn.Linear(hidden_width, self.width)
        for linear in (self.feature, self.control):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(
        self, features: Float[Tensor, "b n x"], hidden: Float[Tensor, "b c"] | None = None
    ) -> Float[Tensor, "b n d"]:
        """Projects and modulates.

        Args:
            features: (b, n, feature_width) tokens of the second encoding.
            hidden: (b, hidden_width) each row's control state; None: no row has one.
        """
        f = self.feature(self.feature_norm(features))
        if hidden is None:
            return f
        c = self.control(self.control_norm(hidden))[:, None]
        return f + (f * c).sum(-1, keepdim=True) * c


class NewTokens(nn.Module):
    """Embeddings of new tokens that learn, behind a table that stays as it is.

    Ids below the table's length are the table's, the next ``count`` are new. The new ones start at the
    table's mean plus noise of a tenth of its spread, so that a model takes them for words from the start. The
    table is no part of ``state_dict``: a checkpoint holds the new ones.

    Args:
        table: (v, d), a model's input embeddings; not changed.
        count: of new tokens.
        generator: for the noise.

    Raises:
        ConfigError: no new tokens, or an empty table.
    """

    def __init__(self, table: Float[Tensor, "v d"], count: int, generator: torch.Generator) -> None:
        super().__init__()
        if count < 1 or not len(table):
            raise ConfigError(
                expected="1 or more new tokens behind a table of 1 or more",
                came=f"{count} behind {len(table)}",
                fix="pass len(tokens_to_add(...)) and the model's input embeddings",
            )
        self.table: Tensor
        self.register_buffer("table", table.detach(), persistent=False)
        noise = torch.randn(count, table.shape[1], generator=generator).to(self.table)
        spread = self.table.std(0, correction=0)
        self.new = nn.Parameter(self.table.mean(0) + 0.1 * spread * noise)

    @property
    def ids(self) -> range:
        """Of the new tokens."""
        return range(len(self.table), len(self.table) + len(self.new))

    def forward(self, ids: Int64[Tensor, "b n"]) -> Float[Tensor, "b n d"]:
        """Embeddings of tokens old and new.

        Raises:
            ConfigError: an id that is neither.
        """
        if ids.numel() and not (int(ids.min()) >= 0 and int(ids.max()) < self.ids.stop):
            raise ConfigError(
                expected=f"ids from 0 to {self.ids.stop - 1}",
                came=f"{int(ids.min())} to {int(ids.max())}",
                fix="add all tokens of tokens_to_add(...) to the tokenizer, and count them here",
            )
        old = embedding(ids.clamp(max=len(self.table) - 1), self.table)
        new = embedding((ids - len(self.table)).clamp(min=0), self.new)
        return torch.where((ids >= len(self.table))[..., None], new, old)

    def scores(self, hidden: Float[Tensor, "b n d"]) -> Float[Tensor, "b n tokens"]:
        """Logits of all tokens from last hidden states, for models that tie output to input embeddings."""
        return torch.cat([hidden @ self.table.T, hidden @ self.new.T], -1)
