"""A sweep's numbers as Markdown tables."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from .compare import Difference
from .failures import FAILURES
from .results import Mean
from .sweep_summary import ArmRow, JobRow, SweepSummary, TourGroup
from .tours import CONTROL

if TYPE_CHECKING:
    from rich.table import Table as RichTable

_HEADS = {
    "success": "SR", "success_1m": "objects within 1 m", "spl": "SPL", "task_completion": "TC",
    "shortest_path_distance": "SPD", "success_edit_distance": "SED",
}  # fmt: skip
NOT_RUN, NOT_READABLE = "not run", "not readable"


def markdown(summary: SweepSummary) -> str:
    """``summary.md``."""
    ran = [row for row in summary.jobs if row.attempted]
    parts = [
        "# What the sweep came to",
        "Means with 95 % intervals (bootstrap of houses, drawn whole; of episodes where there is one house).",
        _jobs(summary.jobs),
        "## Failures",
        "Of the done episodes that failed, how many in which way.",
        _failures(summary.jobs),
    ]
    if any(row.memory_bytes for row in ran):
        parts += ["## SPL against memory", _sizes(summary.jobs)]
    for group in summary.tours:
        parts += _tour_parts(group)
    crashed = [row for row in ran if row.after_crash]
    if crashed:
        lines = [f"- {row.name}: {row.after_crash} episodes" for row in crashed]
        parts += ["## Tours with a crash", "Episodes after it, whose memory lacks a visit:", "\n".join(lines)]
    damaged = [f"- {row.name}: {row.damage}" for row in summary.jobs if row.damage is not None]
    if damaged:
        parts += ["## Not readable", "\n".join(damaged)]
    return "\n\n".join(parts) + "\n"


def jobs_table(rows: Sequence[JobRow]) -> "RichTable":
    """The jobs as a table for a terminal."""
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable(
        caption="means with 95 % intervals, by scene where there are several", caption_justify="left"
    )
    head, *lines = _job_cells(rows)
    for name in head:
        table.add_column(name, overflow="fold")
    for line in lines:
        table.add_row(*(Text(cell) for cell in line))
    return table


def _jobs(rows: Sequence[JobRow]) -> str:
    head, *lines = _job_cells(rows)
    return markdown_table(head, lines)


def _job_cells(rows: Sequence[JobRow]) -> list[list[str]]:
    """The head, then a line a job."""
    shown = {name: head for name, head in _HEADS.items() if _is_shown(name, rows)}
    cells = [["job", "episodes done", "houses", *shown.values(), "oracle inputs"]]
    for row in rows:
        if not row.attempted:
            cells.append([row.name, nothing_of(row), *[""] * (len(cells[0]) - 2)])
            continue
        means = [mean_text(row.measures.get(name)) for name in shown]
        oracle = ", ".join(row.oracle) or "none"
        cells.append([row.name, done_of(row), str(row.houses), *means, oracle])
    return cells


def _is_shown(name: str, rows: Sequence[JobRow]) -> bool:
    """What a job has; SR and SPL in any case, but of streets alone, which have measures of their own."""
    if any(name in row.measures for row in rows):
        return True
    return name in ("success", "spl") and not any("task_completion" in row.measures for row in rows)


def _failures(rows: Sequence[JobRow]) -> str:
    unsorted = any(row.failures.get("unsorted") for row in rows)
    kinds = [*FAILURES, *(["unsorted"] if unsorted else [])]
    table = []
    for row in rows:
        counts = [str(row.failures.get(kind, 0)) for kind in kinds]
        failed = str(sum(row.failures.values())) if row.attempted else nothing_of(row)
        table.append([row.name, failed, *(counts if row.attempted else [""] * len(kinds))])
    return markdown_table(["job", "failed", *kinds], table)


def _sizes(rows: Sequence[JobRow]) -> str:
    table = []
    for row in rows:
        if row.memory_bytes is None:
            table.append([row.name, row.memory, "-" if row.attempted else nothing_of(row), "", ""])
            continue
        mean, largest = row.memory_bytes
        spl = mean_text(row.measures.get("spl"))
        table.append([row.name, row.memory, f"{mean:,.0f}", f"{largest:,.0f}", spl])
    return markdown_table(["job", "memory", "bytes at an episode's end", "largest", "SPL"], table)


def _tour_parts(group: TourGroup) -> list[str]:
    return [
        f"## Tours: {group.name}",
        f"Each arm - {CONTROL} on the same episodes; strata by the arm's own run.",
        _paired(group.arms),
        "SPL by visit number:",
        _visits(group.arms),
    ]


def _paired(arms: Sequence[ArmRow]) -> str:
    table = []
    for arm in arms:
        if arm.missing is not None:
            table.append([arm.arm, f"{NOT_RUN}: {arm.missing}", "", "", "", ""])
        for stratum, measured in arm.differences.items():
            table.append([arm.arm, stratum, *_differences(measured)])
    return markdown_table(["arm", "stratum", "SPL", "SR", "pairs", "houses"], table)


def _differences(measured: Mapping[str, Difference]) -> list[str]:
    first = next(iter(measured.values()))
    pairs = f"{first.pairs}" + (f" ({first.left_out} left out)" if first.left_out else "")
    return [
        difference_text(measured.get("spl")),
        difference_text(measured.get("success")),
        pairs,
        str(first.houses),
    ]


def _visits(arms: Sequence[ArmRow]) -> str:
    numbers = sorted({number for arm in arms for number in arm.visits})
    table = [
        [arm.arm, *(mean_text(arm.visits.get(number)) if arm.visits else NOT_RUN for number in numbers)]
        for arm in arms
    ]
    return markdown_table(["arm", *(f"visit {number}" for number in numbers)], table)


def done_of(row: JobRow) -> str:
    """Its denominators in words: "12 of 100", and what was lost on the way."""
    lost = [f"{n} {status.replace('_', ' ')}" for status, n in row.lost.items() if n]
    wanted = row.attempted if row.wanted is None else row.wanted
    return f"{row.done} of {wanted}" + (f" ({', '.join(lost)})" if lost else "")


def nothing_of(row: JobRow) -> str:
    """Why there is nothing of a job."""
    return NOT_RUN if row.damage is None else NOT_READABLE


def mean_text(mean: Mean | None) -> str:
    """A mean and its interval; a dash where there is none."""
    if mean is None:
        return "-"
    return f"{mean.mean:.3f}" + ("" if mean.low is None else f" [{mean.low:.3f}, {mean.high:.3f}]")


def difference_text(got: Difference | None) -> str:
    """A difference with its sign and its interval; a dash where there is none."""
    if got is None:
        return "-"
    return f"{got.mean:+.3f}" + ("" if got.low is None else f" [{got.low:+.3f}, {got.high:+.3f}]")


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown; a bar within a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
