import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_home import images

from placecell.agent.exports import lerobot_tables
from placecell.agent.exports.lerobot import FileSizes, LeRobotFolder, check_layout, export
from placecell.agent.exports.lerobot_stats import Colours, Moments, episode_statistics
from placecell.agent.exports.lerobot_task import task_of
from placecell.errors import ArchiveError

pq = pytest.importorskip(
    "pyarrow.parquet", reason="pyarrow is not installed: pip install 'placecell[lerobot]'"
)

RGB = "observation.images.front"
FRONT = "videos/observation.images.front"


def test_the_files_are_where_the_layout_puts_them(dataset):
    files = sorted(path.relative_to(dataset).as_posix() for path in dataset.rglob("*") if path.is_file())
    assert files == [
        "data/chunk-000/file-000.parquet",
        "meta/episodes/chunk-000/file-000.parquet",
        "meta/info.json",
        "meta/placecell.json",
        "meta/stats.json",
        "meta/tasks.parquet",
        "videos/observation.images.front/chunk-000/file-000.mp4",
    ]


def test_the_info_is_the_published_one(dataset, recordings):
    info = json.loads((dataset / "meta/info.json").read_text())
    features = info.pop("features")
    assert info == {
        "codebase_version": "v3.0",
        "robot_type": "placecell",
        "total_episodes": 4,
        "total_frames": sum(len(r.steps) for r in recordings),
        "total_tasks": 4,
        "chunks_size": 1000,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "fps": 10,
        "splits": {"train": "0:4"},
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
    }
    assert {name: (f["dtype"], f["shape"], f["names"]) for name, f in features.items()} == {
        RGB: ("video", [32, 48, 3], ["height", "width", "channels"]),
        "observation.state": ("float32", [5], ["x_m", "y_m", "z_m", "yaw_rad", "pitch_rad"]),
        "action": ("int64", [1], ["action"]),
        "next.reward": ("float32", [1], None),
        "next.done": ("bool", [1], None),
        "next.success": ("bool", [1], None),
        "observation.depth": ("float32", [32, 48], ["height", "width"]),
        "timestamp": ("float32", [1], None),
        "frame_index": ("int64", [1], None),
        "episode_index": ("int64", [1], None),
        "index": ("int64", [1], None),
        "task_index": ("int64", [1], None),
    }
    assert features[RGB]["info"]["video.codec"] == "h264"
    assert features["action"]["info"]["actions"] == recordings[0].header["actions"]


def test_rows_say_what_was_recorded(dataset, recordings):
    """Read with pyarrow alone, by what is published of the format."""
    table = pq.read_table(dataset / "data/chunk-000/file-000.parquet")
    assert str(table.schema.field("observation.state").type).startswith("fixed_size_list<")
    columns = {name: np.array(table.column(name).to_pylist()) for name in table.column_names}
    begin = 0
    for number, recording in enumerate(recordings):
        count = len(recording.steps)
        rows = {name: values[begin : begin + count] for name, values in columns.items()}
        poses = [step.pose for step in recording.steps]
        believed = [[p.x, p.y, p.z, p.yaw_rad, p.pitch_rad] for p in poses]
        assert np.array_equal(rows["observation.state"], np.array(believed, np.float32))
        assert rows["action"].tolist() == [step.action for step in recording.steps]
        assert rows["next.reward"].tolist() == [np.float32(step.reward) for step in recording.steps]
        assert rows["next.done"].tolist() == [False] * (count - 1) + [True]
        assert rows["next.success"].tolist() == [step.measures["success"] == 1 for step in recording.steps]
        assert rows["index"].tolist() == list(range(begin, begin + count))
        assert rows["frame_index"].tolist() == list(range(count))
        assert set(rows["episode_index"].tolist()) == {number}
        assert np.allclose(rows["timestamp"], np.arange(count) / 10, atol=1e-6)
        depth = np.stack([recording.observation(i)["depth"] for i in range(count)])
        assert np.array_equal(rows["observation.depth"].astype(np.float32), depth)
        begin += count
    assert begin == len(table)
    assert columns["next.reward"].max() == 1  # of the stop at the goal; the others are progress
    assert columns["next.success"].sum() == 1  # the expert arrives once, at the end of the first episode
    assert columns["next.success"][len(recordings[0].steps) - 1]


