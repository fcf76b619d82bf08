"""Budgets, policies and upkeep, on parts that are plain lists."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.errors import ArchiveError, ConfigError
from placecell.geometry import Pose
from placecell.memory import MemoryItem, Retrieval
from placecell.memory.budget import (
    KEPT,
    LEAST_BYTES,
    LEAST_PROMPT_TOKENS,
    Budget,
    Evictable,
    Holdings,
    Upkeep,
)
from placecell.memory.describe import describe
from placecell.memory.upkeep.policies import POLICIES, WINDOW, redundancy
from placecell.memory.upkeep.usage import MOST_POINTS, Dropped

few = settings(deadline=None, max_examples=25)
HERE = np.zeros(3)
BIG = 10 * LEAST_BYTES


class Rows(Evictable):
    """Rows of some bytes, of which a fixed overhead can't be dropped."""

    def __init__(self, sizes, items=None, overhead=0, **columns):
        self.sizes, self.overhead = np.array(sizes, np.int64), overhead
        count = len(self.sizes)
        self.counts = np.ones(count, np.int64) if items is None else np.array(items, np.int64)
        self.names = np.arange(count)
        rest = {
            "last_seen": np.arange(count),
            "uses": np.zeros(count, np.int64),
            "positions": np.zeros((count, 3)),
        }
        self.columns = {**rest, **columns}

    def holdings(self):
        columns = {name: column[self.names] for name, column in self.columns.items() if name != "vectors"}
        if "vectors" in self.columns:
            columns["vectors"] = lambda rows: self.columns["vectors"][self.names][rows]
        return Holdings(nbytes=self.sizes[self.names], items=self.counts[self.names], **columns)

    def drop(self, rows):
        self.names = np.delete(self.names, rows)

    @property
    def nbytes(self):
        return int(self.sizes[self.names].sum()) + self.overhead

    @property
    def items(self):
        return int(self.counts[self.names].sum())


@pytest.mark.parametrize(
    ("name", "cap", "least"),
    [
        ("max_bytes", LEAST_BYTES - 1, LEAST_BYTES),
        ("max_items", 0, 1),
        ("max_prompt_tokens", LEAST_PROMPT_TOKENS - 1, LEAST_PROMPT_TOKENS),
    ],
)
def test_a_cap_smaller_than_one_item_is_refused(name, cap, least):
    assert Budget(**{name: least}).caps_content is (name != "max_prompt_tokens")
    with pytest.raises(ConfigError, match=rf"expected {name} of at least {least}.*got {cap}; raise {name}"):
        Budget(**{name: cap})


def test_an_unknown_policy_is_refused():
    with pytest.raises(ConfigError, match="oldest, least_used, most_redundant, farthest, got newest"):
        Budget(policy="newest")


def test_room_beside_what_is_never_dropped_is_required():
    upkeep = Upkeep(Budget(max_bytes=BIG, max_items=10))
    upkeep.require_room(BIG - LEAST_BYTES, 9)
    with pytest.raises(ConfigError, match=f"max_bytes of at least {BIG + 1}: .* got {BIG}; raise max_bytes"):
        upkeep.require_room(BIG - LEAST_BYTES + 1)
    with pytest.raises(ConfigError, match="max_items of at least 11"):
        upkeep.require_room(0, 10)


def held_of(**columns):
    count = len(next(iter(columns.values())))
    rest = {name: np.zeros(count, np.int64) for name in ("nbytes", "items", "last_seen", "uses")}
    return Holdings(**{**rest, "positions": np.zeros((count, 3)), **columns})


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(-3, 3)), max_size=30))
@few
def test_orders_equal_a_sort(rows):
    seen, uses, x = (
        (np.array(column, np.int64) for column in zip(*rows, strict=True)) if rows else [np.zeros(0, int)] * 3
    )
    positions = np.stack([x, 0 * x, 0 * x], 1).astype(float)
    held, at = held_of(last_seen=seen, uses=uses, positions=positions), np.array([0.25, 0, 0])
    keys = {
        "oldest": lambda n: (seen[n], uses[n], n),
        "least_used": lambda n: (uses[n], seen[n], uses[n], n),
        "farthest": lambda n: (-abs(x[n] - 0.25), seen[n], uses[n], n),
        "most_redundant": lambda n: (seen[n], uses[n], n),
    }
    for name, key in keys.items():
        assert POLICIES[name].order(held, at).tolist() == sorted(range(len(rows)), key=key), name


def plain_redundancy(vectors, last_seen):
    """Every pair, again and again."""
    left, alike = list(range(len(vectors))), np.full(len(vectors), -1.0)
    lengths = np.linalg.norm(vectors, axis=1)
    while len(left) > 1:
        cosines = {
            (a, b): vectors[a] @ vectors[b] / (lengths[a] * lengths[b] or 1)
            for n, a in enumerate(left)
            for b in left[n + 1 :]
        }
        (a, b), best = max(cosines.items(), key=lambda pair: pair[1])
        gone = b if last_seen[b] < last_seen[a] else a
        alike[gone] = best
        left.remove(gone)
    return alike


