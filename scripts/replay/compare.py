"""Two runs beside each other: paired differences, and the episodes that make them."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .reading import console, open_run, write_files

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from placecell.agent.comparison import Comparison, Side
    from placecell.agent.gains import Change
    from placecell.agent.stored_run import StoredRun

HELP = "what one run gained over another on the same episodes, with intervals"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the runs, the measure, and where to write."""
    parser.add_argument("run_a", metavar="RUN_A", type=Path, help="the folder of the run under test")
    parser.add_argument("run_b", metavar="RUN_B", type=Path, help="the folder of its control")
    parser.add_argument(
        "--measure",
        help="what gains and losses are in; spl (of streets task_completion), if not named",
    )
    parser.add_argument(
        "--partial",
        action="store_true",
        help="compare runs that are not at their end, over the episodes that both have",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the numbers go, as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Shows the comparison, and writes it where that is asked for."""
    from placecell.agent.comparison import compare_runs

    a, b = open_run(arguments.run_a), open_run(arguments.run_b)
    comparison = compare_runs(a, b, measure=arguments.measure, partial=arguments.partial)
    shown = console()
    for part in _parts(comparison, a, b):
        shown.print(part)
    if arguments.out is not None:
        write_files(arguments.out.parent, {arguments.out.name: comparison.to_json()})
        print(f"numbers in {arguments.out}")
    return 0


def _parts(comparison: "Comparison", a: "StoredRun", b: "StoredRun") -> "Iterator[RenderableType]":
    from rich.text import Text

    yield Text(_side("A", comparison.a))
    yield Text(_side("B", comparison.b))
    for warning in comparison.warnings:
        yield Text(f"warning: {warning}", style="bold")
    if comparison.differs:
        title = "what differs in configuration, code and data"
        yield _table(title, ["key", "A", "B"], [[k, *both] for k, both in comparison.differs.items()])
    if comparison.rows:
        yield _differences(comparison)
    changes = comparison.gains
    counts = f"better in A {changes.better}, worse {changes.worse}, equal {changes.equal}"
    yield Text(f"{changes.measure} by episode: {counts}")
    for title, found in (("largest gains of A", changes.gains), ("largest losses of A", changes.losses)):
        if found:
            yield _changes(f"{title}: {changes.measure}", found, (a, b))


def _side(name: str, side: "Side") -> str:
    of = "" if side.wanted is None else f" of {side.wanted}"
    oracle = ", ".join(side.oracle) or "none"
    return f"{name}: {side.folder}: {side.attempted}{of} episodes, {side.done} done, oracle inputs: {oracle}"


def _differences(comparison: "Comparison") -> "Table":
    clusters = {got.clusters for measured in comparison.rows.values() for got in measured.values()}
    several = len(clusters) > 1
    rows = []
    for stratum, measured in comparison.rows.items():
        for measure, got in measured.items():
            interval = "-" if got.low is None else f"{got.low:+.3f} to {got.high:+.3f}"
            why = ", ".join(f"{n} {reason}" for reason, n in got.why.items()) or "0"
            by = f"{interval} (by {got.clusters})" if several else interval
            means = [f"{got.mean_a:.3f}", f"{got.mean_b:.3f}", f"{got.mean:+.3f}"]
            rows.append([stratum, measure, *means, by, str(got.pairs), str(got.houses), why])
    interval = "95 % interval" if several else f"95 % interval (by {', '.join(clusters)})"
    return _table(
        "",
        ["episodes", "measure", "mean of A", "mean of B", "A - B", interval, "pairs", "scenes", "left out"],
        rows,
    )


def _changes(title: str, changes: "Sequence[Change]", runs: "Sequence[StoredRun]") -> "Table":
    rows = []
    for change in changes:
        kept = any(run.folder_of(change.episode, change.episode_id) for run in runs)
        values = [f"{change.a:.3f}", f"{change.b:.3f}", f"{change.difference:+.3f}"]
        failures = [change.failure_a or "-", change.failure_b or "-"]
        folder = change.folder if kept else "not recorded"
        rows.append([change.episode_id, change.scene_id, *values, *failures, folder])
    head = ["episode", "scene", "A", "B", "A - B", "failure in A", "failure in B", "folder"]
    return _table(title, head, rows)


def _table(title: str, head: "Sequence[str]", rows: "Sequence[Sequence[str]]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title) if title else None, title_justify="left")
    for name in head:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
