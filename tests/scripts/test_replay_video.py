import json

import imageio_ffmpeg
import pytest
from recorded import record

from placecell.scripts.replay import main


@pytest.fixture
def run(tmp_path):
    record(tmp_path / "episodes" / "00004-walk 4")
    record(tmp_path / "episodes" / "00005-walk 5", level="light")
    (tmp_path / "results.jsonl").write_text("")
    return tmp_path


def call(capsys, *arguments):
    code = main(["video", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_an_episode_becomes_a_file(run, capsys):
    out = run / "films" / "walk.mp4"
    code, shown, complaint = call(capsys, run, "walk 4", "--out", out, "--fps", "2")
    assert (code, complaint) == (0, "")
    assert shown == f"6 steps, 3.0 s; look into {out}\n"
    assert imageio_ffmpeg.count_frames_and_secs(str(out)) == (6, 3.0)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["5", "--out", "a.mp4"], "one with record.level=light; run with record=full"),
        (["4", "--out", "a.gif"], "expected an .mp4 file to write, got a.gif"),
        (["walk 6", "--out", "a.mp4"], "did you mean walk"),
        (["4", "--out", "a.mp4", "--fps", "900"], "expected 1 to 60 pictures a second, got 900"),
        (["4"], "--out"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(run, capsys, monkeypatch, arguments, why):
    monkeypatch.chdir(run)
    code, shown, complaint = call(capsys, run, *arguments)
    assert (code, shown) == (2, "")
    assert why in complaint
    assert complaint.count("\n") == 1
    assert not list(run.glob("*a.*"))


def test_a_damaged_recording_is_exit_1(run, capsys):
    (run / "episodes" / "00004-walk 4" / "header.json").write_text(json.dumps({"format": "other"}))
    code, _, complaint = call(capsys, run, "4", "--out", run / "a.mp4")
    assert code == 1
    assert "of another format, 'other'" in complaint
