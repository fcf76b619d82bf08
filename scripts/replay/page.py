"""Pages to scrub through recorded episodes, and the run's index."""

import argparse
import sys
from typing import TYPE_CHECKING

from placecell.errors import ArchiveError

from .episodes import add_episodes, recorded_episodes
from .reading import NotReadableError, open_run, write_files

if TYPE_CHECKING:
    from placecell.agent.replay.page import Neighbours
    from placecell.agent.stored_run import RecordedEpisode

HELP = "what was seen, remembered and done in an episode on one page, and an index of the run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the run and its episodes."""
    add_episodes(parser)


def run(arguments: argparse.Namespace) -> int:
    """Writes the pages and the index; the exit code is 1 where a recording is damaged.

    Of a whole run, what gets no page is told on stderr; what was named must be readable.
    """
    from placecell.agent.replay.page import (
        INDEX_FILE,
        has_page,
        index_page,
        neighbours_of,
        relink,
        rows_of,
    )
    from placecell.agent.run_folder import writing

    stored = open_run(arguments.run)
    recorded, chosen = stored.recorded(), recorded_episodes(arguments.run, arguments.episodes)
    paged = {episode for episode in recorded if has_page(episode)} | set(chosen)
    unfinished, damaged = {}, {}
    for episode in chosen:
        try:
            if not arguments.episodes and not _begun(episode):
                unfinished[episode.folder.name] = "it ended before its first step"
            else:
                _write_page(episode, neighbours_of(episode, recorded, paged))
        except ArchiveError as error:
            if arguments.episodes:
                raise NotReadableError(str(error)) from error
            damaged[episode.folder.name] = str(error)
    with writing(arguments.run):
        relink(recorded)
    write_files(arguments.run, {INDEX_FILE: index_page(stored, rows_of(stored))})
    count = len(chosen) - len(unfinished) - len(damaged)
    print(f"{count} {'page' if count == 1 else 'pages'}; open {arguments.run / INDEX_FILE}")
    for name, why in {**unfinished, **damaged}.items():
        print(f"placecell-replay: left out {name}: {why}", file=sys.stderr)
    return 1 if damaged else 0


def _begun(episode: "RecordedEpisode") -> bool:
    """Whether there is a step to show; an episode that broke before has a folder for its error alone."""
    from placecell.agent.recording import HEADER_FILE, Recording

    return (episode.folder / HEADER_FILE).exists() and bool(Recording.read(episode.folder).steps)


def _write_page(episode: "RecordedEpisode", neighbours: "Neighbours") -> None:
    from placecell.agent.recording import Recording
    from placecell.agent.replay.page import PAGE_FILE, episode_page

    page = episode_page(Recording.read(episode.folder), neighbours)
    write_files(episode.folder, {PAGE_FILE: page})
