"""From an observation of a posed RGB-D camera to a percept."""

from collections.abc import Mapping, Sequence

import numpy as np

from placecell.errors import EnvironmentUseError
from placecell.geometry import Pose
from placecell.memory import Frame, Query

from .embodiment import Embodiment
from .percept import CategoryGoal, Goal, Percept, PointGoal
from .semantics import NoSemantics, SemanticSource

_AROUND_M = 3.0
_ANYWHERE_M = 1e3
_READS = ("rgb", "depth", "gps", "compass", "pitch", "collided")
_GOALS = ("pointgoal", "objectgoal")


class PosedRgbd:
    """Reads ``rgb``, ``depth``, ``gps``, ``compass``, ``pitch``, ``collided`` and the goal.

    The goal is an object of the category ``objectgoal`` (1,) where that is above 0, else the point
    ``pointgoal`` (3,). What is remembered is in the episode's frame, as ``gps`` is. The memory is asked what
    stands around the body; with a category, where such objects are, however far away.

    Args:
        embodiment: the body's camera.
        around_m: how far from the body the memory is asked about.
        semantics: gives the frames their labels.
        categories: names by category id; an id beyond them is named by its number.
    """

    def __init__(
        self,
        embodiment: Embodiment,
        around_m: float = _AROUND_M,
        *,
        semantics: SemanticSource | None = None,
        categories: Sequence[str] = (),
    ) -> None:
        self._embodiment, self._around_m = embodiment, around_m
        self._semantics, self._categories = semantics or NoSemantics(), tuple(categories)

    def __call__(self, observation: Mapping[str, np.ndarray], step: int) -> Percept:
        """The percept of step ``step``.

        Raises:
            EnvironmentUseError: the observation lacks one of the above.
            FrameError: a depth image that is none.
        """
        missing = [name for name in _READS if name not in observation]
        if not any(name in observation for name in _GOALS):
            missing.append(" or ".join(_GOALS))
        if missing:
            raise EnvironmentUseError(
                expected=f"an observation with {', '.join(_READS)}, {' or '.join(_GOALS)}",
                came=f"one without {', '.join(missing)}",
                fix="add them to the environment (see MeshNavEnv), or use another perception",
            )
        x, y, z = (float(c) for c in observation["gps"])
        pose = Pose(x, y, z, float(observation["compass"][0]), float(observation["pitch"][0]))
        frame = Frame(
            T_world_camera=pose.T_world_camera(self._embodiment.camera_height_m),
            camera=self._embodiment.camera,
            depth=observation["depth"],
            rgb=observation["rgb"],
            labels=self._semantics.labels(observation, pose, self._embodiment),
            step=step,
        )
        goal = self._goal(observation)
        return Percept(
            frame=frame,
            query=self._query(pose, goal),
            pose=pose,
            goal=goal,
            collided=bool(observation["collided"][0]),
            step=step,
        )

    def _goal(self, observation: Mapping[str, np.ndarray]) -> Goal:
        category = int(observation["objectgoal"][0]) if "objectgoal" in observation else 0
        if category > 0:
            known = category < len(self._categories)
            return CategoryGoal(category, self._categories[category] if known else str(category))
        if "pointgoal" not in observation:
            raise EnvironmentUseError(
                expected="an objectgoal of 1 or more, or a pointgoal beside it",
                came=f"objectgoal {category} alone",
                fix="give the id of a category, or the point to go to",
            )
        return PointGoal(observation["pointgoal"].astype(np.float64))

    def _query(self, pose: Pose, goal: Goal) -> Query:
        if isinstance(goal, CategoryGoal):
            return Query(position=pose.position, radius_m=_ANYWHERE_M, category=goal.category)
        return Query(position=pose.position, radius_m=self._around_m)
