import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from placecell.errors import ArchiveError, OutputError
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame, NoMemory, Query, SpatialMemory, archive


@pytest.fixture
def memory():
    memory = SpatialMemory(voxel_size_m=0.2, max_depth_m=4.0, min_depth_m=0.1)
    depth = np.linspace(0.2, 5, 48, dtype=np.float32).reshape(6, 8)
    pose, labels = Pose(-3, 2, 0, 0.3).T_world_camera(0.9), np.arange(48).reshape(6, 8) // 9
    rgb = np.full((6, 8, 3), 7, np.uint8)
    memory.write(Frame(pose, Pinhole.from_hfov(8, 6, 1.4), depth, rgb, labels, step=5))
    return memory


ANYWHERE = Query(position=np.zeros(3), radius_m=1e3, category=3)


@pytest.fixture
def path(tmp_path, memory):
    memory.save(tmp_path / "m.placecell")
    return tmp_path / "m.placecell"


def metadata(header):
    return {"placecell-memory": json.dumps(header)}


def rewritten(path, header=None, manifest=None, arrays=None):
    """The same file with some of its content exchanged."""
    with safe_open(path, framework="numpy") as file:
        held = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        told = json.loads(file.metadata()["placecell-memory"])
    told["manifest"].update(manifest or {})
    told.update(header or {})
    held.update(arrays or {})
    save_file({name: array for name, array in held.items() if array is not None}, path, metadata(told))
    return path


def test_everything_comes_back(memory, path):
    loaded = SpatialMemory.load(path)
    assert (loaded.octree.voxel_size_m, loaded.max_depth_m, loaded.min_depth_m) == (0.2, 4.0, 0.1)
    before, after = memory.octree.pack(), loaded.octree.pack()
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])
    assert loaded.stats() == memory.stats()


def test_the_file_names_what_it_is(path):
    with safe_open(path, framework="numpy") as file:
        told = json.loads(file.metadata()["placecell-memory"])
    assert (told["version"], told["kind"]) == (2, "SpatialMemory")
    assert "z up" in told["convention"]
    assert told["manifest"]["voxel_size_m"] == 0.2
    assert (told["embedding_model"], told["provenance"]) == ("", {})


def test_saving_twice_gives_the_same_bytes_and_leaves_nothing_else(memory, path):
    first = path.read_bytes()
    memory.save(path)
    assert path.read_bytes() == first
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("kept", [0, 5, 200, -1])
def test_truncated(path, kept):
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ArchiveError, match=r"expected a whole memory archive in .*save the memory again"):
        SpatialMemory.load(path)


@pytest.mark.parametrize(
    "content", [b"not a memory at all, but text that is long enough", b"\x80\x04\x95pickle" * 9]
)
def test_foreign(path, content):
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match="expected a whole memory archive"):
        SpatialMemory.load(path)


def test_a_folder_is_no_archive(tmp_path):
    with pytest.raises(ArchiveError, match="expected a whole memory archive"):
        SpatialMemory.load(tmp_path)


def test_somebody_elses_safetensors(tmp_path):
    for told in (None, {"format": "pt"}):
        save_file({"weight": np.zeros(3)}, tmp_path / "w.safetensors", told)
        with pytest.raises(ArchiveError, match="expected a placecell-memory archive"):
            SpatialMemory.load(tmp_path / "w.safetensors")


@pytest.mark.parametrize("version", [3, 99, "one", -1, True, None])
def test_another_version(path, version):
    with pytest.raises(ArchiveError, match=f"version 2 or older, got version {version!r}; .*update"):
        SpatialMemory.load(rewritten(path, {"version": version}))


def test_another_kind(path, tmp_path):
    with pytest.raises(
        ArchiveError, match=r"the archive of a NoMemory, got that of a SpatialMemory; .*SpatialMemory\.load"
    ):
        NoMemory.load(path)
    NoMemory().save(tmp_path / "n")
    with pytest.raises(ArchiveError, match="the archive of a SpatialMemory, got that of a NoMemory"):
        SpatialMemory.load(tmp_path / "n")


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        ({"hits": None}, r"archive with hits of uint32 \(\d+,\), got none"),
        ({"hits": np.zeros((2, 3), np.uint32)}, r"archive with hits of uint32 \(\d+,\), got uint32 \(2, 3\)"),
        ({"evidence": np.zeros(37, np.float32)}, r"archive with evidence of int8 \(37,\), got float32"),
    ],
)
def test_arrays_that_do_not_hold_together(path, arrays, match):
    with pytest.raises(ArchiveError, match=match):
        SpatialMemory.load(rewritten(path, arrays=arrays))


@pytest.mark.parametrize("manifest", [{"voxel_size_m": -1.0}, {"voxel_size_m": None}, {"now": "late"}])
def test_a_manifest_that_makes_no_sense(path, manifest):
    with pytest.raises(ArchiveError, match="archive with a manifest of valid settings"):
        SpatialMemory.load(rewritten(path, manifest=manifest))


def test_unpacking_in_place_wants_the_same_settings_and_keeps_the_octree(memory):
    snapshot, octree = memory.pack(), memory.octree
    memory.begin_episode("cold")
    memory.unpack(snapshot)
    assert memory.octree is octree
    assert len(octree) > 0
    other = SpatialMemory(0.1, 4.0, 0.1)
    with pytest.raises(
        ArchiveError,
        match=r"an archive with voxel_size_m 0\.1, as this memory's, got 0\.2; .*voxel_size_m=0\.2",
    ):
        other.unpack(snapshot)
    assert len(other.octree) == 0


def test_a_snapshot_does_not_change(memory):
    snapshot = memory.pack()
    arrays = {name: array.copy() for name, array in snapshot.arrays.items()}
    memory.write(Frame(np.eye(4), Pinhole.from_hfov(8, 6, 1.4), np.full((6, 8), 2.0, np.float32)))
    memory.forget_labels()
    for name, array in arrays.items():
        np.testing.assert_array_equal(snapshot.arrays[name], array)


def test_a_header_that_makes_no_sense(path):
    for header in ("{", "[1]", "{}", '{"manifest": 3}'):
        save_file({"x": np.zeros(3)}, path, {"placecell-memory": header})
        with pytest.raises(ArchiveError, match=r"a whole memory archive|archive with a manifest, got none"):
            SpatialMemory.load(path)


def test_a_failed_save_leaves_the_old_file(memory, path, monkeypatch):
    old = path.read_bytes()

    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", broken)
    with pytest.raises(OutputError, match="got No space left on device"):
        memory.save(path)
    assert path.read_bytes() == old
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_folder_that_is_missing(memory, tmp_path):
    with pytest.raises(OutputError, match=r"a place to write the memory .*No such file or directory"):
        memory.save(tmp_path / "nowhere" / "m")


def test_the_archive_alone(tmp_path):
    archive.save(archive.Archive("Kind", {"a": 1}, {"x": np.arange(6).reshape(2, 3).T}), tmp_path / "a")
    held = archive.load(tmp_path / "a", "Kind")
    assert held.manifest == {"a": 1}
    np.testing.assert_array_equal(held.arrays["x"], np.arange(6).reshape(2, 3).T)
