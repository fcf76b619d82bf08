"""Every query equals a brute-force scan."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.errors import PlacecellError
from placecell.memory import OCCUPIED, SparseOctree, morton

_spec = importlib.util.spec_from_file_location("plain_map", Path(__file__).with_name("plain_map.py"))
plain = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(plain)

SIZE = 0.1
LOW, HIGH = np.array([-48, -48, -48]), np.array([48, 48, 48])


def build():
    octree = SparseOctree(SIZE)
    for seed in range(5):
        octree.insert(plain.random_frame(seed, step=seed), 2.5)
    return octree


OCTREE = build()
DENSE = OCTREE.states_in_box(LOW, HIGH)
OCCUPIED_INDICES = np.argwhere(DENSE == OCCUPIED) + LOW
coordinate = st.floats(-3.0, 3.0)
points = st.tuples(coordinate, coordinate, coordinate)
slow_first_time = settings(deadline=None, max_examples=60)  # compilation counts for the first example


def test_the_box_holds_the_whole_map():
    lower, upper = OCTREE.bounds()
    assert (lower > LOW).all()
    assert (upper < HIGH).all()
    assert (np.bincount(DENSE.ravel(), minlength=3) > 300).all()


def test_state_of_points_equals_the_dense_box():
    world = np.random.default_rng(0).uniform(-4.7, 4.7, (20_000, 3))
    inside = OCTREE.index_of(world) - LOW
    assert (OCTREE.state(world) == DENSE[inside[:, 0], inside[:, 1], inside[:, 2]]).all()
    assert (OCTREE.state(OCTREE.centre_of(OCCUPIED_INDICES)) == OCCUPIED).all()


def test_beyond_the_range_of_keys_all_is_unknown():
    centre = OCTREE.centre_of(OCCUPIED_INDICES[:1])
    period = 2 * morton.SIGN_OFFSET
    assert OCTREE.state(centre + period * SIZE).tolist() == [0]
    assert OCTREE.read(OCCUPIED_INDICES[:1] - period).hits.tolist() == [0]
    corner = OCCUPIED_INDICES[0] + period
    assert not OCTREE.states_in_box(corner, corner + 1).any()


def test_occupied_and_length():
    found = OCTREE.occupied()
    assert sorted(found.tolist()) == sorted(OCCUPIED_INDICES.tolist())
    assert (np.diff(morton.encode(found)) > 0).all()
    assert len(OCTREE) == len(found)


@slow_first_time
@given(st.tuples(*[st.integers(-30, 28)] * 3), st.tuples(*[st.integers(-2, 20)] * 3))
def test_states_in_box(corner, shape):
    lower = np.array(corner)
    upper = lower + np.array(shape)
    found = OCTREE.states_in_box(lower, upper)
    a, b = lower - LOW, np.maximum(upper, lower) - LOW
    np.testing.assert_array_equal(found, DENSE[a[0] : b[0], a[1] : b[1], a[2] : b[2]])


@slow_first_time
@given(points, points)
def test_box(a, b):
    lower, upper = np.minimum(a, b), np.maximum(a, b)
    voxels = OCTREE.box(lower, upper)
    centres = OCTREE.centre_of(OCCUPIED_INDICES)
    inside = (centres >= lower).all(1) & (centres < upper).all(1)
    edge = (np.abs(centres - lower) < 1e-9).any(1) | (np.abs(centres - upper) < 1e-9).any(1)
    found = {tuple(v) for v in voxels.indices.tolist()}
    assert {tuple(v) for v in OCCUPIED_INDICES[inside & ~edge].tolist()} <= found
    assert found <= {tuple(v) for v in OCCUPIED_INDICES[inside | edge].tolist()}
    np.testing.assert_array_equal(voxels.hits, OCTREE.read(voxels.indices).hits)
    np.testing.assert_array_equal(voxels.colours, OCTREE.read(voxels.indices).colours)


@slow_first_time
@given(points, st.integers(1, 40), st.sampled_from([0.05, 0.3, 1.0, 2.0, 50.0, 1e9]))
def test_nearest(point, k, radius):
    voxels, distances = OCTREE.nearest(np.array(point), k, radius)
    every = np.linalg.norm(OCTREE.centre_of(OCCUPIED_INDICES) - point, axis=1)
    expected = np.sort(every[every <= radius])[:k]
    np.testing.assert_allclose(distances, expected, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(voxels.centres - point, axis=1), distances, atol=1e-12)
    assert (OCTREE.state(voxels.centres) == OCCUPIED).all()
    assert len({tuple(v) for v in voxels.indices.tolist()}) == len(voxels)


def test_nearest_breaks_ties_by_key():
    octree = SparseOctree(0.125)  # sums of it are exact
    for x in (1.05, 0.05, -0.95):
        octree.insert(plain.looking_east(0.5, x=x), 5.0)
    middle = octree.centre_of(np.array([[4, 0, 0]]))[0]
    for k, expected in ((1, [4]), (2, [4, -4]), (3, [4, -4, 12])):
        assert octree.nearest(middle, k, 9.0)[0].indices[:, 0].tolist() == expected


def test_nearest_wants_at_least_one():
    with pytest.raises(PlacecellError, match="k of 1 or more, got 0"):
        OCTREE.nearest(np.zeros(3), 0, 1.0)


def test_index_and_centre():
    world = np.array([[0.0, -0.01, 0.1], [-0.1, 0.25, -7.77]])
    assert OCTREE.index_of(world).tolist() == [[0, -1, 1], [-1, 2, -78]]
    indices = np.array([[0, -1, 5]])
    assert OCTREE.index_of(OCTREE.centre_of(indices)).tolist() == indices.tolist()
