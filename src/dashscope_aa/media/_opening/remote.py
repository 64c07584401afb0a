"""Look into a picture or a clip at a URL, reading as little of it as will do.

The sample tables of a 200 MB mp4 are some hundred kilobytes, at its front or at its end; `Range`
requests fetch just those. Where the address leads is checked before each connection is made,
so that a stranger's URL does not become a look into the own network.
"""

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import urljoin, urlsplit

import anyio

from dashscope_aa._http import FetchRange
from dashscope_aa._protocol import Reply
from dashscope_aa.errors import SourceError
from dashscope_aa.media._opening.addresses import public_address

__all__ = ["Remote", "locate", "shown_url"]

FIRST_BYTES: Final = 64 * 1024
"""How much the first request asks for: all of a small picture, the head of anything else."""

WHOLE_BYTES: Final = 32 * 1024 * 1024
"""How much is read at most of a file whose server knows no Range."""

READ_BYTES: Final = 16 * 1024 * 1024
"""How much is read at most of one URL, in all."""

TIME_S: Final = 60.0
"""How long is waited for what is read of one URL, in all."""

_REDIRECTS: Final = 5
_REDIRECTED: Final = 3
_PORTS: Final = {"http": 80, "https": 443}
_RANGE: Final = re.compile(r"bytes (?P<start>\d{1,18})-\d{1,18}/(?P<total>\d{1,18})", re.ASCII)

_DOWNLOAD: Final = "Download it, and give the file."
_EXPIRED: Final = "Open the URL in a browser; it may have expired."
_LATER: Final = "Try again later."


@dataclass(slots=True)
class Remote:
    """A file at a URL, located and ready to be read in ranges."""

    url: str
    """Where it really is, after all redirects."""
    address: str | None
    """Address that was checked; None where all are allowed."""
    size_bytes: int
    """Size of the whole file."""
    head: bytes
    """Its first bytes; all of it if the server knows no Range."""
    has_ranges: bool
    """True if the server answers Range requests."""
    fetch: FetchRange
    """How to get more."""
    read_bytes: int = field(default=0)
    """How much has been read."""

    def check_all_is_read(self, purpose: str) -> None:
        """Make sure that all of it may be read.

        Raises:
            SourceError: it is too large.
        """
        if self.has_ranges and self.size_bytes > READ_BYTES:
            msg = (
                f"{shown_url(self.url)}: {purpose} has to read all of its {self.size_bytes} bytes, "
                f"but at most {READ_BYTES} are read of a URL"
            )
            raise SourceError(msg, hint=_DOWNLOAD)

    async def read(self, start: int, stop: int) -> bytes:
        """Get the bytes from *start* up to *stop*.

        Raises:
            SourceError: too much was asked for in all, or the file changed on the way.
            TransportError: no answer came.
        """
        if stop <= len(self.head):
            return self.head[start:stop]
        self.read_bytes += stop - start
        if self.read_bytes > READ_BYTES:
            msg = f"{shown_url(self.url)}: more than {READ_BYTES} bytes of it would have to be read"
            raise SourceError(msg, hint=_DOWNLOAD)
        answer = await self.fetch(self.url, start=start, stop=stop, address=self.address)
        partial = answer.status == HTTPStatus.PARTIAL_CONTENT
        if not partial or _total(answer, self.url, start=start) != self.size_bytes:
            msg = f"{shown_url(self.url)}: it changed while it was read (HTTP {answer.status})"
            raise SourceError(msg, hint="Try again, or download it and give the file.")
        if len(answer.body) < stop - start:
            msg = (
                f"{shown_url(self.url)}: the server gave {len(answer.body)} of the "
                f"{stop - start} bytes from {start} on"
            )
            raise SourceError(msg, hint=_DOWNLOAD)
        return answer.body


