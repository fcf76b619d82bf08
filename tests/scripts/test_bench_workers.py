import json
from pathlib import Path

import pytest

from placecell.agent.results import Result
from placecell.scripts import bench
from placecell.scripts.bench import run_tasks
from placecell.scripts.bench.run_difference import RunDifference
from placecell.scripts.bench.timed_run import TimedRun
from placecell.scripts.bench.workers import difference_rows, in_words, steady_per_hour


@pytest.fixture
def toy(toybot_installed, monkeypatch):
    """The suites may walk the stranger's corridor, in processes without the shape checks' cost."""
    command = ("env=corridor", "agent=walker", "task=stroll")
    monkeypatch.setattr(run_tasks, "TASKS", {**run_tasks.TASKS, "toy": command})
    monkeypatch.setenv("PYTHONPATH", str(toybot_installed))
    monkeypatch.delenv("PLACECELL_TYPECHECK", raising=False)


def timed(*seconds):
    """A run whose episodes took so long; 2 s to start, 10 to walk, 15 in all."""
    results = tuple(
        Result(number, str(number), "hall", "done", False, 1, {}, seconds=each)
        for number, each in enumerate(seconds)
    )
    return TimedRun(Path("run"), results, 2.0, 10.0, 15.0)


def test_one_and_no_worker_leave_the_same(toy, tmp_path, capsys):
    code = bench.main(["workers", "--task", "toy", "--workers", "1", "0", "--quick", "--out", str(tmp_path)])
    printed = capsys.readouterr()
    assert (code, printed.err) == (0, "")
    rows = {row["name"]: row for row in json.loads((tmp_path / "bench.json").read_text())}
    assert {name: row["passed"] for name, row in rows.items() if row["target"] is not None} == {
        "lines_that_differ_1_and_0": True, "lines_out_of_order_1_and_0": True,
        "summaries_that_differ_1_and_0": True, "recordings_that_differ_1_and_0": True,
    }  # fmt: skip
    one, none = rows["episodes_per_hour_1"], rows["episodes_per_hour_0"]
    assert (one["peer"], none["peer"]) == (None, "workers=1")
    assert none["ratio"] == pytest.approx(none["value"] / one["value"])
    # A spawned worker imports everything a second time.
    assert rows["seconds_to_start_1"]["value"] > 0
    assert "workers=0: 8 episodes; " in printed.out
    assert [path.name for path in tmp_path.iterdir()] == ["bench.json"]


def test_the_pace_is_that_while_all_walk():
    run = timed(4.0, 8.0, 6.0)
    assert run.busy_s == 18
    assert steady_per_hour(run, 1) == steady_per_hour(run, 0) == pytest.approx(600)
    assert steady_per_hour(run, 2) == pytest.approx(1200)
    assert run.episodes_per_hour == pytest.approx(720)
    assert in_words(run, 2) == (
        "3 episodes; 2.0 s to start, 10.0 s to walk, 15.0 s in all; "
        "18.0 s by the episodes' own clocks: 1200 an hour while all walk"
    )


def test_lines_that_differ_are_counted_and_judged():
    difference = RunDifference(lost=(1,), twice=(2,), lines=(3, 4), order=2, summary=True, recordings=("x",))
    rows = {row.name: (row.value, row.passed) for row in difference_rows(difference, 1, 2)}
    assert rows == {
        "lines_that_differ_1_and_2": (4, False), "lines_out_of_order_1_and_2": (2, False),
        "summaries_that_differ_1_and_2": (1, False), "recordings_that_differ_1_and_2": (1, False),
    }  # fmt: skip
    assert all(row.passed for row in difference_rows(RunDifference(), 1, 2))


@pytest.mark.parametrize("numbers", [["1"], ["2", "2"], ["1", "2", "1"]])
def test_the_same_number_of_workers_is_no_comparison(tmp_path, capsys, numbers):
    assert bench.main(["workers", "--out", str(tmp_path), "--workers", *numbers]) == 2
    complaint = capsys.readouterr().err
    assert f"expected two or more different numbers of workers, got {' '.join(numbers)}; say" in complaint
    assert complaint.count("\n") == 1


def test_a_number_of_workers_that_the_run_refuses_is_one_line(toy, tmp_path, capsys):
    arguments = ["--task", "toy", "--quick", "--workers", "-1", "2"]
    assert bench.main(["workers", "--out", str(tmp_path), *arguments]) == 2
    complaint = capsys.readouterr().err
    assert "exit code 2: placecell-run: expected workers of 0 or more, got -1" in complaint
    assert list(tmp_path.iterdir()) == []
