"""Who is measured, in turn: CPU time, one processor, what is compiled before."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from .row import Row


@contextmanager
def one_processor() -> Iterator[None]:
    """One processor and one torch thread in the block: some peers take their threads from what is there."""
    import torch

    threads, processors = torch.get_num_threads(), os.sched_getaffinity(0)
    torch.set_num_threads(1)
    os.sched_setaffinity(0, {min(processors)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, processors)
        torch.set_num_threads(threads)


def spent(call: Callable[..., object], *arguments: object) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    call(*arguments)
    return time.process_time() - start


def in_turn(calls: Sequence[Callable[..., object]], rounds: int) -> list[float]:
    """Median CPU seconds of each call, one after the other in each round; the first round is not counted."""
    times = [[spent(call) for call in calls] for _ in range(rounds + 1)]
    return [float(median) for median in np.median(times[1:], axis=0)]


def compared(
    name: str,
    rates: tuple[float, float],
    unit: str,
    peer: str,
    target: float | None = None,
    *,
    of: str = "",
) -> Row:
    """A row of two rates, ours and the peer's, where more is better.

    Args:
        name: of the row.
        rates: ours and the peer's.
        unit: of both.
        peer: who was measured beside us.
        target: the least ratio that is wanted, or None.
        of: the peer as the target names it, where that is shorter.
    """
    ratio = rates[0] / rates[1]
    said = None if target is None else f">= {target:g} x {of or peer}"
    verdict = None if target is None else ratio >= target
    return Row(name, rates[0], unit, peer, rates[1], ratio, said, verdict)
