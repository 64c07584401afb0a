"""Tasks over HTTP: their way, their times, lists, cancelling, and being forgotten."""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dashscope_aa.emulator import Clock, LateFieldRequired, OddStatus, TaskFails, TaskStalls

UNKNOWN = "UNKNOWN"


def task_id_of(answer: Any) -> str:
    assert answer.status_code == 200, answer.text
    task_id: str = answer.json()["output"]["task_id"]
    return task_id


def worked_off(desk: Any) -> None:
    """Wait until the work behind every task is done, which the clock knows nothing of."""
    deadline = time.monotonic() + 30
    while desk.emulator._service._jobs:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def submit_template(desk: Any, clip: Path) -> str:
    return task_id_of(desk.template(desk.emulator.host_file(clip)))


def status_of(desk: Any, task_id: str) -> str:
    status: str = desk.query(task_id)["output"]["task_status"]
    return status


# ── one task ─────────────────────────────────────────────────────────────────────────────


def test_a_submit_is_answered_by_a_pending_task(desk: Any, clip: Path) -> None:
    answer = desk.template(desk.emulator.host_file(clip)).json()
    assert set(answer) == {"request_id", "output"}
    assert set(answer["output"]) == {"task_id", "task_status"}
    assert answer["output"]["task_status"] == "PENDING"


def test_times_and_metrics_along_the_way(open_desk: Callable[..., Any], clip: Path) -> None:
    desk = open_desk(clock=Clock(ticking=False), queue_s=5, run_s=10)
    task_id = submit_template(desk, clip)
    worked_off(desk)
    pending = desk.query(task_id)["output"]
    assert pending["task_status"] == "PENDING"
    assert "scheduled_time" not in pending
    desk.emulator.clock.advance(5)
    running = desk.query(task_id)["output"]
    assert running["task_status"] == "RUNNING"
    assert "end_time" not in running
    assert running["task_metrics"] == {"TOTAL": 1, "SUCCEEDED": 0, "FAILED": 0}
    desk.emulator.clock.advance(10)
    ended = desk.query(task_id)["output"]
    assert ended["task_status"] == "SUCCEEDED"
    assert ended["task_metrics"] == {"TOTAL": 1, "SUCCEEDED": 1, "FAILED": 0}
    names = ("submit_time", "scheduled_time", "end_time")
    submitted, scheduled, end = (datetime.fromisoformat(ended[name]) for name in names)
    assert scheduled - submitted == timedelta(seconds=5)
    assert end - scheduled == timedelta(seconds=10)
    beijing = datetime.fromtimestamp(desk.emulator.clock.now(), UTC) + timedelta(hours=8)
    assert abs(beijing.replace(tzinfo=None) - end) < timedelta(seconds=1)


def test_generation_shows_every_stage(still_desk: Any, clip: Path, portrait: Path) -> None:
    host, clock = still_desk.emulator.host_file, still_desk.emulator.clock
    template = submit_template(still_desk, clip)
    worked_off(still_desk)
    clock.advance(10)
    template_id = still_desk.query(template)["output"]["template_id"]
    task_id = task_id_of(still_desk.synthesis(host(portrait), template_id))
    worked_off(still_desk)
    seen = []
    for _ in range(11):
        seen.append(status_of(still_desk, task_id))
        clock.advance(1)
    stages = ["PRE-PROCESSING", *["RUNNING"] * 8, "POST-PROCESSING", "SUCCEEDED"]
    assert seen == stages


def test_one_runs_and_the_next_waits(still_desk: Any, clip: Path) -> None:
    first, second = (submit_template(still_desk, clip) for _ in range(2))
    worked_off(still_desk)
    assert (status_of(still_desk, first), status_of(still_desk, second)) == ("RUNNING", "PENDING")
    still_desk.emulator.clock.advance(10)
    assert (status_of(still_desk, first), status_of(still_desk, second)) == ("SUCCEEDED", "RUNNING")


def test_a_day_later_it_is_unknown(still_desk: Any, clip: Path) -> None:
    task_id = submit_template(still_desk, clip)
    worked_off(still_desk)
    still_desk.emulator.clock.advance(10)
    assert status_of(still_desk, task_id) == "SUCCEEDED"
    still_desk.emulator.clock.advance(hours=24)
    answer = still_desk.query(task_id)
    assert answer["output"] == {"task_id": task_id, "task_status": UNKNOWN}
    assert "usage" not in answer
    assert still_desk.get("/tasks").json()["total"] == 0


