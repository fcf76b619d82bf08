import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from placecell.agent.perception.segmenter import load_segmenter
from placecell.agent.training.evaluate_segmenter import main as evaluate
from placecell.agent.training.train_segmenter import class_weights, one_cycle, train_segmenter
from placecell.errors import ArchiveError, ConfigError, OutputError

SMALL = {
    "worlds": "builtin", "steps": 6, "minutes": 30.0, "batch": 2, "life": 4, "learning_rate": 0.003,
    "weight_decay": 0.02, "average": 0.9, "save_every": 2, "val_houses": 1, "val_frames": 2,
}  # fmt: skip


def train(out, seed=0, **changes):
    keys = {**SMALL, **changes}
    config = {"task": dict(keys), "seed": seed, "out": str(out)}
    return train_segmenter(**keys, seed=seed, out=out, config=config, progress=False)


def lines(out):
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def losses(out):
    return [(line["step"], line["loss"]) for line in lines(out)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("training") / "whole"
    return out, train(out)


def test_a_training_leaves_its_files_and_says_where(whole):
    out, said = whole
    assert said[0].startswith("6 of 6 steps in ")
    assert "ended early" not in said[0]
    assert f"look into {out}: checkpoint.safetensors, iou_val.json" in said[-1]
    assert [line["step"] for line in lines(out)] == [2, 4, 6]
    report = json.loads((out / "iou_val.json").read_text())
    assert report["frames"] == 2
    assert load_segmenter(out / "checkpoint.safetensors").threshold == report["threshold"]
    assert "worlds: builtin" in (out / "config.yaml").read_text()


def test_killed_and_called_again_it_comes_to_the_same_weights(whole, tmp_path, monkeypatch):
    from placecell.agent.training import train_segmenter as module

    out = tmp_path / "broken"
    steps = module.SegmenterTraining.step

    def dies(self, step):
        if step == 5:
            raise KeyboardInterrupt
        return steps(self, step)

    with monkeypatch.context() as patch:
        patch.setattr(module.SegmenterTraining, "step", dies)
        with pytest.raises(KeyboardInterrupt):
            train(out)
    assert losses(out) == losses(whole[0])[:2]
    with open(out / "metrics.jsonl", "a") as file:
        file.write('{"step": 6, "loss": 1.0}\n{"st')  # a later line, and one cut off
    train(out)
    assert losses(out) == losses(whole[0])
    here, there = (load_file(folder / "checkpoint.safetensors") for folder in (out, whole[0]))
    assert here.keys() == there.keys()
    assert all(torch.equal(here[name], there[name]) for name in here)


def test_another_seed_gives_other_weights(whole, tmp_path):
    train(tmp_path / "other", seed=1)
    here, there = (load_file(f / "checkpoint.safetensors") for f in (tmp_path / "other", whole[0]))
    assert not torch.equal(here["head.weight"], there["head.weight"])


def test_called_again_when_done_it_trains_no_further(whole):
    out, _ = whole
    before = (out / "resume.safetensors").read_bytes()
    said = train(out)
    assert said[0].startswith("6 of 6 steps")
    assert (out / "resume.safetensors").read_bytes() == before


def test_it_ends_early_when_its_minutes_are_spent_and_goes_on_with_more(tmp_path):
    out = tmp_path / "short"
    said = train(out, minutes=1e-9)
    assert said[0].startswith("1 of 6 steps")
    assert "ended early by task.minutes=1e-09" in said[0]
    assert train(out)[0].startswith("6 of 6 steps")


def test_a_folder_with_another_training_is_left_alone(whole):
    out, _ = whole
    text = (
        r"the training that .*whole holds, with task\.steps=6, got task\.steps=7; go on with the same values"
    )
    with pytest.raises(OutputError, match=text):
        train(out, steps=7)
    with pytest.raises(OutputError, match=r"seed=0, got seed=3"):
        train(out, seed=3)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="can be written"):
        train(tmp_path / "file" / "under")


def test_damaged_progress_is_told(whole, tmp_path):
    out = tmp_path / "damaged"
    train(out, steps=1)
    good = (out / "resume.safetensors").read_bytes()
    (out / "resume.safetensors").write_bytes(good[: len(good) // 2])
    with pytest.raises(
        ArchiveError, match=r"resume\.safetensors to hold this training's progress, got a damaged"
    ):
        train(out, steps=1)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"steps": 0}, r"task\.steps above 0, got 0"),
        ({"minutes": -1.0}, r"task\.minutes above 0, got -1"),
        ({"worlds": "moon"}, r"task\.worlds of houses, builtin, got 'moon'"),
        ({"learning_rate": 1e30, "steps": 40}, r"loss stays finite, got .*; set task\.learning_rate lower"),
    ],
)
def test_numbers_that_make_no_training(changes, text, tmp_path):
    with pytest.raises(ConfigError, match=text):
        train(tmp_path / "none", **changes)


def test_it_learns(tmp_path):
    """The loss of weighted names falls well below that of knowing their shares alone."""
    train(tmp_path / "long", steps=30, batch=4, save_every=5)
    first, *_, last = losses(tmp_path / "long")
    assert last[1] < 0.75 * first[1]


def test_weights_fall_with_the_root_of_the_share_and_average_1():
    shares = np.array([0.81, 0.09, 0.0999, 0.0001])
    weights = class_weights(shares).numpy()
    assert weights[1] / weights[0] == pytest.approx(3)
    assert weights[3] / weights[0] == pytest.approx((0.81 / 1e-3) ** 0.5)
    assert (weights * shares).sum() == pytest.approx(1)


def test_the_rate_goes_up_once_and_down_once():
    rates = np.array([one_cycle(step, 200, 0.01) for step in range(200)])
    top = int(rates.argmax())
    assert (np.diff(rates[: top + 1]) >= 0).all()
    assert (np.diff(rates[top + 1 :]) <= 0).all()
    assert rates.max() == pytest.approx(0.01)
    assert rates[-1] < 1e-5


def test_the_table_of_a_checkpoint(whole, tmp_path, capsys):
    arguments = ["--worlds", "builtin", "--houses", "1", "--frames", "2", "--split", "test"]
    checkpoint = ["--checkpoint", str(whole[0] / "checkpoint.safetensors")]
    assert evaluate([*arguments, *checkpoint, "--out", str(tmp_path / "table.md")]) == 0
    table = (tmp_path / "table.md").read_text()
    assert capsys.readouterr().out == table
    assert table.startswith("2 frames of 1 test houses, depth noise none, threshold ")
    assert "| wall | " in table
    assert evaluate([*arguments, "--checkpoint", str(tmp_path / "nowhere")]) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert "got no such file" in complaint
