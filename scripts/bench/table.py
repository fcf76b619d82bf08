"""A suite's rows as a table."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from .row import Row

_WIDE = 140


def show(rows: Sequence[Row]) -> None:
    """Prints the rows, the targets that are missed in red."""
    table = Table()
    for column in ("row", "value", "unit", "peer", "peer's value", "ratio", "target", "met"):
        number = column in ("value", "peer's value", "ratio")
        table.add_column(column, justify="right" if number else "left", no_wrap=column == "row")
    for row in rows:
        met = {None: "", True: "yes", False: "[red]no[/red]"}[row.passed]
        ratio = "delegates" if row.delegates else _number(row.ratio)
        peer = row.peer or ""
        table.add_row(
            row.name,
            _number(row.value),
            row.unit,
            peer,
            _number(row.peer_value),
            ratio,
            row.target or "",
            met,
        )
    console = Console()
    # A file or a pipe has no width: names are not cut there.
    Console(width=console.width if console.is_terminal else _WIDE).print(table)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
