"""Bodies: how far a step goes, how a body meets walls, what it can stand on. The presets have names."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from placecell.errors import ConfigError

from .navmesh.settings import WalkSettings
from .options import from_options


class Action(IntEnum):
    """The discrete actions, numbered as Habitat numbers them."""

    STOP = 0
    MOVE_FORWARD = 1
    TURN_LEFT = 2
    TURN_RIGHT = 3
    LOOK_UP = 4
    LOOK_DOWN = 5


@dataclass(frozen=True)
class Body:
    """A body and its eyes. Lengths in metres, angles in degrees.

    Args:
        name: under which name results of this body are reported.
        forward_m, turn_deg, look_deg: what one action does; ``look_limit_deg`` bounds the head's pitch.
        sliding: along a wall it met, or stopping at it.
        sticky: an oddity of habitat-sim 0.3.4 for parity alone (see ``NavigableArea.step``).
        radius_m, height_m, max_climb_m, max_slope_deg: what it can stand on.
        cell_size_m, cell_height_m: how finely the ground is looked at.
        camera_height_m, hfov_deg, min_depth_m, max_depth_m: its forward camera.
        max_steps: the usual budget of an episode.
    """

    name: str
    forward_m: float = 0.25
    turn_deg: float = 10.0
    look_deg: float = 30.0
    look_limit_deg: float = 60.0
    sliding: bool = True
    sticky: bool = False
    radius_m: float = 0.1
    height_m: float = 1.5
    max_climb_m: float = 0.2
    max_slope_deg: float = 45.0
    cell_size_m: float = 0.05
    cell_height_m: float = 0.05
    camera_height_m: float = 1.25
    hfov_deg: float = 90.0
    min_depth_m: float = 0.0
    max_depth_m: float = 10.0
    max_steps: int = 500

    def __post_init__(self) -> None:
        for name in ("forward_m", "turn_deg", "look_deg", "camera_height_m", "max_steps"):
            if not 0 < getattr(self, name) < math.inf:
                raise ConfigError(
                    expected=f"body.{name} above 0",
                    came=f"{getattr(self, name)}",
                    fix=f"set {name} to a positive number",
                )

    def walk_settings(self) -> WalkSettings:
        """The ground this body needs."""
        return WalkSettings(
            radius_m=self.radius_m, height_m=self.height_m, max_climb_m=self.max_climb_m,
            max_slope_deg=self.max_slope_deg, cell_size_m=self.cell_size_m, cell_height_m=self.cell_height_m,
        )  # fmt: skip

    @property
    def turn_rad(self) -> float:
        """One turn, in radians."""
        return math.radians(self.turn_deg)


PRESETS: Mapping[str, Body] = {
    body.name: body
    for body in (
        Body("habitat_pointnav"),
        Body(
            "habitat_objectnav", turn_deg=30.0, sliding=False, radius_m=0.18, height_m=0.88,
            camera_height_m=0.88, hfov_deg=79.0, min_depth_m=0.5, max_depth_m=5.0,
        ),
        Body(
            "parity", turn_deg=30.0, sliding=False, sticky=True, radius_m=0.3, height_m=1.5,
            camera_height_m=1.25, hfov_deg=90.0, max_depth_m=math.inf,
        ),
    )
}  # fmt: skip


def make_body(choice: str | Mapping[str, object]) -> Body:
    """A preset by name, or a body of one's own: a mapping with a ``name`` that no preset has.

    Raises:
        ConfigError: an unknown preset or key, a value of another type, or changed numbers under a preset's
            name.
    """
    if isinstance(choice, str):
        if choice not in PRESETS:
            raise ConfigError(
                expected=f"a body: {', '.join(PRESETS)}", came=repr(choice), fix="set env.body to one of them"
            )
        return PRESETS[choice]
    name = choice.get("name")
    if not isinstance(name, str) or name in PRESETS:
        raise ConfigError(
            expected="a name of its own for a body that is no preset",
            came=repr(name),
            fix="set env.body.name, so that results say which body walked",
        )
    return from_options(Body, choice, where="env.body")
