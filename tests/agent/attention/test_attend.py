"""Attention by a plan: every backend gives what the lists and the predicate say, forward and backward."""

import pytest
import torch
from attention_plans import by_hand, near, random_plan, tensors
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.agent.attention import gathering
from placecell.agent.attention.attend import attend
from placecell.agent.attention.counting import count_flops
from placecell.agent.attention.plan import AttentionPlan

CUDA = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"))
DEVICES = ["cpu", CUDA]

# Of the difference from float64, for values of about 1: the dtype's rounding over some ten sums.
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4, torch.bfloat16: 6e-2}

PLANS = {
    "windows": lambda: AttentionPlan("w", torch.arange(48), 8, 8, torch.arange(6)[None, None, :, None]),
    "permuted windows": lambda: random_plan(1, query_block=8, key_block=8),
    "ragged": lambda: random_plan(2),
    "single keys": lambda: random_plan(3, key_block=1),
    "single keys in part": lambda: near(48, 5, 8, 1),
    "blocks in part": lambda: random_plan(4, masked=True, key_block=16, query_block=12),
    "heads": lambda: random_plan(5, heads=2, ordered=True),
    "heads in part": lambda: near(48, 3, 8, 4, heads=2, order=torch.randperm(48)),
    "batches": lambda: random_plan(6, batch=2),
    "batches and heads in part": lambda: random_plan(7, batch=2, heads=2, masked=True),
    "batches in part": lambda: random_plan(8, batch=2, masked=True),
    "causal": lambda: near(48, 48, 12, 6),
    "everything": lambda: AttentionPlan("all", torch.arange(48), 48, 48, torch.zeros(1, 1, 1, 1).long()),
    "one query a block": lambda: near(48, 2, 1, 1),
}


def gradients(q, k, v, plan, backend):
    out = attend(q, k, v, plan, backend)
    towards = torch.linspace(-1, 1, out.numel(), device=out.device).view_as(out).to(out.dtype)
    return out, *torch.autograd.grad(out, (q, k, v), towards)


