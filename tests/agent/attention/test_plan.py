"""A plan: what it says of density, cost and pairs, how it is found by asking, and that it holds together."""

import dataclasses

import numpy as np
import pytest
import torch
from attention_plans import near, random_plan, seen_by
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.agent.attention.drawing import FULL_COLOUR, PARTIAL_COLOUR, UNSEEN_COLOUR
from placecell.agent.attention.plan import AttentionPlan
from placecell.errors import ConfigError

ORDER = torch.arange(8)


def keys(*rows):
    return torch.tensor(rows)[None, None]


def test_density_cost_and_pairs_of_a_plan_counted_by_hand():
    plan = AttentionPlan("two", ORDER, 4, 2, keys([0, 1, -1], [1, 2, 3]))
    assert plan.density == 5 * 8 / 64
    assert plan.seen_density == plan.density
    assert plan.flops(16) == 4 * 16 * 40
    assert plan.flops(16, heads=3, batch=2) == 6 * plan.flops(16)
    assert plan.mask().sum() == 40
    assert not plan.whole


def test_a_predicate_takes_away_from_what_is_seen_but_not_from_the_cost():
    plan = AttentionPlan("causal", ORDER, 4, 4, keys([0, -1], [0, 1]), lambda b, h, q, k: k <= q)
    assert plan.density == 0.75
    assert plan.seen_density == 36 / 64
    assert torch.equal(plan.mask()[0, 0], torch.ones(8, 8).tril().bool())


def test_the_predicate_is_asked_only_in_partial_blocks():
    partial = torch.tensor([[True, False], [True, False]])[None, None]
    plan = AttentionPlan("half", ORDER, 4, 4, keys([0, 1], [1, 0]), lambda b, h, q, k: q == k, partial)
    half = torch.ones(4, 4, dtype=torch.bool)
    eye = torch.eye(4, dtype=torch.bool)
    assert torch.equal(plan.mask()[0, 0], torch.cat((torch.cat((eye, half), 1), torch.cat((half, eye), 1))))
    assert plan.seen_density == (2 * 16 + 8) / 64


def test_per_head_plans_count_each_head_once():
    plan = AttentionPlan("heads", ORDER, 8, 4, torch.tensor([[[0, -1]], [[0, 1]]])[None])
    assert plan.density == 0.75
    assert plan.flops(4) == plan.flops(4, heads=2) == 4 * 4 * (32 + 64)


