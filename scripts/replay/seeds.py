"""Conditions that were walked with several seeds each, in one table."""

import argparse
from pathlib import Path

from .reading import open_run

HELP = "one table over conditions with several seeds each: folders named CONDITION-SEED"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the runs and the control."""
    parser.add_argument("runs", metavar="RUN", nargs="+", type=Path, help="folders named CONDITION-SEED")
    parser.add_argument(
        "--control", metavar="CONDITION", required=True, help="what the others are compared with"
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints the table as Markdown."""
    from placecell.agent.seeds import pooled, table_of

    runs = {folder.name: open_run(folder).results for folder in arguments.runs}
    print(table_of(pooled(runs), arguments.control))
    return 0
