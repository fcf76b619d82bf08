"""What a layer of the reversible token adds to its streams: attention over slots, then a feed-forward net."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention, silu


class Attention(nn.Module):
    """F of a layer: what the token takes from the observation, attention among its slots.

    Untrained it is its input, damped and divided by the depth: the token starts as the sum of what
    was written.

    Args:
        width: of a stream.
        heads: of the attention.
        slots: parts of a stream that attend to each other.
        depth: layers of the token.
    """

    def __init__(self, width: int, heads: int, slots: int, depth: int) -> None:
        super().__init__()
        self.heads, self.slots, part = heads, slots, width // slots
        self.passed = nn.Parameter(torch.full((width,), 1 / depth))
        self.weight = nn.Parameter(torch.ones(width))
        self.position = nn.Parameter(torch.randn(slots, part) * 0.02)
        self.joint = nn.Linear(part, 3 * part)
        self.out = nn.Linear(part, part)
        nn.init.normal_(self.out.weight, std=0.1 / depth / part**0.5)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b d"]:
        """(b, width), bounded whatever comes in."""
        b, width = x.shape
        normal = damped(x)
        parts = (normal * self.weight).view(b, self.slots, -1) + self.position
        split = self.joint(parts).view(b, self.slots, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        found = scaled_dot_product_attention(*split).transpose(1, 2).reshape(b, self.slots, -1)
        return self.passed * normal + self.out(found).reshape(b, width)


class FeedForward(nn.Module):
    """G of a layer: what the token takes off the observation, of all entries at once.

    Args:
        width: of a stream.
        depth: layers of the token.
    """

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.inner = nn.Linear(width, width)
        self.outer = nn.Linear(width, width)
        nn.init.normal_(self.outer.weight, std=0.1 / depth / width**0.5)
        nn.init.zeros_(self.outer.bias)

    def forward(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b d"]:
        """(b, width), bounded whatever comes in."""
        return self.outer(silu(self.inner(damped(x) * self.weight)))


def damped(x: Float[Tensor, "b d"]) -> Float[Tensor, "b d"]:
    """Root mean square below 1, whatever comes in; small vectors are kept as they are.

    The 1 under the root, where layer norm has a tiny number, keeps its slope below 1: an error of the token
    does not grow by being normalised.
    """
    return x / (1 + x.square().mean(1, keepdim=True)).sqrt()
