"""``placecell-replay submission`` and ``score``, on a made house and a recording with viewpoints."""

import json
import math

import pytest
from instructed_worlds import r2r_entry, write_json, write_scan
from recorded import record

from placecell.agent.results import Result
from placecell.agent.run_folder import episode_folder
from placecell.scripts.replay import main


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A PLACECELL_DATA with one scan and a split of two instructions."""
    folder = tmp_path / "data"
    write_scan(folder / "mp3d_connectivity")
    (folder / "r2r").mkdir()
    write_json(folder / "r2r" / "R2R_val_seen.json", [r2r_entry("abcd", 7, ["one", "two"])])
    monkeypatch.setenv("PLACECELL_DATA", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def recorded_run(folder, *walks, ends=True):
    """A run of as many episodes; in each the start and then one viewpoint a step."""
    folder.mkdir()
    results = []
    for number, walk in enumerate(walks):
        instr_id = f"7_{number}"
        where = episode_folder(folder, number, instr_id)
        record(where, "light", steps=max(1, len(walk) - 1), ends=ends)
        tell(where, instr_id, walk)
        results.append(Result(number, instr_id, "house", "done", False, 1, {"success": 1.0}))
    (folder / "results.jsonl").write_text("".join(result.to_line() for result in results))
    return folder


def tell(folder, instr_id, walk):
    """What a panorama graph would have told the recorder."""
    header = json.loads((folder / "header.json").read_text())
    told = {"episode_id": instr_id, "walked": [[walk[0], math.pi / 2, 0.0]] if walk else None}
    write_json(folder / "header.json", {**header, **told})
    lines = [json.loads(line) for line in (folder / "steps.jsonl").read_text().splitlines()]
    for line in lines:
        if "step" in line and walk:
            line["walked"] = [[name, 0.0, 0.1] for name in walk[1:][line["step"] : line["step"] + 1]]
    (folder / "steps.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def call(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_run_of_the_expert_exported_and_scored_has_success_one(data, tmp_path, capsys):
    run = recorded_run(tmp_path / "run", "abcd", "abcd")
    code, out, err = call(capsys, "submission", run, "--out", "s/file.json")
    assert (code, err) == (0, "")
    assert out.startswith("2 trajectories in s/file.json; score them with")
    made = json.loads((tmp_path / "s" / "file.json").read_text())
    assert [entry["instr_id"] for entry in made] == ["7_0", "7_1"]
    assert made[0]["trajectory"][:2] == [["a", 0.0, 0.0], ["b", pytest.approx(math.pi / 2), 0.1]]
    code, out, err = call(capsys, "score", "s/file.json", "--split", "val_seen", "--out", "scored")
    assert (code, err) == (0, "")
    assert out.startswith("r2r val_seen: 2 of 2 instructions")
    told = next(line for line in out.splitlines() if "success" in line)
    assert told.split()[1::2] == ["success", "1.0000"]
    scores = json.loads((tmp_path / "scored" / "scores.json").read_text())
    assert scores["mean"]["success"] == scores["mean"]["spl"] == 1
    assert scores["by_instruction"]["7_1"]["path_length"] == pytest.approx(6)


def test_r4r_is_scored_on_joined_paths(data, capsys):
    """The only path ends 2 m from its start, and is joined with itself."""
    write_json(data / "r2r" / "R2R_val_seen.json", [r2r_entry("ab", 7, ["go. "])])
    stands = [[name, 0, 0] for name in "abab"]
    write_json(data / "s.json", [{"instr_id": "0_0", "trajectory": stands}])
    code, out, _ = call(capsys, "score", data / "s.json", "--split", "val_seen", "--dataset", "r4r")
    assert code == 0
    assert out.startswith("r4r val_seen: 1 of 1 instructions")


def test_a_part_of_a_split_is_scored_when_asked_for(data, tmp_path, capsys):
    run = recorded_run(tmp_path / "run", "abc")
    assert call(capsys, "submission", run, "--out", "part.json")[0] == 0
    code, _, err = call(capsys, "score", "part.json", "--split", "val_seen")
    assert code == 2
    assert "each of the 2 instructions in part.json, got 1 missing, such as 7_1; add them" in err
    code, out, _ = call(capsys, "score", "part.json", "--split", "val_seen", "--partial")
    assert code == 0
    assert out.startswith("r2r val_seen: 1 of 2 instructions")


def test_secret_goals_are_said_to_be_secret(data, capsys):
    write_json(data / "r2r" / "R2R_test.json", [r2r_entry("a", 9, ["go"])])
    write_json(data / "s.json", [{"instr_id": "9_0", "trajectory": [["a", 0, 0], ["b", 0, 0]]}])
    code, out, _ = call(capsys, "score", data / "s.json", "--split", "test")
    assert code == 0
    assert "its goals are secret, so that only lengths can be told" in out
    assert "2.00 m" in out
    assert "success" not in out


@pytest.mark.parametrize(
    ("trajectory", "complaint"),
    [
        ([["a", 0, 0], ["c", 0, 0]], "got a jump a -> c; correct the file"),
        ([["b", 0, 0]], "to begin at its start a, got b"),
    ],
)
def test_a_wrong_submission_is_one_line_and_exit_code_2(data, capsys, trajectory, complaint):
    write_json(data / "s.json", [{"instr_id": "7_0", "trajectory": trajectory}])
    code, out, err = call(capsys, "score", data / "s.json", "--split", "val_seen", "--partial")
    assert (code, out) == (2, "")
    assert complaint in err
    assert err.count("\n") == 1


def test_an_unknown_split_and_a_missing_file(data, capsys):
    code, _, err = call(capsys, "score", "none.json", "--split", "val_seen")
    assert (code, err.count("\n")) == (2, 1)
    assert "none.json, got No such file" in err
    code, _, err = call(capsys, "score", "none.json", "--split", "val")
    assert (code, err.count("\n")) == (2, 1)
    assert "a split of r2r in" in err
    assert ": val_seen, got 'val'" in err


def test_a_run_without_recordings_or_viewpoints_is_refused(data, tmp_path, capsys):
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "results.jsonl").write_text("")
    code, _, err = call(capsys, "submission", bare, "--out", "s.json")
    assert (code, err.count("\n")) == (2, 1)
    assert "got none; run with record=light" in err
    house = recorded_run(tmp_path / "house", "")
    code, _, err = call(capsys, "submission", house, "--out", "s.json")
    assert (code, err.count("\n")) == (2, 1)
    assert "a run on panorama graphs, which tells the viewpoints that it walked" in err
    header = episode_folder(house, 0, "7_0") / "header.json"
    write_json(header, {**json.loads(header.read_text()), "scene_id": "manhattan"})
    code, _, err = call(capsys, "submission", house, "--out", "s.json")
    assert (code, err.count("\n")) == (2, 1)
    assert "a run in Matterport's homes, which R2R's submissions are for" in err
    assert not (tmp_path / "s.json").exists()


def test_an_episode_that_was_cut_off_is_left_out_and_told(data, tmp_path, capsys):
    run = recorded_run(tmp_path / "run", "abcd", "abcd")
    steps = episode_folder(run, 1, "7_1") / "steps.jsonl"
    steps.write_text("".join(steps.read_text().splitlines(keepends=True)[:-1]))
    code, out, err = call(capsys, "submission", run, "--out", "s.json")
    assert code == 1
    assert out.startswith("1 trajectory in s.json")
    assert "left out 00001-7_1: it has no end" in err
    code, _, err = call(capsys, "submission", run, "7_1", "--out", "s.json")
    assert code == 1
    assert "no trajectory of 00001-7_1: it has no end" in err
