"""The example web app, as a person uses it in a browser, while servers come and go."""

import base64
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from dashscope_aa.emulator import AnswerLost, Emulator, TaskFails

pytestmark = pytest.mark.browser

EXAMPLES = Path(__file__).parents[2] / "examples"
PORTRAIT, DANCE = EXAMPLES / "portrait.jpg", EXAMPLES / "dance.mp4"
NASTY = "<img src=x onerror=document.title='owned'>.jpg"

Look = Callable[[Page, str], None]
OpenPage = Callable[..., Page]


def hand_over(page: Page, image: Path = PORTRAIT, motion: Path = DANCE) -> None:
    """Choose both files, one right after the other, and wait until they have been looked at."""
    page.set_input_files("#image", image)
    page.set_input_files("#motion", motion)
    expect(page.locator(".drop progress:visible")).to_have_count(0)
    expect(page.locator("#motion ~ .facts")).to_contain_text("MB")
    expect(page.locator("#image ~ .facts")).to_contain_text("MB")
    expect(page.locator("#sheet")).to_have_js_property("naturalWidth", 1080)


def start(page: Page, until: str = "The video: running") -> None:
    """Have the video made, and wait until the page says that it is under way."""
    page.get_by_role("button", name="Make the video").click()
    expect(page.get_by_text(until)).to_be_visible()


def finish(page: Page, emulator: Emulator) -> None:
    """Let the hour pass that a task takes, and wait for the video."""
    emulator.clock.advance(hours=1)
    expect(page.locator("#outcome")).to_be_visible()
    expect(page.locator("#video")).to_have_js_property("readyState", 4)


@pytest.mark.parametrize(
    ("width_px", "dark"),
    [pytest.param(390, True, id="phone"), pytest.param(1280, False, id="desk")],
)
def test_from_two_files_to_a_video(
    app: Any, emulator: Emulator, open_page: OpenPage, look: Look, width_px: int, *, dark: bool
) -> None:
    page = open_page(app.url, width_px=width_px, dark=dark)
    look(page, f"webapp-1-empty-{width_px}")
    hand_over(page)
    expect(page.get_by_text("Nothing is wrong with it.")).to_be_visible()
    expect(page.locator("#cost")).to_have_text("about 2.40 CNY")
    page.get_by_label("of the clip").check()
    expect(page.locator("#cost")).to_have_text("about 3.60 CNY")
    look(page, f"webapp-2-looked-{width_px}")
    start(page)
    look(page, f"webapp-3-running-{width_px}")
    finish(page, emulator)
    look(page, f"webapp-4-done-{width_px}")
    with page.expect_download() as downloaded:
        page.get_by_role("link", name="Download").click()
    with av.open(str(downloaded.value.path())) as film:
        assert film.duration is not None
        assert film.duration / av.time_base == pytest.approx(6, abs=0.2)
    expect(page.locator("#paid")).to_have_text("about 3.60 CNY")
    assert emulator.paid_submits("wan2.2-animate-mix") == emulator.paid_submits() == 1


def test_files_can_be_dropped(app: Any, open_page: OpenPage) -> None:
    page = open_page(app.url)
    content = base64.b64encode(PORTRAIT.read_bytes()).decode()
    dropped = page.evaluate_handle(
        """(content) => {
          const bytes = Uint8Array.from(atob(content), (it) => it.charCodeAt(0));
          const dropped = new DataTransfer();
          dropped.items.add(new File([bytes], "dropped.jpg", { type: "image/jpeg" }));
          return dropped;
        }""",
        content,
    )
    page.dispatch_event("[data-role=image]", "drop", {"dataTransfer": dropped})
    expect(page.get_by_text("dropped.jpg")).to_be_visible()
    expect(page.get_by_text("512 × 512, 0.1 MB")).to_be_visible()
    expect(page.get_by_role("button", name="Make the video")).to_be_disabled()


