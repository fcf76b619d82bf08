"""Blocks of an octree that are dropped, and what becomes of the rest."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.errors import ArchiveError
from placecell.memory import UNKNOWN, GrowingMap, SparseOctree
from placecell.memory.upkeep.policies import POLICIES
from placecell.memory.voxel import changes

_spec = importlib.util.spec_from_file_location("plain_map", Path(__file__).with_name("plain_map.py"))
plain = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(plain)

few = settings(deadline=None, max_examples=20)
SIZE = 0.1


def some_map(count=6, width=0, agent=0):
    octree = SparseOctree(SIZE, width)
    for seed in range(count):
        frame = plain.random_frame(seed, step=10 * seed, labels=True, spread_m=1.5)
        features = (
            np.random.default_rng(seed).normal(size=(3, 4, width)).astype(np.float32) if width else None
        )
        octree.insert(replace(frame, features=features), 2.0, agent=agent)
    return octree


def blocks_of(octree):
    """Of each block (its lower voxel, by rising key, which is that of the pack): states and voxels."""
    occupied = octree.occupied()
    voxels = octree.read(occupied)
    found = {}
    for corner in corners(octree):
        inside = ((occupied >= corner) & (occupied < corner + 8)).all(1)
        states = octree.states_in_box(corner, corner + 8)
        content = (
            voxels.hits,
            voxels.points,
            voxels.colours,
            voxels.labels,
            voxels.last_seen,
            voxels.features,
        )
        found[tuple(corner.tolist())] = (states, *(column[inside] for column in content))
    return found


def corners(octree):
    middles = octree.holdings().positions
    return np.round(middles / SIZE - 4).astype(int)


def assert_same_blocks(one, other):
    assert one.keys() == other.keys()
    for corner in one:
        for a, b in zip(one[corner], other[corner], strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_row_is_a_block_and_tells_what_is_in_it():
    octree = some_map()
    held, blocks = octree.holdings(), blocks_of(octree)
    assert len(held) == len(blocks) == len(octree.pack()["keys"])
    occupied = [len(content[1]) for content in blocks.values()]
    labelled = [int((content[4] > 0).sum()) for content in blocks.values()]
    assert held.items.tolist() == occupied
    assert octree.items == sum(occupied) == len(octree)
    value = -(np.array(occupied) + labelled) / held.nbytes
    np.testing.assert_allclose(held.redundancy(), value)
    first = POLICIES["most_redundant"].order(held, np.zeros(3))[: occupied.count(0)]
    assert occupied.count(0) > 0
    assert {occupied[row] for row in first} == {0}
    latest = [content[5].max() if len(content[5]) else -1 for content in blocks.values()]
    assert (held.last_seen >= latest).all()
    assert set(held.last_seen.tolist()) <= {0, 10, 20, 30, 40, 50}


def test_a_block_was_last_seen_by_the_latest_frame_that_reached_it():
    octree = SparseOctree(SIZE)
    octree.insert(plain.looking_east(1.9, step=3), 5.0)
    octree.insert(plain.looking_east(0.5, step=7), 5.0)
    assert octree.holdings().last_seen.tolist() == [7, 3, 3]
    octree.insert(plain.looking_east(1.2, step=5), 5.0)
    assert octree.holdings().last_seen.tolist() == [7, 5, 3]


@given(st.sets(st.integers(0, 200), max_size=60), st.booleans())
@few
def test_what_is_dropped_is_unknown_and_all_else_as_it_was(rows, painted):
    octree = some_map(4, width=3 if painted else 0)
    before, nbytes, held = blocks_of(octree), octree.nbytes, octree.holdings()
    rows = np.array(sorted(row for row in rows if row < len(held)), np.int64)
    gone = [tuple(corner.tolist()) for corner in corners(octree)[rows]]
    octree.drop(rows)
    after = blocks_of(octree)
    assert_same_blocks({corner: before[corner] for corner in before if corner not in gone}, after)
    for corner in gone:
        assert (octree.states_in_box(np.array(corner), np.array(corner) + 8) == UNKNOWN).all()
    assert octree.nbytes <= nbytes - held.nbytes[rows].sum()
    again = SparseOctree(SIZE, 3 if painted else 0)
    again.unpack(octree.pack())
    assert again.nbytes == octree.nbytes
    assert [bound.tolist() for bound in again.bounds()] == [bound.tolist() for bound in octree.bounds()]


def test_dropping_everything_leaves_an_empty_map_that_goes_on():
    octree, fresh = some_map(), SparseOctree(SIZE)
    octree.drop(np.arange(len(octree.holdings())))
    assert (len(octree), octree.nbytes) == (0, fresh.nbytes)
    frame = plain.random_frame(3, step=4, labels=True)
    octree.insert(frame, 2.0)
    fresh.insert(frame, 2.0)
    for (name, array), other in zip(octree.pack().items(), fresh.pack().values(), strict=True):
        np.testing.assert_array_equal(array, other, err_msg=name)


def test_arrays_shrink_with_what_is_held():
    octree = SparseOctree(SIZE)
    for n in range(60):
        octree.insert(plain.random_frame(n, spread_m=8.0), 2.0)
    full = len(octree._pool.keys), len(octree._pool.cell)
    octree.drop(np.arange(len(octree.holdings()) - 5))
    left = len(octree._pool.keys), len(octree._pool.cell)
    assert all(8 * now <= before for now, before in zip(left[:1], full[:1], strict=True))
    assert left[1] <= 2 * 64 * 16 < full[1]


KINDS = st.sampled_from(["frame", "frame", "drop", "prune", "decay", "clear"])


@given(st.lists(st.tuples(KINDS, st.sampled_from((0, 3)), st.integers(0, 6)), min_size=1, max_size=14))
@few
def test_readers_follow_what_is_dropped(steps):
    octree = SparseOctree(SIZE)
    often, seldom = ({agent: GrowingMap() for agent in (0, 3)} for _ in range(2))
    for number, (kind, agent, seed) in enumerate(steps):
        before = octree.last_change(1, agent), _labelled(octree, agent)
        if kind == "frame":
            octree.insert(plain.random_frame(seed, step=number, labels=True), 2.0, agent=agent)
        elif kind == "drop":
            octree.drop(np.arange(len(octree.holdings()))[seed::2])
        elif kind == "prune":
            octree.prune()
        elif kind == "decay":
            octree.decay(seed, agent)
        else:
            octree.clear(agent)
        if _labelled(octree, agent) != before[1]:
            assert octree.last_change(1, agent) != before[0]
        follow(octree, often)
        if number % 3 == 2:
            follow(octree, seldom)
    follow(octree, seldom)


def _labelled(octree, agent):
    return octree.labelled(1, agent=agent).indices.tolist()


def follow(octree, readers):
    for agent, reader in readers.items():
        reader.apply(octree.growth(reader.clock, agent=agent))
        voxels = octree.read(octree.occupied(agent=agent), agent=agent)
        assert reader.cells.tolist() == voxels.indices.tolist()
        assert reader.labels.tolist() == voxels.labels.tolist()


def test_a_reader_who_was_told_hears_of_dropped_blocks_alone(monkeypatch):
    octree, reader = some_map(), GrowingMap()
    reader.apply(octree.growth(0))
    shown = np.flatnonzero(octree.holdings().items > 0)[:3]
    octree.drop(shown)
    growth = octree.growth(reader.clock)
    assert (growth.restart, len(growth.blocks), len(growth.cells)) == (False, 3, 0)
    monkeypatch.setattr(changes, "MOST_GONE", 2)
    octree.drop(np.flatnonzero(octree.holdings().items > 0)[:1])
    assert octree.growth(reader.clock).restart
    late = octree.growth(growth.clock)
    assert (late.restart, len(late.blocks)) == (False, 1)


def test_uses_count_a_block_once_a_retrieval_and_are_packed():
    octree = some_map()
    voxels = octree.occupied()
    points = (voxels[[0, 0, -1]] + 0.5) * SIZE
    octree.note_use(points)
    octree.note_use(points[:1])
    octree.note_use(np.array([[900.0, 0.0, 0.0]]))
    held, cells = octree.holdings(), corners(octree).tolist()
    rows = [cells.index((voxel // 8 * 8).tolist()) for voxel in voxels[[0, -1]]]
    assert held.uses[rows].tolist() == [2, 1]
    assert held.uses.sum() == 3
    again = SparseOctree(SIZE)
    again.unpack(octree.pack())
    assert again.holdings().uses.tolist() == held.uses.tolist()
    assert again.holdings().last_seen.tolist() == held.last_seen.tolist()


def test_an_archive_of_before_has_no_uses_and_the_latest_hit_for_when_it_was_seen():
    octree, again = some_map(), SparseOctree(SIZE)
    octree.note_use((octree.occupied() + 0.5) * SIZE)
    old = {name: array for name, array in octree.pack().items() if name not in ("seen", "uses")}
    again.unpack(old)
    held = again.holdings()
    assert held.uses.sum() == 0
    voxels = octree.read(octree.occupied())
    for corner, seen, items in zip(corners(octree), held.last_seen, held.items, strict=True):
        inside = ((voxels.indices >= corner) & (voxels.indices < corner + 8)).all(1)
        assert items == inside.sum()
        assert seen >= voxels.last_seen[inside].max(initial=-1)
    for damage in ({"uses": np.zeros(3, np.uint32)}, {"seen": octree.pack()["seen"] - 1000}):
        with pytest.raises(ArchiveError, match=r"uses|seen"):
            again.unpack({**octree.pack(), **damage})


def test_what_was_packed_drops_the_same():
    octree, again = some_map(), SparseOctree(SIZE)
    again.unpack(octree.pack())
    for policy in POLICIES.values():
        orders = [policy.order(one.holdings(), np.ones(3))[:20] for one in (octree, again)]
        assert orders[0].tolist() == orders[1].tolist()
        octree.drop(np.sort(orders[0]))
        again.drop(np.sort(orders[1]))
        for (name, array), other in zip(octree.pack().items(), again.pack().values(), strict=True):
            np.testing.assert_array_equal(array, other, err_msg=name)
        assert octree.nbytes == again.nbytes
