"""A saved memory made smaller."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from placecell.errors import ConfigError

from .output import console, in_bytes

if TYPE_CHECKING:
    from placecell.memory.archives.pruning import Pruned

HELP = "makes a saved memory smaller: what tells nothing goes, and what caps have no room for"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the file, caps, and where to write."""
    parser.add_argument("file", metavar="FILE", type=Path, help="the file of a SpatialMemory")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to; the file itself, if not named")
    parser.add_argument("--max-bytes", type=int, metavar="N", help="in memory, that all parts may keep")
    parser.add_argument("--max-items", type=int, metavar="N", help="that all parts may keep")
    parser.add_argument(
        "--policy",
        metavar="NAME",
        help="what goes first: oldest (if not named), least_used, most_redundant, farthest",
    )
    parser.add_argument(
        "--at",
        type=float,
        nargs=3,
        metavar=("X", "Y", "Z"),
        help="metres; with --policy farthest: from where; where the agent was last, if not named",
    )


def run(arguments: argparse.Namespace) -> int:
    """Prunes, writes, and says what went.

    Raises:
        ConfigError: caps or a policy that make no sense, or one that nothing comes of.
    """
    import numpy as np

    from placecell.memory.archives.pruning import prune
    from placecell.memory.budget import Budget

    budget = Budget(arguments.max_bytes, arguments.max_items, None, arguments.policy or "oldest")
    if arguments.policy and not budget.caps_content:
        raise _idle("--policy", "--max-bytes or --max-items")
    if arguments.at and budget.policy != "farthest":
        raise _idle("--at", "--policy farthest")
    pruned = prune(
        arguments.file,
        arguments.out,
        budget if budget.caps_content else None,
        None if arguments.at is None else np.array(arguments.at, np.float64),
    )
    _show(pruned, arguments.out or arguments.file)
    return 0


def _idle(option: str, needs: str) -> ConfigError:
    return ConfigError(
        expected=f"{needs} with {option}", came=f"{option} alone", fix=f"add it, or drop {option}"
    )


def _show(pruned: "Pruned", out: Path) -> None:
    from rich.table import Table

    table = Table("part", "items", "in memory", "dropped by the caps")
    before, after = pruned.stats
    for name in ("octree", "topology", "short_term", "long_term"):
        if f"{name}_items" not in after:
            continue
        gone = pruned.dropped.get(name)
        table.add_row(
            name,
            _change(f"{before[f'{name}_items']:.0f}", f"{after[f'{name}_items']:.0f}"),
            _change(in_bytes(before[f"{name}_bytes"]), in_bytes(after[f"{name}_bytes"])),
            "" if gone is None else f"{gone.items} items, {in_bytes(gone.nbytes)}",
        )
    console().print(table)
    was, now = pruned.nbytes
    print(f"{pruned.voxels} voxels that are no longer occupied gave up what was held of them")
    print(f"{out}: {in_bytes(now)}, was {in_bytes(was)}")


def _change(before: str, after: str) -> str:
    return after if before == after else f"{before} -> {after}"
