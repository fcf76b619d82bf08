import importlib.util
from pathlib import Path

import numpy as np
import pytest

from placecell.errors import ConfigError, FrameError
from placecell.geometry import Pinhole, Pose
from placecell.memory import FREE, OCCUPIED, UNKNOWN, Frame, SparseOctree

_spec = importlib.util.spec_from_file_location("plain_map", Path(__file__).with_name("plain_map.py"))
plain = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(plain)


def along_x(octree, count):
    return octree.states_in_box(np.array([0, 0, 0]), np.array([count, 1, 1]))[:, 0, 0].tolist()


def assert_same(octree, reference, agent=0):
    """Every voxel that the reference knows, and all others in a box around them, are the same."""
    known = np.array(sorted(reference.evidence))
    lower, upper = octree.bounds(agent=agent)
    assert lower.tolist() == known.min(0).tolist()
    assert upper.tolist() == (known.max(0) + 1).tolist()
    everywhere = np.stack(np.meshgrid(*map(np.arange, lower - 1, upper + 1), indexing="ij"), -1)
    states = octree.states_in_box(lower - 1, upper + 1, agent=agent)
    evidence = [reference.evidence.get(tuple(v), 0) for v in everywhere.reshape(-1, 3).tolist()]
    expected = np.select([np.array(evidence) > 0, np.array(evidence) < 0], [OCCUPIED, FREE], UNKNOWN)
    assert (states.ravel() == expected).all()
    assert_same_payload(octree, reference, everywhere.reshape(-1, 3), agent)


def assert_same_payload(octree, reference, indices, agent=0):
    """What is held of these voxels is the same."""
    voxels = octree.read(indices, agent=agent)
    keys = [tuple(v) for v in indices.tolist()]
    assert voxels.hits.tolist() == [reference.hits.get(k, 0) for k in keys]
    assert voxels.last_seen.tolist() == [reference.last_seen.get(k, -1) for k in keys]
    np.testing.assert_allclose(voxels.points, [reference.mean_point(k) for k in keys], atol=1e-9)
    for n in np.flatnonzero(voxels.coloured):
        mean = np.mean(reference.colours[keys[n]], 0)
        assert np.abs(voxels.colours[n] - mean).max() <= 0.5
    assert voxels.coloured.sum() == len(reference.colours)


def test_one_ray_by_hand():
    octree = SparseOctree(0.1)
    octree.insert(plain.looking_east(0.5), max_depth_m=5.0)
    assert along_x(octree, 8) == [FREE] * 5 + [OCCUPIED] + [UNKNOWN] * 2
    assert octree.occupied().tolist() == [[5, 0, 0]]
    assert len(octree) == 1
    assert octree.bounds()[1].tolist() == [6, 1, 1]
    assert octree.state(np.array([[0.55, 0.05, 0.05], [0.25, 0.05, 0.05], [0.65, 0, 0]])).tolist() == [
        2,
        1,
        0,
    ]


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (0.0, [UNKNOWN] * 6),
        (0.2, [UNKNOWN] * 6),
        (0.3, [UNKNOWN] * 6),
        (0.38, [FREE] * 4 + [OCCUPIED, UNKNOWN]),
        (0.42, [FREE] * 5 + [UNKNOWN]),
        (9.0, [FREE] * 5 + [UNKNOWN]),
    ],
    ids=["no return", "too near", "just too near", "hit", "at the limit", "beyond"],
)
def test_depth_limits(depth, expected):
    octree = SparseOctree(0.1)
    octree.insert(
        plain.looking_east(depth), max_depth_m=float(np.float32(0.42)), min_depth_m=float(np.float32(0.3))
    )
    assert along_x(octree, 6) == expected


