"""Sparse attention on maps of tokens, as plans: who sees whom, without a weight that is learned.

Every function is cached: the same arguments give the same plan. ``d`` is the width of a head; costs are of
the two products over all pairs that are computed, a multiply-add being 2, and equal ``AttentionPlan.flops``.

========================  ==============================================================================
pattern                   cost of n tokens, a head
========================  ==============================================================================
full                      4 d n^2
window, shifted window    4 d n w^2, w the window's side
halo                      at most 4 d n (block + 2 halo)^2; less at the borders
neighborhood              at most 4 d n times, by axis, (tile + window - 1): what a tile's windows cover
========================  ==============================================================================
"""

import math
from collections.abc import Callable
from functools import lru_cache

import torch
from jaxtyping import Int64
from torch import Tensor

from placecell.errors import ConfigError

from .orders import Size, by, check_divides, largest_divisor, tiled
from .plan import AttentionPlan

_TILE = {1: 64, 2: 8, 3: 4}  # sides of a tile of queries, by the number of axes
_KEPT = 256  # plans a pattern


@lru_cache(maxsize=_KEPT)
def full(size: Size) -> AttentionPlan:
    """Every token sees every other: the plan that the others are measured against."""
    n = math.prod(_checked_size(size))
    return AttentionPlan("full", torch.arange(n), n, n, torch.zeros(1, 1, 1, 1, dtype=torch.int64))


