"""Reads a route from the phrases of an instruction: which intersections are passed, which are turned at."""

import re
from dataclasses import dataclass, replace
from typing import cast

from .clauses import Clause, PlaceKind, Route, Side
from .endings import ending_of
from .grammar import Counting, Phrase, PlacePhrase, lowered, phrases
from .lexicon import ORDINALS, SLIGHT, SOON, WHICH_EXIT

MOST_CLAUSES = 32
_LOOK_BACK = 40
_SENTENCE_END = re.compile(r"[.!?;]")
_BESIDE = re.compile(
    r"(flow of|against|with|direction of|lanes? of)\s*$"
    r"|\b(with|on|behind|if|from|across from)\s+(the|a|an)?\s*$|too far|if you reach|between"
)
_CORNER_OF = re.compile(r"\b(on|near|far|hand|by)\s*(the\s*)?(near|far)?$")
_END_OF = re.compile(r"\bend\s+(of\s*)?$")
_PASSES = re.compile(r"\b(through|past|pass|passing|cross|ignore|ignoring)\b[^.,;]*$")
_REACHES = re.compile(r"\b(to|at|until|reach|before)\b[^.,;]*$")
_GOES_ON = re.compile(r"[.,;]|\band\b|\bthen\b")
_ELSEWHERE = re.compile(r",|\b(and|then|go|walk|head|continue|proceed)\b")


@dataclass(frozen=True)
class _Pending:
    """A place that the text has come to, of which it has not yet said what is done there."""

    counting: Counting
    number: int
    begin: int
    end: int
    place: PlaceKind


def read_route(text: str) -> Route:
    """What an instruction says, as far as it is understood; never an exception.

    An instruction that says nothing known comes to no clauses: a walk straight on of the usual length.
    """
    low = lowered(text)
    said = phrases(low)
    stops = [n for n, phrase in enumerate(said) if phrase.kind == "stop"]
    stop = said[stops[-1]].begin if stops else len(low)
    clauses = _Reader(low).read(said[: stops[-1]] if stops else said)
    return Route(clauses, ending_of(low, clauses[-1].end if clauses else 0, stop))


