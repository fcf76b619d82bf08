"""Attention by a plan: one call, several ways to compute it, and a reason for the one that is taken."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from placecell.errors import ConfigError

from .flex import KERNEL_BLOCK, attend_flex, obstacle
from .gathered import attend_gathered
from .plan import AttentionPlan

BACKENDS = ("auto", "dense", "gathered", "flex")

DENSE_ABOVE = 0.8
"""Above this density the dense products, masked, cost no more than gathered ones (measured on a CPU)."""

MASK_KEPT = 2**24
"""Pairs of tokens up to which the dense mask is kept with its plan."""


@dataclass(frozen=True)
class Choice:
    """A backend and the reason for it."""

    backend: str
    why: str


def attend(
    q: Float[Tensor, "..."],
    k: Float[Tensor, "..."],
    v: Float[Tensor, "..."],
    plan: AttentionPlan,
    backend: str = "auto",
    scale: float | None = None,
) -> Float[Tensor, "..."]:
    """softmax(q k^T scale) v over the pairs of tokens that a plan sees.

    Args:
        q: queries (batch, heads, tokens, width), tokens in raster order.
        k: keys of the same shape.
        v: values of the same shape.
        plan: who sees whom; copied to the device of q if it lies elsewhere, once.
        backend: "dense" (all pairs, masked: the oracle), "gathered" (anywhere, differentiable), "flex"
            (FlexAttention: CUDA, or CPU without gradients), or "auto", which takes what ``choose`` says.
        scale: of the scores; None: 1 / sqrt(width).

    Returns:
        The attended values, of the shape of q, in raster order.

    Raises:
        ConfigError: shapes that don't fit each other or the plan, an unknown backend, or one that cannot do
            what is asked.
    """
    _check_shapes(q, k, v, plan)
    if backend not in BACKENDS:
        raise ConfigError(
            expected=f"a backend of {', '.join(BACKENDS)}", came=f"{backend!r}", fix="pass one of these"
        )
    plan = plan.to(q.device)
    if backend == "auto":
        backend = choose(q, k, v, plan).backend
    ways = {"dense": attend_dense, "gathered": attend_gathered, "flex": attend_flex}
    return ways[backend](q, k, v, plan, scale)


def choose(
    q: Float[Tensor, "..."], k: Float[Tensor, "..."], v: Float[Tensor, "..."], plan: AttentionPlan
) -> Choice:
    """The backend that "auto" takes, and why: by device, gradients, dtype, block sizes and density."""
    share = f"density {plan.density:.3g}"
    if plan.whole:
        return Choice("dense", "every token sees every other: nothing to skip, no mask")
    if plan.density > DENSE_ABOVE:
        return Choice("dense", f"{share} is above {DENSE_ABOVE}: gathering would save nothing")
    why_not = obstacle(q, k, v)
    if why_not is not None:
        return Choice("gathered", f"{why_not}; {share} is worth gathering for")
    if q.device.type == "cpu":
        return Choice("gathered", f"FlexAttention skips no block on the CPU; {share} is worth gathering for")
    if plan.query_block % KERNEL_BLOCK or plan.key_block % KERNEL_BLOCK:
        sizes = f"blocks of {plan.query_block} x {plan.key_block} tokens"
        return Choice("gathered", f"{sizes} are no multiples of FlexAttention's {KERNEL_BLOCK}; {share}")
    return Choice("flex", f"FlexAttention's CUDA kernels skip these blocks; {share}")


def attend_dense(
    q: Float[Tensor, "b h n d"],
    k: Float[Tensor, "b h n d"],
    v: Float[Tensor, "b h n d"],
    plan: AttentionPlan,
    scale: float | None = None,
) -> Float[Tensor, "b h n d"]:
    """Attention over all pairs, with those masked that a plan does not see."""
    mask = None if plan.whole else _added(plan, q)
    return scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)


def _added(plan: AttentionPlan, q: Tensor) -> Tensor:
    """0 where a pair counts and -inf elsewhere, which the kernels take faster than a boolean mask."""

    def make() -> Tensor:
        unseen = ~plan.mask(q.shape[0], q.shape[1])
        return torch.zeros(unseen.shape, dtype=q.dtype, device=q.device).masked_fill_(unseen, -torch.inf)

    pairs = plan.keys.shape[0] * plan.keys.shape[1] * plan.tokens**2
    return plan.remember(("dense", q.dtype), make) if pairs <= MASK_KEPT else make()


def _check_shapes(q: Tensor, k: Tensor, v: Tensor, plan: AttentionPlan) -> None:
    shapes = [tuple(x.shape) for x in (q, k, v)]
    if q.dim() != 4 or shapes[1:] != shapes[:1] * 2:
        raise ConfigError(
            expected="q, k and v of one shape (batch, heads, tokens, width)",
            came=", ".join(str(shape) for shape in shapes),
            fix="split the heads before attend()",
        )
    if q.shape[2] != plan.tokens:
        raise ConfigError(
            expected=f"the {plan.tokens} tokens of plan {plan.name}",
            came=f"{q.shape[2]}",
            fix="build the plan for the map's size",
        )
    if {k.dtype, v.dtype} != {q.dtype} or {k.device, v.device} != {q.device}:
        raise ConfigError(
            expected="q, k and v of one dtype on one device",
            came=", ".join(f"{x.dtype} on {x.device}" for x in (q, k, v)),
            fix="convert them before attend()",
        )
    plan.check_units(q.shape[0], q.shape[1])
