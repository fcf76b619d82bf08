"""``agent=graph``: follows R2R's instructions by rules and its memory, without having learned anything.

An honest yardstick between the agents that read nothing and those that were trained: it knows words for turns
and stairs, and names of things where the environment has labels. It supposes several walks, weighs them by
how well their turns, their stairs and the things remembered along them fit the instruction, and goes back
where another becomes more likely than the one that it is on. No parameter was fitted; the few there are were
set by hand on the train fold of R2R's training scans, as were the usual lengths of walks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from placecell.arrays import Point
from placecell.memory import Memory, Query, Retrieval

from ..perception.panorama import PanoramaPercept, panorama_of
from ..perception.percept import Percept
from .follow.known_ways import KnownWays
from .follow.progress import Belief, Progress, Tuning, Ways
from .follow.reading import read_steps
from .follow.things import Mentions
from .policy import Decision, Policy

STOP = 0
_SHOWN = 16
_KEPT = 64
_NEAR_M = 2.5
_RECALLED = 8


@dataclass(frozen=True, eq=False)
class Supposed:
    """A walk that may be the one meant, up to a panorama.

    Args:
        path: its nodes; ``yaw_rad``: where it looks there, the episode's frame.
        weight: logarithm of how well it fits so far; ``belief``: over the steps begun.
    """

    path: tuple[int, ...]
    yaw_rad: float
    weight: float
    belief: Belief = field(repr=False)

    @property
    def moves(self) -> int:
        """From panorama to panorama."""
        return len(self.path) - 1


@dataclass(frozen=True)
class Choosing:
    """How walks are chosen between; set by hand, as :class:`~.follow.progress.Tuning`.

    Args:
        patience: what a metre of the way to another walk costs.
        typical: what a move that is still to be made costs.
        goal: what a remembered thing that the instruction ends at weighs, near a walk's end.
    """

    patience: float = 0.3
    typical: float = 1.3
    goal: float = 0.5


class GraphPolicy(Policy):
    """See the module.

    Args:
        memory: what the loop writes to; it is asked where things are that the instruction names.
        mentions: finds those.
        choosing: between walks; ``tuning``: of the weights of ways.
    """

    def __init__(
        self,
        memory: Memory,
        mentions: Mentions,
        *,
        choosing: Choosing | None = None,
        tuning: Tuning | None = None,
    ) -> None:
        self._memory, self._mentions = memory, mentions
        self._choosing, self._tuning = choosing or Choosing(), tuning or Tuning()

    def begin_episode(self, rng: np.random.Generator) -> None:
        """Forgets the last instruction and its walks."""
        self._known = KnownWays()
        self._supposed: list[Supposed] = []
        self._progress: Progress | None = None

    def decide(self, percept: Percept, retrieval: Retrieval) -> Decision:
        """One move towards the likeliest walk's end, or stop there."""
        seen = panorama_of(percept)
        first = self._progress is None
        progress = self._progress or self._begin(seen)
        self._known.see(seen)
        self._expand(progress, seen.pose.position)
        goals = None if percept.query.category is None else [item.position for item in retrieval.items]
        ranked = self._ranked(seen.node, progress, goals)
        trace = self._trace(ranked, progress, first)
        if not ranked or ranked[0][1].path[-1] == seen.node:
            return Decision(STOP, {"mode": "stop", **trace})
        end = ranked[0][1].path[-1]
        following = self._known.next_towards(seen.node, end)
        mode = {"mode": "go back" if following in self._known.visited else "follow"}
        if seen.ways == "global":
            return Decision(end + 1, {**mode, **trace})
        slot = int(np.flatnonzero(seen.candidates == following)[0])
        return Decision(int(seen.actions[slot]), {**mode, **trace})

    def _begin(self, seen: PanoramaPercept) -> Progress:
        """Reads the instruction, and supposes a walk of no moves."""
        steps = read_steps(seen.instruction)
        self._progress = progress = Progress(steps, usual_moves(seen.instruction), self._tuning)
        self._named = [self._mentions.of(step) for step in steps]
        self._supposed = [Supposed((seen.node,), seen.pose.yaw_rad, 0.0, progress.at_start())]
        return progress

    def _expand(self, progress: Progress, here: Point) -> None:
        """Goes on with all walks that end where the body was by now, as far as they may go."""
        places: list[Point] | None = None
        remembered: dict[int, list[Point]] = {}
        while True:
            ready = [
                s for s in self._supposed if s.moves < progress.moves and s.path[-1] in self._known.visited
            ]
            if not ready:
                break
            if places is None:
                places, remembered = [], self._remembered(here)
            self._supposed = [s for s in self._supposed if s not in ready]
            for one in ready:
                self._supposed += self._onward(one, progress, remembered)
        self._supposed = sorted(self._supposed, key=lambda s: -s.weight)[:_KEPT]

    def _onward(
        self, one: Supposed, progress: Progress, remembered: dict[int, list[Point]]
    ) -> list[Supposed]:
        """The walks that are one move longer; none goes back to where it was."""
        outlook = self._known.visited[one.path[-1]]
        new = [n for n, node in enumerate(outlook.nodes.tolist()) if node not in one.path]
        if not new:
            return []
        nodes = outlook.nodes[new].tolist()
        things = np.array(
            [[self._is_near(node, named, remembered) for node in nodes] for named in self._named], np.float64
        )
        turns = outlook.yaws[new] - one.yaw_rad
        ways = Ways(turns, outlook.elevations[new], outlook.distances[new], things)
        shares, beliefs = progress.weigh(one.belief, one.moves, ways)
        return [
            Supposed(
                (*one.path, node),
                float(outlook.yaws[new[n]]),
                one.weight + float(np.log(shares[n])),
                beliefs[n],
            )
            for n, node in enumerate(nodes)
        ]

    def _remembered(self, here: Point) -> dict[int, list[Point]]:
        """Where the memory has what the instruction names."""
        found = {}
        for category in {category for named in self._named for category in named}:
            query = Query(position=here, radius_m=1e3, category=category)
            found[category] = [item.position for item in self._memory.retrieve(query, _RECALLED).items]
        return found

    def _is_near(self, node: int, named: Sequence[int], remembered: dict[int, list[Point]]) -> bool:
        place = self._known.positions[node]
        return any(
            float(np.linalg.norm(at - place)) < _NEAR_M for category in named for at in remembered[category]
        )

    def _ranked(
        self, here: int, progress: Progress, goals: Sequence[Point] | None
    ) -> list[tuple[float, Supposed]]:
        """The walks by what speaks for them less what it costs to get there, the best first.

        Args:
            here: where the body is.
            progress: along the instruction.
            goals: where the memory has what the instruction ends at; None where it names no such thing.
        """
        metres, c = self._known.metres_from(here), self._choosing
        ranked = []
        for one in self._supposed:
            worth = one.weight - c.typical * (progress.moves - one.moves)
            worth += c.goal * self._speaks_for(one, goals) - c.patience * metres[one.path[-1]]
            ranked.append((worth, one))
        return sorted(ranked, key=lambda pair: -pair[0])

    def _speaks_for(self, one: Supposed, goals: Sequence[Point] | None) -> int:
        """1: what the instruction ends at is near the walk's end; -1: the body was there and it is not."""
        if goals is None:
            return 0
        place = self._known.positions[one.path[-1]]
        if any(float(np.linalg.norm(at - place)) < _NEAR_M for at in goals):
            return 1
        return -1 if one.path[-1] in self._known.visited else 0

    def _trace(
        self, ranked: Sequence[tuple[float, Supposed]], progress: Progress, first: bool
    ) -> dict[str, object]:
        """What replay shows: the step that the walk is in, and where the walks that are weighed end."""
        spans = [[step.begin, step.end] for step in progress.steps]
        told: dict[str, object] = {"clauses": spans} if first else {}
        if not ranked:
            return {**told, "clause": spans[-1], "hypotheses": []}
        best = max(worth for worth, _ in ranked)
        weights = [float(np.exp(worth - best)) for worth, _ in ranked[:_SHOWN]]
        shown = []
        for weight, (_, one) in zip(weights, ranked, strict=False):
            x, y, _ = self._known.positions[one.path[-1]].tolist()
            shown.append(
                [round(x, 3), round(y, 3), round(weight / sum(weights), 4), progress.current(one.belief)]
            )
        return {**told, "clause": spans[progress.current(ranked[0][1].belief)], "hypotheses": shown}


def usual_moves(instruction: str) -> int:
    """How many moves the walks of R2R have whose instructions are as long: 4, 5 or 6."""
    words = len(instruction.split())
    return 4 if words < 20 else 5 if words < 28 else 6
