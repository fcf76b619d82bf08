"""What is remembered: usable alone, without environments or agents.

>>> import numpy as np
>>> from placecell.memory import Query, SpatialMemory
>>> memory = SpatialMemory(voxel_size_m=0.1, max_depth_m=5.0)
>>> memory.retrieve(Query(position=np.zeros(3), radius_m=1.0), k=3).items
()
"""

from .archive import Archive
from .budget import Budget
from .frame import Frame
from .graph.place_graph import PlaceGraph
from .growth import GrowingMap, Growth
from .long_term import LongTermEntry, LongTermMemory
from .memory import Memory, NoMemory
from .octree import FREE, OCCUPIED, UNKNOWN, SparseOctree
from .retrieval import Gate, MemoryItem, Query, Retrieval
from .short_term import ShortTermMemory
from .simple.flat_neighbours import FlatNeighbours
from .simple.frame_list import FrameList
from .simple.semantic_grid import SemanticGrid
from .spatial_memory import SpatialMemory
from .topology import TopologyGraph
from .upkeep.usage import Usage
from .voxel.voxels import Voxels

__all__ = [
    "FREE",
    "OCCUPIED",
    "UNKNOWN",
    "Archive",
    "Budget",
    "FlatNeighbours",
    "Frame",
    "FrameList",
    "Gate",
    "GrowingMap",
    "Growth",
    "LongTermEntry",
    "LongTermMemory",
    "Memory",
    "MemoryItem",
    "NoMemory",
    "PlaceGraph",
    "Query",
    "Retrieval",
    "SemanticGrid",
    "ShortTermMemory",
    "SparseOctree",
    "SpatialMemory",
    "TopologyGraph",
    "Usage",
    "Voxels",
]
