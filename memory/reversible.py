"""A token that depends on everything that was written, and gives it back.

A write couples the token (the *head*) with an observation, layer by layer::

    y1 = x1 + F(x2)        x1: the token so far      F: attention over slots
    y2 = x2 + G(y1)        x2: the observation       G: a feed-forward net

y1 is the new head. y2 is the *residue* of this write: with it, and only with it, the head is turned back
into the token before and the observation (x2 = y2 - G(y1), x1 = y1 - F(x2)). The head is of constant size and
is what retrieval reads; it depends on all n observations, but cannot hold them: the n residues do. Where
residues are dropped, what was written up to there can't be given back any more.

What is exact: in fixed point (:class:`~placecell.memory.token_chains.TokenChains`, mode "fixed") all of it,
to the bit. In floating point a sum does not come apart exactly: over 1,000 writes observations of root mean
square 1 come back within 1e-3 in float32 (the shipped token's within 6e-5, in float64 within 1e-12). Dropout
changes neither: a
write's masks come from its seed, which is kept, so that turning back sees the masks of the write, in training
and in evaluation mode alike.

Sources: the token R(previous, observation) and the cycle loss are Mem4Nav's (He et al. 2025; withdrawn by its
authors); the couplings RevNet's (Gomez et al. 2017), with attention as F and a feed-forward net as G as in
Reformer (Kitaev et al. 2020). Own here: layers don't swap the streams, as F and G take turns between them
anyway; the functions damp what they read, so that what a write adds is bounded.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

import torch
from jaxtyping import Float, Int64
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.functional import normalize

from placecell.arrays import atomic_write
from placecell.errors import ArchiveError, ConfigError, PlacecellError

from .reversal.couplings import Attention, FeedForward, damped
from .reversal.masks import NO_DROPOUT, draw_seeds, keep_mask

SHIPPED = Path(__file__).with_name("reversible.safetensors")
_KIND = "placecell reversible token 1"
_LONGEST = 160
_TYPES = ({torch.float32}, {torch.float64})

Rows = Float[Tensor, "b d"]
Seeds = Int64[Tensor, " b"]
Given = Float[Tensor, "_ _"]
"""Sizes that don't fit have an error of their own."""


@dataclass(frozen=True)
class Written:
    """What a write makes of a token.

    Args:
        token: (b, width) the new head.
        residue: (b, width) what turns it back.
        seeds: (b,) of the dropout masks, ``NO_DROPOUT`` where there were none.
    """

    token: Rows
    residue: Rows
    seeds: Seeds


