"""The outside of an archive: what safetensors says it is, and what no file may make a reader do."""

import json
import math
import struct
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from placecell.errors import ArchiveError, OutputError
from placecell.memory import SpatialMemory, archive
from placecell.memory.archive import Archive
from placecell.memory.archives.inspection import inspect
from placecell.memory.archives.kinds import KINDS, restored
from placecell.memory.archives.layout import ALIGNMENT, MOST_HEADER, MOST_NESTED, TYPES

MANIFEST = {"n": 1}
HEADER = {
    "version": 2,
    "kind": "Kind",
    "convention": archive.CONVENTION,
    "embedding_model": "",
    "provenance": {},
    "manifest": MANIFEST,
}
READERS = [archive.load, archive.open_mapped, inspect]


@pytest.fixture
def arrays():
    rng = np.random.default_rng(5)
    made = {f"part.{name}": rng.integers(0, 2, (3, 5)).astype(kind) for name, kind in TYPES.items()}
    return {**made, "none": np.zeros((0, 4)), "one": np.array(7, np.int16), "a-b_c.9": np.ones(1, np.uint8)}


def file_of(path, told, body=b""):
    """A file with this header, as an object or as it is written."""
    text = told if isinstance(told, bytes) else json.dumps(told).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return path


def with_arrays(**arrays):
    return {"__metadata__": {archive.FORMAT: json.dumps(HEADER)}, **arrays}


def entry(dtype="U8", shape=(4,), offsets=(0, 4)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def assert_refused(path, match):
    for read in READERS:
        with pytest.raises(ArchiveError, match=match):
            read(path)


def test_the_library_reads_what_is_written_here(tmp_path, arrays):
    archive.save(Archive("Kind", MANIFEST, arrays), tmp_path / "a")
    theirs = load_file(tmp_path / "a")
    assert theirs.keys() == arrays.keys()
    for name, array in arrays.items():
        assert theirs[name].dtype == array.dtype
        np.testing.assert_array_equal(theirs[name], array)


def test_what_the_library_writes_is_read_here(tmp_path, arrays):
    save_file(arrays, tmp_path / "a", {archive.FORMAT: json.dumps(HEADER)})
    for read in (archive.load, archive.open_mapped):
        ours = read(tmp_path / "a", "Kind")
        assert ours.manifest == MANIFEST
        for name, array in arrays.items():
            assert ours.arrays[name].dtype == array.dtype
            np.testing.assert_array_equal(ours.arrays[name], array)


def test_arrays_lie_aligned_whatever_the_names_are(tmp_path):
    for length in range(1, 70, 3):
        archive.save(
            Archive("Kind", {"text": "x" * length}, {"b": np.ones(9), "a": np.ones(3, np.uint8)}),
            tmp_path / "a",
        )
        mapped = archive.open_mapped(tmp_path / "a")
        assert (8 + struct.unpack("<Q", (tmp_path / "a").read_bytes()[:8])[0]) % ALIGNMENT == 0
        assert all(array.flags.aligned for array in mapped.arrays.values())


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24).reshape(4, 6).T,
        np.arange(24).reshape(4, 6)[:, ::2],
        np.arange(24, dtype=">i4").reshape(4, 6),
        np.arange(24.0)[::-1],
        np.broadcast_to(np.float32(3), (5, 2)),
        np.array(5, ">f8"),
    ],
)
def test_what_lies_otherwise_in_memory_is_written_the_same(tmp_path, array, monkeypatch):
    monkeypatch.setattr("placecell.memory.archives.writing._PIECE", 50)
    archive.save(Archive("Kind", {}, {"x": array}), tmp_path / "a")
    plain = array.astype(array.dtype.newbyteorder("<"), order="C")
    archive.save(Archive("Kind", {}, {"x": plain}), tmp_path / "b")
    np.testing.assert_array_equal(archive.load(tmp_path / "a").arrays["x"], array)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_saving_makes_no_second_copy(tmp_path, monkeypatch):
    monkeypatch.setattr("placecell.memory.archives.writing._PIECE", 1 << 18)
    array = np.ones((1000, 4000), np.float32)
    for stored in (array, array[:, :3000]):
        tracemalloc.start()
        archive.save(Archive("Kind", {}, {"x": stored}), tmp_path / "a")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1 << 20


