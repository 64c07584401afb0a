"""What goes over the network: how often, over which connection, and in whose sight."""

import asyncio
import logging
import pickle
import random
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, suppress
from pathlib import Path

import anyio
import httpx
import pytest
import respx

from dashscope_aa import Client
from dashscope_aa._http import CALLS_AT_ONCE, Http
from dashscope_aa.emulator import (
    AnswerLost,
    Emulator,
    Fault,
    Malformed,
    RequestLost,
    ServerFault,
    SlowBody,
    SlowHeaders,
    Throttle,
)
from dashscope_aa.errors import (
    AuthenticationError,
    DashScopeError,
    NoAnswerError,
    NotFoundError,
    NotSentError,
    ProtocolError,
    ServerError,
    ThrottledError,
    TransportError,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick_retries")]

ID = "0b0b0b0b-0000-0000-0000-000000000000"


# ── calls that cost nothing ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(RequestLost(on="query", times=3), id="reset before it arrived"),
        pytest.param(RequestLost(on="query", times=3, reset=False), id="closed"),
        pytest.param(AnswerLost(on="query", times=3), id="answer lost"),
        pytest.param(AnswerLost(on="query", times=3, within=True), id="half an answer"),
        pytest.param(Throttle(on="query", times=3), id="throttled"),
        pytest.param(Throttle(on="query", times=3, retry_after_s=0), id="throttled, no wait"),
        pytest.param(ServerFault(on="query", times=3), id="503"),
        pytest.param(ServerFault(on="query", times=3, status=502, code=""), id="502"),
        pytest.param(SlowBody(on="query", piece_bytes=10, delay_s=0.01), id="slow"),
        pytest.param(SlowHeaders(on="query", delay_s=0.1), id="late"),
    ],
)
async def test_query_outlives(fault: Fault, client: Client, emulator: Emulator) -> None:
    emulator.faults.add(fault)
    answer = await client.get_task(ID)
    assert answer.output.task_status == "UNKNOWN"
    assert len(emulator.requests.of("query")) == (fault.times or 0) + 1


@pytest.mark.parametrize(
    ("fault", "error", "sent"),
    [
        pytest.param(ServerFault(on="query", times=9), ServerError, 5, id="503 for long"),
        pytest.param(RequestLost(on="query", times=9), NoAnswerError, 5, id="reset for long"),
        pytest.param(Throttle(on="query", times=9), ThrottledError, 5, id="throttled for long"),
        pytest.param(
            Throttle(on="query", times=9, retry_after_s=3600), ThrottledError, 1, id="for an hour"
        ),
        pytest.param(Malformed(on="query", times=9), ProtocolError, 1, id="half a JSON text"),
    ],
)
async def test_query_gives_up(
    fault: Fault, error: type[DashScopeError], sent: int, client: Client, emulator: Emulator
) -> None:
    emulator.faults.add(fault)
    with pytest.raises(error):
        await client.get_task(ID)
    assert len(emulator.requests.of("query")) == sent


async def test_wrong_key(make_client: Callable[..., Client], emulator: Emulator) -> None:
    client = make_client(api_key="no-such-key-at-all")
    with pytest.raises(AuthenticationError) as raised:
        await client.get_task(ID)
    assert raised.value.http_status == 401
    assert raised.value.request_id
    assert "no-such-key-at-all" not in str(raised.value)
    assert len(emulator.requests) == 1


async def test_wrong_path(make_client: Callable[..., Client], emulator: Emulator) -> None:
    client = make_client(base_url=emulator.base_url.replace("/api/v1", "/elsewhere"))
    with pytest.raises(NotFoundError):
        await client.get_task(ID)


# ── the network ──────────────────────────────────────────────────────────────────────────


@pytest.fixture
def closed_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


async def test_connection_refused(make_client: Callable[..., Client], closed_port: int) -> None:
    client = make_client(base_url=f"http://127.0.0.1:{closed_port}")
    with pytest.raises(NotSentError, match="query_task: ConnectError") as raised:
        await client.get_task(ID)
    assert raised.value.task_id == ID
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


async def test_tls_where_there_is_none(
    make_client: Callable[..., Client], emulator: Emulator
) -> None:
    client = make_client(base_url=emulator.base_url.replace("http://", "https://"))
    with pytest.raises(NotSentError):
        await client.get_task(ID)


