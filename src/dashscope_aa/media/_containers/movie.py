"""What the index of an mp4 or mov file says: tracks, samples, durations, edits, rotation.

FFmpeg believes a sample table before it looks at the file's size, and a few hundred bytes can
make it allocate gigabytes. So the tables are read here first, in plain Python and with bounds.
The same tables tell exact frame counts and durations without touching the frames.

Source: ISO/IEC 14496-12, 8.2 to 8.8; Apple's QuickTime File Format.
"""

import struct
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from dashscope_aa.media._containers.boxes import ROWS, BadBoxes, Box, boxes, inside, numbers, rows

__all__ = ["Movie", "Track", "read_index"]

Matrix: TypeAlias = tuple[float, float, float, float]
"""a, b, c, d of a display matrix: x' = a·x + c·y, y' = b·x + d·y."""

_TRACKS: Final = 64
_EDITS: Final = 1000
_UNKNOWN: Final = 0xFFFFFFFF
# The bytes of one row of each table that FFmpeg allocates by the count its header claims.
_ROW_BYTES: Final = {
    b"stts": 8,
    b"ctts": 8,
    b"stsc": 12,
    b"stco": 4,
    b"co64": 8,
    b"stss": 4,
    b"stps": 4,
}


@dataclass(slots=True)
class Track:
    """One track: its tables, summed up."""

    id: int = 0
    """Its number, which FFmpeg gives its stream as `id`."""
    handler: bytes = b""
    """``vide`` or ``soun``; others are of no interest."""
    timescale: int = 1
    """Ticks a second."""
    matrix: Matrix = (1, 0, 0, 1)
    """How the picture is turned."""
    samples: int = 0
    """How many samples there are; in a cut file with one index, how many there should be."""
    sample_bytes: int = 0
    """What the samples' sizes come to."""
    runs: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Samples that follow each other at one pace: how many, and the ticks each lasts."""
    ticks: int = 0
    """What all samples last, in ticks."""
    chunks: int = 0
    """How many chunks the samples lie in."""
    edits: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """The edit list: length in ticks of the movie, start in ticks of the track (−1: a pause)."""
    defaults: tuple[int, int] = (0, 0)
    """Ticks and bytes of a sample in a fragment that does not say."""

    @property
    def duration_s(self) -> float:
        """What all samples last, in seconds."""
        return self.ticks / self.timescale

    @property
    def index_entries(self) -> int:
        """How many index entries FFmpeg makes of it: each edit takes the samples anew."""
        # Sound of one tick a sample is indexed by chunk (mov_build_index in FFmpeg's mov.c).
        by_chunk = self.handler == b"soun" and [ticks for _, ticks in self.runs] == [1]
        return (self.chunks if by_chunk else self.samples) * max(1, len(self.edits))


@dataclass(slots=True)
class Movie:
    """What the boxes of one clip say."""

    major_brand: str | None = None
    """The ``ftyp`` brand without padding; None in the oldest mov files."""
    tracks: list[Track] = field(default_factory=list[Track])
    """All tracks, in their order."""
    timescale: int = 1
    """Ticks a second of the whole movie."""
    duration_s: float | None = None
    """Duration the movie header states, in seconds, right or wrong."""
    has_index: bool = False
    """True if there is a whole ``moov`` box: without it nothing can be read."""
    fragmented: bool = False
    """True if samples lie in fragments."""
    truncated: bool = False
    """True if a box promises more bytes than there are."""

    def claim(self) -> None:
        """Make sure that FFmpeg can hold the index in memory (70 bytes a sample)."""
        entries = sum(track.index_entries for track in self.tracks)
        if entries > ROWS:
            raise BadBoxes("too_large", f"it claims an index of {entries} samples")


def read_index(movie: Movie, data: bytes) -> None:
    """Read the contents of a ``moov`` box into *movie*."""
    movie.has_index = True
    turn: Matrix = (1, 0, 0, 1)
    for box in boxes(data, 0, len(data)):
        if box.kind == b"mvhd":
            movie.timescale, ticks, at = _times(data, box)
            movie.duration_s = ticks / movie.timescale if 0 < ticks < _UNKNOWN else None
            turn = _matrix(data, at + 16)
        elif box.kind == b"trak":
            movie.tracks.append(_track(data, box))
        elif box.kind == b"mvex":
            movie.fragmented = True
        elif box.kind == b"cmov":
            raise BadBoxes("damaged", "its index is compressed, which is not read here")
        if len(movie.tracks) > _TRACKS:
            raise BadBoxes("too_large", f"it has more than {_TRACKS} tracks")
    for track in movie.tracks:
        track.matrix = _product(track.matrix, turn)
    movie.claim()


def sane(ticks: int) -> int:
    """Give a duration as FFmpeg takes it: one with the sign bit set is an old muxer's fault."""
    return ticks if ticks < 2**31 else 1


