import math

import pytest
import torch
from attention_oracles import a_map, attend_one, blind_parameters, built, counted_flops, linear

from placecell.agent.attention.modules import ChannelAttention, EfficientProbing, HiLo, InLine
from placecell.errors import ConfigError

MAPS = [(1, 4, 6), (2, 6, 4)]


def hilo_oracle(m, x):
    _, gh, gw, c = x.shape
    s, d = m.window, m.head_width
    y = torch.zeros_like(x)
    q_w, k_w, v_w = m.high_qkv.weight.chunk(3)
    lk_w, lv_w = m.low_kv.weight.chunk(2)
    for image, out in zip(x, y):
        corners = [(i, j) for i in range(0, gh, s) for j in range(0, gw, s)]
        means = [image[i : i + s, j : j + s].reshape(-1, c).mean(0) for i, j in corners]
        for row in range(gh):
            for column in range(gw):
                top, left = row // s * s, column // s * s
                near = image[top : top + s, left : left + s].reshape(-1, c)
                token, high, low = image[row, column], [], []
                for h in range(m.high_heads):
                    part = slice(h * d, (h + 1) * d)
                    keys, values = [k_w[part] @ t for t in near], [v_w[part] @ t for t in near]
                    high.append(attend_one(q_w[part] @ token, keys, values))
                for h in range(m.low_heads):
                    part = slice(h * d, (h + 1) * d)
                    keys, values = [lk_w[part] @ t for t in means], [lv_w[part] @ t for t in means]
                    low.append(attend_one(m.low_q.weight[part] @ token, keys, values))
                out[row, column] = torch.cat(
                    [linear(m.high_out, torch.cat(high)), linear(m.low_out, torch.cat(low))]
                )
    return y


