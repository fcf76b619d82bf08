"""A whole memory under a cap: it holds after every write, and what was dropped is told."""

from dataclasses import replace

import numpy as np
import pytest

from placecell.errors import ConfigError, FrameError, PlacecellError
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame, Query, SpatialMemory

CAMERA = Pinhole.from_hfov(12, 8, 1.4)
STEPS = 24


def view(step, x=0.0, **more):
    """Surfaces at random around a camera that faces along y."""
    rng = np.random.default_rng(step)
    depth = rng.uniform(0.5, 3.0, (8, 12)).astype(np.float32)
    labels = rng.choice([0, 0, 0, 5, 9], (8, 12)).astype(np.int32)
    return Frame(Pose(x, 0.03, 0, np.pi / 2).T_world_camera(0.9), CAMERA, depth, None, labels, step, **more)


def walk(memory, steps=STEPS, stride_m=1.0):
    for step in range(steps):
        memory.write(view(step, step * stride_m))
        yield memory.stats()


@pytest.fixture(scope="module")
def uncapped():
    *_, told = walk(SpatialMemory(max_depth_m=10.0, short_term_capacity=30))
    return told


@pytest.mark.parametrize(
    ("cap", "policy"),
    [
        ({"max_items": 400}, "oldest"),
        ({"max_items": 400}, "farthest"),
        ({"max_bytes": 450_000}, "least_used"),
        ({"max_bytes": 450_000}, "most_redundant"),
    ],
)
def test_no_cap_is_exceeded_after_any_write(cap, policy, uncapped):
    memory = SpatialMemory(max_depth_m=10.0, short_term_capacity=30, budget_policy=policy, **cap)
    ((name, most),) = cap.items()
    assert uncapped[name.removeprefix("max_")] > 2 * most
    for told in walk(memory):
        assert told[name.removeprefix("max_")] <= most
    usage = memory.usage()
    assert told["dropped_items"] == usage.dropped_in_all.items > 0
    assert told["dropped_bytes"] == usage.dropped_in_all.nbytes > 0
    assert {"octree", "long_term"} <= set(usage.dropped)
    assert usage.steps.tolist() == list(range(STEPS))
    assert int((usage.items if name == "max_items" else usage.nbytes).max()) <= most
    for part in ("octree", "topology", "long_term"):
        assert told[f"{part}_items"] > 0


def test_what_goes_first_is_as_the_policy_says():
    """Ten steps away, and then ten where it began."""
    held = {}
    for policy in ("oldest", "farthest"):
        memory = SpatialMemory(
            octree=False, topology=False, short_term=False, max_items=12, budget_policy=policy
        )
        for step in range(20):
            memory.write(view(step, 0.5 * step if step < 10 else 0.0))
        held[policy] = sorted(entry.last_step for entry in memory.long_term.near(np.zeros(3), 1e3))
    assert held["oldest"] == list(range(20 - len(held["oldest"]), 20))
    assert held["farthest"][:2] == [0, 10]


def test_what_is_used_stays_where_the_policy_says_so():
    held = {}
    for asks in (True, False):
        memory = SpatialMemory(
            octree=False, topology=False, short_term=False, max_items=20, budget_policy="least_used"
        )
        for step in range(30):
            memory.write(view(step, 2.0 * step, embedding=np.eye(30)[step]))
            if asks:
                memory.retrieve(Query(np.zeros(3), 1e3, embedding=np.eye(30)[3]), 1)
        held[asks] = [entry.last_step for entry in memory.long_term.near(np.zeros(3), 1e3)]
    assert 3 in held[True]
    assert 3 not in held[False]


def test_blocks_of_the_octree_count_their_uses_where_the_policy_asks_for_them():
    for policy, counted in (("least_used", True), ("oldest", False)):
        memory = SpatialMemory(max_depth_m=10.0, budget_policy=policy)
        memory.write(view(0))
        (item, *_) = memory.retrieve(Query(np.zeros(3), 1e3, 5), 1).items
        assert item.source == "octree"
        uses = memory.octree.holdings().uses
        assert (uses.max() == 1) == counted
        assert counted == bool(uses.sum())
        assert uses.sum() <= len(np.unique(np.floor(item.points / 0.8), axis=0))


def test_a_budget_smaller_than_what_is_never_dropped_is_refused_at_once():
    with pytest.raises(ConfigError, match="max_items of at least 129"):
        SpatialMemory(max_items=100)
    with pytest.raises(ConfigError, match="max_bytes of at least"):
        SpatialMemory(max_bytes=1000)
    with pytest.raises(ConfigError, match="a budget's policy"):
        SpatialMemory(budget_policy="random")


def test_vectors_too_wide_for_the_budget_are_refused_before_anything_changes():
    memory = SpatialMemory(max_bytes=1_200_000)
    with pytest.raises(ConfigError, match="max_bytes of at least"):
        memory.write(view(0, embedding=np.ones(9000)))
    assert memory.stats()["items"] == 0
    memory.write(view(0, embedding=np.ones(50)))
    assert memory.stats()["items"] > 0


