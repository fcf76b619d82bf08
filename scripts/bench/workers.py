"""``placecell-bench workers``: the same run by one worker, two and none: the same lines, at what pace."""

import argparse
from collections.abc import Sequence

from placecell.errors import ConfigError

from .row import Row
from .run_difference import RunDifference
from .run_tasks import add_run_arguments, arguments_of, limited, scratch_folder
from .timed_run import TimedRun, timed_run

SUITE_HELP = "the same run with 1, 2 and no workers: identical lines, episodes an hour, seconds to start"
_EPISODES, _QUICK_EPISODES, _QUICK_STEPS = 60, 8, 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this suite."""
    parser.add_argument(
        "--workers",
        type=int,
        nargs="+",
        default=[1, 2, 0],
        metavar="N",
        help="how many, in turn; the first is what the others are held against (default: 1 2 0)",
    )
    add_run_arguments(parser)


def run(args: argparse.Namespace) -> list[Row]:
    """Each number of workers in turn, in a folder of its own.

    Raises:
        ConfigError: a number of workers twice, or only one.
        OutputError: a run does not come to its end.
    """
    if len(set(args.workers)) < max(2, len(args.workers)):
        raise ConfigError(
            expected="two or more different numbers of workers",
            came=" ".join(map(str, args.workers)),
            fix="say --workers 1 2",
        )
    command = arguments_of(args, episodes=_QUICK_EPISODES if args.quick else _EPISODES)
    command += limited(args, _QUICK_STEPS) if args.quick else []
    with scratch_folder(args, "workers") as scratch:
        runs = {}
        for count in args.workers:
            runs[count] = timed_run([*command, f"workers={count}"], scratch / f"workers-{count}")
            print(f"workers={count}: {in_words(runs[count], count)}", flush=True)
        first = args.workers[0]
        rows = [row for count in args.workers for row in _pace_rows(count, runs[count], first, runs[first])]
        for count in args.workers[1:]:
            difference = RunDifference.between(runs[first].folder, runs[count].folder)
            rows += difference_rows(difference, first, count)
    return rows


def steady_per_hour(run: TimedRun, workers: int) -> float:
    """Episodes an hour while all workers walk, by the episodes' own clocks; start and end left out."""
    return 3600 * len(run.results) * max(1, workers) / run.busy_s


def in_words(run: TimedRun, workers: int) -> str:
    """What a run came to, on one line."""
    return (
        f"{len(run.results)} episodes; {run.start_s:.1f} s to start, {run.walk_s:.1f} s to walk, "
        f"{run.total_s:.1f} s in all; {run.busy_s:.1f} s by the episodes' own clocks: "
        f"{steady_per_hour(run, workers):.0f} an hour while all walk"
    )


def difference_rows(difference: RunDifference, first: int, count: int) -> list[Row]:
    """What may not differ between two numbers of workers."""
    counts = {
        "lines_that_differ": len(difference.lines) + len(difference.lost) + len(difference.twice),
        "lines_out_of_order": difference.order,
        "summaries_that_differ": int(difference.summary),
        "recordings_that_differ": len(difference.recordings),
    }
    return [
        Row(f"{name}_{first}_and_{count}", number, "1", target="= 0", passed=number == 0)
        for name, number in counts.items()
    ]


def _pace_rows(count: int, run: TimedRun, first: int, reference: TimedRun) -> Sequence[Row]:
    steady, theirs = steady_per_hour(run, count), steady_per_hour(reference, first)
    other = count != first
    return (
        Row(
            f"episodes_per_hour_{count}",
            steady,
            "1/h",
            peer=f"workers={first}" if other else None,
            peer_value=theirs if other else None,
            ratio=steady / theirs if other else None,
        ),
        Row(f"episodes_per_hour_{count}_from_start_to_end", run.episodes_per_hour, "1/h"),
        Row(f"seconds_to_start_{count}", run.start_s, "s"),
        Row(f"seconds_to_walk_{count}", run.walk_s, "s"),
    )
