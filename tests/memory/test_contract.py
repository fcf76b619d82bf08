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
    "octree alone": lambda: SpatialMemory(topology=False, short_term=False, long_term=False),
    "topology alone": lambda: SpatialMemory(octree=False, short_term=False, long_term=False),
    "short term alone": lambda: SpatialMemory(octree=False, topology=False, long_term=False),
    "long term alone": lambda: SpatialMemory(octree=False, topology=False, short_term=False),
    "without octree": lambda: SpatialMemory(octree=False),
    "without topology": lambda: SpatialMemory(topology=False),
    "without short term": lambda: SpatialMemory(short_term=False),
    "without long term": lambda: SpatialMemory(long_term=False),
    "little short term": lambda: SpatialMemory(
        octree=False, topology=False, long_term=False, short_term_capacity=5
    ),
    "means": lambda: SpatialMemory(octree=False, long_term_tokens="mean", leaf_level=2),
    "few items, least used": lambda: SpatialMemory(
        max_items=300, short_term_capacity=20, budget_policy="least_used"
    ),
    "few bytes, redundant": lambda: SpatialMemory(
        max_bytes=500_000, short_term_capacity=20, budget_policy="most_redundant"
    ),
    "few items, farthest, no octree": lambda: SpatialMemory(
        octree=False, max_items=24, short_term_capacity=5, budget_policy="farthest"
    ),
    "frames": FrameList,
    "frames, little": lambda: FrameList(max_bytes=1700, width=8, colour=True),
    "flat": FlatNeighbours,
    "flat, little": lambda: FlatNeighbours(max_bytes=20 * 30, voxel_size_m=0.05),
    "grid": SemanticGrid,
    "grid, little": lambda: SemanticGrid(max_bytes=20 * 60, cell_m=0.5, max_depth_m=2.0),
}


@pytest.mark.parametrize("name", FACTORIES)
@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__)
def test_memory(check, name, tmp_path):
    check(FACTORIES[name], tmp_path)


@pytest.mark.parametrize("name", [name for name in FACTORIES if name.startswith("few") or "s, l" in name])
def test_what_is_small_did_drop_something(name):
    """Else the checks would say nothing of what is dropped."""
    memory = FACTORIES[name]()
    for step in range(8):
        memory.write(contract.frame(step, step))
    assert memory.stats().get("dropped_items", memory.stats().get("dropped")) > 0
