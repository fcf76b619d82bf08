"""Sweeps as placecell-run walks them: what stands in their folder at the end."""

import json

import pytest

from placecell.scripts.run import main

ROUNDS = ["env=corridor", "env._target_=rounds.Rounds", "agent=walker", "agent._target_=rounds.walker",
          "~agent.stride", "task=tour", "episodes=6", "progress=false", "workers=0"]  # fmt: skip


@pytest.fixture
def command(toybot, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        code = main([*ROUNDS, *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def test_a_sweep_of_arms_ends_with_its_summary(command, tmp_path):
    code, printed, complaint = command("-m", "task.arm=cold,warm,known,foreign,geometry,stale", "out=here")
    assert (code, complaint) == (0, "")
    assert "\n6 jobs; look into" in printed
    assert (tmp_path / "here" / "tours.png").exists()
    (group,) = json.loads((tmp_path / "here" / "summary.json").read_text())["tours"]
    assert [row["arm"] for row in group["arms"]] == ["cold", "warm", "known", "foreign", "geometry", "stale"]
    for row in group["arms"][1:]:  # this walker doesn't ask its memory: no arm may differ
        got = row["differences"]["seen before"]["spl"]
        assert (got["mean"], got["low"], got["high"], got["pairs"], got["houses"]) == (0, 0, 0, 4, 2)


def test_an_arm_of_one_run_is_the_task_s(command, tmp_path):
    assert command("task.arm=known", "out=here")[0] == 0
    lines = (tmp_path / "here" / "results.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["oracle"] == []
    assert not (tmp_path / "here" / "summary.md").exists()


def test_an_unknown_arm_is_a_mistake_and_the_other_jobs_run(command, tmp_path):
    code, printed, complaint = command("-m", "task.arm=cold,hot", "out=here")
    assert code == 2
    assert complaint == (
        "placecell-run: expected an arm: cold, warm, known, foreign, geometry, stale, got 'hot'; "
        "set task.arm to one of these\n"
    )
    assert "2 jobs, 1 of them not run" in printed
    assert "task.arm=hot | not run |" in (tmp_path / "here" / "summary.md").read_text()


def test_a_second_sweep_into_the_same_folder_goes_on_and_comes_to_the_same(command, tmp_path):
    assert command("-m", "task.arm=cold,warm", "out=here")[0] == 0
    before = (tmp_path / "here" / "summary.json").read_bytes()
    (torn,) = (tmp_path / "here").glob("*task.arm=warm*/results.jsonl")
    torn.write_bytes(torn.read_bytes()[:-40])  # a kill while the last line was written
    assert command("-m", "task.arm=cold,warm", "out=here")[0] == 0
    assert (tmp_path / "here" / "summary.json").read_bytes() == before


def test_a_sweep_never_writes_over_a_run(command, tmp_path):
    assert command("out=here")[0] == 0
    before = (tmp_path / "here" / "summary.json").read_bytes()
    code, _, complaint = command("-m", "task.arm=cold,warm", "out=here")
    assert code == 2
    assert "a folder for a sweep's summary, got" in complaint
    assert (tmp_path / "here" / "summary.json").read_bytes() == before
