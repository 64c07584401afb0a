"""Judge pictures and clips before anything is sent."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from dashscope_aa._concurrency import together
from dashscope_aa._engines import AnimateAnyone, Engine, checked_engine
from dashscope_aa._sources import ImageSource, MediaFile, VideoSource, is_url
from dashscope_aa.errors import InputError
from dashscope_aa.media._facts import Content, Facts, Kind, Unreadable, VideoFacts
from dashscope_aa.media._judging.findings import Finding, Setting, role_of
from dashscope_aa.media._judging.judge import judge
from dashscope_aa.media._judging.rules import TEMPLATE_VIDEO
from dashscope_aa.media._judging.rules_content import content_findings
from dashscope_aa.media._opening.safety import Subject
from dashscope_aa.media._opening.subjects import subject_of
from dashscope_aa.media._probing.at_url import located, through
from dashscope_aa.media._probing.examine import examine
from dashscope_aa.media._probing.local import (
    KINDS_BY_SUFFIX,
    readable,
    seen,
    shown_name,
    told_of,
)
from dashscope_aa.media._reporting.checked import Checked
from dashscope_aa.media._reporting.report import Report
from dashscope_aa.media._worker import Checkpoint, in_stoppable_thread

if TYPE_CHECKING:
    from dashscope_aa._http import FetchRange

__all__ = ["check", "check_content", "preflight"]


async def preflight(  # noqa: PLR0913 - one argument a choice; all but engine have defaults
    image: ImageSource | None = None,
    video: VideoSource | None = None,
    *,
    engine: Engine,
    content: bool = False,
    bodystyle: str | None = None,
    allow_private: bool = False,
    isolate: bool = False,
    fetch: "FetchRange | None" = None,
) -> Report:
    """Look at a picture, a clip or both, and say all that is wrong with them for *engine*.

    Nothing is sent, and nothing is decoded unless *content* asks for it.

    Args:
        image: Path, bytes, binary file object, PIL image or http(s) URL.
        video: The same without PIL.
        engine: What they are for: its models decide the limits.
        content: True looks for cuts in a clip for AnimateAnyone and at its first frame, which
            means decoding it; of a clip at a URL all is read for that, if it is not too large.
        bodystyle: What the image check said (``full`` or ``half``), for advice about it.
        allow_private: True lets a URL lead to the own machine and network.
        isolate: True looks in a child process, for files from strangers.
        fetch: How to get ranges of a URL; None makes connections of its own.

    Raises:
        InputError: neither is given, or *engine* is none.
        SourceError: one is missing, of no kind that can be looked at, or a URL leads nowhere;
            or *content* is asked of a large clip at a URL, or of one that cannot be decoded.
        TransportError: the network failed on the way to a URL.
    """
    if image is None and video is None:
        raise InputError("preflight needs an image, a video or both")
    desk = _Desk(
        engine=checked_engine(engine),
        content=content,
        bodystyle=bodystyle,
        look=partial(examine, allow_private=allow_private, isolate=isolate, fetch=fetch),
        watch=partial(_watched, allow_private=allow_private, fetch=fetch),
    )
    picture, clip = await together(
        partial(desk.check, image, kind="image"), partial(desk.check, video, kind="video")
    )
    return Report(image=picture, video=clip)


async def check(  # noqa: PLR0913 - one argument a choice; all but engine have defaults
    source: ImageSource,
    *,
    engine: Engine,
    content: bool = False,
    allow_private: bool = False,
    isolate: bool = False,
    fetch: "FetchRange | None" = None,
) -> Report:
    """Look at one source, a picture or a clip, whichever it turns out to be.

    Arguments and errors are those of `preflight`.
    """
    look = partial(examine, allow_private=allow_private, isolate=isolate, fetch=fetch)
    watch = partial(_watched, allow_private=allow_private, fetch=fetch)
    desk = _Desk(
        engine=checked_engine(engine), content=content, bodystyle=None, look=look, watch=watch
    )
    checked = await desk.check(source, kind=None)
    if checked is None or checked.kind == "video":
        return Report(video=checked)
    return Report(image=checked)


async def check_content(
    video: VideoSource, *, allow_private: bool = False, fetch: "FetchRange | None" = None
) -> tuple[Finding, ...]:
    """Look for cuts in a clip and at its first frame, as AnimateAnyone wants them.

    The clip is decoded for that, at more than ten times its pace where the machine is not busy.
    What is found never blocks. Of a clip at a URL all is read, into memory.

    Args:
        video: Path, bytes, binary file object or http(s) URL.
        allow_private: True lets a URL lead to the own machine and network.
        fetch: How to get ranges of a URL; None makes connections of its own.

    Raises:
        SourceError: it cannot be read, or is a large clip at a URL.
        TransportError: the network failed on the way to a URL.
    """
    facts, content = await _watched(video, allow_private=allow_private, fetch=fetch)
    return tuple(content_findings(content, facts, duration=TEMPLATE_VIDEO.limit("duration")))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """What one preflight was asked for."""

    engine: Engine
    content: bool
    bodystyle: str | None
    look: Callable[..., Awaitable[Facts | Unreadable]]
    watch: Callable[[VideoSource], Awaitable[tuple[VideoFacts, Content]]]

    async def check(self, source: ImageSource | None, *, kind: Kind | None) -> Checked | None:
        """Look at one source, taking it for *kind*; None takes either."""
        if source is None:
            return None
        async with readable(source, kind or "image") as local:
            facts = await self.look(local, kind=kind)
            watched = await self._content(local, facts)
        kind = kind or facts.kind or KINDS_BY_SUFFIX.get(facts.suffix, "video")
        setting = Setting(engine=self.engine, bodystyle=self.bodystyle, from_url=is_url(source))
        return Checked(
            kind=kind,
            role=role_of(self.engine, kind),
            name=shown_name(source),
            facts=facts,
            findings=judge(facts, kind, setting=setting, content=watched),
            source=source.path if isinstance(source, MediaFile) else source,
        )

    async def _content(self, source: ImageSource, facts: Facts | Unreadable) -> Content | None:
        wanted = self.content and isinstance(self.engine, AnimateAnyone)
        if not wanted or not isinstance(facts, VideoFacts):
            return None
        return (await self.watch(cast("VideoSource", source)))[1]


async def _watched(
    source: VideoSource, *, allow_private: bool, fetch: "FetchRange | None"
) -> tuple[VideoFacts, Content]:
    """Probe a clip and look at what it shows."""
    if is_url(source):
        url = str(source)
        async with located(url, fetch, allow_private=allow_private) as remote:
            remote.check_all_is_read("a look at the content")
            return await through(remote, url, _watch)

    def work(checkpoint: Checkpoint) -> tuple[VideoFacts, Content]:
        with subject_of(local, checkpoint=checkpoint) as subject:
            return _watch(subject)

    async with readable(source, "video") as local:
        return await in_stoppable_thread(work)


def _watch(subject: Subject) -> tuple[VideoFacts, Content]:
    from dashscope_aa.media._probing.content import look_at_content  # noqa: PLC0415 - loads PyAV

    found, facts = seen(subject, "video")
    clip = cast("VideoFacts", facts)
    with told_of(subject.name):
        return clip, look_at_content(subject, found, clip)
