"""A sweep's numbers as Markdown tables."""

from collections.abc import Iterable, Mapping, Sequence

from .compare import Difference
from .failures import FAILURES
from .results import Mean
from .sweep_summary import ArmRow, JobRow, SweepSummary, TourGroup
from .tours import CONTROL

NOT_RUN = "not run"


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
    return "\n\n".join(parts) + "\n"


def _jobs(rows: Sequence[JobRow]) -> str:
    looser = any("success_1m" in row.measures for row in rows)
    head = [
        "job",
        "episodes done",
        "houses",
        "SR",
        *(["objects within 1 m"] if looser else []),
        "SPL",
        "oracle inputs",
    ]
    table = []
    for row in rows:
        if not row.attempted:
            table.append([row.name, NOT_RUN, *[""] * (len(head) - 2)])
            continue
        wanted = row.attempted if row.wanted is None else row.wanted
        names = ["success", *(["success_1m"] if looser else []), "spl"]
        means = [_mean(row.measures.get(name)) for name in names]
        oracle = ", ".join(row.oracle) or "none"
        table.append([row.name, f"{row.done} of {wanted}", str(row.houses), *means, oracle])
    return _table(head, table)


def _failures(rows: Sequence[JobRow]) -> str:
    unsorted = any(row.failures.get("unsorted") for row in rows)
    kinds = [*FAILURES, *(["unsorted"] if unsorted else [])]
    table = []
    for row in rows:
        counts = [str(row.failures.get(kind, 0)) for kind in kinds]
        failed = str(sum(row.failures.values())) if row.attempted else NOT_RUN
        table.append([row.name, failed, *(counts if row.attempted else [""] * len(kinds))])
    return _table(["job", "failed", *kinds], table)


def _sizes(rows: Sequence[JobRow]) -> str:
    table = []
    for row in rows:
        if row.memory_bytes is None:
            table.append([row.name, row.memory, "-" if row.attempted else NOT_RUN, "", ""])
            continue
        mean, largest = row.memory_bytes
        spl = _mean(row.measures.get("spl"))
        table.append([row.name, row.memory, f"{mean:,.0f}", f"{largest:,.0f}", spl])
    return _table(["job", "memory", "bytes at an episode's end", "largest", "SPL"], table)


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
    return _table(["arm", "stratum", "SPL", "SR", "pairs", "houses"], table)


def _differences(measured: Mapping[str, Difference]) -> list[str]:
    first = next(iter(measured.values()))
    pairs = f"{first.pairs}" + (f" ({first.left_out} left out)" if first.left_out else "")
    return [_difference(measured.get("spl")), _difference(measured.get("success")), pairs, str(first.houses)]


def _visits(arms: Sequence[ArmRow]) -> str:
    numbers = sorted({number for arm in arms for number in arm.visits})
    table = [
        [arm.arm, *(_mean(arm.visits.get(number)) if arm.visits else NOT_RUN for number in numbers)]
        for arm in arms
    ]
    return _table(["arm", *(f"visit {number}" for number in numbers)], table)


def _mean(mean: Mean | None) -> str:
    if mean is None:
        return "-"
    return f"{mean.mean:.3f}" + ("" if mean.low is None else f" [{mean.low:.3f}, {mean.high:.3f}]")


def _difference(got: Difference | None) -> str:
    if got is None:
        return "-"
    return f"{got.mean:+.3f}" + ("" if got.low is None else f" [{got.low:+.3f}, {got.high:+.3f}]")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
