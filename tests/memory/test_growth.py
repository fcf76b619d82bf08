"""Growths: what changed and nothing else, folded into the whole, written down and read again."""

import importlib.util
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.errors import ArchiveError
from placecell.geometry import Pinhole, Pose
from placecell.memory import (
    FlatNeighbours,
    Frame,
    FrameList,
    GrowingMap,
    Growth,
    NoMemory,
    Query,
    SemanticGrid,
    SparseOctree,
    SpatialMemory,
)
from placecell.memory.growth import Changes, Content

_spec = importlib.util.spec_from_file_location("plain_map", Path(__file__).with_name("plain_map.py"))
plain = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(plain)

few = settings(deadline=None, max_examples=40)
MEMORIES = {
    "octree": lambda: SpatialMemory(topology=False, short_term=False, long_term=False),
    "frames": lambda: FrameList(max_bytes=4000, width=12),
    "flat": lambda: FlatNeighbours(max_bytes=20 * 60, voxel_size_m=0.05),
    "grid": lambda: SemanticGrid(max_bytes=20 * 150, cell_m=0.3),
}
each = pytest.mark.parametrize("make", MEMORIES.values(), ids=MEMORIES)


def labelled_frame(seed, step=0, far=2.0):
    frame = plain.random_frame(seed, step=step, far=far)
    labels = np.random.default_rng(seed + 1000).choice([0, 1, 2, 65535], frame.depth.shape)
    return replace(frame, labels=labels)


def held(octree):
    """Every occupied voxel and its label, as the queries tell it."""
    voxels = octree.read(octree.occupied())
    return dict(zip(map(tuple, voxels.indices.tolist()), voxels.labels.tolist(), strict=True))


def told(growing):
    return dict(zip(map(tuple, growing.cells.tolist()), growing.labels.tolist(), strict=True))


def blocks_that_differ(before, after):
    changed = {cell for cell in before.keys() | after.keys() if before.get(cell) != after.get(cell)}
    return {tuple(index >> 3 for index in cell) for cell in changed}


def east(octree, depth_m, label=None, times=1):
    for _ in range(times):
        octree.insert(plain.looking_east(depth_m, label=label), 5.0)


def whole_and_empty_again(octree, clock):
    growth = octree.growth(clock)
    assert octree.growth(growth.clock).empty
    return [growth.blocks.tolist(), growth.cells.tolist(), growth.labels.tolist(), growth.restart]


def test_a_voxel_by_hand():
    octree = SparseOctree(0.1)
    clock = octree.growth().clock
    assert octree.growth(clock).empty
    assert octree.growth().cell_m == 0.1
    east(octree, 0.9)
    # Block 0 of the ray is free space only.
    assert whole_and_empty_again(octree, clock) == [[[1, 0, 0]], [[9, 0, 0]], [0], False]
    clock = octree.growth().clock
    east(octree, 0.9)
    assert octree.growth(clock).empty
    east(octree, 0.9, label=7)
    assert whole_and_empty_again(octree, clock) == [[[1, 0, 0]], [[9, 0, 0]], [7], False]
    clock = octree.growth().clock
    east(octree, 0.9, label=7)
    assert octree.growth(clock).empty
    east(octree, 0.9, label=3)  # one vote less
    assert octree.growth(clock).empty
    east(octree, 0.9, label=3)  # none left
    assert whole_and_empty_again(octree, clock) == [[[1, 0, 0]], [[9, 0, 0]], [0], False]
    clock = octree.growth().clock
    east(octree, 1.9, times=9)  # evidence 9 to 0
    assert whole_and_empty_again(octree, clock) == [[[1, 0, 0], [2, 0, 0]], [[19, 0, 0]], [0], False]
    assert whole_and_empty_again(octree, 0) == [[[2, 0, 0]], [[19, 0, 0]], [0], True]


def test_forgotten_labels_are_told_where_there_were_any():
    octree = SparseOctree(0.1)
    east(octree, 0.5)
    east(octree, 0.9, label=7)
    clock = octree.growth().clock
    octree.forget_labels()
    assert whole_and_empty_again(octree, clock) == [[[1, 0, 0]], [[9, 0, 0]], [0], False]


