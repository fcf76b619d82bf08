"""A generated home: its plan, its furniture, its triangles. The same name is the same home anywhere."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from placecell.arrays import generator
from placecell.errors import SceneError

from ..scene import Part, Scene, assemble
from .furnish import furnish
from .looks import checked_split
from .placed import Placed
from .plan import Plan, make_plan
from .shell import shell_parts

_ATTEMPTS = 8
# Texture coordinates in steps that survive 1 - v in single precision: files count v from the other end.
_UV_STEPS = 4096.0
_NAME = re.compile(
    r"house-(train|val|test)-(\d{1,9})(?:-r(\d{1,9}))?(?:-s(\d{1,9}))?"
    r"(?:~(\d{1,9})(?:-(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?))?)?",
    re.ASCII,
)


@dataclass(frozen=True, eq=False)
class House:
    """A furnished home.

    Args:
        name: what it is found again by, see :func:`house_named`.
        split: ``train``, ``val`` or ``test``.
        seed: of the plan, its walls and the furniture in it.
        plan: rooms, doors, windows, stairs.
        furniture: what stands in it, by instance.
        edit: seed of the edit that moved its furniture, None for the house as it was made.
    """

    name: str
    split: str
    seed: int
    plan: Plan
    furniture: tuple[Placed, ...]
    edit: int | None = None

    def parts(self) -> tuple[Part, ...]:
        """Its triangles: one part for each thing and material, walls and floors first.

        In single precision, so that a file can hold them without loss.
        """
        shell = shell_parts(self.plan, self.split, generator(self.seed, "house shell", self.split))
        furniture = [part for placed in self.furniture for part in placed.parts()]
        return tuple(_joined([*shell, *furniture]))

    def scene(self) -> Scene:
        """The house as a scene of its own name; categories are those of ``CATEGORIES`` that it has."""
        return assemble(self.name, self.parts())


def make_house(split: str, seed: int, *, rooms: int | None = None, storeys: int | None = None) -> House:
    """A home of a split; splits share no house, whatever the seeds.

    Args:
        split: ``train``, ``val`` or ``test``; test houses have shapes, colours and textures of their own.
        seed: which house.
        rooms: how many, 3 to 10, corridor and hallway counted; None draws it.
        storeys: 1 or 2; None draws it.

    Raises:
        SceneError: no such split; a seed below 0; rooms or storeys that no house has; no plan of that kind
            whose rooms hold what they need.
    """
    checked_split(split)
    if seed < 0:
        raise SceneError(expected="a house's seed of 0 or more", came=str(seed), fix="count houses from 0")
    refused = None
    for attempt in range(_ATTEMPTS):
        rng = generator(seed, "house", split, rooms, storeys, attempt)
        plan = make_plan(rng, rooms=rooms, storeys=storeys)
        try:
            furniture = furnish(plan, split, rng)
        except SceneError as error:
            refused = error
            continue
        name = f"house-{split}-{seed}"
        name += (f"-r{rooms}" if rooms else "") + (f"-s{storeys}" if storeys else "")
        return House(name, split, seed, plan, furniture)
    assert refused is not None
    raise SceneError(
        expected=f"house {seed} of {split} to hold its furniture within {_ATTEMPTS} plans",
        came=f"no {refused.expected}" if refused.expected.startswith("room for") else refused.came,
        fix="take another seed, or another number of rooms or storeys",
    ) from refused


def house_named(name: str) -> House:
    """The house of a name: ``house-test-17``, or ``house-test-17~3`` after the edit of seed 3.

    A house of a wished-for size is called ``house-test-17-r5-s2`` (five rooms, two storeys).

    Raises:
        SceneError: a name that no house has.
    """
    from .edits import edit_house

    match = _NAME.fullmatch(name)
    if match is None:
        raise SceneError(
            expected="the name of a generated house",
            came=repr(name),
            fix="write house-SPLIT-SEED with split train, val or test, as house-test-17 (or house-test-17~3)",
        )
    split, seed, rooms, storeys, edit, *shares = match.groups()
    house = make_house(
        split, int(seed), rooms=int(rooms) if rooms else None, storeys=int(storeys) if storeys else None
    )
    if edit is None:
        return house
    if shares[0] is None:
        return edit_house(house, int(edit))
    moved, removed, added = (float(share) for share in shares)
    return edit_house(house, int(edit), moved=moved, removed=removed, added=added)


def _joined(parts: Iterable[Part]) -> list[Part]:
    """Parts of one thing and one look as one; things in the order they come."""
    things: dict[tuple[int, str], dict[object, list[Part]]] = {}
    for part in parts:
        textured = part.texture is not None and part.uv is not None
        look = (part.color, id(part.texture) if textured else None, part.vertex_colors is not None)
        things.setdefault((part.instance, part.category), {}).setdefault(look, []).append(part)
    return [_join(pieces) for looks in things.values() for pieces in looks.values()]


def _join(parts: list[Part]) -> Part:
    first = parts[0]
    offsets = np.cumsum([0, *(len(part.vertices) for part in parts[:-1])])
    vertices = np.concatenate([part.vertices for part in parts]).astype(np.float32).astype(np.float64)
    faces = np.concatenate([part.faces + offset for part, offset in zip(parts, offsets, strict=True)])
    uv = colors = None
    if first.texture is not None and first.uv is not None:
        uv = np.concatenate([part.uv for part in parts if part.uv is not None])
        uv = np.rint(uv * _UV_STEPS) / _UV_STEPS
    if first.vertex_colors is not None:
        colors = np.concatenate([part.vertex_colors for part in parts if part.vertex_colors is not None])
    # Adding 0 turns -0 into 0, which a file's change of axes would otherwise not bring back.
    return replace(first, vertices=vertices + 0.0, faces=faces, uv=uv, vertex_colors=colors)
