import math

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from placecell.agent.perception import segmenter as module
from placecell.agent.perception.embodiment import Embodiment
from placecell.agent.perception.network import SegmenterNetwork, fused
from placecell.agent.perception.segmenter import (
    SHIPPED,
    LearnedSemantics,
    Segmenter,
    load_segmenter,
    save_segmenter,
)
from placecell.envs.mesh.houses.categories import CATEGORIES
from placecell.errors import ArchiveError, ConfigError, FrameError
from placecell.geometry import Pinhole, Pose


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(3)
    network = SegmenterNetwork(len(CATEGORIES))
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean.uniform_(-0.2, 0.2)
                layer.running_var.uniform_(0.5, 1.5)
                layer.weight.uniform_(0.7, 1.3)
        network.head.weight.mul_(20)
    return network.eval()


@pytest.fixture
def checkpoint(network, tmp_path):
    path = tmp_path / "some.safetensors"
    save_segmenter(path, network.state_dict(), 0.25)
    return path


def view(width, height, seed=0, hfov_deg=79.0):
    rng = np.random.default_rng(seed)
    rgb = rng.integers(0, 255, (height, width, 3), dtype=np.uint8)
    depth = rng.uniform(0.5, 5, (height, width)).astype(np.float32)
    return rgb, depth, Pinhole.from_hfov(width, height, math.radians(hfov_deg)), 0.0, 0.88


class LooksAtRed(nn.Module):
    """Calls red pixels category 5, all others 9: cells of 2 x 2 by their first pixel."""

    def forward(self, x):
        red = x[:, 0, ::2, ::2] > 0
        logits = torch.zeros(1, len(CATEGORIES), *red.shape[1:])
        logits[:, 5][red], logits[:, 9][~red] = 10.0, 10.0
        return logits


def test_folding_the_normalisation_changes_no_logit_and_not_the_original(network):
    x = torch.randn(1, 8, 64, 48)
    with torch.inference_mode():
        torch.testing.assert_close(fused(network)(x), network(x), rtol=1e-3, atol=1e-3)
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())
    assert network(x).shape == (1, len(CATEGORIES), 32, 24)


def test_a_saved_checkpoint_names_pixels_as_before(network, checkpoint):
    assert checkpoint.stat().st_size < 10e6
    loaded = load_segmenter(checkpoint)
    assert (loaded.categories, loaded.threshold) == (CATEGORIES, 0.25)
    here = Segmenter(fused(network), CATEGORIES, 0.25).probabilities(*view(128, 128))
    np.testing.assert_allclose(loaded.probabilities(*view(128, 128)), here, atol=0.02)


@pytest.mark.parametrize("size", [(128, 128), (32, 32), (57, 131), (200, 96), (640, 480), (128, 90)])
def test_any_size_gets_a_label_a_pixel(checkpoint, size):
    labels = load_segmenter(checkpoint, threshold=0.0).labels(*view(*size))
    assert labels.shape == size[::-1]
    assert labels.dtype == np.int32
    assert 0 <= labels.min() <= labels.max() < len(CATEGORIES)