def test_a_map_that_was_emptied_or_replaced_begins_anew():
    octree, other = SparseOctree(0.1), SparseOctree(0.1)
    east(octree, 0.5, label=4)
    early, snapshot = octree.growth().clock, octree.pack()
    octree.clear()
    assert whole_and_empty_again(octree, early) == [[], [], [], True]
    east(octree, 0.9)
    # One that asked after the clearing is told the difference, one from before it everything.
    assert whole_and_empty_again(octree, early + 1) == [[[1, 0, 0]], [[9, 0, 0]], [0], False]
    assert whole_and_empty_again(octree, early) == [[[1, 0, 0]], [[9, 0, 0]], [0], True]
    clock = octree.growth().clock
    octree.unpack(snapshot)
    assert whole_and_empty_again(octree, clock) == [[[0, 0, 0]], [[5, 0, 0]], [4], True]
    # A clock that is none of this map's.
    assert whole_and_empty_again(other, clock + 100) == [[], [], [], True]


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("east"), st.sampled_from([0.2, 0.5, 0.9, 1.9]), st.integers(0, 3)),
        st.tuples(st.just("frame"), st.integers(0, 5)),
        st.sampled_from([("forget",), ("clear",), ("pack",), ("unpack",), ("ask",), ("ask",)]),
    ),
    min_size=1,
    max_size=25,
)


@few
@given(OPERATIONS, st.integers(0, 2))
def test_growths_add_up_to_the_map_at_any_moment(operations, seed):
    """One reader asks after each operation and is told just what differs, another at drawn moments."""
    octree, always, sometimes = SparseOctree(0.1), GrowingMap(), GrowingMap()
    snapshot = octree.pack()
    for kind, *values in operations:
        before = told(always)
        if kind == "east":
            east(octree, *values)
        elif kind == "frame":
            octree.insert(labelled_frame(values[0] + 10 * seed), 1.5)
        elif kind == "pack":
            snapshot = octree.pack()
        elif kind == "unpack":
            octree.unpack(snapshot)
        elif kind == "ask":
            sometimes.apply(octree.growth(sometimes.clock))
            assert told(sometimes) == held(octree)
        else:
            {"forget": octree.forget_labels, "clear": octree.clear}[kind]()
        growth = octree.growth(always.clock)
        always.apply(growth)
        assert told(always) == held(octree)
        if not growth.restart:
            assert set(map(tuple, growth.blocks.tolist())) == blocks_that_differ(before, told(always))
    for reader in (always, sometimes):
        reader.apply(octree.growth(reader.clock))
        assert reader.cells.tolist() == octree.occupied().tolist()
        assert told(reader) == told(octree.growth()) == held(octree)


def test_growths_add_up_while_every_table_has_to_grow():
    octree, reader = SparseOctree(0.05), GrowingMap()
    for seed in range(3):
        octree.insert(labelled_frame(seed, far=40.0), 30.0)
        before, growth = told(reader), octree.growth(reader.clock)
        reader.apply(growth)
        assert growth.restart == (seed == 0)
        assert told(reader) == held(octree)
        assert set(map(tuple, growth.blocks.tolist())) == blocks_that_differ(before, told(reader))
    assert octree.pack()["keys"].shape[0] > 512


@each
def test_the_whole_is_where_something_is_recalled(make):
    memory = make()
    for step in range(9):
        memory.write(labelled_frame(step, step))
        growth = memory.growth()
        found = memory.retrieve(Query(np.zeros(3), 1e3), 99_999).items
        cells = np.floor(np.array([item.position for item in found]) / growth.cell_m).astype(int)
        if isinstance(memory, SemanticGrid):
            cells[:, 2] = 0
        named = {}
        for cell, item in zip(map(tuple, cells.tolist()), found, strict=True):
            named.setdefault(cell, set()).add(item.category or 0)
        assert told(growth).keys() == named.keys()
        for cell, label in told(growth).items():
            assert label in named[cell]
            assert label or named[cell] == {0}
    assert isinstance(memory, SpatialMemory) or memory.stats()["dropped"] > 0


