"""Results are brought home whole, from wherever the last attempt stopped, or not at all."""

import asyncio
import copy
import errno
import gzip
import os
import resource
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from dashscope_aa import Client
from dashscope_aa.emulator import Emulator, SlowBody, Truncated, UrlExpired
from dashscope_aa.errors import DownloadError, InputError, ResultExpiredError
from dashscope_aa.models import TaskStatus, VideoOutput

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick_retries")]

MIB = 1024 * 1024
CONTENT = bytes(range(256)) * 40
OTHER = CONTENT[::-1] + b"and more"


# ── a server that does as it is told ─────────────────────────────────────────────────────


@dataclass
class Store:
    """What a server has, and how it gives it."""

    content: bytes = CONTENT
    etag: str | None = '"v1"'
    modified: str | None = None
    ranges: bool = True
    length: bool = True
    headers: dict[str, str] = field(default_factory=dict[str, str])
    cuts: list[int] = field(default_factory=list[int])
    """How many bytes arrive of each of the next answers."""
    statuses: list[int] = field(default_factory=list[int])
    """What the next requests are answered with instead."""
    seen: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """The headers of every request."""
    after: dict[int, Callable[[], None]] = field(default_factory=dict[int, Callable[[], None]])
    """What happens once so many requests have been answered."""
    url: str = ""

    def start_of(self, headers: dict[str, str]) -> int:
        """Tell from where on a request wants it."""
        condition = headers.get("if-range")
        if not self.ranges or "range" not in headers:
            return 0
        if condition not in (None, self.etag, self.modified):
            return 0
        return int(headers["range"].removeprefix("bytes=").removesuffix("-"))

    def ranges_asked(self) -> list[str | None]:
        return [headers.get("range") for headers in self.seen]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: Store

    def do_GET(self) -> None:
        store = self.store
        headers = {name.lower(): value for name, value in self.headers.items()}
        store.seen.append(headers)
        self.close_connection = True
        if store.statuses:
            self._refuse(store.statuses.pop(0))
        elif (start := store.start_of(headers)) > len(store.content) - 1:
            self._refuse(416, {"Content-Range": f"bytes */{len(store.content)}"})
        else:
            self._give(start)
        store.after.pop(len(store.seen), lambda: None)()

    def _refuse(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**self.store.headers, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    def _give(self, start: int) -> None:
        store = self.store
        body = store.content[start:]
        facts = {"Connection": "close", **store.headers}
        if store.etag:
            facts["ETag"] = store.etag
        if store.modified:
            facts["Last-Modified"] = store.modified
        if store.length:
            facts["Content-Length"] = str(len(body))
        if start:
            facts["Content-Range"] = f"bytes {start}-{len(store.content) - 1}/{len(store.content)}"
        self.send_response(206 if start else 200)
        for name, value in facts.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: store.cuts.pop(0)] if store.cuts else body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@pytest.fixture
def make_store() -> Iterator[Callable[..., Store]]:
    servers: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def make(**facts: Any) -> Store:
        store = Store(**copy.deepcopy(facts))
        handler = type("StoreHandler", (Handler,), {"store": store})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        store.url = f"http://127.0.0.1:{server.server_port}/film.mp4"
        return store

    yield make
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.part"))


# ── whole ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({}, id="with a length and an ETag"),
        pytest.param({"length": False}, id="without a length"),
        pytest.param({"etag": None}, id="without an ETag"),
        pytest.param({"etag": None, "length": False}, id="with neither"),
        pytest.param({"content": b"x"}, id="a single byte"),
        pytest.param({"statuses": [503, 500, 429, 502]}, id="after some trouble"),
    ],
)
async def test_file_arrives(
    facts: dict[str, Any], client: Client, make_store: Callable[..., Store], tmp_path: Path
) -> None:
    store = make_store(**facts)
    target = tmp_path / "film.mp4"
    assert await client.download(store.url, target) == target
    assert target.read_bytes() == store.content
    assert list(tmp_path.iterdir()) == [target]


async def test_nothing_private_is_sent(
    client: Client, make_store: Callable[..., Store], tmp_path: Path, key: str
) -> None:
    store = make_store()
    await client.download(store.url, str(tmp_path / "film.mp4"))
    (headers,) = store.seen
    assert "authorization" not in headers
    assert key not in str(headers)
    assert headers["accept-encoding"] == "identity"


