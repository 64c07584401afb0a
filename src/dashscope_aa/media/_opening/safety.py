"""What may be opened, how, and how large it may be: media files are hostile.

FFmpeg knows some 300 formats, and several of them open other files or sockets: a playlist named
``dance.mp4`` reads its neighbours. So each file is recognised here first (`sniff`), and FFmpeg
is told the one demuxer to use and the decoders it may use to look inside. Paths are handed over
as ``file:`` and absolute, so that none is taken for a protocol (``concat:``, ``subfile:``).
"""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, NoReturn

from dashscope_aa.errors import SourceError
from dashscope_aa.media._facts import Kind, Reason, Unreadable
from dashscope_aa.media._opening.sniff import HEAD_BYTES, Family, Format, sniff

__all__ = [
    "DECODERS",
    "DEMUXERS",
    "FAR_OPTIONS",
    "FFMPEG_OPTIONS",
    "IMAGE_PIXELS",
    "INDEXED_OPTIONS",
    "PLAY_IT",
    "UNDECODED_OPTIONS",
    "VIDEO_PIXELS",
    "WITH_INDEX",
    "NotReadable",
    "Subject",
    "ffmpeg_path",
    "open_path",
    "recognise",
    "suffix_of",
]

IMAGE_PIXELS: Final = 89_000_000
"""The largest picture that is decoded: Pillow warns above. Its RGB takes 267 MB."""

VIDEO_PIXELS: Final = 2**25
"""The largest frame that is decoded: 8192 × 4096, so 8K is read."""

DEMUXERS: Final = ("mov", "avi", "matroska", "flv", "asf", "mpegts")
"""FFmpeg's names of the only demuxers that are ever used. None of them opens other files."""

WITH_INDEX: Final = frozenset(("mov", "avi"))
"""Demuxers of formats whose index tells of every frame."""

_SOUND_DECODERS: Final = frozenset(
    (
        *("aac", "mp3float", "mp3", "mp2float", "mp2", "opus", "vorbis", "flac", "alac"),
        *("ac3", "eac3", "wmav1", "wmav2", "wmapro", "amrnb", "amrwb", "adpcm_ms"),
        *("pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_f32le"),
        *("pcm_u8", "pcm_alaw", "pcm_mulaw", "adpcm_ima_qt", "adpcm_ima_wav"),
    )
)
DECODERS: Final = _SOUND_DECODERS | frozenset(
    (
        *("h264", "hevc", "vp8", "vp9", "libdav1d", "av1", "mpeg4", "mjpeg", "prores"),
        *("msmpeg4v2", "msmpeg4", "wmv1", "wmv2", "wmv3", "vc1", "flv", "h263"),
        *("mpeg1video", "mpeg2video", "dnxhd"),
    )
)
"""FFmpeg's names of the only decoders that may be used, for pictures and sound."""

FFMPEG_OPTIONS: Final = {
    "format_whitelist": ",".join((*DEMUXERS, "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")),
    "protocol_whitelist": "file",
    "codec_whitelist": ",".join(sorted(DECODERS)),
    "max_pixels": str(VIDEO_PIXELS),
    "max_streams": "64",
    # References of mov files to other files are not followed; that is FFmpeg's default too.
    "enable_drefs": "0",
    # Only key frames are decoded to learn the pixel format.
    "skip_frame": "nokey",
}
"""Options for every `av.open` of a file from outside."""


FAR_OPTIONS: Final = {"probesize": str(512 * 1024), "fpsprobesize": "0"}
"""More of them where every byte comes over a network: it takes a look at fewer frames."""

UNDECODED_OPTIONS: Final = {"codec_whitelist": ",".join(sorted(_SOUND_DECODERS))}
"""More of them where no picture is decoded to know what the header keeps to itself."""

INDEXED_OPTIONS: Final = {"codec_whitelist": "none"}
"""More of them where an index tells all about the sound too."""


PLAY_IT: Final = "Check that the file is whole: play it, or make it anew."
"""What to do about a clip that is damaged."""


