"""Arrays as one ``.npz``: a zip of ``.npy`` files, lossless, without pickle, equal bytes for equal arrays."""

import functools
import io
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np

_DEFLATE_FROM = 256  # bytes; below, the entry's own header outweighs what is saved
_LEVEL = 1  # of deflate: a third of level 6's time for a tenth more bytes
_NARROW_FROM = 256
_EPOCH = (1980, 1, 1, 0, 0, 0)
_FILE = 0o100644 << 16

DAMAGES = (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile, zlib.error, NotImplementedError)
"""What reading a damaged file raises."""


def pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The file's bytes; ``numpy.load(allow_pickle=False)`` reads them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            entry.external_attr = _FILE
            entry.compress_type = (
                zipfile.ZIP_DEFLATED if array.nbytes >= _DEFLATE_FROM else zipfile.ZIP_STORED
            )
            content = _npy_header(array.dtype.str, array.shape) + array.tobytes()
            archive.writestr(entry, content, compresslevel=_LEVEL)
    return buffer.getvalue()


def unpack(content: bytes) -> dict[str, np.ndarray]:
    """What :func:`pack` made a file of.

    Raises:
        one of ``DAMAGES``: the bytes are no such file.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def narrow(array: np.ndarray) -> np.ndarray:
    """Whole numbers, none negative, in the smallest of one, two or four unsigned bytes that holds them all.

    Ids mostly fit into a byte and are given in four: less to hash and to compress is less time. Arrays of
    fewer than 256 bytes, and all others, stay what they are.
    """
    if array.dtype.kind not in "iu" or array.dtype.itemsize == 1 or array.nbytes < _NARROW_FROM:
        return array
    # As unsigned numbers negative ones are larger than what any smaller type holds.
    most = int(array.view(array.dtype.str.replace("i", "u")).max())
    for kind, limit in (("|u1", 1 << 8), ("<u2", 1 << 16), ("<u4", 1 << 32)):
        if most < limit and np.dtype(kind).itemsize < array.dtype.itemsize:
            return array.astype(kind)
    return array


def widen(arrays: Mapping[str, np.ndarray], were: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Arrays that were narrowed, in the types ``were`` that they had."""
    return {name: array.astype(were[name]) if name in were else array for name, array in arrays.items()}


@functools.lru_cache(maxsize=256)
def _npy_header(dtype: str, shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue()
