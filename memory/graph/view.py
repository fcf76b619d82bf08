"""A topology graph for people: as a NetworkX graph, and as a picture needs it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from .content import Content
from .place_graph import PlaceGraph

if TYPE_CHECKING:
    import networkx


def as_networkx(content: Content) -> "networkx.Graph":
    """See :meth:`~placecell.memory.topology.TopologyGraph.as_networkx`."""
    import networkx

    graph = networkx.Graph()
    graph.add_nodes_from(_nodes(content))
    graph.add_edges_from(_edges(content))
    return graph


def drawn(content: Content) -> PlaceGraph:
    """Places and edges alone."""
    places, ends = content.places, content.edges.ends
    slots = places.by_id()
    return PlaceGraph(
        places.rows["id"][slots].astype(np.int32),
        places.rows["position"][slots].astype(np.float32),
        ends[np.lexsort((ends[:, 1], ends[:, 0]))].astype(np.int32),
    )


def _nodes(content: Content) -> Iterator[tuple[int, dict[str, object]]]:
    """Every node's id, and what is to be said of it."""
    for kind, table in (("place", content.places), ("landmark", content.landmarks)):
        for slot in table.by_id().tolist():
            rows = table.rows
            said: dict[str, object] = {"kind": kind, "position": tuple(rows["position"][slot].tolist())}
            said |= {name: int(rows[name][slot]) for name in ("visits", "last_seen")}
            if kind == "landmark":
                said["category"] = int(rows["category"][slot])
            yield int(rows["id"][slot]), said


def _edges(content: Content) -> Iterator[tuple[int, int, dict[str, object]]]:
    """Every edge's and every link's two ids, and what is to be said of it."""
    edges, costs = content.edges, content.costs()
    for n, (a, b) in enumerate(edges.ends.tolist()):
        walked: dict[str, object] = {
            "kind": "walk",
            "cost": float(costs[n]),
            "distance_m": float(edges.distances[n]),
            "instruction_cost": float(edges.instructions[n]),
            "walks": int(edges.walks[n]),
        }
        yield a, b, walked
    for landmark, place, times in content.links:
        yield landmark, place, {"kind": "seen", "times": times}
