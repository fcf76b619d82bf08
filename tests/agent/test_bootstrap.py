import math

import numpy as np
import pytest

from placecell.agent.bootstrap import bootstrap_interval
from placecell.agent.compare import paired_difference
from placecell.agent.results import Result


def interval(values, clusters, seed=1, **options):
    return bootstrap_interval(
        np.asarray(values, float).tolist(), list(map(str, clusters)), np.random.default_rng(seed), **options
    )


def clustered(rng, clusters, size, between, within):
    """Equal clusters around means of their own: their values, (clusters, size)."""
    return rng.normal(0, between, (clusters, 1)) + rng.normal(0, within, (clusters, size))


def test_the_plain_bootstrap_agrees_with_the_normal_interval_of_a_mean():
    values = np.random.default_rng(0).normal(5, 2, size=400)
    low, high = interval(values, range(400))
    half = 1.96 * values.std() / math.sqrt(400)
    assert low == pytest.approx(values.mean() - half, abs=0.03)
    assert high == pytest.approx(values.mean() + half, abs=0.03)


@pytest.mark.parametrize(("between", "within"), [(1.0, 0.0), (1.0, 0.5), (0.3, 2.0)])
def test_equal_clusters_have_the_closed_form_of_a_mean_of_cluster_means(between, within):
    # The mean of equal clusters is the mean of their means: its standard error is their spread over root n.
    clusters, size = 150, 8
    values = clustered(np.random.default_rng(3), clusters, size, between, within)
    low, high = interval(values.ravel(), np.repeat(np.arange(clusters), size))
    half = 1.959964 * values.mean(1).std() / math.sqrt(clusters)
    assert (high - low) / 2 == pytest.approx(half, rel=0.03)
    assert (high + low) / 2 == pytest.approx(values.mean(), abs=0.05 * half)


def test_the_closed_form_holds_for_the_variance_that_was_put_in():
    # Drawn with known variances, the interval's half width is that of the truth, not of this sample alone.
    clusters, size, between, within = 400, 5, 1.0, 2.0
    truth = 1.959964 * math.sqrt((between**2 + within**2 / size) / clusters)
    halves = []
    for seed in range(10):
        values = clustered(np.random.default_rng(seed), clusters, size, between, within)
        low, high = interval(values.ravel(), np.repeat(np.arange(clusters), size), samples=2000)
        halves.append((high - low) / 2)
    assert np.mean(halves) == pytest.approx(truth, rel=0.03)


def coverage(names_of, datasets=600, clusters=80):
    """How often the interval covers the truth (0), over clusters of unequal sizes."""
    covered = 0
    for seed in range(datasets):
        rng = np.random.default_rng([seed, 7])
        sizes = rng.integers(1, 12, clusters)
        index = np.repeat(np.arange(clusters), sizes)
        values = rng.normal(0, 1, clusters)[index] + rng.normal(0, 0.7, len(index))
        low, high = interval(values, names_of(index), seed, samples=600)
        covered += low <= 0 <= high
    return covered / datasets


def test_the_interval_covers_the_truth_in_95_of_100_cases():
    assert 0.925 <= coverage(lambda index: index) <= 0.97


def test_without_its_clusters_it_would_not():
    assert coverage(lambda index: np.arange(len(index)), datasets=100) < 0.75


def test_copies_within_a_cluster_add_no_certainty():
    values = np.random.default_rng(0).normal(size=30)
    alone = interval(values, range(30))
    copies, names = np.repeat(values, 10), np.repeat(np.arange(30), 10)
    assert interval(copies, names) == pytest.approx(alone)
    naive = interval(copies, range(300))
    assert naive[1] - naive[0] < 0.4 * (alone[1] - alone[0])


def test_a_constant_difference_of_pairs_is_certain():
    def run(gain):
        rng = np.random.default_rng(5)
        return [
            Result(i, f"e{i}", f"h{i // 4}", "done", False, 5, {"spl": float(rng.integers(64)) / 64 + gain})
            for i in range(80)
        ]

    got = paired_difference(run(0.125), run(0.0), "spl")
    assert (got.mean, got.low, got.high) == (0.125, 0.125, 0.125)


def test_a_large_cluster_weighs_by_its_size():
    assert interval([1.0] * 9 + [0.0], ["big"] * 9 + ["small"]) == (0.0, 1.0)
    thirds = interval([1.0, 1.0, 0.0], ["a", "a", "b"], level=0.01)
    assert thirds == pytest.approx((2 / 3, 2 / 3))  # both drawn: 2 of 3, not the mean of two means


def test_a_narrower_level_lies_within_a_wider_one():
    values = np.random.default_rng(0).normal(size=50)
    wide, narrow = interval(values, range(50)), interval(values, range(50), level=0.5)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_many_clusters_are_drawn_in_parts_with_the_same_outcome(monkeypatch):
    values = np.random.default_rng(0).normal(size=60)
    whole = interval(values, range(60), samples=500)
    monkeypatch.setattr("placecell.agent.bootstrap._DRAWN_AT_ONCE", 60 * 7)
    assert interval(values, range(60), samples=500) == pytest.approx(whole, abs=1e-12)
    monkeypatch.setattr("placecell.agent.bootstrap._DRAWN_AT_ONCE", 1)
    assert interval(values, range(60), samples=500) == pytest.approx(whole, abs=1e-12)


def test_one_cluster_has_no_interval():
    assert interval([0.0, 1.0], ["a", "a"]) is None


def test_values_without_a_cluster_are_refused():
    with pytest.raises(ValueError, match="2 values, but 1 cluster names"):
        interval([1.0, 2.0], ["a"])
