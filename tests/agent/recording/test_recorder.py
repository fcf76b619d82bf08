import json
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from recorded import HEADER, Plodder, Wall, perceive, plodder, record, recorder_of, result_of

from placecell.agent.loop import Agent
from placecell.agent.recording import NoRecorder, Recording, RecordOptions, make_recorder
from placecell.agent.recording.appending import AppendedFile
from placecell.errors import EnvironmentUseError, OutputError, PlacecellError
from placecell.memory import FlatNeighbours, FrameList, NoMemory, SemanticGrid, SpatialMemory
from placecell.memory.archive import Archive


def raw(folder):
    return [json.loads(line) for line in (folder / "steps.jsonl").read_text().splitlines()]


def test_off_keeps_nothing(tmp_path):
    recorder = recorder_of("off")
    assert isinstance(recorder, NoRecorder)
    record(tmp_path / "never", recorder=recorder)
    assert not (tmp_path / "never").exists()


def test_light_keeps_a_line_a_step_and_no_frames(tmp_path):
    seen = record(tmp_path, "light")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["header.json", "steps.jsonl"]
    *steps, end = raw(tmp_path)
    assert [step["step"] for step in steps] == [0, 1, 2, 3, 4, 5]
    assert steps[2]["pose"] == {"position": [0.5, 0.0, 0.0], "yaw_rad": 0.2, "pitch_rad": 0.0}
    assert steps[2]["true_pose"] == {"position": [1.75, 2.0, 0.0], "yaw_rad": 0.5, "pitch_rad": 0.0}
    assert [step["collided"] for step in steps] == [False, False, True, False, False, False]
    assert steps[0]["measures"] == {"success": 0.0, "distance_to_goal": None}
    assert steps[0]["trace"] == {"mode": "plod", "at": 0}
    item = seen[3].retrieval.items[0]
    assert steps[3]["recalled"][0] == {
        "position": [round(c, 3) for c in item.position.tolist()], "score": round(item.score, 6),
        "source": "octree", "age_steps": item.age_steps, "category": item.category,
    }  # fmt: skip
    assert len(steps[3]["recalled"]) == len(seen[3].retrieval.items) == 3
    assert steps[5]["memory"]["items"] > steps[0]["memory"]["items"] > 0
    assert not any("frame" in step for step in steps)
    assert end == {
        "end": {
            "status": "done", "truncated": True, "steps": 6, "failure": None, "reason": None,
            "measures": {"success": 0.0, "distance_to_goal": -3.0}, "tags": {"kind": "point"},
        }
    }  # fmt: skip


def test_the_header_says_what_is_recorded(tmp_path):
    record(tmp_path, "full", 2)
    header = json.loads((tmp_path / "header.json").read_text())
    assert header["format"] == "placecell-recording"
    assert header["version"] == 1
    assert {name: header[name] for name in HEADER} == HEADER
    assert header["start"]["position"] == [1.0, 2.0, 0.0]
    assert (header["level"], header["every"], header["hash"]) == ("full", 2, "sha256")
    assert header["sensors"]["category"] == {"dtype": "<i4", "shape": [12, 16]}
    assert header["memory"] == {
        "class": "SpatialMemory", "settings": {
            "voxel_size_m": 0.1, "max_depth_m": 5.0, "min_depth_m": 0.0, "octree": True, "topology": True,
            "short_term": True, "feature_width": 0, "short_term_capacity": 128, "long_term": True,
            "long_term_tokens": "flat", "leaf_level": 4, "gate": 0.9, "encoder": "",
            "max_bytes": None, "max_items": None, "max_prompt_tokens": None, "budget_policy": "oldest",
        },
    }  # fmt: skip
    assert (header["policy"], header["k"]) == ("Plodder", 3)
    assert (header["environment"], header["oracle"]) == ({"scene": "wall"}, ["x_ray"])
    assert header["origin"] == {"position": [1.0, 2.0, 0.0], "yaw_rad": 0.5, "pitch_rad": 0.0}
    assert header["shortest_path"] == [[0.0, 0.0, 0.0], [3.0, 0.0, 0.0]]
    assert (header["actions"], header["categories"], header["camera"]) == ([], [], None)


def test_an_environment_with_a_body_has_names_for_its_actions(home, tmp_path):
    recorder = make_recorder(RecordOptions(), home, plodder())
    home.reset(seed=0, options={"episode": 0})
    recorder.begin(tmp_path, {})
    header = json.loads((tmp_path / "header.json").read_text())
    assert header["actions"][:2] == ["stop", "move_forward"]
    assert header["categories"] == list(home.categories)
    assert header["camera"]["width"] == 64
    assert header["embodiment"]["turn_deg"] == 10.0


