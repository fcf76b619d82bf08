"""A coarser level is the sum of its children."""

import importlib.util
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from placecell.errors import PlacecellError
from placecell.memory import morton
from placecell.memory.voxel import levels

_spec = importlib.util.spec_from_file_location("crowd", Path(__file__).with_name("crowd.py"))
crowd = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(crowd)

OCTREE = crowd.build()
LEVELS = [0, 1, 2, 3, 4, 5, 9, 19, 20]


def voxels_of(agent):
    return OCTREE.read(OCTREE.occupied(agent=agent), agent=agent)


@pytest.mark.parametrize("agent", crowd.AGENTS)
@pytest.mark.parametrize("n", LEVELS)
def test_a_level_is_the_sum_of_its_voxels(agent, n):
    level, voxels = OCTREE.level(n, agent=agent), voxels_of(agent)
    cells = defaultdict(list)
    for row, index in enumerate((voxels.indices // 2**n).tolist()):
        cells[tuple(index)].append(row)
    assert len(level) == len(cells)
    assert level.level == n
    assert level.size_m == crowd.SIZE * 2**n
    assert (np.diff(level.keys) > 0).all()
    assert level.voxels.sum() == len(voxels)
    np.testing.assert_array_equal(level.centres, (level.indices + 0.5) * level.size_m)
    for m in range(0, len(level), 1 + len(level) // 40):
        rows = cells[tuple(level.indices[m].tolist())]
        assert level.keys[m] == morton.encode(voxels.indices[rows[:1]])[0] >> 3 * n
        hits, weights = voxels.hits[rows], voxels.weights[rows].astype(float)
        assert (level.voxels[m], level.hits[m]) == (len(rows), hits.sum())
        assert level.last_seen[m] == voxels.last_seen[rows].max()
        np.testing.assert_allclose(level.points[m], (voxels.points[rows] * hits[:, None]).sum(0) / hits.sum())
        ballot = Counter()
        for row in rows:
            if voxels.labels[row]:
                ballot[int(voxels.labels[row])] += int(voxels.votes[row])
        winner = min(ballot, key=lambda label: (-ballot[label], label), default=0)
        assert (level.labels[m], level.votes[m]) == (winner, ballot[winner])
        assert level.weights[m] == pytest.approx(weights.sum())
        np.testing.assert_allclose(
            level.features[m], weights @ voxels.features[rows] / weights.sum(), atol=1e-6
        )


@pytest.mark.parametrize("n", range(20))
def test_a_level_is_the_sum_of_the_one_below(n):
    below, level = OCTREE.level(n, agent=3), OCTREE.level(n + 1, agent=3)
    keys, parent = np.unique(below.keys >> 3, return_inverse=True)
    np.testing.assert_array_equal(keys, level.keys)
    np.testing.assert_array_equal(np.bincount(parent, below.voxels), level.voxels)
    np.testing.assert_array_equal(np.bincount(parent, below.hits), level.hits)
    np.testing.assert_allclose(np.bincount(parent, below.weights), level.weights)
    for channel in range(4):
        sums = np.bincount(parent, below.colour_sums[:, channel])
        np.testing.assert_array_equal(sums, level.colour_sums[:, channel])
    np.testing.assert_array_equal(np.unique(below.indices >> 1, axis=0), np.unique(level.indices, axis=0))


def test_the_lowest_level_is_the_voxels():
    level, voxels = OCTREE.level(0, agent=3), voxels_of(3)
    assert (level.voxels == 1).all()
    for name in ("indices", "centres", "hits", "colours", "coloured", "last_seen", "labels", "votes"):
        np.testing.assert_array_equal(getattr(level, name), getattr(voxels, name))
    np.testing.assert_allclose(level.points, voxels.points)
    np.testing.assert_allclose(level.features, voxels.features, atol=1e-6)


def test_the_top_level_has_a_cell_an_octant():
    corners = np.array([[x, y, z] for z in (-900, 5) for y in (-4, 900_000) for x in (-7, 3)])
    level = crowd.of_voxels(corners).level(levels.TOP_LEVEL)
    assert level.indices.tolist() == [[x, y, z] for z in (-1, 0) for y in (-1, 0) for x in (-1, 0)]
    assert level.keys.tolist() == list(range(8))
    assert level.voxels.tolist() == [1] * 8


def test_features_of_many_voxels_are_added_in_parts(monkeypatch):
    expected = [OCTREE.level(n, agent=3) for n in LEVELS]
    for rows in (1, 7, 100):
        monkeypatch.setattr(levels, "_ROWS_AT_A_TIME", rows)
        for n, level in zip(LEVELS, expected):
            np.testing.assert_allclose(OCTREE.level(n, agent=3).features, level.features, atol=1e-6)


@pytest.mark.parametrize("n", [-1, 21])
def test_there_is_no_such_level(n):
    with pytest.raises(
        PlacecellError, match=f"a level from 0, the voxels, to 20, one cell an octant, got {n}"
    ):
        OCTREE.level(n)
