import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.errors import PlacecellError
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame, Query, SpatialMemory, morton
from placecell.memory.recall.objects import Sightings, connected, find_objects, recall, thinned

NO_COLOUR = np.zeros((0, 4), np.int64)


def sightings(points, votes=None, last_seen=None, colours=NO_COLOUR):
    points = np.array(points, float)
    ones = np.ones(len(points), np.int64)
    return Sightings(
        points,
        ones if votes is None else np.array(votes),
        ones if last_seen is None else np.array(last_seen),
        colours,
    )


def chained(points, gap):
    """Groups by brute force: join until nothing changes."""
    groups = np.arange(len(points))
    near = np.linalg.norm(points[:, None] - points[None], axis=-1) <= gap
    for _ in points:
        groups = np.array([groups[row].min() for row in near])
    return groups


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(*[st.integers(0, 12)] * 3), min_size=1, max_size=40, unique=True))
def test_groups_equal_brute_force(voxels):
    points = np.array(voxels) * 0.1
    assert_same_partition(connected(points), chained(points, 0.3 + 1e-9))


def assert_same_partition(a, b):
    assert len({*zip(a.tolist(), b.tolist())}) == len({*a.tolist()}) == len({*b.tolist()})


def test_objects_by_hand_the_surest_first():
    colours = np.array([[0, 0, 0, 0], [10, 20, 30, 1], [21, 20, 30, 1], [0, 0, 0, 0]])
    points = [[0, 0, 0], [5, 0, 0], [5.3, 0, 0], [0, 0, 0.31]]
    first, second, third = find_objects(sightings(points, [40, 25, 25, 9], [3, 8, 2, 5], colours))
    np.testing.assert_allclose(first.position, [5.15, 0, 0])
    np.testing.assert_allclose(first.points, points[1:3])
    assert (first.votes, first.confidence, first.last_seen, first.colour) == (50, 0.5, 8, (16, 20, 30))
    assert (second.votes, second.colour) == (40, None)
    assert (third.votes, third.last_seen) == (9, 5)
    assert len(find_objects(sightings(points), axes=2)) == 2
    assert find_objects(sightings(np.zeros((0, 3)))) == ()


def test_recall_counts_and_measures_from_the_middle():
    objects = find_objects(sightings([[0, 0, 0], [4, 0, 0], [8, 0, 0]], [3, 2, 1], [1, 2, 3]))
    query = Query(np.array([5.0, 0, 0]), 3.0, category=6)
    items = recall(objects, query, 5, 10, "here").items
    assert [item.position[0] for item in items] == [4.0, 8.0]
    assert [(item.age_steps, item.source, item.category) for item in items] == [
        (8, "here", 6),
        (7, "here", 6),
    ]
    assert len(recall(objects, query, 1, 10, "here").items) == 1
    with pytest.raises(PlacecellError, match="a k of 1 or more, got 0"):
        recall(objects, query, 0, 10, "here")
    with pytest.raises(ValueError, match="read-only"):
        items[0].points[0] = 1


def test_thinned_sums_votes_and_keeps_the_latest_step():
    indices = np.array([[1, 0, 0], [-2, 5, 0], [1, 0, 0]])
    seen = thinned(indices, np.array([2, 1, 3]), np.array([9, 4, 1]), 0.5)
    order = np.argsort(seen.points[:, 0])
    np.testing.assert_allclose(seen.points[order], [[-0.75, 2.75, 0.25], [0.75, 0.25, 0.25]])
    assert seen.votes[order].tolist() == [1, 5]
    assert seen.last_seen[order].tolist() == [4, 9]
    assert (np.diff(morton.encode(np.floor(seen.points / 0.5).astype(int))) > 0).all()


def two_boxes(step=0, labels=(4, 4), colour=9):
    """Two patches, left and right, 2 m away and about 1.2 m apart."""
    camera = Pinhole.from_hfov(30, 10, 1.4)
    image = np.zeros((10, 30), int)
    image[:, 2:9], image[:, 21:28] = labels
    depth = np.where(image > 0, 2.0, 0.0).astype(np.float32)
    rgb = np.full((10, 30, 3), colour, np.uint8)
    return Frame(Pose(1, 1, 0, 0).T_world_camera(0.9), camera, depth, rgb, image, step)


def test_a_spatial_memory_recalls_objects():
    memory = SpatialMemory(0.1, 5.0)
    memory.write(two_boxes(step=2))
    memory.write(two_boxes(step=5, labels=(4, 6), colour=19))
    memory.write(two_boxes(step=6, labels=(4, 6), colour=19))
    ask = Query(np.array([1.0, 1.0, 0.0]), 1e3, category=4)
    (left,) = memory.retrieve(ask, 5).items
    assert left.position[1] > 1.3
    np.testing.assert_allclose(left.position[0], 3.05, atol=0.11)
    assert (left.category, left.source, left.age_steps, left.colour) == (4, "octree", 0, (16, 16, 16))
    voxels = memory.octree.labelled(4)
    np.testing.assert_allclose(
        left.points[np.lexsort(left.points.T)], voxels.centres[np.lexsort(voxels.centres.T)]
    )
    assert left.score == pytest.approx(voxels.votes.sum() / (voxels.votes.sum() + 50))
    assert voxels.votes.tolist() == [3] * len(voxels)
    (right,) = memory.retrieve(Query(ask.position, 1e3, category=6), 5).items
    assert right.position[1] < 0.7
    assert right.score < left.score
    assert memory.retrieve(Query(left.position, 0.1, category=6), 5).items == ()
    place = memory.retrieve(Query(right.position, 1.0), 1).items[0]
    assert (place.category, place.points) == (6, None)


def test_a_spatial_memory_forgets_an_object_that_it_sees_through():
    memory = SpatialMemory(0.1, 5.0)
    memory.write(two_boxes())
    ask = Query(np.array([1.0, 1.0, 0.0]), 1e3, category=4)
    assert len(memory.retrieve(ask, 5).items) == 2
    frame = two_boxes(step=1)
    frame.depth[:, 21:28], frame.labels[:, 21:28] = 4.0, 0
    frame.depth[frame.depth == 0] = 4.0
    for _ in range(4):
        memory.write(frame)
    assert [item.position[1] > 1 for item in memory.retrieve(ask, 5).items] == [True]
