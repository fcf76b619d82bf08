"""``--transform`` and ``--transform-file``: where the second memory lies in the first."""

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

from placecell.errors import ConfigError

if TYPE_CHECKING:
    from placecell.arrays import Transform


def add_transform(parser: argparse.ArgumentParser, without: str) -> None:
    """Adds the two; ``without`` says what is done if neither is given."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument(
        "--transform",
        metavar="x,y,z,yaw_deg",
        help=f"turn B by yaw about z, then shift it by x,y,z metres (--transform=-1,0,0,90); {without}",
    )
    either.add_argument(
        "--transform-file",
        metavar="T.json",
        type=Path,
        help="the same as a 4x4 matrix, B's points in A's frame",
    )


def chosen_transform(arguments: argparse.Namespace) -> "Transform | None":
    """(4, 4) what was given, or None.

    Raises:
        ConfigError: not four finite numbers, or a file that holds no rigid 4x4 matrix.
    """
    if arguments.transform is not None:
        return _written(arguments.transform)
    if arguments.transform_file is not None:
        return _read(arguments.transform_file)
    return None


def _written(text: str) -> "Transform":
    from placecell.geometry import Pose

    try:
        x, y, z, yaw_deg = (float(number) for number in text.split(","))
    except ValueError:
        x = y = z = yaw_deg = math.nan
    if not all(map(math.isfinite, (x, y, z, yaw_deg))):
        raise ConfigError(
            expected="--transform x,y,z,yaw_deg: three metres and degrees about z",
            came=repr(text),
            fix="write for example --transform=1.5,-2,0,90",
        )
    return Pose(x, y, z, math.radians(yaw_deg)).T_world_body()


def _read(path: Path) -> "Transform":
    import numpy as np

    from placecell.errors import FrameError
    from placecell.geometry import require_rigid

    try:
        T = np.array(json.loads(path.read_text()), np.float64)
        require_rigid(T, f"the matrix in {path}")
    except (OSError, ValueError, TypeError, FrameError) as error:
        raise ConfigError(
            expected=f"a rigid 4x4 matrix as JSON in {path}",
            came=str(getattr(error, "strerror", None) or error),
            fix="write [[r, r, r, x], [r, r, r, y], [r, r, r, z], [0, 0, 0, 1]]",
        ) from error
    return T
