"""What the header of a clip promises, right or wrong, where FFmpeg does not pass it on.

mp4 and mov have tables that can be trusted (`movie`); the others promise a duration and a size
in their first bytes, which show that a file was cut off, or written by a program that did not
know its end yet.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from dashscope_aa.media._containers.ebml import elements, real

__all__ = ["HEADER_BYTES", "Header", "read_header"]

HEADER_BYTES: Final = 64 * 1024
"""How much of a file the header is looked for in."""


@dataclass(slots=True)
class Header:
    """What one header promises."""

    duration_s: float | None = None
    """Duration in seconds, if it states one."""
    size_bytes: int | None = None
    """Size of the whole file, if it states one."""
    is_webm: bool = False
    """True for the part of Matroska that browsers know."""
    turns: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """For each video track of an mkv file in order, yaw and roll of its picture in degrees."""


def read_header(container: str, head: bytes) -> Header:
    """Read what *head*, the first `HEADER_BYTES` of a file, promises."""
    reader = _READERS.get(container)
    return reader(head) if reader else Header()


def _avi(head: bytes) -> Header:
    """Source: AVI RIFF File Reference: AVIMAINHEADER; the RIFF size leaves out 8 bytes."""
    header = Header()
    size = int.from_bytes(head[4:8], "little")
    header.size_bytes = size + 8 if size else None
    if (at := head.find(b"avih")) > 0:
        frame_us, *_, frames = _fields("<5I", head, at + 8)
        header.duration_s = frame_us * frames / 1e6 or None
    return header


def _flv(head: bytes) -> Header:
    """Source: Adobe Flash Video File Format 10.1, E.5 (onMetaData), in AMF 0 numbers."""
    return Header(
        duration_s=_flv_number(head, b"duration"),
        size_bytes=int(_flv_number(head, b"filesize") or 0) or None,
    )


def _flv_number(head: bytes, name: bytes) -> float | None:
    key = len(name).to_bytes(2) + name + b"\0"
    at = head.find(key, 0, 4096)
    (value,) = _fields(">d", head, at + len(key)) if at > 0 else (0.0,)
    return value if 0 < value < _NO_LIMIT else None


_NO_LIMIT: Final = 1e15


def _wmv(head: bytes) -> Header:
    """Source: ASF specification, 3.2 (file properties object)."""
    at = head.find(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365"))
    if at < 0:
        return Header()
    size, _, _, duration, _, preroll_ms = map(int, _fields("<6Q", head, at + 40))
    # Durations count units of 100 nanoseconds and include the preroll.
    duration_s = duration / 1e7 - preroll_ms / 1e3
    return Header(duration_s=duration_s if duration_s > 0 else None, size_bytes=size or None)


_DOC_TYPE, _SEGMENT, _CLUSTER, _TRACK = 0x4282, 0x18538067, 0x1F43B675, 0xAE
_SCALE, _DURATION = 0x2AD7B1, 0x4489
_TRACK_TYPE, _YAW, _ROLL = 0x83, 0x7673, 0x7675
_PICTURE: Final = 1


def _mkv(head: bytes) -> Header:
    """Source: RFC 9559, 5.1.2 (times), 5.1.4.1 (tracks), 5.1.4.1.28.40 and on (projection)."""
    header, scale_ns, duration = Header(), 1_000_000, 0.0
    for element, end, value in elements(head):
        if element == _DOC_TYPE:
            header.is_webm = value.rstrip(b"\0") == b"webm"
        elif element == _SEGMENT and end > 0:
            header.size_bytes = end
        elif element == _SCALE:
            scale_ns = int.from_bytes(value)
        elif element == _DURATION:
            duration = real(value)
        elif element == _TRACK:
            _read_track(header, value)
        elif element == _CLUSTER:
            break
    duration_s = duration * scale_ns / 1e9
    header.duration_s = duration_s if 0 < duration_s < _NO_LIMIT else None
    return header


def _read_track(header: Header, track: bytes) -> None:
    kind, yaw, roll = 0, 0.0, 0.0
    for element, _, value in elements(track):
        if element == _TRACK_TYPE:
            kind = int.from_bytes(value)
        elif element == _YAW:
            yaw = real(value)
        elif element == _ROLL:
            roll = real(value)
    if kind == _PICTURE:
        header.turns.append((yaw, roll))


def _fields(layout: str, head: bytes, at: int) -> tuple[float, ...]:
    """Read numbers; zeros where the file ends before they do."""
    size = struct.calcsize(layout)
    return struct.unpack(layout, head[at : at + size].ljust(size, b"\0"))


_READERS: Final[dict[str, Callable[[bytes], Header]]] = {
    "avi": _avi,
    "flv": _flv,
    "wmv": _wmv,
    "mkv": _mkv,
}
