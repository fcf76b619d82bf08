"""A retrieval as compact text, for a language model: a line an item, within a budget of tokens."""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence

from placecell.arrays import Point
from placecell.errors import ConfigError
from placecell.geometry import Pose, wrap_angle

from .budget import Budget
from .retrieval import MemoryItem, Retrieval

_BEARINGS = ("ahead", "ahead left", "left", "behind left", "behind", "behind right", "right", "ahead right")
_HERE_M = 0.05
_LOW_M, _HIGH_M = 0.3, 1.5
_OFF_STOREY_M = (-1.0, 2.6)
NOTHING = "Nothing is remembered here."


def estimated_tokens(text: str) -> int:
    """No fewer tokens than a byte-level tokenizer makes of a text: one for each byte of UTF-8.

    Such tokenizers (byte-pair encodings over bytes) never make more tokens than there are bytes, and for
    this kind of text about a third as many. Pass your tokenizer's own count to fit more in.

    >>> estimated_tokens("chair 2.0 m")
    11
    """
    return len(text.encode())


def describe(
    retrieval: Retrieval,
    pose: Pose,
    names: Sequence[str] = (),
    *,
    max_tokens: int = 1024,
    budget: Budget | None = None,
    count: Callable[[str], int] = estimated_tokens,
) -> str:
    """What was recalled, seen from where the agent stands, best first.

    A line an item, for example ``chair, 2.4 m, ahead left 38 deg, low, seen 12 steps ago, 0.83 (octree)``:
    category, distance over the ground, bearing from the agent's heading (left and right up to 180 degrees),
    height above its feet, age, score and the part of the memory that it came from. What the budget does not
    hold is counted in a last line.

    Args:
        retrieval: what a memory gave.
        pose: the agent's feet and heading, in the frame of the memory.
        names: of categories by id; one without a name is ``category 7``.
        max_tokens: the text never counts more.
        budget: of the memory; where it caps prompt tokens, the text never counts more than that either.
        count: the number of tokens of a text, by the tokenizer that will read it; the default counts bytes,
            which is never fewer.

    Returns:
        The text, without a newline at the end; empty if the budget holds not even a line that says how many
        items there are.

    Raises:
        ConfigError: a budget below 0.
    """
    if budget is not None and budget.max_prompt_tokens is not None:
        max_tokens = min(max_tokens, budget.max_prompt_tokens)
    if max_tokens < 0:
        raise ConfigError(
            expected="a max_tokens of 0 or more",
            came=f"{max_tokens}",
            fix="pass the room that the prompt has",
        )
    items = retrieval.items
    if not items:
        return NOTHING if count(NOTHING) <= max_tokens else ""
    lines = [line_of(item, pose, names) for item in items]

    def told(shown: int) -> str:
        left = len(lines) - shown
        return "\n".join([*lines[:shown], *([_more(left, shown)] if left else [])])

    # Counts of texts need not add up, so that each is counted whole; the more lines, the more tokens.
    if count(told(len(lines))) <= max_tokens:
        return told(len(lines))
    over = bisect_right(range(len(lines)), max_tokens, key=lambda shown: count(told(shown)))
    return told(over - 1) if over else ""


def line_of(item: MemoryItem, pose: Pose, names: Sequence[str] = ()) -> str:
    """One item in words; see :func:`describe`."""
    offset = item.position - pose.position
    away_m = float(math.hypot(offset[0], offset[1]))
    steps = "now" if item.age_steps == 0 else f"seen {item.age_steps} step{'s'[: item.age_steps != 1]} ago"
    where = "here" if away_m < _HERE_M else f"{away_m:.1f} m, {bearing(offset, float(pose.yaw_rad))}"
    parts = [_name(item, names), where, height(float(offset[2])), steps]
    return f"{', '.join(parts)}, {item.score:.2f} ({item.source})"


def bearing(offset: Point, yaw_rad: float) -> str:
    """The direction of an offset from somebody who faces ``yaw_rad``: one of eight words, and degrees."""
    turn = wrap_angle(math.atan2(offset[1], offset[0]) - yaw_rad)
    degrees = round(abs(math.degrees(turn)))
    word = _BEARINGS[round(turn / (math.pi / 4)) % len(_BEARINGS)]
    return f"{word} {degrees} deg"


def height(above_m: float) -> str:
    """A height above the agent's feet in a word."""
    if above_m < _OFF_STOREY_M[0]:
        return "below, another storey"
    if above_m > _OFF_STOREY_M[1]:
        return "above, another storey"
    if above_m < _LOW_M:
        return "on the floor"
    return "low" if above_m < (_LOW_M + _HIGH_M) / 2 else "chest high" if above_m < _HIGH_M else "high"


def _name(item: MemoryItem, names: Sequence[str]) -> str:
    if item.category is None:
        return "place" if item.source == "topology" else "surface" if item.source == "octree" else "view"
    return names[item.category] if item.category < len(names) else f"category {item.category}"


def _more(left: int, shown: int) -> str:
    return f"and {left} more" if shown else f"{left} item{'s'[: left != 1]} remembered"
