"""A recorded run as the JSON file that R2R's test server takes."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from placecell.errors import ArchiveError, ConfigError

from .episodes import add_episodes, recorded_episodes
from .reading import NotReadableError, write_files

if TYPE_CHECKING:
    from placecell.agent.recording import Recording
    from placecell.agent.stored_run import RecordedEpisode
    from placecell.envs.graph.submission import Stand

HELP = "what a run walked, as an R2R submission file"
_MOST_TOLD = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the run, its episodes, and where to write."""
    add_episodes(parser, "the folder of a run on env=r2r, recorded with record=light or record=full")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="the .json file to write")


def run(arguments: argparse.Namespace) -> int:
    """Writes the file; the exit code is 1 where a recording is damaged or not at its end.

    Of a whole run, such an episode is left out and told on stderr; what was named must be there.
    """
    from placecell.envs.graph.submission import to_submission

    recorded = recorded_episodes(arguments.run, arguments.episodes)
    walks, left_out = _walks(recorded)
    if left_out and (arguments.episodes or not walks):
        name, why = next(iter(left_out.items()))
        raise NotReadableError(f"no trajectory of {name}: {why}")
    content = json.dumps(to_submission(walks), separators=(",", ":"), allow_nan=False)
    write_files(arguments.out.parent, {arguments.out.name: content + "\n"})
    many = "1 trajectory" if len(walks) == 1 else f"{len(walks)} trajectories"
    print(f"{many} in {arguments.out}; score them with placecell-replay score {arguments.out} --split SPLIT")
    for name, why in list(left_out.items())[:_MOST_TOLD]:
        print(f"placecell-replay: left out {name}: {why}", file=sys.stderr)
    if len(left_out) > _MOST_TOLD:
        print(f"placecell-replay: left out {len(left_out) - _MOST_TOLD} more", file=sys.stderr)
    return 1 if left_out else 0


def _walks(
    recorded: "Sequence[RecordedEpisode]",
) -> "tuple[dict[str, list[Stand]], dict[str, str]]":
    """What was walked by ``instr_id``, and why an episode's folder has no walk."""
    from placecell.agent.recording import Recording

    walks: dict[str, list[Stand]] = {}
    left_out: dict[str, str] = {}
    for episode in recorded:
        try:
            recording = Recording.read(episode.folder)
        except ArchiveError as error:
            left_out[episode.folder.name] = str(error)
            continue
        status = None if recording.end is None else recording.end.get("status")
        if status != "done":
            left_out[episode.folder.name] = "it has no end" if status is None else f"it ended as {status!r}"
            continue
        _require_indoors(recording)
        instr_id = str(recording.header.get("episode_id", episode.episode_id))
        if instr_id in walks:
            raise ConfigError(
                expected="a run that follows each instruction once",
                came=f"{instr_id} twice",
                fix="name the episodes to write",
            )
        walks[instr_id] = _walk(recording)
    return walks, left_out


def _require_indoors(recording: "Recording") -> None:
    from placecell.envs.graph.street_files import SCENE

    if recording.header.get("scene_id") == SCENE:
        raise ConfigError(
            expected="a run in Matterport's homes, which R2R's submissions are for",
            came=f"{recording.folder}, which walked the streets of {SCENE}",
            fix="name a run on env=r2r",
        )


def _walk(recording: "Recording") -> "list[Stand]":
    """Where the body stood, the start first."""
    stands: list[Stand] = []
    for part in (recording.header.get("walked"), *(step.walked for step in recording.steps)):
        if part is None:
            raise ConfigError(
                expected="a run on panorama graphs, which tells the viewpoints that it walked",
                came=f"{recording.folder}, which tells none",
                fix="run with env=r2r and record=light",
            )
        stands += [(name, float(yaw_rad), float(pitch_rad)) for name, yaw_rad, pitch_rad in part]
    return stands
