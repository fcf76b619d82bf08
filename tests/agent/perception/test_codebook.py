from importlib.resources import files

import pytest
import torch
from omegaconf import OmegaConf
from torch import nn

from placecell.agent.perception.codebook import (
    DEFAULTS,
    FILTERS,
    CodebookFilter,
    checked_options,
    draw_seeds,
    make_filter,
    parameter_counts,
)
from placecell.agent.perception.goal_conditioned import GoalConditioned
from placecell.errors import ConfigError
from placecell.memory.reversal.masks import NO_DROPOUT, keep_mask

WIDTH, STEPS, ACTIONS = 24, 40, 4
WITH_CODES = [name for name in FILTERS if name not in ("off", "linear")]
SINGLE, DOUBLE = 1e-5, 1e-13
"""How far log-probabilities of a row alone and in a batch may lie apart, absolute and in shares of them."""


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def drawn(*shape, seed=1):
    return torch.randn(*shape, generator=seeded(seed))


def filter_of(name, width=WIDTH, **options):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return make_filter(name, width, **options)


class Actor(nn.Module):
    """Frames and goals to log-probabilities of actions, through the filter."""

    def __init__(self, name, **options):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(5)
            self.joined = GoalConditioned(8, 3, WIDTH)
            self.filter = make_filter(name, WIDTH, **options)
            self.policy = nn.Linear(WIDTH, ACTIONS)
            nn.init.normal_(self.policy.weight)

    def forward(self, frames, goals, seeds):
        return self.policy(self.filter(self.joined(frames, goals), seeds).output).log_softmax(-1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("rollout_trains", "update_trains"), [(True, True), (False, True), (False, False)])
@pytest.mark.parametrize(("name", "options"), [*((name, {}) for name in FILTERS), ("gumbel", {"hard": True})])
def test_a_rollout_and_its_update_agree(name, options, rollout_trains, update_trains, dtype):
    actor = Actor(name, **options).to(dtype)
    frames, goals = drawn(STEPS, 8).to(dtype), torch.randint(3, (STEPS,), generator=seeded())
    kept, generator, taken = [], seeded(7), []
    actor.train(rollout_trains)
    with torch.no_grad():
        for i in range(STEPS):
            kept.append(draw_seeds(1, generator))
            taken.append(actor(frames[i : i + 1], goals[i : i + 1], kept[-1]))
    actor.train(update_trains)
    order = torch.randperm(STEPS, generator=seeded(9))
    seeds = torch.cat(kept)
    again = actor(frames[order], goals[order], seeds[order])
    assert again.requires_grad
    close = SINGLE if dtype == torch.float32 else DOUBLE
    torch.testing.assert_close(again.detach(), torch.cat(taken)[order], rtol=close, atol=close)
    if actor.filter.draws:  # with other masks they lie far apart, so that the line above says something
        other = actor(frames[order], goals[order], draw_seeds(STEPS, seeded(8)))
        assert float((other - again).detach().abs().max()) > 100 * close


@pytest.mark.parametrize("name", WITH_CODES)
def test_masks_are_the_same_to_the_bit_alone_and_in_a_batch(name):
    keep, x, seeds = filter_of(name), drawn(STEPS, WIDTH), draw_seeds(STEPS, seeded())
    whole, alone = keep(x, seeds), [keep(x[i : i + 1], seeds[i : i + 1]) for i in range(STEPS)]
    assert torch.equal(whole.applied == 0, torch.cat([one.applied for one in alone]) == 0)


def test_what_is_dropped_is_the_asked_share_and_the_rest_is_not_made_to_sum_to_one():
    keep, seeds = filter_of("softmax"), draw_seeds(200, seeded())
    with torch.no_grad():
        made = keep(drawn(200, WIDTH), seeds)
    mask = keep_mask(seeds, 0, 256, 0.1, made.gates)
    torch.testing.assert_close(made.gates.sum(-1), torch.ones(200))
    assert torch.equal(made.applied, made.gates * mask)
    assert float((made.applied == 0).float().mean()) == pytest.approx(0.1, abs=0.005)
    stays = made.applied > 0
    torch.testing.assert_close(made.applied[stays], made.gates[stays] / 0.9)
    sums = made.applied.sum(-1)
    assert float(sums.std()) > 0.01
    assert float(sums.mean()) == pytest.approx(1, abs=0.01)


