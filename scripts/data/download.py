"""One file over HTTP: resumed where it broke off, verified, and at its place only when it is whole.

What has come so far lies beside the target as ``NAME.part``, with the server's validator in
``NAME.part.json``: the next request asks for the rest by ``Range`` and ``If-Range`` (RFC 9110, 13.1.5 and
14.2), so that a server whose file has changed sends it whole. The standard library does this; of the usual
helpers ``pooch`` starts anew after a break, and ``requests`` is no dependency of ours.
"""

import contextlib
import errno
import fcntl
import http.client
import json
import os
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from placecell.errors import DataError, OutputError

from .options import in_words
from .verification import sha256_of

_BLOCK = 1 << 18
_SPARE_BYTES = 16 << 20  # a disk filled to the last byte stops more than this download
_TRY_LATER = {408, 425, 429, 500, 502, 503, 504}


class DownloadError(DataError):
    """The origin did not give what was expected of it."""


class _BrokenOffError(Exception):
    """The transfer ended before the file did: what came is kept, and another request may go on."""


@dataclass(frozen=True)
class Wanted:
    """What to fetch, and by what it is recognised.

    Attributes:
        url: where it is.
        hosts: ``host`` or ``host:port`` of every server that may be asked.
        path: where it goes; the folder exists.
        bytes: its size, where it is known.
        sha256: its hash, where it is known.
        limit_bytes: more than that is never taken.
    """

    url: str
    hosts: frozenset[str]
    path: Path
    bytes: int | None
    sha256: str | None
    limit_bytes: int

    @property
    def part(self) -> Path:
        """What has come so far."""
        return self.path.with_name(f"{self.path.name}.part")

    @property
    def note(self) -> Path:
        """From where it came, and the server's validator of it."""
        return self.path.with_name(f"{self.path.name}.part.json")


def download(wanted: Wanted, *, attempts: int = 5, pause_s: float = 1.0, timeout_s: float = 30.0) -> int:
    """Fetches a file, verifies it and moves it to its place.

    Args:
        wanted: what.
        attempts: requests in a row that bring nothing new before it gives up.
        pause_s: before the second of them; doubled before each further one.
        timeout_s: without a byte.

    Returns:
        How many bytes an earlier call had left behind and were not fetched again.

    Raises:
        DownloadError: other bytes, another size, a redirect to another host, a refusal, or no end in sight.
        OutputError: the folder cannot be written, the disk is too full, or another process fetches it.
    """
    _require_host(wanted, wanted.url)
    with _alone(wanted):
        resumed = _kept(wanted)
        _fetch(wanted, attempts, pause_s, timeout_s)
        if resumed and wanted.sha256 not in (None, sha256_of(wanted.part)):
            # What an earlier call left may have been of another content: that says nothing of the origin.
            _empty(wanted)
            resumed = 0
            _fetch(wanted, attempts, pause_s, timeout_s)
        _finish(wanted)
    return resumed


def _fetch(wanted: Wanted, attempts: int, pause_s: float, timeout_s: float) -> None:
    """Requests until the part is whole."""
    kept, failures = _kept(wanted), 0
    while True:
        try:
            return _request(wanted, timeout_s)
        except _BrokenOffError as error:
            now = _kept(wanted)
            failures = 1 if now > kept else failures + 1
            kept = now
            if failures >= attempts:
                raise _gave_up(wanted, now, error) from error
            time.sleep(pause_s * 2 ** (failures - 1))


@contextlib.contextmanager
def _alone(wanted: Wanted) -> Iterator[None]:
    """Two that append to one part would spoil it: the second is told."""
    try:
        with wanted.part.open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise OutputError(
                    expected=f"to be alone at {wanted.path.name}",
                    came="another process that fetches it",
                    fix="wait for it",
                ) from error
            try:
                yield
            finally:
                if wanted.part.exists() and not wanted.part.stat().st_size:
                    wanted.part.unlink()
    except OSError as error:
        raise not_writable(wanted.path.parent, error) from error