@pytest.mark.parametrize("kind", [FrameList, FlatNeighbours, SemanticGrid])
def test_a_simple_memory_tells_what_is_new_not_all(kind):
    memory = kind()
    memory.write(labelled_frame(0))
    clock = memory.growth().clock
    frame = labelled_frame(1, 1)
    there = frame.T_world_camera.copy()
    there[:3, 3] += 50.0
    memory.write(replace(frame, T_world_camera=there))
    growth = memory.growth(clock)
    assert not growth.restart
    assert growth.cells[:, 0].min() * growth.cell_m > 40
    assert len(memory.growth().cells) > len(growth.cells)


def test_the_simple_memories_by_hand():
    frames, flat, grid = FrameList(), FlatNeighbours(), SemanticGrid()
    for memory in (frames, flat, grid):
        memory.write(plain.looking_east(0.9, label=0))
        memory.write(plain.looking_east(0.9, label=7, step=1))
    assert told(frames.growth()) == {(0, 0, 0): 0}
    assert told(flat.growth()) == {(9, 0, 0): 7}
    assert told(grid.growth()) == {(4, 0, 0): 7}
    assert [memory.growth().cell_m for memory in (frames, flat, grid)] == [0.1, 0.1, 0.2]
    for step, label in enumerate((5, 5, 0, 0), 2):
        for memory in (flat, grid):
            memory.write(plain.looking_east(0.9, label=label, step=step))
    # The last that has a label, and the label of most votes.
    assert told(flat.growth()) == {(9, 0, 0): 5}
    flat.write(plain.looking_east(0.9, label=3, step=9))
    grid.write(plain.looking_east(0.9, label=3, step=9))
    assert told(flat.growth()) == {(9, 0, 0): 3}
    assert told(grid.growth()) == {(4, 0, 0): 5}


def test_no_memory_never_grows():
    memory = NoMemory()
    memory.write(labelled_frame(0))
    assert memory.growth().empty
    assert Growth.from_arrays(memory.growth().arrays()).empty


def test_what_lies_beyond_the_cells_counts_as_the_outermost():
    memory = FrameList()
    pose = Pose(9e5, -9e5, 0.0, 0.0).T_world_camera(0.05)
    memory.write(Frame(pose, Pinhole(1, 1, 100.0, 100.0, 0.5, 0.5), np.zeros((1, 1), np.float32)))
    growth = memory.growth()
    assert growth.cells.tolist() == [[(1 << 20) - 1, -(1 << 20), 0]]
    assert told(Growth.from_arrays(growth.arrays())) == told(growth)


def test_of_rows_of_one_cell_the_last_labelled_counts():
    cells = np.array([[1, 2, 3], [-1, 0, 0], [1, 2, 3], [1, 2, 3], [-1, 0, 0]])
    labels = np.array([8, 0, 5, 0, 0])
    growth = Changes().growth(0, 0.5, lambda: Content(cells, labels))
    assert told(growth) == {(1, 2, 3): 5, (-1, 0, 0): 0}
    assert growth.blocks.tolist() == [[-1, 0, 0], [0, 0, 0]]


def test_an_unchanged_memory_is_not_searched():
    changes = Changes()
    clock = changes.growth(0, 0.5, lambda: Content(np.zeros((0, 3), np.int64), np.zeros(0, np.int64))).clock

    def content():
        raise AssertionError

    assert changes.growth(clock, 0.5, content).empty


def test_blocks_and_cells_come_by_rising_key():
    octree = SparseOctree(0.1)
    for seed in range(3):
        octree.insert(labelled_frame(seed), 1.5)
    growth, again = octree.growth(), SparseOctree(0.1)
    again.unpack(octree.pack())
    assert growth.cells.tolist() == octree.occupied().tolist() == again.growth().cells.tolist()
    blocks = list(dict.fromkeys(map(tuple, (growth.cells >> 3).tolist())))
    assert list(map(tuple, growth.blocks.tolist())) == blocks
    assert (growth.cells.dtype, growth.labels.dtype, growth.blocks.dtype) == (np.int32, np.uint16, np.int32)


