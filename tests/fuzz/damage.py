"""Ways to damage a file, each drawn from a seed, so that every case can be made again."""

import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

__all__ = ["case", "damaged"]

CASE_BYTES: Final = 300_000
"""The longest file that is damaged: damage to a longer one hits nothing that matters."""

EXTREMES: Final = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    2**20,
    2**24,
    2**31 - 1,
    2**31,
    2**32 - 1,
)
NAMES: Final = (
    *(b"moov", b"trak", b"mdia", b"stsz", b"stts", b"stsc", b"stco", b"ctts", b"elst", b"trun"),
    *(b"moof", b"tfhd", b"stsd", b"avcC", b"hvcC", b"esds", b"mvhd", b"tkhd", b"mdhd", b"hdlr"),
    *(b"avih", b"strh", b"strf", b"idx1", b"indx", b"movi", b"onMetaData", b"\x1aE\xdf\xa3"),
    *(b"\x16T\xaek", b"\x1fC\xb6u", b"\x1cS\xbbk", b"IHDR", b"acTL", b"fcTL", b"iCCP", b"zTXt"),
    *(b"\xff\xc0", b"\xff\xc2", b"\xff\xda", b"Exif", b"VP8X", b"ANMF", b"ispe", b"iloc", b"meta"),
)
HEAD_BYTES: Final = 600
BLOCK_BYTES: Final = 2000

Damage = Callable[[random.Random, bytearray], None]


def case(seed: int, folder: Path) -> tuple[str, bytes]:
    """Make the case of a seed from the files of a folder."""
    draw = random.Random(seed)  # noqa: S311 - it must be the same each time
    files = sorted(path for path in folder.iterdir() if path.stat().st_size < CASE_BYTES)
    path, other = draw.choice(files), draw.choice(files)
    return path.name, damaged(draw, path.read_bytes(), other.read_bytes())


def damaged(draw: random.Random, whole: bytes, other: bytes) -> bytes:
    """Give *whole* with some damage done to it, now and then with a piece of *other*."""
    data = bytearray(whole)
    for _ in range(draw.choice((1, 1, 2, 3, 5, 20))):
        if data:
            draw.choice(DAMAGES)(draw, data)
    if draw.random() < 0.05:
        at, start = draw.randrange(len(data) + 1), draw.randrange(len(other) + 1)
        data[at : at + BLOCK_BYTES] = other[start : start + BLOCK_BYTES]
    return bytes(data)


def _place(draw: random.Random, data: bytearray) -> int:
    """Choose an offset: near a name that means something, in the head, or anywhere."""
    kind = draw.random()
    if kind < 0.6:
        found = data.find(draw.choice(NAMES), draw.randrange(len(data)))
        if found < 0:
            found = data.find(draw.choice(NAMES))
        if found >= 0:
            return min(max(0, found + draw.randrange(-4, 40)), len(data) - 1)
    return draw.randrange(min(len(data), HEAD_BYTES) if kind < 0.9 else len(data))


def _flip_bit(draw: random.Random, data: bytearray) -> None:
    data[_place(draw, data)] ^= 1 << draw.randrange(8)


def _set_byte(draw: random.Random, data: bytearray) -> None:
    data[_place(draw, data)] = draw.randrange(256)


def _set_number(draw: random.Random, data: bytearray) -> None:
    number = draw.choice(EXTREMES) if draw.random() < 0.7 else draw.randrange(2**32)
    layout = draw.choice((">I", "<I", ">H", "<H", ">Q"))
    size = struct.calcsize(layout)
    at = _place(draw, data)
    data[at : at + size] = struct.pack(layout, number % 2 ** (8 * min(size, 4)))


def _cut_off(draw: random.Random, data: bytearray) -> None:
    del data[draw.randrange(len(data)) :]


def _cut_out(draw: random.Random, data: bytearray) -> None:
    at = _place(draw, data)
    del data[at : at + draw.randrange(1, BLOCK_BYTES)]


def _repeat(draw: random.Random, data: bytearray) -> None:
    at = _place(draw, data)
    piece = data[at : at + draw.randrange(1, BLOCK_BYTES)]
    data[at:at] = piece * draw.choice((1, 1, 2, 50))


def _insert_noise(draw: random.Random, data: bytearray) -> None:
    at = _place(draw, data)
    data[at:at] = draw.randbytes(draw.randrange(1, 64))


def _rename(draw: random.Random, data: bytearray) -> None:
    name = draw.choice(NAMES)
    at = _place(draw, data)
    data[at : at + len(name)] = name


DAMAGES: Final[tuple[Damage, ...]] = (
    *(_flip_bit, _set_byte, _set_number, _set_number, _set_number),
    *(_cut_off, _cut_out, _repeat, _insert_noise, _rename),
)
