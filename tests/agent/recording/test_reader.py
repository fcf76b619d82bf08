import json
import math
import shutil

import numpy as np
import pytest
from recorded import CAMERA, Plodder, perceive, record

from placecell.agent.loop import Agent
from placecell.agent.recording import Recording, observation_hash
from placecell.errors import ArchiveError
from placecell.memory import GrowingMap, NoMemory, SpatialMemory
from placecell.memory.archive import Archive


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    folder = tmp_path_factory.mktemp("full") / "00004-walk 4"
    return folder, record(folder)


@pytest.fixture
def copy(full, tmp_path):
    return shutil.copytree(full[0], tmp_path / "copy")


def test_steps_come_back_as_they_were(full):
    folder, seen = full
    recording = Recording.read(folder)
    assert recording.complete
    assert recording.end["steps"] == len(recording.steps) == 6
    for recorded, step in zip(recording.steps, seen, strict=True):
        assert recorded.index == step.index
        assert recorded.action == step.decision.action
        assert recorded.pose == step.percept.pose
        assert recorded.true_pose == step.info["pose"]
        assert recorded.collided == step.info["collided"]
        assert recorded.goal_in_view is True
        assert recorded.reward == step.reward == 0.5 * step.index
        assert recorded.trace == step.decision.trace
        assert recorded.observation_hash == observation_hash(step.observation)
        asked = step.percept.query
        assert (recorded.query.position == asked.position).all()
        assert (recorded.query.radius_m, recorded.query.category) == (asked.radius_m, asked.category)
        assert [item.source for item in recorded.recalled] == ["octree"] * 3
        for kept, item in zip(recorded.recalled, step.retrieval.items, strict=True):
            assert np.abs(kept.position - item.position).max() <= 0.0005 + 1e-9
            assert kept.score == pytest.approx(item.score, abs=1e-6)
            assert (kept.age_steps, kept.category) == (item.age_steps, item.category)
    assert math.isnan(recording.steps[0].measures["distance_to_goal"])
    assert recording.steps[1].measures == {"success": 0.0, "distance_to_goal": 1.0}


def test_observations_come_back_bit_for_bit(full):
    folder, seen = full
    recording = Recording.read(folder)
    for step in (5, 2, 2, 0, 1):
        observation = recording.observation(step)
        assert list(observation) == list(seen[step].observation)
        for name, array in seen[step].observation.items():
            assert observation[name].dtype == array.dtype
            assert observation[name].shape == array.shape
            assert observation[name].tobytes() == array.tobytes()
    assert recording.observation(2)["category"].max() == 60_000


def test_frames_come_back_as_the_memory_took_them_in(full):
    folder, seen = full
    recording = Recording.read(folder)
    for step in seen:
        frame, was = recording.frame(step.index), step.percept.frame
        assert (frame.T_world_camera == was.T_world_camera).all()
        assert frame.camera == CAMERA
        assert frame.step == was.step
        for name in ("depth", "rgb", "labels"):
            assert getattr(frame, name).dtype == getattr(was, name).dtype
            assert (getattr(frame, name) == getattr(was, name)).all()


def test_a_memory_that_is_shown_the_frames_recalls_what_was_recalled(full):
    recording = Recording.read(full[0])
    stored = recording.header["memory"]
    memory = SpatialMemory.for_archive(Archive(stored["class"], stored["settings"]))
    for step in recording.steps:
        memory.write(recording.frame(step.index))
        items = memory.retrieve(step.query, recording.header["k"]).items
        assert len(items) == len(step.recalled) == 3
        for item, was in zip(items, step.recalled, strict=True):
            assert np.round(item.position, 3).tolist() == was.position.tolist()
            assert (round(item.score, 6), item.age_steps) == (was.score, was.age_steps)


@pytest.mark.parametrize("every", [1, 4])
def test_growths_add_up_to_the_memory(full, tmp_path, every):
    record(tmp_path, every=every)
    recording, dense, memory, map_of_it = Recording.read(tmp_path), Recording.read(full[0]), *fresh()
    for step in range(6):
        memory.write(dense.frame(step))
        growth = recording.growth(step)
        assert (growth is None) == (step % every > 0 and step < 5)
        if growth is not None:
            map_of_it.apply(growth)
            assert (map_of_it.cells == memory.growth().cells).all()
            assert (map_of_it.labels == memory.growth().labels).all()
    assert len(map_of_it.cells) > 100


def fresh():
    return SpatialMemory(), GrowingMap()


def test_a_step_without_arrays_says_so(tmp_path):
    record(tmp_path / "light", "light")
    record(tmp_path / "sparse", every=2)
    for name, level, every in (("light", "light", 1), ("sparse", "full", 2)):
        recording = Recording.read(tmp_path / name)
        assert recording.growth(1) is None
        for ask in (recording.observation, recording.frame):
            with pytest.raises(ArchiveError) as refused:
                ask(1)
            assert str(refused.value) == (
                f"expected the frame of step 1 in {tmp_path / name}, got a step recorded without frames "
                f"(record.level={level}, record.every={every}); record with record=full record.every=1"
            )


