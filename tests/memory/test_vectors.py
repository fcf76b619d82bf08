"""The vector rows and their searches, each against a plain look at every row."""

import platform

import numba.core.config
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from placecell.errors import FrameError
from placecell.memory.vectors import halves, searcher
from placecell.memory.vectors.byte_products import has_byte_products
from placecell.memory.vectors.keeping import unit_of
from placecell.memory.vectors.place_filter import Place
from placecell.memory.vectors.processor import processor_has
from placecell.memory.vectors.searcher import ALL, Searcher
from placecell.memory.vectors.vector_rows import NODE, NONE, NUMBER, VectorRows

CELL_M = 1.6
WAYS = [
    False,
    pytest.param(True, marks=pytest.mark.skipif(not has_byte_products(), reason="no AVX-512 VNNI")),
]


def _compiled(native, fused):
    """Products of halves, and their changes to and fro: one of the ways that a processor may take."""
    half_dot, (to_half, from_half) = halves.product(native, fused), halves.changes(native)

    @njit
    def products(base, listed, query):
        cosines = np.empty(len(listed), np.float32)
        for n in range(len(listed)):
            cosines[n] = half_dot(base + 2 * len(query) * listed[n], query.ctypes.data, len(query))
        return cosines

    @njit
    def round_trip(values, bits, back):
        for n in range(len(values)):
            bits[n] = to_half(values[n])
            back[n] = from_half(bits[n])

    return products, round_trip


HAS = processor_has("f16c"), processor_has("fma")
COMPILED = {has: _compiled(*has) for has in {HAS, (False, False)}}
_products = COMPILED[HAS][0]


def _units(rng, *shape):
    vectors = rng.standard_normal(shape, np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _filled(rng, count, width, spread=1.0):
    """Rows around a few centres, some of them alike to the bit, with and without a node."""
    rows = VectorRows(width)
    centres = _units(rng, 5, width)
    for n in range(count):
        vector = centres[n % 5] + np.float32(spread * (n % 7 > 0)) * _units(rng, width)
        rows.append(vector, rng.uniform(-8, 8, 3), n, n % 4, n % 3 if n % 2 else NONE)
    return rows


def _plain(rows, query, k, place=None, column=ALL):
    """Rows by falling cosine of the stored figures, of equals the oldest first."""
    kept = np.ones(len(rows), bool)
    if place is not None:
        apart = np.linalg.norm(rows.positions - place.center, axis=1)
        kept = ((rows.positions >= place.low) & (rows.positions <= place.high)).all(1) & (
            apart <= place.radius_m
        )
    if column != ALL:
        kept &= rows.columns[:, column] != NONE
    listed = np.flatnonzero(kept)
    cosines = _products(rows.halves.ctypes.data, listed, query)
    order = np.lexsort((rows.columns[listed, NUMBER], -cosines))[:k]
    return listed[order], cosines[order]


@pytest.mark.parametrize("width", [1, 15, 16, 63, 64, 80, 256, 472])
def test_product_of_halves_is_the_one_of_float64(width):
    rng = np.random.default_rng(width)
    row, query = rng.standard_normal(width).astype(np.float16), rng.standard_normal(width).astype(np.float32)
    for products, _ in COMPILED.values():
        found = products(row.ctypes.data, np.zeros(1, np.int64), query)[0]
        assert found == pytest.approx(float(row.astype(np.float64) @ query.astype(np.float64)), abs=1e-4)


@pytest.mark.parametrize("has", COMPILED, ids=str)
def test_halves_round_as_numpy_does(has):
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    every = every[np.isfinite(every)]
    finite = every.astype(np.float32)
    between = (finite[1:] + finite[:-1]) / 2  # of neighbours: which of them it is, is by the even one
    values = np.concatenate(
        [finite, between, np.nextafter(between, np.float32(0)), np.float32([1e-9, -1e-30])]
    )
    bits, back = np.empty(len(values), np.uint16), np.empty(len(values), np.float32)
    COMPILED[has][1](values, bits, back)
    assert (bits == values.astype(np.float16).view(np.uint16)).all()
    assert (back == values.astype(np.float16).astype(np.float32)).all()


def test_compiled_code_uses_no_more_of_the_processor_than_numba_may(monkeypatch):
    monkeypatch.setattr(numba.core.config, "CPU_FEATURES", "+sse2,+fma")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert (processor_has("fma"), processor_has("f16c"), has_byte_products()) == (True, False, False)
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert (processor_has("f16c"), has_byte_products()) == (True, False)


@pytest.mark.parametrize("length", [1e-45, 1e-39, 1e-20, 1e20, 3e38])
def test_a_vector_of_any_length_is_a_unit_vector(length):
    rows = VectorRows(8)
    rows.append(np.full(8, length, np.float32), np.zeros(3), 0, 0, NONE)
    assert rows.vectors[0].astype(np.float32) == pytest.approx(np.full(8, 8**-0.5), abs=1e-3)
    assert unit_of(np.full(8, length, np.float32)) == pytest.approx(np.full(8, 8**-0.5), abs=1e-6)


@pytest.mark.parametrize("by_bytes", WAYS)
@pytest.mark.parametrize(("width", "spread"), [(30, 1.0), (256, 0.05), (64, 0.0)])
def test_every_way_gives_what_a_look_at_every_row_gives(by_bytes, width, spread, monkeypatch):
    monkeypatch.setattr(searcher, "BYTES_FROM", 1)
    rng = np.random.default_rng(width)
    rows = _filled(rng, 700, width, spread)
    finder = Searcher(rows, "exact", 0, CELL_M, by_bytes)
    queries = np.concatenate([_units(rng, 23, width), rows.vectors[:2].astype(np.float32)])
    for k in (1, 10, 700, 900):
        many_rows, many_cosines = finder.best_of_many(queries, k)
        for query, found, cosines in zip(queries, many_rows, many_cosines):
            expected = _plain(rows, query, k)
            for answer in ((found, cosines), finder.best(query, k)):
                assert (answer[0] == expected[0]).all()
                assert (answer[1] == expected[1]).all()
    found, _ = finder.best(queries[0], 9, column=NODE)
    assert (found == _plain(rows, queries[0], 9, column=NODE)[0]).all()


@pytest.mark.parametrize("by_bytes", WAYS)
def test_searches_follow_rows_that_come_change_and_go(by_bytes, monkeypatch):
    monkeypatch.setattr(searcher, "BYTES_FROM", 1)
    _follow(by_bytes)


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["append", "change", "drop", "many"]), st.integers(0, 1 << 30)), max_size=30
    ),
    low=st.tuples(*[st.floats(-9, 3)] * 3),
    size=st.floats(0, 12),
    radius_m=st.floats(0, 9),
)
def test_placed_searches_are_exact_after_any_changes(steps, low, size, radius_m):
    rows, rng = VectorRows(12), np.random.default_rng(0)
    finder = Searcher(rows, "exact", 0, CELL_M)
    query, at = _units(rng, 12), np.array(low)
    for kind, seed in steps:
        _step(rows, kind, np.random.default_rng(seed))
        for place in (
            Place.named(None, None, np.stack([at, at + size])),
            Place.named(at, radius_m, None),
            Place.named(at + 1, radius_m, np.stack([at, at + size])),
        ):
            assert place is not None
            assert finder.best(query, 5, place)[0].tolist() == _plain(rows, query, 5, place)[0].tolist()
        assert finder.best(query, 5)[0].tolist() == _plain(rows, query, 5)[0].tolist()


