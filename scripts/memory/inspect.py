"""What is in a saved memory; arrays are not read, so that its size does not matter."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .output import console, in_bytes, plain, print_json

if TYPE_CHECKING:
    from placecell.memory.archives.inspection import Inspection

HELP = "what is in a saved memory: version, frame, embedding model, settings, parts"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the files, and what to show."""
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="what Memory.save wrote")
    parser.add_argument("--arrays", action="store_true", help="list every array too")
    parser.add_argument("--json", action="store_true", help="one JSON document, for programs")


def run(arguments: argparse.Namespace) -> int:
    """Shows one file after the other."""
    from placecell.memory.archives.inspection import inspect

    found = [inspect(path) for path in arguments.files]
    if arguments.json:
        print_json({"archives": [one.to_json() for one in found]})
        return 0
    for one in found:
        _show(one, arguments.arrays)
    return 0


def _show(found: "Inspection", arrays: bool) -> None:
    from rich.table import Table

    header = found.header
    old = " (older: placecell-memory migrate lifts it)" if found.outdated else ""
    lines = {
        "version": f"{header.version}{old}",
        "class": header.kind,
        "frame": header.convention,
        "embedding model": header.embedding_model or "unnamed",
        "provenance": _pairs(header.provenance) or "none",
        "settings": _pairs(header.manifest),
    }
    out = console()
    out.print(f"{plain(found.path)}: {in_bytes(found.nbytes)}", soft_wrap=True)
    for name, text in lines.items():
        out.print(f"  {name:<17}{plain(text)}", soft_wrap=True)
    table = Table("part", "holds")
    for column in ("arrays", "size"):
        table.add_column(column, justify="right")
    for part in found.parts():
        holds = ", ".join(f"{count} {what}" for what, count in part.counts.items())
        table.add_row(part.name, holds, str(part.arrays), in_bytes(part.nbytes))
    out.print(table)
    if arrays:
        listed = Table("array", "type", "shape")
        listed.add_column("size", justify="right")
        for entry in found.entries:
            listed.add_row(entry.name, str(entry.dtype), str(entry.shape), in_bytes(entry.nbytes))
        out.print(listed)


def _pairs(told: object) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(dict(told).items()))  # type: ignore[call-overload]
