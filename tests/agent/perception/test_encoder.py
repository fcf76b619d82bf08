"""The RGB-D encoder: tokens where their pixels are, no hint of the border, all attentions, sizes as named."""

import math

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from placecell.agent.attention.layer import ATTENTIONS
from placecell.agent.perception.encoded import patch_centres
from placecell.agent.perception.encoder import RgbdEncoder
from placecell.agent.perception.encoder_shape import SIZES
from placecell.agent.perception.rgbd_planes import planes
from placecell.errors import ConfigError, FrameError
from placecell.geometry import Pinhole, invert, transform
from placecell.memory import Frame, SparseOctree

SMALL = {"widths": (8, 16, 16), "depths": (2, 2, 1), "heads": (2, 2, 2), "width": 12}
ONE_STAGE = {"widths": (16,), "depths": (2,), "heads": (2,), "width": 12, "full_from": None}
NOT_CONVOLVING = [name for name in ATTENTIONS if name not in ("biformer", "inline")]


def encoder(attention="full", seed=0, **options):
    torch.manual_seed(seed)
    return RgbdEncoder(attention, **{**SMALL, **options}).eval()


def images(count, height=128, width=128, seed=1):
    rng = np.random.default_rng(seed)
    rgb = rng.integers(0, 256, (count, height, width, 3)).astype(np.uint8)
    return torch.from_numpy(rgb), torch.from_numpy(rng.uniform(0.5, 6, (count, height, width)).astype("f4"))


def test_planes_have_like_scales_and_tell_where_there_is_no_depth():
    rgb = torch.tensor([0, 255, 51], dtype=torch.uint8).expand(1, 1, 4, 3)
    depth = torch.tensor([[[0.0, 2.5, 10.0, 40.0]]])
    seen = planes(rgb, depth)[0, :, 0]
    torch.testing.assert_close(seen[:3], torch.tensor([-1.0, 1.0, -0.6])[:, None].expand(3, 4))
    assert seen[3].tolist() == [0, 0.5, 2, 2]
    assert seen[4].tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_every_attention_encodes_and_learns_with_its_defaults(attention):
    net = encoder(attention)
    assert [type(block.attention).__name__ for block in net.stages[2]] == ["PlannedAttention"]
    assert net.stages[2][0].attention.name == "full"
    found = net(planes(*images(2)))
    assert found.tokens.shape == (2, 256, 12)
    assert found.pooled.shape == (2, 12)
    assert found.grid == (16, 16)
    (found.tokens.square().sum() + found.pooled.sum()).backward()
    still = [k for k, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert still in (["unplaced"], [])  # no position was withheld


@pytest.mark.parametrize("attention", ["full", "hilo"])
def test_tokens_land_in_the_voxels_that_their_patches_show(attention):
    net = encoder(attention, size=(96, 128))
    rgb, depth = (image[0].numpy() for image in images(1, 96, 128))
    depth = np.full_like(depth, 2.0)
    features, embedding = net.encode(rgb, depth)
    assert features.shape == (12, 16, 12)
    assert features.dtype == embedding.dtype == np.float32
    assert math.isclose(np.linalg.norm(embedding), 1, rel_tol=1e-5)
    c, s = math.cos(0.7), math.sin(0.7)
    pose = np.array([[c, -s, 0, 1.5], [s, c, 0, -4.0], [0, 0, 1, 0.25], [0, 0, 0, 1]])
    camera = Pinhole.from_hfov(128, 96, math.pi / 2)
    octree = SparseOctree(0.05, feature_width=12, feature_dtype="float32")
    octree.insert(Frame(pose, camera, depth, rgb, features=features, embedding=embedding), 5.0)
    u, v = net(planes(*images(1, 96, 128))).pixels.double().numpy().T
    rays = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones_like(u)], 1)
    points = transform(pose, 2.0 * rays)
    np.testing.assert_allclose(camera.project(transform(invert(pose), points)), np.stack([u, v], 1))
    found = octree.read(np.floor(points / 0.05).astype(np.int64))
    assert found.weights.min() > 0
    np.testing.assert_allclose(found.features, features.reshape(-1, 12), atol=1e-5)
    assert np.unique(features.reshape(-1, 12).round(4), axis=0).shape[0] == 12 * 16


