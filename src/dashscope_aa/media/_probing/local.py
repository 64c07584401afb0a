"""Sources that can be read here, whatever they were handed over as."""

import os
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final, cast

from dashscope_aa._sources import ImageSource, MediaFile, is_url, opened
from dashscope_aa.errors import SourceError
from dashscope_aa.media._facts import Facts, Kind, Unreadable
from dashscope_aa.media._opening.remote import shown_url
from dashscope_aa.media._opening.safety import NotReadable, Subject, recognise
from dashscope_aa.media._opening.sniff import Format
from dashscope_aa.media._probing.look import look

__all__ = ["KINDS_BY_SUFFIX", "readable", "refuse_url", "seen", "shown_name", "told_of"]

KINDS_BY_SUFFIX: Final[dict[str | None, Kind]] = {
    **dict.fromkeys((".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".heic", ".avif"), "image"),
    **dict.fromkeys((".mp4", ".mov", ".avi", ".mkv", ".webm", ".flv", ".wmv", ".ts"), "video"),
}
"""What a name promises, for files whose content tells nothing."""


@asynccontextmanager
async def readable(source: ImageSource, kind: Kind) -> AsyncGenerator[ImageSource, None]:
    """Give a path, URL, bytes or file object; what is none of these is put into a file.

    Raises:
        SourceError: it is of no kind that can be read.
    """
    if isinstance(source, MediaFile):
        yield source.path
    elif isinstance(source, str | os.PathLike | bytes | bytearray | memoryview) or callable(
        getattr(source, "read", None)
    ):
        yield source
    else:
        # A PIL image is judged as what is uploaded of it.
        async with opened(source, role=kind) as media:
            yield cast("MediaFile", media).path


def refuse_url(source: object, verb: str) -> None:
    """Make sure that *source* is here.

    Raises:
        SourceError: it is a URL.
    """
    if is_url(source):
        msg = f"{verb} needs the file itself, but was given the URL {shown_url(str(source))}"
        raise SourceError(msg, hint="Download it first.")


def seen(subject: Subject, kind: Kind | None) -> tuple[Format, Facts]:
    """Recognise a subject and find its facts. Waits for disk and codec: use a thread.

    Raises:
        SourceError: it cannot be read as what it should be.
    """
    facts = look(subject, kind)
    if isinstance(facts, Unreadable):
        raise SourceError(facts.message, hint=facts.hint)
    return recognise(subject, kind), facts


@contextmanager
def told_of(name: str) -> Generator[None]:
    """Raise what is wrong with the source of that name as users know it.

    Raises:
        SourceError: it cannot be read.
    """
    try:
        yield
    except NotReadable as error:
        raise SourceError(f"{name}: {error}", hint=error.hint) from error


def shown_name(source: object) -> str:
    """Give a short name for a source, without what may be secret in a URL."""
    if is_url(source):
        return shown_url(str(source))
    if isinstance(source, MediaFile):
        return source.path.name
    if isinstance(source, str | os.PathLike):
        return Path(cast("str | os.PathLike[str]", source)).name
    name: object = getattr(source, "name", None)
    if isinstance(name, str):
        return Path(name).name
    return f"the {type(source).__name__} given"
