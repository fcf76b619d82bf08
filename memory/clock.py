"""A memory's clock: it counts on where an episode starts from 0 again."""

from collections.abc import Mapping
from typing import Literal

from placecell.errors import ArchiveError, ConfigError

from .archive import damaged

Start = Literal["cold", "warm"]


class Clock:
    """Steps over all episodes since the memory was last emptied, so that ages stay true in a warm episode.

    ``now`` is the latest step that was taken in, -1 before the first; ``episode_start`` is the clock's step
    at which the episode under way counts 0.
    """

    def __init__(self) -> None:
        self.episode_start, self.now = 0, -1

    def begin_episode(self, start: Start) -> bool:
        """Starts again (``"cold"``) or counts on (``"warm"``); whether the memory has to be emptied.

        Raises:
            ConfigError: a start that is neither.
        """
        if start == "cold":
            self.episode_start, self.now = 0, -1
        elif start == "warm":
            self.episode_start = self.now + 1
        else:
            raise ConfigError(
                expected="a start of 'cold' or 'warm'", came=repr(start), fix="pass one of the two"
            )
        return start == "cold"

    def at(self, step: int) -> int:
        """The clock's step for a frame's step in the episode under way."""
        return self.episode_start + step

    def tick(self, step: int) -> None:
        """Notes that the frame of this step of the episode was taken in."""
        self.now = max(self.now, self.at(step))

    def pack(self) -> dict[str, int]:
        """The manifest's entries."""
        return {"episode_start": self.episode_start, "now": self.now}

    @staticmethod
    def read(manifest: Mapping[str, object]) -> "Clock":
        """The clock of an archive's manifest.

        Raises:
            ArchiveError: a manifest without one.
        """
        clock = Clock()
        clock.episode_start, clock.now = (_whole(manifest, name) for name in ("episode_start", "now"))
        return clock


def _whole(manifest: Mapping[str, object], name: str) -> int:
    value = manifest.get(name)
    if isinstance(value, int):
        return value
    raise _no_sense(name, value)


def _no_sense(name: str, value: object) -> ArchiveError:
    return damaged("a manifest of valid settings", f"{name} {value!r}")
