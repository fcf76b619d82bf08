"""What the simple memories answer when no category is asked for: the nearest of their places, by scan."""

import numpy as np
from jaxtyping import Float64, Int64

from ..retrieval import MemoryItem, Query, Retrieval, require_k


def nearest_places(
    positions: Float64[np.ndarray, "n 3"],
    labels: Int64[np.ndarray, " n"],
    steps: Int64[np.ndarray, " n"],
    query: Query,
    k: int,
    now: int,
    source: str,
) -> Retrieval:
    """The ``k`` places nearest to the query's position within its radius, ties by their order."""
    require_k(k)
    distances = np.linalg.norm(positions - query.position, axis=1)
    near = np.flatnonzero(distances <= query.radius_m)
    best = near[np.argsort(distances[near], kind="stable")[:k]]
    return Retrieval(
        tuple(
            MemoryItem(
                position=positions[n].copy(),
                score=1 - float(distances[n]) / query.radius_m,
                source=source,
                age_steps=now - int(steps[n]),
                category=int(labels[n]) or None,
            )
            for n in best
        )
    )
