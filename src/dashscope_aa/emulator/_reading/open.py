"""Open a stranger's picture or clip, and nothing besides.

Only named formats and codecs are opened. No playlist, concatenation, data reference or network
address is followed, whatever the file is called and whatever it contains, and no more pixels
are decoded than the largest accepted clip has.
"""
# pyright: reportUnknownMemberType=false
# PyAV gives some methods no types.

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from dashscope_aa.emulator._reading.boxes import check_tables

if TYPE_CHECKING:
    from collections.abc import Callable

PictureFormat: TypeAlias = Literal["jpeg", "png", "bmp", "webp", "gif", "tiff", "heif"]
"""What a picture is by its first bytes; the last three are known only to be refused."""

ClipFormat: TypeAlias = Literal["mp4", "avi", "3gp", "mkv", "flv", "wmv", "ogg", "ts", "mpeg"]
"""What a clip is by its first bytes; ``mp4`` stands for mov too, one format in two dialects."""

MOST_CLIP_PIXELS: Final = 4096 * 2304
"""No decoder makes a larger frame. The largest accepted clip has 2048 x 2048 pixels."""

_LONGEST_WAIT_S: Final = 20

_PICTURE_DECODERS: Final = ("JPEG", "PNG", "BMP", "WEBP")

_CLIP_OPTIONS: Final = {
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm",
    "protocol_whitelist": "file",
    "codec_whitelist": (
        "h264,hevc,av1,libdav1d,vp8,vp9,libvpx,libvpx-vp9,mpeg4,msmpeg4,mpeg2video,mpeg1video,"
        "h263,mjpeg,prores,aac,mp3,mp3float,opus,libopus,vorbis,flac,ac3,alac,"
        "pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_u8,pcm_f32le"
    ),
}

_DECODED: Final = frozenset(
    {"h264", "hevc", "av1", "vp8", "vp9", "mpeg4", "msmpeg4v3", "mpeg2video", "mpeg1video"}
    | {"h263", "mjpeg", "prores"}
)

_CLIP_MAGIC: Final[tuple[tuple[bytes, ClipFormat], ...]] = (
    (b"\x1a\x45\xdf\xa3", "mkv"),
    (b"FLV", "flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "wmv"),
    (b"OggS", "ogg"),
    (b"\x00\x00\x01\xba", "mpeg"),
)

_PICTURE_MAGIC: Final[tuple[tuple[bytes, PictureFormat], ...]] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"BM", "bmp"),
    (b"GIF8", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
)

_TS_PACKET_BYTES: Final = 188
"""Every packet of a transport stream begins with the letter G."""

_HEIF_BRANDS: Final = (b"heic", b"heix", b"heim", b"hevc", b"mif1", b"msf1", b"avif", b"avis")

_3GP_BRANDS: Final = (b"3gp", b"3gg", b"3g2")

_MP4_BOXES: Final = (
    b"ftyp",
    b"moov",
    b"mdat",
    b"free",
    b"skip",
    b"wide",
    b"pnot",
    b"uuid",
    b"styp",
)


def picture_format(path: Path) -> PictureFormat:
    """Tell what picture a file holds by its first bytes.

    Raises:
        ValueError: they are those of no picture.
    """
    head = _head(path)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        return "heif"
    for magic, name in _PICTURE_MAGIC:
        if head.startswith(magic):
            return name
    raise ValueError("the file begins like no picture")


def clip_format(path: Path) -> ClipFormat:
    """Tell what clip a file holds by its first bytes.

    Raises:
        ValueError: they are those of no clip.
    """
    head = _head(path)
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[4:8] in _MP4_BOXES and head[8:12] not in _HEIF_BRANDS:
        return "3gp" if head[8:11] in _3GP_BRANDS else "mp4"
    if head[:1] == head[_TS_PACKET_BYTES:] == b"G":
        return "ts"
    for magic, name in _CLIP_MAGIC:
        if head.startswith(magic):
            return name
    raise ValueError("the file begins like no clip")


def open_picture(path: Path) -> Image.Image:
    """Open a picture; only its head is read until it is loaded.

    Raises:
        OSError: it is none of the named formats.
    """
    return Image.open(path, formats=_PICTURE_DECODERS)


def open_clip(path: Path) -> InputContainer:
    """Open a clip for reading.

    Raises:
        ValueError: it claims more samples than it holds, or begins like no clip.
        av.error.FFmpegError: it is none of the named formats, or it is damaged.
    """
    if clip_format(path) in {"mp4", "3gp"}:
        check_tables(path)
    # An absolute path behind "file:" is never taken for another protocol.
    return av.open(f"file:{path.resolve()}", options=_CLIP_OPTIONS, timeout=_LONGEST_WAIT_S)


def picture_stream(clip: InputContainer) -> VideoStream:
    """Find the moving picture of a clip; a cover picture is none.

    Raises:
        ValueError: there is none, or its codec is none of the named ones.
    """
    moving = (s for s in clip.streams.video if not s.disposition & Disposition.attached_pic)
    stream = next(moving, None)
    if stream is None or stream.codec_context.codec.canonical_name not in _DECODED:
        raise ValueError("the clip has no moving picture that can be decoded")
    stream.codec_context.options = {"max_pixels": str(MOST_CLIP_PIXELS)}
    return stream


def image_of(frame: VideoFrame, size_px: tuple[int, int]) -> Image.Image:
    """Scale a frame and make a picture of it."""
    to_image = cast("Callable[..., Image.Image]", frame.to_image)
    return to_image(width=size_px[0], height=size_px[1], interpolation="FAST_BILINEAR")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_TS_PACKET_BYTES + 1)
