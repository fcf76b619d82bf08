"""``placecell-bench archive_kills``: a process that saves archives is killed again and again as it saves.

SIGKILL at a random moment of a save; then the file has to be the old archive or the new one, to the last
byte, and what the killed process left beside it must not add up.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from placecell.errors import ConfigError

from .row import Row
from .run_tasks import scratch_folder

if TYPE_CHECKING:
    from .archive_campaign import Kill

SUITE_HELP = "SIGKILLs a process that saves archives: the file is the old one or the new one, whole"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this suite."""
    parser.add_argument("--kills", type=int, metavar="N", help="how many (default: 1000; quick: 30)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the moments")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the archive")


def run(args: argparse.Namespace) -> list[Row]:
    """Kills, looks, goes on.

    Raises:
        ConfigError: fewer kills than one.
        OutputError: the saving process says nothing any more.
    """
    kills = args.kills if args.kills is not None else 30 if args.quick else 1000
    if kills < 1:
        raise ConfigError(expected="--kills of 1 or more", came=str(kills), fix="say --kills 1000")
    from .archive_campaign import campaign

    with scratch_folder(args, "archive_kills") as scratch:
        return rows_of(list(campaign(scratch / "memory.placecell", kills, args.seed)))


def rows_of(kills: Sequence["Kill"]) -> list[Row]:
    """What they came to."""
    found, places = Counter(kill.found for kill in kills), Counter(kill.place for kill in kills)
    most = max(kill.left for kill in kills)
    return [
        Row("archive_kills", len(kills), "1"),
        *(Row(f"archive_kills_in_{place}", places[place], "1") for place in ("write", "rename", "elsewhere")),
        Row("archive_old_whole", found["old"], "1"),
        Row("archive_new_whole", found["new"], "1"),
        Row("archive_third_things", found["third"], "1", target="= 0", passed=not found["third"]),
        Row("archive_files_left_at_once", most, "1", target="<= 1", passed=most <= 1),
        Row("archive_largest_left", max(kill.left_nbytes for kill in kills), "bytes"),
    ]