@pytest.mark.parametrize("name", PLANS)
def test_the_oracle_gives_what_is_written_out_by_hand(name):
    plan = PLANS[name]()
    q, k, v = tensors(plan, dtype=torch.float64)
    torch.testing.assert_close(attend(q, k, v, plan, "dense"), by_hand(q, k, v, plan), rtol=0, atol=1e-12)
    scaled = attend(q, k, v, plan, "dense", scale=0.1)
    torch.testing.assert_close(scaled, by_hand(q, k, v, plan, scale=0.1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("name", PLANS)
def test_gathered_agrees_with_the_oracle_forward_and_backward(name, dtype, device):
    plan = PLANS[name]()
    exact = gradients(*tensors(plan, dtype=torch.float64, gradients=True), plan, "dense")
    came = gradients(*tensors(plan, dtype=dtype, device=device, gradients=True), plan, "gathered")
    for a, b in zip(came, exact):
        assert a.dtype == dtype
        torch.testing.assert_close(a.double().cpu(), b, rtol=0, atol=TOLERANCE[dtype])


@given(
    st.integers(0, 10**6),
    st.sampled_from([(8, 8), (8, 1), (4, 16), (24, 3), (48, 48), (1, 1)]),
    st.sampled_from([(1, 1), (1, 3), (2, 1), (2, 3)]),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_any_plan_agrees_and_costs_what_it_says(seed, blocks, units, masked, ordered):
    batch, heads = units
    plan = random_plan(
        seed, query_block=blocks[0], key_block=blocks[1], batch=batch, heads=heads, masked=masked,
        ordered=ordered,
    )  # fmt: skip
    made = tensors(plan, batch=2, heads=3, dtype=torch.float64, gradients=True, seed=seed)
    for a, b in zip(gradients(*made, plan, "gathered"), gradients(*made, plan, "dense")):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)
    counted = count_flops(lambda: attend(*(x.detach() for x in made), plan, "gathered"))
    assert counted == plan.flops(8, heads=3, batch=2)


def test_gathered_computes_nothing_but_the_plan():
    plan = PLANS["ragged"]()
    q, k, v = tensors(plan)
    assert count_flops(lambda: attend(q, k, v, plan, "gathered")) == plan.flops(8, 2, 2)
    assert count_flops(lambda: attend(q, k, v, plan, "dense")) == 4 * 8 * 4 * 48**2
    assert plan.density < 0.6


@pytest.mark.parametrize("wanted", [False, True])
def test_gathered_in_many_small_calls_gives_the_same(wanted, monkeypatch):
    plan = random_plan(9, heads=2, masked=True)
    q, k, v = tensors(plan, dtype=torch.float64, gradients=wanted)
    exact = attend(q, k, v, plan, "dense")
    monkeypatch.setattr(gathering, "KEYS_AT_ONCE", 1)
    monkeypatch.setattr(gathering, "CALLS_WITH_GRADIENTS", 10**6)
    torch.testing.assert_close(attend(q, k, v, plan, "gathered"), exact, rtol=0, atol=1e-12)
    remembered = plan.remember(("gathered", 2, 2, torch.float64, wanted), lambda: None)
    assert len(remembered.groups) == 2 * plan.query_blocks


def test_alike_query_blocks_share_a_mask_and_what_is_seen_in_full_has_none():
    inner = random_plan(0, query_block=8, key_block=8)
    assert all(g.mask is None for g in gathering.gather_plan(inner, 1, 1, torch.float32).groups)
    keys = torch.tensor([[[[0, 1]], [[0, 1]]]]).transpose(1, 2)
    local = AttentionPlan("local", torch.arange(8), 4, 4, keys, lambda b, h, q, k: (q % 4) >= (k % 4))
    (group,) = gathering.gather_plan(local, 1, 1, torch.float32).groups
    assert group.mask.shape == (1, 1, 4, 8)


def test_windows_in_order_are_not_copied():
    made = gathering.gather_plan(PLANS["windows"](), 2, 2, torch.float32)
    assert [made.layout, made.back] == [None, None]
    assert [(g.queries, g.keys, g.mask) for g in made.groups] == [(None, None, None)]


@pytest.mark.parametrize("backend", ["dense", "gathered", "flex"])
def test_a_query_whose_keys_come_late_is_no_nan(backend):
    # Fused kernels go through the keys in runs, and the first runs are masked as a whole here.
    plan = AttentionPlan(
        "late", torch.arange(2048), 64, 2048, torch.zeros(1, 1, 32, 1).long(), lambda b, h, q, k: k >= 2040
    )
    q, k, v = tensors(plan, batch=1, heads=1)
    exact = torch.softmax(q @ k[:, :, 2040:].mT * 8**-0.5, -1) @ v[:, :, 2040:]
    torch.testing.assert_close(attend(q, k, v, plan, backend), exact, rtol=0, atol=1e-5)


def test_queries_that_do_not_lie_in_a_row_are_served():
    plan = PLANS["ragged"]()
    packed = torch.randn(2, 48, 3, 2, 8, generator=torch.Generator().manual_seed(0))
    q, k, v = packed.permute(2, 0, 3, 1, 4)
    assert not q.is_contiguous()
    exact = attend(q.contiguous(), k.contiguous(), v.contiguous(), plan, "dense")
    torch.testing.assert_close(attend(q, k, v, plan, "gathered"), exact, rtol=0, atol=1e-5)


def test_second_derivatives_go_through_the_gathering():
    from torch.nn.attention import SDPBackend, sdpa_kernel

    plan = random_plan(2, tokens=8, query_block=2, key_block=2)
    made = tensors(plan, batch=1, heads=1, width=2, dtype=torch.float64, gradients=True)
    with sdpa_kernel(SDPBackend.MATH):  # the fused kernels have no second derivative
        assert torch.autograd.gradgradcheck(lambda *qkv: attend(*qkv, plan, "gathered"), made)
