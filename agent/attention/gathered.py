"""Attention by a plan with plain products: the keys of each query block are gathered, then dense attention.

Differentiable anywhere. Query blocks that see the same number of key blocks go into one call, so that nothing
is computed that the plan does not list.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from .gathering import gather_plan
from .plan import AttentionPlan


def attend_gathered(
    q: Float[Tensor, "b h n d"],
    k: Float[Tensor, "b h n d"],
    v: Float[Tensor, "b h n d"],
    plan: AttentionPlan,
    scale: float | None = None,
) -> Float[Tensor, "b h n d"]:
    """Attention of RASTER tokens by a plan on the same device, by gathering and dense products."""
    b, h, n, d = q.shape
    shape = (b, h, q.dtype, torch.is_grad_enabled() and any(x.requires_grad for x in (q, k, v)))
    gathering = plan.remember(("gathered", *shape), lambda: gather_plan(plan, *shape))
    queries, keys, values = (x.reshape(b * h * n, d) for x in (q, k, v))
    keys, values = (take(x, gathering.layout).view(-1, gathering.block * d) for x in (keys, values))
    outputs = [
        scaled_dot_product_attention(
            take(queries, group.queries).view(*group.shape, plan.query_block, d),
            take(keys, group.keys).view(*group.shape, -1, d),
            take(values, group.keys).view(*group.shape, -1, d),
            attn_mask=group.mask,
            scale=scale,
        ).reshape(-1, d)
        for group in gathering.groups
    ]
    return take(torch.cat(outputs) if len(outputs) > 1 else outputs[0], gathering.back).view(b, h, n, d)


def take(x: Float[Tensor, "rows width"], index: Int64[Tensor, " r"] | None) -> Float[Tensor, "r width"]:
    """Rows of a matrix; None: all of them, uncopied."""
    # Over the first axis of a matrix this copies whole rows; over a middle axis it was 4 times slower.
    return x if index is None else x.index_select(0, index)
