"""Attention plans of every kind for tests, and attention written out by hand to hold them against."""

import torch

from placecell.agent.attention.plan import AttentionPlan


def random_plan(
    seed, *, tokens=48, query_block=8, key_block=4, batch=1, heads=1, masked=False, ordered=False
):
    """Blocks at random, as many in a row as it happens; ``masked``: some of them only in part."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.arange(tokens) if ordered else torch.randperm(tokens, generator=generator)
    nq, nk = tokens // query_block, tokens // key_block
    seen = torch.rand(batch, heads, nq, nk, generator=generator) < 0.4
    seen[..., 0] |= ~seen.any(-1)
    m = int(seen.sum(-1).max())
    place = torch.argsort((~seen).to(torch.uint8), dim=-1, stable=True)[..., :m]
    kept = seen.gather(-1, place)
    keys = torch.where(kept, place, -1)
    if not masked:
        return AttentionPlan("random", order, query_block, key_block, keys)
    partial = kept & (torch.rand(kept.shape, generator=generator) < 0.7)
    return AttentionPlan("random", order, query_block, key_block, keys, sometimes(key_block), partial)


def sometimes(key_block):
    """A predicate that differs between batches and heads, and leaves no query of such a plan blind."""
    if key_block == 1:
        return lambda b, h, q, k: (q + k + b + h) >= 0
    return lambda b, h, q, k: ((q + 3 * k + b + 2 * h) % 5 != 0) | (b + h + q < 0)


def near(tokens, reach, query_block, key_block, order=None, heads=1):
    """A band around the diagonal, wider from head to head, found by asking."""
    order = torch.arange(tokens) if order is None else order
    return AttentionPlan.from_predicate(
        "near", order, query_block, key_block, lambda b, h, q, k: (q - k).abs() <= reach + h, heads=heads
    )


def tensors(plan, *, batch=2, heads=2, width=8, dtype=torch.float32, device="cpu", gradients=False, seed=0):
    """q, k and v at random."""
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, heads, plan.tokens, width)
    made = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(3))
    return tuple(x.to(device, dtype).requires_grad_(gradients) for x in made)


def by_hand(q, k, v, plan, scale=None):
    """Attention of one query after the other, from nothing but the plan's lists and its predicate."""
    b, h, n, d = q.shape
    scale = d**-0.5 if scale is None else scale
    out = torch.zeros_like(q)
    for batch in range(b):
        for head in range(h):
            own = (min(batch, plan.keys.shape[0] - 1), min(head, plan.keys.shape[1] - 1))
            for position in range(n):
                token = int(plan.order[position])
                keys = seen_by(plan, *own, position // plan.query_block, token)
                weights = torch.softmax(k[batch, head, keys] @ q[batch, head, token] * scale, 0)
                out[batch, head, token] = weights @ v[batch, head, keys]
    return out


def seen_by(plan, batch, head, block, token):
    """The tokens that a token of a query block sees."""
    seen = []
    for column, key in enumerate(plan.keys[batch, head, block].tolist()):
        if key < 0:
            continue
        tokens = plan.order[key * plan.key_block : (key + 1) * plan.key_block].tolist()
        whole = plan.predicate is None or (
            plan.partial is not None and not plan.partial[batch, head, block, column]
        )
        numbers = [torch.tensor(x) for x in (batch, head, token)]
        seen += [t for t in tokens if whole or bool(plan.predicate(*numbers, torch.tensor(t)))]
    return seen
