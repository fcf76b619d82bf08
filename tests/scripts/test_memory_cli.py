import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame, NoMemory, SpatialMemory, archive
from placecell.memory.archive import Archive
from placecell.scripts.memory import SUBCOMMANDS, main
from placecell.scripts.memory.output import in_bytes, plain

OLD = Path(__file__).parents[1] / "memory" / "archives" / "version_1.placecell"


@pytest.fixture
def memory():
    memory = SpatialMemory(voxel_size_m=0.2, max_depth_m=4.0, encoder="clip")
    rng = np.random.default_rng(1)
    for step in range(3):
        depth = rng.uniform(1, 3, (12, 16)).astype(np.float32)
        labels = rng.integers(0, 4, (12, 16))
        pose = Pose(0.5 * step, 0, 0, 0.3 * step).T_world_camera(0.9)
        memory.write(Frame(pose, Pinhole.from_hfov(16, 12, 1.4), depth, None, labels, step=step))
    return memory


@pytest.fixture
def path(memory, tmp_path):
    memory.save(tmp_path / "m.placecell", {"run": "houses-5"})
    return tmp_path / "m.placecell"


@pytest.fixture
def told(capsys):
    """Runs the command; its exit code and what it printed on either stream."""

    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def test_inspect_tells_what_is_in_a_file(told, path, memory):
    code, shown, err = told("inspect", path)
    assert (code, err) == (0, "")
    for words in (
        r"m\.placecell: [\d.]+ kB",
        r"version +2\n",
        r"class +SpatialMemory",
        r"frame +world frame .* z up",
        r"embedding model +clip",
        r"provenance +run houses-5",
        r"settings .*voxel_size_m 0\.2",
        r"octree .* \d+ voxels, \d+ blocks",
        r"topology .* \d+ places",
        rf"short_term .* {len(memory.short_term)} entries",
        r"long_term .* 3 rows",
    ):
        assert re.search(words, shown), words
    assert "evidence" not in shown
    assert re.search(r"evidence .*int8 .*\(\d+,\)", told("inspect", path, "--arrays")[1])


def test_inspect_of_several_and_older_ones(told, path):
    code, shown, _ = told("inspect", path, OLD)
    assert code == 0
    assert re.search(r"version +1 \(older: placecell-memory migrate lifts it\)", shown)
    assert shown.count("class ") == 2


def test_inspect_for_programs(told, path, tmp_path):
    archive.save(Archive("Kind", {"radius_m": float("inf")}), tmp_path / "k")
    code, shown, _ = told("inspect", path, tmp_path / "k", "--json")
    first, second = json.loads(shown)["archives"]
    assert code == 0
    assert (first["version"], first["kind"], first["embedding_model"]) == (2, "SpatialMemory", "clip")
    assert first["provenance"] == {"run": "houses-5"}
    assert first["bytes"] == path.stat().st_size
    assert {"name": "hits", "dtype": "uint32"}.items() <= {
        name: array[name]
        for array in first["arrays"]
        if array["name"] == "hits"
        for name in ("name", "dtype")
    }.items()
    assert second["manifest"] == {"radius_m": None}


def test_what_a_file_says_is_text_and_no_order_to_the_terminal(told, memory, tmp_path):
    memory.save(tmp_path / "m", {"note": "\x1b[2J [bold]\nand :smile:"})
    shown = told("inspect", tmp_path / "m")[1]
    assert r"note \x1b[2J [bold]\nand :smile:" in shown
    assert "\x1b" not in shown


def test_prune_in_place_and_elsewhere(told, path, tmp_path, memory):
    before = path.read_bytes()
    code, shown, err = told("prune", path, "--out", tmp_path / "less", "--max-items", "140")
    assert (code, err) == (0, "")
    assert path.read_bytes() == before
    assert SpatialMemory.load(tmp_path / "less").stats()["items"] <= 140
    assert re.search(r"octree .*\d+ -> \d+ .*\d+ items", shown)
    assert re.search(rf"{tmp_path / 'less'}: [\d.]+ kB, was [\d.]+ kB", shown)
    assert told("prune", path)[0] == 0
    assert SpatialMemory.load(path).stats()["items"] == memory.stats()["items"]


