"""Where the worlds and episodes of generated houses come from: each house is made when it is first needed."""

from collections import OrderedDict
from dataclasses import replace

from placecell.errors import EpisodeError, SceneError
from placecell.geometry import Pose

from ...body import Body
from ...episode import Episode
from ...pointnav import PointNav
from ...task import DrawnEpisodes, Task
from ...tour import Tour
from ..world import World, Worlds
from .categories import CATEGORIES, GOAL_CATEGORIES
from .edits import edit_house
from .house import House, house_named
from .placed import Placed

_HOUSES_KEPT = 4
_MOST_SEARCHED = 50
_EDITS_TRIED = 8
_PASSED_OVER = 1_000_000


class HouseSources:
    """Houses of a split, their worlds, episodes, neighbours and edits.

    Args:
        split: which.
        houses: how many of them; None takes a new one for each episode or tour.
        body, task: who walks, and what for.
        seed: of the episodes.
    """

    def __init__(self, split: str, houses: int | None, body: Body, task: Task, seed: int) -> None:
        self._split, self._count, self._body, self._seed = split, houses, body, seed
        self._restricted = False
        if not isinstance(task, PointNav):
            self._restricted = task.categories is not None
            task = replace(task, categories=task.categories or GOAL_CATEGORIES)
        self._task = task
        self._houses: OrderedDict[str, House] = OrderedDict()
        self._furnished_with: dict[str, frozenset[str]] = {}
        self.worlds = Worlds(self._build)

    def episodes(self, count: int) -> DrawnEpisodes:
        """The split's episodes, drawn when they are looked at; the first one at once.

        Raises:
            EpisodeError: no house has what is asked for.
        """
        size = self._task.goals if isinstance(self._task, Tour) else 1
        return DrawnEpisodes(count, self._draw, size)

    def foreign(self, episode: Episode) -> tuple[World, Pose]:
        """The split's next house, and the origin of its own tour."""
        index, number = int(episode.scene_id.rsplit("-", 1)[1]), 0
        if episode.tour is not None:
            number = int(episode.tour.tour.rsplit(":", 1)[1])
        searched = range(index + 1, index + 1 + _MOST_SEARCHED)
        world = self.worlds(self._name(self._first_with_goals(searched)))
        first = self._draw_in(world, number % _PASSED_OVER)[0]
        return world, first.origin or first.start

    def stale(self, episode: Episode) -> World:
        """The house before its furniture was moved: an edit of it, whose seed is the house's own."""
        return self.worlds(self._edit(episode.scene_id).name)

    def moved(self, episode: Episode) -> bool:
        """Whether a thing of the goal's category stands elsewhere, is missing or is new in the edit."""
        category = episode.goals[0].category
        houses = self._house(episode.scene_id), self._edit(episode.scene_id)
        now, before = (
            {placed.instance: _place(placed) for placed in house.furniture if placed.category == category}
            for house in houses
        )
        return now != before

    def _draw(self, block: int) -> tuple[Episode, ...]:
        most = self._count or block + _MOST_SEARCHED
        wished = block % most
        order = [(wished + i) % most for i in range(most)] if self._count else range(block, most)
        house = self._first_with_goals(order[:_MOST_SEARCHED])
        # An episode that passed over a house must not repeat one that began at this one.
        number = (0 if self._count is None else block // most) + (
            0 if house == wished else _PASSED_OVER + block
        )
        return self._draw_in(self.worlds(self._name(house)), number)

    def _draw_in(self, world: World, number: int) -> tuple[Episode, ...]:
        if isinstance(self._task, Tour):
            return self._task.draw(world, number, self._seed)
        if isinstance(self._task, PointNav):
            return (self._task.draw(world.area, world.scene_id, number, self._seed),)
        return (self._task.draw(world, number, self._seed),)

    def _first_with_goals(self, order: range | list[int]) -> int:
        """The first house that has any of the categories asked for."""
        if isinstance(self._task, PointNav) or not self._restricted:
            return order[0]
        asked = self._task.categories or ()
        for index in order:
            if not self._categories(self._name(index)).isdisjoint(asked):
                return index
        last = "" if len(order) == 1 else f" to {self._name(order[-1])}"
        raise EpisodeError(
            expected=f"a house with {' or '.join(asked)}",
            came=f"none of {len(order)}, {self._name(order[0])}{last}",
            fix="ask for other categories (task.categories), or for more houses (env.houses)",
        )

    def _categories(self, name: str) -> frozenset[str]:
        """What a house is furnished with; a search for what is rare asks again and again."""
        if name not in self._furnished_with:
            furniture = self._house(name).furniture
            self._furnished_with[name] = frozenset(placed.category for placed in furniture)
        return self._furnished_with[name]

    def _name(self, index: int) -> str:
        return f"house-{self._split}-{index}"

    def _build(self, name: str) -> World:
        return World.of(self._house(name).scene(), self._body, CATEGORIES)

    def _house(self, name: str) -> House:
        if name not in self._houses:
            self._keep(name, house_named(name))
        self._houses.move_to_end(name)
        return self._houses[name]

    def _edit(self, name: str) -> House:
        """The stale edit of a house: of the first seed, from the house's own on, that leaves it whole."""
        asked = f"{name}, before"
        if asked not in self._houses:
            house = self._house(name)
            edit = _first_edit(house)
            self._keep(edit.name, edit)
            self._keep(asked, edit)
        self._houses.move_to_end(asked)
        return self._houses[asked]

    def _keep(self, name: str, house: House) -> None:
        self._houses[name] = house
        while len(self._houses) > _HOUSES_KEPT:
            self._houses.popitem(last=False)


def _first_edit(house: House) -> House:
    for seed in range(house.seed, house.seed + _EDITS_TRIED - 1):
        try:
            return edit_house(house, seed)
        except SceneError:  # it cuts a room off
            continue
    return edit_house(house, house.seed + _EDITS_TRIED - 1)


def _place(placed: Placed) -> tuple[float, float, float, int]:
    return placed.x, placed.y, placed.z, placed.quarter_turns % 4
