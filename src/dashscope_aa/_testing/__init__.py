"""What the pytest plugin hands out: the service, an isolated library, files, troubles.

The plugin itself is `pytest_dashscope_aa`, outside of this package: pytest imports it in every
run wherever it is installed, and must not pay for the library in runs that do not use it.
"""

import ipaddress
import os
import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, ParamSpec

import httpx
import pytest

from dashscope_aa import Schedule, _config, _http
from dashscope_aa._http import Http
from dashscope_aa._schedule import Retries
from dashscope_aa.emulator import (
    AnswerLost,
    Emulator,
    Fault,
    RequestLost,
    ServerFault,
    SlowHeaders,
    Throttle,
    Truncated,
    UrlExpired,
)
from dashscope_aa.media._probing import at_url

P = ParamSpec("P")

KEY: Final = "sk-emulated"
"""The key of the tests; it opens nothing but the emulator."""

MEDIA: Final = Path(__file__).parent
"""Where the sample files are: within every limit, and small."""

_PREFIXES: Final = ("DASHSCOPE_", "ALIBABA_CLOUD_", "ALICLOUD_")

TROUBLES: Final[dict[str, Fault]] = {
    "throttled": Throttle(times=2),
    "down while waiting": ServerFault(on={"query", "list"}, times=3),
    "answer lost while waiting": AnswerLost(on={"query", "list"}, times=2),
    "upload cut off": RequestLost(on="upload"),
    "download cut off": Truncated(on="download"),
    "result expired": UrlExpired(on="download"),
    "slow": SlowHeaders(delay_s=0.1, times=3),
}
"""What a program has to live through without noticing: the library deals with each of them."""


@contextmanager
def emulated(*, speed: float) -> Generator[Emulator]:
    """Run the service, and let nothing that this library sends go anywhere else.

    No limits on how often, and no tasks that run longer than their film takes to make: a test
    that wants either sets the switch. Pauses of the library are *speed* times shorter.
    """
    emulator = Emulator(queries_per_s=None, submits_per_s=None, policies_per_s=None, run_s=0.0)
    with emulator, pytest.MonkeyPatch.context() as patch:
        _isolate(patch, base_url=emulator.base_url)
        _hurry(patch, speed=speed)
        yield emulator


# ── nothing gets in, nothing gets out ────────────────────────────────────────────────────


def _isolate(patch: pytest.MonkeyPatch, *, base_url: str) -> None:
    """Hide keys and settings of the machine, and keep requests on it."""
    for name in list(os.environ):
        if name.upper().startswith(_PREFIXES):
            patch.delenv(name)
    patch.setenv("DASHSCOPE_API_KEY", KEY)
    patch.setenv("DASHSCOPE_HTTP_BASE_URL", base_url)
    # A test that takes the key away must not find that of whoever runs it in a file.
    patch.setattr(_config, "_KEY_FILES", {})
    patch.setattr(Http, "__init__", _at_home(Http.__init__))
    patch.setattr(at_url, "ranges", lambda: _http.ranges(Loopback()))


def _at_home(make: Callable[..., None]) -> Callable[..., None]:
    """Send what would find its own way through `Loopback`; a transport of the test's is kept."""

    def at_home(self: Http, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        make(self, transport=transport or Loopback())

    return at_home


class Loopback(httpx.AsyncBaseTransport):
    """Reaches this machine only, and keeps no connection open behind a request.

    So a client need not be closed in the event loop that it was used in, which no plugin for
    asynchronous tests shares with the fixtures of another.
    """

    def __init__(self) -> None:
        self._network = httpx.AsyncHTTPTransport(
            # Certificates for this machine are rare, and the known authorities take 20 ms to load.
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, unless it would leave the machine."""
        host = request.url.host
        if not is_loopback(host):
            msg = (
                f"a test that uses the emulator sends nothing beyond this machine, but this one"
                f" asks for {host!r}: give the client Client(transport=…) if it has to"
            )
            raise RuntimeError(msg)
        return await self._network.handle_async_request(request)

    async def aclose(self) -> None:
        """Close it."""
        await self._network.aclose()


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine; names but ``localhost`` are not looked up."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# ── no test waits long ───────────────────────────────────────────────────────────────────


def _hurry(patch: pytest.MonkeyPatch, *, speed: float) -> None:
    """Shorten the pauses before queries and before sending again; how often stays as it is."""
    if not speed > 0:
        msg = f"dashscope_speed must be more than 0, but is {speed!r}: 1 for pauses as they are"
        raise ValueError(msg)
    patch.setattr(Schedule, "pause_s", _shortened(Schedule.pause_s, speed=speed))
    patch.setattr(Retries, "pause_s", _shortened(Retries.pause_s, speed=speed))


def _shortened(decide: Callable[P, float | None], *, speed: float) -> Callable[P, float | None]:
    def pause_s(*args: P.args, **facts: P.kwargs) -> float | None:
        pause = decide(*args, **facts)
        return None if pause is None else pause / speed

    return pause_s
