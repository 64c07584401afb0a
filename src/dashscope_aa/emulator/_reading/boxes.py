"""Read the tables of an mp4 or mov file before a demuxer does.

A demuxer makes an index of as many entries as the file claims to have samples, so that a file
of a few hundred bytes can cost gigabytes. Here the claims are compared with the file's size,
which takes a fraction of a millisecond and allocates next to nothing.

Source: ISO/IEC 14496-12, the boxes of the sample table, of edit lists and of movie fragments.
"""

import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

MOST_BOXES: Final = 100_000
"""A clip of a minute with a fragment for each frame has less than half of these."""

MOST_SAMPLES: Final = 10_000_000
"""Three minutes of uncompressed sound, each sample counted, stay below."""

MOST_EDITED_SAMPLES: Final = 4 * MOST_SAMPLES
"""Each entry of an edit list may repeat the whole index; ordinary files have one or two."""

_FOLDERS: Final = frozenset(
    (b"moov trak mdia minf stbl edts dinf tref udta meta mvex moof traf ipro iprp wide").split()
)
_ROW_BYTES: Final = {
    b"stts": 8,
    b"ctts": 8,
    b"stsc": 12,
    b"stss": 4,
    b"stco": 4,
    b"co64": 8,
    b"elst": 12,
}


class _Box(NamedTuple):
    kind: bytes
    start: int
    end: int


def check_tables(path: Path) -> None:
    """Refuse a file whose tables claim more than it can hold.

    Raises:
        ValueError: the claims do not fit the file, or there are too many boxes to look at.
    """
    size_bytes = path.stat().st_size
    claims: Counter[bytes] = Counter()
    with path.open("rb") as file:
        for box in _boxes(file, size_bytes):
            claims[box.kind] += _claimed(file, box)
    edits = claims.pop(b"elst", 0)
    samples = max(claims.values(), default=0)
    if samples > min(size_bytes, MOST_SAMPLES) or samples * edits > MOST_EDITED_SAMPLES:
        raise ValueError(
            f"{samples} samples and {edits} edits are claimed by a file of {size_bytes} bytes"
        )


def _boxes(file: BinaryIO, size_bytes: int) -> Iterator[_Box]:
    """Walk through all boxes that a demuxer would open."""
    rooms = [(0, size_bytes)]
    visited = 0
    while rooms:
        start, end = rooms.pop()
        box = _box_at(file, start, end)
        if box is None:
            continue
        visited += 1
        if visited > MOST_BOXES:
            raise ValueError(f"more than {MOST_BOXES} boxes")
        rooms.append((box.end, end))
        if box.kind in _FOLDERS:
            rooms.append((box.start + _version_bytes(file, box), box.end))
        yield box


def _box_at(file: BinaryIO, start: int, end: int) -> _Box | None:
    """Read the head of the box at *start*; None where no box fits any more."""
    file.seek(start)
    head = file.read(16)
    if len(head) < 8 or start + 8 > end:  # noqa: PLR2004 - a length and a name, four bytes each
        return None
    length, kind = struct.unpack_from(">I4s", head)
    head_bytes = 8
    if length == 1 and len(head) == 16:  # noqa: PLR2004 - a long length follows the name
        length, head_bytes = struct.unpack_from(">Q", head, 8)[0], 16
    elif length == 0:
        length = end - start
    if length < head_bytes:
        return None
    return _Box(kind, start + head_bytes, min(start + length, end))


def _version_bytes(file: BinaryIO, box: _Box) -> int:
    """Count what comes before the boxes in a ``meta`` box: a version in mp4, nothing in mov."""
    if box.kind != b"meta":
        return 0
    file.seek(box.start + 4)
    return 0 if file.read(4) == b"hdlr" else 4


def _claimed(file: BinaryIO, box: _Box) -> int:
    """Count the samples (or edits) that one table claims."""
    file.seek(box.start)
    head = file.read(12).ljust(12, b"\0")
    if box.kind == b"cmov":
        raise ValueError("a compressed index is not opened")
    if box.kind in {b"stsz", b"stz2"}:
        return int.from_bytes(head[8:12])
    if box.kind == b"trun":
        return int.from_bytes(head[4:8])
    if box.kind in _ROW_BYTES:
        return _rows(file, box, int.from_bytes(head[4:8]))
    return 0


def _rows(file: BinaryIO, box: _Box, rows: int) -> int:
    """Check that the rows of a table are there, and count the samples they stand for."""
    if rows * _ROW_BYTES[box.kind] > box.end - box.start - 8 or rows > MOST_SAMPLES:
        raise ValueError(
            f"{rows} rows do not fit a {box.kind.decode()} box of {box.end - box.start} bytes"
        )
    if box.kind not in {b"stts", b"ctts"}:
        return rows
    file.seek(box.start + 8)
    return sum(count for count, _ in struct.iter_unpack(">II", file.read(rows * 8)))
