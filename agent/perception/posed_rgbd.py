"""From an observation of a posed RGB-D camera to a percept; no learning."""

import numpy as np

from placecell.errors import EnvironmentUseError
from placecell.geometry import Pose
from placecell.memory import Frame, Query

from .embodiment import Embodiment
from .percept import Percept

_AROUND_M = 3.0
_READS = ("rgb", "depth", "gps", "compass", "pitch", "pointgoal", "collided")


class PosedRgbd:
    """Reads ``rgb``, ``depth``, ``gps``, ``compass``, ``pitch``, ``pointgoal`` and ``collided``.

    What is remembered is in the episode's frame, as ``gps`` is; the memory is asked what stands around
    the body.
    """

    def __init__(self, embodiment: Embodiment, around_m: float = _AROUND_M) -> None:
        self._embodiment, self._around_m = embodiment, around_m

    def __call__(self, observation: dict[str, np.ndarray], step: int) -> Percept:
        """The percept of step ``step``.

        Raises:
            EnvironmentUseError: the observation lacks one of the above.
            FrameError: a depth image that is none.
        """
        missing = [name for name in _READS if name not in observation]
        if missing:
            raise EnvironmentUseError(
                expected=f"an observation with {', '.join(_READS)}",
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
            step=step,
        )
        return Percept(
            frame=frame,
            query=Query(position=pose.position, radius_m=self._around_m),
            pose=pose,
            goal=observation["pointgoal"].astype(np.float64),
            collided=bool(observation["collided"][0]),
            step=step,
        )
