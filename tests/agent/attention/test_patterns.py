"""Each pattern against its published definition, token by token."""

import pytest
import torch
from attention_plans import tensors
from pattern_oracles import (
    halo_mask,
    neighborhood_mask,
    radial_mask,
    s2_mask,
    shifted_mask,
    window_mask,
)

from placecell.agent.attention.attend import attend
from placecell.agent.attention.orders import tiled
from placecell.agent.attention.patterns import full, halo, neighborhood, shifted_window, window
from placecell.agent.attention.temporal import radial, s2


def same(plan, expected, heads=1):
    seen = plan.mask(heads=heads)[0].numpy()
    return (seen == (expected if heads > 1 else expected[None])).all()


def by_axis(size, given):
    return given if isinstance(given, tuple) else (given,) * len(size)


@pytest.mark.parametrize("size", [(5,), (3, 4), (2, 3, 4)])
def test_full_sees_everything(size):
    assert full(size).whole
    assert full(size).mask().all()


@pytest.mark.parametrize(
    ("size", "sides"), [((12,), 4), ((6, 9), 3), ((4, 10), (2, 5)), ((2, 4, 6), 2), ((5, 5), 5), ((3, 3), 1)]
)
def test_a_token_sees_its_window(size, sides):
    assert same(window(size, sides), window_mask(size, by_axis(size, sides)))


@pytest.mark.parametrize(
    ("size", "sides", "shift"),
    [
        ((12,), 4, None),
        ((8, 12), 4, None),
        ((6, 9), 3, None),
        ((10, 5), 5, (3, 1)),
        ((8, 8), 4, (0, 2)),
        ((8, 8), 4, 0),
        ((4, 4), 4, None),
        ((4, 2, 6), 2, None),
    ],
)
def test_shifted_windows_are_those_of_the_rolled_map_without_what_was_not_adjacent(size, sides, shift):
    moved = tuple(w // 2 for w in by_axis(size, sides)) if shift is None else by_axis(size, shift)
    assert same(shifted_window(size, sides, shift), shifted_mask(size, by_axis(size, sides), moved))


@pytest.mark.parametrize(
    ("size", "block", "rim"),
    [((12,), 4, 1), ((8, 12), 4, 3), ((6, 9), 3, 4), ((4, 4), 2, 0), ((2, 4, 4), 2, 1)],
)
def test_a_block_sees_itself_and_its_rim_inside_the_map(size, block, rim):
    plan = halo(size, block, rim)
    assert same(plan, halo_mask(size, block, rim))
    assert plan.density == plan.seen_density


@pytest.mark.parametrize(
    ("size", "window", "stride", "dilation", "causal"),
    [
        ((15,), 5, 1, 1, False),
        ((15,), 4, 1, 1, False),
        ((16,), 6, 4, 1, False),
        ((17,), 5, 3, 2, False),
        ((17,), 5, 5, 3, True),
        ((15,), 1, 1, 1, False),
        ((9, 7), 7, 1, 1, False),
        ((7, 11), 3, 2, 1, False),
        ((8, 13), (3, 5), (1, 4), (2, 1), False),
        ((11, 9), 3, 1, 3, False),
        ((6, 10), (4, 3), 2, 1, (True, False)),
        ((3, 5, 6), 3, 1, 1, False),
        ((4, 6, 5), (2, 3, 4), (2, 1, 3), (1, 2, 1), (True, False, False)),
    ],
)
def test_neighborhoods_are_those_of_the_definition(size, window, stride, dilation, causal):
    plan = neighborhood(size, window, stride=stride, dilation=dilation, causal=causal)
    options = [by_axis(size, given) for given in (window, stride, dilation, causal)]
    assert same(plan, neighborhood_mask(size, *options))


def test_a_stride_as_large_as_the_window_is_blocked_attention():
    blocked, windows = neighborhood((12, 8), 4, stride=4), window((12, 8), 4)
    assert torch.equal(blocked.mask(), windows.mask())


@pytest.mark.parametrize("tile", [1, 3, (9, 1), (3, 6)])
def test_the_tile_changes_what_is_computed_together_and_nothing_else(tile):
    plan = neighborhood((9, 6), 5, tile=tile)
    assert torch.equal(plan.mask(), neighborhood((9, 6), 5).mask())


@pytest.mark.parametrize(
    ("blocks", "heads", "local", "stride", "step"),
    [(7, 3, 2, 3, 1), (9, 2, 1, 4, 2), (4, 5, 4, 4, 1), (6, 2, 1, 1, 0)],
)
@pytest.mark.parametrize("causal", [True, False])
def test_heads_share_the_blocks_out_among_themselves(blocks, heads, local, stride, step, causal):
    plan = s2((blocks, 3), heads, block=3, local=local, stride=stride, step=step, causal=causal)
    assert same(plan, s2_mask(blocks * 3, heads, 3, local, stride, step, causal), heads)
    assert plan.mask(heads=heads)[0].diagonal(dim1=1, dim2=2).all()


def test_heads_of_s2_together_see_all_that_is_past():
    seen = s2((16, 16), 4, block=16, local=1).mask(heads=4)[0]
    assert torch.equal(seen.any(0), torch.ones(256, 256).tril().bool())
    assert not torch.equal(seen[0], seen[1])


@pytest.mark.parametrize(
    ("frames", "s", "block"), [(1, 6, None), (2, 5, None), (9, 6, 3), (12, 8, 2), (20, 4, 4), (25, 3, 1)]
)
def test_windows_halve_as_frames_get_twice_as_far_apart(frames, s, block):
    assert same(radial(frames, s, block=block), radial_mask(frames, s))


PLANS = {
    "window": lambda: window((6, 9), 3),
    "shifted": lambda: shifted_window((6, 9), 3),
    "halo": lambda: halo((6, 9), 3, 2),
    "neighborhood": lambda: neighborhood((6, 9), 3, dilation=2),
    "generalized": lambda: neighborhood((4, 4, 3), 3, stride=2, causal=(True, False, False)),
    "s2": lambda: s2((6, 9), 2, block=6, local=2, stride=3),
    "radial": lambda: radial(9, 6, block=3),
}


@pytest.mark.parametrize("name", PLANS)
def test_backends_agree_on_patterns(name):
    plan = PLANS[name]()
    q, k, v = tensors(plan, heads=2, dtype=torch.float64)
    dense, gathered, flex = (attend(q, k, v, plan, backend) for backend in ("dense", "gathered", "flex"))
    assert torch.allclose(dense, gathered, rtol=1e-10, atol=1e-10)
    assert torch.allclose(dense, flex, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", PLANS)
def test_gradients_agree_on_patterns(name):
    plan, gradients = PLANS[name](), []
    for backend in ("dense", "gathered"):
        inputs = tensors(plan, heads=2, dtype=torch.float64, gradients=True)
        attend(*inputs, plan, backend).square().sum().backward()
        gradients.append(torch.stack([x.grad for x in inputs]))
    assert torch.allclose(*gradients, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("size", "tiles"),
    [((4, 6), [(2, 3)]), ((6,), [(3,)]), ((2, 4, 4), [(2, 2, 2)]), ((8, 8), [(4, 4), (2, 2)])],
)
def test_a_tile_is_a_run_of_the_order_at_every_level(size, tiles):
    order = tiled(size, *tiles)
    assert torch.equal(order.sort().values, torch.arange(len(order)))
    for tile in tiles:
        cut = torch.tensor(tile)
        for run in order.view(-1, int(cut.prod())):
            places = torch.stack(torch.unravel_index(run, size), 1)
            assert (places // cut).unique(dim=0).shape[0] == 1
