import math

import numpy as np
import pytest
import torch

from placecell.agent.perception.codebook import make_filter
from placecell.agent.perception.codebook_usage import CodeUsage, draw_usage
from placecell.errors import ConfigError


def used(gates, **options):
    usage = CodeUsage(gates.shape[-1], **{"top_k": 1, **options})
    usage.add(gates)
    return usage


def shares(frames, codes, seed=0):
    return torch.randn(frames, codes, generator=torch.Generator().manual_seed(seed)).mul(2).softmax(-1)


def test_one_code_for_all_is_a_collapse_and_one_code_each_is_not():
    collapsed = used(torch.eye(8)[[3] * 8]).report()
    assert (collapsed.entropy_nats, collapsed.effective_codes, collapsed.dead_by_rank) == (0, 1, 7)
    spread = used(torch.eye(8)).report()
    assert spread.entropy_nats == pytest.approx(math.log(8))
    assert (spread.frame_entropy_nats, spread.effective_codes_a_frame) == (0, 1)
    assert spread.information_nats == pytest.approx(math.log(8))
    assert (spread.dead_by_rank, spread.dead_by_share) == (0, 0)


@pytest.mark.parametrize("codes", [7, 256])
def test_even_gates_use_every_code_and_say_nothing(codes):
    report = used(torch.full((5, codes), 1 / codes)).report()
    assert report.effective_codes == pytest.approx(codes)
    assert report.effective_codes_a_frame == pytest.approx(codes)
    assert report.information_nats == pytest.approx(0, abs=1e-9)
    assert (report.dead_by_rank, report.dead_by_share, report.share) == (0, 0, 1 / codes)


def test_the_figures_are_those_of_their_formulas_in_any_batches():
    gates = shares(50, 12)
    mean, each = gates.double().mean(0), gates.double()
    usage = CodeUsage(12, top_k=2, share=0.6)
    for part in gates.split(7):
        usage.add(part)
    report = usage.report()
    assert report.frames == 50
    assert report.entropy_nats == pytest.approx(-sum(p * math.log(p) for p in mean.tolist()), rel=1e-6)
    own = [-sum(p * math.log(p) for p in row) for row in each.tolist()]
    assert report.frame_entropy_nats == pytest.approx(sum(own) / 50, rel=1e-6)
    assert float(usage.information_nats.sum()) == pytest.approx(report.information_nats, rel=1e-6)
    largest = {int(c) for c in gates.topk(2).indices.flatten()}
    assert {*usage.dead.tolist()} == {*range(12)} - largest
    assert report.dead_by_share == int((gates.amax(0) < 0.6).sum()) > 0


def test_codes_without_a_gate_are_dead_even_among_the_largest():
    usage = used(torch.tensor([[0.6, 0.4, 0, 0], [1, 0, 0, 0]]), top_k=3)
    assert usage.dead.tolist() == [2, 3]
    assert usage.report().dead_by_share == 2


def test_top_k_gates_are_taken_as_shares():
    kept = make_filter("top_k", 16, codes=32, top_k=4).eval()
    usage = used(kept(torch.randn(20, 16)).gates, top_k=4)
    assert 1 < usage.report().effective_codes_a_frame <= 4
    assert float(usage.mean.sum()) == pytest.approx(1)


def test_the_frames_of_a_code_are_those_with_its_largest_gates():
    gates = shares(60, 5)
    usage = CodeUsage(5, top_k=1, kept=4)
    for part in gates.split(11):
        usage.add(part)
    for code in range(5):
        order = gates[:, code].sort(descending=True)
        assert [frame for frame, _ in usage.top_frames(code)] == order.indices[:4].tolist()
        assert [share for _, share in usage.top_frames(code)] == pytest.approx(order.values[:4].tolist())
    few = used(torch.eye(3), kept=9)
    assert few.top_frames(1) == ((1, 1.0),)


def test_the_picture_shows_the_frames_of_a_code_in_its_row():
    colours = np.array([[200, 0, 0], [0, 200, 0], [0, 0, 200]], np.uint8)
    images = np.broadcast_to(colours[:, None, None], (3, 10, 12, 3))
    usage = used(torch.tensor([[0.9, 0.1, 0], [0.2, 0.8, 0], [0.1, 0.3, 0.6]]), kept=2)
    picture = draw_usage(usage, images, chosen=[1, 2], side=32)
    tiles = [picture[16 + r * 56, 112 + 16 + c * 38].tolist() for r in range(2) for c in range(2)]
    assert tiles == [colours[1].tolist(), colours[2].tolist(), colours[2].tolist(), [246, 246, 242]]
    assert picture.dtype == np.uint8


def test_the_picture_takes_the_telling_codes_where_none_are_named():
    gates = torch.full((4, 6), 0.1)
    gates[:, 5], gates[0, 2] = 0.5, 0.9
    usage, images = used(gates), np.zeros((4, 8, 8, 3), np.uint8)
    assert int(usage.information_nats.argmax()) == 2
    one = draw_usage(usage, images, rows=1)
    assert np.array_equal(one, draw_usage(usage, images, chosen=[2]))
    assert len(draw_usage(usage, images, rows=6)) > len(one)


def test_what_is_no_usage_is_one_line():
    empty = CodeUsage(4, top_k=1)
    for ask in (empty.report, lambda: empty.mean, lambda: empty.information_nats):
        with pytest.raises(ConfigError, match=r"expected frames to report the usage of, got 0; add\(gates\)"):
            ask()
    for bad in ([[0.5, -0.1, 0, 0]], [[0.0, 0, 0, 0]], [[float("nan"), 1, 0, 0]], [[float("inf"), 1, 0, 0]]):
        with pytest.raises(ConfigError, match="expected finite gates of 0 or more"):
            empty.add(torch.tensor(bad))
    assert empty.frames == 0
    with pytest.raises(ConfigError, match=r"expected gates \(b, 4\), got \(1, 5\)"):
        empty.add(torch.ones(1, 5))
    for options, text in (
        ({"codes": 0}, "usage of 1 code or more, got 0"),
        ({"codes": 4, "top_k": 5}, "a top_k of 1 to the 4 codes, got 5"),
        ({"codes": 4, "top_k": 1, "share": 0.0}, "a share above 0 and up to 1, got 0.0"),
        ({"codes": 4, "top_k": 1, "kept": 0}, "1 or more kept frames a code, got 0"),
    ):
        with pytest.raises(ConfigError, match=text):
            CodeUsage(**options)
    usage = used(torch.eye(4))
    with pytest.raises(ConfigError, match="expected a code of 0 to 3, got 4"):
        usage.top_frames(4)
    with pytest.raises(ConfigError, match="expected 4 images, one for each frame, got 3"):
        draw_usage(usage, np.zeros((3, 8, 8, 3), np.uint8))