def test_episodes_tell_where_they_lie(dataset, recordings):
    rows = pq.read_table(dataset / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    begin = 0
    for number, (row, recording) in enumerate(zip(rows, recordings)):
        count = len(recording.steps)
        told = {name: value for name, value in row.items() if not name.startswith(("stats/", "placecell/"))}
        assert told == {
            "episode_index": number,
            "tasks": [task_of(recording.header)],
            "length": count,
            "data/chunk_index": 0,
            "data/file_index": 0,
            "dataset_from_index": begin,
            "dataset_to_index": begin + count,
            f"{FRONT}/chunk_index": 0,
            f"{FRONT}/file_index": 0,
            f"{FRONT}/from_timestamp": pytest.approx(begin / 10),
            f"{FRONT}/to_timestamp": pytest.approx((begin + count) / 10),
            "meta/episodes/chunk_index": 0,
            "meta/episodes/file_index": 0,
        }
        assert row["placecell/episode_id"] == recording.header["episode_id"]
        pixels = images(recording).reshape(-1, 3) / 255
        assert np.allclose(np.ravel(row[f"stats/{RGB}/mean"]), pixels.mean(0))
        assert row[f"stats/{RGB}/count"] == [count]
        assert row["stats/action/max"] == [max(step.action for step in recording.steps)]
        begin += count


def test_tasks_are_indexed_by_their_words(dataset):
    path = dataset / "meta/tasks.parquet"
    table = pq.read_table(path)
    assert table.column("task_index").to_pylist() == [0, 1, 2, 3]
    words = table.column("task").to_pylist()
    assert sum(word.startswith("go to the point ") for word in words) == 3
    assert json.loads(pq.read_schema(path).metadata[b"pandas"])["index_columns"] == ["task"]


def test_a_frame_of_video_is_the_image_of_its_row(dataset, recordings):
    opened = LeRobotFolder.read(dataset)
    for number, recording in enumerate(recordings):
        recorded = images(recording).astype(float)
        for frame in sorted({0, 1, len(recorded) // 2, len(recorded) - 1}):
            shown = opened.image(number, float(opened.rows(number)["timestamp"][frame])).astype(float)
            apart = np.abs(recorded - shown).mean((1, 2, 3))
            assert apart[frame] < 6, "what H.264 and halved colours do to 255 levels"
            assert apart[frame] == apart.min(), "another frame of the episode is nearer"


def test_a_frame_between_two_frames_is_none(dataset):
    with pytest.raises(
        ArchiveError, match=r"expected a frame at 0\.25 s in file-000\.mp4, got the nearest at"
    ):
        LeRobotFolder.read(dataset).image(0, 0.25)


def test_windows_stay_within_their_episode(dataset, recordings):
    opened = LeRobotFolder.read(dataset)
    states = opened.rows(1)["observation.state"]
    values, padded = opened.window(1, 0, "observation.state", [-0.2, 0.0, 0.1])
    assert padded.tolist() == [True, False, False]
    assert np.array_equal(values, states[[0, 0, 1]])
    last = len(recordings[1].steps) - 1
    values, padded = opened.window(1, last, "action", [-0.1, 0.0, 0.1])
    assert padded.tolist() == [False, False, True]
    assert values.tolist() == [recordings[1].steps[i].action for i in (last - 1, last, last)]


def test_statistics_are_those_of_all_rows(dataset, recordings):
    statistics = json.loads((dataset / "meta/stats.json").read_text())
    opened = check_layout(dataset)
    for name in ("observation.state", "action", "next.reward", "next.success", "observation.depth"):
        rows = np.concatenate([opened.rows(number)[name] for number in range(4)]).astype(float)
        rows = rows.reshape(-1, 5 if name == "observation.state" else 1)
        found = {what: np.ravel(value) for what, value in statistics[name].items()}
        for what, wanted in (
            ("min", rows.min(0)),
            ("max", rows.max(0)),
            ("mean", rows.mean(0)),
            ("std", rows.std(0)),
        ):
            assert np.allclose(found[what], wanted), (name, what)
        if name != "next.success":
            step = (rows.max(0) - rows.min(0)) / 5000
            for what, q in (("q01", 0.01), ("q10", 0.1), ("q50", 0.5), ("q90", 0.9), ("q99", 0.99)):
                below = (rows <= found[what] + step + 1e-9).mean(0)
                above = (rows >= found[what] - step - 1e-9).mean(0)
                assert (below >= q - 1 / len(rows)).all(), (name, what)
                assert (above >= 1 - q - 1 / len(rows)).all(), (name, what)
    pixels = np.concatenate([images(recording).reshape(-1, 3) for recording in recordings]) / 255
    found = {what: np.array(value) for what, value in statistics[RGB].items()}
    assert found["mean"].shape == (3, 1, 1)
    assert np.allclose(found["mean"].ravel(), pixels.mean(0))
    assert np.allclose(found["std"].ravel(), pixels.std(0))
    assert np.allclose(found["q90"].ravel(), np.quantile(pixels, 0.9, axis=0, method="inverted_cdf"))


@given(st.lists(st.lists(st.floats(-9, 9), min_size=1, max_size=6), min_size=1, max_size=5))
def test_merged_moments_are_those_of_the_whole(parts):
    moments = Moments()
    for part in parts:
        moments.add(episode_statistics(np.array(part), (1,)))
    whole = np.array([x for part in parts for x in part])
    merged = moments.statistics(np.array(part) for part in parts)
    assert merged["count"].tolist() == [len(whole)]
    assert np.allclose(merged["mean"], whole.mean())
    assert np.allclose(merged["std"], whole.std(), atol=1e-7)
    assert merged["min"][0] == whole.min() <= merged["q01"][0] <= merged["q99"][0] <= whole.max()


@given(st.lists(st.integers(0, 255), min_size=1, max_size=30))
def test_colours_are_counted_exactly(values):
    image = np.repeat(np.array(values, np.uint8)[None, :, None], 3, 2)
    colours = Colours()
    colours.add(image)
    found = colours.statistics()
    pixels = np.array(values) / 255
    assert found["min"].ravel().tolist() == [pixels.min()] * 3
    assert found["max"].ravel().tolist() == [pixels.max()] * 3
    assert np.allclose(found["std"].ravel(), pixels.std())
    assert np.allclose(found["q10"].ravel(), np.quantile(pixels, 0.1, method="inverted_cdf"))


def test_full_files_are_followed_by_others(folders, recordings, tmp_path):
    sizes = FileSizes(data_mb=1e-6, video_mb=1e-6, files_a_chunk=3)
    opened = check_layout(export(folders, tmp_path / "small", fps=4, sizes=sizes))
    places = [(0, 0), (0, 1), (0, 2), (1, 0)]
    for kind in ("data", FRONT):
        assert [(row[f"{kind}/chunk_index"], row[f"{kind}/file_index"]) for row in opened.episodes] == places
    assert [row[f"{FRONT}/from_timestamp"] for row in opened.episodes] == [0.0] * 4
    assert (tmp_path / "small/data/chunk-001/file-000.parquet").is_file()
    shown = opened.image(3, 0.25).astype(float)
    assert np.abs(images(recordings[3])[1] - shown).mean() < 6


def test_a_file_is_filled_before_the_next_begins(folders, tmp_path):
    """Two copies of an episode fit into a video file, three don't."""
    one = export(folders[1:2], tmp_path / "one") / f"{FRONT}/chunk-000/file-000.mp4"
    sizes = FileSizes(video_mb=2.6 * one.stat().st_size / 2**20)
    opened = check_layout(export([folders[1]] * 5, tmp_path / "five", sizes=sizes))
    assert [row[f"{FRONT}/file_index"] for row in opened.episodes] == [0, 0, 1, 1, 2]
    assert [row[f"{FRONT}/from_timestamp"] for row in opened.episodes] == [0.0, 1.2, 0.0, 1.2, 0.0]
    assert [row["data/file_index"] for row in opened.episodes] == [0] * 5
    assert opened.tasks == [opened.episodes[0]["tasks"][0]]


def test_the_same_recordings_give_the_same_bytes(folders, tmp_path):
    first, second = (export(folders[1:3], tmp_path / name) for name in ("first", "second"))
    files = [path.relative_to(first) for path in first.rglob("*") if path.is_file()]
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in files)


def test_more_episodes_take_no_more_memory(folders, dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(lerobot_tables, "EPISODES_AT_ONCE", 2)  # what may wait is bounded: bound it lower

    def peak(count):
        tracemalloc.start()
        export([folders[3]] * count, tmp_path / f"{count}")
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    few, many = peak(2), peak(8)
    # Tables and statistics of an episode stay; its images, the most of it by far, do not.
    assert many - few < (8 - 2) * 7 * 32 * 48 * 3 * 0.75, "less than the images of the six more episodes"
