"""Crops: native pixels, boxes that learn, controls of the same size, depth that no resampling invents."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from placecell.agent.perception.region_crops import (
    CONTROLS,
    boxes_from,
    control_box,
    crop,
    differentiable_crop,
    resampled,
    saliency,
)
from placecell.agent.perception.regions import PixelBox, Region, crop_box
from placecell.agent.perception.rgbd_planes import planes
from placecell.errors import ConfigError

NAN = float("nan")


def image(height, width, channels=3, seed=0, batch=1):
    return torch.rand(batch, channels, height, width, generator=torch.Generator().manual_seed(seed))


def smooth(size=48):
    """Brightness is u, then v: a crop's mean tells where it lies."""
    v, u = torch.meshgrid(torch.arange(size) + 0.5, torch.arange(size) + 0.5, indexing="ij")
    return torch.stack([u, v, u + v])[None] / size


def rgbd(depth):
    return planes(torch.zeros(1, *depth.shape, 3, dtype=torch.uint8), depth[None])


def test_a_crop_is_the_original_images_pixels_and_not_a_smaller_ones():
    original = image(480, 640)
    box = crop_box(Region(3, 3, 4, 4), (480, 640))
    seen = crop(original, box)
    assert seen.shape == (1, 3, 240, 320)
    assert torch.equal(seen, original[:, :, 120:360, 160:480])
    detail = resampled(seen, (128, 128))
    coarse = resampled(resampled(original, (128, 128))[:, :, 32:96, 32:96], (128, 128))
    assert detail.std() > 1.5 * coarse.std()  # what a crop of the downscaled image has lost


@settings(deadline=None)
@given(
    edges=st.tuples(*[st.integers(0, 24)] * 4), channels=st.sampled_from([1, 3, 5]), seed=st.integers(0, 99)
)
def test_a_box_of_whole_pixels_is_cropped_as_natively(edges, channels, seed):
    left, right = sorted(edges[:2])
    top, bottom = sorted(edges[2:])
    box = PixelBox(left, top, right + 1, bottom + 1)
    images = image(25, 25, channels, seed, batch=2)
    if channels == 5:
        images[:, 4] = (images[:, 4] > 0.3).float()
        images[:, 3] *= images[:, 4]
    corners = torch.tensor([[box.left, box.top, box.right, box.bottom]], dtype=torch.float32)
    seen = differentiable_crop(images, corners.expand(2, 4), box.size)
    torch.testing.assert_close(seen, crop(images, box), atol=2e-5, rtol=0)


def test_samples_average_the_pixels_under_a_smaller_crop():
    images = image(32, 32)
    whole = torch.tensor([[0.0, 0, 32, 32]])
    seen = differentiable_crop(images, whole, (8, 8), samples=4)
    wanted = torch.nn.functional.avg_pool2d(images, 4)
    torch.testing.assert_close(seen, wanted, atol=1e-5, rtol=0)
    assert (differentiable_crop(images, whole, (8, 8)) - wanted).abs().max() > 0.05


