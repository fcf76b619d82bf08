"""An archive of an older version as one of the present."""

import argparse
from pathlib import Path

HELP = "writes an archive of an older version as one of the present"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the file, and where to write."""
    parser.add_argument("file", metavar="FILE", type=Path, help="what Memory.save wrote")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to; the file itself, if not named")


def run(arguments: argparse.Namespace) -> int:
    """Says from which version to which."""
    from placecell.memory.archives.migration import migrate

    out = arguments.out or arguments.file
    before, after = migrate(arguments.file, out)
    print(f"{out}: version {after}" + (", as it was" if before == after else f", was {before}"))
    return 0
