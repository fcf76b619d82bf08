"""Trains the segmenter on frames of train houses, on one thread of a CPU."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from placecell.envs.mesh.houses.categories import CATEGORIES

from ..perception.network import SegmenterNetwork, channels_last, fused
from ..perception.segmenter import Segmenter, save_segmenter
from .batches import Batch, Batches, validation_frames
from .checkpoint import load_progress, save_progress
from .folder import TrainingFolder
from .segmenter_scores import Scores, best_threshold
from .stepping import one_cycle, require_positive, run_steps, warmed
from .worlds import World, world_named

CHECKPOINT_FILE, IOU_FILE = "checkpoint.safetensors", "iou_val.json"
_RARE = 1e-3  # a category with a smaller share of the cells weighs no more than one with this
_COUNTED = 40  # batches over which the categories are counted
_UNTUNED = 0.5  # threshold until validation houses have been looked at


class SegmenterTraining:
    """Steps of one training; the same seed gives the same weights on one machine.

    Weighted cross entropy (a category's weight falls with the root of its share of the cells), AdamW under
    a one-cycle rate (Smith and Topin 2018), and a running average of the weights, which is what is kept.

    Args:
        world: the scenes.
        seed: of weights and frames.
        steps: of the whole training.
        batch: frames a step.
        life: steps that a house stays.
        learning_rate: the highest.
        weight_decay: AdamW's.
        average: weight of the past in the running average.
    """

    def __init__(
        self, *, world: World, seed: int, steps: int, batch: int, life: int,
        learning_rate: float, weight_decay: float, average: float,
    ) -> None:  # fmt: skip
        self.steps, self._rate = steps, learning_rate
        self._batches = Batches(world, seed, batch, life)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = channels_last(SegmenterNetwork(len(CATEGORIES)))
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=learning_rate, weight_decay=weight_decay
        )
        self.average = AveragedModel(self.network, multi_avg_fn=warmed(average), use_buffers=True)
        self._weights: Tensor | None = None

    def step(self, step: int) -> float:
        """One step, its loss."""
        if self._weights is None:
            self._weights = class_weights(self._batches.frequencies(_COUNTED))
        self.network.train()
        for group in self.optimizer.param_groups:
            group["lr"] = one_cycle(step, self.steps, self._rate)
        loss = self._loss(self._batches(step), self._weights)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        self.average.update_parameters(self.network)
        return float(loss.detach())

    def _loss(self, batch: Batch, weights: Tensor) -> Tensor:
        x = torch.from_numpy(batch.x).permute(0, 3, 1, 2)  # channels_last as it lies
        logits = self.network(x).permute(0, 2, 3, 1).reshape(-1, len(CATEGORIES))
        names = torch.from_numpy(batch.category).reshape(-1)
        counts = weights[names] * torch.from_numpy(batch.weight).reshape(-1)
        return (nn.functional.cross_entropy(logits, names, reduction="none") * counts).sum() / counts.sum()


def train_segmenter(
    *, worlds: str, steps: int, minutes: float, batch: int, life: int, learning_rate: float,
    weight_decay: float, average: float, save_every: int, val_houses: int, val_frames: int,
    seed: int, out: Path, config: Mapping[str, object], progress: bool,
) -> list[str]:  # fmt: skip
    """Trains, or goes on with the training that ``out`` holds; leaves its files there.

    ``checkpoint.safetensors`` (the network, as :func:`~placecell.agent.perception.segmenter.load_segmenter`
    reads it), ``metrics.jsonl``, ``config.yaml``, ``iou_val.json`` and ``resume.safetensors``.

    Args:
        worlds: "houses", or "builtin" for a quick try.
        steps: of the whole training.
        minutes: of CPU time, over all calls, after which it ends early.
        batch, life, learning_rate, weight_decay, average: see :class:`SegmenterTraining`.
        save_every: steps between two savings.
        val_houses, val_frames: validation houses that are looked at in the end, and frames of each.
        seed: of weights and frames.
        out: the folder.
        config: what is written as ``config.yaml``.
        progress: prints a line at each saving.

    Returns:
        Lines that say how it went.

    Raises:
        ConfigError: a number that makes no training.
        OutputError: ``out`` cannot be written, or holds another training.
        ArchiveError: its files are damaged.
    """
    require_positive(
        steps=steps, minutes=minutes, batch=batch, life=life, save_every=save_every,
        val_houses=val_houses, val_frames=val_frames, learning_rate=learning_rate,
    )  # fmt: skip
    world = world_named(worlds)
    torch.set_num_threads(1)  # more would add in another order, and other weights come out
    training = SegmenterTraining(
        world=world, seed=seed, steps=steps, batch=batch, life=life,
        learning_rate=learning_rate, weight_decay=weight_decay, average=average,
    )  # fmt: skip
    folder = TrainingFolder(out, config)
    state = load_progress(out, training.network, training.average, training.optimizer)
    folder.keep_metrics(state.step)

    def save() -> None:
        save_segmenter(out / CHECKPOINT_FILE, training.average.module.state_dict(), _UNTUNED)
        save_progress(out, state, training.network, training.average, training.optimizer)

    run_steps(
        training.step, save, state, folder,
        steps=steps, minutes=minutes, save_every=save_every, progress=progress,
    )  # fmt: skip
    network = fused(training.average.module)
    scores, segmenter = _validate(network, world, val_houses, val_frames)
    save_segmenter(out / CHECKPOINT_FILE, training.average.module.state_dict(), segmenter.threshold)
    folder.write_json(IOU_FILE, scores.summary(segmenter.threshold))
    ended = "" if state.step == steps else f", ended early by task.minutes={minutes:g}"
    return [
        f"{state.step} of {steps} steps in {state.cpu_s / 60:.1f} CPU minutes{ended}",
        f"validation houses: mean IoU {scores.mean_iou():.3f}, of goal categories {scores.goal_iou():.3f}, "
        f"threshold {segmenter.threshold:g}",
        f"look into {out}: {CHECKPOINT_FILE}, {IOU_FILE}, metrics.jsonl, config.yaml",
    ]


def _validate(network: nn.Module, world: World, houses: int, frames: int) -> tuple[Scores, Segmenter]:
    """Tunes the threshold on validation houses, then scores with it."""
    plain = Segmenter(network, CATEGORIES, 0.0)
    threshold = best_threshold(plain, validation_frames(world, "val", houses, frames))
    segmenter = Segmenter(network, CATEGORIES, threshold)
    scores = Scores()
    for _, frame in validation_frames(world, "val", houses, frames):
        scores.add(segmenter, frame)
    return scores, segmenter


def class_weights(shares: np.ndarray) -> Tensor:
    """Of each category, one over the root of its share, scaled so that the mean over all cells is 1.

    >>> class_weights(np.array([0.64, 0.36]))
    tensor([0.8929, 1.1905])
    """
    weights = 1 / np.sqrt(np.maximum(shares, _RARE))
    return torch.from_numpy(weights / (weights * shares).sum()).float()
