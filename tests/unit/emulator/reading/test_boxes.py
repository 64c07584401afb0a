"""Tables of mp4 files that claim more than they hold."""

import struct
from pathlib import Path

import pytest

from dashscope_aa.emulator._reading.boxes import MOST_BOXES, check_tables


def box(kind: bytes, *contents: bytes) -> bytes:
    """Make one box."""
    body = b"".join(contents)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def table(kind: bytes, *numbers: int) -> bytes:
    """Make a box of a version and numbers of four bytes."""
    return box(kind, bytes(4), struct.pack(f">{len(numbers)}I", *numbers))


def clip(*tables: bytes, moov: bytes = b"moov", data_bytes: int = 1000) -> bytes:
    """Make a file with one track."""
    track = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", *tables))))
    return box(b"ftyp", b"isom") + box(moov, track) + box(b"mdat", bytes(data_bytes))


FRAGMENT = box(b"moof", box(b"traf", table(b"trun", 5000, 0)))
LONG = struct.pack(">I4sQ", 1, b"moov", 16 + 20) + table(b"stsz", 1, 5000)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(clip(table(b"stsz", 0, 2, 10, 10)), id="two samples, sizes and all"),
        pytest.param(clip(table(b"stts", 2, 500, 40, 500, 41)), id="a thousand samples"),
        pytest.param(clip(table(b"stz2", 8, 900)), id="short sizes"),
        pytest.param(clip(table(b"elst", 1, 0, 0, 0)), id="an edit"),
        pytest.param(clip()[:-400], id="cut off"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\0\0\0\0mdat" + bytes(50), id="a box up to the end of the file"),
        pytest.param(b"\0\0\0\x03mdat" + bytes(50), id="a box shorter than its head"),
        pytest.param(box(b"meta", bytes(4), box(b"hdlr", bytes(8))), id="meta of mp4"),
        pytest.param(box(b"meta", box(b"hdlr", bytes(8))), id="meta of mov"),
    ],
)
def test_tables_that_fit(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(data)
    check_tables(tmp_path / "x.mp4")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(clip(table(b"stsz", 1, 5000)), "5000 samples", id="equal sizes"),
        pytest.param(clip(table(b"stz2", 8, 5000)), "5000 samples", id="short sizes"),
        pytest.param(clip(table(b"stts", 2, 3000, 1, 2000, 1)), "5000 samples", id="times"),
        pytest.param(clip(table(b"ctts", 1, 5000, 1)), "5000 samples", id="offsets"),
        pytest.param(clip(table(b"stco", 5000)), "do not fit", id="chunks that are not there"),
        pytest.param(clip(table(b"stts", 2**31)), "do not fit", id="rows that are not there"),
        pytest.param(clip() + FRAGMENT, "5000 samples", id="a fragment"),
        pytest.param(LONG, "5000 samples", id="a box with a long length"),
        pytest.param(
            box(b"meta", bytes(4), box(b"hdlr", bytes(8)), box(b"moov", table(b"stsz", 1, 5000))),
            "5000 samples",
            id="hidden in the metadata",
        ),
        pytest.param(
            box(b"meta", box(b"hdlr", bytes(8)), table(b"stsz", 1, 5000)),
            "5000 samples",
            id="hidden in the metadata of a mov",
        ),
        pytest.param(clip(box(b"cmov", bytes(20))), "compressed", id="a compressed index"),
        pytest.param(
            clip(
                table(b"elst", 50_000, *(150_000 * [0])), table(b"stsz", 1, 1000), data_bytes=1000
            ),
            "50000 edits",
            id="edits that repeat the index",
        ),
        pytest.param(
            box(b"free") * (MOST_BOXES + 1), f"more than {MOST_BOXES}", id="very many boxes"
        ),
    ],
)
def test_tables_that_claim_too_much(data: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(data)
    with pytest.raises(ValueError, match=why):
        check_tables(tmp_path / "x.mp4")
