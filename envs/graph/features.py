"""Precomputed image features: one array a panorama, from an HDF5 file, an ``npz`` or the field's TSV.

An array is ``(36, d)``, a row a view, or ``(d,)``, of any width ``d``. Its key is ``{scan}_{viewpoint}``, or
a street panorama's id alone. The TSV is Matterport3DSimulator's (Anderson et al. 2018), without a header:
``scanId, viewpointId, image_w, image_h, vfov, features``, the last base64 of 36 rows of float32.
"""

import base64
import binascii
import hashlib
import os
import zipfile
import zlib
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from jaxtyping import Float32

from placecell.errors import ConfigError, DataError, EpisodeError, MissingPartError

VIEWS = 36
TSV_COLUMNS = ("scanId", "viewpointId", "image_w", "image_h", "vfov", "features")
PanoramaFeatures = Float32[np.ndarray, "*views d"]
_File = TypeVar("_File")
_BLOCKS, _BLOCK_BYTES = 64, 1 << 16
_WRONG = (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


class FeatureSource(ABC, Generic[_File]):
    """A file of features, opened by each process that first asks it, also after a pickle or a fork.

    Args:
        path: of the file.
        width: that the arrays must have; None takes that of the file's first.

    Raises:
        DataError: the file is missing, damaged or empty, or its first array is of the wrong width or form.
    """

    def __init__(self, path: Path, width: int | None) -> None:
        if not path.is_file():
            raise DataError(
                expected="a file of panorama features", came=f"no file {path}", fix="name one that exists"
            )
        self._path = path
        self._open: tuple[int, _File] | None = None
        self._expected: tuple[int, ...] = ()
        key = self._guarded(self._first)
        shape = self._require(self._guarded(lambda file: self._read(file, key)), key).shape
        if width is not None and shape[-1] != width:
            raise DataError(
                expected=f"features of width {width} in {path}",
                came=f"width {shape[-1]}",
                fix=f"set env.features_width={shape[-1]} or null, or name another file",
            )
        self._expected = shape

    def __getstate__(self) -> dict[str, Any]:
        """Without the open file, which belongs to this process."""
        return {**self.__dict__, "_open": None}

    @property
    def shape(self) -> tuple[int, ...]:
        """Of every array: ``(36, d)`` or ``(d,)``."""
        return self._expected

    @property
    def width(self) -> int:
        """Numbers a view: ``d``."""
        return self._expected[-1]

    @property
    def views(self) -> int:
        """Rows of an array; 0 where a panorama has one vector."""
        return self._expected[0] if len(self._expected) == 2 else 0

    def sampled_hash(self) -> str:
        """SHA-256 of the file's size and of 64 blocks spread over it, for such files may hold gigabytes."""
        size = self._path.stat().st_size
        digest = hashlib.sha256(str(size).encode())
        with self._path.open("rb") as file:
            for n in range(_BLOCKS):
                file.seek(max(0, size - _BLOCK_BYTES) * n // (_BLOCKS - 1))
                digest.update(file.read(_BLOCK_BYTES))
        return digest.hexdigest()

    def of(self, scan: str | None, viewpoint: str) -> PanoramaFeatures:
        """The features of a panorama: a fresh float32 array of :attr:`shape`.

        Args:
            scan: its scan; None on streets.
            viewpoint: its name.

        Raises:
            EpisodeError: the file has none for it.
            DataError: what it has is damaged, of another shape, no floating point, or not finite.
        """
        key = viewpoint if scan is None else f"{scan}_{viewpoint}"
        array = self._guarded(lambda file: self._read(file, key))
        if array is None:
            raise EpisodeError(
                expected=f"features of panorama {key} in {self._path}",
                came="a file without them",
                fix="compute them, or leave out the episodes that pass it",
            )
        return self._require(array, key)

    @abstractmethod
    def _opened(self) -> _File:
        """The file, opened."""

    @abstractmethod
    def _first(self, file: _File) -> str:
        """The key of an array that is there; StopIteration where there is none."""

    @abstractmethod
    def _read(self, file: _File, key: str) -> np.ndarray | None:
        """The array of a key as it is stored; None where there is none."""

    def _guarded(self, ask: Any) -> Any:
        """What ``ask`` says of this process's own open file; what a damaged file raises becomes one line."""
        try:
            if self._open is None or self._open[0] != os.getpid():
                self._open = os.getpid(), self._opened()
            return ask(self._open[1])
        except StopIteration:
            raise self._damaged("an empty one") from None
        except _WRONG as error:
            raise self._damaged(f"{type(error).__name__}: {error}") from None

    def _require(self, array: np.ndarray, key: str) -> PanoramaFeatures:
        if array.dtype.kind != "f":
            raise self._damaged(f"{array.dtype} numbers at {key}, no floating point")
        if array.ndim not in (1, 2) or not array.size or (array.ndim == 2 and len(array) != VIEWS):
            raise self._damaged(f"shape {array.shape} at {key}, neither ({VIEWS}, d) nor (d,)")
        if self._expected and array.shape != self._expected:
            raise self._damaged(f"shape {array.shape} at {key}, not {self._expected} as at the first")
        numbers = array.astype(np.float32)
        if not np.isfinite(numbers).all():
            raise self._damaged(f"numbers at {key} that are not finite")
        return numbers

    def _damaged(self, came: str) -> DataError:
        return DataError(
            expected=f"panorama features in {self._path}", came=came, fix="make or fetch the file anew"
        )


class HDF5Features(FeatureSource[Any]):
    """A dataset a panorama; its name is the key."""

    def _opened(self) -> Any:
        try:
            import h5py
        except ImportError:
            raise MissingPartError(
                expected="the package h5py, which reads features from HDF5 files",
                came="none installed",
                fix="pip install 'placecell[features]'",
            ) from None
        return h5py.File(self._path, "r")

    def _first(self, file: Any) -> str:
        return next(iter(file))

    def _read(self, file: Any, key: str) -> np.ndarray | None:
        return np.asarray(file[key][()]) if key in file else None


class NpzFeatures(FeatureSource[np.lib.npyio.NpzFile]):
    """A member a panorama; its name is the key."""

    def _opened(self) -> np.lib.npyio.NpzFile:
        # NumPy leaves a file open when it turns out to be no archive.
        if not zipfile.is_zipfile(self._path):
            raise ValueError("no npz archive, or a part of one")
        return np.load(self._path, allow_pickle=False)

    def _first(self, file: np.lib.npyio.NpzFile) -> str:
        return next(iter(file.files))

    def _read(self, file: np.lib.npyio.NpzFile, key: str) -> np.ndarray | None:
        return file[key] if key in file.files else None


class TSVFeatures(FeatureSource[dict[str, tuple[int, int]]]):
    """A line a panorama. Opening reads the file through to learn where lines begin, and keeps no more."""

    def _opened(self) -> dict[str, tuple[int, int]]:
        index: dict[str, tuple[int, int]] = {}
        begin = 0
        with self._path.open("rb") as file:
            for number, line in enumerate(file, 1):
                columns = line.count(b"\t") + 1
                if columns != len(TSV_COLUMNS):
                    raise self._damaged(f"{columns} columns in line {number}, not {', '.join(TSV_COLUMNS)}")
                scan, viewpoint, _ = line.split(b"\t", 2)
                index[f"{scan.decode()}_{viewpoint.decode()}"] = begin, number
                begin += len(line)
        return index

    def _first(self, file: dict[str, tuple[int, int]]) -> str:
        return next(iter(file))

    def _read(self, file: dict[str, tuple[int, int]], key: str) -> np.ndarray | None:
        if key not in file:
            return None
        begin, number = file[key]
        with self._path.open("rb") as lines:
            lines.seek(begin)
            text = lines.readline().rpartition(b"\t")[2].strip()
        try:
            content = base64.b64decode(text, validate=True)
        except binascii.Error:
            raise self._damaged(f"features in line {number} that are no base64") from None
        views, left = divmod(len(content), 4 * VIEWS)
        if left or not views:
            raise self._damaged(f"{len(content)} bytes in line {number}, not {VIEWS} rows of float32")
        return np.frombuffer(content, "<f4").reshape(VIEWS, -1)


_KINDS: dict[str, type[FeatureSource[Any]]] = {
    ".hdf5": HDF5Features,
    ".h5": HDF5Features,
    ".npz": NpzFeatures,
    ".tsv": TSVFeatures,
}


def open_features(path: Path | str, width: int | None = None) -> FeatureSource[Any]:
    """The features of a file, by its name's ending.

    Args:
        path: ``.hdf5`` or ``.h5``, ``.npz``, ``.tsv``.
        width: numbers a view that the arrays must have; None takes that of the file's first.

    Raises:
        ConfigError: another ending.
        MissingPartError: an HDF5 file, and no h5py.
        DataError: the file is missing, damaged or empty, or its first array is of the wrong width or form.
    """
    path = Path(path)
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise ConfigError(
            expected=f"a file of features that ends with {', '.join(_KINDS)}",
            came=path.name,
            fix="name such a file",
        )
    return kind(path, width)
