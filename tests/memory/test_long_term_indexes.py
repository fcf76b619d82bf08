"""Approximate indexes: caches of the rows that never fill up, and never decide about a place."""

import numpy as np
import pytest

from placecell.memory.long_term import LongTermMemory
from placecell.memory.vectors.approximate import Approximate

WIDTH = 16
INDEXES = ["hnswlib", "faiss"]


@pytest.fixture(params=INDEXES)
def index(request):
    pytest.importorskip(request.param)
    return request.param


def _write(memory, rng, count):
    for step in range(count):
        memory.write(rng.standard_normal(WIDTH), rng.uniform(-9, 9, 3), step, leaf=step % 7, node=None)


def _numbers(entries):
    return [(entry.number, entry.cosine) for entry in entries]


def _pair(index, count):
    """A memory by an index, and an exact one of the same rows."""
    memories = LongTermMemory(index=index, exact_up_to=100), LongTermMemory()
    for memory in memories:
        _write(memory, np.random.default_rng(0), count)
    return memories


def test_it_finds_nearly_all_with_the_figures_of_an_exact_search(index):
    near, exact = _pair(index, 800)
    shares = []
    for query in np.random.default_rng(1).standard_normal((20, WIDTH)):
        found, expected = dict(_numbers(near.search(query, 10))), dict(_numbers(exact.search(query, 10)))
        shares.append(len(found.keys() & expected.keys()) / 10)
        assert all(found[number] == expected[number] for number in found.keys() & expected.keys())
    assert np.mean(shares) > 0.9


def test_rows_that_come_change_and_go_never_fill_it_up(index):
    near, rng = LongTermMemory("mean", index=index, exact_up_to=20), np.random.default_rng(0)
    query = rng.standard_normal(WIDTH)
    for step in range(40):
        for n in range(30):
            near.write(
                rng.standard_normal(WIDTH), rng.uniform(-9, 9, 3), step, leaf=30 * (step % 5) + n, node=None
            )
        if len(near) > 60:
            near.drop(rng.choice(len(near), 35, replace=False))
        every = {entry.number: entry for entry in near.near(np.zeros(3), 99.0)}
        found = near.search(query, 8)
        assert len({entry.number for entry in found}) == 8
        for entry in found:
            assert (every[entry.number].vector == entry.vector).all()
        entries = near._searcher._approximate
        assert isinstance(entries, Approximate)
        assert len(entries._row_of) <= 64 + 2 * len(near)


def test_a_place_or_a_space_makes_the_search_exact(index, monkeypatch):
    near, exact = _pair(index, 300)
    monkeypatch.setattr(Approximate, "nearest", _never)
    query = np.random.default_rng(2).standard_normal(WIDTH)
    box = np.array([[-4.0, -9, -9], [3.0, 9, 9]])
    for place in ({"box": box}, {"position": np.ones(3), "radius_m": 6.0}, {"space": "leaf"}):
        assert _numbers(near.search(query, 12, **place)) == _numbers(exact.search(query, 12, **place))


def test_few_rows_are_searched_exactly(index, monkeypatch):
    near, exact = _pair(index, 100)
    monkeypatch.setattr(Approximate, "nearest", _never)
    query = np.random.default_rng(2).standard_normal(WIDTH)
    assert _numbers(near.search(query, 5)) == _numbers(exact.search(query, 5))


def test_it_is_built_again_after_unpacking_and_never_packed(index):
    near, exact = _pair(index, 300)
    arrays = near.pack()
    assert arrays.keys() == exact.pack().keys()
    other = LongTermMemory(index=index, exact_up_to=100)
    _write(other, np.random.default_rng(5), 200)
    other.search(np.ones(WIDTH), 3)
    other.unpack(arrays)
    query = np.random.default_rng(2).standard_normal(WIDTH)
    numbers = [number for number, _ in _numbers(other.search(query, 10))]
    assert len(set(numbers) & {number for number, _ in _numbers(exact.search(query, 10))}) >= 8


def test_equal_searches_give_equal_answers(index):
    near, _ = _pair(index, 400)
    query = np.random.default_rng(2).standard_normal(WIDTH)
    assert _numbers(near.search(query, 10)) == _numbers(near.search(query, 10))
    rows, _ = near.search_many(np.stack([query, -query]), 10)
    assert rows[0].tolist() == [entry.row for entry in near.search(query, 10)]


def test_equal_vectors_that_the_index_does_not_reach_are_found_all_the_same(index):
    near = LongTermMemory(index=index, exact_up_to=10)
    for step in range(400):
        near.write(np.eye(WIDTH)[step // 200], np.zeros(3), step, leaf=0, node=None)
    for k in (1, 150, 400, 900):
        numbers = [entry.number for entry in near.search(np.eye(WIDTH)[1], k)]
        assert len(set(numbers)) == len(numbers) == min(k, 400)
        assert k < 400 or numbers == [*range(200, 400), *range(200)]
    near.drop(np.arange(399))
    assert [entry.number for entry in near.search(np.eye(WIDTH)[1], 3)] == [399]


def _never(*_):
    raise AssertionError("asked the index")
