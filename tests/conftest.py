"""What every test gets: both event loops, an empty environment, and no network but loopback."""

import ipaddress
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("dashscope-aa", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("dashscope-aa")

PREFIXES = ("DASHSCOPE_", "ALIBABA_CLOUD_", "ALICLOUD_")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(
    scope="module",
    params=[pytest.param("asyncio", id="asyncio"), pytest.param("trio", id="trio")],
)
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Run every async test on both event loops."""
    return str(request.param)


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hold the home of each test, in one place: pytest looks through its own at each new folder."""
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(autouse=True)
def _clean_environment(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, homes: Path
) -> None:
    """Let no key, setting or proxy of the machine reach a test, except the live ones."""
    if request.node.get_closest_marker("live"):
        return
    for name in list(os.environ):
        if name.upper().startswith(PREFIXES) or name.upper() in PROXIES:
            monkeypatch.delenv(name)
    home = tempfile.mkdtemp(dir=homes)
    monkeypatch.setenv("HOME", home)
    monkeypatch.setenv("USERPROFILE", home)


class _NetworkGuard:
    """An audit hook (they cannot be removed, so it has a switch) that refuses far hosts."""

    closed = False

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.closed or event not in {"socket.getaddrinfo", "socket.connect"}:
            return
        host = args[0] if event == "socket.getaddrinfo" else args[1]
        if isinstance(host, tuple):
            host = host[0]
        if not _is_loopback(host):
            msg = f"a test may talk to loopback only, but this one asks for {host!r}"
            raise RuntimeError(msg)


def _is_loopback(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if not isinstance(name, str) or name in {"", "localhost"} or name.startswith("/"):
        return True  # no host at all, or a socket in the file system
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


_guard = _NetworkGuard()
sys.addaudithook(_guard)


@pytest.fixture(autouse=True)
def _loopback_only(request: pytest.FixtureRequest) -> Iterator[None]:
    """Refuse connections and name look-ups beyond this machine."""
    marked = (request.node.get_closest_marker(name) for name in ("live", "official"))
    _guard.closed = not any(marked)
    yield
    _guard.closed = False
