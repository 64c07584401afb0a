"""Measure a picture or a clip the way the service would: from its bytes, one value at a time.

Each value is read when it is first asked for, so that a file refused for its size is never
opened, and one refused for its edges never decoded. What cannot be read raises.
"""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from PIL import Image, ImageStat

from dashscope_aa.emulator._reading.open import (
    ClipFormat,
    PictureFormat,
    clip_format,
    image_of,
    open_clip,
    open_picture,
    picture_format,
    picture_stream,
)

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

MOST_PACKETS: Final = 200_000
"""A clip of a minute has a few thousand; past this number it is given up as unreadable."""

BEYOND_ANY_PX: Final = 1 << 20
"""Stands for the edges of a picture that Pillow refuses to open for its sheer size."""

_ORIENTATION: Final = 0x0112
_LYING: Final = frozenset({5, 6, 7, 8})
"""EXIF orientations that swap width and height."""

_GLANCE_PX: Final = (64, 64)


class Picture:
    """One picture, measured bit by bit."""

    def __init__(self, path: Path, *, name: str = "") -> None:
        self.path = path
        self.name = name
        self.suffix = PurePosixPath(name).suffix.lower()

    @cached_property
    def size_bytes(self) -> int:
        """Size of the file in bytes."""
        return self.path.stat().st_size

    @cached_property
    def format(self) -> PictureFormat:
        """What it is by content, whatever it is called."""
        return picture_format(self.path)

    @cached_property
    def edges_px(self) -> tuple[int, int]:
        """Width and height as stored. No limit tells a turned picture from an upright one."""
        try:
            with open_picture(self.path) as image:
                return image.size
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            return BEYOND_ANY_PX, BEYOND_ANY_PX

    @cached_property
    def shown_px(self) -> tuple[int, int]:
        """Width and height as shown: after the EXIF orientation, which may take decoding."""
        width_px, height_px = self.edges_px
        with open_picture(self.path) as image:
            lying = image.getexif().get(_ORIENTATION) in _LYING
        return (height_px, width_px) if lying else (width_px, height_px)

    @cached_property
    def detail(self) -> float:
        """Standard deviation of its grey values, seen from afar; 0 for a single colour."""
        with open_picture(self.path) as image:
            return _detail(image)


class _Header(NamedTuple):
    codec: str
    width_px: int
    height_px: int


class _Pace(NamedTuple):
    frames: int
    duration_s: float


class Clip:
    """One clip, measured bit by bit."""

    def __init__(self, path: Path, *, name: str = "") -> None:
        self.path = path
        self.name = name
        self.suffix = PurePosixPath(name).suffix.lower()

    @cached_property
    def size_bytes(self) -> int:
        """Size of the file in bytes."""
        return self.path.stat().st_size

    @cached_property
    def format(self) -> ClipFormat:
        """What it is by content, whatever it is called."""
        return clip_format(self.path)

    @property
    def codec(self) -> str:
        """Codec of the picture, such as ``h264`` or ``hevc``."""
        return self._header.codec

    @property
    def edges_px(self) -> tuple[int, int]:
        """Width and height with square pixels. No limit tells a turned clip from an upright one."""
        return self._header.width_px, self._header.height_px

    @property
    def duration_s(self) -> float:
        """Length of the picture: from its first frame to the end of its last."""
        return self._pace.duration_s

    @property
    def fps(self) -> float:
        """Mean frame rate: frames over duration."""
        return self._pace.frames / self._pace.duration_s

    @cached_property
    def detail(self) -> float:
        """Standard deviation of the grey values of the first frame."""
        with open_clip(self.path) as clip:
            frame = next(clip.decode(picture_stream(clip)), None)
            if frame is None:
                raise ValueError("the clip has no frame")
            return _detail(image_of(frame, _GLANCE_PX))

    @cached_property
    def _header(self) -> _Header:
        with open_clip(self.path) as clip:
            stream = picture_stream(clip)
            context = stream.codec_context
            shape = float(stream.sample_aspect_ratio or 1)
            return _Header(
                codec=context.codec.canonical_name,
                width_px=round(context.width * shape),
                height_px=context.height,
            )

    @cached_property
    def _pace(self) -> _Pace:
        """Count what is really there: headers lie about cut and live-recorded files."""
        with open_clip(self.path) as clip:
            stream = picture_stream(clip)
            frames = list(_frames(clip.demux(), stream))
        if not frames:
            raise ValueError("the clip has no frame")
        begins_s = [begin_s for begin_s, _ in frames]
        last_s, lasts_s = max(frames)
        span_s = last_s - min(begins_s)
        if not lasts_s or begins_s != sorted(begins_s):
            # The container gives no lengths, or those of B-frames in the order of decoding.
            lasts_s = span_s / max(1, len(frames) - 1)
        return _Pace(len(frames), span_s + lasts_s)


def _frames(
    packets: "Iterator[Packet[Stream]]", stream: "VideoStream"
) -> Iterator[tuple[float, float]]:
    """Give begin and length of each shown frame, in seconds, in the order of the file."""
    for count, packet in enumerate(packets):
        if count > MOST_PACKETS:
            raise ValueError(f"more than {MOST_PACKETS} packets")
        ticks = packet.dts if packet.pts is None else packet.pts
        if packet.stream_index != stream.index or ticks is None or packet.is_discard:
            continue
        yield float(ticks * packet.time_base), float((packet.duration or 0) * packet.time_base)


def _detail(image: Image.Image) -> float:
    grey = image.convert("L").resize(_GLANCE_PX, Image.Resampling.BOX)
    return ImageStat.Stat(grey).stddev[0]
