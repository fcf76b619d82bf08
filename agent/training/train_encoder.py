"""Trains an RGB-D encoder to name what frames of train houses show, on one thread of a CPU."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import save
from torch import nn

from placecell.arrays import atomic_write
from placecell.errors import ConfigError

from ..perception.codebook import make_filter
from ..perception.codebook_usage import draw_usage
from ..perception.encoder import RgbdEncoder
from .checkpoint import Progress, load_progress, save_progress
from .drop_positions import PositionFinder
from .encoder_scores import frames_per_s, scores_of, usage_of
from .encoder_training import ClassTraining, FrameClassifier, Learner, PositionTraining
from .folder import TrainingFolder
from .seen_frames import Asked, SeenFrames, seen_frames
from .stepping import require_positive, run_steps

FRAMES_FILE, SCORES_FILE, HEAD_FILE = "frames.safetensors", "accuracy_val.json", "head.safetensors"
ENCODER_FOLDER, POSITIONS_FOLDER = "encoder", "positions"
USAGE_FILE, PICTURE_FILE = "codebook_val.json", "codebook_val.png"
_WITH_SHARES = ("softmax", "top_k", "gumbel", "random")  # filters whose gates say how codes are used


def train_encoder(
    *, attention: Mapping[str, Any], codebook: Mapping[str, Any], size: str, frames: str | None, worlds: str,
    classes: Sequence[str], train_frames: int, val_frames: int, house_frames: int, share: float,
    minutes: float, pretrain_minutes: float, steps: int, pretrain_steps: int, batch: int,
    learning_rate: float, weight_decay: float, average: float, masked: float, dropped: float, smeared: int,
    save_every: int, seed: int, out: Path, config: Mapping[str, object], progress: bool,
) -> list[str]:  # fmt: skip
    """Trains, or goes on with the training that ``out`` holds; leaves its files there.

    ``encoder/`` (as :meth:`RgbdEncoder.from_pretrained` reads it), ``head.safetensors`` (the codebook and the
    linear head), ``accuracy_val.json``, ``metrics.jsonl``, ``config.yaml``, ``resume.safetensors``; after
    pre-training ``positions/`` with its own; with a codebook ``codebook_val.json`` and ``codebook_val.png``:
    how its codes are used on the frames of val houses.

    Args:
        attention: ``name`` and options of the encoder's attention.
        codebook: ``name`` and options of the filter behind the pooled vector; "off" for none.
        size: of the encoder: "0.3M", "1M", "5M" or "30M".
        frames: the file of rendered frames, rendered where it is missing; None: ``out/frames.safetensors``.
        worlds, classes, train_frames, val_frames, house_frames, share: which frames, see
            :class:`~placecell.agent.training.seen_frames.Asked`.
        minutes: of CPU time, over all calls, pre-training included, rendering not.
        pretrain_minutes: of these, for DropPos; 0 for none.
        steps, pretrain_steps: after which either ends early.
        batch, learning_rate, weight_decay, average: of both trainings, see ``encoder_training``.
        masked, dropped: shares, see :func:`~placecell.agent.training.drop_positions.shuffled`.
        smeared: pre-training steps whose targets are smeared.
        save_every: steps between two savings.
        seed: of weights and batches.
        out: the folder.
        config: what is written as ``config.yaml``.
        progress: prints a line at each saving.

    Returns:
        Lines that say how it went.

    Raises:
        ConfigError: a number that makes no training, an encoder that cannot be built, or other frames.
        OutputError: ``out`` cannot be written, or holds another training.
        ArchiveError: its files are damaged.
    """
    require_positive(
        minutes=minutes, steps=steps, pretrain_steps=pretrain_steps, batch=batch, save_every=save_every,
        train_frames=train_frames, val_frames=val_frames, house_frames=house_frames,
        learning_rate=learning_rate, smeared=smeared,
    )  # fmt: skip
    if not 0 <= pretrain_minutes < minutes:
        raise ConfigError(
            expected=f"task.pretrain_minutes of 0 or more, below the {minutes:g} minutes of the whole",
            came=f"{pretrain_minutes:g}",
            fix="set task.minutes higher, or leave out the pre-training: task.pretrain_minutes=0",
        )
    torch.set_num_threads(1)  # more would add in another order, and other weights come out
    asked = Asked(worlds, tuple(classes), train_frames, val_frames, house_frames, share)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classifier = _classifier(size, attention, codebook, len(classes))
        finder = PositionFinder(classifier.encoder, masked=masked, dropped=dropped)
    folder = TrainingFolder(out, config)
    seen = seen_frames(Path(frames) if frames else out / FRAMES_FILE, asked)
    rates = {"learning_rate": learning_rate, "weight_decay": weight_decay, "average": average}
    before = Progress()
    if pretrain_minutes:
        first = Learner(finder, **rates)
        before = _go_on(
            first, PositionTraining(first, seen["train"], seed, batch, smeared).step,
            TrainingFolder(out / POSITIONS_FOLDER, config), lambda: None, steps=pretrain_steps,
            minutes=pretrain_minutes, save_every=save_every, progress=progress,
        )  # fmt: skip
        trained = first.average.module
        assert isinstance(trained, PositionFinder)
        classifier.encoder.load_state_dict(trained.encoder.state_dict())
    learner = Learner(classifier, **rates)
    kept = learner.average.module
    assert isinstance(kept, FrameClassifier)
    state = _go_on(
        learner, ClassTraining(learner, seen["train"], seed, batch).step, folder, lambda: _save(kept, out),
        steps=steps, minutes=minutes - pretrain_minutes, save_every=save_every, progress=progress,
    )  # fmt: skip
    report = _report(kept, seen["val"], classes, state, before, batch)
    if codebook["name"] in _WITH_SHARES:
        _write_usage(kept, seen["val"], folder)
    folder.write_json(SCORES_FILE, report)
    return _lines(report, state, before, steps, minutes, out)


def _classifier(
    size: str, attention: Mapping[str, Any], codebook: Mapping[str, Any], classes: int
) -> FrameClassifier:
    """Built from the two config groups, each ``name`` and options."""
    options = {key: value for key, value in attention.items() if key != "name"}
    encoder = RgbdEncoder.of_size(size, attention["name"], attention_options=options or None)
    others = {key: value for key, value in codebook.items() if key != "name"}
    return FrameClassifier(encoder, make_filter(codebook["name"], encoder.width, **others), classes)


def _go_on(
    learner: Learner, step: Callable[[int], float], folder: TrainingFolder, keep: Callable[[], None], *,
    steps: int, minutes: float, save_every: int, progress: bool,
) -> Progress:  # fmt: skip
    """Runs a training from where its folder stands to its end."""
    state = load_progress(folder.path, learner.network, learner.average, learner.optimizer)
    folder.keep_metrics(state.step)

    def save() -> None:
        keep()
        save_progress(folder.path, state, learner.network, learner.average, learner.optimizer)

    run_steps(
        step, save, state, folder,
        steps=steps, minutes=minutes, save_every=save_every, progress=progress,
    )  # fmt: skip
    return state


def _save(classifier: FrameClassifier, out: Path) -> None:
    classifier.encoder.save_pretrained(out / ENCODER_FOLDER)
    others = {
        name: tensor.detach().contiguous()
        for name, tensor in classifier.state_dict().items()
        if not name.startswith("encoder.")
    }
    atomic_write(out / HEAD_FILE, save(others))


def _report(
    classifier: FrameClassifier, frames: SeenFrames, classes: Sequence[str], state: Progress,
    before: Progress, batch: int,
) -> dict[str, Any]:  # fmt: skip
    return {
        **scores_of(classifier, frames).summary(classes),
        "parameters": _count(classifier.encoder),
        "frames_per_s": frames_per_s(classifier, frames),
        "frames_per_s_batch_32": frames_per_s(classifier, frames, 32),
        "training_frames_per_s": state.step * batch / max(state.cpu_s, 1e-9),
        "steps": state.step,
        "cpu_minutes": state.cpu_s / 60,
        "pretrain_steps": before.step,
        "pretrain_cpu_minutes": before.cpu_s / 60,
    }


def _write_usage(classifier: FrameClassifier, frames: SeenFrames, folder: TrainingFolder) -> None:
    usage = usage_of(classifier, frames)
    folder.write_json(USAGE_FILE, asdict(usage.report()))
    Image.fromarray(draw_usage(usage, frames.rgb)).save(folder.path / PICTURE_FILE)


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _lines(
    report: Mapping[str, Any], state: Progress, before: Progress, steps: int, minutes: float, out: Path
) -> list[str]:
    ended = "" if state.step == steps else f", ended early by task.minutes={minutes:g}"
    first = f"; before it {before.step} of DropPos in {before.cpu_s / 60:.1f}" if before.step else ""
    within = report["interval_95"]
    interval = "" if within is None else f" (95 % interval {within[0]:.3f} to {within[1]:.3f}, by house)"
    return [
        f"{state.step} of {steps} steps in {state.cpu_s / 60:.1f} CPU minutes{first}{ended}",
        f"{report['frames']} frames of {report['houses']} val houses: {report['accuracy']:.3f} named right"
        f"{interval}, by chance {report['chance']:.3f}; {report['frames_per_s']:.0f} frames/s",
        f"look into {out}: {ENCODER_FOLDER}, {SCORES_FILE}, metrics.jsonl, config.yaml",
    ]
