"""Attention that is no plan over tokens: HiLo, DaViT's channel groups, InLine, efficient probing.

Maps come as (b, gh, gw, width), tokens in raster order, and leave as the same. ``flops(gh, gw)`` counts for
one image a multiply-add as 2, in linear layers, products of attention and convolutions, and nothing else;
n stands for gh * gw, c for the width, d for the width of a head.
Queries, keys and values have no bias: a softmax does not see that of the keys.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import conv2d, scaled_dot_product_attention

from .checks import check_map, check_windows, head_width, require


class HiLo(nn.Module):
    """Some heads attend within small windows, the others from every token to averaged windows.

    Pan, Cai and Zhuang 2022, "Fast Vision Transformers with HiLo Attention" (LITv2), section 3.2. The
    high frequencies: softmax(q k^T / sqrt(d)) v in windows of s x s tokens. The low ones: the same with the
    queries of all tokens, and keys and values of the averages over those windows. Each part has its own
    projections; the outputs stand side by side, high first, and are not mixed.

    Cost, with h and l channels of high and low heads:
    2 n (3 c h + h^2 + c l + l^2) + 4 (n/s^2) c l linear, 4 n s^2 h + 4 n (n/s^2) l attention.

    Args:
        width: channels.
        heads: of both parts together.
        window: side s of a window, at least 2 (with 1 this is full attention).
        alpha: share of the heads for low frequencies, rounded down to whole heads.

    Raises:
        ConfigError: heads don't divide the width, or one part is left without heads.
    """

    def __init__(self, width: int, heads: int, window: int = 2, alpha: float = 0.5) -> None:
        super().__init__()
        self.head_width = head_width("hilo", width, heads)
        require(window >= 2, "a window of hilo of 2 tokens or more", window, 'use "full" for 1')
        low = int(alpha * heads + 1e-9)  # 0.58 of 50 heads is 28.999... in floating point
        leaves = "an alpha of hilo that leaves high and low frequencies a head"
        came, fix = f"{alpha:g} with {heads} heads", f"take one from {1 / heads:.3g} to below 1"
        require(0 < low < heads, leaves, came, fix)
        self.width, self.window, self.low_heads, self.high_heads = width, window, low, heads - low
        self.low, self.high = low * self.head_width, (heads - low) * self.head_width
        self.high_qkv = nn.Linear(width, 3 * self.high, bias=False)
        self.high_out = nn.Linear(self.high, self.high)
        self.low_q = nn.Linear(width, self.low, bias=False)
        self.low_kv = nn.Linear(width, 2 * self.low, bias=False)
        self.low_out = nn.Linear(self.low, self.low)

    def forward(self, x: Float[Tensor, "b gh gw c"]) -> Float[Tensor, "b gh gw c"]:
        """Attend; raises ConfigError if windows don't divide the map."""
        b, gh, gw, c = x.shape
        check_map("hilo", c, self.width)
        check_windows("hilo", gh, gw, self.window)
        s = self.window
        windows = x.view(b, gh // s, s, gw // s, s, c)
        return torch.cat((self._high(windows), self._low(x, windows.mean((2, 4)))), dim=-1)

    def _high(self, windows: Float[Tensor, "b i s j s c"]) -> Float[Tensor, "b gh gw h"]:
        b, i, s, j, _, c = windows.shape
        tokens = windows.transpose(2, 3).reshape(b * i * j, s * s, c)
        q, k, v = self.high_qkv(tokens).unflatten(-1, (3, self.high_heads, -1)).permute(2, 0, 3, 1, 4)
        seen = self.high_out(scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return seen.view(b, i, j, s, s, -1).transpose(2, 3).reshape(b, i * s, j * s, -1)

    def _low(
        self, x: Float[Tensor, "b gh gw c"], means: Float[Tensor, "b i j c"]
    ) -> Float[Tensor, "b gh gw l"]:
        q = self.low_q(x.flatten(1, 2)).unflatten(-1, (self.low_heads, -1)).transpose(1, 2)
        k, v = self.low_kv(means.flatten(1, 2)).unflatten(-1, (2, self.low_heads, -1)).permute(2, 0, 3, 1, 4)
        seen = scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return self.low_out(seen).unflatten(1, x.shape[1:3])

    def flops(self, gh: int, gw: int) -> int:
        """Operations on one map: of the order n^2 / s^2."""
        check_windows("hilo", gh, gw, self.window)
        n, pooled = gh * gw, gh * gw // self.window**2
        high = 2 * n * (3 * self.width + self.high) * self.high + 4 * n * self.window**2 * self.high
        low = 2 * n * (self.width + self.low) * self.low + 4 * pooled * self.width * self.low
        return high + low + 4 * n * pooled * self.low


class ChannelAttention(nn.Module):
    """Channels attend to channels, in groups; every one of them looks at the whole map.

    Ding et al. 2022, "DaViT: Dual Attention Vision Transformers", section 3.2: a group of d channels gives
    softmax(K^T V / sqrt(d)) Q^T, transposed back. What is normalised is a row of the d x d matrix: the
    weights that a channel of K gives the channels of V (and so of Q) sum to 1. The divisor is the group's
    width as in the paper, not the number of tokens over which K^T V sums: on large maps of strong features
    the softmax is sharp.

    Cost: 8 n c^2 linear, 4 n c d attention, d = c / groups.

    Args:
        width: channels.
        groups: of channels; they divide the width.

    Raises:
        ConfigError: the groups don't divide the width.
    """

    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.group_width = head_width("channel attention", width, groups, "groups")
        self.width, self.groups = width, groups
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width)

    def forward(self, x: Float[Tensor, "b gh gw c"]) -> Float[Tensor, "b gh gw c"]:
        """Attend."""
        check_map("channel attention", x.shape[-1], self.width)
        q, k, v = self.qkv(x.flatten(1, 2)).unflatten(-1, (3, self.groups, -1)).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(k.transpose(-1, -2) @ v * self.group_width**-0.5, dim=-1)
        seen = q @ weights.transpose(-1, -2)
        return self.out(seen.transpose(1, 2).flatten(2)).unflatten(1, x.shape[1:3])

    def flops(self, gh: int, gw: int) -> int:
        """Operations on one map: linear in the tokens."""
        return gh * gw * (8 * self.width**2 + 4 * self.width * self.group_width)


class InLine(nn.Module):
    """Linear attention whose weights sum to 1 by subtraction, plus a 3 x 3 convolution made from the input.

    Han et al. 2024, "Bridging the Divide: Reconsidering Softmax and Linear Attention", equations 5 and 6:
    Q K^T V s/N + (1 - s Q . mean K) mean V, with s = 1/sqrt(d). Query i gives key j the weight
    (1 + s q_i . (k_j - mean K)) / N, so different queries get different weights, which dividing by a sum
    does not promise. Summed up first over the keys: mean V + s Q (K^T V / N - (mean K)^T mean V). Neither
    queries nor keys go through a feature map. To this comes the convolution of V, for near tokens: the mean
    of the map tells each channel of each image its 3 x 3 filter, through two linear layers within a head,
    GELU between.

    Cost: 8 n c^2 linear, 4 n c d attention, 18 n c convolution, 20 c d for its filters.

    Args:
        width: channels.
        heads: of the attention; they divide the width.

    Raises:
        ConfigError: the heads don't divide the width.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.head_width = head_width("inline", width, heads)
        self.width, self.heads = width, heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.filters = nn.Sequential(
            nn.Conv1d(width, width, 1, groups=heads), nn.GELU(), nn.Conv1d(width, 9 * width, 1, groups=heads)
        )
        self.out = nn.Linear(width, width)

    def forward(self, x: Float[Tensor, "b gh gw c"]) -> Float[Tensor, "b gh gw c"]:
        """Attend."""
        check_map("inline", x.shape[-1], self.width)
        tokens = x.flatten(1, 2)
        qkv = self.qkv(tokens)
        near = self._near(qkv[..., 2 * self.width :].unflatten(1, x.shape[1:3]), tokens.mean(1))
        q, k, v = qkv.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        k_mean, v_mean = k.mean(2, keepdim=True), v.mean(2, keepdim=True)
        # Both factors are divided, so that in half precision no sum over the map overflows.
        share = x.shape[1] * x.shape[2]
        told = (k.transpose(-1, -2) / share**0.5) @ (v / share**0.5) - k_mean.transpose(-1, -2) * v_mean
        far = q @ (told * self.head_width**-0.5) + v_mean
        return self.out(far.transpose(1, 2).flatten(2).view_as(x) + near)

    def _near(self, v: Float[Tensor, "b gh gw c"], mean: Float[Tensor, "b c"]) -> Float[Tensor, "b gh gw c"]:
        b, gh, gw, c = v.shape
        kernels = self.filters(mean[:, :, None]).view(b * c, 1, 3, 3)
        planes = v.permute(0, 3, 1, 2).reshape(1, b * c, gh, gw)
        # The images' channels side by side: each has its own filter.
        return conv2d(planes, kernels, padding=1, groups=b * c).view(b, c, gh, gw).permute(0, 2, 3, 1)

    def flops(self, gh: int, gw: int) -> int:
        """Operations on one map: linear in the tokens."""
        tokens = 8 * self.width**2 + 4 * self.width * self.head_width + 18 * self.width
        return gh * gw * tokens + 20 * self.width * self.head_width


class EfficientProbing(nn.Module):
    """Reads a map out as one vector: learned queries look at the tokens, each fills one chunk of it.

    Psomas et al. 2025, "Attention, Please! Revisiting Attentive Probing Through the Lens of Efficiency":
    query m gives chunk m of the output, softmax(u_m X^T / sqrt(c)) V_m. The tokens themselves are the keys,
    so there is no projection of keys or queries; V = X W_v is cut into as many chunks as there are queries.

    Cost for n tokens: 2 n c o of V, 2 n c M + 2 n o attention, o outputs, M queries.

    Args:
        width: channels of a token.
        queries: M; they divide the outputs.
        outputs: length of the vector; None: the width.

    Raises:
        ConfigError: the queries don't divide the outputs.
    """

    def __init__(self, width: int, queries: int = 32, outputs: int | None = None) -> None:
        super().__init__()
        self.width, self.outputs = width, width if outputs is None else outputs
        self.chunk = head_width("efficient probing's outputs", self.outputs, queries, "queries")
        self.queries = nn.Parameter(0.02 * torch.randn(queries, width))
        self.v = nn.Linear(width, self.outputs, bias=False)

    def forward(self, tokens: Float[Tensor, "b n c"]) -> Float[Tensor, "b o"]:
        """The vector of each image."""
        check_map("efficient probing", tokens.shape[-1], self.width)
        looks = torch.softmax(self.queries @ tokens.transpose(1, 2) * self.width**-0.5, dim=-1)
        v = self.v(tokens).unflatten(-1, (-1, self.chunk)).transpose(1, 2)
        return (looks[:, :, None] @ v).flatten(1)

    def flops(self, gh: int, gw: int) -> int:
        """Operations on the tokens of one map: linear in them."""
        return 2 * gh * gw * (self.width * (self.outputs + len(self.queries)) + self.outputs)
