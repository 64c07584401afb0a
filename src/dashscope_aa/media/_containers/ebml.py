"""Read the elements that mkv and webm files are made of, within bounds.

Source: RFC 8794 (EBML); RFC 9559 (Matroska), 5.1.
"""

import struct
from collections.abc import Iterator
from typing import Final

__all__ = ["elements", "real"]

_HOLDERS: Final = frozenset(
    (
        0x1A45DFA3,  # EBML
        0x18538067,  # Segment
        0x1549A966,  # Info
        0x1654AE6B,  # Tracks
        0xE0,  # Video
        0x7670,  # Projection
    )
)
_SEGMENT: Final = 0x18538067
_DEPTH: Final = 6
_UNKNOWN: Final = -1
"""The length of an element that was still growing when its head was written."""


def elements(
    data: bytes, at: int = 0, stop: int | None = None, depth: int = 0
) -> Iterator[tuple[int, int, bytes]]:
    """Give id, end and contents of elements, going into those that only hold others.

    Of the segment, which holds nearly all of a file, id and end are given first, without
    contents; the end is `UNKNOWN` for a live recording. What makes no sense ends the walk.
    """
    stop = len(data) if stop is None else stop
    while at < stop and depth < _DEPTH:
        element, at = _number(data, at, keep_marker=True)
        length, at = _number(data, at, keep_marker=False)
        if element == 0:
            return
        end = stop if length == _UNKNOWN else at + length
        if element == _SEGMENT:
            yield element, _UNKNOWN if length == _UNKNOWN else end, b""
        if element in _HOLDERS:
            yield from elements(data, at, min(end, stop), depth + 1)
        else:
            yield element, end, data[at : min(end, stop)]
        at = end


def real(value: bytes) -> float:
    """Read a floating-point number of 4 or 8 bytes; 0 for anything else."""
    layout = {4: ">f", 8: ">d"}.get(len(value))
    return float(struct.unpack(layout, value)[0]) if layout else 0.0


def _number(data: bytes, at: int, *, keep_marker: bool) -> tuple[int, int]:
    """Read a number that tells its own length, and give the offset behind it; 0 if none."""
    first = data[at] if at < len(data) else 0
    length = 9 - first.bit_length()
    if first == 0 or at + length > len(data):
        return 0, len(data)
    value, marker = int.from_bytes(data[at : at + length]), 1 << 7 * length
    if keep_marker:
        return value, at + length
    value %= marker
    return (_UNKNOWN if value == marker - 1 else value), at + length
