"""Statistics of a dataset's features: of each episode, and of all without holding all."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int, Shaped

from placecell.arrays import Rgb

from .lerobot_layout import QUANTILES

Statistics = dict[str, np.ndarray]
"""``min max mean std count`` and the quantiles; all of one shape but ``count``, which is (1,) int64."""
BINS = 5000


@dataclass
class Colours:
    """How often each of 256 values came, by channel: the exact statistics of any number of images."""

    counts: Int[np.ndarray, "3 256"] = field(default_factory=lambda: np.zeros((3, 256), np.int64))
    images: int = 0

    def add(self, image: Rgb) -> None:
        """Counts one image in."""
        for channel in range(3):
            self.counts[channel] += np.bincount(image[..., channel].ravel(), minlength=256)
        self.images += 1

    def merge(self, other: "Colours") -> None:
        """Counts in what another has counted."""
        self.counts += other.counts
        self.images += other.images

    def statistics(self) -> Statistics:
        """Of values in [0, 1], (3, 1, 1) each; ``count`` is of images."""
        values = np.arange(256) / 255
        weights = self.counts / self.counts.sum(1, keepdims=True)
        mean = weights @ values
        seen = self.counts > 0
        rows = {
            "min": values[seen.argmax(1)],
            "max": values[255 - seen[:, ::-1].argmax(1)],
            "mean": mean,
            "std": np.sqrt((weights * (values - mean[:, None]) ** 2).sum(1)),
        }
        reached = self.counts.cumsum(1)
        for name, q in QUANTILES.items():
            # the smallest value that a share q of all pixels does not exceed
            rows[name] = values[(reached >= np.ceil(q * reached[:, -1:])).argmax(1)]
        statistics = {name: row.reshape(3, 1, 1) for name, row in rows.items()}
        return statistics | {"count": np.array([self.images])}


def episode_statistics(values: Shaped[np.ndarray, "n *d"], shape: tuple[int, ...]) -> Statistics:
    """Exact statistics of one feature over an episode's rows, each of ``shape``; ones take all in one."""
    rows = _by_component(values, shape)
    statistics = {
        "min": rows.min(0),
        "max": rows.max(0),
        "mean": rows.mean(0),
        "std": rows.std(0),
        **{name: np.quantile(rows, q, axis=0) for name, q in QUANTILES.items()},
    }
    return {name: value.reshape(shape) for name, value in statistics.items()} | {
        "count": np.array([len(values)])
    }


@dataclass
class Moments:
    """Minimum, maximum, mean and deviation of all episodes so far (Chan et al. 1979: merging variances)."""

    merged: Statistics = field(default_factory=dict)

    def add(self, episode: Statistics) -> None:
        """Merges one episode's statistics in."""
        if not self.merged:
            self.merged = {name: episode[name] for name in ("min", "max", "mean", "std", "count")}
            return
        old, n, m = self.merged, self.merged["count"][0], episode["count"][0]
        share = m / (n + m)
        apart = episode["mean"] - old["mean"]
        variance = (
            (1 - share) * old["std"] ** 2 + share * episode["std"] ** 2 + share * (1 - share) * apart**2
        )
        self.merged = {
            "min": np.minimum(old["min"], episode["min"]),
            "max": np.maximum(old["max"], episode["max"]),
            "mean": old["mean"] + share * apart,
            "std": np.sqrt(variance),
            "count": np.array([n + m]),
        }

    def statistics(self, batches: Iterable[Shaped[np.ndarray, "n *d"]]) -> Statistics:
        """With the quantiles of all rows, from a second look at them, true to 1/5000 of the range.

        The mean of the episodes' quantiles would not do: it is far narrower than the data.
        """
        shape = self.merged["min"].shape
        low, high = self.merged["min"].ravel(), self.merged["max"].ravel()
        counts = np.zeros((low.size, BINS), np.int64)
        width = (high - low) / BINS
        width = np.where(width > 0, width, 1.0)  # of equal values, and of a range too small to be divided
        for batch in batches:
            bins = ((_by_component(batch, shape) - low) / width).astype(np.int64).clip(0, BINS - 1)
            for component in range(low.size):
                counts[component] += np.bincount(bins[:, component], minlength=BINS)
        quantiles = {}
        for name, q in QUANTILES.items():
            values = [_quantile(row, q) for row in counts]
            quantiles[name] = np.clip(low + np.array(values) * width, low, high).reshape(shape)
        return self.merged | quantiles


def _quantile(counts: Int[np.ndarray, " k"], q: float) -> float:
    """Where a share ``q`` is reached, in bins from the first bin's lower edge."""
    reached = counts.cumsum()
    target = q * reached[-1]
    at = int(np.searchsorted(reached, target))
    before = reached[at] - counts[at]
    return at + float(target - before) / max(int(counts[at]), 1)


def _by_component(values: Shaped[np.ndarray, "n *d"], shape: tuple[int, ...]) -> Float[np.ndarray, "m c"]:
    return values.astype(np.float64).reshape(-1, int(np.prod(shape)))