def _track(data: bytes, trak: Box) -> Track:
    track, runs = Track(), b""
    for box in inside(data, trak):
        if box.kind == b"tkhd":
            wide = data[box.body] == 1
            (track.id,) = numbers(data, "I", box.body + (20 if wide else 12))
            track.matrix = _matrix(data, box.body + (52 if wide else 40))
        elif box.kind == b"mdhd":
            track.timescale, _, _ = _times(data, box)
        elif box.kind == b"hdlr" and not track.handler:
            track.handler = data[box.body + 8 : box.body + 12]
        elif box.kind == b"elst":
            track.edits = _edits(data, box)
        elif box.kind == b"stsz":
            _read_sizes(track, data, box)
        elif box.kind in _ROW_BYTES:
            (count,) = numbers(data, "I", box.body + 4)
            row_bytes = _ROW_BYTES[box.kind]
            table = rows(data, box, head_bytes=8, count=count, row_bytes=row_bytes)
            runs = table if box.kind == b"stts" else runs
            track.chunks = count if box.kind in {b"stco", b"co64"} else track.chunks
    _read_runs(track, runs)
    return track


def _read_sizes(track: Track, data: bytes, box: Box) -> None:
    _, uniform, track.samples = numbers(data, "III", box.body)
    if uniform:
        track.sample_bytes = uniform * track.samples
        return
    table = rows(data, box, head_bytes=12, count=track.samples, row_bytes=4)
    track.sample_bytes = sum(struct.unpack(f">{track.samples}I", table))


def _read_runs(track: Track, table: bytes) -> None:
    """Take as many runs as there are samples; the last goes on if there are too few."""
    left = track.samples
    for count, ticks in struct.iter_unpack(">II", table):
        if (taken := min(count, left)) > 0:
            track.runs.append((taken, sane(ticks)))
            left -= taken
    if left > 0 and track.runs:
        track.runs.append((left, track.runs[-1][1]))
    track.ticks = sum(count * ticks for count, ticks in track.runs)


def _edits(data: bytes, box: Box) -> list[tuple[int, int]]:
    version, (count,) = data[box.body], numbers(data, "I", box.body + 4)
    if count > _EDITS:
        raise BadBoxes("too_large", f"its edit list claims {count} rows")
    layout, row_bytes = (">Qq4x", 20) if version == 1 else (">Ii4x", 12)
    table = rows(data, box, head_bytes=8, count=count, row_bytes=row_bytes)
    return list(struct.iter_unpack(layout, table))


def _times(data: bytes, box: Box) -> tuple[int, int, int]:
    """Give timescale, duration and the offset behind them, of an mvhd or mdhd box."""
    layout, skip = ("IQ", 20) if data[box.body] == 1 else ("II", 12)
    timescale, ticks = numbers(data, layout, box.body + skip)
    return max(1, timescale), ticks, box.body + skip + struct.calcsize(">" + layout)


def _matrix(data: bytes, at: int) -> Matrix:
    a, b, _, c, d = numbers(data, "iiiii", at)
    return (a / 65536, b / 65536, c / 65536, d / 65536)


def _product(one: Matrix, two: Matrix) -> Matrix:
    (a, b, c, d), (e, f, g, h) = one, two
    return (a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h)
