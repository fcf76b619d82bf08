import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from placecell.agent.perception.encoder import RgbdEncoder
from placecell.agent.training import encoder_scores, encoder_training
from placecell.agent.training.encoder_scores import EncoderScores
from placecell.agent.training.encoder_training import augmented
from placecell.agent.training.seen_frames import Asked, SeenFrames, save_frames, see
from placecell.agent.training.train_encoder import train_encoder
from placecell.errors import ArchiveError, ConfigError, OutputError

FRAMES = {"worlds": "builtin", "classes": ["bed", "sofa"], "share": 0.05}
SMALL = {
    **FRAMES, "attention": {"name": "hilo"}, "codebook": {"name": "off"}, "size": "0.3M", "train_frames": 4,
    "val_frames": 3, "house_frames": 2, "minutes": 30.0, "pretrain_minutes": 0.0, "steps": 4,
    "pretrain_steps": 2, "batch": 2, "learning_rate": 0.001, "weight_decay": 0.05, "average": 0.9,
    "masked": 0.5, "dropped": 0.75, "smeared": 2, "save_every": 2,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def short():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoder_scores, "_TIMED", 2)
        patch.setattr(encoder_scores, "_WARM", 1)
        yield


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("frames") / "frames.safetensors"
    asked = Asked("builtin", ("bed", "sofa"), 4, 3, 2, 0.05)
    save_frames(path, asked, {split: see(asked, split) for split in ("train", "val")})
    return str(path)


def train(out, store, seed=0, **changes):
    keys = {**SMALL, "frames": store, **changes}
    config = {"task": dict(keys), "seed": seed, "out": str(out)}
    return train_encoder(**keys, seed=seed, out=out, config=config, progress=False)


def losses(out):
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [(line["step"], line["loss"]) for line in lines]


@pytest.fixture(scope="module")
def whole(tmp_path_factory, store):
    out = tmp_path_factory.mktemp("training") / "whole"
    return out, train(out, store)


def test_a_training_leaves_its_files_and_says_how_it_went(whole):
    out, said = whole
    assert said[0].startswith("4 of 4 steps in ")
    assert "by chance 0.500" in said[1]
    report = json.loads((out / "accuracy_val.json").read_text())
    assert report["frames"] == 6
    assert report["steps"] == 4
    assert report["pretrain_steps"] == 0
    assert {*report["by_class"]} == {"bed", "sofa"}
    assert min(report["frames_per_s"], report["training_frames_per_s"]) > 0
    encoder = RgbdEncoder.from_pretrained(out / "encoder", attention="hilo")
    assert encoder.parameters_count() == report["parameters"]
    assert load_file(out / "head.safetensors")["head.weight"].shape == (2, encoder.width)


def test_killed_and_called_again_it_comes_to_the_same_weights(whole, store, tmp_path, monkeypatch):
    out = tmp_path / "broken"
    step = encoder_training.ClassTraining.step

    def dies(self, number):
        if number == 3:
            raise KeyboardInterrupt
        return step(self, number)

    with monkeypatch.context() as patch:
        patch.setattr(encoder_training.ClassTraining, "step", dies)
        with pytest.raises(KeyboardInterrupt):
            train(out, store)
    assert losses(out) == losses(whole[0])[:1]
    train(out, store)
    assert losses(out) == losses(whole[0])
    for name in ("encoder/model.safetensors", "head.safetensors"):
        here, there = (load_file(folder / name) for folder in (out, whole[0]))
        assert all(torch.equal(here[key], there[key]) for key in there)


def test_pre_training_comes_first_and_is_not_done_again(whole, store, tmp_path):
    out = tmp_path / "positions"
    said = train(out, store, pretrain_minutes=5.0)
    assert "before it 2 of DropPos in " in said[0]
    assert [step for step, _ in losses(out / "positions")] == [2]
    assert losses(out) != losses(whole[0])  # it begins with other weights
    before = (out / "positions" / "resume.safetensors").read_bytes()
    train(out, store, pretrain_minutes=5.0)
    assert (out / "positions" / "resume.safetensors").read_bytes() == before


def test_its_minutes_hold_both_parts(store, tmp_path):
    said = train(tmp_path / "short", store, minutes=2e-6, pretrain_minutes=1e-6)
    assert said[0].startswith("1 of 4 steps")
    assert "before it 1 of DropPos" in said[0]
    assert "ended early by task.minutes=2e-06" in said[0]


def test_a_codebook_leaves_its_usage(store, tmp_path):
    train(tmp_path, store, codebook={"name": "softmax", "codes": 8, "code_width": 3, "dropout": 0.5})
    usage = json.loads((tmp_path / "codebook_val.json").read_text())
    assert (usage["frames"], usage["codes"]) == (6, 8)
    assert 1 <= usage["effective_codes"] <= 8
    assert (tmp_path / "codebook_val.png").read_bytes().startswith(b"\x89PNG")
    assert load_file(tmp_path / "head.safetensors")["filtering.codes"].shape == (8, 3)
    train(tmp_path / "control", store, codebook={"name": "no_softmax"})
    assert not (tmp_path / "control" / "codebook_val.json").exists()


def test_mistakes_are_one_line(whole, store, tmp_path):
    with pytest.raises(ConfigError, match="pretrain_minutes of 0 or more, below the 5 minutes"):
        train(tmp_path / "a", store, minutes=5.0, pretrain_minutes=5.0)
    with pytest.raises(ConfigError, match=r"task\.batch above 0, got 0"):
        train(tmp_path / "a", store, batch=0)
    with pytest.raises(ConfigError, match="mirage"):
        train(tmp_path / "a", store, attention={"name": "mirage"})
    with pytest.raises(ConfigError, match=r"expected task\.train=4, by which the frames"):
        train(tmp_path / "a", store, train_frames=5)
    with pytest.raises(OutputError, match=r"task\.attention\.name=hilo"):
        train(whole[0], store, attention={"name": "full"})
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "resume.safetensors").write_bytes((whole[0] / "head.safetensors").read_bytes())
    with pytest.raises(ArchiveError, match="this training's progress"):
        train(tmp_path / "b", store)


def frames_of(count):
    rng = np.random.default_rng(0)
    return SeenFrames(
        rng.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8),
        rng.uniform(1, 3, (count, 8, 8)).astype(np.float16),
        np.arange(count),
        np.zeros(count, np.int32),
    )


def test_batches_are_mirrored_as_a_whole_and_keep_their_labels():
    frames = frames_of(5)
    x, labels = augmented(frames, np.random.default_rng(1), 40)
    mirrored = 0
    for image, label in zip(x, labels.tolist(), strict=True):
        depth = torch.from_numpy(frames.depth[label].astype(np.float32)) / 5
        flipped = not torch.equal(image[3], depth)
        mirrored += flipped
        assert torch.equal(image[3], depth.flip(1) if flipped else depth)
    assert 8 < mirrored < 32


def test_scores_count_houses_and_not_frames():
    label = np.arange(40) % 2
    house = np.repeat(np.arange(4), 10)
    named = np.where(house < 2, label, 1 - label)
    together = EncoderScores(label, named, house)
    apart = EncoderScores(label, named, np.arange(40))
    assert together.accuracy() == 0.5
    wide, narrow = together.interval(), apart.interval()
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])
    summary = together.summary(["bed", "sofa"])
    assert (summary["houses"], summary["frames"], summary["chance"]) == (4, 40, 0.5)
    assert summary["by_class"] == {"bed": 0.5, "sofa": 0.5}
    assert EncoderScores(label, named, np.zeros(40)).interval() is None
