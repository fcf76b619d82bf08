"""``placecell-data list|fetch|verify``: the public sets under ``PLACECELL_DATA``.

Exit codes: 0 success, 1 a file is changed or missing, or an origin did not give what was expected,
2 a mistake in what was asked for (an unknown set, no folder, one that cannot be written, a set that needs a
signed form), 130 interrupted.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from placecell.errors import PlacecellError

from ..closed_pipe import hush
from .catalogue import SETS, ByHand, DataSet, find_set
from .download import DownloadError
from .fetching import fetch
from .options import VARIABLE, OneLineParser, data_folder, existing_data_folder, in_words, named_folder
from .verification import verdicts

PROGRAM = "placecell-data"


def main(argv: Sequence[str] | None = None) -> int:
    """Carries out one subcommand; what goes wrong is one line on stderr."""
    try:
        options = _parser().parse_args(argv)
        code = int(options.run(options))
        sys.stdout.flush()
        return code
    except DownloadError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 1
    except PlacecellError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return hush()
    except KeyboardInterrupt:
        print(f"{PROGRAM}: interrupted; what came so far is kept", file=sys.stderr)
        return 130


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog=PROGRAM, description="The public data sets: what they are, fetched, verified."
    )
    commands = parser.add_subparsers(metavar="list|fetch|verify", required=True, parser_class=OneLineParser)
    for name, run, help_text in (
        ("list", _list, "every set: what it is, licence, size, whether it is there; of a NAME, more"),
        ("fetch", _fetch, "brings a set from its public origin; goes on where it broke off"),
        ("verify", _verify, "compares every file with its checksum: ok, changed or missing"),
    ):
        command = commands.add_parser(name, help=help_text, description=help_text)
        command.set_defaults(run=run)
        command.add_argument("--data", type=Path, metavar="DIR", help=f"the folder ({VARIABLE})")
        needed, otherwise = ("+", "") if name == "fetch" else ("*", "; all, if none is named")
        command.add_argument("names", nargs=needed, metavar="NAME", help=f"of a set{otherwise}")
    return parser


def _list(options: argparse.Namespace) -> int:
    folder = named_folder(options.data)
    named = [find_set(name) for name in options.names]
    for dataset in named:
        print("\n".join(_details(dataset, folder)))
    if not named:
        print("\n".join(_table(folder)))
    print(f"in {folder}" if folder else f"no folder: add --data DIR, or export {VARIABLE}=DIR")
    return 0


def _details(dataset: DataSet, folder: Path | None) -> list[str]:
    origin = dataset.origin
    told = {"what": dataset.what, "licence": dataset.licence, "origin": origin.page}
    if isinstance(origin, ByHand):
        told["by hand"] = origin.how
    if dataset.files:
        told["size"] = f"{in_words(dataset.bytes)}, files: {dataset.count}"
    told |= {"verified": dataset.verified, "there": _presence(dataset, folder)}
    lines = [dataset.name, *(f"  {name:<10}{text}" for name, text in told.items())]
    if dataset.files:
        lines.append(
            "  SHA-256, that of a pattern being of its files' sha256sum lines in the order of the names:"
        )
    return lines + [f"    {file.sha256}  {file.path}" for file in dataset.files]


def _table(folder: Path | None) -> list[str]:
    """Two lines a set. No package is needed for it: the doctor of a bare installation names this command."""
    rows = [("set", "size", "files", "there", "licence")]
    second = ["  what; origin"]
    for dataset in SETS.values():
        size, count = (in_words(dataset.bytes), str(dataset.count)) if dataset.files else ("?", "?")
        rows.append((dataset.name, size, count, _presence(dataset, folder), dataset.licence))
        by_hand = "by hand, " if isinstance(dataset.origin, ByHand) else ""
        second.append(f"  {dataset.what}; {by_hand}{dataset.origin.page}")
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return [line for pair in zip(lines, second, strict=True) for line in pair]


def _presence(dataset: DataSet, folder: Path | None) -> str:
    """By sizes only: a listing must not read 100 MB."""
    if folder is None:
        return "?"
    if not dataset.files:
        return "a folder" if (folder / dataset.name).is_dir() else "no"
    states = [one.state for one in verdicts(dataset, folder, sizes_only=True)]
    if all(state == "ok" for state in states):
        return "yes"
    if all(state == "missing" for state in states):
        return "no"
    return "changed" if "changed" in states else "in part"


def _fetch(options: argparse.Namespace) -> int:
    asked = [find_set(name) for name in options.names]
    folder = data_folder(options.data)
    for dataset in asked:
        count = fetch(dataset, folder, lambda line: print(f"  {line}", flush=True))
        said = f"{count} files fetched and verified" if count else "all there and verified, nothing fetched"
        print(f"{dataset.name}: {said} ({dataset.licence})")
    return 0


def _verify(options: argparse.Namespace) -> int:
    asked = [find_set(name) for name in options.names] or [entry for entry in SETS.values() if entry.files]
    folder = existing_data_folder(options.data)
    counts = {"ok": 0, "changed": 0, "missing": 0}
    for dataset in asked:
        for one in verdicts(dataset, folder):
            counts[one.state] += 1
            note = f"  ({one.note})" if one.note else ""
            print(f"{one.state:<8}{dataset.name}/{one.listed.path}{note}")
        if not dataset.files:
            print(f"unknown {dataset.name}  ({dataset.verified})")
    print(", ".join(f"{number} {state}" for state, number in counts.items()))
    return 1 if counts["changed"] or counts["missing"] else 0