class _Reader:
    """The reading under way: clauses so far, a place that waits, how many were passed since the last turn."""

    def __init__(self, low: str) -> None:
        self._low = low
        self._clauses: list[Clause] = []
        self._pending: _Pending | None = None
        self._passed = self._passed_before_turn = 0
        self._latest, self._place = "", cast(PlaceKind, "crossing")

    def read(self, said: tuple[Phrase, ...]) -> tuple[Clause, ...]:
        """The clauses, at most ``MOST_CLAUSES``."""
        for phrase in said:
            if isinstance(phrase, PlacePhrase):
                self._read_place(phrase)
            elif phrase.kind == "turn":
                self._read_turn(phrase)
            elif phrase.kind == "go":
                self._read_go(phrase)
            elif phrase.kind == "dead_end":
                self._read_dead_end(phrase)
        return tuple(self._clauses[:MOST_CLAUSES])

    def _read_place(self, phrase: PlacePhrase) -> None:
        known = self._understood(phrase)
        if known is None:
            return
        phrase, place = known
        self._place = place
        if phrase.role == "pass":
            self._pass_through(phrase, place)
        elif self._says_where_to_turn(phrase):
            turn = self._clauses.pop()
            if turn.place == "unnamed":
                if phrase.counting == "nth":
                    missing = phrase.number - 1 - self._passed_before_turn
                    self._pass(missing, place, phrase.begin, phrase.end)
                turn = replace(turn, place=place, end=phrase.end)
            self._clauses.append(turn)
            self._passed, self._pending = 0, None
        else:
            self._come_to(phrase, place)

    def _understood(self, phrase: PlacePhrase) -> tuple[PlacePhrase, PlaceKind] | None:
        """The phrase with its role settled by what stands before it; None for a landmark of another thing."""
        before = re.split(r"[.,;!?]", self._low[max(0, phrase.begin - _LOOK_BACK) : phrase.begin])[-1]
        said = self._low[phrase.begin : phrase.end]
        if phrase.role == "beside" or said.strip() == "traffic" or _BESIDE.search(before):
            return None
        place = self._kind(phrase, before, said)
        if place is None:
            return None
        if place == "end":
            counting: Counting = "nth" if phrase.counting == "nth" else "next"
            return replace(phrase, role="reach", counting=counting), place
        if phrase.role:
            return phrase, place
        if place == "side":
            return replace(
                phrase, role="pass" if re.search(r"(pass|through|cross|ignor)", before) else "reach"
            ), place
        if _PASSES.search(before) and not _REACHES.search(before.rpartition("pass")[2]):
            return replace(phrase, role="pass"), place
        goes_on = self._latest == "pass" and re.search(r"(and|then)\s*$", self._low[: phrase.begin])
        return replace(phrase, role="pass" if goes_on else "reach"), place

    def _kind(self, phrase: PlacePhrase, before: str, said: str) -> PlaceKind | None:
        noun = self._place if phrase.noun == "one" else phrase.noun
        if noun == "corner":
            of_a_thing = _CORNER_OF.search(before) or re.search(r"on|near|both|all|left|right", said)
            return None if of_a_thing or phrase.role != "reach" else "corner"
        if noun in ("block", "street"):
            if _END_OF.search(before) or (noun == "street" and "end" in before and not phrase.role):
                return "end"
            if noun == "block":
                return "block" if phrase.counting in ("amount", "nth") else None
            crossed = phrase.role == "pass" and phrase.counting == "next"
            return "crossing" if crossed or said.startswith("cross") else None
        return cast(PlaceKind, noun)

    def _says_where_to_turn(self, phrase: PlacePhrase) -> bool:
        if self._latest != "turn" or not self._clauses or self._clauses[-1].side == "ahead":
            return False
        between = self._low[self._clauses[-1].end : phrase.begin]
        return not _SENTENCE_END.search(between) and not _ELSEWHERE.search(between)

    def _pass_through(self, phrase: PlacePhrase, place: PlaceKind) -> None:
        pending = self._pending
        if pending is not None and phrase.counting == "the":  # through the light just named
            self._pass(self._still_to(pending), place, pending.begin, phrase.end)
            self._passed = max(self._passed + 1, pending.number)
        else:
            if pending is not None:
                self._pass(self._still_to(pending), pending.place, pending.begin, phrase.begin)
                self._passed += 1
            number = phrase.number
            if phrase.counting == "nth":
                number = max(1, number - self._passed)
            self._pass(number, place, phrase.begin, phrase.end)
            self._passed += number
        self._pending, self._latest = None, "pass"

    def _come_to(self, phrase: PlacePhrase, place: PlaceKind) -> None:
        pending = self._pending
        another = pending is not None and self._latest == "reach" and phrase.counting != "the"
        if another and pending and _SENTENCE_END.search(self._low, pending.end, phrase.begin):
            self._pass(self._still_to(pending), pending.place, pending.begin, pending.end)
            self._passed += 1
            self._pending = None
        if self._pending is None or phrase.counting != "the":
            counting, number = phrase.counting, phrase.number if phrase.counting == "nth" else 1
            if counting == "amount" and phrase.number > 1:
                counting, number = "nth", self._passed + phrase.number
            self._pending = _Pending(counting, number, phrase.begin, phrase.end, place)
        self._latest = "reach"

    def _read_dead_end(self, phrase: Phrase) -> None:
        turned = self._clauses[-1] if self._clauses and self._latest == "turn" else None
        unsaid = turned is not None and turned.place == "unnamed"
        if turned is not None and unsaid and not _SENTENCE_END.search(self._low, turned.end, phrase.begin):
            self._clauses[-1] = replace(turned, place="tee")
            self._pending = None
        else:
            self._pending = _Pending("next", 1, phrase.begin, phrase.end, "tee")
            self._latest = "reach"

    def _read_go(self, phrase: Phrase) -> None:
        pending = self._pending
        if pending is None or self._latest != "reach":
            return
        aims = re.search(r"until|to the|toward", self._low[phrase.begin : phrase.end + 12])
        if aims or not _GOES_ON.search(self._low, pending.end, phrase.begin):
            return
        number = self._still_to(pending)
        self._pass(number, pending.place, pending.begin, phrase.end)
        self._passed += number
        self._pending, self._latest = None, "pass"

    def _read_turn(self, phrase: Phrase) -> None:
        said, pending = self._low[phrase.begin : phrase.end], self._pending
        place, begin = cast(PlaceKind, "unnamed"), phrase.begin
        self._passed_before_turn = self._passed
        which = WHICH_EXIT.search(said)
        if pending is not None:
            place, begin = pending.place, pending.begin
            if pending.counting == "nth":
                self._pass(pending.number - 1 - self._passed, place, begin, phrase.begin)
        elif which is not None:
            place = "exit"
            self._pass(ORDINALS[which[1]] - 1, place, phrase.begin, phrase.end)
        before = _SENTENCE_END.split(self._low[max(0, phrase.begin - 14) : phrase.begin])[-1]
        soon = SOON.search(before + said) is not None
        slight = SLIGHT.search(said) is not None or self._low.startswith(" fork", phrase.end)
        self._clauses.append(Clause(phrase.side, place, begin, phrase.end, soon, slight))
        self._passed, self._pending, self._latest = 0, None, "turn"

    def _still_to(self, pending: _Pending) -> int:
        return max(1, pending.number - self._passed) if pending.counting == "nth" else 1

    def _pass(self, number: int, place: PlaceKind, begin: int, end: int) -> None:
        ahead: Side = "ahead"
        self._clauses.extend(Clause(ahead, place, begin, end) for _ in range(number))
