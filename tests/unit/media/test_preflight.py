"""Preflight takes anything a user may hold, and tells all that is wrong at once."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dashscope_aa._engines import AnimateAnyone, Engine, WanAnimate
from dashscope_aa._sources import MediaFile
from dashscope_aa.errors import InputError, SourceError
from dashscope_aa.media._opening import remote
from dashscope_aa.media._preflight import check, check_content, preflight

pytestmark = pytest.mark.anyio

AA = AnimateAnyone()
WAN = WanAnimate(mode="wan-std")


async def test_both_at_once(corpus: Path) -> None:
    report = await preflight(corpus / "photo.webp", corpus / "fps_15.mp4", engine=AA)
    assert [finding.code for finding in report.findings] == ["I101", "V102"]
    assert [finding.mendable for finding in report.findings] == [True, True]
    assert (await preflight(corpus / "photo.webp", corpus / "fps_15.mp4", engine=WAN)).ok


async def test_one_alone(corpus: Path) -> None:
    assert (await preflight(corpus / "photo.jpg", engine=AA)).video is None
    assert (await preflight(video=corpus / "h264.mp4", engine=AA)).image is None
    with pytest.raises(InputError, match="needs an image, a video or both"):
        await preflight(engine=AA)


@pytest.mark.parametrize(
    "engine", [pytest.param("wan", id="a name"), pytest.param(None, id="none")]
)
async def test_what_is_no_engine_is_refused(corpus: Path, engine: Any) -> None:
    with pytest.raises(InputError, match="the engine must be"):
        await preflight(video=corpus / "h264.mp4", engine=engine)
    with pytest.raises(InputError, match="the engine must be"):
        await check(corpus / "h264.mp4", engine=engine)


@pytest.mark.parametrize("form", ["path", "text", "bytes", "file", "checked"])
async def test_sources(corpus: Path, form: str) -> None:
    path = corpus / "fps_15.mp4"
    source: Any = {
        "path": path,
        "text": str(path),
        "bytes": path.read_bytes(),
        "file": io.BytesIO(path.read_bytes()),
        "checked": MediaFile(path, ".mp4", 1),
    }[form]
    report = await preflight(video=source, engine=AA)
    assert [finding.code for finding in report.findings] == ["V102"]
    assert report.video is not None
    assert report.video.name == {"bytes": "the bytes given", "file": "the BytesIO given"}.get(
        form, "fps_15.mp4"
    )


async def test_a_pil_image_is_judged_as_what_is_uploaded_of_it() -> None:
    report = await preflight(Image.new("RGB", (100, 400)), engine=AA)
    assert [finding.code for finding in report.findings] == ["I103", "I105"]
    assert report.image is not None
    assert report.image.to_dict()["facts"]["format"] == "png"


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        pytest.param("page.mp4", "video", "V100", id="a web page named as a clip"),
        pytest.param("empty.jpg", "image", "I100", id="an empty picture"),
        pytest.param("photo.webp", "image", "I101", id="a picture"),
        pytest.param("h264.mkv", "video", "V101", id="a clip"),
        pytest.param("jpeg.mp4", "image", None, id="a picture named as a clip"),
    ],
)
async def test_check_takes_either(corpus: Path, name: str, kind: str, code: str | None) -> None:
    report = await check(corpus / name, engine=AA)
    assert list(report.facts) == [kind]
    assert [found.code for found in report.findings if found.severity == "error"] == (
        [code] if code else []
    )


async def test_a_picture_in_the_place_of_a_clip(corpus: Path) -> None:
    report = await preflight(video=corpus / "photo.jpg", engine=AA)
    (found,) = report.findings
    assert (found.code, found.service_code) == ("V100", "InvalidFile.Openerror")
    assert "expected a clip, but it is a JPEG picture" in found.message


async def test_a_missing_file_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        await preflight(tmp_path / "none.jpg", engine=AA)


async def test_a_url_is_judged_by_its_name_too(server: Any) -> None:
    url = f"{server.url}/no_suffix"
    report = await preflight(video=url, engine=WAN, allow_private=True)
    assert [finding.code for finding in report.findings] == ["V234"]
    assert report.ok
    assert report.video is not None
    assert report.video.name == f"{server.url}/no_suffix"


async def test_content_is_looked_at_when_asked_for_and_for_templates_only(corpus: Path) -> None:
    dark = corpus / "edge_64.mp4"
    engines: dict[str, Engine] = {"animate-anyone": AA, "wan": WAN}
    found = {
        name: (await preflight(video=dark, engine=engine, content=True)).findings
        for name, engine in engines.items()
    }
    assert all(not each.code.startswith("C") for each in found["wan"])
    plain = (await preflight(video=dark, engine=AA)).findings
    assert set(plain) <= set(found["animate-anyone"])


async def test_content_of_a_clip_at_a_url(corpus: Path, server: Any) -> None:
    url = f"{server.url}/edge_64.mp4"
    here = await check_content(corpus / "edge_64.mp4")
    assert await check_content(url, allow_private=True) == here
    assert server.sent_bytes <= (corpus / "edge_64.mp4").stat().st_size
    report = await preflight(video=url, engine=AA, content=True, allow_private=True)
    assert set(here) <= set(report.findings)
    with pytest.raises(SourceError, match="private"):
        await check_content(url)


async def test_content_of_a_large_clip_at_a_url(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "READ_BYTES", 100_000)
    with pytest.raises(SourceError, match="has to read all of its") as caught:
        await check_content(f"{server.url}/length_60s.mp4", allow_private=True)
    assert caught.value.hint == "Download it, and give the file."
    assert server.sent_bytes <= remote.FIRST_BYTES


async def test_content_of_what_cannot_be_read(corpus: Path) -> None:
    with pytest.raises(SourceError, match="web page"):
        await check_content(corpus / "page.mp4")


async def test_content_of_a_clip_without_a_frame_that_can_be_decoded(corpus: Path) -> None:
    clip = bytearray((corpus / "hevc_hvc1.mp4").read_bytes())
    begin, end = clip.index(b"mdat") + 4, clip.index(b"moov") - 4
    clip[begin:end] = bytes(end - begin)
    with pytest.raises(SourceError, match="not one frame can be decoded") as caught:
        await check_content(bytes(clip))
    assert "whole" in (caught.value.hint or "")
