"""One whole ``placecell-run``, and how long it took to start and to walk."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from placecell.agent.results import RESULTS_FILE, Result, read_results

from .launched import Launched
from .run_difference import whole_lines

_LOOK_S = 0.02


@dataclass(frozen=True)
class TimedRun:
    """How a run went, and when.

    Args:
        folder: of the run.
        results: in the order of the file.
        start_s: from the command until its first result's episode began.
        walk_s: from there until the last line was written.
        total_s: of the whole command.
    """

    folder: Path
    results: tuple[Result, ...]
    start_s: float
    walk_s: float
    total_s: float

    @property
    def busy_s(self) -> float:
        """Seconds that its episodes took by their own clocks, added up."""
        return sum(result.seconds for result in self.results)

    @property
    def episodes_per_hour(self) -> float:
        """Of the whole command, start-up included."""
        return 3600 * len(self.results) / self.total_s


def timed_run(
    arguments: Sequence[str], folder: Path, look: Callable[[Launched, int], None] = lambda run, lines: None
) -> TimedRun:
    """Carries the command out in ``folder`` and waits for its end.

    Args:
        arguments: of placecell-run, ``out`` excepted.
        folder: of the run; what it prints goes to ``<folder>.log``.
        look: is called every now and then with the run and how many lines there are.

    Raises:
        OutputError: it did not come to its end.
    """
    began, size, lines, walked_from, last = time.monotonic(), 0, 0, 0.0, 0.0
    with Launched(arguments, folder, folder.with_suffix(".log")) as run:
        while run.running:
            if (now := _size(folder / RESULTS_FILE)) != size:
                size, found = now, whole_lines(folder)
                if len(found) > lines:
                    last = time.monotonic()
                    # The first line tells when its episode was begun.
                    walked_from = walked_from or last - float(json.loads(found[0])["seconds"])
                    lines = len(found)
            look(run, lines)
            time.sleep(_LOOK_S)
        ended = time.monotonic()
        run.require_ended()
    results = read_results(folder)
    return TimedRun(folder, results, walked_from - began, last - walked_from, ended - began)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
