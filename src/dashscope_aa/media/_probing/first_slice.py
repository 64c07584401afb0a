"""Learn what H.264's header keeps to itself from the first bytes of the first frame.

FFmpeg decodes a whole key frame to know the pixel format, which takes ten times as long as all the
rest. Its decoder knows it as soon as it has read the head of a slice, so that is all it gets.

Source: ITU-T H.264, 7.3.1 and table 7-1; ISO/IEC 14496-15, 5.3.3 (units with lengths).
"""

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, islice
from typing import Any, Final, cast

from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from dashscope_aa.media._opening.clip import AnyPacket

__all__ = ["begun"]

_RECORD_BYTES: Final = 7
"""The shortest header that makes sense; its fifth byte says how long the units' lengths are."""
_HEAD_BYTES: Final = 256
"""The head of a slice is shorter; the decoder ends where the rest is missing."""
_PATIENCE: Final = 300
"""How many packets of sound may come before it."""
_SLICES: Final = (1, 5)
_PARAMETER_SETS: Final = (7, 8)
"""They may stand before a slice too, not only in the header."""


def begun(picture: VideoStream, packets: Iterator[AnyPacket]) -> Iterator[AnyPacket] | None:
    """Let the decoder of *picture* read the head of its first frame, and give all packets again.

    None if that does not tell the format.
    """
    read: list[AnyPacket] = []
    with suppress(FFmpegError):
        for packet in islice(packets, _PATIENCE):
            read.append(packet)
            if packet.stream_index == picture.index:
                return chain(read, packets) if _tells_format(picture, packet) else None
    return None


def _tells_format(picture: VideoStream, packet: AnyPacket) -> bool:
    context = picture.codec_context
    header = context.extradata or b""
    if context.name != "h264" or len(header) < _RECORD_BYTES or not packet.is_keyframe:
        return False  # of another frame, the head alone does not show that it can be decoded
    beginning = _beginning(memoryview(packet), (header[4] & 3) + 1)
    if not beginning:
        return False
    context.thread_count = 1
    context.options = {**context.options, "ec": "0"}  # what is missing is not made up
    with suppress(FFmpegError):
        cast("Any", context).decode(Packet(beginning))  # its stubs leave the packet's stream open
    return context.pix_fmt is not None


def _beginning(frame: memoryview, length_bytes: int) -> bytes:
    """Give the head of the first slice, and the parameter sets before it."""
    kept: list[bytes] = []
    for unit in _units(frame, length_bytes):
        kind = unit[0] & 31
        if kind in _PARAMETER_SETS:
            kept.append(bytes(unit))
        elif kind in _SLICES:
            kept.append(bytes(unit[:_HEAD_BYTES]))
            break
    return b"".join(len(unit).to_bytes(length_bytes) + unit for unit in kept)


def _units(frame: memoryview, length_bytes: int) -> list[memoryview]:
    """Give the units of a frame; none if their lengths make no sense, as FFmpeg takes it."""
    units: list[memoryview] = []
    at = 0
    while at < len(frame):
        start = at + length_bytes
        at = start + int.from_bytes(frame[at:start])
        if not start < at <= len(frame):
            return []
        units.append(frame[start:at])
    return units
