"""How well frames of held-out houses are told apart, and how fast."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from placecell.arrays import generator

from ..bootstrap import bootstrap_interval
from ..perception.codebook_usage import CodeUsage
from .encoder_training import FrameClassifier, input_of
from .seen_frames import SeenFrames

_BATCH = 50
_TIMED, _WARM = 200, 20  # frames whose encoding is timed, after some that are not


@dataclass(frozen=True, eq=False)
class EncoderScores:
    """What a classifier said of held-out frames.

    Args:
        label: (n,) the right classes.
        named: (n,) the classes it named.
        house: (n,) where the frames come from.
    """

    label: Int64[np.ndarray, " n"]
    named: Int64[np.ndarray, " n"]
    house: np.ndarray

    def accuracy(self) -> float:
        """Share of the frames whose class was named."""
        return float((self.named == self.label).mean())

    def interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """Of the accuracy, whole houses drawn at a time; None for a single house."""
        right = (self.named == self.label).astype(float).tolist()
        return bootstrap_interval(
            right, [str(house) for house in self.house], generator(0, "encoder accuracy"), level=level
        )

    def summary(self, classes: Sequence[str]) -> dict[str, object]:
        """As it is written."""
        right = self.named == self.label
        return {
            "accuracy": self.accuracy(),
            "interval_95": self.interval(),
            "chance": float(np.bincount(self.label).max() / len(self.label)),
            "frames": len(self.label),
            "houses": len(np.unique(self.house)),
            "by_class": {
                name: float(right[self.label == index].mean())
                for index, name in enumerate(classes)
                if (self.label == index).any()
            },
        }


@torch.inference_mode()
def scores_of(classifier: FrameClassifier, frames: SeenFrames) -> EncoderScores:
    """Names every frame of a split, without augmentation or dropout."""
    classifier.eval()
    named = torch.cat([classifier(x).argmax(1) for x in _inputs(frames)])
    return EncoderScores(frames.label, named.numpy(), frames.house)


@torch.inference_mode()
def usage_of(classifier: FrameClassifier, frames: SeenFrames) -> CodeUsage:
    """How the codes of its filter are used on a split's frames.

    Raises:
        ConfigError: a filter whose gates are no shares.
    """
    classifier.eval()
    found: CodeUsage | None = None
    for x in _inputs(frames):
        gates = classifier.filtered(x).gates
        assert gates is not None  # asked of filters with codes alone
        found = found or CodeUsage(gates.shape[1], top_k=min(16, gates.shape[1]))
        found.add(gates)
    assert found is not None
    return found


@torch.inference_mode()
def frames_per_s(classifier: FrameClassifier, frames: SeenFrames, batch: int = 1) -> float:
    """Frames encoded in a second of CPU time, on one thread, the preparing of the planes included."""
    classifier.eval()
    for begin in range(0, _WARM, batch):
        classifier.encoder(_input(frames, begin, batch))
    started, count = time.process_time(), 0
    while count < _TIMED:
        classifier.encoder(_input(frames, count, batch))
        count += batch
    return count / (time.process_time() - started)


def _inputs(frames: SeenFrames) -> Iterator[Tensor]:
    for begin in range(0, len(frames), _BATCH):
        yield input_of(frames.rgb[begin : begin + _BATCH], frames.depth[begin : begin + _BATCH])


def _input(frames: SeenFrames, begin: int, batch: int) -> Tensor:
    chosen = np.arange(begin, begin + batch) % len(frames)
    return input_of(frames.rgb[chosen], frames.depth[chosen])
