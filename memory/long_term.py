"""What was seen wherever the agent was: observations, or what became of them, by octree leaf and graph node.

Searched by likeness, by place, or by both. Exact unless an approximate index is asked for by name.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Float32, Int64

from placecell.arrays import Embedding, Point, Transform
from placecell.errors import FrameError, PlacecellError
from placecell.geometry import transform

from . import morton
from .archive import damaged
from .retrieval import require_k
from .upkeep.holdings import Evictable, Holdings, Rows
from .vectors import packed
from .vectors.entry import LongTermEntry as LongTermEntry
from .vectors.entry import entries_of
from .vectors.keeping import Flat, Keeping, Moved, unit_of
from .vectors.keyed import Means
from .vectors.place_filter import Place
from .vectors.refusals import (
    column_of,
    not_finite,
    out_of_range,
    require_keys,
    require_rows,
    require_settings,
    wrong_width,
)
from .vectors.searcher import Searcher
from .vectors.vector_rows import (
    FARTHEST_M,
    LEAF,
    NODE,
    NONE,
    NUMBER,
    OBSERVATIONS,
    STEP,
    USES,
    WIDEST,
    VectorRows,
)

if TYPE_CHECKING:
    from .reversible import ReversibleMemoryToken
    from .token_chains import TokenChains

TOKENS = ("flat", "mean", "reversible")
_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


class LongTermMemory(Evictable):
    """Rows of unit vectors (float16), with where and when they were observed.

    ``tokens`` says what becomes of an observation. ``"flat"`` keeps each as a row, attached to the octree
    leaf in which the camera was and to the place of the graph. ``"mean"`` keeps a running mean a leaf and a
    running mean a node, ``"reversible"`` a head token a leaf and a head token a node, from which all
    observations can be given back (:attr:`chains`). There leaves and nodes have rows of their own: their keys
    never meet.

    The same rows searched the same way give the same figures in the same order, ties by the oldest row. Only
    an approximate ``index`` may miss rows, and it is asked only where no place and no space is named. It is
    no part of what is packed: it is built from the rows, and again when it is stale.

    Args:
        tokens: ``"flat"``, ``"mean"`` or ``"reversible"``.
        model: of the reversible tokens; None: the shipped one.
        exact_up_to: with more rows than this the index is asked.
        index: ``"exact"``, ``"hnswlib"`` or ``"faiss"``.
        leaf_cell_m: side of an octree leaf, for rows that another memory brings, and of the cells that rows
            are found by.

    Raises:
        ConfigError: a choice that there is not, a count below 0 or a side that is not positive and finite.
        MissingPartError: an index whose library is not installed.
    """

    def __init__(
        self,
        tokens: str = "flat",
        *,
        model: "ReversibleMemoryToken | None" = None,
        exact_up_to: int = 200_000,
        index: str = "exact",
        leaf_cell_m: float = 1.6,
    ) -> None:
        require_settings(tokens, TOKENS, exact_up_to, leaf_cell_m)
        self.tokens, self.index = tokens, index
        self.exact_up_to, self.leaf_cell_m = int(exact_up_to), float(leaf_cell_m)
        self._model = _shipped() if tokens == "reversible" and model is None else model
        self.clear()

    def clear(self) -> None:
        """Forgets everything, the width of observations too."""
        self._become(None)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def items(self) -> int:
        """The rows."""
        return len(self)

    @property
    def nbytes(self) -> int:
        """Of the rows, what is kept beside them, and their indexes, whether these are built by now or not.

        Not counted are room to grow, at most three times what rows take, and a token's model.
        """
        return self._row_nbytes * len(self) + self._keeping.nbytes

    @property
    def chains(self) -> "TokenChains | None":
        """The reversible tokens, by ``("leaf", key)`` and ``("node", id)``; None for other tokens."""
        return self._keeping.chains

    def stats(self) -> dict[str, float]:
        """``items``, ``bytes``, ``observations``, and how many rows are attached to a node."""
        columns = self._rows.columns
        return {
            "items": float(len(self)),
            "bytes": float(self.nbytes),
            "observations": float(columns[:, OBSERVATIONS].sum()),
            "node_items": float((columns[:, NODE] != NONE).sum()),
        }

    def write(
        self, observation: Embedding, position: Point, step: int, *, leaf: int, node: int | None
    ) -> None:
        """Takes in what was observed at a position.

        Args:
            observation: (d,) of any length; its direction is kept. Zeros are like nothing.
            position: (3,) of the camera, metres, world frame.
            step: when.
            leaf: key of the octree leaf around the position.
            node: id of the place of the graph; None where there is none.

        Raises:
            FrameError: an observation that is not finite, or of another width than those before, or a
                position that is not within 1000 km. The memory is as it was.
        """
        if observation.dtype is not _SINGLE or not observation.flags.c_contiguous:
            observation = _as_single(observation)
        if position.dtype is not _DOUBLE or not position.flags.c_contiguous:
            position = np.ascontiguousarray(position, np.float64)
        if leaf < 0 or (node is not None and node < 0):
            require_keys(leaf, node)
        if self.width is None:
            self._begin(observation, position)
        self._keeping.write(self._rows, observation, position, step, leaf, NONE if node is None else node)

    def search(
        self,
        embedding: Embedding,
        k: int,
        *,
        position: Point | None = None,
        radius_m: float | None = None,
        box: Float[np.ndarray, "2 3"] | None = None,
        space: str | None = None,
    ) -> tuple[LongTermEntry, ...]:
        """The ``k`` rows most like an embedding, the best cosine first, of equals the oldest.

        Args:
            embedding: (d,) what to look for.
            k: at most so many.
            position: (3,) with ``radius_m``: only rows within it. Such a search is exact with any index.
            radius_m: metres, inclusive.
            box: (2, 3) lowest and highest corner, metres, inclusive: only rows in it; exact likewise.
            space: ``"leaf"`` or ``"node"``: only rows attached to one; None: all.

        Raises:
            PlacecellError: an embedding of another width or not finite, a k below 1, half a place, or no
                such space.
        """
        place, column = Place.named(position, radius_m, box), column_of(space)
        require_k(k)
        if self.width is None:
            return ()
        found = self._searcher.best(self._searched(embedding), k, place, column)
        return entries_of(self._rows, *found, keyed=self._keeping.keyed)

    def search_many(
        self, embeddings: Float[np.ndarray, "b d"], k: int
    ) -> tuple[Int64[np.ndarray, "b k"], Float32[np.ndarray, "b k"]]:
        """:meth:`search` of all rows for many embeddings at once, as arrays.

        Returns:
            (b, m) rows and (b, m) cosines, the best first; m is ``k``, or how many rows there are.

        Raises:
            PlacecellError: as for :meth:`search`.
        """
        require_k(k)
        if self.width is None or len(embeddings) == 0:
            return np.zeros((len(embeddings), 0), np.int64), np.zeros((len(embeddings), 0), np.float32)
        vectors = np.stack([self._searched(embedding) for embedding in embeddings])
        return self._searcher.best_of_many(vectors, k)

    def near(
        self, position: Point, radius_m: float, k: int | None = None, *, space: str | None = None
    ) -> tuple[LongTermEntry, ...]:
        """The rows within a radius, the nearest first, of equals the oldest.

        Args:
            position: (3,) metres, world frame.
            radius_m: inclusive.
            k: at most so many; None: all.
            space: as for :meth:`search`.

        Raises:
            PlacecellError: a position or a radius that names no place, a k below 1, or no such space.
        """
        place = Place.named(position, radius_m, None)
        assert place is not None
        if k is not None:
            require_k(k)
        rows = self._searcher.within(place, column_of(space))
        apart = self._rows.positions[rows] - place.center
        squares = np.einsum("nd,nd->n", apart, apart)
        order = np.lexsort((self._rows.columns[rows, NUMBER], squares))[:k]
        return entries_of(self._rows, rows[order], None, keyed=self._keeping.keyed)

    def use(self, rows: Iterable[int]) -> None:
        """These rows were given once more.

        Raises:
            PlacecellError: a row that there is not.
        """
        given = np.array([*rows], np.int64)
        require_rows(given, len(self))
        np.add.at(self._rows.columns[:, USES], given, 1)

    def holdings(self) -> Holdings:
        """All rows, by which they are."""
        columns = self._rows.columns
        return Holdings(
            nbytes=self._row_nbytes + self._keeping.shares(self._rows),
            items=np.ones(len(self), np.int64),
            last_seen=columns[:, STEP].copy(),
            uses=columns[:, USES].copy(),
            positions=self._rows.positions.copy(),
            vectors=lambda rows: self._rows.vectors[rows].astype(np.float32),
        )

    def drop(self, rows: Rows) -> None:
        """Forgets rows; the last ones take their place, so that others are other rows then.

        Raises:
            PlacecellError: a row that there is not; nothing is dropped.
        """
        require_rows(rows, len(self))
        self._keeping.drop(self._rows, rows)

    def relabel_nodes(self, names: Mapping[int, int]) -> None:
        """Places of the graph became others, by ``{old: new}`` at once; what was of several is of one.

        Raises:
            PlacecellError: an id below 0.
        """
        require_keys(0, min((*names, *names.values()), default=0))
        self._keeping.rename_nodes(self._rows, names)

    def absorb(self, other: "LongTermMemory", T_this_other: Transform, node_ids: Mapping[int, int]) -> None:
        """Takes over what another memory holds.

        Args:
            other: of the same tokens and side of leaves.
            T_this_other: (4, 4) from its world frame to this one's.
            node_ids: its places by the ids that they have here; what is of a place that is not there is of
                none.

        Raises:
            PlacecellError: observations of another width, other settings, tokens of another model, or
                positions out of range; nothing is changed.
        """
        if (other.tokens, other.leaf_cell_m) != (self.tokens, self.leaf_cell_m):
            raise PlacecellError(
                expected=f"a long-term memory of {self.tokens} tokens in leaves of {self.leaf_cell_m:g} m",
                came=f"{other.tokens} tokens in leaves of {other.leaf_cell_m:g} m",
                fix="merge memories of the same settings",
            )
        if other.width is None:
            return
        if self.width not in (None, other.width):
            raise wrong_width("observations", self.width, (other.width,))
        moved = self._moved(other._rows, T_this_other, node_ids)
        taken = self._keeping if self.width is not None else self._kept(other.width)
        taken.require_alike(other._keeping)
        if self.width is None:
            self._take(other.width, VectorRows(taken.row_width), taken)
        self._keeping.absorb(self._rows, other._keeping, other._rows, moved)

    def pack(self) -> dict[str, np.ndarray]:
        """Everything as arrays: a memory that unpacks them goes on like this one, and packs the same."""
        width = np.array([self.width or 0], np.int64)
        return {**packed.pack(self._rows), "width": width, **self._keeping.pack(self._rows)}

    def unpack(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Becomes what :meth:`pack` gave. The vectors are not copied until one is changed or added.

        Raises:
            ArchiveError: arrays that are missing, of another type or shape, or that contradict each other.
                The memory is as it was before.
        """
        width = int(packed.array_of(arrays, "width", np.int64, (1,))[0]) or None
        rows = packed.unpack(arrays)
        if width is None:
            if len(rows):
                raise damaged("the width of its observations", "none")
            self.clear()
            return
        if self.tokens != "reversible" and width != rows.width:
            raise damaged(f"long-term vectors of width {width}", f"width {rows.width}")
        try:
            keeping = self._kept(width)
        except PlacecellError as error:
            raise damaged(f"observations of {error.expected}", f"{error.came}") from error
        keeping.unpack(rows, arrays)
        self._take(width, rows, keeping)

    def _become(self, width: int | None) -> None:
        keeping = Flat(0) if width is None else self._kept(width)
        self._take(width, VectorRows(keeping.row_width), keeping)

    def _take(self, width: int | None, rows: VectorRows, keeping: Keeping) -> None:
        self.width, self._rows, self._keeping = width, rows, keeping
        self._searcher = Searcher(rows, self.index, self.exact_up_to, self.leaf_cell_m)
        self._row_nbytes = rows.row_nbytes + keeping.row_nbytes + self._searcher.row_nbytes

    def _kept(self, width: int) -> Keeping:
        if self._model is None or self.tokens != "reversible":
            return Flat(width) if self.tokens == "flat" else Means(width)
        from .token_chains import TokenChains
        from .vectors.chained import Chained

        if width != self._model.observation_width:
            raise FrameError(
                expected=f"width {self._model.observation_width}, which the token was built for",
                came=f"{width}",
                fix="pass a model of your encoder's width, or tokens='flat'",
            )
        return Chained(TokenChains(self._model), width)

    def _begin(self, observation: np.ndarray, position: np.ndarray) -> None:
        """Takes the width of the first observation, once it is sure that it will be taken in."""
        if observation.ndim != 1 or not 0 < len(observation) <= WIDEST:
            raise FrameError(
                expected=f"an observation (d,) of at most {WIDEST} numbers",
                came=f"shape {observation.shape}",
                fix="pass one vector",
            )
        self._rows.require(observation, position, len(observation))
        self._become(len(observation))

    def _moved(self, theirs: VectorRows, T_this_other: np.ndarray, node_ids: Mapping[int, int]) -> Moved:
        order = packed.by_number(theirs)
        positions = transform(T_this_other, theirs.positions[order])
        cells = np.floor(positions / self.leaf_cell_m)
        if not bool((np.abs(positions) <= FARTHEST_M).all() and (np.abs(cells) < morton.SIGN_OFFSET).all()):
            raise out_of_range()
        nodes = [node_ids.get(node, NONE) for node in theirs.columns[order, NODE].tolist()]
        leaves = np.where(theirs.columns[order, LEAF] == NONE, NONE, morton.encode(cells.astype(np.int64)))
        return Moved(order, positions, leaves, np.array(nodes, np.int64))

    def _searched(self, embedding: np.ndarray) -> Float32[np.ndarray, " d"]:
        if embedding.shape != (self.width,):
            raise wrong_width("a query's embedding", self.width, embedding.shape)
        if not bool(np.isfinite(_as_single(embedding)).all()):
            raise not_finite()
        return self._keeping.searched(unit_of(_as_single(embedding)))


def _as_single(vector: np.ndarray) -> Float32[np.ndarray, " d"]:
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(vector, np.float32)


def _shipped() -> "ReversibleMemoryToken":
    from .reversible import ReversibleMemoryToken

    return ReversibleMemoryToken.shipped()
