"""An HTTP server on loopback that serves files, and misbehaves when it is told to."""

import contextlib
import hashlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class CrookedServer:
    """Files by path, and what to do wrong with the next requests for them.

    A plan is a list of misdeeds by path, the first for the first request: ``("break", n)`` ends the
    connection n bytes into the body, ``("redirect", url)``, ``("status", code)``, ``("ignore range",)``,
    ``("shifted range",)``; ``("stall", n)`` falls silent there; ``("no length", n)`` is a break by a server
    that does not say how much there is; ``("ignore if-range",)`` sends the rest of what has changed. An empty
    plan: as HTTP has it, with
    ``Range`` and ``If-Range``.
    """

    files: dict = field(default_factory=dict)
    plan: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    validators: bool = True
    host: str = ""
    ended: threading.Event = field(default_factory=threading.Event)

    def url(self, path, host="127.0.0.1"):
        return f"http://{self.host.replace('127.0.0.1', host)}{path}"

    def ranges(self):
        return [headers.get("Range") for _, headers in self.asked]


_PARTLY = ("break", "stall", "no length")


def _etag(content):
    return f'"{hashlib.sha256(content).hexdigest()[:16]}"'


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        crooked = self.server.crooked
        crooked.asked.append((self.path, dict(self.headers)))
        misdeed, *how = crooked.plan.get(self.path, [("none",)])[0]
        crooked.plan[self.path] = crooked.plan.get(self.path, [("none",)])[1:] or [("none",)]
        if misdeed == "redirect":
            self.send_response(302)
            self.send_header("Location", how[0])
            self.end_headers()
        elif misdeed == "status" or self.path not in crooked.files:
            self.send_error(how[0] if how else 404)
        else:
            self._send(crooked, crooked.files[self.path], misdeed, how)

    def _send(self, crooked, content, misdeed, how):
        if misdeed == "ignore if-range":
            del self.headers["If-Range"]
        start = self._start(content) if misdeed != "ignore range" else 0
        if start and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            said = start + (misdeed == "shifted range")
            self.send_header("Content-Range", f"bytes {said}-{len(content) - 1}/{len(content)}")
        if crooked.validators:
            self.send_header("ETag", _etag(content))
        if misdeed != "no length":
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the client hung up: it has refused what it was told
            self.wfile.write(content[start:][: how[0]] if misdeed in _PARTLY else content[start:])
            if misdeed == "stall":
                crooked.ended.wait(60)

    def _start(self, content):
        asked = self.headers.get("Range")
        if asked is None or self.headers.get("If-Range", _etag(content)) != _etag(content):
            return 0
        return int(asked.removeprefix("bytes=").partition("-")[0])


@contextlib.contextmanager
def crooked_server():
    """A server that runs until the end of the block."""
    crooked = CrookedServer()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        server.crooked = crooked
        crooked.host = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield crooked
        finally:
            crooked.ended.set()
            server.shutdown()
            thread.join()
