import json

import pytest

from placecell.agent.training import encoder_scores
from placecell.scripts.run import main as run
from placecell.scripts.train import main

QUICK = [
    "task.worlds=builtin", "task.steps=2", "task.batch=1", "task.save_every=1", "task.val_houses=1",
    "task.val_frames=1",
]  # fmt: skip


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*arguments, program=main):
        code = program([*arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def test_a_training_by_its_command_goes_on_where_it_stopped(command, tmp_path):
    code, printed, complaint = command(*QUICK, "out=here")
    assert (code, complaint) == (0, "")
    assert "2 of 2 steps" in printed
    assert "look into here: checkpoint.safetensors" in printed
    assert {p.name for p in (tmp_path / "here").iterdir()} == {
        "checkpoint.safetensors", "config.yaml", "iou_val.json", "metrics.jsonl", "resume.safetensors"
    }  # fmt: skip
    code, printed, _ = command(*QUICK, "task.minutes=3", "progress=false", "out=here")
    assert code == 0
    assert "step 2" not in printed
    code, _, complaint = command(*QUICK, "task.batch=2", "out=here")
    assert code == 2
    assert complaint.startswith(
        "placecell-train: expected the training that here holds, with task.batch=1, got"
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["task=pose"], "expected a choice of task: encoder, expectation, memory, segmenter, got pose"),
        (["task.step=2"], "task.step"),
        (["task.steps=many"], "task.steps to be a whole number"),
        ([*QUICK, "task.worlds=mars"], "task.worlds of houses, builtin, got 'mars'"),
        (["task=expectation", "task.houses=0"], "1 house or more to learn from, got 0"),
    ],
)
def test_mistakes_are_one_line(command, arguments, text):
    code, _, complaint = command(*arguments, "out=made")
    assert code == 2
    assert complaint.startswith("placecell-train: expected ")
    assert complaint.count("\n") == 1
    assert text in complaint


def test_an_encoder_is_chosen_by_groups(command, tmp_path, monkeypatch):
    monkeypatch.setattr(encoder_scores, "_TIMED", 2)
    small = [
        "task.worlds=builtin", "task.classes=[bed,sofa]", "task.train_frames=1", "task.val_frames=1",
        "task.size=0.3M", "task.steps=1", "task.batch=1",
    ]  # fmt: skip
    chosen = ["task=encoder", "attention=hilo", "attention.window=4", "codebook=softmax", "codebook.codes=7"]
    code, printed, complaint = command(*chosen, *small, "out=here")
    assert (code, complaint) == (0, "")
    assert "1 of 1 steps" in printed
    config = json.loads((tmp_path / "here" / "encoder" / "config.json").read_text())
    assert (config["attention"], config["attention_options"]["window"]) == ("hilo", 4)
    assert json.loads((tmp_path / "here" / "codebook_val.json").read_text())["codes"] == 7
    code, _, complaint = command("task=encoder", "attention=mirage", "out=there")
    assert code == 2
    assert "mirage" in complaint
    assert complaint.count("\n") == 1
    code, printed, complaint = command("task=encoder", "codebook=off", *small, "out=plain")
    assert (code, complaint) == (0, "")


def test_help_lists_its_own_tasks_and_run_keeps_its_own(command):
    code, printed, _ = command("--help")
    assert code == 0
    assert "task: encoder, expectation, memory, segmenter" in printed
    code, printed, _ = command("--help", program=run)
    assert code == 0
    assert "\ntask: encoder" not in printed
