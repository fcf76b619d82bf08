"""A run's recorded episodes as a LeRobot dataset, version 3.0: what imitation learning reads.

The package ``lerobot`` is needed neither to write it nor to look at it again (:func:`check_layout`). An
episode's steps become rows: what was seen and believed, and the action that followed. A step of a recording
has no duration of its own: ``fps`` says how many make a second of the video, and nothing else depends on it.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from placecell import __version__
from placecell.errors import ArchiveError, ConfigError, OutputError

from ..recording import RecordedStep, Recording
from . import lerobot_layout as layout
from .lerobot_check import LeRobotFolder, check_layout
from .lerobot_layout import FileSizes
from .lerobot_source import Source, source_of
from .lerobot_stats import Colours, Moments, Statistics, episode_statistics
from .lerobot_tables import ORIGINS, EpisodeRows, Rows, pyarrow, write_tasks
from .lerobot_task import task_of
from .lerobot_video import Part, VideoFiles

__all__ = ["FileSizes", "LeRobotFolder", "check_layout", "export", "left_out_of"]

NOTE = (
    "A step of a placecell recording has no duration of its own: fps is a choice of the export. "
    "observation.state is the pose that the agent believed in, in the frame of the episode's start "
    "(x ahead, y left, z up); later visits of a tour keep the frame of its first."
)


def export(
    folders: Path | Sequence[Path],
    out: Path,
    *,
    fps: int = 10,
    depth: bool = False,
    sizes: FileSizes | None = None,
) -> Path:
    """Writes recorded episodes as a LeRobot v3.0 dataset, and returns its folder.

    ``observation.images.front`` is the forward camera's RGB as H.264 video, ``observation.state`` the pose
    believed in (x, y, z, yaw, pitch), ``action`` the action's number (the feature's ``info`` has the names),
    ``next.reward`` the environment's, ``next.done`` the last step, ``next.success`` whether the goal was
    reached after the step, the task is the goal in words. Episodes that did not come to their end
    (unfinished, crashed, stalled, timed out) are left out; :func:`left_out_of` names them.

    It is made beside ``out`` and put in its place when it is complete. What is held in memory is one episode
    (without images; with ``depth``, its depth).

    Args:
        folders: an episode's folder, or several, recorded with ``record=full``; their order is the dataset's.
        out: the dataset's folder, which is made; it may exist if it is empty.
        fps: frames a second.
        depth: also a column ``observation.depth``, float32 (height, width), metres: large, bit for bit. The
            layout has no lossless video.
        sizes: when files are full; None for the layout's own defaults.

    Raises:
        MissingPartError: pyarrow is not installed.
        ArchiveError: a recording without images, or unlike the others, or damaged, or none that is finished.
        ConfigError: ``fps`` below 1.
        OutputError: ``out`` is not empty, or cannot be written.
    """
    pyarrow()
    out = Path(out)
    if fps < 1:
        raise ConfigError(expected="1 or more frames a second", came=f"fps={fps}", fix="pass fps=10")
    source = source_of([folders] if isinstance(folders, Path) else folders, depth=depth)
    with _made_beside(out) as folder:
        maker = _Maker(folder, source, fps, depth, sizes or FileSizes())
        try:
            for episode in source.folders:
                maker.add(episode)
            maker.finish()
        except BaseException:
            maker.abandon()
            raise
    return out


def left_out_of(dataset: Path) -> dict[str, str]:
    """The recordings that an export left out: their folders below the one that held all, and why."""
    told = json.loads((Path(dataset) / layout.ORIGIN).read_text(encoding="utf-8"))
    return dict(told["left_out"])


@dataclass
class _Maker:
    """The dataset under way."""

    root: Path
    source: Source
    fps: int
    depth: bool
    sizes: FileSizes
    tasks: dict[str, int] = field(default_factory=dict)
    colours: Colours = field(default_factory=Colours)
    episodes: int = 0
    frames: int = 0

    def __post_init__(self) -> None:
        kind = self.source.kind
        self.features = layout.features_of(
            kind.size, self.fps, actions=kind.actions, depth=self.depth, success=kind.success
        )
        (self.root / "meta").mkdir()
        self.scratch = self.root / "parts"
        self.scratch.mkdir()
        self.video = VideoFiles(self.root, self.scratch, layout.RGB, self.fps, self.sizes)
        self.rows = Rows(self.root, self.features, self.sizes)
        self.told = EpisodeRows(self.root, self.features, self.sizes)
        self.moments = {name: Moments() for name in self.features if name != layout.RGB}

    def add(self, folder: Path) -> None:
        """One episode more."""
        recording = Recording.read(folder)
        part, colours = self.video.part_path(), Colours()
        columns = self._columns(recording, part, colours)
        task = task_of(recording.header)
        columns["task_index"] = np.full(len(columns["index"]), self.tasks.setdefault(task, len(self.tasks)))
        where = {**self.rows.write(columns), **self.video.place(part, len(columns["index"]))}
        statistics = self._statistics(columns, colours)
        header = recording.header
        origin = {f"placecell/{name}": str(header.get(name, "")) for name in ORIGINS}
        row = {"episode_index": self.episodes, "tasks": [task], "length": len(columns["index"])}
        self.told.add({**row, **where, **origin}, statistics)
        self.colours.merge(colours)
        self.frames += len(columns["index"])
        self.episodes += 1

    def finish(self) -> None:
        """What is known only at the end: the last files, tasks, statistics, ``meta/info.json``."""
        self.video.close()
        shutil.rmtree(self.scratch)
        self.rows.close()
        self.told.close()
        write_tasks(self.root, list(self.tasks))
        statistics = {layout.RGB: self.colours.statistics()}
        for name, moments in self.moments.items():
            statistics[name] = moments.statistics(self.rows.batches(name))
        plain = {key: {what: value.tolist() for what, value in s.items()} for key, s in statistics.items()}
        _write(self.root / layout.STATS, plain)
        totals = {"episodes": self.episodes, "frames": self.frames, "tasks": len(self.tasks)}
        _write(self.root / layout.INFO, layout.info_of(self.features, self.fps, self.sizes, **totals))
        left_out = dict(self.source.left_out)
        made = {"made_by": f"placecell {__version__}", "note": NOTE, "left_out": left_out}
        _write(self.root / layout.ORIGIN, made)

    def abandon(self) -> None:
        """Lets go of the files under way."""
        self.rows.abandon()
        self.told.abandon()

    def _columns(self, recording: Recording, part: Path, colours: Colours) -> dict[str, np.ndarray]:
        """An episode's columns, its video encoded on the way."""
        steps, size = recording.steps, self.source.kind.size
        images = []
        with Part(part, size, self.fps) as video:
            for number in range(len(steps)):
                seen = recording.observation(number)
                video.add(_image(seen["rgb"], size, number))
                colours.add(seen["rgb"])
                if self.depth:
                    images.append(seen["depth"].reshape(size))
        count = len(steps)
        columns = {
            layout.STATE: np.array([_state(step) for step in steps], np.float32),
            layout.ACTION: np.array([step.action for step in steps], np.int64),
            layout.REWARD: np.array([step.reward for step in steps], np.float32),
            layout.DONE: np.arange(count) == count - 1,
            "timestamp": (np.arange(count) / self.fps).astype(np.float32),
            "frame_index": np.arange(count),
            "episode_index": np.full(count, self.episodes),
            "index": np.arange(self.frames, self.frames + count),
        }
        if self.source.kind.success:
            columns[layout.SUCCESS] = np.array([step.measures["success"] >= 1 for step in steps])
        if self.depth:
            columns[layout.DEPTH] = np.stack(images).astype(np.float32)
        return columns

    def _statistics(self, columns: dict[str, np.ndarray], colours: Colours) -> dict[str, Statistics]:
        statistics = {layout.RGB: colours.statistics()}
        for name, moments in self.moments.items():
            shape = layout.statistics_shape(self.features[name])
            statistics[name] = episode_statistics(columns[name], shape)
            moments.add(statistics[name])
        return statistics


