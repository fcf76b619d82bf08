"""Where a worker stands, in memory that outlives it."""

import math
import multiprocessing
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .beat import Beat
from .mailbox import Began, Outbox
from .results import Start, Tag

_EPISODE, _STEPS, _ENTERED, _SIGN = range(4)


@dataclass(frozen=True)
class Signs:
    """Where an episode stands.

    Args:
        episode: its index.
        steps: complete ones.
        entered_s: when it was entered, by the machine's monotonic clock, which all its processes share.
        sign_s: when something was last heard of it.
    """

    episode: int
    steps: int
    entered_s: float
    sign_s: float


class Vitals:
    """What a worker writes and its supervisor reads, without a lock that a dead one could hold.

    Args:
        cells: four float64 of shared memory, as :meth:`cells` makes them.
    """

    def __init__(self, cells: Any) -> None:
        self._cells = cells

    @staticmethod
    def cells() -> Any:
        """Shared memory that says that no episode is under way."""
        return multiprocessing.get_context("spawn").RawArray("d", [0.0, 0.0, 0.0, math.nan])

    def enter(self, episode: int) -> None:
        """An episode is entered; the last sign is written last, for it says that the others count."""
        now = time.monotonic()
        self._cells[_EPISODE], self._cells[_STEPS], self._cells[_ENTERED] = episode, 0, now
        self._cells[_SIGN] = now

    def sign(self) -> None:
        """It is alive."""
        self._cells[_SIGN] = time.monotonic()

    def step(self, done: int) -> None:
        """So many steps are complete."""
        self._cells[_STEPS] = done
        self._cells[_SIGN] = time.monotonic()

    def rest(self) -> None:
        """No episode is under way."""
        self._cells[_SIGN] = math.nan

    def read(self) -> Signs | None:
        """Where the episode under way stands; None where there is none."""
        episode, steps, entered, sign = self._cells[:]
        return None if math.isnan(sign) else Signs(int(episode), int(steps), entered, sign)


class Patience:
    """How long a worker has been silent in the eyes of one who looks now and then.

    Time in which nobody looked (a run stopped in its terminal and taken up again, a long write) is not held
    against it: of each pause between two looks no more than a second counts.

    Args:
        now: when it begins to look.
    """

    _PAUSE_S = 1.0

    def __init__(self, now: float) -> None:
        self._looked_s, self._silent_s = now, 0.0
        self._last: tuple[int, float] | None = None

    def silent_s(self, signs: Signs | None, now: float) -> float:
        """Seconds since the last sign changed; 0 while no episode is under way."""
        last = None if signs is None else (signs.episode, signs.sign_s)
        if last is None or last != self._last:
            self._silent_s = 0.0
        else:
            self._silent_s += min(now - self._looked_s, self._PAUSE_S)
        self._last, self._looked_s = last, now
        return self._silent_s


class Heartbeat(Beat):
    """Tells the supervisor where a walk stands.

    Args:
        vitals: what changes with every step.
        outbox: takes what is said once an episode.
    """

    def __init__(self, vitals: Vitals, outbox: Outbox) -> None:
        self._vitals, self._outbox = vitals, outbox
        self._episode = -1

    def entering(self, episode: int) -> None:
        """The episode of this index comes next."""
        self._episode = episode
        self._vitals.enter(episode)

    def began(self, episode_id: str, scene_id: str, tags: Mapping[str, Tag], start: Start | None) -> None:
        """Its world is ready."""
        self._outbox.send(Began(self._episode, episode_id, scene_id, dict(tags), start))
        self._vitals.sign()

    def step(self, done: int) -> None:
        """So many steps of it are complete."""
        self._vitals.step(done)

    def idle(self) -> None:
        """It is over."""
        self._vitals.rest()