@lru_cache(maxsize=_KEPT)
def window(size: Size, window: int | Size = 8) -> AttentionPlan:
    """Windows that don't overlap (Liu et al. 2021, Swin): a token sees its window.

    Args:
        size: of the map, 1 to 3 axes.
        window: its side, for all axes or by axis; it divides the map.

    Raises:
        ConfigError: a window that is larger than the map, or does not divide it.
    """
    sides = _windows(size, window)
    order, block = tiled(size, sides), math.prod(sides)
    keys = torch.arange(len(order) // block)[None, None, :, None]
    return AttentionPlan(f"window {by(sides)}", order, block, block, keys)


@lru_cache(maxsize=_KEPT)
def shifted_window(size: Size, window: int | Size = 8, shift: int | Size | None = None) -> AttentionPlan:
    """Windows moved by half a window around the edges (Liu et al. 2021, Swin); parts not adjacent are masked.

    Args:
        size: of the map.
        window: as for :func:`window`.
        shift: tokens along each axis, from 0 to below the window; None: half a window.

    Raises:
        ConfigError: as :func:`window`, or a shift outside the window.
    """
    sides = _windows(size, window)
    moved = tuple(w // 2 for w in sides) if shift is None else _by_axis(size, shift, "a shift")
    if any(not 0 <= s < w for s, w in zip(moved, sides)):
        raise ConfigError(
            expected=f"a shift from 0 to below the window, {by(sides)}",
            came=by(moved),
            fix="pass shift=None for half a window",
        )
    at = tiled(size, sides)  # in the moved map
    order, strides = torch.zeros_like(at), _strides(size)
    for length, stride, s in zip(size, strides, moved):
        order += ((at // stride + s) % length) * stride

    axes = tuple(zip(size, strides, sides, moved))

    def together(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:
        seen = q == q
        for length, stride, w, s in axes:
            i, j = (q // stride - s) % length, (k // stride - s) % length
            # The last window holds both ends of the map: its parts don't see each other.
            seen = seen & (i // w == j // w) & ((i >= length - s) == (j >= length - s))
        return seen

    block = math.prod(sides)
    candidates = torch.arange(len(order) // block)[:, None]
    name = f"shifted window {by(sides)}"
    return AttentionPlan.from_predicate(name, order, block, block, together, candidates=candidates)


@lru_cache(maxsize=_KEPT)
def halo(size: Size, block: int | Size = 8, halo: int = 3) -> AttentionPlan:
    """Blocks that see themselves and a rim around them (Vaswani et al. 2021, HaloNet).

    Args:
        size: of the map.
        block: its side; it divides the map.
        halo: width of the rim; keys beyond the map are left out.

    Raises:
        ConfigError: a block larger than the map or that does not divide it, or a rim below 0.
    """
    sides = _windows(size, block, "a block")
    if halo < 0:
        raise ConfigError(expected="a halo of 0 or more", came=f"{halo}", fix="set it to 3")
    order = tiled(size, sides)
    reach = []
    for length, side in zip(size, sides):
        first = torch.arange(length) // side * side
        reach.append(((first - halo).clamp(min=0), (first + side + halo).clamp(max=length)))
    keys = _boxes(size, sides, reach, order)
    return AttentionPlan(f"halo {by(sides)} + {halo}", order, math.prod(sides), 1, keys[None, None])


@lru_cache(maxsize=_KEPT)
def neighborhood(
    size: Size,
    window: int | Size = 7,
    *,
    stride: int | Size = 1,
    dilation: int | Size = 1,
    causal: bool | tuple[bool, ...] = False,
    tile: int | Size | None = None,
) -> AttentionPlan:
    """Neighborhood attention (Hassani et al. 2023), dilated (2022) and generalized (2025): 1 to 3 axes.

    Along each axis a token sees ``window`` keys around it; at a border the window moves in, so that all see
    as many. A group of ``stride`` neighbours shares the window of its middle one (of its last one where
    causal). With dilation d these are of the tokens whose coordinate is the same modulo d. Along a causal
    axis a token sees no key after it.

    Args:
        size: of the map.
        window: keys by axis.
        stride: from 1, which is a sliding window, to the window, which is blocked attention.
        dilation: steps between keys.
        causal: for all axes or by axis.
        tile: side of the tiles of queries that are computed together; they divide the map. None: the largest
            divisors up to 64 in 1-D, 8 in 2-D, 4 in 3-D. The keys gathered are exactly those that the
            windows of a tile cover, 14 x 14 for a tile of 8 x 8 and a window of 7.

    Raises:
        ConfigError: a window that, dilated, is larger than the map, a stride larger than the window, or a
            tile that does not divide.
    """
    size = _checked_size(size)
    windows, strides = _by_axis(size, window, "a window"), _by_axis(size, stride, "a stride")
    dilations = _by_axis(size, dilation, "a dilation")
    causals = (causal,) * len(size) if isinstance(causal, bool) else tuple(causal)
    _check_neighborhood(size, windows, strides, dilations, causals)
    sides = _tile(size, tile)
    axes = tuple(zip(size, _strides(size), windows, strides, dilations, causals))

    def near(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:
        seen = q == q
        for length, apart, w, s, step, only_past in axes:
            i, j = q // apart % length, k // apart % length
            start, end = _span(i, length, w, s, step, only_past)
            seen = seen & (i % step == j % step) & (j // step >= start) & (j // step < end)
        return seen

    order, reach = tiled(size, sides), []
    for length, _, w, s, step, only_past in axes:
        i = torch.arange(length)
        start, end = _span(i, length, w, s, step, only_past)
        reach.append((start * step + i % step, (end - 1) * step + i % step + 1))
    candidates = _boxes(size, sides, reach, order)
    name = f"neighborhood {by(windows)}"
    return AttentionPlan.from_predicate(name, order, math.prod(sides), 1, near, candidates=candidates)


# Lambdas, for FlexAttention traces them and cannot see through a function whose signature is checked.
_span: Callable[..., tuple[Tensor, Tensor]] = lambda i, length, w, s, step, only_past: (  # noqa: E731
    _past(i // step, w, s, (length - i % step + step - 1) // step)
    if only_past
    else _around(i // step, w, s, (length - i % step + step - 1) // step)
)
"""First and last + 1 of the keys that a coordinate sees, counted in its own residue class."""

_around: Callable[..., tuple[Tensor, Tensor]] = lambda i, w, s, n: (  # noqa: E731
    _within(_least(i // s * s + s // 2, n - 1) - w // 2, n - w),
    _within(_least(i // s * s + s // 2, n - 1) - w // 2, n - w) + w,
)
_past: Callable[..., tuple[Tensor, Tensor]] = lambda i, w, s, n: (  # noqa: E731
    (_least(i // s * s + s - 1, n - 1) - w + 1).clamp(min=0),
    i + 1,
)
_least: Callable[..., Tensor] = lambda a, b: torch.where(a < b, a, b)  # noqa: E731
_within: Callable[..., Tensor] = lambda a, most: _least(a.clamp(min=0), most)  # noqa: E731


def _boxes(
    size: Size, tile: Size, reach: list[tuple[Tensor, Tensor]], order: Tensor
) -> Int64[Tensor, "nq m"]:
    """The keys (places in the plan) in the box that the queries of each tile reach, in raster order.

    Args:
        size: of the map.
        tile: of the queries.
        reach: by axis and coordinate, the first key and the last + 1.
        order: the plan's.
    """
    strides, axes = _strides(size), len(size)
    tokens = torch.zeros((1,) * (2 * axes), dtype=torch.int64)
    outside = torch.zeros_like(tokens, dtype=torch.bool)
    for axis, ((first, last), side, apart) in enumerate(zip(reach, tile, strides)):
        low, high = first.reshape(-1, side).amin(1), last.reshape(-1, side).amax(1)
        at = low[:, None] + torch.arange(int((high - low).max()))
        shape = [1] * (2 * axes)
        shape[axis], shape[axes + axis] = at.shape
        outside = outside | (at >= high[:, None]).reshape(shape)
        tokens = tokens + (at * apart).reshape(shape)
    tiles = math.prod(length // side for length, side in zip(size, tile))
    tokens = torch.where(outside, len(order), tokens).reshape(tiles, -1)
    tokens = tokens.sort(1).values  # what is outside goes to the end
    places = torch.cat([torch.argsort(order), torch.tensor([-1])])
    return places[tokens]


def _check_neighborhood(
    size: Size, windows: Size, strides: Size, dilations: Size, causals: tuple[bool, ...]
) -> None:
    if len(causals) != len(size):
        raise ConfigError(
            expected=f"causal for each of {len(size)} axes", came=f"{len(causals)}", fix="give one for each"
        )
    for length, w, s, step in zip(size, windows, strides, dilations):
        if w * step > length:
            raise ConfigError(
                expected=f"a window of at most {length // step} on a map of {by(size)} with dilation {step}",
                came=f"{w}",
                fix="take a smaller window or dilation, or full attention",
            )
        if s > w:
            raise ConfigError(
                expected=f"a stride of at most the window, {w}", came=f"{s}", fix="take a smaller stride"
            )


def _tile(size: Size, tile: int | Size | None) -> Size:
    if tile is None:
        return tuple(largest_divisor(length, _TILE[len(size)]) for length in size)
    sides = _by_axis(size, tile, "a tile")
    check_divides("a tile", size, sides)
    return sides


def _windows(size: Size, window: int | Size, what: str = "a window") -> Size:
    """Sides of windows that cut a map evenly."""
    sides = _by_axis(_checked_size(size), window, what)
    if any(w > length for w, length in zip(sides, size)):
        raise ConfigError(
            expected=f"{what} no larger than the map, {by(size)}",
            came=by(sides),
            fix="take a smaller one, or full attention",
        )
    check_divides(what, size, sides)
    return sides


def _by_axis(size: Size, given: int | Size, what: str) -> Size:
    sides = (given,) * len(size) if isinstance(given, int) else tuple(given)
    least = 0 if what == "a shift" else 1
    if len(sides) != len(size) or any(side < least for side in sides):
        raise ConfigError(
            expected=f"{what} of {least} or more for each of {len(size)} axes",
            came=by(sides),
            fix="give one number, or one for each axis of the map",
        )
    return sides


def _checked_size(size: Size) -> Size:
    if not 1 <= len(size) <= 3 or min(size) < 1:
        raise ConfigError(
            expected="a map of 1 to 3 axes, each of 1 token or more",
            came=by(size) or "none",
            fix="give its size by axis, (gh, gw) for an image",
        )
    return size


def _strides(size: Size) -> Size:
    """How far apart neighbours along each axis lie in raster order."""
    return tuple(math.prod(size[axis + 1 :]) for axis in range(len(size)))
