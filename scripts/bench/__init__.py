"""``placecell-bench SUITE --out DIR [--quick]``: our public API and the peer, in turn, in one process.

A suite is a module of this folder, named in ``SUITES``, with ``SUITE_HELP`` (one line),
``add_arguments(parser)`` and ``run(args) -> list[Row]``. It imports what is heavy inside ``run``.
"""

import argparse
import importlib
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from placecell.agent.worker_start import THREADS
from placecell.arrays import atomic_write
from placecell.errors import ConfigError, OutputError, PlacecellError

from .row import Row

SUITES = (
    "render",
    "habitat_parity",
    "recording",
    "kills",
    "workers",
    "soak",
    "memory",
    "markers",
    "sessions",
    "trial",
    "long_walk",
    "long_term",
    "archive_kills",
    "revisits",
    "graphs",
    "attention",
    "encoders",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one suite, writes ``bench.json`` and shows the table.

    The exit code says whether the suite ran, not how it came out: a target that is missed is a result
    (``passed: false``) and leaves 0; a mistake in what was asked for leaves 2.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    pin_threads()
    try:
        return _run(arguments)
    except PlacecellError as error:
        print(f"placecell-bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("placecell-bench: interrupted, nothing written", file=sys.stderr)
        return 130


def pin_threads() -> None:
    """One thread for whatever is imported from now on, unless the user's environment says otherwise."""
    for name in THREADS:
        os.environ.setdefault(name, "1")


def suite(name: str) -> ModuleType:
    """The module of one suite.

    Raises:
        ConfigError: there is no such suite; the known ones are listed.
    """
    if name not in SUITES:
        raise ConfigError(
            expected=f"a suite: {', '.join(SUITES)}", came=name, fix="run placecell-bench SUITE --out DIR"
        )
    return importlib.import_module(f"{__name__}.{name}")


def parse(arguments: Sequence[str]) -> tuple[ModuleType, argparse.Namespace]:
    """The suite that is asked for, and its options."""
    if not arguments or arguments[0] in ("-h", "--help"):
        known = "\n".join(f"  {name:<16} {suite(name).SUITE_HELP}" for name in SUITES)
        print(
            f"{__doc__.splitlines()[0]}\n\nsuites:\n{known}\n\nplacecell-bench SUITE --help shows its options"
        )
        raise SystemExit(0 if arguments else 2)
    chosen = suite(arguments[0])
    parser = _OneLineParser(prog=f"placecell-bench {arguments[0]}", description=chosen.SUITE_HELP)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where bench.json goes")
    parser.add_argument("--quick", action="store_true", help="a short form that ends within 45 s")
    chosen.add_arguments(parser)
    return chosen, parser.parse_args(arguments[1:])


class _OneLineParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        options = ", ".join(o for action in self._actions for o in action.option_strings if len(o) > 2)
        raise ConfigError(expected=f"options of {self.prog}: {options}", came=message, fix="see --help")


def write(rows: Sequence[Row], folder: Path) -> Path:
    """``bench.json`` in ``folder``, whole or not at all.

    Raises:
        OutputError: the folder cannot be written.
        ValueError: two rows of one name.
    """
    names = [row.name for row in rows]
    if len(set(names)) < len(names):
        raise ValueError(f"rows of one name: {sorted({name for name in names if names.count(name) > 1})}")
    path = folder / "bench.json"
    text = json.dumps([row.to_json() for row in rows], indent=2, allow_nan=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(path, text)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return path


def _run(arguments: Sequence[str]) -> int:
    from .table import show

    chosen, options = parse(arguments)
    _require_writable(options.out)
    rows = chosen.run(options)
    path = write(rows, options.out)
    show(rows)
    judged = [row for row in rows if row.passed is not None]
    print(
        f"{arguments[0]}: {sum(bool(r.passed) for r in judged)} of {len(judged)} targets met; rows in {path}"
    )
    return 0


def _require_writable(folder: Path) -> None:
    """Says so before minutes of measuring, not after."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        expected=f"a folder that can be written: {folder}",
        came=f"{error.strerror or error}",
        fix="name another folder: --out DIR",
    )


if __name__ == "__main__":
    sys.exit(main())
