"""What differs between two memories of one place."""

import json

import numpy as np
import pytest
from tests.support.box_world import BED, SINK, TABLE, Box
from tests.support.two_sessions import FIRST, SECOND, T_FIRST_SECOND, THINGS, session

from placecell.errors import FrameError
from placecell.geometry import invert
from placecell.memory import SpatialMemory
from placecell.memory.archives.difference import difference

LATER = {
    "table": Box((4.6, 0.3, 0.0), (5.6, 1.1, 0.7), TABLE),  # moved next door
    "bed": THINGS["bed"],
    "box": THINGS["box"],
    "new": Box((0.3, 0.3, 0.0), (1.1, 1.0, 0.8), BED),
}


@pytest.fixture(scope="module")
def before():
    return session([*FIRST, *SECOND])


@pytest.fixture(scope="module")
def after():
    return session([*SECOND, *FIRST], things=LATER)


def middles(changes, which):
    return {(change.label, *np.round(getattr(change, which)[:2]).astype(int).tolist()) for change in changes}


def test_what_came_went_and_moved_is_told(before, after):
    found = difference(before, after)
    assert middles(found.moved, "before") == {(TABLE, 2, 1)}
    assert middles(found.moved, "after") == {(TABLE, 5, 1)}
    assert middles(found.went, "before") == {(SINK, 7, 1)}
    assert middles(found.came, "after") == {(BED, 1, 1)}
    assert found.voxels.came > 50 < found.voxels.went
    assert found.voxels.kept > 20 * found.voxels.came
    assert found.settings == {}
    assert not found.empty


def test_backwards_what_came_went(before, after):
    found = difference(after, before)
    assert middles(found.moved, "before") == {(TABLE, 5, 1)}
    assert (middles(found.came, "after"), middles(found.went, "before")) == ({(SINK, 7, 1)}, {(BED, 1, 1)})


def test_a_memory_does_not_differ_from_itself(before):
    found = difference(before, before)
    assert found.empty
    assert (found.came, found.went, found.moved) == ((), (), ())
    assert found.voxels.kept == len(before.octree)
    assert found.places == {"both": len(before.topology), "only_first": 0, "only_second": 0}


def test_another_walk_finds_nothing_changed(before):
    found = difference(before, session(SECOND))
    assert (found.came, found.went, found.moved) == ((), (), ())
    assert found.voxels.not_seen_again > 0


def test_in_another_frame_it_is_the_same_by_the_transform(before):
    after = session([*SECOND, *FIRST], invert(T_FIRST_SECOND), LATER)
    found = difference(before, after, T_FIRST_SECOND)
    assert middles(found.moved, "after") == {(TABLE, 5, 1)}
    assert middles(found.went, "before") == {(SINK, 7, 1)}
    with pytest.raises(FrameError, match="T_a_b to be a rigid"):
        difference(before, after, 2 * np.eye(4))


def test_settings_counts_and_json(before):
    other = session(SECOND[:2], topology=False, gate=0.5)
    found = difference(before, other)
    assert found.settings["gate"] == (before.settings.gate, 0.5)
    assert found.settings["topology"] == (True, False)
    assert found.places == {}
    assert found.counts["octree_items"] == (len(before.octree), len(other.octree))
    told = json.loads(json.dumps(found.to_json()))
    assert told["settings"]["gate"] == [before.settings.gate, 0.5]
    assert set(told) == {"voxels", "objects", "places", "settings", "counts"}


def test_memories_without_maps_are_compared_by_what_they_have():
    found = difference(SpatialMemory(octree=False), SpatialMemory(octree=False))
    assert found.voxels is None
    assert found.empty


def test_forgotten_labels_are_no_objects(before, after):
    plain = SpatialMemory.for_archive(stored := after.pack())
    plain.unpack(stored)
    plain.forget_labels()
    found = difference(before, plain)
    assert (found.came, found.moved) == ((), ())
    assert middles(found.went, "before") == {(TABLE, 2, 1), (SINK, 7, 1)}