async def test_redirect_to_another_host(
    client: Client, make_store: Callable[..., Store], tmp_path: Path
) -> None:
    there = make_store()
    elsewhere = there.url.replace("127.0.0.1", "localhost")
    here = make_store(statuses=[302, 302], headers={"Location": elsewhere, "Set-Cookie": "a=b"})
    target = await client.download(here.url, tmp_path / "film.mp4")
    assert target.read_bytes() == CONTENT
    (headers,) = there.seen
    assert "authorization" not in headers
    assert "cookie" not in headers


async def test_redirect_without_end(
    client: Client, make_store: Callable[..., Store], tmp_path: Path
) -> None:
    store = make_store(statuses=[302] * 500, headers={"Location": "/film.mp4"})
    with pytest.raises(DownloadError, match="redirects"):
        await client.download(store.url, tmp_path / "film.mp4")


async def test_answer_of_a_mock(tmp_path: Path) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=CONTENT))
    async with Client("sk-any", transport=transport) as client:
        target = await client.download("https://files.example/film.mp4", tmp_path / "film.mp4")
    assert target.read_bytes() == CONTENT


# ── gone on from ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("facts", "asked"),
    [
        pytest.param(
            {"cuts": [1000, 2000]}, [None, "bytes=1000-", "bytes=3000-"], id="by its ETag"
        ),
        pytest.param(
            {"cuts": [1000], "etag": None, "modified": "Sat, 21 Nov 2026 07:00:00 GMT"},
            [None, "bytes=1000-"],
            id="by the time it was modified",
        ),
        pytest.param(
            {"cuts": [1000], "etag": 'W/"1"', "modified": "Sat, 21 Nov 2026 07:00:00 GMT"},
            [None, "bytes=1000-"],
            id="a weak ETag is none",
        ),
        pytest.param(
            {"cuts": [1000], "ranges": False}, [None, "bytes=1000-"], id="server without ranges"
        ),
        pytest.param(
            {"cuts": [1000, 2000], "etag": None}, [None, None, None], id="nothing to know it by"
        ),
        pytest.param({"cuts": [0, 1000, 0]}, [None, None, "bytes=1000-", "bytes=1000-"], id="none"),
    ],
)
async def test_cut_off(
    facts: dict[str, Any],
    asked: list[str | None],
    client: Client,
    make_store: Callable[..., Store],
    tmp_path: Path,
) -> None:
    store = make_store(**facts)
    target = await client.download(store.url, tmp_path / "film.mp4")
    assert target.read_bytes() == CONTENT
    assert store.ranges_asked() == asked
    assert parts(tmp_path) == []


@pytest.mark.parametrize(
    ("facts", "total"),
    [
        pytest.param({"content": CONTENT * 400, "cuts": [1_500_000]}, len(CONTENT) * 400, id="cut"),
        pytest.param({"content": CONTENT * 400, "length": False}, None, id="length not told"),
    ],
)
async def test_how_far_it_is(
    facts: dict[str, Any],
    total: int | None,
    client: Client,
    make_store: Callable[..., Store],
    tmp_path: Path,
) -> None:
    told: list[tuple[int, int | None]] = []
    store = make_store(**facts)
    await client.download(store.url, tmp_path / "film.mp4", on_bytes=lambda *now: told.append(now))
    assert told == sorted(told, key=lambda now: now[0])
    assert {of for _, of in told} == {total}
    assert len(CONTENT) * 400 - MIB < told[-1][0] <= len(CONTENT) * 400
    assert 3 <= len(told) <= 6


async def test_cut_off_by_the_emulator(
    client: Client, emulator: Emulator, clip: Path, tmp_path: Path
) -> None:
    emulator.faults.add(Truncated(on="hosted", times=3, after_bytes=20_000))
    target = await client.download(emulator.host_file(clip), tmp_path / "film.mp4")
    assert target.read_bytes() == clip.read_bytes()
    asked = [received.headers.get("range") for received in emulator.requests.of("hosted")]
    assert asked == [None, "bytes=20000-", "bytes=40000-", "bytes=60000-"]
    assert emulator.leaks == []


async def test_the_next_call_goes_on(
    client: Client, make_store: Callable[..., Store], tmp_path: Path
) -> None:
    store = make_store(cuts=[1000, 500, *[0] * 20])
    target = tmp_path / "film.mp4"
    with pytest.raises(DownloadError, match="stopped after 1500 bytes") as raised:
        await client.download(store.url, target)
    assert "again" in raised.value.hint
    assert not target.exists()
    (part,) = parts(tmp_path)
    assert part.read_bytes() == CONTENT[:1500]
    store.cuts.clear()
    store.seen.clear()
    await client.download(store.url, target)
    assert target.read_bytes() == CONTENT
    assert store.ranges_asked() == [None, "bytes=1500-"]
    assert parts(tmp_path) == []


