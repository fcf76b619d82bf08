"""What a tour under way leaves in the run's folder after each visit: any process can go on with it."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium

from placecell.arrays import atomic_write
from placecell.errors import ArchiveError, OutputError
from placecell.memory import archive

from .run_folder import TOURS, writing
from .tours import Arm

VERSION = 1
_KEPT = 2  # the one before the newest is what is needed where the newest visit's result was never written


class TourCheckpoint:
    """``tours/<first>/<next>.json`` and, where the arm keeps a memory, ``<next>.memory`` (an archive).

    Args:
        out: the run's folder.
        first: the index of the tour's first episode.
    """

    def __init__(self, out: Path, first: int) -> None:
        self.folder = tour_folder(out, first)

    def write(self, env: gymnasium.Env, arm: Arm, following: int) -> None:
        """Keeps what the visits before ``following`` left in the environment and in the memory.

        Raises:
            OutputError: the folder cannot be written.
        """
        state = {
            "version": VERSION,
            "next": following,
            "arm": arm.state(),
            "environment": env.get_wrapper_attr("tour_so_far")(),
        }
        memory = arm.left()
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            if memory is not None:
                _save(memory, self._memory(following))
            atomic_write(self._state(following), json.dumps(state, allow_nan=False) + "\n")
            for old in self._written()[:-_KEPT]:
                self._state(old).unlink(missing_ok=True)
                self._memory(old).unlink(missing_ok=True)

    def restore(self, env: gymnasium.Env, arm: Arm, pending: int) -> int:
        """Brings environment and arm to the latest visit kept that is not beyond ``pending``.

        Returns:
            The episode that comes next for them: the tour's first where nothing is kept.

        Raises:
            ArchiveError: a file that does not hold together.
        """
        kept = [number for number in self._written() if number <= pending]
        if not kept:
            return int(self.folder.name)
        state = self._read(kept[-1])
        memory = None
        if arm.keeps:
            memory = archive.load(self._memory(kept[-1]), type(arm.memory).__name__)
        env.get_wrapper_attr("go_on_with")(state["environment"])
        arm.go_on_from(state["arm"], memory)
        return kept[-1]

    def _read(self, following: int) -> Mapping[str, Any]:
        path = self._state(following)
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
            if state["version"] != VERSION or state["next"] != following:
                raise ValueError(f"version {state['version']}, next {state['next']}")
            return {name: state[name] for name in ("arm", "environment")}
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ArchiveError(
                expected=f"a tour's checkpoint of version {VERSION} in {path}",
                came=f"{type(error).__name__}: {error}",
                fix=f"remove the folder {self.folder}: the tour's visits are then walked again",
            ) from error

    def _written(self) -> list[int]:
        return sorted(int(path.stem) for path in self.folder.glob("*.json") if path.stem.isdigit())

    def _state(self, following: int) -> Path:
        return self.folder / f"{following:05d}.json"

    def _memory(self, following: int) -> Path:
        return self.folder / f"{following:05d}.memory"


def _save(memory: archive.Archive, path: Path) -> None:
    """As :func:`archive.save`, but what the disk refuses is told as of all the run's files."""
    try:
        archive.save(memory, path)
    except OutputError as error:
        raise error.__cause__ or error from None


def tour_folder(out: Path, first: int) -> Path:
    """Where the tour that begins with episode ``first`` keeps its checkpoints."""
    return out / TOURS / f"{first:05d}"


def forget_tour(out: Path, first: int) -> None:
    """Removes the checkpoints of a tour whose results are all written."""
    shutil.rmtree(tour_folder(out, first), ignore_errors=True)
    if (out / TOURS).is_dir() and not any((out / TOURS).iterdir()):
        (out / TOURS).rmdir()


def forget_tours(out: Path) -> None:
    """Removes all checkpoints, of a run whose results are all written."""
    shutil.rmtree(out / TOURS, ignore_errors=True)