def test_gradients_reach_the_box_as_finite_differences_say():
    images = image(20, 24, seed=3).double()
    boxes = torch.tensor([[3.3, 2.7, 17.2, 14.6]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda b: differentiable_crop(images, b, (5, 6), 2), (boxes,))


def test_a_box_learns_to_lie_on_what_it_is_told_to_show():
    images = smooth()
    wanted = differentiable_crop(images, torch.tensor([[20.0, 6, 36, 18]]), (8, 8))
    numbers = torch.zeros(1, 4, requires_grad=True)
    optimizer = torch.optim.Adam([numbers], lr=0.1)
    for _ in range(200):
        optimizer.zero_grad()
        seen = differentiable_crop(images, boxes_from(numbers, (48, 48)), (8, 8))
        (seen - wanted).square().mean().backward()
        optimizer.step()
    found = boxes_from(numbers.detach(), (48, 48))
    torch.testing.assert_close(found, torch.tensor([[20.0, 6, 36, 18]]), atol=0.5, rtol=0)


@settings(deadline=None)
@given(
    numbers=st.lists(st.floats(-1e4, 1e4), min_size=4, max_size=4),
    height=st.integers(8, 200),
    width=st.integers(8, 200),
)
def test_boxes_from_any_numbers_can_be_cropped(numbers, height, width):
    boxes = boxes_from(torch.tensor([numbers], dtype=torch.float32), (height, width))
    assert differentiable_crop(torch.zeros(1, 1, height, width), boxes, (2, 2)).shape == (1, 1, 2, 2)


def test_no_box_is_rounded_out_of_the_image():
    numbers = torch.randn(5000, 4, generator=torch.Generator().manual_seed(0))
    numbers[:, :2] = 40  # as far to the lower right as a box can be
    assert float(boxes_from(numbers, (97, 97)).max()) == 97


@pytest.mark.parametrize("size", [(8, 8), (40, 40)])
def test_no_depth_is_invented_between_a_wall_and_no_return(size):
    depth = torch.full((16, 16), 4.0)
    depth[:, 7:] = 0
    seen = resampled(rgbd(depth), size)
    kept = seen[0, 4] == 1
    assert set(seen[0, 4].unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(seen[0, 3][kept], torch.full((int(kept.sum()),), 0.8))
    assert not seen[0, 3][~kept].any()
    box = torch.tensor([[0.0, 0, 16, 16]])
    torch.testing.assert_close(differentiable_crop(rgbd(depth), box, size)[0, 3].unique()[-1].item(), 0.8)


@pytest.mark.parametrize("name", CONTROLS)
@pytest.mark.parametrize("size", [(60, 84), (61, 83)])
def test_controls_have_exactly_the_chosen_boxes_pixels(name, size):
    generator = torch.Generator().manual_seed(4)
    for cells in [(0, 0, 0, 0), (2, 3, 5, 4), (0, 0, 7, 7), (6, 1, 7, 7)]:
        box = crop_box(Region(*cells), size)
        other = control_box(name, box, image(*size)[0], generator)
        other.require_within(size)
        assert other.size == box.size


def test_random_boxes_are_everywhere_and_follow_their_generator():
    box, picture = PixelBox(0, 0, 3, 2), image(4, 5)[0]
    generator = torch.Generator().manual_seed(0)
    drawn = [control_box("random", box, picture, generator) for _ in range(200)]
    assert {(b.left, b.top) for b in drawn} == {(x, y) for x in range(3) for y in range(3)}
    again = torch.Generator().manual_seed(0)
    assert [control_box("random", box, picture, again) for _ in range(200)] == drawn


def test_the_centre_and_the_salient_place():
    picture = torch.zeros(3, 40, 60)
    picture[:, 31:34, 12:15] = 1
    box = PixelBox(40, 0, 50, 8)
    assert control_box("centre", box, picture) == PixelBox(25, 16, 35, 24)
    found = control_box("saliency", box, picture)
    assert found.left <= 11
    assert found.right >= 15
    assert found.top <= 30
    assert found.bottom >= 34
    best = max(
        float(saliency(picture)[top : top + 8, left : left + 10].sum())
        for top in range(33)
        for left in range(51)
    )
    assert float(saliency(picture)[found.slices].sum()) == pytest.approx(best)
    assert control_box("saliency", box, torch.ones(3, 40, 60)) == PixelBox(0, 0, 10, 8)


BOX = PixelBox(0, 0, 4, 4)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: crop(image(8, 8), PixelBox(0, 0, 9, 8)),
            r"within an image of 8 x 8 pixels, got columns 0 to 9",
        ),
        (lambda: cut(0, 0, NAN, 4), r"within 8 x 8 pixels, got box 0: 0, 0, nan, 4; clamp boxes"),
        (lambda: cut(3, 0, 3, 4), r"left < right.*got box 0: 3, 0, 3, 4"),
        (lambda: cut(-0.5, 0, 3, 4), r"got box 0: -0.5, 0, 3, 4"),
        (lambda: cut(0, 0, 3, 8.01), r"got box 0: 0, 0, 3, 8.01"),
        (lambda: cut(0, 0, 4, 4, size=(0, 2)), r"a crop of 1 x 1 pixels or more.*got 2 x 0 pixels"),
        (lambda: cut(0, 0, 4, 4, samples=0), r"1 sample or more, got 2 x 2 pixels, 0 samples"),
        (lambda: boxes_from(torch.zeros(1, 4), (5, 9)), r"at most 5 pixels, got 8; choose"),
        (lambda: boxes_from(torch.zeros(1, 4), (5, 9), NAN), r"at most 5 pixels, got nan"),
        (
            lambda: control_box("best", BOX, image(8, 8)[0]),
            r"a control: random, centre, saliency, got 'best'",
        ),
        (
            lambda: control_box("random", BOX, image(8, 8)[0]),
            r"a torch\.Generator for random boxes, got none",
        ),
        (lambda: control_box("centre", BOX, image(3, 8)[0]), r"within an image of 8 x 3 pixels"),
        (lambda: control_box("saliency", BOX, image(8, 8)[0] * NAN), r"an image without NaN, got NaN"),
    ],
)
def test_bad_input_is_told_in_a_line(make, text):
    with pytest.raises(ConfigError, match=text) as told:
        make()
    assert "\n" not in str(told.value)


def cut(*edges, size=(2, 2), samples=1):
    return differentiable_crop(image(8, 8), torch.tensor([edges], dtype=torch.float32), size, samples)