def test_the_output_is_the_definition():
    keep, x = filter_of("softmax"), drawn(6, WIDTH)
    seeds = draw_seeds(6, seeded())
    made = keep(x, seeds)
    logits = x.clamp(min=0) @ keep.to_codes.weight.T + keep.to_codes.bias
    shares = logits.exp() / logits.exp().sum(-1, keepdim=True)
    h = (shares * keep_mask(seeds, 0, 256, 0.1, x)) @ keep.codes
    torch.testing.assert_close(made.output, h @ keep.out.weight.T + keep.out.bias)
    assert keep.codes.shape == (256, 10)
    assert torch.equal(made.output, keep(x.clamp(min=0), seeds).output)  # what ReLU cuts is not seen


def test_without_seeds_an_evaluation_drops_nothing_and_repeats():
    for name in FILTERS:
        keep, x = filter_of(name).eval(), drawn(5, WIDTH)
        made = keep(x)
        assert torch.equal(made.output, keep(x).output)
        assert made.applied is made.gates
        none = keep(x, torch.full((5,), NO_DROPOUT))
        torch.testing.assert_close(none.output, made.output)


def test_rows_without_a_seed_stand_beside_rows_with_one():
    keep, x = filter_of("gumbel"), drawn(2, WIDTH)
    made = keep(x, torch.tensor([NO_DROPOUT, 77]))
    calm = keep.eval()(x)
    torch.testing.assert_close(made.output[0], calm.output[0])
    assert float((made.output[1] - calm.output[1]).detach().abs().max()) > 1e-3


def test_training_without_seeds_is_an_error_only_where_something_is_drawn():
    x = drawn(2, WIDTH)
    for name in WITH_CODES:
        with pytest.raises(ConfigError, match="expected seeds of the codebook's dropout and noise"):
            filter_of(name)(x)
    for name, options in (("off", {}), ("linear", {}), ("softmax", {"dropout": 0.0})):
        assert filter_of(name, **options)(x).output.shape == x.shape


def test_every_gate_has_as_many_parameters_and_the_controls_say_theirs():
    counts = {name: parameter_counts(filter_of(name)) for name in FILTERS}
    total = WIDTH * 256 + 256 + 256 * 10 + 10 * WIDTH + WIDTH
    assert {counts[name].total for name in WITH_CODES} == {total}
    assert counts["random"].frozen == 2560
    assert all(counts[name].frozen == 0 for name in FILTERS if name != "random")
    assert counts["linear"].trainable == 2 * 10 * WIDTH + 10 + WIDTH
    assert counts["off"].total == 0


def test_gradients_reach_all_that_learns_and_frozen_codes_stay():
    for name in FILTERS:
        keep = filter_of(name)
        if name == "off":
            continue
        keep(drawn(64, WIDTH), draw_seeds(64, seeded())).output.square().sum().backward()
        for label, parameter in keep.named_parameters():
            if name == "random" and label == "codes":
                assert parameter.grad is None
            else:
                assert parameter.grad is not None, (name, label)
                assert float(parameter.grad.abs().max()) > 0, (name, label)


def test_frozen_codes_are_those_of_their_seed():
    one, same = make_filter("random", WIDTH), make_filter("random", WIDTH)
    assert torch.equal(one.codes, same.codes)
    assert not torch.equal(one.codes, make_filter("random", WIDTH, frozen_seed=1).codes)


def test_off_hands_the_embedding_on():
    x = drawn(3, WIDTH)
    made = filter_of("off")(x, draw_seeds(3, seeded()))
    assert made.output is x
    assert made.gates is None


def test_linear_and_no_softmax_are_bottlenecks_without_a_choice_of_codes():
    x = drawn(64, WIDTH).abs()  # ReLU changes nothing, so that the filter is linear
    for name in ("linear", "no_softmax"):
        keep = filter_of(name).eval()
        base = keep(torch.zeros(1, WIDTH)).output
        torch.testing.assert_close(
            keep(3 * x).output - base, 3 * (keep(x).output - base), rtol=1e-3, atol=1e-3
        )
        assert int(torch.linalg.matrix_rank((keep(x).output - base).detach(), rtol=1e-4)) == 10


