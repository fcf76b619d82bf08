"""What the first calls take: compiling, or reading what was compiled before, in processes of its own.

Numba keeps what it compiled on disk, so that the measurements after this compile nothing; two processes at
once, since one would make the quick form wait.
"""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from placecell.arrays import generator
from placecell.errors import WorkerError
from placecell.geometry import Pinhole
from placecell.memory import Frame, SparseOctree

from . import memory_graph
from .row import Row

_SIDE, _WIDTH = 32, 256


def rows() -> list[Row]:
    """CPU seconds of the first calls of each part, with what they import left out.

    Raises:
        WorkerError: one of the processes failed.
    """
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(_elsewhere, (("insert",), ("queries", "graph")))
        taken = {name: seconds for part in found for name, seconds in part.items()}
    return [Row(f"first_calls_{name}", seconds, "s") for name, seconds in taken.items()]


def _elsewhere(names: tuple[str, ...]) -> dict[str, float]:
    """CPU seconds of these calls in a process of their own."""
    ended = subprocess.run([sys.executable, "-m", __name__, *names], capture_output=True, text=True)
    if ended.returncode:
        raise WorkerError(
            expected="the memory's first calls to come to their end",
            came=(ended.stderr.strip().splitlines() or ["nothing printed"])[-1],
            fix=f"run that by hand: python -m {__name__} insert queries graph",
        )
    seconds: dict[str, float] = json.loads(ended.stdout)
    return seconds


def insert() -> float:
    """Every way of insertion."""
    start = time.process_time()
    for width in (0, _WIDTH):
        SparseOctree(feature_width=width).insert(_frame(), 10.0)
    octree = SparseOctree()
    octree.insert_points(np.ones((2, 3)), np.zeros(3))
    octree.states_in_box(*octree.bounds())
    return time.process_time() - start


def queries() -> float:
    """Every question that is measured."""
    octree, points = SparseOctree(), np.ones((1, 3))
    start = time.process_time()
    octree.occupied()
    octree.find(points)
    octree.within(points, 0.25)
    octree.nearest_many(points, 1)
    return time.process_time() - start


def graph() -> float:
    """Places, ways between them and what they cost."""
    start = time.process_time()
    streets, places = memory_graph.build(memory_graph.generated_streets(4, 1))
    a, b = int(places[0]), int(places[-1])
    streets.route(a, b)
    streets.costs_from(a)
    return time.process_time() - start


def _frame() -> Frame:
    rng = generator(0, "memory bench, first calls")
    size = (_SIDE, _SIDE)
    return Frame(
        np.eye(4),
        Pinhole.from_hfov(_SIDE, _SIDE, 1.5),
        rng.uniform(1, 3, size).astype(np.float32),
        rng.integers(0, 256, (*size, 3), dtype=np.uint8),
        rng.integers(0, 3, size),
        features=rng.standard_normal((2, 2, _WIDTH), dtype=np.float32),
    )


if __name__ == "__main__":
    _CALLS = {"insert": insert, "queries": queries, "graph": graph}
    print(json.dumps({name: _CALLS[name]() for name in sys.argv[1:]}))
