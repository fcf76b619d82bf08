"""A whole memory that walks under a cap."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.errors import ArchiveError, ConfigError
from placecell.memory import GrowingMap, Query, SpatialMemory
from placecell.memory.upkeep.policies import POLICIES

_spec = importlib.util.spec_from_file_location("plain_map", Path(__file__).with_name("plain_map.py"))
plain = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(plain)

MIB = 1 << 20
CAP = 3 * MIB // 4
"""A little above what is least; a frame alone brings more than a tenth of it."""


def frame_at(seed, step, x):
    frame = plain.random_frame(seed, step=step, labels=True, size=(18, 24), spread_m=0.2)
    frame.T_world_camera[0, 3] += x
    return frame


def capped(**caps):
    memory = SpatialMemory(short_term_capacity=16, **{"max_bytes": CAP, **caps})
    memory.begin_episode("cold")
    return memory


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(-3, 3)), min_size=5, max_size=14),
    st.sampled_from(sorted(POLICIES)),
    st.sampled_from([{}, {"max_items": 900}, {"max_bytes": None, "max_items": 300}]),
)
@settings(deadline=None, max_examples=8)
def test_no_write_leaves_more_than_the_caps(walk, policy, caps):
    memory, reader, x = capped(budget_policy=policy, **caps), GrowingMap(), 0.0
    for step, (seed, stride) in enumerate(walk):
        x += 2.0 * stride
        memory.write(frame_at(seed, step, x))
        told = memory.stats()
        assert told["bytes"] <= (memory.budget.max_bytes or np.inf)
        assert told["items"] <= (memory.budget.max_items or np.inf)
        memory.retrieve(Query(np.array([x, 0.0, 0.2]), 3.0), 3)
        if step % 4 == 0:
            reader.apply(memory.growth(reader.clock))
    reader.apply(memory.growth(reader.clock))
    assert reader.cells.tolist() == memory.octree.occupied().tolist()


def test_one_frame_brings_more_than_a_tenth_and_the_cap_holds():
    free, memory = SpatialMemory(short_term_capacity=16), capped()
    free.begin_episode("cold")
    free.write(frame_at(0, 0, 0.0))
    assert free.stats()["bytes"] > 0.1 * CAP
    for step in range(20):
        memory.write(frame_at(step, step, 4.0 * step))
        assert memory.stats()["bytes"] <= CAP
    lost = memory.usage().dropped
    assert lost["octree"].nbytes > CAP
    assert memory.stats()["dropped_bytes"] == sum(each.nbytes for each in lost.values())


@pytest.mark.parametrize(
    ("policy", "gone", "kept"), [("oldest", 0, 30), ("farthest", 30, 0), ("least_used", 30, 0)]
)
def test_each_policy_drops_what_it_says_first(policy, gone, kept):
    free = SpatialMemory(short_term_capacity=16)
    free.begin_episode("cold")
    for step, x in enumerate([0, 0, 30, 30]):
        free.write(frame_at(step % 2, step, float(x)))
    memory = capped(budget_policy=policy, max_bytes=int(free.stats()["bytes"]))
    memory.unpack(free.pack())
    memory.octree.note_use(near(memory, kept))
    memory.write(frame_at(5, 9, 8.0))
    before, after = (len(near(free, x)) for x in (gone, kept)), [len(near(memory, x)) for x in (gone, kept)]
    shares = [now / was for now, was in zip(after, before, strict=True)]
    assert shares[0] < 0.5
    assert shares[1] > 0.95


def near(memory, x):
    """The middles of the occupied voxels within 4 m of a place on the way."""
    points = (memory.octree.occupied() + 0.5) * 0.1
    return points[np.abs(points[:, 0] - x) < 4.0]


def test_what_was_saved_goes_on_as_what_was_not(tmp_path):
    memory, path = capped(), tmp_path / "walk.placecell"
    for step in range(12):
        memory.write(frame_at(step, step, 3.0 * step))
        memory.retrieve(Query(np.array([3.0 * step, 0.0, 0.2]), 3.0), 3)
    memory.save(path)
    again = SpatialMemory.load(path)
    assert memory.usage().dropped["octree"].rows > 0
    for step in range(12, 22):
        for each in (memory, again):
            each.write(frame_at(step, step, 3.0 * step))
    packs = [each.pack().arrays for each in (memory, again)]
    assert packs[0].keys() == packs[1].keys()
    for name in packs[0]:
        np.testing.assert_array_equal(packs[0][name], packs[1][name], err_msg=name)
    assert memory.usage().dropped == again.usage().dropped


def test_the_cap_holds_after_another_memory_came_in_and_at_the_write_after_a_larger_one():
    free, memory = SpatialMemory(short_term_capacity=16), capped()
    for step in range(8):
        free.write(frame_at(step, step, 4.0 * step))
    memory.write(frame_at(9, 0, 0.0))
    shift = np.eye(4)
    shift[0, 3] = 50.0
    memory.absorb(free, shift)
    assert free.stats()["bytes"] > 1.5 * CAP
    assert memory.stats()["bytes"] <= CAP
    memory.unpack(free.pack())
    assert memory.stats()["bytes"] > CAP
    memory.write(frame_at(9, 9, 0.0))
    assert memory.stats()["bytes"] <= CAP
    memory.forget_labels()
    assert memory.stats()["bytes"] <= CAP


def test_vectors_that_the_budget_has_no_room_for_are_refused_however_they_come():
    free, memory = SpatialMemory(short_term_capacity=16), capped()
    wide = replace(frame_at(0, 0, 0.0), embedding=np.ones(20_000, np.float32))
    free.write(wide)
    for take in (lambda: memory.write(wide), lambda: memory.absorb(free, np.eye(4))):
        with pytest.raises(ConfigError, match="max_bytes of at least"):
            take()
    with pytest.raises(ArchiveError, match="max_bytes of at least"):
        memory.unpack(free.pack())
    assert memory.stats()["items"] == 0
    memory.write(frame_at(0, 0, 0.0))


def test_a_cap_without_room_for_one_item_is_refused_at_construction():
    with pytest.raises(ConfigError, match="max_bytes of at least 262144, so that one item fits"):
        SpatialMemory(max_bytes=1000)
    with pytest.raises(ConfigError, match=r"max_items of at least 129: what these parts always hold"):
        SpatialMemory(max_items=128)
    with pytest.raises(ConfigError, match=r"max_bytes of at least .*switch a part"):
        SpatialMemory(max_bytes=400_000)
