"""Axis names, seeded generators, content hashes and atomic writes.

Axis vocabulary, used in every annotation: ``b`` batch, ``n`` items, ``h w`` pixels, ``gh gw`` patches,
``d`` channels.
"""

import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

Point = Float[np.ndarray, "3"]
Points = Float[np.ndarray, "n 3"]
Transform = Float[np.ndarray, "4 4"]
Depth = Float[np.ndarray, "h w"]
Rgb = UInt8[np.ndarray, "h w 3"]
Ids = Int[np.ndarray, "h w"]
Faces = Int[np.ndarray, "m 3"]
PatchFeatures = Float[np.ndarray, "gh gw d"]
Embedding = Float[np.ndarray, " _"]


def generator(seed: int, *stream: object) -> np.random.Generator:
    """A generator for one named purpose: the same seed and names give the same numbers on any machine.

    >>> a, b = generator(5, "episode", 3), generator(5, "episode", 3)
    >>> bool(a.integers(1 << 40) == b.integers(1 << 40))
    True
    """
    words = np.frombuffer(hashlib.sha256(repr(stream).encode()).digest(), dtype="<u4")
    return np.random.default_rng(np.random.SeedSequence([int(seed), *words.tolist()]))


def content_hash(*parts: object) -> str:
    """SHA-256 (hex) over arrays (dtype, shape, bytes), bytes and anything with a faithful ``repr``."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype.str}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).data)
        elif isinstance(part, bytes):
            digest.update(part)
        else:
            digest.update(repr(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def atomic_write(path: Path, content: bytes | str) -> None:
    """Writes ``content`` so that ``path`` is ever the old file or the new one, never a part of it."""
    data = content.encode() if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
