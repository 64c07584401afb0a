"""Walk the boxes that mp4, mov, heic and avif files are made of, within bounds.

Source: ISO/IEC 14496-12, 4.2.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final, Literal, NamedTuple

__all__ = ["ROWS", "BadBoxes", "Box", "boxes", "inside", "numbers", "read", "rows", "top_boxes"]

ROWS: Final = 2**20
"""The most rows of a table, and samples of a clip, that are read: 4.8 hours at 60 fps."""

_BODY_BYTES: Final = 32 * 1024 * 1024
"""The longest box that is read into memory; an index of that many samples is shorter."""

_BOXES: Final = 100_000
"""The most boxes of a file, one level deep: a long clip may have a fragment for each frame."""
_INNER_BOXES: Final = 10_000
"""The most boxes inside one: a picture of many tiles has some hundred properties."""
_DEPTH: Final = 8
_HOLDERS: Final = frozenset(
    (b"trak", b"mdia", b"minf", b"stbl", b"edts", b"mvex", b"iprp", b"ipco")
)


class BadBoxes(Exception):  # noqa: N818 - it says what a file is; errors are in errors.py
    """The boxes make no sense (``damaged``) or claim too much (``too_large``)."""

    def __init__(self, reason: Literal["damaged", "too_large"], message: str) -> None:
        super().__init__(message)
        self.reason: Literal["damaged", "too_large"] = reason


class Box(NamedTuple):
    """Where a box lies."""

    kind: bytes
    """Its four characters."""
    start: int
    """Offset of its header."""
    body: int
    """Offset of its contents."""
    end: int
    """Offset behind it; may lie beyond the end of a cut file."""

    def __str__(self) -> str:
        """Name it in a message."""
        return repr(self.kind.decode("latin-1"))


def top_boxes(file: BinaryIO, size_bytes: int) -> Iterator[Box]:
    """Give the boxes of a file, one level deep, up to the first that makes no sense."""
    at = 0
    for _ in range(_BOXES):
        # Going far beyond the end is an error, on some systems.
        file.seek(min(at, size_bytes))
        box = _box(file.read(16), at, size_bytes)
        if box is None:
            return
        yield box
        at = box.end
    raise BadBoxes("too_large", f"it has more than {_BOXES} boxes")


def read(file: BinaryIO, box: Box) -> bytes:
    """Read the contents of a box."""
    length = box.end - box.body
    if length > _BODY_BYTES:
        raise BadBoxes("too_large", f"its {box} box is {length} bytes long")
    file.seek(box.body)
    return file.read(length)


def boxes(data: bytes, start: int, stop: int) -> Iterator[Box]:
    """Give the boxes between two offsets, one level deep."""
    at = start
    for _ in range(_INNER_BOXES):
        box = _box(data[at : at + 16], at, stop) if at < stop else None
        if box is None:
            return
        if box.end > stop:
            raise BadBoxes("damaged", f"its {box} box is longer than the box around it")
        yield box
        at = box.end
    raise _too_many()


def inside(data: bytes, box: Box) -> Iterator[Box]:
    """Give the boxes inside *box*, and those inside them where they only hold others."""
    for count, inner in enumerate(_inside(data, box, 0)):
        if count == _INNER_BOXES:
            raise _too_many()
        yield inner


def _inside(data: bytes, box: Box, depth: int) -> Iterator[Box]:
    if depth > _DEPTH:
        raise BadBoxes("damaged", f"its boxes are nested more than {_DEPTH} deep")
    for inner in boxes(data, box.body, box.end):
        yield inner
        if inner.kind in _HOLDERS:
            yield from _inside(data, inner, depth + 1)


def _too_many() -> BadBoxes:
    return BadBoxes("too_large", f"it has a box with more than {_INNER_BOXES} others inside")


def numbers(data: bytes, layout: str, at: int) -> tuple[int, ...]:
    """Read integers, most significant byte first, as `struct` names them."""
    try:
        return struct.unpack_from(">" + layout, data, at)
    except struct.error:
        raise BadBoxes("damaged", "a box ends before its fields do") from None


def rows(data: bytes, box: Box, *, head_bytes: int, count: int, row_bytes: int) -> bytes:
    """Give the rows of a table, whose header is *head_bytes* long."""
    if count > ROWS:
        raise BadBoxes("too_large", f"its {box} table claims {count} rows")
    held = data[box.body + head_bytes : box.end]
    if count * row_bytes > len(held):
        there = len(held) // row_bytes
        raise BadBoxes("damaged", f"its {box} table claims {count} rows and holds {there}")
    return held[: count * row_bytes]


def _box(head: bytes, at: int, stop: int) -> Box | None:
    """Read a header; None where there is none, or none that makes sense."""
    if len(head) < 8:  # noqa: PLR2004 - length and kind, four bytes each
        return None
    length, kind, body = int.from_bytes(head[:4]), head[4:8], at + 8
    if length == 1 and len(head) == 16:  # noqa: PLR2004 - and a longer length, eight bytes
        length, body = int.from_bytes(head[8:]), at + 16
    elif length == 0:
        length = stop - at
    return Box(kind, at, body, at + length) if length >= body - at else None
