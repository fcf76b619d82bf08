"""Intervals of a mean when observations share something: the clustered bootstrap."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int

_SAMPLES = 10_000
_DRAWN_AT_ONCE = 1 << 20  # drawn clusters held at a time: a few times 8 MB, whatever the run's size


def bootstrap_interval(
    values: Sequence[float],
    clusters: Sequence[str],
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    samples: int = _SAMPLES,
) -> tuple[float, float] | None:
    """The percentile interval of the mean, from whole clusters drawn with replacement.

    What shares a cluster (a house, a scan) is drawn together or not at all, so that likeness inside it
    doesn't pass for evidence. Every value in its own cluster gives the plain bootstrap. After Davison and
    Hinkley, *Bootstrap Methods and their Application*, 3.8.

    Args:
        values: n finite numbers.
        clusters: n names; equal names share a cluster.
        rng: where the draws come from.
        level: how much of the bootstrap distribution lies within the interval.
        samples: how many times the clusters are drawn.

    Returns:
        ``(low, high)``, or None for fewer than two clusters: one cluster says nothing about others.

    >>> bootstrap_interval([1.0, 1.0, 1.0], ["a", "b", "c"], np.random.default_rng(0))
    (1.0, 1.0)
    >>> bootstrap_interval([0.0, 1.0], ["a", "a"], np.random.default_rng(0)) is None
    True
    """
    if len(values) != len(clusters):
        raise ValueError(f"{len(values)} values, but {len(clusters)} cluster names")
    names, index = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    if len(names) < 2:
        return None
    sums = np.bincount(index, weights=np.asarray(values, dtype=float))
    counts = np.bincount(index).astype(float)
    means = np.concatenate(
        [sums[drawn].sum(1) / counts[drawn].sum(1) for drawn in _draws(len(names), samples, rng)]
    )
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _draws(clusters: int, samples: int, rng: np.random.Generator) -> Iterator[Int[np.ndarray, "b n"]]:
    """Which of n clusters were drawn, n times each, in batches of b samples."""
    batch = max(_DRAWN_AT_ONCE // clusters, 1)
    for begin in range(0, samples, batch):
        yield rng.integers(clusters, size=(min(batch, samples - begin), clusters), dtype=np.int32)
