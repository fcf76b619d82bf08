"""What an archive says of itself: version, class, frame convention, embedding model, provenance, manifest.

Version 2 is the present one. Version 1 names no embedding model and no provenance. Version 0 is that of a
bare octree, before there were other memories: it names no class either, and is a SpatialMemory's.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from placecell.errors import ArchiveError

from .layout import LayoutError, parse

FORMAT = "placecell-memory"
VERSION = 2
CONVENTION = "world frame right-handed, x east, y north, z up, metres; voxel = floor(point / voxel size)"
"""Another wording is another frame: it changes only together with the version."""
ENCODER = "encoder"
"""The manifest's name for the identity of the embedding model."""
_LONGEST_KIND = 200


@dataclass(frozen=True)
class Header:
    """The header of an archive.

    Attributes:
        version: of the file as it lies there.
        kind: the class that wrote it.
        manifest: settings and counters.
        provenance: where it comes from, by the words of who saved it.
        convention: of the world frame.
        embedding_model: the identity of the encoder whose vectors it holds; empty for none of a name.
    """

    version: int
    kind: str
    manifest: Mapping[str, object]
    provenance: Mapping[str, object] = field(default_factory=dict)
    convention: str = CONVENTION
    embedding_model: str = ""


def metadata_of(
    kind: str, manifest: Mapping[str, object], provenance: Mapping[str, object]
) -> dict[str, str]:
    """The metadata of a file of the present version; equal memories have equal ones."""
    header = {
        "version": VERSION,
        "kind": kind,
        "convention": CONVENTION,
        "embedding_model": manifest.get(ENCODER, ""),
        "provenance": dict(provenance),
        "manifest": dict(manifest),
    }
    return {FORMAT: json.dumps(header, sort_keys=True)}


def read_header(metadata: Mapping[str, str]) -> Header | None:
    """The header in a file's metadata; None where there is none.

    Raises:
        LayoutError: it makes no sense.
        ArchiveError: it is of a version, or of a frame, that is not known here.
    """
    if FORMAT not in metadata:
        return None
    told = parse(metadata[FORMAT])
    if not isinstance(told, dict) or not isinstance(told.get("manifest"), dict):
        raise ArchiveError(expected="an archive with a manifest", came="none", fix="save the memory again")
    version = told.get("version")
    if type(version) is not int or not 0 <= version <= VERSION:
        raise ArchiveError(
            expected=f"an archive of version {VERSION} or older",
            came=f"version {version!r}"[:48],
            fix="load it with the placecell that wrote it, or update placecell",
        )
    return _checked(_upgraded(told))


def _upgraded(told: dict[str, object]) -> dict[str, object]:
    """The same in the names of the present version; ``version`` stays what it was."""
    if told["version"] == 0:
        told = {"kind": "SpatialMemory", "convention": CONVENTION, **told}
    if told["version"] in (0, 1):
        told = {**told, "embedding_model": "", "provenance": {}}
    return told


def _checked(told: dict[str, object]) -> Header:
    wanted = {"kind": str, "convention": str, "embedding_model": str, "provenance": dict}
    for name, kind in wanted.items():
        if not isinstance(told.get(name), kind):
            raise LayoutError(f"a header whose {name} is {str(told.get(name))[:80]!r}")
    header = Header(**{name: told[name] for name in (*wanted, "version", "manifest")})  # type: ignore[arg-type]
    if not header.kind.isidentifier() or len(header.kind) > _LONGEST_KIND:
        raise LayoutError(f"a header whose kind is {header.kind[:80]!r}")
    if header.convention != CONVENTION:
        raise ArchiveError(
            expected=f"an archive in the {CONVENTION}",
            came=f"{header.convention[:200]!r}",
            fix="load it with the placecell that wrote it",
        )
    named = header.manifest.get(ENCODER, "")
    if header.version == VERSION and named != header.embedding_model:
        raise ArchiveError(
            expected=f"an archive of one embedding model, {header.embedding_model[:80]!r} by its header",
            came=f"{str(named)[:80]!r} by its manifest",
            fix="save the memory again",
        )
    return header
