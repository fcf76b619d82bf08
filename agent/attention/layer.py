"""Attention over a map of tokens chosen by name: what an encoder's blocks are built with.

>>> attention_layer("hilo", 64, 4, window=4).flops(16, 16)
6422528
>>> fitted("window", {"window": 8}, (4, 4))
{'window': 4}
"""

from collections.abc import Callable, Mapping
from functools import partial
from math import gcd
from typing import Any, Protocol, cast

from jaxtyping import Float
from torch import Tensor, nn

from . import patterns
from .attend import attend
from .checks import check_backend, check_map, check_windows, head_width, require
from .modules import ChannelAttention, HiLo, InLine
from .plan import AttentionPlan
from .routed import BiFormer

Pattern = Callable[[tuple[int, int]], AttentionPlan]

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "full": {},
    "window": {"window": 8},
    "hilo": {"window": 2, "alpha": 0.5},
    "davit": {"window": 8, "groups": None},
    "biformer": {"regions": 7, "top_k": 4},
    "neighborhood": {"window": 7, "stride": 1, "dilation": 1},
    "halo": {"block": 8, "halo": 3},
    "inline": {},
}
"""The options of each attention; ``conf/attention`` says what they mean."""

ATTENTIONS = tuple(DEFAULTS)


class MapAttention(Protocol):
    """What every layer here is, besides an ``nn.Module``."""

    def __call__(self, x: Tensor) -> Tensor:
        """A map (b, gh, gw, width) to the same shape."""

    def flops(self, gh: int, gw: int) -> int:
        """Operations on one map, a multiply-add being 2: linear layers, attention, convolutions."""


