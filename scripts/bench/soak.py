"""``placecell-bench soak``: very many short episodes in one worker, and what its processes hold by and by."""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from placecell.agent.limits import resident_bytes
from placecell.arrays import atomic_write
from placecell.errors import ConfigError, OutputError

from .launched import Launched, read_process
from .row import Row
from .run_tasks import add_run_arguments, arguments_of, limited, scratch_folder
from .timed_run import timed_run

SUITE_HELP = "2,000 short episodes in one worker: memory and open files after a warm-up and at the end"
_EPISODES, _QUICK_EPISODES = 2000, 60
_MOST_GROWTH = 0.02
_POINTS = 20
_LONGEST_WARM_UP = 0.5
_MIB = 2**20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this suite."""
    parser.add_argument("--steps", type=int, default=15, metavar="N", help="of an episode, at most")
    parser.add_argument(
        "--warm-up", type=float, default=0.1, metavar="PART", help="of the episodes, before the first look"
    )
    add_run_arguments(parser, task="houses")


def run(args: argparse.Namespace) -> list[Row]:
    """One run by one worker, whose memory and open files are looked at from outside.

    Raises:
        ConfigError: a warm-up that leaves nothing to look at.
        OutputError: the run does not come to its end, or more than one worker was needed for it.
    """
    if not 0 <= args.warm_up <= _LONGEST_WARM_UP:
        raise ConfigError(
            expected=f"--warm-up from 0 to {_LONGEST_WARM_UP}",
            came=str(args.warm_up),
            fix="say --warm-up 0.1",
        )
    command = [
        *arguments_of(args, episodes=_QUICK_EPISODES if args.quick else _EPISODES),
        *limited(args, args.steps),
        "workers=1",
    ]
    watch = Watch(0.1 if args.quick else 0.5)
    with scratch_folder(args, "soak") as scratch:
        done = timed_run(command, scratch / "run", watch)
    samples, episodes = watch.samples, len(done.results)
    require_one_worker(samples)
    curve = growth_curve(samples, episodes)
    _show(curve)
    report = {"command": command, "warm_up": args.warm_up, "curve": [asdict(point) for point in curve]}
    atomic_write(args.out / "soak.json", json.dumps(report, indent=1) + "\n")
    return [
        Row("episodes", episodes, "1"),
        Row("steps", sum(result.steps for result in done.results), "1"),
        Row("episodes_per_hour", done.episodes_per_hour, "1/h"),
        *rows_of(samples, episodes, args.warm_up, judged=not args.quick),
    ]


@dataclass(frozen=True)
class Holding:
    """What a process holds: resident bytes, and open file descriptors."""

    memory_bytes: float
    files: float


@dataclass(frozen=True)
class Sample:
    """One look at a run.

    Args:
        lines: results written by then.
        worker_pid: of the worker.
        worker: what it holds.
        parent: what the process holds that supervises it.
    """

    lines: int
    worker_pid: int
    worker: Holding
    parent: Holding


@dataclass
class Watch:
    """Looks at a run's two processes every so many seconds, from the first result on."""

    every_s: float
    samples: list[Sample] = field(default_factory=list)
    _next_s: float = 0.0

    def __call__(self, run: Launched, lines: int) -> None:
        """Takes a sample if it is time for one."""
        if lines == 0 or time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + self.every_s
        for pid in run.others():
            if b"spawn_main" in read_process(pid, "cmdline"):
                worker, parent = _holding(pid), _holding(run.pid)
                if worker is not None and parent is not None:
                    self.samples.append(Sample(lines, pid, worker, parent))


def _holding(pid: int) -> Holding | None:
    """What a process holds; None where it has just ended."""
    try:
        files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
        return Holding(resident_bytes(pid), files)
    except (FileNotFoundError, ProcessLookupError):
        return None


@dataclass(frozen=True)
class Point:
    """What the processes hold over one stretch of the run, medians."""

    episodes: int
    worker: Holding
    parent: Holding

    @property
    def both(self) -> Holding:
        """Added up."""
        files = self.worker.files + self.parent.files
        return Holding(self.worker.memory_bytes + self.parent.memory_bytes, files)


def point(samples: Sequence[Sample], after: float, to: float) -> Point:
    """The medians of the samples that were taken after so many episodes and up to so many others.

    Where there is none in between, the one nearest to the end of the stretch is taken.
    """
    within = [sample for sample in samples if after < sample.lines <= to]
    within = within or [min(samples, key=lambda sample: abs(sample.lines - to))]
    worker, parent = ([getattr(sample, name) for sample in within] for name in ("worker", "parent"))
    return Point(round(to), _middle(worker), _middle(parent))


def growth_curve(samples: Sequence[Sample], episodes: int) -> list[Point]:
    """Twenty points, each over a twentieth of the episodes."""
    part = episodes / _POINTS
    return [point(samples, number * part, (number + 1) * part) for number in range(_POINTS)]


def rows_of(samples: Sequence[Sample], episodes: int, warm_up: float, *, judged: bool = True) -> list[Row]:
    """Memory and open files of both processes, over a twentieth after the warm-up and the last one.

    ``judged`` False leaves memory's growth without a target: a short form is all warm-up.
    """
    part = episodes / _POINTS
    begin = point(samples, warm_up * episodes, warm_up * episodes + part)
    end = point(samples, episodes - part, episodes)
    rows = [*_memory_rows("worker", begin.worker, end.worker, judged)]
    rows += _memory_rows("parent", begin.parent, end.parent, judged)
    rows += _memory_rows("both", begin.both, end.both, judged)
    for name, before, after in (("worker", begin.worker, end.worker), ("parent", begin.parent, end.parent)):
        files = after.files - before.files
        rows += [
            Row(f"{name}_open_files_after_warm_up", before.files, "1"),
            Row(f"{name}_open_files_growth", files, "1", target="<= 0", passed=files <= 0),
        ]
    return rows


def _memory_rows(name: str, before: Holding, after: Holding, judged: bool) -> list[Row]:
    growth = after.memory_bytes / before.memory_bytes - 1
    return [
        Row(f"{name}_memory_after_warm_up", before.memory_bytes / _MIB, "MiB"),
        Row(f"{name}_memory_at_the_end", after.memory_bytes / _MIB, "MiB"),
        Row(
            f"{name}_memory_growth",
            100 * growth,
            "%",
            target=f"< {100 * _MOST_GROWTH:g}" if judged else None,
            passed=growth < _MOST_GROWTH if judged else None,
        ),
    ]


def _middle(held: Sequence[Holding]) -> Holding:
    return Holding(median(each.memory_bytes for each in held), median(each.files for each in held))


def require_one_worker(samples: Sequence[Sample]) -> None:
    """Refuses a run that was not all one worker's.

    Raises:
        OutputError: it was none's, or several's.
    """
    pids = {sample.worker_pid for sample in samples}
    if len(pids) != 1:
        raise OutputError(
            expected="one worker from the first episode to the last",
            came=f"{len(pids)} of them" if pids else "none that was seen",
            fix="look into the run's folder (--keep): a worker that died, or a run that was over too soon",
        )


def _show(curve: Sequence[Point]) -> None:
    table = Table("episodes", "worker, MiB", "open files", "parent, MiB", "open files")
    for each in curve:
        cells = [f"{each.episodes}"]
        for held in (each.worker, each.parent):
            cells += [f"{held.memory_bytes / _MIB:.1f}", f"{held.files:g}"]
        table.add_row(*cells)
    Console().print(table)
