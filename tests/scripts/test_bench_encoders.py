import argparse
import json

import pytest

from placecell.agent.training import encoder_scores
from placecell.agent.training import train_encoder as training
from placecell.errors import ConfigError
from placecell.scripts.bench.encoders import ROWS, add_arguments, configuration, run

FIGURES = {
    "accuracy": 0.5, "interval_95": [0.4, 0.6], "frames_per_s": 100.0, "frames_per_s_batch_32": 200.0,
    "training_frames_per_s": 50.0, "parameters": 7, "steps": 9, "pretrain_steps": 0, "cpu_minutes": 10.0,
    "pretrain_cpu_minutes": 0.0,
}  # fmt: skip


@pytest.fixture
def trained(monkeypatch):
    calls = []

    def stands_in(**task):
        calls.append(task)
        task["out"].mkdir(parents=True)
        (task["out"] / "accuracy_val.json").write_text(json.dumps(FIGURES))
        return ["done"]

    monkeypatch.setattr(training, "train_encoder", stands_in)
    return calls


def bench(out, *options, quick=False):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(argparse.Namespace(out=out, quick=quick, **vars(parser.parse_args(options))))


def test_rows_run_in_turn_until_the_budget_is_spent(tmp_path, trained):
    rows = {row.name: row.value for row in bench(tmp_path, "--minutes", "30")}
    assert [call["attention"]["name"] for call in trained] == ["full", "window", "hilo"]
    assert rows["hilo_accuracy"] == 0.5
    assert rows["hilo_frames"] == 100.0
    assert rows["davit_accuracy"] != rows["davit_accuracy"]
    table = (tmp_path / "encoders.md").read_text().splitlines()
    assert len(table) == 2 + len(ROWS)
    assert table[2] == "| full | 0.500 | 0.400 to 0.600 | 100 | 200 | 50 | 7 | 9 | 0 |"
    assert table[5].startswith("| davit | not run |")


def test_finished_rows_are_kept_and_shown(tmp_path, trained):
    bench(tmp_path, "--rows", "hilo", "full")
    assert len(trained) == 2
    rows = bench(tmp_path, "--rows", "full", "inline")
    assert [call["attention"]["name"] for call in trained] == ["hilo", "full", "inline"]
    assert [row.name for row in rows][::2] == ["full_accuracy", "inline_accuracy", "hilo_accuracy"]


def test_plain_rows_come_first_and_drop_positions_have_the_same_minutes(tmp_path):
    assert [name for name in ROWS if "+" not in name] == list(ROWS[:8])
    frames = tmp_path / "frames"
    plain, before = (configuration(n, each=8.0, frames=frames, quick=False) for n in ("halo", "halo+droppos"))
    assert (plain["minutes"], plain["pretrain_minutes"]) == (8.0, 0.0)
    assert (before["minutes"], before["pretrain_minutes"]) == (8.0, 4.0)
    assert plain["attention"]["name"] == "halo"
    assert {k for k in plain if plain[k] != before[k]} == {"pretrain_minutes"}


def test_the_quick_form_trains_two_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(encoder_scores, "_TIMED", 2)
    rows = bench(tmp_path, quick=True)
    assert [row.name for row in rows][::2] == ["full_accuracy", "hilo_accuracy"]
    assert all(0 <= row.value <= 1 for row in rows[::2])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--rows", "mirage"), r"different --rows of full, .*, got mirage"),
        (("--rows", "full", "full"), "different --rows"),
        (("--each", "0"), "--each and --minutes above 0, got 0, 120"),
    ],
)
def test_mistakes(tmp_path, options, text):
    with pytest.raises(ConfigError, match=text):
        bench(tmp_path, *options)
