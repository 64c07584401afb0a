"""What a file is by its first bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashscope_aa.media._opening.sniff import sniff


def ftyp(brand: bytes, *more: bytes) -> bytes:
    brands = brand + bytes(4) + b"".join(more)
    return (len(brands) + 8).to_bytes(4) + b"ftyp" + brands


@pytest.mark.parametrize(
    ("head", "name", "family"),
    [
        pytest.param(b"\xff\xd8\xff\xe0", "jpeg", "image", id="JPEG"),
        pytest.param(b"BM\x36\0\0\0\0\0\0\0", "bmp", "image", id="BMP"),
        pytest.param(b"RIFF\0\0\0\0WEBPVP8 ", "webp", "image", id="WebP"),
        pytest.param(b"MM\0*", "tiff", "image", id="TIFF of a Mac"),
        pytest.param(ftyp(b"heic"), "heif", "image", id="HEIC"),
        pytest.param(ftyp(b"avif"), "avif", "image", id="AVIF"),
        pytest.param(
            ftyp(b"mif1", b"mif1", b"heic"), "heif", "image", id="HEIC by its second brand"
        ),
        pytest.param(
            ftyp(b"mif1", b"mif1", b"avif"), "avif", "image", id="AVIF by its second brand"
        ),
        pytest.param(ftyp(b"isom"), "mp4", "video", id="mp4"),
        pytest.param(ftyp(b"abcd"), "mp4", "video", id="mp4 of an unknown brand"),
        pytest.param(ftyp(b"qt  "), "mov", "video", id="mov"),
        pytest.param(ftyp(b"3gp4"), "3gp", "video", id="3gp"),
        pytest.param(b"\0\0\0\x08wide\0\0\0\0mdat", "mov", "video", id="mov of before 2001"),
        pytest.param(b"RIFF\0\0\0\0AVI LIST", "avi", "video", id="AVI"),
        pytest.param(b"\x1aE\xdf\xa3", "mkv", "video", id="Matroska"),
        pytest.param(b"FLV\1\5", "flv", "video", id="Flash"),
        pytest.param((b"G" + bytes(187)) * 3, "ts", "video", id="transport stream"),
        pytest.param((bytes(4) + b"G" + bytes(187)) * 3, "ts", "video", id="of a camera"),
        pytest.param(bytes(99) + (b"G" + bytes(187)) * 16, "ts", "video", id="cut in a packet"),
        pytest.param(bytes(99) + (b"G" + bytes(187)) * 15, "", "unknown", id="too little of one"),
        pytest.param(ftyp(b"M4A "), "", "sound", id="sound in mp4"),
        pytest.param(b"ID3\4", "", "sound", id="MP3"),
        pytest.param(b"RIFF\0\0\0\0WAVEfmt ", "", "sound", id="WAV"),
        pytest.param(b"OggS", "", "other", id="Ogg"),
        pytest.param(b"%PDF-1.7", "", "other", id="PDF"),
        pytest.param(b"PK\3\4", "", "other", id="ZIP"),
        pytest.param(b"<svg xmlns='x'>", "", "other", id="SVG"),
        pytest.param(b"#EXTM3U\n#EXTINF:9,\nx.ts", "", "playlist", id="HLS"),
        pytest.param(b"\xef\xbb\xbf\n #extm3u", "", "playlist", id="HLS behind a byte order mark"),
        pytest.param(b"ffconcat version 1.0", "", "playlist", id="ffconcat"),
        pytest.param(b"v=0\r\no=- 0 0 IN IP4", "", "playlist", id="SDP"),
        pytest.param(b"<?xml version='1.0'?><MPD>", "", "playlist", id="DASH"),
        pytest.param(b"<!DOCTYPE html>", "", "html", id="a web page"),
        pytest.param(b"<?xml version='1.0'?><Error>", "", "text", id="an error in XML"),
        pytest.param(b'{"code": "x"}', "", "text", id="an error in JSON"),
        pytest.param("BMW fährt".encode(), "", "text", id="a word that starts like a BMP"),
        pytest.param("größe".encode()[:-4] + b"\xc3", "", "text", id="text cut inside a letter"),
        pytest.param(b"", "", "empty", id="nothing"),
        pytest.param(bytes(100), "", "unknown", id="zeros"),
        pytest.param(b"text\0with a zero", "", "unknown", id="almost text"),
    ],
)
def test_sniff(head: bytes, name: str, family: str) -> None:
    found = sniff(head)
    assert (found.name, found.family) == (name, family)
    assert found.says


@given(st.binary(max_size=600))
def test_anything_is_something(head: bytes) -> None:
    assert sniff(head).says
