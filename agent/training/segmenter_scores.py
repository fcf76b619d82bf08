"""How well a segmenter names things: per pixel, and per thing, which is what a map takes in."""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Int64
from scipy import ndimage

from placecell.arrays import Ids
from placecell.envs.mesh.houses.categories import CATEGORIES, GOAL_CATEGORIES

from ..perception.segmenter import Segmenter
from .batches import cells
from .frames import LabelledFrame

THRESHOLDS = tuple(round(0.3 + 0.05 * i, 2) for i in range(13))
_GOALS = tuple(CATEGORIES.index(name) for name in GOAL_CATEGORIES)
_THING_CELLS = 8  # of 2 x 2 pixels; fewer are no thing yet
_FOUND_SHARE = 0.25  # of a thing's cells that must bear its name
_PRECISION_FIRST = 0.5  # beta of the F score: a wrong name on the map costs a walk


class Scores:
    """Counts pixels with a depth return by what they are and what they were called."""

    def __init__(self) -> None:
        n = len(CATEGORIES)
        self._plain, self._sure = np.zeros((n, n), np.int64), np.zeros((n, n), np.int64)
        self.frames = 0

    def add(self, segmenter: Segmenter, frame: LabelledFrame) -> None:
        """Counts one frame."""
        named = Segmenter(segmenter.network, segmenter.categories, 0.0)
        for segmenter_, counts in ((named, self._plain), (segmenter, self._sure)):
            labels = _labels(segmenter_, frame)
            seen = frame.depth > 0
            pairs = frame.category[seen].astype(np.int64) * len(CATEGORIES) + labels[seen]
            counts += np.bincount(pairs, minlength=counts.size).reshape(counts.shape)
        self.frames += 1

    def iou(self, *, sure: bool = False) -> dict[str, float]:
        """Intersection over union of each category that occurs; ``sure``: with the threshold."""
        counts = self._sure if sure else self._plain
        both = np.diag(counts)
        union = counts.sum(0) + counts.sum(1) - both
        occurs = counts.sum(1) > 0
        return {name: float(both[i] / union[i]) for i, name in enumerate(CATEGORIES) if i and occurs[i]}

    def mean_iou(self, *, sure: bool = False) -> float:
        """Mean over the categories that occur; 0 without any."""
        values = list(self.iou(sure=sure).values())
        return float(np.mean(values)) if values else 0.0

    def goal_iou(self, *, sure: bool = False) -> float:
        """Mean over the goal categories that occur; 0 without any."""
        values = [value for name, value in self.iou(sure=sure).items() if name in GOAL_CATEGORIES]
        return float(np.mean(values)) if values else 0.0

    def accuracy(self) -> float:
        """Share of the pixels that are named right, without the threshold."""
        return float(np.trace(self._plain) / max(1, self._plain.sum()))

    def precision(self) -> dict[str, float | None]:
        """With the threshold, of what was called so; None where nothing was."""
        return self._share(self._sure.sum(0))

    def recall(self) -> dict[str, float | None]:
        """With the threshold, of what is so."""
        return self._share(self._sure.sum(1))

    def summary(self, threshold: float) -> dict[str, object]:
        """Plain JSON of it all."""
        return {
            "frames": self.frames,
            "threshold": threshold,
            "pixel_accuracy": self.accuracy(),
            "mean_iou": self.mean_iou(),
            "mean_iou_goals": self.goal_iou(),
            "mean_iou_with_threshold": self.mean_iou(sure=True),
            "mean_iou_goals_with_threshold": self.goal_iou(sure=True),
            "iou": self.iou(),
            "iou_with_threshold": self.iou(sure=True),
            "precision_with_threshold": self.precision(),
            "recall_with_threshold": self.recall(),
        }

    def markdown(self) -> str:
        """A table, a row a category; goal categories in bold."""
        share = self._plain.sum(1) / max(1, self._plain.sum())
        plain, sure, precision, recall = self.iou(), self.iou(sure=True), self.precision(), self.recall()
        lines = [
            "| category | pixels, % | IoU | IoU, sure | precision, sure | recall, sure |",
            "|---|---|---|---|---|---|",
        ]
        for name in plain:
            shown = f"**{name}**" if name in GOAL_CATEGORIES else name
            figures = (plain[name], sure[name], precision[name], recall[name])
            columns = " | ".join("-" if value is None else f"{value:.2f}" for value in figures)
            lines.append(f"| {shown} | {100 * share[CATEGORIES.index(name)]:.2f} | {columns} |")
        lines.append(
            f"| mean of {len(plain)} | | {self.mean_iou():.3f} | {self.mean_iou(sure=True):.3f} | | |"
        )
        goals = sum(name in GOAL_CATEGORIES for name in plain)
        lines.append(
            f"| mean of {goals} **goals** | | {self.goal_iou():.3f} | {self.goal_iou(sure=True):.3f} | | |"
        )
        return "\n".join(lines)

    def _share(self, totals: np.ndarray) -> dict[str, float | None]:
        right = np.diag(self._sure)
        return {
            name: float(right[i] / totals[i]) if totals[i] else None
            for i, name in enumerate(CATEGORIES)
            if i and self._plain[i].sum()
        }


