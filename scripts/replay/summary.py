"""What a sweep's jobs came to: a table, and tables, numbers and a picture as files."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from placecell.errors import OutputError

from .reading import console, write_files

if TYPE_CHECKING:
    from placecell.agent.sweep_summary import SweepSummary

HELP = "one table over the jobs of a sweep, or over runs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the folders, and where to write."""
    parser.add_argument("folders", metavar="DIR", nargs="+", type=Path, help="a sweep's folder, or a run's")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="where summary.md, summary.json and, of tours, tours.png go; one sweep's own folder, if not "
        "named; of runs nothing is written then",
    )


def run(arguments: argparse.Namespace) -> int:
    """Shows the table; the exit code is 1 where a job cannot be read."""
    return tell(arguments.folders, arguments.out or _own_folder(arguments.folders), "placecell-replay")


def tell(folders: Sequence[Path], out: Path | None, program: str) -> int:
    """Prints one table over the jobs below the folders and writes the files.

    Args:
        folders: of sweeps or runs.
        out: where the files go; None: nowhere.
        program: in whose name what cannot be read is told on stderr, a line each.

    Returns:
        1 where a job cannot be read, else 0.

    Raises:
        OutputError: as :func:`summarise_folders`.
    """
    from placecell.agent.sweep_tables import jobs_table

    if out is not None:
        require_no_run(out)
    summary = _summary(folders)
    line = _counts(summary) if out is None else _write(summary, out)
    console().print(jobs_table(summary.jobs))
    print(line)
    damaged = [row for row in summary.jobs if row.damage is not None]
    for row in damaged:
        print(f"{program}: {row.name}: {row.damage}", file=sys.stderr)
    return 1 if damaged else 0


def summarise_folders(folders: Sequence[Path], out: Path) -> str:
    """Writes ``summary.md`` and ``summary.json`` to ``out``, and of tours ``tours.png``; says so in a line.

    Raises:
        OutputError: a folder that is neither a sweep's nor a run's, or ``out`` cannot be written or is a
            run's own folder.
    """
    require_no_run(out)
    return _write(_summary(folders), out)


def require_no_run(out: Path) -> None:
    """Refuses to write a sweep's summary over that of a run.

    Raises:
        OutputError: the folder is a run's.
    """
    from placecell.agent.stored_run import is_run

    if is_run(out):
        raise OutputError(
            expected="a folder for a sweep's summary",
            came=f"{out}, which holds a run's results and its own summary.json",
            fix="name another folder",
        )


def _own_folder(folders: Sequence[Path]) -> Path | None:
    """Where a summary goes that has no other place: into the sweep's folder, where there is one."""
    from placecell.agent.stored_run import is_run

    return folders[0] if len(folders) == 1 and not is_run(folders[0]) else None


def _summary(folders: Sequence[Path]) -> "SweepSummary":
    from placecell.agent.sweep import read_jobs
    from placecell.agent.sweep_summary import summarise_sweep

    return summarise_sweep(read_jobs(folders))


def _write(summary: "SweepSummary", out: Path) -> str:
    from placecell.agent.sweep_plot import picture
    from placecell.agent.sweep_tables import markdown

    files: dict[str, str | bytes] = {"summary.md": markdown(summary), "summary.json": summary.to_json()}
    image = picture(summary)
    if image is not None:
        files["tours.png"] = image
    write_files(out, files)
    return f"{_counts(summary)}; look into {out}: {', '.join(files)}"


def _counts(summary: "SweepSummary") -> str:
    damaged = sum(row.damage is not None for row in summary.jobs)
    missing = sum(not row.attempted for row in summary.jobs) - damaged
    lost = [f"{n} of them {what}" for n, what in ((missing, "not run"), (damaged, "not readable")) if n]
    jobs = "1 job" if len(summary.jobs) == 1 else f"{len(summary.jobs)} jobs"
    return ", ".join([jobs, *lost])
