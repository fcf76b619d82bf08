"""Which backend "auto" takes and why, and what attend() refuses."""

import pytest
import torch
from attention_plans import near, random_plan, tensors

from placecell.agent.attention import attend as attending
from placecell.agent.attention.attend import Choice, attend, choose
from placecell.agent.attention.plan import AttentionPlan
from placecell.errors import ConfigError

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


def everything():
    return AttentionPlan("all", torch.arange(48), 16, 48, torch.zeros(1, 1, 3, 1).long())


def test_what_sees_everything_is_dense_without_a_mask():
    plan = everything()
    choice = choose(*tensors(plan), plan)
    assert choice == Choice("dense", "every token sees every other: nothing to skip, no mask")


def test_a_dense_pattern_is_masked():
    plan = near(48, 45, 8, 8)
    choice = choose(*tensors(plan), plan)
    assert choice.backend == "dense"
    assert "density 1 is above 0.8" in choice.why


def test_without_gradients_the_cpu_gathers_since_flex_skips_nothing_there():
    plan = random_plan(0)
    choice = choose(*tensors(plan), plan)
    assert choice.backend == "gathered"
    assert "skips no block on the CPU; density 0." in choice.why


def test_with_gradients_the_cpu_gathers_since_flex_has_no_backward():
    plan = random_plan(0)
    choice = choose(*tensors(plan, gradients=True), plan)
    assert choice.backend == "gathered"
    assert "no backward on the CPU" in choice.why


@needs_cuda
def test_cuda_takes_flex_for_its_block_sizes_and_gathers_else():
    large, small = random_plan(0, tokens=1024, query_block=128, key_block=128), random_plan(0)
    assert choose(*tensors(large, width=16, device="cuda"), large.to("cuda")).backend == "flex"
    assert choose(*tensors(large, width=8, device="cuda"), large.to("cuda")).backend == "gathered"
    choice = choose(*tensors(small, width=16, device="cuda"), small.to("cuda"))
    assert choice.backend == "gathered"
    assert "blocks of 8 x 4 tokens are no multiples of FlexAttention's 128" in choice.why


@pytest.mark.parametrize("plan", [everything(), random_plan(0)], ids=["dense", "gathered"])
def test_auto_does_what_choose_says(plan, monkeypatch):
    taken = []
    for name in ("dense", "gathered", "flex"):
        way = getattr(attending, f"attend_{name}")
        monkeypatch.setattr(attending, f"attend_{name}", lambda *a, n=name, w=way: taken.append(n) or w(*a))
    made = tensors(plan)
    came = attend(*made, plan)
    assert taken == [choose(*made, plan).backend]
    assert torch.equal(came, attend(*made, plan, taken[0]))


def test_an_unknown_backend_is_met_with_the_known_ones():
    plan = random_plan(0)
    with pytest.raises(ConfigError, match="a backend of auto, dense, gathered, flex, got 'natten'"):
        attend(*tensors(plan), plan, "natten")


@pytest.mark.parametrize("backend", attending.BACKENDS)
def test_shapes_that_do_not_fit_are_said_in_one_line(backend):
    plan = random_plan(0)
    q, k, v = tensors(plan)
    for bad, message in (
        ((q, k[:, :1], v), r"q, k and v of one shape .* got \(2, 2, 48, 8\), \(2, 1, 48, 8\)"),
        ((q[0], k[0], v[0]), r"of one shape \(batch, heads, tokens, width\), got \(2, 48, 8\)"),
        ((q[:, :, :40], k[:, :, :40], v[:, :, :40]), "the 48 tokens of plan random, got 40"),
        ((q, k.double(), v), "of one dtype on one device, got torch.float32 on cpu, torch.float64"),
    ):
        with pytest.raises(ConfigError, match=message):
            attend(*bad, plan, backend)


@pytest.mark.parametrize("backend", attending.BACKENDS)
def test_a_plan_of_other_heads_or_batches_is_refused(backend):
    heads, batches = random_plan(0, heads=3), random_plan(0, batch=3)
    with pytest.raises(ConfigError, match="3 heads, as in plan random, got 2"):
        attend(*tensors(heads), heads, backend)
    with pytest.raises(ConfigError, match="3 batches, as in plan random, got 2"):
        attend(*tensors(batches), batches, backend)
