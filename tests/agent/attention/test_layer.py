import copy
import pickle
from importlib.resources import files

import pytest
import torch
from attention_oracles import a_map, attend_one, blind_parameters, built, counted_flops, linear
from omegaconf import OmegaConf

from placecell.agent.attention import patterns
from placecell.agent.attention.layer import (
    ATTENTIONS,
    DEFAULTS,
    PlannedAttention,
    attention_layer,
    checked_options,
    fitted,
)
from placecell.agent.attention.modules import ChannelAttention
from placecell.errors import ConfigError

SMALL = {
    "window": {"window": 4},
    "davit": {"window": 4},
    "biformer": {"regions": 4},
    "neighborhood": {"window": 3},
    "halo": {"block": 4, "halo": 1},
}
LAYERS = [(name, layer) for name in ATTENTIONS for layer in (0, 1)]


def small(name, layer=0, backend="auto"):
    options = SMALL.get(name, {})
    return built(attention_layer(name, 16, 4, layer=layer, backend=backend, **options))


def planned_oracle(m, x):
    """Token by token along the plan's dense mask."""
    gh, gw = x.shape[1:3]
    d, y = m.head_width, torch.zeros_like(x)
    mask = m.pattern((gh, gw)).mask(1, m.heads)[0].expand(m.heads, -1, -1)
    for image, out in zip(x.flatten(1, 2), y.flatten(1, 2)):
        q, k, v = (torch.stack([w @ t for t in image]) for w in m.qkv.weight.chunk(3))
        for t in range(gh * gw):
            seen = []
            for h in range(m.heads):
                part, keys = slice(h * d, (h + 1) * d), mask[h, t].nonzero().flatten().tolist()
                seen.append(attend_one(q[t, part], [k[j, part] for j in keys], [v[j, part] for j in keys]))
            out[t] = linear(m.out, torch.cat(seen))
    return y


@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_every_attention_keeps_the_shape_and_learns(name, layer):
    module, x = small(name, layer), a_map(2, 8, 8, 16)
    assert module(x).shape == x.shape
    assert blind_parameters(module, x) == []


@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_the_stated_cost_is_what_torch_counts(name, layer):
    # What is counted is what the plan visits: the gathered backend computes no more than that.
    module = small(name, layer, backend="gathered")
    assert module.flops(8, 8) == counted_flops(module, a_map(1, 8, 8, 16))
    assert 2 * module.flops(8, 16) == counted_flops(module, a_map(2, 8, 16, 16))


