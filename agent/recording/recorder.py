"""Writes an episode's folder while it is walked: a line a step, and in full a member of a tar before it."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import gymnasium

from placecell.errors import OutputError, PlacecellError
from placecell.memory import PlaceGraph

from ..loop import Agent, Step
from ..results import Result
from .appending import AppendedFile
from .frames import FrameEntry, pack_step
from .hashes import Kept, hash_of
from .header import FRAMES_FILE, HEADER_FILE, STEPS_FILE, facts_of, facts_of_start, write_header
from .options import RecordOptions
from .steps import end_line, step_line
from .tar import FrameTar

_OF_AN_ATTEMPT = (HEADER_FILE, STEPS_FILE, FRAMES_FILE, "view.png", "error.txt")


class Recorder(ABC):
    """Is told of an episode as it happens; one recorder serves a process, episode after episode."""

    @abstractmethod
    def begin(self, folder: Path, header: Mapping[str, object]) -> None:
        """Begins an episode in its folder, which is made; what an earlier attempt left there is removed.

        The environment has been reset to that episode, and not been stepped.

        Args:
            folder: of this episode alone.
            header: plain JSON, what the recording is of.

        Raises:
            OutputError: the folder cannot be written.
            PlacecellError: a header that is no plain JSON.
        """

    @abstractmethod
    def add(self, step: Step) -> None:
        """Records a step; once it returns, a kill does not lose it.

        Raises:
            OutputError: there is no room for it. What was recorded before stays readable.
            PlacecellError: no episode was begun, or a trace, info or observation that cannot be kept.
        """

    @abstractmethod
    def end(self, result: Result) -> None:
        """Ends the episode, however it went; nothing where none was begun.

        Raises:
            OutputError: there is no room for it.
        """


class NoRecorder(Recorder):
    """Keeps nothing."""

    def begin(self, folder: Path, header: Mapping[str, object]) -> None:
        """Does nothing."""

    def add(self, step: Step) -> None:
        """Does nothing."""

    def end(self, result: Result) -> None:
        """Does nothing."""


def make_recorder(options: RecordOptions, env: gymnasium.Env, agent: Agent) -> Recorder:
    """The recorder that a configuration asks for.

    Args:
        options: how much is kept.
        env: says what its sensors, actions and categories are.
        agent: whose memory and policy are looked at.
    """
    return NoRecorder() if options.level == "off" else EpisodeRecorder(options, env, agent)


class EpisodeRecorder(Recorder):
    """Writes ``header.json``, ``steps.jsonl`` and, in full, ``frames.tar``: see ``docs/recording.md``."""

    def __init__(self, options: RecordOptions, env: gymnasium.Env, agent: Agent) -> None:
        self._options, self._env, self._agent = options, env, agent
        self._facts = facts_of(options, env, agent)
        self._folder, self._clock = Path(), 0
        self._places = PlaceGraph.nothing()
        self._lines: AppendedFile | None = None
        self._frames: FrameTar | None = None

    def begin(self, folder: Path, header: Mapping[str, object]) -> None:
        """See :meth:`Recorder.begin`. The header comes last: where there is one, the other files are too."""
        self._give_up()
        self._folder, self._clock, self._places = folder, 0, PlaceGraph.nothing()
        with self._writing():
            folder.mkdir(parents=True, exist_ok=True)
            # Unlinked, never emptied: a process that still writes there writes into a file without a name.
            for name in _OF_AN_ATTEMPT:
                (folder / name).unlink(missing_ok=True)
                for torn in folder.glob(f".{name}.*"):  # what a kill left of it while it was written
                    torn.unlink(missing_ok=True)
            if self._options.level == "full":
                self._frames = FrameTar(folder / FRAMES_FILE)
            self._lines = AppendedFile(folder / STEPS_FILE)
            write_header(folder, header, {**self._facts, **facts_of_start(self._env)})

    def add(self, step: Step) -> None:
        """See :meth:`Recorder.add`."""
        if self._lines is None:
            raise PlacecellError(
                expected="begin() before add()", came="no episode under way", fix="call begin(folder, header)"
            )
        seen = {name: Kept.of(name, array) for name, array in step.observation.items()}
        content, entry = self._packed(step, seen)
        stats = self._agent.memory.stats()
        line = step_line(step, hash_of(seen), stats, type(self._agent.policy).__name__, entry)
        with self._writing():
            if self._frames is not None and entry is not None:
                self._frames.append(step.index, content)
            self._lines.append(line)

    def end(self, result: Result) -> None:
        """See :meth:`Recorder.end`."""
        if self._lines is not None:
            line = end_line(result)
            with self._writing():
                if self._frames is not None:
                    self._frames.close(whole=True)
                self._lines.append(line)
                self._lines.close(sync=True)
            self._lines = self._frames = None

    def _packed(self, step: Step, seen: Mapping[str, Kept]) -> tuple[bytes, FrameEntry | None]:
        """The step's member of the tar, where it gets one."""
        last = step.terminated or step.truncated
        if self._frames is None or (step.index % self._options.every and not last):
            return b"", None
        growth = self._agent.memory.growth(self._clock)
        frame = step.percept.frame
        # The memory's own clock counts what its process has seen; a recording tells of the episode alone.
        told = replace(growth, clock=step.index + 1)
        places = self._agent.memory.places()
        other = None if places == self._places else places
        content, dtypes, images = pack_step(step.observation, seen, frame, told, other)
        self._clock, self._places = growth.clock, places
        return content, FrameEntry(self._frames.next_offset, len(content), dtypes, images, frame.camera)

    def _give_up(self) -> None:
        """Closes what is open as it is."""
        lines, frames, self._lines, self._frames = self._lines, self._frames, None, None
        for file in (frames, lines):
            if file is not None:
                with contextlib.suppress(OSError):
                    file.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """What the kernel refuses is the end of this recording: after half a line no other may follow."""
        try:
            yield
        except PlacecellError:
            self._give_up()
            raise
        except OSError as error:
            self._give_up()
            raise OutputError(
                expected=f"room and the right to record in {self._folder}",
                came=f"{error.strerror or error} ({error.filename or self._folder})",
                fix="make room, and give the same command again: it goes on where it stopped",
            ) from error
