"""Seeded noise of sensors and actuators, in three levels. ``none`` changes nothing and draws nothing.

Depth and actuation: see :class:`DepthNoise` and :class:`ActuationNoise`. Labels: :class:`LabelNoise`.

Pose: the body's own estimate drifts. Each true relative motion is measured with Gaussian errors that add up
as a random walk: after a metre the position is off by 1 cm and the heading by 0.5 degrees (one standard
deviation; they grow with the root of the way, whatever the length of a step), and each turn is off by 1 % of
itself. Most of the position's error is the heading's: 16 cm after 10 m of a straight line. Whoever is carried
somewhere finds out where it is to 5 cm and 1 degree. That is ``low``; ``high`` is three times as much.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float32

from placecell.arrays import Ids
from placecell.errors import ConfigError
from placecell.geometry import Pose, wrap_angle

# Any text in type, one of LEVELS in fact: a config may hold a wrong one, and is told so in one line.
Level = str
LEVELS: tuple[Level, ...] = ("none", "low", "high")

DepthImage = Float32[np.ndarray, "h w"]


@dataclass(frozen=True)
class _DepthModel:
    """Noise per squared metre, chance to lose a pixel anywhere and at an edge, pixels a disparity step."""

    spread_per_m: float
    lost: float
    lost_at_edge: float
    disparity_step: float


@dataclass(frozen=True)
class _ActuationModel:
    """Relative spreads of a move and of a turn, sideways drift a metre, heading drift a metre."""

    distance: float
    sideways: float
    heading_rad_per_m: float
    turn: float


@dataclass(frozen=True)
class _PoseModel:
    """Errors after a metre, of a turn, and after having been carried."""

    position_m: float
    heading_rad: float
    turn: float
    carried_m: float
    carried_rad: float


@dataclass(frozen=True)
class _LabelModel:
    """Chances that an instance is called something else, or is not found, in one frame."""

    confused: float
    dropped: float


# Khoshelham and Elberink (2012) measured 1.4 mm at 1 m growing with the square for a structured-light
# camera: "low" is that sensor, "high" three times as coarse.
_DEPTH = {
    "low": _DepthModel(spread_per_m=0.0014, lost=0.001, lost_at_edge=0.2, disparity_step=0.00285),
    "high": _DepthModel(spread_per_m=0.0042, lost=0.01, lost_at_edge=0.5, disparity_step=0.00855),
}
_ACTUATION = {
    "low": _ActuationModel(distance=0.02, sideways=0.01, heading_rad_per_m=0.02, turn=0.02),
    "high": _ActuationModel(distance=0.08, sideways=0.04, heading_rad_per_m=0.08, turn=0.08),
}
_POSE = {
    "low": _PoseModel(0.01, math.radians(0.5), 0.01, 0.05, math.radians(1)),
    "high": _PoseModel(0.03, math.radians(1.5), 0.03, 0.15, math.radians(3)),
}
_LABELS = {"low": _LabelModel(0.05, 0.1), "high": _LabelModel(0.15, 0.3)}
_EDGE_RATIO = 0.05


@dataclass(frozen=True)
class Noise:
    """A level for each kind of noise.

    Raises:
        ConfigError: an unknown level.
    """

    depth: Level = "none"
    actuation: Level = "none"
    pose: Level = "none"
    labels: Level = "none"

    def __post_init__(self) -> None:
        for kind in fields(self):
            _require_level(getattr(self, kind.name))

    @classmethod
    def of(cls, choice: Level | Mapping[str, Level]) -> "Noise":
        """One level for all kinds, or a mapping of kinds to levels; kinds left out have none.

        Raises:
            ConfigError: an unknown level or kind.
        """
        kinds = [kind.name for kind in fields(cls)]
        if isinstance(choice, str):
            return cls(**dict.fromkeys(kinds, choice))
        unknown = [str(key) for key in choice if key not in kinds]
        if unknown:
            raise ConfigError(
                expected=f"kinds of noise: {', '.join(kinds)}",
                came=", ".join(unknown),
                fix="correct the spelling, as in env.noise={pose: low, labels: high}",
            )
        return cls(**choice)

    def plain(self) -> Level | dict[str, Level]:
        """As :meth:`of` takes it, in the shortest form."""
        levels = {kind.name: getattr(self, kind.name) for kind in fields(self)}
        return self.depth if len(set(levels.values())) == 1 else levels


@dataclass(frozen=True)
class DepthNoise:
    """Noise of a structured-light depth camera: spread and steps that grow with z^2, holes at edges.

    Raises:
        ConfigError: an unknown level.
    """

    level: Level = "none"

    def __post_init__(self) -> None:
        _require_level(self.level)

    def apply(self, depth: DepthImage, rng: np.random.Generator) -> DepthImage:
        """Depth as such a camera would report it: (h, w) float32 metres, 0 = no return, stays 0.

        ``none`` gives ``depth`` itself back.
        """
        if self.level == "none":
            return depth
        model = _DEPTH[self.level]
        z = depth + model.spread_per_m * depth**2 * rng.standard_normal(depth.shape, np.float32)
        # Steps are even in disparity (1 / z), so in depth they widen with z^2.
        with np.errstate(divide="ignore"):
            steps = np.rint(1 / (z * np.float32(model.disparity_step)))
        z = np.divide(1, steps * np.float32(model.disparity_step), out=np.zeros_like(z), where=steps > 0)
        lost = np.where(_edges(depth), model.lost_at_edge, model.lost)
        z[(rng.random(depth.shape, np.float32) < lost) | (depth <= 0)] = 0
        return np.maximum(z, 0).astype(np.float32)


@dataclass(frozen=True)
class Displacement:
    """What a body really did, in the frame it had before: metres ahead and to the left, then a turn."""

    forward_m: float = 0.0
    left_m: float = 0.0
    turn_rad: float = 0.0


@dataclass(frozen=True)
class ActuationNoise:
    """Gaussian slip of moves and turns, in proportion to what was asked for.

    Raises:
        ConfigError: an unknown level.
    """

    level: Level = "none"

    def __post_init__(self) -> None:
        _require_level(self.level)

    def forward(self, distance_m: float, rng: np.random.Generator) -> Displacement:
        """What a move of ``distance_m`` comes to."""
        if self.level == "none":
            return Displacement(forward_m=distance_m)
        model = _ACTUATION[self.level]
        ahead, aside, heading = rng.standard_normal(3).tolist()
        return Displacement(
            forward_m=distance_m * (1 + model.distance * ahead),
            left_m=distance_m * model.sideways * aside,
            turn_rad=distance_m * model.heading_rad_per_m * heading,
        )

    def turn(self, angle_rad: float, rng: np.random.Generator) -> Displacement:
        """What a turn by ``angle_rad`` (to the left) comes to."""
        if self.level == "none":
            return Displacement(turn_rad=angle_rad)
        return Displacement(turn_rad=angle_rad * (1 + _ACTUATION[self.level].turn * rng.standard_normal()))


@dataclass(frozen=True)
class PoseNoise:
    """What a body believes of where it is, by odometry (see the top of this file). Heights are not mistaken.

    Raises:
        ConfigError: an unknown level.
    """

    level: Level = "none"

    def __post_init__(self) -> None:
        _require_level(self.level)

    def follow(self, believed: Pose, before: Pose, after: Pose, rng: np.random.Generator) -> Pose:
        """The belief after a true motion ``before`` -> ``after``; with ``none`` the truth itself."""
        if self.level == "none":
            return after
        model = _POSE[self.level]
        c, s = math.cos(before.yaw_rad), math.sin(before.yaw_rad)
        dx, dy = after.x - before.x, after.y - before.y
        turn = wrap_angle(after.yaw_rad - before.yaw_rad)
        root = math.sqrt(math.hypot(dx, dy))
        ahead, aside, heading, turned = rng.standard_normal(4).tolist()
        forward = c * dx + s * dy + model.position_m * root * ahead
        left = c * dy - s * dx + model.position_m * root * aside
        turn += model.heading_rad * root * heading + model.turn * turn * turned
        c, s = math.cos(believed.yaw_rad), math.sin(believed.yaw_rad)
        return Pose(
            believed.x + c * forward - s * left, believed.y + s * forward + c * left,
            believed.z + after.z - before.z, wrap_angle(believed.yaw_rad + turn), after.pitch_rad,
        )  # fmt: skip

    def carried(self, truth: Pose, rng: np.random.Generator) -> Pose:
        """The belief of a body that was put down at ``truth``; with ``none`` the truth itself."""
        if self.level == "none":
            return truth
        model = _POSE[self.level]
        dx, dy, turn = rng.standard_normal(3).tolist()
        return Pose(
            truth.x + model.carried_m * dx, truth.y + model.carried_m * dy, truth.z,
            wrap_angle(truth.yaw_rad + model.carried_rad * turn), truth.pitch_rad,
        )  # fmt: skip


@dataclass(frozen=True)
class LabelNoise:
    """A detector's mistakes: in each frame, an instance is called something else, or not found at all.

    Raises:
        ConfigError: an unknown level.
    """

    level: Level = "none"

    def __post_init__(self) -> None:
        _require_level(self.level)

    def apply(
        self, instance: Ids, category: Ids, most: int, categories: int, rng: np.random.Generator
    ) -> tuple[Ids, Ids]:
        """Both images as such a detector would give them; with ``none`` the images themselves.

        Args:
            instance: (h, w) ids; 0 (walls and floors) is never mistaken.
            category: (h, w) ids of what they are.
            most: the scene's highest instance id: an instance's luck does not depend on who else is seen.
            categories: how many there are; a confused instance gets any other one but 0, all pixels the same.
            rng: this frame's luck.
        """
        if self.level == "none":
            return instance, category
        model = _LABELS[self.level]
        luck = rng.random(most + 1)
        shift = rng.integers(1, max(categories - 1, 2), most + 1)
        luck[0] = 1.0
        dropped = luck < model.dropped
        confused = ~dropped & (luck < model.dropped + model.confused)
        here = luck[instance] < model.dropped + model.confused
        if not here.any():
            return instance, category
        instance, category = instance.copy(), category.copy()
        swap = here & confused[instance] & (category > 0)
        category[swap] = (category[swap] - 1 + shift[instance[swap]]) % (categories - 1) + 1
        drop = here & dropped[instance]
        instance[drop] = category[drop] = 0
        return instance, category


def _edges(depth: np.ndarray) -> np.ndarray:
    """Pixels beside a jump in depth, on both of its sides."""
    edges = np.zeros(depth.shape, bool)
    for depth_rows, edge_rows in ((depth, edges), (depth.T, edges.T)):
        jump = np.abs(np.diff(depth_rows, axis=0)) > _EDGE_RATIO * np.minimum(depth_rows[1:], depth_rows[:-1])
        edge_rows[1:] |= jump
        edge_rows[:-1] |= jump
    return edges


def _require_level(level: str) -> None:
    if level not in LEVELS:
        known = ", ".join(LEVELS)
        raise ConfigError(
            expected=f"a noise level of {known}", came=repr(level), fix=f"choose one of {known}"
        )
