"""``placecell-bench long_walk``: 100,000 steps of one memory under a cap of bytes, in one process.

What it holds after every step, what the process holds, and the CPU time of a step from the first to the last.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from placecell.arrays import atomic_write
from placecell.errors import ConfigError, MissingPartError
from placecell.memory import Query, SpatialMemory

from .memory_turns import one_processor
from .row import Row
from .street_walk import LABELS, MAX_DEPTH_M, walk

SUITE_HELP = "100,000 steps of one memory under a cap: its bytes, the process's memory, the time of a step"
_STEPS, _QUICK_STEPS = 100_000, 1_500
_MIB, _QUICK_MIB = 32.0, 4.0
_SIDE = 60
_MOST_GROWTH, _MOST_RATIO = 0.02, 1.2
_ASK_EVERY, _LOOK_EVERY = 10, 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this suite."""
    parser.add_argument("--steps", type=int, metavar="N", help=f"of the walk; {_STEPS} where not said")
    parser.add_argument("--max-mib", type=float, metavar="M", help=f"the cap; {_MIB:g} where not said")
    parser.add_argument("--policy", default="oldest", help="what is dropped first")
    parser.add_argument("--side", type=int, default=_SIDE, metavar="B", help="of the world, blocks of 5 m")


def run(args: argparse.Namespace) -> list[Row]:
    """One walk; ``long_walk.json`` beside the rows has a line for each hundredth of it.

    Raises:
        ConfigError: too few steps to compare, or a cap or policy that the memory refuses.
    """
    steps = args.steps or (_QUICK_STEPS if args.quick else _STEPS)
    cap = int((args.max_mib or (_QUICK_MIB if args.quick else _MIB)) * 2**20)
    if steps < 100 or args.side < 4:
        raise ConfigError(
            expected="--steps of at least 100 and a --side of at least 4",
            came=f"{steps} and {args.side}",
            fix="leave them at their defaults",
        )
    memory = SpatialMemory(max_depth_m=MAX_DEPTH_M, max_bytes=cap, budget_policy=args.policy)
    with one_processor():
        log = watched(memory, steps, args.side)
    usage = memory.usage()
    report = {
        "steps": steps,
        "max_bytes": cap,
        "policy": args.policy,
        "dropped": {name: vars(lost) for name, lost in usage.dropped.items()},
        "hundredths": log.hundredths(),
    }
    atomic_write(args.out / "long_walk.json", json.dumps(report, indent=1) + "\n")
    return rows_of(log, cap, judged=not args.quick)


