"""What every memory is, and the one that remembers nothing."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Literal

from . import archive
from .frame import Frame
from .retrieval import Query, Retrieval

Start = Literal["cold", "warm"]


class Memory(ABC):
    """Frames go in, what is remembered of a place comes out.

    The contract, checked by ``tests/contract/memory_contract.py``: a frame that is refused leaves the
    memory as it was, ``"cold"`` empties it and ``"warm"`` keeps it, a retrieval changes no later answer,
    and a saved memory, loaded, answers as the one that was saved.
    """

    @abstractmethod
    def begin_episode(self, start: Start) -> None:
        """Empties the memory (``"cold"``), or keeps what earlier episodes left (``"warm"``)."""

    @abstractmethod
    def write(self, frame: Frame) -> None:
        """Takes one frame in.

        Raises:
            FrameError: the frame cannot be taken in; the memory is as it was before.
        """

    @abstractmethod
    def retrieve(self, query: Query, k: int) -> Retrieval:
        """At most ``k`` items within the query's radius, best first; cheap enough to be asked each step."""

    @abstractmethod
    def stats(self) -> dict[str, float]:
        """Its size, for tables and budgets: at least ``bytes`` and ``items``."""

    @abstractmethod
    def save(self, path: Path) -> None:
        """Writes the memory as one file, atomically and without pickle."""

    @classmethod
    @abstractmethod
    def load(cls, path: Path) -> "Memory":
        """The memory that :meth:`save` wrote.

        Raises:
            ArchiveError: a file that is missing, truncated, foreign or of a newer version.
        """


class NoMemory(Memory):
    """Remembers nothing: the control that every memory is measured against."""

    def begin_episode(self, start: Start) -> None:
        """Nothing to empty, nothing to keep."""

    def write(self, frame: Frame) -> None:
        """Forgets the frame at once."""

    def retrieve(self, query: Query, k: int) -> Retrieval:
        """Always empty."""
        return Retrieval()

    def stats(self) -> dict[str, float]:
        """No bytes, no items."""
        return {"bytes": 0.0, "items": 0.0}

    def save(self, path: Path) -> None:
        """Writes an archive without content.

        Raises:
            OutputError: the file cannot be written.
        """
        archive.save(archive.Archive(type(self).__name__), path)

    @classmethod
    def load(cls, path: Path) -> "NoMemory":
        """A memory that remembers nothing.

        Raises:
            ArchiveError: a file that is not the archive of one.
        """
        archive.load(path, cls.__name__)
        return cls()
