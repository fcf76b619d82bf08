"""From the names in a config to an environment of generated houses."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from placecell.errors import ConfigError, EpisodeError

from ...body import make_body
from ...episode import Episode
from ...habitat_files import bare_name
from ...objectnav import ObjectNav, require_known
from ...pointnav import PointNav, require_walkable
from ...task import Task, make_task, read_dataset, require_counted
from ...tour import Tour
from ..env import MeshNavEnv
from ..make import make_cameras
from ..noise import Level, Noise
from .categories import CATEGORIES, FURNITURE, SMALL
from .looks import SPLITS
from .sources import HouseSources

_NAME = re.compile(r"house-([a-z]+)-(0|[1-9][0-9]{0,8})")


def make_houses_env(
    split: str = "test",
    houses: int | None = None,
    *,
    body: str | Mapping[str, Any] = "habitat_objectnav",
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
    """A :class:`MeshNavEnv` that walks houses of a split, each built when it is first entered.

    Episode ``i`` takes place in house ``i`` modulo ``houses``; of tours, each visit of tour ``t`` in house
    ``t`` modulo ``houses``. A house without any of the categories that are asked for is passed over.

    Args:
        split: ``train``, ``val`` or ``test``.
        houses: how many of the split's; None takes a new one for each episode or tour.
        body: a preset (``habitat_pointnav``, ``habitat_objectnav``, ``parity``) or a mapping with a name of
            its own.
        task: ``name`` (``pointnav``, ``objectnav``, ``tour``) and the task's own keys. A dataset's scenes are
            names of the split's houses, as ``house-test-17``.
        episodes: how many; of tours, visits. None will do where the task names a dataset.
        seed: of the episodes; the houses are the split's whatever it is.
        width, height: pixels of the forward camera, which sits where the body has its eyes.
        cameras: further cameras, as keys of :class:`~placecell.envs.mesh.camera.Camera`.
        semantics: adds the simulator's instance and category ids to the observations (an oracle).
        noise: a level (``none``, ``low``, ``high``) on depth, actuation, pose and labels, or one for each.

    Raises:
        ConfigError: an unknown split, preset, key, category or noise level, or a value of another type.
        EpisodeError: a dataset of other houses, no house with what is asked for, or a tour longer than the
            objects of its house allow. What a dataset says of other houses than its first episode's is found
            wrong when they are entered.
    """
    if split not in SPLITS:
        known = ", ".join(SPLITS)
        raise ConfigError(
            expected=f"a split of {known}", came=repr(split), fix="set env.split to one of them"
        )
    _require_count("a seed", seed, 0)
    if houses is not None:
        _require_count("env.houses", houses, 1)
    chosen, walker = make_task(task or {"name": ObjectNav.name}), make_body(body)
    if not isinstance(chosen, PointNav):
        require_known(chosen.categories, (*FURNITURE, *SMALL), "houses")
    sources = HouseSources(split, houses, walker, chosen, seed)
    given = _dataset(chosen, split, houses)
    dataset = given or sources.episodes(require_counted(episodes))
    first = sources.worlds(dataset[0].scene_id)
    # Of the others' houses, none is made before it is entered.
    for episode in given:
        if episode.scene_id == first.scene_id:
            first.require_things(episode)
            require_walkable(first.area, episode)
    return MeshNavEnv(
        sources.worlds, walker, chosen, dataset, categories=CATEGORIES, semantics=semantics,
        cameras=make_cameras(walker, width, height, cameras), noise=Noise.of(noise), elsewhere=sources,
        render_mode=render_mode,
        origins={
            "environment": "placecell/MeshNav-v0", "scene": f"generated houses, {split}", "houses": houses,
            "scene_hash": first.scene.content_hash,
        },
    )  # fmt: skip


# What comes from a command line may be anything.
def _require_count(name: str, value: Any, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        came = str(value) if isinstance(value, int) else repr(value)
        raise ConfigError(
            expected=f"{name} of {least} or more", came=came, fix=f"set {name.split()[-1]}=N, a whole number"
        )


def _dataset(task: Task, split: str, houses: int | None) -> tuple[Episode, ...]:
    """The episodes of the task's dataset, none without one; each of a house that the environment has.

    Folders and endings of a ``scene_id`` are left out: ``houses/house-val-3.glb`` is ``house-val-3``.
    """
    if isinstance(task, Tour) or task.dataset is None:
        return ()
    found = read_dataset(task)
    for episode in found:
        match = _NAME.fullmatch(bare_name(episode.scene_id))
        here = match is not None and match[1] == split and (houses is None or int(match[2]) < houses)
        last = "" if houses is None else f" to house-{split}-{houses - 1}"
        if not here:
            raise EpisodeError(
                expected=f"episodes of the houses house-{split}-0{last or ' and so on'} in {task.dataset}",
                came=f"{episode.scene_id!r} in episode {episode.episode_id!r}",
                fix="correct the dataset's scene_id, or set env.split and env.houses to what it names",
            )
        strange = [goal.category for goal in episode.goals if goal.category not in (None, *CATEGORIES[1:])]
        if strange:
            raise EpisodeError(
                expected=f"a category that houses have in episode {episode.episode_id!r} of {task.dataset}",
                came=repr(strange[0]),
                fix="rename it (see CATEGORIES of placecell.envs.mesh.houses.categories), or leave it out",
            )
    return tuple(replace(episode, scene_id=bare_name(episode.scene_id)) for episode in found)
