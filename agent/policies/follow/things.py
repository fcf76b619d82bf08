"""Which things an instruction names, of those that a world has names for."""

from collections.abc import Sequence
from functools import lru_cache

from placecell.envs.graph.objects import names_in

from .reading import Step, read_steps

_SURROUNDINGS = frozenset(
    {
        "wall",
        "ceiling",
        "floor",
        "window",
        "room",
        "stairs",
        "stair",
        "step",
        "steps",
        "hallway",
        "door frame",
    }
)


class Mentions:
    """Finds names in texts.

    Args:
        categories: names by id; walls, floors and the like are no marks of a place, and are left out.
    """

    def __init__(self, categories: Sequence[str]) -> None:
        self._ids = {name: n for n, name in enumerate(categories) if name and name not in _SURROUNDINGS}
        self.goal_of = lru_cache(maxsize=256)(self._goal_of)

    def of(self, step: Step) -> tuple[int, ...]:
        """Ids of what a step names; a name within a longer one ("table", "dining table") is left out."""
        if not self._ids:
            return ()
        said = names_in(step.text, self._ids)
        whole = [name for name in said if not any(name != other and name in other for other in said)]
        return tuple(self._ids[name] for name in whole)

    def _goal_of(self, instruction: str) -> int | None:
        """What the instruction names last; None where it names nothing."""
        for step in reversed(read_steps(instruction)):
            found = self.of(step)
            if found:
                return found[-1]
        return None
