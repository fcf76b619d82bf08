"""The first moments of a worker's process, before it imports anything that takes time or may fail."""

import ctypes
import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing import reduction
from multiprocessing.connection import Connection
from typing import Any

SHOW_WHERE = signal.SIGUSR1
"""Makes a worker write down where it is, even where it never comes back to Python."""
_PR_SET_PDEATHSIG = 1
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
"""What the libraries read, when they are imported, to know how many threads to use."""


class Handle:
    """An open file that a process is born with: it goes in as this one's handle, and comes out as its own.

    Args:
        number: of the file, in the process that starts the other.
    """

    def __init__(self, number: int) -> None:
        self._number = number

    def __reduce__(self) -> tuple[Any, ...]:
        return _detached, (reduction.DupFd(self._number),)


def start(work: bytes, orders: Connection, reports: Connection, cells: Any, log: int) -> None:
    """What a worker's process runs.

    Args:
        work: see :func:`~placecell.agent.worker.serve`, as all but the last.
        orders: gives the legs to walk.
        reports: takes messages.
        cells: shared memory for the heartbeat.
        log: a file without a name for what is written to stdout and stderr, last words included.
    """
    _stand_apart(log)
    _die_with_parent()
    from .worker import serve

    serve(work, orders, reports, cells)


def _detached(duplicate: Any) -> int:
    return int(duplicate.detach())


def _stand_apart(log: int) -> None:
    """A process group, an output and signals of its own."""
    for standard in (1, 2):
        os.dup2(log, standard)
    os.close(log)
    os.setpgid(0, 0)  # what an environment starts can be ended with the worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor decides what an interrupt means
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    faulthandler.enable(file=2, all_threads=False)
    faulthandler.register(SHOW_WHERE, file=2, all_threads=False)


def _die_with_parent() -> None:
    """However the parent ends, and whatever this process is busy with then."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)

    def follow() -> None:
        parent.join()
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=follow, name="follow the parent", daemon=True).start()
    if os.getppid() != parent.pid:  # it was gone before the above
        os._exit(1)
