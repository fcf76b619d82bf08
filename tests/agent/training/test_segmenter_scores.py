import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from placecell.agent.perception.segmenter import Segmenter
from placecell.agent.training.frames import LabelledFrame
from placecell.agent.training.segmenter_scores import Scores, best_threshold, found, pieces
from placecell.envs.mesh.camera import Camera
from placecell.envs.mesh.houses.categories import CATEGORIES

BED, CHAIR, WALL = (CATEGORIES.index(name) for name in ("bed", "chair", "wall"))
N = len(CATEGORIES)


class Says(nn.Module):
    """The same answer whatever it sees: (h / 2, w / 2) names, each with its probability."""

    def __init__(self, names, sure):
        super().__init__()
        p = torch.full((N, *names.shape), 0.0)
        other = torch.as_tensor((1 - sure) / (N - 1), dtype=torch.float32)
        p[:] = other
        p.scatter_(0, torch.as_tensor(names)[None], torch.as_tensor(sure, dtype=torch.float32)[None])
        self.logits = torch.log(p)[None]

    def forward(self, x):
        return self.logits


def frame(names, instance=None, depth=None):
    full = names.repeat(2, 0).repeat(2, 1)
    return LabelledFrame(
        rgb=np.zeros((*full.shape, 3), np.uint8),
        depth=np.ones(full.shape, np.float32) if depth is None else depth,
        category=full.astype(np.uint8),
        instance=(full if instance is None else instance.repeat(2, 0).repeat(2, 1)).astype(np.int32),
        camera=Camera(width=full.shape[1], height=full.shape[0]),
        pitch_rad=0.0,
    )


def test_iou_precision_and_recall_of_a_case_by_hand():
    truth = np.full((16, 16), WALL)
    truth[:8, :8] = BED  # 64 cells
    said, sure = truth.copy(), np.full((16, 16), 0.9)
    said[:4, :8] = CHAIR  # 32 of them called chairs
    said[8:10, :8] = BED  # 16 of the wall called bed, half-heartedly
    sure[8:10, :8] = 0.4
    depth = np.ones((32, 32), np.float32)
    depth[:, 16:] = 0  # what gives no return doesn't count: 64 cells of wall are left
    scores = Scores()
    scores.add(Segmenter(Says(said, sure), CATEGORIES, 0.5), frame(truth, depth=depth))
    assert scores.iou() == pytest.approx({"wall": 48 / 64, "bed": 32 / 80})
    assert scores.iou(sure=True) == pytest.approx({"wall": 48 / 64, "bed": 32 / 64})
    assert scores.mean_iou() == pytest.approx((0.75 + 0.4) / 2)
    assert scores.goal_iou() == pytest.approx(0.4)
    assert scores.accuracy() == pytest.approx(80 / 128)
    assert scores.precision() == pytest.approx({"wall": 1.0, "bed": 1.0})
    assert scores.recall() == pytest.approx({"wall": 48 / 64, "bed": 0.5})
    assert json.loads(json.dumps(scores.summary(0.5)))["mean_iou_goals"] == pytest.approx(0.4)
    table = scores.markdown()
    assert "| **bed** | 50.00 | 0.40 | 0.50 | 1.00 | 0.50 |" in table
    assert "| wall | 50.00 | 0.75 | 0.75 | 1.00 | 0.75 |" in table
    assert "mean of 1 **goals** | | 0.400" in table


def test_pieces_are_right_when_most_of_them_is_what_they_are_called():
    truth = np.zeros((12, 12), np.int64)
    truth[:3, :6] = BED
    named = np.zeros_like(truth)
    named[:4, :6] = BED  # 24 cells, 18 of them bed
    named[6:9, :4] = BED  # 12 cells of nothing
    named[11, :7] = BED  # too small to be a piece
    named[6:9, 6:10] = WALL  # no goal
    counts = pieces(named, truth)
    assert counts[BED].tolist() == [1, 2]
    assert counts.sum() == 3


def test_things_are_found_when_a_quarter_of_them_bears_their_name():
    truth, instance = np.zeros((12, 12), np.int64), np.zeros((12, 12), np.int64)
    truth[:4, :4], instance[:4, :4] = BED, 1
    truth[6:10, :4], instance[6:10, :4] = CHAIR, 2
    truth[6:10, 6:10], instance[6:10, 6:10] = CHAIR, 3
    truth[11, :3], instance[11, :3] = BED, 4  # too small
    named = np.zeros_like(truth)
    named[0, :4] = BED  # a quarter
    named[6, :3] = CHAIR  # three of sixteen
    named[6:10, 6:10] = BED  # all, but wrong
    counts = found(named, truth, instance)
    assert (counts[BED].tolist(), counts[CHAIR].tolist()) == ([1, 1], [0, 2])
    assert counts.sum() == 4


@pytest.mark.parametrize(("ghost", "chosen"), [(0.62, 0.65), (0.37, 0.4)])
def test_the_threshold_lies_where_ghosts_end_and_things_are_kept(ghost, chosen):
    truth = np.full((16, 16), WALL)
    truth[:8, :8] = BED
    said, sure = truth.copy(), np.full((16, 16), 0.72)
    said[12:, 12:], sure[12:, 12:] = BED, ghost
    segmenter = Segmenter(Says(said, sure), CATEGORIES, 0.0)
    assert best_threshold(segmenter, [(0, frame(truth))]) == pytest.approx(chosen)
    assert math.isclose(segmenter.threshold, 0.0)