@pytest.mark.parametrize("seed", range(4))
def test_redundancy_equals_brute_force(seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(25, 4)).astype(np.float32)
    vectors[3] = 0
    seen = rng.permutation(25)
    np.testing.assert_allclose(redundancy(vectors, seen), plain_redundancy(vectors, seen), atol=1e-6)


def test_of_many_that_are_alike_the_latest_stays_though_they_are_more_than_a_window():
    rng = np.random.default_rng(0)
    kinds = np.eye(8, dtype=np.float32)
    of = np.arange(2 * WINDOW) // (WINDOW // 4)  # eight clusters, each somewhere else
    vectors = kinds[of] + rng.normal(size=(len(of), 8)).astype(np.float32) * 1e-3
    held = held_of(
        last_seen=np.arange(len(of)),
        positions=np.stack([10.0 * of, 0 * of, 0 * of], 1),
        vectors=lambda rows: vectors[rows],
    )
    order = POLICIES["most_redundant"].order(held, HERE)
    latest = [int(np.flatnonzero(of == kind)[-1]) for kind in range(8)]
    assert sorted(order[-8:].tolist()) == latest


def test_a_parts_own_measure_stands_in_for_vectors():
    own = np.array([0.1, 0.9, 0.5])
    held = held_of(last_seen=np.arange(3), vectors=lambda rows: np.ones((len(rows), 2), np.float32))
    assert POLICIES["most_redundant"].order(held, HERE)[0] == 0
    held = held_of(last_seen=np.arange(3), redundancy=lambda: own)
    assert POLICIES["most_redundant"].order(held, HERE).tolist() == [1, 2, 0]


