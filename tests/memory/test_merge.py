"""Two sessions of one place become one memory."""

import json

import numpy as np
import pytest
from tests.support.box_world import BED, SINK, TABLE
from tests.support.two_sessions import FIRST, SECOND, frames, session

from placecell.errors import FrameError, PlacecellError
from placecell.geometry import Pose
from placecell.memory import Query, SpatialMemory
from placecell.memory.archives.merging import merge

HALF = len(FIRST) // 2


def arrays(memory):
    return {name: np.array(held) for name, held in memory.pack().arrays.items()}


def whole_walk():
    memory = SpatialMemory()
    for frame in frames([*FIRST, *SECOND]):
        memory.write(frame)
    return memory


@pytest.fixture(scope="module")
def first():
    return session(FIRST)


@pytest.fixture(scope="module")
def second():
    return session(SECOND)


@pytest.fixture(scope="module")
def merged(first, second):
    return merge(first, second, np.eye(4))


def test_by_a_given_transform_it_is_as_if_both_had_been_one_walk(merged):
    whole = whole_walk()
    mine, all_ = merged.memory.octree, whole.octree
    assert abs(len(mine) - len(all_)) < 0.01 * len(all_)
    same = np.array(sorted(set(map(tuple, mine.occupied())) & set(map(tuple, all_.occupied()))))
    assert len(same) > 0.995 * len(all_)
    one, other = mine.read(same), all_.read(same)
    for name in ("hits", "points", "colours", "last_seen"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert len(merged.memory.topology) == pytest.approx(len(whole.topology), abs=2)
    assert len(merged.memory.long_term) == len(FIRST) + len(SECOND)
    for label in (TABLE, BED, SINK):
        found = merged.memory.retrieve(Query(np.zeros(3), 99.0, category=label), 9)
        true = whole.retrieve(Query(np.zeros(3), 99.0, category=label), 9)
        assert len(found.items) == len(true.items) > 0
        np.testing.assert_allclose(found.items[0].position, true.items[0].position, atol=0.05)


def test_neither_session_changes(first, second):
    before = arrays(first), arrays(second)
    merge(first, second, Pose(0.05, 0.0, 0.0, 0.02).T_world_body())
    for memory, held in zip((first, second), before, strict=True):
        for name, array in arrays(memory).items():
            np.testing.assert_array_equal(array, held[name], err_msg=name)


def test_the_second_sessions_steps_come_after_the_firsts(merged):
    voxels = merged.memory.octree.read(merged.memory.octree.occupied())
    assert voxels.last_seen.max() == len(FIRST) + len(SECOND) - 1
    item = merged.memory.retrieve(Query(np.zeros(3), 99.0, category=BED), 1).items[0]
    assert 0 <= item.age_steps < len(SECOND)


def test_it_can_be_saved_and_loaded(merged, tmp_path):
    merged.memory.save(tmp_path / "both")
    again = SpatialMemory.load(tmp_path / "both")
    for name, array in arrays(again).items():
        np.testing.assert_array_equal(array, arrays(merged.memory)[name], err_msg=name)
    assert json.loads(json.dumps(merged.provenance()))["transform"] == "given"


def test_maps_that_do_not_touch_are_refused(first, second):
    with pytest.raises(
        PlacecellError, match="expected maps that overlap, got no surface of the second on any of the first"
    ):
        merge(first, second, Pose(500.0, 0.0, 0.0, 0.0).T_world_body())
    with pytest.raises(PlacecellError, match="expected maps that overlap, got a map without surface"):
        merge(first, SpatialMemory())
    with pytest.raises(FrameError, match="T_a_b to be a rigid 4x4"):
        merge(first, second, 2 * np.eye(4))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"voxel_size_m": 0.2}, r"voxel_size_m 0\.1, as this one's, got 0\.2"),
        ({"encoder": "other"}, "encoder '', as this one's, got 'other'.*the same encoder"),
        ({"feature_width": 8}, "feature_width 0, as this one's, got 8"),
    ],
)
def test_another_encoder_or_other_settings_are_refused(first, settings, text):
    with pytest.raises(PlacecellError, match=text):
        merge(first, session(SECOND[:1], **settings), np.eye(4))


def test_without_maps_the_transform_has_to_be_given():
    one, other = (session(part, octree=False) for part in (FIRST[:HALF], SECOND))
    with pytest.raises(PlacecellError, match=r"memories with an octree.*; give the transform"):
        merge(one, other)
    both = merge(one, other, np.eye(4))
    assert (both.residual_m, both.overlap) == (None, None)
    assert len(both.memory.long_term) == HALF + len(SECOND)