def channel_oracle(m, x):
    y = torch.zeros_like(x)
    q_w, k_w, v_w = m.qkv.weight.chunk(3)
    for image, out in zip(x.flatten(1, 2), y.flatten(1, 2)):
        q, k, v = ([w @ t for t in image] for w in (q_w, k_w, v_w))
        seen = [torch.zeros(m.width, dtype=x.dtype) for _ in image]
        for i in range(m.width):
            group = range(i // m.group_width * m.group_width, (i // m.group_width + 1) * m.group_width)
            scores = [sum(a[i] * b[j] for a, b in zip(k, v)) / math.sqrt(m.group_width) for j in group]
            weights = torch.stack(scores).exp()
            for t in range(len(image)):
                seen[t][i] = sum(w * q[t][j] for w, j in zip(weights, group)) / weights.sum()
        out.copy_(torch.stack([linear(m.out, t) for t in seen]))
    return y


def inline_weights(q, k):
    """InLine's weights of the keys, a row a query."""
    n, s = len(k), q.shape[1] ** -0.5
    return torch.stack([torch.stack([s * (a @ b) / n + (1 - s * (a @ k.mean(0))) / n for b in k]) for a in q])


def inline_oracle(m, x):
    _, gh, gw, c = x.shape
    d, y = m.head_width, torch.zeros_like(x)
    first, _, second = m.filters
    for image, out in zip(x, y):
        q, k, v = ([w @ t for t in image.flatten(0, 1)] for w in m.qkv.weight.chunk(3))
        q, k, v = (torch.stack(part) for part in (q, k, v))
        far = []
        for h in range(m.heads):
            part = slice(h * d, (h + 1) * d)
            far.append(inline_weights(q[:, part], k[:, part]) @ v[:, part])
        mean = image.flatten(0, 1).mean(0)
        hidden = torch.zeros(c, dtype=x.dtype)
        for i in range(c):
            hidden[i] = first.weight[i, :, 0] @ mean[i // d * d : i // d * d + d] + first.bias[i]
        hidden = 0.5 * hidden * (1 + torch.erf(hidden / math.sqrt(2)))
        near = torch.zeros(gh, gw, c, dtype=x.dtype)
        for row in range(gh):
            for column in range(gw):
                for i in range(c):
                    for step in range(9):
                        r, k_ = row + step // 3 - 1, column + step % 3 - 1
                        if 0 <= r < gh and 0 <= k_ < gw:
                            o = 9 * i + step
                            w = second.weight[o, :, 0] @ hidden[i // d * d : i // d * d + d] + second.bias[o]
                            near[row, column, i] += w * v[r * gw + k_, i]
        both = torch.cat(far, 1).view(gh, gw, c) + near
        out.copy_(torch.stack([torch.stack([linear(m.out, t) for t in row]) for row in both]))
    return y


CASES = {
    "hilo": (lambda: HiLo(12, 3, 2), hilo_oracle),
    "hilo, mostly low": (lambda: HiLo(12, 6, 2, alpha=0.9), hilo_oracle),
    "channels": (lambda: ChannelAttention(12, 3), channel_oracle),
    "channels, one group": (lambda: ChannelAttention(6, 1), channel_oracle),
    "inline": (lambda: InLine(8, 2), inline_oracle),
    "inline, one head": (lambda: InLine(4, 1), inline_oracle),
}


@pytest.fixture(params=CASES)
def case(request):
    make, oracle = CASES[request.param]
    return built(make()), oracle


@pytest.mark.parametrize("shape", MAPS)
def test_a_module_is_its_formula(case, shape):
    module, oracle = case
    x = a_map(*shape, module.width)
    with torch.no_grad():
        assert torch.allclose(module(x), oracle(module, x), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("size", [(4, 4), (4, 8), (12, 6)])
def test_the_stated_cost_is_what_torch_counts(case, size):
    module, _ = case
    assert module.flops(*size) == counted_flops(module, a_map(1, *size, module.width))
    assert 2 * module.flops(*size) == counted_flops(module, a_map(2, *size, module.width))


def test_gradients_reach_every_parameter(case):
    module, _ = case
    assert blind_parameters(module, a_map(2, 4, 4, module.width)) == []


def test_images_of_a_batch_do_not_see_each_other(case):
    module, _ = case
    x = a_map(3, 4, 4, module.width)
    with torch.no_grad():
        alone = torch.cat([module(image[None]) for image in x])
        assert torch.allclose(module(x), alone, rtol=1e-12, atol=1e-12)


def test_a_view_that_is_not_contiguous_is_as_good(case):
    module, _ = case
    x = a_map(2, 6, 4, module.width)
    with torch.no_grad():
        turned = module(x.transpose(1, 2))
        assert torch.allclose(turned, module(x.transpose(1, 2).contiguous()), rtol=1e-12, atol=1e-12)


def test_a_map_of_another_width_is_refused(case):
    module, _ = case
    with pytest.raises(ConfigError, match=f"gw, {module.width}\\) for .*, got 5 channels"):
        module(a_map(1, 4, 4, 5))


def test_hilo_grows_with_the_square_and_the_linear_ones_do_not():
    hilo, channels, inline = HiLo(64, 4), ChannelAttention(64, 4), InLine(64, 4)
    assert hilo.flops(128, 128) > 12 * hilo.flops(64, 64)
    assert channels.flops(128, 128) == 4 * channels.flops(64, 64)
    assert inline.flops(128, 128) < 4 * inline.flops(64, 64)


def test_hilo_with_wider_windows_costs_less_on_large_maps():
    assert HiLo(64, 4, 4).flops(64, 64) < HiLo(64, 4, 2).flops(64, 64) / 2


def test_hilo_rounds_its_low_heads_down():
    assert (HiLo(64, 8, alpha=0.45).low_heads, HiLo(50, 50, alpha=0.58).low_heads) == (3, 29)


def test_channel_weights_do_not_depend_on_where_a_token_lies():
    module, x = built(ChannelAttention(8, 2)), a_map(1, 4, 4, 8)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        moved = module(x.flatten(1, 2)[:, order].view_as(x)).flatten(1, 2)
        assert torch.allclose(moved, module(x).flatten(1, 2)[:, order])


def test_inline_tells_queries_apart_that_differ_in_length_only():
    q, k = a_map(1, 4), a_map(6, 4, seed=1)
    one, three = inline_weights(q, k)[0], inline_weights(3 * q, k)[0]
    assert [float(one.sum()), float(three.sum())] == pytest.approx([1, 1])
    assert not torch.allclose(one, three)


def test_inline_makes_its_filter_of_each_image():
    module, x = built(InLine(4, 1)), torch.ones(1, 3, 3, 4, dtype=torch.float64)
    with torch.no_grad():
        filters = [module.filters(scale * x.mean((1, 2))[:, :, None]) for scale in (1, 2)]
    assert not torch.allclose(filters[1], 2 * filters[0])


def probing_oracle(m, tokens):
    vectors = []
    for image in tokens:
        chunks = []
        for i, query in enumerate(m.queries):
            part = slice(i * m.chunk, (i + 1) * m.chunk)
            chunks.append(attend_one(query, list(image), [m.v.weight[part] @ t for t in image]))
        vectors.append(torch.cat(chunks))
    return torch.stack(vectors)


@pytest.mark.parametrize(("queries", "outputs"), [(4, None), (3, 6), (1, 5)])
def test_efficient_probing_is_its_formula(queries, outputs):
    module, tokens = built(EfficientProbing(8, queries, outputs)), a_map(2, 15, 8)
    with torch.no_grad():
        vector = module(tokens)
        assert vector.shape == (2, outputs or 8)
        assert torch.allclose(vector, probing_oracle(module, tokens), rtol=1e-9)
    assert 2 * module.flops(3, 5) == counted_flops(module, tokens)
    assert blind_parameters(module, tokens) == []


def test_efficient_probing_does_not_care_for_the_order_of_tokens():
    module, tokens = built(EfficientProbing(32)), a_map(1, 7, 32)
    with torch.no_grad():
        assert torch.allclose(module(tokens), module(tokens.flip(1)))


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: HiLo(64, 5), "heads that divide the width 64 of hilo, got 5; take a divisor"),
        (lambda: HiLo(64, 0), "heads that divide the width 64 of hilo, got 0"),
        (lambda: HiLo(64, 4, alpha=0.2), "leaves high and low frequencies a head, got 0.2 with 4 heads"),
        (lambda: HiLo(64, 4, alpha=1.0), "leaves high and low frequencies a head, got 1 with 4 heads"),
        (lambda: HiLo(64, 4, alpha=-0.5), "got -0.5 with 4 heads"),
        (lambda: HiLo(64, 4, window=1), 'window of hilo of 2 tokens or more, got 1; use "full"'),
        (lambda: HiLo(64, 4, 3)(torch.zeros(1, 8, 9, 64)), "that windows of 3 divide, got 8 x 9; pad"),
        (lambda: HiLo(64, 4, 8)(torch.zeros(1, 4, 8, 64)), "no larger than the 4 x 8 map, got 8"),
        (lambda: ChannelAttention(64, 7), "groups that divide the width 64 of channel attention, got 7"),
        (lambda: InLine(64, 6), "heads that divide the width 64 of inline, got 6"),
        (lambda: EfficientProbing(64, 24), "queries that divide the width 64 of efficient probing's outputs"),
        (lambda: EfficientProbing(64, 0), "got 0; take a divisor"),
    ],
)
def test_a_mistake_is_one_clear_line(make, line):
    with pytest.raises(ConfigError) as error:
        make()
    assert line in str(error.value)
    assert "\n" not in str(error.value)
