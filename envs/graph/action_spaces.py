"""What an agent can do on a panorama graph, by name. All are ``Discrete``; 0 is stop everywhere.

- ``local``: go to one of the candidates of the observation.
- ``global``: go to any place that is known, a panorama visited or a candidate of one; the walk there leads
  over known edges, one by one, and is paid for in full.
- ``orar`` (streets): forward, left, right. Forward follows the edge ahead, and the body then looks along the
  edge of the new panorama that is nearest to its heading; a turn goes to the next edge on that side; nothing
  leads into a panorama with fewer than two neighbours. Source: Touchdown's navigator (Chen et al. 2019) as in
  the code of Schumann and Riezler 2022, "Analyzing Generalization of Vision and Language Navigation to Unseen
  Outdoor Areas".
- ``velma`` (streets): forward, left, right, turn around, after the navigator of Schumann et al. 2024, "VELMA:
  Verbalization Embodiment of LLM Agents for Vision and Language Navigation in Street View". The heading stays
  that of the last edge walked. On arrival at an intersection forward is the middle one of the ways on, left
  and right are counted from there; on a plain stretch left and right are taken as forward. Where VELMA ends
  an episode, in a dead end without turning around, nothing moves here: only stop terminates.
"""

import heapq
import math
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, runtime_checkable

import numpy as np

from placecell.errors import ConfigError
from placecell.geometry import wrap_angle

from .panorama_graph import PanoramaGraph

STOP, FORWARD, LEFT, RIGHT, TURN_AROUND = range(5)
MOST_STEPS = {"local": 35, "global": 35, "orar": 55, "velma": 55}
"""Steps of an episode, stop included: what the agents that use an action space are commonly given. 35: the
longest that R2R's agents walk (Tan et al. 2019, "Learning to Navigate Unseen Environments"); 55: the street
navigators above, turns included."""

_SAME_RAD = 1e-6


@dataclass(frozen=True)
class Stand:
    """Where a body stands and looks.

    Args:
        node: of the graph; ``yaw_rad``, ``pitch_rad``: where it looks, world frame.
        came_from: the node it stood at one action before, the same one after a turn; None at the start.
    """

    node: int
    yaw_rad: float
    pitch_rad: float = 0.0
    came_from: int | None = None


@runtime_checkable
class ActionSpace(Protocol):
    """Names of actions, and what each does."""

    names: tuple[str, ...]

    def moves(
        self, graph: PanoramaGraph, stand: Stand, visited: Collection[int], action: int
    ) -> tuple[Stand, ...]:
        """The stands that an action leads through, the last one being where it ends; none: not possible."""

    def towards(self, graph: PanoramaGraph, stand: Stand, node: int) -> int | None:
        """The first action on the way to a neighbour; None where none leads there."""


def make_action_space(name: str, *, most_neighbours: int, most_nodes: int) -> ActionSpace:
    """An action space by its name.

    Args:
        name: see the module.
        most_neighbours: of any panorama of the dataset's graphs.
        most_nodes: of any of these graphs.

    Raises:
        ConfigError: there is none of that name.
    """
    made: dict[str, Callable[[], ActionSpace]] = {
        "local": lambda: Local(most_neighbours),
        "global": lambda: Global(most_nodes),
        "orar": Orar,
        "velma": Velma,
    }
    if name not in made:
        raise ConfigError(
            expected=f"env.actions of {', '.join(made)}", came=repr(name), fix="choose one of them"
        )
    return made[name]()


class Local:
    """A candidate, or stop."""

    def __init__(self, most_neighbours: int) -> None:
        self.names = ("stop", *(f"candidate_{n}" for n in range(most_neighbours)))

    def moves(
        self, graph: PanoramaGraph, stand: Stand, visited: Collection[int], action: int
    ) -> tuple[Stand, ...]:
        """Action ``i + 1`` goes to the ``i``-th neighbour, and looks along the way that it came."""
        edge = int(graph.first[stand.node]) + action - 1
        return (_along(graph, stand.node, edge),) if edge < graph.first[stand.node + 1] else ()

    def towards(self, graph: PanoramaGraph, stand: Stand, node: int) -> int | None:
        """The neighbour's place in the list."""
        found = np.flatnonzero(graph.neighbours(stand.node) == node)
        return int(found[0]) + 1 if len(found) else None


