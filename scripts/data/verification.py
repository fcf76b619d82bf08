"""Whether the files of a set are there, and are what was verified."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .catalogue import DataSet, Listed

State = Literal["ok", "changed", "missing"]
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Verdict:
    """What was found of one listed file, or of one pattern.

    Attributes:
        listed: which.
        state: ``ok``, ``changed`` (other bytes, or not readable) or ``missing``.
        note: in what it differs; empty where it does not.
    """

    listed: Listed
    state: State
    note: str = ""


def verdicts(dataset: DataSet, data: Path, *, sizes_only: bool = False) -> Iterator[Verdict]:
    """Looks at every listed file below ``data / dataset.name``; files of other names are left alone.

    Args:
        dataset: which set.
        data: the folder that ``PLACECELL_DATA`` names.
        sizes_only: numbers and sizes, and no hash: quick, and blind to a changed byte.
    """
    for listed in dataset.files:
        try:
            yield verdict(listed, data / dataset.name, sizes_only=sizes_only)
        except OSError as error:
            yield Verdict(listed, "changed", f"not readable: {error.strerror or error}")


def verdict(listed: Listed, folder: Path, *, sizes_only: bool = False) -> Verdict:
    """What is found of one listed file or pattern below a set's folder.

    Raises:
        OSError: it cannot be read.
    """
    paths = sorted(folder.glob(listed.path)) if listed.many else [folder / listed.path]
    paths = [path for path in paths if path.is_file()]
    if len(paths) < listed.count:
        came = f"{len(paths)} of {listed.count} files" if listed.many else ""
        return Verdict(listed, "missing", came)
    if len(paths) > listed.count:
        return Verdict(listed, "changed", f"{len(paths)} files, expected {listed.count}")
    size = sum(path.stat().st_size for path in paths)
    if size != listed.bytes:
        return Verdict(listed, "changed", f"{size} bytes, expected {listed.bytes}")
    if sizes_only:
        return Verdict(listed, "ok")
    came = sha256_of_many(paths) if listed.many else sha256_of(paths[0])
    if came != listed.sha256:
        return Verdict(listed, "changed", f"SHA-256 {came[:16]}..., expected {listed.sha256[:16]}...")
    return Verdict(listed, "ok")


def sha256_of(path: Path) -> str:
    """The hash of a file's content, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def sha256_of_many(paths: Sequence[Path]) -> str:
    """The hash of the lines that ``sha256sum`` prints for files in the order of their names."""
    lines = (f"{sha256_of(path)}  {path.name}\n" for path in sorted(paths, key=lambda path: path.name))
    return hashlib.sha256("".join(lines).encode()).hexdigest()
