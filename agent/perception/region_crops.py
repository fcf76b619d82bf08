"""Crops of planes: native ones, ones that a gradient can move, and the controls at equal pixels."""

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample, interpolate

from placecell.errors import ConfigError

from .regions import PixelBox
from .rgbd_planes import PLANES

CONTROLS = ("random", "centre", "saliency")


def crop(images: Float[Tensor, "*batch h w"], box: PixelBox) -> Float[Tensor, "*batch rows columns"]:
    """The box's pixels as they are, a view.

    Raises:
        ConfigError: a box that reaches out of the image.
    """
    box.require_within((images.shape[-2], images.shape[-1]))
    return images[..., *box.slices]


def resampled(images: Float[Tensor, "b c h w"], size: tuple[int, int]) -> Float[Tensor, "b c rows columns"]:
    """Images at another size, bilinear, averaged where they shrink.

    Images of 5 planes are taken for :func:`~placecell.agent.perception.rgbd_planes.planes`: depth is averaged
    over the pixels that have some, and a pixel has depth if at least half of what it covers does.

    Args:
        images: planes of any size.
        size: height and width wanted, pixels.
    """
    if tuple(images.shape[2:]) == size:
        return images
    return _mended(interpolate(images, size, mode="bilinear", antialias=True, align_corners=False))


def differentiable_crop(
    images: Float[Tensor, "b c h w"],
    boxes: Float[Tensor, "b 4"],
    size: tuple[int, int],
    samples: int = 1,
) -> Float[Tensor, "b c rows columns"]:
    """Crops through which gradients reach the boxes, bilinear.

    A box of whole pixels cropped to its own size gives the pixels themselves, as :func:`crop`. Where a box
    has more pixels than the crop, raise ``samples``, or pixels are skipped. Depth as in :func:`resampled`; no
    gradient flows through whether a pixel has depth.

    Args:
        images: planes.
        boxes: left, top, right, bottom in pixels of the image; (0, 0, w, h) is all of it.
        size: height and width of the crops, pixels.
        samples: points a side that are averaged for each pixel of the crop.

    Raises:
        ConfigError: a box that is empty, NaN or outside the image, a crop without pixels, samples below 1.
    """
    if not (min(size) >= 1 and samples >= 1):
        raise ConfigError(
            expected="a crop of 1 x 1 pixels or more, of 1 sample or more",
            came=f"{size[1]} x {size[0]} pixels, {samples} samples",
            fix="pass size=(height, width)",
        )
    height, width = images.shape[2:]
    _require_boxes(boxes.detach(), height, width)
    left, top, right, bottom = (2 * boxes / boxes.new_tensor([width, height, width, height]) - 1).unbind(1)
    zero = torch.zeros_like(left)
    across = torch.stack([(right - left) / 2, zero, (right + left) / 2], 1)
    down = torch.stack([zero, (bottom - top) / 2, (bottom + top) / 2], 1)
    points = [len(images), images.shape[1], size[0] * samples, size[1] * samples]
    where = affine_grid(torch.stack([across, down], 1).to(images.dtype), points, align_corners=False)
    seen = grid_sample(images, where, mode="bilinear", padding_mode="border", align_corners=False)
    return _mended(avg_pool2d(seen, samples) if samples > 1 else seen)


def boxes_from(
    numbers: Float[Tensor, "b 4"], size: tuple[int, int], smallest: float = 8.0
) -> Float[Tensor, "b 4"]:
    """Boxes within the image from any finite numbers, for a network's output.

    Args:
        numbers: where the box lies across and down, and how wide and high it is, through a sigmoid.
        size: height and width of the image, pixels.
        smallest: side that a box has at least, pixels.

    Returns:
        Left, top, right, bottom, as :func:`differentiable_crop` takes them.

    Raises:
        ConfigError: a smallest side that is not above 0 or larger than the image.
    """
    if not 0 < smallest <= min(size):
        raise ConfigError(
            expected=f"a smallest side above 0 and at most {min(size)} pixels",
            came=f"{smallest:g}",
            fix="choose one that the image can hold",
        )
    image = numbers.new_tensor([size[1], size[0]])
    share = numbers.sigmoid()
    sides = smallest + (image - smallest) * share[:, 2:]
    corner = (image - sides) * share[:, :2]
    return torch.cat([corner, corner + sides], 1)


