"""The verbs of this package, each awaitable: they look into files in threads."""

from typing import TYPE_CHECKING, Literal, overload

from dashscope_aa._sources import ImageSource, VideoSource
from dashscope_aa.errors import SourceError
from dashscope_aa.media._facts import Facts, ImageFacts, Kind, Unreadable, VideoFacts
from dashscope_aa.media._probing.examine import examine

if TYPE_CHECKING:
    from dashscope_aa._http import FetchRange

__all__ = ["probe"]


# ── probe ────────────────────────────────────────────────────────────────────────────────


@overload
async def probe(
    source: ImageSource,
    *,
    kind: Literal["image"],
    allow_private: bool = False,
    isolate: bool = False,
    fetch: "FetchRange | None" = None,
) -> ImageFacts: ...


@overload
async def probe(
    source: VideoSource,
    *,
    kind: Literal["video"],
    allow_private: bool = False,
    isolate: bool = False,
    fetch: "FetchRange | None" = None,
) -> VideoFacts: ...


@overload
async def probe(
    source: ImageSource,
    *,
    kind: None = None,
    allow_private: bool = False,
    isolate: bool = False,
    fetch: "FetchRange | None" = None,
) -> Facts: ...


async def probe(
    source: ImageSource,
    *,
    kind: Kind | None = None,
    allow_private: bool = False,
    isolate: bool = False,
    fetch: "FetchRange | None" = None,
) -> Facts:
    """Find out what a picture or a clip is, without decoding it.

    What a header says is believed only where it can be: frames and times of a clip are counted.
    Of a large file at a URL some hundred kilobytes are read.

    Args:
        source: Path, bytes, binary file object, PIL image or http(s) URL.
        kind: What it should be, ``image`` or ``video``; None takes either.
        allow_private: True lets a URL lead to the own machine and network.
        isolate: True looks into it in a child process with limits of memory and time, for files
            from strangers; costs some tenths of a second.
        fetch: How to get ranges of a URL; None makes connections of its own.

    Raises:
        SourceError: it is missing, or cannot be read as what it should be; says what was found.
        TransportError: the network failed on the way to a URL.
    """
    found = await examine(
        source, kind=kind, allow_private=allow_private, isolate=isolate, fetch=fetch
    )
    if isinstance(found, Unreadable):
        raise SourceError(found.message, hint=found.hint)
    return found
