"""Rays equal a walk through all voxels that each passes, cut at every boundary."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.errors import PlacecellError
from placecell.memory import FREE, OCCUPIED, UNKNOWN

_spec = importlib.util.spec_from_file_location("crowd", Path(__file__).with_name("crowd.py"))
crowd = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(crowd)

OCTREE = crowd.build()
SIZE = crowd.SIZE
slow_first_time = settings(deadline=None, max_examples=80)  # compilation counts for the first example
near = st.one_of(st.floats(-6.0, 6.0), st.integers(-40, 40).map(lambda n: n * SIZE))
slope = st.one_of(
    st.floats(-1.0, 1.0).map(lambda x: x if abs(x) > 1e-90 else 0.0), st.sampled_from([-1.0, 0.0, 0.5, 1.0])
)


def walked(octree, origin, direction, most, agent):
    """The voxel met, the distance to it, and whether unknown space was passed, by all cuts of the ray."""
    unit = direction / np.abs(direction).max()
    unit = unit / np.linalg.norm(unit[None], axis=1)[0]
    start = np.floor(origin / SIZE).astype(int)
    cuts = []
    for axis in np.flatnonzero(unit):
        sign, steps = int(np.sign(unit[axis])), np.arange(int(most / SIZE) + 3)
        boundaries = start[axis] + sign * steps + (sign > 0)
        cuts += [(t, axis, sign) for t in (boundaries * SIZE - origin[axis]) * (1.0 / unit[axis])]
    cuts = sorted(cut for cut in cuts if cut[0] < most)
    at, t, passed = start.copy(), 0.0, []
    for cut, axis, sign in [*cuts, (most, 0, 0)]:
        if cut > t:
            passed.append((at.copy(), t))
            t = cut
        at[axis] += sign
    indices = np.array([index for index, _ in passed]).reshape(-1, 3)
    centres = (indices + 0.5) * SIZE
    states = octree.state(centres, agent=agent)
    hit = np.flatnonzero(states == OCCUPIED)
    if len(hit) == 0:
        return None, np.inf, bool((states == UNKNOWN).any())
    return indices[hit[0]].tolist(), passed[hit[0]][1], bool((states[: hit[0]] == UNKNOWN).any())


def assert_as_walked(octree, origins, directions, most, agent=0):
    hits = octree.cast(origins, directions, most, agent=agent)
    for n in range(len(origins)):
        index, distance, unknown = walked(octree, origins[n], directions[n], most, agent)
        found = octree.at(hits.handles[n : n + 1]).indices[0].tolist() if hits.handles[n] >= 0 else None
        assert (found, hits.distances[n], bool(hits.through_unknown[n])) == (index, distance, unknown)
    return hits


@slow_first_time
@given(
    st.tuples(near, near, near),
    st.tuples(slope, slope, slope).filter(lambda d: sum(x * x for x in d) > 1e-6),
    st.sampled_from([0.0, 0.03, 0.7, 4.0, 15.0]),
    st.sampled_from(crowd.AGENTS),
)
def test_a_ray_equals_a_walk(origin, direction, most, agent):
    assert_as_walked(OCTREE, np.array([origin]), np.array([direction]), most, agent)


@pytest.mark.parametrize("agent", crowd.AGENTS)
def test_many_rays_equal_walks(agent):
    rng = np.random.default_rng(agent)
    origins = np.concatenate([rng.uniform(-0.5, 0.5, (250, 3)), rng.uniform(-7, 7, (50, 3))])
    hits = assert_as_walked(OCTREE, origins, rng.normal(size=(300, 3)), 6.0, agent)
    met, unknown = hits.handles >= 0, hits.through_unknown
    for kind in (met & unknown, met & ~unknown, ~met & unknown):
        assert kind.sum() > 5


@slow_first_time
@given(
    st.lists(st.tuples(*[st.integers(-30, 30)] * 3), max_size=25),
    st.tuples(near, near, near),
    st.tuples(slope, slope, slope).filter(lambda d: sum(x * x for x in d) > 1e-6),
)
def test_through_any_map(voxels, origin, direction):
    assert_as_walked(crowd.of_voxels(voxels), np.array([origin]), np.array([direction]), 9.0)


def corridor():
    """Free space along x from voxel 0 to the surface in voxel 9."""
    octree = crowd.of_voxels([])
    octree.insert_points(np.array([[0.95, 0.05, 0.05]]), np.array([0.05, 0.05, 0.05]))
    assert octree.states_in_box(np.zeros(3, int), np.array([11, 1, 1])).ravel().tolist() == [FREE] * 9 + [
        2,
        0,
    ]
    return octree


def test_by_hand():
    octree, here, east = corridor(), np.array([[0.05, 0.05, 0.05]]), np.array([[2.0, 0.0, 0.0]])
    hits = octree.cast(here, east, 5.0)
    assert octree.at(hits.handles).indices.tolist() == [[9, 0, 0]]
    assert hits.distances.tolist() == [pytest.approx(0.85)]
    assert not hits.through_unknown[0]
    for origin, direction, most, expected in (
        (here, east, 0.84, (None, False)),
        (here, east, 0.86, (0.85, False)),
        (here, -east, 0.04, (None, False)),
        (here, -east, 0.2, (None, True)),
        (here - [1, 0, 0], east, 5.0, (1.85, True)),
        (here + np.array([2, 0, 0]), -east, 5.0, (1.05, True)),
        (here + np.array([0.9, 0, 0]), east, 5.0, (0.0, False)),
        (here + np.array([0.9, 0, 0]), east, 0.0, (None, False)),
        (here + np.array([0, 50, 0]), east, 5.0, (None, True)),
        (here, east, np.inf, (0.85, False)),
        (here, -east, np.inf, (None, True)),
        (here - [5e4, 0, 0], east, np.inf, (50000.85, True)),
    ):
        hits = octree.cast(origin, direction, most)
        distance = None if hits.handles[0] < 0 else pytest.approx(hits.distances[0])
        assert (distance, bool(hits.through_unknown[0])) == expected
        assert np.isinf(hits.distances[0]) == (distance is None)


def test_directions_have_no_length():
    rng = np.random.default_rng(4)
    origins, directions = rng.uniform(-1, 1, (60, 3)), rng.normal(size=(60, 3))
    short, long = (OCTREE.cast(origins, directions * factor, 4.0) for factor in (2.0**-12, 2.0**9))
    np.testing.assert_array_equal(short.handles, long.handles)
    np.testing.assert_array_equal(short.distances, long.distances)


def test_hardly_sloping_rays_are_level():
    octree, here = corridor(), np.array([[0.05, 0.1, 0.1]]) - [0.0, 0.05, 0.05]
    for origin in (here, np.array([[0.05, 0.0, 0.0]])):
        level = octree.cast(origin, np.array([[1.0, 0.0, 0.0]]), 5.0)
        for rise in (1e-310, -1e-310, 1e-101):
            for factor in (1.0, 1e200, 1e-200):
                hits = octree.cast(origin, np.array([[1.0, rise, -rise]]) * factor, 5.0)
                assert hits.handles.tolist() == level.handles.tolist() != [-1]
                assert hits.distances.tolist() == level.distances.tolist()


def test_what_makes_no_ray_is_refused():
    here, east = np.zeros((2, 3)), np.ones((2, 3))
    with pytest.raises(
        PlacecellError, match=r"one direction, not of length 0, .* got 2 origins and 3 directions"
    ):
        OCTREE.cast(here, np.ones((3, 3)), 1.0)
    with pytest.raises(PlacecellError, match=r"got the direction \[0\.0, 0\.0, 0\.0\]; pass origins and"):
        OCTREE.cast(here, east * [[1], [0]], 1.0)
    for most in (-1.0, float("nan")):
        with pytest.raises(PlacecellError, match=f"a max_m of 0 or more, got {most:g}; pass max_m in metres"):
            OCTREE.cast(here, east, most)
