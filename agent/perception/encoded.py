"""What an encoder says of a batch of images: a vector for each patch, and one for the whole."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, eq=False)
class Encoded:
    """Tokens of patches and where they look.

    Args:
        tokens: (b, n, d), patches in raster order, n = gh * gw.
        pixels: (n, 2), u (to the right) and v (down) of each patch's centre in pixels of the image that was
            given, where the centre of the first pixel is (0.5, 0.5).
        grid: (gh, gw), how many patches there are down and across; they share the image out equally.
        pooled: (b, d), a vector for the whole image, of any length.
    """

    tokens: Float[Tensor, "b n d"]
    pixels: Float[Tensor, "n 2"]
    grid: tuple[int, int]
    pooled: Float[Tensor, "b d"]

    def of_frame(self, index: int = 0) -> tuple[Float32[np.ndarray, "gh gw d"], Float32[np.ndarray, " d"]]:
        """What a :class:`~placecell.memory.Frame` takes of one image.

        Returns:
            features: (gh, gw, d).
            embedding: (d,), the pooled vector at unit length.
        """
        features = self.tokens[index].detach().float().unflatten(0, self.grid)
        embedding = functional.normalize(self.pooled[index].detach().float(), dim=0)
        return features.cpu().numpy(), embedding.cpu().numpy()


def patch_centres(grid: tuple[int, int], size: tuple[int, int]) -> Float32[Tensor, "n 2"]:
    """Centres (u, v) of gh x gw equal patches of an image of h x w pixels, in raster order."""
    rows = (torch.arange(grid[0], dtype=torch.float32) + 0.5) * (size[0] / grid[0])
    columns = (torch.arange(grid[1], dtype=torch.float32) + 0.5) * (size[1] / grid[1])
    v, u = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([u.flatten(), v.flatten()], 1)