def test_unknown_is_what_never_was(desk: Any) -> None:
    assert desk.query("1111")["output"] == {"task_id": "1111", "task_status": UNKNOWN}


def test_tasks_of_others_are_unknown(desk: Any, second_desk: Any, clip: Path) -> None:
    task_id = submit_template(desk, clip)
    assert status_of(second_desk, task_id) == UNKNOWN
    assert second_desk.get("/tasks").json()["total"] == 0
    assert second_desk.post(f"/tasks/{task_id}/cancel").status_code == 400


# ── faults ───────────────────────────────────────────────────────────────────────────────


def test_a_task_may_fail(desk: Any, clip: Path) -> None:
    desk.emulator.faults.add(TaskFails(code="DataInspectionFailed", message="No."))
    answer = desk.wait(desk.template(desk.emulator.host_file(clip)))
    output = answer["output"]
    assert (output["task_status"], output["code"], output["message"]) == (
        "FAILED",
        "DataInspectionFailed",
        "No.",
    )
    assert output["task_metrics"]["FAILED"] == 1
    assert "usage" not in answer


def test_a_task_may_miss_a_field_late(desk: Any, clip: Path) -> None:
    desk.emulator.faults.add(LateFieldRequired(field="input.prompt"))
    output = desk.wait(desk.template(desk.emulator.host_file(clip)))["output"]
    assert (output["code"], output["message"]) == (
        "InvalidParameter",
        "Field required: input.prompt",
    )


def test_missing_fields_may_be_found_late(open_desk: Callable[..., Any]) -> None:
    desk = open_desk(late_field_errors=True)
    output = desk.wait(desk.template(""))["output"]
    assert (output["code"], output["message"]) == (
        "InvalidParameter",
        "Field required: input.video_url",
    )


def test_a_stalled_task_dies_after_three_hours(still_desk: Any, clip: Path) -> None:
    still_desk.emulator.faults.add(TaskStalls())
    task_id = submit_template(still_desk, clip)
    still_desk.emulator.clock.advance(hours=2.9)
    assert status_of(still_desk, task_id) == "RUNNING"
    still_desk.emulator.clock.advance(hours=0.1)
    output = still_desk.query(task_id)["output"]
    assert (output["task_status"], output["code"]) == ("FAILED", "InternalError.Timeout")


@pytest.mark.parametrize("word", ["SUSPENDED", "UNKNOWN", "DREAMING"])
def test_a_query_may_show_any_word(desk: Any, clip: Path, word: str) -> None:
    task_id = submit_template(desk, clip)
    desk.emulator.faults.add(OddStatus(word=word, times=2))
    seen = [status_of(desk, task_id) for _ in range(3)]
    assert seen[:2] == [word, word]
    assert seen[2] in {"PENDING", "RUNNING", "SUCCEEDED"}


# ── cancelling ───────────────────────────────────────────────────────────────────────────


def test_a_pending_task_can_be_cancelled(still_desk: Any, clip: Path) -> None:
    still_desk.emulator.queue_s = 60
    task_id = submit_template(still_desk, clip)
    answer = still_desk.post(f"/tasks/{task_id}/cancel/")
    assert answer.status_code == 200
    assert set(answer.json()) == {"request_id"}
    output = still_desk.query(task_id)["output"]
    assert output["task_status"] == "CANCELED"
    assert "end_time" in output


def test_a_running_task_cannot_be_cancelled(still_desk: Any, clip: Path) -> None:
    task_id = submit_template(still_desk, clip)
    answer = still_desk.post(f"/tasks/{task_id}/cancel")
    assert answer.status_code == 400
    assert answer.json()["code"] == "UnsupportedOperation"
    assert "PENDING" in answer.json()["message"]


# ── lists ────────────────────────────────────────────────────────────────────────────────

MANY = 25


@pytest.fixture
def many_desk(still_desk: Any) -> Any:
    """A client with 25 tasks: each a second after the one before, every fifth a mix."""
    still_desk.emulator.faults.add(TaskStalls(for_s=math.inf))
    for number in range(MANY):
        kind = "mix" if number % 5 == 0 else "move"
        url = "https://example.com/"
        task_id_of(still_desk.wan(f"{url}{number}.jpg", f"{url}{number}.mp4", kind=kind))
        still_desk.emulator.clock.advance(1)
    return still_desk


