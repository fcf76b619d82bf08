"""The memory's graph of places as it grew: what each step changed of it, as plain JSON."""

from collections.abc import Iterable

import numpy as np

from placecell.memory import PlaceGraph

from .from_above import Layers

Change = dict[str, list[list[float]]]
"""``put``: [id, x, y, layer] of new or moved places; ``gone``: [id]; ``join``, ``part``: [id, id]."""


def changes_of(graphs: Iterable[PlaceGraph | None], layers: Layers) -> list[Change | None] | None:
    """Of each step what it changed, None for nothing; None altogether where no step knew a place.

    Args:
        graphs: after each step, None where it was as before.
        layers: the storeys walked on; a place is on the one whose floor is nearest below its camera.
    """
    places: dict[int, list[float]] = {}
    edges: set[tuple[int, int]] = set()
    changes: list[Change | None] = []
    for graph in graphs:
        if graph is None:
            changes.append(None)
            continue
        found = {
            node: [float(node), round(x, 2), round(y, 2), float(_layer(z, layers))]
            for node, (x, y, z) in zip(graph.ids.tolist(), graph.positions.tolist(), strict=True)
        }
        ways = {(a, b) for a, b in graph.edges.tolist()}
        change = {
            "put": [place for node, place in found.items() if places.get(node) != place],
            "gone": [[float(node)] for node in sorted(places.keys() - found.keys())],
            "join": [[float(a), float(b)] for a, b in sorted(ways - edges)],
            "part": [[float(a), float(b)] for a, b in sorted(edges - ways)],
        }
        changes.append({name: said for name, said in change.items() if said} or None)
        places, edges = found, ways
    return changes if any(changes) else None


def _layer(z_m: float, layers: Layers) -> int:
    below = np.array(layers.floors_m) - z_m
    return int(np.argmin(np.where(below <= 0, -below, np.inf))) if bool((below <= 0).any()) else 0