@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_images_of_a_batch_do_not_see_each_other(name, layer):
    module, x = small(name, layer), a_map(2, 8, 8, 16)
    with torch.no_grad():
        alone = torch.cat([module(image[None]) for image in x])
        assert torch.allclose(module(x), alone, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", ["full", "window", "neighborhood", "halo"])
def test_a_planned_layer_is_its_formula(name):
    module, x = small(name, layer=1), a_map(2, 8, 8, 16)
    with torch.no_grad():
        assert torch.allclose(module(x), planned_oracle(module, x), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["full", "window", "biformer", "neighborhood", "halo"])
def test_backends_agree(name):
    x = a_map(1, 8, 8, 16)
    with torch.no_grad():
        dense, gathered = (small(name, backend=backend)(x) for backend in ("dense", "gathered"))
        assert torch.allclose(dense, gathered, rtol=1e-10, atol=1e-10)


def plans_of(name, size, **options):
    return [attention_layer(name, 16, 4, layer=i, **options).pattern(size) for i in (0, 1, 2)]


def test_windows_alternate_with_shifted_windows():
    straight, shifted = patterns.window((8, 8), 4), patterns.shifted_window((8, 8), 4)
    plans = plans_of("window", (8, 8), window=4)
    assert [plan is own for plan, own in zip(plans, (straight, shifted, straight))] == [True] * 3


def test_a_map_of_one_window_is_not_shifted():
    plans = plans_of("window", (4, 4), window=4)
    assert plans[1] is plans[0]
    assert plans[0].seen_density == 1.0


def test_davit_alternates_windows_and_channels():
    layers = [attention_layer("davit", 16, 4, layer=i, window=4) for i in range(4)]
    assert [type(layer) for layer in layers] == [PlannedAttention, ChannelAttention] * 2
    assert layers[2].pattern((8, 8)) is patterns.window((8, 8), 4)
    assert layers[1].groups == 4
    assert attention_layer("davit", 16, 4, layer=1, groups=2).groups == 2


def test_options_reach_the_pattern():
    neighborhood = attention_layer("neighborhood", 16, 4, window=3, stride=2, dilation=2)
    assert neighborhood.pattern((8, 8)) is patterns.neighborhood((8, 8), window=3, stride=2, dilation=2)
    halo = attention_layer("halo", 16, 4, block=4, halo=2)
    assert halo.pattern((8, 8)) is patterns.halo((8, 8), block=4, halo=2)
    biformer = attention_layer("biformer", 16, 4, regions=2, top_k=3)
    assert (biformer.regions, biformer.top_k) == (2, 3)
    hilo = attention_layer("hilo", 16, 4, window=4, alpha=0.75)
    assert (hilo.window, hilo.low_heads) == (4, 3)


@pytest.mark.parametrize(("name", "layer"), LAYERS)
def test_a_layer_can_be_copied_and_pickled(name, layer):
    module, x = small(name, layer), a_map(1, 8, 8, 16)
    with torch.no_grad():
        for copied in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
            assert torch.equal(copied(x), module(x))


@pytest.mark.parametrize("name", ATTENTIONS)
def test_the_config_group_has_every_option_and_builds(name):
    text = files("placecell.conf").joinpath("attention", f"{name}.yaml").read_text()
    config = OmegaConf.to_container(OmegaConf.create(text))
    assert config.pop("name") == name
    assert set(config) == set(DEFAULTS[name])
    comments = [line for line in text.splitlines() if ":" in line and "#" in line and line[0] != "#"]
    assert len(comments) == len(config)
    for layer in (0, 1):
        module = attention_layer(name, 16, 4, layer=layer, **config)
        assert module(torch.zeros(1, 16, 16, 16)).shape == (1, 16, 16, 16)


def test_training_finds_the_config_group():
    group = files("placecell.conf").joinpath("train", "attention")
    assert sorted(f.name for f in group.iterdir() if f.name.endswith(".yaml")) == sorted(
        f"{name}.yaml" for name in ATTENTIONS
    )


@pytest.mark.parametrize("size", [(16, 16), (8, 8), (4, 4), (6, 9), (2, 2)])
@pytest.mark.parametrize("name", ATTENTIONS)
def test_fitted_options_fit(name, size):
    options = fitted(name, {}, size)
    for layer in (0, 1):
        x = torch.zeros(1, *size, 16)
        assert attention_layer(name, 16, 4, layer=layer, **options)(x).shape == x.shape


def test_fitting_shrinks_only_what_is_too_large():
    assert fitted("window", {"window": 8}, (16, 16)) == {"window": 8}
    assert fitted("window", {}, (16, 16)) == {}
    assert fitted("window", {"window": 8}, (4, 4)) == {"window": 4}
    assert fitted("window", {"window": 8}, (12, 18)) == {"window": 6}
    assert fitted("biformer", {"regions": 7, "top_k": 16}, (4, 6)) == {"regions": 2, "top_k": 4}
    assert fitted("hilo", {}, (9, 9)) == {"window": 3}
    assert fitted("neighborhood", {"window": 7}, (4, 8)) == {"window": 3}
    assert fitted("neighborhood", {"window": 7, "dilation": 4}, (14, 14)) == {"window": 7, "dilation": 2}
    assert fitted("full", {}, (1, 1)) == {}


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: attention_layer("hi-lo", 64, 4), "an attention of full, window, hilo, davit, biformer, "),
        (lambda: attention_layer("hi-lo", 64, 4), "got 'hi-lo'; choose one of them"),
        (lambda: attention_layer("hilo", 64, 4, windows=2), "of attention hilo: window, alpha, got windows"),
        (lambda: attention_layer("full", 64, 4, window=2), "of attention full: none, got window; drop"),
        (lambda: attention_layer("window", 64, 4, window="8"), "whole number as window of attention window"),
        (lambda: attention_layer("window", 64, 4, window=True), "got True; the default is 8"),
        (lambda: attention_layer("window", 64, 4, window=4.5), "got 4.5; the default is 8"),
        (lambda: attention_layer("hilo", 64, 4, alpha=None), "a number as alpha of attention hilo, got None"),
        (lambda: attention_layer("full", 64, 5), "heads that divide the width 64 of full, got 5"),
        (lambda: attention_layer("davit", 64, 4, layer=1, groups=5), "groups that divide the width 64"),
        (lambda: attention_layer("full", 64, 4, backend="xla"), "a backend of auto, dense, gathered, flex"),
        (lambda: attention_layer("inline", 64, 4, backend="xla"), "got 'xla'; choose one of them"),
        (lambda: attention_layer("full", 64, 4)(torch.zeros(1, 4, 4, 32)), "gw, 64) for full, got 32"),
        (lambda: attention_layer("window", 64, 4)(torch.zeros(1, 4, 8, 64)), "the 4 x 8 map, got 8; take"),
        (lambda: attention_layer("window", 64, 4, window=3)(torch.zeros(1, 8, 8, 64)), "windows of 3 divide"),
        (
            lambda: attention_layer("window", 64, 4, window=0)(torch.zeros(1, 8, 8, 64)),
            "token or more, got 0",
        ),
        (lambda: attention_layer("neighborhood", 64, 4)(torch.zeros(1, 4, 8, 64)), "7"),
        (lambda: attention_layer("halo", 64, 4)(torch.zeros(1, 4, 8, 64)), "8"),
        (lambda: fitted("hilo", {"size": 1}, (8, 8)), "options of attention hilo: window, alpha, got size"),
        (lambda: checked_options("none", {}), "an attention of full"),
    ],
)
def test_a_mistake_is_one_clear_line(make, line):
    with pytest.raises(ConfigError) as error:
        make()
    assert line in str(error.value)
    assert "\n" not in str(error.value)
