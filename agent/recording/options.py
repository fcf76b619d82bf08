"""How much of an episode is recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, get_args

from placecell.errors import ConfigError

Level = Literal["off", "light", "full"]
LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True)
class RecordOptions:
    """How much is kept of every episode.

    Args:
        level: ``off`` nothing; ``light`` a line a step, without images; ``full`` also every array of the
            observation, bit for bit, and what the memory's map became.
        every: ``full`` keeps those arrays of every so-manieth step, and of the last one. Lines are kept of
            all steps.

    Raises:
        ConfigError: another level, or an ``every`` that is no whole number of 1 or more.
    """

    level: str = "light"
    every: int = 1

    def __post_init__(self) -> None:
        _require(self.level, self.every)

    @classmethod
    def of(cls, mapping: Mapping[str, object]) -> "RecordOptions":
        """The options of a configuration's ``record``.

        Raises:
            ConfigError: a key that there is none of, or a value as above.
        """
        known = [field.name for field in fields(cls)]
        odd = [str(key) for key in mapping if key not in known]
        if odd:
            raise ConfigError(
                expected=f"the keys of record: {', '.join(known)}",
                came=", ".join(f"record.{key}" for key in odd),
                fix="take it out, or correct its spelling",
            )
        _require(mapping.get("level", cls.level), mapping.get("every", cls.every))
        return cls(**mapping)  # type: ignore[arg-type]


def _require(level: object, every: object) -> None:
    if level not in LEVELS:
        raise ConfigError(
            expected=f"record.level of {', '.join(LEVELS)}",
            came=repr(level),
            fix="set record=off, record=light or record=full",
        )
    if type(every) is not int or every < 1:
        raise ConfigError(
            expected="record.every of 1 or more whole steps",
            came=repr(every),
            fix="set record.every=1 for every step",
        )