class NotReadable(Exception):  # noqa: N818 - becomes an Unreadable, or a SourceError
    """Stops a probe: the source cannot be read as what it should be.

    The message speaks of the source as "it"; the source's name is put before.
    """

    def __init__(self, reason: Reason, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.hint = hint

    def unreadable(
        self, *, subject: "Subject", kind: Kind | None, format_: str | None = None
    ) -> Unreadable:
        """Give it as a value."""
        return Unreadable(
            reason=self.reason,
            message=f"{subject.name}: {self}",
            hint=self.hint,
            kind=kind,
            format=format_,
            size_bytes=subject.size_bytes,
            suffix=subject.suffix,
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """A picture or clip, open for reading."""

    name: str
    """What to call it in messages."""
    file: BinaryIO
    """Where its bytes come from; seekable."""
    size_bytes: int
    """How many there are."""
    suffix: str | None = None
    """Suffix of its path, in lower case with the dot."""
    path: Path | None = None
    """Where it lies, if it is a file."""
    checkpoint: Callable[[], None] = lambda: None
    """Called now and then by what takes long; raises if the caller has given up."""
    far: bool = False
    """True if its bytes come over a network, so that no more are read than needed."""
    omitted: range | None = None
    """Bytes of the middle that `file` leaves out, where only both ends of a far file are read."""

    def head(self, length: int = HEAD_BYTES) -> bytes:
        """Read its first bytes."""
        self.file.seek(0)
        return self.file.read(length)


def suffix_of(path: str) -> str | None:
    """Give the suffix of a path or a URL's path in lower case, with the dot; None without."""
    return PurePosixPath(path.replace("\\", "/")).suffix.lower() or None


def open_path(path: Path) -> BinaryIO:
    """Open a regular file.

    Raises:
        SourceError: it is missing, or no file, or may not be read.
    """
    try:
        # Non-blocking, so that opening a named pipe does not wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY)
    except (OSError, ValueError) as error:
        _refuse(path, getattr(error, "strerror", None) or str(error))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        _refuse(path, "it is a directory or a device, not a file")
    return os.fdopen(descriptor, "rb")


_BINARY: Final[int] = getattr(os, "O_BINARY", 0)


def _refuse(path: Path, why: str) -> NoReturn:
    msg = f"{str(path)!r} cannot be read: {why}"
    raise SourceError(msg, hint="Give the path of a picture or a clip that can be read.") from None


def ffmpeg_path(path: Path) -> str:
    """Write a path so that FFmpeg takes it for a file, whatever it looks like."""
    return f"file:{path.absolute()}"


def recognise(subject: Subject, kind: Kind | None) -> Format:
    """Tell what the subject is, and make sure that it is of the *kind* wanted and is opened.

    Raises:
        NotReadable: it is something else.
    """
    try:
        found = sniff(subject.head())
    except OSError as error:
        message = f"it cannot be read: {error.strerror or error}"
        raise NotReadable("damaged", message, hint=_OTHER_COPY) from error
    if found.family == (kind or found.family) and found.family in {"image", "video"}:
        return found
    wanted = {"image": "a picture", "video": "a clip"}.get(kind or "", "a picture or a clip")
    reason, hint = _REFUSALS[found.family]
    raise NotReadable(reason, f"expected {wanted}, but it is {found.says}", hint=hint)


_OTHER_COPY: Final = "Check the disk, or give another copy of it."
_MIXED_UP: Final = "Check that picture and clip are not mixed up, and their names."
_READ_IT: Final = "Open it in a text editor: it may be the error message of a failed download."
_REFUSALS: Final[dict[Family, tuple[Reason, str]]] = {
    "image": ("wrong_kind", _MIXED_UP),
    "video": ("wrong_kind", _MIXED_UP),
    "sound": ("no_picture", "Give a clip with a picture."),
    "playlist": ("playlist", "Give the clip itself; what a playlist names is never opened."),
    "html": ("html", _READ_IT),
    "text": ("text", _READ_IT),
    "other": ("format", "Save it as jpg or png, or as mp4 with H.264."),
    "empty": ("empty", "Check how the file was made or downloaded."),
    "unknown": ("not_media", "Check that the file is whole, and a picture or a clip."),
}
