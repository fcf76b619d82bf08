import importlib.util
from pathlib import Path

import pytest

from placecell.memory import FlatNeighbours, FrameList, NoMemory, SemanticGrid, SpatialMemory

_spec = importlib.util.spec_from_file_location(
    "memory_contract", Path(__file__).parents[1] / "contract" / "memory_contract.py"
)
contract = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(contract)

FACTORIES = {
    "none": NoMemory,
    "full": SpatialMemory,
    "coarse": lambda: SpatialMemory(voxel_size_m=0.37, max_depth_m=3.0, min_depth_m=0.5),
    "octree alone": lambda: SpatialMemory(topology=False, short_term=False),
    "topology alone": lambda: SpatialMemory(octree=False, short_term=False),
    "short term alone": lambda: SpatialMemory(octree=False, topology=False),
    "without octree": lambda: SpatialMemory(octree=False),
    "without topology": lambda: SpatialMemory(topology=False),
    "without short term": lambda: SpatialMemory(short_term=False),
    "little short term": lambda: SpatialMemory(octree=False, topology=False, short_term_capacity=5),
    "frames": FrameList,
    "frames, little": lambda: FrameList(max_bytes=1700, width=8, colour=True),
    "flat": FlatNeighbours,
    "flat, little": lambda: FlatNeighbours(max_bytes=20 * 30, voxel_size_m=0.05),
    "grid": SemanticGrid,
    "grid, little": lambda: SemanticGrid(max_bytes=20 * 99, cell_m=0.5, max_depth_m=2.0),
}


@pytest.mark.parametrize("name", FACTORIES)
@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__)
def test_memory(check, name, tmp_path):
    check(FACTORIES[name], tmp_path)
