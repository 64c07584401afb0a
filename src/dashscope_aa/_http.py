"""The one module that knows httpx: send a call, send it again by rule, stream bytes.

Each kind of traffic has a lane: a connection pool with a gate in front of it. httpx 0.28's pool
slows down when many requests queue in it and loses places when they are cancelled there
(encode/httpcore issue 830), so none ever queue in it: the gate lets in as many as may be under
way, and the pool itself has no limit.
"""

import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, Self

import anyio
import httpx
from anyio.lowlevel import current_token

from dashscope_aa._concurrency import apart, beside, in_thread, jitter
from dashscope_aa._protocol import USER_AGENT, Call, Reply, mask, refusal
from dashscope_aa._schedule import Retries
from dashscope_aa.errors import (
    ConfigurationError,
    DashScopeError,
    InputError,
    NoAnswerError,
    NotSentError,
    TransportError,
)

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

log = logging.getLogger("dashscope_aa")

CALLS_AT_ONCE: Final = 10
TRANSFERS_AT_ONCE: Final = 4
ANSWER_S: Final = 120.0
"""How long one call may take in all: a body that drips for ever is no answer."""

_CONNECT_S: Final = 10.0
_SILENCE_S: Final = 60.0
# Idle connections are given up before the gateway closes them: a request sent into a
# connection that is being closed has no certain outcome.
_KEEPALIVE_S: Final = 5.0
_UNWIND_S: Final = 1.0
_RANGE_S: Final = 30.0

ONCE: Final = Retries(attempts=1)
READ_RETRIES: Final = Retries(attempts=5)
SUBMIT_RETRIES: Final = Retries(attempts=8, first_s=1.0)


@lru_cache(maxsize=1)
def _tls() -> "ssl.SSLContext":
    """Share one TLS context: each costs some 20 ms to make."""
    return httpx.create_ssl_context()


class _Lane:
    """A pool and the gate in front of it."""

    # "anyio.Semaphore" is a string: anyio loads a third of itself when the name is first looked
    # at, and an import of this package need not.
    def __init__(
        self, gate: "anyio.Semaphore", *, keep: int, transport: httpx.AsyncBaseTransport | None
    ) -> None:
        self.gate = gate
        try:
            self.client = httpx.AsyncClient(
                transport=transport and _Lent(transport),
                verify=_tls(),
                timeout=httpx.Timeout(_SILENCE_S, connect=_CONNECT_S, pool=None),
                limits=httpx.Limits(
                    max_connections=None,
                    max_keepalive_connections=keep,
                    keepalive_expiry=_KEEPALIVE_S,
                ),
                headers={"User-Agent": USER_AGENT},
            )
        except (ValueError, ImportError, OSError, httpx.InvalidURL) as error:
            said = f"a proxy or a certificate file in the environment cannot be used: {error}"
        else:
            return
        raise ConfigurationError(said, hint="Look at HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE.")


