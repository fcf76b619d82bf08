"""What the memories that keep rows under a cap of bytes have in common."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from .. import archive
from ..archive import Archive
from ..clock import Clock
from ..growth import Changes, Content, Growth
from ..memory import Memory, Start
from ..recall.objects import RememberedObject
from ..sight.intake import Intake
from .rows import Columns, Rows, checked, empty_rows, latest, most_rows, row_bytes


class RowMemory(Memory):
    """Rows of a class's ``columns``; those that were not seen for longest go first.

    Args:
        max_bytes: of rows.
        intake: how frames are thinned, and how large voxels are.
        cell_m: edge length of the cells of :meth:`growth`.

    Raises:
        ConfigError: not one row fits.
    """

    columns: ClassVar[Columns]

    def __init__(self, max_bytes: int, intake: Intake, cell_m: float) -> None:
        self.max_bytes, self._most = int(max_bytes), most_rows(int(max_bytes), self.columns)
        self._intake, self._cell_m = intake, cell_m
        self._clock, self._changes = Clock(), Changes()
        self._begin(empty_rows(self.columns), 0)

    @abstractmethod
    def _own_settings(self) -> Mapping[str, int | float]:
        """The settings beside ``max_bytes`` and those of the intake."""

    @abstractmethod
    def _require_whole(self, rows: Rows) -> None:
        """Raises :class:`ArchiveError` for an archive's rows that do not hold together."""

    @abstractmethod
    def _content(self, rows: Rows) -> Content:
        """The cells of rows; of rows of one cell the last that has a label names it."""

    def begin_episode(self, start: Start) -> None:
        """Empties the memory (``"cold"``), or keeps what earlier episodes left (``"warm"``)."""
        if self._clock.begin_episode(start):
            self._begin(empty_rows(self.columns), 0)

    def growth(self, since: int = 0) -> Growth:
        """The cells in which a row lies, and what they are taken for; changed blocks are those of new rows
        and of dropped ones, whatever these change.
        """
        return self._changes.growth(since, self._cell_m, lambda: self._content(self._rows))

    def stats(self) -> dict[str, float]:
        """``bytes`` that count against the cap, ``items``: rows, and how many were ``dropped``."""
        rows = len(self._rows["step"])
        return {
            "bytes": float(rows * row_bytes(self.columns)),
            "items": float(rows),
            "dropped": float(self._dropped),
        }

    def pack(self) -> Archive:
        """A snapshot of settings, clock and rows."""
        manifest = {**self._settings(), "dropped": self._dropped, **self._clock.pack()}
        rows = {name: column.copy() for name, column in self._rows.items()}
        return Archive(type(self).__name__, manifest, rows)

    def unpack(self, stored: Archive) -> None:
        """Becomes what :meth:`pack` gave.

        Raises:
            ArchiveError: an archive of another class or of other settings, or one that does not hold
                together; the memory is as it was before.
        """
        archive.require_kind(stored.kind, type(self).__name__)
        archive.require_settings(stored, self._settings())
        clock, dropped = Clock.read(stored.manifest), archive.whole(stored, "dropped")
        rows = checked(stored.arrays, self.columns, self._most)
        self._require_whole(rows)
        self._begin(rows, dropped)
        self._clock = clock

    def _settings(self) -> dict[str, int | float]:
        return {"max_bytes": self.max_bytes, **self._own_settings(), **self._intake.settings()}

    def _begin(self, rows: Rows, dropped: int) -> None:
        """Other rows than before, whatever they were."""
        self._changes.start_anew()
        self._hold(rows, dropped)

    def _update(self, rows: Rows, fresh: Rows) -> None:
        """These rows, ``fresh`` among them, as far as they fit."""
        kept, gone = latest(rows, self._most)
        cells = [self._content(part).cells for part in (fresh, gone)]
        self._hold(kept, self._dropped + len(gone["step"]))
        self._changes.note(np.concatenate(cells))

    def _hold(self, rows: Rows, dropped: int) -> None:
        self._rows, self._dropped = rows, dropped
        self._objects: dict[int, tuple[RememberedObject, ...]] = {}
