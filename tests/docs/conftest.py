"""What the programs of the documentation find around them: files, the service, a bucket."""

import hashlib
import hmac
import sys
import threading
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import av
import pytest
from PIL import Image

from dashscope_aa import Schedule
from dashscope_aa.emulator import Emulator

EXAMPLES = Path(__file__).parents[2] / "examples"
SCHEMAS = Path(__file__).parents[2] / "docs" / "reference" / "schema"


# ── files ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every file the pages name: three that are fine, two that are not, and a schema."""
    folder = tmp_path_factory.mktemp("shelf")
    (folder / "portrait.jpg").symlink_to(EXAMPLES / "portrait.jpg")
    with Image.open(EXAMPLES / "portrait.jpg") as portrait:
        portrait.resize((1500, 300)).save(folder / "banner.png")
        portrait.save(folder / "portrait.png")
    (folder / "WanAnimateRequest.json").symlink_to(SCHEMAS / "WanAnimateRequest.json")
    _film(folder / "dance.mp4", fps=30)
    _film(folder / "walk.mkv", fps=15)
    return folder


def _film(target: Path, *, fps: int) -> None:
    """Film the first 3 s of the example again, smaller; with the sound if it is an mp4."""
    with av.open(str(EXAMPLES / "dance.mp4")) as clip, av.open(str(target), "w") as film:
        seen = film.add_stream("libx264", fps, options={"preset": "ultrafast"})
        seen.width, seen.height, seen.pix_fmt = 270, 480, "yuv420p"
        sound = clip.streams.audio[0]
        heard = film.add_stream_from_template(sound) if target.suffix == ".mp4" else None
        for number, frame in enumerate(islice(clip.decode(video=0), 0, 90, 30 // fps)):
            small = frame.reformat(270, 480, "yuv420p")
            small.pts, small.time_base = number, Fraction(1, fps)
            film.mux(seen.encode(small))
        film.mux(seen.encode(None))
        if heard is not None:
            clip.seek(0)
            for packet in clip.demux(sound):
                if packet.pts is None or packet.pts * packet.time_base >= 3:
                    break
                packet.stream = heard
                film.mux(packet)


@pytest.fixture
def folder(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own working directory with the files of the shelf."""
    for file in shelf.iterdir():
        (tmp_path / file.name).symlink_to(file)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ── the service ──────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """The service, where tasks are queued and run long enough to be seen."""
    with Emulator(queue_s=0.2, run_s=0.2, queries_per_s=None, submits_per_s=None) as emulator:
        yield emulator


@pytest.fixture
def surroundings(emulator: Emulator, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a reader has who points the library at the emulator; only the waits are shorter."""
    emulator.requests.clear()
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", emulator.base_url)
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-emulated")
    quick = partial(Schedule, first_s=0.02, cap_s=0.1)
    monkeypatch.setattr("dashscope_aa._client.Schedule", quick)
    return folder


@pytest.fixture
def bare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No key and no base URL, for programs that show what a client makes of that."""
    monkeypatch.delenv("DASHSCOPE_HTTP_BASE_URL", raising=False)
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)


# ── a bucket ─────────────────────────────────────────────────────────────────────────────

SECRET = b"known to the bucket and to its owner"


class Bucket(ThreadingHTTPServer):
    """Object storage on loopback that takes and gives what a signed URL allows."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Desk)
        self.objects: dict[str, bytes] = {}

    def sign(self, method: str, key: str) -> str:
        """Give a URL that allows one thing."""
        return f"http://127.0.0.1:{self.server_port}/{key}?Signature={_signature(method, key)}"


def _signature(method: str, key: str) -> str:
    return hmac.new(SECRET, f"{method} {key}".encode(), hashlib.sha256).hexdigest()


class _Desk(BaseHTTPRequestHandler):
    """Serves one request; whoever comes without the right signature, or with a key, goes empty."""

    server: Bucket

    def log_message(self, *_: object) -> None:
        pass

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))  # as real ones, it wants this
        if key := self._allowed():
            self.server.objects[key] = body
            self._answer(200)

    def do_GET(self) -> None:
        if key := self._allowed():
            self._answer(200, self.server.objects[key])

    def _allowed(self) -> str | None:
        asked = urlsplit(self.path)
        key = asked.path.lstrip("/")
        (shown,) = parse_qs(asked.query)["Signature"]
        right = hmac.compare_digest(shown, _signature(self.command, key))
        if right and "Authorization" not in self.headers:
            return key
        self._answer(403)
        return None

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A bucket, and the module ``storage`` that signs for it."""
    with Bucket() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setitem(sys.modules, "storage", SimpleNamespace(sign=running.sign))
        yield running
        running.shutdown()
        thread.join()
