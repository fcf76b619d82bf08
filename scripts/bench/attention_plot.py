"""Ratio against tokens, log-log, as a picture."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .attention_cases import CASES

if TYPE_CHECKING:
    from .attention import Measured

_MARKS = "osD^vP*X<>hpd8H"


def plot(found: Sequence["Measured"]) -> bytes:
    """``ratio.png``: forward on the left, forward and backward on the right."""
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 4.8), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2, sharey=True)
    for axis, what, title in zip(axes, ("forward", "both"), ("forward", "forward + backward"), strict=True):
        for number, case in enumerate(CASES):
            points = sorted(
                (one.side**2, one.ratio) for one in found
                if one.case == case and one.what == what and one.ratio is not None
            )  # fmt: skip
            if points:
                axis.plot(
                    *zip(*points, strict=True), marker=_MARKS[number], markersize=4, linewidth=1.1,
                    color=colormaps["tab20"](number), label=case,
                )  # fmt: skip
        axis.axhline(1.0, color="0.4", linestyle="--", linewidth=0.9)
        axis.set(xlabel="tokens", title=title)
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.grid(color="0.9")
        axis.set_axisbelow(True)
    axes[0].set_ylabel("times faster than full attention")
    axes[1].legend(bbox_to_anchor=(1.02, 1.0), loc="upper left", fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
