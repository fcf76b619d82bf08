"""The published layout of a LeRobot dataset, version 3.0: names, paths, features, ``meta/info.json``.

Read from the format's documentation ("LeRobotDataset v3.0") and from what its loader opens: many episodes
share a file; an episode is a range of rows and a range of seconds, told by ``meta/episodes``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from placecell.errors import ConfigError

VERSION = "v3.0"
INFO, STATS, TASKS = "meta/info.json", "meta/stats.json", "meta/tasks.parquet"
ORIGIN = "meta/placecell.json"
"""Ours, and read by no loader: what the dataset was made of, and which recordings were left out."""
_FILE = "chunk-{chunk_index:03d}/file-{file_index:03d}"
DATA_PATH = f"data/{_FILE}.parquet"
VIDEO_PATH = f"videos/{{video_key}}/{_FILE}.mp4"
EPISODES_PATH = f"meta/episodes/{_FILE}.parquet"

RGB, DEPTH, STATE, ACTION = "observation.images.front", "observation.depth", "observation.state", "action"
REWARD, DONE, SUCCESS = "next.reward", "next.done", "next.success"
STATE_NAMES = ("x_m", "y_m", "z_m", "yaw_rad", "pitch_rad")
REQUIRED = {
    "timestamp": "float32",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}
"""Columns that every dataset has, one number a row, and their types."""
QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
STATISTICS = ("min", "max", "mean", "std", "count", *QUANTILES)

Features = dict[str, dict[str, Any]]
MIB = 1 << 20


@dataclass(frozen=True)
class FileSizes:
    """When a file is full, and when a folder of files is.

    Args:
        data_mb: a Parquet file's size in MiB before the next begins; an episode is never cut in two.
        video_mb: the same of a video file.
        files_a_chunk: how many files a ``chunk-...`` folder holds.

    Raises:
        ConfigError: a size that is not positive.
    """

    data_mb: float | int = 100
    video_mb: float | int = 200
    files_a_chunk: int = 1000

    def __post_init__(self) -> None:
        for name in ("data_mb", "video_mb", "files_a_chunk"):
            if not getattr(self, name) > 0:
                raise ConfigError(
                    expected=f"a positive {name}",
                    came=f"{getattr(self, name)}",
                    fix=f"leave it at {getattr(FileSizes, name)}",
                )


@dataclass(frozen=True)
class FileNumber:
    """Which file of which chunk."""

    chunk: int = 0
    file: int = 0

    def following(self, files_a_chunk: int) -> "FileNumber":
        """The next file: of this chunk, or the first of the next."""
        if self.file + 1 >= files_a_chunk:
            return FileNumber(self.chunk + 1, 0)
        return FileNumber(self.chunk, self.file + 1)

    def path(self, template: str, **names: str) -> str:
        """The file's path below the dataset's folder."""
        return template.format(chunk_index=self.chunk, file_index=self.file, **names)


def features_of(
    size: tuple[int, int], fps: int, *, actions: Sequence[str], depth: bool, success: bool
) -> Features:
    """What a row holds: name to type, shape and names, as ``meta/info.json`` lists it.

    Args:
        size: (height, width) of the images, pixels.
        fps: frames a second of the video.
        actions: what the actions are called, in order; empty where that is not known.
        depth: whether rows hold depth.
        success: whether rows hold success.
    """
    height, width = size
    video = {
        "video.height": height,
        "video.width": width,
        "video.codec": "h264",
        "video.pix_fmt": "yuv420p",
        "video.is_depth_map": False,
        "video.fps": fps,
        "video.channels": 3,
        "has_audio": False,
    }
    features: Features = {
        RGB: _feature("video", (height, width, 3), ["height", "width", "channels"], video),
        STATE: _feature("float32", (len(STATE_NAMES),), list(STATE_NAMES)),
        ACTION: _feature("int64", (1,), ["action"], {"actions": list(actions)} if actions else None),
        REWARD: _feature("float32", (1,), None),
        DONE: _feature("bool", (1,), None),
    }
    if success:
        features[SUCCESS] = _feature("bool", (1,), None)
    if depth:
        features[DEPTH] = _feature("float32", size, ["height", "width"], {"unit": "metres, planar"})
    return features | {name: _feature(dtype, (1,), None) for name, dtype in REQUIRED.items()}


def info_of(
    features: Mapping[str, dict[str, Any]],
    fps: int,
    sizes: FileSizes,
    *,
    episodes: int,
    frames: int,
    tasks: int,
) -> dict[str, Any]:
    """``meta/info.json``."""
    return {
        "codebase_version": VERSION,
        "robot_type": "placecell",
        "total_episodes": episodes,
        "total_frames": frames,
        "total_tasks": tasks,
        "chunks_size": sizes.files_a_chunk,
        "data_files_size_in_mb": sizes.data_mb,
        "video_files_size_in_mb": sizes.video_mb,
        "fps": fps,
        "splits": {"train": f"0:{episodes}"},
        "data_path": DATA_PATH,
        "video_path": VIDEO_PATH,
        "features": dict(features),
    }


def video_keys(features: Mapping[str, dict[str, Any]]) -> list[str]:
    """The features that lie in videos; the others are columns."""
    return [name for name, feature in features.items() if feature["dtype"] == "video"]


def statistics_shape(feature: Mapping[str, Any]) -> tuple[int, ...]:
    """The shape of a feature's statistics: one number a channel, a component, or (images in rows) in all."""
    if feature["dtype"] == "video":
        return (3, 1, 1)
    return tuple(feature["shape"]) if len(feature["shape"]) == 1 else (1,) * len(feature["shape"])


def _feature(
    dtype: str, shape: tuple[int, ...], names: list[str] | None, info: dict[str, Any] | None = None
) -> dict[str, Any]:
    feature: dict[str, Any] = {"dtype": dtype, "shape": list(shape), "names": names}
    return feature if info is None else feature | {"info": info}
