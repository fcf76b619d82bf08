"""From text to its phrases: places, turns, stops and goings-on, each with the characters that say so."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

from .clauses import Side
from .lexicon import (
    BARE_TURN,
    BESIDE,
    CARDINALS,
    COUNTED,
    DEAD_END,
    GO,
    NEXT,
    NO_TURN,
    NTH,
    ON_THE_SIDE,
    ORDINALS,
    PASSING,
    PLACE,
    REACHING,
    STOP,
    TURN,
    VERBLESS,
    words,
)

Role = Literal["pass", "reach", "beside", ""]
Counting = Literal["the", "next", "amount", "nth"]
_BARE = ("then", "and", "another", "quick", "immediate", "sharp")
_NEXT = re.compile(rf"\b(?:{words(*NEXT, 'other')})\b")
_NTH = re.compile(rf"\b({words(*ORDINALS)})\b")
_AMOUNT = re.compile(
    r"(?<!\w)(one|two|three|four|five|six|seven|both|couple of|couple|[1-6]|several)\b(?!-way| way)"
)
_NOUNS = ("light", "tee", "fork", "side", "crossing", "block", "corner", "street", "one")


@dataclass(frozen=True)
class Phrase:
    """A piece of an instruction, characters ``begin`` to ``end`` of it."""

    kind: Literal["dead_end", "turn", "stop", "go", "place"]
    begin: int
    end: int
    side: Side = "ahead"


@dataclass(frozen=True)
class PlacePhrase(Phrase):
    """Intersections that are mentioned.

    Args:
        role: whether they are gone through, gone to, or only a landmark beside which something is.
        counting: how they are counted: ``number`` of them, the ``number``-th, the next, or one known already.
        noun: what they are called: a kind of place, ``street``, or ``one``.
    """

    role: Role = ""
    counting: Counting = "the"
    number: int = 1
    noun: str = "crossing"


def lowered(text: str) -> str:
    """The text in lower case, character by character, so that positions in it stay what they are."""
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text).replace("’", "'")


def phrases(low: str) -> tuple[Phrase, ...]:
    """What a lower-case text says of the way, in its order; words that fit no pattern are left out."""
    found: list[Phrase] = []
    begin = 0
    while begin < len(low):
        phrase = None
        if not (begin and low[begin - 1].isalnum()):
            phrase = next(_readings(low, begin, found), None)
        if phrase is None:
            begin += 1
        else:
            found.append(phrase)
            begin = max(phrase.end, begin + 1)
    return tuple(found)


def _readings(low: str, begin: int, found: list[Phrase]) -> Iterator[Phrase]:
    """What may begin at a character, the likeliest first."""
    if match := DEAD_END.match(low, begin):
        yield Phrase("dead_end", begin, match.end())
    if (match := TURN.match(low, begin)) and _is_turn(low, match, found):
        yield Phrase("turn", begin, match.end(), cast(Side, match["side"]))
    if match := STOP.match(low, begin):
        yield Phrase("stop", begin, match.end())
    if match := GO.match(low, begin):
        yield Phrase("go", begin, match.end())
    if match := PLACE.match(low, begin):
        yield _place(match, next(noun for noun in _NOUNS if match[noun]))
    if match := NTH.match(low, begin):
        yield _place(match, "one")


def _is_turn(low: str, match: re.Match[str], found: list[Phrase]) -> bool:
    verb, begin = match["verb"], match.start()
    if NO_TURN.match(low, match.end()) or ON_THE_SIDE.search(match[0]):
        return False
    if verb not in VERBLESS:
        return True
    after_turn = bool(found) and found[-1].kind == "turn" and begin - found[-1].end < 3
    return after_turn or bool(BARE_TURN.match(low, begin))


def _place(match: re.Match[str], noun: str) -> PlacePhrase:
    said, amount = match[0], match["amount"] or ""
    counting: Counting = "next" if re.search(r"\b(a|an)\s", said) or _NEXT.search(amount) else "the"
    number = 1
    if ordinals := _NTH.findall(amount):
        counting, number = "nth", ORDINALS[ordinals[-1]]
    if "double" not in amount and (several := _AMOUNT.search(amount)):
        counting, number = "amount", CARDINALS[several[1]]
    if several := COUNTED.search(said):
        counting, number = "amount", CARDINALS[several[1]]
    return PlacePhrase(
        "place", match.start(), match.end(), "ahead", _role(match["role"] or ""), counting, number, noun
    )


def _role(word: str) -> Role:
    if word in PASSING:
        return "pass"
    if word in REACHING:
        return "reach"
    return "beside" if re.sub(r"\s+", " ", word) in BESIDE else ""