@pytest.mark.parametrize(("level", "stride"), [("light", 1), ("full", 11)])
def test_lines_cut_at_any_byte_leave_the_steps_before(tmp_path, level, stride):
    record(tmp_path, level, steps=2, agent=Agent(perceive, NoMemory(), Plodder(lambda step: {})))
    content = (tmp_path / "steps.jsonl").read_bytes()
    near = {n + shift for n, byte in enumerate(content) if byte == 10 for shift in (0, 1)}
    for cut in sorted({*range(0, len(content), stride), *near}):
        (tmp_path / "steps.jsonl").write_bytes(content[:cut])
        recording = Recording.read(tmp_path)
        lines = content[:cut].count(b"\n")
        assert [step.index for step in recording.steps] == list(range(min(lines, 2)))
        assert recording.complete == (lines == 3)
    assert lines == 3


def test_frames_cut_at_any_byte_leave_the_steps_before(tmp_path):
    record(tmp_path, steps=3)
    content = (tmp_path / "frames.tar").read_bytes()
    ends = [step.entry.end for step in Recording.read(tmp_path).steps]
    near = {end + shift for end in (0, 512, *ends, len(content)) for shift in range(-3, 4)}
    for cut in sorted({*range(0, len(content), 97), *near}):
        (tmp_path / "frames.tar").write_bytes(content[: max(cut, 0)])
        recording = Recording.read(tmp_path)
        assert len(recording.steps) == sum(end <= cut for end in ends)
        assert recording.complete == (cut >= ends[-1])
        for step in range(len(recording.steps)):
            assert recording.observation(step)


