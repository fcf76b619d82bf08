import errno
import fcntl
import hashlib
import json
import shutil
from dataclasses import replace

import pytest
from crooked_server import crooked_server

from placecell.errors import OutputError
from placecell.scripts.data import download as data_download
from placecell.scripts.data.download import DownloadError, Wanted, download

CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with crooked_server() as running:
        running.files["/a.bin"] = CONTENT
        yield running


@pytest.fixture
def wanted(server, tmp_path):
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    hosts = frozenset({server.host})
    return Wanted(server.url("/a.bin"), hosts, tmp_path / "a.bin", len(CONTENT), sha256, 1 << 30)


def fetch(wanted, **options):
    return download(wanted, **{"pause_s": 0.0, "timeout_s": 5.0, **options})


def names(wanted):
    return sorted(path.name for path in wanted.path.parent.iterdir())


def test_a_whole_file_comes_and_nothing_else_stays(server, wanted):
    assert fetch(wanted) == 0
    assert wanted.path.read_bytes() == CONTENT
    assert names(wanted) == ["a.bin"]
    assert server.ranges() == [None]


def test_broken_off_in_the_middle_it_goes_on_from_there(server, wanted):
    server.plan["/a.bin"] = [("break", 300_000), ("break", 200_000)]
    fetch(wanted)
    assert wanted.path.read_bytes() == CONTENT
    assert server.ranges() == [None, "bytes=300000-", "bytes=500000-"]
    assert server.asked[1][1]["If-Range"] == f'"{wanted.sha256[:16]}"'


def test_a_server_that_falls_silent_is_asked_again(server, wanted):
    server.plan["/a.bin"] = [("stall", 300_000)]
    fetch(wanted, timeout_s=0.2)
    assert wanted.path.read_bytes() == CONTENT
    assert server.ranges()[1] == "bytes=300000-"


def test_given_up_the_part_stays_and_another_call_goes_on(server, wanted):
    server.plan["/a.bin"] = [("break", 300_000), ("break", 0)]
    message = r"broke off after 300000 of 1024000 bytes \(293.0 KiB kept\); give the same command again"
    with pytest.raises(DownloadError, match=message):
        fetch(wanted, attempts=2)
    assert names(wanted) == ["a.bin.part", "a.bin.part.json"]
    assert fetch(wanted) == 300_000
    assert wanted.path.read_bytes() == CONTENT
    assert server.ranges()[-1] == "bytes=300000-"
    assert names(wanted) == ["a.bin"]


def test_progress_starts_the_count_of_attempts_anew(server, wanted):
    server.plan["/a.bin"] = [("break", 100_000)] * 9
    fetch(wanted, attempts=2)
    assert wanted.path.read_bytes() == CONTENT
    assert len(server.asked) == 10


def test_a_server_that_ignores_range_sends_all_and_that_is_taken(server, wanted):
    server.plan["/a.bin"] = [("break", 300_000), ("ignore range",)]
    fetch(wanted)
    assert wanted.path.read_bytes() == CONTENT
    assert server.ranges() == [None, "bytes=300000-"]


def test_a_file_that_changed_in_between_is_sent_whole_by_if_range(server, wanted):
    server.plan["/a.bin"] = [("break", 300_000)]
    with pytest.raises(DownloadError, match="broke off"):
        fetch(wanted, attempts=1)
    server.files["/a.bin"] = new = CONTENT[::-1]
    fetch(replace(wanted, sha256=hashlib.sha256(new).hexdigest()))
    assert wanted.path.read_bytes() == new


def test_the_rest_of_a_file_that_has_changed_is_not_appended(server, wanted):
    server.plan["/a.bin"] = [("break", 300_000)]
    archive = replace(wanted, bytes=None, sha256=None)
    with pytest.raises(DownloadError, match="broke off"):
        fetch(archive, attempts=1)
    server.files["/a.bin"] = new = CONTENT[::-1]
    server.plan["/a.bin"] = [("ignore if-range",)]
    fetch(archive)
    assert wanted.path.read_bytes() == new
    assert server.ranges() == [None, "bytes=300000-", None]


def test_a_part_that_was_of_other_content_is_fetched_anew(server, wanted):
    wanted.part.write_bytes(b"x" * 1000)
    wanted.note.write_text(json.dumps({"url": wanted.url, "validator": None}))
    assert fetch(wanted) == 0
    assert wanted.path.read_bytes() == CONTENT
    assert server.ranges() == ["bytes=1000-", None]


def test_a_break_that_no_length_tells_of_is_one_too(server, wanted):
    server.plan["/a.bin"] = [("no length", 300_000)]
    fetch(wanted)
    assert wanted.path.read_bytes() == CONTENT
    assert server.ranges() == [None, "bytes=300000-"]


def test_a_disk_that_fills_up_is_told_and_what_came_is_kept(server, wanted, monkeypatch):
    copy = data_download._copy

    def fill(*arguments):
        copy(*arguments)
        raise OSError(errno.ENOSPC, "No space left on device")

    server.plan["/a.bin"] = [("break", 300_000)]
    monkeypatch.setattr(data_download, "_copy", fill)
    why = r"expected room in .*, got No space left on device; make room, .* goes on from what came"
    with pytest.raises(OutputError, match=why):
        fetch(wanted)
    monkeypatch.setattr(data_download, "_copy", copy)
    assert fetch(wanted) == 300_000
    assert wanted.path.read_bytes() == CONTENT


