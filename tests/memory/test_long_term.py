"""The long-term memory: what it takes in, gives, drops, packs and refuses."""

import importlib.util

import numpy as np
import pytest

from placecell.errors import ArchiveError, ConfigError, FrameError, MissingPartError, PlacecellError
from placecell.geometry import transform
from placecell.memory import morton
from placecell.memory.long_term import LongTermMemory

WIDTH = 24
KINDS = ["flat", "mean"]


def _walk(memory, count, seed=0, width=WIDTH):
    """Observations on a walk; returns them with their positions, leaves and nodes."""
    rng = np.random.default_rng(seed)
    vectors, at = rng.standard_normal((count, width), np.float32), rng.uniform(-6, 6, (count, 3))
    leaves = morton.encode(np.floor(at / 1.6).astype(np.int64))
    nodes = [n % 5 if n % 3 else None for n in range(count)]
    for n in range(count):
        memory.write(vectors[n], at[n], n, leaf=int(leaves[n]), node=nodes[n])
    return vectors, at, leaves, nodes


def _answers(memory, seed=1):
    rng = np.random.default_rng(seed)
    told = []
    for _ in range(3):
        query = rng.standard_normal(WIDTH)
        for entry in memory.search(query, 7) + memory.search(query, 5, position=np.ones(3), radius_m=4.0):
            told.append((entry.number, entry.space, entry.key, entry.cosine, entry.observations, entry.uses))
    return told


def test_each_observation_is_a_row_with_both_attachments():
    memory = LongTermMemory()
    vectors, at, leaves, nodes = _walk(memory, 30)
    best = memory.search(3 * vectors[7], 1)[0]
    assert (best.number, best.space, best.key, best.last_step) == (7, "observation", 7, 7)
    assert (best.leaf, best.node) == (leaves[7], nodes[7])
    assert (best.position == at[7]).all()
    assert best.cosine == pytest.approx(1, abs=1e-3)
    assert best.vector == pytest.approx(vectors[7] / np.linalg.norm(vectors[7]), abs=1e-3)
    of_nodes = memory.search(vectors[7], 99, space="node")
    assert len(of_nodes) == sum(node is not None for node in nodes)
    assert len(memory.search(vectors[7], 99, space="leaf")) == 30


def test_leaves_and_nodes_of_one_number_are_two_means():
    memory = LongTermMemory("mean")
    a, b = np.eye(WIDTH, dtype=np.float32)[:2]
    memory.write(a, np.zeros(3), 1, leaf=4, node=None)
    memory.write(b, np.full(3, 2.0), 2, leaf=9, node=4)
    memory.write(2 * a, np.full(3, 4.0), 3, leaf=9, node=4)
    found = {(entry.space, entry.key): entry for entry in memory.near(np.zeros(3), 99.0)}
    assert set(found) == {("leaf", 4), ("leaf", 9), ("node", 4)}
    assert found["leaf", 4].vector == pytest.approx(a, abs=1e-3)
    assert found["node", 4].vector == pytest.approx((a + b) / 2**0.5, abs=1e-3)
    assert found["node", 4].position == pytest.approx(np.full(3, 3.0))
    assert (found["node", 4].observations, found["node", 4].last_step) == (2, 3)
    assert [entry.space for entry in memory.search(a, 9, space="node")] == ["node"]


def test_a_mean_is_that_of_all_unit_vectors():
    memory, rng = LongTermMemory("mean"), np.random.default_rng(0)
    vectors = rng.standard_normal((500, WIDTH)) * rng.uniform(0.1, 50, (500, 1))
    for vector in vectors:
        memory.write(vector, np.zeros(3), 0, leaf=0, node=None)
    mean = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).mean(0)
    assert memory.near(np.zeros(3), 1.0)[0].vector == pytest.approx(mean / np.linalg.norm(mean), abs=2e-3)


def test_near_gives_the_nearest_first_and_the_oldest_of_equals():
    memory = LongTermMemory()
    for step, x in enumerate([3.0, 1.0, 2.0, 1.0, 5.0]):
        memory.write(np.ones(WIDTH), np.array([x, 0, 0]), step, leaf=0, node=None)
    assert [entry.number for entry in memory.near(np.zeros(3), 3.0)] == [1, 3, 2, 0]
    assert [entry.number for entry in memory.near(np.zeros(3), 3.0, 2)] == [1, 3]
    assert [entry.number for entry in memory.search(np.ones(WIDTH), 9)] == [0, 1, 2, 3, 4]
    assert memory.near(np.zeros(3), 9.0)[0].cosine is None


