"""Uploads: a right form, sent once for the same bytes, in whatever weather, without a trace."""

import asyncio
import hashlib
import random
import tracemalloc
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from httpx_aiohttp import AiohttpTransport

from dashscope_aa import Client, MediaFile
from dashscope_aa._book import Memory
from dashscope_aa._bookkeeper import Bookkeeper
from dashscope_aa._config import Settings
from dashscope_aa._http import Http
from dashscope_aa._upload import POLICY_S, REUSE_S, TemporaryStorage
from dashscope_aa.emulator import (
    AnswerLost,
    Emulator,
    Fault,
    Malformed,
    RequestLost,
    ServerFault,
    SlowHeaders,
    Throttle,
)
from dashscope_aa.errors import (
    DashScopeError,
    InputError,
    ProtocolError,
    SourceError,
    ThrottledError,
    UploadError,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick_retries")]

MODEL = "wan2.2-animate-move"
OTHER_MODEL = "wan2.2-animate-mix"
MIB = 1024 * 1024


def posts(emulator: Emulator) -> int:
    return len(emulator.requests.of("upload"))


def policies(emulator: Emulator) -> int:
    return len(emulator.requests.of("policy"))


def stored(emulator: Emulator, url: str) -> bytes:
    """Read what the storage has under an oss URL."""
    (upload,) = (upload for upload in emulator.uploads if upload.url == url)
    return upload.path.read_bytes()


# ── once, for the same bytes ─────────────────────────────────────────────────────────────


async def test_what_arrives_is_what_was_sent(
    client: Client, emulator: Emulator, clip: Path
) -> None:
    url = await client.upload(clip, model=MODEL)
    assert url.startswith("oss://")
    assert url.endswith(".mp4")
    assert stored(emulator, url) == clip.read_bytes()
    assert emulator.leaks == []


async def test_what_arrives_over_another_library(
    make_client: Callable[..., Client], anyio_backend: str, emulator: Emulator, tmp_path: Path
) -> None:
    if anyio_backend != "asyncio":
        pytest.skip("aiohttp knows asyncio only")
    path = tmp_path / "clip.mp4"
    path.write_bytes(random.Random(7).randbytes(5 * MIB + 13))  # noqa: S311 - no secret
    client = make_client(transport=AiohttpTransport())
    url = await client.upload(path, model=MODEL)
    assert stored(emulator, url) == path.read_bytes()


async def test_how_far_it_is(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "long.mp4"
    path.write_bytes(bytes(2_500_000))
    told: list[tuple[int, int | None]] = []

    async def note(done: int, total: int | None) -> None:
        told.append((done, total))

    await client.upload(path, model=MODEL, on_bytes=note)
    assert told == [(MIB, 2_500_000), (2 * MIB, 2_500_000)]


async def test_same_bytes_are_sent_once(
    client: Client, emulator: Emulator, portrait: Path, tmp_path: Path
) -> None:
    twin = tmp_path / "other name.jpg"
    twin.write_bytes(portrait.read_bytes())
    sources: list[Any] = [portrait, str(portrait), twin, portrait.read_bytes(), portrait.open("rb")]
    urls = {await client.upload(source, model=MODEL) for source in sources}
    sources[-1].close()
    assert len(urls) == 1
    assert (posts(emulator), policies(emulator)) == (1, 1)


async def test_same_bytes_at_once_are_sent_once(
    client: Client, emulator: Emulator, clip: Path
) -> None:
    emulator.faults.add(SlowHeaders(on="upload", delay_s=0.1))
    urls: set[str] = set()

    async def upload() -> None:
        urls.add(await client.upload(clip, model=MODEL))

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(upload)
    assert len(urls) == 1
    assert posts(emulator) == 1


async def test_hashed_and_not_yet_hashed_at_once_are_sent_once(
    client: Client, emulator: Emulator, clip: Path
) -> None:
    emulator.faults.add(SlowHeaders(on="upload", delay_s=0.1))
    hashed, other = (MediaFile(clip, ".mp4", clip.stat().st_size) for _ in range(2))
    await hashed.sha256()
    async with anyio.create_task_group() as group:
        for source in (hashed, other, hashed, other):
            group.start_soon(partial(client.upload, source, model=MODEL))
    assert posts(emulator) == 1


async def test_others_of_the_same_size_are_sent(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number}.jpg" for number in range(6)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number // 2]) * 1000)
    urls: dict[Path, str] = {}

    async def upload(path: Path) -> None:
        urls[path] = await client.upload(path, model=MODEL)

    async with anyio.create_task_group() as group:
        for path in paths:
            group.start_soon(upload, path)
    assert posts(emulator) == len(set(urls.values())) == 3
    for path, url in urls.items():
        assert stored(emulator, url) == path.read_bytes()


async def test_read_once_unless_something_of_its_size_is_known(
    client: Client, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[Path] = []

    def sha256(path: Path) -> str:
        hashed.append(path)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    monkeypatch.setattr("dashscope_aa._sources._sha256", sha256)
    for name, content in (("a", b"one"), ("b", b"three"), ("c", b"two"), ("d", b"one")):
        (tmp_path / name).write_bytes(content)
        await client.upload(tmp_path / name, model=MODEL)
    assert [path.name for path in hashed] == ["c", "d"]
    assert posts(emulator) == 3


async def test_ledger_is_asked_what_another_process_has_sent(
    make_client: Callable[..., Client], emulator: Emulator, clip: Path, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger.sqlite"
    urls = {
        await make_client(ledger=ledger).upload(source, model=MODEL)
        for source in (clip, clip.read_bytes())
    }
    assert len(urls) == posts(emulator) == 1


async def test_cancelled_upload_leaves_the_others_theirs(
    client: Client, emulator: Emulator, clip: Path
) -> None:
    emulator.faults.add(SlowHeaders(on="upload", delay_s=2))
    urls: list[str] = []

    async def upload() -> None:
        urls.append(await client.upload(clip, model=MODEL))

    async with anyio.create_task_group() as group:
        with anyio.move_on_after(1):
            async with anyio.create_task_group() as first:
                first.start_soon(upload)
                await anyio.sleep(0.5)
                group.start_soon(upload)
    assert len(urls) == 1
    assert posts(emulator) == 2


async def test_another_model_and_other_bytes_are_sent_again(
    client: Client, emulator: Emulator, clip: Path, other_clip: Path
) -> None:
    urls = {
        await client.upload(clip, model=MODEL),
        await client.upload(clip, model=OTHER_MODEL),
        await client.upload(other_clip, model=MODEL),
    }
    assert len(urls) == 3
    assert (posts(emulator), policies(emulator)) == (3, 2)


async def test_url_is_given_back(client: Client, emulator: Emulator) -> None:
    assert await client.upload("https://host/ä.mp4", model=MODEL) == "https://host/%C3%A4.mp4"
    assert len(emulator.requests) == 0


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now_s = 5.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
async def storage(
    anyio_backend: str, emulator: Emulator, key: str
) -> AsyncIterator[tuple[TemporaryStorage, Clock]]:
    clock = Clock()
    settings = Settings.load(api_key=key, base_url=emulator.base_url)
    async with Http() as http:
        yield TemporaryStorage(http, settings, Bookkeeper(Memory(), settings), clock=clock), clock


async def test_upload_is_forgotten_before_the_service_forgets_it(
    storage: tuple[TemporaryStorage, Clock], emulator: Emulator, portrait: Path
) -> None:
    upload, clock = storage
    file = MediaFile(portrait, ".jpg", portrait.stat().st_size)
    first = await upload(file, model=MODEL)
    clock.now_s += REUSE_S - 1
    assert await upload(file, model=MODEL) == first
    clock.now_s += 2
    assert await upload(file, model=MODEL) != first
    assert posts(emulator) == 2
    assert REUSE_S < 48 * 3600


async def test_certificate_is_used_while_it_is_fresh(
    storage: tuple[TemporaryStorage, Clock], emulator: Emulator, tmp_path: Path
) -> None:
    upload, clock = storage
    for number, pause_s in enumerate((0.0, POLICY_S - 1, 2.0)):
        clock.now_s += pause_s
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(bytes([number]) * 100)
        await upload(MediaFile(path, ".jpg", 100), model=MODEL)
        assert policies(emulator) == (1 if number < 2 else 2)


# ── in bad weather ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fault", "sent"),
    [
        pytest.param(RequestLost(on="upload", times=2), 3, id="connection reset"),
        pytest.param(RequestLost(on="upload", times=2, reset=False), 3, id="connection closed"),
        pytest.param(AnswerLost(on="upload", times=2), 3, id="stored, but answer lost"),
        pytest.param(ServerFault(on="upload", times=2), 3, id="storage answers 503"),
        pytest.param(ServerFault(on="upload", times=2, status=500), 3, id="storage answers 500"),
        pytest.param(ServerFault(on="policy", times=2), 1, id="no certificate at first"),
        pytest.param(RequestLost(on="policy", times=2), 1, id="certificate lost"),
        pytest.param(Throttle(on="policy", times=2), 1, id="certificates throttled"),
    ],
)
async def test_upload_outlives(
    fault: Fault, sent: int, client: Client, emulator: Emulator, clip: Path
) -> None:
    emulator.faults.add(fault)
    url = await client.upload(clip, model=MODEL)
    assert stored(emulator, url) == clip.read_bytes()
    assert posts(emulator) == sent


@pytest.mark.parametrize(
    ("fault", "error", "sent"),
    [
        pytest.param(RequestLost(on="upload", times=9), UploadError, 3, id="reset for long"),
        pytest.param(ServerFault(on="upload", times=9), UploadError, 3, id="503 for long"),
        pytest.param(
            ServerFault(on="upload", times=9, status=409, code="FileAlreadyExists"),
            UploadError,
            1,
            id="name is taken",
        ),
        pytest.param(
            ServerFault(on="upload", times=9, status=403, code="AccessDenied", message="No."),
            UploadError,
            1,
            id="not allowed",
        ),
        pytest.param(
            Throttle(on="policy", times=9, retry_after_s=3600), ThrottledError, 0, id="for an hour"
        ),
        pytest.param(Malformed(on="policy"), ProtocolError, 0, id="half a certificate"),
    ],
)
async def test_upload_gives_up(
    *,
    fault: Fault,
    error: type[DashScopeError],
    sent: int,
    client: Client,
    emulator: Emulator,
    clip: Path,
) -> None:
    emulator.faults.add(fault)
    with pytest.raises(error) as raised:
        await client.upload(clip, model=MODEL)
    assert posts(emulator) == sent
    assert "Jane" not in str(raised.value)
    emulator.faults.clear()
    await client.upload(clip, model=MODEL)


async def test_refusal_of_the_storage_is_told(
    client: Client, emulator: Emulator, clip: Path
) -> None:
    emulator.faults.add(ServerFault(on="upload", status=403, code="AccessDenied", message="Why?"))
    with pytest.raises(UploadError, match=r"bytes was refused: Why\?") as raised:
        await client.upload(clip, model=MODEL)
    assert raised.value.code == "AccessDenied"
    assert raised.value.http_status == 403
    assert raised.value.request_id


async def test_certificate_that_ran_out_meanwhile(
    client: Client, emulator: Emulator, clip: Path, other_clip: Path
) -> None:
    await client.upload(clip, model=MODEL)
    emulator.clock.advance(minutes=30)
    url = await client.upload(other_clip, model=MODEL)
    assert stored(emulator, url) == other_clip.read_bytes()
    assert (posts(emulator), policies(emulator)) == (3, 2)


@pytest.mark.parametrize("status", [301, 307])
async def test_storage_that_redirects(
    status: int, client: Client, emulator: Emulator, clip: Path
) -> None:
    emulator.faults.add(ServerFault(on="upload", status=status))
    with pytest.raises(UploadError):
        await client.upload(clip, model=MODEL)
    assert posts(emulator) == 1


# ── files that change ────────────────────────────────────────────────────────────────────


async def test_file_that_becomes_shorter(client: Client, emulator: Emulator, clip: Path) -> None:
    promised = MediaFile(clip, ".mp4", clip.stat().st_size + 5000)
    with pytest.raises(UploadError, match="5000 bytes are missing"):
        await client.upload(promised, model=MODEL)
    assert posts(emulator) <= 1
    await client.upload(clip, model=MODEL)


async def test_file_that_goes_while_its_certificate_comes(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8\xff" * 100)
    emulator.faults.add(SlowHeaders(on="policy", delay_s=0.3))
    async with anyio.create_task_group() as group:

        async def remove() -> None:
            while not policies(emulator):  # noqa: ASYNC110 - the emulator has no event for it
                await anyio.sleep(0.01)
            path.unlink()

        group.start_soon(remove)
        with pytest.raises((UploadError, SourceError)):
            await client.upload(path, model=MODEL)


async def test_file_that_becomes_longer(client: Client, emulator: Emulator, clip: Path) -> None:
    before = len(emulator.uploads)
    promised = MediaFile(clip, ".mp4", clip.stat().st_size - 5)
    with pytest.raises(UploadError, match="became longer"):
        await client.upload(promised, model=MODEL)
    assert len(emulator.uploads) == before


async def test_file_that_is_changed_after_it_was_hashed(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"old")
    source = MediaFile(path, ".jpg", 3)
    await source.sha256()
    path.write_bytes(b"new")
    before = len(emulator.uploads)
    with pytest.raises(UploadError, match="was changed"):
        await client.upload(source, model=MODEL)
    assert len(emulator.uploads) == before
    url = await client.upload(source, model=MODEL)
    assert stored(emulator, url) == b"new"
    assert stored(emulator, await client.upload(b"old", model=MODEL)) == b"old"


async def test_file_that_is_changed_before_it_is_sent_is_known_by_what_was_sent(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"old")
    emulator.faults.add(SlowHeaders(on="policy", delay_s=0.3))
    urls: list[str] = []

    async def upload() -> None:
        urls.append(await client.upload(path, model=MODEL))

    async with anyio.create_task_group() as group:
        group.start_soon(upload)
        while not policies(emulator):  # noqa: ASYNC110 - the emulator has no event for it
            await anyio.sleep(0.01)
        path.write_bytes(b"new")
    assert await client.upload(b"new", model=MODEL) == urls[0]
    assert stored(emulator, urls[0]) == b"new"
    assert stored(emulator, await client.upload(b"old", model=MODEL)) == b"old"


async def test_sent_again_it_is_known_by_its_bytes(
    client: Client, emulator: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "long.mp4"
    path.write_bytes(random.Random(1).randbytes(2_500_000))  # noqa: S311 - nothing secret
    emulator.faults.add(AnswerLost(on="upload", times=2))
    url = await client.upload(path, model=MODEL)
    assert await client.upload(path.read_bytes(), model=MODEL) == url
    assert stored(emulator, url) == path.read_bytes()
    assert posts(emulator) == 3


# ── cancelled ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("native", [False, True], ids=["scope", "native"])
async def test_cancelled_upload(
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
    with path.open("wb") as file:
        file.truncate(32 * MIB)
    for limit_s in (0.002, 0.01, 0.03):
        if native:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(limit_s):
                    await client.upload(path, model=MODEL)
        else:
            with anyio.move_on_after(limit_s) as scope:
                await client.upload(path, model=MODEL)
            assert scope.cancelled_caught
    url = await client.upload(path, model=MODEL)
    assert len(stored(emulator, url)) == 32 * MIB


@pytest.fixture
def long(tmp_path: Path) -> Path:
    path = tmp_path / "long.mp4"
    path.write_bytes(bytes(12 * MIB))
    return path


async def test_cancelled_half_way(client: Client, emulator: Emulator, long: Path) -> None:
    with anyio.CancelScope() as scope:
        await client.upload(
            long, model=MODEL, on_bytes=lambda done, _: scope.cancel() if done > 4 * MIB else None
        )
    assert scope.cancelled_caught
    assert len(stored(emulator, await client.upload(long, model=MODEL))) == 12 * MIB


async def test_what_on_bytes_raises_ends_the_upload(
    client: Client, emulator: Emulator, long: Path
) -> None:
    def stop(done: int, _total: int | None) -> None:
        if done > 4 * MIB:
            raise KeyError(done)

    before = len(emulator.uploads)
    with pytest.raises(KeyError):
        await client.upload(long, model=MODEL, on_bytes=stop)
    assert len(emulator.uploads) == before
    assert len(stored(emulator, await client.upload(long, model=MODEL))) == 12 * MIB


# ── memory ───────────────────────────────────────────────────────────────────────────────


async def test_memory_does_not_grow_with_the_file(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.truncate(64 * MIB)
    await client.upload(b"warm", model=MODEL)
    tracemalloc.start()
    try:
        await client.upload(path, model=MODEL)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 12 * MIB  # the storage, in this process too, has its share


# ── in whose sight ───────────────────────────────────────────────────────────────────────


class Recorder(httpx.AsyncBaseTransport):
    """Passes requests on, and keeps them."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = b"".join([chunk async for chunk in request.stream])  # type: ignore[union-attr] # async
        again = httpx.Request(request.method, request.url, headers=request.headers, content=body)
        self.requests.append(again)
        return await self._transport.handle_async_request(again)


async def test_storage_sees_neither_key_nor_name(
    make_client: Callable[..., Client], emulator: Emulator, clip: Path, key: str
) -> None:
    recorder = Recorder(emulator.transport())
    client = make_client(transport=recorder)
    url = await client.upload(clip, model=MODEL)
    policy, form = recorder.requests
    assert policy.headers["authorization"] == f"Bearer {key}"
    body = form.content
    assert int(form.headers["content-length"]) == len(body)
    assert "authorization" not in form.headers
    assert "transfer-encoding" not in form.headers
    for private in (key, clip.name, clip.stem, str(clip.parent), "Jane"):
        assert private.encode() not in body
        assert private not in str(form.headers)
    assert b'name="key"\r\n\r\n' + url.removeprefix("oss://").encode() in body
    assert body.rindex(b'name="file"') > body.rindex(b'name="success_action_status"')
    assert b"Content-Type: video/mp4" in body
    assert clip.read_bytes() in body


class Deaf(httpx.AsyncBaseTransport):
    """Answers a form without having read it."""

    def __init__(self, transport: httpx.AsyncBaseTransport, status: int) -> None:
        self._transport = transport
        self._status = status

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(self._status)
        return await self._transport.handle_async_request(request)


async def test_storage_that_answers_before_it_has_read(
    make_client: Callable[..., Client], emulator: Emulator, clip: Path
) -> None:
    content = hashlib.sha256(clip.read_bytes()).hexdigest()
    source = MediaFile(clip, ".mp4", clip.stat().st_size)
    agreeing = make_client(transport=Deaf(emulator.transport(), 200))
    assert (await agreeing.upload(source, model=MODEL)).startswith("oss://")
    assert await source.sha256() == content
    refusing = make_client(transport=Deaf(emulator.transport(), 403))
    with pytest.raises(UploadError):
        await refusing.upload(clip, model=MODEL)


# ── an uploader of the user's ────────────────────────────────────────────────────────────


async def test_uploader_of_the_users(
    make_client: Callable[..., Client], emulator: Emulator, clip: Path
) -> None:
    asked: list[tuple[bytes, str, str]] = []

    async def uploader(source: MediaFile, /, *, model: str) -> str:
        asked.append((source.path.read_bytes(), source.suffix, model))
        return "https://own-bucket.example/ä.mp4"

    client = make_client(uploader=uploader)
    url = await client.upload(clip.read_bytes(), model=MODEL)
    assert url == "https://own-bucket.example/%C3%A4.mp4"
    assert asked == [(clip.read_bytes(), ".mp4", MODEL)]
    assert len(emulator.requests) == 0


@pytest.mark.parametrize("url", ["file:///etc/passwd", "https://host/a b", ""])
async def test_uploader_that_gives_no_url(
    url: str, make_client: Callable[..., Client], emulator: Emulator, clip: Path
) -> None:
    async def uploader(_source: MediaFile, /, *, model: str) -> str:
        return url

    client = make_client(uploader=uploader)
    with pytest.raises(InputError):
        await client.create_template(clip)
    assert len(emulator.requests) == 0
