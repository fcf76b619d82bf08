"""An archive of an older version as one of the present; it need not be done, since older ones are read."""

from pathlib import Path

from ..archive import VERSION, Archive, open_mapped, opened, save
from .kinds import restored


def migrate(path: Path, out: Path | None = None) -> tuple[int, int]:
    """Writes an archive as one of the present version, and checks on the way that it holds together.

    The memory is restored and packed again, so that what is inside is of the present kind too. One that is of
    the present version is copied, or left alone where it is.

    Args:
        path: of any version.
        out: where to; None replaces the file.

    Returns:
        The version that it was of, and the present one.

    Raises:
        ArchiveError: a file that cannot be read, or of a class that is not placecell's.
        OutputError: ``out`` cannot be written.
    """
    with opened(path) as (_, header, _):
        before = header.version
    stored = open_mapped(path)
    packed = restored(stored).pack()
    target = path if out is None else out
    if before < VERSION or not (target.exists() and target.samefile(path)):
        save(Archive(packed.kind, packed.manifest, packed.arrays, stored.provenance), target)
    return before, VERSION
