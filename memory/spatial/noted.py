"""The cells that a memory without an octree has for a map: those of landmarks, places and entries.

One that is a long-term memory alone has those in which something was observed.
"""

import numpy as np

from placecell.geometry import transform

from .. import morton
from ..growth import Content, cells_at
from .parts import Parts


def noted_content(parts: Parts, voxel_size_m: float) -> Content:
    """Cells of landmarks, places and short-term entries, with their labels; else of observations."""
    points, labels = [np.zeros((0, 3))], [np.zeros(0, np.int64)]
    if parts.topology is not None:
        if len(parts.topology):
            places = parts.topology.nearest_places(np.zeros(3), len(parts.topology)).places
            points.append(np.array([place.position for place in places]))
            labels.append(np.zeros(len(places), np.int64))
        for mark in parts.topology.landmarks():
            points.append((morton.decode(mark.voxels) + 0.5) * voxel_size_m)
            labels.append(np.full(len(mark.voxels), mark.category))
    if parts.short_term is not None:
        for entry in parts.short_term.entries():
            points.append(transform(parts.short_term.T_world_agent, entry.points))
            labels.append(np.full(len(entry.points), entry.category))
    if parts.long_term is not None and parts.topology is None and parts.short_term is None:
        positions = parts.long_term.holdings().positions
        points.append(positions)
        labels.append(np.zeros(len(positions), np.int64))
    return Content(cells_at(np.concatenate(points), voxel_size_m), np.concatenate(labels))
