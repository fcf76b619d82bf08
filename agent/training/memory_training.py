"""Steps of the memory token's training: its loss, and how well places are found with it."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from placecell.memory.reversible import ReversibleMemoryToken

from .memory_batches import PlaceBatch, PlaceBatches
from .stepping import one_cycle, warmed

_CYCLE = 0.1  # weight of the cycle loss
_DRAWN = 100  # batches that recall is counted over


class MemoryTraining:
    """Steps of one training; the same seed gives the same weights on one machine.

    The task: of all places of a walk, the one where a later observation was made; InfoNCE (van den Oord et
    al. 2018) between the observation's query and the head tokens' keys. Beside it cycle consistency, with
    weight 0.1: the head, turned back without its residue, is to resemble the last observation.

    Args:
        batches: to learn from.
        width: of an observation.
        seed: of the weights.
        steps: of the whole training.
        learning_rate: the highest.
        weight_decay: AdamW's.
        temperature: of the similarities.
        average: weight of the past in the running average of the weights.
    """

    def __init__(
        self, batches: PlaceBatches, width: int, *, seed: int, steps: int, learning_rate: float,
        weight_decay: float, temperature: float, average: float,
    ) -> None:  # fmt: skip
        self.steps, self._rate, self._temperature = steps, learning_rate, temperature
        self._batches = batches
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = ReversibleMemoryToken(width)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=learning_rate, weight_decay=weight_decay
        )
        self.average = AveragedModel(self.network, multi_avg_fn=warmed(average), use_buffers=True)

    @property
    def averaged(self) -> ReversibleMemoryToken:
        """The token with the average of the weights: what is kept."""
        token = self.average.module
        assert isinstance(token, ReversibleMemoryToken)
        return token

    def step(self, step: int) -> float:
        """One step, its loss."""
        self.network.train()
        for group in self.optimizer.param_groups:
            group["lr"] = one_cycle(step, self.steps, self._rate)
        loss = token_loss(self.network, self._batches(step), self._temperature)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.average.update_parameters(self.network)
        return float(loss.detach())


def token_loss(token: ReversibleMemoryToken, batch: PlaceBatch, temperature: float) -> Tensor:
    """Task loss and a tenth of the cycle loss: see :class:`MemoryTraining`.

    Places of other walks are rivals too: easier ones, but more.
    """
    heads, last = write_all(token, torch.from_numpy(batch.written), batch.counts)
    queries = token.queries(token.observe(torch.from_numpy(batch.queries)))
    logits = queries @ token.keys(heads).T / temperature
    task = nn.functional.cross_entropy(logits, torch.from_numpy(batch.right))
    # Else the easiest way to decode would be an adapter that says the same of everything.
    cycle = (token.decode(heads) - last.detach()).square().mean()
    return task + _CYCLE * cycle


def write_all(token: ReversibleMemoryToken, written: Tensor, counts: np.ndarray) -> tuple[Tensor, Tensor]:
    """Head tokens of (c, n, d) observations, of each the first ``counts`` (falling); and the last of each."""
    seen = token.observe(written.flatten(0, 1)).view(*written.shape[:2], -1)
    heads = token.start(len(written))
    for n in range(written.shape[1]):
        used = int((counts > n).sum())
        heads = torch.cat([token.write(heads[:used], seen[:used, n]).token, heads[used:]])
    return heads, seen[torch.arange(len(seen)), torch.from_numpy(counts) - 1]


def recall(token: ReversibleMemoryToken, batches: PlaceBatches) -> dict[str, int | float]:
    """How often the right place of a walk is the first, and among the first five."""
    ranks: list[np.ndarray] = []
    token.eval()
    with torch.no_grad():
        for step in range(_DRAWN):
            batch = batches(step)
            heads, _ = write_all(token, torch.from_numpy(batch.written), batch.counts)
            queries = token.queries(token.observe(torch.from_numpy(batch.queries)))
            near = np.where(batch.rivals(), (queries @ token.keys(heads).T).numpy(), -np.inf)
            ranks.append((near > near[np.arange(len(near)), batch.right][:, None]).sum(1))
    rank = np.concatenate(ranks)
    return {"queries": len(rank), "recall_1": float((rank < 1).mean()), "recall_5": float((rank < 5).mean())}