async def test_what_had_arrived_whole_is_not_fetched_again(
    client: Client,
    make_store: Callable[..., Store],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = make_store()
    target = tmp_path / "film.mp4"
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "bad")))
        with pytest.raises(DownloadError, match="cannot write"):
            await client.download(store.url, target)
    await client.download(store.url, target)
    assert target.read_bytes() == CONTENT
    assert store.ranges_asked() == [None, None, f"bytes={len(CONTENT)}-"]


async def test_part_that_is_too_long(
    client: Client, make_store: Callable[..., Store], tmp_path: Path
) -> None:
    store = make_store(cuts=[1000, *[0] * 20])
    target = tmp_path / "film.mp4"
    with pytest.raises(DownloadError):
        await client.download(store.url, target)
    (part,) = parts(tmp_path)
    part.write_bytes(bytes(2 * len(CONTENT)))
    store.cuts.clear()
    await client.download(store.url, target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({}, id="other ETag"),
        pytest.param({"etag": None}, id="no ETag"),
    ],
)
async def test_file_changed_between_two_calls(
    facts: dict[str, Any], client: Client, make_store: Callable[..., Store], tmp_path: Path
) -> None:
    store = make_store(cuts=[1000, *[0] * 20], **facts)
    target = tmp_path / "film.mp4"
    with pytest.raises(DownloadError):
        await client.download(store.url, target)
    store.cuts.clear()
    store.content = OTHER
    if store.etag:
        store.etag = '"v2"'
    await client.download(store.url, target)
    assert target.read_bytes() == OTHER


async def test_file_changes_under_way(
    client: Client, make_store: Callable[..., Store], tmp_path: Path
) -> None:
    store = make_store(cuts=[1000, 3000])

    def change() -> None:
        store.content, store.etag = OTHER, '"v2"'

    store.after = {1: change}
    target = await client.download(store.url, tmp_path / "film.mp4")
    assert target.read_bytes() == OTHER
    assert store.ranges_asked() == [None, "bytes=1000-", "bytes=3000-"]
    assert parts(tmp_path) == []


async def test_file_changes_and_changes_back(
    client: Client, make_store: Callable[..., Store], tmp_path: Path
) -> None:
    store = make_store(cuts=[3000, 1000])

    def change() -> None:
        store.content, store.etag = OTHER, '"v2"'

    def change_back() -> None:
        store.content, store.etag = CONTENT, '"v1"'

    store.after = {1: change, 2: change_back}
    target = await client.download(store.url, tmp_path / "film.mp4")
    assert target.read_bytes() == CONTENT


# ── refused ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "error", "sent"),
    [
        pytest.param(401, ResultExpiredError, 1, id="not allowed"),
        pytest.param(403, ResultExpiredError, 1, id="expired"),
        pytest.param(404, ResultExpiredError, 1, id="not there"),
        pytest.param(410, ResultExpiredError, 1, id="gone"),
        pytest.param(400, DownloadError, 1, id="bad request"),
        pytest.param(416, DownloadError, 1, id="range of a request that had none"),
        pytest.param(204, DownloadError, 1, id="no content"),
        pytest.param(304, DownloadError, 1, id="not modified"),
        pytest.param(500, DownloadError, 6, id="server fault for long"),
        pytest.param(429, DownloadError, 6, id="throttled for long"),
    ],
)
async def test_refused(
    *,
    status: int,
    error: type[Exception],
    sent: int,
    client: Client,
    make_store: Callable[..., Store],
    tmp_path: Path,
) -> None:
    store = make_store(statuses=[status] * 20)
    with anyio.fail_after(30), pytest.raises(error):
        await client.download(store.url, tmp_path / "film.mp4")
    assert len(store.seen) == sent
    assert list(tmp_path.iterdir()) == []


async def test_part_from_the_wrong_place(
    client: Client, make_store: Callable[..., Store], tmp_path: Path
) -> None:
    store = make_store(statuses=[206], headers={"Content-Range": "bytes 5-9/10"})
    with pytest.raises(DownloadError, match="206"):
        await client.download(store.url, tmp_path / "film.mp4")


