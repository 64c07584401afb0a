"""From anything a user hands over to its facts: in a thread, in a child process, over a network.

`probe` raises for what cannot be read; a preflight wants it as a finding. Both start here.
"""

import sys
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, TypeGuard

import anyio
import anyio.from_thread

from dashscope_aa._concurrency import in_lane, in_thread
from dashscope_aa._http import FetchRange
from dashscope_aa._sources import ImageSource, is_url
from dashscope_aa.errors import SourceError
from dashscope_aa.media._facts import Facts, ImageFacts, Kind, Unreadable
from dashscope_aa.media._opening.remote import Remote
from dashscope_aa.media._opening.subjects import subject_of
from dashscope_aa.media._probing.at_url import located, named, through
from dashscope_aa.media._probing.isolate import Request, look_isolated
from dashscope_aa.media._probing.look import look

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["examine"]

_NO_RANGES = "the server answers no Range requests, so all of the file was read"


async def examine(
    source: ImageSource,
    *,
    kind: Kind | None = None,
    allow_private: bool = False,
    isolate: bool = False,
    fetch: FetchRange | None = None,
) -> Facts | Unreadable:
    """Find the facts of a source, or why there are none.

    Args:
        source: Path, bytes, binary file object, PIL image or http(s) URL.
        kind: What it should be; None takes either.
        allow_private: True lets URLs lead to the own machine and network.
        isolate: True looks into it in a child process with limits of memory and time.
        fetch: How to get ranges of a URL; None makes connections of its own.

    Raises:
        SourceError: it is missing, or of no kind that can be read, or a URL leads nowhere.
        TransportError: the network failed.
    """
    if _is_image(source):
        return await in_thread(_facts_of_image, source)
    if is_url(source):
        url = str(source)
        async with located(url, fetch, allow_private=allow_private) as remote:
            return await _look_far(remote, url, kind, isolate=isolate)
    if isinstance(source, str) and "://" in source:
        scheme = source.partition("://")[0]
        msg = f"it is given as a {scheme[:20]}:// URL; only http and https can be looked into"
        raise SourceError(msg, hint="Give a file's plain path, or an http(s) URL.")
    return await (_look_apart if isolate else _look_here)(source, kind)


def _is_image(source: object) -> "TypeGuard[Image]":
    # An image can only have come from Pillow, so it was imported if this is one.
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(source, module.Image)


def _facts_of_image(image: "Image") -> ImageFacts:
    from dashscope_aa.media._probing.image import facts_of_image  # noqa: PLC0415 - loads Pillow

    return facts_of_image(image)


# ── what is here ─────────────────────────────────────────────────────────────────────────


async def _look_here(source: object, kind: Kind | None) -> Facts | Unreadable:
    def work() -> Facts | Unreadable:
        with subject_of(source, checkpoint=anyio.from_thread.check_cancelled) as subject:
            return look(subject, kind)

    # What reads for a file object of the user's may wait for anything, and takes no lane meanwhile.
    return await (in_thread if hasattr(source, "read") else in_lane)(work)


async def _look_apart(source: object, kind: Kind | None) -> Facts | Unreadable:
    with ExitStack() as stack:
        opening = subject_of(source, checkpoint=lambda: None)
        subject = await in_thread(stack.enter_context, opening)
        path = str(subject.path.absolute()) if subject.path else None
        request = Request(
            subject.name, subject.size_bytes, subject.suffix, path, far=False, kind=kind
        )

        async def read(start: int, stop: int) -> bytes:
            return await in_thread(_read, subject.file, start, stop)

        return await look_isolated(request, read)


def _read(file: BinaryIO, start: int, stop: int) -> bytes:
    file.seek(start)
    return file.read(stop - start)


# ── what is at a URL ─────────────────────────────────────────────────────────────────────


async def _look_far(
    remote: Remote, url: str, kind: Kind | None, *, isolate: bool
) -> Facts | Unreadable:
    if isolate:
        name, suffix = named(url)
        request = Request(name, remote.size_bytes, suffix, None, far=True, kind=kind)
        found = await look_isolated(request, remote.read)
    else:
        found = await through(remote, url, lambda subject: look(subject, kind))
    if remote.has_ranges or isinstance(found, Unreadable):
        return found
    return replace(found, notes=(*found.notes, _NO_RANGES))
