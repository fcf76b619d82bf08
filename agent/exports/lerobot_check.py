"""A LeRobot v3.0 dataset, opened the way its own loader opens it, and held against the published layout.

Written from the documentation and from the order in which the loader reads: ``meta/info.json``, tasks by
their index, episodes sorted by ``episode_index``, rows by their place in all files, and a frame of video by
its episode's ``from_timestamp`` plus the row's time, which a frame has to match to 0.1 ms.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped

from placecell.arrays import Rgb
from placecell.errors import ArchiveError, OutputError

from . import lerobot_layout as layout
from .lerobot_tables import column_type, episodes_schema, pyarrow, values_of
from .lerobot_video import decode, frame_times, require_times

TOLERANCE_S = 1e-4
"""How far a frame of video may be from the time that it is asked by: the loader's own default."""


@dataclass
class LeRobotFolder:
    """An opened dataset.

    Args:
        root: its folder.
        info: ``meta/info.json``.
        tasks: the words of each ``task_index``.
        episodes: the rows of ``meta/episodes`` without statistics, by ``episode_index``.
    """

    root: Path
    info: dict[str, Any]
    tasks: list[str]
    episodes: list[dict[str, Any]]
    _times: dict[Path, Float[np.ndarray, " n"]] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def read(cls, root: Path) -> "LeRobotFolder":
        """Reads what a loader reads first.

        Raises:
            ArchiveError: no dataset of this version.
            MissingPartError: pyarrow is not installed.
        """
        root = Path(root)
        try:
            info = json.loads((root / layout.INFO).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise _not(
                f"a LeRobot dataset at {root}", f"no {layout.INFO} that can be read ({error})"
            ) from error
        if info.get("codebase_version") != layout.VERSION:
            raise _not(f"codebase_version {layout.VERSION}", f"{info.get('codebase_version')}")
        table = _table(root / layout.TASKS)
        order = np.argsort(table.column("task_index").to_numpy())
        words = table.column("task").to_pylist()
        files = sorted((root / "meta" / "episodes").glob("*/*.parquet"))
        episodes = [row for path in files for row in _table(path, but="stats/").to_pylist()]
        episodes.sort(key=lambda row: row["episode_index"])
        return cls(root, info, [words[i] for i in order], episodes)

    @property
    def fps(self) -> int:
        """Frames a second."""
        return int(self.info["fps"])

    def rows(self, episode: int) -> dict[str, Shaped[np.ndarray, "n *d"]]:
        """The columns of one episode, cut out of its file by the ranges that ``meta/episodes`` gives."""
        told = self.episodes[episode]
        inside = [("index", ">=", told["dataset_from_index"]), ("index", "<", told["dataset_to_index"])]
        table = _table(self._data_path(told), rows=inside)
        return {
            name: values_of(table.column(name).combine_chunks(), feature)
            for name, feature in self.info["features"].items()
            if feature["dtype"] != "video"
        }

    def image(self, episode: int, seconds: float, key: str = layout.RGB) -> Rgb:
        """The frame of an episode at a time from its start, decoded from the file that it shares.

        Raises:
            ArchiveError: no frame within 0.1 ms of that time.
        """
        told = self.episodes[episode]
        path = self._video_path(told, key)
        if path not in self._times:
            self._times[path] = frame_times(path)
        asked = told[f"videos/{key}/from_timestamp"] + seconds
        nearest = int(np.abs(self._times[path] - asked).argmin())
        if abs(self._times[path][nearest] - asked) >= TOLERANCE_S:
            raise _not(
                f"a frame at {asked:g} s in {path.name}", f"the nearest at {self._times[path][nearest]:g} s"
            )
        height, width = self.info["features"][key]["shape"][:2]
        return decode(path, nearest, 1, (height, width))[0]

    def window(
        self, episode: int, frame: int, key: str, deltas_s: Sequence[float | int]
    ) -> tuple[Shaped[np.ndarray, "n *d"], Bool[np.ndarray, " n"]]:
        """A column at times around a frame, as ``delta_timestamps`` asks: held at the episode's ends.

        Returns:
            The values, and which of them stand in for a time outside the episode.
        """
        told = self.episodes[episode]
        asked = told["dataset_from_index"] + frame + np.array([round(d * self.fps) for d in deltas_s], int)
        first, last = told["dataset_from_index"], told["dataset_to_index"] - 1
        values = self.rows(episode)[key][asked.clip(first, last) - first]
        return values, (asked < first) | (asked > last)

    def check(self) -> None:
        """Raises :class:`ArchiveError` unless everything is as the layout says and holds together."""
        self._check_info()
        self._check_tables()
        self._check_statistics()
        self._check_episodes()
        for episode in range(len(self.episodes)):
            self._check_rows(episode)
        for key in layout.video_keys(self.info["features"]):
            self._check_video(key)

    def _check_info(self) -> None:
        features = self.info["features"]
        for name, dtype in layout.REQUIRED.items():
            feature = features.get(name, {})
            _same(f"the feature {name}", (feature.get("dtype"), feature.get("shape")), (dtype, [1]))
        for name, feature in features.items():
            if "/" in name or not {"dtype", "shape", "names"} <= set(feature):
                raise _not("features with dtype, shape, names, and no / in their name", name)
        _same("data_path", self.info.get("data_path"), layout.DATA_PATH)
        _same("video_path", self.info.get("video_path"), layout.VIDEO_PATH)
        for name in ("fps", "chunks_size", "data_files_size_in_mb", "video_files_size_in_mb"):
            if not self.info.get(name, 0) > 0:
                raise _not(f"a positive {name}", f"{self.info.get(name)}")
        lengths = [row["length"] for row in self.episodes]
        _same("total_episodes", self.info["total_episodes"], len(self.episodes))
        _same("total_frames", self.info["total_frames"], sum(lengths))
        _same("total_tasks", self.info["total_tasks"], len(self.tasks))
        _same("splits", self.info["splits"], {"train": f"0:{len(self.episodes)}"})

    def _check_tables(self) -> None:
        features = self.info["features"]
        columns = [(n, column_type(f)) for n, f in features.items() if f["dtype"] != "video"]
        self._check_schemas("data", pyarrow().schema(columns))
        self._check_schemas("meta/episodes", episodes_schema(features))
        tasks = pyarrow().parquet.read_schema(self.root / layout.TASKS)
        told = json.loads((tasks.metadata or {}).get(b"pandas", b"{}"))
        _same("the index of tasks.parquet", told.get("index_columns"), ["task"])

    def _check_schemas(self, folder: str, schema: Any) -> None:
        for path in sorted((self.root / folder).glob("*/*.parquet")):
            found = pyarrow().parquet.read_schema(path)
            for name, kind in zip(schema.names, schema.types):
                come = found.field(name).type if name in found.names else "no such column"
                if come != kind:
                    raise _not(f"{name} of type {kind} in {path.relative_to(self.root)}", f"{come}")

    def _check_statistics(self) -> None:
        statistics = json.loads((self.root / layout.STATS).read_text(encoding="utf-8"))
        for name, feature in self.info["features"].items():
            values = {what: np.array(value) for what, value in statistics.get(name, {}).items()}
            _same(f"the statistics of {name}", sorted(values), sorted(layout.STATISTICS))
            shapes = {what: (1,) if what == "count" else layout.statistics_shape(feature) for what in values}
            _same(f"their shapes, of {name}", {what: v.shape for what, v in values.items()}, shapes)
            order = [values[what] for what in ("min", *layout.QUANTILES, "max")]
            if not all(bool((a <= b + 1e-6).all()) for a, b in pairwise(order)):
                raise _not(
                    f"min, quantiles and max of {name} in rising order", f"{[v.tolist() for v in order]}"
                )
            _same(f"the count of {name}", int(values["count"][0]), self.info["total_frames"])

    def _check_episodes(self) -> None:
        begin = 0
        for number, row in enumerate(self.episodes):
            _same("episode_index", row["episode_index"], number)
            _same(f"dataset_from_index of episode {number}", row["dataset_from_index"], begin)
            begin += row["length"]
            _same(f"dataset_to_index of episode {number}", row["dataset_to_index"], begin)
            if not self._data_path(row).is_file():
                raise _not(f"the rows of episode {number}", f"no file {self._data_path(row)}")

    def _check_rows(self, episode: int) -> None:
        row, columns = self.episodes[episode], self.rows(episode)
        count, name = row["length"], f"of episode {episode}"
        _same(f"rows {name}", len(columns["index"]), count)
        wanted = {
            "index": np.arange(row["dataset_from_index"], row["dataset_to_index"]),
            "frame_index": np.arange(count),
            "episode_index": np.full(count, episode),
            "timestamp": np.arange(count) / self.fps,
        }
        for column, values in wanted.items():
            if not np.allclose(columns[column], values, rtol=1e-6, atol=1e-6):
                raise _not(f"{column} {name} to run {values[:3]} ...", f"{columns[column][:3]} ...")
        tasks = columns["task_index"]
        if tasks.min() < 0 or tasks.max() >= len(self.tasks):
            raise _not(
                f"task_index {name} from 0 to {len(self.tasks) - 1}", f"{tasks.min()} to {tasks.max()}"
            )
        _same(f"tasks {name}", row["tasks"], [self.tasks[task] for task in np.unique(tasks)])

    def _check_video(self, key: str) -> None:
        where = f"videos/{key}/"
        for path, episodes in self._by_video(key):
            if not path.is_file():
                raise _not(f"the video of {key}", f"no file {path}")
            begin = 0
            for row in episodes:
                name = f"of episode {row['episode_index']} in {path.name}"
                _same(f"from_timestamp {name}", round(row[f"{where}from_timestamp"] * self.fps, 3), begin)
                begin += row["length"]
                _same(f"to_timestamp {name}", round(row[f"{where}to_timestamp"] * self.fps, 3), begin)
            try:
                require_times(path, begin, self.fps, TOLERANCE_S)
            except OutputError as error:
                raise _not(error.expected, error.came) from error
            height, width = self.info["features"][key]["shape"][:2]
            decode(path, begin - 1, 1, (height, width))

    def _by_video(self, key: str) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
        for path, rows in groupby(self.episodes, lambda row: self._video_path(row, key)):
            yield path, list(rows)

    def _data_path(self, row: dict[str, Any]) -> Path:
        number = layout.FileNumber(row["data/chunk_index"], row["data/file_index"])
        return self.root / number.path(self.info["data_path"])

    def _video_path(self, row: dict[str, Any], key: str) -> Path:
        number = layout.FileNumber(row[f"videos/{key}/chunk_index"], row[f"videos/{key}/file_index"])
        return self.root / number.path(self.info["video_path"], video_key=key)


def check_layout(folder: Path) -> LeRobotFolder:
    """Opens a LeRobot v3.0 dataset and checks every file of it against the published layout.

    Raises:
        ArchiveError: what is not as it should be, in one line.
        MissingPartError: pyarrow is not installed.
    """
    dataset = LeRobotFolder.read(folder)
    dataset.check()
    return dataset


def _table(path: Path, but: str | None = None, rows: list[tuple[str, str, int]] | None = None) -> Any:
    """A Parquet file, without the columns that begin with ``but``; of it the ``rows`` that a filter takes."""
    parquet = pyarrow().parquet
    try:
        names = parquet.read_schema(path).names
        columns = [name for name in names if but is None or not name.startswith(but)]
        return parquet.read_table(path, columns=columns, filters=rows)
    except (OSError, pyarrow().ArrowInvalid) as error:
        raise _not(f"a Parquet file at {path}", str(error)) from error


def _same(what: str, came: object, expected: object) -> None:
    if came != expected:
        raise _not(f"{what} to be {expected}", f"{came}")


def _not(expected: str, came: str) -> ArchiveError:
    return ArchiveError(expected=expected, came=came, fix="export the recordings again")
