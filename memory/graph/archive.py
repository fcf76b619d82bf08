"""A topology graph as plain arrays and back; what cannot be a graph is refused before anything changes."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from ..archive import damaged
from .content import Content
from .nodes import COLUMNS, NodeTable
from .settings import TopologySettings

Arrays = Mapping[str, np.ndarray]
PREFIX = "topology."
_NOWHERE = -1


def pack(content: Content) -> dict[str, np.ndarray]:
    """Every table's arrays by name, nodes by id, edges and links by their ends."""
    here = _NOWHERE if content.here is None else content.here
    arrays = {"counters": np.array([content.next_id, here, content.loop_closures], np.int64)}
    for kind, table in (("place", content.places), ("landmark", content.landmarks)):
        arrays |= {f"{kind}.{name}": array for name, array in _nodes(table).items()}
    edges = content.edges
    order = np.lexsort((edges.ends[:, 1], edges.ends[:, 0]))
    arrays |= {
        "edge.ends": edges.ends[order],
        "edge.distance_m": edges.distances[order],
        "edge.instruction_cost": edges.instructions[order],
        "edge.walks": edges.walks[order],
        "link": np.array(list(content.links), np.int64).reshape(-1, 3),
        "exit.place": np.array([place for place, _ in content.exits], np.int64),
        "exit.point": content.exits.all_points(),
    }
    return {PREFIX + name: array for name, array in arrays.items()}


def packed_nbytes(content: Content) -> int:
    """Of the arrays that :func:`pack` gives."""
    total = 3 * 8 + len(content.edges) * 5 * 8 + len(content.links) * 3 * 8 + len(content.exits) * 4 * 8
    for table in (content.places, content.landmarks):
        row = sum(column[:1].nbytes for column in table.rows.values())
        total += len(table) * row + 8 * (len(table) + 1) + 8 * table.voxel_count
    return total


def unpack(arrays: Arrays, settings: TopologySettings) -> Content:
    """The content that :func:`pack` gave the arrays of.

    Raises:
        ArchiveError: arrays that are missing, of another type or shape, or that contradict each other.
    """
    content = Content(settings)
    next_id, here, loops = _array(arrays, "counters", np.int64, (3,)).tolist()
    content.next_id, content.loop_closures = next_id, loops
    for kind, table in (("place", content.places), ("landmark", content.landmarks)):
        _fill(table, arrays, kind, next_id)
    if min(next_id, loops) < 0 or any(node in content.places for node in content.landmarks.ids().tolist()):
        raise damaged("counts and ids that hold together", "one id for two nodes, or a count below 0")
    if here != _NOWHERE:
        _require_all(np.array([here]), content.places, "the agent's place")
        content.here = here
    _fill_edges(content, arrays)
    _fill_links(content, arrays)
    owners = _array(arrays, "exit.place", np.int64, (None,))
    _require_all(owners, content.places, "exits")
    for place, point in zip(owners.tolist(), _finite(arrays, "exit.point", (len(owners), 3)), strict=True):
        content.exits.restore(place, point.copy())
    return content


def _nodes(table: NodeTable) -> dict[str, np.ndarray]:
    slots = table.by_id()
    voxels = [table.voxels[node] for node in table.nodes(slots)]
    starts = np.cumsum([0, *(len(keys) for keys in voxels)], dtype=np.int64)
    columns = {name: column[slots] for name, column in table.rows.items()}
    return {**columns, "voxel_starts": starts, "voxels": np.concatenate([np.zeros(0, np.int64), *voxels])}


