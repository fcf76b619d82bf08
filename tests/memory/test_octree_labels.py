"""What an occupied voxel is taken for: the law of majorities, by brute force and by hand."""

import importlib.util
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.errors import FrameError
from placecell.geometry import Pinhole, Pose, transform
from placecell.memory import OCCUPIED, Frame, SparseOctree, morton

_spec = importlib.util.spec_from_file_location("plain_map", Path(__file__).with_name("plain_map.py"))
plain = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(plain)

SEEN = np.array([[5, 0, 0]])
slow_first_time = settings(deadline=None, max_examples=60)  # compilation counts for the first example


def held(octree):
    """Label and votes of the voxel that :func:`east` hits."""
    voxels = octree.read(SEEN)
    return int(voxels.labels[0]), int(voxels.votes[0])


def east(octree, *labels, depth_m=0.5):
    for label in labels:
        octree.insert(plain.looking_east(depth_m, label=label), 5.0)
    return octree


def in_one_voxel(*labels):
    """A row of pixels that all end in the voxel of :func:`east`."""
    count = len(labels)
    camera = Pinhole(count, 1, 1e4, 1e4, count / 2, 0.5)
    depth, pose = np.full((1, count), 0.5, np.float32), Pose(0.05, 0.05, 0.0, 0.0).T_world_camera(0.05)
    return Frame(pose, camera, depth, labels=np.array([labels]))


def labelled_frame(seed, step=0):
    frame = plain.random_frame(seed, step=step, far=2.0)
    labels = np.random.default_rng(seed + 1000).choice([0, 1, 2, 300, 65535], frame.depth.shape)
    return replace(frame, labels=labels)


@slow_first_time
@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.randoms())
def test_the_label_of_most_frames_wins_in_any_order(labels, random):
    counts = Counter(label for label in labels if label)
    total = sum(counts.values())
    for _ in range(2):
        label, votes = held(east(SparseOctree(0.1), *labels))
        assert (label == 0) == (votes == 0)
        for most, count in counts.items():
            if 2 * count > total:
                assert label == most
                assert votes >= 2 * count - total
        random.shuffle(labels)


def test_votes_by_hand():
    octree = SparseOctree(0.1)
    for label, expected in (
        (7, (7, 1)),
        (7, (7, 2)),
        (0, (7, 2)),
        (None, (7, 2)),
        (9, (7, 1)),
        (9, (0, 0)),
        (9, (9, 1)),
    ):
        assert held(east(octree, label)) == expected


def test_votes_are_bounded_so_that_the_present_can_win():
    octree = east(SparseOctree(0.1), *[7] * 200)
    assert held(octree) == (7, 30)
    assert held(east(octree, *[9] * 29)) == (7, 1)
    assert held(east(octree, 9, 9)) == (9, 1)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ((5, 3, 3), 3),
        ((5, 5, 3), 5),
        ((5, 3), 3),
        ((3, 5), 3),
        ((0, 0, 4), 4),
        ((0, 0), 0),
        ((9, 2, 9, 2, 1), 2),
    ],
)
def test_a_frame_has_one_vote_the_label_of_most_pixels(labels, expected):
    octree = SparseOctree(0.1)
    octree.insert(in_one_voxel(*labels), 5.0)
    assert octree.read(SEEN).hits.tolist() == [len(labels)]
    assert held(octree) == (expected, int(expected > 0))


def test_every_voxels_vote_equals_a_count_of_its_pixels():
    frame, octree, size = labelled_frame(3), SparseOctree(0.25), 0.25
    octree.insert(frame, 1.8)
    hits = (frame.depth > 0) & (frame.depth < np.float32(1.8))
    points = transform(frame.T_world_camera, frame.camera.backproject(frame.depth)[hits])
    counts = {}
    for voxel, label in zip(np.floor(points / size).astype(int).tolist(), frame.labels[hits].tolist()):
        counts.setdefault(tuple(voxel), Counter())[label] += 1
    expected = []
    for voxel in counts:
        votes = [(-count, label) for label, count in counts[voxel].items() if label]
        expected.append(min(votes)[1] if votes else 0)
    voxels = octree.read(np.array([*counts]))
    assert voxels.labels.tolist() == expected
    assert voxels.votes.tolist() == [int(label > 0) for label in expected]
    assert {0, 1, 2, 300, 65535} == set(expected)


