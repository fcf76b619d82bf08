"""A small encoder-decoder with skip connections that names the pixels of a posed RGB-D image."""

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .channels import CHANNELS

STRIDE = 16  # the coarsest level: heights and widths are multiples of it
WIDTHS = (24, 48, 96, 128)


class Block(nn.Sequential):
    """3 x 3 convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Room(nn.Module):
    """Adds to every place what the whole image says: a bathtub is seen in a bathroom."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.told = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(b, d, h, w) to the same."""
        return torch.relu(x + self.told(x.mean((2, 3)))[:, :, None, None])


class SegmenterNetwork(nn.Module):
    """A U-Net (Ronneberger et al. 2015) of plain 3 x 3 convolutions that adds its skip connections.

    Down to 1/16 of the image, where the whole view is pooled and told to every place, and up to 1/2, where
    it predicts. Plain convolutions, for on a CPU depthwise ones take longer than their arithmetic says.

    Args:
        classes: how many logits a pixel gets.
        widths: channels at 1/2, 1/4, 1/8 and 1/16.
    """

    def __init__(self, classes: int, widths: tuple[int, int, int, int] = WIDTHS) -> None:
        super().__init__()
        a, b, c, d = widths
        self.down_2 = Block(CHANNELS, a, stride=2)
        self.down_4 = nn.Sequential(Block(a, b, stride=2), Block(b, b))
        self.down_8 = nn.Sequential(Block(b, c, stride=2), Block(c, c), Block(c, c))
        self.down_16 = nn.Sequential(Block(c, d, stride=2), Block(d, d), Room(d), Block(d, d))
        self.to_8, self.at_8 = Block(d, c, kernel=1), Block(c, c)
        self.to_4, self.at_4 = Block(c, b, kernel=1), Block(b, b)
        self.to_2, self.at_2 = Block(b, a, kernel=1), Block(a, a)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.head = nn.Conv2d(a, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits.

        Args:
            x: (b, 8, h, w) of :func:`~placecell.agent.perception.channels.channels`, h and w multiples of 16.

        Returns:
            (b, classes, h / 2, w / 2).
        """
        half = self.down_2(x)
        quarter = self.down_4(half)
        eighth = self.down_8(quarter)
        y = self.down_16(eighth)
        y = self.at_8(eighth + self.up(self.to_8(y)))
        y = self.at_4(quarter + self.up(self.to_4(y)))
        y = self.at_2(half + self.up(self.to_2(y)))
        return self.head(y)


def fused(network: nn.Module) -> nn.Module:
    """A copy for inference: batch normalisation folded into the convolutions, which gives the same logits."""
    network = copy.deepcopy(network).eval()
    for module in network.modules():
        if isinstance(module, Block):
            convolution, normalisation = module[0], module[1]
            assert isinstance(convolution, nn.Conv2d)
            assert isinstance(normalisation, nn.BatchNorm2d)
            module[0], module[1] = fuse_conv_bn_eval(convolution, normalisation), nn.Identity()
    return channels_last(network).requires_grad_(False)


def channels_last(network: nn.Module) -> nn.Module:
    """The network itself, its weights in the memory order of its input: it then runs without copies."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