def _state(step: RecordedStep) -> tuple[float, ...]:
    pose = step.pose
    return pose.x, pose.y, pose.z, pose.yaw_rad, pose.pitch_rad


def _image(image: np.ndarray, size: tuple[int, int], number: int) -> np.ndarray:
    if image.shape != (*size, 3) or image.dtype != np.uint8:
        raise ArchiveError(
            expected=f"images of {size[1]} x {size[0]} pixels, uint8, throughout an episode",
            came=f"{image.dtype} of shape {image.shape} at step {number}",
            fix="record the episode again",
        )
    return image


@contextmanager
def _made_beside(out: Path) -> Iterator[Path]:
    """A folder beside ``out`` that takes its name when all went well, and is gone when not."""
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise OutputError(
            expected="a folder that is empty or not there yet",
            came=f"{out}, which holds something",
            fix="pass another out, or remove it",
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    except OSError as error:
        raise _unwritable(out, error) from error
    try:
        yield folder
        folder.chmod(0o755)
        os.replace(folder, out)
    except OSError as error:
        raise _unwritable(out, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unwritable(out: Path, error: OSError) -> OutputError:
    return OutputError(
        expected=f"a place to write {out} in",
        came=error.strerror or str(error),
        fix="make room, or pass another out",
    )


def _write(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=4, ensure_ascii=False) + "\n", encoding="utf-8")
