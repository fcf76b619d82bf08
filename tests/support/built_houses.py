"""Houses that several tests look at, made once."""

from functools import cache

from placecell.envs.mesh.houses import House, edit_house, make_house
from placecell.envs.mesh.scene import Scene


@cache
def built(split: str, seed: int, **size: int) -> House:
    return make_house(split, seed, **size)


@cache
def edited(split: str, seed: int, edit: int) -> House:
    return edit_house(built(split, seed), edit)


@cache
def scene_of(house: House) -> Scene:
    return house.scene()