def test_patch_centres_are_in_raster_order():
    assert patch_centres((2, 3), (16, 30)).tolist() == [[5, 4], [15, 4], [25, 4], [5, 12], [15, 12], [25, 12]]


def test_what_happens_in_a_patch_is_said_by_its_token_first():
    net, (rgb, depth) = encoder("window", full_from=3, attention_options={"window": 2}), images(1)
    other = rgb.clone()
    other[0, 40:48, 96:104] = 255 - other[0, 40:48, 96:104]
    before, after = (net(planes(image, depth)).tokens[0] for image in (rgb, other))
    changed = (before - after).norm(dim=1)
    assert changed.argmax() == 5 * 16 + 12
    assert changed[0] < changed.max() / 100


def test_without_positions_patches_may_be_permuted():
    net, x = encoder(**ONE_STAGE), planes(*images(1))
    order = torch.randperm(256, generator=torch.Generator().manual_seed(3))
    patches = x.reshape(1, 5, 16, 8, 16, 8).permute(0, 2, 4, 1, 3, 5).reshape(256, 5, 8, 8)
    moved = patches[order].reshape(1, 16, 16, 5, 8, 8).permute(0, 3, 1, 4, 2, 5).reshape(1, 5, 128, 128)
    nowhere = torch.zeros(1, 256, dtype=torch.bool)
    straight, permuted = net(x, nowhere), net(moved, nowhere)
    torch.testing.assert_close(permuted.tokens, straight.tokens[:, order], atol=1e-5, rtol=1e-4)
    assert not torch.allclose(net(moved).tokens, net(x).tokens[:, order], atol=1e-3)


@pytest.mark.parametrize("attention", NOT_CONVOLVING)
def test_without_positions_nothing_tells_the_border(attention):
    net = encoder(attention)
    tile = planes(*images(1, 8, 8)).repeat(1, 1, 16, 16)
    nowhere = torch.zeros(1, 256, dtype=torch.bool)
    tokens = net(tile, nowhere).tokens[0]
    assert (tokens - tokens[0]).abs().max() < 1e-4
    placed = net(tile, ~nowhere).tokens[0]
    torch.testing.assert_close(placed, net(tile).tokens[0])
    assert (placed - placed[0]).abs().max() > 1e-3


def test_a_position_is_withheld_from_those_patches_alone_for_which_it_is_asked():
    net, x = encoder(**ONE_STAGE), planes(*images(2))
    told = torch.ones(2, 256, dtype=torch.bool)
    told[1, 7] = False
    plain, withheld = net(x), net(x, told)
    torch.testing.assert_close(withheld.tokens[0], plain.tokens[0])
    change = (withheld.tokens[1] - plain.tokens[1]).norm(dim=1)
    assert change.argmax() == 7
    withheld.tokens.sum().backward()
    assert net.unplaced.grad.any()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_sizes_are_what_their_names_say(size, attention):
    count = RgbdEncoder.of_size(size, attention).parameters_count()
    assert abs(count / (float(size[:-1]) * 1e6) - 1) < 0.1


