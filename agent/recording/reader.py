"""Reads an episode's folder, whole or as a kill left it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from placecell.errors import ArchiveError, PlacecellError
from placecell.memory import Frame, Growth, PlaceGraph

from . import arrays
from .frames import FrameEntry, frame_of, part_of
from .hashes import observation_hash
from .header import FRAMES_FILE, STEPS_FILE, read_header
from .steps import RecordedStep
from .tar import next_content, read_member


@dataclass(frozen=True)
class Recording:
    """An episode's recording, up to its last complete step.

    Args:
        folder: where it lies.
        header: what it is of, see ``docs/recording.md``.
        steps: in order.
        end: how the episode went (``status``, ``measures``, ``tags``, ``failure``, ...), plain JSON with null
            for what is not finite; None of an episode that was cut off.
    """

    folder: Path
    header: Mapping[str, Any]
    steps: tuple[RecordedStep, ...]
    end: Mapping[str, Any] | None
    _last: list[tuple[int, dict[str, np.ndarray]]] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def read(cls, folder: Path) -> "Recording":
        """The recording in an episode's folder.

        What a kill leaves is read up to the last complete step: a line without its end, or a frame without
        its last bytes, was never recorded.

        Raises:
            ArchiveError: there is none, it is of a newer version or another format, a file of it is missing,
                or a line was changed by hand.
        """
        header = read_header(folder)
        full = header["level"] == "full"
        bytes_of_frames = _size(folder / FRAMES_FILE) if full else 0
        content = _content(folder / STEPS_FILE)
        steps: list[RecordedStep] = []
        end_of_frames = 0
        # What follows the last end of a line is the beginning of one that never was.
        for number, line in enumerate(content.split(b"\n")[:-1], 1):
            found = _read_line(line, number, folder / STEPS_FILE, expected_step=len(steps))
            if not isinstance(found, RecordedStep):
                _require_last(content, number, folder / STEPS_FILE)
                return cls(folder, header, tuple(steps), found)
            if found.entry is not None:
                _require_place(found.entry, end_of_frames, number, folder / STEPS_FILE)
                end_of_frames = found.entry.end
                if end_of_frames > bytes_of_frames:
                    break
            steps.append(found)
        return cls(folder, header, tuple(steps), None)

    @property
    def complete(self) -> bool:
        """Whether the episode was recorded to its end."""
        return self.end is not None

    def observation(self, step: int) -> dict[str, np.ndarray]:
        """What was decided on in a step, each array with the type, the shape and the bytes that it had.

        Text comes as an array of no axes: ``str(observation["instruction"])``.

        Raises:
            ArchiveError: the step was recorded without, or what is kept is not what its hash was taken of.
            IndexError: there is no such step.
        """
        observation = part_of(self._kept(step), "observation")
        if observation_hash(observation) != self.steps[step].observation_hash:
            raise self._damaged(step, "arrays of another observation")
        return observation

    def frame(self, step: int) -> Frame:
        """The frame that was written into the memory in a step.

        Raises:
            ArchiveError: the step was recorded without, or its member is damaged.
            IndexError: there is no such step.
        """
        try:
            return frame_of(self._kept(step), self._entry(step), self.steps[step].index)
        except (KeyError, PlacecellError) as error:
            if isinstance(error, ArchiveError):
                raise
            raise self._damaged(step, f"no frame ({error})") from error

    def growth(self, step: int) -> Growth | None:
        """What the memory's map became since the last step that was recorded with arrays; None without.

        Raises:
            ArchiveError: the step's member is damaged.
            IndexError: there is no such step.
        """
        if self.steps[step].entry is None:
            return None
        return Growth.from_arrays(part_of(self._kept(step), "growth"))

    def places(self, step: int) -> PlaceGraph | None:
        """The memory's graph of places; None where it was as in the step before, or was not recorded.

        Raises:
            ArchiveError: the step's member is damaged.
            IndexError: there is no such step.
        """
        if self.steps[step].entry is None:
            return None
        arrays = part_of(self._kept(step), "places")
        return PlaceGraph.from_arrays(arrays) if arrays else None

    def _entry(self, step: int) -> FrameEntry:
        entry = self.steps[step].entry
        if entry is None:
            level, every = self.header["level"], self.header.get("every")
            raise ArchiveError(
                expected=f"the frame of step {step} in {self.folder}",
                came=f"a step recorded without frames (record.level={level}, record.every={every})",
                fix="record with record=full record.every=1",
            )
        return entry

    def _kept(self, step: int) -> dict[str, np.ndarray]:
        """All arrays of a step; those of the latest one asked for are held."""
        entry, index = self._entry(step), self.steps[step].index
        if self._last and self._last[0][0] == index:
            return self._last[0][1]
        try:
            content = read_member(self.folder / FRAMES_FILE, index, entry.offset, entry.size)
            kept = arrays.widen(arrays.unpack(content), entry.dtypes)
        except (*arrays.DAMAGES, TypeError) as error:
            raise self._damaged(step, f"{error}") from error
        self._last[:] = [(index, kept)]
        return kept

    def _damaged(self, step: int, came: str) -> ArchiveError:
        return ArchiveError(
            expected=f"the frame of step {step} in {self.folder / FRAMES_FILE}, as {STEPS_FILE} says",
            came=came,
            fix="copy the folder again, or record the episode again",
        )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _missing(path, error) from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _missing(path, error) from error


def _missing(path: Path, error: OSError) -> ArchiveError:
    return ArchiveError(
        expected=f"{path.name} beside the header in {path.parent}",
        came=f"{error.strerror or error}",
        fix="copy the whole folder, or record the episode again",
    )


def _read_line(line: bytes, number: int, path: Path, expected_step: int) -> RecordedStep | Mapping[str, Any]:
    """The step of a line, or the end."""
    try:
        value = json.loads(line)
        if not isinstance(value, dict):
            raise ValueError("no object")
        if "end" in value:
            if not isinstance(value["end"], dict):
                raise ValueError("an end that is no object")
            return value["end"]
        step = RecordedStep.from_json(value)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, PlacecellError) as error:
        what = f"no key {error}" if isinstance(error, KeyError) else str(error)
        raise _edited(path, number, what) from error
    if step.index != expected_step:
        raise _edited(path, number, f"step {step.index} where step {expected_step} belongs")
    return step


def _require_place(entry: FrameEntry, end_before: int, number: int, path: Path) -> None:
    """Members follow one another: a place that skips something was not written by a recorder."""
    place = next_content(end_before)
    if entry.offset != place:
        raise _edited(path, number, f"a frame at byte {entry.offset} where byte {place} belongs")


def _require_last(content: bytes, number: int, path: Path) -> None:
    """Nothing follows the end."""
    if len(content.split(b"\n", number)[-1]) > 0:
        raise _edited(path, number + 1, "a line after the end")


def _edited(path: Path, number: int, came: str) -> ArchiveError:
    return ArchiveError(
        expected=f"a recorded step in line {number} of {path}",
        came=came,
        fix="undo what was changed by hand, or record the episode again",
    )
