"""Reversible tokens by place as torch tensors, for training: retrieval with gradients to what was written."""

from collections.abc import Hashable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from placecell.errors import ConfigError, PlacecellError

from .reversal.couplings import damped
from .reversible import ReversibleMemoryToken


class TokenBank:
    """Chains of tokens whose latest writes keep their gradient through :meth:`retrieve`.

    What was written within the last ``window`` steps is written again at each retrieval, from the token
    before it, which is detached: so gradients reach the observations and the model's weights of these writes
    exactly, and nothing of what is older; graph and time are bounded by the window. Residues are not kept:
    to give back, see :class:`~placecell.memory.token_chains.TokenChains`.

    Args:
        model: used, not copied: the training changes it. In training mode, writes are with dropout.
        window: so many steps, this one included, keep their gradient; 0 for none.
        temperature: of the weights: cosines are divided by it.
        differentiable: false for retrieval without any gradient, in either mode.

    Raises:
        ConfigError: a window below 0 or a temperature that is not positive.
    """

    def __init__(
        self,
        model: ReversibleMemoryToken,
        window: int = 32,
        *,
        temperature: float = 0.1,
        differentiable: bool = True,
    ) -> None:
        if window < 0 or not temperature > 0:
            raise ConfigError(
                expected="a window of 0 or more steps and a positive temperature",
                came=f"window {window}, temperature {temperature:g}",
                fix="set window=32 and temperature=0.1",
            )
        self.model, self.window, self.temperature = model, window, temperature
        self.differentiable = differentiable
        self.clear()

    def __len__(self) -> int:
        return len(self._bases)

    def clear(self) -> None:
        """Forgets all chains, and starts counting steps anew."""
        self._step = -1
        self._bases: dict[Hashable, Float[Tensor, "1 d"]] = {}
        self._pending: list[_Write] = []

    def write(self, key: Hashable, observation: Float[Tensor, " e"], step: int | None = None) -> None:
        """Writes an embedding into the chain of a key.

        Args:
            key: of the place; tell spaces apart by pairs: ``("leaf", 5)``.
            observation: (observation_width,) a unit vector, with the graph that its gradient shall go.
            step: when, never before the last one; None for one step after the last write.

        Raises:
            PlacecellError: an embedding of another width, or a step before the last one.
        """
        step = self._step + 1 if step is None else step
        if step < self._step:
            raise PlacecellError(
                expected=f"a step from {self._step} on", came=f"{step}", fix="write in the order of the steps"
            )
        if len(observation) != self.model.observation_width:
            raise PlacecellError(
                expected=f"an observation of width {self.model.observation_width}",
                came=f"{len(observation)}",
                fix="build the token with the width of your encoder's embeddings",
            )
        self._step = step
        if key not in self._bases:
            self._bases[key] = self.model.start(1)
        seeds = self.model.seeds(1).to(observation.device)
        self._pending.append(_Write(step, key, observation[None], seeds))
        self._settle(step - self.window)

    def detach(self) -> None:
        """Cuts all gradients: between two truncated pieces of a walk."""
        self._settle(self._step)

    def heads(self) -> tuple[tuple[Hashable, ...], Float[Tensor, "n d"]]:
        """Keys and (n, width) head tokens of all chains, with the window's graph."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.differentiable):
            tokens = dict(self._bases)
            for writes in _turns(self._pending):
                written = self.model.write(
                    torch.cat([tokens[write.key] for write in writes]),
                    self.model.observe(torch.cat([write.observation for write in writes])),
                    torch.cat([write.seeds for write in writes]),
                )
                tokens.update(zip([write.key for write in writes], written.token.split(1)))
            none = [self.model.start(0)]  # torch.cat takes no empty list
            return tuple(tokens), torch.cat([*none, *tokens.values()])

    def retrieve(
        self, query: Float[Tensor, "b e"], k: int
    ) -> tuple[Float[Tensor, "b k d"], Float[Tensor, "b k"]]:
        """The tokens that are most like each query, best first.

        Args:
            query: (b, observation_width) embeddings, as they are written.
            k: tokens each.

        Returns:
            tokens (b, k, width), heads whose length is damped to a root mean square below 1; weights (b, k),
            softmax of their cosines. Zeros where there are fewer than k.

        Raises:
            PlacecellError: queries of another width, or a k below 1.
        """
        if k < 1:
            raise PlacecellError(expected="k of 1 or more", came=f"{k}", fix="ask for at least one token")
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.differentiable):
            heads = self.heads()[1]
            cosines = self.model.queries(self.model.observe(query)) @ self.model.keys(heads).T
            best, rows = cosines.topk(min(k, len(heads)), dim=1)
            weights, missing = torch.softmax(best / self.temperature, 1), k - rows.shape[1]
            found = damped(heads)[rows]
            return (
                nn.functional.pad(found, (0, 0, 0, missing)),
                nn.functional.pad(weights, (0, missing)),
            )

    def _settle(self, last: int) -> None:
        """Makes what was written up to a step part of the detached tokens."""
        while self._pending and self._pending[0].step <= last:
            write = self._pending.pop(0)
            with torch.no_grad():
                observed = self.model.observe(write.observation)
                self._bases[write.key] = self.model.write(self._bases[write.key], observed, write.seeds).token


@dataclass(frozen=True)
class _Write:
    """A write within the window: an observation (1, observation_width) and its seed (1,)."""

    step: int
    key: Hashable
    observation: Tensor
    seeds: Tensor


def _turns(writes: list[_Write]) -> list[list[_Write]]:
    """The writes in batches, no key twice in one, each key's in their order."""
    turns: list[list[_Write]] = []
    seen: dict[Hashable, int] = {}
    for write in writes:
        turn = seen[write.key] = seen.get(write.key, -1) + 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(write)
    return turns
