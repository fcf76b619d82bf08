"""A worker as its supervisor has it: the process, its pipes, its heartbeat, and its last words."""

import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker

from .heartbeat import Patience, Signs, Vitals
from .limits import GIB, Exceeded, Limits, resident_bytes
from .mailbox import Began, Inbox, Message
from .plan import Leg
from .worker_start import SHOW_WHERE, THREADS, Handle, start

_LOG_TAIL_BYTES = 1 << 14
_LATE_S = 1.0  # a step that returns by itself is the worker's to judge, without its end
_TO_SHOW_WHERE_S = 0.2


class WorkerProcess:
    """Starts a worker. ``ready`` and ``began`` (what its latest episode said of itself) are the supervisor's.

    Args:
        work: see :func:`~placecell.agent.worker.serve`.

    Raises:
        OSError: the system gives no process, pipe or file.
    """

    def __init__(self, work: bytes) -> None:
        context = multiprocessing.get_context("spawn")
        cells = Vitals.cells()
        self.vitals, self.ready = Vitals(cells), False
        self.began: Began | None = None
        self._patience = Patience(time.monotonic())
        with tempfile.TemporaryFile() as log:  # without a name: nothing is left of it after the two processes
            self._log = os.dup(log.fileno())
        orders, self._orders = context.Pipe(duplex=False)
        self._reports, reports = context.Pipe(duplex=False)
        self.inbox = Inbox(self._reports)
        self._process = context.Process(
            target=start, args=(work, orders, reports, cells, Handle(self._log)), name="placecell worker"
        )
        try:
            with _inherited():
                self._process.start()
        except BaseException:
            self._release()
            raise
        finally:
            orders.close()
            reports.close()

    @property
    def handles(self) -> list[object]:
        """What shows that there is news of it (:func:`multiprocessing.connection.wait`)."""
        return [self._process.sentinel, *([self._reports] if self.inbox.open else [])]

    @property
    def gone(self) -> bool:
        """Whether it has ended."""
        return self._process.exitcode is not None

    @property
    def end(self) -> str:
        """How it ended, in words."""
        code = self._process.exitcode
        if code is None or code >= 0:
            return f"exited with code {code}"
        known = {int(each): each.name for each in signal.Signals}
        hint = " (the system does that when memory runs out)" if -code == signal.SIGKILL else ""
        return f"was killed by {known.get(-code, f'signal {-code}')}{hint}"

    def order(self, leg: Leg) -> None:
        """Gives it a leg; one that is dead by now takes none, which its end will show."""
        with suppress(OSError):
            self._orders.send(leg)

    def mail(self) -> Iterator[Message]:
        """What it has said by now."""
        return self.inbox.drain()

    def beyond(self, limits: Limits) -> tuple[Signs, Exceeded] | None:
        """The episode under way and the limit that it is beyond; None while all is well."""
        signs, now = self.vitals.read(), time.monotonic()
        silent_s = self._patience.silent_s(signs, now)
        if signs is None:
            return None
        if limits.step_seconds is not None and silent_s > limits.step_seconds + _LATE_S:
            return signs, limits.stalled(signs.steps)
        if limits.memory_gib is not None and self._resident_bytes() > limits.memory_gib * GIB:
            return signs, limits.swollen(signs.steps)
        return None

    def last_words(self) -> str:
        """The end of what it wrote since its latest episode began."""
        size = os.fstat(self._log).st_size
        tail = os.pread(self._log, _LOG_TAIL_BYTES, max(0, size - _LOG_TAIL_BYTES))
        return tail.decode(errors="replace").strip()

    def show_where(self) -> None:
        """Has it write down where it is, into its last words."""
        pid, before = self._process.pid, os.fstat(self._log).st_size
        if self.gone or pid is None:
            return
        os.kill(pid, SHOW_WHERE)
        until = time.monotonic() + _TO_SHOW_WHERE_S
        while os.fstat(self._log).st_size == before and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.01)

    def dismiss(self, *, at_once: bool) -> None:
        """Lets it close its environment and end, or, ``at_once``, tells it to stop where it is."""
        self._orders.close()
        if at_once:
            self._process.terminate()

    def join(self, seconds: float) -> None:
        """Waits for its end."""
        self._process.join(seconds)

    def kill(self) -> None:
        """Ends it and what it has started, whatever it is busy with."""
        self._process.kill()
        if self._process.pid is not None:
            # The group is its own only once it has said so; what is left of it outlives its leader.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.join()

    def close(self) -> None:
        """Kills it if need be and gives back what it used."""
        self.kill()
        self._process.close()
        self._release()

    def _release(self) -> None:
        self._orders.close()
        self._reports.close()
        if self._log >= 0:
            os.close(self._log)
            self._log = -1

    def _resident_bytes(self) -> int:
        try:
            return resident_bytes(self._process.pid)
        except ProcessLookupError:
            return 0


@contextmanager
def _inherited() -> Iterator[None]:
    """What a process is born with: one thread a library, and no interrupt before it is ready to ignore it.

    The user's own setting of a library's threads stands.
    """
    resource_tracker.ensure_running()  # by starting, it would unblock the signal
    added = [name for name in THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(added, "1"))
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for name in added:
            del os.environ[name]
