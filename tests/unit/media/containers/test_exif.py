"""The orientation is read from EXIF data of either byte order, and from nothing else."""

import struct

import pytest

from dashscope_aa.media._containers.exif import orientation


def entry(tag: int, kind: int, count: int, value: bytes) -> bytes:
    return struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")


def little(*entries: bytes) -> bytes:
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(entries)


WIDTH = entry(256, 4, 1, b"\x20\x03")
BIG = b"MM\0*" + struct.pack(">IHHHIHH", 8, 1, 274, 3, 1, 6, 0)


@pytest.mark.parametrize(
    ("exif", "expected"),
    [
        pytest.param(little(entry(274, 3, 1, b"\6")), 6, id="as cameras write it"),
        pytest.param(b"Exif\0\0" + little(entry(274, 3, 1, b"\6")), 6, id="as JPEG holds it"),
        pytest.param(BIG, 6, id="the other byte order"),
        pytest.param(little(WIDTH, entry(274, 3, 1, b"\3")), 3, id="not the first entry"),
        pytest.param(little(entry(274, 4, 1, b"\10")), 8, id="a longer number"),
        pytest.param(little(entry(274, 1, 1, b"\2")), 2, id="a shorter number"),
        pytest.param(None, 1, id="none"),
        pytest.param(b"", 1, id="empty"),
        pytest.param(b"Exif\0\0", 1, id="nothing but the name"),
        pytest.param(b"Exif\0\0garbage-garbage", 1, id="garbage"),
        pytest.param(b"Exif\0\0II*\0", 1, id="cut off behind the byte order"),
        pytest.param(b"II*\0\xff\xff\xff\x7f", 1, id="entries far beyond the end"),
        pytest.param(little(entry(274, 3, 1, b"\6"))[:-6], 1, id="cut off in the entry"),
        pytest.param(little(WIDTH), 1, id="not stored"),
        pytest.param(little(entry(274, 3, 1, b"\0")), 1, id="zero"),
        pytest.param(little(entry(274, 3, 1, b"\11")), 1, id="nine"),
        pytest.param(little(entry(274, 2, 4, b"6")), 1, id="a letter"),
        pytest.param(little(entry(274, 3, 2, b"\6\0\6")), 1, id="two numbers"),
    ],
)
def test_orientation(exif: bytes | None, expected: int) -> None:
    assert orientation(exif) == expected
