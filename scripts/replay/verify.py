"""A run's episodes walked again, action by action, and compared with what was recorded."""

import argparse
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from placecell.errors import OutputError

from .episodes import add_episodes, recorded_episodes
from .reading import open_run

if TYPE_CHECKING:
    import gymnasium

    from placecell.agent.stored_run import RecordedEpisode, StoredRun

HELP = "walks recorded actions again and compares every observation, pose and measure"
_NEEDED = ("env", "task", "seed", "episodes")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the run and its episodes."""
    add_episodes(parser)


def run(arguments: argparse.Namespace) -> int:
    """Verifies; the exit code is 1 where something differs or cannot be read."""
    from placecell.agent.replay.verify import verify

    stored = open_run(arguments.run)
    chosen = recorded_episodes(arguments.run, arguments.episodes)
    env = make_env(stored.config, arguments.run)
    counts: Counter[str] = Counter(unrecorded=_without_folder(stored, chosen, arguments.episodes))
    unchecked: list[str] = []
    steps = cut = 0
    try:
        for verdict in verify(stored, chosen, env):
            counts[verdict.outcome] += 1
            steps += verdict.steps if verdict.outcome == "same" else 0
            cut += verdict.outcome == "same" and bool(verdict.why)
            if verdict.unchecked:
                unchecked.append(f"{verdict.episode.folder.name}: {verdict.unchecked}")
            if verdict.why:
                word = "" if verdict.outcome == "same" else f"{verdict.outcome}: "
                print(f"{verdict.episode.folder.name}: {word}{verdict.why}")
    finally:
        env.close()
    for line in unchecked:
        print(f"not compared: {line}")
    if counts["differs"]:
        print(_made_by(stored))
    print(_summary(counts, steps, cut))
    return 1 if counts["differs"] or counts["damaged"] else 0


def make_env(config: Mapping[str, Any], folder: Path) -> "gymnasium.Env":
    """The environment of a run, from its ``config.yaml``.

    Raises:
        OutputError: the configuration is missing, or lacks what an environment is made from.
    """
    from omegaconf import DictConfig, OmegaConf

    from ..build import build_env

    missing = [name for name in _NEEDED if name not in config]
    if missing:
        raise OutputError(
            expected=f"the run's configuration in {folder / 'config.yaml'}",
            came=f"one without {', '.join(missing)}" if config else "none",
            fix="put back the file that placecell-run wrote there",
        )
    cfg = OmegaConf.create(dict(config))
    if not all(isinstance(cfg[name], DictConfig) for name in ("env", "task")):
        raise OutputError(
            expected=f"env and task as groups of keys in {folder / 'config.yaml'}",
            came=f"env {cfg.env!r:.40}, task {cfg.task!r:.40}",
            fix="put back the file that placecell-run wrote there",
        )
    env: gymnasium.Env = build_env(cfg)
    return env


def _without_folder(run: "StoredRun", chosen: "list[RecordedEpisode]", named: list[str]) -> int:
    """How many results left no folder, of a whole run."""
    if named:
        return 0
    there = {episode.episode for episode in chosen}
    return sum(result.episode not in there for result in run.results)


def _made_by(run: "StoredRun") -> str:
    from placecell import __version__

    made, commit = run.provenance.get("placecell"), run.provenance.get("commit")
    command = " ".join(sys.version.split()[:1])
    return (
        f"recorded by placecell {made or 'of unknown version'}, commit {str(commit)[:10]}, Python "
        f"{run.provenance.get('python')}; walked again by placecell {__version__}, Python {command}"
    )


def _summary(counts: Counter[str], steps: int, cut: int) -> str:
    whole = f"{counts['same']} verified ({steps} steps, the same to the last bit"
    parts = [
        whole + (f"; {cut} of them up to where they were cut off)" if cut else ")"),
        f"{counts['differs']} differ",
        f"{counts['unrecorded']} not recorded",
    ]
    if counts["damaged"]:
        parts.append(f"{counts['damaged']} not readable")
    return "episodes: " + ", ".join(parts)
