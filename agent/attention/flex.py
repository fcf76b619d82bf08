"""Attention by a plan with PyTorch's FlexAttention: fused kernels that skip blocks, on CUDA.

On the CPU it computes every pair and masks (no backward there): good for holding results against each other.
"""

import inspect
import math
import warnings
from collections.abc import Callable
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from placecell.errors import ConfigError

from .blocks import UNSEEN, Kind
from .plan import AttentionPlan

KERNEL_BLOCK = 128
"""FlexAttention's CUDA kernels take blocks of a multiple of this many tokens."""

KERNEL_WIDTH = 16
"""The least width of a head that they take."""

PLANS_COMPILED = 512
"""Kernels that may be compiled in a process: each plan needs its own, and PyTorch's default is 8."""


def obstacle(q: Float[Tensor, "b h n d"], k: Tensor, v: Tensor) -> str | None:
    """Why FlexAttention cannot compute this; None: it can."""
    if q.device.type == "cpu":
        wanted = torch.is_grad_enabled() and any(x.requires_grad for x in (q, k, v))
        return "FlexAttention has no backward on the CPU" if wanted else None
    if q.device.type != "cuda":
        return f"FlexAttention has no kernel for {q.device.type}"
    if q.dtype == torch.float64:
        return "FlexAttention's CUDA kernels have no float64"
    if q.shape[-1] < KERNEL_WIDTH:
        return f"FlexAttention's CUDA kernels need heads of width {KERNEL_WIDTH}"
    return None


def attend_flex(
    q: Float[Tensor, "b h n d"],
    k: Float[Tensor, "b h n d"],
    v: Float[Tensor, "b h n d"],
    plan: AttentionPlan,
    scale: float | None = None,
) -> Float[Tensor, "b h n d"]:
    """Attention of RASTER tokens by a plan on the same device.

    Raises:
        ConfigError: what is asked cannot be done by FlexAttention (see ``obstacle``).
    """
    why = obstacle(q, k, v)
    if why is not None:
        came = f"q {tuple(q.shape)} of {q.dtype} on {q.device}: {why}"
        raise ConfigError(
            expected="what FlexAttention can compute", came=came, fix="use backend='gathered' or 'auto'"
        )
    fused = q.device.type == "cuda"
    multiple = KERNEL_BLOCK if fused else 1
    blocks = plan.remember(("flex", multiple), lambda: block_mask(plan, multiple))
    q, k, v = (x.index_select(2, plan.order) for x in (q, k, v))
    attended = _fused(q, k, v, blocks, scale) if fused else _unfused(q, k, v, blocks, scale)
    return attended.index_select(2, plan.inverse)


def mask_mod(plan: AttentionPlan) -> Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]:
    """Who sees whom in the plan's order, as FlexAttention asks it.

    The blocks are asked for as well as the predicate: outside its kernels FlexAttention looks at nothing but
    this function, and a plan's sparsity would be lost.
    """
    kinds, order = plan.kinds, plan.order
    # PyTorch's tracer cannot go through the shape checks that PLACECELL_TYPECHECK=1 wraps functions in.
    predicate = None if plan.predicate is None else inspect.unwrap(plan.predicate)
    query_block, key_block = plan.query_block, plan.key_block
    one_batch, one_head = (size == 1 for size in plan.keys.shape[:2])

    def seen(b: Tensor, h: Tensor, query: Tensor, key: Tensor) -> Tensor:
        b, h = (b * 0 if one_batch else b), (h * 0 if one_head else h)
        kind = kinds[b, h, query // query_block, key // key_block]
        if predicate is None:
            return kind != UNSEEN
        allowed = predicate(b, h, order[query], order[key])
        return (kind == int(Kind.FULL)) | ((kind == int(Kind.PARTIAL)) & allowed)

    return inspect.unwrap(seen)


def block_mask(plan: AttentionPlan, multiple: int = KERNEL_BLOCK) -> BlockMask:
    """The plan's blocks as FlexAttention lists them, in sizes that are multiples of ``multiple``.

    Where these sizes divide the tokens, the lists come from the plan's own; else every pair of tokens is
    asked for, which takes memory for all of them.
    """
    n = plan.tokens
    query_block, key_block = math.lcm(plan.query_block, multiple), math.lcm(plan.key_block, multiple)
    if n % query_block or n % key_block:
        pb, ph = plan.keys.shape[:2]
        return create_block_mask(mask_mod(plan), pb, ph, n, n, device=plan.order.device)
    rows, columns = n // query_block, n // key_block
    parts = plan.kinds.view(*plan.keys.shape[:2], rows, plan.query_blocks // rows, columns, -1)
    full = (parts == Kind.FULL).all(5).all(3)
    partial = (parts != UNSEEN).any(5).any(3) & ~full
    return BlockMask.from_kv_blocks(
        *_listed(partial),
        *_listed(full),
        BLOCK_SIZE=(query_block, key_block),
        mask_mod=mask_mod(plan),
        seq_lengths=(n, n),
    )


def _listed(chosen: Tensor) -> tuple[Tensor, Tensor]:
    """How many blocks each row has, and a list of all columns that begins with them."""
    first = torch.argsort((~chosen).to(torch.uint8), dim=-1, stable=True)
    return chosen.sum(-1, dtype=torch.int32), first.to(torch.int32)


def _unfused(q: Tensor, k: Tensor, v: Tensor, blocks: BlockMask, scale: float | None) -> Tensor:
    with warnings.catch_warnings():
        # Compiling for the CPU takes longer than the products that this is used to check, and so the
        # unfused way, of which PyTorch warns, is taken on purpose.
        warnings.filterwarnings("ignore", message="flex_attention called without torch.compile")
        return flex_attention(q, k, v, block_mask=blocks, scale=scale)


def _fused(q: Tensor, k: Tensor, v: Tensor, blocks: BlockMask, scale: float | None) -> Tensor:
    # Beyond the limit PyTorch would go back to the unfused way, which skips nothing, with a mere warning.
    limits = {"recompile_limit": PLANS_COMPILED, "accumulated_recompile_limit": PLANS_COMPILED}
    with torch._dynamo.config.patch(limits):
        return _compiled()(q, k, v, block_mask=blocks, scale=scale)


@cache
def _compiled() -> Callable[..., Tensor]:
    return torch.compile(flex_attention, dynamic=False, fullgraph=True)
