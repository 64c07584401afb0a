"""Read an mp4 or mov file from end to end: its index, and the fragments that follow it.

Source: ISO/IEC 14496-12, 8.8 (movie fragments).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from dashscope_aa.media._containers.boxes import (
    ROWS,
    BadBoxes,
    Box,
    boxes,
    numbers,
    read,
    top_boxes,
)
from dashscope_aa.media._containers.movie import Movie, Track, read_index, sane

__all__ = ["read_movie"]

# Flags of a tfhd box, with the bytes of the field each announces, in the order of the fields.
_BASE, _TICKS, _BYTES = 0x1, 0x8, 0x10
_HEADER_FIELDS: Final = ((_BASE, "Q"), (0x2, "I"), (_TICKS, "I"), (_BYTES, "I"))
# Flags of a trun box: fields of its header, then fields of each sample.
_OFFSET, _FIRST_FLAGS = 0x1, 0x4
_SAMPLE_TICKS, _SAMPLE_BYTES = 0x100, 0x200
_SAMPLE_FIELDS: Final = (_SAMPLE_TICKS, _SAMPLE_BYTES, 0x400, 0x800)


def read_movie(file: BinaryIO, size_bytes: int) -> Movie:
    """Read the boxes of a clip.

    Raises:
        BadBoxes: they make no sense, or claim too much.
    """
    movie = Movie()
    for box in top_boxes(file, size_bytes):
        if box.end > size_bytes:
            movie.truncated = True
        elif box.kind == b"ftyp":
            movie.major_brand = read(file, box)[:4].decode("latin-1").rstrip(" \0")
        elif box.kind == b"moov" and not movie.has_index:
            index = read(file, box)
            read_index(movie, index)
            _read_defaults(movie, index)
        elif box.kind == b"moof" and movie.has_index:
            _read_fragment(movie, read(file, box), start=box.start, stop=size_bytes)
    return movie


def _read_defaults(movie: Movie, index: bytes) -> None:
    for mvex in boxes(index, 0, len(index)):
        if mvex.kind == b"mvex":
            for box in boxes(index, mvex.body, mvex.end):
                if box.kind == b"trex":
                    track_id, _, ticks, sample_bytes = numbers(index, "IIII", box.body + 4)
                    _track(movie, track_id).defaults = (ticks, sample_bytes)


def _track(movie: Movie, track_id: int) -> Track:
    """Give the track of that id; one that nobody looks at if there is none."""
    return next((track for track in movie.tracks if track.id == track_id), Track())


@dataclass(slots=True)
class _Part:
    """One track's share of a fragment: what its samples inherit, where the next one lies."""

    track: Track
    base: int
    at: int
    ticks: int
    sample_bytes: int


def _read_fragment(movie: Movie, data: bytes, *, start: int, stop: int) -> None:
    movie.fragmented = True
    for traf in boxes(data, 0, len(data)):
        if traf.kind == b"traf":
            _read_part(movie, data, traf, start=start, stop=stop)


def _read_part(movie: Movie, data: bytes, traf: Box, *, start: int, stop: int) -> None:
    part = _Part(Track(), start, start, 0, 0)
    for box in boxes(data, traf.body, traf.end):
        if box.kind == b"tfhd":
            part = _part(movie, data, box, start=start)
        elif box.kind == b"tfdt":
            layout = "Q" if data[box.body] == 1 else "I"
            _close_gap(part.track, numbers(data, layout, box.body + 4)[0])
        elif box.kind == b"trun":
            _read_run(part, data, box, stop=stop)
            movie.claim()
            movie.truncated |= part.at > stop


def _part(movie: Movie, data: bytes, tfhd: Box, *, start: int) -> _Part:
    flags, track_id = numbers(data, "II", tfhd.body)
    track, at = _track(movie, track_id), tfhd.body + 8
    found = {_BASE: start, _TICKS: track.defaults[0], _BYTES: track.defaults[1]}
    for flag, layout in _HEADER_FIELDS:
        if flags & flag:
            (found[flag],) = numbers(data, layout, at)
            at += struct.calcsize(">" + layout)
    return _Part(track, found[_BASE], found[_BASE], found[_TICKS], found[_BYTES])


def _close_gap(track: Track, starts_at: int) -> None:
    """Let the last sample last until the fragment starts."""
    gap = starts_at - track.ticks
    if track.runs and gap > 0:
        count, ticks = track.runs.pop()
        track.runs += [(count - 1, ticks)] if count > 1 else []
        track.runs.append((1, ticks + gap))
        track.ticks += gap


def _read_run(part: _Part, data: bytes, trun: Box, *, stop: int) -> None:
    """Add the samples that lie inside the file."""
    flags, count = numbers(data, "II", trun.body)
    at, fields = trun.body + 8, [flag for flag in _SAMPLE_FIELDS if flags & flag]
    if flags & _OFFSET:
        part.at = part.base + numbers(data, "i", at)[0]
        at += 4
    at += 4 * bool(flags & _FIRST_FLAGS)
    if count > ROWS or at + count * 4 * len(fields) > trun.end:
        raise BadBoxes("too_large", f"a fragment claims {count} samples")
    for sample in _samples(data[at : at + count * 4 * len(fields)], fields, count):
        size = sample.get(_SAMPLE_BYTES, part.sample_bytes)
        part.at += size
        if part.at <= stop:
            part.track.sample_bytes += size
            _add(part.track, sane(sample.get(_SAMPLE_TICKS, part.ticks)))


def _samples(table: bytes, fields: list[int], count: int) -> Iterator[dict[int, int]]:
    if not fields:
        yield from ({} for _ in range(count))
        return
    for values in struct.iter_unpack(f">{len(fields)}I", table):
        yield dict(zip(fields, values, strict=True))


def _add(track: Track, ticks: int) -> None:
    track.samples += 1
    track.ticks += ticks
    if track.runs and track.runs[-1][1] == ticks:
        track.runs[-1] = (track.runs[-1][0] + 1, ticks)
    else:
        track.runs.append((1, ticks))
