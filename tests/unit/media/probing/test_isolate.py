"""Looks in a child process: the same facts, and an end to every trouble."""

import os
import struct
import sys
from pathlib import Path

import pytest

from dashscope_aa.errors import SourceError
from dashscope_aa.media import probe
from dashscope_aa.media._facts import Unreadable, VideoFacts
from dashscope_aa.media._probing import isolate
from dashscope_aa.media._probing.isolate import Request, look_isolated

pytestmark = pytest.mark.anyio

MEBIBYTE = 1024 * 1024


async def no_bytes(start: int, stop: int) -> bytes:
    raise AssertionError


def request_for(path: Path, *, memory_bytes: int = 300 * MEBIBYTE) -> Request:
    size_bytes = path.stat().st_size
    return Request(
        path.name,
        size_bytes,
        path.suffix,
        str(path),
        far=False,
        kind="video",
        memory_bytes=memory_bytes,
    )


@pytest.mark.parametrize("name", ["h264.mp4", "cut.mkv", "turned.jpg"])
async def test_facts_are_the_same(corpus: Path, name: str) -> None:
    assert await probe(corpus / name, isolate=True) == await probe(corpus / name)


async def test_a_large_webp_picture_takes_little_memory(tmp_path: Path) -> None:
    """Its decoder would make room for two canvases of 192 MB before it tells the size."""
    width, height = 6000, 8000
    pixels = b"\x2f" + struct.pack("<I", (height - 1) << 14 | width - 1) + bytes(5)
    chunk = b"VP8L" + struct.pack("<I", len(pixels)) + pixels
    data = b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk
    (tmp_path / "large.webp").write_bytes(data)
    found = await probe(tmp_path / "large.webp", kind="image", isolate=True)
    assert (found.width_px, found.height_px) == (width, height)


async def test_bytes_and_file_objects(corpus: Path) -> None:
    path = corpus / "browser.webm"
    expected = await probe(path.read_bytes())
    assert await probe(path.read_bytes(), isolate=True) == expected
    with path.open("rb") as file:
        file.seek(7)
        assert (await probe(file, isolate=True)).size_bytes == expected.size_bytes
        assert file.tell() == 7


async def test_what_cannot_be_read_is_said(corpus: Path) -> None:
    with pytest.raises(SourceError, match="claims an index of 100000000 samples"):
        await probe(corpus / "bomb_samples.mp4", isolate=True)


async def test_a_file_that_is_gone(corpus: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone.mp4"
    gone.write_bytes(b"x")
    request = request_for(gone)
    gone.unlink()
    with pytest.raises(SourceError, match="No such file"):
        await look_isolated(request, no_bytes)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how much memory is in use")
async def test_memory_has_an_end(corpus: Path, tmp_path: Path) -> None:
    bomb = (corpus / "bomb_samples.mp4").read_bytes()
    path = tmp_path / "many.mp4"
    claimed, allowed = struct.pack(">I", 100_000_000), struct.pack(">I", 1_000_000)
    path.write_bytes(bomb.replace(claimed, allowed))
    found = await look_isolated(request_for(path, memory_bytes=20 * MEBIBYTE), no_bytes)
    assert isinstance(found, Unreadable)
    found = await look_isolated(request_for(path), no_bytes)
    assert isinstance(found, VideoFacts)


async def test_time_has_an_end(corpus: Path) -> None:
    found = await look_isolated(request_for(corpus / "h264.mp4"), no_bytes, time_s=0.001)
    assert isinstance(found, Unreadable)
    assert (found.reason, found.kind, found.suffix) == ("gave_up", "video", ".mp4")
    assert "h264.mp4: looking into it crashed" in found.message


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("", id="says nothing"),
        pytest.param("print('what?')", id="says no JSON"),
        pytest.param("print('{}')", id="says something else"),
        pytest.param("print('{\"read\": [0, 1e99]}')", id="asks for too much"),
        pytest.param("print('{\"read\": [-5, 1]}')", id="asks for what is not there"),
        pytest.param('print(\'{"facts": {"kind": "image"}}\')', id="says half the facts"),
        pytest.param("print('x' * 100000)", id="says without end"),
        pytest.param("import os; os.abort()", id="crashes"),
    ],
)
async def test_a_child_that_is_not_ours(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    package = tmp_path / "captured"
    package.mkdir()
    (package / "_child.py").write_text(script)
    monkeypatch.setattr(isolate, "_CHILD", "captured._child")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = await look_isolated(request_for(corpus / "h264.mp4"), no_bytes)
    assert isinstance(found, Unreadable)
    assert found.reason == "gave_up"


async def test_the_child_gets_no_key(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "curious"
    package.mkdir()
    (package / "_child.py").write_text(
        f"import os\nopen({str(tmp_path / 'seen')!r}, 'w').write(' '.join(os.environ))"
    )
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-secret")
    monkeypatch.setattr(isolate, "_CHILD", "curious._child")
    monkeypatch.syspath_prepend(str(tmp_path))
    await look_isolated(request_for(corpus / "h264.mp4"), no_bytes)
    seen = (tmp_path / "seen").read_text().split()
    assert "PYTHONPATH" in seen
    assert "DASHSCOPE_API_KEY" in os.environ
    assert "DASHSCOPE_API_KEY" not in seen
