"""FlexAttention by a plan: it agrees with the oracle, and the trap that it would fall into."""

import pytest
import torch
from attention_plans import near, random_plan, tensors
from torch.nn.attention.flex_attention import BlockMask, create_block_mask

from placecell.agent.attention import flex
from placecell.agent.attention.attend import attend
from placecell.agent.attention.plan import AttentionPlan
from placecell.errors import ConfigError

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

PLANS = {
    "blocks": lambda: random_plan(1, tokens=512, query_block=128, key_block=128),
    "small blocks": lambda: random_plan(2, tokens=256, query_block=32, key_block=16, heads=2),
    "in part": lambda: near(256, 20, 64, 32, heads=2, order=torch.randperm(256)),
    "batches in part": lambda: random_plan(3, tokens=256, query_block=64, key_block=32, batch=2, masked=True),
    "single keys": lambda: near(196, 9, 49, 1),
}


ON_THE_CPU = [(name, torch.float32) for name in PLANS]
ON_THE_CPU += [("in part", torch.float64), ("in part", torch.bfloat16)]


@pytest.mark.parametrize(("name", "dtype"), ON_THE_CPU, ids=str)
def test_flex_on_the_cpu_agrees_with_the_oracle(name, dtype):
    plan = PLANS[name]()
    exact = attend(*tensors(plan, dtype=torch.float64, width=16), plan, "dense", scale=0.3)
    came = attend(*tensors(plan, dtype=dtype, width=16), plan, "flex", scale=0.3)
    tolerance = {torch.float64: 1e-10, torch.float32: 1e-4, torch.bfloat16: 6e-2}[dtype]
    torch.testing.assert_close(came.double(), exact, rtol=0, atol=tolerance)


@needs_cuda
@pytest.mark.filterwarnings("ignore")  # the compiler's own: of TF32, of what it deprecates in itself
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", PLANS)
def test_flex_on_cuda_agrees_with_the_oracle_forward_and_backward(name, dtype):
    plan = PLANS[name]()
    exact, came = (
        _with_gradients(tensors(plan, dtype=t, width=16, device=device, gradients=True), plan, backend)
        for t, device, backend in ((torch.float64, "cpu", "dense"), (dtype, "cuda", "flex"))
    )
    # On CUDA float32 products may be rounded to 10 bits (TF32).
    tolerance = {torch.float32: 1e-2, torch.bfloat16: 6e-2}[dtype]
    for a, b in zip(came, exact):
        torch.testing.assert_close(a.double().cpu(), b, rtol=0, atol=tolerance)


def _with_gradients(made, plan, backend):
    out = attend(*made, plan, backend)
    return out, *torch.autograd.grad(out.sum(), made)


def test_block_lists_alone_are_ignored_without_a_kernel_and_so_the_mask_knows_them():
    plan = AttentionPlan("w", torch.arange(32), 8, 8, torch.arange(4)[None, None, :, None])
    q, k, v = tensors(plan, batch=1, heads=1)
    windows = attend(q, k, v, plan, "dense")
    ours = flex.block_mask(plan, 1)
    # The same lists, with a mask_mod that leaves it to them which blocks are seen.
    bare = BlockMask.from_kv_blocks(
        ours.kv_num_blocks, ours.kv_indices, ours.full_kv_num_blocks, ours.full_kv_indices,
        BLOCK_SIZE=(8, 8), seq_lengths=(32, 32),
    )  # fmt: skip
    trapped = flex._unfused(q, k, v, bare, None)
    everything = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    torch.testing.assert_close(trapped, everything)
    assert (trapped - windows).abs().max() > 0.1
    torch.testing.assert_close(flex._unfused(q, k, v, ours, None), windows)


@pytest.mark.parametrize("name", ["blocks", "small blocks", "in part", "batches in part"])
def test_lists_for_the_kernels_are_those_found_by_asking_for_every_pair(name):
    plan = PLANS[name]()
    pb, ph = plan.keys.shape[:2]
    listed, asked = flex.block_mask(plan), create_block_mask(
        flex.mask_mod(plan), pb, ph, plan.tokens, plan.tokens, device="cpu"
    )  # fmt: skip
    assert listed.BLOCK_SIZE == asked.BLOCK_SIZE == (128, 128)
    assert listed.shape == asked.shape
    assert torch.equal(listed.to_dense(), asked.to_dense())


def test_where_the_kernels_blocks_do_not_divide_the_tokens_every_pair_is_asked_for():
    plan = PLANS["single keys"]()
    made = flex.block_mask(plan)
    assert made.shape == (1, 1, 196, 196)
    assert made.to_dense().shape[-2:] == (2, 2)


def test_many_plans_one_after_the_other_do_not_use_up_the_compiler():
    for reach in range(12):
        plan = near(16, reach, 8, 4)
        q, k, v = tensors(plan, batch=1, heads=1)
        expected = attend(q, k, v, plan, "dense")
        torch.testing.assert_close(attend(q, k, v, plan, "flex"), expected, rtol=0, atol=1e-5)


def test_more_plans_than_pytorch_compiles_by_default_are_compiled(monkeypatch):
    # The tracer as on CUDA, with the kernels left out.
    traced = torch.compile(flex.flex_attention, backend="eager", dynamic=False, fullgraph=True)
    monkeypatch.setattr(flex, "_compiled", lambda: traced)
    plans = [near(16, reach, 8, 4) for reach in range(3)]
    q, k, v = tensors(plans[0], batch=1, heads=1)
    with torch._dynamo.config.patch(recompile_limit=1):
        for plan in plans:
            came = flex._fused(q, k, v, flex.block_mask(plan, 1), None)
            torch.testing.assert_close(came, attend(q, k, v, plan, "dense"), rtol=0, atol=1e-5)
        with pytest.raises(torch._dynamo.exc.FailOnRecompileLimitHit):
            traced(q, k, v, block_mask=flex.block_mask(near(16, 5, 8, 4), 1))


def test_flex_with_gradients_on_the_cpu_is_refused():
    plan = PLANS["blocks"]()
    made = tensors(plan, gradients=True)
    with pytest.raises(ConfigError, match="FlexAttention has no backward on the CPU; use backend='gathered'"):
        attend(*made, plan, "flex")
    with torch.no_grad():
        assert attend(*made, plan, "flex").shape == made[0].shape


def test_flex_on_a_device_without_kernels_is_refused():
    q = torch.zeros(1, 1, 8, 16, device="meta")
    assert flex.obstacle(q, q, q) == "FlexAttention has no kernel for meta"


@needs_cuda
def test_flex_says_what_its_kernels_lack():
    plan = PLANS["blocks"]()
    with pytest.raises(ConfigError, match="have no float64"):
        attend(*tensors(plan, dtype=torch.float64, device="cuda"), plan, "flex")
    with pytest.raises(ConfigError, match="need heads of width 16"):
        attend(*tensors(plan, width=8, device="cuda"), plan, "flex")