def test_what_is_seen_through_loses_its_label():
    octree = east(SparseOctree(0.1), 7, 7)  # evidence 6
    east(octree, *[8] * 5, depth_m=0.9)
    assert held(octree) == (7, 2)
    east(octree, 8, depth_m=0.9)
    assert held(octree) == (0, 0)
    assert len(octree.labelled(7)) == 0
    assert octree.labelled(8).votes.tolist() == [6]
    assert held(east(octree, None)) == (0, 0)
    assert octree.state(octree.centre_of(SEEN)).tolist() == [OCCUPIED]


def test_labels_change_nothing_else():
    both, bare = SparseOctree(0.1), SparseOctree(0.1)
    for seed in range(4):
        frame = labelled_frame(seed, step=seed)
        both.insert(frame, 2.5)
        bare.insert(replace(frame, labels=None), 2.5)
    before, without = both.pack(), bare.pack()
    for name in before.keys() - {"label", "votes"}:
        np.testing.assert_array_equal(before[name], without[name])
    assert before["label"].any()
    assert not without["label"].any()
    assert not without["votes"].any()


def test_labelled_equals_a_scan_of_all_occupied():
    octree = SparseOctree(0.1)
    for seed in range(5):
        octree.insert(labelled_frame(seed, step=seed), 2.5)
    every = octree.read(octree.occupied())
    assert (every.labels > 0).sum() > 200
    for category in (1, 2, 300, 65535, 5):
        found, expected = octree.labelled(category), every.labels == category
        np.testing.assert_array_equal(found.indices, every.indices[expected])
        np.testing.assert_array_equal(found.votes, every.votes[expected])
        np.testing.assert_array_equal(found.last_seen, every.last_seen[expected])
        assert (np.diff(morton.encode(found.indices)) > 0).all()
    for none in (0, -1, 65536):
        assert len(octree.labelled(none)) == 0


def test_forgetting_labels_keeps_the_map():
    octree = SparseOctree(0.1)
    octree.insert(labelled_frame(1), 2.5)
    before = octree.pack()
    octree.forget_labels()
    after = octree.pack()
    for name in before.keys() - {"label", "votes"}:
        np.testing.assert_array_equal(before[name], after[name])
    assert not after["label"].any()
    assert not after["votes"].any()


def test_a_change_of_a_category_shows_in_its_number():
    octree = east(SparseOctree(0.1), 7)

    def changed(category, act):
        before = octree.last_change(category)
        act()
        return octree.last_change(category) != before

    assert changed(7, lambda: east(octree, 7))
    assert changed(7, lambda: east(octree, None))  # seen again: it is younger now
    assert not changed(9, lambda: east(octree, 7))
    assert not changed(7, lambda: east(octree, 9, depth_m=0.3))
    assert changed(7, lambda: east(octree, *[9] * 20, depth_m=0.9))  # seen through
    assert not changed(7, lambda: east(octree, 9, depth_m=0.9))
    assert changed(9, octree.forget_labels)
    assert octree.last_change(9) == 0


def test_a_label_that_does_not_fit_is_refused_before_anything_changes():
    octree = east(SparseOctree(0.1), 65535)
    before, frame = octree.pack(), plain.looking_east(0.5, label=1)
    for label in (65536, -1):
        frame.labels[0, 0] = label
        with pytest.raises(FrameError, match=f"labels from 0, which is none, to 65535, got {label}"):
            octree.insert(frame, 5.0)
    assert held(octree) == (65535, 1)
    assert all((before[name] == octree.pack()[name]).all() for name in before)