def test_use_counts_and_changes_no_answer():
    memory = LongTermMemory()
    vectors, *_ = _walk(memory, 20)
    before = [entry.number for entry in memory.search(vectors[0], 20)]
    memory.use(entry.row for entry in memory.search(vectors[3], 1))
    memory.use([memory.search(vectors[3], 1)[0].row] * 2)
    assert memory.search(vectors[3], 1)[0].uses == 3
    assert [entry.number for entry in memory.search(vectors[0], 20)] == before


@pytest.mark.parametrize("tokens", KINDS)
def test_writes_beyond_any_number_of_deletions_never_fail(tokens):
    memory, rng = LongTermMemory(tokens), np.random.default_rng(0)
    for step in range(600):
        memory.write(rng.standard_normal(WIDTH), rng.uniform(-5, 5, 3), step, leaf=step % 97, node=step % 31)
        if len(memory) > 40:
            memory.drop(rng.choice(len(memory), 25, replace=False))
    assert len(memory) <= 40
    assert len(memory._rows._halves) <= 200


@pytest.mark.parametrize("tokens", KINDS)
def test_holdings_are_the_rows_and_dropping_gives_their_bytes_back(tokens):
    memory = LongTermMemory(tokens)
    _walk(memory, 60)
    held, size = memory.holdings(), memory.nbytes
    assert held.nbytes.sum() == size
    assert len(held) == memory.items == len(memory)
    assert held.vectors is not None
    every = {entry.row: entry for entry in memory.near(np.zeros(3), 99.0)}
    for row, vector in enumerate(held.vectors(np.arange(len(held)))):
        assert (every[row].vector == vector).all()
        assert (every[row].position == held.positions[row]).all()
        assert every[row].last_step == held.last_seen[row]
    gone = [every[row].number for row in (0, 5, 11)]
    memory.drop(np.array([0, 5, 11]))
    assert memory.nbytes == size - held.nbytes[[0, 5, 11]].sum()
    left = {entry.number: entry for entry in memory.near(np.zeros(3), 99.0)}
    assert set(left) == {entry.number for entry in every.values()} - set(gone)
    for entry in every.values():
        if entry.number in left:
            assert (left[entry.number].vector == entry.vector).all()


@pytest.mark.parametrize("tokens", KINDS)
def test_a_packed_memory_answers_alike_and_goes_on_alike(tokens):
    memory = LongTermMemory(tokens)
    _walk(memory, 80)
    memory.drop(np.arange(3, 20, 2))
    memory.use([0, 4])
    order = [entry.number for entry in sorted(memory.near(np.zeros(3), 99.0), key=lambda entry: entry.row)]
    assert order != sorted(order)
    arrays = memory.pack()
    other = LongTermMemory(tokens)
    for array in arrays.values():
        array.flags.writeable = False
    other.unpack(arrays)
    assert _answers(other) == _answers(memory)
    assert (other.width, other.nbytes, other.stats()) == (memory.width, memory.nbytes, memory.stats())
    for each in (memory, other):
        _walk(each, 30, seed=9)
        each.relabel_nodes({0: 3})
        each.drop(np.lexsort((each.holdings().last_seen,))[:9])  # ties by row, as a budget breaks them
    assert _answers(other) == _answers(memory)
    again, known = other.pack(), memory.pack()
    assert again.keys() == known.keys()
    assert all((again[name] == known[name]).all() for name in known)


def test_vectors_of_an_archive_are_not_copied_before_a_change():
    memory = LongTermMemory()
    _walk(memory, 10)
    arrays = memory.pack()
    other = LongTermMemory()
    other.unpack(arrays)
    assert np.shares_memory(other._rows.halves, arrays["vectors"])
    before = arrays["vectors"].copy()
    other.drop(np.array([0]))
    assert not np.shares_memory(other._rows.halves, arrays["vectors"])
    assert (arrays["vectors"] == before).all()


def test_relabelled_nodes_are_one():
    memory = LongTermMemory("mean")
    a, b, c = np.eye(WIDTH, dtype=np.float32)[:3]
    for step, (vector, node) in enumerate([(a, 1), (b, 2), (c, 3), (c, 3)]):
        memory.write(vector, np.full(3, float(node)), step, leaf=0, node=node)
    memory.relabel_nodes({1: 3, 3: 8})
    found = {entry.node: entry for entry in memory.search(a, 9, space="node")}
    assert {node: entry.observations for node, entry in found.items()} == {3: 1, 2: 1, 8: 2}
    memory.relabel_nodes({8: 3})
    found = {entry.node: entry for entry in memory.search(a, 9, space="node")}
    assert {node: entry.observations for node, entry in found.items()} == {3: 3, 2: 1}
    assert found[3].position == pytest.approx(np.full(3, (1 + 3 + 3) / 3))
    assert found[3].vector == pytest.approx((a + 2 * c) / 5**0.5, abs=1e-3)
    flat = LongTermMemory()
    _walk(flat, 20)
    counts = [sum(entry.node == node for entry in flat.near(np.zeros(3), 99.0)) for node in (1, 2)]
    flat.relabel_nodes({1: 2, 2: 1})
    renamed = [sum(entry.node == node for entry in flat.near(np.zeros(3), 99.0)) for node in (2, 1)]
    assert renamed == counts


