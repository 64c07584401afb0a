"""Small pictures of what was checked: the picture itself, or frames of the clip."""

from collections.abc import Iterator
from math import inf
from typing import Any, Final, TypeAlias, cast

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image, ImageOps

from dashscope_aa.errors import DashScopeError
from dashscope_aa.media._facts import Unreadable, VideoFacts
from dashscope_aa.media._opening.clip import decoded, open_clip, packets_of, picture_stream, time_of
from dashscope_aa.media._opening.safety import NotReadable, Subject, recognise
from dashscope_aa.media._opening.sniff import Format
from dashscope_aa.media._opening.still import open_picture, turned_upright
from dashscope_aa.media._opening.subjects import subject_of
from dashscope_aa.media._reporting.checked import Checked
from dashscope_aa.media._worker import Checkpoint

__all__ = ["Shot", "shots"]

Shot: TypeAlias = tuple[str, Image.Image]
"""Words and a picture."""

_HEIGHT_PX: Final = 240
_WIDTH_PX: Final = 400
_CUTS: Final = 4
"""How many cuts are shown."""
_TURNS: Final = {
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}
"""Pillow turns the other way round."""


def shots(one: Checked, checkpoint: Checkpoint) -> Iterator[Shot]:
    """Give what can be shown of a source; nothing if it cannot be read any more."""
    if isinstance(one.facts, Unreadable) or one.source is None:
        return
    try:
        with subject_of(one.source, checkpoint=checkpoint) as subject:
            found = recognise(subject, one.kind)
            if isinstance(one.facts, VideoFacts):
                yield from _frames(subject, found, one.facts, one)
            else:
                yield "picture", _picture(subject, found)
    except (NotReadable, DashScopeError, OSError):
        return


def _picture(subject: Subject, found: Format) -> Image.Image:
    with open_picture(subject, found) as picture:
        upright = turned_upright(picture).convert("RGB")
    upright.thumbnail((_WIDTH_PX, _HEIGHT_PX))
    return upright


def _frames(subject: Subject, found: Format, facts: VideoFacts, one: Checked) -> Iterator[Shot]:
    """Give the first frame, then the last before and the first after each cut."""
    times = [time_s for finding in one.findings for time_s in finding.times_s][:_CUTS]
    with open_clip(subject, found) as clip:
        stream = picture_stream(clip)
        for time_s in (0.0, *times):
            before, after = _around(clip, stream, subject, facts.start_s + time_s)
            if before is not None and time_s:
                yield f"before {time_s:.2f} s", _small(before, facts)
            if after is not None:
                yield f"{time_s:.2f} s", _small(after, facts)


def _around(
    clip: InputContainer, stream: VideoStream, subject: Subject, time_s: float
) -> tuple[VideoFrame | None, VideoFrame | None]:
    """Decode from the last key frame before *time_s* to the frame shown then."""
    tick_s = float(stream.time_base or 1)
    clip.seek(max(0, int((time_s - tick_s) / tick_s)), stream=stream)
    before: VideoFrame | None = None
    for packet in packets_of(clip, stream):
        subject.checkpoint()
        for frame in decoded(packet):
            shown_s = time_of(frame)
            if (inf if shown_s is None else shown_s) >= time_s - tick_s:
                return before, frame
            before = frame
    return before, None


def _small(frame: VideoFrame, facts: VideoFacts) -> Image.Image:
    """Give a frame upright, with square pixels, small."""
    image: Image.Image = cast("Any", frame).to_image()
    if facts.mirrored:
        image = ImageOps.mirror(image)
    if facts.rotation:
        image = image.transpose(_TURNS[facts.rotation])
    scale = min(_WIDTH_PX / facts.width_px, _HEIGHT_PX / facts.height_px)
    size = (max(1, round(facts.width_px * scale)), max(1, round(facts.height_px * scale)))
    return image.resize(size)
