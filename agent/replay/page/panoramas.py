"""The graph of panoramas that an episode was walked on, as a page draws it: plain JSON from a recording."""

import numpy as np

from ...recording import Recording, Surroundings
from .from_above import STOREY_M, Layers

EYES_M = 1.5
"""A panorama's place is that of its camera, so high above the floor (Matterport's tripod)."""


def among_panoramas(recording: Recording) -> bool:
    """Whether an episode was walked from panorama to panorama."""
    header = recording.header
    return header.get("surroundings") is not None or header.get("viewpoint") is not None


def graph_of(recording: Recording, layers: Layers) -> dict[str, object] | None:
    """Panoramas as [x, y, storey or -1], edges, the described route; None of a recording without a graph."""
    told = recording.header.get("surroundings")
    if told is None:
        return None
    around = Surroundings.of(told)
    floors = np.array(layers.floors_m)
    away_m = np.abs(around.nodes[:, 2:] - EYES_M - floors)
    storey = np.where(away_m.min(axis=1) < STOREY_M / 2, away_m.argmin(axis=1), -1)
    nodes = [[round(x, 2), round(y, 2), n] for (x, y, _), n in zip(around.nodes.tolist(), storey.tolist())]
    return {
        "nodes": nodes,
        "edges": around.edges.tolist(),
        "gold": np.round(around.gold[:, :2], 2).tolist(),
        "leftOut": around.left_out,
    }


def ways_of(recording: Recording) -> list[list[list[float]]]:
    """Of each step [x, y] of the panoramas that its action led through, between its own pose and the next.

    A recording names them; where they are is known of those at which some step began or ended.
    """
    header, steps = recording.header, recording.steps
    stood = [header.get("viewpoint"), *(step.viewpoint for step in steps)]
    places = {
        name: [round(step.pose.x, 2), round(step.pose.y, 2)]
        for name, step in zip(stood, steps, strict=False)
        if name is not None
    }
    return [[places[name] for name, _, _ in (step.walked or ())[:-1] if name in places] for step in steps]
