"""All within a radius, and the k nearest: both equal a scan of the whole map."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.errors import PlacecellError
from placecell.memory import SparseOctree, morton

_spec = importlib.util.spec_from_file_location("crowd", Path(__file__).with_name("crowd.py"))
crowd = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(crowd)

OCTREE = crowd.build()
SCANS = {agent: crowd.Scan(OCTREE, agent) for agent in crowd.AGENTS}
RADII = [0.0, 1e-9, 0.05, 0.25, 0.7, 3.0, 50.0, np.inf]
near = st.floats(-6.0, 6.0)
anywhere = st.one_of(near, st.floats(-2e5, 2e5), st.integers(-30, 30).map(lambda n: n * 0.05))
points = st.lists(st.tuples(anywhere, anywhere, anywhere), min_size=1, max_size=6)
voxels = st.lists(st.tuples(*[st.integers(-40, 40)] * 3), max_size=40, unique=True)
slow_first_time = settings(deadline=None, max_examples=60)  # compilation counts for the first example


def assert_within(octree, scan, asked, radius):
    found = octree.within(asked, radius, agent=scan.agent)
    assert len(found) == len(asked)
    assert found.starts[0] == 0
    assert found.starts[-1] == len(found.handles) == len(found.distances)
    for n in range(len(asked)):
        handles, distances = found.of(n)
        indices, expected = scan.within(asked[n], radius)
        np.testing.assert_array_equal(octree.at(handles).indices, indices)
        np.testing.assert_array_equal(distances, expected)


def assert_nearest(octree, scan, asked, k, radius):
    handles, distances = octree.nearest_many(asked, k, radius, agent=scan.agent)
    assert handles.shape == distances.shape == (len(asked), k)
    for n in range(len(asked)):
        indices, expected = scan.nearest(asked[n], k, radius)
        count = len(indices)
        np.testing.assert_array_equal(octree.at(handles[n, :count]).indices, indices)
        np.testing.assert_array_equal(distances[n, :count], expected)
        assert (handles[n, count:] == -1).all()
        assert np.isinf(distances[n, count:]).all()


@slow_first_time
@given(points, st.sampled_from(RADII), st.sampled_from(crowd.AGENTS))
def test_within_equals_a_scan(asked, radius, agent):
    assert_within(OCTREE, SCANS[agent], np.array(asked), radius)


@slow_first_time
@given(points, st.integers(1, 40), st.sampled_from(RADII), st.sampled_from(crowd.AGENTS))
def test_nearest_many_equals_a_scan(asked, k, radius, agent):
    assert_nearest(OCTREE, SCANS[agent], np.array(asked), k, radius)


@slow_first_time
@given(voxels, points, st.integers(1, 50), st.sampled_from(RADII))
def test_in_any_map(indices, asked, k, radius):
    """Of few voxels, none, or fewer than asked for."""
    octree = crowd.of_voxels(indices, agent=1)
    scan = crowd.Scan(octree, 1)
    assert len(scan.indices) == len(indices)
    assert_within(octree, scan, np.array(asked), radius)
    assert_nearest(octree, scan, np.array(asked), k, radius)


@pytest.mark.parametrize("k", [1, 8, 17, 300])
def test_many_points_at_once(k):
    """So many that blocks are looked up in a directory and listed once."""
    rng, scan = np.random.default_rng(k), SCANS[3]
    asked = np.concatenate(
        [
            rng.uniform(-5.5, 5.5, (150, 3)),
            scan.centres[:100] + rng.normal(0, 0.04, (100, 3)),
            scan.centres[:50],
        ]
    )
    for radius in (0.3, np.inf):
        assert_nearest(OCTREE, scan, asked, k, radius)
    assert_within(OCTREE, scan, asked, 0.1 * k**0.5)


def test_across_a_large_and_sparse_map():
    """Islands kilometres apart: no directory has room for that."""
    rng = np.random.default_rng(0)
    islands = rng.integers(-900_000, 900_000, (40, 3))
    indices = np.unique((islands[:, None] + rng.integers(-12, 12, (40, 30, 3))).reshape(-1, 3), axis=0)
    octree = crowd.of_voxels(indices)
    scan = crowd.Scan(octree, 0)
    scan.indices = octree.occupied()
    assert (np.diff(morton.encode(scan.indices)) > 0).all()
    assert len(scan.indices) == len(indices)
    scan.centres, scan.keys = octree.centre_of(scan.indices), np.arange(len(indices))
    asked = np.concatenate([islands[:20] * 0.1, rng.uniform(-9e4, 9e4, (30, 3))])
    for radius in (0.5, 2.0, 9e4, np.inf):
        assert_within(octree, scan, asked, radius)
        assert_nearest(octree, scan, asked, 8, radius)
        assert_nearest(octree, scan, asked[:3], 900, radius)


def test_a_radius_of_0_finds_a_centre():
    scan = SCANS[0]
    assert_within(OCTREE, scan, scan.centres[:40], 0.0)
    found = OCTREE.within(scan.centres[:40], 0.0)
    assert found.starts.tolist() == list(range(41))
    assert (OCTREE.nearest_many(scan.centres[:40], 1, 0.0)[0][:, 0] == found.handles).all()


def test_ties_go_by_morton_key():
    cube = np.stack(np.meshgrid(*[np.arange(-9, 9)] * 3, indexing="ij"), -1).reshape(-1, 3)
    octree = SparseOctree(0.125)  # sums of it are exact
    octree.insert_points((cube + 0.5) * 0.125)
    scan = crowd.Scan(octree, 0)
    asked = np.array([[0.0, 0.0, 0.0], [0.0625, 0.0625, 0.0625], [1.0, 1.0, 1.0], [9.0, 0.0, 0.0]])
    for k in (1, 2, 5, 8, 16, 17, 100):
        assert_nearest(octree, scan, asked, k, np.inf)


def test_one_nearest_is_that_of_many():
    asked = np.random.default_rng(2).uniform(-3, 3, (30, 3))
    handles, distances = OCTREE.nearest_many(asked, 6, 0.8, agent=3)
    for n in range(30):
        voxels, near_by = OCTREE.nearest(asked[n], 6, 0.8, agent=3)
        np.testing.assert_array_equal(near_by, distances[n, : len(near_by)])
        np.testing.assert_array_equal(OCTREE.at(handles[n, : len(near_by)]).indices, voxels.indices)
    assert len(OCTREE.nearest(asked[0], 10**9, 1e9, agent=3)[0]) == len(SCANS[3].indices)


def test_what_was_seen_through_is_no_neighbour():
    octree = crowd.of_voxels([[0, 0, 0], [1, 0, 0], [5, 0, 0]])
    for _ in range(9):
        octree.insert_points(np.array([[0.55, 0.05, 0.05]]), np.array([-0.25, 0.05, 0.05]))
    assert octree.occupied().tolist() == [[5, 0, 0]]
    here = np.full((1, 3), 0.05)
    assert octree.find(here).tolist() == [-1]
    assert octree.at(octree.within(here, 9.0).handles).indices.tolist() == [[5, 0, 0]]
    assert octree.nearest_many(here, 2)[1].tolist() == [[pytest.approx(0.5), np.inf]]
    assert len(octree.level(3)) == 1


def test_no_points_have_no_neighbours():
    none = np.zeros((0, 3))
    assert OCTREE.within(none, 1.0).starts.tolist() == [0]
    assert OCTREE.nearest_many(none, 4)[0].shape == (0, 4)
    assert OCTREE.find(none).shape == (0,)
    assert len(OCTREE.cast(none, none, 1.0)) == 0


@pytest.mark.parametrize("radius", [-0.1, float("nan")])
def test_a_radius_below_0_is_refused(radius):
    here = np.zeros((1, 3))
    for ask in (
        lambda: OCTREE.within(here, radius),
        lambda: OCTREE.nearest_many(here, 1, radius),
        lambda: OCTREE.nearest(here[0], 1, radius),
    ):
        with pytest.raises(
            PlacecellError, match=f"a radius_m of 0 or more, got {radius:g}; pass radius_m in metres"
        ):
            ask()


def test_at_least_one_neighbour_is_asked_for():
    with pytest.raises(PlacecellError, match="k of 1 or more, got 0"):
        OCTREE.nearest_many(np.zeros((1, 3)), 0)
