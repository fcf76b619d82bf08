"""Archives of which one array is not what it should be: an error that says so, or a memory; nothing else."""

from contextlib import suppress

import numpy as np
import pytest

from placecell.errors import ArchiveError
from placecell.geometry import Pinhole, Pose
from placecell.memory import Frame
from placecell.memory.archive import Archive
from placecell.memory.archives.kinds import KINDS, restored


def packed(kind):
    """The archive of a memory of two frames."""
    memory, rng = KINDS[kind](), np.random.default_rng(0)
    for step in range(2):
        depth, labels = rng.uniform(1, 3, (6, 8)).astype(np.float32), rng.integers(0, 4, (6, 8))
        pose = Pose(0.5 * step, 0, 0, 0.3 * step).T_world_camera(0.9)
        rgb = np.full((6, 8, 3), 7, np.uint8)
        memory.write(Frame(pose, Pinhole.from_hfov(8, 6, 1.4), depth, rgb, labels, step=step))
    return memory.pack()


def extremes(array):
    """The same with its first, and with all its numbers the largest and the least there are."""
    numbers = (np.inf, np.nan) if array.dtype.kind == "f" else (np.iinfo(array.dtype).max, 0)
    for number in numbers if array.size and array.dtype.kind in "iuf" else ():
        first = array.copy()
        first.reshape(-1)[0] = number
        yield from (first, np.full_like(array, number))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_array_that_is_missing_or_of_another_shape_or_type(kind):
    stored = packed(kind)
    for name, array in stored.arrays.items():
        others = {other: held for other, held in stored.arrays.items() if other != name}
        scalar = {**others, name: np.zeros((), array.dtype)}
        for arrays in (scalar,) if kind == "SpatialMemory" else (others, scalar):
            with pytest.raises(ArchiveError):
                restored(Archive(kind, stored.manifest, arrays))
        if kind == "SpatialMemory":
            continue  # costly; its parts have tests of their own
        for other in (array[:-1], np.concatenate([array, array]), array.astype(np.float32), *extremes(array)):
            with suppress(ArchiveError):
                restored(Archive(kind, stored.manifest, {**others, name: other}))