@pytest.mark.parametrize(
    ("manifest", "arrays"),
    [
        ({"x": object()}, {}),
        ({}, {"x": np.array(["text"])}),
        ({}, {"x": np.array([{}], object)}),
        ({}, {"x": np.zeros(2, np.complex64)}),
        ({}, {"../x": np.zeros(2)}),
        ({}, {"__metadata__": np.zeros(2)}),
        ({"x": "y" * MOST_HEADER}, {}),
    ],
)
def test_what_an_archive_cannot_hold_is_not_written(tmp_path, manifest, arrays):
    with pytest.raises(
        OutputError, match=r"expected an archive of plain JSON .*; pack what an archive can hold"
    ):
        archive.save(Archive("Kind", manifest, arrays), tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_truncated_at_every_byte_of_its_header_and_of_its_arrays(tmp_path):
    archive.save(Archive("Kind", MANIFEST, {"x": np.arange(8, dtype=np.int16)}), tmp_path / "a")
    whole = (tmp_path / "a").read_bytes()
    for kept in range(len(whole)):
        (tmp_path / "a").write_bytes(whole[:kept])
        with pytest.raises(ArchiveError, match="expected a whole memory archive"):
            archive.open_mapped(tmp_path / "a")
    assert_refused(tmp_path / "a", "expected a whole memory archive")
    (tmp_path / "a").write_bytes(whole + b"\0")
    assert_refused(tmp_path / "a", r"bytes, where its header tells of")


def test_every_byte_of_the_header_may_be_another(tmp_path):
    archive.save(Archive("Kind", MANIFEST, {"x": np.arange(8, dtype=np.int16)}), tmp_path / "a")
    whole = (tmp_path / "a").read_bytes()
    for at in range(len(whole) - 16):
        (tmp_path / "a").write_bytes(whole[:at] + b'"' + whole[at + 1 :])
        with suppress(ArchiveError):
            archive.open_mapped(tmp_path / "a")


@pytest.mark.parametrize("length", [1 << 63, (1 << 64) - 1, 1 << 40, MOST_HEADER + 1, 10_000])
def test_a_header_of_a_length_that_there_is_not(tmp_path, length):
    (tmp_path / "a").write_bytes(struct.pack("<Q", length) + b"{}" * 100)
    assert_refused(tmp_path / "a", f"a header of {length} bytes in a file of 208")


@pytest.mark.parametrize(
    ("told", "match"),
    [
        ({"x": entry(offsets=(0, 4)), "y": entry(offsets=(2, 6))}, "overlaps another, or a gap"),
        ({"x": entry(offsets=(0, 4)), "y": entry(offsets=(0, 4))}, "overlaps another, or a gap"),
        ({"x": entry(offsets=(2, 6))}, "overlaps another, or a gap"),
        ({"x": entry(offsets=(-4, 0))}, "shape or place that there cannot be"),
        ({"x": entry(offsets=(4, 0))}, "in a place of -4"),
        ({"x": entry(offsets=(0, 4, 8))}, "shape or place that there cannot be"),
        ({"x": entry(offsets=(0, True))}, "shape or place that there cannot be"),
        ({"x": entry(offsets=(0, 1 << 70))}, "shape or place that there cannot be"),
        ({"x": entry(shape=(1 << 40,))}, "an array x of 1099511627776 bytes in a place of 4"),
        ({"x": entry(shape=(1 << 40,), offsets=(0, 1 << 40))}, "where its header tells of"),
        ({"x": entry(shape=(1 << 32, 1 << 32, 4))}, "in a place of 4"),
        ({"x": entry(shape=(0, 1 << 21), offsets=(0, 0))}, r"x of nothing, of the shape \(0, 2097152\)"),
        ({"x": entry(shape=(1 << 40, 0), offsets=(0, 0))}, "x of nothing, of the shape"),
        ({"x": entry(shape=(3, 0, 1 << 61), offsets=(0, 0))}, "x of nothing, of the shape"),
        ({"x": entry(shape=(-4,))}, "shape or place that there cannot be"),
        ({"x": entry(shape=(4.0,))}, "shape or place that there cannot be"),
        ({"x": entry(shape=(1,) * 40 + (4,))}, "shape or place that there cannot be"),
        ({"x": entry(dtype="object")}, "of type 'object'"),
        ({"x": entry(dtype="F8_E4M3")}, "of type"),
        ({"x": entry(dtype=["U8"])}, "without type, shape and place"),
        ({"x": {**entry(), "more": 1}}, "without type, shape and place"),
        ({"x": [0, 4]}, "without type, shape and place"),
        ({"../../etc/passwd": entry()}, "an array named"),
        ({"/tmp/x": entry()}, "an array named"),
        ({"a..b": entry()}, "an array named"),
        ({"": entry()}, "an array named"),
        ({"a\nb": entry()}, "an array named"),
        ({"\x1b[2J": entry()}, "an array named"),
        ({"x" * 300: entry()}, "an array named"),
    ],
)
def test_arrays_that_there_cannot_be(tmp_path, told, match):
    assert_refused(file_of(tmp_path / "a", with_arrays(**told), b"abcd"), match)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (b"[1, 2]", "no JSON object"),
        (b"[" * 100_000, "no JSON"),
        (b"\xff\xfe{}", "no JSON"),
        (b"9" * 5000, "no JSON"),
        (b'{"__metadata__": {"a": 1}}', "metadata that are not texts"),
        (b'{"__metadata__": [1]}', "metadata that are not texts"),
        (b'{"x": 1, "x": 1}', "'x' twice"),
        (b'{"__metadata__": {}, "__metadata__": {}}', "'__metadata__' twice"),
        (b"{" + b",".join(b'"k%d": 1' % n for n in range(5_000)) + b"}", "without type"),
    ],
)
def test_headers_that_are_none(tmp_path, text, match):
    assert_refused(file_of(tmp_path / "a", text), match)


