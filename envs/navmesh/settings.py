"""Which body the ground is prepared for, and how finely it is looked at."""

import math
from dataclasses import dataclass

import numpy as np

from placecell.errors import ConfigError


@dataclass(frozen=True)
class WalkSettings:
    """A body and a grid. Names and defaults are those of Habitat's ``NavMeshSettings``, in metres.

    Args:
        radius_m: the ground is eroded by this much (rounded up to whole cells).
        height_m: free room a body needs above the ground.
        max_climb_m: the highest step between neighbouring cells.
        max_slope_deg: steeper triangles carry nobody.
        cell_size_m: side of a grid cell.
        cell_height_m: vertical quantum.
        min_island_cells: smaller isolated patches are dropped (Recast's minimal region area).
    """

    radius_m: float = 0.1
    height_m: float = 1.5
    max_climb_m: float = 0.2
    max_slope_deg: float = 45.0
    cell_size_m: float = 0.05
    cell_height_m: float = 0.05
    min_island_cells: int = 400

    def __post_init__(self) -> None:
        for name in ("height_m", "cell_size_m", "cell_height_m"):
            if not 0 < getattr(self, name) < math.inf:
                raise ConfigError(
                    expected=f"a positive {name}",
                    came=f"{getattr(self, name)}",
                    fix=f"set {name} to metres > 0",
                )
        for name in ("radius_m", "max_climb_m"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(
                    expected=f"{name} of 0 or more",
                    came=f"{getattr(self, name)}",
                    fix=f"set {name} in metres",
                )
        if not 0 <= self.max_slope_deg < 90:
            raise ConfigError(
                expected="max_slope_deg from 0 to below 90",
                came=f"{self.max_slope_deg}",
                fix="45 is what Habitat uses",
            )

    # Single precision, as Recast divides: 0.2 / 0.05 must be 4, not 3.999.
    @property
    def height_cells(self) -> int:
        """Room above the ground, in vertical quanta, rounded up."""
        return math.ceil(np.float32(self.height_m) / np.float32(self.cell_height_m))

    @property
    def climb_cells(self) -> int:
        """The highest step, in vertical quanta, rounded down."""
        return math.floor(np.float32(self.max_climb_m) / np.float32(self.cell_height_m))

    @property
    def radius_cells(self) -> int:
        """The erosion, in cells, rounded up."""
        return math.ceil(np.float32(self.radius_m) / np.float32(self.cell_size_m))
