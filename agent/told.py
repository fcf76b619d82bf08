"""What an environment told in its ``info``, checked."""

import math
from collections.abc import Mapping
from typing import Any

import gymnasium

from placecell.errors import EnvironmentUseError

from .loop import Step
from .results import Start, Tag


class RememberInfo(gymnasium.Wrapper):
    """Keeps the last ``info``, so that an episode that breaks still has its name."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        self.info: Mapping[str, Any] = {}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict]:
        """As the environment's."""
        self.info = {}
        observation, info = super().reset(seed=seed, options=options)
        self.info = info
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict]:
        """As the environment's."""
        following = super().step(action)
        self.info = following[-1]
        return following


def start_of(info: Mapping[str, Any]) -> Start | None:
    """Where an episode starts: x, y, z in metres and the yaw in radians, world frame; None where not told."""
    pose = info.get("pose")
    if not isinstance(pose, Mapping) or "position" not in pose or "yaw_rad" not in pose:
        return None
    x, y, z = (float(metres) for metres in pose["position"])
    return x, y, z, float(pose["yaw_rad"])


def plain_tags(info: Mapping[str, Any]) -> dict[str, Tag] | None:
    """The tags of an info, or None where they are not flat plain JSON."""
    tags = info.get("tags", {})
    if not isinstance(tags, Mapping):
        return None
    plain = all(
        type(name) is str
        and type(value) in (str, int, float, bool)
        and (type(value) is not float or math.isfinite(value))
        for name, value in tags.items()
    )
    return dict(tags) if plain else None


def tags_of(info: Mapping[str, Any]) -> dict[str, Tag]:
    """The tags of an info.

    Raises:
        EnvironmentUseError: they are not flat plain JSON.
    """
    tags = plain_tags(info)
    if tags is None:
        raise EnvironmentUseError(
            expected="info['tags'] to map names to text, finite numbers, true or false",
            came=repr(info["tags"]),
            fix="leave out what does not apply",
        )
    return tags


def measures_of(last: Step) -> dict[str, float]:
    """The environment's measures after the last step, in its order.

    Raises:
        EnvironmentUseError: the info lacks them, or the names of episode and scene.
    """
    missing = [key for key in ("episode_id", "scene_id", "measures") if key not in last.info]
    if missing:
        raise EnvironmentUseError(
            expected="an environment whose info names the episode_id, the scene_id and the measures",
            came=f"info without {', '.join(missing)}",
            fix="put them into the info of every step (see placecell.envs.conformance)",
        )
    measures = last.info["measures"]
    if not isinstance(measures, Mapping):
        raise EnvironmentUseError(
            expected="info['measures'] to map names to numbers",
            came=repr(measures),
            fix="return a dict of floats",
        )
    return {str(name): float(value) for name, value in measures.items()}
