"""``placecell-run`` on panorama graphs, as a user types it."""

import json

import pytest
from graph_data import write_data

from placecell.scripts.run import main

COMMON = ["workers=0", "progress=false", "record=off"]


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("PLACECELL_DATA", str(write_data(tmp_path / "data")))
    monkeypatch.chdir(tmp_path)


def results(folder):
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def test_a_tour_of_instructions_is_walked_and_measured_as_a_whole(data, tmp_path):
    asked = [
        "env=r2r",
        "task=tour",
        "task.arm=warm",
        "task.visits=2",
        "agent=expert",
        "episodes=4",
        "out=run",
    ]
    assert main([*asked, *COMMON]) == 0
    walked = results(tmp_path / "run")
    assert [(line["tags"]["tour"], line["tags"]["visit"]) for line in walked] == [
        ("house:0", 0), ("house:0", 1), ("house:1", 0), ("house:1", 1),
    ]  # fmt: skip
    assert ["tour_ndtw" in line["measures"] for line in walked] == [False, True, False, True]
    provenance = json.loads((tmp_path / "run" / "provenance.json").read_text())
    assert provenance["world"]["task"] == "tour"


def test_the_gold_route_of_streets_is_followed(data, tmp_path):
    asked = [
        "env=streets",
        "env.dataset=made_streets",
        "task=instruction",
        "agent=gold",
        "episodes=3",
        "out=run",
    ]
    assert main([*asked, *COMMON]) == 0
    assert {line["measures"]["success_edit_distance"] for line in results(tmp_path / "run")} == {1.0}


def test_a_forgotten_task_is_one_line(data, capsys):
    assert main(["env=r2r", "agent=expert", "episodes=1", "out=run", *COMMON]) == 2
    line = "expected a task of panorama graphs, got 'pointnav'; set task=instruction (or task=tour)"
    assert capsys.readouterr().err == f"placecell-run: {line}\n"
