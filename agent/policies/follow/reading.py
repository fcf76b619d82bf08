"""An indoor instruction as steps: what each clause says of turning, of stairs and of stopping."""

import math
import re
from dataclasses import dataclass

AROUND, LEFT, RIGHT = math.pi, math.pi / 2, -math.pi / 2
SLIGHT = math.pi / 4

_BREAK = re.compile(r"[.,;:!?]+|\b(?:and|then|until|when|once|after which)\b", re.IGNORECASE)
_AROUND = re.compile(
    r"\b(turn|face|go|head|walk)\w*\s+(all the way\s+)?(around|back)\b(?!\s+the\b)"
    r"|u-turn|\b180\b|behind you"
)
_SIDE = re.compile(
    r"\b(?:turn\w*|tak\w+|mak\w+|bear\w*|veer\w*|hang\w*|hook|rotate|pivot|face|facing|go\w*|walk\w*|head\w*|mov\w+|"
    r"proceed\w*|continu\w+|exit\w*|leav\w+|enter\w*)\b"
    r"(?P<between>[\w\s']{0,30}?)\b(?P<side>left|right)\b(?!\s+(?:side|hand|of)\b)"
)  # fmt: skip
_BARE = re.compile(
    r"^\s*(?:(?:an?|the|first|second|third|next|immediate\w*|sharp|slight|hard|quick|your)\s+)*(left|right)\b"
)
_NOT_A_TURN = re.compile(
    r"\b(past|pass|with|keep\w*|keeping|by|beside|next to)\b|\bon\s*$|\bon (your|the)\s*$"
)
_SLIGHT = re.compile(r"\b(slight|slightly|bear|veer|diagonal)\w*\b")
_STAIRS = re.compile(r"\b(stair\w*|steps?|staircase|flight|upstairs|downstairs)\b")
_UP = re.compile(r"\b(up|upstairs|climb\w*|ascend\w*)\b")
_DOWN = re.compile(r"\b(down|downstairs|descend\w*)\b")
_STRAIGHT = re.compile(r"\b(straight|forward|ahead)\b")
_STOP = re.compile(r"\b(stop|wait|stand|halt|pause)\w*\b")


@dataclass(frozen=True)
class Step:
    """A clause of an instruction.

    Args:
        begin, end: its characters.
        text: these, in lower case.
        turn_rad: by how much it says to turn, left positive; None where it says nothing of it.
        climb: 1 up, -1 down, 0 neither.
        stops: it says to stop.
    """

    begin: int
    end: int
    text: str
    turn_rad: float | None = None
    climb: int = 0
    stops: bool = False


def read_steps(instruction: str) -> tuple[Step, ...]:
    """The clauses in order, one at least; those without a word are left out.

    >>> [(s.turn_rad, s.climb, s.stops) for s in read_steps("Walk up the stairs and wait.")]
    [(None, 1, False), (None, 0, True)]
    """
    ends = [0, *(m.end() for m in _BREAK.finditer(instruction)), len(instruction)]
    stops = [*(m.start() for m in _BREAK.finditer(instruction)), len(instruction)]
    found = []
    for begin, end in zip(ends, stops, strict=False):
        text = instruction[begin:end]
        if re.search(r"\w", text):
            left = begin + len(text) - len(text.lstrip())
            found.append(_step(left, begin + len(text.rstrip()), text.strip().lower()))
    return tuple(found) or (_step(0, len(instruction), instruction.lower()),)


def _step(begin: int, end: int, text: str) -> Step:
    return Step(begin, end, text, _turn(text), _climb(text), _STOP.search(text) is not None)


def _turn(text: str) -> float | None:
    """What the clause says of turning."""
    if _AROUND.search(text):
        return AROUND
    said = _SIDE.search(text)
    if said is not None and not _NOT_A_TURN.search(said["between"]):
        side = said["side"]
    elif (bare := _BARE.search(text)) is not None:
        side = bare[1]
    else:
        return 0.0 if _STRAIGHT.search(text) else None
    size = SLIGHT if _SLIGHT.search(text) else LEFT
    return size if side == "left" else -size


def _climb(text: str) -> int:
    """Whether stairs are taken, not only passed or stopped at."""
    if not _STAIRS.search(text) or re.search(r"\b(top|bottom|past|pass|foot)\b", text):
        return 0
    if _UP.search(text):
        return 1
    return -1 if _DOWN.search(text) else 0
