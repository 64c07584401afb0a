"""Read what a WebP picture is from its chunks, without its decoder.

The decoder wants all of the file in memory, whatever follows the picture in it, and makes room for
every pixel before it tells how many there are.

Source: RFC 9649, 2.3 to 2.7.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

__all__ = ["WebP", "read_webp", "stated_bytes"]

_CHUNKS: Final = 10_000
"""The most chunks that are looked at; an animation has one for each frame."""
_HEAD_BYTES: Final = 30
"""How much of a file tells the size of the canvas."""
_EXIF_BYTES: Final = 64 * 1024
"""How much is read of EXIF data: the orientation stands at their beginning."""


@dataclass(slots=True)
class WebP:
    """What the chunks of one picture say."""

    size: tuple[int, int]
    """Width and height of the canvas, in pixels."""
    stated_bytes: int
    """How long the file is by its header."""
    alpha: bool = False
    """True if it has an alpha channel."""
    frames: int = 0
    """Number of frames; 0 if there is no picture in it."""
    exif: bytes = b""
    """The beginning of its EXIF data."""


def stated_bytes(head: bytes) -> int:
    """Give how long the file is by its first 8 bytes; what follows is not part of the picture."""
    return _little(head[4:8]) + 8


def read_webp(file: BinaryIO, size_bytes: int) -> WebP:
    """Read the chunks that are there."""
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    found = WebP(_size(head), stated_bytes(head))
    still = False
    for kind, body in _chunks(file, min(found.stated_bytes, size_bytes)):
        if kind == b"VP8X":
            found.alpha |= bool(_little(body[:1]) & 0x10)
        elif kind == b"EXIF":
            found.exif = body
        elif kind == b"ANMF":
            found.frames += 1
        else:
            found.alpha |= kind == b"ALPH" or _is_clear(kind, body)
            still |= _is_picture(kind, body)
    found.frames = found.frames or int(still)
    return found


def _size(head: bytes) -> tuple[int, int]:
    """Read the size of the canvas from the first chunk."""
    match head[12:16]:
        case b"VP8X":
            return _little(head[24:27]) + 1, _little(head[27:30]) + 1
        case b"VP8L":
            bits = _little(head[21:25])
            return bits % 2**14 + 1, (bits >> 14) % 2**14 + 1
        case _:
            return _little(head[26:28]) % 2**14, _little(head[28:30]) % 2**14


def _chunks(file: BinaryIO, stop: int) -> Iterator[tuple[bytes, bytes]]:
    """Give the kind of each chunk and the first bytes of what it holds."""
    at = 12
    for _ in range(_CHUNKS):
        if at + 8 > stop:
            return
        file.seek(at)
        head = file.read(8)
        kind, length = head[:4], _little(head[4:])
        yield kind, file.read(min(length, _EXIF_BYTES if kind == b"EXIF" else _HEAD_BYTES))
        at += 8 + length + length % 2


def _is_picture(kind: bytes, body: bytes) -> bool:
    signature = body[3:6] if kind == b"VP8 " else body[:1]
    return (kind, signature) in {(b"VP8 ", b"\x9d\x01\x2a"), (b"VP8L", b"\x2f")}


def _is_clear(kind: bytes, body: bytes) -> bool:
    """Tell whether lossless pixels use their alpha channel."""
    return kind == b"VP8L" and bool(_little(body[1:5]) >> 28 & 1)


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
