"""Seeded noise of sensors and actuators, in three levels. ``none`` changes nothing and draws nothing."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from placecell.errors import ConfigError

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
_EDGE_RATIO = 0.05


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
