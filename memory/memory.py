"""What every memory is, and the one that remembers nothing."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from . import archive
from .archive import Archive
from .clock import Start as Start
from .frame import Frame
from .graph.place_graph import PlaceGraph
from .growth import Growth
from .retrieval import Query, Retrieval

M = TypeVar("M", bound="Memory")


class Memory(ABC):
    """Frames go in, what is remembered of a place comes out.

    The contract, checked by ``tests/contract/memory_contract.py``: a frame that is refused leaves the
    memory as it was, ``"cold"`` empties it and ``"warm"`` keeps it, a retrieval changes no answer on the same
    content (what is used may be dropped later than what is not), the same frames and questions in the same
    order give the same answers, growths add up to the whole map whenever they are asked for, and a memory
    that was packed or saved answers, once unpacked or loaded, as the one that it was.
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
        """At most ``k`` items within the query's radius, best first; cheap enough to be asked each step.

        A query with a category gives the remembered objects of that category, the surest first.
        """

    @abstractmethod
    def forget_labels(self) -> None:
        """Forgets what things are and keeps where they are: no category is recalled any more."""

    @abstractmethod
    def stats(self) -> dict[str, float]:
        """Its size, for tables and budgets: at least ``bytes`` and ``items``."""

    @abstractmethod
    def growth(self, since: int = 0) -> Growth:
        """What its map has become since an earlier moment; asking changes nothing, and many may ask.

        A :class:`~placecell.memory.growth.GrowingMap` that takes over one after the other holds what
        ``growth(0)`` gives, whatever was written, emptied or unpacked in between.

        Args:
            since: the ``clock`` of an earlier growth of this memory object; 0 gives everything.
        """

    def places(self) -> PlaceGraph:
        """The places that it knows and the ways between them; none where it keeps no such graph."""
        return PlaceGraph.nothing()

    @abstractmethod
    def pack(self) -> Archive:
        """A snapshot of settings, clock and content, which later writes do not change."""

    @abstractmethod
    def unpack(self, stored: Archive) -> None:
        """Becomes, in place, what :meth:`pack` gave: the same answers, and it goes on as that one would have.

        Raises:
            ArchiveError: an archive of another class or of other settings, or one that does not hold
                together; the memory is as it was before.
        """

    @classmethod
    @abstractmethod
    def for_archive(cls: type[M], stored: Archive) -> M:
        """An empty memory with the settings of an archive.

        Raises:
            ArchiveError: settings that are missing or make no sense.
        """

    def save(self, path: Path, provenance: Mapping[str, object] | None = None) -> None:
        """Writes the memory as one file, atomically and without pickle.

        Args:
            path: where to; a memory that was loaded from there may be saved there.
            provenance: where it comes from, plain JSON, for who looks into the file. None says nothing.

        Raises:
            OutputError: the file cannot be written, or the provenance is no plain JSON.
        """
        packed = self.pack()
        archive.save(packed if provenance is None else replace(packed, provenance=provenance), path)

    @classmethod
    def load(cls: type[M], path: Path) -> M:
        """The memory that :meth:`save` wrote.

        What a part takes as it lies in the file is read when it is first looked at: the file may be replaced
        by another, but not be written into.

        Raises:
            ArchiveError: a file that is missing, truncated, foreign or of a newer version.
        """
        stored = archive.open_mapped(path, cls.__name__)
        memory = cls.for_archive(stored)
        memory.unpack(stored)
        return memory


class NoMemory(Memory):
    """Remembers nothing: the control that every memory is measured against."""

    def begin_episode(self, start: Start) -> None:
        """Nothing to empty, nothing to keep."""

    def write(self, frame: Frame) -> None:
        """Forgets the frame at once."""

    def retrieve(self, query: Query, k: int) -> Retrieval:
        """Always empty."""
        return Retrieval()

    def forget_labels(self) -> None:
        """There are none."""

    def stats(self) -> dict[str, float]:
        """No bytes, no items."""
        return {"bytes": 0.0, "items": 0.0}

    def growth(self, since: int = 0) -> Growth:
        """Never any."""
        return Growth.nothing()

    def pack(self) -> Archive:
        """An archive without content."""
        return Archive(type(self).__name__)

    def unpack(self, stored: Archive) -> None:
        """Nothing to take over.

        Raises:
            ArchiveError: the archive of another class.
        """
        archive.require_kind(stored.kind, type(self).__name__)

    @classmethod
    def for_archive(cls, stored: Archive) -> "NoMemory":
        """A memory that remembers nothing."""
        return cls()
