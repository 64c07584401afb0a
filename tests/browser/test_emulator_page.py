"""The emulator's page, as a person sees and uses it in a browser."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import anyio
import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from dashscope_aa import Client
from dashscope_aa.emulator import Emulator, TaskFails, Throttle

pytestmark = pytest.mark.browser

EXAMPLES = Path(__file__).parents[2] / "examples"
NASTY = "<img src=x onerror=document.title='owned'>"

Look = Callable[[Page, str], None]
OpenPage = Callable[..., Page]


def order(emulator: Emulator) -> None:
    """Order a video, as a program would; the browser has the loop of this thread."""

    async def submit() -> None:
        async with Client("sk-test", base_url=emulator.base_url) as client:
            await client.animate_move(
                EXAMPLES / "portrait.jpg", EXAMPLES / "dance.mp4", mode="wan-std"
            )

    with ThreadPoolExecutor(1) as thread:
        thread.submit(partial(anyio.run, submit)).result()


def asked(emulator: Emulator, path: str = "/tasks") -> int:
    """Ask for the list of tasks; give the status of the answer."""
    headers = {"authorization": "Bearer sk-test"}
    return httpx.get(emulator.base_url + path, headers=headers).status_code


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width_px", [pytest.param(390, id="phone"), pytest.param(1280, id="desk")])
def test_nothing_is_cut_off(
    emulator: Emulator, open_page: OpenPage, look: Look, width_px: int, *, dark: bool
) -> None:
    page = open_page(emulator.root_url, width_px=width_px, dark=dark)
    expect(page.get_by_text("No task yet.")).to_be_visible()
    look(page, f"emulator-empty-{width_px}")
    emulator.faults.add(TaskFails(), Throttle(on=("query", "list"), times=3, retry_after_s=2))
    order(emulator)
    order(emulator)
    expect(page.locator("#tasks .row")).to_have_count(2)
    page.locator(".fault", has_text="ServerFault").get_by_text("options").click()
    expect(page.get_by_text("on query, list, retry_after_s 2, 3 times")).to_be_visible()
    look(page, f"emulator-{width_px}{'-dark' if dark else ''}")


def test_shows_a_task_as_it_goes_and_its_film(
    emulator: Emulator, open_page: OpenPage, look: Look
) -> None:
    page = open_page(emulator.root_url)
    order(emulator)
    task = page.locator("#tasks .row")
    expect(task.get_by_text("RUNNING")).to_be_visible()
    expect(page.locator("#paid")).to_have_text("1")
    expect(page.locator("#uploads .row")).to_have_count(2)
    page.get_by_role("button", name="+1 h").click()
    expect(page.get_by_text("(turned by 1 h)")).to_be_visible()
    expect(task.get_by_text("SUCCEEDED")).to_be_visible()
    task.get_by_role("button", name="Watch").click()
    expect(page.locator("dialog video")).to_have_js_property("readyState", 4)
    look(page, "emulator-film")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("dialog")).to_be_hidden()
    assert not emulator.requests.of("download")


def test_switches_faults(emulator: Emulator, open_page: OpenPage) -> None:
    page = open_page(emulator.root_url)
    row = page.locator(".fault", has=page.locator("#fault-ServerFault"))
    switch = row.get_by_role("switch")
    row.get_by_text("options").click()
    row.get_by_label("status").fill("502")
    row.locator("select[name=on]").select_option("list")
    switch.check()
    expect(row.get_by_text("on list, status 502, until switched off; struck 0 ×")).to_be_visible()
    assert [asked(emulator), asked(emulator, "/tasks/none")] == [502, 200]
    expect(row.get_by_text("struck 1 ×")).to_be_visible()
    row.get_by_label("status").fill("504")  # what is changed holds at once
    row.get_by_label("status").blur()
    expect(row.get_by_text("status 504")).to_be_visible()
    switch.uncheck()
    expect(row.get_by_text("struck")).to_be_hidden()
    assert asked(emulator) == 200


def test_a_fault_that_has_struck_enough_is_off_again(
    emulator: Emulator, open_page: OpenPage
) -> None:
    page = open_page(emulator.root_url)
    row = page.locator(".fault", has=page.locator("#fault-Throttle"))
    row.get_by_text("options").click()
    row.get_by_label("how long").select_option("so many times")
    row.get_by_label("how many").fill("2")
    row.get_by_role("switch").check()
    expect(row.get_by_text("2 times; struck 0 ×")).to_be_visible()
    assert [asked(emulator) for _ in range(3)] == [429, 429, 200]
    expect(row.get_by_role("switch")).not_to_be_checked()


def test_says_what_is_wrong_with_an_option(emulator: Emulator, open_page: OpenPage) -> None:
    page = open_page(emulator.root_url)
    row = page.locator(".fault", has=page.locator("#fault-ServerFault"))
    row.get_by_text("options").click()
    row.get_by_label("status").fill("200")
    row.get_by_role("switch").click()
    expect(row.get_by_role("alert")).to_contain_text("status")
    expect(row.get_by_role("switch")).not_to_be_checked()
    assert len(emulator.faults) == 0


def test_all_off_and_forgets(emulator: Emulator, open_page: OpenPage) -> None:
    page = open_page(emulator.root_url)
    page.locator("#fault-TaskFails").check()
    page.locator("#fault-Throttle").check()
    expect(page.locator(".switch:checked")).to_have_count(2)
    assert asked(emulator) == 429
    expect(page.locator("#requests .row")).to_have_count(1)
    page.get_by_role("button", name="All off").click()
    expect(page.locator(".switch:checked")).to_have_count(0)
    page.get_by_role("button", name="Forget them").click()
    expect(page.locator("#requests .row")).to_have_count(0)
    assert (len(emulator.faults), len(emulator.requests)) == (0, 0)


def test_sets_how_long_tasks_take(emulator: Emulator, open_page: OpenPage) -> None:
    page = open_page(emulator.root_url)
    expect(page.get_by_label("and run for")).to_have_value("3600")
    page.get_by_label("and run for").fill("7.5")
    page.get_by_role("button", name="Set").click()
    page.reload()
    expect(page.get_by_label("and run for")).to_have_value("7.5")
    assert emulator.run_s == 7.5


def test_what_a_request_says_is_text(emulator: Emulator, open_page: OpenPage) -> None:
    emulator.faults.add(TaskFails(message=NASTY))
    page = open_page(emulator.root_url)
    body = {"model": NASTY, "input": NASTY}
    url = f"{emulator.base_url}/services/aigc/image2video/video-synthesis"
    httpx.post(url, json=body, headers={"authorization": "Bearer sk-test", "x-nasty": NASTY})
    order(emulator)
    emulator.clock.advance(hours=1)
    expect(page.locator("#requests").get_by_text(NASTY)).to_be_visible()
    expect(page.locator("#tasks").get_by_text(NASTY)).to_be_visible()
    page.locator("#requests .row", has_text=NASTY).click()
    expect(page.locator("dialog").get_by_text(f"x-nasty: {NASTY}")).to_be_visible()
    expect(page.locator("dialog").get_by_text("authorization: Bearer ***")).to_be_visible()
    assert page.locator("img").count() == 0
    assert page.title() == "dashscope-aa emulator"


def test_says_when_the_emulator_is_gone(open_page: OpenPage) -> None:
    with Emulator() as emulator:
        page = open_page(emulator.root_url)
        expect(page.get_by_text("No task yet.")).to_be_visible()
        expect(page.locator("#lost")).to_be_hidden()
    expect(page.get_by_text("The emulator does not answer.")).to_be_visible()


def test_another_sites_page_can_do_nothing(emulator: Emulator, chromium: Browser) -> None:
    """What a stranger's page tries that the browser has open on another port."""
    with Emulator() as stranger, chromium.new_page() as page:
        page.goto(f"{stranger.root_url}/")
        tried = page.evaluate(STRANGE, emulator.root_url)
    assert tried == ["refused", "refused", "refused"]
    assert emulator.clock.now() < time.time() + 3000


STRANGE = """async (root) => {
  const says = (promise) => promise.then((it) => it.type, () => "refused");
  return [
    await says(fetch(`${root}/_page/state`)),
    await says(fetch(`${root}/_page/faults`, { method: "DELETE" })),
    await says(fetch(`${root}/_page/clock`,
      { method: "POST", mode: "no-cors", body: '{"seconds": 3600}' })),
  ];
}"""
