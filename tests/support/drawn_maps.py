"""Ground maps drawn as text, the northmost row first, and the reading of ways through them."""

import numpy as np

from placecell.agent.policies.columns import NONE, Columns, Gait
from placecell.agent.policies.optimistic_search import search

GAIT = Gait(climb=2, height=15, radius=1)
TALL = 19  # a wall of 1.9 m in voxels of 0.1 m


def drawn(text):
    """``(columns, {letter: (x, y)})``.

    ``.`` and capitals: floor at height 0; ``#``: a wall that nobody saw from above; ``^``: one whose top was
    seen; ``1`` to ``9``: floor at that height, solid below; ``-``: seen free, no floor; ``v``: seen free
    far below, no floor; ``?``: unknown;
    ``!``: floor where the body ran into something once.
    """
    rows = text.split()[::-1]
    columns, places = Columns.empty(len(rows[0]), len(rows)), {}
    for y, row in enumerate(rows):
        for x, sign in enumerate(row):
            columns.seen[x, y] = sign != "?"
            if sign in "-v":
                columns.free[x, y] = {"-": 1, "v": -9}[sign]
            if sign == "#":
                columns.low[x, y], columns.high[x, y] = 0, TALL
            elif sign not in "-?v":
                height = TALL if sign == "^" else int(sign) if sign.isdigit() else 0
                columns.low[x, y], columns.high[x, y] = 0, height
                columns.floors[x, y, 0] = height
            columns.bumped[x, y] = int(sign == "!")
            if sign.isupper():
                places[sign] = (x, y)
    return columns, places


def unknown(across, up):
    """A map of nothing."""
    return Columns.empty(across, up)


def way(columns, start, goal, *, gait=GAIT, start_k=0, goal_k=0, storey=5):
    """The nodes ``(x, y, height, unknown)`` of the cheapest way as tuples."""
    path = search(columns, gait, *start, start_k, *goal, goal_k, storey)
    return [tuple(node) for node in path.tolist()]


def through(text, **options):
    """The way from ``S`` to ``G`` of a drawing."""
    columns, places = drawn(text)
    return way(columns, places["S"], places["G"], **options)


def add_floor(columns, x, y, height):
    """A further floor above those that a column has."""
    layers = columns.floors[x, y]
    layers[int((layers != NONE).sum())] = height
    columns.high[x, y] = height


def gap(columns, node, blocked):
    """Cells from a node to the nearest of the blocked columns."""
    return float(np.hypot(*(np.array(blocked) - node[:2]).T).min())
