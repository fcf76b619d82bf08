"""What a piece of furniture is, before it is placed."""

from dataclasses import dataclass, field

from ..scene import Part

Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True)
class Surface:
    """Where small objects may stand: a level rectangle (x0, y0, x1, y1) of the piece's frame, at ``z_m``."""

    box: Rectangle
    z_m: float


@dataclass(frozen=True)
class Model:
    """A piece in its own frame: x along its width, front at +y, the origin in the middle of its footprint.

    The origin is at the height of the floor (or of the top it stands on). What hangs on a wall has
    ``base_m`` > 0: its parts reach from ``base_m`` to ``base_m + height_m`` already, its back is at
    ``-depth_m / 2`` and touches the wall.

    Args:
        category: one of ``CATEGORIES``.
        variant: the name of its shape.
        width_m: extent of its parts along x.
        depth_m: along y.
        height_m: along z.
        parts: one a material; instance 0.
        surfaces: tops, boards and seats that things may stand on.
        base_m: its lowest point.
        stands_on: ``"floor"``, ``"wall"``, or ``"top"`` for what stands on a surface of another piece.
    """

    category: str
    variant: str
    width_m: float
    depth_m: float
    height_m: float
    parts: tuple[Part, ...] = field(repr=False)
    surfaces: tuple[Surface, ...] = ()
    base_m: float = 0.0
    stands_on: str = "floor"