def test_an_unknown_size_lists_the_known():
    with pytest.raises(ConfigError, match=r"0\.3M, 1M, 5M, 30M, got 2M"):
        RgbdEncoder.of_size("2M")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": (120, 128)}, r"multiples of 32 pixels.*got size \[120, 128\]"),
        ({"size": (128,)}, r"got size \[128\]"),
        ({"patch": 7}, "an even patch of 7"),
        ({"depths": (1, 1)}, r"for each stage, got widths \[8, 16, 16\], depths \[1, 1\]"),
        ({"widths": (9, 16, 16)}, r"multiples of their heads.*got widths \[9, 16, 16\]"),
        ({"heads": (2, 0, 2)}, r"no number below 1.*heads \[2, 0, 2\]"),
        ({"full_from": -1}, "full_from of 0 or more, or null, got -1"),
        ({"attention": "winow"}, r"full, window, hilo.*got 'winow'"),
        ({"attention": "window", "attention_options": {"windw": 4}}, "got windw"),
        ({"attention": "window", "attention_options": {"window": 16}}, "stage 1, whose map has 8 x 8 tokens"),
        ({"attention": "window", "full_from": None}, "stage 2, whose map has 4 x 4.*full_from=2"),
        ({"attention": "neighborhood", "full_from": None}, "stage 2, whose map has 4 x 4 tokens"),
        ({"attention": "halo", "full_from": 3}, "stage 2, whose map has 4 x 4 tokens"),
        ({"attention": "biformer", "attention_options": {"regions": 7}}, "stage 0, whose map has 16 x 16"),
        ({"stage_options": [{}]}, "stage_options for 3 stages, got 1"),
        ({"stage_options": [{}, {}, {"window": 4}]}, "no stage_options from stage 2 on"),
        ({"attention_options": {"window": {1, 2}}}, "options that JSON can hold"),
    ],
)
def test_what_does_not_go_together_is_one_line(options, words):
    with pytest.raises(ConfigError, match=words) as caught:
        encoder(**options)
    assert "\n" not in str(caught.value)


def test_options_by_stage_let_windows_shrink_with_the_map():
    per_stage = [{}, {"window": 4}, {"window": 2}]
    net = encoder("window", full_from=None, stage_options=per_stage)
    found = net(planes(*images(1)))
    assert found.tokens.isfinite().all()
    assert [stage[0].attention.name for stage in net.stages] == ["window"] * 3


def test_images_of_another_size_are_refused():
    net = encoder()
    with pytest.raises(FrameError, match="images of 128 x 128 pixels, got 120 x 96"):
        net(planes(*images(1, 96, 120)))
    rgb, depth = (image[0].numpy() for image in images(1))
    with pytest.raises(FrameError, match="colour and depth of one size, got rgb 64 x 128, depth 128 x 128"):
        net.encode(rgb[:, :64], depth)
    with pytest.raises(ConfigError, match=r"2 images of 256 patches, got \(2, 64\)"):
        net(planes(*images(2)), torch.ones(2, 64, dtype=torch.bool))
    with pytest.raises(TypeCheckError):
        net(planes(*images(1))[0])


@pytest.mark.parametrize(
    ("bad", "words"),
    [(math.nan, "1 NaN or infinite and 0"), (math.inf, "1 NaN"), (-0.1, "0 NaN or infinite and 1 neg")],
)
def test_depth_that_is_none_is_refused(bad, words):
    rgb, depth = (image[0].numpy() for image in images(1))
    depth[3, 5] = bad
    with pytest.raises(FrameError, match=words):
        encoder().encode(rgb, depth)


def test_depth_in_millimetres_is_refused():
    rgb, depth = (image[0].numpy() for image in images(1))
    with pytest.raises(FrameError, match=r"depth in metres as float32, got torch.int32; divide millimetres"):
        encoder().encode(rgb, (depth * 1000).astype(np.int32))


def test_the_same_seed_gives_the_same_encoder_whatever_was_built_before():
    first = encoder("window", seed=5).state_dict()
    again = encoder("window", seed=5).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_on_a_cuda_device_it_says_the_same(attention):
    net = encoder(attention)
    rgb, depth = (image[0].numpy() for image in images(1))
    features, embedding = net.encode(rgb, depth)
    found, pooled = net.cuda().encode(rgb, depth)
    np.testing.assert_allclose(found, features, atol=1e-2)
    np.testing.assert_allclose(pooled, embedding, atol=1e-2)
