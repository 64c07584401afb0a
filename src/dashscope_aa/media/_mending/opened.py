"""Open a clip to make another of it, without decoding a frame where it is copied.

No header tells all about H.264: an mkv tells when a frame is shown, not when it is decoded, and
shape and colours of the pixels may be missing. FFmpeg makes up for that by decoding a key frame,
which takes longer than copying ten seconds. All of it is in the parameters before that frame, or
follows from their level.

Source: RFC 9559, 11 (timestamps); ITU-T H.264, A.3.1 (levels), E.2.1 (max_num_reorder_frames).
"""

from bisect import insort
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from dashscope_aa.media._facts import VideoFacts
from dashscope_aa.media._opening.clip import (
    AnyPacket,
    open_clip,
    packets_of,
    picture_stream,
    sound_stream,
)
from dashscope_aa.media._opening.safety import Subject
from dashscope_aa.media._opening.sniff import Format
from dashscope_aa.media._probing.first_frame import beginning_of, met

__all__ = ["Clip", "DecodingTimes", "Opened", "Untold", "opened", "opened_to_copy"]

_DESCRIBED: Final = (
    *("sample_aspect_ratio", "field_order"),
    *("color_primaries", "color_trc", "colorspace", "color_range"),
)
_UNDECODED: Final = ("mkv", "flv", "ts")
_STRICT: Final = {"strict": "1", "ec": "0"}
"""Has the decoder take the depth from the level, where the parameters do not tell it, and make up
nothing of a frame that breaks off."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip that was looked at."""

    subject: Subject
    """The file."""
    found: Format
    """What it is."""
    facts: VideoFacts
    """What is in it."""


@dataclass(frozen=True, slots=True)
class Untold:
    """What only the decoder knows of a picture."""

    depth: int
    """How many frames are decoded ahead of one that is shown earlier, at most."""
    described: dict[str, Any]
    """Shape and colours of the pixels, by their names in a codec's context."""
    timed: bool
    """True if the packets say when they are decoded."""

    def tell(self, copy: VideoStream) -> None:
        """Write it into the header of a copy."""
        for name, value in self.described.items():
            setattr(copy.codec_context, name, value)


@dataclass(frozen=True, slots=True)
class Opened:
    """A clip while it is open."""

    picture: VideoStream
    """The picture that players show."""
    sound: AudioStream | None
    """The sound that they play."""
    packets: Iterator[AnyPacket]
    """All packets of both, in their order."""
    untold: Untold | None = None
    """What the streams do not tell, as no frame was decoded."""


@contextmanager
def opened(clip: Clip) -> Generator[Opened]:
    """Open a clip as FFmpeg does."""
    with open_clip(clip.subject, clip.found) as container:
        yield _streams(container)


@contextmanager
def opened_to_copy(clip: Clip) -> Generator[Opened]:
    """Open a clip, and have no frame decoded where its head tells enough."""
    if _tells_enough(clip.facts):
        with open_clip(clip.subject, clip.found, undecoded=True) as container:
            if (told := _told(_streams(container), clip.facts)) is not None:
                yield told
                return
    with opened(clip) as source:
        yield source


def _tells_enough(facts: VideoFacts) -> bool:
    """True of clips that come out the same without a frame decoded.

    Of an mp4, FFmpeg would know less of the sound, too; HEVC it does not decode anyway.
    """
    return facts.container in _UNDECODED and facts.codec == "h264" and not facts.interlaced


def _streams(container: InputContainer) -> Opened:
    picture, sound = picture_stream(container), sound_stream(container)
    return Opened(picture, sound, packets_of(container, picture, sound))


def _told(source: Opened, facts: VideoFacts) -> Opened | None:
    """Add what the head of the first frame tells; None if that is not enough."""
    if source.sound is not None and source.sound.start_time is None:
        return None  # FFmpeg knows less of what it did not meet
    first, packets = met(source.picture, source.packets)
    untold = None if first is None else _untold(source.picture, first, facts)
    return replace(source, packets=packets, untold=untold) if untold else None


def _untold(picture: VideoStream, packet: AnyPacket, facts: VideoFacts) -> Untold | None:
    """Have the decoder read the head of a frame; None if it makes no sense of it."""
    context: Any = picture.codec_context  # its stubs know nothing of fields and depth
    stated = context.width, context.height
    context.thread_count = 1
    context.options = context.options | _STRICT
    with suppress(FFmpegError):
        context.decode(Packet(beginning_of(memoryview(packet), context.extradata or b"")))
    agreed = (context.width, context.height) == stated
    if context.pix_fmt is None or packet.pts is None or not agreed:
        return None
    described = {name: getattr(context, name) for name in _DESCRIBED}
    return Untold(
        depth=context.reorder_depth if _looks_ahead(facts) else 0,
        described={name: value for name, value in described.items() if value is not None},
        timed=facts.container != "mkv",
    )


def _looks_ahead(facts: VideoFacts) -> bool:
    """False for the simplest profile, which has no such frames, whatever its level allows."""
    return "Baseline" not in (facts.profile or "")


class DecodingTimes:
    """When frames have to be decoded, from when they are shown."""

    def __init__(self, depth: int) -> None:
        self._ahead = depth
        self._shown: list[int] = []

    def of(self, pts: int, *, lasts: int) -> int:
        """Tell it of the next frame: when the first of those left is shown, itself among them.

        As many as the depth are decoded before the first one is shown.
        """
        insort(self._shown, pts)
        if self._ahead == 0:
            return self._shown.pop(0)
        early = self._ahead * lasts
        self._ahead -= 1
        return self._shown[0] - early
