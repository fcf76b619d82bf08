"""Which kind of place an instruction ends at: a few steps after a turn, before a light, at a shop."""

import re

from .clauses import Ending, EndingKind

_PLACE = (
    r"(?:lights?|intersections?|crossing|crosswalk|t-intersection|junction|cross street|side street|one"
    r"|corner|cross)"
)
_MOST = re.compile(r"\b(3/4|three[- ]fourths?|three[- ]quarters?|2/3|two[- ]thirds?)")
_THIRD = re.compile(r"\b(1/3|third of|a third|one[- ]third|1/4|quarter|one[- ]fourth)\b")
_HALF = re.compile(
    r"\b(half|1/2|half[- ]?way|mid[- ]?block|mid[- ]?way|middle of the (block|street|road)"
    r"|center of the (block|street))|½"
)
_INSIDE = re.compile(
    r"(middle|center|centre|in|inside) (of )?(the |this |that |of |next |large |right |side |street )*"
    + _PLACE
)
_BEFORE = re.compile(
    r"\b(before|short of|prior to|shy of|ahead of)\b[^.]*?\b(lights?|intersection|crossing|crosswalk|corner)"
    r"|almost|end of (the|this|that) (next |short |long )?(block|street|road)|nearly"
    r"|(last|final) (building|store)|near the end|towards the end"
)
_AFTER = re.compile(
    r"\b(steps?|paces?|after (the )?turn|after turning|right after the"
    r"|just after (the |this |that )?(light|intersection|turn|corner|crossing|next|second)"
    r"|just past (the )?(light|intersection)|(first|1st|corner) (building|store)"
    r"|past the (light|intersection)"
    r"|after (the |passing )?(the )?(light|intersection)|after exiting|exit the intersection"
    r"|stop (right )?(there|here)\b|immediately)"
)
_AT = re.compile(rf"(at|reach|hit|to|see) (the |this |that |a |next |second |following |\w+ ){{0,3}}{_PLACE}")
_JUST_STOP = re.compile(r"\bstop[.,]?\s*$|^stop(ping)?[.]")
_NOTHING = re.compile(r"and|then|you will|[^a-z]")
_ANYWHERE: tuple[tuple[EndingKind, re.Pattern[str]], ...] = (
    ("most", _MOST),
    ("third", _THIRD),
    ("half", _HALF),
)
_SENTENCES = re.compile(r"(?<=[.!?])\s")


def ending_of(low: str, begin: int, stop: int) -> Ending:
    """How a lower-case instruction ends.

    Args:
        low: the text.
        begin: where the last clause ends; ``stop``: where the stop is spoken of, the text's end if nowhere.
    """
    between, after = low[min(begin, stop) : stop], low[stop:]
    return Ending(_kind(between, after), min(begin, len(low)), len(low))


def _kind(between: str, after: str) -> EndingKind:
    whole = f"{between} {after}"
    first = _SENTENCES.split(after)[0]
    near = f"{_SENTENCES.split(between)[-1]} {first}"
    for kind, pattern in _ANYWHERE:
        if pattern.search(whole):
            return kind
    if _INSIDE.search(near) and "corner" not in near:
        return "inside"
    if _BEFORE.search(whole):
        return "before"
    if _AFTER.search(near):
        return "after"
    if _AT.search(near) and "corner" not in near:
        return "inside"
    if not _NOTHING.sub("", between):
        return "landmark_after_turn"
    return "after" if _JUST_STOP.search(first) and "pass" not in whole else "landmark"
