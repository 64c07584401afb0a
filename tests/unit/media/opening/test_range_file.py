"""Files whose bytes are fetched when they are read."""

import io
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashscope_aa.media._opening.range_file import Ends, RangeFile, WantedFile

KIBIBYTE = 1024
DATA = random.Random(1).randbytes(700 * KIBIBYTE + 123)  # noqa: S311 - a test wants it the same


class Far:
    """Bytes far away, which keeps what was asked for."""

    def __init__(self, data: bytes = DATA) -> None:
        self.data = data
        self.asked: list[tuple[int, int]] = []

    def __call__(self, start: int, stop: int) -> bytes:
        self.asked.append((start, stop))
        return self.data[start:stop]


@given(st.lists(st.tuples(st.integers(0, len(DATA) + 10), st.integers(-1, 90_000)), max_size=12))
def test_reads_what_is_there(reads: list[tuple[int, int]]) -> None:
    far = Far()
    file = RangeFile(far, len(DATA), head=DATA[:5000])
    for start, length in reads:
        file.seek(start)
        expected = DATA[start:] if length < 0 else DATA[start : start + length]
        assert file.read(length) == expected
        assert file.tell() == start + len(expected)
    asked = sorted(far.asked)
    assert all(one[1] <= two[0] for one, two in pairwise(asked)), "asked twice"


def test_a_long_read_is_one_request() -> None:
    file = RangeFile(far := Far(), len(DATA))
    file.seek(100)
    file.read(500 * KIBIBYTE)
    assert far.asked == [(0, 512 * KIBIBYTE)]


def test_a_steady_reader_is_met_halfway() -> None:
    file = RangeFile(far := Far(), len(DATA))
    while file.read(8 * KIBIBYTE):
        pass
    lengths = [(stop - start) // KIBIBYTE for start, stop in far.asked]
    assert lengths == [64, 128, 256, 252]


def test_a_jumping_reader_gets_no_more_than_it_asks_for() -> None:
    file = RangeFile(far := Far(), len(DATA))
    for at in (600, 100, 300):
        file.seek(at * KIBIBYTE)
        file.read(16)
    assert [stop - start for start, stop in far.asked] == [32 * KIBIBYTE] * 3


def test_the_head_is_not_fetched_again() -> None:
    file = RangeFile(far := Far(), len(DATA), head=DATA[: 64 * KIBIBYTE])
    assert file.read(64 * KIBIBYTE) == DATA[: 64 * KIBIBYTE]
    assert far.asked == []


@pytest.mark.parametrize(
    ("whence", "offset", "at"),
    [
        pytest.param(io.SEEK_SET, 7, 7, id="from the start"),
        pytest.param(io.SEEK_CUR, -3, 7, id="from here"),
        pytest.param(io.SEEK_END, -len(DATA) + 7, 7, id="from the end"),
        pytest.param(io.SEEK_CUR, -99, 0, id="before the start"),
    ],
)
def test_seek(whence: int, offset: int, at: int) -> None:
    file = RangeFile(Far(), len(DATA))
    file.seek(10)
    assert (file.seek(offset, whence), file.tell()) == (at, at)
    assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)


def test_a_fault_is_kept_and_not_tried_again() -> None:
    calls: list[int] = []

    def fails(start: int, stop: int) -> bytes:
        calls.append(start)
        raise KeyboardInterrupt

    file = RangeFile(fails, len(DATA))
    for _ in range(2):
        with pytest.raises(OSError, match="could not be fetched"):
            file.read(10)
    assert isinstance(file.fault, KeyboardInterrupt)
    assert calls == [0]


def test_fewer_bytes_than_asked_for_are_a_fault() -> None:
    file = RangeFile(Far(DATA[:-1]), len(DATA))
    file.seek(-10, io.SEEK_END)
    with pytest.raises(OSError, match="could not be fetched"):
        file.read(10)


@given(
    start=st.integers(0, 900),
    length=st.integers(0, 900),
    at=st.integers(0, 1000),
    count=st.integers(-1, 1000),
)
def test_ends_leave_out_the_hole(start: int, length: int, at: int, count: int) -> None:
    data = DATA[:1000]
    hole = range(start, min(start + length, 1000))
    file = Ends(io.BytesIO(data), 1000, hole=hole)
    expected = data[: hole.start] + data[hole.stop :]
    file.seek(at)
    assert file.read(count) == (expected[at:] if count < 0 else expected[at : at + count])


@given(st.lists(st.tuples(st.integers(0, len(DATA) + 10), st.integers(-1, 90_000)), max_size=12))
def test_a_wanted_file_is_read_as_it_is(reads: list[tuple[int, int]]) -> None:
    below = io.BytesIO(DATA)
    file = WantedFile(below, len(DATA), lambda: None)
    for start, length in reads:
        file.seek(start)
        below.seek(7)  # somebody else reads it too
        assert file.read(length) == (DATA[start:] if length < 0 else DATA[start : start + length])


def test_a_file_that_nobody_wants_has_ended() -> None:
    wanted = iter([True, True])

    def checkpoint() -> None:
        if not next(wanted, False):
            raise LookupError

    file = WantedFile(io.BytesIO(DATA), len(DATA), checkpoint)
    assert [len(file.read(10)) for _ in range(4)] == [10, 10, 0, 0]
    assert isinstance(file.fault, LookupError)
