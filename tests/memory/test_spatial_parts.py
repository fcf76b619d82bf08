"""The parts of the spatial memory together: who answers what, and what each costs the others."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from placecell.errors import ArchiveError, ConfigError, FrameError, PlacecellError
from placecell.geometry import Pinhole, Pose
from placecell.memory import Archive, Frame, Query, SpatialMemory

ALONE = {
    "octree": {"topology": False, "short_term": False, "long_term": False},
    "topology": {"octree": False, "short_term": False, "long_term": False},
    "short_term": {"octree": False, "topology": False, "long_term": False},
}
LONG_TERM_ALONE = {"octree": False, "topology": False, "short_term": False}
CAMERA = Pinhole.from_hfov(30, 20, 1.4)


def view(step=0, x=0.0, y=0.0, yaw=0.0, labels=(4, 6), depth_m=2.0, **more):
    """Two things ahead, left and right, and a wall without a label behind them."""
    image, depth = np.zeros((20, 30), int), np.full((20, 30), 3.5, np.float32)
    for columns, label in ((slice(3, 10), labels[0]), (slice(20, 27), labels[1])):
        image[6:14, columns] = label
        depth[6:14, columns] = depth_m if label else 3.5
    rgb = np.full((20, 30, 3), 90, np.uint8)
    rgb[6:14, 3:10], rgb[6:14, 20:27] = (200, 30, 30), (30, 30, 200)
    pose = Pose(x, y, 0, yaw).T_world_camera(0.9)
    return Frame(pose, CAMERA, depth, rgb, image, step, **more)


def asked(memory, category=None, k=50, radius_m=100.0, at=(0.0, 0.0, 0.9), embedding=None):
    return memory.retrieve(Query(np.array(at), radius_m, category, embedding), k).items


def told(items):
    return [(*item.position.round(9).tolist(), item.score, item.age_steps, item.category) for item in items]


@pytest.mark.parametrize("name", ALONE)
def test_each_part_alone_finds_the_thing_where_it_is(name):
    memory = SpatialMemory(max_depth_m=10.0, **ALONE[name])
    for step in range(3):
        memory.write(view(step))
    for category, side in ((4, 1), (6, -1)):
        (item,) = asked(memory, category)
        assert (item.source, item.category, item.age_steps) == (name, category, 0)
        np.testing.assert_allclose(item.position[:2], [2.05, side * 0.95], atol=0.25)
        assert 0.15 < item.score < 1
        np.testing.assert_allclose(item.points.mean(0), item.position)
        assert len(item.points) > 2
    assert asked(memory, 5) == ()


def test_what_the_octree_knows_stays_its_answer():
    full, alone = SpatialMemory(max_depth_m=10.0), SpatialMemory(max_depth_m=10.0, **ALONE["octree"])
    for step in range(6):
        for memory in (full, alone):
            memory.write(view(step, x=0.2 * step, yaw=0.3 * step))
    for query in ({"category": 4}, {"category": 6}, {"k": 3}, {"k": 200}):
        assert told(asked(full, **query)) == told(asked(alone, **query))
    everything = asked(full, k=9999)
    assert {item.source for item in everything} == {"octree", "topology"}
    assert told(item for item in everything if item.source == "octree") == told(asked(alone, k=9999))


def test_what_the_octree_lacks_is_added_and_what_it_saw_through_is_not():
    """The octree is emptied of its labels: they are no longer there, or something else is."""
    memory = SpatialMemory(max_depth_m=10.0)
    memory.write(view())
    memory.octree.forget_labels()
    assert [item.source for item in asked(memory, 4)] == ["topology"]
    gone = SpatialMemory(max_depth_m=10.0)
    gone.write(view())
    for step in range(1, 12):
        gone.write(view(step, labels=(0, 6)))
    assert asked(gone, 4) == ()
    assert asked(gone, 6)
    assert gone.topology.landmarks(4)
    renamed = SpatialMemory(max_depth_m=10.0)
    renamed.write(view())
    for step in range(1, 6):
        renamed.write(view(step, labels=(5, 6)))
    assert asked(renamed, 4) == ()
    assert len(asked(renamed, 5)) == 1


def test_the_short_term_gives_what_is_near_and_a_landmark_only_once():
    memory = SpatialMemory(octree=False, max_depth_m=10.0)
    memory.write(view())
    assert [item.source for item in asked(memory, 4)] == ["topology"]
    memory.topology.clear()
    assert [item.source for item in asked(memory, 4)] == ["short_term"]
    assert asked(memory, 4, at=(9.0, 0.0, 0.9)) == ()


def test_places_and_views_answer_without_a_category():
    for name in ("topology", "short_term"):
        memory = SpatialMemory(max_depth_m=10.0, **ALONE[name])
        for step in range(8):
            memory.write(view(step, x=step * 2.0))
        items = [item for item in asked(memory, at=(14.0, 0.0, 0.9)) if item.category is None]
        assert items[0].source == name
        np.testing.assert_allclose(items[0].position, [14, 0, 0.9], atol=0.3)
        assert items[0].score > 0.95
        assert items[0].embedding is not None


def test_an_embedding_ranks_by_its_cosine():
    vectors = np.eye(4)
    memory = SpatialMemory(octree=False, max_depth_m=10.0)
    for step in range(4):
        memory.write(view(step, x=3.0 * step, labels=(0, 0), embedding=vectors[step]))
    for step in range(4):
        best, *others = asked(memory, embedding=vectors[step] + 0.2)
        np.testing.assert_allclose(best.position, [3.0 * step, 0, 0.9], atol=1e-6)
        assert best.score > 0.9 > max(item.score for item in others)
    (only,) = asked(memory, embedding=vectors[2], radius_m=1.0, at=(3.0, 0.0, 0.9))
    assert only.score == 0.0


def test_an_embedding_tells_things_of_a_category_apart():
    features = np.zeros((1, 2, 2), np.float32)
    features[0, 0], features[0, 1] = (1, 0), (0, 1)
    for parts in ({}, {"octree": False}, ALONE["short_term"], ALONE["topology"]):
        memory = SpatialMemory(max_depth_m=10.0, **parts)
        memory.write(view(labels=(4, 4), features=features))
        for wanted, side in (((1.0, 0.0), 1), ((0.0, 1.0), -1)):
            first, second = asked(memory, 4, embedding=np.array(wanted))
            assert np.sign(first.position[1]) == side
            assert (round(first.score, 6), round(second.score, 6)) == (1.0, 0.0)
            np.testing.assert_allclose(first.embedding, wanted)


def test_a_query_of_another_width_is_refused_unless_nothing_is_remembered():
    memory = SpatialMemory(max_depth_m=10.0)
    assert asked(memory, embedding=np.ones(3)) == ()
    memory.write(view(embedding=np.ones(5)))
    with pytest.raises(PlacecellError, match="embedding of width 5, as what is remembered, got width 3"):
        asked(memory, embedding=np.ones(3))


@pytest.mark.parametrize(
    ("first", "then", "match"),
    [
        ({"embedding": np.ones(5)}, {"embedding": np.ones(3)}, "of width 5, got a frame with one of width 3"),
        ({"embedding": np.ones(5)}, {}, "frames with an embedding of width 5, got a frame without one"),
        ({}, {"embedding": np.ones(5)}, "frames without an embedding, got a frame with one of width 5"),
        ({"features": np.ones((2, 2, 3))}, {"features": np.ones((2, 2, 4))}, "of width 3, .* got width 4"),
    ],
)  # fmt: skip
def test_vectors_of_another_width_are_refused_and_all_parts_stay_as_they_were(first, then, match):
    memory = SpatialMemory(max_depth_m=10.0)
    memory.write(view(**first))
    before = memory.pack()
    with pytest.raises(FrameError, match=match):
        memory.write(view(1, x=1.0, **then))
    bad = view(1, x=1.0, **first)
    bad.depth[0, 0] = np.nan
    with pytest.raises(FrameError, match="depth"):
        memory.write(bad)
    after = memory.pack()
    assert before.manifest == after.manifest
    assert before.arrays.keys() == after.arrays.keys()
    for name, array in before.arrays.items():
        np.testing.assert_array_equal(array, after.arrays[name])


@pytest.mark.parametrize("name", ALONE)
def test_a_frame_that_was_written_to_after_it_was_made_is_refused_whole(name):
    """Each part alone: no other refuses the frame for it."""
    memory = SpatialMemory(max_depth_m=10.0, **ALONE[name])
    vectors = {"features": np.ones((2, 2, 3), np.float32), "embedding": np.ones(4)}
    memory.write(view(**vectors))
    before = memory.pack()
    for spoil, match in (
        (lambda bad: bad.T_world_camera.__setitem__((0, 3), np.nan), "T_world_camera|of the origin"),
        (lambda bad: (bad.T_world_camera.fill(np.nan), bad.depth.fill(0)), "T_world_camera|of the origin"),
        (lambda bad: bad.embedding.__setitem__(0, np.inf), "an embedding of finite numbers, got 1 NaN"),
        (lambda bad: bad.features.fill(np.nan), "features of finite numbers"),
    ):
        bad = view(1, x=1.0, **{key: array.copy() for key, array in vectors.items()})
        spoil(bad)
        if name != "octree" or "of finite" not in match:  # an octree keeps none of these vectors
            with pytest.raises(FrameError, match=match):
                memory.write(bad)
        after = memory.pack()
        assert name == "octree" or before.manifest == after.manifest
        for key, array in before.arrays.items():
            np.testing.assert_array_equal(array, after.arrays[key])


def test_forgetting_labels_forgets_what_was_known_of_them():
    memory = SpatialMemory(max_depth_m=10.0)
    memory.write(view())
    assert len(memory.pack().arrays["sight.spreads"]) == 2
    memory.forget_labels()
    assert len(memory.pack().arrays["sight.spreads"]) == 0


def test_bytes_are_counted_as_they_are_packed_and_stay_where_nothing_is_new():
    memory, bytes_ = SpatialMemory(max_depth_m=10.0, long_term=False), []
    for _ in range(6):
        memory.begin_episode("warm")
        for step in range(12):
            turn = step * np.pi / 6
            memory.write(view(step, x=np.cos(turn), y=np.sin(turn), yaw=turn, labels=(4 + step % 3, 9)))
            packed = memory.pack().arrays
            own = sum(array.nbytes for key, array in packed.items() if key.startswith("topology."))
            assert memory.stats()["topology_bytes"] == own
        bytes_.append(memory.stats()["bytes"])
    assert bytes_[-1] <= 1.02 * bytes_[1]


def test_an_agent_that_was_carried_elsewhere_walked_no_edge_and_finds_things_where_they_are():
    memory = SpatialMemory(octree=False, max_depth_m=10.0)
    for step in range(3):
        memory.write(view(step, x=step * 0.1))
    known = {thing.category: thing.position for thing in asked(memory, 4)}
    memory.begin_episode("warm")
    memory.write(view(0, x=3.0, y=-2.0, yaw=2.0, labels=(0, 0)))
    assert len(memory.places().ids) == 2
    assert len(memory.places().edges) == 0
    memory.topology.clear()
    (still,) = asked(memory, 4, at=(2.0, 1.0, 0.9))
    assert still.source == "short_term"
    np.testing.assert_allclose(still.position, known[4], atol=0.3)
    here = memory.short_term.entries()[0].position
    np.testing.assert_allclose(np.linalg.norm(here), np.hypot(2.8, 2.0), atol=1e-9)


def test_many_views_from_one_spot_are_one_item():
    memory = SpatialMemory(max_depth_m=10.0, **ALONE["short_term"])
    for step in range(6):
        memory.write(view(step, yaw=step, labels=(0, 0), embedding=np.eye(6)[step]))
    assert len(memory.short_term) == 6
    assert len(asked(memory)) == 1


WALK = """
import sys
sys.path.insert(0, {folder!r})
from test_spatial_parts import fingerprint
print(fingerprint())
"""


def fingerprint():
    """Of all that a walk with questions leaves, as bytes."""
    memory, digest = SpatialMemory(max_depth_m=10.0, short_term_capacity=9), hashlib.sha256()
    for step in range(30):
        memory.write(view(step, x=step % 7 * 0.4, yaw=step * 0.7, labels=(4 + step % 5, 6)))
        for item in asked(memory, 4 + step % 3, k=4) + asked(memory, k=40, radius_m=2.0):
            digest.update(repr((item.position.tolist(), item.score, item.source, item.age_steps)).encode())
    for name, array in sorted(memory.pack().arrays.items()):
        digest.update(name.encode() + array.tobytes())
    return digest.hexdigest()


def test_another_process_with_other_hashes_remembers_alike():
    told_there = subprocess.run(
        [sys.executable, "-c", WALK.format(folder=str(Path(__file__).parent))],
        env={**os.environ, "PYTHONHASHSEED": "77", "PLACECELL_TYPECHECK": ""},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert told_there == fingerprint()


def test_features_of_zeros_are_no_embedding_of_a_landmark():
    memory = SpatialMemory(max_depth_m=10.0)
    memory.write(view(features=np.zeros((2, 2, 3))))
    assert memory.topology.landmarks(4)[0].descriptor is None


def test_what_was_asked_for_is_dropped_later():
    settings = {"max_depth_m": 10.0, "short_term_capacity": 3, **ALONE["short_term"]}
    used, unused = SpatialMemory(**settings), SpatialMemory(**settings)
    for memory in (used, unused):
        memory.write(view())
    for _ in range(40):
        asked(used, 4)
    for memory in (used, unused):
        for step in range(1, 9):
            memory.write(view(step, x=-1.0 * step, yaw=3.0, labels=(0, 0)))
    assert [entry.category for entry in used.short_term.entries()].count(4) == 1
    assert [entry.category for entry in unused.short_term.entries()].count(4) == 0


def test_parts_that_are_off_are_none_and_one_has_to_be_on():
    for name, settings in {**ALONE, "long_term": LONG_TERM_ALONE}.items():
        memory = SpatialMemory(**settings)
        parts = ("octree", "topology", "short_term", "long_term")
        assert [part for part in parts if getattr(memory, part) is not None] == [name]
        memory.write(view())
        stats = memory.stats()
        assert stats["bytes"] == stats[f"{name}_bytes"] > 0
        assert stats["items"] == stats[f"{name}_items"] > 0
    with pytest.raises(ConfigError, match=r"one part at least.*got all switched off"):
        SpatialMemory(octree=False, topology=False, short_term=False, long_term=False)


def test_without_an_octree_the_map_shows_landmarks_places_and_entries():
    memory = SpatialMemory(octree=False, max_depth_m=10.0)
    memory.write(view())
    growth = memory.growth()
    assert {0, 4, 6} == set(growth.labels.tolist())
    assert [0, 0, 9] in growth.cells.tolist()
    assert memory.growth(growth.clock).empty


def older(stored, **changes):
    """The archive as it was before there were parts."""
    manifest = {name: stored.manifest[name] for name in ("voxel_size_m", "max_depth_m", "min_depth_m")}
    manifest |= {"now": stored.manifest["now"], "episode_start": stored.manifest["episode_start"]}
    return Archive(stored.kind, manifest | changes, stored.arrays)


def test_an_archive_of_before_there_were_parts_is_that_of_an_octree():
    alone = SpatialMemory(0.2, 4.0, **ALONE["octree"])
    alone.write(view())
    stored = older(alone.pack())
    loaded = SpatialMemory.for_archive(stored)
    loaded.write(view(1, x=5.0))
    loaded.unpack(stored)
    assert told(asked(loaded, 4)) == told(asked(alone, 4))
    assert (len(loaded.topology), len(loaded.short_term)) == (0, 0)
    loaded.write(view(1))
    assert (len(loaded.topology), len(loaded.short_term)) == (1, 3)


def test_a_part_that_is_broken_or_of_another_setting_leaves_all_as_they_were():
    memory, other = SpatialMemory(max_depth_m=10.0), SpatialMemory(max_depth_m=10.0)
    memory.write(view())
    other.write(view(3, x=2.0))
    stored, before = memory.pack(), told(asked(other, 4))
    own = ("keys", "topology.counters", "short_term.points", "long_term.vectors", "upkeep.points")
    for name in (*own, "sight.spreads", "sight.widths"):
        arrays = {key: array for key, array in stored.arrays.items() if key != name}
        with pytest.raises(ArchiveError, match=name.split(".")[-1]):
            other.unpack(replace(stored, arrays=arrays))
        assert told(asked(other, 4)) == before
        assert len(other.topology) == 1
    with pytest.raises(
        ArchiveError, match=r"descriptors of places of width 3, as sight\.widths says, got 472"
    ):
        other.unpack(replace(stored, arrays={**stored.arrays, "sight.widths": np.array([3, 3])}))
    assert told(asked(other, 4)) == before
    alone = SpatialMemory(max_depth_m=10.0, **ALONE["topology"])
    with pytest.raises(ArchiveError, match=r"an archive with octree False, as this memory's, got True"):
        alone.unpack(stored)


def test_voxels_with_features_answer_an_embedding():
    features = np.zeros((1, 2, 2), np.float32)
    features[0, 0], features[0, 1] = (1, 0), (0, 1)
    memory = SpatialMemory(max_depth_m=10.0, feature_width=2, **ALONE["octree"])
    memory.write(view(features=features))
    for wanted, side in (((1.0, 0.0), 1), ((0.0, 1.0), -1)):
        items = asked(memory, k=20, embedding=np.array(wanted))
        assert len(items) == 20
        assert all(item.source == "octree" and item.position[1] * side > -0.3 for item in items)
        assert items[0].score == pytest.approx(1.0, abs=1e-3)
    everything = SpatialMemory(max_depth_m=10.0, feature_width=2, long_term=False)
    everything.write(view(features=features))
    sources = {item.source for item in asked(everything, k=9999, embedding=np.array([1.0, 0.0]))}
    assert sources == {"octree", "topology"}
    with pytest.raises(FrameError, match="2"):
        everything.write(view(1, features=np.zeros((1, 2, 3), np.float32)))


def test_voxels_come_with_their_features_where_the_map_keeps_some():
    features = np.zeros((2, 2, 3), np.float32)
    features[..., 0], features[0, :, 1] = 1, 0.5
    kept = SpatialMemory(feature_width=3, **ALONE["octree"])
    kept.write(view(features=features))
    found = [item.embedding.tolist() for item in asked(kept)]
    assert {tuple(vector) for vector in found} <= {(1.0, 0.5 * part / 8, 0.0) for part in range(9)}
    assert len(found) == 50
    kept.begin_episode("cold")
    kept.write(view())
    assert all(item.embedding is None for item in asked(kept))
