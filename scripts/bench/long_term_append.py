"""Appends one by one: by the memory's own write, with its checks, against an insert of hnswlib."""

import numpy as np

from placecell.memory.long_term import LongTermMemory

from .long_term_made import World
from .long_term_peers import Hnswlib
from .memory_turns import compared, spent
from .row import Row


def rows(made: World, count: int, inserted: int) -> tuple[list[Row], Hnswlib]:
    """Appends, and hnswlib's graph.

    Args:
        made: the observations; from the last on the first again.
        count: how many are appended.
        inserted: how many of them hnswlib gets, which takes minutes for 100,000. Each costs more than those
            before, so that this speaks for it.
    """
    own = LongTermMemory()
    _append(own, made, 1)
    own.clear()
    taken = spent(_append, own, made, count)
    graph = Hnswlib(made.vectors.shape[1], inserted)
    given = spent(_insert, graph, made, inserted)
    own.drop(np.arange(inserted))
    again = spent(_append, own, made, inserted)
    name, peer = f"append_{count}_one_by_one", f"hnswlib add_items, {inserted} rows one by one"
    return [
        compared(name, (count / taken, inserted / given), "rows/s", peer, 100, of="hnswlib insert"),
        Row(f"append_{inserted}_after_drop", inserted / again, "rows/s"),
    ], graph


def _append(memory: LongTermMemory, made: World, count: int) -> None:
    held, leaves = len(made.vectors), made.leaves.tolist()
    vectors, positions = list(made.vectors), list(made.positions)
    for row in range(count):
        at = row % held
        memory.write(vectors[at], positions[at], row, leaf=leaves[at], node=row & 1023)


def _insert(graph: Hnswlib, made: World, count: int) -> None:
    for row in range(count):
        graph.add(made.vectors[row : row + 1])
