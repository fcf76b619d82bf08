"""What an episode may take before it is ended from outside: seconds a step, steps, memory."""

import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from placecell.errors import ConfigError, MissingPartError

from .loop import Step
from .results import Status

GIB = 1024**3
_PROC = Path("/proc")


class Exceeded(Exception):  # noqa: N818 - the limit was, nothing went wrong
    """An episode took more than a run allows; no mistake of the one who asked for it.

    Args:
        status: how the episode is recorded.
        reason: one line that names the limit.
    """

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass(frozen=True)
class Limits:
    """What an episode may take; None is no limit.

    Args:
        step_seconds: for one step of environment and agent (the first has the reset with it): beyond it the
            episode is ``stalled``. Where workers walk, a step that never returns is ended too.
        episode_steps: after so many steps without an end the episode is ``timed_out``.
        memory_gib: that the process holds, libraries included: beyond it the episode is ``crashed``.

    Raises:
        ConfigError: a limit that is not above 0.
    """

    step_seconds: float | None = 300.0
    episode_steps: int | None = None
    memory_gib: float | None = None

    def __post_init__(self) -> None:
        for name in ("step_seconds", "memory_gib"):
            value = getattr(self, name)
            if value is not None and not (_is_number(value) and 0 < value < math.inf):
                raise _refused(name, "a number above 0", value)
        _whole("episode_steps", self.episode_steps)

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Limits":
        """The limits of a plain configuration; what it does not name is as by default.

        Raises:
            ConfigError: a key or value that is no limit.

        >>> Limits.of({"step_seconds": 60}).step_seconds
        60.0
        """
        known = [field.name for field in fields(cls)]
        for name, value in config.items():
            if name not in known:
                raise ConfigError(
                    expected=f"limits: {', '.join(known)}",
                    came=f"limits.{name}",
                    fix="leave it out, or name one of these",
                )
            if value is not None and not _is_number(value):
                raise _refused(name, "a number", value)
        seconds, gib = config.get("step_seconds", cls.step_seconds), config.get("memory_gib", cls.memory_gib)
        return cls(
            step_seconds=None if seconds is None else float(seconds),
            episode_steps=_whole("episode_steps", config.get("episode_steps", cls.episode_steps)),
            memory_gib=None if gib is None else float(gib),
        )

    def stalled(self, done: int) -> Exceeded:
        """The step after ``done`` complete ones takes too long."""
        limit = f"limits.step_seconds={self.step_seconds:g}"
        return Exceeded("stalled", f"step {done + 1} took longer than {limit}")

    def timed_out(self) -> Exceeded:
        """The episode has too many steps."""
        return Exceeded("timed_out", f"no end within limits.episode_steps={self.episode_steps}")

    def swollen(self, done: int) -> Exceeded:
        """The process holds too much memory after ``done`` complete steps."""
        limit = f"limits.memory_gib={self.memory_gib:g}"
        return Exceeded("crashed", f"the process held more memory than {limit} after step {done}")


class Watchdog:
    """Watches one episode's steps from within the process that walks it.

    It is asked after each step: what never returns it cannot end
    (:mod:`~placecell.agent.supervisor` does, from outside). Time is counted from its construction.

    Args:
        limits: what the episode may take.
        clock: seconds that only grow.
        resident: bytes that the process holds.

    Raises:
        MissingPartError: a limit on memory, where nothing tells how much of it a process holds.
    """

    def __init__(
        self,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
        resident: "Callable[[], int] | None" = None,
    ) -> None:
        self._limits, self._clock, self._resident = limits, clock, resident or resident_bytes
        if limits.memory_gib is not None:
            self._resident()
        self._since = clock()

    def __call__(self, step: Step) -> None:
        """A step is complete.

        Raises:
            Exceeded: it, or the episode with it, took more than is allowed.
        """
        limits, done = self._limits, step.index + 1
        if limits.step_seconds is not None and self._clock() - self._since > limits.step_seconds:
            raise limits.stalled(step.index)
        if limits.memory_gib is not None and self._resident() > limits.memory_gib * GIB:
            raise limits.swollen(done)
        ended = step.terminated or step.truncated
        if limits.episode_steps is not None and done >= limits.episode_steps and not ended:
            raise limits.timed_out()
        self._since = self._clock()


def resident_bytes(pid: int | None = None) -> int:
    """Memory that a process holds (resident, shared pages included), in bytes.

    Args:
        pid: the process; None: this one.

    Raises:
        MissingPartError: the system has no ``/proc``.
        ProcessLookupError: there is no such process.
    """
    path = _PROC / ("self" if pid is None else str(pid)) / "statm"
    try:
        with open(path, "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError as error:
        if (_PROC / "self" / "statm").exists():
            raise ProcessLookupError(f"no process {pid}") from error
        raise MissingPartError(
            expected="a system that tells how much memory a process holds (/proc/self/statm)",
            came="one without",
            fix="set limits.memory_gib=null",
        ) from error


def _is_number(value: object) -> bool:
    return type(value) in (int, float)


def _whole(name: str, value: Any) -> int | None:
    if value is not None and (type(value) is not int or value < 1):
        raise _refused(name, "a whole number of 1 or more", value)
    return value


def _refused(name: str, wanted: str, value: object) -> ConfigError:
    return ConfigError(
        expected=f"limits.{name} to be {wanted}, or null for none",
        came=f"limits.{name}={value!r}",
        fix=f"set limits.{name}=null, or a limit",
    )