@pytest.mark.parametrize(
    ("told", "match"),
    [
        ({**HEADER, "kind": "no class"}, "kind is 'no class'"),
        ({**HEADER, "kind": None}, "kind is 'None'"),
        ({**HEADER, "provenance": []}, "provenance is"),
        ({**HEADER, "embedding_model": 3}, "embedding_model is '3'"),
        (
            {**HEADER, "convention": "y up, inches"},
            r"z up.*, got 'y up, inches'; load it with the placecell that",
        ),
        (
            {**HEADER, "embedding_model": "one"},
            "an archive of one embedding model, 'one' by its header, got ''",
        ),
        ({**HEADER, "manifest": {"encoder": "two"}}, "one embedding model, '' by its header, got 'two'"),
        ({name: HEADER[name] for name in HEADER if name != "version"}, "got version None"),
    ],
)
def test_what_it_says_of_itself_makes_no_sense(tmp_path, told, match):
    assert_refused(file_of(tmp_path / "a", {"__metadata__": {archive.FORMAT: json.dumps(told)}}), match)


def test_a_name_twice_in_the_manifest(tmp_path):
    text = json.dumps(HEADER).replace('"n": 1', '"n": 1, "n": 2')
    assert_refused(file_of(tmp_path / "a", {"__metadata__": {archive.FORMAT: text}}), "'n' twice")


