"""What every policy is: a percept and a retrieval go in, a decision comes out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from placecell.memory import Retrieval

from ..perception.percept import Percept


@dataclass(frozen=True)
class Decision:
    """An action of the environment's ``Discrete`` space, and why it was taken.

    ``trace`` is plain JSON: what replay shows of this step (mode, target, frontier, path, words).
    """

    action: int
    trace: Mapping[str, object] = field(default_factory=dict)


class Policy(ABC):
    """Decides one action a step.

    ``oracle`` names the inputs a policy uses that no agent has in the world (the expert's shortest path);
    a run marks them in its provenance and its tables.
    """

    oracle: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def begin_episode(self, rng: np.random.Generator) -> None:
        """Forgets the last episode; ``rng`` is the only source of chance until the next call."""

    @abstractmethod
    def decide(self, percept: Percept, retrieval: Retrieval) -> Decision:
        """The next action, from what is seen now and what the memory recalled for it."""

    def top_down(self) -> "np.ndarray | None":
        """The policy's own map, (rows, columns, 3) uint8, with its way on it; None if it has none."""
        return None
