"""Attention written from its formula, token by token, and operations as torch counts them."""

import math

import torch
from torch import Tensor, nn

from placecell.agent.attention.counting import count_flops


def counted_flops(module: nn.Module, *inputs: Tensor) -> int:
    """What torch counts in a forward pass."""
    with torch.no_grad():
        module(*inputs)  # plans are built once, which is none of the pass
        return count_flops(lambda: module(*inputs))


def attend_one(query: Tensor, keys: list[Tensor], values: list[Tensor]) -> Tensor:
    """softmax(q . k / sqrt(d)) v of one query, in floating point numbers of Python."""
    scores = [float(query @ key) / math.sqrt(len(query)) for key in keys]
    weights = [math.exp(score - max(scores)) for score in scores]
    return sum(w * value for w, value in zip(weights, values)) / sum(weights)


def linear(layer: nn.Linear, token: Tensor) -> Tensor:
    """One token through a layer."""
    return layer.weight @ token + (0 if layer.bias is None else layer.bias)


def a_map(*shape: int, seed: int = 0) -> Tensor:
    """Random features in double precision, so that an oracle can be held to many digits."""
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def built(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module in double precision with every parameter drawn anew: biases are no zeros."""
    generator = torch.Generator().manual_seed(seed)
    module = module.double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(0.0, 0.4, generator=generator)
    return module


def blind_parameters(module: nn.Module, x: Tensor) -> list[str]:
    """Names of the parameters that no gradient reaches."""
    output = module(x)
    (output * a_map(*output.shape, seed=9).to(output)).sum().backward()
    return [
        name for name, p in module.named_parameters() if p.grad is None or float(p.grad.abs().max()) < 1e-9
    ]
