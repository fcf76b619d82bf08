"""The plug: closed before training, open after, and nothing that was not recalled passes it."""

import copy
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from torch.nn.attention import SDPBackend, sdpa_kernel

from placecell.errors import PlacecellError
from placecell.memory.fusion import MemoryFusion

WIDTH, ENTRIES = 32, 12
DTYPES = (torch.float32, torch.bfloat16, torch.float16)
BITS = {torch.float32: torch.int32, torch.bfloat16: torch.int16, torch.float16: torch.int16}
DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")),
]


def fusion(dtype=torch.float32, device="cpu", gate=None, **rest):
    torch.manual_seed(5)
    built = MemoryFusion(WIDTH, ENTRIES, 4, **rest).to(device, dtype)
    if gate is not None:
        torch.nn.init.constant_(built.gate, gate)
    return built


def states(*shape, dtype=torch.float32, device="cpu"):
    hidden = torch.randn(*shape, WIDTH, generator=torch.Generator().manual_seed(1))
    hidden[..., ::5] = -0.0  # what a ReLU of a negative number times -1 leaves
    hidden[..., 1::5] = 0.0
    return hidden.to(device, dtype)


def memory(b, k, device="cpu"):
    return torch.randn(b, k, ENTRIES, generator=torch.Generator().manual_seed(2)).to(device)


def same_bits(a, b):
    return a.dtype == b.dtype and torch.equal(a.view(BITS[a.dtype]), b.view(BITS[b.dtype]))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_before_training_the_output_is_the_input_to_the_bit(dtype, training, device):
    plug = fusion(dtype, device).train(training)
    garbage = memory(3, 6, device) * torch.logspace(-30, 38, 6, device=device)[:, None]
    garbage[0, 0], garbage[1, 1] = torch.inf, -torch.inf
    mask = torch.arange(6, device=device) < torch.tensor([6, 3, 0], device=device)[:, None]
    for hidden in (states(3, dtype=dtype, device=device), states(3, 7, dtype=dtype, device=device)):
        assert same_bits(plug(hidden, garbage, mask), hidden)
        assert same_bits(plug(hidden, garbage), hidden)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_float32_plug_stands_beside_a_backbone_of_another_type(dtype):
    hidden = states(2, 3, dtype=dtype)
    assert same_bits(fusion()(hidden, memory(2, 4)), hidden)
    assert fusion(gate=0.5)(hidden, memory(2, 4)).dtype == dtype
    with torch.autocast("cpu", torch.bfloat16):
        assert same_bits(fusion()(hidden, memory(2, 4)), hidden)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_gradients_reach_the_gate_at_once_and_everything_after_one_step(dtype, device):
    plug = fusion(dtype, device, category_embedding=9)
    hidden = states(2, 5, dtype=dtype, device=device).requires_grad_()
    ids = torch.tensor([[1, 2, 0, 4], [3, 5, 6, 0]])
    optimiser = torch.optim.SGD(plug.parameters(), lr=0.5)

    def reached():
        optimiser.zero_grad()
        plug(hidden, memory(2, 4), None, ids).float().square().sum().backward()
        return {name for name, p in plug.named_parameters() if p.grad is not None and bool(p.grad.any())}

    assert reached() == {"gate"}
    assert torch.equal(hidden.grad, 2 * hidden.detach())  # the backbone learns as if nothing were plugged in
    optimiser.step()
    assert reached() == {name for name, _ in plug.named_parameters()}
    assert all(bool(p.grad.isfinite().all()) for p in plug.parameters())


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("gate", [0.0, 2.0], ids=["before", "after training"])
def test_nothing_recalled_changes_nothing(dtype, gate, device):
    plug = fusion(dtype, device, gate)
    hidden = states(2, 3, dtype=dtype, device=device)
    unseen = torch.full((2, 4, ENTRIES), torch.nan)
    nothing = torch.zeros(2, 4, dtype=torch.bool)
    assert same_bits(plug(hidden, unseen, nothing), hidden)
    assert same_bits(plug(hidden, torch.zeros(2, 0, ENTRIES)), hidden)
    hidden.requires_grad_()
    plug(hidden, unseen, nothing).float().sum().backward()
    assert bool(hidden.grad.isfinite().all())
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in plug.parameters())


def test_a_row_without_memory_passes_beside_one_with():
    plug, hidden = fusion(gate=1.0), states(2, 3)
    mask = torch.tensor([[True, True, False], [False, False, False]])
    out = plug(hidden, memory(2, 3), mask)
    assert same_bits(out[1], hidden[1])
    assert bool((out[0] != hidden[0]).any())


