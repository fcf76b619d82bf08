"""MCAP files, opened again with MCAP's own reader."""

import base64
import io
import json
import shutil
from collections import defaultdict

import numpy as np
import pytest
import recorded_walk
from PIL import Image

from placecell.agent.exports.mcap import export
from placecell.agent.recording import Recording
from placecell.errors import ConfigError
from placecell.memory import GrowingMap

NUMERIC = {3: "<u2", 7: "<f4"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return recorded_walk.record_walk(tmp_path_factory.mktemp("walk") / "00004-a%201", forgets_at=3)


@pytest.fixture(scope="module")
def path(folder, tmp_path_factory):
    return export(folder, tmp_path_factory.mktemp("out") / "walk.mcap", step_s=0.5)


@pytest.fixture(scope="module")
def told(path):
    return opened(path)


def opened(path):
    """``{topic: {time in seconds: [message]}}``, the checksums looked at."""
    from mcap.reader import make_reader

    found = defaultdict(lambda: defaultdict(list))
    with path.open("rb") as file:
        for _, channel, message in make_reader(file, validate_crcs=True).iter_messages():
            assert message.log_time == message.publish_time
            found[channel.topic][message.log_time / 1e9].append(json.loads(message.data))
    return found


def transforms(told, parent, child):
    """``{time: 4x4}`` of one transform."""
    from scipy.spatial.transform import Rotation

    found = {}
    for time, messages in told["/tf"].items():
        for message in messages:
            if (message["parent_frame_id"], message["child_frame_id"]) == (parent, child):
                T = found.setdefault(time, np.eye(4))
                T[:3, :3] = Rotation.from_quat([message["rotation"][axis] for axis in "xyzw"]).as_matrix()
                T[:3, 3] = [message["translation"][axis] for axis in "xyz"]
    return found


def points(message):
    """The packed points of a cloud, as a structured array."""
    fields = message["fields"]
    layout = np.dtype(
        {
            "names": [field["name"] for field in fields],
            "formats": [NUMERIC[field["type"]] for field in fields],
            "offsets": [field["offset"] for field in fields],
            "itemsize": message["point_stride"],
        }
    )
    return np.frombuffer(base64.b64decode(message["data"]), layout)


def test_every_message_is_as_its_schema_says_and_the_schemas_are_ones(path):
    import jsonschema
    from mcap.reader import make_reader

    names = set()
    with path.open("rb") as file:
        for schema, channel, message in make_reader(file).iter_messages():
            assert (schema.encoding, channel.message_encoding) == ("jsonschema", "json")
            content = json.loads(schema.data)
            jsonschema.Draft202012Validator.check_schema(content)
            jsonschema.Draft202012Validator(content).validate(json.loads(message.data))
            assert content["title"] == schema.name
            names.add(schema.name)
    assert names == {
        "foxglove.FrameTransform", "foxglove.CameraCalibration", "foxglove.CompressedImage",
        "foxglove.RawImage", "foxglove.PointCloud", "foxglove.PosesInFrame", "foxglove.Log",
        "placecell.Recalled", "placecell.Decision", "placecell.Outcome",
    }  # fmt: skip


def test_a_schema_refuses_what_is_not_it(path):
    import jsonschema
    from mcap.reader import make_reader

    with path.open("rb") as file:
        for schema, _, message in make_reader(file).iter_messages():
            whole = json.loads(message.data)
            validator = jsonschema.Draft202012Validator(json.loads(schema.data))
            for key in whole:
                assert not validator.is_valid({name: value for name, value in whole.items() if name != key})


def test_the_index_counts_what_is_there_and_chunks_are_compressed(path):
    from mcap.reader import make_reader

    with path.open("rb") as file:
        summary = make_reader(file).get_summary()
    counts = {
        summary.channels[channel].topic: count
        for channel, count in summary.statistics.channel_message_counts.items()
    }
    assert counts == {
        "/tf": 1 + 7 + 6, "/camera/calibration": 1, "/camera/rgb": 6, "/camera/depth": 6, "/map": 6,
        "/path": 1, "/true_path": 1, "/goals": 1, "/recalled_points": 6, "/recalled": 6, "/decision": 6,
        "/outcome": 6, "/log": 1 + 6 + 1,
    }  # fmt: skip
    assert {chunk.compression for chunk in summary.chunk_indexes} == {"zstd"}
    assert (summary.statistics.message_start_time, summary.statistics.message_end_time) == (0, 3 * 10**9)


def test_images_come_back_pixel_for_pixel(told):
    for step, observation in enumerate(recorded_walk.observations(6)):
        (image,), (depth,) = told["/camera/rgb"][step / 2], told["/camera/depth"][step / 2]
        assert (image["format"], image["frame_id"]) == ("png", "camera")
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(image["data"]))))
        np.testing.assert_array_equal(pixels, observation["rgb"])
        assert (depth["encoding"], depth["step"], depth["width"], depth["height"]) == ("32FC1", 96, 24, 24)
        exact = np.frombuffer(base64.b64decode(depth["data"]), "<f4").reshape(24, 24)
        np.testing.assert_array_equal(exact, observation["depth"])


