"""Two runs' ``summary.json`` side by side."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

_WIDE = 110


def show_pair(left: tuple[str, Path], right: tuple[str, Path], out: Path) -> None:
    """Prints both, and keeps them as ``summary_<name>.json``.

    Args:
        left: a name, and the folder of its run.
        right: the same.
        out: where the copies go.
    """
    named = [left, right]
    for name, folder in named:
        shutil.copyfile(folder / "summary.json", out / f"summary_{name}.json")
    columns = [_figures(json.loads((folder / "summary.json").read_text())) for _, folder in named]
    table = Table("summary.json", *(name for name, _ in named))
    for figure in dict.fromkeys(name for column in columns for name in column):
        table.add_row(figure, *(column.get(figure, "") for column in columns))
    console = Console()
    Console(width=console.width if console.is_terminal else _WIDE).print(table)


def _figures(summary: Mapping[str, Any]) -> dict[str, str]:
    figures = {name: str(count) for name, count in summary["counts"].items()}
    for name, mean in summary["measures"].items():
        interval = "" if mean["low"] is None else f" [{mean['low']:.6f}, {mean['high']:.6f}]"
        figures[name] = f"{mean['mean']:.6f}{interval}, n {mean['n']}"
    return figures
