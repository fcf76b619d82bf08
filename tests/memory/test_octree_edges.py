"""Where the range of a map, of its counts and of its settings ends; and that leaves are met again."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from placecell.errors import ArchiveError, FrameError
from placecell.geometry import Pinhole, Pose
from placecell.memory import OCCUPIED, Frame, SparseOctree, morton
from placecell.memory.torch_octree import TorchOctree

_spec = importlib.util.spec_from_file_location("plain_map", Path(__file__).with_name("plain_map.py"))
plain = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(plain)

both = pytest.mark.parametrize("kind", [SparseOctree, TorchOctree])
SEEN = np.array([[5, 0, 0]])
LAST = morton.SIGN_OFFSET - 2
"""The outermost voxel index that frames and scans may reach, either way."""


def assert_refused(octree, act, match):
    before, clock = octree.pack(), octree.growth().clock
    with pytest.raises(FrameError, match=match) as error:
        act()
    assert "\n" not in str(error.value)
    assert all(np.array_equal(before[name], array) for name, array in octree.pack().items())
    assert octree.growth(clock).empty


def two_rays(x, depths):
    """Two pixels side by side, left and right of the x axis, that end at depths of their own."""
    camera = Pinhole(2, 1, 1.0, 1.0, 1.0, 0.5)
    return Frame(Pose(x, 0.05, 0.0, 0.0).T_world_camera(0.05), camera, np.array([depths], np.float32))


@both
@pytest.mark.parametrize("size", [0.1, 0.5])
def test_points_at_the_edge_of_the_range_stay_where_they_are(kind, size):
    corners = np.array([[x, y, z] for z in (-LAST, LAST) for y in (-LAST, LAST) for x in (-LAST, LAST)])
    octree = kind(size)
    octree.insert_points((corners + 0.5) * size)
    assert octree.occupied().tolist() == corners.tolist()
    assert [b.tolist() for b in octree.bounds()] == [[-LAST] * 3, [LAST + 1] * 3]
    assert (octree.find((corners + 0.5) * size) >= 0).all()


@both
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("sign", [-1, 1])
def test_what_lies_beyond_is_refused_whole_and_never_moved_to_the_wall(kind, axis, sign):
    octree, points = kind(0.1), np.random.default_rng(0).uniform(-2, 2, (50, 3))
    octree.insert_points(np.zeros((1, 3)))
    points[33, axis] = sign * (LAST + 1.5) * 0.1
    assert_refused(octree, lambda: octree.insert_points(points), "points within 104858 m of the origin")
    assert_refused(octree, lambda: octree.insert_points(points[:3], points[33]), "points within 104858 m")
    wall = np.clip(points[33:34], -LAST * 0.1, LAST * 0.1)
    assert octree.state(wall).tolist() == octree.state(points[33:34]).tolist() == [0]


@both
def test_a_frame_half_outside_is_refused_whole(kind):
    octree, x = kind(0.1), 104_850.0
    octree.insert(two_rays(x, [3.0, 3.0]), 100.0)
    assert len(octree) == 2
    text = "points within 104858 m of the origin, got a camera or a point beyond"
    assert_refused(octree, lambda: octree.insert(two_rays(x, [50.0, 3.0]), 100.0), text)
    # A pixel beyond the depth limit ends there.
    octree.insert(two_rays(x, [50.0, 3.0]), 5.0)
    # A camera outside that looks inwards: every point is inside.
    turned = Pose(104_858.0, 0.05, 0.0, np.pi).T_world_camera(0.05)
    camera = Pinhole(1, 1, 100.0, 100.0, 0.5, 0.5)
    inwards = Frame(turned, camera, np.full((1, 1), 40.0, np.float32))
    assert_refused(octree, lambda: octree.insert(inwards, 100.0), text)


@both
@pytest.mark.parametrize(
    ("least", "most"), [(0.0, float("nan")), (float("nan"), 3.0), (0.0, 0.0), (0.0, -1.0), (3.0, 3.0)]
)
def test_depth_limits_that_leave_nothing_are_refused(kind, least, most):
    octree = kind(0.1)
    text = f"max_depth_m above 0 and above min_depth_m, got min_depth_m {least:g} and max_depth_m {most:g}"
    assert_refused(octree, lambda: octree.insert(plain.random_frame(1), most, least), text)


@both
def test_without_a_depth_limit_all_returns_are_surfaces(kind):
    octree = kind(0.1)
    octree.insert(plain.looking_east(80.0), float("inf"))
    assert octree.occupied().tolist() == [[800, 0, 0]]


@both
def test_the_maps_clock_ends_at_two_to_the_thirtieth(kind):
    octree, frame = kind(0.1), plain.looking_east(0.5, step=7)
    octree.insert(frame, 3.0, step_offset=(1 << 30) - 8)
    assert octree.read(SEEN).last_seen.tolist() == [(1 << 30) - 1]
    for offset, came in (((1 << 30) - 7, 1 << 30), (-8, -1)):
        assert_refused(
            octree,
            lambda offset=offset: octree.insert(frame, 3.0, step_offset=offset),
            rf"a step from 0 to 2\*\*30, got {came}",
        )


@both
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_features_whose_sums_are_not_finite_are_refused(kind, dtype):
    octree, frame = kind(0.1, 2, dtype), plain.random_frame(1)
    for value in (9e37, -1e31, 1e300):
        large = replace(frame, features=np.full((2, 2, 2), value, np.float64 if value > 1e38 else np.float32))
        assert_refused(octree, lambda large=large: octree.insert(large, 3.0), "got a larger one; normalise")
    for _ in range(3):
        octree.insert(replace(frame, features=np.full((2, 2, 2), 9e29, np.float32)), 3.0)
    octree.unpack(octree.pack())
    assert np.isfinite(octree.read(octree.occupied()).features).all()


def grown_to(kind, **counts):
    """A map of one voxel that has been seen so often."""
    octree = kind(0.1)
    octree.insert(plain.looking_east(0.5, rgb=np.full((1, 1, 3), 200, np.uint8), label=3), 5.0)
    arrays = octree.pack()
    for name, value in counts.items():
        arrays[name] = np.full_like(arrays[name], value)
    octree.unpack(arrays)
    return octree


@both
def test_counts_saturate_and_never_start_again(kind):
    octree = grown_to(kind, hits=(1 << 32) - 2, offset=255 << 24, colour=[[1 << 24, 2 << 24, 0, 1 << 24]])
    before, sums = octree.read(SEEN), octree.pack()["colour"].tolist()
    for _ in range(4):
        octree.insert(plain.looking_east(0.53, rgb=np.full((1, 1, 3), 99, np.uint8), label=3), 5.0)
    after = octree.read(SEEN)
    assert after.hits.tolist() == [(1 << 32) - 1]
    assert after.points.tolist() == before.points.tolist()
    assert after.colours.tolist() == before.colours.tolist() == [[1, 2, 0]]
    assert octree.pack()["colour"].tolist() == sums
    octree.unpack(octree.pack())


@both
def test_evidence_and_votes_stay_within_what_an_archive_may_hold(kind):
    octree = kind(0.1)
    for depth in (0.5, 0.9):
        for _ in range(40):
            octree.insert(plain.looking_east(depth, label=65535), 5.0)
        arrays = octree.pack()
        octree.unpack(arrays)
        assert (arrays["evidence"].min(), arrays["evidence"].max()) == ((9, 9) if depth == 0.5 else (-2, 9))
        assert (arrays["cells"].min(), arrays["votes"].max(), arrays["label"].max()) == (-2, 30, 65535)


@both
def test_a_map_of_nothing_is_an_archive_too(kind):
    octree, arrays = kind(0.1), kind(0.1).pack()
    assert {name: len(array) for name, array in arrays.items() if name != "version"} == dict.fromkeys(
        arrays.keys() - {"version"}, 0
    )
    octree.insert(plain.looking_east(0.5), 5.0)
    octree.unpack(arrays)
    assert (len(octree), octree.bounds()[1].tolist()) == (0, [0, 0, 0])
    octree.insert(plain.looking_east(0.5), 5.0)
    assert octree.occupied().tolist() == SEEN.tolist()


@both
@pytest.mark.parametrize("version", [np.zeros((2, 3), int), np.zeros(0), np.array(2), np.array(["two"])])
def test_a_version_that_is_none_is_refused(kind, version):
    octree = kind(0.1)
    with pytest.raises(ArchiveError, match=r"voxels of version 2 or before, got version \["):
        octree.unpack({**octree.pack(), "version": version})


def seen_again(rng, noise_m):
    """A wall 2 m away, from a pose and with a depth that are a little different each time."""
    camera, offset = Pinhole.from_hfov(64, 48, 1.2), rng.normal(0, noise_m, 3)
    depth = 2.05 - offset[0] + rng.normal(0, noise_m, (48, 64))
    pose = Pose(offset[0], offset[1], 0.0, 0.0).T_world_camera(1.0 + offset[2])
    return Frame(pose, camera, depth.astype(np.float32))


@both
def test_a_revisit_hits_the_same_leaves(kind):
    rng, octree = np.random.default_rng(0), kind()
    octree.insert(seen_again(rng, 0.01), 5.0)
    first = octree.occupied()
    for _ in range(20):
        octree.insert(seen_again(rng, 0.01), 5.0)
    hit = octree.read(first).hits > 21 * 0.5 * 48 * 64 / len(first) * 0.5
    assert octree.voxel_size_m == 0.1
    assert hit.mean() > 0.9
    assert len(octree) < 1.3 * len(first)


@both
def test_a_map_of_a_place_does_not_grow_with_what_is_written(kind):
    octree, sizes = kind(0.1), []
    for n in range(60):
        frame = plain.random_frame(n % 5, step=n, far=1.5, labels=True)
        deeper = replace(frame, depth=frame.depth + np.float32(1) * (frame.depth > 0))
        octree.insert(deeper if n % 2 else frame, 5.0)
        octree.decay(n - 10)
        octree.prune()
        sizes.append(octree.nbytes)
    assert max(sizes[30:]) <= 1.05 * max(sizes[:30])
    assert (octree.state(octree.centre_of(octree.occupied())) == OCCUPIED).all()
