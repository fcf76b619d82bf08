"""A step in words: what was done, why, and what the memory was asked."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ...recording import RecordedStep

ANYWHERE_M = 100.0
_LONGEST = 120
_MODES = {
    "look_around": "looks around from where it stands",
    "glance": "glances at what is still unseen here",
    "explore": "walks towards unseen ground",
    "go": "follows its plan",
    "wander": "wanders to a place drawn at random",
    "approach": "walks up to the candidate",
    "verify": "turns to make sure of the candidate",
    "stop": "has arrived, as it believes, and stops",
    "break_away": "breaks away from where it is stuck",
    "random": "moves at random",
    "forward": "walks straight on",
    "turn": "turns on the spot",
    "expert": "follows the shortest path, an oracle",
    "gold": "follows the described route, an oracle",
    "uniform": "goes to a neighbour drawn at random",
    "backtrack": "goes back to where another hypothesis leads",
    "follow": "follows the instruction",
    "straight": "goes straight on",
    "heading": "turns to a heading drawn at random",
}
_SHOWN = (
    "mode", "target", "frontier", "plan", "candidate", "rejected", "clause", "clauses", "hypotheses",
)  # fmt: skip


def words_of(step: RecordedStep, categories: Sequence[str]) -> list[str]:
    """Sentences on one step, beside the name of its action.

    Args:
        step: as it was recorded.
        categories: their names by id; may be empty.
    """
    return [
        *_decided(step.trace, step),
        _asked(step, categories),
        *_met(step),
        *(f"{key}: {_short(value)}" for key, value in step.trace.items() if key not in _SHOWN),
    ]


def action_of(action: int, actions: Sequence[str]) -> str:
    """An action's name, or its number where it has none.

    >>> action_of(1, ["stop", "move_forward"]), action_of(7, [])
    ('move forward', 'action 7')
    """
    return actions[action].replace("_", " ") if 0 <= action < len(actions) else f"action {action}"


def category_of(category: int | None, categories: Sequence[str]) -> str:
    """A category's name; ``"a place"`` for none.

    >>> category_of(1, ["", "chair"]), category_of(None, []), category_of(9, [])
    ('chair', 'a place', 'category 9')
    """
    if not category:
        return "a place"
    return (
        categories[category].replace("_", " ") if 0 < category < len(categories) else f"category {category}"
    )


def _met(step: RecordedStep) -> list[str]:
    said = ["The action met an obstacle."] if step.collided else []
    return [*said, "The goal is in view afterwards."] if step.goal_in_view else said


def _decided(trace: Mapping[str, Any], step: RecordedStep) -> list[str]:
    said = []
    if isinstance(mode := trace.get("mode"), str):
        parts = list(dict.fromkeys(mode.split("/")))
        known = [_MODES.get(part, part.replace("_", " ")) for part in parts]
        said.append(f"Mode {mode}: {', '.join(known)}."[:_LONGEST])
    for key, of in (("candidate", "Candidate"), ("target", "Target"), ("frontier", "Frontier")):
        if (point := point_of(trace.get(key))) is not None:
            said.append(f"{of} {way_to(step, point)}.")
    if type(rejected := trace.get("rejected")) is int and rejected:
        said.append(f"{rejected} {'candidate' if rejected == 1 else 'candidates'} rejected so far.")
    return said


def _asked(step: RecordedStep, categories: Sequence[str]) -> str:
    what = category_of(step.query.category, categories)
    within = "anywhere" if step.query.radius_m >= ANYWHERE_M else f"within {step.query.radius_m:g} m"
    count = len(step.recalled)
    got = "nothing" if not count else "1 item" if count == 1 else f"{count} items"
    return f"Asked the memory for {what} {within}; it recalled {got}."


def way_to(step: RecordedStep, point: Sequence[float]) -> str:
    """How far a point is from where the body believes to be, and on which side.

    ``point`` is [x, y, z] metres, episode frame.
    """
    east, north = point[0] - step.pose.x, point[1] - step.pose.y
    away_m = math.hypot(east, north)
    if away_m < 0.05:
        return "right here"
    off = (math.atan2(north, east) - step.pose.yaw_rad + math.pi) % (2 * math.pi) - math.pi
    sides = ("ahead", "ahead left", "left", "behind left", "behind", "behind right", "right", "ahead right")
    return f"{away_m:.1f} m {sides[round(off / (math.pi / 4)) % 8]}"


def point_of(value: object) -> list[float] | None:
    """A trace's point; None where it is none, for a policy may write what it likes."""
    if not isinstance(value, list) or len(value) not in (2, 3):
        return None
    if not all(type(n) in (int, float) and math.isfinite(n) and abs(n) < 1e6 for n in value):
        return None
    return [float(n) for n in value]


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
