"""Learn what a clip's header keeps to itself from the first bytes of its first frame.

FFmpeg decodes whole frames to know the pixel format, which takes ten times as long as all the
rest. A decoder knows it as soon as it has read the head of a frame: most can be told to stop
there, and that of H.264 stops where it gets no memory for the picture.

Source: ITU-T H.264, 7.3.1, table 7-1 and annex B; ISO/IEC 14496-15, 5.3.3 (units with lengths).
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, islice
from typing import Any, Final, cast

from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from dashscope_aa.media._opening.clip import AnyPacket

__all__ = ["beginning_of", "begun", "met"]

_RECORD_BYTES: Final = 7
"""The shortest header that makes sense; its fifth byte says how long the units' lengths are."""
_HEAD_BYTES: Final = 256
"""The head of a slice is shorter."""
_PATIENCE: Final = 300
"""How many packets of sound may come before it."""
_SLICES: Final = (1, 5)
_PARAMETER_SETS: Final = (7, 8)
"""They may stand before a slice too, not only in the header."""
_SLICE_BY_CODE: Final = re.compile(rb"\x00\x00\x01[\x01\x21\x41\x61\x05\x25\x45\x65]")
"""Where a slice starts in a stream whose units follow codes."""


def begun(picture: VideoStream, packets: Iterator[AnyPacket]) -> Iterator[AnyPacket] | None:
    """Let the decoder of *picture* read the head of its first frame, and give all packets again.

    None if that does not tell the format.
    """
    first, packets = met(picture, packets)
    return packets if first is not None and _tells_format(picture, first) else None


def met(
    picture: VideoStream, packets: Iterator[AnyPacket]
) -> tuple[AnyPacket | None, Iterator[AnyPacket]]:
    """Give the first packet of *picture*, and all packets again; None if there is none for long."""
    read: list[AnyPacket] = []
    with suppress(FFmpegError):
        for packet in islice(packets, _PATIENCE):
            read.append(packet)
            if packet.stream_index == picture.index:
                return packet, chain(read, packets)
    return None, chain(read, packets)


def _tells_format(picture: VideoStream, packet: AnyPacket) -> bool:
    context = picture.codec_context
    context.thread_count = 1
    if context.name == "h264":
        return _tells_format_of_slice(context, packet)
    for skipped in ("ALL", "NONKEY"):
        context.skip_frame = skipped
        _decode(context, packet)
        if context.pix_fmt is not None and context.width > 0:
            return True
    return False


def _tells_format_of_slice(context: VideoCodecContext, packet: AnyPacket) -> bool:
    beginning = beginning_of(memoryview(packet), context.extradata or b"")
    # Of another frame, the head alone does not show that it can be decoded.
    if not beginning or not packet.is_keyframe:
        return False
    stated = context.width, context.height
    context.width, context.height = 0, 0  # so that the limit is not held against them
    context.options = {"max_pixels": "1"}
    _decode(context, Packet(beginning))
    # Where the container states another size, a decoder weighs them up.
    agreed = stated in ((context.width, context.height), (0, 0))
    return agreed and context.pix_fmt is not None


def _decode(context: VideoCodecContext, packet: AnyPacket) -> None:
    with suppress(FFmpegError):
        cast("Any", context).decode(packet)  # its stubs leave the packet's stream open


def beginning_of(frame: memoryview, header: bytes) -> bytes:
    """Give the head of the first slice, and the parameter sets before it; empty if none."""
    if header[:1] != b"\1":  # units follow codes, not lengths
        found = _SLICE_BY_CODE.search(frame)
        return bytes(frame[: found.end() + _HEAD_BYTES]) if found else b""
    if len(header) < _RECORD_BYTES:
        return b""
    length_bytes = (header[4] & 3) + 1
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
