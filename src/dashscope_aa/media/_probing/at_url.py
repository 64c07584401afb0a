"""Work on a file at a URL as if it were here: in a thread, which gets the bytes it asks for."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar, cast
from urllib.parse import unquote, urlsplit

import anyio.from_thread

from dashscope_aa._concurrency import in_thread
from dashscope_aa._http import FetchRange, ranges
from dashscope_aa.errors import SourceError
from dashscope_aa.media._opening.range_file import RangeFile
from dashscope_aa.media._opening.remote import Remote, locate, shown_url
from dashscope_aa.media._opening.safety import Subject, suffix_of

__all__ = ["located", "named", "through"]

ResultT = TypeVar("ResultT")


@asynccontextmanager
async def located(
    url: str, fetch: FetchRange | None, *, allow_private: bool
) -> AsyncGenerator[Remote, None]:
    """Find the file that a URL leads to; *fetch* None makes connections for the time of the block.

    Raises:
        SourceError: it leads nowhere, or where nothing may be read.
        TransportError: no answer came.
    """
    if url.lower().startswith("oss://"):
        msg = "an oss:// URL can be read by the service only"
        raise SourceError(msg, hint="Look into the file before it is uploaded.")
    async with AsyncExitStack() as stack:
        if fetch is None:
            fetch = await stack.enter_async_context(ranges())
        yield await locate(url, fetch, allow_private=allow_private)


def named(url: str) -> tuple[str, str | None]:
    """Give the name and the suffix of what is at a URL.

    The service judges by the suffix of the URL it is given, not of where that redirects to.
    """
    path = unquote(urlsplit(url).path)
    return Path(path).name or shown_url(url), suffix_of(path)


async def through(remote: Remote, url: str, work: Callable[[Subject], ResultT]) -> ResultT:
    """Do *work* in a thread, on a file whose bytes are fetched when they are read.

    Raises:
        SourceError: too much was read, or the file changed on the way.
        TransportError: no answer came.
    """
    return await in_thread(_worked, remote, named(url), work)


def _worked(
    remote: Remote, called: tuple[str, str | None], work: Callable[[Subject], ResultT]
) -> ResultT:
    def fetch(start: int, stop: int) -> bytes:
        anyio.from_thread.check_cancelled()
        return anyio.from_thread.run(remote.read, start, stop)

    name, suffix = called
    file = RangeFile(fetch, remote.size_bytes, head=remote.head)
    subject = Subject(
        name,
        cast("BinaryIO", file),
        remote.size_bytes,
        suffix,
        checkpoint=anyio.from_thread.check_cancelled,
        far=True,
    )
    try:
        return work(subject)
    finally:
        if file.fault is not None:
            raise file.fault
