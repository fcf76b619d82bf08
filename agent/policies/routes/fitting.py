"""How the numbers of street routes were found: a conditional logit of where people's routes stop.

``habits.json`` is what :func:`write` gives on the even half of a dataset's episodes (see
:mod:`~placecell.envs.graph.folds`); the odd half has no part in it. Run again with::

    python -c "from placecell.agent.policies.routes.fitting import write; write()"
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from placecell.arrays import atomic_write
from placecell.envs.folders import data_folder
from placecell.envs.graph.datasets import read_dataset
from placecell.envs.graph.folds import chosen
from placecell.envs.graph.instructed import InstructedEpisode, nodes_of
from placecell.envs.graph.manhattan import load_streets
from placecell.envs.graph.panorama_graph import PanoramaGraph
from placecell.memory.hypotheses import Hypotheses

from .clauses import Route
from .following import STATE_WIDTH
from .intersections import Intersection, way_in, ways_on
from .reading import read_route
from .stopping import GENERAL, SHIPPED, Habits
from .weighing import RouteWeights, branches, chances, taken

PENALTY = 2.0
_MOST_GAP = 40
_DATASETS = ("map2seq_unseen", "touchdown_unseen")
_SHAPES = {"map2seq_unseen": (34, 44, 1), "touchdown_unseen": (3, 54, 4), GENERAL: (3, 54, 4)}
_FARTHEST = 80
_ROUGH = (2.0, -1.0, -1.5, -1.0, 1.0, -0.5, -0.5, 0.0, -0.5, -0.5, 1.0, -3.0, -1.0, -1.0, 0.55)


@dataclass(frozen=True)
class Walked:
    """A route as people walked it, with what a walker on it met.

    Args:
        route: the instruction as read; ``moves``: how many it has.
        intersections: steps, also of those straight on beyond its end.
        since: the step at which its last clause was done, by the heaviest guess that all are; None: none is.
        surprise: minus the log of how likely the ways it took were held to be.
    """

    route: Route
    moves: int
    intersections: tuple[int, ...]
    since: int | None
    surprise: float


def walk(graph: PanoramaGraph, episode: InstructedEpisode, weights: RouteWeights, beyond: int) -> Walked:
    """Follows a route's gold path and on straight ahead, ``beyond`` moves from its start in all."""
    route, path = read_route(episode.instruction), list(nodes_of(graph, episode))
    hypotheses, surprise = Hypotheses(STATE_WIDTH), 0.0
    met: list[int] = []
    hypotheses.begin({(0, -1): 1.0})
    moves = len(path) - 1
    for step in range(beyond):
        neighbours, headings = _around(graph, path[step])
        came = way_in(list(graph.positions[path[: step + 1]]), episode.start_yaw_rad)
        on, turns = ways_on(neighbours, headings, path[step - 1] if step else None, came)
        if step >= moves:
            if len(neighbours) < 2:
                break
            path.append(neighbours[on[int(np.abs(turns).argmin())]])
        if len(neighbours) <= 2:
            continue
        gold = [n for n, index in enumerate(on) if neighbours[index] == path[step + 1]]
        if step < moves and len(on) > 1 and gold:
            gap = step - met[-1] if met else None
            place = Intersection(turns, len(neighbours), gap, first=step == 0)
            ways = branches(route.clauses, hypotheses.present, place, step, weights)
            surprise -= float(np.log(chances(ways)[gold[0]]))
            hypotheses.grow(taken(ways, gold[0]), step)
        met.append(step)
    since = [guess.state[1] for guess in hypotheses.present if guess.state[0] == len(route.clauses)]
    return Walked(route, moves, tuple(met), since[0] if since else None, surprise)


