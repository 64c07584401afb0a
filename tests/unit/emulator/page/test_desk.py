"""The page over HTTP: what it shows, what it changes, and that the service does not notice."""

import math
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashscope_aa.emulator import (
    Emulator,
    Operation,
    ServerFault,
    TaskFails,
    TaskStalls,
    Throttle,
)

PAGE = "/_page"


class Page:
    """What a browser on the page does, one thing at a time."""

    def __init__(self, desk: Any) -> None:
        self.emulator: Emulator = desk.emulator

    def ask(self, path: str, method: str = "GET", json: Any = None, **headers: str) -> Any:
        said = self.answer(path, method, json, **headers)
        assert said.status_code == 200, said.text
        return said.json()

    def answer(self, path: str, method: str = "GET", json: Any = None, **more: str) -> Any:
        headers = {"content-type": "application/json"} if method != "GET" else {}
        url = self.emulator.root_url + PAGE + path
        return httpx.request(method, url, json=json, headers=headers | more, timeout=30)

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.ask("/state")
        return state


@pytest.fixture
def page(desk: Any) -> Page:
    return Page(desk)


@pytest.fixture
def still_page(still_desk: Any) -> Page:
    return Page(still_desk)


# ── what it is ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        pytest.param("/", "text/html; charset=utf-8", id="the page"),
        pytest.param("/_page/page.css", "text/css; charset=utf-8", id="its style"),
        pytest.param("/_page/page.js", "text/javascript; charset=utf-8", id="its program"),
    ],
)
def test_is_whole_and_lets_nothing_else_in(desk: Any, path: str, kind: str) -> None:
    answer = httpx.get(desk.emulator.root_url + path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "http" not in answer.text.replace("_HTTP_", "")  # no asset of another host


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_stranger_is_kept_out(page: Page, method: str) -> None:
    page.emulator.faults.add(Throttle())
    path = "/state" if method == "GET" else "/clock"
    answer = page.answer(path, method, {"seconds": 60}, host="evil.example")
    assert answer.status_code == 403
    assert "address" in answer.text
    assert len(page.emulator.faults) == 1


# ── what it shows ────────────────────────────────────────────────────────────────────────


def test_shows_a_task_with_its_film(desk: Any, portrait: Path, clip: Path) -> None:
    page = Page(desk)
    urls = (desk.upload(portrait), desk.upload(clip))
    desk.wait(desk.wan(*urls))
    state = page.state
    assert (state["base_url"], state["paid_submits"]) == (desk.base_url, 1)
    (task,) = state["tasks"]["rows"]
    assert (task["operation"], task["status"]) == ("move", "SUCCEEDED")
    assert task["submitted_at"] <= task["started_at"] <= task["ended_at"]
    assert [upload["url"] for upload in state["uploads"]["rows"]] == [urls[1], urls[0]]
    film = page.answer(f"/films/{task['film']}", range="bytes=4-7")
    assert (film.status_code, film.content) == (206, b"ftyp")
    assert not desk.emulator.requests.of("download")


def test_a_film_goes_with_its_url(desk: Any, portrait: Path, clip: Path) -> None:
    page = Page(desk)
    urls = (desk.upload(portrait), desk.upload(clip))
    desk.wait(desk.wan(*urls))
    (task,) = page.state["tasks"]["rows"]
    page.ask("/clock", "POST", {"seconds": 50 * 3600})
    desk.template("https://example.com/x.mp4")  # what has run out goes with the next submit
    gone = page.answer(f"/films/{task['film']}")
    assert (gone.status_code, "gone" in gone.json()["detail"]) == (404, True)
    assert page.state["uploads"]["rows"] == []


def test_shows_why_a_task_failed(desk: Any) -> None:
    desk.emulator.faults.add(TaskFails(message="<b>no</b>"))
    desk.wait(desk.template("https://example.com/x.mp4"))
    (task,) = Page(desk).state["tasks"]["rows"]
    assert (task["code"], task["message"]) == ("InternalError.Algo", "<b>no</b>")


def test_shows_requests_newest_first_and_each_whole(desk: Any) -> None:
    page = Page(desk)
    desk.get("/tasks")
    desk.template("https://example.com/x.mp4")
    rows = page.state["requests"]["rows"]
    assert [(row["number"], row["operation"]) for row in rows] == [(1, "template"), (0, "list")]
    whole = page.ask("/requests/1")
    assert whole["headers"]["authorization"] == "Bearer ***"
    assert '"video_url": "https://example.com/x.mp4"' in whole["body"]
    assert page.answer("/requests/2").status_code == 404


def test_shows_no_more_than_can_be_read(page: Page) -> None:
    for _ in range(70):
        httpx.get(page.emulator.base_url)
    requests = page.state["requests"]
    assert (requests["total"], len(requests["rows"])) == (70, 60)
    assert requests["rows"][0]["number"] == 69


def test_shows_a_leak(desk: Any) -> None:
    desk.http.get(desk.emulator.root_url + "/results/film.mp4")
    state = Page(desk).state
    assert (state["leaks"], state["requests"]["rows"][0]["leak"]) == (1, True)


def test_shows_the_faults_of_a_program_too(page: Page) -> None:
    page.emulator.faults.add(Throttle(on="query", times=3, retry_after_s=2))
    page.emulator.faults.add(TaskStalls(), ServerFault(for_s=600, status=502))
    assert page.state["faults"] == [
        {"kind": "Throttle", "says": "on query, retry_after_s 2, 3 times", "hits": 0},
        {"kind": "TaskStalls", "says": "once", "hits": 0},
        {"kind": "ServerFault", "says": "status 502, for 600 s", "hits": 0},
    ]


def test_nothing_of_it_is_a_request_to_the_service(page: Page) -> None:
    page.emulator.faults.add(ServerFault(for_s=math.inf), Throttle(for_s=math.inf))
    page.ask("/catalogue")
    before = page.state
    assert page.state["requests"] == before["requests"] == {"total": 0, "rows": []}
    assert [fault["hits"] for fault in page.state["faults"]] == [0, 0]


@pytest.mark.anyio
async def test_is_there_without_a_socket(desk: Any) -> None:
    async with httpx.AsyncClient(transport=desk.emulator.transport()) as http:
        answer = await http.get(f"{desk.emulator.root_url}{PAGE}/state")
    assert answer.json()["tasks"]["total"] == 0


# ── what it changes ──────────────────────────────────────────────────────────────────────


def test_switches_a_fault_on_and_off(page: Page) -> None:
    faults = page.emulator.faults
    state = page.ask("/faults/Throttle", "PUT", {"on": ["query"], "for_s": "inf"})
    on: tuple[Operation] = ("query",)
    assert list(faults) == [Throttle(on=on, for_s=math.inf)]
    assert state["faults"][0]["says"] == "on query, until switched off"
    page.ask("/faults/Throttle", "PUT", {"times": 2})
    page.ask("/faults/TaskStalls", "PUT", {})
    assert list(faults) == [Throttle(times=2), TaskStalls()]
    page.ask("/faults/Throttle", "DELETE")
    assert list(faults) == [TaskStalls()]
    page.ask("/faults", "DELETE")
    assert list(faults) == []


def test_a_fault_switched_on_strikes(desk: Any) -> None:
    page = Page(desk)
    page.ask("/faults/ServerFault", "PUT", {"status": 502, "for_s": "inf"})
    assert [desk.get("/tasks").status_code for _ in range(2)] == [502, 502]
    (fault,) = page.state["faults"]
    assert fault["hits"] == 2


def test_turns_the_clock(still_page: Page) -> None:
    before = still_page.state
    after = still_page.ask("/clock", "POST", {"seconds": 3600})
    assert after["now"] - before["now"] == pytest.approx(3600)
    assert after["ahead_s"] == pytest.approx(3600, abs=60)


def test_sets_how_long_tasks_take(still_page: Page) -> None:
    still_page.ask("/pace", "PUT", {"queue_s": 5, "run_s": 7.5})
    assert (still_page.emulator.queue_s, still_page.emulator.run_s) == (5, 7.5)


def test_tasks_may_take_for_ever(page: Page) -> None:
    page.emulator.run_s = math.inf
    assert page.state["run_s"] is None


def test_forgets_requests(desk: Any) -> None:
    desk.get("/tasks")
    assert Page(desk).ask("/requests", "DELETE")["requests"]["total"] == 0


@pytest.mark.parametrize(
    ("path", "method", "body", "status", "says"),
    [
        pytest.param("/clock", "POST", {"seconds": -1}, 422, "seconds: ", id="back in time"),
        pytest.param("/clock", "POST", {"seconds": "NaN"}, 422, "seconds: ", id="no time"),
        pytest.param("/clock", "POST", [], 422, "", id="no object"),
        pytest.param("/pace", "PUT", {"queue_s": 1}, 422, "run_s: ", id="half of it"),
        pytest.param("/faults/Throttle", "PUT", {"times": 0}, 422, "times: ", id="never"),
        pytest.param("/faults/Throttle", "PUT", "x", 422, "", id="no options"),
        pytest.param("/faults/Flood", "PUT", {}, 404, "no such fault", id="no such fault"),
        pytest.param("/faults/Fault", "DELETE", {}, 404, "no such fault", id="every fault"),
        pytest.param("/elsewhere", "GET", None, 404, "Not Found", id="nothing there"),
    ],
)
def test_refuses_what_makes_no_sense(
    page: Page, path: str, method: str, body: Any, status: int, says: str
) -> None:
    answer = page.answer(path, method, body)
    assert answer.status_code == status
    assert says in answer.json()["detail"]