def test_full_keeps_one_member_a_step_that_tar_lists(tmp_path):
    record(tmp_path)
    with tarfile.open(tmp_path / "frames.tar") as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == [f"{step:06d}.npz" for step in range(6)]
    frames = [step["frame"] for step in raw(tmp_path)[:-1]]
    assert [(m.offset_data, m.size) for m in members] == [(f["offset"], f["size"]) for f in frames]
    assert (tmp_path / "frames.tar").read_bytes()[-1024:] == bytes(1024)
    assert frames[0]["images"] == {
        "depth": "observation/depth", "rgb": "observation/rgb", "labels": "frame/labels",
    }  # fmt: skip
    listed = subprocess.run(
        ["tar", "tf", tmp_path / "frames.tar"], capture_output=True, text=True, check=True
    )
    assert listed.stdout.split() == [member.name for member in members]
    assert listed.stderr == ""


def test_every_so_many_steps_and_the_last_keep_their_frames(tmp_path):
    record(tmp_path, "full", 4, steps=7)
    assert ["frame" in step for step in raw(tmp_path)[:-1]] == [True, False, False, False, True, False, True]


def test_equal_episodes_leave_equal_files(tmp_path):
    for name in ("a", "b"):
        record(tmp_path / name)
    for file in ("header.json", "steps.jsonl", "frames.tar"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_one_recorder_serves_episode_after_episode(tmp_path):
    agent = plodder()
    recorder = recorder_of("full", agent=agent)
    for name in ("a", "b"):
        record(tmp_path / name, agent=agent, recorder=recorder)
    first, second = (Recording.read(tmp_path / name) for name in ("a", "b"))
    assert (first.growth(0).cells == second.growth(0).cells).all()


def test_each_step_can_be_read_once_it_was_added(tmp_path):
    def look(step):
        recording = Recording.read(tmp_path)
        assert len(recording.steps) == step.index + 1
        assert not recording.complete
        assert (recording.observation(step.index)["rgb"] == step.observation["rgb"]).all()

    record(tmp_path, watch=(look,))
    assert Recording.read(tmp_path).complete


def test_a_new_attempt_removes_what_the_last_one_left(tmp_path):
    record(tmp_path, ends=False)
    for name in ("view.png", "error.txt", ".header.json.x1y2", ".view.png.x3y4"):
        (tmp_path / name).write_text("old")
    (tmp_path / "notes.txt").write_text("a user's own")
    record(tmp_path, "light", steps=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["header.json", "notes.txt", "steps.jsonl"]
    assert len(Recording.read(tmp_path).steps) == 2


def test_a_process_that_is_still_dying_cannot_touch_the_new_attempt(tmp_path):
    orphan_agent = plodder()
    orphan = recorder_of("full", agent=orphan_agent)
    steps = record(tmp_path, agent=orphan_agent, recorder=orphan, ends=False)
    record(tmp_path, steps=3)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    orphan.add(steps[-1])
    orphan.end(result_of(steps[-1]))
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
    assert len(Recording.read(tmp_path).steps) == 3


def test_a_crash_ends_a_recording_too(tmp_path):
    agent = plodder()
    recorder = recorder_of("full", agent=agent)
    (last, *_) = record(tmp_path, agent=agent, recorder=recorder, ends=False)
    recorder.end(result_of(last, status="crashed", reason="RuntimeError: the floor gave way"))
    end = Recording.read(tmp_path).end
    assert (end["status"], end["reason"]) == ("crashed", "RuntimeError: the floor gave way")


def test_what_never_began_ends_without_a_word_and_takes_no_step(tmp_path):
    recorder = recorder_of("light")
    (last, *_) = record(tmp_path, steps=1)
    recorder.end(result_of(last))
    with pytest.raises(PlacecellError, match=r"expected begin\(\) before add\(\), got no episode under way"):
        recorder.add(last)


def test_a_trace_that_is_no_plain_json_names_the_policy_and_leaves_no_half_step(tmp_path):
    def trace(step):
        return {"mode": "plod", "at": np.zeros(2) if step == 3 else [step]}

    with pytest.raises(
        PlacecellError, match=r"expected the trace of Plodder to be plain .* got trace.at: ndar"
    ):
        record(tmp_path, agent=plodder(trace))
    recording = Recording.read(tmp_path)
    assert len(recording.steps) == 3
    assert (tmp_path / "frames.tar").stat().st_size == -(-recording.steps[-1].entry.end // 512) * 512


def test_other_peoples_oddities_are_named_too(tmp_path):
    class Vague(Wall):
        def _info(self):
            return {**super()._info(), "pose": {"position": np.zeros(3)}}

    recorder = recorder_of("light", env=Vague())
    recorder.begin(tmp_path, HEADER)
    (step, *_) = record(tmp_path / "other", steps=1)
    step.info["pose"] = {"position": np.zeros(3)}
    with pytest.raises(PlacecellError, match=r"the environment's info\['pose'\] to be plain"):
        recorder.add(step)
    with pytest.raises(PlacecellError, match=r"expected the recording's header, tags, to be plain"):
        recorder.begin(tmp_path, {"tags": {"kind": {1}}})
    step.observation["text"] = ["go"]
    recorder.begin(tmp_path, HEADER)
    with pytest.raises(EnvironmentUseError, match="got 'text', list"):
        recorder.add(step)


def test_a_memory_that_keeps_nothing_is_recorded_like_any_other(tmp_path):
    record(tmp_path, agent=Agent(perceive, NoMemory(), Plodder(lambda step: {})))
    recording = Recording.read(tmp_path)
    assert recording.header["memory"] == {"class": "NoMemory", "settings": {}}
    assert all(recording.growth(step).empty for step in range(6))


@pytest.mark.parametrize("memory", [SpatialMemory, FlatNeighbours, FrameList, SemanticGrid])
def test_what_a_memory_counts_is_no_setting_of_it(tmp_path, memory):
    record(tmp_path / "a", agent=plodder(memory=memory()))
    header = Recording.read(tmp_path / "a").header["memory"]
    again = memory.for_archive(Archive(header["class"], header["settings"])).pack().manifest
    assert {key for key in again if key not in header["settings"]} <= {"episode_start", "now", "dropped"}
    assert again == {**again, **header["settings"]}


def test_a_warm_memory_is_in_the_first_growth(tmp_path):
    memory = SpatialMemory()
    agent = plodder(memory=memory)
    steps = record(tmp_path / "a", agent=agent)
    recorder = recorder_of("full", agent=agent)
    recorder.begin(tmp_path / "b", HEADER)
    recorder.add(steps[0])
    assert (Recording.read(tmp_path / "b").growth(0).cells == memory.growth().cells).all()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    recorder = recorder_of("light")
    with pytest.raises(
        OutputError, match=r"expected room and the right to record in .*/file/a, got Not a dir"
    ):
        recorder.begin(tmp_path / "file" / "a", HEADER)


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from recorded import HEADER, plodder, record, recorder_of, result_of
from placecell.agent.recording import Recording
from placecell.errors import OutputError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for level, room in (("light", 2000), ("full", 12000)):
    folder = Path(sys.argv[1]) / level
    agent = plodder()
    steps = record(folder, agent=agent, steps=6)
    recorder = recorder_of(level, agent=agent)
    recorder.begin(folder, HEADER)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    try:
        for number, step in enumerate(steps):
            recorder.add(step)
        print("room for all")
    except OutputError as error:
        print(error)
    recorder.end(result_of(steps[0]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    recording = Recording.read(folder)
    print(level, number, len(recording.steps), recording.complete)
"""


def test_a_full_disk_is_one_line_and_leaves_what_was_recorded(tmp_path):
    """The kernel's own refusal, in the middle of a write."""
    support = Path(__file__).parents[2] / "support"
    script = f"import sys; sys.path.insert(0, {str(support)!r})\n{FULL_DISK}"
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    for said, counted, level in zip(lines[::2], lines[1::2], ("light", "full")):
        assert said == (
            f"expected room and the right to record in {tmp_path / level}, got File too large "
            f"({tmp_path / level}); make room, and give the same command again: it goes on where it stopped"
        )
        name, refused, kept, complete = counted.split()
        assert (name, complete) == (level, "False")
        assert 0 < int(kept) == int(refused) < 6


def test_no_line_is_ever_written_before_its_frame(tmp_path, monkeypatch):
    """Whatever the call in which a kill strikes, and however much of it the kernel had taken."""
    states = []
    append = AppendedFile.append

    def watched(self, piece):
        before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
        append(self, piece)
        after = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
        states.append((before, after))

    monkeypatch.setattr(AppendedFile, "append", watched)
    record(tmp_path)
    assert len(states) == 2 * 6 + 2
    kinds = []
    for before, after in states:
        (name,) = (name for name in after if after[name] != before.get(name, b""))
        kinds.append(name)
        first, last = len(before[name]), len(after[name])
        for cut in {first, first + 1, (first + last) // 2, last - 1, last}:
            for file, content in {**before, name: after[name][:cut]}.items():
                (tmp_path / file).write_bytes(content)
            recording = Recording.read(tmp_path)
            whole = (tmp_path / "steps.jsonl").read_bytes().count(b"\n")
            assert len(recording.steps) + recording.complete == whole
            if recording.steps:
                recording.observation(len(recording.steps) - 1)
    assert kinds == ["frames.tar", "steps.jsonl"] * 7
