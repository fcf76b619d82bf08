"""The graph of panoramas around an episode, as a header keeps it: rounded, and never more than so much."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from placecell.arrays import Points

from .plain import points_of

MOST_NODES, MOST_EDGES = 4000, 16_000
"""A Matterport scan has 350 panoramas at most; of wider graphs what lies nearest to the route is kept."""


@dataclass(frozen=True)
class Surroundings:
    """Panoramas, the ways between them, and the route that was described.

    Args:
        nodes: (n, 3) metres, the episode's frame.
        edges: (e, 2) indices of ``nodes``.
        gold: (g, 3) the route's panoramas, metres, start first; none where the dataset keeps it secret.
        left_out: how many panoramas were not kept, for there were too many.
    """

    nodes: Points
    edges: Int64[np.ndarray, "e 2"]
    gold: Float[np.ndarray, "g 3"]
    left_out: int = 0

    @classmethod
    def of(cls, plain: Any) -> "Surroundings":
        """From plain JSON: ``nodes``, ``edges``, ``gold``, and ``left_out`` of a recording.

        Raises:
            ValueError: it is none: a point that is not finite, an edge to a node that is not there.
        """
        if not isinstance(plain, Mapping) or not {"nodes", "edges"} <= plain.keys():
            raise ValueError(f"{plain!r:.80} where nodes and edges belong")
        nodes, gold = points_of(plain["nodes"]), points_of(plain.get("gold") or [])
        if not (np.isfinite(nodes).all() and np.isfinite(gold).all()):
            raise ValueError("a point that is not finite")
        left_out = plain.get("left_out", 0)
        if type(left_out) is not int or left_out < 0:
            raise ValueError(f"left_out {left_out!r:.80}")
        return cls(nodes, _edges_of(plain["edges"], len(nodes)), gold, left_out)

    def bounded(self) -> "Surroundings":
        """At most so many: the panoramas nearest to the route (without one: to the origin)."""
        if len(self.nodes) <= MOST_NODES and len(self.edges) <= MOST_EDGES:
            return self
        from scipy.spatial import cKDTree

        middle = self.gold if len(self.gold) else np.zeros((1, 3))
        away_m = cKDTree(middle).query(self.nodes)[0]
        most = MOST_NODES
        while True:
            kept = np.sort(np.argsort(away_m, kind="stable")[:most])
            number = np.full(len(self.nodes), -1)
            number[kept] = np.arange(len(kept))
            edges = number[self.edges]
            edges = edges[(edges >= 0).all(axis=1)]
            if len(edges) <= MOST_EDGES:
                left_out = self.left_out + len(self.nodes) - len(kept)
                return Surroundings(self.nodes[kept], edges, self.gold, left_out)
            most //= 2

    def to_line(self) -> str:
        """Compact JSON, millimetres kept."""
        plain: dict[str, object] = {
            "nodes": np.round(self.nodes, 3).tolist(),
            "edges": self.edges.tolist(),
            "gold": np.round(self.gold, 3).tolist(),
        }
        if self.left_out:
            plain["left_out"] = self.left_out
        return json.dumps(plain, separators=(",", ":"), allow_nan=False)


def _edges_of(plain: Any, count: int) -> Int64[np.ndarray, "e 2"]:
    if not isinstance(plain, list) or not all(
        isinstance(edge, list | tuple) and len(edge) == 2 for edge in plain
    ):
        raise ValueError(f"{plain!r:.80} where edges [i, j] belong")
    odd = next((e for e in plain if not all(type(n) is int and 0 <= n < count for n in e)), None)
    if odd is not None:
        raise ValueError(f"the edge {odd!r:.80} among {count} nodes")
    return np.array(plain, np.int64).reshape(-1, 2)
