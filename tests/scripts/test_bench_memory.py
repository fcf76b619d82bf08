"""A comparison of speed is worth nothing unless all do the same work: that, and the form of the rows."""

import argparse
import dataclasses
import importlib.util
import sys

import numpy as np
import pytest

from placecell.arrays import generator
from placecell.errors import DataError, MissingPartError, WorkerError
from placecell.memory import SparseOctree
from placecell.scripts.bench import (
    memory,
    memory_bev,
    memory_first_calls,
    memory_graph,
    memory_insert,
    memory_octomap,
    memory_peers,
    memory_queries,
    memory_turns,
)
from placecell.scripts.bench.memory_hall import CAMERA, MAX_DEPTH_M, SIZE_M, VOXEL_M, walk
from placecell.scripts.bench.row import Row

EXTRA = all(importlib.util.find_spec(module) for module in ("open3d", "libusb_package", "pyoctomap"))
needs_peers = pytest.mark.skipif(not EXTRA, reason="pip install placecell[bench]")


@pytest.fixture(scope="module")
def view():
    (seen,) = walk(1)
    return seen


@pytest.fixture(scope="module")
def octree(view):
    octree = SparseOctree(VOXEL_M)
    octree.insert(view.frame(0), MAX_DEPTH_M, carve=False)
    return octree


def test_the_walk_is_the_same_from_wherever_it_is_taken_up():
    first, second = walk(2)
    (again,) = walk(2, 1)
    np.testing.assert_array_equal(again.depth, second.depth)
    assert (first.depth != second.depth).any()


def test_the_hall_is_where_it_should_be(view):
    points = view.points()
    assert len(points) == np.count_nonzero(view.depth) > 0.9 * view.depth.size
    assert (points > -0.1).all()
    assert (points < np.array(SIZE_M) + 0.1).all()
    surface = view.surface[view.depth > 0]
    assert set(np.unique(surface)) == {1, 2, 3, 4}
    for label, height in ((1, 0.0), (2, SIZE_M[2])):
        # A centimetre along rays that graze floor or ceiling is less than that in height.
        assert np.abs(points[surface == label, 2] - height).max() < 0.06
    walls = points[surface == 3]
    to_wall = np.minimum(np.abs(walls[:, :2]), np.abs(walls[:, :2] - SIZE_M[:2])).min(1)
    assert to_wall.max() < 0.06


def test_a_frame_carries_what_is_asked_for(view):
    plain, painted = view.frame(3), view.frame(3, painted=True, features=True)
    assert (plain.rgb, plain.labels, plain.features) == (None, None, None)
    assert plain.step == 3
    assert painted.rgb.shape == (*view.depth.shape, 3)
    assert painted.features.shape[2] == 256
    assert (painted.camera.width, painted.camera.height) == (CAMERA.width, CAMERA.height)


@needs_peers
@pytest.mark.parametrize("sort_first", [False, True])
def test_open3d_counts_and_sums_what_we_do(view, octree, sort_first):
    peer = memory_peers.Open3dMap(VOXEL_M, sort_first=sort_first)
    peer.insert(view.points())
    indices, sums = peer.content()
    held = octree.read(indices.astype(np.int64))
    # It knows points as float32: a few cross the border of a voxel.
    assert abs(len(indices) - len(octree)) < 0.001 * len(octree)
    same = held.hits == sums[:, 0]
    assert same.mean() > 0.99
    means = sums[same, 1:] / sums[same, :1]
    assert np.abs(means - held.points[same]).max() < VOXEL_M / 512 + 1e-3
    assert sums[:, 0].sum() == np.count_nonzero(view.depth)


@needs_peers
def test_open3d_finds_what_we_find(octree):
    asked = memory_queries.asked(octree, 2000)
    there = memory_peers.Open3dSet(octree.occupied(), VOXEL_M).find(asked)
    assert 0 < there.sum() < len(there)
    np.testing.assert_array_equal(there, octree.find(asked) >= 0)
    rows, distances = memory_peers.Open3dNearest(octree.centre_of(octree.occupied())).nearest(asked, 8)
    _, ours = octree.nearest_many(asked, 8)
    assert rows.shape == ours.shape
    np.testing.assert_allclose(np.sort(distances), np.sort(ours), atol=1e-6)


def test_per_point_scatter_gives_our_features():
    pixel_rows, features = memory_queries.fuse_input()
    count = int(pixel_rows.max()) + 1
    assert abs(count - memory_queries.VOXELS) < 0.4 * memory_queries.VOXELS
    rows = generator(0, "test").permutation(count).astype(np.int64)
    stores = []
    for name in ("ours", "with_torch", "with_numpy"):
        plain = memory_queries.Scatter(count)
        add = memory_queries.fuse if name == "ours" else getattr(plain, name)
        for _ in range(2):
            first = (plain.store, plain.weight) if name == "ours" else ()
            add(*first, rows, pixel_rows, features)
        stores.append((plain.store.astype(np.float32), plain.weight))
    for store, weight in stores[1:]:
        np.testing.assert_array_equal(weight, stores[0][1])
        np.testing.assert_allclose(store, stores[0][0], atol=4e-3)