def test_a_refreshed_page_goes_on(app: Any, emulator: Emulator, open_page: OpenPage) -> None:
    page = open_page(app.url)
    hand_over(page)
    page.get_by_label("wan2.2-animate, pro").check()
    expect(page.locator("#cost")).to_have_text("about 3.60 CNY")
    page.reload()
    expect(page.get_by_text("540 × 960, 6.0 s, 30 fps, 0.4 MB")).to_be_visible()
    expect(page.get_by_label("wan2.2-animate, pro")).to_be_checked()
    start(page)
    page.reload()
    expect(page.get_by_text("The video: running")).to_be_visible()
    finish(page, emulator)
    page.reload()
    expect(page.locator("#video")).to_have_js_property("readyState", 4)
    assert emulator.paid_submits() == 1


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_another_server_goes_on(
    app: Any, emulator: Emulator, open_page: OpenPage, how: signal.Signals
) -> None:
    page = open_page(app.url)
    hand_over(page)
    start(page)
    app.end(how)
    expect(page.get_by_text("The server does not answer.")).to_be_visible()
    app.start()
    finish(page, emulator)  # the page has not been touched
    expect(page.get_by_text("The server does not answer.")).to_be_hidden()
    assert emulator.paid_submits() == 1


def test_other_servers_go_on_step_by_step(
    app: Any, emulator: Emulator, open_page: OpenPage
) -> None:
    page = open_page(app.url)
    hand_over(page)
    page.get_by_label("AnimateAnyone").check()
    expect(page.locator("#cost")).to_have_text("about 0.96 CNY")
    start(page, until="The motion template: running")
    app.end(signal.SIGKILL)
    app.start()
    emulator.clock.advance(hours=1)
    expect(page.get_by_text("The video: pre-processing")).to_be_visible()
    app.end(signal.SIGKILL)
    app.start()
    expect(page.get_by_text("The server was started again, and goes on")).to_have_count(2)
    finish(page, emulator)
    expect(page.get_by_text("was ordered")).to_have_count(2)
    assert emulator.paid_submits("animate-anyone-template-gen2") == 1
    assert emulator.paid_submits("animate-anyone-gen2") == 1


def test_says_what_cannot_be_used(
    app: Any, emulator: Emulator, open_page: OpenPage, look: Look, tmp_path: Path
) -> None:
    banner, broken = tmp_path / "banner.png", tmp_path / "broken.mp4"
    Image.effect_noise((1500, 300), 80).save(banner)
    broken.write_bytes(DANCE.read_bytes()[:5000])
    page = open_page(app.url, width_px=390)
    page.set_input_files("#image", banner)
    expect(page.get_by_text("aspect ratio must be at most 3:1, but is 5:1.")).to_be_visible()
    page.set_input_files("#motion", broken)
    expect(page.locator("#motion ~ .facts")).to_contain_text("cannot be read")
    expect(page.get_by_role("button", name="Make the video")).to_be_disabled()
    look(page, "webapp-unfit-390")
    hand_over(page)  # others in their places
    expect(page.get_by_text("Nothing is wrong with it.")).to_be_visible()
    expect(page.get_by_role("button", name="Make the video")).to_be_enabled()
    assert len(emulator.requests) == 0


def test_mends_what_can_be_mended(
    app: Any, emulator: Emulator, open_page: OpenPage, tmp_path: Path
) -> None:
    with av.open(str(DANCE)) as clip, av.open(str(tmp_path / "dance.mkv"), "w") as mkv:
        stream = mkv.add_stream_from_template(clip.streams.video[0])
        for packet in clip.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                mkv.mux(packet)
    page = open_page(app.url)
    hand_over(page, motion=tmp_path / "dance.mkv")
    expect(page.get_by_text("It is going to be mended.")).to_be_visible()
    start(page)
    expect(page.get_by_text("The clip was mended: ").first).to_be_visible()
    finish(page, emulator)


def test_a_job_that_failed_can_be_tried_again(
    app: Any, emulator: Emulator, open_page: OpenPage, look: Look
) -> None:
    emulator.faults.add(TaskFails(message="Inference internal error."))
    page = open_page(app.url)
    hand_over(page)
    start(page)
    emulator.clock.advance(hours=1)
    expect(page.get_by_role("alert")).to_contain_text("Inference internal error.")
    look(page, "webapp-failed-1280")
    page.get_by_role("button", name="Try it again").click()
    expect(page.get_by_text("The video: running")).to_have_count(2)
    finish(page, emulator)
    assert emulator.paid_submits() == 2