def test_what_is_masked_out_is_not_read():
    plug, tokens = fusion(gate=1.0), memory(2, 5)
    mask = torch.tensor([[True, True, True, False, False], [True, False, True, False, True]])
    out = plug(states(2, 3), tokens, mask)
    for filling in (torch.nan, torch.inf, 1e30):
        other = tokens.masked_fill(~mask[..., None], filling)
        assert same_bits(plug(states(2, 3), other, mask), out)
    alone = plug(states(2, 3)[:1], tokens[:1, :3])
    assert torch.allclose(alone, out[:1], atol=1e-6)


def test_the_order_of_tokens_says_nothing_their_content_does():
    plug, tokens = fusion(gate=1.0), memory(1, 5)
    out = plug(states(1, 3), tokens)
    assert torch.allclose(plug(states(1, 3), tokens.flip(1)), out, atol=1e-6)
    assert not torch.allclose(plug(states(1, 3), tokens + 0.5), out, atol=1e-2)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_no_finite_token_makes_a_number_that_is_not(dtype):
    plug = fusion(dtype, gate=3.0)
    for size in (1e-38, 1e4, 3e38):
        tokens = memory(2, 4).sign() * size
        out = plug(states(2, 3, dtype=dtype), tokens)
        assert bool(out.isfinite().all())


def test_rollout_and_update_see_the_same():
    plug = fusion(gate=1.0)
    out = plug.train()(states(2, 3), memory(2, 4))
    assert same_bits(plug(states(2, 3), memory(2, 4)), out)
    assert same_bits(plug.eval()(states(2, 3), memory(2, 4)), out)


def test_numpy_and_torch_say_the_same():
    plug, tokens = fusion(gate=1.0), memory(2, 4)
    mask = np.array([[True, True, False, True], [False, True, False, True]])
    out = plug(states(2), tokens, torch.from_numpy(mask))
    assert same_bits(plug(states(2), tokens.numpy(), mask), out)
    assert same_bits(plug(states(2)[:, None], tokens, torch.from_numpy(mask))[:, 0], out)


def test_it_is_saved_without_a_pickle():
    plug = fusion(gate=0.7, category_embedding=5)
    ids = torch.tensor([[0, 1, 2, 9]])
    again = MemoryFusion(WIDTH, ENTRIES, 4, category_embedding=5)
    again.load_state_dict(load(save(plug.state_dict())))
    out = plug(states(1, 2), memory(1, 4), None, ids)
    assert same_bits(again(states(1, 2), memory(1, 4), None, ids), out)


@pytest.mark.parametrize("gate", [0.0, 1.0])
def test_every_parameter_gets_a_gradient_whatever_was_recalled(gate):
    """Else training on several devices waits for those that get none."""
    for mask in (None, torch.zeros(2, 3, dtype=torch.bool)):
        plug = fusion(gate=gate, category_embedding=4)
        plug(states(2, 3), memory(2, 3), mask, torch.tensor([[0, 1, 2], [3, 4, 9]])).sum().backward()
        assert all(p.grad is not None for p in plug.parameters())


def test_gradients_pass_beside_and_through_what_is_frozen():
    plug, before, after = fusion(gate=1.0), torch.nn.Linear(WIDTH, WIDTH), torch.nn.Linear(WIDTH, 2)
    before.requires_grad_(False)
    after.requires_grad_(False)
    after(plug(before(states(2)), memory(2, 3))).square().sum().backward()
    assert all(bool(p.grad.any()) for p in plug.parameters())
    frozen = fusion(gate=1.0).requires_grad_(False)
    hidden = states(2).requires_grad_()
    frozen(hidden, memory(2, 3)).square().sum().backward()
    assert bool(hidden.grad.any())


COMPILED = """
import torch
from placecell.memory.fusion import MemoryFusion
plug = MemoryFusion(32, 12, 4)
compiled = torch.compile(plug, fullgraph=True, backend="eager")
hidden, tokens, mask = torch.randn(2, 3, 32), torch.randn(2, 4, 12), torch.ones(2, 4, dtype=torch.bool)
assert torch.equal(compiled(hidden, tokens, mask), hidden)
torch.nn.init.ones_(plug.gate)
out = compiled(hidden, tokens, mask)
assert torch.allclose(out, plug(hidden, tokens, mask)) and not torch.allclose(out, hidden)
out.sum().backward()
assert all(p.grad is not None for p in plug.parameters())
"""


