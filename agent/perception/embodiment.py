"""What an agent must know of its own body: its actions' sizes, its width, where its eye is."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium

from placecell.errors import ConfigError
from placecell.geometry import Pinhole


@dataclass(frozen=True)
class Embodiment:
    """A body as its driver knows it. Lengths in metres, angles in radians.

    ``success_distance_m``: the task counts ``stop`` nearer to the goal than this.
    """

    forward_m: float
    turn_rad: float
    radius_m: float
    height_m: float
    max_climb_m: float
    camera: Pinhole
    camera_height_m: float
    success_distance_m: float

    @classmethod
    def of(cls, env: gymnasium.Env) -> "Embodiment":
        """Reads an environment's ``embodiment`` (plain JSON).

        Raises:
            ConfigError: the environment has none, or a key of it is missing.
        """
        if not env.has_wrapper_attr("embodiment"):
            raise ConfigError(
                expected="an environment with an embodiment (see MeshNavEnv.embodiment)",
                came=type(env.unwrapped).__name__,
                fix="add the property to the environment, or choose an agent that needs none",
            )
        plain: Mapping[str, Any] = env.get_wrapper_attr("embodiment")
        try:
            camera = plain["camera"]
            pinhole = Pinhole.from_hfov(camera["width"], camera["height"], math.radians(camera["hfov_deg"]))
            return cls(
                forward_m=plain["forward_m"],
                turn_rad=math.radians(plain["turn_deg"]),
                radius_m=plain["radius_m"],
                height_m=plain["height_m"],
                max_climb_m=plain["max_climb_m"],
                camera=pinhole,
                camera_height_m=camera["height_m"],
                success_distance_m=plain["success_distance_m"],
            )
        except KeyError as error:
            raise ConfigError(
                expected="an embodiment with forward_m, turn_deg, radius_m, height_m, max_climb_m, "
                "success_distance_m and camera: width, height, hfov_deg, height_m",
                came=f"one without {error}",
                fix="add the key to the environment's embodiment",
            ) from error
