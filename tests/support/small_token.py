"""A small reversible token whose couplings are strong, so that an inverse that is not one is seen."""

import numpy as np
import torch

from placecell.memory.reversible import ReversibleMemoryToken

EMBEDDED, WIDTH = 24, 16


def small_token(dropout: float = 0.0, seed: int = 0, rough: float = 20.0) -> ReversibleMemoryToken:
    """In evaluation mode; ``rough`` times the untrained weights of what the couplings add."""
    torch.manual_seed(seed)
    token = ReversibleMemoryToken(EMBEDDED, WIDTH, depth=2, heads=2, slots=4, dropout=dropout)
    with torch.no_grad():
        for layer in range(2):
            token.attentions[layer].out.weight *= rough
            token.feeds[layer].outer.weight *= rough
    return token.eval()


def embeddings(count: int, seed: int = 1) -> np.ndarray:
    """(count, EMBEDDED) float32 unit vectors."""
    found = np.random.default_rng(seed).normal(size=(count, EMBEDDED))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
