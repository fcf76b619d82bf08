"""Orders of a map's tokens: what lies together in the plan, and is computed together.

>>> tiled((2, 4), (2, 2)).tolist()
[0, 1, 4, 5, 2, 3, 6, 7]
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Int64
from torch import Tensor

from placecell.errors import ConfigError

Size = tuple[int, ...]


def tiled(size: Size, *tiles: Size) -> Int64[Tensor, " n"]:
    """Tile after tile, and the tokens of each in raster order.

    In raster order a small neighborhood touches long thin blocks; in tiles it touches few compact ones.

    Args:
        size: of the map, by axis.
        tiles: of each level, the largest first: each divides the one before it.

    Raises:
        ConfigError: a tile that does not divide.
    """
    order = torch.arange(math.prod(size)).reshape(size)
    for index, tile in enumerate(tiles):
        outer = size if index == 0 else tiles[index - 1]
        check_divides("a tile", outer, tile)
    return _split(order, tiles).reshape(-1)


def _split(tokens: Tensor, tiles: Sequence[Size]) -> Tensor:
    """Tokens (..., by axis) cut into tiles, each laid out in its own order: (tiles, tokens of one)."""
    if not tiles:
        return tokens.reshape(-1)
    tile, axes = tiles[0], tokens.dim()
    parts = [n for length, t in zip(tokens.shape, tile) for n in (length // t, t)]
    cut = tokens.reshape(parts).permute(*range(0, 2 * axes, 2), *range(1, 2 * axes, 2))
    return torch.stack([_split(one, tiles[1:]) for one in cut.reshape(-1, *tile)])


def check_divides(what: str, size: Size, tile: Size) -> None:
    """Raise ConfigError unless the tile's sides divide the map's."""
    if len(size) != len(tile) or any(t < 1 or length % t for length, t in zip(size, tile)):
        raise ConfigError(
            expected=f"{what} whose sides divide those of the map, {by(size)}",
            came=by(tile),
            fix="choose divisors, or pad the map",
        )


def largest_divisor(length: int, most: int) -> int:
    """The largest divisor of a length that is no larger than ``most``.

    >>> largest_divisor(14, 8)
    7
    """
    return max(i for i in range(1, max(1, most) + 1) if length % i == 0)


def by(size: Size) -> str:
    """A size in words.

    >>> by((16, 8))
    '16 x 8'
    """
    return " x ".join(map(str, size))
