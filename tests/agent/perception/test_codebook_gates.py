import math

import pytest
import torch

from placecell.agent.perception.codebook_gates import (
    _BITS,
    Gumbel,
    Softmax,
    TopK,
    gumbel_noise,
    make_gate,
)
from placecell.memory.reversal.masks import NO_DROPOUT, draw_seeds, hashed, keep_mask, shifted


def drawn(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def seeds_of(count, seed=0):
    return draw_seeds(count, torch.Generator().manual_seed(seed))


def test_top_k_keeps_the_largest_shares_as_they_are():
    logits = drawn(30, 64)
    gates, shares = TopK(16)(logits, None), logits.softmax(-1)
    assert torch.equal((gates > 0).sum(-1), torch.full((30,), 16))
    torch.testing.assert_close(gates[gates > 0], shares[gates > 0])
    rest = torch.where(gates > 0, 0, shares)
    assert bool((rest.amax(-1) <= torch.where(gates > 0, gates, 1).amin(-1)).all())
    assert float(gates.sum(-1).max()) < 1
    torch.testing.assert_close(TopK(64)(logits, None), Softmax()(logits, None))


def test_equal_logits_still_give_exactly_k():
    assert torch.equal((TopK(5)(torch.zeros(3, 40), None) > 0).sum(-1), torch.full((3,), 5))


def test_the_noise_has_the_moments_of_gumbels_distribution():
    noise = gumbel_noise(seeds_of(400), 256)
    assert bool(noise.isfinite().all())
    assert float(noise.mean()) == pytest.approx(0.57722, abs=0.02)
    assert float(noise.var()) == pytest.approx(math.pi**2 / 6, abs=0.05)
    assert abs(float(torch.corrcoef(noise[:2])[0, 1])) < 0.2


def test_hard_gumbel_draws_codes_as_often_as_their_softmax():
    logits = torch.tensor([1.0, 0.0, -1.0, 2.0])
    gates = Gumbel(temperature=0.7, hard=True)(logits.expand(20_000, -1), seeds_of(20_000))
    torch.testing.assert_close(gates.mean(0), logits.softmax(-1), atol=0.015, rtol=0)


def test_hard_gumbel_is_one_code_forward_and_the_soft_gates_backward():
    logits, seeds, weights = drawn(20, 32).requires_grad_(), seeds_of(20), drawn(20, 32, seed=4)
    hard = Gumbel(1.0, hard=True)(logits, seeds)
    assert {*hard.unique().tolist()} == {0.0, 1.0}
    assert torch.equal(hard.sum(-1), torch.ones(20))
    (slope,) = torch.autograd.grad((hard * weights).sum(), logits)
    (soft,) = torch.autograd.grad((Gumbel(1.0, hard=False)(logits, seeds) * weights).sum(), logits)
    torch.testing.assert_close(slope, soft)


def test_a_lower_temperature_is_nearer_to_one_code():
    logits, seeds = drawn(20, 32), seeds_of(20)
    largest = [float(Gumbel(t, False)(logits, seeds).amax(-1).mean()) for t in (4.0, 1.0, 0.1)]
    assert largest == sorted(largest)
    assert largest[-1] > 0.9


def test_noise_is_a_rows_own_and_none_without_a_seed():
    seeds = seeds_of(12)
    whole, order = gumbel_noise(seeds, 50), torch.randperm(12)
    assert torch.equal(gumbel_noise(seeds[order], 50), whole[order])
    assert torch.equal(torch.cat([gumbel_noise(seed[None], 50) for seed in seeds]), whole)
    assert len({*whole.flatten().tolist()}) == 600
    assert not gumbel_noise(torch.tensor([NO_DROPOUT]), 50).any()


def test_the_noise_is_hashed_as_the_masks_are_but_from_other_entries():
    seeds = seeds_of(50)
    bits = shifted(hashed(seeds, torch.arange(1, 33) + 32), 11)
    kept = keep_mask(seeds, 1, 32, 0.3, torch.zeros(1)) > 0
    assert torch.equal(bits >= int(0.3 * 2**53), kept)
    low = gumbel_noise(seeds, 32) < float(-torch.log(-torch.log(torch.tensor(0.3, dtype=torch.float64))))
    assert torch.equal(low, ~kept)
    assert not torch.equal(low, keep_mask(seeds, 0, 32, 0.3, torch.zeros(1)) == 0)


def test_the_ends_of_the_hash_are_finite_noise():
    ends = (torch.tensor([0, 2**_BITS - 1]).double() + 0.5) * 2.0**-_BITS
    assert bool(((ends > 0) & (ends < 1)).all())
    assert bool((-torch.log(-torch.log(ends))).isfinite().all())


def test_gates_are_frozen_values():
    assert make_gate("gumbel", 8, top_k=2, temperature=0.5, hard=True) == Gumbel(0.5, True)
    assert make_gate("top_k", 8, top_k=2, temperature=0.5, hard=True) == TopK(2)
