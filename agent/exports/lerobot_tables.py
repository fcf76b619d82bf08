"""The Parquet files of a LeRobot dataset: rows of steps, rows of episodes, tasks. Written with pyarrow."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from placecell.errors import MissingPartError

from .lerobot_layout import (
    DATA_PATH,
    EPISODES_PATH,
    MIB,
    STATISTICS,
    TASKS,
    Features,
    FileNumber,
    FileSizes,
    statistics_shape,
    video_keys,
)

EPISODES_AT_ONCE = 64
ORIGINS = ("episode_id", "scene_id", "arm")
"""What of a recording's header goes with its episode, as columns ``placecell/...`` that no loader minds."""


def pyarrow() -> Any:
    """The pyarrow package with its Parquet part.

    Raises:
        MissingPartError: not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingPartError(
            expected="pyarrow, which LeRobot datasets are written and read with",
            came="an environment without it",
            fix="pip install 'placecell[lerobot]'",
        ) from None
    return pyarrow


class TableFiles:
    """Parquet files of one schema that follow one another as they fill."""

    def __init__(self, root: Path, template: str, schema: Any, sizes: FileSizes) -> None:
        self._root, self._template, self._schema, self._sizes = root, template, schema, sizes
        self._number = FileNumber()
        self._writer: Any = None
        self._rows = 0

    def place(self, rows: int) -> FileNumber:
        """The file that the next ``rows`` rows go to: another one if they'd likely overfill this."""
        if self._writer is not None:
            size = self._file.tell()
            if size + size / self._rows * rows >= self._sizes.data_mb * MIB:
                self.close()
                self._number = self._number.following(self._sizes.files_a_chunk)
        return self._number

    def write(self, table: Any) -> None:
        """Appends rows to the file that :meth:`place` named, as one row group."""
        if self._writer is None:
            path = self._root / self._number.path(self._template)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("wb")
            self._writer = pyarrow().parquet.ParquetWriter(self._file, self._schema, compression="snappy")
        self._writer.write_table(table, row_group_size=max(len(table), 1))
        self._rows += len(table)

    def close(self) -> None:
        """Ends the file under way."""
        if self._writer is not None:
            self._writer.close()
            self._file.close()
            self._writer, self._rows = None, 0

    def abandon(self) -> None:
        """Lets go of the file under way, whose folder is about to be removed: what fails now is no news."""
        with contextlib.suppress(OSError):
            self.close()


class Rows:
    """``data/``: a row a step, an episode a row group."""

    def __init__(self, root: Path, features: Features, sizes: FileSizes) -> None:
        self._features = {name: feature for name, feature in features.items() if feature["dtype"] != "video"}
        pa = pyarrow()
        self._schema = pa.schema([(name, column_type(feature)) for name, feature in self._features.items()])
        self._root = root
        self._files = TableFiles(root, DATA_PATH, self._schema, sizes)

    def write(self, columns: Mapping[str, Shaped[np.ndarray, "n *d"]]) -> dict[str, int]:
        """One episode; where it lies, as columns of ``meta/episodes``."""
        index = columns["index"]
        number = self._files.place(len(index))
        arrays = [column_array(columns[name], feature) for name, feature in self._features.items()]
        self._files.write(pyarrow().Table.from_arrays(arrays, schema=self._schema))
        return {
            "data/chunk_index": number.chunk,
            "data/file_index": number.file,
            "dataset_from_index": int(index[0]),
            "dataset_to_index": int(index[-1]) + 1,
        }

    def close(self) -> None:
        """Ends the file under way."""
        self._files.close()

    def abandon(self) -> None:
        """Lets go of it."""
        self._files.abandon()

    def batches(self, name: str) -> Iterator[np.ndarray]:
        """One column of all rows, an episode at a time, (n, *shape)."""
        for path in sorted((self._root / "data").glob("*/*.parquet")):
            with pyarrow().parquet.ParquetFile(path) as file:
                for group in range(file.num_row_groups):
                    column = file.read_row_group(group, columns=[name]).column(name).combine_chunks()
                    yield values_of(column, self._features[name])


