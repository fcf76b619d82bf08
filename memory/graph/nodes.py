"""The nodes of one kind: columns that grow, rows that are used again, ids that are not."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float64, Int64

from placecell.arrays import Embedding, Point
from placecell.errors import PlacecellError

from .near import NONE, joined, rows_within, take_in
from .parts import Keys

Slots = Int64[np.ndarray, " n"]
COLUMNS: dict[str, tuple[type, tuple[int, ...]]] = {
    "id": (np.int64, ()),
    "position": (np.float64, (3,)),
    "length": (np.float64, ()),
    "visits": (np.int64, ()),
    "last_seen": (np.int64, ()),
    "category": (np.int64, ()),
    "uses": (np.int64, ()),
}
MOST_VOXELS = 4096
"""Of a node that stands for more voxels than this every second is forgotten."""


class NodeTable:
    """Rows of nodes, found by id, by position and by descriptor.

    A descriptor is the direction (``descriptor``, unit) and the length (``length``) of the sum of the unit
    vectors that came, so that their running mean never loses a write. Length 0: there is none.

    Args:
        kind: what the nodes are called in an error.

    Attributes:
        voxels: of each node the rising keys that it stands for, at most ``MOST_VOXELS``.
        voxel_count: of all of them.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.width: int | None = None
        self.rows: dict[str, np.ndarray] = {
            name: np.zeros((16, *shape), dtype) for name, (dtype, shape) in COLUMNS.items()
        }
        self.rows["id"][:] = NONE
        self.rows["descriptor"] = np.zeros((16, 0), np.float32)
        self.voxels: dict[int, Keys] = {}
        self.voxel_count = 0
        self._slots: dict[int, int] = {}
        self._free: list[int] = []
        self._used = 0

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, node: int) -> bool:
        return node in self._slots

    @property
    def row_nbytes(self) -> int:
        """Of the columns of one node."""
        return sum(column[:1].nbytes for column in self.rows.values())

    @property
    def nbytes(self) -> int:
        """Of the columns, free rows included, and of the voxels."""
        return sum(column.nbytes for column in self.rows.values()) + 8 * self.voxel_count

    def slot(self, node: int) -> int:
        """The row of a node.

        Raises:
            PlacecellError: there is no such node.
        """
        found = self._slots.get(node)
        if found is None:
            raise PlacecellError(
                expected=f"the id of a {self.kind} of this graph, which has {len(self)}",
                came=f"{node}",
                fix=f"use an id that the graph gave for a {self.kind} that was not merged or forgotten since",
            )
        return found

    def ids(self) -> Int64[np.ndarray, " n"]:
        """Of all nodes, rising."""
        held = self.rows["id"][: self._used]
        return np.sort(held[held != NONE])

    def nodes(self, slots: Slots) -> tuple[int, ...]:
        """The ids in rows."""
        return tuple(self.rows["id"][slots].tolist())

    def position(self, node: int) -> Point:
        """(3,) of a node that there is; a view."""
        return self.rows["position"][self._slots[node]]

    def voxel_counts(self) -> Int64[np.ndarray, " n"]:
        """(n,) for how many voxels each node stands, by rising id."""
        return np.array([len(self.voxels[node]) for node in self.nodes(self.by_id())], np.int64)

    def by_id(self) -> Slots:
        """The rows of all nodes by rising id."""
        held = self.rows["id"][: self._used]
        order = np.argsort(held, kind="stable")
        return order[len(order) - len(self) :]

    def require_width(self, unit: Embedding | None, width: int | None = None) -> None:
        """Raises :class:`PlacecellError` for a descriptor that is not as long as those before.

        Args:
            unit: the descriptor, or None.
            width: of those before, where there is none in the table yet.
        """
        wanted = width if self.width is None else self.width
        if unit is not None and wanted is not None and len(unit) != wanted:
            raise PlacecellError(
                expected=f"a {self.kind}'s descriptor of width {wanted}, as those before",
                came=f"width {len(unit)}",
                fix="describe everything that one graph holds by one encoder",
            )

    def add(
        self, node: int, position: Point, unit: Embedding | None, step: int, keys: Keys, category: int = 0
    ) -> None:
        """Takes in a node that was observed once."""
        self._widen(unit)
        slot = self._free.pop() if self._free else self._append()
        row = {"id": node, "position": position, "length": 0.0, "visits": 1, "last_seen": step}
        for name, value in {**row, "category": category, "uses": 0}.items():
            self.rows[name][slot] = value
        self.rows["descriptor"][slot] = 0
        self._blend(slot, unit)
        self._slots[node], self.voxels[node] = slot, np.zeros(0, np.int64)
        self._cover(node, keys)

    def restore(self, rows: Mapping[str, np.ndarray], voxels: Sequence[Keys]) -> None:
        """Fills an empty table with whole rows, voxels in their order."""
        ids = rows["id"].tolist()
        if ids:
            self.rows = {name: column.copy() for name, column in rows.items()}
        self.width = rows["descriptor"].shape[1] or None
        if self.width is not None and not ids:
            self.rows["descriptor"] = np.zeros((len(self.rows["id"]), self.width), np.float32)
        self._used = len(ids)
        for slot, (node, keys) in enumerate(zip(ids, voxels, strict=True)):
            self._slots[node], self.voxels[node] = slot, keys
            self.voxel_count += len(keys)

    def observe(self, node: int, position: Point, unit: Embedding | None, step: int, keys: Keys) -> None:
        """Means and counts take in one more observation of a node."""
        self._widen(unit)
        slot, rows = self._slots[node], self.rows
        rows["visits"][slot] += 1
        old = rows["position"][slot]
        rows["position"][slot] = old + (position - old) / rows["visits"][slot]
        self._blend(slot, unit)
        rows["last_seen"][slot] = max(int(rows["last_seen"][slot]), step)
        self._cover(node, keys)

    def sight(
        self, position: Point, unit: Embedding | None, step: int, keys: Keys, category: int, radius_m: float
    ) -> tuple[int | None, bool]:
        """As :meth:`observe`, of the nearest node of the category within ``radius_m``, of equals the oldest.

        Returns:
            Its id, or None where there is none and nothing was changed; and whether it is now that near to
            others of the category.
        """
        rows = self.rows
        slot, near = take_in(
            rows["id"],
            rows["position"],
            rows["visits"],
            rows["last_seen"],
            rows["category"],
            self._used,
            position,
            category,
            step,
            radius_m,
        )
        if slot < 0:
            return None, False
        node = int(rows["id"][slot])
        if unit is not None:
            self._widen(unit)
            self._blend(slot, unit)
        self._cover(node, keys)
        return node, near > 1

    def merge(self, keep: int, gone: int) -> None:
        """Two nodes become one, as if all observations had been of it; the row of the other is free."""
        a, b, rows = self._slots[keep], self._slots[gone], self.rows
        share = rows["visits"][b] / (rows["visits"][a] + rows["visits"][b])
        rows["position"][a] += (rows["position"][b] - rows["position"][a]) * share
        self._blend(a, rows["descriptor"][b] * rows["length"][b])
        rows["visits"][a] += rows["visits"][b]
        rows["uses"][a] += rows["uses"][b]
        rows["last_seen"][a] = max(rows["last_seen"][a], rows["last_seen"][b])
        self._cover(keep, self.voxels[gone])
        self.remove(gone)

    def remove(self, node: int) -> None:
        """Forgets a node; its row is free."""
        slot = self._slots.pop(node)
        self.rows["id"][slot] = NONE
        self.voxel_count -= len(self.voxels.pop(node))
        self._free.append(slot)

    def close_up(self) -> None:
        """Gives free rows back: those of all nodes stand by rising id, without gaps."""
        slots = self.by_id()
        nodes, room = self.nodes(slots), max(0, 16 - len(slots))
        for name, column in self.rows.items():
            none = np.full((room, *column.shape[1:]), NONE if name == "id" else 0, column.dtype)
            self.rows[name] = np.concatenate([column[slots], none])
        self._slots = {node: slot for slot, node in enumerate(nodes)}
        self.voxels = {node: self.voxels[node] for node in nodes}
        self._free, self._used = [], len(nodes)

    def within(self, position: Point, radius_m: float) -> tuple[Slots, Float64[np.ndarray, " n"]]:
        """The rows of the nodes no farther than ``radius_m`` by rising id, and how far they are."""
        return rows_within(self.rows["id"], self.rows["position"], self._used, position, radius_m)

    def gaps(self, slots: Slots, unit: Embedding | None) -> Float64[np.ndarray, " n"]:
        """L2 between the descriptors of rows and this one; 0 where either is missing."""
        if unit is None or self.width is None:
            return np.zeros(len(slots))
        gaps = distance(self.rows["descriptor"][slots].astype(np.float64), unit)
        return np.where(self.rows["length"][slots] > 0, gaps, 0.0)

    def nearest(self, position: Point, k: int) -> tuple[Slots, Float64[np.ndarray, " n"]]:
        """The rows of the ``k`` nodes nearest to a point, ties by id, and how far they are."""
        distances = distance(self.rows["position"][: self._used], position)
        return self._first(np.where(self.rows["id"][: self._used] == NONE, np.inf, distances), k)

    def similar(self, unit: Embedding | None, k: int) -> tuple[Slots, Float64[np.ndarray, " n"]]:
        """The rows of the ``k`` nodes with the descriptors nearest to this one, ties by id, and their L2."""
        if unit is None or self.width is None:
            return np.zeros(0, np.int64), np.zeros(0)
        # Row by row, not by BLAS: a node's figure must not depend on which row it stands in.
        alike = np.einsum("nd,d->n", self.rows["descriptor"][: self._used], unit.astype(np.float32)).astype(
            np.float64
        )
        held = (self.rows["id"][: self._used] != NONE) & (self.rows["length"][: self._used] > 0)
        slots, _ = self._first(np.where(held, -alike, np.inf), k)
        gaps = self.gaps(slots, unit)
        order = np.lexsort((self.rows["id"][slots], gaps))
        return slots[order], gaps[order]

    def _first(self, figures: Float64[np.ndarray, "_"], k: int) -> tuple[Slots, Float64[np.ndarray, " n"]]:
        bound = np.partition(figures, k - 1)[k - 1] if k < len(figures) else np.inf
        slots = np.flatnonzero((figures <= bound) & (figures < np.inf))
        order = np.lexsort((self.rows["id"][slots], figures[slots]))[:k]
        return slots[order], figures[slots[order]]

    def _blend(self, slot: int, vector: Embedding | None) -> None:
        if vector is None:
            return
        total = self.rows["descriptor"][slot].astype(np.float64) * self.rows["length"][slot] + vector
        length = float(np.linalg.norm(total))
        # Vectors that cancel have no direction; what is left of them by rounding is none either.
        self.rows["length"][slot] = length if length > 1e-6 else 0.0
        self.rows["descriptor"][slot] = total / length if length > 1e-6 else 0.0

    def _cover(self, node: int, keys: Keys) -> None:
        if len(keys) == 0:
            return
        held = self.voxels[node]
        union = joined(held, keys)
        while len(union) > MOST_VOXELS:
            union = union[::2].copy()
        self.voxels[node] = union
        self.voxel_count += len(union) - len(held)

    def _append(self) -> int:
        if self._used == len(self.rows["id"]):
            # By a sixteenth, so that little is held that nothing stands in.
            more = max(16, self._used // 16)
            for name, column in self.rows.items():
                none = np.full((more, *column.shape[1:]), NONE if name == "id" else 0, column.dtype)
                self.rows[name] = np.concatenate([column, none])
        self._used += 1
        return self._used - 1

    def _widen(self, unit: Embedding | None) -> None:
        if unit is not None and self.width is None:
            self.width = len(unit)
            self.rows["descriptor"] = np.zeros((len(self.rows["id"]), self.width), np.float32)


def distance(
    points: Float64[np.ndarray, "n d"], point: Float64[np.ndarray, " d"]
) -> Float64[np.ndarray, " n"]:
    """L2 of each row to a point."""
    apart = points - point
    return np.sqrt(np.einsum("nd,nd->n", apart, apart))
