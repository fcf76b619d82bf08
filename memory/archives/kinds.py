"""An archive as the memory that it is of, whichever that is."""

from placecell.errors import ArchiveError

from ..archive import Archive
from ..memory import Memory, NoMemory
from ..simple.flat_neighbours import FlatNeighbours
from ..simple.frame_list import FrameList
from ..simple.semantic_grid import SemanticGrid
from ..spatial_memory import SpatialMemory

KINDS: dict[str, type[Memory]] = {
    kind.__name__: kind for kind in (SpatialMemory, FlatNeighbours, FrameList, SemanticGrid, NoMemory)
}


def restored(stored: Archive) -> Memory:
    """The memory that an archive is of.

    Raises:
        ArchiveError: of a class that is not placecell's, or that does not hold together.
    """
    if stored.kind not in KINDS:
        raise ArchiveError(
            expected=f"the archive of a {', '.join(KINDS)}",
            came=f"that of a {stored.kind}",
            fix="load it with the code that saved it",
        )
    memory = KINDS[stored.kind].for_archive(stored)
    memory.unpack(stored)
    return memory
