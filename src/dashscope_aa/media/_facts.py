"""What was found in a picture or a clip: facts, without judgement and without I/O.

`probe` fills these values, the rules judge them and the plan reads them. What cannot be
read at all is a value too (`Unreadable`), so that it can become a finding like the rest.
"""

from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from typing import Any, Final, Literal, TypeAlias, cast

__all__ = [
    "Content",
    "Facts",
    "FirstFrame",
    "ImageFacts",
    "Kind",
    "Reason",
    "Unreadable",
    "VideoFacts",
    "facts_from_json",
    "facts_json",
]

Kind: TypeAlias = Literal["image", "video"]
"""What a source is taken for."""

Reason: TypeAlias = Literal[
    "empty",
    "text",
    "html",
    "playlist",
    "not_media",
    "wrong_kind",
    "format",
    "truncated",
    "damaged",
    "no_picture",
    "too_large",
    "gave_up",
]
"""Why a source cannot be read.

``empty``: no bytes at all; ``text``: plain text or JSON; ``html``: a web page; ``playlist``: a
list of other files (m3u8, ffconcat, sdp …), never followed; ``not_media``: bytes of no known
format; ``wrong_kind``: a picture where a clip is needed, or the reverse; ``format``: media, but
of a format that is not read here; ``truncated``: the part that tells what is inside is missing;
``damaged``: the format is known but the contents make no sense; ``no_picture``: sound without
a picture; ``too_large``: it claims more pixels or samples than are read here; ``gave_up``: the
child process of an isolated look crashed or met its limits.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """What is known about one picture. The defaults are those of a plain upright photo."""

    format: str
    """``jpeg``, ``png``, ``bmp``, ``webp``, ``gif``, ``tiff``, ``heif`` or ``avif``, by content;
    ``raw`` for a PIL image, which is encoded only when it is sent.
    """

    size_bytes: int
    """Size of the encoded picture in bytes; 0 for a PIL image."""

    width_px: int
    """Width as shown, in pixels: after the EXIF orientation is applied."""

    height_px: int
    """Height as shown, in pixels: after the EXIF orientation is applied."""

    alpha: bool = False
    """True if it has an alpha channel or a transparent colour."""

    frames: int = 1
    """Number of frames; more than 1 for an animation or a file of several pages."""

    mode: str = "RGB"
    """Colour mode in Pillow's words: ``RGB``, ``RGBA``, ``L``, ``P``, ``CMYK``, ``I;16`` …"""

    orientation: int = 1
    """EXIF orientation, 1 to 8; 1 is upright. 1 for formats whose decoder applies it."""

    truncated: bool = False
    """True if the file ends before the picture does."""

    suffix: str | None = None
    """Ending of the path or URL path in lower case with its dot (``.jpg``), if it has one."""

    notes: tuple[str, ...] = ()
    """What a reader should know about how these facts were found; most often nothing."""

    kind: Literal["image"] = "image"
    """Tells a picture from a clip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFacts:
    """What is known about one clip. The defaults are those of an ordinary silent H.264 mp4."""

    size_bytes: int
    """Size of the whole file in bytes."""

    width_px: int
    """Width as shown, in pixels: after sample aspect ratio and rotation."""

    height_px: int
    """Height as shown, in pixels: after sample aspect ratio and rotation."""

    fps: float
    """Average true frame rate in frames a second: frames of the picture over its duration."""

    duration_s: float
    """True duration of the picture in seconds, the last frame's own time included."""

    frames: int
    """Number of frames of the picture that are there and shown."""

    coded_width_px: int
    """Width as coded, in pixels."""

    coded_height_px: int
    """Height as coded, in pixels."""

    container: str = "mp4"
    """``mp4``, ``mov``, ``3gp``, ``avi``, ``mkv``, ``webm``, ``flv``, ``wmv`` or ``ts``."""

    major_brand: str | None = None
    """The ``ftyp`` brand of an mp4 or mov file (``isom``, ``mp42``, ``qt`` …)."""

    codec: str = "h264"
    """Codec of the picture in FFmpeg's words: ``h264``, ``hevc``, ``vp9``, ``av1``, ``prores`` …"""

    codec_tag: str = "avc1"
    """Four-character code of the codec in the container (``hvc1``, ``hev1``); may be empty."""

    profile: str | None = None
    """Profile of the codec (``High``, ``Main 10`` …), where it has one."""

    pixel_format: str | None = "yuv420p"
    """Pixel format in FFmpeg's words, where it is known without decoding."""

    bit_depth: int = 8
    """Bits of one colour component."""

    rotation: int = 0
    """Degrees the picture must be turned clockwise to be shown: 0, 90, 180 or 270."""

    mirrored: bool = False
    """True if the picture must be flipped left to right before it is turned."""

    interlaced: bool = False
    """True if the lines of a frame show two moments in turn, as television's did."""

    sample_aspect_ratio: Fraction = Fraction(1)
    """Width of a coded pixel over its height; 1 for square pixels."""

    variable_rate: bool = False
    """True if the frames do not follow each other at one pace."""

    start_s: float = 0.0
    """Time of the first shown frame in seconds, on the file's own clock."""

    audio_codec: str | None = None
    """Codec of the first sound stream (``aac``, ``opus`` …); None for a silent clip."""

    audio_start_s: float | None = None
    """When the sound begins, in seconds from the first shown frame; below 0 if before it."""

    audio_duration_s: float | None = None
    """Duration of the sound in seconds, where there is sound."""

    audio_bytes: int | None = None
    """Size of the encoded sound in bytes, where there is sound and it was counted."""

    bit_rate_bps: int = 0
    """Average bit rate of the whole file in bits a second: its size over its duration."""

    video_streams: int = 1
    """Number of moving pictures in the file, cover art not counted."""

    attached_picture: bool = False
    """True if the file carries cover art besides the clip."""

    truncated: bool = False
    """True if the index or the container promises more bytes than there are."""

    header_duration_s: float | None = None
    """Duration the header states, in seconds, right or wrong; None if it states none."""

    suffix: str | None = None
    """Ending of the path or URL path in lower case with its dot (``.mp4``), if it has one."""

    notes: tuple[str, ...] = ()
    """What a reader should know about how these facts were found; most often nothing."""

    kind: Literal["video"] = "video"
    """Tells a clip from a picture."""


