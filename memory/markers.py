"""One integer for an object in the map and in every frame: numbers that a model can refer to.

After GPT4Scene (Qi et al. 2025), section 3.2, which numbers objects by a segmented reconstruction; here by
connected labelled voxels of posed RGB-D.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64, Int8, Int64

from placecell.arrays import Points, Rgb
from placecell.errors import ConfigError, PlacecellError

from . import morton
from .frame import Frame
from .picture.marker_drawing import draw_numbers
from .picture.marker_tracks import Keys, Piece, match
from .picture.marker_view import IdImage, inner_pixels, mark_pixel, object_image
from .recall.objects import connected
from .voxel.state_queries import OCCUPIED
from .voxel.voxels import Voxels


@runtime_checkable
class Labelled(Protocol):
    """The part of an octree that objects are found by."""

    voxel_size_m: float

    def labelled(self, category: int, *, agent: int = 0) -> Voxels:
        """The occupied voxels of a category."""

    def state(self, points: Points, *, agent: int = 0) -> Int8[np.ndarray, " n"]:
        """Whether they are occupied."""


@dataclass(frozen=True)
class Marker:
    """An object of the map.

    Args:
        id: its number, from 1.
        category: its category's id.
        position: (3,) the middle of its box, metres, world frame.
        extent: (3,) the box's edges along x, y, z, metres.
    """

    id: int
    category: int
    position: Float64[np.ndarray, "3"]
    extent: Float64[np.ndarray, "3"]

    @property
    def lower(self) -> Float64[np.ndarray, "3"]:
        """(3,) the box's lowest corner."""
        return self.position - self.extent / 2


@dataclass(frozen=True)
class Mark:
    """An object as a frame shows it.

    Args:
        id: the number that it has in the map.
        category: its category's id.
        pixel: (column, row) of a pixel that shows it.
        depth_m: planar depth there.
        visible: how much of it the frame shows, 0 to 1: the share of its voxels that a pixel ends in.
        pixels: how many pixels show it.
    """

    id: int
    category: int
    pixel: tuple[int, int]
    depth_m: float
    visible: float
    pixels: int


@dataclass(frozen=True)
class _Track:
    """An object under its number; ``here`` if the latest update found it; ``joined`` to that number, or 0."""

    id: int
    piece: Piece
    here: bool
    joined: int = 0