class _Lent(httpx.AsyncBaseTransport):
    """A transport that several lanes use and none of them closes."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._transport.handle_async_request(request)
        except _NOT_SENT as error:
            # One that rides on another library may call anything a failed connection: to
            # httpx-aiohttp it is one if the server hangs up after the whole request.
            cause = error.__cause__
            if cause is None or type(cause).__module__.startswith("httpcore"):
                raise
            raise httpx.NetworkError(str(error), request=request) from error


class Download(NamedTuple):
    """An answer whose body is still coming."""

    status: int
    """HTTP status."""
    headers: Mapping[str, str]
    """Header names in lower case."""
    chunks: AsyncIterator[bytes]
    """The body."""


class Http:
    """Everything that goes over the network goes through here."""

    def __init__(self, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
        calls = anyio.Semaphore(CALLS_AT_ONCE, fast_acquire=True)
        # Behind a transport of the user's may stand a single pool: then one gate serves all.
        submits = calls if transport else anyio.Semaphore(CALLS_AT_ONCE, fast_acquire=True)
        transfers = calls if transport else anyio.Semaphore(TRANSFERS_AT_ONCE, fast_acquire=True)
        self._calls = _Lane(calls, keep=CALLS_AT_ONCE, transport=transport)
        # A paid call never rides a used connection: if the other side has just closed it,
        # nobody knows whether the call arrived.
        self._submits = _Lane(submits, keep=0, transport=transport)
        self._dated = ("", 0.0)
        self._closed = False
        self._loop: object = None
        self._transfers = _Lane(transfers, keep=TRANSFERS_AT_ONCE, transport=transport)

    @property
    def ahead(self) -> timedelta:
        """How far the service's clock is ahead of ours, by its last answer; 0 before the first."""
        said, at = self._dated
        try:
            return parsedate_to_datetime(said) - datetime.fromtimestamp(at, UTC)
        except (ValueError, TypeError):
            return timedelta(0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        self._closed = True
        with anyio.CancelScope(shield=True):
            for lane in (self._calls, self._submits, self._transfers):
                await lane.client.aclose()
            if self._transport is not None:
                await self._transport.aclose()

    async def send(self, call: Call, retries: Retries = READ_RETRIES) -> Reply:
        """Send a call, and send it again where the rules allow; give the answer that says yes.

        Raises:
            ServiceError: the service said no.
            NotSentError: the call never left.
            NoAnswerError: it left, and no whole answer came.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                async with self.place(call):
                    return await apart(partial(self.once, call))
            except DashScopeError as error:
                pause_s = retries.pause_s(
                    attempt, error, safe=not call.endpoint.paid, jitter=jitter()
                )
                if pause_s is None:
                    raise
                log.info(
                    "%s: sending it again in %.1f s, after %s",
                    call.endpoint.name,
                    pause_s,
                    type(error).__name__,
                )
            await anyio.sleep(pause_s)

    def check_usable(self) -> None:
        """Refuse what httpx would fail at in words of its own, or hang in.

        Raises:
            InputError: it has been closed, or belongs to another event loop.
        """
        if self._closed:
            raise InputError("the client is closed", hint="Use it within its `async with` block.")
        loop = current_token()
        self._loop = self._loop or loop
        if loop != self._loop:
            msg = "the client belongs to the event loop that it was first used in"
            raise InputError(msg, hint="Make one client for each event loop.")

    def place(self, call: Call) -> AbstractAsyncContextManager[object]:
        """Wait for a place among the calls of its kind, and hold it: then it can leave at once.

        Raises:
            InputError: the client is closed, or belongs to another event loop.
        """
        self.check_usable()
        return self._lane(call).gate

    async def once(self, call: Call) -> Reply:
        """Send a call that has a place, once; give the answer if it says yes.

        To be run in a task of its own: see `apart`.

        Raises:
            ServiceError: the service said no.
            NotSentError: the call never left.
            NoAnswerError: it left, and no whole answer came.
        """
        started = time.monotonic()
        with anyio.move_on_after(ANSWER_S):
            reply = await _asked(self._lane(call).client, call)
            self._dated = (reply.headers.get("date", ""), time.time())
            log.debug(
                "%s %s: HTTP %d in %.3f s, request %s",
                call.endpoint.method,
                call.endpoint.path,
                reply.status,
                time.monotonic() - started,
                reply.headers.get("x-request-id"),
            )
            if (error := refusal(call, reply)) is not None:
                raise error
            return reply
        msg = f"{call.endpoint.name}: no whole answer within {ANSWER_S:.0f} s"
        raise NoAnswerError(msg, task_id=call.task_id)

    def _lane(self, call: Call) -> _Lane:
        return self._submits if call.endpoint.paid else self._calls

    @asynccontextmanager
    async def download(
        self, url: str, *, headers: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Download, None]:
        """Read a URL that anyone may read. The key is not sent, wherever it redirects.

        Raises:
            TransportError: the network failed, before or in the middle.
        """
        self.check_usable()
        fault: TransportError | None = None
        async with self._transfers.gate:
            try:
                async with _streamed(
                    self._transfers.client,
                    url,
                    headers={"Accept-Encoding": "identity", **(headers or {})},
                    follow_redirects=True,
                ) as response:
                    # No aiter_raw: mocks of httpx give whole answers, which it refuses to read.
                    chunks = response.aiter_bytes()
                    try:
                        yield Download(response.status_code, response.headers, chunks)
                    finally:
                        await _unwind(response, chunks)
            except _FAULTS as error:
                fault = _fault(f"downloading from {_host(url)}", error)
        if fault is not None:
            raise fault

    async def post_form(
        self,
        url: str,
        *,
        body: AsyncIterator[bytes],
        fill: Callable[[], Awaitable[object]],
        headers: Mapping[str, str],
    ) -> Reply:
        """Post a body that is streamed, and that *fill* makes meanwhile. The key is not sent.

        Raises:
            TransportError: the network failed, before or in the middle.
        """
        self.check_usable()
        async with self._transfers.gate:
            client = self._transfers.client
            try:
                request = client.build_request("POST", url, content=body, headers=headers)
                request.stream = _Body(body)
                response = await beside(fill, partial(client.send, request))
            except _FAULTS as error:
                fault = _fault(f"uploading to {_host(url)}", error)
            else:
                return Reply(response.status_code, response.headers, response.content)
        raise fault


class FetchRange(Protocol):
    """One GET with a Range header, following no redirect and bringing no key."""

    async def __call__(
        self, url: str, *, start: int, stop: int, address: str | None = None
    ) -> Reply:
        """Ask for the bytes from *start* up to *stop*, and read no more than that many.

        Args:
            url: What to get.
            start: First byte.
            stop: Offset behind the last byte.
            address: IP address to connect to in place of the URL's host; None: resolve it.

        Raises:
            TransportError: no answer came.
        """
        ...


@asynccontextmanager
async def ranges(
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncGenerator[FetchRange, None]:
    """Give a `FetchRange`, for as long as the block lasts.

    Proxies of the environment are not used: an address that was checked is connected to itself.
    """
    timeout = httpx.Timeout(_RANGE_S, connect=_CONNECT_S)
    tls = await in_thread(_tls)
    async with httpx.AsyncClient(
        transport=transport, timeout=timeout, verify=tls, trust_env=False
    ) as client:

        async def fetch(url: str, *, start: int, stop: int, address: str | None = None) -> Reply:
            try:
                return await _range(client, httpx.URL(url), range(start, stop), address)
            except _FAULTS as error:
                fault = _fault(f"reading from {_host(url)}", error)
            raise fault

        yield fetch


async def _range(
    client: httpx.AsyncClient, url: httpx.URL, wanted: range, address: str | None
) -> Reply:
    # The connection goes to the checked address; name and certificate stay the URL's.
    headers = {
        "Range": f"bytes={wanted.start}-{wanted.stop - 1}",
        "Accept-Encoding": "identity",
        "Host": url.netloc.decode("ascii"),
    }
    target = url.copy_with(host=address) if address else url
    extensions = {"sni_hostname": url.host}
    async with _streamed(client, target, headers=headers, extensions=extensions) as response:
        body = bytearray()
        # Leaving httpx's iterators early does not close them all; a cancellation does.
        with anyio.CancelScope() as reading:
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > len(wanted):
                    reading.cancel()
        return Reply(response.status_code, response.headers, bytes(body[: len(wanted)]))


async def _unwind(response: httpx.Response, chunks: AsyncIterator[bytes]) -> None:
    """Close a response that may be half read, and let the generators behind it come to an end.

    httpx and httpcore nest them, and closing the outermost leaves the others to be collected as
    garbage, which trio warns of. Read on after the end, all of them meet the error.
    """
    with anyio.move_on_after(_UNWIND_S, shield=True):
        await response.aclose()
        with suppress(httpx.RequestError, httpx.StreamError):
            async for _ in chunks:
                pass


class _Body(httpx.AsyncByteStream):
    """A body as it comes; httpx's own wraps it in a generator, which trio sees left unfinished."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks


class _Once(AsyncIterator[bytes]):
    """A body that is there already, in one piece."""

    def __init__(self, body: bytes) -> None:
        self._left = body

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        body, self._left = self._left, b""
        return body


@asynccontextmanager
async def _streamed(
    client: httpx.AsyncClient,
    url: httpx.URL | str,
    *,
    headers: Mapping[str, str],
    extensions: Mapping[str, object] | None = None,
    follow_redirects: bool = False,
) -> AsyncGenerator[httpx.Response, None]:
    """Get a URL whose body is read piece by piece."""
    request = client.build_request("GET", url, headers=headers, extensions=dict(extensions or {}))
    request.stream = _Body(_Once(b""))
    response = await client.send(request, stream=True, follow_redirects=follow_redirects)
    try:
        yield response
    finally:
        await response.aclose()


async def _asked(client: httpx.AsyncClient, call: Call) -> Reply:
    try:
        request = client.build_request(
            call.endpoint.method, call.url, content=call.body or None, headers=call.headers
        )
        request.stream = _Body(_Once(call.body))
        response = await client.send(request)
    except _FAULTS as error:
        fault = _fault(call.endpoint.name, error, task_id=call.task_id)
    else:
        return Reply(response.status_code, response.headers, response.content)
    # Raised out here, so that httpx's error, which holds the request and with it the key,
    # is no part of ours.
    raise fault


_NOT_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
    UnicodeError,  # of a host name with an empty or an endless part
)
_FAULTS: Final = (httpx.RequestError, *_NOT_SENT)


def _fault(what: str, error: Exception, *, task_id: str | None = None) -> TransportError:
    kind: Callable[..., TransportError] = (
        NotSentError if isinstance(error, _NOT_SENT) else NoAnswerError
    )
    said = mask(str(error)) or "no details"
    return kind(f"{what}: {type(error).__name__}: {said}", task_id=task_id)


def _host(url: str) -> str:
    try:
        return httpx.URL(url).host or "nowhere"
    except httpx.InvalidURL:
        return "nowhere"
