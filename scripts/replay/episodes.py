"""Which episodes of a run a subcommand is about."""

import argparse
import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from placecell.errors import ConfigError

if TYPE_CHECKING:
    from placecell.agent.stored_run import RecordedEpisode

_NEAR, _LIKE = 3, 0.5


def add_episodes(parser: argparse.ArgumentParser, run: str = "the folder of a run") -> None:
    """Adds the run, which ``run`` describes, and its episodes."""
    parser.add_argument("run", metavar="RUN", type=Path, help=run)
    parser.add_argument(
        "episodes",
        metavar="EPISODE",
        nargs="*",
        help="its id, else its index, or the name of its folder; all that are recorded, if none is named",
    )


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
