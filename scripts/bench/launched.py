"""``placecell-run`` in processes of its own: started, looked at, killed, and nothing of it left behind."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from placecell.errors import MissingPartError, OutputError

_MARK = "PLACECELL_BENCH_MARK"
_ENDED = (0, 1)  # 1: some episodes were not done, which is a result
_SHOWN = 600


class Launched:
    """One ``placecell-run``, the leader of a session of its own; left, it and all it started are ended.

    What it starts carries a mark in its environment, so that it is found wherever it hangs in the tree.

    Args:
        arguments: of placecell-run, ``out`` excepted.
        out: the run's folder.
        log: takes what it prints.

    Raises:
        MissingPartError: the system has no ``/proc``.
    """

    def __init__(self, arguments: Sequence[str], out: Path, log: Path) -> None:
        if not Path("/proc/self/environ").exists():
            raise MissingPartError(
                expected="a system that lists its processes in /proc", came="one without", fix="use Linux"
            )
        mark = secrets.token_hex(8)
        self._mark, self._log = f"{_MARK}={mark}".encode(), log
        self._command = [*arguments, f"out={out}"]
        self.began_ns = time.time_ns()
        with open(log, "wb") as printed:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "placecell.scripts.run", *self._command],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, _MARK: mark},
            )
        self.pid = self._process.pid

    def __enter__(self) -> "Launched":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.running:
            self.kill()
        self.end_others()

    @property
    def running(self) -> bool:
        """Whether the command has not ended yet."""
        return self._process.poll() is None

    def kill(self) -> bool:
        """SIGKILL to its process group; whether that is what ended it."""
        os.killpg(self.pid, signal.SIGKILL)
        return self._process.wait() == -signal.SIGKILL

    def others(self) -> list[int]:
        """The processes that it started, directly or not, and that are alive."""
        found = (int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit())
        return [pid for pid in found if pid != self.pid and self._mark in read_process(pid, "environ")]

    def left(self, grace_s: float) -> list[int]:
        """What is alive of :meth:`others` so long after the command itself has ended."""
        stop = time.monotonic() + grace_s
        while (others := self.others()) and time.monotonic() < stop:
            time.sleep(0.01)
        return others

    def end_others(self) -> None:
        """Ends :meth:`others`, one by one."""
        for pid in self.others():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def wait(self, until: Callable[[], bool], seconds: float, pause_s: float = 0.002) -> bool:
        """Whether ``until`` came to hold within so many seconds and before the command ended."""
        stop = time.monotonic() + seconds
        while self.running and time.monotonic() < stop:
            if until():
                return True
            time.sleep(pause_s)
        return False

    def sleep(self, seconds: float) -> bool:
        """Lets it go on for so long; whether it did not end before."""
        return not self.wait(lambda: not self.running, seconds) and self.running

    def require_ended(self) -> None:
        """Waits for the end, and refuses another than a run's.

        Raises:
            OutputError: its exit code is not that of a run that came to its end.
        """
        if self._process.wait() not in _ENDED:
            raise OutputError(
                expected=f"placecell-run {' '.join(self._command)} to come to its end",
                came=f"exit code {self._process.returncode}: {self.last_words()}",
                fix="run that command by hand",
            )

    def last_words(self) -> str:
        """The last line that it printed."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:_SHOWN] if lines else "nothing printed"


def read_process(pid: int, name: str) -> bytes:
    """A file of ``/proc/<pid>``; nothing of a process that is gone, or somebody else's."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""
