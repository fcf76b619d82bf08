"""SPL against bytes, as a picture."""

import io
from collections.abc import Mapping

from .trial_numbers import CaseNumbers, Numbers

_MIB = 2**20
# Okabe and Ito's colours, told apart by colour-blind eyes; each memory has a mark of its own beside.
_LOOKS: Mapping[str, tuple[str, str]] = {
    "full": ("#D55E00", "s"),
    "octree": ("#0072B2", "D"),
    "flat": ("#009E73", "^"),
    "grid": ("#CC79A7", "v"),
    "frames": ("#E69F00", "P"),
}
_REFERENCES: Mapping[str, str] = {"cold": "--", "none": ":"}


def picture(numbers: Numbers) -> bytes | None:
    """``spl_by_bytes.png``; None where no memory was walked.

    The conditions ``cold`` and ``none`` are level lines, where they have all of the points' seeds.
    """
    lines = {memory: _points(rows) for memory, rows in numbers.lines.items()}
    lines = {memory: points for memory, points in lines.items() if points}
    if not lines:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.6), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    for memory, points in lines.items():
        colour, mark = _LOOKS[memory]
        means = [mean for _, mean, _, _ in points]
        below = [max(mean - low, 0.0) for _, mean, low, _ in points]
        above = [max(high - mean, 0.0) for _, mean, _, high in points]
        axis.errorbar(
            [size / _MIB for size, *_ in points], means, yerr=[below, above], color=colour, marker=mark,
            markersize=5, linewidth=1.4, elinewidth=0.9, capsize=2, label=memory,
        )  # fmt: skip
    for row in numbers.cases:
        style = _REFERENCES.get(row.case.name)
        if style is not None and row.spl is not None and row.seeds == numbers.line_seeds:
            axis.axhline(row.spl.mean, color="0.4", linestyle=style, linewidth=1.0, label=row.case.name)
    axis.set(xscale="log", ylim=(0, 1), xlabel="memory at an episode's end, MiB (mean)", ylabel="SPL, warm")
    axis.grid(color="0.9")
    axis.set_axisbelow(True)
    axis.legend(fontsize=9)
    seeds = ", ".join(map(str, numbers.line_seeds))
    axis.set_title(f"Intervals: 95 %, bootstrap of houses; seeds {seeds}", fontsize=9)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _points(rows: tuple[CaseNumbers, ...]) -> list[tuple[float, float, float, float]]:
    """Bytes, SPL and the ends of its interval (itself where there is none), by bytes."""
    found = []
    for row in rows:
        if row.spl is not None and row.memory_bytes is not None and row.memory_bytes[0] > 0:
            mean = row.spl.mean
            low, high = row.spl.low, row.spl.high
            ends = (mean, mean) if low is None or high is None else (low, high)
            found.append((row.memory_bytes[0], mean, *ends))
    return sorted(found)
