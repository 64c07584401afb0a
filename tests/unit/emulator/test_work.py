"""The work behind the tasks: real files in, real films out, and what is refused on the way."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from PIL import Image

from dashscope_aa.emulator import ServerFault, SlowHeaders


def code_of(answer: dict[str, Any]) -> str:
    assert answer["output"]["task_status"] == "FAILED", answer
    code: str = answer["output"]["code"]
    return code


def facts_of(url: str) -> tuple[Any, ...]:
    """Give codec, frame rate and length of a film, and whether it has sound."""
    content = io.BytesIO(httpx.get(url).content)
    with av.open(content, "r") as film:
        (picture,) = film.streams.video
        frames = len(list(film.decode(video=0)))
        rate = float(picture.average_rate or 0)
        return picture.codec_context.name, rate, frames / rate, bool(film.streams.audio)


# ── AnimateAnyone ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "sound", [False, True], ids=["silent by default", "with sound if switched"]
)
def test_from_a_photo_and_a_clip_to_a_film(
    open_desk: Callable[..., Any],
    clip: Path,
    portrait: Path,
    *,
    sound: bool,
) -> None:
    desk = open_desk(sound=sound)
    host = desk.emulator.host_file
    made = desk.wait(desk.template(host(clip)))
    template_id = made["output"]["template_id"]
    assert re.fullmatch(r"AACT\.\w+\.\w+-\w+\.\w+", template_id)
    assert made["usage"] == {"video_duration": 2.0, "video_ratio": "standard"}
    answer = desk.wait(desk.synthesis(host(portrait), template_id))
    assert answer["usage"]["video_ratio"] == "standard"
    assert answer["usage"]["video_duration"] == pytest.approx(2, abs=0.1)
    assert isinstance(answer["usage"]["video_duration"], float)
    url = answer["output"]["video_url"]
    assert "results" not in answer["output"]
    assert url.startswith(f"{desk.emulator.root_url}/results/")
    assert facts_of(url) == ("h264", 15, pytest.approx(2, abs=0.1), sound)


def test_the_ratio_counts_with_the_pictures_background(
    desk: Any, clip: Path, portrait: Path
) -> None:
    host = desk.emulator.host_file
    template_id = desk.wait(desk.template(host(clip)))["output"]["template_id"]
    answer = desk.wait(
        desk.synthesis(host(portrait), template_id, use_ref_img_bg=True, video_ratio="3:4")
    )
    with av.open(io.BytesIO(httpx.get(answer["output"]["video_url"]).content)) as film:
        picture = film.streams.video[0]
        assert picture.width / picture.height == pytest.approx(3 / 4, abs=0.02)


def test_templates_are_bound_to_their_account(
    desk: Any, second_desk: Any, clip: Path, portrait: Path
) -> None:
    template_id = desk.wait(desk.template(desk.emulator.host_file(clip)))["output"]["template_id"]
    url = desk.emulator.host_file(portrait)
    for stranger, wanted in ((second_desk, template_id), (desk, "AACT.no.such-template.id")):
        answer = stranger.wait(stranger.synthesis(url, wanted))
        assert code_of(answer) == "InvalidFile.Template.Content"
        assert answer["output"]["message"] == "Invalid template content."


# ── wan2.2-animate ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("mode", "kind", "tier", "fps"),
    [
        pytest.param("wan-std", "move", "standard", 15, id="move in standard"),
        pytest.param("wan-pro", "mix", "pro", 25, id="mix in pro"),
    ],
)
def test_films_of_wan_have_the_sound_of_the_clip(
    desk: Any,
    clip: Path,
    portrait: Path,
    *,
    mode: str,
    kind: str,
    tier: str,
    fps: int,
) -> None:
    image, video = desk.upload(portrait), desk.upload(clip)
    desk.emulator.upload_model_check = kind == "move"
    answer = desk.wait(desk.wan(image, video, kind=kind, mode=mode))
    assert "video_url" not in answer["output"]
    url = answer["output"]["results"]["video_url"]
    assert facts_of(url) == ("h264", fps, pytest.approx(2, abs=0.1), True)
    assert answer["usage"] == {"video_duration": 2, "video_ratio": tier}
    assert isinstance(answer["usage"]["video_duration"], int)


# ── what is refused ──────────────────────────────────────────────────────────────────────


@pytest.fixture
def empty_picture(tmp_path: Path) -> Path:
    path = tmp_path / "empty.png"
    Image.new("RGB", (600, 900), "gray").save(path)
    return path


def test_the_bytes_are_judged(desk: Any, clip: Path, portrait: Path) -> None:
    host = desk.emulator.host_file
    assert code_of(desk.wait(desk.template(host(portrait)))) == "InvalidFile.Openerror"
    answer = desk.wait(desk.wan(host(portrait).replace(".jpg", ".mp4"), host(clip)))
    assert code_of(answer) == "InvalidImage.FileFormat"


def test_the_image_check_can_be_waived(
    desk: Any, clip: Path, portrait: Path, empty_picture: Path
) -> None:
    host = desk.emulator.host_file
    answer = desk.wait(desk.wan(host(empty_picture), host(clip)))
    assert code_of(answer) == "InvalidImage.NoHumanFace"
    answer = desk.wait(desk.wan(host(empty_picture), host(portrait), check_image=False))
    assert code_of(answer) == "InvalidFile.Format", "only the picture is taken unseen"


def test_wan_wants_to_see_a_suffix(desk: Any, clip: Path, portrait: Path, tmp_path: Path) -> None:
    host = desk.emulator.host_file
    bare_image, bare_clip = tmp_path / "image", tmp_path / "clip"
    bare_image.write_bytes(portrait.read_bytes())
    bare_clip.write_bytes(clip.read_bytes())
    answer = desk.wait(desk.wan(host(bare_image), host(clip)))
    assert code_of(answer) == "InvalidImage.FileFormat"
    assert code_of(desk.wait(desk.wan(host(portrait), host(bare_clip)))) == "InvalidURL"
    desk.emulator.wan_suffix_check = False
    answer = desk.wait(desk.wan(host(bare_image), host(bare_clip)))
    assert answer["output"]["task_status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        pytest.param("http://127.0.0.1:9/a.jpg", "InvalidURL", id="nobody listens"),
        pytest.param("https://127.0.0.1:9/名前.jpg", "InvalidURL", id="outside ASCII"),
        pytest.param("oss://dashscope-instant/no/such.jpg", "InvalidParameter", id="no upload"),
    ],
)
def test_files_wan_cannot_reach(desk: Any, clip: Path, url: str, code: str) -> None:
    assert code_of(desk.wait(desk.wan(url, desk.emulator.host_file(clip)))) == code


def test_files_animate_anyone_cannot_reach(open_desk: Callable[..., Any], clip: Path) -> None:
    desk = open_desk(video_fetch_s=1.0)
    answer = desk.wait(desk.template("http://127.0.0.1:9/a.mp4"))
    assert code_of(answer) == "InvalidURL.ConnectionRefused"
    url = desk.emulator.host_file(clip)
    desk.emulator.faults.add(ServerFault(on="hosted"))
    assert code_of(desk.wait(desk.template(url))) == "InvalidURL.ConnectionRefused"
    desk.emulator.faults.add(SlowHeaders(on="hosted", delay_s=30))
    answer = desk.wait(desk.template(url))
    assert code_of(answer) == "InvalidURL.Timeout"
    assert (
        answer["output"]["message"] == f"Download {url} timeout, please check network connection."
    )
    assert desk.wait(desk.template(url))["output"]["task_status"] == "SUCCEEDED"


def test_detect_says_so_at_once(desk: Any) -> None:
    answer = desk.detect("http://127.0.0.1:9/a.jpg")
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidURL.ConnectionRefused")


def test_the_service_fetches_as_its_bot(desk: Any, portrait: Path) -> None:
    desk.detect(desk.emulator.host_file(portrait))
    (fetched,) = desk.emulator.requests.of("hosted")
    assert "DashScopeUserBot" in fetched.headers["user-agent"]
    assert desk.emulator.leaks == []


def test_a_bug_in_the_work_fails_the_task(
    desk: Any, clip: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(desk.emulator._service._studio, "make", broken)
    answer = desk.wait(desk.template(desk.emulator.host_file(clip)))
    assert code_of(answer) == "InternalError.Algo"
    assert "ZeroDivisionError" in caplog.text
