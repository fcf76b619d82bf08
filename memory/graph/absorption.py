"""One topology graph taken into another: two sessions of one place become one graph."""

from dataclasses import dataclass

import numpy as np

from placecell.arrays import Point, Points, Transform
from placecell.geometry import transform

from .. import morton
from .content import Content
from .nodes import NodeTable
from .parts import Keys

Nodes = dict[int, int]


@dataclass(frozen=True)
class Absorbed:
    """What became of places.

    Args:
        nodes: by the id of each place of the other graph, the place that it is here.
        renamed: by the ids of places of this graph that are gone, the place with which each became one.
    """

    nodes: Nodes
    renamed: Nodes


def absorb(
    content: Content, other: Content, T_this_other: Transform, voxel_size_m: float, step_offset: int = 0
) -> Absorbed:
    """Takes in all that another graph holds.

    A place that a visit would take for one known here is that one, by the rule of the graph; else it is new.
    Which is known is decided by the places that were here before, so that no two of the other become one by
    coming one after the other. Landmarks of a category and within ``landmark_m`` are one. Means, counts,
    edges, sightings and exits are those of both.

    Args:
        content: changed.
        other: unchanged.
        T_this_other: (4, 4) where the other's points are in this graph.
        voxel_size_m: of the voxels that nodes stand for.
        step_offset: added to the other's times.

    Raises:
        PlacecellError: descriptors of another width than here; nothing has changed.
    """
    for own, theirs in ((content.places, other.places), (content.landmarks, other.landmarks)):
        if theirs.width is not None:
            own.require_width(np.zeros(theirs.width))
    known, before = _recognised(content, other, T_this_other), content.places.ids().tolist()
    nodes: Nodes = {}
    for place in other.places.ids().tolist():
        node = _take_over(
            content, content.places, other.places, place, T_this_other, voxel_size_m, step_offset
        )
        twin = known[place]
        if twin is not None:
            content.merge(twin, node)
        nodes[place] = node if twin is None else twin
    stays = {node: node for node in before}
    for place in other.places.ids().tolist():
        node, gone = content.settle(nodes[place])
        merged = dict.fromkeys((*gone, nodes[place]), node)
        _rename(nodes, merged)
        _rename(stays, merged)
    _add_landmarks(content, other, nodes, T_this_other, voxel_size_m, step_offset)
    _add_ways(content, other, nodes, T_this_other)
    content.loop_closures += other.loop_closures
    content.here = None if other.here is None else nodes[other.here]
    return Absorbed(nodes, {node: stay for node, stay in stays.items() if node != stay})


def _recognised(content: Content, other: Content, T: Transform) -> dict[int, int | None]:
    """Of each place of the other the one here that it is, by the rule of the graph."""
    table, known = other.places, dict[int, int | None]()
    for place in table.ids().tolist():
        slot = table.slot(place)
        unit = table.rows["descriptor"][slot].astype(np.float64) if table.rows["length"][slot] > 0 else None
        known[place] = content.recognised(_moved(T, table.position(place)), unit)
    return known


def _take_over(
    content: Content,
    table: NodeTable,
    theirs: NodeTable,
    node: int,
    T: Transform,
    voxel_size_m: float,
    step_offset: int,
) -> int:
    """A new node with all that another table holds of one; its id."""
    slot, new = theirs.slot(node), content.new_id()
    row = {name: column[slot] for name, column in theirs.rows.items() if name not in ("id", "position")}
    unit = row["descriptor"].astype(np.float64) if row["length"] > 0 else None
    row["last_seen"] += step_offset
    table.add(
        new, _moved(T, theirs.position(node)), unit, 0, moved_keys(theirs.voxels[node], T, voxel_size_m)
    )
    for name, value in row.items():
        if name != "descriptor" or unit is not None:
            table.rows[name][table.slot(new)] = value
    return new


def _rename(nodes: Nodes, stays: Nodes) -> None:
    for theirs, node in nodes.items():
        nodes[theirs] = stays.get(node, node)


def _add_landmarks(
    content: Content, other: Content, nodes: Nodes, T: Transform, voxel_size_m: float, step_offset: int
) -> None:
    """Takes over landmarks and from where they were seen, and makes one of those that are one."""
    table, twins = other.landmarks, dict[int, int | None]()
    for landmark in table.ids().tolist():
        category = int(table.rows["category"][table.slot(landmark)])
        near = content.landmarks_near(_moved(T, table.position(landmark)), category)
        twins[landmark] = near[0] if near else None
    marks: Nodes = {}
    for landmark, twin in twins.items():
        mark = _take_over(content, content.landmarks, table, landmark, T, voxel_size_m, step_offset)
        if twin is not None:
            content.landmarks.merge(twin, mark)
            mark = twin
        marks[landmark] = mark
    for landmark, place, times in other.links:
        content.links.add(marks[landmark], nodes[place], times)
    for mark in marks.values():
        if mark in content.landmarks:
            content.settle_landmark(mark)


def _add_ways(content: Content, other: Content, nodes: Nodes, T: Transform) -> None:
    """Edges are averaged by their walks; exits that one of the two has been at are none."""
    edges = other.edges
    for (a, b), distance, instruction, walks in zip(
        edges.ends.tolist(),
        edges.distances.tolist(),
        edges.instructions.tolist(),
        edges.walks.tolist(),
        strict=True,
    ):
        if nodes[a] != nodes[b]:
            content.edges.walk(nodes[a], nodes[b], distance, instruction, walks)
    for place in other.places.ids().tolist():
        content.exits.strike(_moved(T, other.places.position(place)))
    for place, point in other.exits:
        content.note_exits(nodes[place], [_moved(T, point)])


def moved_keys(keys: Keys, T: Transform, voxel_size_m: float) -> Keys:
    """Of the voxels in which the middles of these come to lie; those beyond the range are left out."""
    at = np.floor(transform(T, (morton.decode(keys) + 0.5) * voxel_size_m) / voxel_size_m)
    held = (np.abs(at) < morton.SIGN_OFFSET).all(1)
    return np.unique(morton.encode(at[held].astype(np.int64)))


def _moved(T: Transform, point: Point) -> Point:
    points: Points = point[None]
    return np.asarray(transform(T, points)[0], np.float64)
