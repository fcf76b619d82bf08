import errno
import json
import math
import shutil
import sys

import pytest
from recorded_home import crashed, cut, record

from placecell.agent.exports import lerobot_tables, lerobot_video
from placecell.agent.exports.lerobot import FileSizes, check_layout, export, left_out_of
from placecell.agent.exports.lerobot_task import task_of
from placecell.agent.make import random
from placecell.errors import ArchiveError, ConfigError, MissingPartError, OutputError

pq = pytest.importorskip(
    "pyarrow.parquet", reason="pyarrow is not installed: pip install 'placecell[lerobot]'"
)


def test_what_did_not_end_is_left_out_and_named(folders, tmp_path):
    killed, broke = cut(folders[1], tmp_path / "a/7-x"), crashed(folders[2], tmp_path / "b/7-x")
    good = shutil.copytree(folders[0], tmp_path / "b/8-x")
    opened = check_layout(export([killed, good, broke], tmp_path / "out"))
    assert len(opened.episodes) == 1
    assert left_out_of(tmp_path / "out") == {
        "a/7-x": "unfinished, it breaks off after 12 steps",
        "b/7-x": "crashed: ValueError: no more",
    }


def test_nothing_finished_is_refused(folders, tmp_path):
    killed = cut(folders[1], tmp_path / "killed")
    with pytest.raises(
        ArchiveError, match="at least one finished recording, got killed: unfinished, it breaks off"
    ):
        export([killed], tmp_path / "out")
    with pytest.raises(ArchiveError, match="at least one finished recording, got no folder; let the run end"):
        export([], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["killed"]


@pytest.mark.parametrize(
    ("how", "came"),
    [
        (
            {"options": ("light", 1)},
            r"with no frames \(record=light\); run the episodes again with record=full",
        ),
        ({"options": ("full", 2)}, r"other with record\.every=2 \(record=full\)"),
        ({"size": (32, 32)}, "images of 48 x 32 pixels as in there, got images of 32 x 32 pixels in other"),
        ({"size": (48, 31)}, "images of even sides, which .* has to have, got 48 x 31 pixels in other"),
    ],
)
def test_a_recording_that_will_not_do_is_refused_in_one_line(folders, tmp_path, how, came):
    other = record(tmp_path / "other", random, most=3, **how)
    with pytest.raises(ArchiveError, match=came) as raised:
        export([folders[0], other], tmp_path / "out")
    assert "\n" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_a_recording_damaged_in_the_middle_leaves_nothing(folders, tmp_path):
    bad = shutil.copytree(folders[1], tmp_path / "bad")
    tar = (bad / "frames.tar").read_bytes()
    (bad / "frames.tar").write_bytes(tar[: len(tar) // 2] + bytes(len(tar) - len(tar) // 2))
    with pytest.raises(ArchiveError):
        export([folders[0], bad], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["bad"]


def test_a_folder_that_holds_something_is_left_alone(folders, tmp_path):
    (tmp_path / "mine").write_text("x")
    with pytest.raises(
        OutputError, match=r"a folder that is empty or not there yet, got .* which holds something"
    ):
        export(folders, tmp_path)
    with pytest.raises(OutputError, match="which holds something"):
        export(folders, tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "x"


def test_an_empty_folder_is_filled(folders, tmp_path):
    (tmp_path / "out").mkdir()
    assert check_layout(export(folders[2], tmp_path / "out")).info["total_episodes"] == 1


def test_pyarrow_is_asked_for_by_its_extra(folders, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingPartError, match=r"pip install 'placecell\[lerobot\]'"):
        export(folders, tmp_path / "out")


def test_a_full_disk_is_one_line_and_leaves_nothing(folders, tmp_path, monkeypatch):
    def no_room(self, table):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(lerobot_tables.TableFiles, "write", no_room)
    with pytest.raises(
        OutputError, match=r"a place to write .*out in, got No space left on device; make room"
    ):
        export(folders, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_an_encoder_that_is_not_there_is_one_line(folders, tmp_path, monkeypatch):
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "gone"))
    with pytest.raises(MissingPartError, match=r"got .*gone; pip install --force-reinstall imageio-ffmpeg"):
        export(folders, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_an_encoder_that_fails_is_one_line(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(lerobot_video, "_ffmpeg", lambda: shutil.which("false"))
    with pytest.raises(OutputError, match=r"ffmpeg to encode the video part-000001\.mp4, got exit code 1"):
        export(folders, tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda f: export(f, f[0], fps=0), "1 or more frames a second, got fps=0"),
        (lambda f: FileSizes(data_mb=0), "a positive data_mb, got 0; leave it at 100"),
        (lambda f: FileSizes(files_a_chunk=-1), "a positive files_a_chunk, got -1; leave it at 1000"),
    ],
)
def test_odd_numbers_are_refused(folders, make, text):
    with pytest.raises(ConfigError, match=text):
        make(folders)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({"tags": {"category": "chair"}, "goal_positions": [[1, 2, 3]]}, "go to a chair"),
        ({"tags": {"category": "tv_monitor"}}, "go to a tv monitor"),
        ({"instruction": "Turn left,\n then stop."}, "Turn left, then stop."),
        (
            {"goal_positions": [[-2, 0.5, 2.7]]},
            "go to the point 2.0 m behind, 0.5 m to the left and 2.7 m up",
        ),
        ({"goal_positions": [[3.21, 0.0, 0.0], [9, 9, 9]]}, "go to the point 3.2 m ahead"),
        ({"goal_positions": [[0.01, 0.0, 0.0]]}, "go to the point where you stand"),
        (
            {
                "goal_positions": [[3.0, 0.0, 0.0]],
                "origin": {"position": [1, 2, 0], "yaw_rad": math.pi / 2, "pitch_rad": 0},
                "start": {"position": [1, 4, 0], "yaw_rad": 0, "pitch_rad": 0.3},
            },
            "go to the point 1.0 m to the left",
        ),
    ],
)
def test_goals_in_words(header, words):
    assert task_of(header) == words


def test_a_goal_that_is_not_told_is_refused():
    with pytest.raises(ArchiveError, match=r"neither an instruction, nor tags\.category, nor goal_positions"):
        task_of({"tags": {"kind": "odd"}, "goal_positions": None})


def edit_info(dataset, change):
    path = dataset / "meta/info.json"
    info = json.loads(path.read_text())
    change(info)
    path.write_text(json.dumps(info))


def edit_rows(dataset, name, change, where="data/chunk-000/file-000.parquet"):
    table = pq.read_table(dataset / where)
    at = table.column_names.index(name)
    field, values = table.schema.field(name), change(table.column(name).to_pylist())
    import pyarrow as pa

    pq.write_table(table.set_column(at, field, pa.array(values, field.type)), dataset / where)


RGB = "observation.images.front"
FRONT = "videos/observation.images.front"
EPISODES = "meta/episodes/chunk-000/file-000.parquet"


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda d: (d / "meta/info.json").unlink(), "a LeRobot dataset at .*, got no meta/info.json"),
        (lambda d: edit_info(d, lambda i: i.update(codebase_version="v2.1")), "version v3.0, got v2.1"),
        (lambda d: edit_info(d, lambda i: i.update(total_frames=1)), "total_frames to be"),
        (lambda d: edit_info(d, lambda i: i["features"].pop("timestamp")), "the feature timestamp to be"),
        (lambda d: edit_info(d, lambda i: i["features"]["action"].update(dtype="float32")), "of type float"),
        (lambda d: (d / "meta/tasks.parquet").write_bytes(b"PAR1"), "a Parquet file at .*tasks.parquet"),
        (lambda d: (d / "data/chunk-000/file-000.parquet").unlink(), "the rows of episode 0"),
        (lambda d: next(d.glob("videos/*/*/*.mp4")).unlink(), "the video of observation.images.front"),
        (lambda d: edit_rows(d, "frame_index", lambda v: [0, *v[:-1]]), "frame_index of episode 0 to run"),
        (lambda d: edit_rows(d, "timestamp", lambda v: [x + 0.01 for x in v]), "timestamp of episode 0"),
        (lambda d: edit_rows(d, "task_index", lambda v: [9] * len(v)), "task_index of episode 0 from 0 to 3"),
        (lambda d: edit_rows(d, "length", lambda v: [1, *v[1:]], EPISODES), "total_frames to be"),
        (
            lambda d: edit_rows(d, f"{FRONT}/from_timestamp", lambda v: [0.0, 0.0, *v[2:]], EPISODES),
            "from_timestamp of episode 1 in file-000.mp4",
        ),
        (
            lambda d: edit_info(d, lambda i: i["features"][RGB].update(shape=[32, 64, 3])),
            "of 32 x 64 pixels in file-000.mp4",
        ),
    ],
)
def test_the_check_finds_what_is_wrong(copy, damage, text):
    damage(copy)
    with pytest.raises(ArchiveError, match=text) as raised:
        check_layout(copy)
    assert "\n" not in str(raised.value)


def test_a_video_of_another_rate_is_found(folders, copy, tmp_path):
    """The same frames at 5 a second: each lies where another is asked for."""
    slow = export(folders, tmp_path / "slow", fps=5)
    video = "videos/observation.images.front/chunk-000/file-000.mp4"
    shutil.copy(slow / video, copy / video)
    with pytest.raises(
        ArchiveError, match=r"frames at 10 a second in file-000\.mp4, got a frame .* s beside its time"
    ):
        check_layout(copy)
