"""What a walk has seen of a panorama graph: where its panoramas are, and the ways between them."""

import heapq
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from placecell.arrays import Point

from ...perception.panorama import PanoramaPercept


@dataclass(frozen=True)
class Outlook:
    """The ways on from a panorama that was stood at: nodes, directions in the episode's frame, metres."""

    nodes: Int64[np.ndarray, " n"]
    yaws: Float64[np.ndarray, " n"]
    elevations: Float64[np.ndarray, " n"]
    distances: Float64[np.ndarray, " n"]


class KnownWays:
    """Panoramas visited, and those seen from them."""

    def __init__(self) -> None:
        self.visited: dict[int, Outlook] = {}
        self.positions: dict[int, Point] = {}

    def see(self, seen: PanoramaPercept) -> None:
        """Takes in the panorama that the body is at."""
        self.positions[seen.node] = seen.pose.position
        for node, place in zip(seen.candidates.tolist(), seen.positions, strict=True):
            self.positions.setdefault(node, place)
        yaws = seen.pose.yaw_rad + seen.headings
        self.visited[seen.node] = Outlook(seen.candidates, yaws, seen.elevations, seen.distances)

    def metres_from(self, start: int) -> dict[int, float]:
        """How far all that is known is, over ways that leave visited panoramas."""
        return {node: metres for node, (metres, _) in self._walk(start).items()}

    def next_towards(self, start: int, end: int) -> int:
        """The first panorama of the shortest known way from a visited one to another that is known."""
        found, node = self._walk(start), end
        while found[node][1] != start:
            node = found[node][1]
        return node

    def _walk(self, start: int) -> dict[int, tuple[float, int]]:
        """Metres, and the panorama before, of all that can be reached."""
        done: dict[int, tuple[float, int]] = {}
        queue = [(0.0, start, start)]
        while queue:
            metres, node, before = heapq.heappop(queue)
            if node in done:
                continue
            done[node] = metres, before
            outlook = self.visited.get(node)
            if outlook is not None:
                for to, length in zip(outlook.nodes.tolist(), outlook.distances.tolist(), strict=True):
                    heapq.heappush(queue, (metres + length, to, node))
        return done
