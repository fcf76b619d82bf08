import numpy as np
import pytest

from placecell.errors import FrameError
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame, morton
from placecell.memory.recall.objects import connected
from placecell.memory.sight.intake import Intake
from placecell.memory.sight.patch_kernel import group_patches
from placecell.memory.sight.seen import NO_SPREADS, Spreads, exits_of, seen_in
from placecell.memory.sight.sightings import frame_patches, patches_of, sightings_of

INTAKE = Intake(64, 0.1, 10.0)


def room(labels=(4, 6), depth_m=2.0, size=(10, 30), **more):
    """Two patches ahead of (1, 1), the left one of the first label."""
    image = np.zeros((10, 30), int)
    image[:, 2:9], image[:, 21:28] = labels
    image = np.kron(image, np.ones((size[0] // 10, size[1] // 30), int))
    depth = np.where(image > 0, depth_m, 0.0).astype(np.float32)
    pose = Pose(1, 1, 0, 0).T_world_camera(0.9)
    return Frame(pose, Pinhole.from_hfov(size[1], size[0], 1.4), depth, None, image, **more)


@pytest.mark.parametrize("gap", [0.1, 0.3, 0.55])
@pytest.mark.parametrize("spread", [4, 12, 40])
def test_patches_are_the_connected_components_of_each_label(gap, spread):
    rng = np.random.default_rng(spread)
    keys = np.unique(morton.encode(rng.integers(-spread, spread, (400, 3))))
    indices, labels = morton.decode(keys), rng.integers(0, 3, len(keys))
    numbers, count = group_patches(indices, labels, gap * (1 + 1e-9) / 0.1)
    plain = connected(np.column_stack([(indices + 0.5) * 0.1, labels * 2.0]), gap)
    np.testing.assert_array_equal(numbers, plain)
    assert count == plain.max() + 1


def test_a_sighting_is_a_patch_of_one_label_with_its_voxels():
    surface = INTAKE.surface(INTAKE.reduced(room()))
    left, right = sightings_of(room(), INTAKE)
    assert (left.label, right.label) == (4, 6)
    assert left.position[1] > 1.3 > 0.7 > right.position[1]
    for sighting in (left, right):
        assert sighting.count == len(sighting.voxel_keys)
        assert (np.diff(sighting.voxel_keys) > 0).all()
        centres = (morton.decode(sighting.voxel_keys) + 0.5) * 0.1
        np.testing.assert_allclose(centres.mean(0), sighting.position)
        assert sighting.embedding is None
    assert left.count + right.count == len(surface.indices)


@pytest.mark.parametrize("coarse", [0.1, 0.5])
def test_a_look_sees_what_reducing_surfacing_and_grouping_give(coarse):
    """The compiled path against the plain one, to the bit: order, keys, means and pixels."""
    rng = np.random.default_rng(7)
    image = np.kron(rng.integers(0, 4, (20, 30)), np.ones((10, 10), int))
    depth = np.kron(rng.uniform(0.2, 12.0, (10, 15)), np.ones((20, 20))).astype(np.float32)
    depth[::7] = 0.0
    pose, camera = Pose(-3, 0.7, 0, 2.0).T_world_camera(0.9), Pinhole.from_hfov(300, 200, 1.4)
    frame = Frame(pose, camera, depth, None, image, features=np.ones((2, 3, 2), np.float32))
    intake = Intake(64, coarse, 10.0, 0.4)
    surface = intake.surface(intake.reduced(frame))
    plain = patches_of(surface, coarse, max(0.3, 1.75 * coarse))
    seen = frame_patches(frame, intake)
    assert seen.labels == plain.labels.tolist()
    np.testing.assert_array_equal(seen.means, plain.positions)
    keys = morton.encode(surface.indices)
    for n in range(len(seen)):
        np.testing.assert_array_equal(seen.sighting(n).voxel_keys, keys[plain.numbers == n])
        points = (surface.indices[plain.numbers == n] + 0.5) * coarse
        np.testing.assert_array_equal(seen.sighting(n).points, points)
        assert seen.widths_m[n] == np.ptp(points, axis=0).max()
        np.testing.assert_allclose(seen.embeddings[n], [1.0, 1.0], rtol=1e-6)


def test_points_beyond_the_range_of_voxels_are_refused_and_those_of_no_return_do_not_count():
    far = room()
    far.T_world_camera[0, 3] = 0.1 * (1 << 20) - 2.05
    with pytest.raises(FrameError, match=r"points within 104858 m of the origin, got a camera or a point"):
        sightings_of(far, INTAKE)
    far.depth[:] = 0.0
    assert sightings_of(far, INTAKE) == ()


def test_two_patches_of_one_label_that_do_not_touch_are_two_sightings():
    assert [s.label for s in sightings_of(room((4, 4)), INTAKE)] == [4, 4]


def test_a_frame_without_labels_or_without_returns():
    frame = room()
    bare = Frame(frame.T_world_camera, frame.camera, frame.depth)
    assert {s.label for s in sightings_of(bare, INTAKE)} == {0}
    assert sightings_of(Frame(frame.T_world_camera, frame.camera, frame.depth * 0), INTAKE) == ()
    assert len(patches_of(INTAKE.surface(bare), 0.1).counts) == 2


def test_a_patch_has_the_mean_of_its_pixels_features():
    """Patches of the image that each carry their number: the left label covers columns 2 to 8 of 30."""
    features = np.arange(3, dtype=np.float32).reshape(1, 3, 1) @ np.ones((1, 2), np.float32)
    left, right = sightings_of(room(features=features, embedding=np.ones(2)), INTAKE)
    np.testing.assert_allclose(left.embedding, [0.0, 0.0])
    np.testing.assert_allclose(right.embedding, [2.0, 2.0])
    wide = np.arange(30, dtype=np.float32).reshape(1, 30, 1)
    left, _ = sightings_of(room(features=wide), INTAKE)
    np.testing.assert_allclose(left.embedding, [np.mean(np.arange(2, 9))])
    thinned = Intake(15, 0.1, 10.0)  # every second pixel, from the second on
    left, _ = sightings_of(room(features=wide), thinned)
    np.testing.assert_allclose(left.embedding, [np.mean([3, 5, 7])])


def test_without_patch_features_it_has_the_frames_embedding():
    left, right = sightings_of(room(embedding=np.arange(3.0)), INTAKE)
    assert left.embedding.dtype == np.float32
    np.testing.assert_array_equal(left.embedding, right.embedding)


def test_what_no_memory_takes_is_refused():
    bad = room()
    bad.depth[0, 0] = np.nan
    with pytest.raises(FrameError, match="depth in metres, finite"):
        sightings_of(bad, INTAKE)
    bad = room()
    bad.labels[0, 0] = 1 << 16
    with pytest.raises(FrameError, match="labels from 0"):
        sightings_of(bad, INTAKE)


def test_a_label_that_spreads_is_no_thing():
    near, wide = room(), room(depth_m=9.0, size=(20, 60))  # patches 3.5 m wide
    assert [thing.label for thing in seen_in(near, INTAKE).things] == [4, 6]
    spreads = NO_SPREADS
    for _ in range(9):
        spreads = seen_in(near, INTAKE, spreads).spreads
    seen = seen_in(wide, INTAKE, spreads)
    assert len(seen.things) == 2  # once in ten frames is no rule
    for _ in range(3):
        seen = seen_in(wide, INTAKE, seen.spreads)
    assert not seen.things
    assert seen.spreads.surrounds(4)
    assert Spreads.read({"s": seen.spreads.array()}, "s") == seen.spreads


def test_exits_lie_where_the_view_is_clear():
    frame = room()
    depth = np.full((10, 30), 5.0, np.float32)
    depth[:, :15] = 1.0
    exits = exits_of(Frame(frame.T_world_camera, frame.camera, depth))
    assert len(exits) == 2
    assert (exits[:, 1] < 1).all()  # to the right
    np.testing.assert_allclose(np.linalg.norm(exits - [1, 1, 0.9], axis=1), 2.0)
    np.testing.assert_allclose(exits[:, 2], 0.9)
    assert len(exits_of(Frame(frame.T_world_camera, frame.camera, depth * 0))) == 0