@dataclass(frozen=True, slots=True)
class FirstFrame:
    """The first frame in numbers; levels from 0 to 255."""

    brightness: float
    """Level below which 95 of 100 pixels are."""
    contrast: float
    """Standard deviation of the levels."""
    sharpness: float
    """How strong the edges of its sharpest part are."""
    kind: Literal["video"] = "video"
    """What it is of."""


@dataclass(frozen=True, slots=True)
class Content:
    """What was seen in a clip."""

    cuts_s: tuple[float, ...]
    """Times of the hard cuts, in seconds from the first frame."""
    first: FirstFrame
    """The first frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A source that is there but cannot be read as the picture or the clip it should be."""

    reason: Reason
    """Why, in one word."""

    message: str
    """What was expected and what was found, in one sentence."""

    hint: str
    """What to do about it."""

    kind: Kind | None = None
    """What it was taken for; None if that was left open and could not be told."""

    format: str | None = None
    """What it is by its first bytes (``png``, ``mkv`` …); None if that is not opened at all."""

    size_bytes: int | None = None
    """Size in bytes, where it is known."""

    suffix: str | None = None
    """Ending of the path or URL path in lower case with its dot, if it has one."""


Facts: TypeAlias = ImageFacts | VideoFacts
"""What `probe` finds."""

_PLACES: Final = 6
"""Decimals kept of seconds and rates: microseconds, finer than any container's clock."""


def facts_json(facts: Facts | Unreadable) -> dict[str, Any]:
    """Give *facts* as plain JSON values; a ratio becomes ``"4:3"``."""
    return {name: _plain(value) for name, value in asdict(facts).items()}


def facts_from_json(data: dict[str, Any]) -> Facts | Unreadable:
    """Take back what `facts_json` gave.

    Raises:
        ValueError: it gave something else.
    """
    kinds = {"image": ImageFacts, "video": VideoFacts}
    chosen = Unreadable if "reason" in data else kinds.get(data.get("kind", ""))
    if chosen is None or set(data) != {field.name for field in fields(chosen)}:
        msg = "these are not the facts of a picture or a clip"
        raise ValueError(msg)
    exact = {name: _exact(name, value) for name, value in data.items()}
    found: Facts | Unreadable = chosen(**exact)
    return found


def _exact(name: str, value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    if name == "sample_aspect_ratio":
        return Fraction(value.replace(":", "/"))
    return tuple(cast("list[str]", value)) if isinstance(value, list) else value


def _plain(value: object) -> object:
    if isinstance(value, Fraction):
        return f"{value.numerator}:{value.denominator}"
    return round(value, _PLACES) if isinstance(value, float) else value
