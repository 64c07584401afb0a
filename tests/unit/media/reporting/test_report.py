"""The report in all its forms says the same, and only errors make it fail."""

import io
import json
import os
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from dashscope_aa._engines import AnimateAnyone
from dashscope_aa.errors import InputError, PreflightError
from dashscope_aa.media._facts import Facts, ImageFacts, Kind, Unreadable, VideoFacts
from dashscope_aa.media._judging.findings import Setting, role_of
from dashscope_aa.media._judging.judge import judge
from dashscope_aa.media._preflight import preflight
from dashscope_aa.media._reporting.checked import Checked
from dashscope_aa.media._reporting.report import Report

AA = AnimateAnyone()
PHOTO = ImageFacts(format="jpeg", size_bytes=400_000, width_px=900, height_px=1600)
CLIP = VideoFacts(
    size_bytes=9_000_000,
    width_px=720,
    height_px=1280,
    coded_width_px=720,
    coded_height_px=1280,
    fps=30.0,
    duration_s=10.0,
    frames=300,
)
PAGE = Unreadable(reason="html", message="<a> is a web page", hint="Look into it.")


def checked(facts: Facts | Unreadable, kind: Kind, source: object = None) -> Checked:
    return Checked(
        kind=kind,
        role=role_of(AA, kind),
        name=f"a.{kind}",
        facts=facts,
        findings=judge(facts, kind, setting=Setting(engine=AA)),
        source=source,
    )


FINE = Report(image=checked(PHOTO, "image"), video=checked(CLIP, "video"))
WARNED = Report(image=checked(replace(PHOTO, orientation=6), "image"))
FAILED = Report(
    image=checked(replace(PHOTO, format="webp", orientation=6), "image"),
    video=checked(replace(CLIP, fps=15.0, duration_s=90.0), "video"),
)
UNREADABLE = Report(video=checked(PAGE, "video"))


@pytest.mark.parametrize(
    ("report", "ok", "codes"),
    [
        pytest.param(FINE, True, [], id="nothing found"),
        pytest.param(WARNED, True, ["I121"], id="a warning does not block"),
        pytest.param(FAILED, False, ["I101", "I121", "V102", "V105"], id="errors do"),
        pytest.param(UNREADABLE, False, ["V100"], id="what cannot be read does"),
    ],
)
def test_ok(report: Report, ok: bool, codes: list[str]) -> None:  # noqa: FBT001 - a column
    assert report.ok is ok
    assert [finding.code for finding in report.findings] == codes


def test_facts_by_kind() -> None:
    assert FINE.facts == {"image": PHOTO, "video": CLIP}


def test_raise_if_failed_says_all_of_it_at_once() -> None:
    with pytest.raises(PreflightError) as caught:
        FAILED.raise_if_failed()
    message = str(caught.value)
    assert message.startswith("3 things would be refused by the service:")
    assert "I101 (InvalidFile.Format): format must be jpeg, png or bmp, but is webp" in message
    assert "V102 (InvalidFile.FPS): frame rate must be at least 24 fps, but is 15" in message
    assert "V105 (InvalidFile.Duration): duration must be between 2 and 60 s, but is 90" in message
    assert "I121" not in message
    assert caught.value.report is FAILED


def test_raise_if_failed_says_when_all_can_be_mended() -> None:
    report = Report(video=checked(replace(CLIP, fps=15.0), "video"))
    with pytest.raises(PreflightError, match=r"media\.convert mends all of it"):
        report.raise_if_failed()


@pytest.mark.parametrize("report", [FINE, WARNED], ids=["fine", "warned"])
def test_raise_if_failed_lets_pass_what_is_no_error(report: Report) -> None:
    report.raise_if_failed()


def test_text() -> None:
    assert str(FINE).splitlines() == [
        "a.image as animate-anyone image: fine",
        "a.video as template video: fine",
    ]
    assert str(WARNED).splitlines()[0] == "a.image as animate-anyone image: would be accepted"
    assert str(UNREADABLE).splitlines() == [
        "a.video as template video: would be refused",
        "  error V100 (InvalidFile.Openerror): <a> is a web page. Look into it.",
    ]


def test_json() -> None:
    told = json.loads(FAILED.to_json())
    assert told["ok"] is False
    assert told["image"]["facts"]["format"] == "webp"
    assert [found["code"] for found in told["video"]["findings"]] == ["V102", "V105"]
    assert told["video"]["findings"][1]["mendable"] is False


def test_rich() -> None:
    out = io.StringIO()
    Console(file=out, width=200).print(FAILED)
    assert "a.image as animate-anyone image: would be refused" in out.getvalue()
    assert "frame rate must be at least 24 fps, but is 15" in out.getvalue()


def test_notebook_escapes_what_comes_from_outside() -> None:
    html = UNREADABLE._repr_html_()
    assert "&lt;a&gt; is a web page" in html
    assert "<a>" not in html


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        pytest.param(Path("a.mp4"), Path("a.mp4"), id="a path travels"),
        pytest.param(b"data", None, id="bytes are left behind"),
        pytest.param(io.BytesIO(b"data"), None, id="an open file is left behind"),
    ],
)
def test_pickle(source: object, kept: object) -> None:
    report = Report(video=checked(CLIP, "video", source))
    back = pickle.loads(pickle.dumps(report))  # noqa: S301 - of our own making
    assert back == report
    assert back.video.source == kept


def test_an_error_with_its_report_travels_too() -> None:
    with pytest.raises(PreflightError) as caught:
        FAILED.raise_if_failed()
    back = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - of our own making
    assert back.report == FAILED


# ── the sheet ────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_picture_shows_frames_and_bars(corpus: Path, tmp_path: Path) -> None:
    report = await preflight(corpus / "turned.jpg", corpus / "rotated_90.mkv", engine=AA)
    assert report.image
    assert report.video
    plain = Report(
        image=replace(report.image, source=None), video=replace(report.video, source=None)
    )
    with_frames = await report.picture(tmp_path / "sheet.png")
    without = await plain.picture(tmp_path / "plain.png")
    with Image.open(with_frames) as sheet, Image.open(without) as bars:
        assert sheet.format == "PNG"
        # Two rows of small pictures: 240 px high, with a line of words below.
        assert sheet.height - bars.height >= 2 * 240
        assert sheet.width == bars.width


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        pytest.param("rotated_90.mkv", 2, id="landscape: five take two rows"),
        pytest.param("h264.mp4", 1, id="portrait"),
    ],
)
async def test_picture_shows_both_sides_of_every_cut(
    corpus: Path, tmp_path: Path, name: str, rows: int
) -> None:
    report = await preflight(video=corpus / name, engine=AA)
    assert report.video
    cut = replace(FAILED.findings[0], times_s=(1.0, 1.6))
    with_cuts = Report(video=replace(report.video, findings=(cut,)))
    plain = Report(video=replace(report.video, findings=(replace(cut, times_s=()),)))
    sheets = [
        await one.picture(tmp_path / f"{number}.png")
        for number, one in enumerate((plain, with_cuts))
    ]
    with Image.open(sheets[0]) as one, Image.open(sheets[1]) as more:
        assert more.height - one.height >= (rows - 1) * 240


@pytest.mark.anyio
async def test_picture_of_what_cannot_be_read(tmp_path: Path) -> None:
    with Image.open(await UNREADABLE.picture(tmp_path / "sheet.png")) as sheet:
        assert sheet.height > 50


@pytest.mark.anyio
async def test_picture_needs_a_place(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a directory"):
        await FINE.picture(tmp_path / "missing" / "sheet.png")
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - short, and the test waits anyway