def control_box(
    name: str, box: PixelBox, image: Float[Tensor, "c h w"], generator: Generator | None = None
) -> PixelBox:
    """A box of exactly the same height and width elsewhere, to compare a chosen one with.

    random: anywhere, each place as likely. centre: the middle, rounded to the upper left. saliency: where
    :func:`saliency` has the largest sum, the first such place in raster order.

    Args:
        name: one of ``CONTROLS``.
        box: the chosen one.
        image: that it lies in.
        generator: for "random", which needs one.

    Raises:
        ConfigError: another name, no generator, NaN in the image, or a box that is not within it.
    """
    height, width = image.shape[1:]
    box.require_within((height, width))
    rows, columns = box.size
    free = height - rows, width - columns
    if name == "random":
        if generator is None:
            raise ConfigError(
                expected="a torch.Generator for random boxes",
                came="none",
                fix="pass generator=torch.Generator().manual_seed(seed)",
            )
        top, left = (int(torch.randint(room + 1, (), generator=generator)) for room in free)
    elif name == "centre":
        top, left = free[0] // 2, free[1] // 2
    elif name == "saliency":
        sums = _window_sums(saliency(image), rows, columns)
        top, left = divmod(int(sums.argmax()), sums.shape[1])
    else:
        raise ConfigError(
            expected=f"a control: {', '.join(CONTROLS)}", came=repr(name), fix="choose one of these"
        )
    return PixelBox(left, top, left + columns, top + rows)


def saliency(image: Float[Tensor, "c h w"]) -> Float[Tensor, "h w"]:
    """How much each pixel differs from its neighbours to the right and below, the mean over planes.

    Raises:
        ConfigError: NaN or infinite pixels.
    """
    if not bool(torch.isfinite(image).all()):
        raise ConfigError(
            expected="an image without NaN",
            came="NaN or infinite pixels",
            fix="make it with planes(rgb, depth)",
        )
    out = image.new_zeros(image.shape[1:])
    out[:, :-1] += image.diff(dim=2).abs().mean(0)
    out[:-1] += image.diff(dim=1).abs().mean(0)
    return out


def _window_sums(values: Float[Tensor, "h w"], rows: int, columns: int) -> Float[Tensor, "free_h free_w"]:
    corners = torch.zeros(values.shape[0] + 1, values.shape[1] + 1, dtype=torch.float64)
    corners[1:, 1:] = values.double().cpu().cumsum(0).cumsum(1)
    return (
        corners[rows:, columns:]
        - corners[:-rows, columns:]
        - corners[rows:, :-columns]
        + corners[:-rows, :-columns]
    )


def _mended(images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Undoes what mixing pixels with and without depth does to the depth."""
    if images.shape[1] != PLANES:
        return images
    colour, depth, share = images.split([3, 1, 1], dim=1)
    seen = share >= 0.5
    mean = torch.where(seen, depth / torch.where(seen, share, 1), 0)
    return torch.cat([colour, mean, seen.to(images.dtype)], 1)


def _require_boxes(boxes: Float[Tensor, "b 4"], height: int, width: int) -> None:
    left, top, right, bottom = boxes.unbind(1)
    # NaN fails every comparison.
    right_order = (left < right) & (top < bottom)
    within = (left >= 0) & (top >= 0) & (right <= width) & (bottom <= height)
    wrong = ~(right_order & within)
    if bool(wrong.any()):
        first = int(wrong.nonzero()[0])
        raise ConfigError(
            expected=f"boxes left < right, top < bottom within {width} x {height} pixels",
            came=f"box {first}: {', '.join(f'{float(edge):g}' for edge in boxes[first])}",
            fix="clamp boxes to the image, or make them with boxes_from",
        )
