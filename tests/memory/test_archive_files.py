"""Archives as files: mapped, replaced, left behind, of older versions, pruned."""

import fcntl
import json
import os
import resource
import shutil
import struct
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from placecell.errors import ArchiveError, ConfigError, OutputError
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame, NoMemory, Query, SpatialMemory, archive
from placecell.memory.archive import Archive
from placecell.memory.archives import writing
from placecell.memory.archives.inspection import inspect
from placecell.memory.archives.migration import migrate
from placecell.memory.archives.pruning import prune, prune_memory
from placecell.memory.budget import Budget

HELD = Path(__file__).parent / "archives"
CAMERA = Pinhole.from_hfov(8, 6, 1.4)


def as_when_the_fixtures_were_made(labelled=True):
    """The memory that the fixtures hold: 0 of the first octree, 1 of the time before there was version 2."""
    memory = SpatialMemory(voxel_size_m=0.2, max_depth_m=1.3, min_depth_m=0.1)
    depth = np.linspace(0.3, 1.4, 48, dtype=np.float32).reshape(6, 8)
    labels, rgb = np.arange(48).reshape(6, 8) // 9, np.full((6, 8, 3), 7, np.uint8)
    for step in (5, 6):
        pose = Pose(-0.8 + 0.1 * step, 0.5, 0, 0.3).T_world_camera(0.9)
        memory.write(Frame(pose, CAMERA, depth, rgb, labels if labelled else None, step=step))
    return memory


def walked(frames=40):
    """A memory of a walk past walls."""
    memory = SpatialMemory(voxel_size_m=0.1, max_depth_m=4.0)
    rng = np.random.default_rng(3)
    for step in range(frames):
        depth = rng.uniform(1, 4.5, (12, 16)).astype(np.float32)
        labels = rng.integers(0, 5, (12, 16))
        pose = Pose(0.7 * step, 0, 0, 0.2 * step).T_world_camera(0.9)
        memory.write(Frame(pose, Pinhole.from_hfov(16, 12, 1.4), depth, None, labels, step=step))
    return memory


def answers(memory):
    """What it says of all places and of a category."""
    asked = (Query(np.zeros(3), 1e3), Query(np.zeros(3), 1e3, category=3))
    return [
        (item.position.tolist(), item.score, item.source, item.age_steps, item.category)
        for query in asked
        for item in memory.retrieve(query, 50).items
    ]


def sparse(path, rows=1_000_000, width=1024):
    """An archive of 2 GB of which the disk holds the header."""
    told = {
        "version": 2,
        "kind": "Kind",
        "convention": archive.CONVENTION,
        "embedding_model": "",
        "provenance": {},
    }
    nbytes = 2 * rows * width
    entry = {"dtype": "F16", "shape": [rows, width], "data_offsets": [0, nbytes]}
    text = json.dumps(
        {"__metadata__": {archive.FORMAT: json.dumps({**told, "manifest": {}})}, "x": entry}
    ).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + nbytes)
    return path


def test_mapped_is_what_is_read_and_cannot_be_written_to(tmp_path):
    walked(3).save(tmp_path / "m")
    read, mapped = archive.load(tmp_path / "m"), archive.open_mapped(tmp_path / "m")
    assert read.manifest == mapped.manifest
    assert read.arrays.keys() == mapped.arrays.keys()
    for name, array in read.arrays.items():
        assert array.dtype == mapped.arrays[name].dtype
        np.testing.assert_array_equal(array, mapped.arrays[name])
        assert array.flags.writeable
        assert not mapped.arrays[name].flags.writeable


def test_opening_and_looking_into_two_gigabytes_reads_none_of_it(tmp_path):
    path = sparse(tmp_path / "m")
    start = time.process_time()
    mapped, found = archive.open_mapped(path), inspect(path)
    assert time.process_time() - start < 0.1
    assert mapped.arrays["x"].nbytes == found.entries[0].nbytes == 2_048_000_000
    assert float(mapped.arrays["x"][-1].sum()) == 0


