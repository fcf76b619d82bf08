"""When what a map holds last changed, by a clock that counts changes; and what it dropped of late."""

import numpy as np
from jaxtyping import Int64

from .block_pool import AGENT_SHIFT

Keys = Int64[np.ndarray, "_"]
MOST_GONE = 1 << 14
"""So many blocks that were dropped are remembered (a quarter of a MiB), for readers who follow the map."""


class VoxelChanges:
    """The clock behind ``growth`` and ``last_change``; the pool holds the changes of its blocks itself.

    Attributes:
        clock: the latest change.
    """

    def __init__(self) -> None:
        self.clock = self._begun = 0
        self._started: dict[int, int] = {}
        self._labels: dict[int, Int64[np.ndarray, " labels"]] = {}
        self._gone: Keys = np.zeros(0, np.int64)
        self._gone_at: Keys = np.zeros(0, np.int64)

    def tick(self) -> int:
        """The number of a new change."""
        self.clock += 1
        return self.clock

    def start_anew(self) -> int:
        """All maps were replaced: readers and those who count changes of labels begin again."""
        self._begun = self.tick()
        self._forget()
        return self._begun

    def start_agent(self, agent: int) -> None:
        """One agent's readers have to begin again."""
        self._started[agent] = self.tick()

    def restarts(self, since: int, agent: int) -> bool:
        """Whether who asked at that clock has to forget all that was told."""
        return not self._started.get(agent, self._begun) <= since <= self.clock

    def forget_labels(self, agent: int) -> None:
        """Nothing of an agent's has a label any more."""
        self._labels[agent] = np.full(1, self.clock)

    def clear_labels(self, agent: int) -> None:
        """An agent has no map any more."""
        self._labels.pop(agent, None)

    def labels_of(self, agent: int, most: int = 0) -> Int64[np.ndarray, " labels"]:
        """(labels,) the change at which each label of an agent's last changed, to that label at least."""
        held = self._labels.get(agent, np.zeros(0, np.int64))
        if most >= len(held):
            held = np.concatenate([held, np.full(most + 1 - len(held), self.clock)])
            self._labels[agent] = held
        return held

    def last_change(self, category: int, agent: int) -> int:
        """The change at which that label last changed; 0 for one that never was."""
        held = self._labels.get(agent)
        return int(held[category]) if held is not None and 0 < category < len(held) else 0

    def note_gone(self, keys: Keys) -> None:
        """Blocks that readers know of were dropped by the latest change.

        Who has not heard of those that are too many to be remembered begins again.
        """
        self._gone = np.concatenate([self._gone, keys])
        self._gone_at = np.concatenate([self._gone_at, np.full(len(keys), self.clock)])
        lost = max(0, len(self._gone) - MOST_GONE)
        change = int(self._gone_at[:lost].max(initial=0))
        for agent in np.unique(self._gone[:lost] >> AGENT_SHIFT).tolist():
            self._started[agent] = max(self._started.get(agent, self._begun), change)
        self._gone, self._gone_at = self._gone[lost:], self._gone_at[lost:]

    def gone_since(self, change: int, agent: int) -> Keys:
        """Of an agent's blocks that were dropped after a change, and are remembered."""
        keys = self._gone[self._gone_at > change]
        return keys[keys >> AGENT_SHIFT == agent]

    def _forget(self) -> None:
        self._started, self._labels = {}, {}
        self._gone, self._gone_at = np.zeros(0, np.int64), np.zeros(0, np.int64)