def test_the_lens_has_the_middle_of_the_first_pixel_at_zero(told):
    (lens,) = told["/camera/calibration"][0]
    np.testing.assert_allclose(lens["K"], [12, 0, 11.5, 0, 12, 11.5, 0, 0, 1])
    np.testing.assert_allclose(np.reshape(lens["P"], (3, 4))[:, :3].ravel(), lens["K"])
    assert (lens["width"], lens["height"], lens["frame_id"]) == (24, 24, "camera")


def test_the_camera_is_where_it_was_in_the_world(told):
    (T_world_episode,) = transforms(told, "world", "episode").values()
    cameras = transforms(told, "episode", "camera")
    assert list(cameras) == [0, 0.5, 1, 1.5, 2, 2.5]
    for step, T_episode_camera in enumerate(cameras.values()):
        T = T_world_episode @ T_episode_camera
        np.testing.assert_allclose(T[:3, 3], [2, 3 + 0.25 * step, 0.5 + 1.25], atol=1e-12)
        np.testing.assert_allclose(T[:3, 2], [0, 1, 0], atol=1e-12)  # it looks north
    bodies = transforms(told, "world", "body")
    assert list(bodies) == [i / 2 for i in range(7)]
    np.testing.assert_allclose(bodies[3][:3, 3], [2, 4.5, 0.5])


def test_a_belief_that_was_wrong_from_the_start_does_not_move_the_frame(folder, tmp_path):
    """A tour's later visits begin with a pose that is off; the header says where their frame is."""
    copy = shutil.copytree(folder, tmp_path / "visit")
    header = json.loads((copy / "header.json").read_text())
    header["origin"] = {"position": [2.1, 2.9, 0.5], "yaw_rad": np.pi / 2 + 0.02, "pitch_rad": 0.0}
    (copy / "header.json").write_text(json.dumps(header))
    told = opened(export(copy, tmp_path / "visit.mcap"))
    (T_world_episode,) = transforms(told, "world", "episode").values()
    np.testing.assert_allclose(T_world_episode[:3, 3], [2.1, 2.9, 0.5], atol=1e-12)
    np.testing.assert_allclose(T_world_episode[:2, 0], [-np.sin(0.02), np.cos(0.02)], atol=1e-12)
    np.testing.assert_allclose(transforms(told, "world", "body")[0][:3, 3], [2, 3, 0.5])


def test_paths_and_goals(told):
    def places(topic):
        ((message,),) = told[topic].values()
        return message["frame_id"], [[pose["position"][axis] for axis in "xyz"] for pose in message["poses"]]

    assert places("/path") == ("episode", [[0.25 * i, 0, 0] for i in range(6)])
    assert places("/true_path") == ("world", [[2, 3 + 0.25 * i, 0.5] for i in range(7)])
    assert places("/goals") == ("episode", [recorded_walk.GOAL])


def test_at_every_step_the_map_is_the_memorys(told, folder):
    recording, whole = Recording.read(folder), GrowingMap()
    for step in range(6):
        whole.apply(recording.growth(step))
        (message,) = told["/map"][step / 2]
        cloud = points(message)
        xyz = np.stack([cloud[axis] for axis in "xyz"], -1)
        assert message["frame_id"] == "episode"
        np.testing.assert_array_equal(np.floor(xyz / whole.cell_m), whole.cells)
        np.testing.assert_array_equal(cloud["label"], whole.labels)


