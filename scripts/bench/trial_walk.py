"""The trial's runs: walked one after the other within a budget of CPU time, and gone on with after a kill."""

import contextlib
import gc
import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from placecell.agent.results import RESULTS_FILE, Result, read_results
from placecell.arrays import atomic_write
from placecell.errors import OutputError

from .trial_cases import Case

Command = Callable[[Sequence[str]], int]
RUNS = "runs"
_PLAN, _COST = "plan.json", "cpu.json"
_ENDED, _INTERRUPTED = (0, 1), 130


@dataclass(frozen=True)
class Cell:
    """One condition with one seed of starts: one run."""

    case: Case
    seed: int

    @property
    def name(self) -> str:
        """Of its folder, as ``placecell-replay seeds`` wants it."""
        return f"{self.case.name}-{self.seed}"


@dataclass(frozen=True)
class Walked:
    """What there is of a cell.

    Args:
        results: its episodes.
        cpu_s: seconds of CPU time that they took.
        wanted: how many episodes it has when it is at its end.
    """

    results: tuple[Result, ...]
    cpu_s: float
    wanted: int

    @property
    def complete(self) -> bool:
        """Whether it is at its end."""
        return len(self.results) == self.wanted


@dataclass
class Trial:
    """All runs of a trial, in a folder.

    Args:
        folder: of the trial; the runs lie in its ``runs``.
        world: overrides that all runs share, the houses' number and the episodes' excepted.
        episodes: of each run.
        cells: in the order in which they are walked.
        budget_s: CPU time that no cell is begun beyond, what was spent before a kill included.
        command: ``placecell-run`` within this process, so that its CPU time is this process's.
        tell: is told a line a cell.

    Raises:
        OutputError: the folder holds another trial.
    """

    folder: Path
    world: tuple[str, ...]
    episodes: int
    cells: tuple[Cell, ...]
    budget_s: float
    command: Command
    tell: Callable[[str], None]
    refused: dict[str, str] = field(default_factory=dict)
    stopped: Cell | None = None
    _ended: dict[Cell, Walked] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plan = {"world": list(self.world), "episodes": self.episodes}
        path = self.folder / _PLAN
        if path.exists():
            there = _read_json(path)
            if there != plan:
                raise OutputError(
                    expected=f"a folder without a trial, or with this one: {json.dumps(plan)}",
                    came=f"{json.dumps(there)} in {path}",
                    fix="go on with the options that it was begun with, or name another folder: --out DIR",
                )
            return
        (self.folder / RUNS).mkdir(parents=True, exist_ok=True)
        atomic_write(path, json.dumps(plan) + "\n")

    def folder_of(self, cell: Cell) -> Path:
        """Where a cell's run lies."""
        return self.folder / RUNS / cell.name

    def walked(self, cell: Cell) -> Walked:
        """What there is of a cell by now.

        Raises:
            OutputError: its files cannot be read.
        """
        if cell in self._ended:
            return self._ended[cell]
        walked = self._read(self.folder_of(cell))
        if walked.complete:
            self._ended[cell] = walked
        return walked

    @property
    def spent_s(self) -> float:
        """CPU time of all that lies there, walked now or before, asked for this time or not."""
        known = {self.folder_of(cell): walked.cpu_s for cell, walked in self._ended.items()}
        folders = sorted(path for path in (self.folder / RUNS).iterdir() if path.is_dir())
        return sum(known[path] if path in known else self._read(path).cpu_s for path in folders)

    def _read(self, folder: Path) -> Walked:
        results = read_results(folder, torn="leave") if (folder / RESULTS_FILE).exists() else ()
        cost = _read_json(folder / _COST) if (folder / _COST).exists() else {}
        known_s, of = float(cost.get("cpu_s", 0)), int(cost.get("episodes", 0))
        # Nobody could say the CPU time of what a kill ended: there the episodes' own clocks count.
        cpu_s = known_s + sum(result.seconds for result in results[of:])
        return Walked(results, cpu_s, self.episodes)

    def walk(self) -> None:
        """Walks what is missing, until all is there or the next cell would not fit.

        Raises:
            KeyboardInterrupt: the user's, once the run under way has kept what is done.
        """
        spent_s = self.spent_s
        for number, cell in enumerate(self.cells, 1):
            if self.walked(cell).complete or cell.case.name in self.refused:
                continue
            if spent_s + self.expected_s(cell) > self.budget_s:
                self.stopped = cell
                self.tell(f"{cell.name} and what comes after it do not fit: {_minutes(spent_s)} are spent")
                return
            before_s = self.walked(cell).cpu_s
            self._walk(cell)
            spent_s += self.walked(cell).cpu_s - before_s
            self._tell(number, cell, spent_s)

    def expected_s(self, cell: Cell) -> float:
        """What is missing of a cell will take so long: as its other seeds, else as the dearest other case."""
        taken: dict[Case, list[float]] = {}
        for other in self.cells:
            if (walked := self.walked(other)).complete:
                taken.setdefault(other.case, []).append(walked.cpu_s)
        # The median, for whatever comes first may have to be compiled.
        usual = {case: median(times) for case, times in taken.items()}
        alike = [time_s for case, time_s in usual.items() if case.noise == cell.case.noise]
        whole_s = usual.get(cell.case, max(alike or usual.values(), default=0.0))
        return whole_s * (1 - len(self.walked(cell).results) / self.episodes)

    def _walk(self, cell: Cell) -> None:
        folder, before = self.folder_of(cell), self.walked(cell)
        arguments = [*self.world, *cell.case.overrides, f"episodes={self.episodes}", f"seed={cell.seed}"]
        printed = io.StringIO()
        began_s = time.process_time()
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                code = self.command([*arguments, f"out={folder}"])
        finally:
            gc.collect()  # a run's world and memory are not the next one's burden
            if (folder / RESULTS_FILE).exists():
                now = read_results(folder, torn="leave")
                cost = {"cpu_s": before.cpu_s + time.process_time() - began_s, "episodes": len(now)}
                atomic_write(folder / _COST, json.dumps(cost) + "\n")
        if code == _INTERRUPTED:
            raise KeyboardInterrupt
        if code not in _ENDED:
            lines = printed.getvalue().strip().splitlines()
            self.refused[cell.case.name] = lines[-1] if lines else f"exit code {code}"

    def _tell(self, number: int, cell: Cell, spent_s: float) -> None:
        of_all = f"[{number}/{len(self.cells)}] {cell.name}"
        if cell.case.name in self.refused:
            self.tell(f"{of_all}: not run: {self.refused[cell.case.name]}")
            return
        walked = self.walked(cell)
        done = [result for result in walked.results if result.status == "done"]
        spl = sum(result.measures.get("spl", 0.0) for result in done) / max(len(done), 1)
        self.tell(
            f"{of_all}: {len(done)} of {walked.wanted} episodes done, SPL {spl:.3f}, {walked.cpu_s:.1f} s; "
            f"{_minutes(spent_s)} of {_minutes(self.budget_s)}"
        )


def cells_of(cases: Sequence[Case], seeds: Sequence[int]) -> tuple[Cell, ...]:
    """The first cases with every seed, a seed after the other; then the others likewise."""
    return tuple(
        Cell(case, seed) for first in (True, False) for seed in seeds for case in cases if case.first is first
    )


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OutputError(
            expected=f"what the trial wrote down in {path}",
            came=f"{type(error).__name__}: {error}",
            fix="remove that file and its folder's run",
        ) from error


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} CPU minutes"
