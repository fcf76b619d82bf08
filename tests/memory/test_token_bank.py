"""The bank of tokens: gradients within the window are those of finite differences, outside there are none."""

import pytest
import torch
from small_token import EMBEDDED, WIDTH, embeddings, small_token

from placecell.errors import ConfigError, PlacecellError
from placecell.memory.token_bank import TokenBank

KEYS = ("a", "b", "a", "c", "b", "a", "a", "d")


def views(count=8, seed=1):
    return torch.from_numpy(embeddings(count, seed)).double()


def filled(token, seen, window, **rest):
    bank = TokenBank(token, window, **rest)
    for key, view in zip(KEYS, seen):
        bank.write(key, view)
    return bank


@pytest.mark.parametrize("dropout", [0.0, 0.3], ids=["plain", "dropout"])
def test_gradients_within_the_window_are_those_of_finite_differences(dropout):
    token = small_token(dropout).double().train()
    seen, queries = views(), views(1, seed=3)

    def retrieved(recent, queries):
        torch.manual_seed(4)  # the same dropout each time
        return filled(token, [*seen[:5], *recent], window=3).retrieve(queries, 4)

    recent = seen[5:].clone().requires_grad_()
    inputs = recent, queries.requires_grad_()
    assert torch.autograd.gradcheck(retrieved, inputs, atol=1e-6, fast_mode=True)


def test_outside_the_window_there_is_no_gradient_though_the_token_depends_on_it():
    token, seen = small_token().double(), views().requires_grad_()
    bank = filled(token, seen, window=3)
    tokens, weights = bank.retrieve(views(2, seed=3), 4)
    (slope,) = torch.autograd.grad(tokens.square().sum() + weights.square().sum(), seen)
    assert (slope.abs().amax(1) > 0).tolist() == [False] * 5 + [True] * 3
    other = seen.detach().clone()
    other[0] = -other[0]
    assert not torch.allclose(filled(token, other, window=3).retrieve(views(2, seed=3), 4)[0], tokens)


def test_steps_are_those_that_are_named():
    token, seen = small_token().double(), views(4).requires_grad_()
    bank = TokenBank(token, window=2)
    for key, view, step in zip(("x", "y", "x", "y"), seen, (0, 6, 7, 7)):
        bank.write(key, view, step)
    (slope,) = torch.autograd.grad(bank.heads()[1].square().sum(), seen)
    assert (slope.abs().amax(1) > 0).tolist() == [False, True, True, True]
    with pytest.raises(PlacecellError, match="a step from 7 on, got 6"):
        bank.write("x", seen[0].detach(), 6)


def test_tokens_are_those_of_writes_one_by_one_whatever_the_window():
    token, seen = small_token(dropout=0.2).double().train(), views()
    for window in (0, 1, 3, 100):
        torch.manual_seed(6)
        names, heads = filled(token, seen, window).heads()
        torch.manual_seed(6)
        expected = {}
        for key, view in zip(KEYS, seen):
            before = expected.get(key, token.start(1))
            expected[key] = token.write(before, token.observe(view[None])).token
        assert names == tuple(expected)
        torch.testing.assert_close(heads, torch.cat([*expected.values()]))


def test_task_reaches_query_key_adapter_and_couplings():
    token, seen = small_token(), views().float()
    bank = filled(token, seen, window=8)
    tokens, weights = bank.retrieve(seen[-1:], 3)
    (tokens.square() * weights[..., None]).sum().backward()
    out = {name for name, weight in token.named_parameters() if weight.grad is None}
    assert all(name.startswith("feeds.1.") for name in out)  # the last G makes the residue alone
    assert token.query.weight.grad.norm() > 1e-4
    assert token.key.weight.grad.norm() > 1e-4
    assert token.adapter.weight.grad.norm() > 1e-4
    assert token.feeds[0].outer.weight.grad.norm() > 1e-6


def test_two_losses_with_an_optimizer_step_between_them():
    token, seen = small_token(), views().float()
    bank, optimizer = filled(token, seen, window=4), torch.optim.SGD(token.parameters(), 0.01)
    for _ in range(2):
        tokens, weights = bank.retrieve(seen[:2], 2)
        optimizer.zero_grad()
        (tokens.sum(2) * weights).sum().backward()
        optimizer.step()
        bank.write("e", seen[0])


def test_best_first_and_zeros_where_there_are_fewer():
    token, seen = small_token(rough=1), views(3).float()
    bank = TokenBank(token)
    tokens, weights = bank.retrieve(seen, 2)
    assert (tuple(tokens.shape), tokens.abs().sum(), weights.abs().sum()) == ((3, 2, WIDTH), 0, 0)
    for key, view in enumerate(seen):
        bank.write(("leaf", key), view)
    tokens, weights = bank.retrieve(seen, 5)
    heads = bank.heads()[1]
    assert tuple(tokens.shape) == (3, 5, WIDTH)
    for row in range(3):
        assert torch.nn.functional.cosine_similarity(tokens[row, 0], heads[row], 0) > 1 - 1e-5
    assert bool((weights[:, :3].diff() <= 0).all())
    torch.testing.assert_close(weights.sum(1), torch.ones(3))
    assert not bool(tokens[:, 3:].any())
    assert not bool(weights[:, 3:].any())
    assert bool((tokens.square().mean(2) < 1).all())


def test_without_gradients_when_asked():
    token, seen = small_token(), views().float().requires_grad_()
    assert not filled(token, seen, 8, differentiable=False).retrieve(seen[:1], 2)[0].requires_grad
    bank = filled(token, seen, 8)
    bank.detach()
    bank.write("z", seen[0])
    (slope,) = torch.autograd.grad(bank.heads()[1].square().sum(), seen)
    assert (slope.abs().amax(1) > 0).tolist() == [True] + [False] * 7


def test_bad_input_is_an_error():
    token = small_token()
    with pytest.raises(ConfigError, match=r"window -1, temperature 0\.1"):
        TokenBank(token, -1)
    bank = TokenBank(token)
    with pytest.raises(PlacecellError, match=f"observation of width {EMBEDDED}, got 5"):
        bank.write("a", torch.zeros(5))
    assert len(bank) == 0
    with pytest.raises(PlacecellError, match="k of 1 or more, got 0"):
        bank.retrieve(views(1).float(), 0)
    with pytest.raises(PlacecellError, match=f"embeddings of width {EMBEDDED}, got 3"):
        bank.retrieve(torch.zeros(1, 3), 1)
