"""From the names in a config to a mesh environment."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from placecell.errors import ConfigError

from ..body import Body, make_body
from ..objectnav import ObjectNav, asked_for, require_known
from ..options import from_options
from ..pointnav import PointNav, of_scene
from ..task import DrawnEpisodes, Episodes, Task, make_task, read_dataset, require_counted
from ..tour import Tour
from .builtin import builtin_scene
from .camera import Camera
from .env import MeshNavEnv
from .loading import Up, load_scene, require_up
from .noise import Level, Noise
from .world import World


def make_mesh_env(
    scene: str | Path | None = None,
    *,
    up: Up = "auto",
    body: str | Mapping[str, Any] = "habitat_pointnav",
    task: Mapping[str, Any] | None = None,
    episodes: int | None = 10,
    seed: int = 0,
    width: int = 128,
    height: int = 128,
    cameras: Sequence[Any] = (),
    semantics: bool = False,
    noise: Level | Mapping[str, Level] = "none",
    render_mode: str | None = None,
) -> MeshNavEnv:
    """A :class:`MeshNavEnv`; this is also what ``gymnasium.make("placecell/MeshNav-v0", ...)`` calls.

    Args:
        scene: a GLB, glTF, OBJ or PLY file; None takes a small built-in home.
        up: the file's up axis; ``auto`` knows it from the format.
        body: a preset (``habitat_pointnav``, ``habitat_objectnav``, ``parity``) or a mapping with a name of
            its own.
        task: ``name`` (``pointnav``, ``objectnav``, ``tour``) and the task's own keys: see
            :class:`~placecell.envs.pointnav.PointNav`, :class:`~placecell.envs.objectnav.ObjectNav`,
            :class:`~placecell.envs.tour.Tour`.
        episodes: how many to generate where the task names no dataset; None will do where it names one.
        seed: of the generated episodes (and of the built-in home's look: always the same one).
        width, height: pixels of the forward camera, which sits where the body has its eyes.
        cameras: further cameras, as keys of :class:`~placecell.envs.mesh.camera.Camera`; what they don't say
            is as the body's eyes.
        semantics: adds the simulator's instance and category ids to the observations (an oracle).
        noise: a level (``none``, ``low``, ``high``) on depth, actuation, pose and labels, or one for each.

    Raises:
        ConfigError: an unknown preset, key or noise level, a value of another type, two cameras of one name.
        SceneError: a scene that cannot be loaded, or has no ground for this body.
        EpisodeError: a dataset that does not fit the scene, or none that can be generated.
    """
    require_up(up)
    if seed < 0:
        raise ConfigError(expected="a seed of 0 or more", came=str(seed), fix="set seed=N")
    loaded = builtin_scene() if scene is None else load_scene(Path(scene).expanduser(), up=up)
    walker = make_body(body)
    world = World.of(loaded, walker)
    chosen = make_task(task or {})
    if not isinstance(chosen, PointNav):
        require_known(chosen.categories, asked_for(world.names, None), loaded.name)
    dataset = _episodes(chosen, world, episodes, seed)
    return MeshNavEnv(
        lambda _: world, walker, chosen, dataset, categories=_categories(world, dataset), semantics=semantics,
        cameras=make_cameras(walker, width, height, cameras), noise=Noise.of(noise), render_mode=render_mode,
        origins={
            "environment": "placecell/MeshNav-v0", "scene": loaded.name, "scene_hash": loaded.content_hash,
        },
    )  # fmt: skip


def _episodes(task: Task, world: World, episodes: int | None, seed: int) -> Episodes:
    """The dataset's episodes of this scene, or drawn ones."""
    if not isinstance(task, Tour) and task.dataset is not None:
        return of_scene(read_dataset(task), world.area, world.scene_id)
    count = require_counted(episodes)
    if isinstance(task, Tour):
        return DrawnEpisodes(count, lambda number: task.draw(world, number, seed), task.goals)
    if isinstance(task, ObjectNav):
        return DrawnEpisodes(count, lambda number: (task.draw(world, number, seed),))
    return task.episodes(world.area, scene_id=world.scene_id, count=count, seed=seed)


def _categories(world: World, episodes: Episodes) -> tuple[str, ...]:
    """The scene's categories, and those that only a dataset of it knows."""
    if isinstance(episodes, DrawnEpisodes):
        return world.categories
    asked = {goal.category for episode in episodes for goal in episode.goals if goal.category is not None}
    return (*world.categories, *sorted(asked - set(world.categories)))


def make_cameras(body: Body, width: int, height: int, further: Sequence[Any]) -> tuple[Camera, ...]:
    """The body's eyes, and further cameras as keys of :class:`~placecell.envs.mesh.camera.Camera`.

    Raises:
        ConfigError: a key or value that no camera has, or two of one name.
    """
    eyes = (
        _camera(body, {"name": "front", "width": width, "height": height}),
        *(_camera(body, camera) for camera in further),
    )
    _require_distinct([camera.name for camera in eyes])
    return eyes


def _camera(body: Body, options: Any) -> Camera:
    """A camera where the body has its eyes and as far-sighted, unless its options say otherwise."""
    if not isinstance(options, Mapping):
        raise ConfigError(
            expected="each of env.cameras as a mapping",
            came=repr(options),
            fix="write it as {name: back, yaw_deg: 180}",
        )
    eyes = {
        "hfov_deg": body.hfov_deg, "height_m": body.camera_height_m, "min_depth_m": body.min_depth_m,
        "max_depth_m": body.max_depth_m,
    }  # fmt: skip
    return from_options(Camera, {**eyes, **options}, where=f"camera {options.get('name', Camera.name)!r}")


def _require_distinct(names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(
            expected="cameras of different names (the body's own is 'front')",
            came=f"{', '.join(map(repr, twice))} twice",
            fix="name each of env.cameras, as {name: back, yaw_deg: 180}",
        )
