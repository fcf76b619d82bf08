"""A run's folder, read back: what it was asked for, what made it, what it left."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from placecell.errors import OutputError

from .results import RESULTS_FILE, Result, read_results
from .run_folder import EPISODES, LAYOUT, episode_folder


@dataclass(frozen=True)
class StoredRun:
    """What lies in a run's folder, whether the run is at its end or not.

    Args:
        folder: of the run.
        config: its ``config.yaml``; empty where it left none.
        provenance: its ``provenance.json``; empty where it left none.
        results: its episodes, in the order of their lines.
    """

    folder: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    results: tuple[Result, ...] = ()

    @property
    def wanted(self) -> int | None:
        """How many episodes it was asked for; None where it does not say."""
        episodes = self.config.get("episodes")
        return episodes if type(episodes) is int else None

    @property
    def complete(self) -> bool:
        """Whether every episode that it was asked for has its result, as far as it says."""
        return self.wanted is None or len(self.results) >= self.wanted

    @property
    def oracle(self) -> tuple[str, ...]:
        """Inputs that it used and no agent has in the world, sorted."""
        return tuple(sorted({name for result in self.results for name in result.oracle}))

    def folder_of(self, episode: int, episode_id: str) -> Path | None:
        """Where an episode's files lie; None where it left none."""
        folder = episode_folder(self.folder, episode, episode_id)
        return folder if folder.is_dir() else None

    def recorded(self) -> tuple["RecordedEpisode", ...]:
        """The episodes that have a folder, by index, those that were under way at a kill included."""
        parent = self.folder / EPISODES
        folders = sorted(parent.iterdir()) if parent.is_dir() else []
        found = [(folder, folder.name.partition("-")) for folder in folders if folder.is_dir()]
        return tuple(
            RecordedEpisode(int(index), unquote(name), folder)
            for folder, (index, dash, name) in found
            if dash and index.isdecimal()
        )


@dataclass(frozen=True)
class RecordedEpisode:
    """An episode's folder, and what its name says: the index in the dataset, and the id there."""

    episode: int
    episode_id: str
    folder: Path


def is_run(folder: Path) -> bool:
    """Whether a folder is that of a run."""
    return (folder / RESULTS_FILE).exists()


def require_run(folder: Path) -> None:
    """Refuses what is no run's folder at all.

    Raises:
        OutputError: there is no such folder, or no ``results.jsonl`` in it.
    """
    if not is_run(folder):
        raise OutputError(
            expected=f"the folder of a run, with its {RESULTS_FILE}",
            came=f"{folder}, which holds none" if folder.is_dir() else f"{folder}: no such folder",
            fix="name a folder that placecell-run wrote",
        )


def read_run(folder: Path) -> StoredRun:
    """What a run's folder holds; a last line that a kill cut off is passed over.

    Raises:
        OutputError: a file that is missing, damaged, edited, or of a newer version; it is named.
    """
    provenance = _read_provenance(folder / "provenance.json")
    config = _read_config(folder / "config.yaml")
    return StoredRun(folder, config, provenance, read_results(folder, torn="leave"))


def _read_provenance(path: Path) -> dict[str, Any]:
    """A run's provenance; empty where it was killed before it said anything.

    Raises:
        OutputError: it cannot be read, or the folder's layout is of a newer version.
    """
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable("provenance", path, f"{type(error).__name__}: {error}") from error
    layout = document.get("layout", 1) if isinstance(document, dict) else None
    if type(layout) is not int:
        raise _unreadable("provenance", path, "no JSON object with a layout's number")
    if layout > LAYOUT:
        raise OutputError(
            expected=f"a run's folder of layout {LAYOUT} or older, by {path}",
            came=f"layout {layout}, written by a newer placecell",
            fix="upgrade placecell to read it",
        )
    return document


def _read_config(path: Path) -> dict[str, Any]:
    """A run's configuration; empty where it left none.

    Raises:
        OutputError: it cannot be read.
    """
    if not path.exists():
        return {}
    try:
        config = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, OmegaConfBaseException) as error:
        raise _unreadable("configuration", path, f"{type(error).__name__}: {error}") from error
    if not isinstance(config, dict):
        raise _unreadable("configuration", path, type(config).__name__)
    return {str(key): value for key, value in config.items()}


def _unreadable(what: str, path: Path, came: str) -> OutputError:
    return OutputError(
        expected=f"a run's {what} in {path}", came=came, fix="take that folder out, or run it anew"
    )
