"""Boxes that make no sense or claim too much: refused before FFmpeg sees them."""

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashscope_aa.media._containers.boxes import (
    ROWS,
    BadBoxes,
    Box,
    boxes,
    inside,
    read,
    rows,
    top_boxes,
)
from dashscope_aa.media._containers.fragments import read_movie
from dashscope_aa.media._containers.movie import Movie, Track, read_index


def box(kind: bytes, *contents: bytes) -> bytes:
    body = b"".join(contents)
    return struct.pack(">I", len(body) + 8) + kind + body


def numbers(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def track(*tables: bytes, handler: bytes = b"vide") -> bytes:
    header = box(b"tkhd", numbers(0, 0, 0, 1), bytes(24), numbers(65536, 0, 0, 0, 65536), bytes(24))
    media = box(b"mdhd", numbers(0, 0, 0, 1000, 0), bytes(4))
    kind = box(b"hdlr", bytes(8), handler, bytes(12))
    return box(b"trak", header, box(b"mdia", media, kind, box(b"minf", box(b"stbl", *tables))))


def sizes(uniform: int, count: int, *each: int) -> bytes:
    return box(b"stsz", numbers(0, uniform, count, *each))


def paces(*runs: tuple[int, int]) -> bytes:
    return box(b"stts", numbers(0, len(runs)), *(numbers(*run) for run in runs))


def movie_of(*tracks: bytes) -> Movie:
    movie = Movie()
    head = box(b"mvhd", numbers(0, 0, 0, 600, 1800), bytes(16), numbers(65536, 0, 0, 0, 65536))
    read_index(movie, head + b"".join(tracks))
    return movie


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        pytest.param((sizes(0, 3, 5, 6, 7), paces((3, 40))), (3, 18, [(3, 40)]), id="sizes listed"),
        pytest.param((sizes(9, 3), paces((3, 40))), (3, 27, [(3, 40)]), id="all of one size"),
        pytest.param(
            (sizes(9, 3), paces((9, 40))), (3, 27, [(3, 40)]), id="more paces than samples"
        ),
        pytest.param(
            (sizes(9, 3), paces((1, 5), (1, 40))), (3, 27, [(1, 5), (1, 40), (1, 40)]), id="fewer"
        ),
        pytest.param((sizes(9, 1), paces((1, 2**32 - 1))), (1, 9, [(1, 1)]), id="a negative pace"),
        pytest.param((sizes(9, 0), paces()), (0, 0, []), id="empty tables"),
    ],
)
def test_tables(
    tables: tuple[bytes, ...], expected: tuple[int, int, list[tuple[int, int]]]
) -> None:
    found = movie_of(track(*tables)).tracks[0]
    assert (found.samples, found.sample_bytes, found.runs) == expected
    assert found.duration_s == sum(count * ticks for count, ticks in expected[2]) / 1000


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        pytest.param(track(sizes(1, ROWS + 1)), "too_large", id="samples without end"),
        pytest.param(track(sizes(0, ROWS + 1)), "too_large", id="a size table without end"),
        pytest.param(track(sizes(0, 9, 1)), "damaged", id="sizes missing"),
        pytest.param(track(box(b"stts", numbers(0, 9))), "damaged", id="paces missing"),
        pytest.param(
            track(box(b"stsc", numbers(0, ROWS + 1))), "too_large", id="chunks without end"
        ),
        pytest.param(track(box(b"co64", numbers(0, 2, 0))), "damaged", id="offsets missing"),
        pytest.param(track(box(b"elst", numbers(0, 5000))), "too_large", id="edits without end"),
        pytest.param(track() * 65, "too_large", id="tracks without end"),
        pytest.param(box(b"free") * 10_001, "too_large", id="boxes without end"),
        pytest.param(track(box(b"free") * 9_999), "too_large", id="boxes without end, below"),
        pytest.param(box(b"cmov"), "damaged", id="a compressed index"),
        pytest.param(track(b"\0\0\0\xffstsz"), "damaged", id="a box longer than what holds it"),
        pytest.param(track(box(b"stsz")), "damaged", id="a box without its fields"),
    ],
)
def test_bad_tables(contents: bytes, reason: str) -> None:
    with pytest.raises(BadBoxes) as caught:
        movie_of(contents)
    assert caught.value.reason == reason


def test_each_edit_counts_the_samples_anew() -> None:
    edits = box(b"elst", numbers(0, 200), *(numbers(1, 0, 65536) for _ in range(200)))
    assert movie_of(track(sizes(1, 5000), edits)).tracks[0].index_entries == 1_000_000
    with pytest.raises(BadBoxes, match="1200000 samples"):
        movie_of(track(sizes(1, 6000), edits))


def test_samples_of_bare_sound_are_indexed_by_chunk() -> None:
    tables = (sizes(2, 48_000 * 60), paces((48_000 * 60, 1)), box(b"stco", numbers(0, 2, 8, 9)))
    found = movie_of(track(*tables, handler=b"soun")).tracks[0]
    assert (found.samples, found.index_entries) == (2_880_000, 2)


def test_boxes_nested_without_end() -> None:
    nested = b""
    for _ in range(20):
        nested = box(b"trak", nested)
    with pytest.raises(BadBoxes, match="nested"):
        list(inside(nested, Box(b"moov", 0, 0, len(nested))))


