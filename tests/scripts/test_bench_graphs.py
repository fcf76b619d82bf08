import json
from dataclasses import replace
from pathlib import Path

import pytest

from placecell.agent.results import Result
from placecell.errors import ConfigError
from placecell.scripts import bench
from placecell.scripts.bench import graph_cases, graph_speed, graphs
from placecell.scripts.bench.graph_cases import GraphCase, Known, cases
from placecell.scripts.bench.graph_tables import markdown, verdict
from placecell.scripts.bench.graph_walk import Walked, there, walk
from placecell.scripts.bench.row import Row

KNOWN = (Known("success", 0.4, 0.6, "0.5 +- 0.1"),)
CASE = GraphCase("r2r_toy", "r2r", "toy | agent", ("env=toy",), seeds=(3, 4), known=KNOWN, published="SR 0.5")
STREET = GraphCase("touchdown_toy", "streets", "toy", ("env=toy",))


@pytest.fixture
def command():
    """Walks nothing: every other episode succeeds; what was asked for is noted."""

    def go(arguments):
        go.asked.append(arguments)
        if go.code not in (0, 1):
            print("placecell-run: expected a world, got none; fetch it")
            return go.code
        told = dict(argument.split("=", 1) for argument in arguments)
        folder = Path(told["out"])
        folder.mkdir(parents=True, exist_ok=True)
        count = 4 if told["episodes"] == "null" else int(told["episodes"])
        lines = [
            Result(
                number, str(number), f"scan {number // 2}", "done", False, 6,
                {"success": float(number % 2), "task_completion": 0.0, "spl": 0.25},
                tags={"path": str(number // 2)},
            ).to_line()
            for number in range(count)
        ]  # fmt: skip
        (folder / "results.jsonl").write_text("".join(lines))
        return go.code

    go.asked, go.code = [], 0
    return go


def test_a_case_is_walked_with_each_of_its_seeds_and_counted_together(command, tmp_path):
    told = []
    walked = walk(CASE, tmp_path, command, episodes=None, tell=told.append)
    assert [line[-3:] for line in command.asked] == [
        ["episodes=null", f"seed={seed}", f"out={tmp_path}/runs/r2r_toy-{seed}"] for seed in (3, 4)
    ]
    assert (walked.done, walked.steps, walked.clusters) == (8, 6.0, "scene")
    mean = walked.mean("success")
    assert (mean.mean, mean.n) == (0.5, 8)
    assert told == ["r2r_toy: 8 of 8 episodes done, success 0.500"]
    assert walk(CASE, tmp_path, command, episodes=2, tell=told.append).done == 4
    assert there(CASE, tmp_path).done == 4


def test_what_cannot_run_is_said_and_never_filled_in(command, tmp_path):
    command.code, told = 2, []
    walked = walk(CASE, tmp_path, command, episodes=None, tell=told.append)
    assert walked.refused == "placecell-run: expected a world, got none; fetch it"
    assert told == [f"r2r_toy: not run: {walked.refused}"]
    (row,) = graphs.rows_of(walked)
    assert (row.name, row.unit) == ("r2r_toy_success", "not run")
    assert f"| not run: {walked.refused} |" in markdown([walked], [])
    assert there(STREET, tmp_path).refused == "not walked yet"
    command.code = 130
    with pytest.raises(KeyboardInterrupt):
        walk(CASE, tmp_path, command, episodes=None, tell=told.append)


def test_a_known_figure_comes_out_or_is_named(command, tmp_path):
    walked = walk(CASE, tmp_path, command, episodes=None, tell=lambda line: None)
    assert verdict(walked) == "yes"
    (row,) = graphs.rows_of(walked)
    assert (row.value, row.target, row.passed) == (0.5, "0.5 +- 0.1", True)
    missed = Walked(GraphCase("x", "r2r", "x", (), known=(Known("success", 1, 1, "1"),)), walked.results)
    assert verdict(missed) == "success is not 1"
    assert [row.passed for row in graphs.rows_of(missed)] == [False]
    lacking = Walked(GraphCase("x", "r2r", "x", (), known=(Known("ndtw", 1, 1, "1"),)), walked.results)
    assert verdict(lacking) == "ndtw is not 1"
    assert [(row.name, row.passed) for row in graphs.rows_of(lacking)] == [
        ("x_success", None), ("x_ndtw", False),
    ]  # fmt: skip


def test_the_tables_hold_each_world_s_own_measures(command, tmp_path):
    both = [walk(case, tmp_path, command, episodes=None, tell=lambda line: None) for case in (CASE, STREET)]
    text = markdown(both, [Row("load", 0.4, "s CPU", target="< 1", passed=True)])
    rooms, streets = text.index("## Room-to-Room"), text.index("## Streets")
    assert "| 0.500 [0.500, 0.500] | 0.250 [0.250, 0.250] | - |" in text[rooms:streets]
    assert "| toy \\| agent | - |" in text[rooms:streets]
    assert "| 8 of 8 (2 seeds) | SR 0.5 | yes |" in text
    assert "| touchdown | toy | - | 0.000 [0.000, 0.000] |" in text[streets:]
    assert "| load | 0.4 s CPU | < 1 | yes |" in text
    assert "IVLN" not in text


def test_instructions_that_name_something_labelled_are_a_stratum(command, tmp_path):
    walked = walk(CASE, tmp_path, command, episodes=None, tell=lambda line: None)
    assert "labelled" not in markdown([walked], [])
    told = tuple(
        replace(result, tags={"path": "0", "labelled": result.episode > 0}) for result in walked.results
    )
    text = markdown([Walked(CASE, told), walked], [])
    assert "| toy \\| agent | - | 0.667 [0.500, 1.000] | 0.000" in text
    assert text.count("| 6 and 2 |") == 2


def test_landmarks_that_nobody_supplies_are_not_run(command, tmp_path):
    points = [case for case in cases() if "points" in case.name or "permuted" in case.name]
    assert len(points) == 4
    for case in points:
        walked = walk(case, tmp_path, command, episodes=None, tell=lambda line: None)
        assert walked == there(case, tmp_path)
        assert "no points of interest come with the data (--points FILE)" in walked.refused
    given = {case.name: case for case in cases("shops.txt")}["map2seq_streets_permuted"]
    assert not given.missing
    assert {"env.points_of_interest=shops.txt", "env.permute_points=true"} <= set(given.overrides)
    assert command.asked == []


def test_every_row_has_a_name_of_its_own_and_streets_are_reported_on_the_odd_half():
    known = cases()
    assert len({case.name for case in known}) == len(known)
    for case in known:
        if case.name.endswith("_streets"):
            assert "env.half=odd" in case.overrides
    assert {case.world for case in known} == {"r2r", "streets", "tour"}
    assert set(graphs._QUICK) <= {case.name for case in known}


def test_the_suite_writes_its_tables(command, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(graph_cases, "cases", lambda points: (CASE, STREET))
    monkeypatch.setattr(graph_speed, "speed", lambda **how: [Row("steps", 3.0, "steps/s")])
    monkeypatch.setattr("placecell.scripts.run.main", command)
    assert bench.main(["graphs", "--out", str(tmp_path), "--only", "r2r_toy"]) == 0
    rows = json.loads((tmp_path / "bench.json").read_text())
    assert [row["name"] for row in rows] == ["r2r_toy_success", "steps"]
    assert "toy" in (tmp_path / "graphs.md").read_text()
    asked = len(command.asked)
    assert bench.main(["graphs", "--out", str(tmp_path), "--tables", "--no-speed"]) == 0
    assert len(command.asked) == asked
    assert "not walked yet" in (tmp_path / "graphs.md").read_text()
    assert bench.main(["graphs", "--out", str(tmp_path), "--only", "r2r_ghost"]) == 2
    assert "rows among r2r_toy, touchdown_toy, got r2r_ghost; correct --only" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="--episodes of 1 or more, got 0"):
        graphs.run(bench.parse(["graphs", "--out", str(tmp_path), "--episodes", "0"])[1])