@needs_peers
def test_rows_of_insertion(monkeypatch):
    rows, octree = memory_insert.surfaces(1, judged=True)
    rows += memory_insert.extras(1, 2, judged=False)
    by_name = {row.name: row for row in rows}
    assert len(octree) > 1000
    assert list(by_name) == [
        "insert_position", "insert_position_octomap", "insert_position_sorted", "insert_position_torch",
        "index_bytes", "insert_colour_labels", "insert_features_256", "insert_free_space",
        "index_bytes_free_space",
    ]  # fmt: skip
    first = by_name["insert_position"]
    assert (first.peer, first.target) == ("Open3D HashMap", ">= 10 x Open3D HashMap")
    assert first.ratio == pytest.approx(first.value / first.peer_value)
    assert first.passed == (first.ratio >= 10)
    assert by_name["insert_position_octomap"].target == ">= 14 x OctoMap endpoints"
    assert by_name["insert_position_torch"].target == ">= 2.5 x Open3D HashMap"
    assert by_name["index_bytes"].target == "<= 40"
    assert by_name["index_bytes"].value == pytest.approx(octree.index_nbytes / len(octree))
    assert all(row.target is None for row in rows[5:])
    assert by_name["insert_free_space"].peer == "OctoMap rays"
    assert not memory_insert.cuda(1) or memory_insert.torch.cuda.is_available()


@needs_peers
def test_rows_of_queries(octree):
    rows = [
        memory_queries.point_row(octree, 1000, 1),
        memory_queries.radius_row(octree, 100, 1),
        memory_queries.nearest_row(octree, 100, 1),
        memory_queries.fuse_row(1),
    ]
    assert [(row.name, row.target) for row in rows] == [
        ("point_lookup", ">= 1.3 x Open3D HashSet.find"),
        ("radius_0.25m", ">= 2 x scipy cKDTree"),
        ("nearest_8", ">= 0.9 x Open3D nns"),
        ("fuse_features", ">= 10 x per-point scatter"),
    ]
    assert all(row.value > 0 and row.peer_value > 0 for row in rows)


def test_the_suite_joins_all_rows_under_names_of_their_own(monkeypatch, octree):
    called = []

    def part(name):
        def rows(*given):
            called.append((name, *given))
            return [Row(name, 1.0, "1")]

        return rows

    for module in (memory_first_calls, memory_queries, memory_bev, memory_octomap, memory_graph):
        monkeypatch.setattr(module, "rows", part(module.__name__.rpartition(".")[2]))
    monkeypatch.setattr(memory_insert, "rows", lambda quick: ([Row("memory_insert", 1.0, "1")], octree))
    monkeypatch.setattr(memory_peers, "require_all", lambda: None)
    parser = argparse.ArgumentParser()
    memory.add_arguments(parser)
    rows = memory.run(argparse.Namespace(quick=True, **vars(parser.parse_args([]))))
    assert [row.name for row in rows] == [
        "memory_first_calls", "memory_insert", "memory_queries",
        "memory_bev", "memory_octomap", "memory_graph",
    ]  # fmt: skip
    assert ("memory_queries", True, octree) in called
    assert ("memory_graph", True) in called


def test_a_peer_that_is_missing_is_one_line(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyoctomap" else find(name))
    if not importlib.util.find_spec("open3d"):
        pytest.skip("pip install placecell[bench]")
    with pytest.raises(MissingPartError, match=r"expected pyoctomap, .* got none; pip install .placecell"):
        memory_peers.require_all()
    monkeypatch.setitem(sys.modules, "pyoctomap", None)
    with pytest.raises(MissingPartError, match=r"expected pyoctomap, which .* pip install 'placecell\[bench"):
        memory_peers.octomap()


def test_first_calls_are_made_elsewhere_and_fail_in_one_line(monkeypatch):
    assert memory_first_calls.insert() > 0
    assert memory_first_calls.queries() > 0
    assert memory_first_calls.graph() > 0
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(WorkerError, match="calls to come to their end, got nothing printed; run that by"):
        memory_first_calls.rows()


def test_agreement_counts_what_both_know():
    found = memory_octomap.Agreement(np.array([[90, 4, 0], [2, 40, 1], [0, 3, 6]]))
    assert found.known == 50
    assert found.share == pytest.approx(46 / 50)
    assert found.coverage == pytest.approx(50 / 54)
    assert (found + found).known == 100


def test_scans_that_are_damaged_are_named(tmp_path, monkeypatch):
    import bz2

    (tmp_path / "a.bz2").write_bytes(bz2.compress(b"1 2 3\n4 5\n"))
    with pytest.raises(DataError, match=r"three numbers a line in .*a.bz2, got 5 numbers"):
        memory_octomap.read_scan(tmp_path / "a.bz2")
    (tmp_path / "b.graph").write_bytes(b"\1\0\0\0\2\0\0\0" + b"\0" * 30)
    with pytest.raises(DataError, match=r"a scan graph of OctoMap: .*b.graph"):
        memory_octomap.read_graph(tmp_path / "b.graph")
    monkeypatch.delenv("PLACECELL_DATA", raising=False)
    assert memory_octomap.rows(quick=True) == []


def test_a_turn_is_the_median_without_the_first():
    calls = []
    times = memory_turns.in_turn([lambda: calls.append("a"), lambda: calls.append("b")], 2)
    assert calls == ["a", "b"] * 3
    assert len(times) == 2
    row = memory_turns.compared("x", (6.0, 2.0), "1/s", "peer", 3.5)
    assert dataclasses.astuple(row) == ("x", 6.0, "1/s", "peer", 2.0, 3.0, ">= 3.5 x peer", False, False)