def test_a_lost_answer_is_told_and_never_paid_for_twice_unasked(
    app: Any, emulator: Emulator, open_page: OpenPage, look: Look
) -> None:
    emulator.faults.add(AnswerLost(on="move"))
    page = open_page(app.url, width_px=390)
    hand_over(page)
    page.get_by_role("button", name="Make the video").click()
    expect(page.get_by_role("alert")).to_contain_text("its answer was lost")
    expect(page.get_by_role("alert")).to_contain_text("It may be running, and be billed")
    look(page, "webapp-lost-390")
    app.end(signal.SIGKILL)
    app.start()
    page.reload()
    assert emulator.paid_submits() == 1
    page.get_by_role("button", name="Try it again, and perhaps pay twice").click()
    expect(page.get_by_text("The video was ordered")).to_be_visible()
    emulator.clock.advance(hours=1)  # the lost one ran first
    expect(page.get_by_text("The video: running")).to_be_visible()
    finish(page, emulator)
    assert emulator.paid_submits() == 2


def test_the_same_video_is_paid_for_once(app: Any, emulator: Emulator, open_page: OpenPage) -> None:
    page = open_page(app.url)
    hand_over(page)
    start(page)
    finish(page, emulator)
    page.get_by_role("button", name="Make another one").click()
    expect(page.get_by_text("Drop a picture here")).to_be_visible()
    hand_over(page)
    expect(page.locator("#cost")).to_have_text("costs nothing: it was made before")
    page.get_by_role("button", name="Make the video").click()
    expect(page.locator("#video")).to_have_js_property("readyState", 4)
    assert emulator.paid_submits() == 1


def test_a_second_page_shows_what_the_first_one_started(
    app: Any, emulator: Emulator, open_page: OpenPage
) -> None:
    first = open_page(app.url)
    hand_over(first)
    second = open_page(first.url)
    expect(second.get_by_text("540 × 960, 6.0 s, 30 fps, 0.4 MB")).to_be_visible()
    start(first)
    second.get_by_role("button", name="Make the video").click()
    expect(second.get_by_text("The video: running")).to_be_visible()
    finish(second, emulator)
    assert emulator.paid_submits() == 1


def test_a_file_that_is_refused_leaves_what_was_there(
    app: Any, open_page: OpenPage, tmp_path: Path
) -> None:
    (tmp_path / "empty.mp4").touch()
    page = open_page(app.url)
    page.set_input_files("#motion", tmp_path / "empty.mp4")
    expect(page.get_by_text("The file is empty.")).to_be_visible()
    expect(page.get_by_text("Drop a video here")).to_be_visible()
    page.set_input_files("#motion", DANCE)
    expect(page.locator("#motion ~ .facts")).to_contain_text("540 × 960")
    page.set_input_files("#motion", tmp_path / "empty.mp4")
    expect(page.get_by_text("The file is empty.")).to_be_visible()
    expect(page.locator("#motion ~ .says")).to_have_text("dance.mp4")


def test_another_one(app: Any, emulator: Emulator, open_page: OpenPage) -> None:
    page = open_page(app.url)
    hand_over(page)
    first = page.url
    page.get_by_role("button", name="Make another one").click()
    expect(page.get_by_text("Drop a picture here")).to_be_visible()
    page.set_input_files("#image", PORTRAIT)
    expect(page.get_by_text("512 × 512")).to_be_visible()
    assert page.url != first


def test_a_files_name_is_text(app: Any, open_page: OpenPage, tmp_path: Path) -> None:
    nasty = tmp_path / NASTY.replace("/", "")
    nasty.write_bytes(PORTRAIT.read_bytes())
    page = open_page(app.url)
    page.set_input_files("#image", nasty)
    expect(page.get_by_text(NASTY)).to_be_visible()
    expect(page.get_by_text("512 × 512")).to_be_visible()
    assert page.title() == "Make a portrait dance"


def test_says_that_a_job_is_gone(app: Any, open_page: OpenPage) -> None:
    page = open_page(f"{app.url}/#nobody-knows")
    expect(page.get_by_role("alert")).to_contain_text("There is no such job")
    page.set_input_files("#image", PORTRAIT)
    expect(page.get_by_text("512 × 512")).to_be_visible()


def test_says_that_a_file_did_not_get_through(app: Any, open_page: OpenPage) -> None:
    page = open_page(app.url)
    page.set_input_files("#image", PORTRAIT)
    expect(page.get_by_text("512 × 512")).to_be_visible()
    app.end(signal.SIGKILL)
    page.set_input_files("#motion", DANCE)
    expect(page.get_by_role("alert")).to_contain_text("did not get through")
    app.start()
    page.set_input_files("#motion", DANCE)
    expect(page.get_by_role("button", name="Make the video")).to_be_enabled()
