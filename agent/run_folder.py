"""A run's folder: who may write into it, and what lies where."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from omegaconf import OmegaConf

from placecell.arrays import atomic_write
from placecell.errors import OutputError

from .results import RESULTS_FILE, Result, Summary


def require_free(path: Path) -> None:
    """Says before the work begins what :class:`RunFolder` would say.

    Raises:
        OutputError: the folder already holds a run's results.
    """
    if (path / RESULTS_FILE).exists():
        raise OutputError(
            expected="an output folder without results",
            came=f"{path}, which holds {RESULTS_FILE}",
            fix="name another folder: out=DIR",
        )


class RunFolder:
    """Writes one run's files. A line of ``results.jsonl`` is there once its episode is complete, not before.

    Args:
        path: the folder; it is made where it is missing.

    Raises:
        OutputError: it cannot be written, or it already holds a run's results.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        require_free(path)
        self._write(lambda: (path / "episodes").mkdir(parents=True, exist_ok=True))
        self._write(lambda: (path / RESULTS_FILE).touch(exist_ok=False))

    def write_config(self, config: Mapping[str, object]) -> None:
        """``config.yaml``: the resolved configuration."""
        text = OmegaConf.to_yaml(OmegaConf.create(dict(config)))
        self._write(lambda: atomic_write(self.path / "config.yaml", text))

    def write_provenance(self, provenance: Mapping[str, object]) -> None:
        """``provenance.json``."""
        text = json.dumps(provenance, indent=2) + "\n"
        self._write(lambda: atomic_write(self.path / "provenance.json", text))

    def write_summary(self, summary: Summary) -> None:
        """``summary.json``."""
        self._write(lambda: atomic_write(self.path / "summary.json", summary.to_json()))

    def append(self, result: Result, files: Mapping[str, str | bytes]) -> None:
        """An episode's files, then, with them on disk, its line in ``results.jsonl``."""

        def write() -> None:
            folder = self.episode_folder(result.episode_id, result.scene_id)
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in files.items():
                atomic_write(folder / name, text)
            with open(self.path / RESULTS_FILE, "a", encoding="utf-8") as file:
                file.write(result.to_line())
                file.flush()
                os.fsync(file.fileno())

        self._write(write)

    def episode_folder(self, episode_id: str, scene_id: str) -> Path:
        """Where an episode's files go: ``episodes/<id>``, or ``<id>@<scene>`` where that name is taken."""
        folder = self.path / "episodes" / quote(episode_id, safe=" ,=+")
        return folder.with_name(f"{folder.name}@{quote(scene_id, safe=' ')}") if folder.exists() else folder

    def _write(self, write: Callable[[], object]) -> None:
        try:
            write()
        except OSError as error:
            raise OutputError(
                expected=f"an output folder that can be written: {self.path}",
                came=f"{error.strerror or error} ({error.filename or self.path})",
                fix="name another folder (out=DIR), or make room and grant the right to write there",
            ) from error
