"""What is known of a task, told from answers and from rows of the list."""

import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashscope_aa._waiting.timeline import TaskState, Timeline
from dashscope_aa.models import TaskListItem, TaskResponse, TaskStatus

BEGAN = datetime(2026, 11, 21, 9, 0, 0, tzinfo=UTC)


def answer(status: str, **output: Any) -> TaskResponse:
    said = {"request_id": f"r-{status}", "output": {"task_id": "t", "task_status": status}}
    said["output"] |= output  # type: ignore[operator] # the other one is a text
    return TaskResponse.model_validate(said)


def row(status: str) -> TaskListItem:
    return TaskListItem.model_validate(
        {"task_id": "t", "status": status, "gmt_create": 1763700000000, "start_time": None}
    )


def after(*statuses: str, every_s: float = 10) -> Timeline:
    timeline = Timeline(grace=2)
    for number, status in enumerate(statuses):
        timeline.learn(answer(status), seen_at=BEGAN + number * timedelta(seconds=every_s))
    return timeline


@pytest.mark.parametrize(
    ("statuses", "shown", "done", "lost"),
    [
        pytest.param([], [], False, False, id="nothing yet"),
        pytest.param(["PENDING"], ["PENDING"], False, False, id="queued"),
        pytest.param(["PENDING", "PENDING"], ["PENDING"], False, False, id="the same again"),
        pytest.param(["RUNNING", "PENDING"], ["RUNNING", "PENDING"], False, False, id="back"),
        pytest.param(["X", "SUCCEEDED"], ["X", "SUCCEEDED"], True, False, id="ended"),
        pytest.param(["FAILED", "RUNNING"], ["FAILED"], True, False, id="nothing after the end"),
        pytest.param(["UNKNOWN"] * 2, [], False, False, id="within the grace"),
        pytest.param(["UNKNOWN"] * 3, [], True, True, id="beyond it"),
        pytest.param(
            ["UNKNOWN", "UNKNOWN", "RUNNING", "UNKNOWN"], ["RUNNING"], False, False, id="came back"
        ),
        pytest.param(["CANCELED", *["UNKNOWN"] * 9], ["CANCELED"], True, False, id="forgotten"),
    ],
)
def test_learn(statuses: list[str], shown: list[str], *, done: bool, lost: bool) -> None:
    timeline = after(*statuses)
    assert [state.status for state in timeline.history] == shown
    assert timeline.status == (shown[-1] if shown else "UNKNOWN")
    assert (timeline.done, timeline.lost) == (done, lost)


def test_answers_are_given_as_they_came() -> None:
    response = answer("RUNNING", submit_time="2026-11-21 17:00:00.105", anything=[1, {"a": None}])
    timeline = Timeline(grace=0)
    assert timeline.response is None
    timeline.learn(response, seen_at=BEGAN)
    assert timeline.response == response
    assert timeline.history[0].response == response
    assert timeline.request_id == "r-RUNNING"
    state: TaskState = pickle.loads(pickle.dumps(timeline.history[0]))  # noqa: S301 - our own bytes
    assert state == timeline.history[0]
    assert "anything" not in repr(state)


@pytest.mark.parametrize(
    ("known", "said", "news"),
    [
        pytest.param([], "PENDING", True, id="first sight, queued"),
        pytest.param([], "RUNNING", True, id="first sight, at work"),
        pytest.param(["PENDING"], "PENDING", False, id="still queued"),
        pytest.param(["PENDING"], "RUNNING", True, id="begun"),
        pytest.param(["RUNNING"], "RUNNING", False, id="still at work"),
        pytest.param(["RUNNING"], "PENDING", False, id="an old row"),
        pytest.param(["PRE-PROCESSING"], "RUNNING", False, id="a stage the list does not know"),
        pytest.param(["UNKNOWN"], "RUNNING", True, id="known after all"),
    ],
)
def test_rows(known: list[str], said: str, *, news: bool) -> None:
    timeline = after(*known)
    response = timeline.learn_row(row(said), request_id="r-list")
    assert timeline.request_id == "r-list"
    assert (response is not None) is news
    if response is not None:
        assert timeline.is_news(response)
        assert response.output.task_status == said
        assert response.output.submit_time is not None
        assert response.output.scheduled_time is None


def test_row_makes_up_for_unknowns() -> None:
    timeline = after("RUNNING", "UNKNOWN", "UNKNOWN")
    timeline.learn_row(row("RUNNING"), request_id=None)
    timeline.learn(answer("UNKNOWN"), seen_at=BEGAN)
    assert not timeline.lost


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        pytest.param([], "no status was ever seen", id="nothing seen"),
        pytest.param(
            ["PENDING", "RUNNING", "POST-PROCESSING"],
            "PENDING at 09:00:00Z for 10 s, RUNNING at 09:00:10Z for 10 s, POST-PROCESSING at "
            "09:00:20Z for 20 s; 25% of the time queued, 75% at work",
            id="the whole way",
        ),
        pytest.param(
            ["PENDING"],
            "PENDING at 09:00:00Z for 40 s; 100% of the time queued, 0% at work",
            id="queued all along",
        ),
    ],
)
def test_told(statuses: list[str], said: str) -> None:
    assert after(*statuses).told(BEGAN + timedelta(seconds=40)) == said


def test_told_at_once() -> None:
    assert after("PENDING").told(BEGAN).endswith("100% of the time queued, 0% at work")
    assert after("RUNNING").told(BEGAN).endswith("0% of the time queued, 100% at work")
    assert after("RUNNING").status is TaskStatus.RUNNING
