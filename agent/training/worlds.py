"""Where training frames come from: generated houses, or the built-in flat for a quick try."""

from collections.abc import Callable

from placecell.arrays import generator
from placecell.envs.mesh.builtin import builtin_scene
from placecell.envs.mesh.scene import Scene
from placecell.errors import ConfigError

# A scene of a split ("train", "val", "test") by its number.
World = Callable[[str, int], Scene]


def house(split: str, number: int) -> Scene:
    """House ``number`` of ``split``."""
    from placecell.envs.mesh.houses.house import make_house

    return make_house(split, number).scene()


def builtin(split: str, number: int) -> Scene:
    """The built-in flat of a seed that belongs to the split alone."""
    return builtin_scene(int(generator(number, "builtin world", split).integers(1 << 31)))


WORLDS: dict[str, World] = {"houses": house, "builtin": builtin}


def world_named(name: str) -> World:
    """One of ``WORLDS``.

    Raises:
        ConfigError: an unknown one.
    """
    if name not in WORLDS:
        known = ", ".join(WORLDS)
        raise ConfigError(expected=f"task.worlds of {known}", came=repr(name), fix=f"choose one of {known}")
    return WORLDS[name]
