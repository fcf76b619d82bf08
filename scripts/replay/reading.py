"""What the subcommands share: reading runs, writing files, a console that fits what it is read on."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from placecell.errors import OutputError

if TYPE_CHECKING:
    from rich.console import Console

    from placecell.agent.stored_run import StoredRun

_WIDE = 240  # a file or a pipe has no width that a table should be cut to


class NotReadableError(Exception):
    """Files that were named rightly and cannot be read; the message is one line."""


def open_run(folder: Path) -> "StoredRun":
    """The run that lies in a folder.

    Raises:
        OutputError: the folder is that of no run.
        NotReadableError: it is, and its files are damaged, edited, or of a newer version.
    """
    from placecell.agent.stored_run import read_run, require_run

    require_run(folder)
    try:
        return read_run(folder)
    except OutputError as error:
        raise NotReadableError(str(error)) from error


def write_files(out: Path, files: dict[str, str | bytes]) -> None:
    """Writes files into a folder, which is made where it is missing, each whole or not at all.

    Raises:
        OutputError: the folder cannot be written.
    """
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


def console() -> "Console":
    """Stdout, in the terminal's width where it is one."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)