def test_what_is_seen_through_becomes_free_again_and_what_appears_is_occupied_at_once():
    octree = SparseOctree(0.1)
    octree.insert(plain.looking_east(0.5), 5.0)
    for _ in range(3):
        assert along_x(octree, 6)[5] == OCCUPIED
        octree.insert(plain.looking_east(0.9), 5.0)
    assert along_x(octree, 10) == [FREE] * 9 + [OCCUPIED]
    for _ in range(50):
        octree.insert(plain.looking_east(0.9), 5.0)
    octree.insert(plain.looking_east(0.5), 5.0)
    assert along_x(octree, 6)[5] == OCCUPIED
    for _ in range(50):
        octree.insert(plain.looking_east(0.5), 5.0)
    for _ in range(9):
        assert along_x(octree, 6)[5] == OCCUPIED
        octree.insert(plain.looking_east(0.9), 5.0)
    assert along_x(octree, 6)[5] == FREE


def test_within_a_frame_occupied_wins():
    camera = Pinhole(2, 1, 400.0, 400.0, 1.0, 0.5)
    depth = np.array([[0.5, 0.9]], np.float32)  # the second ray passes the voxel that the first one hits
    octree = SparseOctree(0.1)
    octree.insert(Frame(Pose(0.05, 0.05, 0, 0).T_world_camera(0.05), camera, depth), 5.0)
    assert along_x(octree, 10) == [FREE] * 5 + [OCCUPIED] + [FREE] * 3 + [OCCUPIED]


def wall_frame(x, camera, wall_y=1.02, far_x=30.0, height=0.9):
    """From (x, 0) looking east along a wall at y = wall_y, without floor or ceiling."""
    T = Pose(x, 0.0, 0.0, 0.0).T_world_camera(height)
    rays = camera.rays() @ T[:3, :3].T
    with np.errstate(divide="ignore"):
        to_wall = np.where(rays[..., 1] > 0, wall_y / rays[..., 1], np.inf)
    return Frame(T, camera, np.minimum(to_wall, far_x).astype(np.float32))


def test_grazing_rays_do_not_wear_a_wall_down():
    camera, octree = Pinhole.from_hfov(64, 48, 1.4), SparseOctree(0.1)
    surface = 10  # rays pass through the part of its voxels that lies in front of the wall
    for wall_y in (1.05, 1.08):
        octree.clear()
        octree.insert(wall_frame(0.0, camera, wall_y), 6.0)
        standing = octree.occupied()
        assert (standing[:, 1] == surface).all()
        for x in np.linspace(0.0, -4.0, 60):
            octree.insert(wall_frame(float(x), camera, wall_y), 6.0)
        alone = SparseOctree(0.1)  # rays of one frame do pass through voxels that another one hits
        alone.insert(wall_frame(-4.0, camera, wall_y), 6.0)
        assert (alone.state(alone.centre_of(standing)) == FREE).sum() > 20
        assert (octree.state(octree.centre_of(standing)) == OCCUPIED).mean() > 0.98


def test_it_equals_the_plain_map():
    octree, reference = SparseOctree(0.1), plain.PlainMap(0.1)
    for step in range(12):
        frame = plain.random_frame(step, step=12 - step, colour=step != 2)
        octree.insert(frame, 2.5, 0.3)
        reference.insert(frame, 2.5, 0.3)
    # Also what was hit and seen through since.
    assert min(reference.evidence[voxel] for voxel in reference.hits) < 0
    assert_same(octree, reference)


def test_surfaces_alone_equal_the_plain_map_without_free_space():
    octree, reference = SparseOctree(0.1), plain.PlainMap(0.1)
    for step in range(4):
        frame = plain.random_frame(step, step=step)
        octree.insert(frame, 2.5, carve=False)
        reference.insert(frame, 2.5, carve=False)
    assert_same(octree, reference)


