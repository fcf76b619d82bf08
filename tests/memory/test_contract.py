import importlib.util
from pathlib import Path

import pytest

from placecell.memory import NoMemory, SpatialMemory

_spec = importlib.util.spec_from_file_location(
    "memory_contract", Path(__file__).parents[1] / "contract" / "memory_contract.py"
)
contract = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(contract)

FACTORIES = {
    "none": NoMemory,
    "full": SpatialMemory,
    "coarse": lambda: SpatialMemory(voxel_size_m=0.37, max_depth_m=3.0, min_depth_m=0.5),
}


@pytest.mark.parametrize("name", FACTORIES)
@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__)
def test_memory(check, name, tmp_path):
    check(FACTORIES[name], tmp_path)
