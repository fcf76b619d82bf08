"""A recorded episode as a video."""

import argparse
from pathlib import Path

from placecell.errors import ArchiveError

from .episodes import recorded_episodes
from .reading import NotReadableError

HELP = "a recorded episode as an mp4: what was seen, the map as it grew, and why"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the run, the episode, and what to write."""
    parser.add_argument("run", metavar="RUN", type=Path, help="the folder of a run with record=full")
    parser.add_argument(
        "episode", metavar="EPISODE", help="its id, else its index, or the name of its folder"
    )
    parser.add_argument("--out", required=True, type=Path, metavar="FILE.mp4", help="the file to write")
    parser.add_argument("--fps", type=int, default=10, help="steps a second; 10, if not named")


def run(arguments: argparse.Namespace) -> int:
    """Writes the file."""
    from placecell.agent.replay.video import write_video

    (episode,) = recorded_episodes(arguments.run, [arguments.episode])
    try:
        count = write_video(episode.folder, arguments.out, arguments.fps)
    except ArchiveError as error:
        raise NotReadableError(str(error)) from error
    print(f"{count} steps, {count / arguments.fps:.1f} s; look into {arguments.out}")
    return 0