def test_it_equals_the_plain_map_when_every_table_has_to_grow():
    octree, reference = SparseOctree(0.05), plain.PlainMap(0.05)
    for seed in (5, 6):
        frame = plain.random_frame(seed, far=40.0, size=(12, 16))
        octree.insert(frame, 30.0)
        reference.insert(frame, 30.0)
    known = np.array([*reference.evidence])
    assert len(np.unique(known >> 3, axis=0)) > 1500
    assert_same_payload(octree, reference, known)
    states = octree.state(octree.centre_of(known))
    assert (states == np.where(np.array([*reference.evidence.values()]) > 0, OCCUPIED, FREE)).all()
    lower, upper = octree.bounds()
    assert (lower.tolist(), upper.tolist()) == (known.min(0).tolist(), (known.max(0) + 1).tolist())


def test_the_order_of_frames_changes_no_count():
    frames = [plain.random_frame(seed, step=seed) for seed in range(6)]
    maps = []
    for order in (range(6), [3, 1, 5, 0, 4, 2]):
        octree = SparseOctree(0.1)
        for n in order:
            octree.insert(frames[n], 3.0)
        maps.append(octree.pack())
    for name in ("keys", "hits", "offset", "colour", "last_hit"):
        np.testing.assert_array_equal(maps[0][name], maps[1][name])
    np.testing.assert_array_equal(maps[0]["cells"] != 0, maps[1]["cells"] != 0)


def test_far_from_the_origin_and_negative():
    octree = SparseOctree(0.1)
    for x in (-90_000.0, 90_000.0):
        octree.insert(plain.looking_east(0.5, x=x + 0.05), 5.0)
    indices = octree.occupied()
    assert sorted(indices[:, 0].tolist()) == [-899_995, 900_005]
    assert octree.states_in_box(np.array([-899_996, 0, 0]), np.array([-899_994, 1, 1])).ravel().tolist() == [
        1,
        2,
    ]


def test_up_to_the_last_voxel_but_one():
    octree = SparseOctree(0.1)
    octree.insert(plain.looking_east(0.5, x=104_856.05), 5.0)
    assert octree.occupied().tolist() == [[1_048_565, 0, 0]]


def test_a_refused_frame_leaves_the_map_as_it_was():
    octree = SparseOctree(0.1)
    octree.insert(plain.random_frame(1), 3.0)
    before = octree.pack()
    broken = plain.random_frame(2)
    broken.depth[8, 11] = np.nan
    with pytest.raises(FrameError, match="a NaN, infinite or negative pixel; set invalid pixels to 0"):
        octree.insert(broken, 3.0)
    with pytest.raises(
        FrameError, match="points within 104858 m of the origin, got a camera or a point beyond"
    ):
        octree.insert(plain.looking_east(0.5, x=2e5), 3.0)
    with pytest.raises(FrameError, match="points within 104858 m"):
        octree.insert(plain.looking_east(50.0, x=104_850.0), 100.0)
    after = octree.pack()
    assert all((before[name] == after[name]).all() for name in before)


def test_an_empty_map_and_a_cleared_one():
    octree = SparseOctree(0.1)
    for _ in range(2):
        assert len(octree) == 0
        assert octree.occupied().shape == (0, 3)
        assert [b.tolist() for b in octree.bounds()] == [[0, 0, 0], [0, 0, 0]]
        assert not octree.states_in_box(np.array([-3, -3, -3]), np.array([3, 3, 3])).any()
        assert len(octree.nearest(np.zeros(3), 3, 5.0)[0]) == 0
        octree.insert(plain.random_frame(1), 3.0)
        assert len(octree) > 0
        octree.clear()


def test_the_voxel_size_must_be_positive():
    for size in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match=f"a voxel size above 0 and finite, got {size:g}"):
            SparseOctree(size)


def test_a_depth_of_minus_zero_is_no_return():
    octree = SparseOctree(0.1)
    octree.insert(plain.looking_east(-0.0), 5.0)
    assert octree.bounds()[1].tolist() == [0, 0, 0]
    frame = plain.random_frame(1)
    frame.depth[0, 0] = -1e-9
    with pytest.raises(FrameError, match="a NaN, infinite or negative pixel"):
        octree.insert(frame, 5.0)
