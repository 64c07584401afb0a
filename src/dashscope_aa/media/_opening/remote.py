"""Look into a picture or a clip at a URL, reading as little of it as will do.

The sample tables of a 200 MB mp4 are some hundred kilobytes, at its front or at its end; `Range`
requests fetch just those. Where the address leads is checked before each connection is made,
so that a stranger's URL does not become a look into the own network.
"""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import urljoin, urlsplit

from dashscope_aa._http import FetchRange
from dashscope_aa._protocol import Reply
from dashscope_aa.errors import ProtocolError, SourceError
from dashscope_aa.media._opening.addresses import public_address

__all__ = ["Remote", "locate", "shown_url"]

FIRST_BYTES: Final = 64 * 1024
"""How much the first request asks for: all of a small picture, the head of anything else."""

WHOLE_BYTES: Final = 32 * 1024 * 1024
"""How much is read at most of a file whose server knows no Range."""

READ_BYTES: Final = 16 * 1024 * 1024
"""How much is read at most of one URL, in all."""

_REDIRECTS: Final = 5
_REDIRECTED: Final = 3
_PORTS: Final = {"http": 80, "https": 443}


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
            raise SourceError(msg, hint="Download it, and give the file.")

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
            raise SourceError(msg, hint="Download it, and give the file.")
        answer = await self.fetch(self.url, start=start, stop=stop, address=self.address)
        if answer.status != HTTPStatus.PARTIAL_CONTENT or _total(answer) != self.size_bytes:
            msg = f"{shown_url(self.url)}: it changed while it was read (HTTP {answer.status})"
            raise SourceError(msg, hint="Try again, or download it and give the file.")
        return answer.body


async def locate(url: str, fetch: FetchRange, *, allow_private: bool) -> Remote:
    """Follow a URL to its file and read the first bytes of it.

    Raises:
        SourceError: it leads to a private address, nowhere, or in circles.
        TransportError: no answer came.
    """
    here = url
    for _ in range(_REDIRECTS + 1):
        address = None if allow_private else await _checked(here)
        answer = await fetch(here, start=0, stop=FIRST_BYTES, address=address)
        location = answer.headers.get("location")
        if answer.status // 100 == _REDIRECTED and location:
            here = urljoin(here, location)
            continue
        return await _remote(here, address, answer, fetch)
    msg = f"{shown_url(url)}: redirected more than {_REDIRECTS} times"
    raise SourceError(msg)


async def _checked(url: str) -> str:
    """Give the address to connect to, if the internet may be asked for it."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        msg = f"{shown_url(url)}: expected a URL with http or https and a host"
        raise SourceError(msg)
    return await public_address(parts.hostname, parts.port or _PORTS[parts.scheme])


async def _remote(url: str, address: str | None, answer: Reply, fetch: FetchRange) -> Remote:
    match answer.status:
        case HTTPStatus.PARTIAL_CONTENT:
            return Remote(
                url=url,
                address=address,
                size_bytes=_total(answer),
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
            raise SourceError(msg, hint="Open the URL in a browser; it may have expired.")


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


def _total(answer: Reply) -> int:
    """Read the size of the whole file from ``Content-Range: bytes 0-99/1234``."""
    total = answer.headers.get("content-range", "").rpartition("/")[2]
    if not total.isdecimal():
        msg = "a server answered a Range request without saying how large the file is"
        raise ProtocolError(msg)
    return int(total)


def shown_url(url: str) -> str:
    """Give a URL without what may be secret in it: user, query and fragment."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="", fragment="").geturl()