@pytest.mark.parametrize(
    ("fault", "error", "sent"),
    [
        pytest.param(httpx.ConnectError("getaddrinfo failed"), NotSentError, 3, id="no such name"),
        pytest.param(httpx.ConnectTimeout("slow"), NotSentError, 3, id="connecting takes long"),
        pytest.param(httpx.PoolTimeout("full"), NotSentError, 3, id="no place in the pool"),
        pytest.param(httpx.ProxyError("407"), NotSentError, 3, id="proxy says no"),
        pytest.param(httpx.UnsupportedProtocol("x"), NotSentError, 3, id="unknown scheme"),
        pytest.param(httpx.ReadTimeout(""), NoAnswerError, 5, id="silence"),
        pytest.param(httpx.WriteError("x"), NoAnswerError, 5, id="broken while sending"),
        pytest.param(httpx.RemoteProtocolError("x"), NoAnswerError, 5, id="no HTTP"),
        pytest.param(httpx.DecodingError("x"), NoAnswerError, 5, id="broken compression"),
    ],
)
async def test_fault_of_the_network(
    fault: Exception,
    error: type[TransportError],
    sent: int,
    make_client: Callable[..., Client],
    emulator: Emulator,
) -> None:
    with respx.mock(assert_all_called=False) as network:
        route = network.get(f"{emulator.base_url}/tasks/{ID}").mock(side_effect=fault)
        with pytest.raises(error):
            await make_client().get_task(ID)
        assert route.call_count == sent


async def test_error_of_the_network_hides_the_key(
    make_client: Callable[..., Client], emulator: Emulator, key: str
) -> None:
    with respx.mock as network:
        fault = httpx.ConnectError(f"could not send Authorization: Bearer {key}")
        network.get(f"{emulator.base_url}/tasks/{ID}").mock(side_effect=fault)
        with pytest.raises(NotSentError) as raised:
            await make_client().get_task(ID)
    assert key not in str(raised.value)
    assert key not in repr(raised.value)
    assert raised.value.__context__ is None
    pickle.loads(pickle.dumps(raised.value))  # noqa: S301 - our own bytes


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirect_is_never_followed(
    status: int, make_client: Callable[..., Client], emulator: Emulator
) -> None:
    with respx.mock(assert_all_called=False) as network:
        network.get(f"{emulator.base_url}/tasks/{ID}").respond(
            status, headers={"location": "http://evil.example/"}
        )
        evil = network.get("http://evil.example/")
        with pytest.raises(ProtocolError, match="redirect"):
            await make_client().get_task(ID)
        assert evil.call_count == 0


async def test_answer_that_drips_for_ever(
    monkeypatch: pytest.MonkeyPatch, client: Client, emulator: Emulator
) -> None:
    monkeypatch.setattr("dashscope_aa._http.ANSWER_S", 0.5)
    emulator.faults.add(SlowBody(on="query", times=9, delay_s=1, piece_bytes=1))
    with pytest.raises(NoAnswerError, match="no whole answer within"):
        await client.get_task(ID)
    assert len(emulator.requests.of("query")) == 5


# ── connections ──────────────────────────────────────────────────────────────────────────


class Door:
    """A server that answers every request the same way and counts its connections."""

    def __init__(self) -> None:
        self.connections = 0
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        body = b'{"request_id":"r","output":{"task_id":"t","task_status":"RUNNING"}}'
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        with connection, suppress(OSError):
            connection.settimeout(20)
            while connection.recv(65536):
                with self._lock:
                    self.at_once += 1
                    self.most_at_once = max(self.most_at_once, self.at_once)
                threading.Event().wait(0.01)
                with self._lock:
                    self.at_once -= 1
                connection.sendall(answer)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


async def test_ten_calls_at_once_and_no_more(door: Door) -> None:
    async with Client("sk-any", base_url=door.base_url) as client:
        async with anyio.create_task_group() as group:
            for _ in range(60):
                group.start_soon(client.get_task, ID)
        assert door.most_at_once <= 10
        assert door.connections <= 10


async def test_paid_calls_never_ride_a_used_connection(door: Door) -> None:
    async with Client("sk-any", base_url=door.base_url) as client:
        await client.get_task(ID)
        await client.get_task(ID)
        assert door.connections == 1
        for _ in range(3):
            await client.create_template("https://host/a.mp4")
        assert door.connections == 4


async def test_client_made_outside_of_the_event_loop(emulator: Emulator, key: str) -> None:
    made: list[Client] = []
    maker = threading.Thread(target=lambda: made.append(Client(key, base_url=emulator.base_url)))
    maker.start()
    maker.join()
    async with made[0] as client:
        assert (await client.get_task(ID)).output.task_status == "UNKNOWN"


