"""What was seen of late around the agent: few entries, placed relative to it, the least used go first.

Source: the short-term memory of Mem4Nav (capacity, agent-relative coordinates, eviction by frequency and age,
candidates within a radius ranked by cosine).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64

from placecell.arrays import Embedding, Point, Points, Transform
from placecell.errors import ConfigError, FrameError, PlacecellError
from placecell.geometry import invert, require_rigid, transform

from .archive import damaged
from .short_term_rows import POINTS, checked, nearest_row, require_whole, thinned
from .sight.sightings import Sighting

SAME_M = 0.5
"""What is of one category and no farther apart is one entry."""
SAME_COSINE = 0.9
"""Entries without a category are one only if their embeddings are so much alike."""
MOST_FRAMES = 30
"""A thing seen in more frames than this is no surer."""
MOST_ENTRIES = 1 << 16
"""Room for all is made at once, also where an archive asks for it."""
_COLUMNS = ("number", "category", "frequency", "step", "votes", "count", "width")
_ROW_NBYTES = 8 * len(_COLUMNS) + 3 * 8 * (POINTS + 1)


@dataclass(frozen=True)
class ShortTermEntry:
    """One entry, as it is handed out.

    Args:
        number: its own, never given to another.
        position: (3,) the mean of its points, metres, relative to the agent.
        points: (n, 3) of its surface, at most ``POINTS``, metres, relative to the agent.
        category: its category id; 0 = none.
        embedding: (d,) float32, or None.
        frequency: 1, and 1 more for each retrieval.
        last_step: when it was last seen.
        votes: voxels that were seen of it, summed over at most ``MOST_FRAMES`` frames.
        cosine: of its embedding and the one that was asked for; None where either is missing.
    """

    number: int
    position: Point
    points: Points
    category: int
    embedding: Float32[np.ndarray, " d"] | None
    frequency: int
    last_step: int
    votes: int
    cosine: float | None = None


class ShortTermMemory:
    """At most ``capacity`` entries, in coordinates relative to the agent, which :meth:`rebase` moves.

    ``T_world_agent`` (4, 4) is where the agent is by its own reckoning, for those who ask by the world.

    A thing that is seen again is the same entry: it is young again, and where it was seen last. When there
    is no room the entry with the least ``lam * frequency - (1 - lam) * age`` goes; age is in steps, frequency
    counts retrievals.

    Args:
        capacity: how many entries there may be.
        lam: 1 keeps what was asked for most, 0 what was seen last.
        radius_m: nothing farther from a queried position is a candidate.

    Raises:
        ConfigError: a capacity below 1 or above ``MOST_ENTRIES``, a lam outside 0 to 1, or a radius that is
            not positive and finite.
    """

    def __init__(self, capacity: int = 128, lam: float = 0.5, radius_m: float = 3.0) -> None:
        if not 1 <= capacity <= MOST_ENTRIES or not 0 <= lam <= 1 or not 0 < radius_m < float("inf"):
            raise ConfigError(
                expected=f"a capacity of 1 to {MOST_ENTRIES}, a lam from 0 to 1 and a radius above 0",
                came=f"capacity {capacity}, lam {lam:g}, radius_m {radius_m:g}",
                fix="leave them at 128, 0.5 and 3",
            )
        self.capacity, self.lam, self.radius_m = int(capacity), float(lam), float(radius_m)
        self.clear()

    def clear(self) -> None:
        """Forgets everything; the agent is at the world's origin until it moves."""
        self.T_world_agent = np.eye(4)
        self._used = self._next = 0
        self._rows: dict[str, np.ndarray] = {name: np.zeros(self.capacity, np.int64) for name in _COLUMNS}
        self._points = np.zeros((self.capacity, POINTS, 3))
        self._middles = np.zeros((self.capacity, 3))
        self._embeddings: list[Float32[np.ndarray, " d"] | None] = [None] * self.capacity

    def __len__(self) -> int:
        return self._used

    @property
    def nbytes(self) -> int:
        """Of the entries there are."""
        return self._used * _ROW_NBYTES + 4 * int(self._rows["width"][: self._used].sum())

    def most_nbytes(self, width: int) -> int:
        """What :attr:`nbytes` never exceeds where no embedding is wider than this."""
        return self.capacity * (_ROW_NBYTES + 4 * width)

    def rebase(self, T_new_old: Transform) -> None:
        """The agent has moved: entries keep their places in the world.

        Args:
            T_new_old: (4, 4) points relative to where the agent was, relative to where it is.

        Raises:
            FrameError: no rigid transform.
        """
        require_rigid(T_new_old, "T_new_old")
        self._rebase(T_new_old)
        self.T_world_agent = self.T_world_agent @ invert(T_new_old)

    def move_to(self, T_world_agent: Transform) -> None:
        """As :meth:`rebase`, by the pose at which the agent is now.

        Raises:
            FrameError: no rigid transform.
        """
        require_rigid(T_world_agent, "T_world_agent")
        self._rebase(invert(T_world_agent) @ self.T_world_agent)
        self.T_world_agent = T_world_agent.astype(np.float64)

    def follow(self, T_world_camera: Transform) -> None:
        """As :meth:`move_to`, by a frame's pose, which is known to be rigid."""
        T_world_agent = agent_frame(T_world_camera)
        self._rebase(invert(T_world_agent) @ self.T_world_agent)
        self.T_world_agent = T_world_agent

    def add(
        self,
        points: Points,
        step: int,
        *,
        category: int = 0,
        embedding: Embedding | None = None,
        votes: int | None = None,
    ) -> int:
        """Takes in something seen now: a new entry, or an old one seen again.

        Args:
            points: (n, 3) of its surface, metres, relative to the agent, one or more; thinned to ``POINTS``.
            step: the memory's clock.
            category: its category id; 0 = none.
            embedding: (d,) float, or None.
            votes: voxels seen of it; None: as many as points.

        Returns:
            The entry's number.

        Raises:
            PlacecellError: no points, or numbers that are not finite.
        """
        if len(points) == 0 or not bool(np.isfinite(points).all()):
            raise PlacecellError(
                expected="one or more finite points of what was seen",
                came=f"{len(points)} points, {int((~np.isfinite(points)).sum())} numbers not finite",
                fix="add only what has a position",
            )
        kept = thinned(points)
        middle = np.add.reduce(kept) / len(kept)
        vector = None if embedding is None else embedding.astype(np.float32)
        return self._enter(kept, middle, step, category, vector, len(points) if votes is None else votes)

    def see_all(self, sightings: Sequence[Sighting], step: int) -> None:
        """As :meth:`add`, of all that a frame shows, one after the other, from where the agent is now.

        Args:
            sightings: with points in the frame of ``T_world_agent``.
            step: the memory's clock.
        """
        if not sightings:
            return
        held = [thinned(sighting.points) for sighting in sightings]
        points = transform(invert(self.T_world_agent), np.concatenate(held))
        first = 0
        for sighting, each in zip(sightings, held, strict=True):
            kept = points[first : first + len(each)]
            first += len(each)
            middle = np.add.reduce(kept) / len(kept)
            self._enter(kept, middle, step, sighting.label, sighting.embedding, sighting.count)

    def candidates(
        self,
        position: Point,
        *,
        radius_m: float | None = None,
        category: int | None = None,
        embedding: Embedding | None = None,
    ) -> tuple[ShortTermEntry, ...]:
        """The entries near a position, best first; asking changes nothing.

        Args:
            position: (3,) metres, relative to the agent.
            radius_m: how far away they may be; None, and at most: the memory's radius.
            category: only entries of it; None: any.
            embedding: (d,) what to rank by: the cosine with it. None: the nearest first.
        """
        reach = self.radius_m if radius_m is None else min(radius_m, self.radius_m)
        distances = np.linalg.norm(self._middles[: self._used] - position, axis=1)
        near = distances <= reach
        if category is not None:
            near &= self._rows["category"][: self._used] == category
        rows = np.flatnonzero(near)
        cosines = self._cosines(rows, embedding)
        figures = distances[rows] if embedding is None else -cosines
        order = np.lexsort((self._rows["number"][rows], figures))
        return tuple(self._entry(int(rows[n]), float(cosines[n])) for n in order)

    def recall(
        self,
        position: Point,
        k: int,
        *,
        radius_m: float | None = None,
        category: int | None = None,
        embedding: Embedding | None = None,
    ) -> tuple[ShortTermEntry, ...]:
        """The first ``k`` of :meth:`candidates`, which are used once more by that."""
        found = self.candidates(position, radius_m=radius_m, category=category, embedding=embedding)[:k]
        self.use(entry.number for entry in found)
        return found

    def entries(self) -> tuple[ShortTermEntry, ...]:
        """All entries, by their numbers; asking changes nothing."""
        order = np.argsort(self._rows["number"][: self._used])
        return tuple(self._entry(row, float("nan")) for row in order.tolist())

    def use(self, numbers: Iterable[int]) -> None:
        """Entries of these numbers were retrieved: one more in their frequency."""
        used = np.isin(self._rows["number"][: self._used], list(numbers))
        self._rows["frequency"][: self._used] += used

    def forget_labels(self) -> None:
        """Keeps where things are and forgets what they are."""
        self._rows["category"][: self._used] = 0

    def pack(self) -> dict[str, np.ndarray]:
        """The entries as arrays: memories that answer alike pack alike."""
        order = np.argsort(self._rows["number"][: self._used])
        held = np.arange(POINTS) < self._rows["count"][: self._used][order, None]
        vectors = [vector for n in order.tolist() if (vector := self._embeddings[n]) is not None]
        return {
            **{name: column[: self._used][order] for name, column in self._rows.items()},
            "points": np.where(held[..., None], self._points[: self._used][order], 0.0),
            "middles": self._middles[: self._used][order],
            "embeddings": np.concatenate([np.zeros(0, np.float32), *vectors]),
            "next": np.array([self._next], np.int64),
            "T_world_agent": self.T_world_agent.copy(),
        }

    def unpack(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Becomes what :meth:`pack` gave.

        Raises:
            ArchiveError: arrays that are missing, of another type or shape, or too many entries. The memory
                is as it was before.
        """
        used = len(arrays["number"]) if "number" in arrays and arrays["number"].ndim == 1 else 0
        if used > self.capacity:
            raise damaged(f"at most {self.capacity} entries", f"{used}")
        other = ShortTermMemory(self.capacity, self.lam, self.radius_m)
        parts = {**other._rows, "points": other._points, "middles": other._middles}
        for name, rows in parts.items():
            rows[:used] = checked(arrays, name, rows.dtype, (used, *rows.shape[1:]))
        widths, ends = other._rows["width"][:used], np.cumsum(other._rows["width"][:used])
        total = int(ends[-1]) if used else 0
        vectors = checked(arrays, "embeddings", np.dtype(np.float32), (total,))
        following = int(checked(arrays, "next", np.dtype(np.int64), (1,))[0])
        pose = checked(arrays, "T_world_agent", np.dtype(np.float64), (4, 4)).copy()
        require_whole(other._rows, other._points, used, following)
        try:
            require_rigid(pose)
        except FrameError as error:
            raise damaged("the pose of the agent", f"{error.came}") from error
        for n in range(used):
            if widths[n]:
                other._embeddings[n] = vectors[int(ends[n] - widths[n]) : int(ends[n])].copy()
        self._rows, self._points, self._middles = other._rows, other._points, other._middles
        self._embeddings, self._used, self._next = other._embeddings, used, following
        self.T_world_agent = pose

    def _enter(
        self,
        kept: Points,
        middle: Point,
        step: int,
        category: int,
        vector: Float32[np.ndarray, " d"] | None,
        votes: int,
    ) -> int:
        row = self._same(middle, category, vector)
        rows = self._rows
        if row < 0:
            row = self._room(step)
            rows["number"][row], rows["frequency"][row], self._next = self._next, 1, self._next + 1
            rows["category"][row] = category
        rows["votes"][row] = min(rows["votes"][row].item() + votes, MOST_FRAMES * max(votes, len(kept)))
        rows["count"][row] = len(kept)
        rows["step"][row] = max(rows["step"][row].item(), step)
        rows["width"][row] = 0 if vector is None else len(vector)
        self._middles[row], self._embeddings[row] = middle, vector
        self._points[row, : len(kept)] = kept
        return rows["number"][row].item()

    def _rebase(self, T_new_old: Transform) -> None:
        used = self._used
        flat = self._points[:used].reshape(-1, 3)
        self._points[:used] = transform(T_new_old, flat).reshape(used, POINTS, 3)
        self._middles[:used] = transform(T_new_old, self._middles[:used])

    def _same(self, middle: Point, category: int, vector: Float32[np.ndarray, " d"] | None) -> int:
        """The row of the entry that this is, the nearest of several; -1 for none."""
        if category > 0 or vector is None:
            numbers, categories = self._rows["number"], self._rows["category"]
            return nearest_row(numbers, categories, self._middles, self._used, middle, category, SAME_M)
        used = self._used
        squares = np.einsum("nd,nd->n", apart := self._middles[:used] - middle, apart)
        rows = np.flatnonzero((self._rows["category"][:used] == 0) & (squares <= SAME_M * SAME_M))
        rows = rows[self._cosines(rows, vector) >= SAME_COSINE]
        if len(rows) == 0:
            return -1
        return int(rows[np.lexsort((self._rows["number"][rows], squares[rows]))[0]])

    def _room(self, step: int) -> int:
        """A row for a new entry."""
        if self._used < self.capacity:
            self._used += 1
            row = self._used - 1
        else:
            age = step - self._rows["step"]
            worth = self.lam * self._rows["frequency"] - (1 - self.lam) * age
            row = int(np.lexsort((self._rows["number"], worth))[0])
        for column in self._rows.values():
            column[row] = 0
        return row

    def _cosines(
        self, rows: Int64[np.ndarray, " n"], embedding: Embedding | None
    ) -> Float64[np.ndarray, " n"]:
        """Of the rows' embeddings with this one; NaN, which sorts last, where either is missing."""
        cosines = np.full(len(rows), np.nan)
        if embedding is None:
            return cosines
        held = [self._embeddings[row] for row in rows.tolist()]
        same = [n for n, vector in enumerate(held) if vector is not None and len(vector) == len(embedding)]
        if not same:
            return cosines
        # Row by row, not by BLAS: an entry's figure must not depend on which others are asked.
        vectors = np.stack([vector for n in same if (vector := held[n]) is not None])
        wanted = embedding.astype(np.float32)
        lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors)) * float(np.linalg.norm(wanted))
        products = np.einsum("nd,d->n", vectors, wanted)
        cosines[same] = np.where(lengths > 0, products / np.maximum(lengths, 1e-30), 0.0)
        return cosines

    def _entry(self, row: int, cosine: float) -> ShortTermEntry:
        rows = {name: int(column[row]) for name, column in self._rows.items()}
        points = self._points[row, : rows["count"]].copy()
        return ShortTermEntry(
            number=rows["number"],
            position=self._middles[row].copy(),
            points=points,
            category=rows["category"],
            embedding=self._embeddings[row],
            frequency=rows["frequency"],
            last_step=rows["step"],
            votes=rows["votes"],
            cosine=None if np.isnan(cosine) else cosine,
        )


def agent_frame(T_world_camera: Transform) -> Transform:
    """(4, 4) agent to world: at the camera, z up, x where the camera looks over the ground.

    A camera that looks straight up or down is taken to look where the top or the bottom of its image is.
    """
    ahead = T_world_camera[:2, 2]
    if np.hypot(*ahead) < 1e-6:
        ahead = T_world_camera[:2, 1] * np.sign(T_world_camera[2, 2])
    x, y = ahead / np.hypot(*ahead)
    T_world_agent = np.eye(4)
    T_world_agent[:2, :2] = [[x, -y], [y, x]]
    T_world_agent[:3, 3] = T_world_camera[:3, 3]
    return T_world_agent
