"""Download the files a request names, the way the service does.

Plain `http.client` in a worker thread: with its own time-out, its own bound on bytes, few
redirects, and no scheme but http and https.

Source: S1 and S2 (60 s for a video, 10 s for an image), ERR (``DashScopeUserBot``).
"""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from dashscope_aa.emulator._answers import TOO_SLOW, UNREACHABLE, Refused
from dashscope_aa.emulator._limits import FETCH_REDIRECTS

USER_AGENT: Final = "Mozilla/5.0 (compatible; DashScopeUserBot/1.0; emulated)"
CHUNK_BYTES: Final = 256 * 1024
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
_SAFE: Final = "!#$%&'()*+,/:;=?@[]~"


class Fetcher:
    """Downloads files; `stop` breaks off whatever is under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[http.client.HTTPConnection] = set()
        self._stopped = False

    def fetch(self, url: str, target: Path, *, timeout_s: float, max_bytes: int) -> None:
        """Download *url* to *target*; a longer file is cut off just after *max_bytes*."""
        deadline = time.monotonic() + timeout_s
        try:
            self._follow(url, target, deadline=deadline, max_bytes=max_bytes)
        except TimeoutError:
            raise Refused(TOO_SLOW.filled(url)) from None
        except (OSError, http.client.HTTPException, ValueError):
            raise Refused(UNREACHABLE.filled(url)) from None

    def stop(self) -> None:
        """Break off every download, and refuse later ones."""
        with self._lock:
            self._stopped = True
            for connection in self._open:
                if connection.sock is not None:
                    with contextlib.suppress(OSError):
                        connection.sock.shutdown(socket.SHUT_RDWR)

    def _follow(self, url: str, target: Path, *, deadline: float, max_bytes: int) -> None:
        for _ in range(FETCH_REDIRECTS + 1):
            moved_to = self._get(url, target, deadline=deadline, max_bytes=max_bytes)
            if moved_to is None:
                return
            url = urljoin(url, moved_to)
        raise OSError("too many redirects")

    def _get(self, url: str, target: Path, *, deadline: float, max_bytes: int) -> str | None:
        """Get one URL into *target*; give the place it points to if it is a redirect."""
        connection = _connection(url, timeout_s=_left(deadline))
        with self._lock:
            if self._stopped:
                raise OSError("stopped")
            self._open.add(connection)
        try:
            connection.request("GET", _path(url), headers={"User-Agent": USER_AGENT})
            with connection.getresponse() as response:
                if response.status in _MOVED:
                    return response.headers.get("Location", "")
                if response.status != http.client.OK:
                    raise OSError(response.status)
                _save(response, target, connection, deadline=deadline, max_bytes=max_bytes)
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()
        return None


def _connection(url: str, *, timeout_s: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(url)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=timeout_s, context=context
        )
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)


def _path(url: str) -> str:
    parts = urlsplit(url)
    path = quote(parts.path or "/", safe=_SAFE)
    return f"{path}?{quote(parts.query, safe=_SAFE)}" if parts.query else path


def _left(deadline: float) -> float:
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _save(
    response: http.client.HTTPResponse,
    target: Path,
    connection: http.client.HTTPConnection,
    *,
    deadline: float,
    max_bytes: int,
) -> None:
    """Copy the body to *target*, as long as there is time and room."""
    size_bytes = 0
    with target.open("wb") as file:
        while size_bytes <= max_bytes:
            if connection.sock is not None:
                connection.sock.settimeout(_left(deadline))
            chunk = response.read1(CHUNK_BYTES)
            if not chunk:
                break
            size_bytes += len(chunk)
            file.write(chunk)
    if response.length not in (None, 0) and size_bytes <= max_bytes:
        raise http.client.IncompleteRead(b"")