def test_a_list_stands_at_the_top_level(many_desk: Any) -> None:
    page = many_desk.get("/tasks").json()
    assert set(page) == {"request_id", "total", "data", "total_page", "page_no", "page_size"}
    assert [page[name] for name in ("total", "total_page", "page_no", "page_size")] == [
        25,
        3,
        1,
        10,
    ]
    newest = page["data"][0]
    assert newest["task_id"] == many_desk.emulator.tasks[-1].id
    assert newest["region"] == "cn-beijing"
    assert newest["status"] == "PENDING"
    assert newest["user_api_unique_key"] == (
        "apikey:v1:aigc:image2video:video-synthesis:wan2.2-animate-move"
    )
    assert isinstance(newest["gmt_create"], int)


def test_pages_make_up_the_whole(many_desk: Any) -> None:
    pages = [many_desk.get("/tasks/", page_no=number).json()["data"] for number in range(1, 5)]
    assert [len(page) for page in pages] == [10, 10, 5, 0]
    listed = [row["task_id"] for page in pages for row in page]
    assert listed == [view.id for view in reversed(many_desk.emulator.tasks)]


def test_a_running_task_has_begun_but_not_ended(many_desk: Any) -> None:
    rows = many_desk.get("/tasks", status="RUNNING").json()["data"]
    assert {row["model_name"] for row in rows} == {"wan2.2-animate-move", "wan2.2-animate-mix"}
    assert all("start_time" in row and "end_time" not in row for row in rows)


def test_pages_may_be_smaller_than_asked_for(many_desk: Any) -> None:
    assert len(many_desk.get("/tasks", page_size=20).json()["data"]) == 20
    many_desk.emulator.page_size_max = 5
    page = many_desk.get("/tasks", page_size=20).json()
    assert (len(page["data"]), page["page_size"], page["total_page"]) == (5, 5, 5)


def test_lists_are_filtered(many_desk: Any) -> None:
    def total(**query: str) -> int:
        count: int = many_desk.get("/tasks", **query).json()["total"]
        return count

    one = many_desk.emulator.tasks[3].id
    row = many_desk.get("/tasks", task_id=one).json()["data"][0]
    assert total(task_id=one) == 1
    assert total(model_name="wan2.2-animate-mix") == 5
    assert total(status="RUNNING") == 2
    assert total(status="PENDING") == MANY - 2
    assert total(region="cn-beijing", api_key_id=row["api_key_id"]) == MANY
    assert total(region="ap-southeast-1") == 0
    assert total(api_key_id="nobody") == 0


def beijing(moment_s: float) -> str:
    moment = datetime.fromtimestamp(moment_s, UTC) + timedelta(hours=8)
    return moment.strftime("%Y%m%d%H%M%S")


def test_lists_have_a_span(many_desk: Any) -> None:
    now = many_desk.emulator.clock.now()
    span = {"start_time": beijing(now - 10), "end_time": beijing(now)}
    assert 9 <= many_desk.get("/tasks", **span).json()["total"] <= 11
    assert many_desk.get("/tasks", end_time=beijing(now - 60)).json()["total"] == 0
    assert many_desk.get("/tasks", start_time=beijing(now - 60)).json()["total"] == MANY


@pytest.mark.parametrize(
    ("query", "named"),
    [
        pytest.param(
            {"start_time": "20260101000000", "end_time": "20260102000001"},
            "start_time, end_time",
            id="more than a day",
        ),
        pytest.param(
            {"start_time": "20260102000000", "end_time": "20260101000000"},
            "start_time, end_time",
            id="the wrong way round",
        ),
        pytest.param({"start_time": "yesterday"}, "start_time", id="no time"),
        pytest.param({"page_no": "0"}, "page_no", id="page zero"),
        pytest.param({"page_size": "-1"}, "page_size", id="negative page size"),
        pytest.param({"page_size": "ten"}, "page_size", id="page size in words"),
    ],
)
def test_lists_that_are_refused(desk: Any, query: dict[str, str], named: str) -> None:
    answer = desk.get("/tasks", **query)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")
    assert f"({named})" in answer.json()["message"]