def best_threshold(
    segmenter: Segmenter, frames: Iterable[tuple[int, LabelledFrame]], choices: Sequence[float] = THRESHOLDS
) -> float:
    """The threshold with the best F score, where precision counts twice as much as recall.

    The mean over goal categories, for goals are drawn by category. Precision: see :func:`pieces`, of all
    frames; recall: see :func:`found`.
    """
    counts = np.zeros((len(choices), len(CATEGORIES), 4), np.int64)
    for _, frame in frames:
        p = _probabilities(segmenter, frame)
        best, sure = p.argmax(-1), p.max(-1)
        truth, weight = cells(frame.category, frame.depth)
        instance = frame.instance[::2, ::2][: truth.shape[0], : truth.shape[1]]
        seen = weight == 1
        for index, threshold in enumerate(choices):
            named = np.where((sure >= threshold) & seen, best, 0)
            counts[index, :, :2] += pieces(named, truth)
            counts[index, :, 2:] += found(named, np.where(seen, truth, 0), instance)
    counts = counts[:, counts[0, :, 3] > 0]
    precision = counts[..., 0] / np.maximum(1, counts[..., 1])
    recall = counts[..., 2] / np.maximum(1, counts[..., 3])
    square = _PRECISION_FIRST**2
    score = (1 + square) * precision * recall / np.maximum(1e-9, square * precision + recall)
    return float(choices[int(score.sum(1).argmax())])


def pieces(named: Ids, truth: Ids) -> Int64[np.ndarray, "k 2"]:
    """Connected pieces of 8 cells or more that bear a goal's name: how many are mostly that, and how many."""
    counts = np.zeros((len(CATEGORIES), 2), np.int64)
    for name in np.intersect1d(named, _GOALS):
        mask = named == name
        parts, _ = ndimage.label(mask)
        size = np.bincount(parts[mask])
        true = np.bincount(parts[mask], truth[mask] == name, minlength=len(size))
        large = size >= _THING_CELLS
        counts[name] = (true[large] > size[large] / 2).sum(), large.sum()
    return counts


def found(named: Ids, truth: Ids, instance: Ids) -> Int64[np.ndarray, "k 2"]:
    """Goal things that 8 cells or more show: of how many a quarter bears their name, and how many."""
    counts = np.zeros((len(CATEGORIES), 2), np.int64)
    goals = np.isin(truth, _GOALS)
    for thing in np.unique(instance[goals]):
        mask = (instance == thing) & goals
        if thing and mask.sum() >= _THING_CELLS:
            name = np.bincount(truth[mask]).argmax()
            counts[name] += (named[mask] == truth[mask]).mean() >= _FOUND_SHARE, 1
    return counts


def _labels(segmenter: Segmenter, frame: LabelledFrame) -> Ids:
    camera = frame.camera
    return segmenter.labels(frame.rgb, frame.depth, camera.pinhole(), frame.pitch_rad, camera.height_m)


def _probabilities(segmenter: Segmenter, frame: LabelledFrame) -> np.ndarray:
    camera = frame.camera
    return segmenter.probabilities(frame.rgb, frame.depth, camera.pinhole(), frame.pitch_rad, camera.height_m)
