"""Graphs on disk: the same arrays, read once per content, and never in the way."""

import logging

import numpy as np
import pytest
from instructed_worlds import house, street

from placecell.envs.graph.graph_cache import load_or_read

ARRAYS = ("positions", "first", "other", "yaw", "pitch", "length_m", "floor_height_m")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PLACECELL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "graphs"


class Reader:
    """Makes the two graphs, and counts how often."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        return [house(), street()]


def test_kept_graphs_are_the_same_to_the_bit(folder):
    read = Reader()
    fresh, kept = load_or_read("test", [b"a"], read), load_or_read("test", [b"a"], read)
    assert read.times == 1
    for one, other in zip(fresh, kept, strict=True):
        assert (one.name, one.names, one.origin_degrees) == (other.name, other.names, other.origin_degrees)
        for key in ARRAYS:
            a, b = getattr(one, key), getattr(other, key)
            assert a.dtype == b.dtype
            assert np.array_equal(a, b)
    assert kept[0].shortest_path(0, 5) == fresh[0].shortest_path(0, 5)


@pytest.mark.parametrize(("what", "contents"), [("test", [b"b"]), ("other", [b"a"]), ("test", [b"a", b""])])
def test_other_content_and_another_reader_are_read_anew(folder, what, contents):
    read = Reader()
    load_or_read("test", [b"a"], read)
    load_or_read(what, contents, read)
    assert read.times == 2


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-200], lambda data: b"", lambda data: b"\x80" + data[1:]]
)
def test_a_damaged_file_is_made_anew_and_told(folder, damage, caplog):
    read = Reader()
    load_or_read("test", [b"a"], read)
    (path,) = folder.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    with caplog.at_level(logging.WARNING):
        again = load_or_read("test", [b"a"], read)
    assert "is damaged and is made anew" in caplog.text
    assert read.times == 2
    assert again[1].name == "manhattan"
    load_or_read("test", [b"a"], read)
    assert read.times == 2


def test_a_flipped_bit_is_noticed(folder, caplog):
    read = Reader()
    load_or_read("test", [b"a"], read)
    (path,) = folder.iterdir()
    data = bytearray(path.read_bytes())
    data[data.index(np.float64(6.0).tobytes())] ^= 1
    path.write_bytes(bytes(data))
    assert load_or_read("test", [b"a"], read)[0].positions[3, 0] == 6.0
    assert read.times == 2


def test_graphs_that_cannot_be_kept_are_read_each_time(folder, caplog):
    folder.parent.write_text("a file in the way")
    read = Reader()
    assert [len(graph) for graph in load_or_read("test", [b"a"], read)] == [6, 6]
    assert "the panorama graphs are not cached" in caplog.text


def test_what_cannot_be_read_is_not_kept(folder):
    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        load_or_read("test", [b"a"], fail)
    assert not folder.exists()
