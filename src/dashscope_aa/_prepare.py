"""Look at pictures and clips before they are sent, and mend what can be mended.

`dashscope_aa.media` is imported when the first file is looked at: it is large, and who only
sends URLs or imports the models never needs it. `look` and `clip_length_s`, with which everything
begins, import it in a thread, since that takes longer than the event loop may be held.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dashscope_aa._concurrency import in_thread
from dashscope_aa._engines import Engine
from dashscope_aa._sources import Media, MediaFile, Url
from dashscope_aa.errors import PreflightError, SourceError, TransportError
from dashscope_aa.events import Mended, Role, Watched

if TYPE_CHECKING:
    from dashscope_aa.media import Checked, Report

Preflight = Literal["fix", "check", "off"]
"""``fix`` mends what can be mended, ``check`` refuses what is not fit, ``off`` looks at nothing."""


async def look(
    media: Mapping[str, Media], *, engine: Engine, mode: Preflight
) -> "tuple[Report, frozenset[Role]]":
    """Look at all media; give what was found, and which files are going to be mended.

    A URL is looked at where it can be reached from here; else that is left to the service.

    Raises:
        PreflightError: something blocks that is not going to be mended; nothing was sent.
    """
    await _loaded()
    from dashscope_aa.media import Report  # noqa: PLC0415 - see the module's docstring

    image = await _looked_at(media.get("image"), "image", engine)
    video = await _looked_at(media.get("video"), "video", engine)
    report = Report(image=image.image if image else None, video=video.video if video else None)
    here = {role for role, source in media.items() if isinstance(source, MediaFile)}
    to_mend: frozenset[Role] = frozenset(
        one.kind
        for one in report.checked
        if mode == "fix" and one.kind in here and _can_be_mended(one, engine)
    )
    if any(not one.ok and one.kind not in to_mend for one in report.checked):
        report.raise_if_failed()
    return report, to_mend


async def _loaded() -> None:
    """Import `dashscope_aa.media` where that holds up nobody."""
    await in_thread(import_module, "dashscope_aa.media")


def _can_be_mended(one: "Checked", engine: Engine) -> bool:
    """True if there is something to mend, and nothing stands in the way."""
    from dashscope_aa.media import Unreadable, plan  # noqa: PLC0415 - see the module's docstring

    if isinstance(one.facts, Unreadable):
        return False
    decided = plan(one.facts, engine=engine)
    return not decided.empty and not decided.refusals


async def _looked_at(source: Media | None, role: Role, engine: Engine) -> "Report | None":
    from dashscope_aa.media import preflight  # noqa: PLC0415 - see the module's docstring

    if source is None or (isinstance(source, Url) and source.startswith("oss:")):
        return None
    given = {role: source}
    try:
        return await preflight(given.get("image"), given.get("video"), engine=engine)
    except (SourceError, TransportError):
        if isinstance(source, MediaFile):
            raise
        return None


def length_s(report: "Report") -> float | None:
    """Give the length of the clip that was looked at; None if there was none, or it is broken."""
    from dashscope_aa.media import VideoFacts  # noqa: PLC0415 - see the module's docstring

    facts = report.video and report.video.facts
    return facts.duration_s if isinstance(facts, VideoFacts) else None


async def clip_length_s(clip: Media) -> float | None:
    """Give the length of a clip; None if it cannot be looked at from here."""
    await _loaded()
    from dashscope_aa.media import VideoFacts, probe  # noqa: PLC0415 - see the module's docstring

    if isinstance(clip, Url) and clip.startswith("oss:"):
        return None
    try:
        facts = await probe(clip.path if isinstance(clip, MediaFile) else clip)
    except (SourceError, TransportError, PreflightError):
        return None
    return facts.duration_s if isinstance(facts, VideoFacts) else None


async def mend(
    file: MediaFile, role: Role, *, engine: Engine, folder: Path
) -> tuple[MediaFile, Mended]:
    """Make a file fit for *engine*, as a new one in *folder*."""
    from dashscope_aa.media import convert, plan, probe  # noqa: PLC0415 - see its docstring

    # Without a target, whose name would ask for a format.
    decided = plan(await probe(file.path, kind=role), engine=engine)
    suffix = decided.after.suffix or file.suffix
    done = await convert(file, folder / f"{role}{suffix}", engine=engine, kind=role)
    made = MediaFile(done.path, suffix, done.facts.size_bytes)
    return made, Mended(role=role, steps=tuple(done.plan.describe()))


async def watch(file: MediaFile) -> Watched:
    """Watch a clip for what a motion template suffers from."""
    from dashscope_aa.media import check_content  # noqa: PLC0415 - see the module's docstring

    return Watched(findings=await check_content(file))