def test_recalled_items_with_their_scores(told, folder):
    for step in Recording.read(folder).steps:
        (recalled,), (message,) = (told[topic][step.index / 2] for topic in ("/recalled", "/recalled_points"))
        assert [item["score"] for item in recalled["items"]] == [item.score for item in step.recalled]
        assert [item["position"] for item in recalled["items"]] == [
            i.position.tolist() for i in step.recalled
        ]
        assert {item["name"] for item in recalled["items"]} == ({"chair"} if step.index else set())
        cloud = points(message)
        expected = np.array([[*item.position, item.score] for item in step.recalled], np.float32)
        assert np.array([row.tolist() for row in cloud], np.float32).tolist() == expected.tolist()
        assert len(cloud) == (3 if step.index else 0)


def test_decisions_at_their_moment_and_what_followed_at_the_next(told, folder):
    steps = Recording.read(folder).steps
    (decision,) = told["/decision"][0.5]
    assert decision == {
        "step": 1, "action": 1, "action_name": "move_forward", "observation_hash": steps[1].observation_hash,
        "memory": dict(steps[1].memory), "trace": {"mode": "straight", "recalled": 3},
    }  # fmt: skip
    (outcome,) = told["/outcome"][1.5]
    assert outcome == {
        "step": 2, "collided": True, "goal_in_view": False,
        "measures": {"success": 0.0, "distance_to_goal": 8.0, "odd": None},
    }  # fmt: skip
    assert [message["message"] for message in told["/log"][1.5] if message["level"] == 3] == [
        "step 2: collided"
    ]


def test_header_and_end_are_attached(path, folder):
    from mcap.reader import make_reader

    recording = Recording.read(folder)
    with path.open("rb") as file:
        reader = make_reader(file)
        attached = {item.name: json.loads(item.data) for item in reader.iter_attachments()}
        (about,) = reader.iter_metadata()
    assert attached == {"header.json": recording.header, "end.json": recording.end}
    assert about.metadata == {"about": "episode a 1 of hall, 6 steps", "step_s": "0.5"}


def test_a_light_recording_gives_all_but_images_and_map_and_says_so(tmp_path, told):
    light = opened(
        export(recorded_walk.record_walk(tmp_path / "w", level="light"), tmp_path / "w.mcap", step_s=0.5)
    )
    assert set(light) == set(told) - {"/camera/rgb", "/camera/depth", "/map"}
    assert light["/tf"] == told["/tf"]
    assert "no images and no map: recorded with record=light" in light["/log"][0][1]["message"]


def test_the_same_episode_gives_the_same_bytes(tmp_path, folder, path):
    assert export(folder, tmp_path / "again.mcap", step_s=0.5).read_bytes() == path.read_bytes()


def test_a_map_now_and_then_is_as_whole_as_each(tmp_path, folder, told):
    seldom = opened(export(folder, tmp_path / "seldom.mcap", step_s=0.5, map_every=2))
    assert seldom["/map"] == {time: told["/map"][time] for time in (0, 1, 2, 2.5)}
    with pytest.raises(ConfigError, match="expected map_every of 1 or more steps, got 0; leave it at 1"):
        export(folder, tmp_path / "x.mcap", map_every=0)


def test_a_map_that_did_not_change_is_not_said_again(tmp_path, monkeypatch):
    (same,) = recorded_walk.observations(1)
    monkeypatch.setattr(recorded_walk, "STRIDE_M", 0.0)
    monkeypatch.setattr(recorded_walk, "observations", lambda steps: [same] * steps)
    told = opened(export(recorded_walk.record_walk(tmp_path / "w", steps=4), tmp_path / "w.mcap"))
    assert list(told["/map"]) == [0]
    assert list(told["/camera/rgb"]) == [0, 1, 2, 3]


@pytest.mark.parametrize("step_s", [0.0, -1.0, float("nan"), float("inf")])
def test_a_step_that_takes_no_time_is_refused(tmp_path, folder, step_s):
    with pytest.raises(ConfigError, match=r"^expected step_s of a nanosecond to 1e6 seconds, got "):
        export(folder, tmp_path / "x.mcap", step_s=step_s)
