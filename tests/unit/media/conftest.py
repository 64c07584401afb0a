"""What the tests of media share: the corpus, and a server that answers Range requests."""

import hashlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def corpus(request: pytest.FixtureRequest) -> Path:
    """Give the folder of the corpus, made anew only when its scripts have changed."""
    scripts = sorted((ROOT / "tests" / "corpus").glob("*.py"))
    recipe = hashlib.sha256(b"".join(script.read_bytes() for script in scripts))
    folder = request.config.cache.mkdir(f"corpus-{recipe.hexdigest()[:12]}") / "files"
    if not folder.exists():
        half_done = folder.with_name(f"half-done-{os.getpid()}")
        half_done.mkdir()
        command = [sys.executable, "-m", "tests.corpus.make", str(half_done)]
        subprocess.run(command, check=True, cwd=ROOT, stderr=subprocess.DEVNULL)
        half_done.rename(folder)
    return folder


@dataclass
class Server:
    """A web server on loopback, which counts what is asked of it."""

    root: Path
    """Where its files lie."""
    url: str = ""
    """Where it answers."""
    has_ranges: bool = True
    """False makes it ignore the Range header."""
    states_length: bool = True
    """False makes it leave out Content-Length and close the connection instead."""
    asked: list[tuple[int, int]] = field(default_factory=list)
    """First byte and number of bytes of each answer."""

    @property
    def sent_bytes(self) -> int:
        return sum(length for _, length in self.asked)


class Handler(BaseHTTPRequestHandler):
    """Answers GET, of parts of files too."""

    protocol_version = "HTTP/1.1"
    site: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith(("/to/", "/round")):
            self._redirect(path.removeprefix("/to/"))
        elif not (file := self.site.root / path.lstrip("/")).is_file():
            self.send_error(404)
        else:
            self._send(file.read_bytes())

    def _redirect(self, target: str) -> None:
        self.send_response(302)
        self.send_header("Location", target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, data: bytes) -> None:
        asked = re.match(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        start, stop = 0, len(data)
        if asked and self.site.has_ranges:
            start, stop = int(asked[1]), min(int(asked[2]) + 1, len(data))
            self.send_response(206 if start < len(data) else 416)
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(data)}")
        else:
            self.send_response(200)
        self._send_body(data[start:stop])
        self.site.asked.append((start, max(0, stop - start)))

    def _send_body(self, data: bytes) -> None:
        if self.site.states_length:
            self.send_header("Content-Length", str(len(data)))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        try:
            self.wfile.write(data)
        except OSError:
            self.close_connection = True  # the other side has read enough


@pytest.fixture
def server(corpus: Path) -> Iterator[Server]:
    """Serve the corpus; ``/to/…`` redirects to what follows, ``/round`` to itself."""
    site = Server(corpus)
    handler = type("HandlerOfThisSite", (Handler,), {"site": site})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        site.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield site
        running.shutdown()
        thread.join()