@pytest.mark.parametrize("tokens", KINDS)
def test_absorbing_one_that_was_moved_by_whole_leaves_is_having_written_it(tokens):
    whole, first, second = (LongTermMemory(tokens) for _ in range(3))
    T_first_second = np.eye(4)
    T_first_second[:3, 3] = [3.2, -1.6, 0]
    rng = np.random.default_rng(0)
    for step in range(60):
        vector, at = rng.standard_normal(WIDTH), np.round(rng.uniform(-6, 6, 3) * 8) / 8
        here = transform(T_first_second, at[None])[0]
        leaf, moved = (int(morton.encode(np.floor(p / 1.6).astype(np.int64)[None])[0]) for p in (at, here))
        if step < 30:
            first.write(vector, here, step, leaf=moved, node=step % 4)
        else:
            second.write(vector, at, step, leaf=leaf, node=10 + step % 3)
        whole.write(vector, here, step, leaf=moved, node=step % 4 if step < 30 else 2 + step % 3)
    first.absorb(second, T_first_second, {10: 2, 11: 3, 12: 4})
    query = rng.standard_normal(WIDTH)
    expected = {(e.space, e.leaf, e.node, e.observations, e.last_step) for e in whole.search(query, 999)}
    assert {
        (e.space, e.leaf, e.node, e.observations, e.last_step) for e in first.search(query, 999)
    } == expected
    best = [e.cosine for e in whole.search(query, 20)]
    assert [e.cosine for e in first.search(query, 20)] == pytest.approx(best, abs=1e-3)


def test_absorbing_refuses_what_does_not_fit_and_stays():
    memory, wider = LongTermMemory(), LongTermMemory()
    _walk(memory, 5)
    _walk(wider, 5, width=WIDTH + 1)
    with pytest.raises(PlacecellError, match=f"observations of width {WIDTH}.* got width {WIDTH + 1}"):
        memory.absorb(wider, np.eye(4), {})
    with pytest.raises(PlacecellError, match=r"flat tokens in leaves of 1[.]6 m, got mean tokens"):
        memory.absorb(LongTermMemory("mean"), np.eye(4), {})
    far = np.eye(4)
    far[0, 3] = 1e9
    with pytest.raises(PlacecellError, match="in the range of cells"):
        LongTermMemory().absorb(memory, far, {})
    assert len(memory) == 5


@pytest.mark.parametrize("tokens", KINDS)
def test_what_is_refused_leaves_the_memory_as_it_was(tokens):
    memory = LongTermMemory(tokens)
    bad = np.ones(WIDTH)
    bad[3] = np.nan
    for empty in (True, False):
        with pytest.raises(FrameError, match="an observation of finite numbers, got NaN"):
            memory.write(bad, np.zeros(3), 1, leaf=0, node=0)
        with pytest.raises(FrameError, match="a position within 1e"):
            memory.write(np.ones(WIDTH), np.array([0, np.nan, 0]), 1, leaf=0, node=0)
        with pytest.raises(FrameError, match="a leaf's key and a node's id of 0 or more, or no node"):
            memory.write(np.ones(WIDTH), np.zeros(3), 1, leaf=0, node=-1)
        if empty:
            assert memory.width is None
            assert len(memory) == 0
            _walk(memory, 12)
            before = memory.pack()
    with pytest.raises(FrameError, match=f"of width {WIDTH}, as those before.*shape \\({WIDTH + 1},\\)"):
        memory.write(np.ones(WIDTH + 1), np.zeros(3), 1, leaf=0, node=0)
    after = memory.pack()
    assert all((before[name] == after[name]).all() for name in before)


def test_questions_that_make_no_sense():
    memory = LongTermMemory()
    assert memory.search(np.ones(3), 4) == ()
    assert memory.near(np.zeros(3), 5.0) == ()
    _walk(memory, 5)
    with pytest.raises(PlacecellError, match=f"embedding of width {WIDTH}.*got width 3"):
        memory.search(np.ones(3), 4)
    with pytest.raises(PlacecellError, match="embedding of finite numbers"):
        memory.search(np.full(WIDTH, np.inf), 4)
    with pytest.raises(PlacecellError, match="a k of 1 or more, got 0"):
        memory.search(np.ones(WIDTH), 0)
    with pytest.raises(PlacecellError, match="leaf, node, or None"):
        memory.search(np.ones(WIDTH), 1, space="room")
    with pytest.raises(PlacecellError, match="a finite position with a radius_m"):
        memory.search(np.ones(WIDTH), 1, position=np.zeros(3))
    with pytest.raises(PlacecellError, match="corners in order"):
        memory.search(np.ones(WIDTH), 1, box=np.array([[1.0, 0, 0], [0, 1, 1]]))
    assert [entry.cosine for entry in memory.search(np.zeros(WIDTH), 2)] == [0, 0]


