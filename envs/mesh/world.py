"""A world: a scene, its ground for one body, its images, its things and where they are seen from."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int, Int32

from placecell.arrays import Points, generator
from placecell.errors import EpisodeError, SceneError

from ..body import Body
from ..episode import Episode, Goal
from ..expert import ShortestPathExpert
from ..geodesic import NavigableArea
from ..viewpoints import Thing, standing_lattice, view_points
from .renderer import Renderer
from .scene import Scene

_SURFACE_POINTS = 32
_WORLDS_KEPT = 2
# How far from an object's box a dataset may say its middle to be: others compute it otherwise.
_ASIDE_M = 0.5


@dataclass(frozen=True, eq=False)
class World:
    """A scene made ready for one body.

    Args:
        scene: its triangles.
        area: where the body can stand.
        renderer: its images and rays.
        expert: the shortest-path expert of the body.
        eye_height_m: of the body's forward camera above its feet.
        categories: the vocabulary that ids in images are given in; the scene's own, or a common one.
    """

    scene: Scene
    area: NavigableArea
    renderer: Renderer
    expert: ShortestPathExpert
    eye_height_m: float
    categories: tuple[str, ...]

    @classmethod
    def of(cls, scene: Scene, body: Body, categories: tuple[str, ...] | None = None) -> "World":
        """A scene's world; ``categories`` is a vocabulary that holds all of the scene's.

        Raises:
            SceneError: no ground for this body, or a category that the vocabulary does not have.
        """
        names = scene.categories if categories is None else categories
        strange = [name for name in scene.categories if name not in names]
        if strange:
            raise SceneError(
                expected=f"categories of {scene.name} that the vocabulary of {len(names)} has",
                came=", ".join(strange),
                fix="rename them, or add them to the vocabulary",
            )
        area = NavigableArea.from_mesh(scene.vertices.astype("float64"), scene.faces, body.walk_settings())
        expert = ShortestPathExpert(area, body)
        return cls(scene, area, Renderer(scene), expert, body.camera_height_m, names)

    @property
    def scene_id(self) -> str:
        """The scene's name."""
        return self.scene.name

    @cached_property
    def category_lookup(self) -> Int32[np.ndarray, "n"] | None:
        """The vocabulary's id for each of the scene's own; None where they are the same."""
        if self.scene.categories == self.categories[: len(self.scene.categories)]:
            return None
        return np.array([self.categories.index(name) for name in self.scene.categories], np.int32)

    @cached_property
    def things(self) -> dict[int, Thing]:
        """Every instance, by id."""
        return {thing.instance: thing for thing in _things(self.scene)}

    @cached_property
    def names(self) -> frozenset[str]:
        """What its things are called."""
        return frozenset(thing.category for thing in self.things.values()) - {""}

    @cached_property
    def _lattice(self) -> Points:
        return standing_lattice(self.area)

    @cached_property
    def _goals(self) -> dict[str, tuple[Goal, ...]]:
        return {}

    def goals(self, category: str) -> tuple[Goal, ...]:
        """Its things of a category that can be seen from within a metre on the largest island, by id."""
        if category not in self._goals:
            alike = (t for t in self.things.values() if t.category == category)
            goals = (self._goal(thing) for thing in sorted(alike, key=lambda t: t.instance))
            self._goals[category] = tuple(goal for goal in goals if goal.view_points)
        return self._goals[category]

    def _goal(self, thing: Thing) -> Goal:
        points = view_points(thing, self._lattice, self, self.eye_height_m)
        x, y, z = thing.middle.tolist()
        stands = tuple((px, py, pz) for px, py, pz in points.tolist())
        return Goal((x, y, z), None, thing.instance, thing.category, stands)

    def require_things(self, episode: Episode) -> None:
        """Raises :class:`EpisodeError` where a goal is not what the scene has under its id, and where.

        Scenes without instances say nothing about ids.
        """
        for goal in episode.goals if self.things else ():
            if goal.object_id is None:
                continue
            thing = self.things.get(goal.object_id)
            if thing is None or thing.category != goal.category or _aside(thing, goal):
                there = "no such object"
                if thing is not None:
                    there = f"a {thing.category or 'nameless thing'} at {_metres(thing.middle)}"
                raise EpisodeError(
                    expected=f"object {goal.object_id} of {self.scene_id} to be a {goal.category} at "
                    f"{_metres(goal.position)}, as episode {episode.episode_id!r} says",
                    came=there,
                    fix="check that the episode is of this scene: its dataset may name another one",
                )

    def first_instance(
        self, origins: Float[np.ndarray, "n 3"], directions: Float[np.ndarray, "n 3"]
    ) -> Int[np.ndarray, "n"]:
        """The instance that each ray hits first, 0 for none (walls have none)."""
        _, faces = self.renderer.rays.cast(origins, directions)
        return np.where(faces >= 0, self.scene.instance_id[faces], 0)


class Worlds:
    """Worlds by scene id, built when they are asked for; the last few are kept."""

    def __init__(self, build: Callable[[str], World], kept: int = _WORLDS_KEPT) -> None:
        self._build, self._kept = build, kept
        self._worlds: OrderedDict[str, World] = OrderedDict()

    def __call__(self, scene_id: str) -> World:
        """The world of a scene."""
        if scene_id not in self._worlds:
            while len(self._worlds) >= self._kept:
                self._worlds.popitem(last=False)
            self._worlds[scene_id] = self._build(scene_id)
        self._worlds.move_to_end(scene_id)
        return self._worlds[scene_id]


def _aside(thing: Thing, goal: Goal) -> bool:
    """Whether a goal's middle is off the thing that it should be."""
    at = np.array(goal.position)
    return bool((np.maximum(thing.low - at, at - thing.high) > _ASIDE_M).any())


def _metres(point: Iterable[float]) -> str:
    return f"({', '.join(f'{number:.1f}' for number in point)})"


def _things(scene: Scene) -> list[Thing]:
    order = np.argsort(scene.instance_id, kind="stable")
    ids, first = np.unique(scene.instance_id[order], return_index=True)
    groups = zip(ids.tolist(), np.split(order, first[1:]), strict=True)
    return [_thing(scene, instance, faces) for instance, faces in groups if instance > 0]


def _thing(scene: Scene, instance: int, faces: np.ndarray) -> Thing:
    corners = scene.vertices[scene.faces[faces]].astype(np.float64)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(across, axis=1) + 1e-12
    kinds, index = np.unique(scene.category_id[faces], return_inverse=True)
    kind = int(kinds[np.argmax(np.bincount(index, area))])
    rng = generator(instance, "surface")
    chosen = corners[rng.choice(len(faces), _SURFACE_POINTS, p=area / area.sum())]
    u, v = rng.random((2, _SURFACE_POINTS, 1))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    surface = chosen[:, 0] + u * (chosen[:, 1] - chosen[:, 0]) + v * (chosen[:, 2] - chosen[:, 0])
    low, high = corners.min((0, 1)), corners.max((0, 1))
    return Thing(instance, scene.categories[kind], low, high, surface)
