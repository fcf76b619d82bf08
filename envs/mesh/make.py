"""From the names in a config to a mesh environment."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from ..body import Body, make_body
from ..geodesic import NavigableArea
from ..pointnav import make_task
from .builtin import builtin_scene
from .camera import Camera
from .env import MeshNavEnv
from .loading import load_scene
from .noise import Level


def make_mesh_env(
    scene: str | Path | None = None,
    *,
    up: Literal["auto", "y", "z"] = "auto",
    body: str | Mapping[str, object] = "habitat_pointnav",
    task: Mapping[str, object] | None = None,
    episodes: int = 10,
    seed: int = 0,
    width: int = 128,
    height: int = 128,
    cameras: Sequence[Mapping[str, object]] = (),
    semantics: bool = False,
    noise: Level = "none",
    render_mode: str | None = None,
) -> MeshNavEnv:
    """A :class:`MeshNavEnv`; this is also what ``gymnasium.make("placecell/MeshNav-v0", ...)`` calls.

    Args:
        scene: a GLB, glTF, OBJ or PLY file; None takes a small built-in home.
        up: the file's up axis; ``auto`` knows it from the format.
        body: a preset (``habitat_pointnav``, ``habitat_objectnav``, ``parity``) or a mapping with a name of its own.
        task: keys of :class:`~placecell.envs.pointnav.PointNav`.
        episodes: how many to generate where the task names no dataset.
        seed: of the generated episodes (and of the built-in home's look: always the same one).
        width, height: pixels of the forward camera, which sits where the body has its eyes.
        cameras: further cameras, as keys of :class:`~placecell.envs.mesh.camera.Camera`.
        semantics: adds the simulator's instance and category ids to the observations (an oracle).
        noise: on depth and actuation.
    """
    loaded = builtin_scene() if scene is None else load_scene(Path(scene), up=up)
    walker = make_body(body)
    area = NavigableArea.from_mesh(loaded.vertices.astype("float64"), loaded.faces, walker.walk_settings())
    chosen = make_task(task or {})
    dataset = chosen.episodes(area, scene_id=loaded.name, count=episodes, seed=seed)
    eyes = (_eyes(walker, width, height), *(Camera(**camera) for camera in cameras))  # type: ignore[arg-type]
    return MeshNavEnv(
        loaded, area, walker, chosen, dataset, cameras=eyes, semantics=semantics, noise=noise,
        render_mode=render_mode,
    )  # fmt: skip


def _eyes(body: Body, width: int, height: int) -> Camera:
    return Camera(
        name="front", width=width, height=height, hfov_deg=body.hfov_deg, height_m=body.camera_height_m,
        min_depth_m=body.min_depth_m, max_depth_m=body.max_depth_m,
    )  # fmt: skip
