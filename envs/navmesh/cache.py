"""The ground of a mesh, kept on disk under the hash of what it was made from."""

import io
import logging
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from placecell.arrays import Faces, Points, atomic_write, content_hash

from ..folders import cache_folder
from .ground import Ground
from .settings import WalkSettings

_FORMAT = 2  # raise it when the pipeline changes what it makes
_LOG = logging.getLogger(__name__)


def load_or_build(
    vertices: Points,
    faces: Faces,
    settings: WalkSettings,
    build: Callable[[Points, Faces, WalkSettings], Ground],
) -> Ground:
    """The ground for a mesh and a body, built once per content."""
    key = content_hash(_FORMAT, vertices, faces, sorted(asdict(settings).items()))
    path = cache_folder() / "ground" / f"{key[:32]}.npz"
    if path.exists():
        try:
            return _read(path, settings)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            _LOG.warning("%s is damaged and is made anew", path)
    ground = build(vertices, faces, settings)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, ground)
    except OSError as error:
        _LOG.warning("the ground of this scene is not cached: %s", error)
    return ground


def _write(path: Path, ground: Ground) -> None:
    buffer = io.BytesIO()
    np.savez(
        buffer, origin=ground.origin, shape=np.array([ground.columns, ground.rows]), first=ground.first,
        column=ground.column, row=ground.row, z=ground.z, neighbour=ground.neighbour, island=ground.island,
    )  # fmt: skip
    atomic_write(path, buffer.getvalue())


def _read(path: Path, settings: WalkSettings) -> Ground:
    # From memory: NumPy leaves a file open when it turns out to be no whole archive.
    data = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    if not isinstance(data, np.lib.npyio.NpzFile):
        raise ValueError("a single array")
    with data:
        columns, rows = (int(n) for n in data["shape"])
        return Ground(
            settings, data["origin"], columns, rows, data["first"], data["column"], data["row"], data["z"],
            data["neighbour"], data["island"],
        )  # fmt: skip
