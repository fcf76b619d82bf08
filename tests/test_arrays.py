import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placecell.arrays import atomic_write, content_hash, generator


@given(st.integers(0, 2**63), st.text(), st.integers())
def test_equal_seeds_and_names_give_equal_numbers(seed, name, index):
    first, second = generator(seed, name, index), generator(seed, name, index)
    assert first.integers(2**40, size=4).tolist() == second.integers(2**40, size=4).tolist()


def test_streams_are_told_apart_by_seed_name_and_type():
    streams = [(5, "a", 1), (6, "a", 1), (5, "b", 1), (5, "a", 2), (5, "a", "1"), (5, "a1"), (5,)]
    draws = [int(generator(*stream).integers(2**62)) for stream in streams]
    assert len(set(draws)) == len(streams)


def test_a_stream_is_the_same_on_every_machine():
    assert generator(0, "episode", 0).integers(1000, size=3).tolist() == [889, 783, 514]


def test_a_hash_sees_type_shape_and_order_but_not_memory_layout():
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert content_hash(a) == content_hash(np.asfortranarray(a))
    others = [a.T, a.astype(np.float64), a.reshape(3, 2), a.view(np.int32), -a]
    assert len({content_hash(x) for x in [a, *others]}) == 1 + len(others)
    assert content_hash(a, "x") != content_hash("x", a)
    assert content_hash(b"ab", b"c") != content_hash(b"a", b"bc")


def test_an_atomic_write_replaces_the_file(tmp_path):
    path = tmp_path / "f"
    atomic_write(path, "old")
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_write_that_breaks_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "f"
    atomic_write(path, "old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        atomic_write(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