class ObjectMarkers:
    """Numbers the objects of a map, and finds them in frames by posed depth alone.

    An object is surface of one category in which no voxel is farther than ``gap_m`` from the next. It keeps
    its number while it grows, moves a little, changes its label, or is not found for a while though its
    voxels are still occupied. Where two become one, the older number stays, and :meth:`now` tells it by the
    other; where one comes apart, its largest part keeps it, and a part that had a number before they joined
    has that one again. A number is never given to anything else.

    Args:
        gap_m: None for 1.8 voxels, which is the next voxel, across corners too.
        least_voxels: smaller pieces get no number.
        moved_m: how far an object's middle may have moved, if it has left all its voxels, to be the same.

    Raises:
        ConfigError: a gap or a way that is negative or no number, or ``least_voxels`` below 1.
    """

    def __init__(self, gap_m: float | None = None, least_voxels: int = 6, moved_m: float = 0.5) -> None:
        if not (gap_m is None or 0 < gap_m < np.inf) or not 0 <= moved_m < np.inf or least_voxels < 1:
            raise ConfigError(
                expected="gap_m above 0 or None, moved_m of 0 or more, least_voxels of 1 or more",
                came=f"{gap_m}, {moved_m:g}, {least_voxels}",
                fix="leave them out for the defaults",
            )
        self._gap_m, self._least, self._moved_m = gap_m, least_voxels, moved_m
        self._tracks: tuple[_Track, ...] = ()
        self._size_m: float | None = None
        self._next, self._switches = 1, 0
        self._keys, self._ids = np.zeros(0, np.int64), np.zeros(0, np.int32)

    @property
    def switches(self) -> int:
        """How often surface that had one number got another, because objects joined or came apart.

        Mostly two sides of one large thing, numbered apart until the map held what lies between them.
        """
        return self._switches

    def now(self, number: int) -> int | None:
        """The number that the object of an earlier number has now: that itself, or of what it has joined.

        None if it was never given, or nothing of the object is left in the map.
        """
        known = {track.id: track.joined for track in self._tracks}
        while known.get(number) in known:
            number = known[number]
        return number if number in known else None

    def update(self, octree: Labelled, categories: Iterable[int], *, agent: int = 0) -> None:
        """Looks for the objects anew.

        Args:
            octree: the map; ever the same one, or one of the same voxels.
            categories: ids of what to number. Objects of others stay as they are.
            agent: whose map.

        Raises:
            PlacecellError: a map of another voxel size than before.
        """
        asked = frozenset(int(category) for category in categories)
        self._require_size(octree.voxel_size_m)
        pieces = [
            p for category in sorted(asked) for p in self._pieces(octree.labelled(category, agent=agent))
        ]
        old = [track for track in self._tracks if track.piece.category in asked]
        kept = [track for track in self._tracks if track.piece.category not in asked]
        resting = {o for o, track in enumerate(old) if track.joined}
        found = match(self._own(old), pieces, self._moved_m / octree.voxel_size_m, resting)
        self._switches += sum(old[o].here for o in found.joined) + len(found.parted)
        for o, piece in zip(found.old, pieces, strict=True):
            kept.append(_Track(self._next if o < 0 else old[o].id, piece, True))
            self._next += o < 0
        for o in set(range(len(old))) - set(found.old):
            if _stands(octree, old[o].piece, agent):
                into = old[found.joined[o]].id if o in found.joined else old[o].joined
                kept.append(_Track(old[o].id, old[o].piece, False, into))
        self._tracks = tuple(sorted(kept, key=lambda track: track.id))
        self._index()

    def _own(self, tracks: Sequence[_Track]) -> list[Piece]:
        """The tracks' pieces, without what belongs to others that have joined them."""
        others: dict[int | None, list[Keys]] = {}
        for track in tracks:
            if track.joined:
                others.setdefault(self.now(track.id), []).append(track.piece.keys)
        pieces = []
        for track in tracks:
            taken = others.get(track.id, [])
            own = np.setdiff1d(track.piece.keys, np.concatenate(taken)) if taken else track.piece.keys
            pieces.append(replace(track.piece, keys=own) if len(own) else track.piece)
        return pieces

    def marks(self) -> tuple[Marker, ...]:
        """The objects of the map, by their numbers."""
        if self._size_m is None:
            return ()
        size_m = self._size_m
        return tuple(
            Marker(
                track.id,
                track.piece.category,
                track.piece.middle * size_m,
                (track.piece.upper - track.piece.lower) * size_m,
            )
            for track in self._tracks
            if track.here
        )

    def image(self, frame: Frame) -> IdImage:
        """(h, w) the number of the object that each pixel shows, 0 for none; labels are not looked at."""
        return self._image(frame)[0]

    def in_frame(self, frame: Frame, least_pixels: int = 12) -> tuple[Mark, ...]:
        """The objects that a frame shows, by their numbers; what is hidden has no mark.

        Args:
            frame: its pose, camera and depth; colours and labels are not looked at.
            least_pixels: an object of which fewer show has none.
        """
        image, rows = self._image(frame)
        inner, flat = inner_pixels(image), image.reshape(-1)
        shown = np.flatnonzero(flat)
        shown = shown[np.argsort(flat[shown], kind="stable")]
        starts = np.flatnonzero(np.diff(flat[shown], prepend=0))
        marks = []
        for pixels in np.split(shown, starts[1:]) if len(shown) else []:
            if len(pixels) < least_pixels:
                continue
            number = int(flat[pixels[0]])
            v, u = np.divmod(pixels, image.shape[1])
            n = mark_pixel(v, u, inner.reshape(-1)[pixels])
            piece = self._piece_of(number)
            marks.append(
                Mark(
                    id=number,
                    category=piece.category,
                    pixel=(int(u[n]), int(v[n])),
                    depth_m=float(frame.depth[v[n], u[n]]),
                    visible=len(np.unique(rows.reshape(-1)[pixels])) / len(piece.keys),
                    pixels=len(pixels),
                )
            )
        return tuple(marks)

    def _image(self, frame: Frame) -> tuple[IdImage, Int64[np.ndarray, "h w"]]:
        return object_image(frame, self._keys, self._ids, self._size_m or 1.0)

    def _piece_of(self, number: int) -> Piece:
        return next(track.piece for track in self._tracks if track.id == number)

    def _pieces(self, voxels: Voxels) -> list[Piece]:
        """The objects of one category, those with the lowest keys first."""
        if len(voxels) == 0:
            return []
        # In voxels, so that rounding does not part neighbours.
        gap = 1.8 if self._gap_m is None else self._gap_m / (self._size_m or 1.0)
        group = connected(voxels.indices.astype(np.float64), gap)
        keys = morton.encode(voxels.indices)
        order = np.lexsort((keys, group))
        pieces = []
        for part in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
            if len(part) >= self._least:
                indices = voxels.indices[part]
                label = int(voxels.labels[part[0]])
                pieces.append(Piece(label, keys[part], indices.min(0), indices.max(0) + 1))
        return sorted(pieces, key=lambda piece: int(piece.keys[0]))

    def _index(self) -> None:
        """All voxels of the objects that are here, by key."""
        here = [track for track in self._tracks if track.here]
        keys = np.concatenate([np.zeros(0, np.int64), *(track.piece.keys for track in here)])
        ids = np.repeat([track.id for track in here], [len(track.piece.keys) for track in here])
        order = np.argsort(keys)
        self._keys, self._ids = keys[order], ids.astype(np.int32)[order]

    def _require_size(self, voxel_size_m: float) -> None:
        if self._size_m is not None and voxel_size_m != self._size_m:
            raise PlacecellError(
                expected=f"a map of voxels of {self._size_m:g} m, as before",
                came=f"{voxel_size_m:g} m",
                fix="use an ObjectMarkers for each map",
            )
        self._size_m = voxel_size_m