async def test_compressed_though_not_asked_for(
    client: Client, make_store: Callable[..., Store], tmp_path: Path
) -> None:
    store = make_store(content=gzip.compress(CONTENT), headers={"Content-Encoding": "gzip"})
    with pytest.raises(DownloadError, match="gzip"):
        await client.download(store.url, tmp_path / "film.mp4")
    assert not (tmp_path / "film.mp4").exists()


async def test_fewer_bytes_than_promised(
    client: Client, make_store: Callable[..., Store], tmp_path: Path
) -> None:
    store = make_store(
        length=False, headers={"Content-Length": str(len(CONTENT) + 1)}, ranges=False
    )
    with pytest.raises(DownloadError):
        await client.download(store.url, tmp_path / "film.mp4")
    assert not (tmp_path / "film.mp4").exists()


async def test_nobody_there(client: Client, tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with pytest.raises(DownloadError, match="ConnectError"):
        await client.download(f"http://127.0.0.1:{port}/film.mp4", tmp_path / "film.mp4")


@pytest.mark.parametrize(
    "source",
    ["oss://bucket/film.mp4", "ftp://host/film.mp4", "film.mp4", "", "http://host/a b", None, 3],
)
async def test_no_url(source: Any, client: Client, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        await client.download(source, tmp_path / "film.mp4")


# ── where to ─────────────────────────────────────────────────────────────────────────────


def read_only(folder: Path) -> Path:
    if os.geteuid() == 0:
        pytest.skip("nothing is forbidden to root")
    folder.chmod(0o500)
    return folder / "film.mp4"


def named_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        pytest.param(lambda folder: folder, "is a directory", id="directory"),
        pytest.param(lambda _: "", "is a directory", id="empty path"),
        pytest.param(lambda folder: folder / "no" / "film.mp4", "directory", id="no such folder"),
        pytest.param(lambda _: Path("/etc/hostname/film.mp4"), "directory", id="file as a folder"),
        pytest.param(read_only, "permission", id="folder nobody may write to"),
        pytest.param(named_pipe, "regular file", id="named pipe"),
        pytest.param(lambda folder: f"{folder}/a\0b", "cannot write", id="NUL in its name"),
        pytest.param(lambda folder: folder / ("x" * 250), "cannot write", id="too long a name"),
    ],
)
async def test_target_nobody_can_write(
    made: Callable[[Path], Any],
    said: str,
    client: Client,
    make_store: Callable[..., Store],
    tmp_path: Path,
) -> None:
    store = make_store()
    with pytest.raises(InputError, match=said):
        await client.download(store.url, made(tmp_path))
    assert store.seen == []


async def test_old_file_stays_until_the_new_one_is_whole(
    client: Client, make_store: Callable[..., Store], tmp_path: Path
) -> None:
    target = tmp_path / "film.mp4"
    target.write_text("old")
    store = make_store(cuts=[1000] + [0] * 20)
    with pytest.raises(DownloadError):
        await client.download(store.url, target)
    assert target.read_text() == "old"
    store.cuts.clear()
    await client.download(store.url, target)
    assert target.read_bytes() == CONTENT


