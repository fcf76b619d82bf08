"""The simple memories: what each keeps, what it answers, what goes first."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from hydra.utils import instantiate

from placecell.errors import ArchiveError, ConfigError, FrameError
from placecell.geometry import Pinhole, Pose, transform
from placecell.memory import Archive, FlatNeighbours, Frame, FrameList, Query, SemanticGrid, SpatialMemory
from placecell.memory.sight.intake import Intake

SIMPLE = {"frames": FrameList, "flat": FlatNeighbours, "grid": SemanticGrid}
CONF = Path(__file__).parents[2] / "conf" / "memory"
each = pytest.mark.parametrize("kind", SIMPLE.values(), ids=SIMPLE)


def two_things(step=0, labels=(4, 6), x=1.0, size=(10, 30)):
    """Two patches 2 m ahead of (x, 1), the left one at y > 1.3, the right one at y < 0.7."""
    image = np.zeros((10, 30), int)
    image[:, 2:9], image[:, 21:28] = labels
    image = np.kron(image, np.ones((size[0] // 10, size[1] // 30), int))
    depth = np.where(image > 0, 2.0, 0.0).astype(np.float32)
    pose = Pose(x, 1, 0, 0).T_world_camera(0.9)
    rgb = np.full((*size, 3), step, np.uint8)
    return Frame(pose, Pinhole.from_hfov(size[1], size[0], 1.4), depth, rgb, image, step)


def anywhere(category=None):
    return Query(np.array([1.0, 1.0, 0.9]), 1e3, category)


@each
def test_each_finds_the_thing_where_the_octree_does(kind):
    memory, ours = kind(), SpatialMemory(0.1, 10.0)
    for step in range(3):
        for each_memory in (memory, ours):
            each_memory.write(two_things(step))
    memory.begin_episode("warm")
    for category in (4, 6):
        (item,), (expected,) = (m.retrieve(anywhere(category), 5).items for m in (memory, ours))
        np.testing.assert_allclose(item.position[:2], expected.position[:2], atol=0.15)
        assert abs(item.position[2] - expected.position[2]) < (0.6 if kind is SemanticGrid else 0.1)
        assert (item.category, item.age_steps) == (category, 0)
        assert 0.5 * expected.score < item.score <= expected.score + 0.1
    assert memory.retrieve(anywhere(5), 5).items == ()
    near = Query(np.array([3.0, 1.6, 0.9]), 0.7)
    assert kind is FrameList or {item.category for item in memory.retrieve(near, 9).items} == {4}


@each
def test_two_things_of_a_category_are_two_and_ages_count_on(kind):
    memory = kind()
    memory.write(two_things(step=7, labels=(4, 4)))
    memory.begin_episode("warm")
    memory.write(two_things(step=2, labels=(4, 6)))
    new, old = memory.retrieve(anywhere(4), 5).items
    assert new.position[1] > 1.3
    assert old.position[1] < 0.7
    assert (new.age_steps, old.age_steps) == (0, 3)
    assert new.score > old.score


@each
def test_the_oldest_goes_first_and_the_cap_holds(kind):
    unbounded = kind()
    unbounded.write(two_things(0))
    room = int(unbounded.stats()["bytes"])
    memory = kind(max_bytes=2 * room)
    for step, labels in enumerate([(1, 2), (3, 4), (5, 6)]):
        memory.write(two_things(step, labels, x=3.0 * step))
        assert memory.stats()["bytes"] <= 2 * room
    found = [bool(memory.retrieve(anywhere(category), 1).items) for category in range(1, 7)]
    assert found == [False, False, True, True, True, True]
    assert memory.stats()["dropped"] == unbounded.stats()["items"]
    assert memory.stats()["items"] == 2 * unbounded.stats()["items"]
    loaded = kind(max_bytes=2 * room)
    loaded.unpack(memory.pack())
    assert loaded.stats() == memory.stats()
    memory.begin_episode("cold")
    assert memory.stats() == {"bytes": 0.0, "items": 0.0, "dropped": 0.0}


@each
def test_large_frames_are_thinned(kind):
    small, large = kind(width=30), kind(width=30)
    small.write(two_things(0))
    large.write(two_things(0, size=(50, 150)))
    (a,), (b,) = (memory.retrieve(anywhere(4), 5).items for memory in (small, large))
    np.testing.assert_allclose(a.position, b.position, atol=0.1)
    assert small.stats()["bytes"] == large.stats()["bytes"]


@each
@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"width": 0}, "a width of 1 pixel or more, got 0; set width=64"),
        ({"voxel_size_m": 0.0}, "a voxel size above 0 and finite, got 0;"),
        (
            {"max_depth_m": 0.0},
            "0 <= min_depth_m < max_depth_m, at most 1000 m, got min_depth_m 0, max_depth_m 0",
        ),
        ({"max_depth_m": 2000.0}, "at most 1000 m"),
        ({"max_bytes": 10}, "max_bytes of .* or more.*, got 10; raise max_bytes"),
    ],
)
def test_settings_that_make_no_sense(kind, settings, match):
    with pytest.raises(ConfigError, match=match):
        kind(**settings)


def test_a_grids_cells_are_no_finer_than_its_voxels():
    with pytest.raises(ConfigError, match=r"cells of 0\.1 m, the voxel size, or more, got cell_m 0\.05"):
        SemanticGrid(cell_m=0.05)


@each
def test_points_beyond_the_range_are_refused(kind):
    memory = kind()
    frame = two_things()
    frame.T_world_camera[0, 3] = 2e5
    with pytest.raises(
        FrameError, match="points within 104858 m of the origin, got a camera or a point beyond"
    ):
        memory.write(frame)
    assert memory.stats()["items"] == 0


@each
def test_a_foreign_or_damaged_archive_changes_nothing(kind):
    memory = kind()
    memory.write(two_things())
    good, before = memory.pack(), memory.stats()
    for manifest, match in (
        ({"max_bytes": 9999}, r"an archive with max_bytes 1\.67772e\+07, as this memory's, got 9999"),
        ({"width": None}, "a manifest of valid settings, got width None"),
        ({"dropped": "many"}, "a manifest of valid settings, got dropped 'many'"),
        ({"now": "late"}, "a manifest of valid settings, got now 'late'"),
    ):
        with pytest.raises(ArchiveError, match=match):
            memory.unpack(Archive(good.kind, {**good.manifest, **manifest}, good.arrays))
    for name in good.arrays:
        if name != "rgb":  # which the frames were kept without
            arrays = {other: array for other, array in good.arrays.items() if other != name}
            with pytest.raises(ArchiveError, match="expected an archive with"):
                memory.unpack(Archive(good.kind, good.manifest, arrays))
            with pytest.raises(ArchiveError, match="expected an archive with"):
                memory.unpack(Archive(good.kind, good.manifest, {**arrays, name: good.arrays[name][:-1]}))
    assert memory.stats() == before
    assert memory.retrieve(anywhere(4), 1).items


@pytest.mark.parametrize("name", SIMPLE)
def test_the_config_is_the_default(name):
    text = (CONF / f"{name}.yaml").read_text()
    memory = instantiate(yaml.safe_load(text))
    assert type(memory) is SIMPLE[name]
    assert memory.pack().manifest == SIMPLE[name]().pack().manifest
    assert {*yaml.safe_load(text)} - {"_target_"} == memory.pack().manifest.keys() - {
        "dropped",
        "now",
        "episode_start",
    }


def test_a_thinned_frame_is_what_its_camera_would_have_taken():
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.5, 3, (17, 40)).astype(np.float32)
    camera = Pinhole(40, 17, 31.0, 33.0, 19.0, 8.0)
    frame = Frame(np.eye(4), camera, depth, labels=np.arange(17 * 40).reshape(17, 40))
    small = Intake(width=14).reduced(frame)
    assert (small.camera.width, small.camera.height) == (13, 6)
    every = camera.backproject(depth).reshape(-1, 3)
    picked = small.camera.backproject(small.depth).reshape(-1, 3)
    np.testing.assert_allclose(picked, every[small.labels.ravel()], atol=1e-12)
    assert Intake(width=40).reduced(frame).camera == camera
    line = Frame(np.eye(4), Pinhole(40, 1, 31.0, 33.0, 19.0, 0.5), depth[:1])
    assert Intake(width=2).reduced(line).depth.shape == (1, 2)


def test_a_surface_is_each_voxel_once_a_label():
    camera = Pinhole(4, 1, 1e4, 1e4, 2.0, 0.5)
    depth, labels = np.array([[0.55, 0.55, 0.55, 3.0]], np.float32), np.array([[2, 0, 2, 2]])
    frame = Frame(Pose(0.0, 0.05, 0, 0).T_world_camera(0.05), camera, depth, labels=labels)
    surface = Intake(max_depth_m=2.0).surface(frame)
    assert surface.indices.tolist() == [[5, 0, 0], [5, 0, 0]]
    assert surface.labels.tolist() == [0, 2]
    np.testing.assert_allclose(surface.tops, 0.05)
    assert Intake(max_depth_m=2.0).surface(frame, 2).labels.tolist() == [2]
    assert len(Intake(min_depth_m=1.0, max_depth_m=2.0).surface(frame).labels) == 0


def test_a_list_gives_its_frames_back():
    memory = FrameList(max_depth_m=1.5, colour=True)
    memory.begin_episode("warm")
    memory.write(two_things(step=3))
    memory.begin_episode("warm")
    memory.write(replace(two_things(step=0), rgb=None, labels=None))
    copy = FrameList(max_depth_m=1.5, colour=True)
    copy.unpack(memory.pack())
    for kept in (memory, copy):
        first, second = kept.frames()
        original = two_things(step=3)
        np.testing.assert_array_equal(first.labels, original.labels)
        np.testing.assert_array_equal(first.rgb, original.rgb)
        np.testing.assert_array_equal(first.depth, np.minimum(original.depth, 1.5))
        np.testing.assert_array_equal(first.T_world_camera, original.T_world_camera)
        assert first.camera == original.camera
        assert (first.step, second.step) == (3, 4)
        assert second.rgb is None
        assert second.labels is None
        assert kept.retrieve(anywhere(4), 1).items == ()  # all of it lies at the end of the range


def test_a_lists_frames_make_the_octree_that_they_would_have_made():
    memory, direct, again = FrameList(), SpatialMemory(0.1, 10.0), SpatialMemory(0.1, 10.0)
    for step in range(3):
        memory.write(two_things(step, x=1 + 0.2 * step))
        direct.write(replace(two_things(step, x=1 + 0.2 * step), rgb=None))
    for frame in memory.frames():
        again.write(frame)
    before, after = direct.pack().arrays, again.pack().arrays
    assert all((before[name] == after[name]).all() for name in before)


def test_bytes_of_a_list_by_hand():
    pose = 16 * 8 + 6 * 8 + 8
    for labels, colour, expected in (
        ((4, 6), False, 300 * 3 + pose),
        ((4, 600), False, 300 * 4 + pose),
        ((4, 6), True, 300 * 6 + pose),
    ):
        memory = FrameList(colour=colour)
        memory.write(two_things(labels=labels))
        assert memory.stats()["bytes"] == expected


def test_a_frame_that_no_list_can_hold_is_refused():
    memory = FrameList(max_bytes=600)
    with pytest.raises(
        FrameError, match=r"a frame of at most 600 bytes.* got 1084 bytes for one reduced frame; raise"
    ):
        memory.write(two_things())
    assert memory.stats()["items"] == 0


def test_a_list_recalls_the_frames_taken_nearest():
    memory = FrameList()
    for step in range(4):
        memory.write(two_things(step, x=float(step)))
    items = memory.retrieve(Query(np.array([2.1, 1.0, 0.9]), 1.15), 2).items
    np.testing.assert_allclose([item.position for item in items], [[2, 1, 0.9], [3, 1, 0.9]])
    assert [item.score for item in items] == pytest.approx([1 - 0.1 / 1.15, 1 - 0.9 / 1.15])
    assert [item.age_steps for item in items] == [1, 0]


def test_a_flat_row_is_a_patch_and_its_middle():
    memory, frame = FlatNeighbours(), two_things()
    memory.write(frame)
    rows = memory.pack().arrays
    assert rows["label"].tolist() == [4, 6]
    assert rows["step"].tolist() == [0, 0]
    local = frame.camera.backproject(frame.depth)
    for n, label in enumerate((4, 6)):
        points = transform(frame.T_world_camera, local[frame.labels == label])
        voxels = np.unique(np.floor(points / 0.1).astype(int), axis=0)
        assert rows["count"][n] == len(voxels)
        np.testing.assert_allclose(rows["position"][n], ((voxels + 0.5) * 0.1).mean(0), atol=1e-6)
    memory.write(replace(frame, labels=None))
    assert memory.pack().arrays["label"].tolist() == [4, 6, 0, 0]
    assert memory.stats() == {"bytes": 80.0, "items": 4.0, "dropped": 0.0}


def test_a_grids_cell_by_hand():
    camera = Pinhole(1, 3, 10.0, 10.0, 0.5, 1.5)  # three pixels, one over the other
    frame = Frame(
        Pose(0, 0.05, 0, 0).T_world_camera(1.0),
        camera,
        np.full((3, 1), 1.5, np.float32),
        labels=np.array([[9], [9], [5]]),
        step=2,
    )
    memory = SemanticGrid(cell_m=0.25)
    for _ in range(2):
        memory.write(frame)
    (upper,), (lower,) = (memory.retrieve(anywhere(category), 3).items for category in (9, 5))
    np.testing.assert_allclose(upper.position, [1.625, 0.125, 1.15], atol=1e-6)
    np.testing.assert_allclose(lower.position, [1.625, 0.125, 0.85], atol=1e-6)
    assert memory.pack().arrays["votes"].tolist() == [2, 4]
    assert upper.score == pytest.approx(4 / 54)
    memory.forget_labels()
    (cell,) = memory.retrieve(anywhere(), 9).items
    np.testing.assert_allclose(cell.position, [1.625, 0.125, 1.15], atol=1e-6)
    assert memory.pack().arrays["votes"].tolist() == [6]


def test_a_grid_tells_negative_cells_and_large_labels_apart():
    memory = SemanticGrid()
    for x in (-7.0, 7.0):
        memory.write(two_things(labels=(65535, 65534), x=x))
    for label, left in ((65535, True), (65534, False)):
        items = memory.retrieve(anywhere(label), 9).items
        assert sorted(round(item.position[0]) for item in items) == [-5, 9]
        assert all((item.position[1] > 1) == left for item in items)
