"""Several agents in one map, scans, features, and what a map gives up."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.errors import ConfigError, FrameError, PlacecellError
from placecell.geometry import Pinhole, Pose
from placecell.memory import FREE, OCCUPIED, UNKNOWN, Frame, GrowingMap, SparseOctree

_spec = importlib.util.spec_from_file_location("plain_map", Path(__file__).with_name("plain_map.py"))
plain = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(plain)

few = settings(deadline=None, max_examples=25)
SEEN = np.array([[5, 0, 0]])


def states(octree, agent=0):
    lower, upper = octree.bounds(agent=agent)
    return octree.states_in_box(lower, upper, agent=agent)


def assert_same_map(one, other, agent, other_agent=0):
    """An agent's map in one octree answers as another's in another."""
    bounds = [octree.bounds(agent=a) for octree, a in ((one, agent), (other, other_agent))]
    assert np.array_equal(*bounds)
    np.testing.assert_array_equal(states(one, agent), states(other, other_agent))
    indices = one.occupied(agent=agent)
    assert indices.tolist() == other.occupied(agent=other_agent).tolist()
    mine, others = one.read(indices, agent=agent), other.read(indices, agent=other_agent)
    for name in ("hits", "points", "colours", "coloured", "last_seen", "labels", "votes"):
        np.testing.assert_array_equal(getattr(mine, name), getattr(others, name))


def told(growing):
    return dict(zip(map(tuple, growing.cells.tolist()), growing.labels.tolist(), strict=True))


def held(octree, agent=0):
    voxels = octree.read(octree.occupied(agent=agent), agent=agent)
    return dict(zip(map(tuple, voxels.indices.tolist()), voxels.labels.tolist(), strict=True))


AGENTS = (0, 3, 511)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("frame"), st.sampled_from(AGENTS), st.integers(0, 7)),
        st.tuples(st.just("decay"), st.sampled_from(AGENTS), st.integers(0, 8)),
        st.tuples(st.sampled_from(["clear", "forget", "prune"]), st.sampled_from(AGENTS), st.just(0)),
    ),
    min_size=1,
    max_size=14,
)


@few
@given(STEPS)
def test_an_agents_map_in_a_shared_octree_is_as_in_its_own(steps):
    shared, own = SparseOctree(0.1), {agent: SparseOctree(0.1) for agent in AGENTS}
    readers = {agent: GrowingMap() for agent in AGENTS}
    for n, (kind, agent, value) in enumerate(steps):
        if kind == "frame":
            frame = plain.random_frame(value, step=value, labels=True)
            shared.insert(frame, 1.5, agent=agent)
            own[agent].insert(frame, 1.5)
        elif kind == "decay":
            assert shared.decay(value, agent) == own[agent].decay(value)
        elif kind == "prune":
            shared.prune()
        elif kind == "clear":
            shared.clear(agent)
            own[agent].clear()
        else:
            shared.forget_labels(agent)
            own[agent].forget_labels()
        for one in AGENTS[: 1 + n % 3]:  # the others ask later
            readers[one].apply(shared.growth(readers[one].clock, agent=one))
            assert told(readers[one]) == held(own[one])
    for agent in AGENTS:
        assert_same_map(shared, own[agent], agent)
        readers[agent].apply(shared.growth(readers[agent].clock, agent=agent))
        assert told(readers[agent]) == told_by(own[agent])
    assert len(shared) == sum(map(len, own.values()))


def told_by(octree):
    growing = GrowingMap()
    growing.apply(octree.growth())
    return told(growing)


def test_clearing_one_agent_leaves_the_others():
    octree = SparseOctree(0.1)
    for agent in (0, 1):
        octree.insert(plain.looking_east(0.5, label=3 + agent), 5.0, agent=agent)
    clocks = [octree.growth(agent=agent).clock for agent in (0, 1)]
    before = octree.last_change(4, agent=1)
    octree.clear(0)
    assert [len(octree.occupied(agent=agent)) for agent in (0, 1)] == [0, 1]
    assert octree.growth(clocks[0]).restart
    assert octree.growth(clocks[1], agent=1).empty
    assert octree.last_change(3) == 0
    assert octree.last_change(4, agent=1) == before != 0


def test_a_change_of_one_agents_label_is_none_of_anothers():
    octree = SparseOctree(0.1)
    for agent in (0, 1):
        octree.insert(plain.looking_east(0.5, label=7), 5.0, agent=agent)
    before = octree.last_change(7)
    octree.insert(plain.looking_east(0.5, label=7), 5.0, agent=1)
    assert octree.last_change(7) == before
    octree.insert(plain.looking_east(0.5, label=7), 5.0)
    assert octree.last_change(7) != before


@pytest.mark.parametrize("agent", [-1, 512])
def test_there_are_512_agents(agent):
    octree, frame = SparseOctree(0.1), plain.looking_east(0.5)
    acts = (lambda: octree.insert(frame, 5.0, agent=agent), lambda: octree.growth(agent=agent),
            lambda: octree.insert_points(np.zeros((1, 3)), agent=agent), lambda: octree.clear(agent),
            lambda: octree.decay(3, agent), lambda: octree.forget_labels(agent))  # fmt: skip
    for act in acts:
        with pytest.raises(PlacecellError, match=f"an agent from 0 to 511, got {agent}"):
            act()
    assert len(octree) == 0


def chair_room(with_chair):
    """A camera before a wall 2 m away, and a thing 0.4 m wide in between."""
    camera = Pinhole.from_hfov(48, 48, 1.2)
    depth = np.full((48, 48), 2.05, np.float32)
    if with_chair:
        depth[18:30, 18:30] = 1.05
    labels = np.where(depth < 2, 5, 1)
    return Frame(Pose(0.05, 0.05, 0.0, 0.0).T_world_camera(0.05), camera, depth, labels=labels)


def test_a_moved_chair_is_gone_once_seen_through_and_its_payload_after_prune():
    octree = SparseOctree(0.1)
    octree.insert(chair_room(with_chair=True), 5.0)
    chair = octree.labelled(5)
    assert len(chair) > 10
    for _ in range(3):
        assert (octree.state(chair.centres) == OCCUPIED).all()
        octree.insert(chair_room(with_chair=False), 5.0)
    assert (octree.state(chair.centres) == FREE).all()
    assert len(octree.labelled(5)) == 0
    assert octree.read(chair.indices).hits.tolist() == chair.hits.tolist()
    before, size, all_states = octree.occupied(), octree.nbytes, states(octree)
    assert octree.prune() == len(chair)
    assert octree.read(chair.indices).hits.tolist() == [0] * len(chair)
    np.testing.assert_array_equal(states(octree), all_states)
    assert octree.occupied().tolist() == before.tolist()
    assert octree.nbytes < size
    assert octree.prune() == 0
    octree.insert(chair_room(with_chair=True), 5.0)
    assert octree.read(chair.indices).hits.tolist() == chair.hits.tolist()


def test_what_was_not_seen_for_long_fades():
    octree = SparseOctree(0.1)
    for step in (3, 4):
        octree.insert(plain.looking_east(0.5, label=7, step=step), 5.0)
    octree.insert(plain.looking_east(0.9, label=7, step=9, x=-2.05), 5.0)
    handle, clock = octree.find(octree.centre_of(octree.occupied())), octree.growth().clock
    assert octree.decay(4) == 0  # seen at 4
    assert octree.decay(5) == 0  # evidence 6 to 3
    assert octree.growth(clock).empty
    assert octree.decay(5) == 1
    assert octree.state(octree.centre_of(SEEN)).tolist() == [UNKNOWN]
    assert octree.read(SEEN).hits.tolist() == [0]
    assert octree.state(np.array([[0.25, 0.05, 0.05]])).tolist() == [FREE]
    assert octree.labelled(7).last_seen.tolist() == [9]
    assert octree.find(octree.centre_of(octree.occupied())).tolist() == [
        h for h in handle if h % 512 != 0b1000001
    ]
    growth = octree.growth(clock)
    assert (growth.blocks.tolist(), growth.cells.tolist()) == ([[0, 0, 0]], [])


def test_what_faded_at_the_edge_is_no_longer_within_the_bounds():
    octree = SparseOctree(0.1)
    octree.insert(plain.looking_east(0.5, step=1), 5.0, carve=False)
    octree.insert(plain.looking_east(9.0, step=5), 50.0, carve=False)
    assert octree.bounds()[0].tolist() == [5, 0, 0]
    assert octree.decay(3) == 1
    assert [b.tolist() for b in octree.bounds()] == [[90, 0, 0], [91, 1, 1]]
    octree.prune()
    assert octree.pack()["keys"].shape == (1,)


def test_a_reader_hears_of_a_block_that_was_pruned():
    octree, reader = SparseOctree(0.1), GrowingMap()
    octree.insert(plain.looking_east(0.5), 5.0, carve=False)
    reader.apply(octree.growth(reader.clock))
    octree.decay(9)
    octree.prune()
    reader.apply(octree.growth(reader.clock))
    assert told(reader) == {}


def test_scans_equal_the_plain_map():
    octree, reference, rng = SparseOctree(0.1), plain.PlainMap(0.1), np.random.default_rng(0)
    for step in range(6):
        origin, points = rng.uniform(-0.5, 0.5, 3), rng.uniform(-1.5, 1.5, (9000, 3)) * [1, 1, 0.01]
        octree.insert_points(points, origin if step != 3 else None, step=step)
        reference.insert_points(points, origin if step != 3 else None, step=step)
    assert min(reference.evidence.values()) < 0
    indices = np.array([*reference.evidence])
    expected = np.where(np.array([*reference.evidence.values()]) > 0, OCCUPIED, FREE)
    assert (octree.state(octree.centre_of(indices)) == expected).all()
    voxels = octree.read(indices)
    assert voxels.hits.tolist() == [reference.hits.get(tuple(i), 0) for i in indices.tolist()]
    assert voxels.last_seen.tolist() == [reference.last_seen.get(tuple(i), -1) for i in indices.tolist()]
    np.testing.assert_allclose(voxels.points, [reference.mean_point(tuple(i)) for i in indices.tolist()])
    assert (states(octree) != UNKNOWN).sum() == len(indices)


def test_points_are_found_where_they_were_put():
    octree = SparseOctree(0.1)
    points = np.arange(-40, 40)[:, None] * np.array([0.1, 0.3, 0.7])  # on the boundaries of voxels
    octree.insert_points(points)
    assert (octree.find(points) >= 0).all()
    octree.insert_points(np.zeros((0, 3)), np.zeros(3))
    assert octree.read(octree.occupied()).hits.sum() == 80


@pytest.mark.parametrize(
    ("points", "origin", "step", "text"),
    [(np.array([[0.0, np.nan, 0.0]]), None, 0, "finite, got 1 points that are not"),
     (np.zeros((1, 3)), np.array([0.0, 0.0, np.inf]), 0, "origin in metres, finite"),
     (np.array([[2e5, 0.0, 0.0]]), None, 0, "points within 104858 m of the origin"),
     (np.zeros((1, 3)), np.array([0.0, -2e5, 0.0]), 0, "points within 104858 m of the origin"),
     (np.zeros((1, 3)), None, -1, "a step from 0 to")],
)  # fmt: skip
def test_a_refused_scan_leaves_the_map_as_it_was(points, origin, step, text):
    octree = SparseOctree(0.1)
    octree.insert_points(np.array([[0.5, 0.5, 0.5]]))
    before = octree.pack()
    with pytest.raises(FrameError, match=text):
        octree.insert_points(points, origin, step=step)
    assert all((before[name] == octree.pack()[name]).all() for name in before)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_patch_features_are_fused_into_the_voxels_that_their_pixels_hit(dtype):
    octree, rng = SparseOctree(0.2, feature_width=5, feature_dtype=dtype), np.random.default_rng(2)
    sums, counts = {}, {}
    for seed in range(4):
        frame = plain.random_frame(seed, step=seed)
        frame = replace(frame, features=rng.normal(size=(3, 4, 5)).astype(np.float32))
        octree.insert(frame, 2.0, carve=seed % 2 == 0)
        depth = frame.depth.astype(float)
        points = (
            frame.camera.backproject(depth) @ frame.T_world_camera[:3, :3].T + frame.T_world_camera[:3, 3]
        )
        for v, u in np.argwhere((depth > 0) & (depth < 2)).tolist():
            voxel = tuple(np.floor(points[v, u] / 0.2).astype(int).tolist())
            sums[voxel] = sums.get(voxel, 0) + frame.features[v * 3 // 9, u * 4 // 12].astype(float)
            counts[voxel] = counts.get(voxel, 0) + 1
    found = octree.read(np.array([*sums]))
    assert found.weights.tolist() == [counts[voxel] for voxel in sums]
    expected = [sums[voxel] / counts[voxel] for voxel in sums]
    np.testing.assert_allclose(found.features, expected, atol=1e-5 if dtype == "float32" else 5e-3)
    again = SparseOctree(0.2, 5, dtype)
    again.unpack(octree.pack())
    np.testing.assert_array_equal(again.read(np.array([*sums])).features, found.features)
    octree.prune()
    np.testing.assert_array_equal(
        octree.read(octree.occupied()).features, again.read(octree.occupied()).features
    )


def test_features_of_another_width_are_refused_and_a_map_without_ignores_them():
    frame = replace(plain.random_frame(1), features=np.ones((2, 2, 6), np.float32))
    octree = SparseOctree(0.1, feature_width=5)
    with pytest.raises(FrameError, match="features of width 5, as the map's, got width 6"):
        octree.insert(frame, 2.0)
    assert len(octree) == 0
    assert octree.growth(1).empty
    bare = SparseOctree(0.1)
    bare.insert(frame, 2.0)
    assert bare.read(bare.occupied()).features.shape == (len(bare), 0)


@pytest.mark.parametrize(("width", "dtype"), [(-1, "float16"), (4, "float64"), (4, "int8")])
def test_features_are_of_a_width_and_a_kind(width, dtype):
    with pytest.raises(ConfigError, match=f"got a width of {width}, as {dtype}"):
        SparseOctree(0.1, width, dtype)


def test_a_frame_without_any_return_changes_nothing():
    octree = SparseOctree(0.1)
    octree.insert(plain.random_frame(1), 2.0)
    before, clock = octree.pack(), octree.growth().clock
    nothing = plain.random_frame(2, labels=True)
    nothing.depth[:] = 0
    octree.insert(nothing, 2.0)
    assert all((before[name] == octree.pack()[name]).all() for name in before)
    assert octree.growth(clock).empty


def test_bytes_are_counted():
    octree = SparseOctree(0.1)
    assert len(octree) == octree.payload_nbytes == 0
    empty = octree.nbytes
    octree.insert(plain.looking_east(0.5), 5.0)
    assert octree.payload_nbytes == 44  # 1 + 4 + 12 + 16 + 4 + 2 + 1 + 4
    assert octree.nbytes == octree.payload_nbytes + octree.index_nbytes > empty
    wide = SparseOctree(0.1, feature_width=256)
    wide.insert(plain.looking_east(0.5), 5.0)
    assert wide.payload_nbytes == 44 + 512
