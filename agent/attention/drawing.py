"""A plan's blocks as a picture."""

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

UNSEEN_COLOUR, PARTIAL_COLOUR, FULL_COLOUR = (255, 255, 255), (150, 190, 225), (20, 60, 110)


def draw_blocks(kinds: UInt8[Tensor, "nq nk"], size: int = 256) -> UInt8[np.ndarray, "s s 3"]:
    """Queries downwards, keys to the right: white unseen, light seen in part, dark seen in full.

    Where several blocks fall on one pixel, their colours are mixed.
    """
    colours = torch.tensor([UNSEEN_COLOUR, FULL_COLOUR, PARTIAL_COLOUR], dtype=torch.float32)  # as in Kind
    channels = colours.T[:, kinds.cpu().long()]
    picture = adaptive_avg_pool2d(channels[None], (size, size))[0]
    return picture.round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
