"""``placecell-bench trial``: what each part of the memory is worth, and what it costs, on tours.

A fixed list of conditions is walked with each seed of starts, within a budget of CPU time; killed, it goes on
where it was. ``trial.md`` and ``trial.json`` hold the tables, ``spl_by_bytes.png`` the plot.
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from placecell.errors import ConfigError

from .row import Row

if TYPE_CHECKING:
    from .trial_numbers import CaseNumbers, Numbers, PairNumbers
    from .trial_walk import Trial

SUITE_HELP = "tours with each arm, each part switched off, simple memories and caps: SPL with intervals"

_SEEDS = (21, 22, 23, 24, 25)
_HOUSES, _VISITS, _MINUTES = 6, 6, 120.0
_QUICK_HOUSES, _QUICK_VISITS, _QUICK_MINUTES = 2, 3, 0.7
_QUICK_CASES = ("warm", "cold", "no_octree")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this suite."""
    parser.add_argument(
        "--cpu-minutes", type=float, metavar="M", help=f"no run is begun beyond (default {_MINUTES:g})"
    )
    parser.add_argument(
        "--seeds", type=_seeds, default=_SEEDS, metavar="A,B", help="of the starts (default 21,...,25)"
    )
    parser.add_argument("--houses", type=int, metavar="N", help=f"tours of a run (default {_HOUSES})")
    parser.add_argument(
        "--split", choices=("test", "val", "train"), help="of the houses (default test; --quick: val)"
    )
    parser.add_argument("--only", type=_names, metavar="A,B", help="conditions (default: all)")
    parser.add_argument("--tables", action="store_true", help="of what there is by now; nothing is walked")


def run(args: argparse.Namespace) -> list[Row]:
    """Walks what is missing, and writes what there is.

    Raises:
        ConfigError: an unknown condition, no houses, no budget.
        OutputError: the folder holds another trial, or a run of it cannot be read.
    """
    from ..run import main
    from .trial_numbers import numbers
    from .trial_walk import Trial, cells_of

    houses = _or(args.houses, _QUICK_HOUSES if args.quick else _HOUSES)
    minutes = _or(args.cpu_minutes, _QUICK_MINUTES if args.quick else _MINUTES)
    _require(houses >= 1, "--houses of 1 or more", houses)
    _require(minutes > 0 and math.isfinite(minutes), "--cpu-minutes above 0", minutes)
    visits = _QUICK_VISITS if args.quick else _VISITS
    split = args.split or ("val" if args.quick else "test")
    cells = cells_of(_cases(args), args.seeds[:1] if args.quick else args.seeds)
    trial = Trial(
        args.out, world(split, visits), houses * visits, cells, minutes * 60, main, partial(print, flush=True)
    )
    if not args.tables:
        trial.walk()
    found = numbers(trial)
    write(found, trial)
    return rows_of(found, trial)


def world(split: str, visits: int) -> tuple[str, ...]:
    """What all runs share."""
    return (
        "env=houses",
        f"env.split={split}",
        "task=tour",
        f"task.goals={visits}",
        "agent=modular",
        "perception=oracle",
        "record=off",
        "workers=0",
        "progress=false",
    )


def write(found: "Numbers", trial: "Trial") -> None:
    """``trial.md``, ``trial.json``, and ``spl_by_bytes.png`` where there is something to draw."""
    from placecell.arrays import atomic_write

    from .trial_plot import picture
    from .trial_tables import markdown

    atomic_write(trial.folder / "trial.md", markdown(found, trial, commits(trial)))
    runs = {
        cell.name: {"cpu_s": walked.cpu_s, "episodes": len(walked.results), "wanted": walked.wanted}
        for cell in trial.cells
        if (walked := trial.walked(cell)).results
    }
    document = {
        "world": trial.world,
        "episodes": trial.episodes,
        "budget_s": trial.budget_s,
        "spent_s": trial.spent_s,
        "commits": commits(trial),
        "runs": runs,
        **asdict(found),
    }
    atomic_write(trial.folder / "trial.json", json.dumps(_plain(document), indent=1, allow_nan=False) + "\n")
    if (png := picture(found)) is not None:
        atomic_write(trial.folder / "spl_by_bytes.png", png)


def commits(trial: "Trial") -> list[str]:
    """What made the runs, as far as they say: a commit each, ``modified`` where the tree was."""
    found: dict[str, None] = {}
    for cell in trial.cells:
        path = trial.folder_of(cell) / "provenance.json"
        if path.exists():
            said = json.loads(path.read_text(encoding="utf-8"))
            commit = str(said["commit"])[:12] if said.get("commit") else "an unknown commit"
            found[commit + " (modified)" * bool(said.get("modified"))] = None
    return list(found)


def rows_of(found: "Numbers", trial: "Trial") -> list[Row]:
    """A row a condition, one a difference, and what was spent."""
    pairs = {(row.pair.a, row.pair.b): row for table in found.pairs.values() for row in table}
    ended = sum(trial.walked(cell).complete for cell in trial.cells)
    spent, budget = trial.spent_s / 60, trial.budget_s / 60
    return [
        *(_case_row(row) for row in found.cases),
        *(_pair_row(row) for row in pairs.values()),
        Row("runs", ended, f"of {len(trial.cells)}"),
        Row("cpu_time", spent, "min", target=f"<= {budget:g}", passed=spent <= budget),
    ]


def _case_row(row: "CaseNumbers") -> Row:
    if row.spl is None:
        return Row(f"spl_{row.case.name}", math.nan, "not run")
    return Row(f"spl_{row.case.name}", row.spl.mean, _unit(row.spl.low, row.spl.high, len(row.seeds)))


def _pair_row(row: "PairNumbers") -> Row:
    name = f"{row.pair.a}_minus_{row.pair.b}"
    if row.spl is None or "all" not in row.spl:
        return Row(name, math.nan, "not run")
    got = row.spl["all"]
    return Row(name, got.mean, _unit(got.low, got.high, len(row.seeds), "+"))


def _unit(low: float | None, high: float | None, seeds: int, sign: str = "") -> str:
    interval = "" if low is None or high is None else f" [{low:{sign}.3f}, {high:{sign}.3f}]"
    return f"SPL{interval}, {seeds} seed{'s' * (seeds > 1)}"


def _plain(value: Any) -> Any:
    """The same, with null for what is not finite, as JSON has no number for it."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cases(args: argparse.Namespace) -> "tuple[Any, ...]":
    from .trial_cases import cases

    known = {case.name: case for case in cases()}
    wanted = args.only or (_QUICK_CASES if args.quick else tuple(known))
    for name in wanted:
        _require(name in known, f"conditions among {', '.join(known)}", name)
    return tuple(case for name, case in known.items() if name in wanted)


def _seeds(text: str) -> tuple[int, ...]:
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or min(found) < 0 or len(set(found)) < len(found):
        raise ConfigError(
            expected="different seeds of 0 or more, with commas", came=text, fix="say --seeds 21,22"
        )
    return found


def _names(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _require(holds: bool, expected: str, came: Sequence[Any] | float | str) -> None:
    if not holds:
        raise ConfigError(expected=expected, came=str(came), fix="see placecell-bench trial --help")