def fit(name: str, walks: Sequence[Walked], penalty: float = PENALTY) -> Habits:
    """The habits that make the ends of some routes likeliest, the weights held small by ``penalty``."""
    shortest, longest, length_bin = _SHAPES[name]
    empty = Habits(name, shortest, longest, length_bin, np.zeros(0), _gaps(walks))
    rows = []
    for walked in walks:
        if walked.since is None:
            continue
        steps, speaks = empty.choices(walked.route.ending.kind, walked.intersections, walked.since)
        if walked.moves in steps:
            rows.append((speaks, int(np.flatnonzero(steps == walked.moves)[0])))

    def cost(weights: np.ndarray) -> tuple[float, np.ndarray]:
        total, slope = 0.5 * penalty * float(weights @ weights), penalty * weights
        for speaks, end in rows:
            logits = weights[speaks].sum(1)
            share = np.exp(logits - logits.max())
            share /= share.sum()
            total -= float(np.log(share[end] + 1e-12))
            share[end] -= 1
            np.add.at(slope, speaks.ravel(), np.repeat(share, speaks.shape[1]))
        return total, slope

    found = minimize(cost, np.zeros(empty.size), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return Habits(name, shortest, longest, length_bin, found.x, empty.gaps)


def fit_weights(
    graph: PanoramaGraph, episodes: Sequence[InstructedEpisode], rounds: int = 4, pull: float = 0.05
) -> RouteWeights:
    """The weights under which people's turns surprise least, from rough guesses, one at a time.

    Args:
        graph: with the ``episodes`` on it.
        rounds: through all weights; a step that helps neither way is halved.
        pull: towards the guesses, on the squares of the differences.
    """
    guess = RouteWeights(*_ROUGH)
    names = [each.name for each in fields(RouteWeights)]
    steps = {name: 0.1 if name == "spread_rad" else 1.0 for name in names}

    def cost(weights: RouteWeights) -> float:
        away = sum((getattr(weights, name) - getattr(guess, name)) ** 2 for name in names)
        return pull * away + sum(walk(graph, e, weights, len(e.path) - 1).surprise for e in episodes)

    best, least = guess, cost(guess)
    for _ in range(rounds):
        for name in names:
            tries = [replace(best, **{name: getattr(best, name) + sign * steps[name]}) for sign in (1, -1)]
            costs = [cost(one) for one in tries]
            if min(costs) < least:
                best, least = tries[int(np.argmin(costs))], min(costs)
            else:
                steps[name] /= 2
    return best


def even_half(name: str) -> tuple[PanoramaGraph, tuple[InstructedEpisode, ...]]:
    """A dataset's streets, and the episodes of its development file that choices may be made on."""
    episodes = read_dataset(name, "dev")
    return load_streets(data_folder(name)), chosen(episodes, dataset=name, half="even")


def write(path: Path = SHIPPED) -> None:
    """Fits the habits of each dataset and of both together, and writes them."""
    walks = {}
    for name in _DATASETS:
        graph, episodes = even_half(name)
        walks[name] = [walk(graph, episode, RouteWeights(), _FARTHEST) for episode in episodes]
    found = [fit(name, of_it) for name, of_it in walks.items()]
    found.append(fit(GENERAL, [walked for of_it in walks.values() for walked in of_it]))
    atomic_write(path, json.dumps({habits.name: _plain(habits) for habits in found}) + "\n")


def _plain(habits: Habits) -> dict[str, Any]:
    return {
        "shortest": habits.shortest,
        "longest": habits.longest,
        "length_bin": habits.length_bin,
        "weights": [round(float(weight), 3) for weight in habits.weights],
        "gaps": [round(float(gap), 3) for gap in habits.gaps],
    }


def _gaps(walks: Sequence[Walked]) -> np.ndarray:
    counts = np.full(_MOST_GAP, 0.3)
    for walked in walks:
        steps = [step for step in walked.intersections if step <= walked.moves]
        for gap in np.diff(steps):
            counts[min(int(gap), _MOST_GAP) - 1] += 1
    return counts / counts.sum()


def _around(graph: PanoramaGraph, node: int) -> tuple[list[int], np.ndarray]:
    edges = slice(int(graph.first[node]), int(graph.first[node + 1]))
    return [int(other) for other in graph.other[edges]], graph.yaw[edges]
