"""The torch map answers as the compiled one, whose every query is held against a brute-force scan."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from placecell.errors import PlacecellError

_spec = importlib.util.spec_from_file_location("torch_pair", Path(__file__).with_name("torch_pair.py"))
torch_pair = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(torch_pair)
assert_same = torch_pair.assert_same

SIZE, AGENTS = 0.125, (0, 3)  # sums of it are exact: ties are ties


@pytest.fixture(scope="module", params=torch_pair.DEVICES)
def maps(request):
    octrees = torch_pair.pair(SIZE, 4, "float32", request.param)
    for n, frame in enumerate(torch_pair.frames(10, 4, size=(15, 20), far=3.0)):
        for octree in octrees:
            octree.insert(frame, 2.5, agent=AGENTS[n % 2])
    return octrees


@pytest.fixture(params=AGENTS)
def agent(request):
    return request.param


def asked(maps, agent, count=150, seed=0):
    """Points in and around the map, some of them on boundaries and on the centres of voxels."""
    lower, upper = maps[0].bounds(agent=agent)
    points = np.random.default_rng(seed).uniform((lower - 6) * SIZE, (upper + 6) * SIZE, (count, 3))
    points[::3] = np.round(points[::3] / SIZE) * SIZE
    points[1::3] = maps[0].centre_of(maps[0].index_of(points[1::3]))
    return points


def voxels_of(maps, handles):
    """What two maps hold of the handles that each gave."""
    expected, found = handles
    np.testing.assert_array_equal(expected < 0, found < 0)
    assert_same(maps[0].at(expected[expected >= 0]), maps[1].at(found[found >= 0]))


def test_points(maps, agent):
    points = np.concatenate([asked(maps, agent, 600), [[1e9, 0.0, 0.0], [0.0, -1e30, 0.0]]])
    np.testing.assert_array_equal(*(octree.state(points, agent=agent) for octree in maps))
    np.testing.assert_array_equal(*(octree.index_of(points) for octree in maps))
    voxels_of(maps, [octree.find(points, agent=agent) for octree in maps])
    indices = maps[0].index_of(points)
    assert_same(*(octree.read(indices, agent=agent) for octree in maps))


def test_boxes(maps, agent):
    for n in range(12):
        lower, upper = np.sort(asked(maps, agent, 4, n)[:2], axis=0)
        assert_same(*(octree.box(lower, upper, agent=agent) for octree in maps))
        corners = maps[0].index_of(np.stack([lower, upper]))
        np.testing.assert_array_equal(*(octree.states_in_box(*corners, agent=agent) for octree in maps))
    assert maps[1].states_in_box(np.array([3, 3, 3]), np.array([2, 4, 4]), agent=agent).shape == (0, 1, 1)


@pytest.mark.parametrize("radius", [0.0, 0.05, 0.3, 1.0, 50.0, float("inf")])
@pytest.mark.parametrize("k", [1, 8, 40])
def test_nearest(maps, agent, k, radius):
    points = asked(maps, agent, 60)
    expected, found = (octree.nearest_many(points, k, radius, agent=agent) for octree in maps)
    np.testing.assert_allclose(found[1], expected[1], rtol=0, atol=1e-9)
    voxels_of(maps, (expected[0], found[0]))
    expected, found = (octree.nearest(points[0], k, radius, agent=agent) for octree in maps)
    assert_same(expected[0], found[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=0, atol=1e-9)


def test_all_of_them_from_far_away(maps, agent):
    point = np.array([4000.0, -300.0, 2.0])
    expected, found = (octree.nearest(point, 10**6, 1e9, agent=agent) for octree in maps)
    assert len(expected[1]) == len(maps[0].occupied(agent=agent))
    assert_same(expected[0], found[0])


@pytest.mark.parametrize("radius", [0.0, 0.25, 1.0, float("inf")])
def test_within(maps, agent, radius):
    points = asked(maps, agent, 60)
    expected, found = (octree.within(points, radius, agent=agent) for octree in maps)
    assert_same(expected, found)
    voxels_of(maps, (expected.handles, found.handles))


@pytest.mark.parametrize("most", [0.0, 0.7, 5.0, float("inf")])
def test_cast(maps, agent, most):
    origins = asked(maps, agent, 240)
    directions = np.random.default_rng(1).normal(size=origins.shape)
    directions[::5, 0], directions[::7, 1:] = 0.0, 0.0
    directions[::7, 0] = -2.0
    directions[::11] = [1.0, 1.0, 1.0]
    expected, found = (octree.cast(origins, directions, most, agent=agent) for octree in maps)
    assert_same(expected, found)
    voxels_of(maps, (expected.handles, found.handles))
    assert (expected.handles >= 0).any() == (most > 0)


def test_levels(maps, agent):
    for level in (0, 1, 2, 5, 20):
        assert_same(*(octree.level(level, agent=agent) for octree in maps))


def test_labels(maps, agent):
    for category in (1, 2, 300, 65535, 5, 0, -1, 65536):
        assert_same(*(octree.labelled(category, agent=agent) for octree in maps))
    assert len(maps[1].labelled(300, agent=agent)) > 20


def test_an_agent_that_has_written_nothing(maps):
    for octree in maps:
        assert octree.find(np.zeros((2, 3)), agent=9).tolist() == [-1, -1]
        assert octree.nearest_many(np.zeros((2, 3)), 2, agent=9)[0].tolist() == [[-1, -1]] * 2
        assert octree.within(np.zeros((2, 3)), 9.0, agent=9).starts.tolist() == [0, 0, 0]
        assert octree.cast(np.zeros((1, 3)), np.ones((1, 3)), 3.0, agent=9).through_unknown.all()
        assert len(octree.level(2, agent=9)) == 0


@pytest.mark.parametrize(
    "ask",
    [
        lambda octree: octree.state(np.array([[np.nan, 0, 0]])),
        lambda octree: octree.at(np.array([0, -1])),
        lambda octree: octree.at(np.array([1 << 40])),
        lambda octree: octree.nearest_many(np.zeros((1, 3)), 0),
        lambda octree: octree.nearest(np.zeros(3), 1, -1.0),
        lambda octree: octree.within(np.zeros((1, 3)), float("nan")),
        lambda octree: octree.within(np.zeros((1, 3)), 1.0, agent=-1),
        lambda octree: octree.cast(np.zeros((1, 3)), np.zeros((1, 3)), 1.0),
        lambda octree: octree.cast(np.zeros((1, 3)), np.ones((1, 3)), -1.0),
        lambda octree: octree.level(21),
    ],
)
def test_what_cannot_be_asked(maps, ask):
    texts = []
    for octree in maps:
        with pytest.raises(PlacecellError) as error:
            ask(octree)
        texts.append(str(error.value))
    assert texts[0] == texts[1]