def _fill(table: NodeTable, arrays: Arrays, kind: str, next_id: int) -> None:
    ids = _array(arrays, f"{kind}.id", np.int64, (None,))
    n = len(ids)
    rows = {
        name: _array(arrays, f"{kind}.{name}", dtype, (n, *shape))
        for name, (dtype, shape) in COLUMNS.items()
        if name != "uses"
    }
    # Archives of before there were budgets do not have them.
    counted = f"{PREFIX}{kind}.uses" in arrays
    rows["uses"] = _array(arrays, f"{kind}.uses", np.int64, (n,)) if counted else np.zeros(n, np.int64)
    rows["descriptor"] = _array(arrays, f"{kind}.descriptor", np.float32, (n, None))
    starts = _array(arrays, f"{kind}.voxel_starts", np.int64, (n + 1,))
    voxels = _array(arrays, f"{kind}.voxels", np.int64, (None,))
    if n and not (ids[0] >= 0 and ids[-1] < next_id and bool((np.diff(ids) > 0).all())):
        raise damaged(f"ids of {kind}s that rise below {next_id}", "others")
    if not (np.isfinite(rows["position"]).all() and (rows["visits"] >= 1).all()):
        raise damaged(f"{kind}s with finite positions and a visit each", "others")
    if not (rows["uses"] >= 0).all():
        raise damaged(f"uses of {kind}s of 0 or more", f"{rows['uses'].min()}")
    if kind == "landmark" and not (rows["category"] >= 1).all():
        raise damaged("landmarks of categories of 1 or more", f"{rows['category'].min()}")
    _require_units(rows["descriptor"], rows["length"], kind)
    whole = starts[0] == 0 and starts[-1] == len(voxels) and bool((np.diff(starts) >= 0).all())
    keys = [voxels[a:b].copy() for a, b in pairwise(starts)] if whole else []
    if not whole or any(bool((np.diff(own) <= 0).any()) for own in keys):
        raise damaged(f"rising voxels of each {kind}", "others")
    table.restore(rows, keys)


def _require_units(descriptors: np.ndarray, lengths: np.ndarray, kind: str) -> None:
    norms = np.linalg.norm(descriptors.astype(np.float64), axis=1)
    unit = np.abs(norms - 1) < 1e-3
    good = np.where(lengths > 0, unit & np.isfinite(lengths), (lengths == 0) & (norms == 0))
    if not good.all():
        raise damaged(f"unit descriptors of {kind}s", f"{int((~good).sum())} others")


def _fill_edges(content: Content, arrays: Arrays) -> None:
    ends = _array(arrays, "edge.ends", np.int64, (None, 2))
    distances = _finite(arrays, "edge.distance_m", (len(ends),))
    instructions = _finite(arrays, "edge.instruction_cost", (len(ends),))
    walks = _array(arrays, "edge.walks", np.int64, (len(ends),))
    _require_all(ends, content.places, "edges")
    costs = np.stack([distances, instructions, walks - 1.0]) if len(ends) else np.zeros((3, 0))
    if (costs < 0).any() or (ends[:, 0] >= ends[:, 1]).any():
        raise damaged("edges of two places with costs of 0 or more", "others")
    for (a, b), distance, instruction, times in zip(
        ends.tolist(), distances.tolist(), instructions.tolist(), walks.tolist(), strict=True
    ):
        if not content.edges.walk(a, b, distance, instruction, times):
            raise damaged("one edge between two places", f"two between {a} and {b}")


def _fill_links(content: Content, arrays: Arrays) -> None:
    links = _array(arrays, "link", np.int64, (None, 3))
    _require_all(links[:, 0], content.landmarks, "links")
    _require_all(links[:, 1], content.places, "links")
    if (links[:, 2] < 1).any():
        raise damaged("links of one sighting or more", f"{links[:, 2].min()}")
    for landmark, place, times in links.tolist():
        content.links.add(landmark, place, times)


def _require_all(ids: np.ndarray, table: NodeTable, whose: str) -> None:
    unknown = np.setdiff1d(ids, table.ids())
    if len(unknown):
        raise damaged(f"{whose} of {table.kind}s that are in it", f"the id {unknown[0]}")


def _finite(arrays: Arrays, name: str, shape: tuple[int | None, ...]) -> np.ndarray:
    found = _array(arrays, name, np.float64, shape)
    if not np.isfinite(found).all():
        raise damaged(f"finite {PREFIX}{name}", "NaN or infinite")
    return found


def _array(arrays: Arrays, name: str, dtype: type, shape: tuple[int | None, ...]) -> np.ndarray:
    found = arrays.get(PREFIX + name)
    wanted = "(" + ", ".join("n" if size is None else str(size) for size in shape) + ")"
    if found is None:
        raise damaged(f"{PREFIX}{name}", "none")
    alike = len(found.shape) == len(shape) and all(
        size is None or size == came for size, came in zip(shape, found.shape, strict=True)
    )
    if found.dtype != dtype or not alike:
        raise damaged(f"{PREFIX}{name} of {np.dtype(dtype)} {wanted}", f"{found.dtype} {found.shape}")
    return found