class Log:
    """What was seen of a walk, in arrays that are there, and touched, before it begins.

    Attributes:
        nbytes: (steps,) the memory held after each step.
        write_s: (steps,) CPU seconds of each write.
        ask_s: (steps / 10,) CPU seconds of each retrieval.
        resident: (steps / 20,) what the process held, as :func:`own_bytes` counts.
        full: the first step after which something had been dropped; None if nothing was.
    """

    def __init__(self, steps: int) -> None:
        self.nbytes = np.full(steps, -1, np.int64)
        self.write_s = np.full(steps, np.nan)
        self.ask_s = np.full(-(-steps // _ASK_EVERY), np.nan)
        self.resident = np.full(-(-steps // _LOOK_EVERY), -1, np.int64)
        self.full: int | None = None

    def hundredths(self) -> list[dict[str, float]]:
        """Of each hundredth of the steps the most bytes, the mean time and the most resident memory."""
        kept = self.nbytes, self.write_s, self.resident
        parts = [np.array_split(values, 100) for values in kept]
        return [
            {
                "nbytes": float(held.max()),
                "write_ms": 1e3 * float(spent.mean()),
                "resident": float(resident.max(initial=0)),
            }
            for held, spent, resident in zip(*parts, strict=True)
        ]


def own_bytes() -> int:
    """Memory that this process has for itself, swapped out or not.

    Not all that is resident: the pages of program files come and go with what else the machine does.

    Raises:
        MissingPartError: the system has no ``/proc``.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except FileNotFoundError:
        raise MissingPartError(
            expected="a system with /proc", came="none", fix="run this suite on Linux"
        ) from None
    kib = [int(line.split()[1]) for line in lines if line.startswith(("RssAnon:", "VmSwap:"))]
    return 1024 * sum(kib)


def watched(memory: SpatialMemory, steps: int, side: int) -> Log:
    """Walks, writes each step, asks for what is near every tenth, and looks at everything."""
    log = Log(steps)
    memory.begin_episode("cold")
    for step, frame in enumerate(walk(steps, side)):
        begun = time.process_time()
        memory.write(frame)
        log.write_s[step] = time.process_time() - begun
        told = memory.stats()
        log.nbytes[step] = int(told["bytes"])
        if log.full is None and told["dropped_bytes"] > 0:
            log.full = step
        if step % _ASK_EVERY == 0:
            at = frame.T_world_camera[:3, 3].astype(np.float64)
            begun = time.process_time()
            memory.retrieve(Query(at, 3.0, category=1 + step // _ASK_EVERY % LABELS), 5)
            log.ask_s[step // _ASK_EVERY] = time.process_time() - begun
        if step % _LOOK_EVERY == 0:
            log.resident[step // _LOOK_EVERY] = own_bytes()
    return log


def rows_of(log: Log, cap: int, *, judged: bool = True) -> list[Row]:
    """Bytes against the cap at all steps; time of the last tenth against the first, memory the least before.

    The first tenth of both is that which begins when the cap is reached; of memory it is not the very first,
    in which code is loaded as it is needed; of the time the very first is compared as well. ``judged`` False
    leaves memory and time without targets: a short form is all warm-up.
    """
    steps, most = len(log.nbytes), int(log.nbytes.max())
    full = steps // 10 if log.full is None else log.full
    first, part = min(full, steps - steps // 10), steps // 10
    late, since_full, at_first = (
        float(log.write_s[begin : begin + part].mean()) for begin in (steps - part, first, 0)
    )
    resident = np.repeat(log.resident, _LOOK_EVERY)[:steps]
    warm = max(first, part)
    held = [int(np.median(resident[begin : begin + part])) for begin in (warm, steps // 2, steps - part)]
    # Against the least that it was: what a process gives back once must not hide what it takes from then on.
    growth, beyond = held[2] / min(held[:2]) - 1, (held[2] - int(log.resident[0])) / cap

    def row(name: str, value: float, unit: str, target: str, passed: bool) -> Row:
        return Row(name, value, unit, target=target if judged else None, passed=passed if judged else None)

    bound = f"<= {_MOST_RATIO:g}"
    return [
        Row("steps", steps, "1"),
        Row("cap", cap / 2**20, "MiB"),
        Row("cap_reached_after", full, "steps", target="reached", passed=log.full is not None),
        Row("most_bytes_after_a_step", most / cap, "of the cap", target="<= 1", passed=most <= cap),
        Row("memory_after_a_tenth", held[0] / 2**20, "MiB"),
        Row("memory_half_way", held[1] / 2**20, "MiB"),
        Row("memory_at_the_end", held[2] / 2**20, "MiB"),
        Row("memory_beyond_the_first_step", beyond, "of the cap"),
        row("memory_growth", 100 * growth, "%", f"< {100 * _MOST_GROWTH:g}", growth < _MOST_GROWTH),
        Row("write_when_full", 1e3 * since_full, "ms"),
        Row("write_at_the_end", 1e3 * late, "ms"),
        row("write_end_to_full", late / since_full, "1", bound, late <= _MOST_RATIO * since_full),
        row("write_end_to_start", late / at_first, "1", bound, late <= _MOST_RATIO * at_first),
        Row("longest_write", 1e3 * float(log.write_s[first:].max()), "ms"),
        Row("retrieve_when_full", 1e3 * _asked(log, first, part), "ms"),
        Row("retrieve_at_the_end", 1e3 * _asked(log, steps - part, part), "ms"),
    ]


def _asked(log: Log, begin: int, part: int) -> float:
    return float(np.mean(log.ask_s[begin // _ASK_EVERY : max(1, (begin + part) // _ASK_EVERY)]))
