"""What a worker tells its supervisor, through a pipe that survives a worker killed in mid-sentence."""

import os
import pickle
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection

from .plan import WorldFacts
from .results import Result, Start, Tag

_LENGTH = struct.Struct("<Q")
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Ready:
    """Environment and agent are built."""

    facts: WorldFacts


@dataclass(frozen=True)
class Began:
    """An episode's world is ready, and says what it is."""

    episode: int
    episode_id: str
    scene_id: str
    tags: Mapping[str, Tag]
    start: Start | None = None


@dataclass(frozen=True)
class Ended:
    """An episode is over and its folder complete."""

    result: Result


@dataclass(frozen=True)
class LegDone:
    """All of a leg's pending episodes are over."""


@dataclass(frozen=True)
class Spent:
    """The process holds more memory than an episode may find there: another one shall go on."""


@dataclass(frozen=True)
class Refused:
    """A :class:`~placecell.errors.PlacecellError`, taken apart."""

    kind: str
    expected: str
    came: str
    fix: str


@dataclass(frozen=True)
class Broke:
    """Any other exception, as a traceback."""

    trace: str


Message = Ready | Began | Ended | LegDone | Spent | Refused | Broke


class Outbox:
    """The worker's end.

    Args:
        pipe: its writing end.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def send(self, message: Message) -> None:
        """Sends a message whole, waiting where the pipe is full.

        Raises:
            BrokenPipeError: nobody reads any more.
        """
        body = pickle.dumps(message)
        rest = memoryview(_LENGTH.pack(len(body)) + body)
        while rest:
            rest = rest[os.write(self._pipe.fileno(), rest) :]


class Inbox:
    """The supervisor's end: it never waits, not even for the rest of a message.

    Args:
        pipe: its reading end.
    """

    def __init__(self, pipe: Connection) -> None:
        os.set_blocking(pipe.fileno(), False)
        self._pipe, self._bytes = pipe, bytearray()
        self.open = True

    def drain(self) -> Iterator[Message]:
        """The messages that are complete by now, in order."""
        self._read()
        while len(self._bytes) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._bytes)[0]
            if len(self._bytes) < end:
                return
            body = bytes(self._bytes[_LENGTH.size : end])
            del self._bytes[:end]
            yield pickle.loads(body)

    def _read(self) -> None:
        while self.open:
            try:
                chunk = os.read(self._pipe.fileno(), _CHUNK)
            except BlockingIOError:
                return
            self._bytes += chunk
            self.open = bool(chunk)
