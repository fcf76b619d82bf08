"""``python -m placecell.scripts.sweep DIR...``: what a sweep came to, as tables, numbers and a picture."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from placecell.errors import ConfigError, OutputError, PlacecellError

_PROGRAM = "placecell.scripts.sweep"


def main(argv: Sequence[str] | None = None) -> int:
    """Summarises the jobs below the folders; the exit code is 0 when the files were written."""
    parser = argparse.ArgumentParser(prog=f"python -m {_PROGRAM}", description=__doc__)
    parser.add_argument("folders", metavar="DIR", nargs="+", type=Path, help="a sweep's folder, or a run's")
    parser.add_argument("--out", type=Path, help="where to write; one sweep's own folder, if not named")
    arguments = parser.parse_args(argv)
    try:
        print(summarise_folders(arguments.folders, _out(arguments.folders, arguments.out)))
    except PlacecellError as error:
        print(f"{_PROGRAM}: {error}", file=sys.stderr)
        return 2
    return 0


def summarise_folders(folders: Sequence[Path], out: Path) -> str:
    """Writes ``summary.md`` and ``summary.json`` to ``out``, and of tours ``tours.png``; says so in a line.

    Raises:
        OutputError: a folder that is neither a sweep's nor a run's, or ``out`` cannot be written or is a
            run's own folder.
    """
    from placecell.agent.sweep import read_jobs
    from placecell.agent.sweep_plot import picture
    from placecell.agent.sweep_summary import summarise_sweep
    from placecell.agent.sweep_tables import markdown

    require_no_run(out)
    summary = summarise_sweep(read_jobs(folders))
    files: dict[str, str | bytes] = {"summary.md": markdown(summary), "summary.json": summary.to_json()}
    image = picture(summary)
    if image is not None:
        files["tours.png"] = image
    _write(out, files)
    missing = sum(not row.attempted for row in summary.jobs)
    lost = f", {missing} of them not run" if missing else ""
    return f"{len(summary.jobs)} jobs{lost}; look into {out}: {', '.join(files)}"


def require_no_run(out: Path) -> None:
    """Refuses to write a sweep's summary over that of a run.

    Raises:
        OutputError: the folder is a run's.
    """
    from placecell.agent.sweep import is_run

    if is_run(out):
        raise OutputError(
            expected="a folder for a sweep's summary",
            came=f"{out}, which holds a run's results and its own summary.json",
            fix="name another folder",
        )


def _out(folders: Sequence[Path], out: Path | None) -> Path:
    if out is not None:
        return out
    if len(folders) > 1:
        raise ConfigError(
            expected="--out DIR, a folder for the summary of several folders",
            came="none",
            fix="add --out DIR",
        )
    return folders[0]


def _write(out: Path, files: dict[str, str | bytes]) -> None:
    from placecell.arrays import atomic_write

    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            atomic_write(out / name, content)
    except OSError as error:
        raise OutputError(
            expected=f"a folder that can be written: {out}",
            came=f"{error.strerror or error} ({error.filename or out})",
            fix="name another folder, or make room and grant the right to write there",
        ) from error


if __name__ == "__main__":
    sys.exit(main())
