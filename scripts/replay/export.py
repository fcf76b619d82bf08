"""Recorded episodes in the files of other tools."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from placecell.errors import ArchiveError

from .episodes import add_episodes, recorded_episodes
from .reading import NotReadableError

if TYPE_CHECKING:
    pass

HELP = "recorded episodes as a Rerun file, an MCAP file or a LeRobot dataset"
FORMATS = ("rerun", "mcap", "lerobot")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the run, its episodes, the format, and where to write."""
    add_episodes(parser)
    parser.add_argument("--to", required=True, choices=FORMATS, help="what to write")
    parser.add_argument(
        "--out", required=True, type=Path, metavar="PATH", help="the file, or the dataset's folder"
    )


def run(arguments: argparse.Namespace) -> int:
    """Writes the file; the exit code is 1 where a recording is damaged.

    Of a whole run, what cannot be exported is left out and told on stderr; what was named must be there.
    """
    chosen = [episode.folder for episode in recorded_episodes(arguments.run, arguments.episodes)]
    unfinished: dict[str, str] = {}
    damaged: dict[str, str] = {}
    if not arguments.episodes:
        unfinished, damaged = _unfit(chosen)
        chosen = [folder for folder in chosen if folder.name not in {**unfinished, **damaged}]
    module = importlib.import_module(f"placecell.agent.exports.{arguments.to}")
    if not chosen:
        reasons = [f"{name}: {why}" for name, why in {**damaged, **unfinished}.items()]
        raise NotReadableError(f"no episode of {arguments.run} can be exported; {reasons[0]}")
    try:
        written = module.export(chosen, arguments.out)
    except ArchiveError as error:
        raise NotReadableError(str(error)) from error
    if arguments.to == "lerobot":
        lacking = module.left_out_of(written)
        unfinished |= lacking
        chosen = [folder for folder in chosen if folder.name not in lacking]
    many = "1 episode" if len(chosen) == 1 else f"{len(chosen)} episodes"
    print(f"{many} as {arguments.to}; look into {written}")
    for name, why in {**unfinished, **damaged}.items():
        print(f"placecell-replay: left out {name}: {why}", file=sys.stderr)
    return 1 if damaged else 0


def _unfit(folders: "Sequence[Path]") -> tuple[dict[str, str], dict[str, str]]:
    """The folders without a step, and those whose recording cannot be read; why, by name."""
    from placecell.agent.recording import HEADER_FILE, Recording

    unfinished, damaged = {}, {}
    for folder in folders:
        try:
            # An episode that broke before it began has a folder for its error alone.
            if not (folder / HEADER_FILE).exists() or not Recording.read(folder).steps:
                unfinished[folder.name] = "it ended before its first step"
        except ArchiveError as error:
            damaged[folder.name] = str(error)
    return unfinished, damaged