class ReversibleMemoryToken(nn.Module):
    """The reversible transformer token: see the module.

    Untrained, the head is the sum of what was written (each damped), so its key is that of a running mean.
    The head grows with the writes: by at most a bounded length a write; keys are of its direction.

    Args:
        observation_width: of the embeddings that :meth:`observe` takes: unit vectors.
        width: of token, observation and residue.
        depth: layers.
        heads: of the attention.
        slots: parts that each stream is taken as, ``width // slots`` wide.
        dropout: share of each coupling's outputs that is dropped in training mode.

    Raises:
        ConfigError: sizes below 1, a width that slots and heads don't divide, a dropout outside 0..1.
    """

    def __init__(
        self,
        observation_width: int,
        width: int = 256,
        depth: int = 6,
        heads: int = 8,
        slots: int = 8,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if min(observation_width, width, depth, heads, slots) < 1 or width % (slots * heads):
            raise ConfigError(
                expected="sizes of 1 or more, and a token's width that slots * heads divides",
                came=f"observation_width {observation_width}, width {width}, depth {depth}, heads {heads}, "
                f"slots {slots}",
                fix="choose a width of k * slots * heads",
            )
        if not 0 <= dropout < 1:
            raise ConfigError(
                expected="dropout from 0 to below 1", came=f"{dropout:g}", fix="set it to 0 for none"
            )
        self.observation_width, self.width, self.depth = observation_width, width, depth
        self.heads, self.slots, self.dropout = heads, slots, dropout
        self.adapter = nn.Linear(observation_width, width)
        self.key = nn.Linear(width, width)
        self.query = nn.Linear(width, width)
        self.attentions = nn.ModuleList(Attention(width, heads, slots, depth) for _ in range(depth))
        self.feeds = nn.ModuleList(FeedForward(width, depth) for _ in range(depth))
        for linear in (self.adapter, self.key, self.query):
            nn.init.zeros_(linear.bias)
            _init_straight(linear.weight)
        with torch.no_grad():  # of unit vectors it makes those of root mean square 1
            self.adapter.weight *= width**0.5

    def observe(self, embedding: Float[Tensor, "b e"]) -> Rows:
        """(b, width) observations of (b, observation_width) embeddings: what is written and given back.

        A learned linear map. Untrained it keeps angles where the width is not below the embeddings', and
        about keeps them where it is.

        Raises:
            PlacecellError: embeddings of another width.
        """
        self._require("embeddings", embedding, self.observation_width)
        return self.adapter(embedding)

    def start(self, count: int) -> Rows:
        """(count, width) tokens that nothing was written to."""
        return self.key.weight.new_zeros(count, self.width)

    def write(self, token: Given, observation: Given, seeds: Seeds | None = None) -> Written:
        """Writes an observation into each token.

        Args:
            token: (b, width) of the last write, or of :meth:`start`.
            observation: (b, width), of :meth:`observe`.
            seeds: (b,) of the dropout masks, ``NO_DROPOUT`` for none. Where left out they are drawn in
                training mode from torch's generator, and ``NO_DROPOUT`` in evaluation mode.

        Raises:
            PlacecellError: tokens or observations of another width, or not as many.
        """
        self._require("tokens", token, self.width)
        self._require("observations", observation, self.width, len(token))
        if seeds is None:
            seeds = self.seeds(len(token)).to(token.device)
        x1, x2 = token, observation
        for layer in range(self.depth):
            x1 = x1 + self._attend(layer, x2, seeds)
            x2 = x2 + self._feed(layer, x1, seeds)
        return Written(x1, x2, seeds)

    def invert(self, token: Given, residue: Given, seeds: Seeds) -> tuple[Rows, Rows]:
        """The token before a write and its observation, each (b, width); in either mode.

        Args:
            token: (b, width) that the write made.
            residue: (b, width) of the same write.
            seeds: (b,) of the same write.

        Raises:
            PlacecellError: tokens or residues of another width, or not as many.
        """
        self._require("tokens", token, self.width)
        self._require("residues", residue, self.width, len(token))
        x1, x2 = token, residue
        for layer in reversed(range(self.depth)):
            x2 = x2 - self._feed(layer, x1, seeds)
            x1 = x1 - self._attend(layer, x2, seeds)
        return x1, x2

    def decode(self, token: Rows) -> Rows:
        """(b, width) what the head alone says of the last observation: turned back with a residue of zeros.

        The cycle loss makes it resemble the observation, and so the residue small. It alone trains the last
        layer's G, which the head does not depend on.
        """
        none = torch.full((len(token),), NO_DROPOUT, device=token.device)
        return self.invert(token, torch.zeros_like(token), none)[1]

    def keys(self, token: Rows) -> Rows:
        """(b, width) unit vectors by which tokens are found."""
        return normalize(self.key(damped(token)), dim=1)

    def queries(self, observation: Rows) -> Rows:
        """(b, width) unit vectors that are compared with keys, of what :meth:`observe` gave."""
        return normalize(self.query(observation), dim=1)

    def seeds(self, count: int, generator: torch.Generator | None = None) -> Seeds:
        """(count,) seeds of as many writes in the module's mode."""
        if self.training and self.dropout > 0:
            return draw_seeds(count, generator)
        return torch.full((count,), NO_DROPOUT)

    def save(self, path: Path) -> None:
        """Writes sizes and weights, as they are, in one file, atomically; not the mode."""
        metadata = {"kind": _KIND, "config": json.dumps(self.config(), sort_keys=True)}
        weights = {name: tensor.detach().contiguous() for name, tensor in self.state_dict().items()}
        atomic_write(path, save(weights, metadata))

    def config(self) -> dict[str, int | float]:
        """The arguments that it was built with."""
        names = ("observation_width", "width", "depth", "heads", "slots", "dropout")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def load(cls, path: Path) -> "ReversibleMemoryToken":
        """The token of a file that :meth:`save` wrote, in evaluation mode.

        Raises:
            ArchiveError: there is no such file, or it holds something else.
        """
        if not path.is_file():
            raise _bad(path, "no such file")
        try:
            with safe_open(path, framework="pt") as file:
                metadata = dict(file.metadata() or {})
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise _bad(path, f"a file that cannot be read ({error})") from error
        if metadata.get("kind") != _KIND:
            raise _bad(path, repr(metadata.get("kind", "a file of another kind")))
        try:
            sizes = json.loads(metadata["config"])
            if sizes["depth"] > len(state):  # before so many layers are built
                raise ValueError(f"depth {sizes['depth']}")
            with torch.device("meta"):  # what a file claims costs nothing before its weights are seen to fit
                token = cls(**sizes)
            if {weight.dtype for weight in state.values()} not in _TYPES:
                raise ValueError("weights that are not all float32 or all float64")
            token.load_state_dict(state, assign=True)
        except (KeyError, TypeError, ValueError, OverflowError, RuntimeError, ConfigError) as error:
            raise _bad(path, f"sizes and weights that don't fit ({shorten(str(error), _LONGEST)})") from error
        return token.requires_grad_().eval()

    @classmethod
    def shipped(cls) -> "ReversibleMemoryToken":
        """The trained token that comes with the package; ``placecell-train task=memory`` trained it.

        Raises:
            ArchiveError: its file is not there, or damaged.
        """
        return cls.load(SHIPPED)

    def _attend(self, layer: int, x: Rows, seeds: Seeds) -> Rows:
        return self._dropped(self.attentions[layer](x), 2 * layer, seeds)

    def _feed(self, layer: int, x: Rows, seeds: Seeds) -> Rows:
        return self._dropped(self.feeds[layer](x), 2 * layer + 1, seeds)

    def _dropped(self, outputs: Rows, place: int, seeds: Seeds) -> Rows:
        if self.dropout == 0:
            return outputs
        return outputs * keep_mask(seeds, place, self.width, self.dropout, outputs)

    def _require(self, what: str, came: Tensor, width: int, rows: int | None = None) -> None:
        if came.shape[1] != width:
            raise PlacecellError(
                expected=f"{what} of width {width}",
                came=f"{came.shape[1]}",
                fix="build the token with the width of your encoder's embeddings",
            )
        if rows is not None and len(came) != rows:
            raise PlacecellError(
                expected=f"{what} for {rows} tokens", came=f"{len(came)}", fix="pass one a token"
            )


def _init_straight(weight: Tensor) -> None:
    """The identity, or, of unequal sizes, rows or columns at right angles."""
    if weight.shape[0] == weight.shape[1]:
        nn.init.eye_(weight)
    else:
        nn.init.orthogonal_(weight)


def _bad(path: Path, came: str) -> ArchiveError:
    return ArchiveError(
        expected=f"a reversible token in {path}",
        came=came,
        fix="train one: placecell-train task=memory out=DIR",
    )
