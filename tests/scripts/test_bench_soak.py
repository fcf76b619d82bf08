import json

import pytest

from placecell.errors import OutputError
from placecell.scripts import bench
from placecell.scripts.bench import run_tasks
from placecell.scripts.bench.soak import Holding, Sample, growth_curve, point, require_one_worker, rows_of

MIB = 2**20


@pytest.fixture
def toy(toybot_installed, monkeypatch):
    """The suites may walk the stranger's corridor, in processes without the shape checks' cost."""
    command = ("env=corridor", "agent=walker", "task=stroll")
    monkeypatch.setattr(run_tasks, "TASKS", {**run_tasks.TASKS, "toy": command})
    monkeypatch.setenv("PYTHONPATH", str(toybot_installed))
    monkeypatch.delenv("PLACECELL_TYPECHECK", raising=False)


def samples(worker_mib, files=lambda lines: 9, episodes=100):
    """A look after each episode, at a worker that holds what a function of the episodes says."""
    return [
        Sample(lines, 7, Holding(worker_mib(lines) * MIB, files(lines)), Holding(50 * MIB, 5))
        for lines in range(1, episodes + 1)
    ]


def test_a_soak_shows_what_both_processes_hold(toy, tmp_path, capsys):
    arguments = ["--task", "toy", "--quick", "--episodes", "400", "--record", "off"]
    assert bench.main(["soak", "--out", str(tmp_path), *arguments]) == 0
    rows = {row["name"]: row for row in json.loads((tmp_path / "bench.json").read_text())}
    assert rows["episodes"]["value"] == 400
    for name in ("worker", "parent"):
        assert rows[f"{name}_memory_at_the_end"]["value"] > 20
        assert rows[f"{name}_open_files_growth"]["passed"]
        assert rows[f"{name}_memory_growth"]["target"] is None  # a short form is all warm-up
    report = json.loads((tmp_path / "soak.json").read_text())
    assert [each["episodes"] for each in report["curve"]] == list(range(20, 401, 20))
    assert report["curve"][0]["worker"]["files"] > 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bench.json", "soak.json"]
    assert "worker, MiB" in capsys.readouterr().out


def test_a_stretch_is_the_median_of_what_was_seen_in_it():
    seen = samples(lambda lines: lines)
    assert point(seen, 10, 15).worker.memory_bytes == 13 * MIB
    assert point(seen, 10, 15).episodes == 15
    sparse = [seen[0], seen[49], seen[99]]
    assert point(sparse, 10, 15).worker.memory_bytes == 1 * MIB  # nothing in between: the nearest
    assert point(sparse, 60, 80).worker.memory_bytes == 100 * MIB


def test_the_curve_has_twenty_points():
    curve = growth_curve(samples(lambda lines: 200 + lines), 100)
    assert [each.episodes for each in curve] == list(range(5, 101, 5))
    assert [each.worker.memory_bytes / MIB for each in curve] == [203 + 5 * i for i in range(20)]


@pytest.mark.parametrize(
    ("worker_mib", "growth", "passed"),
    [
        (lambda lines: 200, 0.0, True),
        (lambda lines: 100 if lines <= 10 else 200, 0.0, True),  # all of it within the warm-up
        (lambda lines: 200 if lines <= 50 else 203, 1.5, True),
        (lambda lines: 200 if lines <= 50 else 205, 2.5, False),
        (lambda lines: 200 if lines <= 50 else 190, -5.0, True),
    ],
)
def test_growth_is_judged_from_the_warm_up_to_the_end(worker_mib, growth, passed):
    rows = {row.name: row for row in rows_of(samples(worker_mib), 100, 0.1)}
    row = rows["worker_memory_growth"]
    assert row.value == pytest.approx(growth)
    assert (row.target, row.passed) == ("< 2", passed)
    assert rows["parent_memory_growth"].passed
    assert rows["both_memory_growth"].value == pytest.approx(0.8 * growth)


def test_a_file_that_is_never_closed_is_seen():
    rows = {row.name: row for row in rows_of(samples(lambda _: 9, lambda lines: lines // 10), 100, 0.1)}
    assert (rows["worker_open_files_growth"].value, rows["worker_open_files_growth"].passed) == (8, False)
    assert rows["parent_open_files_growth"].passed


def test_a_warm_up_that_leaves_nothing_is_refused(tmp_path, capsys):
    assert bench.main(["soak", "--out", str(tmp_path), "--warm-up", "0.9"]) == 2
    assert "expected --warm-up from 0 to 0.5, got 0.9; say --warm-up 0.1" in capsys.readouterr().err


def test_a_run_that_needed_two_workers_is_no_soak():
    two = [Sample(1, pid, Holding(1, 1), Holding(1, 1)) for pid in (7, 8)]
    with pytest.raises(OutputError, match="expected one worker from the first episode to the last, got 2 of"):
        require_one_worker(two)
    with pytest.raises(OutputError, match="got none that was seen"):
        require_one_worker([])
