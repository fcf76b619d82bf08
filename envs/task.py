"""The tasks by name, and the episodes of each: from a dataset, or drawn when they are asked for."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, overload

from placecell.errors import ConfigError, EpisodeError

from .episode import Episode, read_habitat_pointnav
from .habitat_objectnav import read_habitat_objectnav
from .objectnav import ObjectNav, take_categories
from .options import from_options
from .pointnav import PointNav
from .tour import Tour

Task = PointNav | ObjectNav | Tour
TASKS = (PointNav.name, ObjectNav.name, Tour.name)
_KEPT = 8


def make_task(choice: Mapping[str, Any]) -> Task:
    """The task of a config node, by its ``name`` (PointNav without one).

    Raises:
        ConfigError: another task, a key it does not have, or a value of another type.
    """
    name = choice.get("name", PointNav.name)
    if name not in TASKS:
        known = ", ".join(TASKS)
        raise ConfigError(
            expected=f"a task that MeshNav knows: {known}", came=repr(name), fix="set task= to one of them"
        )
    options = {key: value for key, value in choice.items() if key != "name"}
    if name == PointNav.name:
        return from_options(PointNav, options, where="task")
    rest, categories = take_categories(options)
    if name == ObjectNav.name:
        return replace(from_options(ObjectNav, rest, where="task"), categories=categories)
    return replace(from_options(Tour, rest, where="task"), categories=categories)


def read_dataset(task: PointNav | ObjectNav) -> tuple[Episode, ...]:
    """The episodes of the task's dataset, of all its scenes.

    Raises:
        EpisodeError: there is no such dataset, or it is not of the task's form.
    """
    path = Path(str(task.dataset)).expanduser()
    return read_habitat_objectnav(path) if isinstance(task, ObjectNav) else read_habitat_pointnav(path)


def require_counted(episodes: int | None) -> int:
    """How many episodes to draw, which nothing else says where they come from no dataset.

    Raises:
        ConfigError: None, which asks for all of a dataset.
    """
    if episodes is None:
        raise ConfigError(
            expected="a number of episodes, for these are drawn and there is no end to them",
            came="episodes=null, which asks for all of a dataset",
            fix="set episodes=N, or name a dataset",
        )
    return episodes


class DrawnEpisodes(Sequence[Episode]):
    """Episodes that are drawn when they are first looked at; how many there are is known before.

    The first block is drawn at once, and the latest few are kept: a long run holds no more than a short one.

    Args:
        count: how many.
        draw: gives the ``block``-th block of ``size`` episodes; its ids are replaced by unique ones.
        size: of a block: 1, or the visits of a tour.
    """

    def __init__(self, count: int, draw: Callable[[int], tuple[Episode, ...]], size: int = 1) -> None:
        if count < 1:
            raise EpisodeError(
                expected="a count of 1 or more", came=str(count), fix="ask for one episode or more"
            )
        self._count, self._draw, self._size = count, draw, size
        self._blocks: OrderedDict[int, tuple[Episode, ...]] = OrderedDict()
        # A mistake in what is asked for shows before the work begins.
        _ = self[0]

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Episode: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Episode]: ...
    def __getitem__(self, index: int | slice) -> Episode | Sequence[Episode]:
        """An episode, or several; a look at one draws its block, unless that is kept."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(index)
        block, within = divmod(index % self._count, self._size)
        if block not in self._blocks:
            self._blocks[block] = self._draw(block)
        self._blocks.move_to_end(block)
        while len(self._blocks) > _KEPT:
            self._blocks.popitem(last=False)
        episode = self._blocks[block][within]
        return replace(episode, episode_id=str(block) if self._size == 1 else f"{block}_{within}")


# Not any sequence: shape checks look into those, and would draw.
Episodes = DrawnEpisodes | tuple[Episode, ...]
