"""A map made on one device goes on on another; and what readers of a torch map hear of it."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.errors import ArchiveError
from placecell.memory import GrowingMap, SparseOctree
from placecell.memory.torch_octree import TorchOctree

_spec = importlib.util.spec_from_file_location("torch_pair", Path(__file__).with_name("torch_pair.py"))
torch_pair = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(torch_pair)
plain, assert_same_map = torch_pair.plain, torch_pair.assert_same_map

on_devices = pytest.mark.parametrize("device", torch_pair.DEVICES)
AGENTS = (0, 3, 511)
CATEGORIES = [(category, agent) for category in (1, 300) for agent in AGENTS]


def assert_same_arrays(expected, found, features=0.0):
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        assert (array.dtype, array.shape) == (found[name].dtype, found[name].shape), name
        if name == "feature":
            bound = features * np.abs(array).max(initial=1.0)
            np.testing.assert_allclose(found[name].astype(float), array.astype(float), rtol=0, atol=bound)
        else:
            np.testing.assert_array_equal(found[name], array, err_msg=name)


@pytest.fixture(params=torch_pair.DTYPES)
def filled(request):
    """A compiled map of two agents; some of it was seen through, and one block faded altogether."""
    octree = SparseOctree(0.1, 4, request.param)
    for n, frame in enumerate(torch_pair.frames(8, 4, size=(24, 31), far=1.5)):
        octree.insert(frame, 9.0, agent=(0, 511)[n % 2])
        for _ in range(3):
            octree.insert(replace(frame, depth=frame.depth + np.float32(2)), 9.0, agent=(0, 511)[n % 2])
    octree.insert_points(np.array([[30.0, 0.0, 0.0]]), step=0, agent=511)
    octree.decay(1, agent=511)
    assert (octree.pack()["evidence"] < 0).any()
    return octree


@on_devices
def test_maps_of_the_same_frames_pack_alike(device):
    maps = torch_pair.pair(0.1, 4, "float32", device)
    for n, frame in enumerate(torch_pair.frames(6, 4, size=(24, 31), far=1.6)):
        for octree in maps:
            octree.insert(frame, 2.0, agent=AGENTS[n % 3])
    assert_same_arrays(maps[0].pack(), maps[1].pack(), features=1e-6)


@on_devices
def test_a_map_goes_to_a_device_and_back(filled, device):
    there, back = (
        TorchOctree(0.1, 4, filled.feature_dtype, device),
        SparseOctree(0.1, 4, filled.feature_dtype),
    )
    there.unpack(filled.pack())
    assert_same_arrays(filled.pack(), there.pack())
    for agent in (0, 511, 2):
        assert_same_map(filled, there, agent=agent, features=0.0)
    back.unpack(there.pack())
    assert_same_arrays(filled.pack(), back.pack())


@on_devices
def test_it_goes_on_as_it_would_have(filled, device):
    there = TorchOctree(0.1, 4, filled.feature_dtype, device)
    there.unpack(filled.pack())
    for frame in torch_pair.frames(4, 4, first=8, size=(24, 31)):
        for octree in (filled, there):
            octree.insert(frame, 3.0, agent=511)
    assert filled.decay(4, agent=511) == there.decay(4, agent=511) > 0
    assert filled.prune() == there.prune() > 0
    for agent in (0, 511):
        assert_same_map(filled, there, agent=agent, features=torch_pair.FEATURES[filled.feature_dtype])


@on_devices
def test_an_empty_map_packs_and_unpacks(device):
    arrays, octree = SparseOctree(0.1, 4).pack(), TorchOctree(0.1, 4, device=device)
    assert_same_arrays(arrays, octree.pack())
    octree.insert_points(np.zeros((1, 3)))
    octree.unpack(arrays)
    assert (len(octree), len(octree.occupied())) == (0, 0)
    assert octree.growth().restart


@on_devices
def test_damaged_arrays_are_refused_with_the_map_unchanged(filled, device):
    octree = TorchOctree(0.1, 4, filled.feature_dtype, device)
    octree.insert_points(np.zeros((1, 3)))
    before, clock, arrays = octree.pack(), octree.growth().clock, filled.pack()
    for name, bad, text in (
        ("keys", arrays["keys"][::-1].copy(), "block keys that rise"),
        ("cells", np.abs(arrays["cells"]), "cells that number the voxels"),
        ("feature", arrays["feature"][:, :2], r"feature of float\d\d \(\d+, 4\)"),
    ):
        with pytest.raises(ArchiveError, match=text):
            octree.unpack({**arrays, name: bad})
    assert_same_arrays(before, octree.pack())
    assert octree.growth(clock).empty


def told(growing):
    return dict(zip(map(tuple, growing.cells.tolist()), growing.labels.tolist(), strict=True))


def held(octree, agent):
    voxels = octree.read(octree.occupied(agent=agent), agent=agent)
    return dict(zip(map(tuple, voxels.indices.tolist()), voxels.labels.tolist(), strict=True))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("frame"), st.sampled_from(AGENTS), st.integers(0, 7)),
        st.tuples(st.just("decay"), st.sampled_from(AGENTS), st.integers(0, 8)),
        st.tuples(
            st.sampled_from(["clear", "forget", "prune", "unpack"]), st.sampled_from(AGENTS), st.just(0)
        ),
    ),
    min_size=1,
    max_size=12,
)


def act(octree, kind, agent, value):
    if kind == "frame":
        octree.insert(plain.random_frame(value, step=value, labels=True), 1.5, agent=agent)
    elif kind == "decay":
        octree.decay(value, agent)
    elif kind == "prune":
        octree.prune()
    elif kind == "clear":
        octree.clear(agent)
    elif kind == "unpack":
        octree.unpack(octree.pack())
    else:
        octree.forget_labels(agent)


@on_devices
@settings(deadline=None, max_examples=20)
@given(STEPS)
def test_readers_hear_of_every_change(device, steps):
    maps = torch_pair.pair(0.1, device=device)
    clocks, readers = [dict.fromkeys(AGENTS, 0), dict.fromkeys(AGENTS, 0)], [GrowingMap() for _ in AGENTS]
    for n, step in enumerate(steps):
        before = [[octree.last_change(c, a) for c, a in CATEGORIES] for octree in maps]
        labelled = [maps[1].labelled(c, agent=a) for c, a in CATEGORIES]
        for octree in maps:
            act(octree, *step)
        if step[0] != "unpack":  # then all numbers are new
            told_of = [
                [octree.last_change(c, a) != b for (c, a), b in zip(CATEGORIES, was, strict=True)]
                for octree, was in zip(maps, before, strict=True)
            ]
            assert told_of[0] == told_of[1]
        for (c, a), was, number in zip(CATEGORIES, labelled, before[1], strict=True):
            if maps[1].last_change(c, a) == number:
                torch_pair.assert_same(was, maps[1].labelled(c, agent=a))
        for agent, reader in list(zip(AGENTS, readers, strict=True))[: 1 + n % 3]:  # the others ask later
            growths = [
                octree.growth(clock[agent], agent=agent) for octree, clock in zip(maps, clocks, strict=True)
            ]
            for name in ("blocks", "cells", "labels", "restart"):
                np.testing.assert_array_equal(*(getattr(growth, name) for growth in growths))
            for clock, growth in zip(clocks, growths, strict=True):
                clock[agent] = growth.clock
            reader.apply(growths[1])
            assert told(reader) == held(maps[0], agent)


@on_devices
def test_what_is_seen_through_is_a_change_of_its_block_and_of_its_label(device):
    for octree in torch_pair.pair(0.1, device=device):
        octree.insert(plain.looking_east(0.5, label=7), 5.0)
        octree.insert(plain.looking_east(0.9, label=9), 5.0)
        for look in range(2):
            clock, number = octree.growth().clock, octree.last_change(7)
            octree.insert(plain.looking_east(0.9, label=9), 5.0)
            cleared = look == 1
            assert (octree.last_change(7) != number) == cleared
            growth = octree.growth(clock)
            assert growth.blocks.tolist() == [[0, 0, 0]] * cleared
            assert len(growth.cells) == 0
