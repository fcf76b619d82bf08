"""Single voxels: finding, reading, and whose they are."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from placecell.errors import PlacecellError
from placecell.memory import FREE, OCCUPIED, SparseOctree, morton

_spec = importlib.util.spec_from_file_location("crowd", Path(__file__).with_name("crowd.py"))
crowd = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(crowd)

OCTREE = crowd.build()
SCANS = {agent: crowd.Scan(OCTREE, agent) for agent in crowd.AGENTS}
FAR = morton.SIGN_OFFSET * crowd.SIZE
QUERIES = {
    "state": lambda octree, points, agent: octree.state(points, agent=agent),
    "find": lambda octree, points, agent: octree.find(points, agent=agent),
    "within": lambda octree, points, agent: octree.within(points, 1.0, agent=agent),
    "nearest": lambda octree, points, agent: octree.nearest(points[0], 1, 1.0, agent=agent),
    "nearest_many": lambda octree, points, agent: octree.nearest_many(points, 1, agent=agent),
    "cast": lambda octree, points, agent: octree.cast(points, np.ones_like(points), 1.0, agent=agent),
    "cast towards": lambda octree, points, agent: octree.cast(
        np.zeros_like(points), points, 1.0, agent=agent
    ),
    "box": lambda octree, points, agent: octree.box(points[0], points[0], agent=agent),
}
ELSEWHERE = {
    "states_in_box": lambda octree, agent: octree.states_in_box(crowd.LOW, crowd.HIGH, agent=agent),
    "occupied": lambda octree, agent: octree.occupied(agent=agent),
    "labelled": lambda octree, agent: octree.labelled(1, agent=agent),
    "read": lambda octree, agent: octree.read(np.zeros((1, 3), np.int64), agent=agent),
    "level": lambda octree, agent: octree.level(2, agent=agent),
    "bounds": lambda octree, agent: octree.bounds(agent=agent),
}


def inside(points):
    return tuple((np.floor(points / crowd.SIZE).astype(int) - crowd.LOW).T)


@pytest.mark.parametrize("agent", crowd.AGENTS)
@pytest.mark.parametrize("count", [1, 7, 30_000], ids=["one", "some", "many"])
def test_find_equals_the_dense_states(agent, count):
    points = np.random.default_rng(count).uniform(-5.5, 5.5, (count, 3))
    if count > 1:
        points[::3] = SCANS[agent].centres[np.arange(len(points[::3])) % len(SCANS[agent].centres)]
    handles, states = OCTREE.find(points, agent=agent), SCANS[agent].states[inside(points)]
    np.testing.assert_array_equal(handles >= 0, states == OCCUPIED)
    found = OCTREE.at(handles[handles >= 0])
    np.testing.assert_array_equal(found.indices, OCTREE.index_of(points[handles >= 0]))
    if count > 1000:
        assert {FREE, OCCUPIED} <= set(states.tolist())
        assert ((handles < 0) & (states == FREE)).any()


@given(st.lists(st.tuples(*[st.integers(-20, 20)] * 3), max_size=30), st.data())
@settings(deadline=None, max_examples=40)
def test_find_in_any_map(voxels, data):
    octree = crowd.of_voxels(voxels, agent=2)
    asked = np.array([*voxels, *data.draw(st.lists(st.tuples(*[st.integers(-25, 25)] * 3), min_size=1))])
    points = asked + data.draw(st.sampled_from([0.001, 0.5, 0.999]))
    handles = octree.find(points * crowd.SIZE, agent=2)
    assert (handles >= 0).tolist() == [tuple(v) in set(voxels) for v in asked.tolist()]
    assert (octree.find(points * crowd.SIZE) == -1).all()


def test_points_of_any_layout_find_the_same():
    points = np.random.default_rng(5).uniform(-2, 2, (3000, 3)).astype(np.float32)
    expected = OCTREE.find(points.astype(np.float64))
    np.testing.assert_array_equal(OCTREE.find(points), expected)
    np.testing.assert_array_equal(OCTREE.find(np.asfortranarray(points)), expected)
    np.testing.assert_array_equal(OCTREE.find(points[::-1])[::-1], expected)


def test_beyond_the_range_there_is_nothing():
    for count in (1, 4000):
        points = np.repeat([[FAR, 0.0, 0.0], [0.0, -3 * FAR, 0.0], [1e300, 0.0, 1e300]], count, axis=0)
        assert (OCTREE.find(points) == -1).all()
        assert not OCTREE.state(points).any()
        assert len(OCTREE.within(points, 1.0).handles) == 0
        assert (OCTREE.nearest_many(points, 2, 1.0)[0] == -1).all()
    edge = crowd.of_voxels(np.array([[-morton.SIGN_OFFSET + 2] * 3, [morton.SIGN_OFFSET - 3] * 3]))
    assert (edge.find(edge.centre_of(edge.occupied())) >= 0).all()
    assert len(edge.nearest(np.full(3, -FAR), 3, 1e9)[0]) == 2


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_points_that_are_not_finite_are_refused(query, value):
    points = np.full((700, 3), 0.3)
    for row in (0, 650) if query not in (QUERIES["nearest"], QUERIES["box"]) else (0,):
        bad = points.copy()
        bad[row, 1] = value
        with pytest.raises(
            PlacecellError, match=rf"finite coordinates in metres, got .* in row {row}; leave out"
        ):
            query(OCTREE, bad, 0)


@pytest.mark.parametrize("shape", [(3,), (4, 2), (2, 3, 3)])
def test_points_of_another_shape_are_refused(shape):
    with pytest.raises(
        (PlacecellError, TypeCheckError), match=r"points of shape \(n, 3\), got \(|Type-check"
    ):
        OCTREE.find(np.zeros(shape))


@pytest.mark.parametrize("agent", [-1, 512])
def test_an_agent_that_no_key_can_name_is_refused(agent):
    for query in QUERIES.values():
        with pytest.raises(PlacecellError, match=f"an agent from 0 to 511, got {agent}; number the agents"):
            query(OCTREE, np.full((2, 3), 0.3), agent)
    for query in ELSEWHERE.values():
        with pytest.raises(PlacecellError, match=f"an agent from 0 to 511, got {agent}"):
            query(OCTREE, agent)


@pytest.mark.parametrize("octree", [OCTREE, SparseOctree(0.1)], ids=["others' map", "empty map"])
@pytest.mark.parametrize("agent", [0, 1, 510])
def test_who_saw_nothing_finds_nothing(octree, agent):
    if octree is OCTREE and agent == 0:
        return
    points = SCANS[0].centres[:300]
    assert not octree.state(points, agent=agent).any()
    assert (octree.find(points, agent=agent) == -1).all()
    assert octree.within(points, 1.0, agent=agent).starts.tolist() == [0] * 301
    assert len(octree.nearest(points[0], 3, 9.0, agent=agent)[0]) == 0
    handles, distances = octree.nearest_many(points, 2, agent=agent)
    assert (handles == -1).all()
    assert np.isinf(distances).all()
    hits = octree.cast(points, np.ones_like(points), 2.0, agent=agent)
    assert (hits.handles == -1).all()
    assert hits.through_unknown.all()
    assert np.isinf(hits.distances).all()
    assert not octree.states_in_box(crowd.LOW, crowd.HIGH, agent=agent).any()
    assert len(octree.occupied(agent=agent)) == len(octree.labelled(1, agent=agent)) == 0
    assert len(octree.level(1, agent=agent)) == len(octree.level(20, agent=agent)) == 0
    assert octree.read(SCANS[0].indices[:5], agent=agent).last_seen.tolist() == [-1] * 5
    assert [corner.tolist() for corner in octree.bounds(agent=agent)] == [[0] * 3] * 2


@pytest.mark.parametrize("agent", crowd.AGENTS)
def test_a_crowds_map_is_that_of_each_alone(agent):
    alone = SparseOctree(crowd.SIZE, crowd.WIDTH)
    for seed in range(4):
        alone.insert(crowd.frame(100 * crowd.AGENTS.index(agent) + seed), 3.5)
    np.testing.assert_array_equal(OCTREE.occupied(agent=agent), alone.occupied())
    low, high = np.full(3, -1.0), np.array([1.5, 1.0, 2.0])
    for mine, expected in (
        (OCTREE.box(low, high, agent=agent), alone.box(low, high)),
        (OCTREE.labelled(300, agent=agent), alone.labelled(300)),
        (OCTREE.nearest(low, 40, 9.0, agent=agent)[0], alone.nearest(low, 40, 9.0)[0]),
    ):
        assert len(mine) > 10
        for name in vars(expected):
            np.testing.assert_array_equal(getattr(mine, name), getattr(expected, name))


def test_at_gives_what_read_gives():
    scan = SCANS[3]
    chosen = np.random.default_rng(1).permutation(len(scan.indices))[:200]
    by_handle = OCTREE.at(OCTREE.find(scan.centres[chosen], agent=3))
    by_index = OCTREE.read(scan.indices[chosen], agent=3)
    for name in vars(by_index):
        np.testing.assert_array_equal(getattr(by_handle, name), getattr(by_index, name))
    assert by_handle.features.shape == (200, crowd.WIDTH)
    assert (by_handle.weights > 0).all()
    assert by_handle.features.any(1).all()


@pytest.mark.parametrize("handle", [-1, 1 << 40])
def test_handles_of_nothing_are_refused(handle):
    good = OCTREE.find(SCANS[0].centres[:1])
    with pytest.raises(
        PlacecellError, match=f"handles of voxels that this map holds, got {handle}; leave out"
    ):
        OCTREE.at(np.append(good, handle))


def test_a_voxels_point_is_the_mean_of_its_points():
    rng, octree = np.random.default_rng(3), SparseOctree(0.25)
    points = rng.uniform(-0.6, 0.6, (400, 3))
    for part in np.array_split(points, 4):
        octree.insert_points(part)
    voxels = octree.at(octree.find(points))
    for n in range(0, 400, 7):
        same = (np.floor(points / 0.25) == voxels.indices[n]).all(1)
        assert voxels.hits[n] == same.sum()
        assert np.abs(voxels.points[n] - points[same].mean(0)).max() <= 0.25 / 256
    unknown = octree.read(np.array([[90, 0, 0], [0, 0, 0]]))
    np.testing.assert_array_equal(unknown.points[0], unknown.centres[0])
    assert (unknown.hits[0], unknown.last_seen[0], unknown.weights[0]) == (0, -1, 0)
    assert unknown.hits[1] > 0
