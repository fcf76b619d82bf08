"""A sweep of tours as a picture: SPL by visit number, and what each arm gained over ``cold``."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from .results import Mean
from .sweep_summary import ArmRow, SweepSummary, TourGroup
from .tours import CONTROL

# Okabe and Ito's colours, told apart by colour-blind eyes; each arm has a mark of its own beside.
_LOOKS: Mapping[str, tuple[str, str]] = {
    "cold": ("#000000", "o"),
    "warm": ("#D55E00", "s"),
    "known": ("#009E73", "^"),
    "foreign": ("#0072B2", "D"),
    "geometry": ("#CC79A7", "v"),
    "stale": ("#E69F00", "P"),
}
_OTHER = ("#56B4E9", "X")
_STRATA: Mapping[str, str] = {"all": "full", "seen before": "left", "never seen": "none"}
_SAID: Mapping[str, str] = {
    "all": "all goals",
    "seen before": "goals seen before",
    "never seen": "goals never seen",
}
_PANELS_A_ROW = 4
_SIZE = 9


def picture(summary: SweepSummary) -> bytes | None:
    """``tours.png``; None for a sweep that walked no tours."""
    if not summary.tours:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(len(summary.tours), _PANELS_A_ROW)
    rows = 2 * math.ceil(len(summary.tours) / columns)
    width, height = max(4.4 * columns, 6.0), 3.4 * rows + 0.8
    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_visible(False)
    for index, group in enumerate(summary.tours):
        row, column = divmod(index, columns)
        _draw_visits(axes[2 * row][column], group)
        _draw_gains(axes[2 * row + 1][column], group)
    _legend(figure, summary.tours)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _draw_visits(axis: Any, group: TourGroup) -> None:
    """SPL by visit number, a line an arm; the arms stand beside each other so that intervals don't hide."""
    axis.set_visible(True)
    drawn = [arm for arm in group.arms if arm.visits]
    for index, arm in enumerate(drawn):
        colour, mark = _LOOKS.get(arm.arm, _OTHER)
        shift = 0.09 * (index - (len(drawn) - 1) / 2)
        places = [number + shift for number in arm.visits]
        means = [mean.mean for mean in arm.visits.values()]
        errors = _errors(list(arm.visits.values()))
        axis.errorbar(
            places, means, yerr=errors, color=colour, marker=mark, markersize=5, linewidth=1.4,
            elinewidth=0.9, capsize=2,
        )  # fmt: skip
    numbers = sorted({number for arm in drawn for number in arm.visits})
    axis.set(xticks=numbers, ylim=(0, 1), xlabel="visit", ylabel="SPL")
    axis.set_title(group.name, fontsize=_SIZE)
    axis.grid(axis="y", color="0.9")
    axis.set_axisbelow(True)


def _draw_gains(axis: Any, group: TourGroup) -> None:
    """SPL of each arm minus that of ``cold``, over all goals and by whether they had been seen before."""
    axis.set_visible(True)
    compared = [arm for arm in group.arms if arm.arm != CONTROL]
    for row, arm in enumerate(compared):
        _draw_arm(axis, row, arm)
    axis.axvline(0, color="0.4", linewidth=0.8)
    axis.set_yticks(range(len(compared)), [arm.arm for arm in compared])
    axis.set_ylim(max(len(compared), 1) - 0.4, -0.6)
    axis.set_xlabel(f"SPL - SPL of {CONTROL}, same episodes")
    axis.grid(axis="x", color="0.9")
    axis.set_axisbelow(True)


def _draw_arm(axis: Any, row: int, arm: ArmRow) -> None:
    if arm.missing is not None:
        axis.text(0, row, " not run", va="center", fontsize=_SIZE, color="0.4")
        return
    colour, mark = _LOOKS.get(arm.arm, _OTHER)
    for index, (stratum, fill) in enumerate(_STRATA.items()):
        got = arm.differences.get(stratum, {}).get("spl")
        if got is None:
            continue
        errors = _errors([Mean(got.mean, got.low, got.high, got.pairs)])
        axis.errorbar(
            [got.mean], [row + 0.24 * (index - 1)], xerr=errors, color=colour, marker=mark, fillstyle=fill,
            markerfacecoloralt="white", markersize=6, linestyle="none", elinewidth=1.1, capsize=2,
        )  # fmt: skip


def _errors(means: Sequence[Mean]) -> list[list[float]]:
    """How far the interval reaches below and above each mean; 0 where there is no interval."""
    below = [0.0 if mean.low is None else max(mean.mean - mean.low, 0.0) for mean in means]
    above = [0.0 if mean.high is None else max(mean.high - mean.mean, 0.0) for mean in means]
    return [below, above]


def _legend(figure: Any, groups: Sequence[TourGroup]) -> None:
    from matplotlib.lines import Line2D

    names = dict.fromkeys(arm.arm for group in groups for arm in group.arms)
    handles = []
    for name in names:
        colour, mark = _LOOKS.get(name, _OTHER)
        handles.append(Line2D([], [], color=colour, marker=mark, label=name))
    for stratum, fill in _STRATA.items():
        style: dict[str, Any] = {"fillstyle": fill, "markerfacecoloralt": "white", "linestyle": "none"}
        handles.append(Line2D([], [], color="0.4", marker="o", label=_SAID[stratum], **style))
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(len(handles), 2 + len(groups)), fontsize=_SIZE
    )
    figure.suptitle("Intervals: 95 %, bootstrap of houses", fontsize=_SIZE)