def test_migrate(told, tmp_path):
    shutil.copy(OLD, tmp_path / "m")
    assert told("migrate", tmp_path / "m", "--out", tmp_path / "n") == (
        0,
        f"{tmp_path / 'n'}: version 2, was 1\n",
        "",
    )
    assert told("migrate", tmp_path / "m") == (0, f"{tmp_path / 'm'}: version 2, was 1\n", "")
    assert told("migrate", tmp_path / "m") == (0, f"{tmp_path / 'm'}: version 2, as it was\n", "")


def test_what_cannot_be_read_is_one_line_and_exit_code_1(told, path):
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    for name in ("inspect", "prune", "migrate"):
        code, out, err = told(name, path)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert err.startswith(f"placecell-memory: expected a whole memory archive in {path}, got")
    assert path.read_bytes() == whole[: len(whole) // 2]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["look", "M"], "expected a subcommand: inspect, diff, merge, prune, migrate, got 'look'"),
        (["inspekt", "M"], "did you mean placecell-memory inspect?"),
        (["inspect"], "the following arguments are required: FILE"),
        (["inspect", "M", "--yaml"], "unrecognized arguments: --yaml"),
        (["inspect", "nowhere"], "got no such file"),
        (["inspect", "."], "Is a directory"),
        (["prune", "M", "--max-items", "0"], "max_items of at least 1"),
        (["prune", "M", "--max-items", "some"], "invalid int value: 'some'"),
        (["prune", "M", "--max-bytes", "9"], "max_bytes of at least"),
        (["prune", "M", "--policy", "newest"], "a budget's policy: oldest, least_used"),
        (["prune", "M", "--at", "1", "2"], "expected 3 arguments"),
        (["prune", "M", "--at", "1", "2", "3"], "--policy farthest with --at, got --at alone"),
        (["prune", "M", "--policy", "farthest"], "--max-bytes or --max-items with --policy, got"),
        (
            ["prune", "M", "--max-items", "150", "--policy", "farthest", "--at", "nan", "0", "0"],
            "a place (x, y, z) of finite numbers",
        ),
        (["prune", "M", "--out", "."], "a place to write the memory ., got a folder"),
        (
            ["prune", "NONE"],
            "the archive of a SpatialMemory, whose parts can be pruned, got that of a NoMemory",
        ),
        (["prune", "M", "--out", "nowhere/m"], "a place to write the memory nowhere/m"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(told, path, tmp_path, arguments, match, monkeypatch):
    monkeypatch.chdir(tmp_path)
    NoMemory().save(tmp_path / "none")
    before = path.read_bytes()
    named = {"M": path, "NONE": tmp_path / "none"}
    code, out, err = told(*(named.get(argument, argument) for argument in arguments))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert match in err
    assert path.read_bytes() == before


def test_help_lists_the_subcommands(capsys):
    for arguments, code in ((["--help"], 0), ([], 2)):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == code
        shown = capsys.readouterr()
        assert all(f"\n  {name}" in shown.out + shown.err for name in SUBCOMMANDS)


def test_a_reader_who_goes_away_is_no_mistake(path, monkeypatch):
    class Gone:
        def write(self, _):
            raise BrokenPipeError

        def flush(self):
            raise BrokenPipeError

        def isatty(self):
            return False

        def fileno(self):
            return 1

    monkeypatch.setattr("placecell.scripts.memory.hush", lambda: 141)
    monkeypatch.setattr(sys, "stdout", Gone())
    assert main(["inspect", str(path), "--json"]) == 141


def test_sizes_and_texts_for_a_reader():
    assert [in_bytes(n) for n in (0, 999, 1000, 999_600, 5_300_000, 2.5e9, 4e12)] == [
        "0 B",
        "999 B",
        "1 kB",
        "1 MB",
        "5.3 MB",
        "2.5 GB",
        "4000 GB",
    ]
    assert plain("a\x1b\u202eb é") == r"a\x1b\u202eb é"
