"""The parts of the hierarchical encoder: maps are (b, gh, gw, d), and no part looks past a border."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from .rgbd_planes import PLANES

Map = Float[Tensor, "b gh gw d"]
AnyMap = Float[Tensor, "_ _ _ _"]  # of another grid or width


def folded(x: Float[Tensor, "b h w c"], side: int) -> AnyMap:
    """Squares of side x side places as one place each: (b, h / side, w / side, side * side * c)."""
    b, h, w, c = x.shape
    x = x.reshape(b, h // side, side, w // side, side, c).transpose(2, 3)
    return x.reshape(b, h // side, w // side, side * side * c)


class Stem(nn.Module):
    """Patches of patch x patch pixels to tokens, in two linear steps.

    Patches don't overlap and nothing is padded: a token depends on its own pixels only, and doesn't tell
    where in the image it lies.
    """

    def __init__(self, width: int, patch: int) -> None:
        super().__init__()
        self.first = patch // 2
        self.to_quarters = nn.Linear(PLANES * self.first**2, width // 2)
        self.norm = nn.LayerNorm(width // 2)
        self.act = nn.GELU()
        self.to_tokens = nn.Linear(4 * (width // 2), width)

    def forward(self, x: Float[Tensor, "b 5 h w"]) -> AnyMap:
        """(b, 5, h, w) planes to (b, h / patch, w / patch, width)."""
        quarters = self.to_quarters(folded(x.permute(0, 2, 3, 1), self.first))
        return self.to_tokens(folded(self.act(self.norm(quarters)), 2))


class Merge(nn.Module):
    """2 x 2 tokens become one of another width (Swin Transformer's patch merging, Liu et al. 2021)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * inputs)
        self.to_one = nn.Linear(4 * inputs, outputs)

    def forward(self, x: AnyMap) -> AnyMap:
        """(b, gh, gw, inputs) to (b, gh / 2, gw / 2, outputs)."""
        return self.to_one(self.norm(folded(x, 2)))


class Block(nn.Module):
    """x + attention(LN x), then x + MLP(LN x).

    Args:
        attention: a layer of maps, as :func:`~placecell.agent.attention.layer.attention_layer` gives it.
        width: of a token.
        expansion: the MLP's hidden width in widths of a token.
    """

    def __init__(self, attention: nn.Module, width: int, expansion: int) -> None:
        super().__init__()
        self.attention = attention
        self.before_attention = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, expansion * width),
            nn.GELU(),
            nn.Linear(expansion * width, width),
        )

    def forward(self, x: Map) -> Map:
        """(b, gh, gw, width) to the same."""
        x = x + self.attention(self.before_attention(x))
        return x + self.mlp(x)


class Fusion(nn.Module):
    """Maps of all stages on the finest grid: each projected, repeated where it is coarser, and summed.

    The top-down sum of feature pyramids (Lin et al. 2017) without their 3 x 3 convolutions, which would tell
    the border.
    """

    def __init__(self, widths: Sequence[int], width: int) -> None:
        super().__init__()
        self.projections = nn.ModuleList(nn.Linear(inputs, width) for inputs in widths)
        self.norms = nn.ModuleList(nn.LayerNorm(inputs) for inputs in widths)

    def forward(self, maps: Sequence[AnyMap]) -> AnyMap:
        """Maps, the finest first and each half as large as the one before, to (b, gh, gw, width)."""
        stages = list(zip(maps, self.norms, self.projections, strict=True))
        coarse, norm, projection = stages.pop()
        total = projection(norm(coarse))
        while stages:
            finer, norm, projection = stages.pop()
            total = total.repeat_interleave(2, 1).repeat_interleave(2, 2) + projection(norm(finer))
        return total
