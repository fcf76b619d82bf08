import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from placecell.agent.training import train_memory as module
from placecell.agent.training.memory_batches import PlaceBatch
from placecell.agent.training.memory_training import token_loss, write_all
from placecell.agent.training.train_memory import train_memory
from placecell.agent.training.walks import made_walk
from placecell.agent.training.worlds import builtin
from placecell.errors import ArchiveError, ConfigError, OutputError
from placecell.memory.reversible import ReversibleMemoryToken

SMALL = {
    "walks": None, "worlds": "builtin", "houses": 1, "val_houses": 1, "goals": 6, "depth_noise": "low",
    "leaf_cell_m": 1.6, "steps": 4, "minutes": 30.0, "batch": 1, "places": 6, "most_writes": 3,
    "queries": 2, "learning_rate": 1e-3, "weight_decay": 0.02, "temperature": 0.07, "average": 0.9,
    "save_every": 2,
}  # fmt: skip


def train(out, seed=0, **changes):
    keys = {**SMALL, **changes}
    config = {"task": dict(keys), "seed": seed, "out": str(out)}
    return train_memory(**keys, seed=seed, out=out, config=config, progress=False)


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr("placecell.agent.training.memory_training._DRAWN", 5)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("training") / "whole"
    return out, train(out)


def begun(whole, out):
    """A folder in which only the walking was done."""
    out.mkdir()
    shutil.copy(whole[0] / "walks.safetensors", out)
    return out


def test_a_training_leaves_its_files_and_says_where(whole):
    out, said = whole
    assert said[0].startswith("4 of 4 steps in ")
    assert "walks in val houses: the right place is found first in 0." in said[1]
    assert f"look into {out}: reversible.safetensors, recall_val.json" in said[2]
    steps = [json.loads(line)["step"] for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert steps == [2, 4]
    assert json.loads((out / "recall_val.json").read_text())["queries"] > 0
    token = ReversibleMemoryToken.load(out / "reversible.safetensors")
    assert (token.observation_width, token.width) == (472, 256)
    assert "worlds: builtin" in (out / "config.yaml").read_text()


def test_killed_and_called_again_it_comes_to_the_same_weights(whole, tmp_path, monkeypatch):
    out = begun(whole, tmp_path / "broken")
    steps = module.MemoryTraining.step

    def dies(self, step):
        if step == 3:
            raise KeyboardInterrupt
        return steps(self, step)

    with monkeypatch.context() as patch:
        patch.setattr(module.MemoryTraining, "step", dies)
        with pytest.raises(KeyboardInterrupt):
            train(out)
    train(out)
    here, there = (load_file(folder / "reversible.safetensors") for folder in (out, whole[0]))
    assert all(torch.equal(here[name], there[name]) for name in there)
    other = begun(whole, tmp_path / "other")
    train(other, seed=1)
    there = load_file(other / "reversible.safetensors")
    assert not torch.equal(here["query.weight"], there["query.weight"])


def test_every_weight_learns(whole):
    """The query projection too, which the source's release never gave a gradient."""
    torch.manual_seed(0)
    token = ReversibleMemoryToken(12, width=16, depth=2, heads=2, slots=2)
    rng = np.random.default_rng(0)
    batch = PlaceBatch(
        rng.normal(size=(4, 3, 12)).astype(np.float32), np.array([3, 2, 2, 1]), np.zeros(4, np.int64),
        rng.normal(size=(5, 12)).astype(np.float32), np.array([0, 1, 2, 3, 0]),
    )  # fmt: skip
    token_loss(token, batch, 0.1).backward()
    for name, weight in token.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().sum() > 0, name


def test_each_place_is_written_as_often_as_it_counts():
    torch.manual_seed(0)
    token = ReversibleMemoryToken(12, width=16, depth=2, heads=2, slots=2)
    written = torch.randn(3, 4, 12)
    counts = np.array([4, 2, 1])
    heads, last = write_all(token, written, counts)
    for n, count in enumerate(counts.tolist()):
        head = token.start(1)
        for k in range(count):
            head = token.write(head, token.observe(written[n, k][None])).token
        assert torch.allclose(heads[n], head[0], atol=1e-5)
        assert torch.allclose(last[n], token.observe(written[n, count - 1][None])[0])


def test_it_learns(whole, tmp_path):
    out = begun(whole, tmp_path / "long")
    train(out, steps=24, save_every=4)
    losses = [json.loads(line)["loss"] for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0] - 0.2


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"steps": 0}, r"task\.steps above 0, got 0"),
        ({"temperature": -1.0}, r"task\.temperature above 0, got -1"),
        ({"worlds": "moon"}, r"task\.worlds of houses, builtin, got 'moon'"),
    ],
)
def test_numbers_that_make_no_training(changes, text, tmp_path):
    with pytest.raises(ConfigError, match=text):
        train(tmp_path / "none", **changes)


def test_another_training_s_folder_and_damaged_walks(whole, tmp_path):
    with pytest.raises(OutputError, match=r"with task\.steps=4, got task\.steps=7"):
        train(whole[0], steps=7)
    out = begun(whole, tmp_path / "damaged")
    (out / "walks.safetensors").write_bytes(b"no walks")
    with pytest.raises(ArchiveError, match="remove it to walk again"):
        train(out)


@pytest.mark.parametrize(
    ("scenes", "text"),
    [
        (["house-train-1", "house-test-4"], r"walks in train and val houses, got a walk in house-test-4"),
        (["house-val-1"], r"walks in train houses to learn from, got none in there"),
    ],
)
def test_recorded_walks_of_the_wrong_houses(scenes, text, tmp_path, monkeypatch):
    walk = made_walk(builtin, "train", 0, goals=1)
    named = [type(walk)(scene, walk.observations, walk.positions, walk.yaws_rad) for scene in scenes]
    monkeypatch.setattr(module, "recorded_walks", lambda folders: named)
    with pytest.raises(ConfigError, match=text):
        train(tmp_path / "none", walks="there")
