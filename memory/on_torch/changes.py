"""When what a torch map holds last changed, by a clock that counts changes."""

import torch
from torch import Tensor


class TorchChanges:
    """The clock behind ``growth`` and ``last_change``; the pool holds the changes of its blocks itself.

    Attributes:
        clock: the latest change.
    """

    def __init__(self, device: torch.device) -> None:
        self.clock, self._begun = 0, 0
        self._device = device
        self._started: dict[int, int] = {}
        self._labels: dict[int, Tensor] = {}

    def tick(self) -> int:
        """The number of a new change."""
        self.clock += 1
        return self.clock

    def start_anew(self) -> None:
        """All maps were replaced."""
        self._begun = self.tick()
        self._started, self._labels = {}, {}

    def start_agent(self, agent: int) -> None:
        """One agent's readers have to begin again."""
        self._started[agent] = self.tick()

    def forget_labels(self, agent: int) -> None:
        """Nothing of an agent's has a label any more."""
        self._labels[agent] = torch.full((1,), self.clock, device=self._device)

    def clear_labels(self, agent: int) -> None:
        """An agent has no map any more."""
        self._labels.pop(agent, None)

    def restarts(self, since: int, agent: int) -> bool:
        """Whether who asked at that clock has to forget all that was told."""
        return not self._started.get(agent, self._begun) <= since <= self.clock

    def labels_of(self, agent: int, most: int = 0) -> Tensor:
        """(labels,) the change at which each label of an agent's last changed, to that label at least."""
        held = self._labels.get(agent, torch.zeros(0, dtype=torch.int64, device=self._device))
        if most >= len(held):
            held = torch.cat([held, held.new_full((most + 1 - len(held),), self.clock)])
            self._labels[agent] = held
        return held

    def last_change(self, category: int, agent: int) -> int:
        """The change at which that label last changed; 0 for one that never was."""
        held = self._labels.get(agent)
        return int(held[category]) if held is not None and 0 < category < len(held) else 0
