"""Re-encoding: the published formula, and new tokens that learn while the table beside them stays."""

import pytest
import torch
from torch import nn

from placecell.agent.perception.reencoding import NewTokens, ReEncoding
from placecell.errors import ConfigError


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_output_is_the_published_formula():
    torch.manual_seed(0)
    net = ReEncoding(6, 4, 5).double()
    for parameter in net.parameters():
        nn.init.normal_(parameter)
    x, h = torch.randn(2, 3, 4, dtype=torch.float64), torch.randn(2, 6, dtype=torch.float64)

    def normed(values, norm):
        mean, variance = values.mean(-1, keepdim=True), values.var(-1, correction=0, keepdim=True)
        return (values - mean) / (variance + norm.eps).sqrt() * norm.weight + norm.bias

    f = normed(x, net.feature_norm) @ net.feature.weight.T + net.feature.bias
    c = normed(h, net.control_norm) @ net.control.weight.T + net.control.bias
    wanted = torch.stack(
        [torch.stack([f[b, n] + (f[b, n] @ c[b]) * c[b] for n in range(3)]) for b in range(2)]
    )
    torch.testing.assert_close(net(x, h), wanted)
    torch.testing.assert_close(net(x), f)
    assert (net(x, h) - f).abs().min() > 0


def test_it_starts_as_published_and_is_as_wide_as_the_hidden_state():
    net = ReEncoding(6, 4)
    assert net(torch.zeros(1, 2, 4)).shape == (1, 2, 6)
    assert not net.feature.bias.any()
    assert not net.control.bias.any()
    assert float(net.control.weight.detach().abs().max()) <= (6 / 12) ** 0.5


def test_gradients_reach_the_state_the_features_and_every_weight():
    torch.manual_seed(1)
    net = ReEncoding(6, 4)
    x, h = torch.randn(2, 3, 4, requires_grad=True), torch.randn(2, 6, requires_grad=True)
    net(x, h).square().sum().backward()
    for tensor in (x, h, *net.parameters()):
        assert tensor.grad is not None
        assert tensor.grad.abs().sum() > 0


class TinyModel(nn.Module):
    """A frozen language model: embeddings in, hidden states out; only the new tokens learn."""

    def __init__(self, table):
        super().__init__()
        torch.manual_seed(3)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.body = layer.requires_grad_(False)
        self.tokens = NewTokens(table, 3, seeded(1))

    def forward(self, ids):
        return self.body(self.tokens(ids))


def test_new_tokens_learn_through_the_control_state_and_the_table_stays():
    table = nn.Embedding(10, 8)
    before = table.weight.detach().clone()
    model, net = TinyModel(table.weight), ReEncoding(8, 4).requires_grad_(False)
    features, target = torch.randn(1, 5, 4), torch.randn(1, 5, 8)
    ids = torch.tensor([[2, 11, 5]])  # the control token is the second of the new ones
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.05)
    start = model.tokens.new.detach().clone()
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = (net(features, model(ids)[:, 1]) - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    moved = (model.tokens.new.detach() - start).abs().sum(1)
    assert moved[1] > 0.1
    assert not moved[[0, 2]].any()
    assert losses[-1] < 0.9 * losses[0]
    assert torch.equal(table.weight.detach(), before)
    assert torch.equal(model.tokens.table, before)
    assert table.weight.grad is None


def test_tokens_old_and_new_come_from_their_own_table():
    table = torch.randn(10, 8, generator=seeded())
    tokens = NewTokens(table, 3, seeded(1))
    assert tokens.ids == range(10, 13)
    found = tokens(torch.tensor([[0, 9, 10, 12]]))[0]
    torch.testing.assert_close(found, torch.stack([table[0], table[9], tokens.new[0], tokens.new[2]]))
    assert [*tokens.state_dict()] == ["new"]
    assert [name for name, p in tokens.named_parameters() if p.requires_grad] == ["new"]
    assert tokens(torch.zeros(1, 0, dtype=torch.int64)).shape == (1, 0, 8)


def test_new_tokens_start_like_the_words_of_the_table_each_its_own():
    table = 5 + 0.5 * torch.randn(400, 8, generator=seeded())
    tokens = NewTokens(table, 4, seeded(1))
    assert float((tokens.new.detach() - table.mean(0)).abs().max()) < 0.25
    assert len(tokens.new.detach().unique(dim=0)) == 4
    assert torch.equal(NewTokens(table, 4, seeded(1)).new, tokens.new)


def test_scores_of_new_tokens_learn_too():
    table = torch.randn(10, 8, generator=seeded())
    tokens, hidden = NewTokens(table, 3, seeded(1)), torch.randn(1, 1, 8, generator=seeded(2))
    scores = tokens.scores(hidden)
    torch.testing.assert_close(scores[0, 0, :10], table @ hidden[0, 0])
    nn.functional.cross_entropy(scores[0], torch.tensor([11])).backward()
    assert (tokens.new.grad @ hidden[0, 0])[1] < 0  # a step raises the wanted token's score
    assert tokens.new.grad.abs().sum(1).all()


TABLE = torch.ones(4, 2)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: ReEncoding(0, 4), r"widths of 1 or more, got hidden 0, features 4, output 0"),
        (lambda: NewTokens(TABLE, 0, seeded()), r"1 or more new tokens.*got 0 behind 4"),
        (lambda: NewTokens(TABLE[:0], 1, seeded()), r"got 1 behind 0"),
        (lambda: NewTokens(TABLE, 2, seeded())(torch.tensor([[6]])), r"ids from 0 to 5, got 6 to 6; add all"),
        (lambda: NewTokens(TABLE, 2, seeded())(torch.tensor([[-1]])), r"ids from 0 to 5, got -1 to -1"),
    ],
)
def test_bad_input_is_told_in_a_line(make, text):
    with pytest.raises(ConfigError, match=text) as told:
        make()
    assert "\n" not in str(told.value)