def test_a_loaded_memory_is_saved_where_it_came_from_and_goes_on(tmp_path):
    memory, path = walked(5), tmp_path / "m"
    memory.save(path)
    first, loaded = path.read_bytes(), SpatialMemory.load(path)
    loaded.save(path)
    assert path.read_bytes() == first
    before, again = loaded.stats(), SpatialMemory.load(path)
    depth = np.full((6, 8), 1.0, np.float32)
    for one in (memory, loaded, again):
        one.write(Frame(np.eye(4), CAMERA, depth, step=60))
    assert memory.stats() == loaded.stats() == again.stats() != before
    NoMemory().save(path)
    assert answers(loaded) == answers(memory)
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_provenance_is_told_and_nothing_is_added_to_it(tmp_path):
    memory = walked(1)
    memory.save(tmp_path / "a", {"run": "houses-5", "episodes": [1, 2]})
    memory.save(tmp_path / "b", {"episodes": [1, 2], "run": "houses-5"})
    assert inspect(tmp_path / "a").header.provenance == {"run": "houses-5", "episodes": [1, 2]}
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with pytest.raises(OutputError, match="an archive of plain JSON"):
        memory.save(tmp_path / "a", {"memory": memory})


def test_what_killed_writers_left_goes_at_the_next_save_and_what_is_being_written_stays(tmp_path):
    path, abandoned, locked = (tmp_path / name for name in ("m", ".m.saving-0123abcd", ".m.saving-4567cdef"))
    for stale in (
        abandoned,
        locked,
        tmp_path / ".m2.saving-0123abcd",
        tmp_path / ".m.saving-not-ours-at-all",
    ):
        stale.write_bytes(b"half")
    with open(locked, "rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        archive.save(Archive("Kind"), path)
        held = {p.name for p in tmp_path.iterdir()}
    assert held == {"m", locked.name, ".m2.saving-0123abcd", ".m.saving-not-ours-at-all"}


def test_a_file_that_was_taken_for_abandoned_is_begun_again(tmp_path, monkeypatch):
    flock, taken = fcntl.flock, []

    def unlucky(handle, how):
        if not taken:
            taken.extend(tmp_path.glob(".m.saving-*"))
            taken[0].unlink()
        flock(handle, how)

    monkeypatch.setattr(fcntl, "flock", unlucky)
    archive.save(Archive("Kind", {"n": 1}), tmp_path / "m")
    assert taken
    assert archive.load(tmp_path / "m").manifest == {"n": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_it_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    done = []
    for name in ("fsync", "replace"):
        call = getattr(writing.os, name)
        monkeypatch.setattr(writing.os, name, lambda *a, call=call, name=name: (done.append(name), call(*a)))
    archive.save(Archive("Kind", {"n": 1}), tmp_path / "m")
    assert done == ["fsync", "replace", "fsync"]


def test_rights_and_links_stay(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "real").chmod(0o600)
    (tmp_path / "link").symlink_to("real")
    archive.save(Archive("Kind"), tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o600
    assert archive.load(tmp_path / "real").kind == "Kind"


def test_inspection_tells_what_the_memory_tells(tmp_path):
    memory = walked(5)
    memory.save(tmp_path / "m")
    found = inspect(tmp_path / "m")
    parts, told = {part.name: part for part in found.parts()}, memory.stats()
    assert (found.header.version, found.header.kind, found.outdated) == (2, "SpatialMemory", False)
    assert parts["octree"].counts["voxels"] >= told["octree_items"] > 0
    counts = parts["topology"].counts
    assert counts["places"] + counts["landmarks"] == told["topology_items"]
    assert parts["short_term"].counts["entries"] == told["short_term_items"]
    assert parts["long_term"].counts["rows"] == told["long_term_items"]
    assert found.nbytes == (tmp_path / "m").stat().st_size
    assert sum(part.nbytes for part in found.parts()) == sum(entry.nbytes for entry in found.entries)


@pytest.mark.parametrize("version", [0, 1])
def test_older_versions_stay_readable(version):
    path, now = HELD / f"version_{version}.placecell", as_when_the_fixtures_were_made(labelled=version > 0)
    found = inspect(path)
    assert (found.header.version, found.header.kind, found.outdated) == (version, "SpatialMemory", True)
    octree = next(part for part in found.parts() if part.name == "octree")
    packed = now.octree.pack()
    voxels = {"voxels": len(packed["evidence"])} if version else {}  # a row a block, in those
    assert octree.counts == {"blocks": len(packed["keys"]), **voxels}
    loaded = SpatialMemory.load(path)
    then, today = loaded.octree.pack(), now.octree.pack()
    for name in ("keys", "cells", "evidence", "hits", "colour", "last_hit", "label", "votes"):
        np.testing.assert_array_equal(then[name], today[name], err_msg=name)
    wanted = now.topology.stats() if version else dict.fromkeys(now.topology.stats(), 0)
    told = loaded.topology.stats()
    assert all(told[name] == wanted[name] for name in ("places", "landmarks", "edges"))
    depth = np.full((6, 8), 1.0, np.float32)
    loaded.write(Frame(np.eye(4), CAMERA, depth, step=7))


@pytest.mark.parametrize("version", [0, 1])
def test_migration(tmp_path, version):
    path, old = HELD / f"version_{version}.placecell", tmp_path / "old"
    assert migrate(path, tmp_path / "new") == (version, 2)
    shutil.copy(path, old)
    assert migrate(old) == (version, 2)
    assert old.read_bytes() == (tmp_path / "new").read_bytes()
    assert inspect(old).header.version == 2
    before, after = SpatialMemory.load(path).pack(), SpatialMemory.load(old).pack()
    assert before.manifest == after.manifest
    for name, array in before.arrays.items():
        np.testing.assert_array_equal(array, after.arrays[name])


def test_migration_leaves_the_present_version_alone_and_keeps_provenance(tmp_path):
    walked(1).save(tmp_path / "m", {"run": "r"})
    (tmp_path / "m").chmod(0o400)
    before = (tmp_path / "m").stat()
    assert migrate(tmp_path / "m") == migrate(tmp_path / "m", tmp_path / "copy") == (2, 2)
    after = (tmp_path / "m").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert (tmp_path / "copy").read_bytes() == (tmp_path / "m").read_bytes()


def test_migration_of_what_is_nobody_s(tmp_path):
    archive.save(Archive("Stranger"), tmp_path / "m")
    with pytest.raises(
        ArchiveError, match=r"the archive of a SpatialMemory, .*, got that of a Stranger; load it"
    ):
        migrate(tmp_path / "m")


def test_pruning_gives_up_what_tells_nothing_and_no_answer(tmp_path):
    memory = walked(8)
    clear = Frame(np.eye(4), Pinhole.from_hfov(64, 48, 1.4), np.full((48, 64), 5.0, np.float32), step=50)
    for _ in range(10):
        memory.write(clear)
    memory.save(tmp_path / "m", {"run": "r"})
    pruned = prune(tmp_path / "m")
    assert pruned.voxels > 0
    assert pruned.nbytes[1] == (tmp_path / "m").stat().st_size < pruned.nbytes[0]
    assert not pruned.dropped
    loaded = SpatialMemory.load(tmp_path / "m")
    assert answers(loaded) == answers(memory)
    assert inspect(tmp_path / "m").header.provenance == {"run": "r"}
    assert prune(tmp_path / "m", tmp_path / "again").voxels == 0
    assert (tmp_path / "again").read_bytes() == (tmp_path / "m").read_bytes()


def test_pruning_by_a_budget_says_what_went(tmp_path):
    memory = walked()
    memory.save(tmp_path / "m")
    items = int(memory.stats()["items"])
    pruned = prune(tmp_path / "m", tmp_path / "less", Budget(max_items=items // 2))
    loaded = SpatialMemory.load(tmp_path / "less")
    assert loaded.stats()["items"] <= items // 2
    assert loaded.budget == Budget()
    assert pruned.stats[1] == loaded.stats()
    assert sum(gone.items for gone in pruned.dropped.values()) == items - loaded.stats()["items"]
    assert loaded.usage().dropped == pruned.dropped != {}
    assert SpatialMemory.load(tmp_path / "m").stats() == memory.stats()


def test_pruning_by_distance_wants_to_know_from_where():
    memory = SpatialMemory(short_term=False)
    for step, x in enumerate((0.0, 50.0)):
        depth = np.full((6, 8), 2.0, np.float32)
        memory.write(Frame(Pose(x, 0, 0, 0).T_world_camera(0.9), CAMERA, depth, step=step))
    budget = Budget(max_items=int(memory.stats()["items"]) - 1, policy="farthest")
    with pytest.raises(ConfigError, match=r"the place from which the policy 'farthest' counts.*--at X Y Z"):
        prune_memory(memory, budget)
    with pytest.raises(ConfigError, match=r"a place \(x, y, z\) of finite numbers, got \[nan"):
        prune_memory(memory, budget, np.array([np.nan, 0, 0]))
    before = memory.growth().cells[:, 0] * memory.voxel_size_m
    prune_memory(memory, budget, np.array([50.0, 0, 0]))
    after = memory.growth().cells[:, 0] * memory.voxel_size_m
    assert (after > 25).sum() == (before > 25).sum() > 0
    assert (after < 25).sum() < (before < 25).sum()


def test_a_budget_without_room_leaves_the_file(tmp_path):
    memory = SpatialMemory()
    depth = np.full((6, 8), 2.0, np.float32)
    labels = np.arange(48).reshape(6, 8)
    for step in range(60):
        pose = Pose(step, 0, 0, 0.2 * step).T_world_camera(0.9)
        memory.write(Frame(pose, CAMERA, depth, None, labels, step=step))
    memory.save(tmp_path / "m")
    before = (tmp_path / "m").read_bytes()
    with pytest.raises(ConfigError, match="a budget above"):
        prune(tmp_path / "m", budget=Budget(max_items=1))
    assert (tmp_path / "m").read_bytes() == before
    told = memory.stats()
    with pytest.raises(ConfigError, match="a budget above"):
        prune_memory(memory, Budget(max_items=1))
    assert memory.stats() == told


def test_a_prune_that_is_interrupted_leaves_the_file(tmp_path, monkeypatch):
    walked(3).save(tmp_path / "m")
    before = (tmp_path / "m").read_bytes()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(writing.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prune(tmp_path / "m", budget=Budget(max_items=200))
    assert (tmp_path / "m").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_a_disk_without_room_is_one_error_and_leaves_the_file(tmp_path):
    archive.save(Archive("Kind", {"n": 1}), tmp_path / "m")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, limits[1]))
    try:
        with pytest.raises(OutputError, match="a place to write the memory"):
            archive.save(Archive("Kind", {"n": 2}, {"x": np.zeros(1 << 17, np.uint8)}), tmp_path / "m")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert archive.load(tmp_path / "m").manifest == {"n": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_several_who_save_at_once_leave_one_whole_archive(tmp_path):
    path, faults = tmp_path / "m", []
    wanted = [Archive("Kind", {"n": n}, {"x": np.full(5000, n)}) for n in range(3)]
    archive.save(wanted[0], path)

    def save_again_and_again(stored):
        try:
            for _ in range(8):
                archive.save(stored, path)
                held = archive.load(path)
                assert (held.arrays["x"] == held.manifest["n"]).all()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=save_again_and_again, args=(one,)) for one in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_what_is_no_plain_file_is_neither_waited_for_nor_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for read in (archive.load, archive.open_mapped, inspect):
        with pytest.raises(ArchiveError, match="got no plain file"):
            read(tmp_path / "pipe")
    for name, came in (("pipe", "no plain file"), ("", "a folder")):
        with pytest.raises(OutputError, match=f"got {came}"):
            archive.save(Archive("Kind"), tmp_path / name)
    assert (tmp_path / "pipe").is_fifo()


def test_what_only_its_owner_may_read_is_never_written_for_others(tmp_path, monkeypatch):
    (tmp_path / "m").touch(0o600)
    seen, reserve = [], writing._reserve
    monkeypatch.setattr(
        writing,
        "_reserve",
        lambda file, size: (seen.append(os.fstat(file.fileno()).st_mode), reserve(file, size)),
    )
    archive.save(Archive("Kind"), tmp_path / "m")
    assert [mode & 0o777 for mode in seen] == [0o600]


def test_a_folder_that_may_be_written_to_and_not_be_listed(tmp_path, monkeypatch):
    def denied(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(writing.os, "listdir", denied)
    archive.save(Archive("Kind", {"n": 3}), tmp_path / "m")
    assert archive.load(tmp_path / "m").manifest == {"n": 3}
