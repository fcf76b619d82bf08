"""DropPos: learning from frames without labels, by telling where parts of an image lie that aren't told.

After Wang et al. 2023, *DropPos: Pre-Training Vision Transformers by Reconstructing Dropped Positions*: part
of the patches are masked, of most of the others the positions are dropped, and a linear head names them by a
cross entropy whose targets are smeared over near positions at first. Left out: its weights by affinity to the
class token, which the encoder doesn't have.

The published network is a plain transformer: it cannot tell where a token lies but by its position. A
hierarchical encoder can, by its windows and by the neighbours that a token is merged with. So the image's
units, ``UNIT`` x ``UNIT`` patches each, are shuffled over the grid, and their positions with them: where a
unit lies says nothing any more, and its own patches still lie as they were.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Generator, Tensor, nn

from placecell.errors import ConfigError

from ..perception.encoder import RgbdEncoder

UNIT = 2  # patches a side: what the first merging puts together


@dataclass(frozen=True, eq=False)
class Shuffled:
    """Which unit of the image lies where, and what the encoder is told of it.

    Args:
        source: (b, u) the unit of the image that lies at each place.
        masked: (b, u) whether the place shows nothing.
        told: (b, u) whether the place's unit is told its position; never where it is masked.
    """

    source: Int64[Tensor, "b u"]
    masked: Bool[Tensor, "b u"]
    told: Bool[Tensor, "b u"]

    @property
    def asked(self) -> Bool[Tensor, "b u"]:
        """The units whose positions are to be found: seen, and not told."""
        return ~self.masked & ~self.told


def shuffled(batch: int, units: int, masked: float, dropped: float, rng: Generator) -> Shuffled:
    """Draws the order, and which units are masked and which are told.

    Args:
        batch: images.
        units: of an image.
        masked: share of the units that show nothing.
        dropped: share of the others whose positions are dropped.
        rng: the draws.

    Raises:
        ConfigError: shares that leave nothing to ask for.
    """
    hidden = round(masked * units)
    asked = round(dropped * (units - hidden))
    if not (0 <= masked < 1 and 0 < dropped <= 1) or asked < 1:
        raise ConfigError(
            expected=f"shares of {units} units that leave one or more to find the position of",
            came=f"masked {masked:g}, dropped {dropped:g}",
            fix="set both between 0 and 1, such as 0.5 and 0.75",
        )
    source = torch.rand(batch, units, generator=rng).argsort(1)
    rank = torch.rand(batch, units, generator=rng).argsort(1).argsort(1)
    return Shuffled(source, rank < hidden, rank >= hidden + asked)


class PositionFinder(nn.Module):
    """The encoder, and a linear head that names the position of each unit.

    Args:
        encoder: to be trained.
        masked, dropped: shares, see :func:`shuffled`.
    """

    def __init__(self, encoder: RgbdEncoder, *, masked: float = 0.5, dropped: float = 0.75) -> None:
        super().__init__()
        gh, gw = encoder.grid
        if gh % UNIT or gw % UNIT:
            raise ConfigError(
                expected=f"a grid of patches in multiples of {UNIT}", came=f"{gh} x {gw}", fix="set size"
            )
        self.encoder, self.masked, self.dropped = encoder, masked, dropped
        self.units = gh // UNIT, gw // UNIT
        self.head = nn.Linear(encoder.width, self.units[0] * self.units[1])

    def forward(
        self, x: Float[Tensor, "b planes h w"], drawn: Shuffled
    ) -> Float[Tensor, "b units positions"]:
        """How likely each place's unit comes from each position of the image, as logits."""
        columns = self.units[1]
        seen = _units(x, self.units) * 1.0
        seen = seen.gather(1, drawn.source[..., None].expand_as(seen))
        seen = seen.masked_fill(drawn.masked[..., None], 0.0)
        patches = _patches_of(drawn.source, columns)
        told = torch.where(drawn.told[..., None], patches, -1)
        tokens = self.encoder(_image(seen, x.shape, self.units), _raster(told, columns)).tokens
        maps = tokens.unflatten(1, (self.units[0], UNIT, columns, UNIT)).mean((2, 4))
        return self.head(maps.flatten(1, 2))

    def loss(self, x: Float[Tensor, "b planes h w"], rng: Generator, smear: float) -> tuple[Tensor, Tensor]:
        """Cross entropy over the units asked for, and the share of them whose position is found.

        Args:
            x: a batch, (b, 5, h, w).
            rng: of what is shuffled, masked and dropped.
            smear: see :func:`targets`.
        """
        drawn = shuffled(len(x), self.head.out_features, self.masked, self.dropped, rng)
        logits = self(x, drawn)[drawn.asked]
        right = drawn.source[drawn.asked]
        loss = nn.functional.cross_entropy(logits, targets(self.units, smear)[right])
        return loss, (logits.argmax(-1) == right).float().mean()


def targets(units: tuple[int, int], smear: float) -> Float[Tensor, "n n"]:
    """For each right position how much each position counts: exp(-distance^2 / smear^2), a sum of 1.

    Args:
        units: rows and columns.
        smear: in units; 0 for the right position alone.

    >>> targets((1, 3), 1.0)[0]
    tensor([0.7214, 0.2654, 0.0132])
    """
    rows, columns = units
    if smear <= 0:
        return torch.eye(rows * columns)
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    places = torch.stack([y.flatten(), x.flatten()], 1).double()
    weights = torch.exp(-(torch.cdist(places, places) ** 2) / smear**2)
    return (weights / weights.sum(1, keepdim=True)).float()


def _units(x: Tensor, units: tuple[int, int]) -> Tensor:
    """(b, c, h, w) to (b, units, c * pixels of a unit)."""
    b, c, h, w = x.shape
    cut = x.reshape(b, c, units[0], h // units[0], units[1], w // units[1])
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(b, units[0] * units[1], -1)


def _image(cut: Tensor, shape: torch.Size, units: tuple[int, int]) -> Tensor:
    """The way back from ``_units``."""
    b, c, h, w = shape
    cut = cut.reshape(b, units[0], units[1], c, h // units[0], w // units[1])
    return cut.permute(0, 3, 1, 4, 2, 5).reshape(b, c, h, w)


def _patches_of(source: Int64[Tensor, "b u"], columns: int) -> Int64[Tensor, "b u p"]:
    """Numbers of the patches of each unit, in raster order of the patches of the image."""
    inside = torch.arange(UNIT * UNIT)
    row = (source // columns * UNIT)[..., None] + inside // UNIT
    return row * (columns * UNIT) + (source % columns * UNIT)[..., None] + inside % UNIT


def _raster(of_units: Int64[Tensor, "b u p"], columns: int) -> Int64[Tensor, "b n"]:
    """Values of the patches of units in a row, as values of the grid's patches in raster order."""
    b = of_units.shape[0]
    grid = of_units.reshape(b, -1, columns, UNIT, UNIT).transpose(2, 3)
    return grid.reshape(b, -1)