def test_the_config_group_says_the_defaults():
    folder = files("placecell.conf") / "codebook"
    written = {}
    for file in folder.iterdir():
        with file.open() as lines:
            written[file.name.removesuffix(".yaml")] = OmegaConf.to_container(OmegaConf.load(lines))
    assert {name: options.pop("name") for name, options in written.items()} == {n: n for n in FILTERS}
    assert written == {name: dict(options) for name, options in DEFAULTS.items()}
    for file in (files("placecell.conf") / "train" / "codebook").iterdir():
        assert (folder / file.name).read_text() == file.read_text()


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        (
            "soft",
            {},
            "expected a codebook of off, softmax, top_k, gumbel, linear, no_softmax, random, got 'soft'",
        ),
        (
            "softmax",
            {"temperature": 2.0},
            "expected options of codebook softmax: codes, code_width, dropout, got",
        ),
        ("off", {"codes": 3}, "expected options of codebook off: none, got codes"),
        ("softmax", {"codes": 0}, "expected codes of 1 or more for the codebook, got 0"),
        ("softmax", {"code_width": 0}, "expected code_width of 1 or more for the codebook, got 0"),
        ("linear", {"code_width": 0}, "expected code_width of 1 or more for the codebook, got 0"),
        ("softmax", {"codes": 2.5}, "expected a whole number as codes of codebook softmax, got 2.5"),
        ("softmax", {"dropout": True}, "expected a number as dropout of codebook softmax, got True"),
        ("gumbel", {"hard": 1}, "expected true or false as hard of codebook gumbel, got 1"),
        ("softmax", {"dropout": 1.0}, "expected a dropout of the codebook of 0 or more, below 1, got 1.0"),
        ("softmax", {"dropout": 1}, "below 1, got 1.0;"),
        ("softmax", {"dropout": -0.1}, "below 1, got -0.1"),
        ("softmax", {"dropout": float("nan")}, "below 1, got nan"),
        ("top_k", {"top_k": 257}, "expected a top_k of 1 to the 256 codes, got 257"),
        ("top_k", {"top_k": 0}, "expected a top_k of 1 to the 256 codes, got 0"),
        ("gumbel", {"temperature": 0}, "expected a temperature of the gumbel gate above 0, got 0"),
    ],
)
def test_what_makes_no_filter_is_one_line(name, options, text):
    with pytest.raises(ConfigError) as caught:
        make_filter(name, WIDTH, **options)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_width_of_none_and_embeddings_and_seeds_that_do_not_fit():
    for name in FILTERS:
        with pytest.raises(ConfigError, match="expected width of 1 or more for the codebook, got 0"):
            make_filter(name, 0)
        keep = filter_of(name)
        with pytest.raises(ConfigError, match=r"embedding \(b, 24\) for the codebook, got \(2, 23\)"):
            keep(drawn(2, 23), draw_seeds(2))
        with pytest.raises(
            ConfigError, match=r"int64 seeds \(2,\), one for each row, got torch.int64 \(3,\)"
        ):
            keep(drawn(2, WIDTH), draw_seeds(3))
    with pytest.raises(
        ConfigError, match="expected a gate of softmax, top_k, gumbel, no_softmax, got 'random'"
    ):
        CodebookFilter(WIDTH, gate="random")
    assert checked_options("softmax", {"dropout": 0})["dropout"] == 0


def test_the_goal_changes_the_embedding_and_must_be_one():
    joined = GoalConditioned(8, goals=3, width=WIDTH)
    frame = drawn(1, 8).expand(3, 8)
    made = joined(frame, torch.arange(3))
    assert made.shape == (3, WIDTH)
    assert float((made[0] - made[1]).detach().abs().max()) > 1e-3
    with pytest.raises(ConfigError, match=r"expected goals of 0 to 2, got \[3\]"):
        joined(frame[:1], torch.tensor([3]))
    with pytest.raises(ConfigError, match=r"frame vectors \(b, 8\), got \(1, 9\)"):
        joined(drawn(1, 9), torch.tensor([0]))
    with pytest.raises(ConfigError, match="expected goals of 1 or more, got 0"):
        GoalConditioned(8, goals=0, width=WIDTH)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", FILTERS)
def test_a_gpu_sees_the_masks_of_the_cpu(name):
    keep, x, seeds = filter_of(name), drawn(STEPS, WIDTH), draw_seeds(STEPS, seeded())
    here = keep(x, seeds)
    there = keep.cuda()(x.cuda(), seeds)
    torch.testing.assert_close(there.output.cpu(), here.output, rtol=1e-4, atol=1e-5)
    if here.applied is not None and name != "top_k":
        assert torch.equal(there.applied.cpu() == 0, here.applied == 0)
