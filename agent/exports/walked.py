"""A recorded episode as a viewer shows it: one frame of the world, moments, cameras, a map that grows."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from placecell.arrays import Points, Rgb, Transform, content_hash
from placecell.errors import ArchiveError
from placecell.geometry import Pinhole, Pose, invert
from placecell.memory import Growth

from ..recording import RecordedStep, Recording, points_of, pose_of


@dataclass(frozen=True)
class Walked:
    """A recording, seen from a viewer's side.

    A step is decided on at the moment of its index: the pose, the images, what was recalled and the decision
    belong to that moment. What followed from its action (the true pose after it, measures, a collision)
    belongs to the next one, so n steps have n + 1 moments.
    """

    recording: Recording

    @classmethod
    def read(cls, folder: Path) -> "Walked":
        """The episode in a folder, up to its last complete step.

        Raises:
            ArchiveError: there is no recording, it is damaged, or no step of it is complete.
        """
        recording = Recording.read(folder)
        if not recording.steps:
            raise ArchiveError(
                expected=f"a recorded step in {folder}",
                came="an episode that was cut off before its first step",
                fix="give the run's command again, which walks the episode anew",
            )
        return cls(recording)

    @property
    def steps(self) -> tuple[RecordedStep, ...]:
        """The complete ones, in order."""
        return self.recording.steps

    @cached_property
    def identity(self) -> str:
        """32 hex digits that are the same for the same steps of the same episode."""
        of_steps = [(step.action, step.observation_hash) for step in self.steps]
        header = json.dumps(dict(self.recording.header), sort_keys=True)
        return content_hash(header, of_steps)[:32]

    @cached_property
    def true_poses(self) -> tuple[Pose, ...]:
        """Where the body was at each moment, world frame; none where the environment doesn't tell."""
        told = [self.recording.header.get("start"), *(step.true_pose for step in self.steps)]
        poses = [pose_of(plain) for plain in told if plain is not None]
        return tuple(poses) if len(poses) == len(told) else ()

    @cached_property
    def T_world_episode(self) -> Transform:
        """The episode's frame, in which the agent believes, in the world.

        Where the environment doesn't tell it: as if the belief was true at the first moment; the identity
        where it doesn't tell true poses either.
        """
        origin = self.recording.header.get("origin")
        if origin is not None:
            return pose_of(origin).T_world_body()
        if not self.true_poses:
            return np.eye(4)
        return self.true_poses[0].T_world_body() @ invert(self.steps[0].pose.T_world_body())

    @property
    def goals(self) -> Points:
        """(n, 3) where the goals are, episode's frame, metres; none where the environment doesn't tell."""
        return points_of(self.recording.header.get("goal_positions") or [])

    @cached_property
    def collisions(self) -> tuple[int, ...]:
        """The moments at which the body had just met an obstacle."""
        return tuple(step.index + 1 for step in self.steps if step.collided)

    @property
    def believed_path(self) -> Points:
        """(n, 3) the feet at each step, as believed, episode's frame."""
        return np.array([step.pose.position for step in self.steps])

    @property
    def true_path(self) -> Points:
        """(n + 1, 3) the feet at each moment, world frame; (0, 3) where the environment doesn't tell."""
        return np.array([pose.position for pose in self.true_poses]).reshape(-1, 3)

    @cached_property
    def framed(self) -> tuple[int, ...]:
        """The steps that were recorded with arrays."""
        return tuple(step.index for step in self.steps if step.entry is not None)

    def camera(self, step: int) -> tuple[Pinhole, Transform] | None:
        """The lens of a step, and camera to the episode's frame, as believed.

        Of a step without arrays as the body's embodiment has it; None where the environment has none.
        """
        if self.steps[step].entry is not None:
            frame = self.recording.frame(step)
            return frame.camera, frame.T_world_camera
        plain = self.recording.header.get("camera")
        if plain is None:
            return None
        lens = Pinhole.from_hfov(plain["width"], plain["height"], math.radians(plain["hfov_deg"]))
        return lens, self.steps[step].pose.T_world_camera(plain["height_m"])

    def growths(self) -> Iterator[tuple[int, Growth]]:
        """The steps at which the memory's map changed, and what became of it, episode's frame."""
        for step in self.framed:
            growth = self.recording.growth(step)
            if growth is not None and not growth.empty:
                yield step, growth

    def action_name(self, action: int) -> str:
        """What an action is called; its number where it has no name."""
        names = self.recording.header.get("actions") or []
        return names[action] if 0 <= action < len(names) else str(action)

    def category_name(self, category: int | None) -> str:
        """What a category is called; its number where it has no name, nothing where there is none."""
        names = self.recording.header.get("categories") or []
        if category is None or category < 1:
            return ""
        return names[category] if category < len(names) else str(category)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the recording is, and what it lacks, a line each."""
        header, count = self.recording.header, len(self.steps)
        lines = [f"episode {header.get('episode_id')} of {header.get('scene_id')}, {count} steps"]
        if instruction := header.get("instruction"):
            lines.append(f"instruction: {' '.join(instruction.split())}")
        if not self.recording.complete:
            lines.append(f"cut off: {count} complete steps, and no end")
        if not self.framed:
            lines.append(
                f"no images and no map: recorded with record={header['level']}; record=full has them"
            )
        elif len(self.framed) < count:
            lines.append(
                f"images and map of {len(self.framed)} of {count} steps: record.every={header['every']}"
            )
        if not self.true_poses:
            lines.append("no true poses: the environment doesn't tell them")
        return tuple(lines)


def quaternion_of(T: Transform) -> Float[np.ndarray, "4"]:
    """A transform's rotation as (x, y, z, w)."""
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_matrix(T[:3, :3]).as_quat())


def png_of(rgb: Rgb) -> bytes:
    """The image as PNG, without loss."""
    buffer = BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def blocks_of(growth: Growth) -> Iterator[tuple[tuple[int, int, int], slice]]:
    """Each block that changed, and which rows of the growth's cells are its."""
    # Cells and blocks come in one order, so that a block's cells are one run.
    owners = growth.cells >> 3
    edges = np.flatnonzero((np.diff(owners, axis=0) != 0).any(axis=1)) + 1
    bounds = [0, *edges.tolist(), len(owners)] if len(owners) else [0]
    runs = {tuple(owners[a].tolist()): slice(a, b) for a, b in pairwise(bounds)}
    for block in map(tuple, growth.blocks.tolist()):
        yield block, runs.get(block, slice(0, 0))


def middles(cells: np.ndarray, cell_m: float) -> Points:
    """(n, 3) the middle of each cell, metres."""
    return (cells + 0.5) * cell_m