class Global:
    """A known place, or stop."""

    def __init__(self, most_nodes: int) -> None:
        self.names = ("stop", *(f"node_{n}" for n in range(most_nodes)))

    def moves(
        self, graph: PanoramaGraph, stand: Stand, visited: Collection[int], action: int
    ) -> tuple[Stand, ...]:
        """Action ``node + 1`` walks the shortest way that is known; none to where it stands already."""
        path = known_way(graph, visited, stand.node, action - 1)
        return tuple(_along(graph, a, graph.edge(a, b)) for a, b in pairwise(path))

    def towards(self, graph: PanoramaGraph, stand: Stand, node: int) -> int | None:
        """The neighbour itself."""
        return node + 1 if node in graph.neighbours(stand.node) else None


class _Turning:
    """Walking by turns: what leads to a neighbour is found by trying."""

    names: tuple[str, ...]

    def moves(
        self, graph: PanoramaGraph, stand: Stand, visited: Collection[int], action: int
    ) -> tuple[Stand, ...]:
        """As :meth:`ActionSpace.moves`."""
        raise NotImplementedError

    def towards(self, graph: PanoramaGraph, stand: Stand, node: int) -> int | None:
        """The first of the fewest actions that end at the neighbour, all but the last of them turns."""
        queue: deque[tuple[Stand, int | None]] = deque([(stand, None)])
        tried = {(stand.yaw_rad, stand.came_from)}
        while queue:
            here, first = queue.popleft()
            for action in range(1, len(self.names)):
                for there in self.moves(graph, here, (), action):
                    chosen = action if first is None else first
                    if there.node == node:
                        return chosen
                    if there.node == stand.node and (there.yaw_rad, there.came_from) not in tried:
                        tried.add((there.yaw_rad, there.came_from))
                        queue.append((there, chosen))
        return None


class Orar(_Turning):
    """Forward, left, right, stop."""

    names: tuple[str, ...] = ("stop", "forward", "left", "right")

    def moves(
        self, graph: PanoramaGraph, stand: Stand, visited: Collection[int], action: int
    ) -> tuple[Stand, ...]:
        """One step of the navigator; none where it would stay as it is."""
        node = stand.node
        if action == FORWARD:
            ahead = facing(graph, node, stand.yaw_rad)
            to = node if ahead is None else int(graph.other[ahead])
            edge = nearest(graph, to, stand.yaw_rad)
        else:
            to, edge = node, _next_edge(graph, node, stand.yaw_rad, action)
        if edge is None or len(graph.neighbours(to)) < 2:
            return ()
        there = Stand(to, float(graph.yaw[edge]), 0.0, node)
        return () if (to, there.yaw_rad) == (node, stand.yaw_rad) else (there,)