class EpisodeRows:
    """``meta/episodes/``: a row an episode, gathered and written some at a time."""

    def __init__(self, root: Path, features: Features, sizes: FileSizes) -> None:
        self._schema = episodes_schema(features)
        self._files = TableFiles(root, EPISODES_PATH, self._schema, sizes)
        self._waiting: list[dict[str, Any]] = []

    def add(self, row: Mapping[str, Any], statistics: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        """One episode: its row, and the statistics of each of its features."""
        told = {
            f"stats/{name}/{what}": value.tolist()
            for name, values in statistics.items()
            for what, value in values.items()
        }
        self._waiting.append({**row, **told})
        if len(self._waiting) >= EPISODES_AT_ONCE:
            self._flush()

    def close(self) -> None:
        """Writes what waits, and ends the file."""
        if self._waiting:
            self._flush()
        self._files.close()

    def abandon(self) -> None:
        """Forgets what waits, and lets go of the file."""
        self._waiting = []
        self._files.abandon()

    def _flush(self) -> None:
        number = self._files.place(len(self._waiting))
        at = {"meta/episodes/chunk_index": number.chunk, "meta/episodes/file_index": number.file}
        rows = [row | at for row in self._waiting]
        self._files.write(pyarrow().Table.from_pylist(rows, schema=self._schema))
        self._waiting = []


def write_tasks(root: Path, tasks: Sequence[str]) -> None:
    """``meta/tasks.parquet``: ``task_index``, and the task's words as the index that pandas finds."""
    pa = pyarrow()
    number = {"name": "task_index", "field_name": "task_index", "pandas_type": "int64", "numpy_type": "int64"}
    words = {"name": "task", "field_name": "task", "pandas_type": "unicode", "numpy_type": "object"}
    nameless = {"name": None, "field_name": None, "pandas_type": "unicode", "numpy_type": "object"}
    pandas = {
        "index_columns": ["task"],
        "column_indexes": [nameless | {"metadata": {"encoding": "UTF-8"}}],
        "columns": [number | {"metadata": None}, words | {"metadata": None}],
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.2.0",
    }
    schema = pa.schema([("task_index", pa.int64()), ("task", pa.string())], {"pandas": json.dumps(pandas)})
    arrays = [pa.array(range(len(tasks)), pa.int64()), pa.array(list(tasks), pa.string())]
    pa.parquet.write_table(pa.Table.from_arrays(arrays, schema=schema), root / TASKS)


def column_type(feature: Mapping[str, Any]) -> Any:
    """The Arrow type of a feature's column: a number, a list of fixed length, or rows of lists."""
    pa = pyarrow()
    value = {"float32": pa.float32(), "int64": pa.int64(), "bool": pa.bool_()}[feature["dtype"]]
    shape = feature["shape"]
    if list(shape) == [1]:
        return value
    return pa.list_(value, shape[0]) if len(shape) == 1 else pa.list_(pa.list_(value))


def column_array(values: Shaped[np.ndarray, "n *d"], feature: Mapping[str, Any]) -> Any:
    """An episode's values of a feature as an Arrow array of :func:`column_type`."""
    pa = pyarrow()
    flat = pa.array(np.ascontiguousarray(values.astype(feature["dtype"])).ravel())
    shape = feature["shape"]
    if list(shape) == [1]:
        return flat
    if len(shape) == 1:
        return pa.FixedSizeListArray.from_arrays(flat, shape[0])
    rows = np.arange(0, flat.__len__() + 1, shape[1], dtype=np.int32)
    images = np.arange(0, len(rows), shape[0], dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(images), pa.ListArray.from_arrays(pa.array(rows), flat))


def values_of(column: Any, feature: Mapping[str, Any]) -> Shaped[np.ndarray, "n *d"]:
    """The inverse of :func:`column_array`."""
    count, shape = len(column), tuple(feature["shape"])
    while not pyarrow().types.is_primitive(column.type):
        column = column.flatten()
    values = column.to_numpy(zero_copy_only=False)
    return values if shape == (1,) else values.reshape(count, *shape)


def episodes_schema(features: Features) -> Any:
    """The columns of ``meta/episodes``."""
    pa = pyarrow()
    whole, real = pa.int64(), pa.float64()
    columns = [("episode_index", whole), ("tasks", pa.list_(pa.string())), ("length", whole)]
    columns += [(f"data/{name}", whole) for name in ("chunk_index", "file_index")]
    columns += [("dataset_from_index", whole), ("dataset_to_index", whole)]
    for key in video_keys(features):
        columns += [(f"videos/{key}/{name}", whole) for name in ("chunk_index", "file_index")]
        columns += [(f"videos/{key}/{name}", real) for name in ("from_timestamp", "to_timestamp")]
    columns += [(f"placecell/{name}", pa.string()) for name in ORIGINS]
    for name, feature in features.items():
        nested = real
        for _ in statistics_shape(feature):
            nested = pa.list_(nested)
        columns += [
            (f"stats/{name}/{what}", pa.list_(whole) if what == "count" else nested) for what in STATISTICS
        ]
    columns += [(f"meta/episodes/{name}", whole) for name in ("chunk_index", "file_index")]
    return pa.schema(columns)
