"""The commands that the suites about runs carry out."""

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

TASKS: Mapping[str, tuple[str, ...]] = {
    "houses": ("env=houses", "env.split=val", "task=pointnav", "agent=modular", "perception=oracle"),
    "pointnav": ("env=mesh", "task=pointnav", "agent=modular"),
    "tour": (
        "env=houses",
        "env.split=val",
        "task=tour",
        "task.arm=warm",
        "agent=modular",
        "perception=oracle",
    ),
}
_LIMITED = tuple(TASKS)
_RECORD = {"tour": "full"}


def add_run_arguments(parser: argparse.ArgumentParser, task: str = "pointnav") -> None:
    """The options that say which run it is, ``task`` unless it is said."""
    parser.add_argument(
        "--task", choices=tuple(TASKS), default=task, help=f"what is walked (default: {task})"
    )
    parser.add_argument("--episodes", type=int, metavar="N", help="how many (default: as the suite needs)")
    parser.add_argument(
        "--record", choices=("off", "light", "full"), help="how much (default: light; tours: full)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the run, and of what is drawn")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="goes to placecell-run as it is"
    )
    parser.add_argument("--keep", action="store_true", help="leaves the runs' folders in DIR")


def arguments_of(args: argparse.Namespace, *, episodes: int) -> list[str]:
    """What placecell-run is called with, ``workers`` and ``out`` excepted.

    Args:
        args: of a suite that has the options above.
        episodes: how many where they say nothing.
    """
    return [
        *TASKS[args.task],
        f"record={args.record or _RECORD.get(args.task, 'light')}",
        f"episodes={episodes if args.episodes is None else args.episodes}",
        f"seed={args.seed}",
        "progress=false",
        *args.set,
    ]


def limited(args: argparse.Namespace, steps: int) -> list[str]:
    """What ends each episode after so many steps, of a task that has a key for that."""
    return [f"task.max_steps={steps}"] if args.task in _LIMITED else []


@contextmanager
def scratch_folder(args: argparse.Namespace, suite: str) -> Iterator[Path]:
    """Where a suite's runs go: a folder in ``--out``, which is removed unless it is to be kept."""
    scratch = Path(tempfile.mkdtemp(dir=args.out, prefix=f"{suite}-"))
    try:
        yield scratch
    finally:
        if not args.keep:
            shutil.rmtree(scratch, ignore_errors=True)
