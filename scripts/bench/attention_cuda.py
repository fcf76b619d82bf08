"""The CUDA part of ``placecell-bench attention``: bfloat16, long sequences, share of the matmul rate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from placecell.errors import ConfigError

from .attention_cases import HEADS, PEERS, Place, Size, Work, kind_of, on_plan, peer, work
from .row import Row

if TYPE_CHECKING:
    from placecell.agent.attention.plan import AttentionPlan

CUDA = Place("cuda", "bfloat16")
LONG = ("s2", "radial", "neighborhood_24_stride_8")
LONG_SIZES: Sequence[Size] = ((64, 128), (128, 128), (128, 256), (256, 256), (256, 512))
TARGET, TARGET_ABOVE = 0.8, 16384
_ROUNDS, _QUICK_ROUNDS, _MATMUL = 9, 3, 8192


@dataclass(frozen=True)
class CudaRow:
    """One case against one peer; ``seconds`` is None where it does not apply, and ``why`` says so."""

    case: str
    tokens: int
    what: str
    against: str
    seconds: float | None = None
    peer_seconds: float | None = None
    density: float | None = None
    tflops: float | None = None
    matmul_share: float | None = None
    judged: bool = False
    why: str = ""

    @property
    def ratio(self) -> float | None:
        """How much faster than the peer."""
        if self.seconds is None or self.peer_seconds is None:
            return None
        return self.peer_seconds / self.seconds

    @property
    def gain(self) -> float | None:
        """ratio x density."""
        return None if self.ratio is None or self.density is None else self.ratio * self.density

    def row(self) -> Row:
        """As a row of ``bench.json``; NaN where it does not apply."""
        name = f"cuda_{self.case}_{self.tokens}_{self.what}_{self.against.replace(' ', '_')}"
        seconds = float("nan") if self.seconds is None else self.seconds
        target = f"ratio x density >= {TARGET:g}" if self.judged else None
        met = (self.gain or 0.0) >= TARGET if self.judged else None
        return Row(name, seconds, "s", self.against, self.peer_seconds, self.ratio, target, met)


def measure_cuda(names: Sequence[str], sides: Sequence[int], *, quick: bool) -> list[CudaRow]:
    """All cases on square maps, then the block-sparse ones on long sequences."""
    rate = matmul_rate()
    rounds = _QUICK_ROUNDS if quick else _ROUNDS
    rows: list[CudaRow] = []
    for side in sides:
        for name in names:
            rows += _rows(name, (side, side), rate, rounds, plain_flex=False)
    for size in () if quick else LONG_SIZES:
        for name in (name for name in LONG if name in names):
            rows += _rows(name, size, rate, rounds, plain_flex=True)
    return rows


def matmul_rate() -> float:
    """Operations a second of a large bfloat16 matrix product on this device."""
    import torch

    a, b = (CUDA.put(torch.ones(_MATMUL, _MATMUL)) for _ in range(2))
    return 2 * _MATMUL**3 / gpu_seconds([lambda: a @ b], _ROUNDS)[0]


def gpu_seconds(calls: Sequence[Callable[[], Any]], rounds: int) -> list[float]:
    """Median seconds of each call by the device's clock, in turn; two rounds before are not counted."""
    import torch

    times = []
    for _ in range(rounds + 2):
        turn = []
        for call in calls:
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            call()
            end.record()
            end.synchronize()
            turn.append(start.elapsed_time(end) / 1e3)
        times.append(turn)
    return [float(median) for median in np.median(times[2:], axis=0)]


def _rows(name: str, size: Size, rate: float, rounds: int, *, plain_flex: bool) -> list[CudaRow]:
    kind, tokens = kind_of(name), size[0] * size[1]
    try:
        ours = work(name, size, CUDA)
    except ConfigError as error:
        return [CudaRow(name, tokens, "forward", PEERS[kind], why=f"does not apply: {error}")]
    peers = [peer(kind, size, CUDA)]
    if plain_flex and ours.plan is not None:
        peers.append(_plain_flex(ours.plan.to("cuda"), size))
    rows = []
    for what in ("forward", "both"):
        calls = [one.forward if what == "forward" else one.both for one in (ours, *peers)]
        seconds, *others = gpu_seconds(calls, rounds)
        # A backward pass of attention has five products where the forward one has two.
        done = (ours.flops if what == "forward" else 3.5 * ours.flops) / seconds
        for place, (beside, other) in enumerate(zip(peers, others, strict=True)):
            judged = plain_flex and place == 0 and tokens > TARGET_ABOVE and what == "forward"
            rows.append(
                CudaRow(name, tokens, what, beside.name, seconds, other, ours.density, done / 1e12,
                        done / rate, judged)
            )  # fmt: skip
    return rows


def _plain_flex(plan: "AttentionPlan", size: Size) -> Work:
    """FlexAttention as one would call it: raster order, the rule as ``mask_mod``, its own blocks."""
    from torch.nn.attention.flex_attention import create_block_mask

    from placecell.agent.attention.flex import mask_mod

    n, inverse, seen = plan.tokens, plan.inverse, mask_mod(plan)
    heads = HEADS if plan.keys.shape[1] > 1 else None
    blocks = create_block_mask(
        lambda b, h, query, key: seen(b, h, inverse[query], inverse[key]),
        None, heads, n, n, device="cuda", _compile=True,
    )  # fmt: skip
    flex = _compiled()
    call = on_plan("FlexAttention", lambda q, k, v: flex(q, k, v, block_mask=blocks), size, CUDA, 0, 1.0)
    return call


@cache
def _compiled() -> Callable[..., Any]:
    import torch
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention, dynamic=False, fullgraph=True)