class PlannedAttention(nn.Module):
    """Multi-head attention along a plan of the map's size: queries, keys, values, ``attend``, projection.

    Cost: 8 n c^2 linear, 4 d a pair of tokens and head that the plan visits.

    Args:
        name: of the attention, for messages.
        width: channels.
        heads: they divide the width.
        pattern: gives the plan of a map (gh, gw); it keeps what it has built.
        backend: of ``attend``.

    Raises:
        ConfigError: heads don't divide the width, or no such backend.
    """

    def __init__(self, name: str, width: int, heads: int, pattern: Pattern, *, backend: str = "auto") -> None:
        super().__init__()
        self.head_width = head_width(name, width, heads)
        check_backend(backend)
        self.name, self.width, self.heads = name, width, heads
        self.pattern, self.backend = pattern, backend
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width)

    def forward(self, x: Float[Tensor, "b gh gw c"]) -> Float[Tensor, "b gh gw c"]:
        """Attend; raises ConfigError if the plan does not fit the map."""
        check_map(self.name, x.shape[-1], self.width)
        plan = self.pattern((x.shape[1], x.shape[2]))
        q, k, v = self.qkv(x.flatten(1, 2)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = attend(q, k, v, plan, backend=self.backend)
        return self.out(seen.transpose(1, 2).flatten(2)).unflatten(1, x.shape[1:3])

    def flops(self, gh: int, gw: int) -> int:
        """Operations on one map (of the gathered backend: what the plan visits)."""
        attention = self.pattern((gh, gw)).flops(self.head_width, heads=self.heads, batch=1)
        return 8 * gh * gw * self.width**2 + attention


def attention_layer(
    name: str, width: int, heads: int, *, layer: int = 0, backend: str = "auto", **options: Any
) -> nn.Module:
    """Build the attention of one block.

    Args:
        name: one of ``ATTENTIONS``.
        width: channels of the map.
        heads: of the attention; they divide the width.
        layer: number of the block. In odd ones windows are shifted by half a window ("window"; not on a map
            that is one window), or channels attend instead of windows ("davit").
        backend: of ``attend``, where the attention is a plan.
        options: those of ``DEFAULTS[name]``, by their names.

    Returns:
        A ``MapAttention``: (b, gh, gw, width) -> (b, gh, gw, width), with ``flops(gh, gw)``.

    Raises:
        ConfigError: no such attention or option, or values that don't fit each other.
    """
    chosen = checked_options(name, options)
    check_backend(backend)
    if name == "hilo":
        return HiLo(width, heads, chosen["window"], chosen["alpha"])
    if name == "inline":
        return InLine(width, heads)
    if name == "biformer":
        return BiFormer(width, heads, chosen["regions"], chosen["top_k"], backend=backend)
    if name == "davit" and layer % 2 == 1:
        return ChannelAttention(width, heads if chosen["groups"] is None else chosen["groups"])
    return PlannedAttention(name, width, heads, _pattern(name, layer, chosen), backend=backend)


def checked_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """All options of an attention, the given ones in place of the defaults.

    Raises:
        ConfigError: no such attention, an option that it has not, or a value that is no number.
    """
    require(name in DEFAULTS, f"an attention of {', '.join(ATTENTIONS)}", repr(name), "choose one of them")
    known = DEFAULTS[name]
    for key, value in options.items():
        listed = ", ".join(known) if known else "none"
        require(key in known, f"options of attention {name}: {listed}", key, "drop or rename it")
        kinds = (int, float) if isinstance(known[key], float) else (int,)
        number = isinstance(value, kinds) and not isinstance(value, bool)
        fine = number or (value is None and known[key] is None)
        kind = "a number" if float in kinds else "a whole number"
        require(fine, f"{kind} as {key} of attention {name}", repr(value), f"the default is {known[key]}")
    return {**known, **options}


def fitted(name: str, options: Mapping[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    """The options made small enough for a map, for encoders whose maps shrink from stage to stage.

    Windows, blocks and regions become the largest divisor of the map's sides that is no larger than asked; a
    neighborhood the largest odd one that the map holds, undilated where it must be; a halo no larger than its
    block. Layers themselves never shrink anything: they raise.

    Args:
        name: one of ``ATTENTIONS``.
        options: as for ``attention_layer``.
        size: (gh, gw).

    Returns:
        The given options with those that did not fit replaced, and defaults that did not fit added.

    Raises:
        ConfigError: as ``checked_options``.
    """
    chosen, side = checked_options(name, options), gcd(*size)
    fit = dict(chosen)
    for key in ("window", "block", "regions"):
        if key in fit and name != "neighborhood":
            fit[key] = max((i for i in range(1, fit[key] + 1) if side % i == 0), default=fit[key])
    if name == "hilo" and fit["window"] == 1:  # which would be full attention
        fit["window"] = min((i for i in range(2, side + 1) if side % i == 0), default=2)
    if name == "halo":
        fit["halo"] = min(fit["halo"], fit["block"])
    if name == "biformer":
        fit["top_k"] = min(fit["top_k"], fit["regions"] ** 2)
    if name == "neighborhood":
        shortest = min(size)
        fit["window"] = min(fit["window"], shortest - 1 + shortest % 2)
        fit["dilation"] = min(fit["dilation"], max(1, shortest // max(1, fit["window"])))
        fit["stride"] = min(fit["stride"], fit["window"])
    return {key: value for key, value in fit.items() if key in options or value != chosen[key]}


def _pattern(name: str, layer: int, chosen: Mapping[str, Any]) -> Pattern:
    if name == "full":
        return patterns.full
    if name in ("neighborhood", "halo"):
        return partial(patterns.neighborhood if name == "neighborhood" else patterns.halo, **chosen)
    shift = name == "window" and layer % 2 == 1
    return partial(_windows, name=name, window=chosen["window"], shift=shift)


def _windows(size: tuple[int, int], *, name: str, window: int, shift: bool) -> AttentionPlan:
    check_windows(name, *size, window)
    shift = shift and window < max(size)
    return cast(AttentionPlan, (patterns.shifted_window if shift else patterns.window)(size, window))
