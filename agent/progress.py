"""What a person sees of a run while it goes on, and at its end."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from .results import Result, Summary, success_of

_REASONS_SHOWN = 5


class Watcher(ABC):
    """Is told of every episode that ended."""

    @abstractmethod
    def __enter__(self) -> "Watcher":
        """The run begins."""

    @abstractmethod
    def __exit__(self, *exception: object) -> None:
        """The run ended, well or not."""

    @abstractmethod
    def add(self, result: Result) -> None:
        """One more episode ended."""


class Silent(Watcher):
    """Shows nothing: for runs without a terminal."""

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def add(self, result: Result) -> None:
        """Nothing to show."""


class ProgressBar(Watcher):
    """A bar with the running success rate and SPL."""

    def __init__(self, episodes: int, console: Console) -> None:
        self._bar = Progress(
            TextColumn("episodes"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rates]}"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._bar.add_task("episodes", total=episodes, rates="")
        self._rates = RunningRates()

    def __enter__(self) -> Watcher:
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def add(self, result: Result) -> None:
        """Moves the bar by one and brings the rates up to date."""
        self._rates.add(result)
        self._bar.update(self._task, advance=1, rates=str(self._rates))


class RunningRates:
    """Success rate and SPL so far, over the episodes that are done; the others are counted beside them.

    In the streets it is the task completion alone.
    """

    def __init__(self) -> None:
        self._done, self._lost, self._success, self._spl = 0, 0, 0.0, 0.0
        self._streets = False

    def add(self, result: Result) -> None:
        """Takes one episode into the rates."""
        if result.status != "done":
            self._lost += 1
            return
        self._done += 1
        self._success += success_of(result.measures) or 0.0
        self._streets = self._streets or "task_completion" in result.measures
        self._spl += result.measures.get("spl", 0.0)

    def __str__(self) -> str:
        n = max(self._done, 1)
        lost = f", {self._lost} not done" if self._lost else ""
        if self._streets:
            return f"TC {self._success / n:.2f}{lost}"
        return f"SR {self._success / n:.2f}, SPL {self._spl / n:.2f}{lost}"


def watcher(episodes: int, *, wanted: bool) -> Watcher:
    """A progress bar on stderr where it is wanted and a terminal is there, else :class:`Silent`."""
    console = Console(stderr=True)
    return ProgressBar(episodes, console) if wanted and console.is_terminal else Silent()


def table(summary: Summary) -> Table:
    """The closing table: each measure's mean, 95 % interval and count; below, denominators and failures."""
    result = Table(caption=Text("\n".join(_caption(summary))), caption_justify="left")
    result.add_column("measure")
    for column in ("mean", f"95 % interval (by {summary.clusters})", "episodes"):
        result.add_column(column, justify="right")
    for name, mean in summary.measures.items():
        interval = "-" if mean.low is None else f"{mean.low:.3f} to {mean.high:.3f}"
        result.add_row(Text(name), f"{mean.mean:.3f}", interval, str(mean.n))
    return result


def _caption(summary: Summary) -> Iterator[str]:
    """Denominators and oracle inputs; failures; why episodes were not done."""
    counts = dict(summary.counts)
    wanted, attempted = counts.pop("wanted", None), counts.pop("attempted")
    of = "" if wanted is None else f" of {wanted}"
    denominators = [f"{attempted}{of} attempted"]
    denominators += [f"{n} {status.replace('_', ' ')}" for status, n in counts.items() if n]
    oracle = f"; oracle inputs: {', '.join(summary.oracle)}" if summary.oracle else ""
    yield ", ".join(denominators) + oracle
    if summary.failures:
        yield f"failures: {', '.join(f'{n} {failure}' for failure, n in summary.failures.items())}"
    for reason, n in list(summary.reasons.items())[:_REASONS_SHOWN]:
        yield f"{n} {reason}"
    if len(summary.reasons) > _REASONS_SHOWN:
        yield f"{sum(list(summary.reasons.values())[_REASONS_SHOWN:])} for other reasons (summary.json)"