class Velma(_Turning):
    """Forward, left, right, turn around, stop."""

    names: tuple[str, ...] = ("stop", "forward", "left", "right", "turn_around")

    def moves(
        self, graph: PanoramaGraph, stand: Stand, visited: Collection[int], action: int
    ) -> tuple[Stand, ...]:
        """One step of the navigator; none where it would stay as it is."""
        node, ways = stand.node, len(graph.neighbours(stand.node))
        if action == TURN_AROUND:
            edge = nearest(graph, node, wrap_angle(stand.yaw_rad + math.pi))
        elif ways < 2:
            edge = facing(graph, node, stand.yaw_rad) if action == FORWARD else None
        elif ways == 2:
            action, edge = FORWARD, nearest(graph, node, stand.yaw_rad)
        else:
            edge = facing(graph, node, stand.yaw_rad) if action == FORWARD else None
            edge = self._at_intersection(graph, stand, action) if edge is None else edge
        if edge is None:
            return ()
        to = int(graph.other[edge]) if action == FORWARD else node
        there = Stand(to, float(graph.yaw[edge]), 0.0, node)
        return () if (to, there.yaw_rad) == (node, stand.yaw_rad) else (there,)

    def _at_intersection(self, graph: PanoramaGraph, stand: Stand, action: int) -> int | None:
        """The edge that a word means where three ways or more meet."""
        edges = list(range(graph.first[stand.node], graph.first[stand.node + 1]))
        ahead = stand.yaw_rad
        if stand.came_from not in (None, stand.node):
            edges = [edge for edge in edges if graph.other[edge] != stand.came_from] or edges
            by_side = sorted(edges, key=lambda edge: -_left_of(graph, edge, stand.yaw_rad))
            if len(graph.neighbours(stand.node)) == 3 and action in (LEFT, RIGHT):
                return by_side[0] if action == LEFT else by_side[-1]
            half = len(by_side) // 2
            middle = by_side[half - 1 : half + 1] if len(by_side) % 2 == 0 else by_side[half : half + 1]
            forward = min(middle, key=lambda edge: abs(_left_of(graph, edge, stand.yaw_rad)))
            ahead = float(graph.yaw[forward])
        if action == FORWARD:
            return nearest(graph, stand.node, ahead)
        side = 1 if action == LEFT else -1
        others = [edge for edge in edges if abs(_left_of(graph, edge, ahead)) > _SAME_RAD]
        return min(others, key=lambda edge: side * _left_of(graph, edge, ahead) % (2 * math.pi), default=None)


def facing(graph: PanoramaGraph, node: int, yaw_rad: float) -> int | None:
    """The edge that leads exactly where a body looks, or None."""
    edge = nearest(graph, node, yaw_rad)
    return edge if edge is not None and abs(_left_of(graph, edge, yaw_rad)) < _SAME_RAD else None


def nearest(graph: PanoramaGraph, node: int, yaw_rad: float) -> int | None:
    """The edge of a node that is nearest to a heading, of two the first; None where it has no edge."""
    edges = range(graph.first[node], graph.first[node + 1])
    return min(edges, key=lambda edge: round(abs(_left_of(graph, edge, yaw_rad)), 9), default=None)


def known_way(graph: PanoramaGraph, visited: Collection[int], start: int, end: int) -> tuple[int, ...]:
    """The shortest walk over edges that leave visited nodes, both ends included; none where none is known."""
    done: dict[int, int] = {}
    queue = [(0.0, start, start)]
    while queue:
        metres, node, before = heapq.heappop(queue)
        if node in done:
            continue
        done[node] = before
        if node == end:
            return _back(done, start, end)
        if node in visited:
            for edge in range(graph.first[node], graph.first[node + 1]):
                heapq.heappush(queue, (metres + float(graph.length_m[edge]), int(graph.other[edge]), node))
    return ()


def _back(before: dict[int, int], start: int, end: int) -> tuple[int, ...]:
    path = [end]
    while path[-1] != start:
        path.append(before[path[-1]])
    return tuple(reversed(path))


def _along(graph: PanoramaGraph, node: int, edge: int) -> Stand:
    return Stand(int(graph.other[edge]), float(graph.yaw[edge]), float(graph.pitch[edge]), node)


def _next_edge(graph: PanoramaGraph, node: int, yaw_rad: float, action: int) -> int | None:
    """The first edge on one side of a heading, all the way round."""
    side = 1 if action == LEFT else -1
    edges = range(graph.first[node], graph.first[node + 1])
    others = [edge for edge in edges if abs(_left_of(graph, edge, yaw_rad)) > _SAME_RAD]
    return min(others, key=lambda edge: side * _left_of(graph, edge, yaw_rad) % (2 * math.pi), default=None)


def _left_of(graph: PanoramaGraph, edge: int, yaw_rad: float) -> float:
    """How far to the left of a heading an edge leads, in (-pi, pi]."""
    return wrap_angle(float(graph.yaw[edge]) - yaw_rad)