@pytest.mark.parametrize(("size", "hfov_deg"), [(128, 79), (130, 79), (384, 79), (512, 90), (128, 30)])
def test_labels_lie_where_the_things_are_at_any_resolution(size, hfov_deg):
    rgb, depth, *rest = view(size, size, hfov_deg=hfov_deg)
    rgb[:] = 0
    rgb[size // 4 : size // 2, : size // 2] = 255
    labels = Segmenter(LooksAtRed(), CATEGORIES, 0.5).labels(rgb, depth, *rest)
    wrong = labels != np.where(rgb[..., 0] > 0, 5, 9)
    edge = max(2, round(rest[0].fx / 77.6) * 2)
    rows, columns = np.nonzero(wrong)
    assert all(
        min(abs(r - size // 4), abs(r - size // 2), abs(c - size // 2)) <= edge for r, c in zip(rows, columns)
    )


def test_below_the_threshold_a_pixel_has_no_name(checkpoint):
    segmenter = load_segmenter(checkpoint, threshold=0.0)
    p = segmenter.probabilities(*view(128, 128))
    middle = float(np.median(p.max(-1)))
    labels = load_segmenter(checkpoint, threshold=middle).labels(*view(128, 128))[::2, ::2]
    np.testing.assert_array_equal(labels != 0, (p.max(-1) >= middle) & (p.argmax(-1) != 0))
    assert 0 < (labels == 0).mean() < 1


def test_images_that_do_not_belong_together_or_are_too_small_are_refused(checkpoint):
    segmenter = load_segmenter(checkpoint)
    rgb, depth, camera, *rest = view(128, 128)
    with pytest.raises(FrameError, match=r"one size, got rgb 64 x 128, depth 64 x 128, camera 128 x 128"):
        segmenter.labels(rgb[:, :64], depth[:, :64], camera, *rest)
    with pytest.raises(FrameError, match="32 x 32 pixels or more to be segmented, got 31 x 40"):
        segmenter.labels(*view(31, 40))
    with pytest.raises(FrameError, match="96 x 96 pixels or more to be segmented, got 384 x 64"):
        segmenter.labels(*view(384, 64))


def test_wrong_files_are_one_clear_line(network, checkpoint, tmp_path, monkeypatch):
    with pytest.raises(
        ArchiveError, match=r"checkpoint at .*nowhere, got no such file; train one: placecell-train"
    ):
        load_segmenter(tmp_path / "nowhere")
    (tmp_path / "noise").write_bytes(b"\0" * 100)
    with pytest.raises(ArchiveError, match="cannot be read"):
        load_segmenter(tmp_path / "noise")
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign")
    with pytest.raises(ArchiveError, match="a file of another kind"):
        load_segmenter(tmp_path / "foreign")
    wide = SegmenterNetwork(len(CATEGORIES), (8, 16, 24, 32))
    save_segmenter(tmp_path / "wide", wide.state_dict(), 0.5)
    with pytest.raises(ArchiveError, match=r"this version's network, got another one \(see at_2\."):
        load_segmenter(tmp_path / "wide")
    monkeypatch.setattr(module, "CATEGORIES", (*CATEGORIES[:-1], "hammock"))
    with pytest.raises(ArchiveError, match=f"not in both: {CATEGORIES[-1]}, hammock"):
        load_segmenter(checkpoint)


def test_learned_semantics_reads_colour_and_depth_and_is_no_oracle(checkpoint, network):
    source = LearnedSemantics(str(checkpoint), threshold=0.0)
    assert source.oracle == ()
    rgb, depth, camera, *_ = view(128, 128)

    body = Embodiment(0.25, 0.5, 0.18, 0.88, 0.2, camera, 0.88, 0.1)
    got = source.labels({"rgb": rgb, "depth": depth}, Pose(4, 5, 0, 1.0, -0.3), body)
    expected = load_segmenter(checkpoint, 0.0).labels(rgb, depth, camera, -0.3, 0.88)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    ("options", "text"), [({"threshold": 1.5}, "from 0 to 1, got 1.5"), ({"threads": 0}, "1 or more, got 0")]
)
def test_options_that_make_no_sense(options, text):
    with pytest.raises(ConfigError, match=text):
        LearnedSemantics(**options)


def test_the_shipped_one_knows_a_house_that_it_was_not_trained_on():
    from placecell.agent.training.batches import validation_frames
    from placecell.agent.training.segmenter_scores import Scores
    from placecell.agent.training.worlds import WORLDS

    assert SHIPPED.stat().st_size < 10e6
    segmenter = load_segmenter(SHIPPED)
    assert 0 < segmenter.threshold < 1
    scores = Scores()
    for _, frame in validation_frames(WORLDS["houses"], "val", 1, 12, noise="low"):
        scores.add(segmenter, frame)
    assert scores.accuracy() > 0.7
    assert scores.iou()["floor"] > 0.7
