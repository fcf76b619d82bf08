"""The places that a memory knows and the ways between them: for recordings and pages."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32

from ..archive import damaged


@dataclass(frozen=True)
class PlaceGraph:
    """A graph of places at one moment.

    Args:
        ids: (n,) of the places, rising; an id is never another place's later.
        positions: (n, 3) metres, in the frame that the memory's poses are in.
        edges: (m, 2) the ids at both ends, the lower first, by rising ends.
    """

    ids: Int32[np.ndarray, " n"]
    positions: Float32[np.ndarray, "n 3"]
    edges: Int32[np.ndarray, "m 2"]

    @classmethod
    def nothing(cls) -> "PlaceGraph":
        """No places.

        >>> len(PlaceGraph.nothing().ids)
        0
        """
        return cls(np.zeros(0, np.int32), np.zeros((0, 3), np.float32), np.zeros((0, 2), np.int32))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PlaceGraph) and all(
            np.array_equal(array, other.arrays()[name]) for name, array in self.arrays().items()
        )

    __hash__ = None  # type: ignore[assignment]

    def arrays(self) -> dict[str, np.ndarray]:
        """The three arrays by name."""
        return {"ids": self.ids, "positions": self.positions, "edges": self.edges}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "PlaceGraph":
        """What :meth:`arrays` gave.

        Raises:
            ArchiveError: arrays that are missing, of another type or shape, or that do not hold together.
        """
        count = len(arrays["ids"]) if "ids" in arrays and arrays["ids"].ndim == 1 else 0
        links = len(arrays["edges"]) if "edges" in arrays and arrays["edges"].ndim == 2 else 0
        for name, kind, shape in (
            ("ids", np.int32, (count,)),
            ("positions", np.float32, (count, 3)),
            ("edges", np.int32, (links, 2)),
        ):
            wanted = f"{np.dtype(kind)} {shape}"
            came = f"{arrays[name].dtype} {arrays[name].shape}" if name in arrays else "none"
            if came != wanted:
                raise damaged(f"a graph of places with {name} of {wanted}", came)
        graph = cls(arrays["ids"], arrays["positions"], arrays["edges"])
        if bool((np.diff(graph.ids) <= 0).any()) or not bool(np.isin(graph.edges, graph.ids).all()):
            raise damaged("a graph of places with rising ids, and edges between them", "others")
        if not bool(np.isfinite(graph.positions).all()):
            raise damaged("a graph of places with finite positions", "others")
        return graph