@given(st.integers(0, 10**6), st.sampled_from([1, 2, 4, 8]), st.booleans())
@settings(max_examples=25, deadline=None)
def test_the_mask_holds_the_pairs_of_the_lists(seed, key_block, masked):
    plan = random_plan(seed, tokens=16, query_block=4, key_block=key_block, heads=2, masked=masked)
    mask = plan.mask(heads=2)
    for head in range(2):
        for position in range(16):
            token = int(plan.order[position])
            row = mask[0, head, token].nonzero()[:, 0].tolist()
            assert row == sorted(seen_by(plan, 0, head, position // 4, token))
    assert plan.seen_density == pytest.approx(float(mask.double().mean()))


@given(st.integers(0, 10**6), st.sampled_from([(4, 1), (4, 4), (8, 2), (24, 12)]), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_a_plan_found_by_asking_sees_what_the_predicate_allows(seed, blocks, heads):
    order = torch.randperm(24, generator=torch.Generator().manual_seed(seed))
    plan = near(24, 2, *blocks, order=order, heads=heads)
    token = torch.arange(24)
    for head in range(heads):
        band = (token[:, None] - token).abs() <= 2 + head
        assert torch.equal(plan.mask(heads=heads)[0, head], band)
    assert plan.density >= plan.seen_density


def test_asking_finds_blocks_seen_in_full_and_drops_a_predicate_that_is_not_needed():
    plan = AttentionPlan.from_predicate("halves", ORDER, 4, 2, lambda b, h, q, k: (q // 4) == (k // 4))
    assert plan.predicate is None
    assert plan.keys.tolist() == [[[[0, 1], [2, 3]]]]
    causal = AttentionPlan.from_predicate("causal", ORDER, 4, 4, lambda b, h, q, k: k <= q)
    assert causal.keys.tolist() == [[[[0, -1], [0, 1]]]]
    assert causal.partial.tolist() == [[[[True, False], [False, True]]]]


def test_asking_can_be_held_to_candidates():
    plan = AttentionPlan.from_predicate(
        "some", ORDER, 4, 2, lambda b, h, q, k: q >= 0, candidates=torch.tensor([[3, 0], [1, -1]])
    )
    assert plan.keys.tolist() == [[[[3, 0], [1, -1]]]]


def test_asking_goes_in_chunks(monkeypatch):
    from placecell.agent.attention import blocks

    whole = near(48, 5, 8, 1, heads=2)
    monkeypatch.setattr(blocks, "PAIRS_AT_ONCE", 20)
    parts = near(48, 5, 8, 1, heads=2)
    assert torch.equal(whole.keys, parts.keys)
    assert torch.equal(whole.partial, parts.partial)
    assert whole.seen_density == parts.seen_density


def test_a_plan_is_frozen_and_keeps_what_was_made_for_it():
    plan = near(8, 1, 4, 2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.query_block = 2
    made = [plan.remember("what", object) for _ in range(2)]
    assert made[0] is made[1]
    assert plan.to("cpu") is plan
    assert torch.equal(plan.order[plan.inverse], torch.arange(8))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_copy_on_another_device_is_made_once():
    plan = near(8, 1, 4, 2)
    assert plan.to("cuda") is plan.to("cuda:0")
    assert torch.equal(plan.to("cuda").mask().cpu(), plan.mask())


def test_the_picture_shows_unseen_partial_and_full_blocks():
    partial = torch.tensor([[False, False], [True, False]])[None, None]
    plan = AttentionPlan("p", ORDER, 4, 4, keys([0, -1], [0, 1]), lambda b, h, q, k: q >= 0, partial)
    picture = plan.draw(size=8)
    assert picture.shape == (8, 8, 3)
    assert picture.dtype == np.uint8
    corners = [tuple(picture[y, x]) for y, x in ((0, 0), (0, 7), (7, 0), (7, 7))]
    assert corners == [FULL_COLOUR, UNSEEN_COLOUR, PARTIAL_COLOUR, FULL_COLOUR]
    assert plan.draw().shape == (256, 256, 3)


def test_a_picture_smaller_than_the_blocks_mixes_them():
    plan = AttentionPlan("p", ORDER, 1, 1, torch.arange(8)[None, None, :, None])
    assert not (plan.draw(size=2)[0, 0] == FULL_COLOUR).all()
    assert (plan.draw(size=2)[0, 1] == UNSEEN_COLOUR).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((ORDER, 3, 4, keys([0, 1])), "a query_block that divides the 8 tokens of plan bad, got 3"),
        ((ORDER, 4, 0, keys([0, 1])), "a key_block that divides the 8 tokens of plan bad, got 0"),
        ((ORDER * 0, 4, 4, keys([0], [1])), "holds each of its 8 tokens once, got one with a token missing"),
        ((ORDER, 4, 4, keys([0])), "each of the 2 query blocks of plan bad, got 1 rows"),
        ((ORDER, 4, 4, keys([0], [-1])), "got query block 1, which sees nothing"),
        ((ORDER, 4, 4, keys([0], [2])), "key blocks of plan bad from 0 to 1, .* got numbers from 0 to 2"),
        (
            (ORDER, 4, 4, keys([0, 0], [1, -1])),
            "each key block of a row of plan bad once.* got a block twice",
        ),
        ((ORDER, 4, 2, keys([0, -1, 2], [1, 2, -1])), "only at the end of a row, got -1 before a block"),
        (
            (ORDER, 4, 4, keys([0], [1]), None, keys([0], [1]).bool()),
            "a predicate for the partial blocks of plan bad, got none",
        ),
        (
            (ORDER, 4, 4, keys([0, 1], [0, 1]), lambda b, h, q, k: (q != 5) & (k == k)),
            "a key for every query of plan bad, got token 5 of head 0, which sees nothing",
        ),
    ],
)
def test_what_does_not_hold_together_is_said_in_one_line(arguments, message):
    with pytest.raises(ConfigError, match=message) as caught:
        AttentionPlan("bad", *arguments)
    assert "\n" not in str(caught.value)


def test_asking_about_a_blind_query_is_an_error():
    with pytest.raises(ConfigError, match="token 0 of head 1, which sees nothing"):
        AttentionPlan.from_predicate("b", ORDER, 4, 4, lambda b, h, q, k: (h == 0) | (q > 0), heads=2)
    with pytest.raises(ConfigError, match="query block 0, which sees nothing"):
        AttentionPlan.from_predicate("b", ORDER, 4, 4, lambda b, h, q, k: q > 3)


def test_another_number_of_heads_or_batches_is_an_error():
    plan = random_plan(0, batch=2, heads=3)
    assert plan.mask(2, 3).shape == (2, 3, 48, 48)
    with pytest.raises(ConfigError, match="3 heads, as in plan random, got 4"):
        plan.flops(8, heads=4, batch=2)
    with pytest.raises(ConfigError, match="2 batches, as in plan random, got 1"):
        plan.mask(1, 3)