@pytest.mark.parametrize("tokens", KINDS)
def test_rows_and_nodes_that_there_are_not(tokens):
    memory = LongTermMemory(tokens)
    _walk(memory, 5)
    before = memory.pack()
    for rows in ([-1], [0, 99]):
        with pytest.raises(PlacecellError, match=r"rows of a long-term memory of \d+, from 0, got"):
            memory.drop(np.array(rows))
        with pytest.raises(PlacecellError, match="rows of a long-term memory"):
            memory.use(rows)
    with pytest.raises(FrameError, match="a node's id of 0 or more"):
        memory.relabel_nodes({1: -1})
    with pytest.raises(PlacecellError, match="a k of 1 or more, got -1"):
        memory.near(np.zeros(3), 9.0, -1)
    memory.use([])
    memory.drop(np.zeros(0, np.int64))
    assert all((before[name] == array).all() for name, array in memory.pack().items())


def test_uses_stay_with_what_becomes_one():
    memory, other = LongTermMemory("mean"), LongTermMemory("mean")
    for each in (memory, other):
        for node in (1, 2):
            each.write(np.ones(WIDTH), np.zeros(3), 0, leaf=0, node=node)
            each.use([len(each) - 1] * node)
    memory.relabel_nodes({2: 1})
    assert [entry.uses for entry in memory.near(np.zeros(3), 1.0, space="node")] == [3]
    memory.absorb(other, np.eye(4), {1: 1, 2: 7})
    assert [entry.uses for entry in memory.near(np.zeros(3), 1.0, space="node")] == [4, 2]


@pytest.mark.parametrize("tokens", KINDS)
@pytest.mark.parametrize("width", [-1, 10**9, 1 << 60])
def test_widths_that_an_archive_claims_cost_nothing(tokens, width):
    arrays = LongTermMemory(tokens).pack()
    vectors = np.zeros((0, max(0, width)), np.float16)
    more = {"width": np.array([width]), "vectors": vectors, "sums": np.zeros((0, 1), np.float32)}
    with pytest.raises(ArchiveError, match="an archive with"):
        LongTermMemory(tokens).unpack({**arrays, **more})
    with pytest.raises(ArchiveError, match="an archive with"):
        LongTermMemory(tokens).unpack({**arrays, "width": np.array([width])})


def test_settings_that_there_are_not(monkeypatch):
    with pytest.raises(ConfigError, match="flat, mean, reversible, got newest"):
        LongTermMemory("newest")
    with pytest.raises(ConfigError, match="exact, hnswlib, faiss, got trees"):
        LongTermMemory(index="trees")
    with pytest.raises(ConfigError, match="leaf_cell_m above 0"):
        LongTermMemory(leaf_cell_m=0.0)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match=r"the package hnswlib.*pip install 'placecell\[bench\]'"):
        LongTermMemory(index="hnswlib")


@pytest.mark.parametrize("tokens", KINDS)
def test_arrays_that_do_not_hold_together(tokens):
    memory = LongTermMemory(tokens)
    _walk(memory, 12)
    good, before = memory.pack(), _answers(memory)
    damages = {
        "vectors": good["vectors"] * 2,
        "positions": good["positions"] * np.nan,
        "number": good["number"] // 2,
        "observations": good["observations"] * 0,
        "node": good["node"].astype(np.int32),
        "next": good["next"] * 0,
        "width": good["width"] + 1,
    }
    if tokens == "mean":
        damages |= {"sums": good["sums"][:-1], "leaf": good["leaf"] * 0}
    for name, array in damages.items():
        with pytest.raises(ArchiveError, match="an archive with"):
            memory.unpack({**good, name: array})
    for name in good:
        with pytest.raises(ArchiveError, match="an archive with"):
            memory.unpack({other: array for other, array in good.items() if other != name})
    assert _answers(memory) == before


def test_an_empty_memory_packs_and_clears():
    memory = LongTermMemory()
    memory.unpack(LongTermMemory().pack())
    assert (len(memory), memory.width, memory.nbytes) == (0, None, 0)
    _walk(memory, 5)
    memory.clear()
    assert (len(memory), memory.width) == (0, None)
    memory.write(np.ones(3), np.zeros(3), 0, leaf=0, node=None)
    assert memory.width == 3
    assert len(memory.search_many(np.ones((2, 3)), 5)[0]) == 2
