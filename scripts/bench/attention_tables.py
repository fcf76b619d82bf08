"""The tables of ``placecell-bench attention``, and its pictures."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .attention_cases import CASES, HEADS, PLANS, WIDTH, plan_of

if TYPE_CHECKING:
    from .attention import Measured
    from .attention_cuda import CudaRow

_DRAWN_SIDE = 32
_PUBLISHED = ("window_layer_8", "hilo_2", "hilo_4")
_HEADER = (
    "| case | map | passes | peer, s | ours, s | ratio | density | operations | gain | GFLOP | counted |"
)


def document(found: Sequence["Measured"], on_cuda: "Sequence[CudaRow] | None") -> str:
    """``attention.md``; every case has its rows, "not run" where nothing was asked for."""
    lines = [
        "# Attention against full attention",
        "",
        f"One map, width {WIDTH}, {HEADS} heads, float32, one CPU thread; medians of CPU time, all cases of",
        "a kind in turn with their peer. Plans stand against plain `scaled_dot_product_attention` on the",
        "same q, k, v; modules, which hold projections, against a full attention layer with its",
        "projections; the readout against that layer and the mean of its tokens. `routed` chooses",
        "and attends (BiFormer's plan); `biformer` is the whole module.",
        "",
        "ratio: the peer's time over ours. density: pairs computed over all pairs. operations: ours over the",
        "peer's. gain: ratio x density, or x operations where there is no density: 1 means that all that is",
        "left out is won. GFLOP: of a forward pass by the formula; counted: by `torch.utils.flop_counter`,",
        "on the smaller maps (unfused attention holds every score).",
        "",
        _HEADER,
        "|" + " --- |" * 11,
    ]
    lines += [_line(one) for one in sorted(found, key=_place)]
    lines += [f"| {name} | not run |" + " |" * 9 for name in CASES if name not in {m.case for m in found}]
    return "\n".join([*lines, "", *_published(found), "", *_cuda(on_cuda)]) + "\n"


def pictures(names: Sequence[str], found: Sequence["Measured"]) -> dict[str, bytes]:
    """The plot, and the plans of a 32 x 32 map that are known without an input."""
    from PIL import Image

    from .attention_plot import plot

    made = {"ratio.png": plot(found)} if any(one.ratio for one in found) else {}
    for name in (name for name in PLANS if name in names and name != "routed"):
        buffer = io.BytesIO()
        Image.fromarray(plan_of(name, (_DRAWN_SIDE, _DRAWN_SIDE)).draw(256)).save(buffer, format="png")
        made[f"mask_{name}.png"] = buffer.getvalue()
    return made


def _place(one: "Measured") -> tuple[int, int, bool]:
    return CASES.index(one.case), one.side, one.what != "forward"


def _line(one: "Measured") -> str:
    passes = "forward" if one.what == "forward" else "forward + backward"
    head = f"| {one.case} | {one.side} x {one.side} | {passes} |"
    if one.seconds is None:
        return f"{head} does not apply: {one.why} |" + " |" * 7
    cells = (one.peer_seconds, one.seconds, one.ratio, one.density, one.share, one.gain)
    flops = None if one.flops is None else one.flops / 1e9
    counted = None if one.counted is None else one.counted / 1e9
    return head + "".join(f" {_number(value)} |" for value in (*cells, flops, counted))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _published(found: Sequence["Measured"]) -> list[str]:
    """The published order, and ours beside it; nothing is asserted."""
    lines = [
        "## Published orders",
        "",
        "Pan, Cai and Zhuang (2022): HiLo 1.4 times as fast as spatial-reduction attention and 1.6 times as",
        "fast as local windows, on CPUs. Ours, seconds of a forward pass, all with their projections",
        "(spatial-reduction attention is not built here):",
        "",
    ]
    for side in sorted({one.side for one in found}):
        here = [
            m for m in found if m.side == side and m.what == "forward" and m.case in _PUBLISHED and m.seconds
        ]
        said = ", ".join(
            f"{m.case} {_number(m.seconds)}" for m in sorted(here, key=lambda m: m.seconds or 0.0)
        )
        lines.append(f"- {side} x {side}: {said or 'not run'}")
    return lines


def _cuda(rows: "Sequence[CudaRow] | None") -> list[str]:
    if rows is None:
        return ["## CUDA", "", "No CUDA device could be had where this ran: these rows are not run."]
    lines = ["## CUDA, bfloat16", "", "| case | tokens | passes | ours, s | density | TFLOP/s | of matmul | "
             + "against | its s | ratio | gain |", "|" + " --- |" * 11]  # fmt: skip
    for one in rows:
        head = f"| {one.case} | {one.tokens} | {one.what} |"
        if one.seconds is None:
            lines.append(f"{head} {one.why} |" + " |" * 7)
            continue
        cells = (one.seconds, one.density, one.tflops, one.matmul_share)
        beside = (one.peer_seconds, one.ratio, one.gain)
        left, right = ("".join(f" {_number(v)} |" for v in part) for part in (cells, beside))
        lines.append(f"{head}{left} {one.against} |{right}")
    return lines
