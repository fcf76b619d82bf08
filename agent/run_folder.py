"""A run's folder: who may write into it, what lies where, and how far it has got."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from omegaconf import OmegaConf

from placecell.arrays import atomic_write
from placecell.errors import OutputError

from .results import RESULTS_FILE, Result, Status, Summary, read_results
from .resume import CONFIG_FILE, require_same_config, require_same_world, torn_tail

LAYOUT = 2
EPISODES, TOURS = "episodes", "tours"
_FILES = (RESULTS_FILE, CONFIG_FILE, "provenance.json", "summary.json")


def episode_folder(out: Path, episode: int, episode_id: str) -> Path:
    """Where an episode's files go: ``episodes/<index>-<id>``, whatever else was walked before.

    >>> episode_folder(Path("run"), 3, "../a:b").name
    '00003-..%2Fa%3Ab'
    """
    return out / EPISODES / f"{episode:05d}-{quote(episode_id, safe=' ,=+')}"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what an operating system says of a full or forbidden disk into one line.

    Raises:
        OutputError: ``path`` cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(
            expected=f"an output folder that can be written: {path}",
            came=f"{error.strerror or error} ({error.filename or path})",
            fix="make room, or grant the right to write there, and run the same command again: what is "
            "recorded is kept; or name another folder: out=DIR",
        ) from error


class RunFolder:
    """Writes one run's files, as the only process that does, and knows what is there already.

    A line of ``results.jsonl`` is there once its episode is complete, not before. Nothing is written before
    :meth:`begin`.

    Args:
        path: the folder; it is made where it is missing.
        config: what ``config.yaml`` shall say.

    Raises:
        OutputError: another process is writing into it; or it holds a run with another configuration (the
            keys that differ are named), of another version, or one whose files cannot be read.
    """

    def __init__(self, path: Path, config: Mapping[str, object]) -> None:
        self.path, self._config = path, OmegaConf.to_yaml(OmegaConf.create(dict(config)))
        self._lock: int | None = None
        self._provenance: dict[str, Any] | None = None
        self.statuses: dict[int, Status] = {}  # not whole results: a run may have a hundred thousand
        self.torn = ""
        if (path / RESULTS_FILE).exists():
            self._acquire()
            try:
                self._take_over()
            except BaseException:
                self.close()
                raise
        elif (path / CONFIG_FILE).exists():  # of a run killed as it began, or somebody else's
            require_same_config(path, self._config)

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets others write into it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def begin(self, provenance: Mapping[str, Any]) -> None:
        """The run begins, or goes on: ``config.yaml`` and ``provenance.json`` (``sessions``: one each time).

        Raises:
            OutputError: the folder cannot be written, or its results come from other data.
        """
        session = {name: provenance[name] for name in ("started", "command", "commit", "modified")}
        session["episodes_before"] = len(self.statuses)
        if self._provenance is None:
            with writing(self.path):
                (self.path / EPISODES).mkdir(parents=True, exist_ok=True)
                self._acquire()
                if (self.path / RESULTS_FILE).exists():
                    raise FileExistsError(17, "another run has begun there", str(self.path))
                atomic_write(self.path / CONFIG_FILE, self._config)
            document: dict[str, Any] = {"layout": LAYOUT, **provenance, "sessions": []}
        else:
            require_same_world(self._provenance, provenance, self.path)
            document = dict(self._provenance)
        document["sessions"] = [*document.get("sessions", []), session]
        with writing(self.path):
            (self.path / EPISODES).mkdir(exist_ok=True)
            atomic_write(self.path / "provenance.json", json.dumps(document, indent=2) + "\n")
            (self.path / RESULTS_FILE).touch()  # last: from now on there is a run to go on with
        self._provenance = document

    def append(self, result: Result) -> None:
        """One line more, whole or not at all.

        Raises:
            OutputError: it cannot be written; the file is as it was before.
        """
        line = result.to_line().encode()
        with writing(self.path):
            file = os.open(self.path / RESULTS_FILE, os.O_WRONLY | os.O_APPEND)
            try:
                before = os.fstat(file).st_size
                if os.write(file, line) < len(line):
                    os.ftruncate(file, before)
                    raise OSError(28, "No space left on device", str(self.path / RESULTS_FILE))
                os.fsync(file)
            finally:
                os.close(file)
        self.statuses[result.episode] = result.status

    def sort(self) -> None:
        """The lines in the order of the dataset, as a complete run leaves them, whoever finished first."""
        if list(self.statuses) != sorted(self.statuses):
            lines = "".join(result.to_line() for result in self.results())
            with writing(self.path):
                atomic_write(self.path / RESULTS_FILE, lines)
            self.statuses = dict(sorted(self.statuses.items()))

    def results(self) -> list[Result]:
        """What is done so far, read from the file, in the order of the dataset."""
        return sorted(read_results(self.path), key=lambda result: result.episode)

    def write_summary(self, summary: Summary) -> None:
        """``summary.json``."""
        with writing(self.path):
            atomic_write(self.path / "summary.json", summary.to_json())

    def _take_over(self) -> None:
        self._provenance = _read_provenance(self.path)
        require_same_config(self.path, self._config)
        self.torn = torn_tail(self.path / RESULTS_FILE)
        if self.torn:
            with writing(self.path):
                size = (self.path / RESULTS_FILE).stat().st_size
                os.truncate(
                    self.path / RESULTS_FILE, size - len(self.torn.encode("utf-8", "surrogateescape"))
                )
        for left in self.path.glob(".*.*"):  # what a kill leaves of a file that was being written
            if left.is_file() and left.name[1:].rpartition(".")[0] in _FILES:
                left.unlink()
        self.statuses = {result.episode: result.status for result in read_results(self.path)}

    def _acquire(self) -> None:
        """Locks the folder itself: the lock is gone with the process, however that ends."""
        if self._lock is not None:
            return
        self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.close()
            raise OutputError(
                expected=f"a folder that no other process is writing into: {self.path}",
                came="one that a run under way holds",
                fix="wait until that run has ended, or name another folder: out=DIR",
            ) from error


def _read_provenance(folder: Path) -> dict[str, Any]:
    path = folder / "provenance.json"
    came = None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict):
            came = type(document).__name__
        elif document.get("layout") != LAYOUT:
            came = f"layout {document.get('layout', 1)}"
        elif not isinstance(document.get("sessions"), list):
            came = "no list of sessions"
        else:
            return document
    except (OSError, ValueError) as error:
        came = f"{type(error).__name__}: {error}"
    raise OutputError(
        expected=f"a run of layout {LAYOUT} to go on with in {path}",
        came=str(came),
        fix="go on with the version of placecell that wrote it, or name another folder: out=DIR",
    )
