"""What a memory may hold at most, and the keeping to it.

A part that can drop something is :class:`Evictable`: it lists its rows as :class:`Holdings` and drops those
that it is told to. :class:`Upkeep` keeps parts within a :class:`Budget`, by one of the policies of
:mod:`placecell.memory.upkeep.policies`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from placecell.arrays import Point
from placecell.errors import ConfigError

from .upkeep.holdings import Evictable as Evictable
from .upkeep.holdings import Holdings as Holdings
from .upkeep.holdings import Rows
from .upkeep.policies import POLICIES
from .upkeep.usage import Dropped, Ledger, Usage

LEAST_BYTES = 1 << 18
"""No cap of bytes is lower: it has to hold an item of each part and their tables, empty about 0.1 MiB."""
LEAST_PROMPT_TOKENS = 32
"""No cap of prompt tokens is lower: by common tokenizers one line about one item has as many."""
KEPT = 0.9
"""What is over a cap is cut down to this part of it, so that the next writes need not cut."""


@dataclass(frozen=True)
class Budget:
    """Caps of a memory; None is none.

    Args:
        max_bytes: of all parts together, at least ``LEAST_BYTES``. What is in use counts: arrays that grow
            have room for up to as much again, and work arrays of the size of a frame lie beside.
        max_items: of all parts together (occupied voxels, places, landmarks, entries), 1 or more.
        max_prompt_tokens: of the text that a retrieval is told in, at least ``LEAST_PROMPT_TOKENS``.
        policy: what goes first: ``"oldest"``, ``"least_used"``, ``"most_redundant"`` or ``"farthest"``.

    Raises:
        ConfigError: a cap that is smaller than one item, or a policy that there is not.
    """

    max_bytes: int | None = None
    max_items: int | None = None
    max_prompt_tokens: int | None = None
    policy: str = "oldest"

    def __post_init__(self) -> None:
        least = {"max_bytes": LEAST_BYTES, "max_items": 1, "max_prompt_tokens": LEAST_PROMPT_TOKENS}
        for name, bound in least.items():
            cap = getattr(self, name)
            if cap is not None and cap < bound:
                raise ConfigError(
                    expected=f"{name} of at least {bound}, so that one item fits, or None for no cap",
                    came=f"{cap}",
                    fix=f"raise {name}",
                )
        if self.policy not in POLICIES:
            raise ConfigError(
                expected=f"a budget's policy: {', '.join(POLICIES)}",
                came=self.policy,
                fix="name one of these",
            )

    @property
    def caps_content(self) -> bool:
        """Whether it caps what is held, and not prompts alone."""
        return self.max_bytes is not None or self.max_items is not None

    @property
    def asks_for_uses(self) -> bool:
        """Whether its policy decides by how often something was used."""
        return self.policy == "least_used"


@dataclass(frozen=True)
class _Size:
    nbytes: int
    items: int


class Upkeep:
    """Keeps the parts of a memory within its budget, and the books about it.

    Args:
        budget: the caps and what goes first.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._ledger = Ledger()

    def clear(self) -> None:
        """The memory was emptied: nothing was held, nothing dropped."""
        self._ledger = Ledger()

    def require_room(self, nbytes: int, items: int = 0) -> None:
        """Refuses a budget that is already spent by what can never be dropped.

        Args:
            nbytes: that the empty parts hold, and at most those that nothing is dropped of.
            items: of the latter, at most.

        Raises:
            ConfigError: a cap that leaves no room beside them.
        """
        room = _Size(nbytes + LEAST_BYTES, items + 1)
        for name, cap, least in (
            ("max_bytes", self.budget.max_bytes, room.nbytes),
            ("max_items", self.budget.max_items, room.items),
        ):
            if cap is not None and cap < least:
                raise ConfigError(
                    expected=f"{name} of at least {least}: what these parts always hold, and one item more",
                    came=f"{cap}",
                    fix=f"raise {name}, or switch a part of the memory off",
                )

    def enforce(
        self,
        parts: Mapping[str, Evictable],
        now: int,
        position: Point,
        *,
        fixed_bytes: int = 0,
        fixed_items: int = 0,
    ) -> None:
        """To be called after each write: no cap is exceeded when it returns.

        Over a cap each part drops by the policy, in proportion to what it could drop, until ``KEPT`` of the
        cap is held. Bytes are added up at each call (0.03 ms, whatever is held); items, which have to be
        counted (0.1 ms for a million voxels), where they are capped, or a point of the growth curve is due.

        Args:
            parts: by name.
            now: the step, by the memory's clock.
            position: (3,) where the agent is, metres, world frame.
            fixed_bytes: that other parts hold, of which nothing can be dropped.
            fixed_items: likewise.

        Raises:
            ConfigError: the cap is exceeded although all is dropped; see :meth:`require_room`.
        """
        due = self._ledger.due
        size = self._keep(self.budget, parts, position, _Size(fixed_bytes, fixed_items), due)
        if due:
            self._ledger.note(now, size.nbytes, size.items)
        self._ledger.calls += 1

    def trim(
        self,
        budget: Budget,
        parts: Mapping[str, Evictable],
        position: Point,
        *,
        fixed: tuple[int, int] = (0, 0),
        empty_bytes: int = 0,
    ) -> dict[str, Dropped]:
        """Keeps parts within another budget this once; what goes is in the books, as all that went.

        Args:
            budget: the other.
            parts: by name.
            position: (3,) where the agent is, metres, world frame.
            fixed: bytes and items that other parts hold, of which nothing can be dropped.
            empty_bytes: that the parts hold when nothing is left in them.

        Returns:
            What went now, of each part of which something did.

        Raises:
            ConfigError: a position that is not finite, or a budget without room for what always remains.
                Nothing is dropped.
        """
        if not bool(np.isfinite(position).all()):
            raise ConfigError(
                expected="a place (x, y, z) of finite numbers", came=f"{position}", fix="give metres"
            )
        least = _Size(fixed[0] + empty_bytes, fixed[1])
        if _exceeded(budget, least, 1.0):
            raise _no_room(budget, least)
        before = dict(self._ledger.dropped)
        self._keep(budget, parts, position, _Size(*fixed), False)
        since = {name: lost - before.get(name, Dropped()) for name, lost in self._ledger.dropped.items()}
        return {name: lost for name, lost in since.items() if lost.rows}

    def usage(self) -> Usage:
        """The growth curve and what was dropped."""
        return self._ledger.usage()

    def pack(self) -> dict[str, np.ndarray]:
        """The books as arrays by names that begin with ``upkeep.``; the budget is a setting."""
        return self._ledger.pack()

    def unpack(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Becomes what :meth:`pack` gave; other arrays may stand beside. Where there is none of it: empty.

        Raises:
            ArchiveError: arrays that do not hold together; the books are as they were.
        """
        self._ledger = Ledger.read(arrays)

    def _keep(
        self, budget: Budget, parts: Mapping[str, Evictable], position: Point, fixed: _Size, counted: bool
    ) -> _Size:
        """Cuts, where a cap is exceeded; what is held then. Items count where they must, or are asked for."""
        counted = counted or budget.max_items is not None
        size = _size(parts, fixed, counted)
        if not _exceeded(budget, size, 1.0):
            return size
        while _exceeded(budget, size, KEPT):
            before, dropped = size, self._cut(budget, parts, size, position)
            size = _size(parts, fixed, counted) if dropped else size
            if size == before:
                break
        if _exceeded(budget, size, 1.0):
            raise _no_room(budget, size)
        return size

    def _cut(self, budget: Budget, parts: Mapping[str, Evictable], size: _Size, position: Point) -> bool:
        """Drops once from all parts what is too much; whether there was anything to drop."""
        chosen = POLICIES[budget.policy]
        held = {name: part.holdings() for name, part in parts.items()}
        too_much = {
            "nbytes": _over(budget.max_bytes, size.nbytes),
            "items": _over(budget.max_items, size.items),
        }
        in_all = {what: sum(int(getattr(rows, what).sum()) for rows in held.values()) for what in too_much}
        anything = False
        for name, rows in held.items():
            order = chosen.order(rows, position) if len(rows) else np.zeros(0, np.int64)
            gone = np.zeros(len(rows), bool)
            for what, excess in too_much.items():
                if excess > 0 and in_all[what] > 0:
                    _first(gone, order, getattr(rows, what), excess / in_all[what])
            lost: Rows = np.flatnonzero(gone)
            if len(lost) == 0:
                continue
            anything = True
            before = parts[name].nbytes
            parts[name].drop(lost)
            given_back = before - parts[name].nbytes
            self._ledger.note_dropped(name, Dropped(len(lost), given_back, int(rows.items[lost].sum())))
        return anything


def _size(parts: Mapping[str, Evictable], fixed: _Size, counted: bool) -> _Size:
    """Bytes, and items if they are to be counted, of the parts and of what is fixed."""
    items = sum(part.items for part in parts.values()) if counted else 0
    return _Size(fixed.nbytes + sum(part.nbytes for part in parts.values()), fixed.items + items)


def _exceeded(budget: Budget, size: _Size, part: float) -> bool:
    caps = (budget.max_bytes, size.nbytes), (budget.max_items, size.items)
    return any(cap is not None and held > int(cap * part) for cap, held in caps)


def _no_room(budget: Budget, size: _Size) -> ConfigError:
    return ConfigError(
        expected=f"a budget above the {size.nbytes} bytes and {size.items} items that remain when all that "
        "can be dropped is",
        came=f"max_bytes {budget.max_bytes}, max_items {budget.max_items}",
        fix="raise it, or switch a part of the memory off",
    )


def _over(cap: int | None, held: int) -> int:
    return 0 if cap is None else max(0, held - int(cap * KEPT))


def _first(gone: np.ndarray, order: Rows, figures: np.ndarray, share: float) -> None:
    """Marks the first rows of an order until a share of all that the figures count is marked."""
    counted = order[figures[order] > 0]
    reached = np.cumsum(figures[counted])
    if len(counted) == 0:
        return
    wanted = min(share, 1.0) * float(reached[-1])
    gone[counted[: 1 + int(np.searchsorted(reached, wanted))]] = True