def test_another_range_than_asked_for_is_not_appended(server, wanted):
    server.plan["/a.bin"] = [("break", 300_000), ("shifted range",)]
    fetch(wanted)
    assert wanted.path.read_bytes() == CONTENT
    assert server.ranges() == [None, "bytes=300000-", None]


def test_wrong_bytes_are_refused_and_not_kept(server, wanted):
    server.files["/a.bin"] = CONTENT[:-1] + b"!"
    with pytest.raises(DownloadError, match=rf"expected SHA-256 {wanted.sha256} of .*nothing of it was kept"):
        fetch(wanted)
    assert names(wanted) == []


def test_another_size_is_refused_before_a_byte_is_taken(server, wanted):
    server.files["/a.bin"] = CONTENT + b"!"
    with pytest.raises(DownloadError, match=r"expected 1024000 bytes of .*, got 1024001;"):
        fetch(wanted)
    assert names(wanted) == []


def test_more_than_the_limit_is_refused(server, wanted):
    with pytest.raises(DownloadError, match="expected at most 1000 bytes"):
        fetch(replace(wanted, bytes=None, sha256=None, limit_bytes=1000))
    assert names(wanted) == []


def test_a_redirect_off_the_host_is_refused_and_one_within_is_followed(server, wanted):
    server.files["/b.bin"] = CONTENT
    server.plan["/a.bin"] = [("redirect", server.url("/b.bin", host="localhost"))]
    message = rf"expected a.bin from http://{server.host}, got a redirect to http://localhost:\d+; .*nothing"
    with pytest.raises(DownloadError, match=message):
        fetch(wanted)
    assert [path for path, _ in server.asked] == ["/a.bin"]
    server.plan["/a.bin"] = [("redirect", "/b.bin")]
    fetch(wanted)
    assert wanted.path.read_bytes() == CONTENT


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/a.bin", "file:///a.bin", "https://127.0.0.1/a.bin"])
def test_a_redirect_to_another_protocol_is_refused(server, wanted, url):
    server.plan["/a.bin"] = [("redirect", url)]
    with pytest.raises(DownloadError, match=r"got (a redirect to|HTTP status 302)"):
        fetch(wanted)


def test_what_is_not_there_fails_at_once_and_a_busy_server_is_asked_again(server, wanted):
    server.plan["/a.bin"] = [("status", 404)]
    with pytest.raises(DownloadError, match="got HTTP status 404"):
        fetch(wanted)
    assert len(server.asked) == 1
    assert names(wanted) == []
    server.plan["/a.bin"] = [("status", 503), ("status", 429)]
    fetch(wanted)
    assert wanted.path.read_bytes() == CONTENT


def test_no_server_is_one_line(server, wanted):
    port = server.host.rpartition(":")[2]
    dead = f"127.0.0.1:{1 if port != '1' else 2}"
    with pytest.raises(DownloadError, match=r"got no connection: .*\(0 B kept\)"):
        fetch(replace(wanted, url=f"http://{dead}/a.bin", hosts=frozenset({dead})), attempts=2)


def test_without_validator_and_checksum_a_part_is_not_gone_on_with(server, wanted):
    server.validators = False
    server.plan["/a.bin"] = [("break", 300_000)]
    fetch(replace(wanted, bytes=None, sha256=None))
    assert server.ranges() == [None, None]
    assert wanted.path.read_bytes() == CONTENT


def test_a_part_of_another_address_is_not_gone_on_with(server, wanted):
    wanted.part.write_bytes(b"x" * 1000)
    wanted.note.write_text(json.dumps({"url": "http://elsewhere/a.bin", "validator": None}))
    assert fetch(wanted) == 0
    assert server.ranges() == [None]


def test_a_part_that_was_whole_is_only_verified(server, wanted):
    wanted.part.write_bytes(CONTENT)
    wanted.note.write_text(json.dumps({"url": wanted.url, "validator": f'"{wanted.sha256[:16]}"'}))
    fetch(replace(wanted, bytes=None))
    assert server.ranges() == [f"bytes={len(CONTENT)}-"]
    assert wanted.path.read_bytes() == CONTENT


def test_a_full_disk_is_told_before_a_byte_is_written(server, wanted, monkeypatch):
    usage = shutil.disk_usage(wanted.path.parent)._replace(free=1 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OutputError, match=r"expected 17.0 MiB free in .*, got 1.0 MiB; make room"):
        fetch(wanted)
    assert names(wanted) == []


def test_two_at_once_do_not_spoil_the_part(server, wanted):
    with wanted.part.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(OutputError, match="another process that fetches it"):
            fetch(wanted)


def test_a_folder_that_cannot_be_written_is_one_line(server, wanted, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"expected a folder to write to: .*give yourself write permission"):
        fetch(replace(wanted, path=tmp_path / "file" / "a.bin"))
