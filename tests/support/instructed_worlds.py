"""A small house of panoramas, a street, and files of instructions for them."""

import json
import math

import numpy as np

from placecell.envs.graph.instructed import InstructedEpisode
from placecell.envs.graph.panorama_graph import graph_of

# a - b - c - d stand 2 m apart in a row to the east; e is north of b, and f 3 m north of d.
PLACES = {"a": (0, 0), "b": (2, 0), "c": (4, 0), "d": (6, 0), "e": (2, 2), "f": (6, 3)}
EDGES = ("ab", "bc", "cd", "be", "df")


def house(name="house"):
    """The graph of the house, its cameras 1.5 m above the floor."""
    return made_graph(name, PLACES, [*EDGES, *(edge[::-1] for edge in EDGES)])


def street():
    """Six panoramas in a row, 10 m apart; the link from p4 to p5 is one-way."""
    places = {f"p{n}": (10 * n, 0) for n in range(6)}
    links = [(f"p{n}", f"p{n + 1}") for n in range(5)]
    return made_graph("manhattan", places, links + [(b, a) for a, b in links[:4]])


def made_graph(name, places, edges):
    names = list(places)
    positions = np.array([(*at, 1.5) for at in places.values()], np.float64)
    ends = np.array([[names.index(start), names.index(end)] for start, end in edges], np.int32)
    return graph_of(name, names, positions, ends)


def episode(path="abcd", words="walk on", **changes):
    """An episode in the house; a path is spelled by its viewpoints."""
    parts = {
        "episode_id": "7_0", "scene_id": "house", "path_id": "7", "instruction": words, "start": path[0],
        "start_yaw_rad": 0.0, "path": tuple(path), **changes,
    }  # fmt: skip
    return InstructedEpisode(**parts)


def r2r_entry(path="abcd", path_id=7, instructions=("walk on", "go to the end", "stop at d"), **changes):
    parts = {"distance": 6.0, "scan": "house", "path_id": path_id, "path": list(path), "heading": math.pi / 2}
    return {**parts, "instructions": list(instructions), **changes}


def rxr_entry(number=26, **changes):
    parts = {
        "split": "val_seen", "instruction_id": number, "annotator_id": 19, "language": "en-IN", "path_id": 11,
        "scan": "house", "path": list("abc"), "heading": math.pi, "instruction": "you are in a room",
        "timed_instruction": [], "edit_distance": 0.1,
    }  # fmt: skip
    return {**parts, **changes}


def street_entry(number=3, **changes):
    parts = {"id": number, "route_panoids": ["p0", "p1"], "navigation_text": "go ahead", "start_heading": 90}
    return {**parts, **changes}


def write_json(path, value):
    path.write_text(json.dumps(value))
    return path


def write_lines(path, values):
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


def write_scan(folder, name="house", graph=None):
    """The graph as a connectivity file of the Matterport3D simulator."""
    graph = graph or house(name)
    entries = []
    for node, viewpoint in enumerate(graph.names):
        x, y, z = graph.positions[node].tolist()
        near = set(graph.neighbours(node).tolist())
        entries.append({
            "image_id": viewpoint, "pose": [1, 0, 0, x, 0, 1, 0, y, 0, 0, 1, z, 0, 0, 0, 1], "included": True,
            "unobstructed": [other in near for other in range(len(graph))],
            "visible": [other in near for other in range(len(graph))], "height": 1.5,
        })  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    return write_json(folder / f"{name}_connectivity.json", entries)
