"""Steps of an encoder's training: telling what frames show, and before it, where their parts lie."""

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from placecell.arrays import generator

from ..perception.codebook import CodebookFilter, Filtered, LinearBottleneck, Off, draw_seeds
from ..perception.encoder import RgbdEncoder
from ..perception.rgbd_planes import planes
from .batches import recoloured
from .drop_positions import PositionFinder
from .seen_frames import SeenFrames
from .stepping import warmed

_WARM_UP = 100  # steps
_NORM = 1.0  # highest of the gradient


class FrameClassifier(nn.Module):
    """An encoder, a filter of its pooled vector, and a linear head.

    Args:
        encoder: of RGB-D images.
        filtering: of the codebook's group; ``Off`` for nothing between.
        classes: how many there are.
    """

    def __init__(
        self, encoder: RgbdEncoder, filtering: CodebookFilter | LinearBottleneck | Off, classes: int
    ) -> None:
        super().__init__()
        self.encoder, self.filtering = encoder, filtering
        self.head = nn.Linear(encoder.width, classes)

    def forward(
        self, x: Float[Tensor, "b planes h w"], seeds: Int64[Tensor, " b"] | None = None
    ) -> Float[Tensor, "b classes"]:
        """Logits; ``seeds`` go to the filter."""
        return self.head(self.filtered(x, seeds).output)

    def filtered(
        self, x: Float[Tensor, "b planes h w"], seeds: Int64[Tensor, " b"] | None = None
    ) -> Filtered:
        """What the head reads, and the filter's gates."""
        return self.filtering(self.encoder(x).pooled, seeds)


class Learner:
    """A network, its optimizer and the running average of its weights, which is what is kept.

    The rate stays where it is after a short rise: a training ends when its time is up, at a step that isn't
    known before, and the average does what a falling rate would.

    Args:
        network: to be trained.
        learning_rate, weight_decay: AdamW's.
        average: weight of the past in the running average.
    """

    def __init__(
        self, network: nn.Module, *, learning_rate: float, weight_decay: float, average: float
    ) -> None:
        self.network, self._rate = network, learning_rate
        self.optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=weight_decay)
        self.average = AveragedModel(network, multi_avg_fn=warmed(average), use_buffers=True)

    def learn(self, loss: Tensor, step: int) -> float:
        """One step down, and the loss as a number."""
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate * min(1.0, (step + 1) / _WARM_UP)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), _NORM)
        self.optimizer.step()
        self.average.update_parameters(self.network)
        return float(loss.detach())


class ClassTraining:
    """Steps by which a classifier learns; the batch of a step is a function of seed and step.

    Args:
        learner: of the classifier.
        frames: to learn from.
        seed: of the batches.
        batch: frames a step.
    """

    def __init__(self, learner: Learner, frames: SeenFrames, seed: int, batch: int) -> None:
        self._learner, self._frames, self._seed, self._batch = learner, frames, seed, batch

    def step(self, step: int) -> float:
        """One step, its loss."""
        rng = generator(self._seed, "encoder batch", step)
        x, labels = augmented(self._frames, rng, self._batch)
        seeds = draw_seeds(self._batch, torch.Generator().manual_seed(int(rng.integers(1 << 62))))
        self._learner.network.train()
        logits = self._learner.network(x, seeds)
        return self._learner.learn(nn.functional.cross_entropy(logits, labels), step)


class PositionTraining:
    """Steps by which a position finder learns (DropPos); no label is looked at.

    Args:
        learner: of the position finder.
        frames: to learn from.
        seed: of the batches, and of what is dropped.
        batch: frames a step.
        smeared: steps over which the targets' smear falls from one unit to none.
    """

    def __init__(self, learner: Learner, frames: SeenFrames, seed: int, batch: int, smeared: int) -> None:
        self._learner, self._frames, self._seed, self._batch = learner, frames, seed, batch
        self._smeared = smeared

    def step(self, step: int) -> float:
        """One step, its loss."""
        rng = generator(self._seed, "position batch", step)
        x, _ = augmented(self._frames, rng, self._batch)
        drawn = torch.Generator().manual_seed(int(rng.integers(1 << 62)))
        finder = self._learner.network
        assert isinstance(finder, PositionFinder)
        finder.train()
        loss, _ = finder.loss(x, drawn, max(0.0, 1 - step / self._smeared))
        return self._learner.learn(loss, step)


def augmented(
    frames: SeenFrames, rng: np.random.Generator, size: int
) -> tuple[Float32[Tensor, "b 5 h w"], Int64[Tensor, " b"]]:
    """A batch of random frames under random light, half of them mirrored, and their labels."""
    chosen = rng.integers(len(frames), size=size)
    rgb = np.stack([recoloured(frames.rgb[index], rng) for index in chosen])
    x = input_of(rgb, frames.depth[chosen])
    mirrored = torch.from_numpy(rng.random(size) < 0.5)
    x = torch.where(mirrored[:, None, None, None], x.flip(3), x)
    return x, torch.from_numpy(frames.label[chosen])


def input_of(rgb: np.ndarray, depth: np.ndarray) -> Float32[Tensor, "b 5 h w"]:
    """Images of a store, as an encoder takes them."""
    return planes(torch.from_numpy(rgb), torch.from_numpy(depth.astype(np.float32)))
