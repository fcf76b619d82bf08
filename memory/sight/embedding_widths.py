"""How long the vectors are that a memory is given: of views and of things, from the first frame on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from placecell.errors import ArchiveError, FrameError, PlacecellError

from ..archive import damaged
from ..frame import Frame
from ..retrieval import Query
from .descriptor import WIDTH


@dataclass(frozen=True)
class EmbeddingWidths:
    """``place`` of what describes a view, ``thing`` of what describes a patch of it; 0: none came yet."""

    place: int = 0
    thing: int = 0

    def after(self, frame: Frame) -> "EmbeddingWidths":
        """The widths once a frame was taken in.

        Raises:
            FrameError: a frame with vectors of other widths than those before, or without an embedding where
                those before had one, or the other way round, or an embedding that is not finite.
        """
        if frame.embedding is not None:
            require_finite(frame.embedding, "an embedding")
        whole = 0 if frame.embedding is None else len(frame.embedding)
        patch = whole if frame.features is None else frame.features.shape[2]
        place, thing = whole or WIDTH, patch or self.thing
        if self.place not in (0, place):
            raise FrameError(
                expected=_wanted("an embedding", 0 if self.place == WIDTH else self.place),
                came=_wanted("one", whole).replace("frames", "a frame"),
                fix="write all frames of one memory with the same encoder",
            )
        if self.thing not in (0, thing):
            raise FrameError(
                expected=f"frames whose patches have vectors of width {self.thing}, as those before",
                came=f"width {thing}",
                fix="write all frames of one memory with the same encoder",
            )
        return EmbeddingWidths(place, thing)

    def plus(self, other: "EmbeddingWidths") -> "EmbeddingWidths":
        """The widths of both.

        Raises:
            PlacecellError: they are not the same.
        """
        if 0 not in (self.place, other.place) and self.place != other.place:
            raise _unlike("views", self.place, other.place)
        if 0 not in (self.thing, other.thing) and self.thing != other.thing:
            raise _unlike("things", self.thing, other.thing)
        return EmbeddingWidths(self.place or other.place, self.thing or other.thing)

    def require_same(self, stored: "EmbeddingWidths") -> None:
        """Raises :class:`ArchiveError` for an archive's widths where these are others; 0 goes with any."""
        for kind, own, came in (("views", self.place, stored.place), ("things", self.thing, stored.thing)):
            if 0 not in (own, came) and own != came:
                raise ArchiveError(
                    expected=f"an archive with embeddings of {kind} of width {own}, as this memory's",
                    came=f"width {came}",
                    fix="those of two encoders cannot be compared: load it into a memory of its own",
                )

    def require_known(self, query: Query, voxel: int) -> None:
        """Raises :class:`PlacecellError` for a query with an embedding of a width that nothing has.

        Args:
            query: what is asked.
            voxel: the width of voxels' features; 0 where they have none.
        """
        known = sorted({self.place, self.thing, voxel} - {0})
        if query.embedding is not None and known and len(query.embedding) not in known:
            raise PlacecellError(
                expected="a query's embedding of width "
                f"{' or '.join(map(str, known))}, as what is remembered",
                came=f"width {len(query.embedding)}",
                fix="ask with the encoder that the frames were written with",
            )

    def require_those_of(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Raises :class:`ArchiveError` where a packed graph's descriptors are of other widths than these."""
        for kind, width in (("place", self.place), ("landmark", self.thing)):
            held = arrays[f"topology.{kind}.descriptor"].shape[1]
            if held not in (0, width):
                raise damaged(f"descriptors of {kind}s of width {width}, as sight.widths says", f"{held}")

    def require_that_of(self, observations: int | None) -> None:
        """Raises :class:`ArchiveError` where a long term's observations are not as wide as views."""
        if observations not in (None, self.place):
            raise damaged(f"observations of width {self.place}, as sight.widths says", f"{observations}")

    def array(self) -> Int64[np.ndarray, "2"]:
        """Both, for an archive."""
        return np.array([self.place, self.thing], np.int64)

    @staticmethod
    def read(arrays: Mapping[str, np.ndarray], name: str) -> "EmbeddingWidths":
        """What :meth:`array` gave, of an archive's arrays.

        Raises:
            ArchiveError: it is missing, or no widths.
        """
        held = arrays.get(name, np.zeros(0))
        if held.dtype != np.int64 or held.shape != (2,) or int(held.min()) < 0:
            raise damaged(f"{name} of two int64 of 0 or more", f"{held.dtype} {held.shape}")
        return EmbeddingWidths(int(held[0]), int(held[1]))


def require_finite(vectors: Float[np.ndarray, "..."], name: str) -> None:
    """Raises :class:`FrameError` for vectors that no part could rank by: a frame is checked when it is made,
    but its arrays may have been written to since, and sums of what is finite may not be.
    """
    if not bool(np.isfinite(vectors).all()):
        raise FrameError(
            expected=f"{name} of finite numbers",
            came=f"{int((~np.isfinite(vectors)).sum())} NaN or infinite",
            fix="check the encoder's output before writing the frame",
        )


def _unlike(kind: str, own: int, came: int) -> PlacecellError:
    return PlacecellError(
        expected=f"a memory with embeddings of {kind} of width {own}, as this one's",
        came=f"width {came}",
        fix="those of two encoders cannot be compared: merge memories of the same one",
    )


def _wanted(what: str, width: int) -> str:
    return f"frames with {what} of width {width}" if width else f"frames without {what}"