def refused(folder):
    with pytest.raises(ArchiveError) as error:
        Recording.read(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_is_no_recording_is_one_line(copy, tmp_path):
    named = "name an episode's folder of a run with record=light or record=full: RUN/episodes/NAME"
    nowhere = tmp_path / "nowhere"
    assert refused(nowhere) == f"expected a recorded episode in {nowhere}, got no such folder; {named}"
    assert "got a file;" in refused(copy / "header.json")
    for text, came in (
        ("{", "got header.json that is no JSON (Expecting"),
        ("[1]", "got header.json of another format, list;"),
        ('{"format": "bag"}', "got header.json of another format, 'bag';"),
        ('{"format": "placecell-recording", "version": 1}', "got header.json with level None and hash None;"),
    ):
        (copy / "header.json").write_text(text)
        assert came in refused(copy)
    (copy / "header.json").write_bytes(b"\xff\xfe")
    assert "that is no JSON" in refused(copy)
    (copy / "header.json").unlink()
    assert (
        refused(copy) == f"expected a recorded episode in {copy}, got a folder without header.json; {named}"
    )


@pytest.mark.parametrize(
    ("key", "value", "came"),
    [
        ("start", {"position": [0, 0], "yaw_rad": 0}, "[0, 0] where 3 numbers belong"),
        ("origin", {}, "{} where a pose belongs"),
        ("origin", {"position": [0, 0, 0], "yaw_rad": None}, "where a finite pose belongs"),
        ("goal_positions", [[1, 2, "x"]], "where numbers belong"),
        ("shortest_path", 3, "3 where points belong"),
        ("categories", 3, "3 where names belong"),
        ("camera", {"width": 3}, "a camera without height, hfov_deg, height_m"),
        ("tags", [], "[] where an object belongs"),
    ],
)
def test_a_header_that_was_changed_by_hand_is_one_line(copy, key, value, came):
    header = json.loads((copy / "header.json").read_text())
    (copy / "header.json").write_text(json.dumps({**header, key: value}))
    said = refused(copy)
    assert said.startswith(f"expected {key} as a recorder writes it in {copy / 'header.json'}, got ")
    assert came in said
    assert said.endswith("; undo what was changed by hand, or record the episode again")


@pytest.mark.parametrize(
    ("version", "fix"),
    [(2, "read it with a newer placecell"), ("1", "record the episode again"), (0, "read it with a newer")],
)
def test_another_version_is_one_line(copy, version, fix):
    header = json.loads((copy / "header.json").read_text())
    (copy / "header.json").write_text(json.dumps({**header, "version": version}))
    assert refused(copy).startswith(
        f"expected a recording of version 1 to 1 in {copy}, got version {version!r}; {fix}"
    )


@pytest.mark.parametrize("name", ["steps.jsonl", "frames.tar"])
def test_a_file_that_is_missing_is_one_line(copy, name):
    (copy / name).unlink()
    assert refused(copy) == (
        f"expected {name} beside the header in {copy}, got No such file or directory; "
        "copy the whole folder, or record the episode again"
    )


def edit(line, **changes):
    return json.dumps({**json.loads(line), **changes}).encode()


@pytest.mark.parametrize(
    ("change", "came"),
    [
        (lambda line: line[:-20], "Expecting"),
        (lambda line: b"", "Expecting value"),
        (lambda line: b"[]", "no object"),
        (lambda line: b"\xff", "codec can't decode"),
        (lambda line: edit(line, step=7), "step 7 where step 2 belongs"),
        (lambda line: edit(line, action="left"), "step 2, action 'left'"),
        (lambda line: edit(line, pose={"position": [1, 2]}), "{'position': [1, 2]} where a pose belongs"),
        (lambda line: edit(line, pose={"position": [1, 2], "yaw_rad": 0, "pitch_rad": 0}), "3 numbers"),
        (lambda line: edit(line, query={"position": [0, 0, 0], "radius_m": 0, "category": None}), "radius"),
        (lambda line: edit(line, query={"radius_m": 1, "category": 1.5}), "the category 1.5"),
        (lambda line: edit(line, true_pose="x"), "'x' where a pose belongs"),
        (lambda line: edit(line, true_pose={"position": [0, 0, 0], "yaw_rad": None}), "where a finite pose"),
        (lambda line: edit(line, collided="x"), "'x' where true or false belongs"),
        (lambda line: edit(line, frame={**json.loads(line)["frame"], "images": {"depth": []}}), "no names"),
        (lambda line: edit(line, measures=[1]), "'list' object has no attribute 'items'"),
        (lambda line: edit(line, measures={"spl": "high"}), "could not convert string to float"),
        (lambda line: edit(line, frame={}), "no key 'offset'"),
        (lambda line: edit(line, end=3), "an end that is no object"),
        (lambda line: edit(line, frame={**json.loads(line)["frame"], "offset": 1024}), "frame at byte 1024"),
    ],
)  # fmt: skip
def test_a_line_that_was_changed_by_hand_is_named(copy, change, came):
    path = copy / "steps.jsonl"
    lines = path.read_bytes().split(b"\n")
    lines[2] = change(lines[2])
    path.write_bytes(b"\n".join(lines))
    said = refused(copy)
    assert said.startswith(f"expected a recorded step in line 3 of {path}, got ")
    assert came in said
    assert said.endswith("; undo what was changed by hand, or record the episode again")


def test_nothing_follows_the_end(copy):
    path = copy / "steps.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, lines[0]]))
    assert "in line 8" in refused(copy)
    assert "got a line after the end;" in refused(copy)


def test_keys_of_later_versions_are_left_alone(copy):
    path = copy / "steps.jsonl"
    lines = path.read_bytes().split(b"\n")
    lines[1] = edit(lines[1], words=["left"])
    path.write_bytes(b"\n".join(lines))
    assert len(Recording.read(copy).steps) == 6


def damaged(folder, step=1):
    recording = Recording.read(folder)
    assert recording.observation(0)
    with pytest.raises(ArchiveError) as error:
        recording.observation(step)
    said = str(error.value)
    assert said.startswith(
        f"expected the frame of step {step} in {folder / 'frames.tar'}, as steps.jsonl says"
    )
    assert said.endswith("; copy the folder again, or record the episode again")
    return said


def test_a_member_that_does_not_match_is_one_line(copy):
    path = copy / "frames.tar"
    content, (first, second, *_) = path.read_bytes(), (s.entry for s in Recording.read(copy).steps)
    flipped = bytearray(content)
    flipped[second.offset + 300] ^= 1
    path.write_bytes(flipped)
    damaged(copy)
    path.write_bytes(content[: second.offset - 512] + bytes(512) + content[second.offset :])
    assert "got no member at byte" in damaged(copy)
    path.write_bytes(
        content[: second.offset - 512] + content[first.offset - 512 : first.offset] + content[second.offset :]
    )
    assert "got the member 000000.npz of" in damaged(copy)


def test_a_member_of_another_episode_is_one_line(copy):
    path = copy / "steps.jsonl"
    lines = path.read_bytes().split(b"\n")
    lines[1] = edit(lines[1], observation="0" * 64)
    path.write_bytes(b"\n".join(lines))
    assert "got arrays of another observation;" in damaged(copy)


@pytest.mark.parametrize("part", ["labels", "camera"])
def test_a_frame_that_makes_no_sense_is_one_line(copy, part):
    path = copy / "steps.jsonl"
    lines = path.read_bytes().split(b"\n")
    frame = json.loads(lines[1])["frame"]
    frame["images"] = {**frame["images"], **({"labels": "frame/names"} if part == "labels" else {})}
    frame["camera"] = [3, *frame["camera"][1:]] if part == "camera" else frame["camera"]
    lines[1] = edit(lines[1], frame=frame)
    path.write_bytes(b"\n".join(lines))
    recording = Recording.read(copy)
    with pytest.raises(ArchiveError, match=r"expected the frame of step 1 in .* got no frame"):
        recording.frame(1)


def test_there_are_only_so_many_steps(full):
    with pytest.raises(IndexError):
        Recording.read(full[0]).observation(6)
