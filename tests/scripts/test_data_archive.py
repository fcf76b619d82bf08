import gzip
import hashlib
import io
import json
import lzma
import tarfile

import pytest
from crooked_server import crooked_server

from placecell.errors import DataError
from placecell.scripts.data.catalogue import Archive, DataSet, Listed
from placecell.scripts.data.download import DownloadError
from placecell.scripts.data.fetching import fetch
from placecell.scripts.data.verification import verdicts

BOXES = {f"{scan}_{i}.json": {"name": scan, "box": [i, 2]} for scan in ("s1", "s2") for i in range(3)}
COMPACT = {name: json.dumps(box, separators=(",", ":")).encode() for name, box in BOXES.items()}
INSIDE = "repo-abc/data/boxes"


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with crooked_server() as running:
        yield running


def group(scan):
    names = sorted(name for name in COMPACT if name.startswith(scan))
    lines = "".join(f"{hashlib.sha256(COMPACT[name]).hexdigest()}  {name}\n" for name in names)
    size = sum(len(COMPACT[name]) for name in names)
    return Listed(f"{scan}_*.json", size, hashlib.sha256(lines.encode()).hexdigest(), len(names))


@pytest.fixture
def boxes(server):
    origin = Archive(
        "https://example.org/boxes",
        server.url("/boxes.tar.gz"),
        frozenset({server.host}),
        "data/boxes",
        None,
        limit_bytes=1 << 20,
        compact_json=True,
    )
    return DataSet("boxes", "boxes", "MIT", origin, "all", (group("s1"), group("s2")))


def member(name, content=b"x", kind=tarfile.REGTYPE, link=""):
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.size = kind, link, len(content) if kind == tarfile.REGTYPE else 0
    return found, content


def packed(*more, boxes=BOXES):
    """The boxes with whitespace, as the origin has them, between files that are not of the set."""
    spread = [member(f"{INSIDE}/{name}", json.dumps(box, indent=2).encode()) for name, box in boxes.items()]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for info, content in (member("repo-abc/README"), *spread, member(f"{INSIDE}/other.json"), *more):
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def call(dataset, folder):
    said = []
    return fetch(dataset, folder, said.append, pause_s=0.0), said


