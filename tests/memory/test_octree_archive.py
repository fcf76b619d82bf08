"""A map as arrays: what comes back, what older archives hold, what is refused."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.errors import ArchiveError
from placecell.memory import FREE, OCCUPIED, SparseOctree

_spec = importlib.util.spec_from_file_location("plain_map", Path(__file__).with_name("plain_map.py"))
plain = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(plain)

few = settings(deadline=None, max_examples=20)


def some_map(frames=3, agents=1):
    octree = SparseOctree(0.1)
    for seed in range(frames):
        octree.insert(plain.random_frame(seed, step=seed, labels=True), 2.0, agent=seed % agents)
    return octree


def assert_same_arrays(one, other, but=()):
    assert one.keys() == other.keys()
    for name in one.keys() - set(but):
        assert one[name].dtype == other[name].dtype
        np.testing.assert_array_equal(one[name], other[name])


def dense(arrays):
    """The same map as it was packed before there were rows: a row for each cell of each block."""
    held, cells = arrays["cells"] > 0, arrays["cells"]
    old = {"keys": arrays["keys"], "misses": np.zeros(held.shape, np.uint32)}
    for name in ("evidence", "hits", "colour", "last_hit", "label", "votes"):
        old[name] = np.zeros((*held.shape, *arrays[name].shape[1:]), arrays[name].dtype)
        old[name][held] = arrays[name]
    old["evidence"][~held] = cells[~held]
    return {**old, "extent": np.zeros((2, 3), np.int64)}


@pytest.mark.parametrize("agents", [1, 3])
def test_a_map_comes_back_and_goes_on_as_it_would_have(agents):
    octree, again = some_map(agents=agents), SparseOctree(0.1)
    again.unpack(octree.pack())
    assert_same_arrays(again.pack(), octree.pack())
    for agent in range(agents):
        assert [b.tolist() for b in again.bounds(agent=agent)] == [
            b.tolist() for b in octree.bounds(agent=agent)
        ]
    for one in (octree, again):
        one.insert(plain.random_frame(9, step=9), 2.0, agent=agents - 1)
    assert_same_arrays(again.pack(), octree.pack())


@few
@given(st.permutations(range(5)))
def test_maps_that_answer_alike_pack_alike(order):
    # Surfaces alone: what is seen through depends on the order.
    maps = []
    for seeds in (range(5), order):
        maps.append(SparseOctree(0.1))
        for seed in seeds:
            maps[-1].insert(plain.random_frame(seed, step=seed), 2.0, carve=False)
    assert_same_arrays(maps[0].pack(), maps[1].pack())


def test_a_dense_archive_of_before_is_read():
    octree, again = some_map(6), SparseOctree(0.1)
    arrays = octree.pack()
    assert (arrays["evidence"] < 0).any()
    again.unpack(dense(arrays))
    assert_same_arrays(again.pack(), arrays, but=("offset", "seen"))
    assert [b.tolist() for b in again.bounds()] == [b.tolist() for b in octree.bounds()]
    voxels = again.read(again.occupied())
    np.testing.assert_allclose(voxels.points, voxels.centres, atol=0.1 / 256)


def test_a_dense_archive_of_before_there_were_labels_has_none():
    octree, again = some_map(), SparseOctree(0.1)
    old = dense(octree.pack())
    del old["label"], old["votes"]
    again.unpack(old)
    assert octree.read(octree.occupied()).labels.any()
    assert not again.read(again.occupied()).labels.any()
    assert again.occupied().tolist() == octree.occupied().tolist()


def test_a_dense_voxel_by_hand():
    octree, blank = SparseOctree(0.1), np.zeros((1, 512))
    old = {name: blank.astype(kind) for name, kind in (("evidence", "i1"), ("hits", "u4"), ("misses", "u4"))}
    old |= {"last_hit": blank.astype("i4"), "colour": np.zeros((1, 512, 4), "u4")}
    cell = 1 | 1 << 2 << 6 | 0  # x 1 + 0, z 4: bits x at 0, 3, 6, z at 2, 5, 8
    old["evidence"][0, [cell, 0]] = 9, -2
    old["hits"][0, cell], old["last_hit"][0, cell], old["colour"][0, cell] = 7, 3, (20, 40, 60, 2)
    origin = 0b111 << 51  # the block of voxel 0: the highest bit of each axis
    octree.unpack({**old, "keys": np.array([origin]), "extent": np.zeros((2, 3), int)})
    assert octree.occupied().tolist() == [[1, 0, 4]]
    voxel = octree.read(np.array([[1, 0, 4]]))
    assert (voxel.hits.tolist(), voxel.last_seen.tolist(), voxel.colours.tolist()) == (
        [7],
        [2],
        [[10, 20, 30]],
    )
    assert octree.state(np.array([[0.15, 0.05, 0.45], [0.05, 0.05, 0.05]])).tolist() == [OCCUPIED, FREE]


def changed(name, change):
    def act(arrays):
        copy = arrays[name].copy()
        result = change(copy)
        return {name: copy if result is None else result}

    return act


def set_first(value):
    def act(array):
        array.reshape(-1)[0] = value

    return act


@pytest.mark.parametrize(
    ("change", "text"),
    [(lambda a: {"hits": None}, r"hits of uint32 \(\d+,\), got none"),
     (lambda a: {"keys": None}, r"keys of int64 \(0,\), got none"),
     (changed("offset", lambda v: v[:, :2]), r"offset of uint32 \(\d+, 3\), got uint32 \(\d+, 2\)"),
     (changed("cells", lambda v: v.astype(np.int32)), r"cells of int16 \(\d+, 512\), got int32"),
     (changed("version", lambda v: v + 1), r"voxels of version 2 or before, got version \[3\]"),
     (changed("keys", lambda v: v[::-1].copy()), "block keys that rise"),
     (changed("keys", set_first(-5)), "block keys that rise"),
     (changed("cells", lambda v: np.minimum(v, 0)), "cells that number the voxels"),
     (changed("cells", lambda v: np.where(v > 0, v + 1, v).astype(v.dtype)), "cells that number the voxels"),
     (changed("cells", lambda v: np.abs(v)), "cells that number the voxels"),
     (changed("cells", lambda v: np.where(v < 0, -3, v).astype(v.dtype)), "evidence from -2 to 9"),
     (changed("evidence", set_first(0)), "evidence from -2 to 9, not 0"),
     (changed("evidence", set_first(10)), "evidence from -2 to 9"),
     (changed("evidence", lambda v: -np.abs(v).clip(1, 2)), "labels of occupied voxels, got that of a free"),
     (changed("hits", set_first(0)), "hits of each voxel"),
     (changed("last_hit", set_first(0)), "hits of each voxel"),
     (changed("offset", set_first(1 << 20)), "mean positions within their voxels"),
     (changed("colour", set_first(1 << 20)), "mean colours to 255"),
     (changed("votes", lambda v: v * 0), "1 to 30 votes where there is a label"),
     (changed("votes", lambda v: v * 31), "1 to 30 votes where there is a label"),
     (lambda a: {"votes": None}, r"votes of uint8 \(\d+,\), got none"),
     (changed("weight", set_first(np.nan)), "weights of features from 0 to 1.67772e.07"),
     (changed("feature", lambda v: np.zeros((len(v), 4), v.dtype)), r"feature of float16 \(\d+, 0\), got")],
)  # fmt: skip
def test_damaged_arrays_are_refused_with_the_map_unchanged(change, text):
    arrays = some_map().pack()
    damaged = {name: a for name, a in {**arrays, **change(arrays)}.items() if a is not None}
    octree = some_map(1)
    before, clock = octree.pack(), octree.growth().clock
    with pytest.raises(ArchiveError, match=text) as error:
        octree.unpack(damaged)
    assert "\n" not in str(error.value)
    assert_same_arrays(octree.pack(), before)
    assert octree.growth(clock).empty


@pytest.mark.parametrize(
    ("change", "text"),
    [(lambda a: {"colour": None}, r"colour of uint32 \(\d+, 512, 4\), got none"),
     (lambda a: {"votes": None}, r"votes of uint8 \(\d+, 512\), got none"),
     (changed("keys", lambda v: v * 0 + 7), "block keys that rise"),
     (changed("hits", lambda v: v * 0), "hits of each occupied voxel, got none"),
     (changed("evidence", lambda v: v * 0), "evidence from -2 to 9, not 0")],
)  # fmt: skip
def test_damaged_dense_arrays_are_refused(change, text):
    arrays = dense(some_map().pack())
    with pytest.raises(ArchiveError, match=text):
        SparseOctree(0.1).unpack({n: a for n, a in {**arrays, **change(arrays)}.items() if a is not None})