def test_an_emptied_memory_has_dropped_nothing():
    memory = SpatialMemory(max_items=300, short_term_capacity=20)
    for _ in walk(memory, 9):
        pass
    assert memory.stats()["dropped_items"] > 0
    memory.begin_episode("cold")
    assert memory.stats() == SpatialMemory(max_items=300, short_term_capacity=20).stats()
    assert len(memory.usage().steps) == 0


def test_a_map_without_a_cap_is_taken_over_and_cut_with_the_next_write():
    free, capped = (SpatialMemory(short_term_capacity=20, max_items=cap) for cap in (None, 500))
    for _ in walk(free, 12):
        pass
    capped.unpack(free.pack())
    assert capped.stats() == free.stats()
    capped.write(view(12))
    assert capped.stats()["items"] <= 500


def two_sessions(**settings):
    one, other, whole = (SpatialMemory(short_term_capacity=20, **settings) for _ in range(3))
    for step in range(16):
        frame = replace(view(step, 0.3 * step), depth=np.full((8, 12), 2.5, np.float32))
        (one if step < 8 else other).write(frame)
        whole.write(frame)
    return one, other, whole


def test_two_halves_of_a_walk_absorbed_are_the_whole_walk():
    one, other, whole = two_sessions()
    for step in range(8, 16):  # their clock begins at 8 already
        assert other.long_term.near(np.zeros(3), 1e3)[step - 8].last_step == step
    one.begin_episode("warm")
    before = other.pack()
    one.absorb(other, np.eye(4))
    for name, array in other.pack().arrays.items():
        np.testing.assert_array_equal(array, before.arrays[name])
    assert len(one.octree) == len(whole.octree)
    told, wanted = (
        [entry.vector.tolist() for entry in m.long_term.near(np.zeros(3), 1e3)] for m in (one, whole)
    )
    assert told == wanted
    nodes = {entry.node for entry in one.long_term.near(np.zeros(3), 1e3)}
    assert nodes <= set(one.topology.place_ids.tolist())
    steps = [entry.last_step for entry in one.long_term.near(np.zeros(3), 1e3)]
    assert steps == [*range(8), *range(16, 24)]  # the other's come after: 8 steps of its clock were before it
    assert min(item.age_steps for item in one.retrieve(Query(np.zeros(3), 50.0), 999).items) == 0
    one.write(view(0))
    assert max(entry.last_step for entry in one.long_term.near(np.array([0.0, 0, 0.9]), 0.1)) == 8


def test_another_frame_is_brought_into_this_one():
    one, other, _ = two_sessions()
    T = np.eye(4)
    T[:3, 3] = 10.0, 0.0, 0.0
    one.absorb(other, T)
    xs = sorted(round(float(e.position[0]), 6) for e in one.long_term.near(np.zeros(3), 1e3))
    assert xs[8:] == [round(10 + 0.3 * step, 6) for step in range(8, 16)]
    agent = one.short_term.T_world_agent[:3, 3]
    np.testing.assert_allclose(agent, [10 + 0.3 * 15, 0.03, 0.9])


def test_frames_that_are_only_just_rigid_are_brought_together():
    """Each is within the tolerance, their product is not: no part may be left behind."""
    nearly = np.eye(4)
    nearly[:3, :3] *= 1 + 4.9e-5
    one, other, _ = two_sessions()
    one.absorb(other, nearly)
    one.absorb(other, np.eye(4))
    third = SpatialMemory(short_term_capacity=20)
    third.absorb(one, nearly)
    fourth = SpatialMemory(short_term_capacity=20)
    fourth.absorb(third, nearly)
    assert len(fourth.long_term) == len(one.long_term)
    again = SpatialMemory(short_term_capacity=20)
    again.unpack(fourth.pack())
    assert again.stats()["items"] == fourth.stats()["items"]


def test_what_is_far_from_where_the_other_agent_is_goes_first():
    parts = {"octree": False, "topology": False, "max_items": 34, "budget_policy": "farthest"}
    one, other, _ = two_sessions(**parts)
    T = np.eye(4)
    T[:3, 3] = 10.0, 0.0, 0.0  # the origin of the other, but its agent walked on
    one.absorb(other, T)
    xs = [float(e.position[0]) for e in one.long_term.near(np.zeros(3), 1e3)]
    assert len(xs) < 16
    gone = 16 - len(xs)
    assert min(xs) == pytest.approx(0.3 * gone)


def test_what_cannot_be_absorbed_changes_nothing():
    one, other, _ = two_sessions()
    before = one.pack()
    coarse = SpatialMemory(0.2, short_term_capacity=20)
    coarse.write(view(0))
    far = np.eye(4)
    far[0, 3] = 1e7
    for wrong, T, error, match in (
        (coarse, np.eye(4), PlacecellError, r"voxel_size_m 0\.1, as this one's, got 0\.2"),
        (other, 2 * np.eye(4), FrameError, "T_this_other"),
        (other, far, FrameError, "from the origin|of the origin"),
    ):
        with pytest.raises(error, match=match):
            one.absorb(wrong, T)
        for name, array in one.pack().arrays.items():
            np.testing.assert_array_equal(array, before.arrays[name])
        assert one.pack().manifest == before.manifest
    one.absorb(SpatialMemory(short_term_capacity=20), np.eye(4))
    assert one.pack().manifest == before.manifest
