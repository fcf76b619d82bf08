"""The second round: looks again where an answer asks for it, each request by the encoder that it names."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from placecell.errors import ConfigError

from .encoded import Encoded
from .reencoding import ReEncoding
from .region_crops import crop, resampled
from .region_tokens import Malformed, Parsed, ReEncode, Request
from .regions import PixelBox, crop_box


@runtime_checkable
class Encoder(Protocol):
    """Anything that encodes a batch of images: RgbdEncoder, HuggingFaceEncoder, yours."""

    def __call__(self, x: Tensor, /) -> Encoded:
        """Encodes (b, planes, h, w)."""
        ...


class Branch(nn.Module):
    """An encoder, the size of the images that it is shown, and the projection of its tokens.

    Args:
        encoder: a module, which is trained with the branch, or any other callable.
        projection: of its tokens to the policy's width.
        size: height and width that images and crops are resampled to; None: each as it is. Where an encoder
            resizes by itself, name its own size here, so that pixels are counted as they are encoded.
    """

    def __init__(self, encoder: Encoder, projection: ReEncoding, size: tuple[int, int] | None = None) -> None:
        super().__init__()
        self.encoder, self.projection, self.size = encoder, projection, size

    def show(self, image: Float[Tensor, "c h w"], box: PixelBox) -> Float[Tensor, "c rows columns"]:
        """What the encoder gets of a part of an image."""
        seen = crop(image, box)
        return seen if self.size is None else resampled(seen[None], self.size)[0]


@dataclass(frozen=True, eq=False)
class SecondLook:
    """What one request brought.

    Args:
        request: as parsed.
        branch: that served it.
        box: the part of the original image that was looked at.
        shown: height and width of what was encoded, pixels.
        tokens: (n, d), for the policy's second pass.
        pixels: (n, 2), u and v of each token's patch in pixels of the original image.
    """

    request: Request
    branch: str
    box: PixelBox
    shown: tuple[int, int]
    tokens: Float[Tensor, "n d"]
    pixels: Float[Tensor, "n 2"]


@dataclass(frozen=True, eq=False)
class SecondRound:
    """All second looks of one answer, in its order, and what of it was malformed."""

    looks: tuple[SecondLook, ...]
    malformed: tuple[Malformed, ...]

    @property
    def encoded_pixels(self) -> int:
        """Pixels that encoders were given for these looks."""
        return encoded_pixels(*(look.shown for look in self.looks))


def encoded_pixels(*shown: tuple[int, int]) -> int:
    """Cost of looking: pixels of all images given to encoders, of the first look and the second ones.

    >>> encoded_pixels((128, 128), (128, 128), (64, 32))
    34816

    Args:
        shown: height and width of each.
    """
    return sum(height * width for height, width in shown)


@dataclass(frozen=True, eq=False)
class _Job:
    row: int
    request: Request
    branch: str
    box: PixelBox
    image: Tensor


def second_round(
    answers: Sequence[Sequence[Parsed]],
    images: Sequence[Float[Tensor, "c _h _w"]] | Float[Tensor, "b c h w"],
    hidden: Float[Tensor, "b t d"],
    branches: Mapping[str, Branch],
    *,
    region_branch: str,
    grow: int = 1,
) -> tuple[SecondRound, ...]:
    """Serves every request of a batch of answers.

    A region is cropped from the original image and encoded without control; a re-encoding shows its encoder
    the whole image and modulates the tokens with the hidden state at the control token. Rows may name
    different encoders, several, or none. What one encoder is asked for at one size is one batch of it.

    Args:
        answers: of each row, what ``Vocabulary.parse`` read.
        images: of each row, the planes of the original image, of any size.
        hidden: of each row, the policy's last hidden states over its answer, so that a request's ``position``
            finds its control token. Not cut from the graph: gradients reach the control token's embedding.
        branches: by the name that re-encode tokens give.
        region_branch: the one that encodes crops.
        grow: cells by which a region is grown.

    Returns:
        A row's looks and malformed requests, for each row.

    Raises:
        ConfigError: rows that don't match, an encoder or a position that is not there, an image with fewer
            pixels than cells.
    """
    _require_rows(len(answers), len(images), len(hidden))
    jobs = [
        _job(row, request, images[row], hidden.shape[1], branches, region_branch, grow)
        for row, answer in enumerate(answers)
        for request in answer
        if not isinstance(request, Malformed)
    ]
    looks = _served(jobs, hidden, branches)
    return tuple(
        SecondRound(
            tuple(look for job, look in zip(jobs, looks) if job.row == row),
            tuple(item for item in answer if isinstance(item, Malformed)),
        )
        for row, answer in enumerate(answers)
    )


def _job(
    row: int,
    request: Request,
    image: Tensor,
    length: int,
    branches: Mapping[str, Branch],
    region_branch: str,
    grow: int,
) -> _Job:
    name = request.encoder if isinstance(request, ReEncode) else region_branch
    if name not in branches:
        raise ConfigError(
            expected=f"an encoder: {', '.join(branches) or 'there is none'}",
            came=name,
            fix="give second_round a branch for every encoder of the vocabulary",
        )
    size = (image.shape[-2], image.shape[-1])
    if isinstance(request, ReEncode):
        if request.position is None or not 0 <= request.position < length:
            raise ConfigError(
                expected=f"a control token at 0 to {length - 1}, where row {row} has hidden states",
                came=f"{request.position}",
                fix="parse the tokens that the hidden states belong to",
            )
        return _Job(row, request, name, PixelBox.whole(size), image)
    return _Job(row, request, name, crop_box(request, size, grow), image)


def _served(
    jobs: Sequence[_Job], hidden: Float[Tensor, "b t d"], branches: Mapping[str, Branch]
) -> list[SecondLook]:
    shown = [branches[job.branch].show(job.image, job.box) for job in jobs]
    batches = defaultdict[tuple[str, torch.Size], list[int]](list)
    for number, (job, image) in enumerate(zip(jobs, shown)):
        batches[job.branch, image.shape].append(number)
    looks: dict[int, SecondLook] = {}
    for (name, _), numbers in batches.items():
        encoded = branches[name].encoder(torch.stack([shown[number] for number in numbers]))
        for index, number in enumerate(numbers):
            job, size = jobs[number], (shown[number].shape[1], shown[number].shape[2])
            state = hidden[job.row, job.request.position][None] if isinstance(job.request, ReEncode) else None
            tokens = branches[name].projection(encoded.tokens[index : index + 1], state)[0]
            looks[number] = SecondLook(
                job.request, name, job.box, size, tokens, _in_original(encoded.pixels, job.box, size)
            )
    return [looks[number] for number in range(len(jobs))]


def _in_original(pixels: Float[Tensor, "n 2"], box: PixelBox, shown: tuple[int, int]) -> Float[Tensor, "n 2"]:
    scale = pixels.new_tensor([box.size[1] / shown[1], box.size[0] / shown[0]])
    return pixels.new_tensor([box.left, box.top]) + pixels * scale


def _require_rows(answers: int, images: int, hidden: int) -> None:
    if not answers == images == hidden:
        raise ConfigError(
            expected="as many images and rows of hidden states as answers",
            came=f"{answers} answers, {images} images, {hidden} rows",
            fix="pass one of each a row; a row without requests has an empty answer",
        )
