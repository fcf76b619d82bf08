"""The folder of a run that was killed: where that caught it, what was torn, what can still be read."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from placecell.agent.recording import Recording
from placecell.agent.results import RESULTS_FILE, read_results
from placecell.agent.run_folder import EPISODES, TOURS
from placecell.errors import PlacecellError

from .run_difference import episode_of, whole_lines

Place = Literal["start-up", "within an episode", "between episodes", "within a write"]
_STEPS, _FRAMES, _HEADER = "steps.jsonl", "frames.tar", "header.json"
_BLOCK = 512


@dataclass(frozen=True)
class Cut:
    """What was taken from a file.

    Args:
        file: below the run's folder.
        taken: bytes.
        of: the length of the last line or member, bytes.
    """

    file: str
    taken: int
    of: int


@dataclass(frozen=True)
class Unfinished:
    """What a kill left.

    Args:
        folder: of the run.
        began_ns: when the command that was killed began, nanoseconds of the wall clock; what lies there
            from before is another command's doing.
    """

    folder: Path
    began_ns: int

    @property
    def place(self) -> Place:
        """Where the kill caught it."""
        mine = [folder for folder in self.episodes() if self._fresh(folder)]
        if not mine and not any(map(self._fresh, _files(self.folder))):
            return "start-up"
        if self.half_written() or self.torn():
            return "within a write"
        if any((folder / _HEADER).exists() and not _ended(folder) for folder in mine):
            return "within an episode"
        return "between episodes"

    def episodes(self) -> list[Path]:
        """The folders of episodes that have no line yet."""
        done = {episode_of(line) for line in whole_lines(self.folder)}
        return [
            path for path in _files(self.folder / EPISODES) if int(path.name.partition("-")[0]) not in done
        ]

    def torn(self) -> list[str]:
        """Files of this command whose last line or member is not whole."""
        results = self.folder / RESULTS_FILE
        found = [RESULTS_FILE] if _torn_line(results) and self._fresh(results) else []
        for folder in self.episodes():
            if self._fresh(folder):
                found += [f"{EPISODES}/{folder.name}/{_STEPS}"] if _torn_line(folder / _STEPS) else []
                found += [f"{EPISODES}/{folder.name}/{_FRAMES}"] if _ahead(folder) else []
        return found

    def half_written(self) -> list[Path]:
        """Temporary files of this command: of writes that become visible at once or not at all."""
        tours = [path for tour in _files(self.folder / TOURS) for path in _files(tour)]
        places = [*_files(self.folder), *tours, *(p for folder in self.episodes() for p in _files(folder))]
        return [path for path in places if path.name.startswith(".") and self._fresh(path)]

    def unreadable(self, reference: Path) -> list[str]:
        """What the public readers refuse, or give otherwise than the beginning of the reference run's."""
        found = []
        if (self.folder / RESULTS_FILE).exists():
            try:
                read_results(self.folder, torn="leave")
            except PlacecellError as error:
                found.append(str(error))
        for folder in self.episodes():
            if (folder / _HEADER).exists() and (problem := _no_beginning(folder, reference)):
                found.append(problem)
        return found

    def tear(self, rng: np.random.Generator) -> Cut | None:
        """Cuts a last line or member at a random byte; None where there is none."""
        results, running = self._cuttable()
        # A result's line is one file among the many of episodes, and the one that counts most.
        places = results if results and (not running or rng.random() < 0.5) else running
        if not places:
            return None
        path, last = places[int(rng.integers(len(places)))]
        taken = int(rng.integers(1, max(2, last)))
        os.truncate(path, path.stat().st_size - taken)
        return Cut(str(path.relative_to(self.folder)), taken, last)

    def _cuttable(self) -> tuple[list[tuple[Path, int]], list[tuple[Path, int]]]:
        """The results, and files of episodes under way, each with the length of its last line or member."""
        results, running = [], []
        path = self.folder / RESULTS_FILE
        if whole_lines(self.folder) and not _torn_line(path):
            results.append((path, len(whole_lines(self.folder)[-1]) + 1))
        for folder in self.episodes():
            steps, frames = folder / _STEPS, folder / _FRAMES
            if not (folder / _HEADER).exists():
                continue
            if not _torn_line(steps) and steps.stat().st_size > 0:
                running.append((steps, len(steps.read_bytes().splitlines()[-1]) + 1))
            if frames.exists() and frames.stat().st_size > _BLOCK:
                running.append((frames, frames.stat().st_size - _last_member(folder)))
        return results, running

    def _fresh(self, path: Path) -> bool:
        """Whether this command wrote it."""
        paths = [path, *_files(path)] if path.is_dir() else [path]
        return any(each.stat().st_mtime_ns > self.began_ns for each in paths)


def is_whole(path: Path) -> bool:
    """Whether a file that was torn holds whole lines or members again."""
    if path.name == _FRAMES:
        return (path.parent / _HEADER).exists() and Recording.read(path.parent).complete
    return path.exists() and not _torn_line(path)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _torn_line(path: Path) -> bool:
    content = path.read_bytes() if path.exists() else b""
    return bool(content) and not content.endswith(b"\n")


def _ended(folder: Path) -> bool:
    return Recording.read(folder).complete


def _last_member(folder: Path) -> int:
    """Where the last member of ``frames.tar`` begins of which a step's line tells."""
    entries = [step.entry for step in Recording.read(folder).steps if step.entry is not None]
    return entries[-1].offset - _BLOCK if entries else 0


def _ahead(folder: Path) -> bool:
    """Whether ``frames.tar`` holds more than the lines tell of: a line is written after its member."""
    path = folder / _FRAMES
    if not path.exists() or not (folder / _HEADER).exists():
        return False
    recording = Recording.read(folder)
    entries = [step.entry for step in recording.steps if step.entry is not None]
    told = -(-(entries[-1].offset + entries[-1].size) // _BLOCK) * _BLOCK if entries else 0
    return not recording.complete and path.stat().st_size != told


def _no_beginning(folder: Path, reference: Path) -> str | None:
    """What is wrong with a recording that was cut off, if anything is."""
    try:
        recording = Recording.read(folder)
        if recording.header["level"] == "full" and recording.steps and recording.steps[-1].entry is not None:
            recording.observation(len(recording.steps) - 1)
    except PlacecellError as error:
        return str(error)
    lines = (folder / _STEPS).read_bytes().split(b"\n")[:-1]
    whole = (reference / EPISODES / folder.name / _STEPS).read_bytes().split(b"\n")
    if lines != whole[: len(lines)]:
        return f"{EPISODES}/{folder.name}/{_STEPS} is no beginning of the uninterrupted run's"
    return None
