import pytest
import torch

from placecell.agent.perception.encoder import RgbdEncoder
from placecell.agent.training.drop_positions import PositionFinder, Shuffled, shuffled, targets
from placecell.errors import ConfigError

FLAT = {"widths": (16,), "depths": (1,), "heads": (2,), "width": 16, "size": (32, 32), "full_from": None}
STAGES = {**FLAT, "widths": (16, 16), "depths": (1, 1), "heads": (2, 2)}


def finder(seed=0, **options):
    torch.manual_seed(seed)
    made = PositionFinder(RgbdEncoder("full", **{**FLAT, **options}))
    torch.nn.init.normal_(made.encoder.unplaced)
    torch.nn.init.normal_(made.encoder.position)
    return made.eval()


def images(count=2, seed=1):
    return torch.rand(count, 5, 32, 32, generator=torch.Generator().manual_seed(seed))


def drawn(batch=2, units=4, masked=0.25, dropped=0.67, seed=0):
    return shuffled(batch, units, masked, dropped, torch.Generator().manual_seed(seed))


def test_shares_of_units_are_masked_told_and_asked_for():
    found = drawn(batch=5, units=64, masked=0.5, dropped=0.75)
    assert found.masked.sum(1).tolist() == [32] * 5
    assert found.asked.sum(1).tolist() == [24] * 5
    assert found.told.sum(1).tolist() == [8] * 5
    assert not (found.masked & found.told).any()
    assert torch.equal(found.source.sort(1).values, torch.arange(64).expand(5, 64))
    assert not torch.equal(found.source[0], found.source[1])


def test_units_move_with_their_pixels_and_their_positions():
    made, x = finder(), images()
    nothing = torch.zeros(2, 4, dtype=torch.bool)
    at_home = torch.arange(4).expand(2, 4)
    moved = torch.tensor([[2, 0, 3, 1], [1, 2, 3, 0]])
    with torch.no_grad():
        home = made(x, Shuffled(at_home, nothing, ~nothing))
        away = made(x, Shuffled(moved, nothing, ~nothing))
        # A flat transformer doesn't know where tokens lie: what moves with its position is answered alike.
        torch.testing.assert_close(away, home.gather(1, moved[..., None].expand_as(home)))
        lost = made(x, Shuffled(moved, nothing, nothing))
    assert not torch.allclose(lost, away, atol=1e-3)


def test_unmoved_and_told_it_sees_what_the_encoder_sees():
    made, x = finder(), images()
    nothing = torch.zeros(2, 4, dtype=torch.bool)
    with torch.no_grad():
        here = made(x, Shuffled(torch.arange(4).expand(2, 4), nothing, ~nothing))
        tokens = made.encoder(x).tokens.unflatten(1, (2, 2, 2, 2)).mean((2, 4)).flatten(1, 2)
        torch.testing.assert_close(here, made.head(tokens))


@pytest.mark.parametrize("options", [{}, STAGES])
def test_what_is_masked_shows_nothing_and_what_is_dropped_is_not_told(options):
    made, x, plan = finder(**options), images(), drawn()
    with torch.no_grad():
        before = made(x, plan)
        units = x.clone().reshape(2, 5, 2, 16, 2, 16)
        for image in range(2):
            for place in plan.masked[image].nonzero().flatten():
                unit = int(plan.source[image, place])
                units[image, :, unit // 2, :, unit % 2] = 9.0
        torch.testing.assert_close(made(units.reshape(x.shape), plan), before)
        seen = int(plan.source[0][plan.asked[0]][0])
        one = Shuffled(plan.source[:1], plan.masked[:1], plan.told[:1])
        numbers = torch.arange(16).reshape(2, 2, 2, 2).transpose(1, 2).reshape(4, 4)
        made.encoder.position[numbers[seen]] += torch.randn(4, 16)
        torch.testing.assert_close(made(x[:1], one), before[:1])
        told = int(plan.source[0][plan.told[0]][0])
        made.encoder.position[numbers[told]] += torch.randn(4, 16)
        assert not torch.allclose(made(x[:1], one), before[:1], atol=1e-3)


def test_the_place_on_the_grid_says_nothing():
    """The trap of a hierarchical encoder: units without content cannot be placed, trained or not."""
    made = finder(**STAGES).train()
    optimizer = torch.optim.AdamW(made.parameters(), lr=3e-3)
    rng, shares = torch.Generator().manual_seed(0), []
    for _ in range(60):
        loss, right = made.loss(torch.zeros(16, 5, 32, 32), rng, 0.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        shares.append(float(right))
    # Of four positions the told ones can be excluded; the rest is a guess.
    assert sum(shares[-20:]) / 20 < 0.6


def test_positions_are_learnt_where_the_content_tells_them():
    made = finder(**STAGES).train()
    optimizer = torch.optim.AdamW(made.parameters(), lr=3e-3)
    ramp = torch.linspace(-1, 1, 32)
    x = torch.stack([ramp.expand(32, 32), ramp[:, None].expand(32, 32)] + [torch.zeros(32, 32)] * 3)
    rng, shares = torch.Generator().manual_seed(0), []
    for _ in range(60):
        loss, right = made.loss(x.expand(16, 5, 32, 32), rng, 0.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        shares.append(float(right))
    assert sum(shares[-10:]) / 10 > 0.95


def test_targets_are_smeared_over_near_positions():
    found = targets((3, 4), 1.0)
    torch.testing.assert_close(found.sum(1), torch.ones(12))
    assert found[5].argmax() == 5
    assert found[5, 6] == found[5, 1] > found[5, 7] > 0
    assert torch.equal(targets((2, 2), 0.0), torch.eye(4))


def test_an_encoder_told_numbers_of_positions():
    made, x = finder().encoder, images()
    own = torch.arange(16).expand(2, 16)
    kept = torch.rand(2, 16, generator=torch.Generator().manual_seed(3)) < 0.5
    with torch.no_grad():
        torch.testing.assert_close(made(x, own).tokens, made(x).tokens)
        torch.testing.assert_close(made(x, torch.where(kept, own, -1)).tokens, made(x, kept).tokens)


@pytest.mark.parametrize("shares", [(1.0, 0.5), (0.5, 0.0), (-0.1, 0.5), (0.5, 1.5), (0.99, 0.1)])
def test_shares_that_ask_for_nothing(shares):
    with pytest.raises(ConfigError, match="leave one or more to find the position of"):
        shuffled(1, 16, *shares, torch.Generator())


def test_a_grid_without_units():
    with pytest.raises(ConfigError, match="a grid of patches in multiples of 2, got 3 x 4"):
        PositionFinder(RgbdEncoder("full", **{**FLAT, "size": (24, 32)}))