def test_boxes_of_every_length() -> None:
    small, large = box(b"free", b"abc"), struct.pack(">I4sQ", 1, b"mdat", 20) + b"data"
    to_the_end = struct.pack(">I4s", 0, b"free") + b"rest"
    data = small + large + to_the_end
    found = list(top_boxes(io.BytesIO(data), len(data)))
    assert [one.kind for one in found] == [b"free", b"mdat", b"free"]
    assert read(io.BytesIO(data), found[1]) == b"data"
    assert found[-1].end == len(data)


def test_a_box_shorter_than_its_header_ends_the_walk() -> None:
    assert list(boxes(b"\0\0\0\3free", 0, 8)) == []


def test_files_of_boxes_without_end() -> None:
    data = box(b"free") * 100_001
    with pytest.raises(BadBoxes, match="more than 100000 boxes"):
        list(top_boxes(io.BytesIO(data), len(data)))


def test_a_box_too_long_to_be_read() -> None:
    with pytest.raises(BadBoxes, match="'moov' box is 99999999 bytes long"):
        read(io.BytesIO(), Box(b"moov", 0, 0, 99_999_999))


def test_rows_end_where_the_table_does() -> None:
    table = Box(b"stco", 0, 8, 20)
    data = bytes(8) + bytes(4) + b"aaaabbbb"
    assert rows(data, table, head_bytes=4, count=1, row_bytes=4) == b"aaaa"


# ── fragments ────────────────────────────────────────────────────────────────────────────

FRAGMENTED = box(b"mvex", box(b"trex", numbers(0, 1, 1, 40, 100, 0)))


def fragment(
    run: bytes, *, starts_at: int | None = None, flags: int = 0, more: bytes = b""
) -> bytes:
    header = box(b"tfhd", numbers(flags, 1), more)
    time = b"" if starts_at is None else box(b"tfdt", numbers(0, starts_at))
    return box(b"moof", box(b"traf", header, time, run))


def found_in(*fragments: bytes, data: int = 100_000) -> tuple[Movie, Track]:
    parts = [box(b"moov", track(), FRAGMENTED), *fragments, box(b"mdat", bytes(data))]
    whole = b"".join(parts)
    movie = read_movie(io.BytesIO(whole), len(whole))
    return movie, movie.tracks[0]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        pytest.param(fragment(box(b"trun", numbers(0, 3))), [(3, 40)], id="as the index says"),
        pytest.param(
            fragment(box(b"trun", numbers(0, 3)), flags=0x8, more=numbers(50)),
            [(3, 50)],
            id="as the fragment says",
        ),
        pytest.param(
            fragment(box(b"trun", numbers(0x100, 2, 20, 30))), [(1, 20), (1, 30)], id="one by one"
        ),
        pytest.param(
            fragment(box(b"trun", numbers(0x305, 2, 0, 0, 20, 5, 20, 6))), [(2, 20)], id="and sizes"
        ),
    ],
)
def test_runs_of_a_fragment(part: bytes, expected: list[tuple[int, int]]) -> None:
    movie, found = found_in(part)
    assert (found.runs, movie.fragmented, movie.truncated) == (expected, True, False)
    assert found.samples == sum(count for count, _ in expected)


def test_a_gap_between_fragments_belongs_to_the_frame_before() -> None:
    run = box(b"trun", numbers(0, 2))
    _, found = found_in(fragment(run, starts_at=0), fragment(run, starts_at=100))
    assert (found.runs, found.ticks) == ([(1, 40), (1, 60), (2, 40)], 180)


def test_samples_behind_the_end_are_not_there() -> None:
    behind_the_header_of_the_data = 60
    run = box(b"trun", numbers(0x1, 9, behind_the_header_of_the_data))
    movie, found = found_in(fragment(run), data=350)
    assert (found.samples, movie.truncated) == (3, True)


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(box(b"trun", numbers(0, ROWS + 1)), id="of one size"),
        pytest.param(box(b"trun", numbers(0x200, 99, 1)), id="sizes missing"),
    ],
)
def test_a_fragment_that_claims_too_much(run: bytes) -> None:
    with pytest.raises(BadBoxes, match="a fragment claims"):
        found_in(fragment(run))


def test_fragments_that_claim_too_much_together() -> None:
    run = box(b"trun", numbers(0, ROWS // 2))
    with pytest.raises(BadBoxes, match="claims an index"):
        found_in(fragment(run), fragment(run), fragment(run), data=200_000_000)


# ── anything ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["silent.mp4", "fragmented.mp4", "h264.mov"])
def test_any_damage_is_named(corpus: Path, name: str) -> None:
    whole = (corpus / name).read_bytes()
    index = whole.index(b"moov") - 4
    data = whole[: index // 50] + whole[index : index + 3000]

    @given(
        st.lists(st.tuples(st.integers(0, len(data) - 1), st.integers(0, 255)), max_size=8),
        st.integers(0, len(data)),
    )
    def damaged(changes: list[tuple[int, int]], length: int) -> None:
        bad = bytearray(data)
        for at, byte in changes:
            bad[at] = byte
        try:
            movie = read_movie(io.BytesIO(bad[:length]), length)
        except BadBoxes:
            return
        assert all(track.samples <= ROWS for track in movie.tracks)

    damaged()


def test_a_box_that_reaches_beyond_every_end() -> None:
    data = box(b"ftyp", b"isom") + struct.pack(">I4sQ", 1, b"mdat", 2**63 + 5)
    movie = read_movie(io.BytesIO(data), len(data))
    assert (movie.truncated, movie.has_index) == (True, False)