def test_below_the_cap_nothing_goes_and_above_it_a_tenth_more_than_must():
    part = Rows([LEAST_BYTES // 8] * 80)
    upkeep = Upkeep(Budget(max_bytes=BIG))
    upkeep.enforce({"part": part}, 0, HERE)
    assert (part.nbytes, dict(upkeep.usage().dropped)) == (BIG, {})
    upkeep.enforce({"part": part}, 1, HERE, fixed_bytes=1)
    assert KEPT * BIG - LEAST_BYTES // 4 < part.nbytes + 1 <= KEPT * BIG
    assert part.names.tolist() == list(range(80 - len(part.names), 80))
    lost = upkeep.usage().dropped["part"]
    assert lost == Dropped(80 - len(part.names), BIG - part.nbytes, 80 - len(part.names))
    assert upkeep.usage().dropped_in_all == lost


def test_parts_lose_in_proportion_to_what_they_hold():
    large, small = Rows([1000] * 3000), Rows([1000] * 1000)
    Upkeep(Budget(max_bytes=2_000_000)).enforce({"large": large, "small": small}, 0, HERE)
    assert (len(large.names), len(small.names)) == (pytest.approx(1350, abs=2), pytest.approx(450, abs=2))


def test_a_cap_of_items_takes_what_counts_as_one_and_leaves_the_rest():
    part = Rows([10] * 40, items=[1, 0] * 20)
    upkeep = Upkeep(Budget(max_items=10))
    upkeep.enforce({"part": part}, 0, HERE)
    assert part.items == 9
    assert int((part.counts[part.names] == 0).sum()) == 20
    upkeep.enforce({"part": part}, 0, HERE, fixed_items=5)
    assert part.items + 5 <= 10


@given(
    st.lists(st.integers(1, 4 * LEAST_BYTES), max_size=20),
    st.lists(st.integers(1, 3), max_size=20),
    st.integers(0, LEAST_BYTES // 2),
    st.sampled_from(sorted(POLICIES)),
)
@few
def test_no_cap_is_exceeded_whatever_is_held(sizes, items, overhead, policy):
    parts = {
        "a": Rows(sizes, overhead=overhead),
        "b": Rows([100] * len(items), items),
    }
    Upkeep(Budget(LEAST_BYTES, 5, policy=policy)).enforce(parts, 0, HERE)
    assert sum(part.nbytes for part in parts.values()) <= LEAST_BYTES
    assert sum(part.items for part in parts.values()) <= 5


def test_a_cap_that_cannot_be_kept_is_one_clear_error():
    part = Rows([5], overhead=2 * LEAST_BYTES)
    with pytest.raises(ConfigError, match=rf"above the {2 * LEAST_BYTES} bytes and 0 items that remain"):
        Upkeep(Budget(max_bytes=LEAST_BYTES)).enforce({"part": part}, 0, HERE)


def test_another_budget_once_is_in_the_books_and_changes_no_cap():
    part, upkeep = Rows([1000] * 100), Upkeep(Budget(max_items=200))
    lost = upkeep.trim(Budget(max_items=50), {"part": part}, HERE, fixed=(0, 5))
    assert part.items + 5 == int(KEPT * 50)
    assert lost == {"part": Dropped(60, 60_000, 60)} == upkeep.usage().dropped
    assert upkeep.trim(Budget(max_items=50), {"part": part}, HERE) == {}
    assert upkeep.trim(Budget(max_items=30), {"part": part}, HERE)["part"].items == 13
    assert upkeep.usage().dropped["part"].items == 73
    assert (upkeep.budget.max_items, len(upkeep.usage().steps)) == (200, 0)
    for fixed, empty in (((0, 51), 0), ((LEAST_BYTES, 0), 1)):
        with pytest.raises(ConfigError, match="a budget above"):
            upkeep.trim(Budget(LEAST_BYTES, 50), {"part": part}, HERE, fixed=fixed, empty_bytes=empty)
    with pytest.raises(ConfigError, match="finite numbers"):
        upkeep.trim(Budget(max_items=5), {"part": part}, np.array([0, np.inf, 0]))
    assert part.items == 27


def test_the_growth_curve_is_bounded_and_even():
    upkeep, part = Upkeep(Budget()), Rows([1] * 5)
    for step in range(10 * MOST_POINTS):
        upkeep.enforce({"part": part}, step, HERE, fixed_bytes=step)
    usage = upkeep.usage()
    assert MOST_POINTS / 2 <= len(usage.steps) <= MOST_POINTS
    assert set(np.diff(usage.steps).tolist()) == {16}
    np.testing.assert_array_equal(usage.nbytes, usage.steps + 5)
    assert set(usage.items.tolist()) == {5}
    upkeep.clear()
    assert len(upkeep.usage().steps) == 0


def test_books_that_were_packed_go_on_alike():
    one, two = (Upkeep(Budget(max_items=5)) for _ in range(2))
    mine, other = Rows([1] * 500), Rows([1] * 500)
    for step in range(700):
        if step == 300:
            two.unpack(one.pack())
            other.names = mine.names.copy()
        for upkeep, part in ((one, mine), (two, other)):
            if step < 300 and upkeep is two:
                continue
            upkeep.enforce({"part": part}, step, HERE)
    for (name, array), other_array in zip(one.pack().items(), two.pack().values(), strict=True):
        np.testing.assert_array_equal(array, other_array, err_msg=name)
    assert one.usage().dropped == two.usage().dropped


def test_an_archive_of_before_has_no_books():
    upkeep = Upkeep(Budget())
    upkeep.unpack({"octree.keys": np.zeros(3)})
    assert len(upkeep.usage().steps) == 0


@pytest.mark.parametrize(
    "damage",
    [
        {"upkeep.counters": None},
        {"upkeep.counters": np.array([3, 1])},
        {"upkeep.points": np.zeros((1, 2), np.int64)},
        {"upkeep.points": np.zeros((MOST_POINTS + 1, 3), np.int64)},
        {"upkeep.dropped": np.zeros((2, 3), np.int64)},
        {"upkeep.dropped": np.full((1, 3), -1)},
        {"upkeep.parts": np.zeros(3)},
        {"upkeep.dropped": np.full((1, 3), 1 << 62)},
        {"upkeep.counters": np.array([1, (1 << 63) - 1])},
    ],
)
def test_damaged_books_are_refused_and_change_nothing(damage):
    upkeep, part = Upkeep(Budget(max_items=1)), Rows([1] * 3)
    upkeep.enforce({"part": part}, 0, HERE)
    arrays = {name: array for name, array in {**upkeep.pack(), **damage}.items() if array is not None}
    with pytest.raises(ArchiveError, match=r"upkeep|growth curve"):
        upkeep.unpack(arrays)
    assert upkeep.usage().dropped["part"].rows == 3


def test_a_budget_caps_the_tokens_of_a_prompt():
    found = Retrieval(
        tuple(MemoryItem(np.array([n, 0.0, 0.0]), 0.5, "octree", 1, category=1) for n in range(9))
    )
    pose = Pose(0.0, 0.0, 0.0, 0.0)
    words = lambda text: len(text.split())  # noqa: E731
    told = describe(found, pose, budget=Budget(max_prompt_tokens=40), count=words)
    assert words(told) <= 40
    assert told.splitlines()[-1] == f"and {9 - len(told.splitlines()) + 1} more"
    assert describe(found, pose, budget=Budget()) == describe(found, pose)
    assert words(describe(found, pose, max_tokens=15, budget=Budget(max_prompt_tokens=40), count=words)) <= 15