# ── cancelled ────────────────────────────────────────────────────────────────────────────


async def calls_cancelled(client: Client, *, rounds: int, rng: random.Random) -> None:
    """Cancel fifty calls at random moments, many times."""
    for _ in range(rounds):
        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(call_for, client, rng.random() * 0.03)


def open_files() -> int:
    """Count what this process holds open; 0 where nobody tells."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


async def call_for(client: Client, limit_s: float) -> None:
    with anyio.move_on_after(limit_s):
        await client.get_task(ID)


async def native_calls_cancelled(client: Client, *, rounds: int, rng: random.Random) -> None:
    """The same as asyncio's own programs do it."""
    for _ in range(rounds):
        calls = [asyncio.create_task(client.get_task(ID)) for _ in range(50)]
        for call in calls:
            asyncio.get_running_loop().call_later(rng.random() * 0.03, call.cancel)
        await asyncio.gather(*calls, return_exceptions=True)


@pytest.mark.parametrize(
    "pool",
    [
        pytest.param(None, id="own pool"),
        pytest.param(httpx.Limits(max_connections=10), id="pool of the user's"),
    ],
)
@pytest.mark.parametrize("native", [False, True], ids=["scopes", "native"])
async def test_storm_of_cancellations(
    *,
    pool: httpx.Limits | None,
    native: bool,
    anyio_backend: str,
    make_client: Callable[..., Client],
) -> None:
    if native and anyio_backend != "asyncio":
        pytest.skip("tasks of asyncio's own")
    transport = httpx.AsyncHTTPTransport(limits=pool) if pool else None
    client = make_client(transport=transport)
    await client.get_task(ID)
    before = open_files()
    storm = native_calls_cancelled if native else calls_cancelled
    await storm(client, rounds=20, rng=random.Random(7))  # noqa: S311 - no secret
    with anyio.fail_after(30):  # the emulator's ends, in this process too, close in their own time
        while open_files() - before > 2 * CALLS_AT_ONCE:  # noqa: ASYNC110 - nobody signals it
            await anyio.sleep(0.01)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(client.get_task, ID)


# ── in whose sight ───────────────────────────────────────────────────────────────────────


async def test_log_tells_what_happens_and_no_secret(
    client: Client,
    emulator: Emulator,
    portrait: Path,
    key: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    emulator.faults.add(ServerFault(on="policy"), RequestLost(on="upload"))
    await client.detect(portrait)
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "upload_policy: sending it again" in said
    assert "POST /services/aigc/image2video/aa-detect: HTTP 200" in said
    assert key not in said
    assert "Bearer" not in said
    for secret in ("Signature", "LTAIemulated"):
        assert secret not in said


# ── downloads and forms, one level below ─────────────────────────────────────────────────


@pytest.fixture
async def http(anyio_backend: str) -> AsyncIterator[Http]:
    async with Http() as http:
        yield http


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://[::1", id="half an address"),
        pytest.param("http://host..name/", id="empty part in the host"),
        pytest.param("http://" + "a" * 64 + ".name/", id="endless part in the host"),
        pytest.param("http://" + "a" * 70_000, id="too long"),
        pytest.param("gopher://host/", id="unknown scheme"),
        pytest.param("nothing", id="no URL"),
        pytest.param("", id="empty"),
    ],
)
async def test_url_that_is_none(url: str, http: Http, anyio_backend: str) -> None:
    if "name" in url and anyio_backend == "asyncio":
        pytest.skip("asyncio leaves it to the resolver to find fault with the name")
    with pytest.raises(NotSentError):
        async with http.download(url):
            pytest.fail("it was opened")

    async def body() -> AsyncIterator[bytes]:
        yield b""

    async with aclosing(body()) as empty:  # type: ignore[type-var] # a generator has aclose
        with pytest.raises(NotSentError):
            await http.post_form(url, body=empty, fill=anyio.sleep_forever, headers={})


async def test_download_left_early(http: Http, emulator: Emulator, clip: Path) -> None:
    url = emulator.host_file(clip)
    for _ in range(6):  # more often than there are places at once
        async with http.download(url) as answer:
            async for chunk in answer.chunks:
                assert chunk
                break
        with suppress(KeyError):
            async with http.download(url):
                raise KeyError
    async with http.download(url) as answer:
        got = b"".join([chunk async for chunk in answer.chunks])
    assert got == clip.read_bytes()
