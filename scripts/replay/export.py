"""Recorded episodes in the files of other tools."""

import argparse
import difflib
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from placecell.errors import ArchiveError, ConfigError

from .reading import NotReadableError

if TYPE_CHECKING:
    from placecell.agent.stored_run import RecordedEpisode

HELP = "recorded episodes as a Rerun file, an MCAP file or a LeRobot dataset"
FORMATS = ("rerun", "mcap", "lerobot")
_NEAR, _LIKE = 3, 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the run, its episodes, the format, and where to write."""
    parser.add_argument("run", metavar="RUN", type=Path, help="the folder of a run")
    parser.add_argument(
        "episodes",
        metavar="EPISODE",
        nargs="*",
        help="its id, else its index, or the name of its folder; all that are recorded, if none is named",
    )
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


def recorded_episodes(folder: Path, names: Sequence[str]) -> "list[RecordedEpisode]":
    """The recorded episodes of a run that are named, in the order of the names; all of them for no name.

    Raises:
        OutputError: the folder is that of no run.
        ConfigError: it has no recorded episode, none of a name, or several.
    """
    from placecell.agent.stored_run import StoredRun, require_run

    require_run(folder)
    recorded = StoredRun(folder).recorded()
    if not recorded:
        raise ConfigError(
            expected=f"recorded episodes in {folder / 'episodes'}",
            came="none",
            fix="run with record=light, or record=full for what was seen",
        )
    chosen = [_named(name, recorded, folder) for name in names]
    return list(dict.fromkeys(chosen)) if names else list(recorded)


def _named(name: str, recorded: "Sequence[RecordedEpisode]", folder: Path) -> "RecordedEpisode":
    """An id comes first; what is none may be an index, or the folder's name."""
    found = [episode for episode in recorded if episode.episode_id == name]
    if not found:
        last = Path(name).name
        found = [
            e for e in recorded if e.folder.name == last or (name.isdecimal() and e.episode == int(name))
        ]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigError(
            expected="the name of one episode",
            came=f"{name!r}, which {len(found)} bear",
            fix=f"name its folder: {', '.join(episode.folder.name for episode in found)}",
        )
    ids = {episode.episode_id: episode for episode in recorded}
    near = difflib.get_close_matches(name, ids, _NEAR, _LIKE)
    known = f"{len(recorded)}, the indices {recorded[0].episode} to {recorded[-1].episode}"
    raise ConfigError(
        expected=f"a recorded episode of {folder} ({known})",
        came=repr(name),
        fix=f"did you mean {' or '.join(near)}?" if near else f"name one such as {recorded[0].episode_id}",
    )