def test_what_was_given_does_not_change_with_the_map():
    octree = SparseOctree(0.1)
    east(octree, 0.5, label=4)
    growth = octree.growth()
    before = told(growth)
    octree.forget_labels()
    east(octree, 0.9, label=4, times=20)
    assert told(growth) == before == {(5, 0, 0): 4}


def some_arrays(**change):
    octree = SparseOctree(0.1)
    for seed in range(2):
        octree.insert(labelled_frame(seed), 1.5)
    return {**octree.growth().arrays(), **change}


def test_arrays_hold_a_growth_without_pickle():
    octree, file = SparseOctree(0.1), io.BytesIO()
    octree.insert(labelled_frame(0), 1.5)
    clock = octree.growth().clock
    octree.insert(labelled_frame(1), 1.5)
    for growth in (octree.growth(), octree.growth(clock), Growth.nothing(5, 0.25)):
        file = io.BytesIO()
        np.savez(file, **growth.arrays())
        again = Growth.from_arrays(np.load(io.BytesIO(file.getvalue()), allow_pickle=False))
        assert (again.clock, again.cell_m, again.restart) == (growth.clock, growth.cell_m, growth.restart)
        for name in ("blocks", "cells", "labels"):
            assert getattr(again, name).dtype == getattr(growth, name).dtype
            assert np.array_equal(getattr(again, name), getattr(growth, name))


BLOCKS, LABELS = some_arrays()["blocks"], some_arrays()["labels"]


@pytest.mark.parametrize(
    ("change", "text"),
    [({"head": np.array([1.0, 0.0])}, r"head of float64 \(3,\), got float64 \(2,\); save the memory again"),
     ({"head": np.array([-1.0, 0.0, 0.1])}, "clock, restart and cell size, got -1, 0, 0.1;"),
     ({"head": np.array([1.5, 0.0, 0.1])}, "clock, restart and cell size, got 1.5, 0, 0.1;"),
     ({"head": np.array([1.0, 2.0, 0.1])}, "clock, restart and cell size, got 1, 2, 0.1;"),
     ({"head": np.array([1.0, 0.0, np.nan])}, "clock, restart and cell size, got 1, 0, nan;"),
     ({"head": np.array([np.inf, 0.0, 1.0])}, "clock, restart and cell size, got inf, 0, 1;"),
     ({"blocks": BLOCKS[:, :2]}, r"blocks of int32 \(\d+, 3\), got int32 \(\d+, 2\);"),
     ({"blocks": np.array(3, np.int32)}, r"blocks of int32 \(0, 3\), got int32 \(\);"),
     ({"blocks": BLOCKS[::-1].copy()}, "blocks by rising key, got others;"),
     ({"blocks": BLOCKS.clip(0, 0)}, "blocks by rising key, got others;"),
     ({"blocks": BLOCKS + np.int32(1 << 18)}, "blocks from -131072 to 131071, got one beyond;"),
     ({"blocks": BLOCKS[1:]}, r"occupied of uint8 \(\d+, 64\), got uint8"),
     ({"labels": LABELS[1:]}, r"labels of uint16 \(\d+,\), got uint16"),
     ({"labels": LABELS.astype(np.int32)}, r"labels of uint16 \(\d+,\), got int32")],
)  # fmt: skip
def test_arrays_that_do_not_hold_together(change, text):
    with pytest.raises(ArchiveError, match=text) as error:
        Growth.from_arrays(some_arrays(**change))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["head", "blocks", "occupied", "labels"])
def test_arrays_that_are_missing(name):
    arrays = some_arrays()
    del arrays[name]
    with pytest.raises(ArchiveError, match=r"of \w+ \(.*\), got (none|uint8)"):
        Growth.from_arrays(arrays)
