"""What an observation is known by: equal hashes, equal observations, bit for bit."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from placecell.errors import EnvironmentUseError

from .arrays import narrow

ALGORITHM = "sha256"
"""Of the usual ones the fastest where the processor knows it, as most do; it is named in every header."""

_KINDS = "biufcSU"


def observation_hash(observation: Mapping[str, object]) -> str:
    """SHA-256 (hex) over an observation's arrays: their names, types, shapes and content.

    One after the other, by rising name: the name in UTF-8, a zero byte, NumPy's type string (``<f4``), a zero
    byte, the lengths of the axes as decimals with commas between, a zero byte, and the elements in C order,
    after :func:`~placecell.agent.recording.arrays.narrow`. Text (``str``, as Gymnasium's ``Text`` gives it)
    counts as the array of no axes that ``numpy.array`` makes of it.

    Raises:
        EnvironmentUseError: something in it is no array of numbers or text.
    """
    return hash_of({name: Kept.of(name, array) for name, array in observation.items()})


@dataclass(frozen=True)
class Kept:
    """An array as it is hashed and stored: in C order, small whole numbers in few bytes.

    ``dtype``: NumPy's string for the type that it came in.
    """

    array: np.ndarray
    dtype: str

    @classmethod
    def of(cls, name: str, value: object) -> "Kept":
        """The array of one name; of text (``str``) the array that ``numpy.array`` makes of it.

        Raises:
            EnvironmentUseError: it is none, or one that can't be kept without pickle.
        """
        if isinstance(value, str):
            value = np.array(str(value))
        if not isinstance(value, np.ndarray) or value.dtype.kind not in _KINDS:
            kind = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
            raise EnvironmentUseError(
                expected="an observation of NumPy arrays of numbers or text",
                came=f"{name!r}, {kind}",
                fix="return numpy.array(...) of it, or set record=off",
            )
        return cls(narrow(np.asarray(value, order="C")), value.dtype.str)


def hash_of(observation: Mapping[str, Kept]) -> str:
    """What :func:`observation_hash` says of the arrays before they were narrowed."""
    digest = hashlib.sha256()
    for name in sorted(observation):
        array = observation[name].array
        shape = ",".join(map(str, array.shape))
        digest.update(f"{name}\0{observation[name].dtype}\0{shape}\0".encode())
        digest.update(array.tobytes() if array.dtype.kind == "U" else array.data)
    return digest.hexdigest()