async def test_disk_is_full(
    client: Client, make_store: Callable[..., Store], tmp_path: Path
) -> None:
    target = tmp_path / "film.mp4"
    target.write_text("old")
    store = make_store(content=bytes(3 * MIB))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, hard))
    try:
        with pytest.raises(DownloadError, match="cannot write"):
            await client.download(store.url, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert target.read_text() == "old"
    await client.download(store.url, target)
    assert target.read_bytes() == store.content
    assert store.ranges_asked()[-1] == f"bytes={MIB}-"


# ── cancelled ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("native", [False, True], ids=["scope", "native"])
async def test_cancelled_in_the_middle(
    *,
    native: bool,
    anyio_backend: str,
    client: Client,
    emulator: Emulator,
    clip: Path,
    tmp_path: Path,
) -> None:
    if native and anyio_backend != "asyncio":
        pytest.skip("tasks of asyncio's own")
    emulator.faults.add(SlowBody(on="hosted", delay_s=0.2, piece_bytes=10_000))
    url, target = emulator.host_file(clip), tmp_path / "film.mp4"
    if native:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await client.download(url, target)
    else:
        with anyio.move_on_after(1):
            await client.download(url, target)
    assert not target.exists()
    (part,) = parts(tmp_path)
    kept = part.read_bytes()
    assert 0 < len(kept) < clip.stat().st_size
    assert clip.read_bytes().startswith(kept)
    await client.download(url, target)
    assert target.read_bytes() == clip.read_bytes()
    assert emulator.requests[-1].headers["range"] == f"bytes={len(kept)}-"


@pytest.mark.parametrize("native", [False, True], ids=["scope", "native"])
async def test_cancelled_while_writing(
    *,
    native: bool,
    anyio_backend: str,
    client: Client,
    emulator: Emulator,
    tmp_path: Path,
) -> None:
    if native and anyio_backend != "asyncio":
        pytest.skip("tasks of asyncio's own")
    path = tmp_path / "large.mp4"
    path.write_bytes(os.urandom(16 * MIB))
    url, target = emulator.host_file(path), tmp_path / "film.mp4"
    for limit_s in (0.005, 0.02, 0.03, 0.04, 0.05):
        if native:
            try:
                async with asyncio.timeout(limit_s):
                    await client.download(url, target)
            except TimeoutError:
                pass
        else:
            with anyio.move_on_after(limit_s):
                await client.download(url, target)
        for part in parts(tmp_path):
            assert path.read_bytes().startswith(part.read_bytes())
    await client.download(url, target)
    assert target.read_bytes() == path.read_bytes()


async def test_same_target_at_once(
    client: Client, emulator: Emulator, clip: Path, tmp_path: Path
) -> None:
    path = tmp_path / "large.mp4"
    path.write_bytes(os.urandom(6 * MIB))
    emulator.faults.add(SlowBody(on="hosted", times=2, delay_s=0.004, piece_bytes=MIB))
    url, target = emulator.host_file(path), tmp_path / "film.mp4"

    async def bring() -> None:
        await client.download(url, target)
        assert target.read_bytes() == path.read_bytes()

    async with anyio.create_task_group() as group:
        for pause_s in (0, 0.35):  # more than a batch of the first is written by then
            await anyio.sleep(pause_s)
            group.start_soon(bring)
    assert len(emulator.requests.of("hosted")) == 2
    assert parts(tmp_path) == []


async def test_memory_does_not_grow_with_the_file(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.truncate(64 * MIB)
    url = emulator.host_file(path)
    tracemalloc.start()
    try:
        target = await client.download(url, tmp_path / "film.mp4")
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert target.stat().st_size == 64 * MIB
    assert peak_bytes < 24 * MIB


# ── results that run out ─────────────────────────────────────────────────────────────────


@pytest.fixture
async def output(client: Client, portrait: Path, clip: Path) -> VideoOutput:
    """The output of a task that is done."""
    return await (await client.animate_move(portrait, clip, mode="wan-std"))


async def test_url_that_ran_out_is_asked_for_again(
    client: Client, emulator: Emulator, output: VideoOutput, tmp_path: Path
) -> None:
    stale = output.model_copy(
        update={"video_url": output.video_url.replace("Expires=1", "Expires=0")}
    )
    target = await client.download(stale, tmp_path / "film.mp4")
    assert target.read_bytes()[4:8] == b"ftyp"
    assert emulator.leaks == []
    assert [request.status for request in emulator.requests.of("download")] == [403, 200]


async def test_result_and_task_ran_out(
    client: Client, emulator: Emulator, output: VideoOutput, tmp_path: Path
) -> None:
    emulator.clock.advance(hours=25)
    with pytest.raises(ResultExpiredError) as raised:
        await client.download(output, tmp_path / "film.mp4")
    assert raised.value.task_id == output.task_id
    assert list(tmp_path.iterdir()) == []


async def test_url_refused_and_no_other_to_be_had(
    client: Client, emulator: Emulator, output: VideoOutput, tmp_path: Path
) -> None:
    emulator.faults.add(UrlExpired(times=9))
    with pytest.raises(DownloadError, match="refused it twice"):  # its task still knows it
        await client.download(output, tmp_path / "film.mp4")
    with pytest.raises(ResultExpiredError):
        await client.download(output.video_url, tmp_path / "film.mp4")


async def test_task_of_another_account_gives_nothing(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    lost = VideoOutput(
        task_id="0b0b0b0b-0000-0000-0000-000000000000",
        task_status=TaskStatus.SUCCEEDED,
        video_url=f"{emulator.root_url}/results/none.mp4?Expires=1&Signature=x",
    )
    with pytest.raises(ResultExpiredError):
        await client.download(lost, tmp_path / "film.mp4")
