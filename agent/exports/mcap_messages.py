"""The messages of an episode's MCAP file, in order of their moments."""

import json
from collections.abc import Iterator

import numpy as np

from placecell.arrays import Transform
from placecell.geometry import Pinhole
from placecell.memory import GrowingMap

from ..recording import RecordedStep
from . import foxglove
from .foxglove import Message
from .walked import Walked, middles, png_of

WORLD, EPISODE, BODY, CAMERA = "world", "episode", "body", "camera"
CHANNELS = {
    "/tf": "foxglove.FrameTransform",
    "/camera/calibration": "foxglove.CameraCalibration",
    "/camera/rgb": "foxglove.CompressedImage",
    "/camera/depth": "foxglove.RawImage",
    "/map": "foxglove.PointCloud",
    "/path": "foxglove.PosesInFrame",
    "/true_path": "foxglove.PosesInFrame",
    "/goals": "foxglove.PosesInFrame",
    "/recalled_points": "foxglove.PointCloud",
    "/recalled": "placecell.Recalled",
    "/decision": "placecell.Decision",
    "/outcome": "placecell.Outcome",
    "/log": "foxglove.Log",
}
"""Each topic with the schema of its messages."""

_Told = tuple[str, Message]


class Messages:
    """What an MCAP file says of one episode; see :func:`placecell.agent.exports.mcap.export`.

    Args:
        walked: the episode.
        step_ns: nanoseconds between two moments.
        map_every: steps between two maps; the last one is there in any case.
    """

    def __init__(self, walked: Walked, step_ns: int, map_every: int = 1) -> None:
        self._walked, self._step_ns, self._map_every = walked, step_ns, map_every
        self._map, self._changed = GrowingMap(), False
        self._lens: Pinhole | None = None

    def all(self) -> Iterator[tuple[int, str, Message]]:
        """Each message with its time in nanoseconds and its topic; once."""
        steps = self._walked.steps
        for moment in range(len(steps) + 1):
            time_ns = moment * self._step_ns
            if moment == 0:
                yield from ((time_ns, *told) for told in self._first(time_ns))
            if moment > 0:
                yield from ((time_ns, *told) for told in self._followed(time_ns, steps[moment - 1]))
            if self._walked.true_poses:
                T_world_body = self._walked.true_poses[moment].T_world_body()
                yield time_ns, "/tf", foxglove.transform(time_ns, WORLD, BODY, T_world_body)
            if moment < len(steps):
                yield from ((time_ns, *told) for told in self._seen(time_ns, moment))
                yield from ((time_ns, *told) for told in self._decided(time_ns, steps[moment]))

    def _first(self, time_ns: int) -> Iterator[_Told]:
        """What holds all the time."""
        walked = self._walked
        yield "/tf", foxglove.transform(time_ns, WORLD, EPISODE, walked.T_world_episode)
        believed = [step.pose.T_world_body() for step in walked.steps]
        yield "/path", foxglove.poses(time_ns, EPISODE, believed)
        if walked.true_poses:
            true = [pose.T_world_body() for pose in walked.true_poses]
            yield "/true_path", foxglove.poses(time_ns, WORLD, true)
        if len(walked.goals):
            yield "/goals", foxglove.poses(time_ns, EPISODE, [_standing_at(goal) for goal in walked.goals])
        for note in walked.notes:
            yield "/log", foxglove.log(time_ns, foxglove.INFO, note)

    def _seen(self, time_ns: int, step: int) -> Iterator[_Told]:
        """The camera, its images, and the memory's map after they were written into it."""
        camera = self._walked.camera(step)
        if camera is not None:
            lens, T_episode_camera = camera
            yield "/tf", foxglove.transform(time_ns, EPISODE, CAMERA, T_episode_camera)
            if lens != self._lens:
                self._lens = lens
                yield "/camera/calibration", foxglove.calibration(time_ns, CAMERA, lens)
        if self._walked.steps[step].entry is None:
            return
        recording = self._walked.recording
        frame, growth = recording.frame(step), recording.growth(step)
        if frame.rgb is not None:
            yield "/camera/rgb", foxglove.png_image(time_ns, CAMERA, png_of(frame.rgb))
        yield "/camera/depth", foxglove.depth_image(time_ns, CAMERA, frame.depth)
        if growth is not None and not growth.empty:
            self._map.apply(growth)
            self._changed = True
        if self._changed and (step % self._map_every == 0 or step == self._walked.framed[-1]):
            self._changed = False
            points = middles(self._map.cells, self._map.cell_m)
            yield "/map", foxglove.point_cloud(time_ns, EPISODE, points, label=self._map.labels)

    def _decided(self, time_ns: int, step: RecordedStep) -> Iterator[_Told]:
        walked = self._walked
        points = np.array([item.position for item in step.recalled]).reshape(-1, 3)
        score = np.array([item.score for item in step.recalled], np.float32)
        yield "/recalled_points", foxglove.point_cloud(time_ns, EPISODE, points, score=score)
        items = [
            {
                "position": item.position.tolist(),
                "score": item.score,
                "source": item.source,
                "age_steps": item.age_steps,
                "category": item.category,
                "name": walked.category_name(item.category),
            }
            for item in step.recalled
        ]
        yield "/recalled", {"step": step.index, "items": items}
        name = walked.action_name(step.action)
        decision = {
            "step": step.index,
            "action": step.action,
            "action_name": name,
            "observation_hash": step.observation_hash,
            "memory": dict(step.memory),
            "trace": dict(step.trace),
        }
        yield "/decision", decision
        text = f"step {step.index}: {name} {json.dumps(dict(step.trace))}"
        yield "/log", foxglove.log(time_ns, foxglove.INFO, text)

    def _followed(self, time_ns: int, step: RecordedStep) -> Iterator[_Told]:
        """What came of a step's action."""
        outcome = {
            "step": step.index,
            "collided": step.collided,
            "goal_in_view": step.goal_in_view,
            "measures": dict(step.measures),
        }
        yield "/outcome", outcome
        if step.collided:
            yield "/log", foxglove.log(time_ns, foxglove.WARNING, f"step {step.index}: collided")


def _standing_at(point: np.ndarray) -> Transform:
    T = np.eye(4)
    T[:3, 3] = point
    return T
