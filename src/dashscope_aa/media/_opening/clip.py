"""Open a clip with FFmpeg, with nothing enabled that `safety` does not name.

Every decode in the package starts here: `open_clip` gives each stream's decoder its limits,
`picture_stream` and `sound_stream` give the streams that everyone means, and `decoded` forgives
what every player forgives.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import av
from av.audio.stream import AudioStream
from av.codec.context import CodecContext
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError
from av.frame import Frame
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from dashscope_aa.errors import DashScopeError
from dashscope_aa.media._opening.range_file import WantedFile
from dashscope_aa.media._opening.safety import (
    DECODERS,
    FAR_OPTIONS,
    FFMPEG_OPTIONS,
    INDEXED_OPTIONS,
    PLAY_IT,
    UNDECODED_OPTIONS,
    VIDEO_PIXELS,
    NotReadable,
    Subject,
    ffmpeg_path,
)
from dashscope_aa.media._opening.sniff import Format

__all__ = [
    "AnyPacket",
    "codec_of",
    "decoded",
    "is_decodable",
    "moving_pictures",
    "open_clip",
    "packets_of",
    "picture_stream",
    "sound_stream",
    "time_of",
]

if TYPE_CHECKING:
    AnyPacket: TypeAlias = Packet[Any]
else:
    AnyPacket = Packet  # generic in the stubs only

_NEAR_BYTES: Final = 256 * 1024
_FAR_BYTES: Final = 32 * 1024
"""How much FFmpeg reads at a time, where it does not read by itself."""
_OPENING_BYTES: Final = 64 * 1024 * 1024
"""How much FFmpeg may read to open a clip: an index and a few frames, not gigabytes of zeros."""
_STILLS: Final = Disposition.attached_pic | Disposition.timed_thumbnails


@contextmanager
def open_clip(
    subject: Subject, found: Format, *, undecoded: bool = False
) -> Generator[InputContainer]:
    """Open a clip that `recognise` knew; its decoders refuse frames above `VIDEO_PIXELS`.

    Args:
        subject: The clip.
        found: What it is.
        undecoded: True if FFmpeg shall decode no frames to know more than the header tells.

    Raises:
        NotReadable: FFmpeg cannot make sense of it.
    """
    file = WantedFile(subject.file, subject.size_bytes, subject.checkpoint)
    file.left_bytes = _OPENING_BYTES
    # Such files FFmpeg reads by itself: their index is there, so it never has to look for packets.
    indexed = subject.path is not None and found.opened_by == "mov"
    try:
        with av.open(
            ffmpeg_path(subject.path) if subject.path and indexed else file,
            "r",
            format=found.opened_by,
            options=_options(subject, found, undecoded=undecoded),
            metadata_errors="ignore",
            buffer_size=_NEAR_BYTES if subject.path else _FAR_BYTES,
        ) as container:
            file.left_bytes = None
            for stream in container.streams:
                _limit(stream)
            yield container
    except DashScopeError:
        raise  # some of them are ValueErrors too
    except (FFmpegError, ValueError) as error:
        message = f"it is {found.says}, but cannot be read: {_said(error)}"
        raise NotReadable("damaged", message, hint=PLAY_IT) from error
    finally:
        if file.fault is not None:
            raise file.fault


def _options(subject: Subject, found: Format, *, undecoded: bool) -> dict[str, str]:
    options = FFMPEG_OPTIONS | FAR_OPTIONS if subject.far else FFMPEG_OPTIONS
    if undecoded:
        return options | (INDEXED_OPTIONS if found.opened_by == "mov" else UNDECODED_OPTIONS)
    return options


def _limit(stream: Stream) -> None:
    """Let the decoder refuse what is too large, whenever it is opened."""
    context = _decoder(stream)
    if stream.type == "video" and context is not None:
        context.options = {"max_pixels": str(VIDEO_PIXELS)}


def _decoder(stream: Stream) -> CodecContext | None:
    # None where FFmpeg has no decoder, whatever the annotation says.
    return getattr(stream, "codec_context", None)


def _said(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def moving_pictures(container: InputContainer) -> list[VideoStream]:
    """Give the video streams, without cover art and thumbnails."""
    return [stream for stream in container.streams.video if not stream.disposition & _STILLS]


def picture_stream(container: InputContainer) -> VideoStream:
    """Give the one picture that players show.

    Raises:
        NotReadable: there is none, or it is coded in a way that is not decoded here.
    """
    pictures = moving_pictures(container)
    best = container.streams.best("video")
    picture = next((one for one in pictures if one is best), next(iter(pictures), None))
    if picture is None:
        message = "it has no moving picture, only sound"
        raise NotReadable("no_picture", message, hint="Give a clip with a picture.")
    if not is_decodable(picture):
        message = f"its picture is coded as {codec_of(picture)!r}, which is not read here"
        raise NotReadable("format", message, hint="Save it as mp4 with H.264.")
    return picture


def sound_stream(container: InputContainer) -> AudioStream | None:
    """Give the sound that players play, if there is any."""
    best = container.streams.best("audio")
    return best if isinstance(best, AudioStream) else None


def is_decodable(stream: Stream) -> bool:
    """True if the stream's decoder is one of those that may be used."""
    context = _decoder(stream)
    return context is not None and context.codec.name in DECODERS


def packets_of(container: InputContainer, *streams: Stream | None) -> Iterator[AnyPacket]:
    """Give the packets of the streams that there are, and an empty one of each at the end."""
    try:
        yield from container.demux(*filter(None, streams))
    except IndexError:
        return  # PyAV raises it behind the last one, if more streams turned up on the way


def codec_of(stream: Stream) -> str:
    """Name the codec as FFmpeg does, whichever decoder is used for it."""
    context = _decoder(stream)
    return context.codec.canonical_name if context is not None else "unknown"


def decoded(packet: AnyPacket) -> list[Any]:
    """Decode a packet; one that is damaged gives nothing, as in every player."""
    try:
        return packet.decode()
    except InvalidDataError:
        return []


def time_of(frame: Frame) -> Fraction | None:
    """Tell when a frame is shown or heard, in seconds on the file's clock, if it says so."""
    if frame.pts is None or not frame.time_base:
        return None
    return frame.pts * Fraction(frame.time_base)