def test_it_is_compiled_whole():
    """In a process of its own, for type checks at run time are nothing that torch can compile."""
    subprocess.run([sys.executable, "-c", COMPILED], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_it_is_copied_and_differentiated_by_functions():
    plug, hidden, tokens = fusion(gate=1.0), states(2, 3), memory(2, 4)
    assert same_bits(copy.deepcopy(plug)(hidden, tokens), plug(hidden, tokens))
    leaf = hidden.clone().requires_grad_()
    (expected,) = torch.autograd.grad(plug(leaf, tokens).square().sum(), leaf)
    found = torch.func.grad(lambda given: plug(given, tokens).square().sum())(hidden)
    assert torch.allclose(found, expected)


def test_gradients_of_gradients():
    plug, mask = fusion(torch.float64, gate=0.7), torch.tensor([[True, False], [True, True]])
    hidden = torch.randn(2, WIDTH, dtype=torch.float64, requires_grad=True)
    with sdpa_kernel(SDPBackend.MATH):
        assert torch.autograd.gradgradcheck(lambda given: plug(given, memory(2, 2), mask).sum(), (hidden,))


def test_categories_are_told_apart_as_far_as_the_table_goes():
    plug = fusion(gate=1.0, category_embedding=5)

    def out(category):
        return plug(states(1), memory(1, 2), None, np.full((1, 2), category))

    outs = [out(category) for category in range(5)]
    assert all(not torch.allclose(a, b) for n, a in enumerate(outs) for b in outs[:n])
    assert same_bits(out(5), outs[1])
    assert same_bits(out(65535), outs[65534 % 4 + 1])


def test_it_learns_to_answer_from_memory():
    """Which way the one recalled thing lies cannot be told from the hidden states, which are all the same."""
    torch.manual_seed(0)
    plug, head = MemoryFusion(WIDTH, ENTRIES, 4), torch.nn.Linear(WIDTH, 2)
    optimiser = torch.optim.Adam([*plug.parameters(), *head.parameters()], lr=3e-3)
    draw = torch.Generator().manual_seed(3)
    losses = []
    for _ in range(150):
        bearing = torch.rand(64, 1, generator=draw) * 2 * math.pi
        tokens = torch.nn.functional.pad(torch.cat([bearing.sin(), bearing.cos()], 1), (0, ENTRIES - 2))
        answer = head(plug(torch.ones(64, WIDTH), tokens[:, None]))
        loss = (answer - tokens[:, :2]).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert sum(losses[-10:]) / 10 < 0.05 < 0.4 < losses[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MemoryFusion(30, 12), "multiple of heads, got width 30, heads 8"),
        (lambda: MemoryFusion(32, 0), "widths of 1 or more .* got memory_width 0, width 32"),
        (
            lambda: MemoryFusion(32, 12, category_embedding=1),
            "2 rows or more, or 0, got .*category_embedding 1",
        ),
        (lambda: fusion()(states(2), torch.zeros(2, 3, 18)), "memory tokens of width 12, got 18"),
        (
            lambda: fusion()(torch.zeros(2, 31), memory(2, 3)),
            r"hidden states of width 32.* got hidden \(2, 31\)",
        ),
        (
            lambda: fusion()(states(2), memory(3, 3)),
            r"each of the batch, got hidden \(2, 32\), memory \(3, 3",
        ),
        (
            lambda: fusion()(states(1), memory(1, 2), None, np.zeros((1, 2), np.int64)),
            "only there, got categories without a table; .*category_embedding=ROWS",
        ),
        (
            lambda: fusion()(states(1), memory(1, 2), torch.ones(1, 3, dtype=torch.bool)),
            r"mask of \(1, 2\), an entry a token, got \(1, 3\)",
        ),
        (
            lambda: fusion()(states(1), memory(1, 2), torch.ones(1, 2, dtype=torch.int64)),
            r"a mask of booleans, .*, got int64; pass mask\.bool\(\)",
        ),
        (
            lambda: fusion(category_embedding=4)(states(1), memory(1, 2), None, np.zeros((2, 2), np.int64)),
            r"categories of \(1, 2\), an entry a token, got \(2, 2\)",
        ),
        (
            lambda: fusion(category_embedding=4)(states(1), memory(1, 2)),
            r"only there, got no categories; pass batch_categories\(",
        ),
    ],
)
def test_what_does_not_fit_is_said(call, message):
    with pytest.raises(PlacecellError, match=message):
        call()


def test_the_memory_itself_needs_no_torch():
    code = "import sys, placecell.memory, placecell.memory.tokens; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})
