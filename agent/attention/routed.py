"""Attention whose plan depends on what is seen: BiFormer's bi-level routing."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from .attend import attend
from .checks import check_backend, check_map, head_width, require
from .orders import tiled
from .plan import AttentionPlan


def route(
    q: Float[Tensor, "b heads n d"],
    k: Float[Tensor, "b heads n d"],
    size: tuple[int, int],
    regions: int = 7,
    top_k: int = 4,
) -> AttentionPlan:
    """For each region of each map, the regions most like it.

    Zhu et al. 2023, "BiFormer: Vision Transformer with Bi-Level Routing Attention", section 3.2: queries and
    keys are averaged over regions, all heads together; a region's tokens attend to all tokens of the top_k
    regions whose mean key has the largest product with its mean query. No gradient flows through the choice,
    and it is made for each map of the batch by itself.

    Cost: 2 r c operations a region, r regions, c = heads * d.

    Args:
        q: queries, in raster order.
        k: keys.
        size: (gh, gw) of the map.
        regions: along each side, so regions^2 of them.
        top_k: how many a region sees; regions^2 is full attention.

    Returns:
        A plan for this batch and no other, the same for all heads, in the order of regions.

    Raises:
        ConfigError: regions don't divide the map, or are fewer than top_k, or the tokens are no such map.
    """
    check_regions(size, regions, top_k)
    (gh, gw), n = size, q.shape[2]
    require(n == gh * gw, f"the {gh * gw} tokens of a {gh} x {gw} map", n, "pass the size of this map")
    order = tiled(size, (gh // regions, gw // regions)).to(q.device)
    return _routed(q.detach()[:, :, order], k.detach()[:, :, order], order, regions**2, top_k)


def _routed(q: Tensor, k: Tensor, order: Int64[Tensor, " n"], count: int, top_k: int) -> AttentionPlan:
    """The plan of queries and keys (b, heads, n, d) that lie region after region already."""
    block = order.numel() // count
    with torch.no_grad():
        means = (x.unflatten(2, (count, block)).mean(3).transpose(1, 2).flatten(2) for x in (q, k))
        likeness = next(means) @ next(means).transpose(1, 2)
        chosen = likeness.topk(top_k, dim=-1).indices.sort(dim=-1).values
    return AttentionPlan("biformer", order, block, block, chosen[:, None])


def check_regions(size: tuple[int, int], regions: int, top_k: int) -> None:
    """Raise ConfigError unless so many regions a side divide a map and top_k of them can be chosen."""
    gh, gw = size
    require(regions >= 1, "1 region or more a side for biformer", regions, "pass regions >= 1")
    divides = gh % regions == 0 and gw % regions == 0
    map_of = f"a map that {regions} regions a side of biformer divide"
    require(divides, map_of, f"{gh} x {gw}", "pad the map or take other regions")
    check_top_k(regions, top_k)


def check_top_k(regions: int, top_k: int) -> None:
    """Raise ConfigError unless top_k of the regions can be chosen."""
    count = regions**2
    some = f"top_k of biformer from 1 to its {count} regions"
    require(1 <= top_k <= count, some, top_k, "choose fewer regions")


class BiFormer(nn.Module):
    """Each region attends to the regions most like it; a 5 x 5 convolution of the values comes on top.

    Zhu et al. 2023, sections 3.2 and 3.3: ``route`` gives the plan, the depthwise convolution (LEPE) tells
    tokens where they are among their neighbours, one projection takes the sum of both. Products are divided
    by the square root of a head's width, as everywhere here.

    Cost, r = regions^2: 8 n c^2 linear, 2 r^2 c routing, 4 n^2 c top_k / r attention, 50 n c convolution.

    Args:
        width: channels.
        heads: of the attention; they divide the width.
        regions: along each side of the map.
        top_k: regions that a region sees; 1, 4, 16 and all of them in the paper's four stages.
        backend: of ``attend``.

    Raises:
        ConfigError: heads don't divide the width, or fewer regions than top_k.
    """

    def __init__(
        self, width: int, heads: int, regions: int = 7, top_k: int = 4, *, backend: str = "auto"
    ) -> None:
        super().__init__()
        self.head_width = head_width("biformer", width, heads)
        require(regions >= 1, "1 region or more a side for biformer", regions, "pass regions >= 1")
        check_top_k(regions, top_k)
        check_backend(backend)
        self.width, self.heads, self.regions, self.top_k = width, heads, regions, top_k
        self.backend = backend
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.near = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Float[Tensor, "b gh gw c"]) -> Float[Tensor, "b gh gw c"]:
        """Attend; raises ConfigError if the regions don't divide the map."""
        check_map("biformer", x.shape[-1], self.width)
        (b, gh, gw, c), r = x.shape, self.regions
        check_regions((gh, gw), r, self.top_k)
        # Region after region from here on: blocks of the plan need no gathering but the keys that are chosen.
        regions = x.view(b, r, gh // r, r, gw // r, c).transpose(2, 3)
        qkv = self.qkv(regions.reshape(b, gh * gw, c))
        q, k, v = qkv.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        plan = _routed(q, k, torch.arange(gh * gw, device=x.device), r * r, self.top_k)
        seen = attend(q, k, v, plan, backend=self.backend).transpose(1, 2).reshape(regions.shape)
        values = qkv[..., 2 * c :].view(regions.shape).permute(0, 5, 1, 3, 2, 4).reshape(b, c, gh, gw)
        near = self.near(values).permute(0, 2, 3, 1)
        return self.out(seen.transpose(2, 3).reshape(x.shape) + near)

    def flops(self, gh: int, gw: int) -> int:
        """Operations on one map: of the order n^2 top_k / regions^2."""
        check_regions((gh, gw), self.regions, self.top_k)
        n, count = gh * gw, self.regions**2
        attention = 4 * n * (n // count) * self.top_k * self.width
        return 8 * n * self.width**2 + 2 * count**2 * self.width + attention + 50 * n * self.width
