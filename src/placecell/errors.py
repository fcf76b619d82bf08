"""One tree of errors. Every message says what was expected, what came, and what to do."""


class PlacecellError(Exception):
    """Base of every error that placecell raises on purpose.

    The message is one line, built from three parts that a reader needs:

    >>> print(PlacecellError(expected="a positive radius", came="-1", fix="pass radius_m > 0"))
    expected a positive radius, got -1; pass radius_m > 0
    """

    def __init__(self, *, expected: str, came: str, fix: str) -> None:
        self.expected, self.came, self.fix = (_one_line(s) for s in (expected, came, fix))
        super().__init__(f"expected {self.expected}, got {self.came}; {self.fix}")


class ConfigError(PlacecellError):
    """A configuration key, choice or value that nothing reads or accepts."""


class SceneError(PlacecellError):
    """A mesh, texture or scene that cannot be walked in."""


class NavigationError(PlacecellError):
    """A point off the floor, or a goal that cannot be reached."""


class EpisodeError(PlacecellError):
    """An episode or a dataset of episodes that does not hold together."""


class EnvironmentUseError(PlacecellError):
    """An environment called in the wrong order or with an illegal action."""


class FrameError(PlacecellError):
    """A posed frame that a memory must not take in (NaN depth, a pose that is no rigid transform)."""


class ArchiveError(PlacecellError):
    """A saved memory that is truncated, foreign or of another version."""


class OutputError(PlacecellError):
    """A run's folder that cannot be written or already holds something else."""


class DataError(PlacecellError):
    """Data that should lie under ``PLACECELL_DATA`` and does not, or is damaged."""


class WorkerError(PlacecellError):
    """A process of a run that cannot do its work."""


class MissingPartError(PlacecellError):
    """An optional package or program that has to be installed first."""


def _one_line(text: str) -> str:
    return " ".join(str(text).split())
