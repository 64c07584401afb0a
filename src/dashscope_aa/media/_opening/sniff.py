"""Tell from its first bytes what a file is, whatever its name says.

Only formats in `FORMATS` are ever opened, each with the one demuxer or decoder named there.
What is recognised but not opened is named, so that an error can say what it is.
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

__all__ = ["HEAD_BYTES", "Family", "Format", "sniff"]

Family: TypeAlias = Literal[
    "image", "video", "sound", "playlist", "html", "text", "other", "empty", "unknown"
]
"""What a file is of: only images and videos are ever opened."""

HEAD_BYTES: Final = 4096
"""How much of a file `sniff` wants to see; a transport stream needs as much."""


@dataclass(frozen=True, slots=True)
class Format:
    """What a file is."""

    name: str
    """Short name in facts: ``jpeg``, ``mp4``, ``mkv`` …; of what is not opened, empty."""
    family: Family
    """What it is of."""
    says: str
    """What it is, in words that fit after "is"."""
    opened_by: str = ""
    """Pillow's name of the one decoder, or FFmpeg's of the one demuxer, that may open it."""


def _image(name: str, says: str, opened_by: str = "") -> Format:
    return Format(name, "image", says, opened_by)


def _video(name: str, says: str, opened_by: str) -> Format:
    return Format(name, "video", says, opened_by)


def _other(says: str) -> Format:
    return Format("", "other", says)


def _sound(says: str) -> Format:
    return Format("", "sound", says)


_HEIF = _image("heif", "a HEIF picture")
_AVIF = _image("avif", "an AVIF picture")
_BMP = _image("bmp", "a BMP picture", "BMP")
_MP4 = _video("mp4", "an mp4 clip", "mov")
_MOV = _video("mov", "a QuickTime clip", "mov")
_3GP = _video("3gp", "a 3gp clip", "mov")
_TS = _video("ts", "an MPEG transport stream", "mpegts")
_EMPTY = Format("", "empty", "empty")
_UNKNOWN = Format("", "unknown", "of no known format")
_HTML = Format("", "html", "a web page (HTML)")
_XML = Format("", "text", "an XML text")
_TEXT = Format("", "text", "a text")

_MAGIC: Final = (
    (0, b"\xff\xd8\xff", _image("jpeg", "a JPEG picture", "JPEG")),
    (0, b"\x89PNG\r\n\x1a\n", _image("png", "a PNG picture", "PNG")),
    (0, b"GIF87a", _image("gif", "a GIF picture", "GIF")),
    (0, b"GIF89a", _image("gif", "a GIF picture", "GIF")),
    (0, b"II*\0", _image("tiff", "a TIFF picture", "TIFF")),
    (0, b"MM\0*", _image("tiff", "a TIFF picture", "TIFF")),
    (8, b"WEBP", _image("webp", "a WebP picture", "WEBP")),
    (8, b"AVI ", _video("avi", "an AVI clip", "avi")),
    (0, b"\x1aE\xdf\xa3", _video("mkv", "a Matroska clip", "matroska")),
    (0, b"FLV\1", _video("flv", "a Flash clip", "flv")),
    (0, b"0&\xb2u\x8ef\xcf\x11", _video("wmv", "a Windows Media clip", "asf")),
    (0, b"%PDF-", _other("a PDF document")),
    (0, b"PK\3\4", _other("a ZIP archive")),
    (0, b"\x1f\x8b", _other("a gzip archive")),
    (0, b"Rar!", _other("a RAR archive")),
    (0, b"7z\xbc\xaf", _other("a 7-Zip archive")),
    (0, b"8BPS", _other("a Photoshop document")),
    (0, b"\0\0\1\0", _other("an icon file")),
    (0, b"\xff\x0a", _other("a JPEG XL picture")),
    (4, b"JXL ", _other("a JPEG XL picture")),
    (4, b"jP  ", _other("a JPEG 2000 picture")),
    (0, b".RMF", _other("a RealMedia clip")),
    (0, b"\0\0\1\xba", _other("an MPEG program stream")),
    (0, b"\0\0\1\xb3", _other("a bare MPEG video stream")),
    (0, b"\0\0\0\1", _other("a bare H.264 or H.265 stream")),
    (0, b"OggS", _other("an Ogg file")),
    (0, b"MZ", _other("a program")),
    (0, b"\x7fELF", _other("a program")),
    (0, b"ID3", _sound("MP3 sound")),
    (0, b"fLaC", _sound("FLAC sound")),
    (8, b"WAVE", _sound("WAV sound")),
    (0, b"\xff\xfb", _sound("MP3 sound")),
    (0, b"\xff\xf1", _sound("AAC sound")),
)
_BRANDS: Final = (
    (("heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"), _HEIF),
    (("avif", "avis"), _AVIF),
    (("qt",), _MOV),
    (("3gp4", "3gp5", "3gp6", "3gp7", "3gg6", "3g2a", "3g2b", "3g2c"), _3GP),
    (("M4A", "M4B", "F4A"), _sound("AAC sound")),
    (("crx",), _other("a Canon raw picture")),
)
_BOXES: Final = frozenset((b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"))
_PLAYLISTS: Final = (
    (b"#EXTM3U", "an HLS playlist"),
    (b"ffconcat version", "a list of files to join (ffconcat)"),
    (b"v=0", "a session description (SDP)"),
    (b"[playlist]", "a playlist"),
    (b"[reference]", "a playlist"),
    (b"rtsptext", "a streaming reference"),
    (b"rtsp://", "a streaming reference"),
    (b"<smil", "a SMIL playlist"),
    (b"<asx", "a playlist"),
)


def sniff(head: bytes) -> Format:
    """Tell what a file is that begins with *head* (`HEAD_BYTES` of it, or all if shorter)."""
    if head[4:8] == b"ftyp":
        return _branded(head)
    for offset, magic, found in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return found
    return _without_magic(head)


def _without_magic(head: bytes) -> Format:
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":  # two letters alone are a word's start
        return _BMP
    if head[4:8] in _BOXES:
        return _MOV
    if _is_transport_stream(head):
        return _TS
    return _text(head) if head else _EMPTY


def _branded(head: bytes) -> Format:
    """Judge an ISO file by its brand; pictures by the compatible brands too."""
    length = max(16, min(int.from_bytes(head[:4]), len(head)))
    brands = [head[at : at + 4].decode("latin-1").rstrip(" \0") for at in range(8, length, 4)]
    if brands[0] in {"mif1", "msf1"} and {"avif", "avis"} & set(brands):
        return _AVIF
    return next((found for known, found in _BRANDS if brands[0] in known), _MP4)


def _is_transport_stream(head: bytes) -> bool:
    """Look for the sync byte of packets of 188 bytes, or 192 as cameras write them.

    A recording that was cut out of a stream may begin in the midst of a packet.
    """
    for start, length, least in ((0, 188, 2), (4, 192, 2), *((at, 188, 16) for at in range(188))):
        syncs = head[start::length]
        if len(syncs) >= least and set(syncs) == {0x47}:
            return True
    return False


def _text(head: bytes) -> Format:
    """Tell playlists, web pages and other text apart; anything else is unknown."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:512].lower()
    for magic, says in _PLAYLISTS:
        if start.startswith(magic.lower()):
            return Format("", "playlist", says)
    if b"<mpd" in start:
        return Format("", "playlist", "a DASH playlist")
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return _HTML
    if not _is_readable(head):
        return _UNKNOWN
    if b"<svg" in start:
        return _other("an SVG drawing")
    return _XML if start.startswith(b"<?xml") else _TEXT


def _is_readable(head: bytes) -> bool:
    """True for UTF-8 without control characters; the last character may be cut."""
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return False
        text = head[: error.start].decode()
    return all(char.isprintable() or char in "\t\n\r\f" for char in text)
