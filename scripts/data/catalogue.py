"""What public sets there are, where each comes from, under which licence, and what of it is verified."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from placecell.errors import ConfigError

from .checksums import VERIFIED


@dataclass(frozen=True)
class Listed:
    """One file of a set, or many small ones under one pattern.

    Attributes:
        path: below the set's folder, with ``/``; holds a ``*`` where it names ``count`` files.
        bytes: of all of them.
        sha256: of the file; of many, that of their ``sha256sum`` lines in the order of the names.
        count: how many files.
    """

    path: str
    bytes: int
    sha256: str
    count: int = 1

    @property
    def many(self) -> bool:
        """Whether the path is a pattern."""
        return "*" in self.path


@dataclass(frozen=True)
class Files:
    """An origin that serves the files one by one.

    Attributes:
        page: for a reader.
        base: the address of the folder that holds most of them; ends in ``/``.
        elsewhere: local path -> full address, of those that lie in another place there.
        hosts: the only ones that a redirect may lead to.
    """

    page: str
    base: str
    hosts: frozenset[str]
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    def url(self, path: str) -> str:
        """Where a file of the set is."""
        return self.elsewhere.get(path, self.base + path)


@dataclass(frozen=True)
class Archive:
    """An origin that serves one gzipped tar archive.

    Attributes:
        page: for a reader.
        url: of the archive.
        hosts: the only ones that a redirect may lead to.
        folder: inside the archive, below its first folder: where the set's files lie.
        sha256: of the archive; None where nobody has verified one. The files are verified in any case.
        limit_bytes: a larger archive, or one that holds more when unpacked, is refused.
        compact_json: the set holds the archive's JSON files without their whitespace.
    """

    page: str
    url: str
    hosts: frozenset[str]
    folder: str
    sha256: str | None
    limit_bytes: int
    compact_json: bool = False


@dataclass(frozen=True)
class ByHand:
    """An origin that no program may or can fetch from: a form to sign, or nothing published.

    Attributes:
        page: where a person goes.
        how: what to do there, as the end of a sentence.
    """

    page: str
    how: str


@dataclass(frozen=True)
class DataSet:
    """One entry of the catalogue.

    Attributes:
        name: also its folder under ``PLACECELL_DATA``.
        what: in a few words.
        licence: in a few words; the set's own files say it in full.
        origin: where it comes from.
        verified: what the checksums were taken from, and what has not been tried.
        files: of which a checksum is known.
    """

    name: str
    what: str
    licence: str
    origin: Files | Archive | ByHand
    verified: str
    files: tuple[Listed, ...] = ()

    @property
    def bytes(self) -> int:
        """Of all listed files."""
        return sum(file.bytes for file in self.files)

    @property
    def count(self) -> int:
        """How many files are listed."""
        return sum(file.count for file in self.files)


def parse_checksums(text: str) -> dict[str, tuple[Listed, ...]]:
    """The sections of a list as ``checksums.py`` holds it.

    >>> parse_checksums("[a]\\nff 3 x.txt\\nee 9 y_*.json 2")["a"][1]
    Listed(path='y_*.json', bytes=9, sha256='ee', count=2)
    """
    found: dict[str, list[Listed]] = {}
    for line in filter(None, text.splitlines()):
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), [])
            continue
        sha256, size, path, *count = line.split()
        section.append(Listed(path, int(size), sha256, int(count[0]) if count else 1))
    return {name: tuple(files) for name, files in found.items()}


def find_set(name: str) -> DataSet:
    """The entry of that name.

    Raises:
        ConfigError: there is none; the nearest is offered.
    """
    if name not in SETS:
        near = difflib.get_close_matches(name, SETS, 1, 0.5)
        raise ConfigError(
            expected=f"a set: {', '.join(SETS)}",
            came=repr(name),
            fix=f"did you mean {near[0]}?" if near else "see placecell-data list",
        )
    return SETS[name]


def _github(repository: str, ref: str, folder: str, **elsewhere: str) -> Files:
    raw = f"https://raw.githubusercontent.com/{repository}/{ref}/"
    names = {name.replace("__", "."): raw + path for name, path in elsewhere.items()}
    hosts = frozenset({"raw.githubusercontent.com"})
    return Files(f"https://github.com/{repository}", f"{raw}{folder}/", hosts, MappingProxyType(names))


_AS_HELD = "each file, as a PLACECELL_DATA folder held it; its address has not been tried"
_MAP2SEQ = "raphael-sch/map2seq_vln"
_MAP2SEQ_REF = "be8c7517755b7e060304e5abeb51c2368048bcad"
_MATTERPORT = "https://niessner.github.io/Matterport/"
_LISTS = parse_checksums(VERIFIED)


def _streets(name: str, what: str) -> DataSet:
    folder = f"datasets/{name}"
    inner = {file: f"{folder}/graph/{file.replace('__', '.')}" for file in ("nodes__txt", "links__txt")}
    inner |= {"bbox__txt": f"{folder}/graph/bbox.txt", "dev__json": f"{folder}/data/dev.json"}
    origin = _github(_MAP2SEQ, _MAP2SEQ_REF, folder, LICENSE="LICENSE", **inner)
    return DataSet(name, what, "Apache-2.0", origin, _AS_HELD, _LISTS[name])


def _signed(name: str, what: str, page: str, how: str) -> DataSet:
    licence = "academic terms, signed"
    return DataSet(name, what, licence, ByHand(page, how), "nothing: its files are not public")


_ENTRIES = (
    DataSet(
        "r2r",
        "Room-to-Room instructions, train and val_seen",
        "MIT file; derives from Matterport3D (academic terms)",
        _github(
            "YicongHong/Fine-Grained-R2R",
            "7800fd3016637254939dcdf07aca8da837e36869",
            "source/R2R-original",
            **{
                "LICENSE__FGR2R": "LICENSE",
            },
        ),
        _AS_HELD,
        _LISTS["r2r"],
    ),
    DataSet(
        "mp3d_connectivity",
        "Matterport panorama graphs, 90 scans",
        "MIT",
        _github("peteanderson80/Matterport3DSimulator", "master", "connectivity", LICENSE="LICENSE"),
        _AS_HELD,
        _LISTS["mp3d_connectivity"],
    ),
    DataSet(
        "reverie_bbox",
        "REVERIE object boxes, the 61 training scans",
        "none stated: evaluate only",
        Archive(
            "https://github.com/YuankaiQi/REVERIE",
            "https://codeload.github.com/YuankaiQi/REVERIE/tar.gz/46da658210babe05e13bf133f60bae2b4cf7b3db",
            frozenset({"codeload.github.com"}),
            "tasks/REVERIE/data/BBox",
            None,
            limit_bytes=4 << 30,
            compact_json=True,
        ),
        "each scan's files after their whitespace was removed; of the archive no checksum is known, and its "
        "address has not been tried",
        _LISTS["reverie_bbox"],
    ),
    DataSet(
        "touchdown_graph",
        "Manhattan street panoramas, the graph",
        "CC BY 4.0",
        _github(
            "lil-lab/touchdown",
            "77febe093a7e6f5eda97d1ffe5b3b80c8b5e3d17",
            "graph",
            LICENSE__txt="LICENSE.txt",
        ),
        _AS_HELD,
        _LISTS["touchdown_graph"],
    ),
    _streets("map2seq_unseen", "Map2Seq instructions (dev) and their graph"),
    _streets("touchdown_unseen", "Touchdown instructions (dev) and their graph"),
    DataSet(
        "metrics",
        "expected DTW, nDTW, sDTW, CLS of the R4R reference",
        "Apache-2.0",
        ByHand(
            "https://github.com/google-research/google-research/tree/master/r4r",
            "its five cases stand in the doctests there, no file of their own: write them down as JSON",
        ),
        "the file, as a PLACECELL_DATA folder held it",
        _LISTS["metrics"],
    ),
    DataSet(
        "rgbd/3dmatch",
        "5 wide-baseline posed RGB-D frames",
        "Apache-2.0",
        _github(
            "nvidia-isaac/nvblox",
            "c4663f49193ff872dbc4e5fe82f8378ddea8b950",
            "nvblox/tests/data/3dmatch",
            LICENSE="LICENSE",
        ),
        _AS_HELD,
        _LISTS["rgbd/3dmatch"],
    ),
    DataSet(
        "rgbd/tsdf50",
        "50 posed RGB-D frames, 640x480",
        "BSD-2 repository; 7-Scenes data: non-commercial",
        _github(
            "andyzeng/tsdf-fusion",
            "master",
            "data",
            LICENSE="LICENSE",
        ),
        _AS_HELD,
        _LISTS["rgbd/tsdf50"],
    ),
    DataSet(
        "octomap",
        "a reference octree and raw scans",
        "New BSD",
        _github("OctoMap/octomap", "devel", "octomap/share/data"),
        _AS_HELD,
        _LISTS["octomap"],
    ),
    DataSet(
        "meshes",
        "three navigation meshes of Recast",
        "zlib",
        _github(
            "recastnavigation/recastnavigation", "main", "RecastDemo/Bin/Meshes", License__txt="License.txt"
        ),
        _AS_HELD,
        _LISTS["meshes"],
    ),
    DataSet(
        "habitat_golden",
        "what habitat-sim renders and measures on dungeon.obj",
        "scenes CC BY / Apache",
        ByHand(
            "https://github.com/facebookresearch/habitat-sim",
            "it was made by running habitat-sim 0.3.4 on meshes/dungeon.obj and is published nowhere",
        ),
        "the files, as a PLACECELL_DATA folder held them",
        _LISTS["habitat_golden"],
    ),
    _signed(
        "mp3d_scenes",
        "Matterport3D scans: meshes and panoramas",
        _MATTERPORT,
        "sign the terms of use there; its download script comes by mail",
    ),
    _signed(
        "hm3d",
        "Habitat-Matterport 3D scenes",
        "https://matterport.com/habitat-matterport-3d-research-dataset",
        "ask for access there; a token comes by mail",
    ),
    _signed(
        "gibson",
        "Gibson scenes",
        "https://github.com/StanfordVL/GibsonEnv/blob/master/gibson/data/README.md",
        "sign the form there; the links come by mail",
    ),
)

SETS: dict[str, DataSet] = {entry.name: entry for entry in _ENTRIES}
