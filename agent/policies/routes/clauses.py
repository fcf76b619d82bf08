"""What an instruction comes to: intersections to pass and to turn at, in order, and where to stop."""

from dataclasses import dataclass
from typing import Literal

Side = Literal["left", "right", "ahead"]
PlaceKind = Literal["light", "tee", "fork", "side", "crossing", "block", "corner", "end", "exit", "unnamed"]
EndingKind = Literal["after", "before", "half", "inside", "most", "third", "landmark", "landmark_after_turn"]
ENDINGS: tuple[EndingKind, ...] = (
    "after", "before", "half", "inside", "most", "third", "landmark", "landmark_after_turn",
)  # fmt: skip


@dataclass(frozen=True)
class Clause:
    """One intersection of a route, passed or turned at.

    Args:
        side: where the route leaves it; ``ahead`` where it is only passed.
        place: what the instruction calls it.
        begin, end: the characters of the instruction that say so.
        soon: said to follow at once ("an immediate left").
        slight: a bend or a fork and no full turn.
    """

    side: Side
    place: PlaceKind
    begin: int
    end: int
    soon: bool = False
    slight: bool = False


@dataclass(frozen=True)
class Ending:
    """Where a route stops once its clauses are done, and the characters that say so."""

    kind: EndingKind
    begin: int
    end: int


@dataclass(frozen=True)
class Route:
    """An instruction as read. With no clause it is a straight walk of the usual length."""

    clauses: tuple[Clause, ...]
    ending: Ending

    @property
    def spans(self) -> list[list[int]]:
        """The characters of each step, the ending's last: plain JSON."""
        parts: tuple[Clause | Ending, ...] = (*self.clauses, self.ending)
        return [[part.begin, part.end] for part in parts]