def draw(image: Rgb, marks: Sequence[Mark]) -> Rgb:
    """A copy of a frame's image with each mark's number at its pixel, the nearest whole and on top.

    Args:
        image: (h, w, 3) the frame's own, or another of its size.
        marks: of :meth:`ObjectMarkers.in_frame`.
    """
    nearest_first = sorted(marks, key=lambda mark: (mark.depth_m, mark.id))
    return draw_numbers(image, [(mark.id, mark.pixel) for mark in nearest_first])


def tag(number: int) -> str:
    """How a text names an object.

    >>> tag(7)
    '<OBJ007>'
    """
    return f"<OBJ{number:03d}>"


def text(marks: Iterable[Mark | Marker], names: Sequence[str] | Mapping[int, str]) -> str:
    """A line for each object, ``<OBJ007> chair``, by their numbers.

    Args:
        marks: objects of the map, or of a frame.
        names: of the categories, by id; one that has none is called by its id.
    """
    known = dict(names) if isinstance(names, Mapping) else dict(enumerate(names))
    called = {mark.id: known.get(mark.category) or f"category {mark.category}" for mark in marks}
    return "\n".join(f"{tag(number)} {called[number]}" for number in sorted(called))


def _stands(octree: Labelled, piece: Piece, agent: int) -> bool:
    """Whether half of the voxels are still occupied, whatever they are taken for."""
    centres = (morton.decode(piece.keys) + 0.5) * octree.voxel_size_m
    return 2 * int((octree.state(centres, agent=agent) == OCCUPIED).sum()) >= len(piece.keys)
