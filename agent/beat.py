"""Signs of life: what the one who walks tells the one who watches."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from .results import Start, Tag


class Beat(ABC):
    """Is told where a walk stands, so that a walk that ends without a word can still be named."""

    @abstractmethod
    def entering(self, episode: int) -> None:
        """The episode of this index comes next; nothing is known of it yet."""

    @abstractmethod
    def began(self, episode_id: str, scene_id: str, tags: Mapping[str, Tag], start: Start | None) -> None:
        """Its world is ready."""

    @abstractmethod
    def step(self, done: int) -> None:
        """So many steps of it are complete."""

    @abstractmethod
    def idle(self) -> None:
        """It is over."""


class NoBeat(Beat):
    """Nobody watches."""

    def entering(self, episode: int) -> None:
        """Not told."""

    def began(self, episode_id: str, scene_id: str, tags: Mapping[str, Tag], start: Start | None) -> None:
        """Not told."""

    def step(self, done: int) -> None:
        """Not told."""

    def idle(self) -> None:
        """Not told."""
