"""A part of an image, told in cells of a coarse grid and taken out of the image in whole pixels."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from operator import index

from placecell.errors import ConfigError

GRID = 8  # cells a side, as published


@dataclass(frozen=True)
class PixelBox:
    """Whole pixels of an image: columns left to right - 1, rows top to bottom - 1.

    Args:
        left: the first column.
        top: the first row.
        right: the column after the last.
        bottom: the row after the last.

    Raises:
        ConfigError: no pixel in it, a corner left of or above the image, or numbers that are not whole.
    """

    left: int
    top: int
    right: int
    bottom: int

    def __post_init__(self) -> None:
        corners = (self.left, self.top, self.right, self.bottom)
        whole = all(isinstance(corner, int) for corner in corners)
        if not (whole and 0 <= self.left < self.right and 0 <= self.top < self.bottom):
            raise ConfigError(
                expected="a box of whole pixels, 0 <= left < right and 0 <= top < bottom",
                came=f"left {self.left}, top {self.top}, right {self.right}, bottom {self.bottom}",
                fix="give the first column and row and those after the last",
            )

    @classmethod
    def whole(cls, size: tuple[int, int]) -> "PixelBox":
        """All of an image of (height, width) pixels."""
        return cls(0, 0, size[1], size[0])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, pixels."""
        return self.bottom - self.top, self.right - self.left

    @property
    def area(self) -> int:
        """How many pixels."""
        return self.size[0] * self.size[1]

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns: ``rgb[box.slices]`` of (h, w, 3), ``planes[..., *box.slices]`` of (c, h, w)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def require_within(self, size: tuple[int, int]) -> None:
        """Raises ConfigError unless an image of (height, width) pixels holds the box."""
        if self.bottom > size[0] or self.right > size[1]:
            raise ConfigError(
                expected=f"a box within an image of {size[1]} x {size[0]} pixels",
                came=f"columns {self.left} to {self.right}, rows {self.top} to {self.bottom}",
                fix="clamp it, or check that width and height were not swapped",
            )


@dataclass(frozen=True)
class Region:
    """Cells left..right and top..bottom, both ends included, of a grid of k x k cells over an image.

    Args:
        left: the first column of cells.
        top: the first row.
        right: the last column.
        bottom: the last row.
        grid: k, cells a side.

    Raises:
        ConfigError: a grid without cells, or cells that are not on it.
    """

    left: int
    top: int
    right: int
    bottom: int
    grid: int = GRID

    def __post_init__(self) -> None:
        require_grid(self.grid)
        columns, rows = (self.left, self.right), (self.top, self.bottom)
        whole = all(isinstance(cell, int) for cell in (*columns, *rows))
        if not (whole and all(0 <= first <= last < self.grid for first, last in (columns, rows))):
            raise ConfigError(
                expected=f"a region of cells 0 to {self.grid - 1}, left <= right and top <= bottom",
                came=f"columns {self.left} to {self.right}, rows {self.top} to {self.bottom}",
                fix="use Region.hull for cells in any order, and clamp what lies outside the image",
            )

    @classmethod
    def hull(cls, cells: Iterable[tuple[int, int]], grid: int = GRID) -> "Region":
        """The smallest region that holds all cells (x, y).

        >>> Region.hull([(5, 1), (2, 3)])
        Region(left=2, top=1, right=5, bottom=3, grid=8)

        Raises:
            ConfigError: no cells, or as the class.
        """
        chosen = [(index(x), index(y)) for x, y in cells]
        if not chosen:
            raise ConfigError(
                expected="cells to take the hull of", came="none", fix="name a cell (x, y) or more"
            )
        xs, ys = zip(*chosen)
        return cls(min(xs), min(ys), max(xs), max(ys), grid)

    def grown(self, cells: int = 1) -> "Region":
        """The same and so many cells more on each side, as far as the grid reaches."""
        if not cells >= 0:
            raise ConfigError(expected="0 or more cells of growth", came=f"{cells}", fix="pass 1 or 0")
        last = self.grid - 1
        return replace(
            self,
            left=max(self.left - cells, 0),
            top=max(self.top - cells, 0),
            right=min(self.right + cells, last),
            bottom=min(self.bottom + cells, last),
        )

    def pixels(self, size: tuple[int, int]) -> PixelBox:
        """The pixels under the cells: columns from left * W / k to (right + 1) * W / k, rows alike.

        Where k doesn't divide the image, bounds are rounded down: each pixel belongs to one cell.

        >>> Region(0, 2, 3, 5).pixels((480, 640))
        PixelBox(left=0, top=120, right=320, bottom=360)

        Args:
            size: height and width of the image, pixels.

        Raises:
            ConfigError: an image with fewer pixels a side than cells.
        """
        height, width = size
        if not min(size) >= self.grid:
            raise ConfigError(
                expected=f"an image of {self.grid} x {self.grid} pixels or more, one a cell",
                came=f"{width} x {height} pixels",
                fix=f"pass the original image, or a grid of {max(min(size), 1)} or less",
            )
        return PixelBox(
            self.left * width // self.grid,
            self.top * height // self.grid,
            (self.right + 1) * width // self.grid,
            (self.bottom + 1) * height // self.grid,
        )


def crop_box(region: Region, size: tuple[int, int], grow: int = 1) -> PixelBox:
    """The pixels to look at again: the region grown by ``grow`` cells, clamped to the image.

    Yu, Ma and Wang 2025, "Introducing Visual Perception Token into Multimodal Large Language Model".

    >>> crop_box(Region(0, 2, 3, 5), (480, 640))
    PixelBox(left=0, top=60, right=400, bottom=420)

    Args:
        region: as the policy named it.
        size: height and width of the original image, not of a smaller one that an encoder saw first.
        grow: cells.

    Raises:
        ConfigError: as :meth:`Region.pixels` and :meth:`Region.grown`.
    """
    return region.grown(grow).pixels(size)


def require_grid(grid: int) -> None:
    """Raises ConfigError unless k is a count of cells."""
    if not (isinstance(grid, int) and grid >= 1):
        raise ConfigError(expected="a grid of 1 or more cells a side", came=f"k = {grid}", fix="use k = 8")
