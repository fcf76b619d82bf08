"""A trial's numbers as Markdown."""

from collections.abc import Sequence

from placecell.agent.compare import Difference
from placecell.agent.results import Mean
from placecell.agent.sweep_tables import NOT_RUN, difference_text, markdown_table, mean_text

from .trial_numbers import SHOWN_STRATA, CaseNumbers, Numbers, PairNumbers, VisitNumbers
from .trial_walk import Trial

_MIB = 2**20
_TITLES = {
    "arms": ("Arms", "What the memory holds when a goal is given; the full memory."),
    "parts": ("Parts", "The full memory minus the one that lacks a part: above 0 the part helps."),
    "simple": (
        "Simple memories",
        "`warm`, without noise. They may hold 4 MiB, what the full memory comes to; how much they do hold "
        "stands above. With them, and without an octree, the agent plans on a map of its own, begun anew at "
        "each visit: its bytes are not counted and have no cap.",
    ),
    "bytes": (
        "Bytes",
        "`warm`, without noise, under caps; the oldest goes first. The octree is the map that the agent "
        "plans on: a cap below one visit's map takes from that too.",
    ),
}


def markdown(numbers: Numbers, trial: Trial, commits: Sequence[str]) -> str:
    """``trial.md``."""
    ended = sum(trial.walked(cell).complete for cell in trial.cells)
    head = [
        f"`{' '.join(trial.world)}`, {trial.episodes} episodes a run; {ended} of {len(trial.cells)} runs, "
        f"{trial.spent_s / 60:.1f} CPU minutes of {trial.budget_s / 60:g}.",
        f"By {', '.join(commits)}." if commits else "",
        "Means and paired differences with 95 % intervals: bootstrap of houses drawn whole, a house's seeds "
        "with it; a difference is over the seeds that both have. Strata by the first one's own walk.",
    ]
    parts = ["# The trial", *(line for line in head if line)]
    parts += ["## Conditions", _cases(numbers.cases)]
    for table, (title, about) in _TITLES.items():
        parts += [f"## {title}", about, _pairs(numbers.pairs[table])]
    parts += [
        "## Furniture moved",
        "SPL by visit after the change, and what believing an outdated map costs (`stale - known`) and "
        "gains; `moved`: something of the goal's category stands elsewhere, is gone, or is new.",
        _visits(numbers.recovery) if numbers.recovery else NOT_RUN,
        "## SPL against bytes",
        _lines(numbers),
    ]
    return "\n\n".join(parts) + "\n"


def _cases(cases: Sequence[CaseNumbers]) -> str:
    head = ("condition", "arm", "memory", "noise", "cap, MiB", "seeds", "episodes", "success", "SPL",
            "SPL by seed", "memory, MiB", "largest", "steps", "CPU s a run")  # fmt: skip
    return markdown_table(head, [_case(row) for row in cases])


def _case(row: CaseNumbers) -> list[str]:
    case = row.case
    cap = "-" if case.max_bytes is None else f"{case.max_bytes / _MIB:.3g}"
    known = [case.name, case.arm, case.memory, case.noise, cap]
    if row.missing is not None:
        return [*known, f"{NOT_RUN}: {row.missing}", *[""] * 8]
    mean, largest = ("-", "-") if row.memory_bytes is None else (f"{b / _MIB:.3g}" for b in row.memory_bytes)
    return [
        *known,
        str(len(row.seeds)),
        f"{row.done} of {row.episodes}",
        mean_text(row.success),
        mean_text(row.spl),
        ", ".join(f"{mean:.3f}" for mean in row.spl_by_seed),
        mean,
        largest,
        f"{row.steps:.0f}",
        f"{row.cpu_s:.0f}",
    ]


def _pairs(rows: Sequence[PairNumbers]) -> str:
    head = ("difference", "what for", "seeds", "SPL", "seen before", "never seen", "by seed", "success",
            "same walk", "so")  # fmt: skip
    return markdown_table(head, [_pair(row) for row in rows])


def _pair(row: PairNumbers) -> list[str]:
    known = [f"{row.pair.a} - {row.pair.b}", row.pair.about]
    if row.spl is None:
        return [*known, NOT_RUN, *[""] * 7]
    return [
        *known,
        str(len(row.seeds)),
        *(difference_text(row.spl.get(stratum)) for stratum in SHOWN_STRATA),
        ", ".join(f"{mean:+.3f}" for mean in row.by_seed),
        difference_text(row.success),
        f"{row.same} of {row.of}",
        row.verdict,
    ]


def _visits(rows: Sequence[VisitNumbers]) -> str:
    shown = sorted({number for row in rows for number in row.visits})
    head = ("noise", "arm", "goals", "seeds", "all visits", *(f"visit {number}" for number in shown))
    table = [
        [
            row.noise,
            row.name,
            row.goals,
            str(len(row.seeds)),
            _text(row.all),
            *(_text(row.visits.get(number)) for number in shown),
        ]
        for row in rows
    ]
    return markdown_table(head, table)


def _text(got: Mean | Difference | None) -> str:
    if isinstance(got, Difference):
        return difference_text(got) + f" ({got.pairs})"
    return mean_text(got) + ("" if got is None else f" ({got.n})")


def _lines(numbers: Numbers) -> str:
    if not numbers.lines:
        return NOT_RUN
    about = (
        f"`spl_by_bytes.png`, over the seeds that all its points have: "
        f"{', '.join(map(str, numbers.line_seeds))}; bytes at an episode's end."
    )
    rows = [
        [memory, point.case.name, _mib(point), mean_text(point.spl)]
        for memory, points in numbers.lines.items()
        for point in points
    ]
    return f"{about}\n\n" + markdown_table(("memory", "condition", "MiB", "SPL"), rows)


def _mib(point: CaseNumbers) -> str:
    return "-" if point.memory_bytes is None else f"{point.memory_bytes[0] / _MIB:.3g}"