def test_cells_are_sorted_again_when_much_changed():
    rows, rng = VectorRows(4), np.random.default_rng(0)
    finder = Searcher(rows, "exact", 0, CELL_M)
    place = Place.named(np.zeros(3), 3.0, None)
    assert place is not None
    for _ in range(5):
        for _ in range(600):
            rows.append(_units(rng, 4), rng.uniform(-8, 8, 3), 0, 0, 0)
        rows.drop(rng.integers(0, len(rows), 200))
        inside = np.flatnonzero(np.linalg.norm(rows.positions, axis=1) <= 3)
        assert np.sort(finder.within(place)).tolist() == inside.tolist()


def test_boxes_without_ends_hold_every_row():
    rows = _filled(np.random.default_rng(0), 50, 8)
    place = Place.named(None, None, np.array([[-np.inf] * 3, [np.inf] * 3]))
    assert place is not None
    assert len(Searcher(rows, "exact", 0, 1e-9).within(place)) == 50


def test_a_gap_is_filled_by_the_last_row():
    rows = _filled(np.random.default_rng(0), 10, 8)
    vectors, numbers = rows.vectors.copy(), rows.columns[:, NUMBER].copy()
    moves = rows.drop(np.array([2, 9, 5]))
    assert sorted(moves.tolist()) in ([[7, 2], [8, 5]], [[7, 5], [8, 2]])
    for row, number in enumerate(rows.columns[:, NUMBER].tolist()):
        assert (rows.vectors[row] == vectors[number]).all()
    assert set(rows.columns[:, NUMBER].tolist()) == set(numbers.tolist()) - {2, 5, 9}
    assert rows.append(np.ones(8, np.float32), np.zeros(3), 0, 0, 0) == 7
    assert rows.columns[7, NUMBER] == 10


def test_what_is_dropped_is_given_back():
    rows = _filled(np.random.default_rng(0), 1000, 8)
    rows.drop(np.arange(990))
    assert len(rows._halves) < 100
    assert len(rows) == 10


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_row_that_is_not_finite_changes_nothing(bad):
    rows = _filled(np.random.default_rng(0), 5, 8)
    before = rows.vectors.copy(), rows.columns.copy(), rows.positions.copy()
    vector = np.full(8, bad, np.float32)
    with pytest.raises(FrameError, match="an observation of finite numbers, got NaN, infinity"):
        rows.append(vector, np.zeros(3), 9, 9, 9)
    with pytest.raises(FrameError, match="an observation of finite numbers"):
        rows.change(2, vector, np.zeros(3), 9)
    with pytest.raises(FrameError, match="a position within 1e"):
        rows.change(2, np.ones(8, np.float32), np.array([0, bad, 0]), 9)
    assert all((a == b).all() for a, b in zip(before, (rows.vectors, rows.columns, rows.positions)))


def _follow(by_bytes):
    rng = np.random.default_rng(4)
    rows = _filled(rng, 40, 20)
    finder = Searcher(rows, "exact", 0, CELL_M, by_bytes)
    queries = _units(rng, 3, 20)
    for turn in range(60):
        _step(rows, ("append", "change", "drop", "many")[turn % 4], rng)
        found, cosines = finder.best_of_many(queries, 6)
        for query, best, figures in zip(queries, found, cosines):
            expected = _plain(rows, query, 6)
            assert (best == expected[0]).all()
            assert (figures == expected[1]).all()


def _step(rows, kind, rng):
    if kind == "append" or len(rows) == 0:
        rows.append(_units(rng, rows.width), rng.uniform(-9, 9, 3), 0, 0, NONE)
    elif kind == "many":
        for _ in range(40):
            rows.append(_units(rng, rows.width), np.round(rng.uniform(-9, 9, 3)), 0, 0, NONE)
    elif kind == "change":
        rows.change(int(rng.integers(len(rows))), _units(rng, rows.width), rng.uniform(-9, 9, 3), 1)
    else:
        rows.drop(rng.integers(0, len(rows), int(rng.integers(1, 30))))
