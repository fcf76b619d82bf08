import pytest
import torch
from attention_oracles import a_map, attend_one, blind_parameters, built, counted_flops, linear

from placecell.agent.attention.attend import attend
from placecell.agent.attention.routed import BiFormer, route
from placecell.errors import ConfigError

KEYS = a_map(1, 1, 16, 4)


def region_of(token, size, regions):
    row, column = divmod(token, size[1])
    return row // (size[0] // regions) * regions + column // (size[1] // regions)


def members(size, regions):
    """The raster tokens of each region."""
    found = [[] for _ in range(regions**2)]
    for token in range(size[0] * size[1]):
        found[region_of(token, size, regions)].append(token)
    return found


def chosen_regions(q, k, size, regions, top_k):
    """For each region the regions most like it; q, k (n, c)."""
    of = members(size, regions)
    means = [(q[tokens].mean(0), k[tokens].mean(0)) for tokens in of]
    rows = []
    for a, _ in means:
        likeness = [float(a @ b) for _, b in means]
        rows.append(sorted(sorted(range(len(of)), key=lambda i: -likeness[i])[:top_k]))
    return rows


def biformer_oracle(m, x):
    gh, gw = x.shape[1:3]
    d, y = m.head_width, torch.zeros_like(x)
    of = members((gh, gw), m.regions)
    for image, out in zip(x, y):
        q, k, v = (torch.stack([w @ t for t in image.flatten(0, 1)]) for w in m.qkv.weight.chunk(3))
        rows = chosen_regions(q, k, (gh, gw), m.regions, m.top_k)
        for t in range(gh * gw):
            keys = [j for r in rows[region_of(t, (gh, gw), m.regions)] for j in of[r]]
            seen = []
            for h in range(m.heads):
                part = slice(h * d, (h + 1) * d)
                seen.append(attend_one(q[t, part], [k[j, part] for j in keys], [v[j, part] for j in keys]))
            near = m.near.bias.clone()
            for i in range(25):
                r, s = t // gw + i // 5 - 2, t % gw + i % 5 - 2
                if 0 <= r < gh and 0 <= s < gw:
                    near += m.near.weight[:, 0, i // 5, i % 5] * v[r * gw + s]
            out[t // gw, t % gw] = linear(m.out, torch.cat(seen) + near)
    return y


@pytest.mark.parametrize(("size", "regions", "top_k"), [((4, 6), 2, 2), ((6, 6), 3, 4), ((4, 4), 4, 1)])
def test_biformer_is_its_formula(size, regions, top_k):
    module, x = built(BiFormer(8, 2, regions, top_k)), a_map(2, *size, 8)
    with torch.no_grad():
        assert torch.allclose(module(x), biformer_oracle(module, x), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("top_k", [1, 3, 9])
def test_the_plan_lists_the_regions_most_like_each(top_k):
    q, k = a_map(2, 2, 54, 4), a_map(2, 2, 54, 4, seed=1)
    plan = route(q, k, (6, 9), 3, top_k)
    assert plan.keys.shape == (2, 1, 9, top_k)
    for i in range(2):
        flat = (part[i].transpose(0, 1).flatten(1) for part in (q, k))
        assert plan.keys[i, 0].tolist() == chosen_regions(*flat, (6, 9), 3, top_k)
    for block, tokens in zip(plan.order.view(9, -1), members((6, 9), 3)):
        assert sorted(block.tolist()) == tokens
    assert plan.density == pytest.approx(top_k / 9)


def test_the_layer_attends_as_the_plan_of_raster_tokens_does():
    module, x = built(BiFormer(8, 2, 3, 2)), a_map(2, 6, 9, 8)
    with torch.no_grad():
        module.near.weight.zero_()
        module.near.bias.zero_()
        qkv = module.qkv(x.flatten(1, 2))
        q, k, v = qkv.unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        seen = attend(q, k, v, route(q, k, (6, 9), 3, 2), backend="dense").transpose(1, 2).flatten(2)
        assert torch.allclose(module(x).flatten(1, 2), module.out(seen), rtol=1e-9)


def test_all_regions_are_full_attention():
    module, x = built(BiFormer(8, 2, 2, 4)), a_map(1, 4, 4, 8)
    with torch.no_grad():
        q, k, v = module.qkv(x.flatten(1, 2)).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        full = torch.nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        near = module.near(qkv_values(module, x)).permute(0, 2, 3, 1).flatten(1, 2)
        assert torch.allclose(module(x).flatten(1, 2), module.out(full + near), rtol=1e-9)


def qkv_values(module, x):
    return module.qkv(x)[..., 2 * module.width :].permute(0, 3, 1, 2)


def test_a_batch_of_two_is_routed_as_one_by_one():
    module, x = built(BiFormer(8, 2, 4, 2)), a_map(2, 8, 8, 8)
    with torch.no_grad():
        alone = torch.cat([module(image[None]) for image in x])
        assert torch.allclose(module(x), alone, rtol=1e-12, atol=1e-12)
    q, k = a_map(2, 2, 64, 4), a_map(2, 2, 64, 4, seed=1)
    both = route(q, k, (8, 8), 4, 2)
    for i in range(2):
        assert torch.equal(both.keys[i], route(q[i : i + 1], k[i : i + 1], (8, 8), 4, 2).keys[0])
    assert not torch.equal(both.keys[0], both.keys[1])


def test_no_gradient_flows_through_the_choice():
    q, k = a_map(1, 1, 16, 4).requires_grad_(), a_map(1, 1, 16, 4, seed=1).requires_grad_()
    v, kept = a_map(1, 1, 16, 4, seed=2), []
    with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda saved: saved):
        plan = route(q, k, (4, 4), 2, 1)
    assert kept == []
    fixed = route(q.detach(), k.detach(), (4, 4), 2, 1)
    own = torch.autograd.grad(attend(q, k, v, plan).square().sum(), (q, k))
    other = torch.autograd.grad(attend(q, k, v, fixed).square().sum(), (q, k))
    assert all(torch.equal(a, b) for a, b in zip(own, other))


def test_gradients_reach_every_parameter():
    assert blind_parameters(built(BiFormer(8, 2, 2, 2)), a_map(2, 4, 4, 8)) == []


@pytest.mark.parametrize(("size", "regions", "top_k"), [((4, 4), 2, 1), ((8, 12), 4, 4), ((6, 6), 3, 9)])
def test_the_stated_cost_is_what_torch_counts(size, regions, top_k):
    module = built(BiFormer(8, 2, regions, top_k))
    assert module.flops(*size) == counted_flops(module, a_map(1, *size, 8))
    assert 2 * module.flops(*size) == counted_flops(module, a_map(2, *size, 8))


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: BiFormer(8, 3), "heads that divide the width 8 of biformer, got 3; take a divisor"),
        (lambda: BiFormer(8, 2, 2, 5), "top_k of biformer from 1 to its 4 regions, got 5; choose fewer"),
        (lambda: BiFormer(8, 2, 2, 0), "top_k of biformer from 1 to its 4 regions, got 0"),
        (lambda: BiFormer(8, 2, 0, 1), "1 region or more a side for biformer, got 0"),
        (lambda: BiFormer(8, 2, backend="cuda"), "a backend of auto, dense, gathered, flex, got 'cuda'"),
        (
            lambda: BiFormer(8, 2)(torch.zeros(1, 16, 16, 8)),
            "7 regions a side of biformer divide, got 16 x 16",
        ),
        (lambda: BiFormer(8, 2).flops(14, 16), "7 regions a side of biformer divide, got 14 x 16"),
        (lambda: BiFormer(8, 2, 2)(torch.zeros(1, 4, 4, 6)), "gw, 8) for biformer, got 6 channels"),
        (lambda: route(KEYS, KEYS, (4, 4), 8), "8 regions a side of biformer divide, got 4 x 4"),
        (lambda: route(KEYS, KEYS, (4, 8), 2), "the 32 tokens of a 4 x 8 map, got 16"),
    ],
)
def test_a_mistake_is_one_clear_line(make, line):
    with pytest.raises(ConfigError) as error:
        make()
    assert line in str(error.value)
    assert "\n" not in str(error.value)