def test_nobody_allocates_what_a_file_only_claims(tmp_path):
    huge = 1 << 36
    told = with_arrays(x=entry(shape=(huge,), offsets=(0, huge)))
    blocks = 2000
    lies = {
        "keys": np.arange(blocks),
        "cells": np.ones((blocks, 512), np.int16),
        "seen": np.zeros(blocks, np.int32),
        "uses": np.zeros(blocks, np.uint32),
        "feature": np.zeros((0, 4096), np.float16),
    }
    tracemalloc.start()
    assert_refused(file_of(tmp_path / "a", told, b"abcd"), "where its header tells of")
    for capacity, width in ((10**9, 0), (128, 10**9), (2**62, 0), (128, 2**62)):
        with pytest.raises(ArchiveError, match="archive with a manifest of valid settings"):
            SpatialMemory.load(_settings(tmp_path, short_term_capacity=capacity, feature_width=width))
    for name, width in (("topology.place.descriptor", 10**9), ("long_term.vectors", 10**10)):
        with pytest.raises(ArchiveError, match=f"an array {name} of nothing"):
            SpatialMemory.load(_settings(tmp_path, _empty=(name, width)))
    with pytest.raises(ArchiveError, match="cells that number the voxels of their blocks"):
        SpatialMemory.load(_settings(tmp_path, lies, feature_width=4096))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6


@pytest.mark.parametrize("value", [10**18, 10**6, -1, 1e-300, math.nan, "x", None])
def test_any_setting_may_be_anything(value):
    for kind in KINDS.values():
        empty = kind().pack()
        for name in empty.manifest:
            with suppress(ArchiveError):
                restored(Archive(empty.kind, {**empty.manifest, name: value}, empty.arrays))


def test_no_pickle_is_looked_at(tmp_path):
    (tmp_path / "a").write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
    assert_refused(tmp_path / "a", "expected a whole memory archive")
    np.save(tmp_path / "b.npy", np.array([{}], object), allow_pickle=True)
    assert_refused(tmp_path / "b.npy", "expected a whole memory archive")


def _settings(folder, arrays=None, _empty=None, **changed):
    """The file of an empty memory with other settings, other arrays, or one of no rows of another width."""
    empty = SpatialMemory().pack()
    archive.save(Archive(empty.kind, empty.manifest, empty.arrays), folder / "s")
    with safe_open(folder / "s", framework="numpy") as file:
        told = json.loads(file.metadata()[archive.FORMAT])
        held = {**file.get_tensors(), **(arrays or {})}
    told["manifest"].update(changed)
    told["embedding_model"] = told["manifest"]["encoder"]
    if _empty is not None:
        held[_empty[0]] = np.zeros((0, _empty[1]), held[_empty[0]].dtype)
    save_file(held, folder / "s", {archive.FORMAT: json.dumps(told)})
    return folder / "s"


def test_an_error_is_one_line_whatever_the_file_says(tmp_path):
    for changed in ({"convention": "y\nup \x1b[2J"}, {"version": "2\n\x1b[2J"}, {"kind": "a\nb"}):
        text = json.dumps({**HEADER, **changed})
        with pytest.raises(ArchiveError) as told:
            archive.load(file_of(tmp_path / "a", {"__metadata__": {archive.FORMAT: text}}))
        assert str(told.value).isprintable()


@pytest.mark.parametrize("name", ["manifest", "provenance"])
def test_nothing_lies_deeper_than_can_be_shown(tmp_path, name):
    for levels, fits in ((MOST_NESTED - 1, True), (MOST_NESTED, False), (400, False), (20_000, False)):
        nested = {}
        for _ in range(levels - 1):
            nested = {"n": nested}
        if fits:
            archive.save(Archive("Kind", **{name: nested}), tmp_path / "a")
            assert getattr(archive.load(tmp_path / "a"), name) == nested
            continue
        with pytest.raises(OutputError, match="an archive of plain JSON"):
            archive.save(Archive("Kind", **{name: nested}), tmp_path / "b")
        text = json.dumps(HEADER).replace("{}", '{"n": ' * (levels - 1) + "{}" + "}" * (levels - 1))
        assert_refused(file_of(tmp_path / "c", {"__metadata__": {archive.FORMAT: text}}), "no JSON")
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("stored", [Archive("no class"), Archive("x" * 300), Archive("A", {"encoder": 3})])
def test_what_could_not_be_read_again_is_not_written(tmp_path, stored):
    with pytest.raises(OutputError, match="an archive of plain JSON"):
        archive.save(stored, tmp_path / "a")
    assert not list(tmp_path.iterdir())
