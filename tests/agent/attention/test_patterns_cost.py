"""What patterns cost, what they keep, how large they may be, and what they say to bad input."""

import math

import pytest
import torch
from attention_plans import tensors

from placecell.agent.attention.attend import attend
from placecell.agent.attention.counting import count_flops
from placecell.agent.attention.orders import tiled
from placecell.agent.attention.patterns import full, halo, neighborhood, shifted_window, window
from placecell.agent.attention.plan import AttentionPlan
from placecell.agent.attention.temporal import radial, s2
from placecell.errors import ConfigError


def covered(length, side, reach):
    """By tile, keys between the first and last that an axis' tile of queries reaches."""
    tiles = [range(t, t + side) for t in range(0, length, side)]
    return [max(reach(i)[1] for i in tile) - min(reach(i)[0] for i in tile) + 1 for tile in tiles]


def clamped(length, w):
    first = [min(max(i - w // 2, 0), length - w) for i in range(length)]
    return lambda i: (first[i], first[i] + w - 1)


def rim(length, block, halo):
    return lambda i: (max(i // block * block - halo, 0), min(i // block * block + block + halo, length) - 1)


def pairs(tile, *by_axis):
    return math.prod(tile) * math.prod(map(sum, by_axis))


COSTS = [
    (lambda: full((6, 8)), 48**2, 1),
    (lambda: window((6, 9), 3), 54 * 9, 1),
    (lambda: window((4, 4, 6), 2), 96 * 8, 1),
    (lambda: shifted_window((8, 12), 4), 96 * 16, 1),
    (
        lambda: halo((8, 12), 4, 3),
        pairs((4, 4), covered(8, 4, rim(8, 4, 3)), covered(12, 4, rim(12, 4, 3))),
        1,
    ),
    (
        lambda: neighborhood((16, 24), 7, tile=8),
        pairs((8, 8), covered(16, 8, clamped(16, 7)), covered(24, 8, clamped(24, 7))),
        1,
    ),
    (lambda: neighborhood((60,), 5, tile=6), pairs((6,), covered(60, 6, clamped(60, 5))), 1),
    (
        lambda: s2((40,), 2, block=4, local=2, stride=5, step=1),
        sum(16 * (i - j < 2 or (j + h) % 5 == 0) for h in range(2) for i in range(10) for j in range(i + 1)),
        2,
    ),
    (lambda: radial(2, 12, block=4), 24**2, 1),
]


@pytest.mark.parametrize(("make", "visited", "heads"), COSTS)
def test_the_cost_is_the_formula_and_what_torch_counts(make, visited, heads):
    plan = make()
    assert plan.flops(8) == 4 * 8 * visited
    assert plan.density == visited / (heads * plan.tokens**2)
    q, k, v = tensors(plan, batch=2, heads=2)
    counted = count_flops(lambda: attend(q, k, v, plan, "gathered"))
    assert counted == plan.flops(8, heads=2, batch=2) == 2 * 2 * 4 * 8 * visited // heads


def test_a_tile_gathers_the_union_of_its_windows_and_no_more():
    plan = neighborhood((32, 32), 7, tile=8)
    counts = (plan.keys[0, 0] >= 0).sum(1).view(4, 4)
    assert plan.key_block == 1
    assert (counts[1:3, 1:3] == 14 * 14).all()
    assert counts[0, 0] == 11 * 11
    row = plan.order[plan.keys[0, 0, 5, : 14 * 14]]
    assert torch.equal(row, (torch.arange(5, 19)[:, None] * 32 + torch.arange(5, 19)).flatten())


def test_tile_order_visits_fewer_blocks_than_raster_order():
    # The trap: in raster order a small neighborhood touches long thin blocks.
    near = neighborhood((64, 64), 7).predicate
    raster, tile = (
        AttentionPlan.from_predicate("near", order, 64, 16, near)
        for order in (torch.arange(64 * 64), tiled((64, 64), (8, 8), (4, 4)))
    )
    assert tile.seen_density == raster.seen_density
    assert tile.visited_blocks < 0.6 * raster.visited_blocks
    assert neighborhood((64, 64), 7).density < tile.density


MADE = [
    lambda: full((4, 4)),
    lambda: window((8, 8), 4),
    lambda: shifted_window((8, 8), 4),
    lambda: halo((8, 8), 4, 1),
    lambda: neighborhood((8, 8), 3, stride=2),
    lambda: s2((8, 8), 2, block=8),
    lambda: radial(4, 16),
]


@pytest.mark.parametrize("make", MADE)
def test_the_same_arguments_give_the_same_plan(make):
    assert make() is make()


@pytest.mark.parametrize(
    ("make", "seen"),
    [
        (lambda: neighborhood((2**17,), 17, tile=64), (64 + 16) * 2**17),
        (lambda: s2((2**17,), 2, block=256), None),
        (lambda: halo((256, 512), 8, 3), 14**2 * 2**17),
    ],
)
def test_long_sequences_are_planned_without_asking_about_every_pair(make, seen):
    plan = make()
    assert plan.tokens == 2**17
    assert plan.density < 0.35
    if seen is not None:
        at_borders = 0.8
        assert at_borders * seen <= plan.density * plan.tokens**2 <= seen


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: full(()), "a map of 1 to 3 axes"),
        (lambda: full((2, 2, 2, 2)), "a map of 1 to 3 axes"),
        (lambda: full((4, 0)), "each of 1 token or more"),
        (lambda: window((4, 8), 8), "a window no larger than the map, 4 x 8, got 8 x 8"),
        (lambda: window((9, 8), 4), "divide those of the map, 9 x 8, got 4 x 4"),
        (lambda: window((8, 8), (4, 4, 4)), "for each of 2 axes, got 4 x 4 x 4"),
        (lambda: window((8, 8), 0), "a window of 1 or more"),
        (lambda: shifted_window((8, 8), 4, 4), "a shift from 0 to below the window, 4 x 4, got 4 x 4"),
        (lambda: shifted_window((8, 8), 4, -1), "a shift of 0 or more"),
        (lambda: halo((8, 8), 3), "a block whose sides divide"),
        (lambda: halo((4, 4), 8), "a block no larger than the map"),
        (lambda: halo((8, 8), 4, -1), "a halo of 0 or more, got -1"),
        (lambda: neighborhood((8, 4), 5), "a window of at most 4 on a map of 8 x 4"),
        (lambda: neighborhood((8, 8), 3, dilation=3), "a window of at most 2 .* with dilation 3, got 3"),
        (lambda: neighborhood((8, 8), 3, stride=4), "a stride of at most the window, 3, got 4"),
        (lambda: neighborhood((8, 8), 3, tile=3), "a tile whose sides divide those of the map, 8 x 8"),
        (lambda: neighborhood((8, 8), 3, causal=(True,)), "causal for each of 2 axes, got 1"),
        (lambda: neighborhood((8, 8), 3, dilation=0), "a dilation of 1 or more"),
        (lambda: s2((10, 10), 2), "a block that divides 100 tokens"),
        (lambda: s2((8, 8), 0), "heads, local and stride of 1 or more"),
        (lambda: radial(0, 4), "1 frame of 1 token or more, .* got 0 frames"),
        (lambda: radial(4, 10, block=4), "a block that divides a frame"),
        (lambda: tiled((8, 8), (4, 4), (3, 3)), "a tile whose sides divide"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(make, message):
    with pytest.raises(ConfigError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
