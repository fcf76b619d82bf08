"""Where an export goes: one file for an episode, a folder of them for several, whole or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from placecell.errors import ConfigError, MissingPartError, OutputError


def targets(recordings: Path | Sequence[Path], out: Path, suffix: str) -> list[tuple[Path, Path]]:
    """Each episode's folder with the file that it is exported to.

    Args:
        recordings: an episode's folder, or several.
        out: a file's name with ``suffix``, for one episode; else a folder, in which every episode gets a file
            of its folder's name.
        suffix: of the format, ``.rrd``.

    Raises:
        ConfigError: no episode, several for one file, or two folders of one name.
    """
    folders = [recordings] if isinstance(recordings, Path) else list(recordings)
    names = {folder.name for folder in folders}
    to_file = out.suffix == suffix
    if not folders or len(names) < len(folders) or (to_file and len(folders) > 1):
        raise ConfigError(
            expected=f"one recorded episode for a {suffix} file, or several of different names for a folder",
            came=f"{len(folders)} episodes, {len(names)} names, for {out}",
            fix="name one episode, or an out without a suffix, and export one run at a time",
        )
    if to_file:
        return [(folders[0], out)]
    return [(folder, out / f"{folder.name}{suffix}") for folder in folders]


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file beside ``path`` to write into, which takes its place when all went well and is gone if not.

    The folder of ``path`` is made. An ``OSError`` of whoever writes is taken for the disk's.

    Raises:
        OutputError: ``path`` cannot be written; what was there before is still there.
    """
    beside: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
        os.close(handle)
        beside = Path(name)
        yield beside
        _to_disk(beside)
        beside.chmod(0o644)
        beside.replace(path)
    except OSError as error:
        raise OutputError(
            expected=f"room and the right to write {path}",
            came=error.strerror or str(error),
            fix="make room, or choose another out",
        ) from error
    finally:
        if beside is not None:
            beside.unlink(missing_ok=True)


def missing_part(package: str, extra: str) -> MissingPartError:
    """What to raise where an export's package cannot be imported."""
    return MissingPartError(
        expected=f"the package {package}, which exports to {extra} need",
        came="none installed",
        fix=f"pip install 'placecell[{extra}]'",
    )


def _to_disk(path: Path) -> None:
    """What the kernel holds back reaches the disk, or raises, before the file takes its place."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
