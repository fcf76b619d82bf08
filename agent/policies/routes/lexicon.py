"""The words of street instructions, as patterns over lower-case text.

Written from how people phrase such routes ("the 2nd set of lights", "make a quick left", "when it Ts"). A
tagger learned on news text would bring a model to download and knows none of these phrases; what is needed is
a handful of patterns, so plain regular expressions do.
"""

import re

CARDINALS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "both": 2, "a couple of": 2,
    "couple of": 2, "couple": 2, "several": 3, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "6": 6,
}  # fmt: skip
ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "initial": 1,
    "1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "5th": 5, "6th": 6,
}  # fmt: skip
PASSING = (
    "through", "past", "pass", "passing", "cross", "crossing", "by", "passed", "thru", "over", "across",
    "ignore", "ignoring",
)  # fmt: skip
REACHING = (
    "to", "at", "reach", "until", "till", "hit", "toward", "towards", "in", "into", "when", "reaching", "see",
)  # fmt: skip
BESIDE = ("before", "after", "short of", "beyond", "from", "between", "near")
NEXT = ("next", "following", "another", "immediate", "upcoming", "nearest", "available", "more")
_ADJECTIVES = (
    "full", "large", "big", "small", "short", "quick", "long", "whole", "major", "main", "busy", "traffic",
    "set of", "sets of", "pair of", "double", "triple", "single", "very", "other", "final", "last",
    "possible",
    "left", "right", "left hand", "right hand", "left-hand", "right-hand",
    "lanes of", "2-way", "3-way", "4-way", "two-way", "three-way", "four-way", "3 way", "4 way", "three way",
    "four way", "way", "sided", "smaller", "larger", "wide", "narrow", "tiny",
)  # fmt: skip
_DETERMINERS = (
    "the", "a", "an", "this", "that", "these", "those", "your", "it", "some", "any", "all", "of", "and", ",",
)  # fmt: skip
_PLACES = {
    "light": r"traffic\s+lights?|stop\s*-?lights?|lights?|traffic\s+signals?|signals?",
    "tee": r"[\"']?t[\"']?[- ]?intersections?|t[- ]junctions?|t[- ]section",
    "fork": r"forks?|splits?|y-split",
    "side": r"side\s*streets?|cross\s+streets?|side\s+roads?|alley",
    "crossing": (
        r"(?:4|3|four|three|two|2)[- ]way(?:\s+(?:stops?|intersections?))?|inters?ections?|intersecton|"
        r"intersectoin|intesections?|cross\s?roads?|crossings?|stop\s+signs?|junctions?|cross\s?walks?"
    ),
    "block": r"blocks?",
    "corner": r"corners?",
    "street": r"streets?|roads?",
    "one": (
        r"ones?(?!\s+(?:block|way|light|set|more|intersection|step|side|street|last|stop|third|half|quarter))"
    ),
}


def words(*of: str) -> str:
    """A pattern of any of some phrases, the longest first."""
    return (
        "(?:"
        + "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in sorted(of, key=len, reverse=True))
        + ")"
    )


_quantity = words(*CARDINALS, *ORDINALS, *NEXT, *_ADJECTIVES)
_place = "|".join(f"(?P<{name}>{pattern})" for name, pattern in _PLACES.items())

PLACE = re.compile(
    rf"(?:\b(?P<role>{words(*PASSING, *REACHING, *BESIDE)})\s*)?"
    rf"(?:\b{words(*_DETERMINERS)}\s*){{0,3}}"
    # Each word is taken whole (?>...): "of the of the ..." has one reading, or trying all would never end.
    rf"(?P<amount>(?:\b(?>{_quantity}|of the|of|the|and)\b[\s,]*+)*)"
    rf"\b(?:{_place})\b"
)
NTH = re.compile(
    rf"\b(?P<role>at|to)\s+the\s+(?P<amount>{words(*ORDINALS)}|next|following)"
    r"(?=\s*(?:,|\.|with|turn|take|make|and|you|$))"
)
TURN = re.compile(
    r"""\b(?P<verb>turn|turning|turns|go|going|make|making|take|taking|took|bear|veer|hang|keep|swing|hook|stay
      |jog|head|heading|merge|curve|do|rotate|another|quick|immediate|sharp|then|and|straight-)
    (?:\s*(?:a|an|another|the|your|immediate|immediately|quick|quickly|slight|sharp|sharply|hard|here|to
      |slightly|then|it|next|first|available|possible|one|more|last|off|on|onto|second|2nd|third|3rd|1st
      |following|final|once|again|straight|soft|very|right-hand|only|fork|around|you|can|will|,)){0,7}
    [\s-]+(?P<side>left|right)s?\b""",
    re.X,
)
# "left and right", "then a quick left": a turn without a verb of its own, right after another one.
VERBLESS = ("then", "and")
BARE_TURN = re.compile(r"(and|then) (then )?(another|a quick|an immediate|right at|left at|a (left|right))")
NO_TURN = re.compile(
    r"\s*-?\s*(?:hand\s+|most\s+)?(?:side|corner|hand\s+side|hand\s+corner|hand|is|as|past|where|at the far"
    r"|next to|in front|before you|by|corners|there|storefront|after|now|on (?!which|to))\b"
)
ON_THE_SIDE = re.compile(
    r"\bon (?:your |the )?(left|right)$|(?:go|head|keep|going|heading) (?:on )?the (left|right)$"
)
STOP = re.compile(
    r"(?<!bus )(?<!way )(?<!next )\bstop(?:ping|s)?\b(?!\s*-?\s*(?:signs?|lights?|\d))|\bdestination|\barriv"
    r"|\bend\s+(?:at|in|before|after|just|when)\b|\bhalt\b"
)
GO = re.compile(
    r"\b(?:go(?:ing)?|continue|keep(?:\s+(?:going|walking|moving))?|head(?:ing)?|walk|proceed|move)\s+"
    r"(?:on\s+|going\s+|walking\s+)?"
    r"(?:straight|through\s+it|through(?=\s*(?:,|\.|and))|on|past\s+it|ahead|across|forward)"
    r"|straight\s+(?:through|ahead|across)|\bcontinue|\bcross\s+it|\bpass\s+(?:through\s+)?it"
    r"|\bthrough it|\bcross(?=\s*(?:,|\.|and))"
)
DEAD_END = re.compile(
    r"(?:can'?t|cannot|can\s+not|no\s+longer|unable\s+to)\s+(?:go\s+|continue\s+|keep\s+going\s+|proceed\s+)?"
    r"(?:any\s*more|straight|any\s+further|any\s+farther|further|go\s+any)|until\s+you\s+can'?t"
    r"|(?:it|road|street|path|ends?)\s+(?:at\s+)?(?:a\s+)?t'?s\b|dead[- ]?ends?"
    r"|as\s+far\s+as\s+(?:you|possible)|(?:street|road)\s+ends"
)
SOON = re.compile(r"immediate|quick")
SLIGHT = re.compile(r"slight|bear|veer|fork|keep|stay|jog|merge|curve")
WHICH_EXIT = re.compile(r"\b(first|second|third|2nd|3rd|1st)\b")
COUNTED = re.compile(r"(?:next|following|first|another)\s+(two|three|four|five|six|couple|[2-6])")
