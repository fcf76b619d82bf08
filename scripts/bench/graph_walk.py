"""The runs of the graphs' tables: walked one after the other, and gone on with after a kill."""

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from placecell.agent.results import RESULTS_FILE, Mean, Result, mean_of, read_results
from placecell.errors import OutputError

from .graph_cases import GraphCase

Command = Callable[[Sequence[str]], int]
_COMMON = ("record=off", "workers=0", "progress=false")
_ENDED, _INTERRUPTED = (0, 1), 130


@dataclass(frozen=True)
class Walked:
    """What a case came to.

    Args:
        case: which.
        results: of all its seeds.
        refused: why it did not run; None where it did.
    """

    case: GraphCase
    results: tuple[Result, ...] = ()
    refused: str | None = None

    @property
    def done(self) -> int:
        """How many episodes were done, of all seeds."""
        return sum(result.status == "done" for result in self.results)

    @property
    def clusters(self) -> str:
        """What is drawn together for the intervals: scans, or within one scan or city routes."""
        return "scene" if self.case.world == "r2r" else "path"

    def mean(self, measure: str) -> Mean | None:
        """Over all seeds, a cluster's seeds drawn with it; None where no episode has it."""
        return mean_of(measure, self.results, clusters=self.clusters)

    @property
    def steps(self) -> float:
        """Actions an episode."""
        return sum(result.steps for result in self.results) / max(len(self.results), 1)


def walk(
    case: GraphCase, out: Path, command: Command, *, episodes: int | None, tell: Callable[[str], None]
) -> Walked:
    """Walks what is missing of a case's runs in ``out/runs``.

    Args:
        case: which.
        out: the suite's folder.
        command: ``placecell-run`` within this process.
        episodes: of each run; None: all.
        tell: is told a line a case.

    Raises:
        KeyboardInterrupt: the user's, once the run under way has kept what is done.
        OutputError: results that cannot be read.
    """
    if case.missing:
        return Walked(case, refused=case.missing)
    results: list[Result] = []
    for seed in case.seeds:
        folder = out / "runs" / f"{case.name}-{seed}"
        many = "null" if episodes is None else str(episodes)
        arguments = [*case.overrides, *_COMMON, f"episodes={many}", f"seed={seed}", f"out={folder}"]
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            code = command(arguments)
        if code == _INTERRUPTED:
            raise KeyboardInterrupt
        if code not in _ENDED or not (folder / RESULTS_FILE).exists():
            lines = printed.getvalue().strip().splitlines()
            walked = Walked(case, refused=lines[-1] if lines else f"exit code {code}")
            tell(f"{case.name}: not run: {walked.refused}")
            return walked
        results += read_results(folder)
    walked = Walked(case, tuple(results))
    first = "task_completion" if case.world == "streets" else "success"
    mean = walked.mean(first)
    tell(
        f"{case.name}: {walked.done} of {len(results)} episodes done, {first} {mean.mean if mean else 0:.3f}"
    )
    return walked


def there(case: GraphCase, out: Path) -> Walked:
    """What there is of a case, without walking."""
    if case.missing:
        return Walked(case, refused=case.missing)
    folders = [out / "runs" / f"{case.name}-{seed}" for seed in case.seeds]
    missing = [folder for folder in folders if not (folder / RESULTS_FILE).exists()]
    if missing:
        return Walked(case, refused="not walked yet")
    try:
        found = tuple(result for folder in folders for result in read_results(folder))
    except OutputError as error:
        return Walked(case, refused=str(error))
    return Walked(case, found)
