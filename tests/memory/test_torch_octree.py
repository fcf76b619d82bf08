"""The torch map holds what the compiled one holds, after the same frames."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from placecell.errors import ConfigError, FrameError, PlacecellError
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame
from placecell.memory.on_torch import rays as torch_rays
from placecell.memory.on_torch import view as torch_view
from placecell.memory.torch_octree import TorchOctree

_spec = importlib.util.spec_from_file_location("torch_pair", Path(__file__).with_name("torch_pair.py"))
torch_pair = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(torch_pair)
plain, pair, frames = torch_pair.plain, torch_pair.pair, torch_pair.frames
assert_same_map = torch_pair.assert_same_map

on_devices = pytest.mark.parametrize("device", torch_pair.DEVICES)
with_dtypes = pytest.mark.parametrize("dtype", torch_pair.DTYPES)
LIMITS = ((2.5, 0.3), (9.0, 0.0), (2.0, -1.0), (0.8, 0.1))


def both(maps, act):
    return [act(octree) for octree in maps]


def insert(maps, many, **how):
    for n, frame in enumerate(many):
        for octree in maps:
            octree.insert(frame, *LIMITS[n % 4], **how)


@on_devices
@with_dtypes
@pytest.mark.parametrize("size", [0.05, 0.1, 0.37])
def test_a_map_of_many_frames(device, dtype, size):
    maps = pair(size, 5, dtype, device)
    insert(maps, frames(8, 5, size=(24, 31), far=2.5))
    insert(maps, frames(4, 5, first=8, size=(13, 9)), carve=False)
    insert(maps, frames(4, 0, first=12, size=(13, 9)))
    assert len(maps[0]) > 300
    assert_same_map(*maps, features=torch_pair.FEATURES[dtype])


@on_devices
@pytest.mark.parametrize("size", [0.1, 0.06])
def test_what_is_seen_through_and_what_rays_only_graze(device, size):
    camera, maps = Pinhole.from_hfov(64, 48, 1.4), pair(size, device=device)
    wall = np.zeros((48, 64), np.float32)
    for n, x in enumerate(np.linspace(0.0, -3.0, 12)):
        T = Pose(float(x), 0.0, 0.0, 0.02 * n).T_world_camera(0.9)
        side = (camera.rays() @ T[:3, :3].T)[..., 1]
        np.divide(1.08, side, out=wall, where=side > 0.03)
        wall[20:28, 30:34] = 0.0
        insert(maps, [Frame(T, camera, np.minimum(wall, 30.0), step=n)])
    insert(maps, [replace(frame, depth=frame.depth + 1) for frame in frames(6, size=(40, 60), far=1.0)])
    assert (maps[0].states_in_box(*maps[0].bounds()) == 1).sum() > 1000
    assert_same_map(*maps)


@on_devices
def test_where_the_lattice_is_too_large_for_a_table(device, monkeypatch):
    monkeypatch.setattr(torch_view, "_MOST_TABLE", 1)
    monkeypatch.setattr(torch_rays, "_MOST_MARKS", 1)
    monkeypatch.setattr(torch_rays, "_MOST_LINES", 500)
    maps = pair(0.1, device=device)
    insert(maps, frames(4, size=(24, 31)))
    assert_same_map(*maps)


@on_devices
def test_small_voxels_far_from_the_origin(device):
    maps, frame = pair(0.003, device=device), plain.random_frame(3, size=(3, 4))
    T = frame.T_world_camera.copy()
    T[:3, 3] += [-2500.0, 1000.0, 40.0]
    both(maps, lambda octree: octree.insert(replace(frame, T_world_camera=T), 3.0))
    assert maps[0].bounds()[1].max() > 330_000
    np.testing.assert_array_equal(maps[1].occupied(), maps[0].occupied())
    middle = maps[0].occupied()[0]
    box = middle - 40, middle + 40
    np.testing.assert_array_equal(maps[1].states_in_box(*box), maps[0].states_in_box(*box))


@on_devices
def test_agents_do_not_know_each_other(device):
    maps = pair(0.1, 3, device=device)
    for agent in (0, 511, 7):
        insert(maps, frames(3, 3, first=agent), agent=agent)
    for agent in (0, 511, 7, 1):
        assert_same_map(*maps, agent=agent, features=1e-3)
    assert len(maps[1].occupied(agent=1)) == 0
    both(maps, lambda octree: octree.clear(7))
    both(maps, lambda octree: octree.forget_labels(511))
    for agent in (0, 511, 7):
        assert_same_map(*maps, agent=agent, features=1e-3)
    assert not np.array_equal(maps[1].occupied(agent=0), maps[1].occupied(agent=511))
    for octree in maps:
        with pytest.raises(PlacecellError, match="an agent from 0 to 511, got 512"):
            octree.insert(plain.random_frame(1), 3.0, agent=512)


@on_devices
def test_what_is_given_up_and_cleared(device):
    maps = pair(0.1, 3, device=device)
    insert(maps, frames(10, 3, size=(24, 31), far=1.5))
    far = (replace(frame, depth=frame.depth + np.float32(2)) for frame in frames(8, 3, size=(24, 31)))
    for frame in far:
        both(maps, lambda octree, frame=frame: octree.insert(frame, 9.0))
    lost = both(maps, lambda octree: octree.prune())
    assert lost[0] == lost[1] > 50
    assert_same_map(*maps, features=1e-3)
    gone = both(maps, lambda octree: octree.decay(6))
    assert gone[0] == gone[1] > 50
    assert_same_map(*maps, features=1e-3)
    insert(maps, frames(4, 3, size=(24, 31)))
    assert_same_map(*maps, features=1e-3)
    both(maps, lambda octree: octree.clear())
    assert_same_map(*maps)
    assert len(maps[1]) == 0
    insert(maps, frames(2, 3))
    assert_same_map(*maps, features=1e-3)


@on_devices
@pytest.mark.parametrize("origin", [None, [0.1, 0.2, 0.3]])
def test_scans(device, origin):
    maps = pair(0.1, device=device)
    for seed in range(3):
        points = np.random.default_rng(seed).uniform(-3, 3, (400 * seed, 3))
        start = None if origin is None else np.array(origin) + seed
        both(maps, lambda octree, p=points, o=start, s=seed: octree.insert_points(p, o, step=s))
    assert_same_map(*maps)
    refused(maps, lambda octree: octree.insert_points(np.full((2, 3), np.nan)))
    refused(maps, lambda octree: octree.insert_points(np.zeros((2, 3)), step=-1))


@on_devices
def test_a_mean_position_is_that_of_the_first_points(device):
    camera, maps = Pinhole(1000, 1000, 1e6, 1e6, 500.0, 500.0), pair(0.1, device=device)
    for n in range(18):
        frame = Frame(
            Pose(0.05, 0.05, 0.0, 0.0).T_world_camera(0.05),
            camera,
            np.full((1000, 1000), 0.46 if n < 16 else 0.54, np.float32),
        )
        both(maps, lambda octree, frame=frame: octree.insert(frame, 3.0, carve=False))
    assert maps[0].read(np.array([[5, 0, 0]])).hits.tolist() == [18_000_000]
    assert_same_map(*maps)


@on_devices
def test_votes_and_evidence_are_bounded(device):
    maps, seen = pair(0.1, device=device), np.array([[5, 0, 0]])
    for label, depth_m, times in (
        (7, 0.5, 40),
        (9, 0.5, 29),
        (7, 0.5, 2),
        (0, 0.9, 8),
        (9, 0.9, 6),
        (3, 0.5, 1),
    ):
        frame = plain.looking_east(depth_m, label=label)
        for _ in range(times):
            both(maps, lambda octree, frame=frame: octree.insert(frame, 5.0))
        assert_same_map(*maps)
        if (label, times) == (7, 40):
            assert maps[1].read(seen).votes.tolist() == [30]
    assert maps[1].read(seen).labels.tolist() == [3]


@on_devices
@with_dtypes
def test_features_after_many_frames(device, dtype):
    maps = pair(0.3, 7, dtype, device)
    for frame in frames(100, 7, size=(12, 16), far=1.5):
        both(maps, lambda octree, frame=frame: octree.insert(frame, 3.0, carve=False))
    assert maps[0].read(maps[0].occupied()).weights.max() > 100
    assert_same_map(*maps, features=torch_pair.FEATURES[dtype])


def refused(maps, act):
    """Both refuse it with the same words and stay as they were."""
    texts = []
    for octree in maps:
        with pytest.raises(PlacecellError) as error:
            act(octree)
        texts.append(str(error.value))
    assert texts[0] == texts[1]
    assert_same_map(*maps, features=1e-3)
    return texts[1]


@on_devices
def test_a_refused_frame_leaves_the_map_as_it_was(device):
    maps = pair(0.1, 3, device=device)
    insert(maps, frames(2, 3))
    before = maps[1].read(maps[1].occupied())
    for bad in (np.nan, np.inf, -1.0):
        broken = plain.random_frame(2)
        broken.depth[8, 11] = bad
        assert "got a NaN, infinite or negative pixel" in refused(maps, lambda o, f=broken: o.insert(f, 3.0))
    beyond = plain.looking_east(0.5, x=2e5)
    assert "points within 104858 m" in refused(maps, lambda octree: octree.insert(beyond, 3.0))
    ends_beyond = plain.looking_east(50.0, x=104_850.0)
    assert "a camera or a point beyond" in refused(maps, lambda octree: octree.insert(ends_beyond, 100.0))
    labelled = plain.looking_east(0.5, label=1)
    labelled.labels[0, 0] = 65536
    assert "to 65535, got 65536" in refused(maps, lambda octree: octree.insert(labelled, 3.0))
    wide = torch_pair.dressed(plain.random_frame(1), 1, 4)
    assert "features of width 3, as the map's, got width 4" in refused(maps, lambda o: o.insert(wide, 3.0))
    torch_pair.assert_same(before, maps[1].read(maps[1].occupied()))


def test_frames_that_say_nothing():
    maps = pair(0.1)
    camera = Pinhole(4, 3, 5.0, 5.0, 2.0, 1.5)
    for depth in (0.0, 0.2, 9.0):
        frame = Frame(np.eye(4), camera, np.full((3, 4), depth, np.float32))
        both(maps, lambda octree, frame=frame: octree.insert(frame, 5.0, 0.3, carve=False))
        assert_same_map(*maps)
    assert maps[1].bounds()[0].tolist() == maps[1].bounds()[1].tolist()


def test_settings_that_make_no_map():
    for size in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match=f"a voxel size above 0 and finite, got {size:g}"):
            TorchOctree(size)
    with pytest.raises(ConfigError, match="as float16 or float32, got a width of 3, as float64"):
        TorchOctree(0.1, 3, "float64")
    with pytest.raises(ConfigError, match=r"a device that is here: cpu.*, got cuda:99; set device to cpu"):
        TorchOctree(device="cuda:99")


def test_a_frame_error_is_one_for_the_caller():
    with pytest.raises(FrameError, match="a step from 0"):
        TorchOctree().insert_points(np.zeros((1, 3)), step=1 << 30)
