"""Downloads by the service: redirects, sizes, patience, and being broken off."""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dashscope_aa.emulator._answers import Refused
from dashscope_aa.emulator._fetch import Fetcher


class Site(BaseHTTPRequestHandler):
    """Serves ``/bytes/<size>``, ``/to/<anywhere>``, ``/round``, ``/short`` and ``/hang``."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        _, what, *rest = self.path.split("/", 2)
        if what == "bytes":
            self.answer(200, bytes(int(rest[0])))
        elif what == "to":
            self.answer(302, location=rest[0])
        elif what == "round":
            self.answer(301, location="/round")
        elif what == "short":
            self.answer(200, b"short", length=100)
        elif what == "hang":
            self.answer(200, b"", length=100, close=False)
            time.sleep(5)
        else:
            self.answer(404)

    def answer(
        self,
        status: int,
        content: bytes = b"",
        *,
        location: str | None = None,
        length: int | None = None,
        close: bool = True,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        if location is not None:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = close

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def fetch(tmp_path: Path) -> Callable[..., int]:
    """Fetch a URL; give the size of what came."""
    fetcher = Fetcher()

    def size_of(url: str, *, timeout_s: float = 5.0, max_bytes: int = 10_000_000) -> int:
        target = tmp_path / "target"
        fetcher.fetch(url, target, timeout_s=timeout_s, max_bytes=max_bytes)
        return target.stat().st_size

    return size_of


@pytest.mark.parametrize(
    ("path", "size"),
    [
        pytest.param("/bytes/0", 0, id="nothing"),
        pytest.param("/bytes/1000000", 1_000_000, id="a megabyte"),
        pytest.param("/to//bytes/10", 10, id="redirected"),
        pytest.param("/to//to//bytes/10", 10, id="redirected twice"),
        pytest.param("/bytes/7?名=前", None, id="signs outside ASCII"),
    ],
)
def test_downloads(site: str, fetch: Callable[..., int], path: str, size: int | None) -> None:
    if size is None:
        with pytest.raises(Refused, match="refused"):  # the site cannot read it, but it arrives
            fetch(site + path)
    else:
        assert fetch(site + path) == size


def test_a_download_is_cut_off_past_its_bound(site: str, fetch: Callable[..., int]) -> None:
    assert 500_000 < fetch(f"{site}/bytes/5000000", max_bytes=500_000) < 1_000_000


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("{}/nothing", id="not found"),
        pytest.param("{}/round", id="redirected for ever"),
        pytest.param("{}/to/file:///etc/passwd", id="redirected to a local file"),
        pytest.param("{}/to/", id="redirected to nowhere"),
        pytest.param("{}/short", id="ends too early"),
        pytest.param("http://127.0.0.1:9/", id="nobody listens"),
        pytest.param("http://127.0.0.1:99999/", id="no such port"),
        pytest.param("file:///etc/passwd", id="another scheme"),
        pytest.param("https://127.0.0.1:9/", id="nobody listens for TLS"),
    ],
)
def test_downloads_that_are_refused(site: str, fetch: Callable[..., int], url: str) -> None:
    with pytest.raises(Refused) as refused:
        fetch(url.format(site))
    assert refused.value.answer.code == "InvalidURL.ConnectionRefused"


def test_a_download_has_its_time(site: str, fetch: Callable[..., int]) -> None:
    with pytest.raises(Refused) as refused:
        fetch(f"{site}/hang", timeout_s=0.05)
    assert refused.value.answer.code == "InvalidURL.Timeout"


def test_a_download_can_be_broken_off(site: str, tmp_path: Path) -> None:
    fetcher = Fetcher()
    failed = threading.Event()

    def download() -> None:
        try:
            fetcher.fetch(f"{site}/hang", tmp_path / "a", timeout_s=30, max_bytes=1000)
        except Refused:
            failed.set()

    thread = threading.Thread(target=download)
    thread.start()
    while not (tmp_path / "a").exists():
        time.sleep(0.005)
    fetcher.stop()
    thread.join()
    assert failed.is_set()
    with pytest.raises(Refused):
        fetcher.fetch(f"{site}/bytes/1", tmp_path / "b", timeout_s=30, max_bytes=1000)