def everything(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_listed_files_come_out_without_their_whitespace(server, boxes, tmp_path):
    server.files["/boxes.tar.gz"] = packed()
    count, said = call(boxes, tmp_path)
    assert count == 6
    assert said[-1] == "s2_*.json  3 files, 75 B"
    assert everything(tmp_path) == [f"boxes/{name}" for name in sorted(COMPACT)]
    assert (tmp_path / "boxes" / "s1_0.json").read_bytes() == COMPACT["s1_0.json"]
    assert [one.state for one in verdicts(boxes, tmp_path)] == ["ok", "ok"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_only_what_is_missing_is_written(server, boxes, tmp_path):
    server.files["/boxes.tar.gz"] = packed()
    call(boxes, tmp_path)
    kept = tmp_path / "boxes" / "s1_0.json"
    (tmp_path / "boxes" / "s2_1.json").unlink()
    before = kept.stat().st_ino, kept.stat().st_mtime_ns
    assert [one.state for one in verdicts(boxes, tmp_path)] == ["ok", "missing"]
    assert call(boxes, tmp_path)[0] == 3
    assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == before
    assert call(boxes, tmp_path) == (0, [])
    assert len(server.asked) == 2


def test_an_archive_that_breaks_off_goes_on(server, boxes, tmp_path):
    server.files["/boxes.tar.gz"] = packed()
    server.plan["/boxes.tar.gz"] = [("break", 100)]
    call(boxes, tmp_path)
    assert server.ranges() == [None, "bytes=100-"]


EVIL = {
    "dots": (member("repo-abc/../../evil.json"), "names that stay inside.*'repo-abc/../../evil.json'"),
    "hidden dots": (member(f"{INSIDE}/s1_/../../../../evil.json"), "names that stay inside"),
    "backslashes": (member("repo-abc\\..\\..\\evil.json"), "names that stay inside"),
    "absolute": (member("/tmp/evil.json"), "names that stay inside.*'/tmp/evil.json'"),
    "link": (member(f"{INSIDE}/s1_9.json", kind=tarfile.SYMTYPE, link="/etc/passwd"), "only, got a link"),
    "hard link": (member(f"{INSIDE}/s1_9.json", kind=tarfile.LNKTYPE, link="../x"), "only, got a link"),
    "device": (member(f"{INSIDE}/s1_9.json", kind=tarfile.CHRTYPE), "only, got a device"),
    "pipe": (member("repo-abc/pipe", kind=tarfile.FIFOTYPE), "only, got a device"),
}


@pytest.mark.parametrize(("evil", "message"), EVIL.values(), ids=EVIL)
def test_an_archive_that_reaches_out_leaves_nothing(server, boxes, tmp_path, evil, message):
    server.files["/boxes.tar.gz"] = packed(evil)
    with pytest.raises(DownloadError, match=message):
        call(boxes, tmp_path / "data")
    assert everything(tmp_path) == []


def test_other_content_than_listed_leaves_nothing(server, boxes, tmp_path):
    server.files["/boxes.tar.gz"] = packed(boxes={**BOXES, "s1_0.json": {"name": "zz", "box": [0, 2]}})
    with pytest.raises(DownloadError, match=r"expected s1_\*.json in the archive as the catalogue lists it"):
        call(boxes, tmp_path)
    assert everything(tmp_path) == []


def test_files_beyond_the_limit_are_refused(server, boxes, tmp_path):
    bomb = member(f"{INSIDE}/s1_9.json", b" " * (2 << 20))
    server.files["/boxes.tar.gz"] = packed(bomb)
    with pytest.raises(DownloadError, match="at most 1048576 bytes of files"):
        call(boxes, tmp_path)
    assert everything(tmp_path) == []


def test_what_unpacks_to_more_than_the_limit_is_refused_before_it_is_unpacked(server, boxes, tmp_path):
    bomb = packed(member("repo-abc/elsewhere.bin", bytes(8 << 20)), member("repo-abc/../evil"))
    assert len(bomb) < 1 << 16
    server.files["/boxes.tar.gz"] = bomb
    with pytest.raises(DownloadError, match="at most 1048576 bytes of files, got 8"):
        call(boxes, tmp_path)
    assert everything(tmp_path) == []


def test_a_pattern_takes_no_file_of_a_folder_below(server, boxes, tmp_path):
    server.files["/boxes.tar.gz"] = packed(member(f"{INSIDE}/s1_more/x.json", b"{}"))
    assert call(boxes, tmp_path)[0] == 6
    assert everything(tmp_path) == [f"boxes/{name}" for name in sorted(COMPACT)]


def test_json_that_is_nested_too_deeply_is_refused(server, boxes, tmp_path):
    server.files["/boxes.tar.gz"] = packed(member(f"{INSIDE}/s1_9.json", b"[" * 100_000))
    with pytest.raises(DownloadError, match=r"an archive with JSON, got '.*s1_9\.json': maximum"):
        call(boxes, tmp_path)
    assert everything(tmp_path) == []


NO_ARCHIVES = {
    "text": b"not a tar",
    "cut": packed()[:-40],
    "empty": b"",
    "another compression": lzma.compress(gzip.decompress(packed())),
    "damaged": packed()[:200] + b"\xff" * 60 + packed()[260:],
}


@pytest.mark.parametrize("content", NO_ARCHIVES.values(), ids=NO_ARCHIVES)
def test_what_is_no_whole_archive_is_refused(server, boxes, tmp_path, content):
    server.files["/boxes.tar.gz"] = content
    with pytest.raises(DownloadError, match="expected an archive with a whole tar archive"):
        call(boxes, tmp_path)
    assert everything(tmp_path) == []


def test_a_changed_file_is_never_overwritten(server, boxes, tmp_path):
    server.files["/boxes.tar.gz"] = packed()
    call(boxes, tmp_path)
    mine = tmp_path / "boxes" / "s1_0.json"
    mine.write_bytes(COMPACT["s1_0.json"].replace(b"s1", b"me"))
    with pytest.raises(DataError, match=r"got s1_\*.json \(SHA-256 .*\); move them away first"):
        call(boxes, tmp_path)
    (tmp_path / "boxes" / "s1_1.json").unlink()
    with pytest.raises(DataError, match=r"expected no other file at .*s1_0.json"):
        call(boxes, tmp_path)
    assert b"me" in mine.read_bytes()