async def locate(url: str, fetch: FetchRange, *, allow_private: bool) -> Remote:
    """Follow a URL to its file and read the first bytes of it.

    Raises:
        SourceError: it leads to a private address, nowhere, or in circles, or takes too long.
        TransportError: no answer came.
    """
    here, fetch = url, _patient(fetch)
    for _ in range(_REDIRECTS + 1):
        host, port = _place(here)
        address = None if allow_private else await public_address(host, port)
        answer = await fetch(here, start=0, stop=FIRST_BYTES, address=address)
        location = answer.headers.get("location")
        if answer.status // 100 == _REDIRECTED and location:
            here = urljoin(here, location)
            continue
        return await _remote(here, address, answer, fetch)
    msg = f"{shown_url(url)}: redirected more than {_REDIRECTS} times"
    raise SourceError(msg)


def _patient(fetch: FetchRange) -> FetchRange:
    """Give a `FetchRange` that gives up when all its waiting comes to `TIME_S`."""
    waited_s = 0.0

    async def patient(url: str, *, start: int, stop: int, address: str | None = None) -> Reply:
        nonlocal waited_s
        since_s = anyio.current_time()
        with anyio.move_on_after(TIME_S - waited_s):
            answer = await fetch(url, start=start, stop=stop, address=address)
            waited_s += anyio.current_time() - since_s
            return answer
        msg = f"{shown_url(url)}: what is needed of it did not come within {TIME_S:g} s"
        raise SourceError(msg, hint=_DOWNLOAD)

    return patient


def _place(url: str) -> tuple[str, int]:
    """Give host and port.

    Raises:
        SourceError: there is none that could be connected to.
    """
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        # Neither URL nor error is shown: what looks like a port may be a password.
        msg = "expected a URL, but the one given has no host and port that make sense"
        raise SourceError(msg, hint="Write it as https://host/path.") from None
    if scheme not in _PORTS or not host:
        msg = f"{shown_url(url)}: expected a URL with http or https and a host"
        raise SourceError(msg)
    return host, port or _PORTS[scheme]


async def _remote(url: str, address: str | None, answer: Reply, fetch: FetchRange) -> Remote:
    match answer.status:
        case HTTPStatus.PARTIAL_CONTENT:
            return Remote(
                url=url,
                address=address,
                size_bytes=_total(answer, url, start=0),
                head=answer.body,
                has_ranges=True,
                fetch=fetch,
                read_bytes=len(answer.body),
            )
        case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:  # the first byte of an empty file
            return Remote(url, address, 0, b"", has_ranges=True, fetch=fetch)
        case HTTPStatus.OK:
            return await _whole(url, address, answer, fetch)
        case status:
            msg = f"{shown_url(url)}: the server answered HTTP {status}"
            raise SourceError(msg, hint=_LATER if _is_passing(status) else _EXPIRED)


async def _whole(url: str, address: str | None, answer: Reply, fetch: FetchRange) -> Remote:
    """Read all of a small file whose server ignored the Range header."""
    stated = answer.headers.get("content-length", "")
    if stated.isdecimal() and int(stated) <= len(answer.body):
        body = answer.body
    elif stated.isdecimal() and int(stated) > WHOLE_BYTES:
        raise _too_much(url)
    else:
        again = await fetch(url, start=0, stop=WHOLE_BYTES + 1, address=address)
        body = again.body
        if len(body) > WHOLE_BYTES:
            raise _too_much(url)
    return Remote(url, address, len(body), body, has_ranges=False, fetch=fetch)


def _too_much(url: str) -> SourceError:
    return SourceError(
        f"{shown_url(url)}: the server knows no Range requests, and the file is larger than "
        f"{WHOLE_BYTES} bytes",
        hint="Download it and give the file, or put it where Range requests are answered.",
    )


def _is_passing(status: int) -> bool:
    """Tell whether the same request may be answered better later."""
    return status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _total(answer: Reply, url: str, *, start: int) -> int:
    """Read the size of the whole file from ``Content-Range: bytes 0-99/1234``.

    Raises:
        SourceError: it is not told, or these are not the bytes from *start* on.
    """
    told = _RANGE.fullmatch(answer.headers.get("content-range", ""))
    if told is None or int(told["start"]) != start:
        msg = (
            f"{shown_url(url)}: the server answered a Range request without saying which bytes "
            "these are and how many there are"
        )
        raise SourceError(msg, hint=_DOWNLOAD)
    return int(told["total"])


def shown_url(url: str) -> str:
    """Give a URL without what may be secret in it: user, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the URL given"
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="", fragment="").geturl()
