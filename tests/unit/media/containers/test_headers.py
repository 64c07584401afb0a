"""What headers promise, and what is done where they end too early."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashscope_aa.media._containers.ebml import elements, real
from dashscope_aa.media._containers.headers import Header, read_header


@pytest.mark.parametrize(
    ("name", "duration_s"),
    [
        pytest.param("mpeg4.avi", 2.5, id="avi"),
        pytest.param("old.flv", 2.523, id="flv"),
        pytest.param("old.wmv", 2.543, id="wmv"),
        pytest.param("h264.mkv", 2.521, id="mkv"),
        pytest.param("browser.webm", 2.508, id="webm"),
        pytest.param("no_duration.webm", None, id="webm of a browser"),
        pytest.param("live.flv", None, id="live flv"),
        pytest.param("h264.ts", None, id="a format without a header"),
    ],
)
def test_promises(corpus: Path, name: str, duration_s: float | None) -> None:
    data = (corpus / name).read_bytes()
    suffix = Path(name).suffix.removeprefix(".")
    header = read_header("mkv" if suffix == "webm" else suffix, data[:65536])
    assert header.duration_s == pytest.approx(duration_s, abs=0.001)
    assert header.is_webm == (suffix == "webm")
    if duration_s is not None:
        assert header.size_bytes == len(data)


@pytest.mark.parametrize(
    ("container", "head"),
    [
        pytest.param("avi", b"RIFF\0\0\0\0AVI avih", id="avi"),
        pytest.param(
            "flv", b"FLV\1....\0\x08duration\0" + struct.pack(">d", float("nan")), id="flv"
        ),
        pytest.param("wmv", bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365"), id="wmv"),
        pytest.param("wmv", b"0&\xb2u", id="wmv without properties"),
        pytest.param("mkv", bytes.fromhex("1549a966844489880000000000000000"), id="mkv"),
    ],
)
def test_a_header_cut_off_promises_nothing(container: str, head: bytes) -> None:
    assert read_header(container, head) == Header()


@given(container=st.sampled_from(["avi", "flv", "wmv", "mkv"]), head=st.binary(max_size=300))
def test_any_bytes_are_some_header(container: str, head: bytes) -> None:
    assert isinstance(read_header(container, head), Header)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param("83 81 01", [(0x83, 3, b"\1")], id="one element"),
        pytest.param("e0 86 7670 83 83 81 02", [(0x83, 8, b"\2")], id="inside others"),
        pytest.param(
            "18538067 ff 83 81 01", [(0x18538067, -1, b""), (0x83, 8, b"\1")], id="growing"
        ),
        pytest.param("83 84 01", [(0x83, 6, b"\1")], id="cut off"),
        pytest.param("83", [(0x83, 1, b"")], id="without its length"),
        pytest.param("00 81 01", [], id="no element"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_elements(data: str, expected: list[tuple[int, int, bytes]]) -> None:
    assert list(elements(bytes.fromhex(data))) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(struct.pack(">f", -90), -90.0, id="short"),
        pytest.param(struct.pack(">d", 2.5), 2.5, id="long"),
        pytest.param(b"", 0.0, id="empty"),
        pytest.param(b"abc", 0.0, id="of another length"),
    ],
)
def test_real(value: bytes, expected: float) -> None:
    assert real(value) == expected