def _kept(wanted: Wanted) -> int:
    """Bytes of the part that a request may go on from; a part of unknown origin is emptied."""
    size = wanted.part.stat().st_size
    if size and (_state(wanted).get("url") != wanted.url or not (wanted.sha256 or _validator(wanted))):
        _empty(wanted)
        return 0
    return size


def _state(wanted: Wanted) -> dict[str, object]:
    try:
        found = json.loads(wanted.note.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _validator(wanted: Wanted) -> str | None:
    found = _state(wanted).get("validator")
    return found if isinstance(found, str) else None


def _empty(wanted: Wanted) -> None:
    os.truncate(wanted.part, 0)
    wanted.note.unlink(missing_ok=True)


def _request(wanted: Wanted, timeout_s: float) -> None:
    """One request, from where the part ends; returns when the part is whole by all that was said."""
    kept = _kept(wanted)
    if wanted.bytes is not None and kept >= wanted.bytes:
        return
    headers = {"User-Agent": "placecell-data", "Accept-Encoding": "identity"}
    if kept:
        headers["Range"] = f"bytes={kept}-"
        if validator := _validator(wanted):
            headers["If-Range"] = validator
    try:
        request = urllib.request.Request(wanted.url, headers=headers)
        opener = urllib.request.build_opener(_SameHosts(wanted))
        with opener.open(request, timeout=timeout_s) as answer:
            _receive(wanted, answer, kept)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and error.headers.get("Content-Range") == f"bytes */{kept}":
            return
        raise _refused(wanted, error.code) from error
    except urllib.error.URLError as error:
        raise _BrokenOffError(f"no connection: {error.reason}") from error
    except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
        raise _broken_off(error) from error


def _receive(wanted: Wanted, answer: http.client.HTTPResponse, kept: int) -> None:
    total = _announced(wanted, answer, kept)
    if answer.status != 206:
        kept = 0
    _require_size(wanted, total)
    require_room(wanted.path.parent, (total or wanted.bytes or 0) - kept)
    if not kept:
        _empty(wanted)
    wanted.note.write_text(json.dumps({"url": wanted.url, "validator": _strong_validator(answer)}))
    with wanted.part.open("ab") as file:
        _copy(wanted, answer, file, kept)
    came, whole = wanted.part.stat().st_size, total if total is not None else wanted.bytes
    if whole is not None and came < whole:
        raise _BrokenOffError(f"the connection broke off after {came} of {whole} bytes")


def _copy(wanted: Wanted, answer: http.client.HTTPResponse, file: IO[bytes], kept: int) -> None:
    limit = wanted.limit_bytes if wanted.bytes is None else min(wanted.limit_bytes, wanted.bytes)
    while block := _block(answer):
        kept += len(block)
        if kept > limit:
            _empty(wanted)
            raise _wrong(wanted, f"at most {limit} bytes", "more")
        file.write(block)


def _block(answer: http.client.HTTPResponse) -> bytes:
    """What has come; only here is an ``OSError`` (TLS, reset, timeout) one of the network, not the disk."""
    try:
        return answer.read1(_BLOCK)
    except (OSError, http.client.HTTPException) as error:
        raise _broken_off(error) from error


def _broken_off(error: Exception) -> _BrokenOffError:
    return _BrokenOffError(f"the connection broke off: {error or type(error).__name__}")


def _announced(wanted: Wanted, answer: http.client.HTTPResponse, kept: int) -> int | None:
    """The size of the whole file, by the answer's headers; None where they do not say it."""
    if answer.status == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        if match is None or int(match[1]) != kept:
            _empty(wanted)
            raise _BrokenOffError(f"the server sent another range than asked for, from byte {kept}")
        was, now = _validator(wanted), _strong_validator(answer)
        if kept and was and now and was != now:  # it knows Range and not If-Range (RFC 9110, 15.3.7.3)
            _empty(wanted)
            raise _BrokenOffError("the file has changed on the server since its first part came")
        return None if match[2] == "*" else int(match[2])
    if answer.status != 200:
        raise _wrong(wanted, "HTTP status 200 or 206", str(answer.status))
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def _strong_validator(answer: http.client.HTTPResponse) -> str | None:
    etag = answer.headers.get("ETag")
    if etag and not etag.startswith("W/"):
        return str(etag)
    # a weak tag must not stand in If-Range; a date may, where no strong tag is
    return answer.headers.get("Last-Modified")


def _refused(wanted: Wanted, status: int) -> Exception:
    if status == 416:
        _empty(wanted)
        return _BrokenOffError("the server has no bytes after those that were kept")
    if status in _TRY_LATER:
        return _BrokenOffError(f"HTTP status {status}")
    return DownloadError(
        expected=f"the file {wanted.url}",
        came=f"HTTP status {status}",
        fix="the origin refuses it or has moved: see its page (placecell-data list NAME), fetch it by hand",
    )


class _SameHosts(urllib.request.HTTPRedirectHandler):
    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        _require_host(self._wanted, newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _require_host(wanted: Wanted, url: str) -> None:
    came, asked = urlsplit(url), urlsplit(wanted.url)
    if came.netloc not in wanted.hosts or came.scheme != asked.scheme:
        raise DownloadError(
            expected=f"{wanted.path.name} from {asked.scheme}://{' or '.join(sorted(wanted.hosts))}",
            came=f"a redirect to {came.scheme}://{came.netloc}",
            fix="the origin has moved or something is in between: nothing was taken from there",
        )


def _require_size(wanted: Wanted, total: int | None) -> None:
    if total is None:
        return
    if wanted.bytes is not None and total != wanted.bytes:
        _empty(wanted)
        raise _wrong(wanted, f"{wanted.bytes} bytes", f"{total}")
    if total > wanted.limit_bytes:
        _empty(wanted)
        raise _wrong(wanted, f"at most {wanted.limit_bytes} bytes", f"{total}")


def require_room(folder: Path, needed: int) -> None:
    """Checks the disk before it is written to.

    Raises:
        OutputError: it has less free.
    """
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE_BYTES:
        raise OutputError(
            expected=f"{in_words(needed + _SPARE_BYTES)} free in {folder}",
            came=in_words(free),
            fix="make room, or name another folder with --data",
        )


def _finish(wanted: Wanted) -> None:
    came = sha256_of(wanted.part)
    if wanted.sha256 is not None and came != wanted.sha256:
        wanted.part.unlink()
        wanted.note.unlink(missing_ok=True)
        raise _wrong(wanted, f"SHA-256 {wanted.sha256}", came)
    with wanted.part.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(wanted.part, wanted.path)
    wanted.note.unlink(missing_ok=True)


def _gave_up(wanted: Wanted, kept: int, error: _BrokenOffError) -> DownloadError:
    return DownloadError(
        expected=f"the whole of {wanted.url}",
        came=f"{error} ({in_words(kept)} kept)",
        fix="give the same command again: it goes on from there",
    )


def _wrong(wanted: Wanted, expected: str, came: str) -> DownloadError:
    return DownloadError(
        expected=f"{expected} of {wanted.url}",
        came=came,
        fix="the origin has changed: nothing of it was kept; fetch it by hand if you trust it",
    )


def not_writable(folder: Path, error: OSError) -> OutputError:
    """A folder that refuses what is to be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutputError(
            expected=f"room in {folder}",
            came=error.strerror or str(error),
            fix="make room, or name another folder with --data; the same command goes on from what came",
        )
    return OutputError(
        expected=f"a folder to write to: {folder}",
        came=error.strerror or str(error),
        fix="give yourself write permission, or name another folder with --data",
    )
