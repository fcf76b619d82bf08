"""Ctrl-C and SIGTERM, where episodes are walked in the process that they reach."""

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from types import FrameType, TracebackType
from typing import Any

from .beat import Beat
from .results import Start, Tag

_Handler = Callable[[int, FrameType | None], Any]


class Interrupts(Beat):
    """Holds a signal back until the step under way is complete, for five seconds at most.

    What a handler raises amid compiled code does not always come out of it: numba makes a SystemError of it,
    which would be taken for the episode's own, or the process ends by SIGSEGV without a word. But a step may
    never end: a second signal is let through at once. Handlers are those that were there before, if they are
    Python's (a SIGTERM that just ends the process does so still); on leaving, they are back, and what is held
    back is passed on. Outside the main thread it does nothing.

    Args:
        patience_s: for which a signal is held back.
    """

    def __init__(self, patience_s: float = 5.0) -> None:
        self._patience_s = patience_s
        self._before: dict[int, _Handler] = {}
        self._held: tuple[int, FrameType | None, float] | None = None
        self._over = threading.Event()

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                before = signal.getsignal(number)
                if callable(before):
                    self._before[number] = before
                    signal.signal(number, self._take)
            threading.Thread(target=self._follow, name="interrupts", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        self._over.set()
        if kind is None:
            self._pass_on()

    def entering(self, episode: int) -> None:
        """A good moment to end."""
        self._pass_on()

    def began(self, episode_id: str, scene_id: str, tags: Mapping[str, Tag], start: Start | None) -> None:
        """A good moment to end."""
        self._pass_on()

    def step(self, done: int) -> None:
        """A good moment to end: the step is recorded."""
        self._pass_on()

    def idle(self) -> None:
        """No moment to end: the episode's result is complete, and not yet given away."""

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._held is None:
            self._held = number, frame, time.monotonic()
        else:
            self._held = None
            self._before[number](number, frame)

    def _pass_on(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            number, frame, _ = held
            self._before[number](number, frame)

    def _follow(self) -> None:
        """Sends what is held back for too long again. A thread, for a handler must not wait for any lock."""
        while not self._over.wait(self._patience_s / 4):
            held = self._held
            if held is not None and time.monotonic() - held[2] > self._patience_s:
                os.kill(os.getpid(), held[0])
